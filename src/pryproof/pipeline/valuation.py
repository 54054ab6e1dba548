"""Value samples by what models said of them: outputs of any framework to verdicts, no training.

Runs that trained on a sample vote on it. Cuts are each run's own, members against non-members
(methods A2); the false positive rate of held-out samples comes from cuts fitted on the other half.
Runs that trained on none of the samples tell what difficulty alone would give.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int64, UInt64

from pryproof.attacks import ATTACKS, threshold
from pryproof.attacks.evidence import evidence as evidence_of
from pryproof.attacks.needed import signal
from pryproof.checks import ConfigurationError, DataError, known_name
from pryproof.data.outputs import as_arrays, read_outputs
from pryproof.pipeline.margins import MARGINS, Said, said_of, unseen_margin
from pryproof.pipeline.verdict_table import Columns, columns
from pryproof.pipeline.verdicts import Verdicts
from pryproof.records import Evidence
from pryproof.valuation.margin import finite_cuts
from pryproof.valuation.means import mean_over_runs
from pryproof.valuation.ranks import ranks, tie_keys
from pryproof.valuation.votes import Votes, vote, vote_by_score

SIGNALS = {"modified_entropy": "log_mentropy", "confidence": "phi"}  # by attack
LEAST_RUNS = 2  # that must have trained on a sample for it to have a verdict
ATTACKS_SHOWN = ("lira", "rmia")

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


def value(
    outputs: object,
    *,
    ids: Sequence[str] | None = None,
    how: Vote | None = None,
    seed: int = 0,
) -> Verdicts:
    """Value every sample that at least two of the runs trained on.

    ``outputs`` is a path (see ``data.outputs``), a mapping of arrays (see ``attacks.evidence``), or
    ``Evidence``; ``ids`` name the samples, left out: an array of that name in ``outputs``, or their
    numbers. ``how`` chooses margin and rule. Modified entropy is the attack; where the outputs
    have no logits or probabilities, confidence.

    >>> phi = [[4.0, 3.0, -1.0, 0.0], [5.0, 2.0, 0.0, -2.0]]
    >>> found = value({"phi": phi, "member": [[1, 1, 0, 0], [1, 1, 0, 0]]})
    >>> found.risky, found.safe
    (['0'], ['1'])
    """
    how = how or Vote()
    known_name(how.margin, MARGINS, kind="margin")
    seen, ids = _evidence(outputs, ids)
    names = _ids(ids, seen.member.shape[1])
    labels = _labels(seen)
    attack, scores = _scores(seen)
    called, cut = _calls(seen, scores, labels)
    signed = scores - cut
    said = said_of(seen, signed, cut, labels)
    margin = MARGINS[how.margin].of(said)
    inside, valued = seen.member, _valued(seen)
    runs = np.flatnonzero(inside[:, valued].any(axis=1))
    order = _ranks(
        margin[runs],
        inside[runs],
        valued,
        labels if how.by_class else None,
        content=np.vstack([scores, labels[None].astype(np.float64)]),
        seed=seed,
    )
    votes = _votes(how, order, np.where(inside, margin, np.nan)[runs][:, valued])
    made = Columns(
        ids=names,
        labels=seen.labels,
        member=seen.member,
        valued=valued,
        runs=runs,
        called=called,
        margin=margin,
        excess=MARGINS["excess"].of(said) if _comparable(seen, valued) else None,
        ranks=order,
        votes=votes,
        attacks=_attack_scores(seen),
    )
    return Verdicts(
        table=columns(made),
        ranks=order,
        unseen_ranks=_unseen_ranks(said, valued, how, runs=len(runs), seed=seed),
        margin=how.margin,
        attack=attack,
        rule=votes.rule,
        asked=how.rule,
        share=how.share,
        notes=tuple(_notes(how, votes, valued, inside, seen)),
    )


def _evidence(given: object, ids: Sequence[str] | None) -> tuple[Evidence, Sequence[str] | None]:
    """Return evidence and ids; an array ``ids`` among the outputs names the samples too."""
    if isinstance(given, Evidence):
        return given, ids
    path = Path(given) if isinstance(given, str | PathLike) else None
    arrays = dict(
        read_outputs(path) if path else given if isinstance(given, Mapping) else as_arrays(given)
    )
    named = arrays.pop("ids", None)
    if ids is None and named is not None:
        ids = [str(name) for name in np.asarray(named).tolist()]
    try:
        return evidence_of(arrays), ids
    except DataError as error:
        if path is None or path.name in error.where:
            raise
        where = ", ".join(filter(None, [path.name, error.where]))
        code = error.code.removeprefix("PRYPROOF-")
        raise DataError(code, error.what, where=where, fix=error.fix) from error


def _ids(ids: Sequence[str] | None, samples: int) -> list[str]:
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


def _labels(seen: Evidence) -> Int64[np.ndarray, " samples"]:
    if seen.labels is not None:
        return seen.labels
    return np.zeros(seen.member.shape[1], dtype=np.int64)


def _valued(seen: Evidence) -> Bool[np.ndarray, " samples"]:
    """Mark the samples that enough runs trained on."""
    valued = np.asarray(seen.member.sum(axis=0) >= LEAST_RUNS)
    if not valued.any():
        raise DataError(
            "E045",
            f"no sample was in the training set of {LEAST_RUNS} runs: nothing can be voted on",
            fix="Give outputs of more runs, and say in member which samples each trained on.",
        )
    return valued


def _scores(seen: Evidence) -> tuple[str, Table]:
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


def _calls(
    seen: Evidence, scores: Table, labels: Int64[np.ndarray, " samples"]
) -> tuple[Bool[np.ndarray, "runs samples"], Table]:
    """Return what each run's attack calls a member, and every sample's cut.

    A run's members are called by the cut fitted on it (A2); its non-members by cuts fitted without
    their half. A run without members borrows the cuts of a run that has some, in turn.
    """
    inside = seen.member
    fit_here = np.flatnonzero(inside.any(axis=1) & ~inside.all(axis=1))
    if not fit_here.size:
        raise DataError(
            "E045",
            "no run has both members and non-members among the samples: no cut can be fitted",
            fix="Add samples that the runs did not train on, marked 0 in member.",
        )
    classes = int(labels.max(initial=0)) + 1
    sample_keys, run_keys = tie_keys(np.vstack([scores, labels[None].astype(np.float64)]), seed=0)
    fit_here = fit_here[np.argsort(run_keys[fit_here], kind="stable")]
    fitted = threshold.fit_runs(scores[fit_here], labels, inside[fit_here], classes=classes)
    cuts_of = dict(zip(fit_here.tolist(), fitted, strict=True))
    borrowing = [run for run in np.argsort(run_keys[:-1]).tolist() if run not in cuts_of]
    for turn, run in enumerate(borrowing):
        cuts_of[run] = fitted[turn % len(fitted)]
    cut, called = np.empty(scores.shape), np.empty(scores.shape, dtype=np.bool_)
    for run, cuts in cuts_of.items():
        cut[run] = finite_cuts(cuts)[labels]
        called[run] = threshold.reached(scores[run], labels, cuts)
    for run in fit_here:
        _call_outsiders(called[run], scores[run], inside[run], labels, sample_keys)
    return called, cut


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


def _ranks(
    margin: Table,
    inside: Bool[np.ndarray, "runs samples"],
    valued: Bool[np.ndarray, " samples"],
    labels: Int64[np.ndarray, " samples"] | None,
    *,
    content: Float[np.ndarray, "anything samples"],
    seed: int,
) -> Int64[np.ndarray, "runs valued"]:
    """Rank each run's own samples; 0 = the run did not train on it."""
    margin, inside = margin[:, valued], inside[:, valued]
    classes = None if labels is None else labels[valued]
    if inside.all():
        return ranks(margin, seed=seed, labels=classes, content=content[:, valued])
    found = np.zeros(margin.shape, dtype=np.int64)
    for run, here in enumerate(inside):
        some = None if classes is None else classes[here]
        told = content[:, valued][:, here]
        found[run, here] = ranks(margin[run : run + 1, here], seed=seed, labels=some, content=told)[
            0
        ]
    return found


