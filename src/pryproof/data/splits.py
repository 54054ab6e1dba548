"""Who is a member and who is not: disjoint, class-balanced parts of one data set."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

from pryproof import seeds
from pryproof.checks import DataError


@dataclass(frozen=True, kw_only=True)
class Split:
    """Positions in the data set, sorted within each part; no position stands in two parts.

    ``shadows`` are training sets of the attacker, as large as ``members``; ``outside`` is as large
    and trains nothing, so thresholds can be fitted on it; nothing is fitted on ``evaluation``.
    ``copies`` are exact duplicates left out of every part.
    """

    members: Int64[np.ndarray, " members"]
    shadows: tuple[Int64[np.ndarray, " members"], ...]
    outside: Int64[np.ndarray, " members"]
    evaluation: Int64[np.ndarray, " evaluation"]
    copies: Int64[np.ndarray, " copies"]

    @property
    def notices(self) -> tuple[str, ...]:
        """Say in words what was left out."""
        count = len(self.copies)
        return (f"{count} exact copies of other images stand in no part.",) if count else ()


def split(
    labels: Int64[np.ndarray, " samples"],
    *,
    members: int,
    evaluation: int,
    shadow_folds: int,
    seed: int,
    groups: Int64[np.ndarray, " samples"] | None = None,
) -> Split:
    """Draw all parts, each with the same number of samples of every class, or one more of some.

    ``groups`` are those of ``duplicates.duplicate_groups``: only the first of a group is drawn.
    ``members``, every shadow and ``outside`` have the same number of samples of each class.

    >>> labels = np.repeat(np.arange(2), 50)
    >>> parts = split(labels, members=20, evaluation=10, shadow_folds=1, seed=0)
    >>> np.bincount(labels[parts.members]).tolist(), len(parts.shadows), len(parts.outside)
    ([10, 10], 1, 20)
    """
    _positive(shadow_folds, members, evaluation)
    originals = _originals(labels, groups)
    classes, counts = np.unique(labels[originals], return_counts=True)
    extra = seeds.generator(seed, "split", "extra").permutation(len(classes))
    of_members = _quota(members, extra)
    of_evaluation = _quota(evaluation, extra[::-1])
    folds = shadow_folds + 2
    needed = folds * of_members + of_evaluation
    if (needed > counts).any():
        raise _too_few(classes, counts, needed, shadow_folds)
    parts: list[list[Int64[np.ndarray, " chosen"]]] = [[] for _ in range(folds + 1)]
    for number, kind in enumerate(classes):
        own = originals[labels[originals] == kind]
        shuffled = seeds.generator(seed, "split", int(kind)).permutation(own)
        bounds = np.cumsum([of_members[number]] * folds + [of_evaluation[number]])
        for part, chosen in zip(parts, np.split(shuffled, bounds), strict=False):
            part.append(chosen)
    target, *shadows, outside, judged = [np.sort(np.concatenate(part)) for part in parts]
    return Split(
        members=target,
        shadows=tuple(shadows),
        outside=outside,
        evaluation=judged,
        copies=np.setdiff1d(np.arange(len(labels)), originals),
    )


def fit_sizes(
    labels: Int64[np.ndarray, " samples"],
    shadow_folds: int,
    groups: Int64[np.ndarray, " samples"] | None = None,
) -> tuple[int, int]:
    """Return the largest ``members`` and ``evaluation`` that ``split`` can draw, all parts equal.

    >>> fit_sizes(np.repeat(np.arange(10), 600), 2)
    (1200, 1200)
    """
    _positive(shadow_folds)
    classes, counts = np.unique(labels[_originals(labels, groups)], return_counts=True)
    size = _fitting(counts, shadow_folds)
    if not size:
        raise _too_few(classes, counts, np.full_like(counts, shadow_folds + 3), shadow_folds)
    return size, size


def _fitting(counts: Int64[np.ndarray, " classes"], shadow_folds: int) -> int:
    return int(counts.min()) // (shadow_folds + 3) * len(counts)


def _originals(
    labels: Int64[np.ndarray, " samples"], groups: Int64[np.ndarray, " samples"] | None
) -> Int64[np.ndarray, " originals"]:
    if groups is None:
        return np.arange(len(labels))
    return np.sort(np.unique(groups, return_index=True)[1])


def _quota(total: int, extra: Int64[np.ndarray, " classes"]) -> Int64[np.ndarray, " classes"]:
    """Share a total among classes; the rest goes to the first ones of ``extra``, one each."""
    each, rest = divmod(total, len(extra))
    quota = np.full(len(extra), each, np.int64)
    quota[extra[:rest]] += 1
    return quota


def _too_few(
    classes: Int64[np.ndarray, " classes"],
    counts: Int64[np.ndarray, " classes"],
    needed: Int64[np.ndarray, " classes"],
    shadow_folds: int,
) -> DataError:
    worst = int(np.argmax(needed - counts))
    if size := _fitting(counts, shadow_folds):
        fix = f"With shadow_folds={shadow_folds}, members={size} and evaluation={size} fit."
    elif counts.min() >= 3:
        fix = f"At most shadow_folds={counts.min() - 3} fit; or add samples."
    else:
        fix = "Add samples, or take the smallest classes out."
    return DataError(
        "E038",
        f"members x {shadow_folds + 2} + evaluation need {needed[worst]} samples of class "
        f"{classes[worst]}, which has {counts[worst]} distinct ones",
        where="split",
        fix=fix,
    )


def _positive(shadow_folds: int, *sizes: int) -> None:
    if min(sizes, default=1) < 1 or shadow_folds < 0:
        raise DataError(
            "E038",
            "members and evaluation must be at least 1, shadow_folds at least 0; "
            f"they are {', '.join(map(str, sizes))} and {shadow_folds}",
            where="split",
            fix="Choose positive sizes, or let fit_sizes choose them.",
        )
