"""The steps of a valuation: what is read, each run's cuts, ranks and calls, votes, and notes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int64, UInt64

from pryproof.attacks import ATTACKS, threshold
from pryproof.attacks.attack import Thresholds
from pryproof.attacks.evidence import evidence as evidence_of
from pryproof.attacks.needed import signal
from pryproof.checks import ConfigurationError, DataError
from pryproof.data.outputs import as_arrays, read_outputs
from pryproof.pipeline.margins import MARGINS, Said, unseen_margin
from pryproof.records import Evidence
from pryproof.valuation.means import mean_over_runs
from pryproof.valuation.ranks import Keys, Ties, keys_of_rows, rank_row, ranks
from pryproof.valuation.votes import Votes, vote, vote_by_score

SIGNALS = {"modified_entropy": "log_mentropy", "confidence": "phi"}  # by attack
ATTACKS_SHOWN = ("lira", "rmia")
FITTED_AT_ONCE = 1 << 22  # samples of all runs whose cuts are found in one pass
LEAST_RUNS = 2  # that must have trained on a sample for it to have a verdict

Table = Float[np.ndarray, "runs samples"]


@dataclass(frozen=True, kw_only=True)
class Vote:
    """How runs become verdicts (see ``valuation.votes``)."""

    margin: str = "signed"
    rule: str = "unanimous"
    at_least: int | None = None
    share: float = 0.5
    minimum: float = 0.1
    by_class: bool = False


Rows = Iterable[Float[np.ndarray, " samples"]]


def own_ranks(
    row: Callable[[int], Float[np.ndarray, " samples"]],
    inside: Bool[np.ndarray, "runs samples"],
    labels: Int64[np.ndarray, " samples"] | None,
    *,
    content: Callable[[], Rows],
    seed: int,
) -> Int64[np.ndarray, "runs samples"]:
    """Rank each run's own samples, 1 = safest; 0 = the run did not train on it.

    ``row`` gives a run's margins. ``labels`` are given to rank within classes; ``content`` gives
    rows that tell apart what ties, and is asked for only then.

    >>> one_run, trained = np.array([[0.3, 0.1, 0.2]]), np.array([[True, False, True]])
    >>> own_ranks(lambda run: one_run[run], trained, None, content=lambda: one_run, seed=0)
    array([[2, 0, 1]])
    """
    runs, samples = inside.shape
    shared = Ties(lambda: _keys(lambda: map(row, range(runs)), content, samples, seed), seed=seed)
    everyone = bool(inside.all())
    found = np.zeros(inside.shape, dtype=np.int64)
    for run, here in enumerate(inside):
        if everyone:
            found[run] = rank_row(row(run), run, shared, labels=labels)
            continue
        some = None if labels is None else labels[here]
        own = row(run)[here]
        found[run, here] = rank_row(own, 0, _own_ties(own, here, content, seed), labels=some)
    return found


def _own_ties(
    own: Float[np.ndarray, " own"],
    here: Bool[np.ndarray, " samples"],
    content: Callable[[], Rows],
    seed: int,
) -> Ties:
    """Return what breaks the ties of one run on the samples it trained on."""
    told = lambda: (row[here] for row in content())  # noqa: E731 - asked for twice, if at all
    return Ties(lambda: _keys(lambda: own[None], told, len(own), seed), seed=seed)


def _keys(rows: Callable[[], Rows], content: Callable[[], Rows], samples: int, seed: int) -> Keys:
    sample_keys, run_keys = keys_of_rows(rows, samples=samples, seed=seed)
    return sample_keys ^ keys_of_rows(content, samples=samples, seed=seed)[0], run_keys


def cast(
    how: Vote,
    order: Int64[np.ndarray, "runs valued"],
    scores: Float[np.ndarray, "_ valued"] | None,
) -> Votes:
    """Vote by ranks, or for the rule "risk_score" by the scores themselves (NaN = no vote)."""
    if how.rule != "risk_score":
        return vote(
            order, rule=how.rule, at_least=how.at_least, share=how.share, minimum=how.minimum
        )
    if how.margin != "risk_score" or scores is None:
        raise ConfigurationError(
            "E044",
            f"the rule risk_score reads probabilities, got the margin {how.margin!r}",
            fix="Choose the margin risk_score too.",
        )
    counted = vote(order, rule="mean_rank", share=how.share)
    return replace(counted, verdict=vote_by_score(scores), rule="risk_score")


def read_arrays(given: object) -> tuple[dict[str, Any], str]:
    """Return named arrays, and the name of the file they are from, if any."""
    if isinstance(given, str | PathLike):
        return dict(read_outputs(Path(given))), Path(given).name
    return dict(given if isinstance(given, Mapping) else as_arrays(given)), ""


def pop_ids(arrays: dict[str, Any], ids: Sequence[str] | None) -> Sequence[str] | None:
    """Take the array ``ids`` out; it names the samples where nobody else does."""
    named = arrays.pop("ids", None)
    if ids is None and named is not None:
        return [str(name) for name in np.asarray(named).tolist()]
    return ids


def checked(arrays: Mapping[str, Any], name: str) -> Evidence:
    """Return arrays as evidence; what is wrong with them is said with the file's name."""
    try:
        return evidence_of(arrays)
    except DataError as error:
        if not name or name in error.where:
            raise
        where = ", ".join(filter(None, [name, error.where]))
        code = error.code.removeprefix("PRYPROOF-")
        raise DataError(code, error.what, where=where, fix=error.fix) from error


