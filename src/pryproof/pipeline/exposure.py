"""What each verdict carries: how often an attack finds its members in runs that had no vote.

A run that voted would confirm its own noise. So every voting run (eight at most) is left out in
turn: the others vote as before, and the left-out run is attacked. Offline LiRA (Carlini et al.
2022) has the runs that never saw the samples as shadows; where there are not two of them, the run's
own score stands in, centred by class. Its cut lets at most a share ``fpr`` of the held-out samples
through, none of which any run trained on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int64

from pryproof.attacks.lira import lira_offline
from pryproof.checks import DataError
from pryproof.evaluation.estimates import not_estimable
from pryproof.evaluation.roc import allowed_false_positives, last_step, steps, threshold
from pryproof.intervals import wilson
from pryproof.pipeline.ballots import LEAST_RUNS, Table, Vote, cast, own_ranks
from pryproof.pipeline.margins import MARGINS, Said
from pryproof.records import Estimate
from pryproof.valuation.ranks import Keys, tie_keys
from pryproof.valuation.votes import RISKY, SAFE, VAGUE

FPRS = (0.01, 0.001)
WORDS = {"safe": SAFE, "vague": VAGUE, "risky": RISKY}
MOST_JUDGES = 8  # runs left out in turn
LEAST_VOTING = LEAST_RUNS + 1
LEAST_SHADOWS = 2
LIRA = "offline LiRA with runs that never saw the samples as shadows"
OWN = "the run's own score, centred by class: difficulty is in it"

Rates = Mapping[float, Mapping[str, Estimate]]
Places = Int64[np.ndarray, " _"]


@dataclass(frozen=True, kw_only=True)
class Case:
    """What was said, and how it was voted on; ``runs`` are the voting ones."""

    said: Said
    valued: Bool[np.ndarray, " samples"]
    runs: Int64[np.ndarray, " voting"]
    how: Vote
    seed: int
    keys: Keys | None = None  # of the confidences, where they are known


@dataclass(frozen=True, kw_only=True)
class Exposure:
    """True positive rates by false positive rate and verdict, and what they rest on.

    ``judges`` are the left-out runs by their number, ``by`` the attack. Where nothing could be
    judged, ``judges`` is empty and every estimate says why.
    """

    rates: Rates
    judges: tuple[int, ...] = ()
    by: str = ""


def unjudged(why: str) -> Exposure:
    """Return the exposure of which nothing is known; ``why`` is every estimate's method.

    >>> str(unjudged("no runs").rates[0.01]["risky"])
    'not estimable (no runs)'
    """
    return Exposure(rates=_frozen({fpr: dict.fromkeys(WORDS, not_estimable(why)) for fpr in FPRS}))


def judge(
    case: Case,
    ranks: Int64[np.ndarray, "voting valued"],
    margins: Float[np.ndarray, "voting samples"],
) -> Exposure:
    """Estimate the true positive rate among the members of each verdict, by runs without a vote.

    ``ranks`` and ``margins`` are those of the valuation. They are counted anew without the left-out
    run; a margin over other runs is also computed anew, on runs of which none serves the attack.
    The interval is about members, runs, and the cut, which rests on few held-out samples.
    """
    if len(case.runs) < LEAST_VOTING:
        return unjudged(
            f"to leave a run out of the vote takes {LEAST_VOTING} voting runs, got {len(case.runs)}"
        )
    said = case.said
    told = said.signed if said.phi is None else said.phi
    sample_keys, run_keys = case.keys or tie_keys(told, seed=0)
    by_content = np.argsort(run_keys, kind="stable")
    trained = np.asarray(said.member[:, case.valued].any(axis=1))
    strangers = by_content[~trained[by_content]]
    shared = MARGINS[case.how.margin].needs_unseen
    if shared and len(strangers) <= LEAST_SHADOWS:
        return unjudged(
            f"the margin {case.how.margin} and the judging attack each need runs of their own that "
            f"never saw the samples, {LEAST_SHADOWS + 1} in all, got {len(strangers)}"
        )
    kept = max(LEAST_SHADOWS, len(strangers) // 2) if shared else len(strangers)
    lira = len(strangers) >= LEAST_SHADOWS
    attack = _Attack(
        said=said,
        shadows=strangers[:kept] if lira else strangers[:0],
        held=_held_out(said, sample_keys, whole=lira),
    )
    judges = by_content[np.isin(by_content, case.runs)][:MOST_JUDGES]
    before = _Cast(ranks, margins, strangers[kept:])
    try:
        heard = [_heard(case, attack, int(run), before) for run in judges]
    except DataError as error:
        return unjudged(error.what)
    heard = [each for each in heard if each.places.size]
    if not heard:
        return unjudged("no left-out run trained on a sample that two others voted on")
    return Exposure(
        rates=_frozen({fpr: _rates(heard, fpr) for fpr in FPRS}),
        judges=tuple(sorted(each.run for each in heard)),
        by=LIRA if lira else OWN,
    )


def _frozen(rates: Mapping[float, Mapping[str, Estimate]]) -> Rates:
    return MappingProxyType({fpr: MappingProxyType(dict(each)) for fpr, each in rates.items()})


class _Held(NamedTuple):
    """Held-out samples: those that centre classes, and those that the false positives are among."""

    centre: Places
    judged: Places


def _held_out(said: Said, keys: np.ndarray, *, whole: bool) -> _Held:
    """Return the samples in no run; half of each class only centres, where the attack needs that.

    What a sample's own class centre rests on must not be judged by it. One class needs no centre.
    """
    held = np.flatnonzero(~said.member.any(axis=0))
    if whole or not said.labels.any():
        return _Held(held[:0], held)
    half = np.zeros(len(said.labels), dtype=np.bool_)
    half[held[np.lexsort((keys[held], said.labels[held]))[::2]]] = True
    return _Held(held[half[held]], held[~half[held]])


@dataclass(frozen=True, kw_only=True)
class _Attack:
    said: Said
    shadows: Places
    held: _Held

    def scores(self, run: int, members: Places) -> tuple[np.ndarray, np.ndarray]:
        """Return a left-out run's scores of its members, and of the held-out samples."""
        samples = np.concatenate([members, self.held.judged])
        rows = np.concatenate([[run], self.shadows])
        if self.shadows.size:
            values = self._values(rows, samples)
            inside = self.said.member[rows][:, samples]
            found = lira_offline(values, inside, np.arange(len(rows)))[0]
        else:
            found = self._values(rows, samples)[0] - self._centres(run)[self.said.labels[samples]]
        return found[: len(members)], found[len(members) :]

    def _values(self, rows: Places, samples: Places) -> Table:
        """Return confidences; without them the attack's scores."""
        said = self.said
        if said.phi is not None:
            return said.phi[np.ix_(rows, samples)]
        return said.signed[np.ix_(rows, samples)] + said.cut[np.ix_(rows, samples)]

    def _centres(self, run: int) -> Float[np.ndarray, " classes"]:
        """Return each class's median among held-out samples that are not judged; of all, if none.

        Unlike a cut it rests on no member, so that members and judged samples stand alike.
        """
        labels = self.said.labels
        if not self.held.centre.size:
            return np.zeros(int(labels.max(initial=0)) + 1)
        values = self._values(np.array([run]), self.held.centre)[0]
        centres = np.full(int(labels.max(initial=0)) + 1, np.median(values))
        here = labels[self.held.centre]
        for label in np.unique(here):
            centres[label] = np.median(values[here == label])
        return centres


