"""Who is a member and who is not: disjoint, class-balanced parts of one data set."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Int64

from pryproof import seeds
from pryproof.checks import DataError


@dataclass(frozen=True, kw_only=True)
class Split:
    """Positions in the data set, sorted within each part; no position stands in two parts.

    ``shadows`` are training sets of the attacker, as large as ``members``; ``outside`` is as large
    and trains nothing, so thresholds can be fitted on it; nothing is fitted on ``evaluation``.
    ``copies`` are exact duplicates left out of every part. ``extra`` are further images for the
    members' fold, then for each shadow fold, ``further`` ones that no part uses; there are none of
    either unless they are asked for.
    """

    members: Int64[np.ndarray, " members"]
    shadows: tuple[Int64[np.ndarray, " members"], ...]
    outside: Int64[np.ndarray, " members"]
    evaluation: Int64[np.ndarray, " evaluation"]
    copies: Int64[np.ndarray, " copies"]
    extra: tuple[Int64[np.ndarray, " extra"], ...] = ()
    further: Int64[np.ndarray, " further"] = field(default_factory=lambda: np.zeros(0, np.int64))

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
    extra: int = 0,
    further: int = 0,
) -> Split:
    """Draw all parts, each with the same number of samples of every class, or one more of some.

    ``groups`` are those of ``duplicates.duplicate_groups``: only the first of a group is drawn.
    ``members``, every shadow and ``outside`` have the same number of samples of each class. With
    ``extra``, every fold that is trained on gets so many more; ``further`` images stand in no other
    part. Neither changes the other parts, ``extra`` not even the further ones.
    Raises DataError E038 where a class has too few samples, with the sizes that would fit.

    >>> labels = np.repeat(np.arange(2), 50)
    >>> parts = split(labels, members=20, evaluation=10, shadow_folds=1, seed=0)
    >>> np.bincount(labels[parts.members]).tolist(), len(parts.shadows), len(parts.outside)
    ([10, 10], 1, 20)
    """
    _positive(shadow_folds, members, evaluation)
    originals = _originals(labels, groups)
    classes, counts = np.unique(labels[originals], return_counts=True)
    order = seeds.generator(seed, "split", "extra").permutation(len(classes))
    folds, trained = shadow_folds + 2, (shadow_folds + 1 if extra else 0)
    quotas = [_quota(members, order)] * folds
    quotas += [_quota(evaluation, order[::-1]), _quota(further, order)]
    quotas += [_quota(extra, order)] * trained  # last, so that they move no other part
    needed = np.sum(quotas, axis=0)
    if (needed > counts).any():
        beside = _Beside(shadow_folds=shadow_folds, extra=extra / members, further=further)
        raise _too_few(classes, counts, needed, beside)
    parts: list[list[Int64[np.ndarray, " chosen"]]] = [[] for _ in quotas]
    for number, kind in enumerate(classes):
        own = originals[labels[originals] == kind]
        shuffled = seeds.generator(seed, "split", int(kind)).permutation(own)
        bounds = np.cumsum([quota[number] for quota in quotas])
        for part, chosen in zip(parts, np.split(shuffled, bounds), strict=False):
            part.append(chosen)
    drawn = [np.sort(np.concatenate(part)) for part in parts]
    return Split(
        members=drawn[0],
        shadows=tuple(drawn[1 : folds - 1]),
        outside=drawn[folds - 1],
        evaluation=drawn[folds],
        copies=np.setdiff1d(np.arange(len(labels)), originals),
        further=drawn[folds + 1],
        extra=tuple(drawn[folds + 2 :]),
    )


def fit_sizes(
    labels: Int64[np.ndarray, " samples"],
    shadow_folds: int,
    groups: Int64[np.ndarray, " samples"] | None = None,
    *,
    extra: float = 0.0,
    further: int = 0,
) -> tuple[int, int]:
    """Return the largest ``members`` and ``evaluation`` that ``split`` can draw, all parts equal.

    ``extra`` is how many more images every fold that is trained on gets for each member;
    ``further`` are left for no part.

    >>> fit_sizes(np.repeat(np.arange(10), 600), 2)
    (1200, 1200)
    >>> fit_sizes(np.repeat(np.arange(10), 600), 2, extra=1)
    (750, 750)
    """
    _positive(shadow_folds)
    classes, counts = np.unique(labels[_originals(labels, groups)], return_counts=True)
    beside = _Beside(shadow_folds=shadow_folds, extra=extra, further=further)
    size = beside.fitting(counts)
    if not size:
        needed = np.full_like(counts, beside.one_each(1, len(counts)))
        raise _too_few(classes, counts, needed, beside)
    return size, size


def extra_for(members: int, amount: float) -> int:
    """Return how many extra images a fold of so many members gets at ``amount`` a member.

    >>> extra_for(80, 0.5), extra_for(80, 0.001), extra_for(80, 0)
    (40, 1, 0)
    """
    return max(1, round(amount * members)) if amount else 0


@dataclass(frozen=True, kw_only=True)
class _Beside:
    """What a split holds beside members and evaluation: ``extra`` is that of a member."""

    shadow_folds: int
    extra: float
    further: int

    def fitting(self, counts: Int64[np.ndarray, " classes"]) -> int:
        """Return the largest size of all parts that so many samples of each class afford."""
        most = int(counts.min())
        size = most // (self.shadow_folds + 3)
        while size and self.one_each(size, len(counts)) > most:
            size -= 1
        return size * len(counts)

    def one_each(self, size: int, classes: int) -> int:
        """Return what parts of ``size`` a class take of the class that gives the most."""
        added = -(-extra_for(size * classes, self.extra) // classes)
        held = size * (self.shadow_folds + 3) + added * (self.shadow_folds + 1)
        return held + -(-self.further // classes)

    def words(self) -> str:
        """Say what is asked for beside members and evaluation."""
        extra = f" + extra images x {self.shadow_folds + 1}" if self.extra else ""
        return extra + (f" + {self.further} further ones" if self.further else "")


def _originals(
    labels: Int64[np.ndarray, " samples"], groups: Int64[np.ndarray, " samples"] | None
) -> Int64[np.ndarray, " originals"]:
    if groups is None:
        return np.arange(len(labels))
    return np.sort(np.unique(groups, return_index=True)[1])


def _quota(total: int, order: Int64[np.ndarray, " classes"]) -> Int64[np.ndarray, " classes"]:
    """Share a total among classes; the rest goes to the first ones of ``order``, one each."""
    each, rest = divmod(total, len(order))
    quota = np.full(len(order), each, np.int64)
    quota[order[:rest]] += 1
    return quota


def _too_few(
    classes: Int64[np.ndarray, " classes"],
    counts: Int64[np.ndarray, " classes"],
    needed: Int64[np.ndarray, " classes"],
    beside: _Beside,
) -> DataError:
    worst = int(np.argmax(needed - counts))
    folds = beside.shadow_folds
    more = f" with {beside.extra:g} extra a member" if beside.extra else ""
    more += f" with {beside.further} further ones" if beside.further else ""
    if size := beside.fitting(counts):
        fix = f"With shadow_folds={folds}, members={size} and evaluation={size}{more} fit."
    elif beside.extra:
        fix = "Leave the row extra out, lower generate.amount, or add samples."
    elif beside.further:
        fix = "Ask for fewer canaries, or add samples."
    elif counts.min() >= 3:
        fix = f"At most shadow_folds={counts.min() - 3} fit; or add samples."
    else:
        fix = "Add samples, or take the smallest classes out."
    return DataError(
        "E038",
        f"members x {folds + 2} + evaluation{beside.words()} need {needed[worst]} samples of class "
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