def names_of(ids: Sequence[str] | None, samples: int) -> list[str]:
    """Return the samples' ids, their numbers if nobody named them."""
    if ids is None:
        return [str(place) for place in range(samples)]
    names = [str(name) for name in ids]
    if len(names) != samples:
        raise DataError(
            "E028",
            f"there must be {samples} ids, one a sample, got {len(names)}",
            where="ids",
            fix="Give the ids in the order of the samples.",
        )
    met: dict[str, int] = {}
    for place, name in enumerate(names):
        if name in met:
            raise DataError(
                "E056",
                f"the id {name!r} stands for samples {met[name]} and {place}",
                where=f"ids, sample {place}",
                fix="Name every sample once, or drop the repeated row.",
            )
        met[name] = place
    return names


def labels_of(seen: Evidence) -> Int64[np.ndarray, " samples"]:
    """Return the classes; without labels all are one."""
    if seen.labels is not None:
        return seen.labels
    return np.zeros(seen.member.shape[1], dtype=np.int64)


def valued_of(member: Bool[np.ndarray, "runs samples"]) -> Bool[np.ndarray, " samples"]:
    """Mark the samples that enough runs trained on."""
    valued = np.asarray(member.sum(axis=0) >= LEAST_RUNS)
    if not valued.any():
        raise DataError(
            "E045",
            f"no sample was in the training set of {LEAST_RUNS} runs: nothing can be voted on",
            fix="Give outputs of more runs, and say in member which samples each trained on.",
        )
    return valued


def scores_of(seen: Evidence) -> tuple[str, Table]:
    """Return the attack that the outputs allow and its scores, higher = member."""
    attack = next((name for name, needs in SIGNALS.items() if needs in seen.signals), "confidence")
    said = signal(seen, SIGNALS[attack], attack=attack).mean(axis=1)
    scores = -said if attack == "modified_entropy" else said
    broken = np.argwhere(~np.isfinite(scores))
    if broken.size:
        run, sample = broken[0]
        raise DataError(
            "E056",
            f"{attack} must be finite to be valued, {len(broken)} of {scores.size} values are not",
            where=f"run {run}, sample {sample}",
            fix="Give logits: a probability that was rounded to 0 or 1 has no finite margin.",
        )
    return attack, scores


