"""Member or not: the cut on an attack's scores, fitted only where membership may be known.

Where the cut comes from, first that applies: it is part of the attack's definition; a reference
that the attack can score (where scores rest on shadow runs: one of the same runs); the attacker's
other runs; the target's own samples in two halves, each judged by the cut of the other.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int64

from pryproof.attacks.attack import Attack, Options, Thresholds
from pryproof.attacks.calibration import Known, known
from pryproof.attacks.cuts import fit_cuts
from pryproof.attacks.threshold import reached
from pryproof.checks import DataError
from pryproof.records import Evidence

Scores = Float[np.ndarray, "runs samples"]

BY_DEFINITION = "nothing (the cut is part of the attack)"
BY_REFERENCE = "the reference"
BY_RUNS = "other runs"
BY_HALVES = "the other half of the samples, twice (thresholds shown are of both halves)"


@dataclass(frozen=True, kw_only=True)
class Decisions:
    """What the attack calls a member, ``[targets, samples]``, and by which cuts.

    ``thresholds`` is ``[targets, classes]``, one column for a single cut. ``fitted_on`` says where
    the cuts come from; ``called`` is None where none could be fitted, and it then says why.
    """

    called: Bool[np.ndarray, "targets samples"] | None
    thresholds: Float[np.ndarray, "targets classes"]
    fitted_on: str


def decisions(
    attack: Attack,
    evidence: Evidence,
    targets: Int64[np.ndarray, " targets"],
    scores: Float[np.ndarray, "targets samples"],
    *,
    reference: Evidence | None,
    options: Options,
) -> Decisions:
    """Fit the cuts and decide; a sample without a score (NaN) is not called a member.

    ``scores`` are the attack's own for these targets.
    """
    if attack.fixed_cut is not None:
        return Decisions(
            called=scores >= attack.fixed_cut,
            thresholds=np.full((len(targets), 1), attack.fixed_cut),
            fitted_on=BY_DEFINITION,
        )
    classes = classes_of(attack, evidence, reference)
    labels = _labels(attack, evidence)
    called = np.zeros(scores.shape, dtype=np.bool_)
    tables = np.full((len(targets), classes), np.nan)
    fitted_on = ""
    try:
        for row, judged, cuts, shown, source in _fits(
            attack, evidence, targets, scores, reference=reference, options=options
        ):
            called[row] |= judged & reached(scores[row], labels, cuts)
            tables[row] = shown.per_class
            fitted_on = source
    except DataError as error:
        return Decisions(called=None, thresholds=tables, fitted_on=f"nothing ({error.what})")
    return Decisions(called=called, thresholds=tables, fitted_on=fitted_on)


def classes_of(attack: Attack, *evidences: Evidence | None) -> int:
    """Return how many cuts the attack has: one, or one for every class in sight."""
    if not attack.per_class:
        return 1
    found = [1]
    for evidence in evidences:
        if evidence is not None and evidence.labels is not None:
            found.append(int(evidence.labels.max(initial=0)) + 1)
            found += [
                evidence.raw[name].shape[-1]
                for name in ("logits", "probabilities")
                if name in evidence.raw
            ]
    return max(found)


Fit = tuple[int, Bool[np.ndarray, " samples"], Thresholds, Thresholds, str]


def _fits(
    attack: Attack,
    evidence: Evidence,
    targets: Int64[np.ndarray, " targets"],
    scores: Float[np.ndarray, "targets samples"],
    *,
    reference: Evidence | None,
    options: Options,
) -> Iterator[Fit]:
    """Yield every target's row, the samples to judge, their cuts, and the cuts to show."""
    everyone = np.ones(scores.shape[1], dtype=np.bool_)
    classes = classes_of(attack, evidence, reference)

    def score(seen: Evidence, runs: Int64[np.ndarray, " runs"]) -> Scores:
        return attack.score(seen, runs, reference=None, options=options)

    def fit(part: Known, values: Scores) -> Thresholds:
        return _fit(attack, part, values, classes)

    apart = _on_reference(attack, evidence, targets, reference, score=score)
    if reference is None or apart is None:
        yield from _without_reference(attack, evidence, targets, scores, score=score, fit=fit)
        return
    (part,) = known(evidence, 0, reference=reference)
    one_for_all = fit(part, apart) if attack.calibrates == "runs" else None
    for row, target in enumerate(targets):
        cuts = one_for_all or fit(_of_run(part, int(target)), apart[row][None])
        yield row, everyone, cuts, cuts, BY_REFERENCE


def _on_reference(
    attack: Attack,
    evidence: Evidence,
    targets: Int64[np.ndarray, " targets"],
    reference: Evidence | None,
    *,
    score: Callable[[Evidence, Int64[np.ndarray, " runs"]], Scores],
) -> Scores | None:
    """Return the reference's scores: of all its runs, or of the same runs as the targets.

    None where there is no reference, or it lacks what the attack's scores rest on, such as shadow
    runs, or samples apart from its own to be a population.
    """
    if reference is None:
        return None
    runs = len(reference.member)
    if attack.calibrates == "samples" and runs != len(evidence.member):
        return None
    try:
        return score(reference, np.arange(runs) if attack.calibrates == "runs" else targets)
    except DataError:
        return None


def _without_reference(
    attack: Attack,
    evidence: Evidence,
    targets: Int64[np.ndarray, " targets"],
    scores: Float[np.ndarray, "targets samples"],
    *,
    score: Callable[[Evidence, Int64[np.ndarray, " runs"]], Scores],
    fit: Callable[[Known, Scores], Thresholds],
) -> Iterator[Fit]:
    other_runs = attack.calibrates == "runs"
    plan = [known(evidence, int(each), reference=None, other_runs=other_runs) for each in targets]
    shadows = np.unique([run for parts in plan if len(parts) == 1 for run in parts[0].runs])
    shadow_scores = score(evidence, shadows.astype(np.int64)) if shadows.size else scores[:0]
    for row, parts in enumerate(plan):
        if len(parts) == 1:
            (part,) = parts
            cuts = fit(part, shadow_scores[np.searchsorted(shadows, part.runs)])
            yield row, part.judged, cuts, cuts, BY_RUNS
            continue
        whole = Known(
            judged=parts[0].judged,
            evidence=evidence,
            runs=parts[0].runs,
            samples=parts[0].samples | parts[1].samples,
        )
        shown = fit(whole, scores[row][None])
        for part in parts:
            yield row, part.judged, fit(part, scores[row][None]), shown, BY_HALVES


def _of_run(part: Known, run: int) -> Known:
    return Known(
        judged=part.judged, evidence=part.evidence, runs=np.array([run]), samples=part.samples
    )


def _fit(attack: Attack, part: Known, values: Scores, classes: int) -> Thresholds:
    """Fit on the known samples of the known runs."""
    values = values[:, part.samples]
    labels = _labels(attack, part.evidence)[part.samples]
    return fit_cuts(
        values.ravel(),
        np.broadcast_to(labels, values.shape).ravel(),
        part.evidence.member[part.runs][:, part.samples].ravel(),
        classes=classes,
        per_class=attack.per_class,
        fit=attack.fit,
    )


def _labels(attack: Attack, evidence: Evidence) -> Int64[np.ndarray, " samples"]:
    if attack.per_class and evidence.labels is not None:
        return evidence.labels
    return np.zeros(evidence.member.shape[1], dtype=np.int64)