def _votes(how: Vote, order: Int64[np.ndarray, "runs valued"], margin: Table) -> Votes:
    """Vote by ranks, or for the rule "risk_score" by the scores themselves."""
    if how.rule != "risk_score":
        return vote(
            order, rule=how.rule, at_least=how.at_least, share=how.share, minimum=how.minimum
        )
    if how.margin != "risk_score":
        raise ConfigurationError(
            "E044",
            f"the rule risk_score reads probabilities, got the margin {how.margin!r}",
            fix="Choose the margin risk_score too.",
        )
    counted = vote(order, rule="mean_rank", share=how.share)
    return replace(counted, verdict=vote_by_score(margin), rule="risk_score")


def _comparable(seen: Evidence, valued: Bool[np.ndarray, " samples"]) -> bool:
    """Say whether every valued sample has a run that never saw it."""
    return bool((~seen.member[:, valued]).any(axis=0).all())


def _unseen_ranks(
    said: Said,
    valued: Bool[np.ndarray, " samples"],
    how: Vote,
    *,
    runs: int,
    seed: int,
) -> Int64[np.ndarray, "voters valued"] | None:
    """Rank the samples in runs that saw none of them: what difficulty alone makes of them."""
    strangers = np.flatnonzero(~said.member[:, valued].any(axis=1))
    margin = unseen_margin(how.margin, said.of_runs(strangers, valued), runs=runs)
    if margin is None:
        return None
    return ranks(margin, seed=seed, labels=said.labels[valued] if how.by_class else None)


def _attack_scores(seen: Evidence) -> dict[str, Float[np.ndarray, " samples"]]:
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


def _notes(
    how: Vote,
    votes: Votes,
    valued: Bool[np.ndarray, " samples"],
    inside: Bool[np.ndarray, "runs samples"],
    seen: Evidence,
) -> list[str]:
    said = [f"margin {how.margin}: {MARGINS[how.margin].meaning}"]
    if votes.rule != how.rule:
        said.append(
            f"rule {how.rule} left a domain under {how.minimum:.0%} of the samples: verdicts are "
            "by mean rank, a quarter safe and a quarter risky"
        )
    alone = int((inside.any(axis=0) & ~valued).sum())
    if alone:
        said.append(f"{alone} samples were in one run only: their verdict is not estimable")
    strangers = int((~seen.member[:, valued].any(axis=1)).sum())
    if MARGINS[how.margin].needs_unseen and strangers < len(inside) - strangers:
        said.append(
            "runs share their comparison with those that never saw the samples: its noise alone "
            "raises the overlap above chance"
        )
    if not _comparable(seen, valued):
        said.append(
            "every run trained on these samples: difficulty is not told from exposure, which needs "
            "runs without them"
        )
    return said