def cuts_of(
    row: Callable[[int], Float[np.ndarray, " samples"]],
    inside: Bool[np.ndarray, "runs samples"],
    labels: Int64[np.ndarray, " samples"],
    run_keys: UInt64[np.ndarray, " runs"],
) -> dict[int, Thresholds]:
    """Return every run's cuts, fitted on its members and non-members; ``row`` gives its scores.

    A run without members borrows the cuts of a run that has some, in turn, by the runs' keys.
    """
    fit_here = np.flatnonzero(inside.any(axis=1) & ~inside.all(axis=1))
    if not fit_here.size:
        raise DataError(
            "E045",
            "no run has both members and non-members among the samples: no cut can be fitted",
            fix="Add samples that the runs did not train on, marked 0 in member.",
        )
    classes = int(labels.max(initial=0)) + 1
    fit_here = fit_here[np.argsort(run_keys[fit_here], kind="stable")]
    at_once = max(1, FITTED_AT_ONCE // len(labels))
    fitted: list[Thresholds] = []
    for at in range(0, len(fit_here), at_once):
        some = fit_here[at : at + at_once]
        rows = np.array([row(run) for run in some.tolist()])
        fitted += threshold.fit_runs(rows, labels, inside[some], classes=classes)
    found = dict(zip(fit_here.tolist(), fitted, strict=True))
    borrowing = [run for run in np.argsort(run_keys).tolist() if run not in found]
    return found | {run: fitted[turn % len(fitted)] for turn, run in enumerate(borrowing)}


def called(
    scores: Float[np.ndarray, " samples"],
    inside: Bool[np.ndarray, " samples"],
    labels: Int64[np.ndarray, " samples"],
    keys: UInt64[np.ndarray, " samples"],
    cuts: Thresholds,
) -> Bool[np.ndarray, " samples"]:
    """Return what a run's attack calls a member.

    Its members are called by the cut fitted on it (A2); its non-members by cuts fitted without
    their half.
    """
    found = threshold.reached(scores, labels, cuts)
    if inside.any() and not inside.all():
        _call_outsiders(found, scores, inside, labels, keys)
    return found


def _call_outsiders(
    called: Bool[np.ndarray, " samples"],
    scores: Float[np.ndarray, " samples"],
    inside: Bool[np.ndarray, " samples"],
    labels: Int64[np.ndarray, " samples"],
    keys: UInt64[np.ndarray, " samples"],
) -> None:
    """Decide on a run's non-members, each half of a class by cuts that know the other half."""
    outside = np.flatnonzero(~inside)
    half = np.zeros(len(labels), dtype=np.bool_)
    half[outside[np.lexsort((keys[outside], labels[outside]))[::2]]] = True
    for judged in (half, ~half & ~inside):
        known = ~judged
        if not (known & ~inside).any():
            continue
        apart = threshold.fit(
            scores[inside],
            labels[inside],
            scores[known & ~inside],
            labels[known & ~inside],
            classes=int(labels.max(initial=0)) + 1,
        )
        called[judged] = threshold.reached(scores[judged], labels[judged], apart)


def comparable(
    member: Bool[np.ndarray, "runs samples"], valued: Bool[np.ndarray, " samples"]
) -> bool:
    """Say whether every valued sample has a run that never saw it."""
    return bool((~member[:, valued]).any(axis=0).all())


def attack_scores(seen: Evidence) -> dict[str, Float[np.ndarray, " samples"]]:
    """Return each sample's mean score under the runs that trained on it; NaN = not measured."""
    found = {}
    targets = np.flatnonzero(seen.member.any(axis=1))
    for name in ATTACKS_SHOWN:
        empty = np.full(seen.member.shape[1], np.nan)
        try:
            attack = ATTACKS[name]
            scores = attack.score(seen, targets, reference=None, options=attack.options)
        except DataError:
            found[name] = empty
            continue
        found[name] = mean_over_runs(scores, seen.member[targets] & ~np.isnan(scores))
    return found


def notes_of(
    how: Vote,
    votes: Votes,
    valued: Bool[np.ndarray, " samples"],
    inside: Bool[np.ndarray, "runs samples"],
) -> list[str]:
    """Say what a reader of the verdicts must know."""
    said = [f"margin {how.margin}: {MARGINS[how.margin].meaning}"]
    if votes.rule != how.rule:
        said.append(
            f"rule {how.rule} left a domain under {how.minimum:.0%} of the samples: verdicts are "
            "by mean rank, a quarter safe and a quarter risky"
        )
    alone = int((inside.any(axis=0) & ~valued).sum())
    if alone:
        said.append(f"{alone} samples were in one run only: their verdict is not estimable")
    strangers = int((~inside[:, valued].any(axis=1)).sum())
    if MARGINS[how.margin].needs_unseen and strangers < len(inside) - strangers:
        said.append(
            "runs share their comparison with those that never saw the samples: its noise alone "
            "raises the overlap above chance"
        )
    if not comparable(inside, valued):
        said.append(
            "every run trained on these samples: difficulty is not told from exposure, which needs "
            "runs without them"
        )
    return said


def unseen_ranks(
    said: Said,
    valued: Bool[np.ndarray, " samples"],
    how: Vote,
    *,
    runs: int,
    seed: int,
) -> Int64[np.ndarray, "voters valued"] | None:
    """Rank the samples in runs that saw none of them: what difficulty alone makes of them."""
    strangers = np.flatnonzero(~said.member[:, valued].any(axis=1))
    strangers = strangers[: 2 * runs]  # more have no part
    margin = unseen_margin(how.margin, said.of_runs(strangers, valued), runs=runs)
    if margin is None:
        return None
    return ranks(margin, seed=seed, labels=said.labels[valued] if how.by_class else None)
