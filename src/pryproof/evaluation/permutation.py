"""Cuts fitted and judged on the same samples: an upper bound, and what it reads when nothing leaks.

Such an "oracle" finds something in pure noise, the more the more classes choose a cut of their own:
54.3% at 500 members and 50 non-members in each of 100 classes (methods section 1.5). So it never
stands alone. Beside it is the same procedure with the membership shuffled within each class, which
is what a model that leaks nothing would read.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float, Int64

from pryproof import seeds
from pryproof.evaluation.crossed import balanced_accuracy_of
from pryproof.evaluation.estimates import not_estimable
from pryproof.evaluation.roc import Steps, steps, threshold
from pryproof.evaluation.scored import Scored
from pryproof.intervals import two_sided
from pryproof.records import Estimate

Values = Float[np.ndarray, " samples"]
Labels = Int64[np.ndarray, " samples"]
Flags = Bool[np.ndarray, " samples"]
Refit = Callable[[Values, Labels, Flags], Flags]  # scores, labels, member -> called a member

SHUFFLES = 20  # of a few samples; of many each reads nearly the same
MANY, SHUFFLES_OF_MANY = 50_000, 5
DRAWN_BITS = 40


def best_cut(scores: Values, labels: Labels, member: Flags) -> Flags:  # noqa: ARG001 - a Refit
    """Decide by the one cut of the best balanced accuracy on these very samples; ties: the largest.

    >>> best_cut(np.array([3.0, 2.0, 1.0]), np.zeros(3, np.int64), np.array([True, True, False]))
    array([ True,  True, False])
    """
    return scores >= _best(steps(scores[member], scores[~member]))


def oracle(
    scored: Scored,
    labels: Labels | None = None,
    *,
    refit: Refit = best_cut,
    shuffles: int | None = None,
    seed: int,
    confidence: float = 0.95,
) -> tuple[Estimate, Estimate]:
    """Estimate the balanced accuracy of cuts fitted on the judged samples, and that of no leak.

    ``refit`` fits and decides for one target, whose samples with a score it gets; ``labels`` are
    the classes within which membership is shuffled (one class if left out). The second estimate is
    the mean over ``shuffles`` (20, of many samples 5), which take the targets in turn; a single
    target that leaks nothing reads within its interval, at this confidence.

    >>> from pryproof.evaluation.scored import scored
    >>> table = np.random.default_rng(0).normal(size=(1, 400))
    >>> found, chance = oracle(scored(table, np.arange(400)[None] < 200), seed=0)
    >>> bool(chance.low < found.value < chance.high), chance.value > 0.5
    (True, True)
    """
    if not len(scored):
        none = not_estimable("no members or no non-members", confidence=confidence)
        return none, none
    if labels is None:
        labels = np.zeros(scored.scores.shape[1], dtype=np.int64)
    if shuffles is None:
        shuffles = SHUFFLES if scored.scores.shape[1] < MANY else SHUFFLES_OF_MANY
    called = np.zeros_like(scored.inside)
    for t, row in enumerate(scored.scores):
        kept = scored.inside[t] | scored.outside[t]
        if refit is best_cut:  # whose counts are at hand
            called[t] = row >= _best(scored.counts[t])
        else:
            called[t, kept] = refit(row[kept], labels[kept], scored.inside[t, kept])
    found = balanced_accuracy_of(called, scored.inside, scored.outside, confidence=confidence)
    return (
        Estimate(
            value=found.value,
            low=found.low,
            high=found.high,
            n=found.n,
            runs=found.runs,
            confidence=confidence,
            method="oracle: fitted and judged on the same samples, an upper bound; see its chance",
        ),
        _chance(scored, labels, refit, shuffles, seed=seed, confidence=confidence),
    )


def _chance(
    scored: Scored,
    labels: Labels,
    refit: Refit,
    shuffles: int,
    *,
    seed: int,
    confidence: float,
) -> Estimate:
    generator = seeds.generator(seed, "permutation")
    read = np.array(
        [_shuffled(scored, k % len(scored), labels, refit, generator) for k in range(shuffles)]
    )
    fewest = min(min(each.members, each.nonmembers) for each in scored.counts)
    # of one target; the error of the mean is in it too
    spread = float(read.std(ddof=1)) * np.sqrt(1 + 1 / shuffles) if shuffles > 1 else 0.0
    reach = two_sided(confidence, freedom=max(shuffles - 1, 1)) * spread
    reach = max(reach, 0.5 / fewest)  # one sample more or less
    value = float(read.mean())
    return Estimate(
        value=value,
        low=max(value - reach, 0.0),
        high=min(value + reach, 1.0),
        n=int((scored.inside | scored.outside).any(axis=0).sum()),
        runs=shuffles,
        confidence=confidence,
        method="the same with membership shuffled within class: no leak; range of single targets",
    )


def _shuffled(
    scored: Scored, target: int, labels: Labels, refit: Refit, generator: np.random.Generator
) -> float:
    """Return the balanced accuracy of a refit after one shuffle."""
    kept = np.flatnonzero(scored.inside[target] | scored.outside[target])
    if refit is best_cut and not labels.any():
        return _shuffled_best(scored.counts[target], generator)
    scores, labels, member = scored.scores[target, kept], labels[kept], scored.inside[target, kept]
    dealt = _dealt(labels, member, generator)
    called = refit(scores, labels, dealt)
    return float((called[dealt].mean() + 1 - called[~dealt].mean()) / 2)


def _dealt(labels: Labels, member: Flags, generator: np.random.Generator) -> Flags:
    """Deal the members of every class out anew among its samples.

    One sort of whole numbers that hold a class, a draw, and in the last bit who is a member.
    """
    draws = generator.integers(1 << DRAWN_BITS, size=len(labels), dtype=np.uint64)
    keys = labels.astype(np.uint64) << np.uint64(DRAWN_BITS + 1)
    keys |= draws << np.uint64(1)
    keys |= member
    keys.sort()
    dealt = np.empty_like(member)
    # NumPy sorts short whole numbers stably in one pass
    short = labels.astype(np.uint16) if labels.max(initial=0) < 1 << 16 else labels
    dealt[np.argsort(short, kind="stable")] = keys & np.uint64(1)
    return dealt


def _shuffled_best(counts: Steps, generator: np.random.Generator) -> float:
    """Return what ``best_cut`` reads after a shuffle of all samples, without another sort."""
    member = np.zeros(counts.members + counts.nonmembers, dtype=np.bool_)
    member[: counts.members] = True
    reached = counts.hits + counts.false
    hits = np.concatenate([[0], np.cumsum(generator.permutation(member))])[reached]
    return 0.5 + float(np.max(_gain(hits, reached - hits))) / 2


def _best(counts: Steps) -> float:
    return threshold(counts, int(np.argmax(_gain(counts.hits, counts.false))))


def _gain(hits: Int64[np.ndarray, " points"], false: Int64[np.ndarray, " points"]) -> Values:
    """Return TPR - FPR at every step."""
    return np.asarray(hits / hits[-1] - false / false[-1])