class _Heard(NamedTuple):
    """What a left-out run says of its members, and what the others voted on these."""

    run: int
    places: Places  # of the members
    verdict: np.ndarray
    members: np.ndarray
    outsiders: np.ndarray


class _Cast(NamedTuple):
    """The ranks and margins of the valuation, and the strangers that a margin anew may rest on."""

    ranks: Int64[np.ndarray, "voting valued"]
    margins: Float[np.ndarray, "voting samples"]
    spare: Places


def _heard(case: Case, attack: _Attack, run: int, before: _Cast) -> _Heard:
    """Let the others vote, and attack the run that was left out."""
    others = case.runs[case.runs != run]
    inside = case.said.member[others]
    kept = case.valued & (inside.sum(axis=0) >= LEAST_RUNS)
    scores = None
    if MARGINS[case.how.margin].needs_unseen:
        order = _ranked(case, _anew(case, others, before.spare)[:, kept], inside[:, kept], kept)
    else:
        order = before.ranks[case.runs != run]
        if kept.sum() < case.valued.sum():
            order = _closed_up(order[:, kept[case.valued]])
    if case.how.rule == "risk_score":
        scores = np.where(inside, before.margins[case.runs != run], np.nan)[:, kept]
    how = case.how
    if how.at_least is not None:
        how = replace(how, at_least=min(how.at_least, len(others)))
    votes = cast(how, order, scores)
    judged = case.said.member[run][kept]
    places = np.flatnonzero(kept)[judged]
    members, outsiders = attack.scores(run, places)
    return _Heard(run, places, votes.verdict[judged], members, outsiders)


def _anew(case: Case, others: Places, spare: Places) -> Table:
    """Return the others' margins, in which only spare strangers have a part."""
    rows = np.concatenate([others, spare])
    samples = np.arange(len(case.valued))
    return MARGINS[case.how.margin].of(case.said.of_runs(rows, samples))[: len(others)]


def _ranked(
    case: Case, margin: Table, inside: Bool[np.ndarray, "runs samples"], kept: np.ndarray
) -> Int64[np.ndarray, "runs samples"]:
    labels = case.said.labels[kept]
    content = [*np.where(inside, margin, 0.0), labels.astype(np.float64)]
    return own_ranks(
        lambda run: margin[run],
        inside,
        labels if case.how.by_class else None,
        content=lambda: content,
        seed=case.seed,
    )


def _closed_up(order: Int64[np.ndarray, "runs kept"]) -> Int64[np.ndarray, "runs kept"]:
    """Renumber ranks from 1, where samples were left out of the vote; 0 stays 0."""
    found = np.zeros(order.shape, dtype=np.int64)
    for row, said in zip(found, order, strict=True):
        here = np.flatnonzero(said)
        row[here[np.argsort(said[here])]] = np.arange(1, len(here) + 1)
    return found


def _rates(heard: Sequence[_Heard], fpr: float) -> dict[str, Estimate]:
    """Pool the left-out runs: each has a cut of its own, and verdicts by the others."""
    try:
        allowed = allowed_false_positives(len(heard[0].outsiders), fpr)
    except DataError as error:
        return dict.fromkeys(WORDS, not_estimable(error.what))
    hits = [_hits(each, allowed) for each in heard]
    return {word: _rate(heard, hits, code, word) for word, code in WORDS.items()}


def _hits(heard: _Heard, allowed: int) -> Bool[np.ndarray, "4 members"]:
    """Mark members that reach the cut, the centre's, and a stricter and a laxer one.

    A cut that k of n held-out samples reach has a true rate of (k + 1) / (n + 1) on average: the
    interval's centre therefore allows one less (as in ``low_fpr``). The number above a cut is a
    count, so its spread is the square root: the last two lie one standard error to either side.
    """
    counts = steps(heard.members, heard.outsiders)
    most = len(heard.outsiders) - 1
    centre, error = max(allowed - 1, 0), np.sqrt(allowed)
    places = (allowed, centre, max(int(centre - error), 0), min(int(np.ceil(centre + error)), most))
    cuts = [threshold(counts, last_step(counts, at)) for at in places]
    return np.asarray(heard.members >= np.array(cuts)[:, None])


def _rate(heard: Sequence[_Heard], hits: Sequence[np.ndarray], code: int, word: str) -> Estimate:
    """Return the share of hits among the members of one verdict.

    As in ``evaluation.estimates``: variance over samples plus variance over runs, here of a ratio,
    because a sample may be of this verdict in some of the votes only; and that of the cut, taken to
    move all runs alike.
    """
    width = 1 + max(int(each.places.max()) for each in heard)
    found, counted, plain = np.zeros(width), np.zeros(width), 0.0
    by_run, moved = [], 0.0
    for each, reached in zip(heard, hits, strict=True):
        here = each.verdict == code
        found[each.places[here]] += reached[1, here]
        plain += reached[0, here].sum()
        counted[each.places[here]] += 1
        by_run.append((reached[1, here].sum(), here.sum()))
        moved += (reached[3, here].sum() - reached[2, here].sum()) / 2
    if not counted.any():
        return not_estimable(f"no member was voted {word}")
    of_runs = np.array([row for row in by_run if row[1]], dtype=np.float64).T
    outsiders = len(heard[0].outsiders)
    centred = _estimate(
        found[counted > 0],
        counted[counted > 0],
        of_runs,
        cut=(float(moved / counted.sum()) ** 2, outsiders),
        method=f"Wilson, variance over members, runs and cut; {outsiders} held-out samples",
    )
    value = float(plain / counted.sum())
    return replace(centred, value=value, low=min(value, centred.low), high=max(value, centred.high))


def _estimate(
    hits: Float[np.ndarray, " members"],
    counts: Float[np.ndarray, " members"],
    of_runs: Float[np.ndarray, "2 runs"],
    *,
    cut: tuple[float, int],
    method: str,
) -> Estimate:
    total, n, runs = counts.sum(), len(counts), of_runs.shape[1]
    value = float(hits.sum() / total)
    spread = _variance(hits, counts, value)
    if spread == 0:  # all alike: two successes and two failures added (Agresti and Coull)
        smoothed = (value * n + 2) / (n + 4)
        spread = smoothed * (1 - smoothed) / n
    parts = [(spread, n), (_variance(of_runs[0], of_runs[1], value), runs), cut]
    variance = sum(part for part, _ in parts)
    freedom = variance**2 / sum(part**2 / max(count - 1, 1) for part, count in parts)
    effective = value * (1 - value) / variance
    if not 0 < value < 1:  # no variance to go by: plain Wilson on the smaller side
        effective, freedom = min(n, cut[1]), np.inf
    low, high = wilson(value * effective, effective, freedom=freedom)
    return Estimate(value=value, low=float(low), high=float(high), n=n, runs=runs, method=method)


def _variance(hits: np.ndarray, counts: np.ndarray, value: float) -> float:
    """Return the variance of a ratio of sums over independent units; 0 from one unit."""
    n = len(counts)
    if n < LEAST_RUNS:
        return 0.0
    away = np.sort(hits - value * counts)  # a sum's last bits follow its order
    return float((away**2).sum() / counts.sum() ** 2 * n / (n - 1))
