"""From what a file calls a class to numbers without gaps, and whether each class has enough."""

import numpy as np
from jaxtyping import Int64, Shaped

from pryproof.checks import DataError
from pryproof.data.reading import Options, shown, some


def numbered(
    raw: Shaped[np.ndarray, " samples"],
    names: tuple[str, ...] | None,
    options: Options,
    *,
    where: str,
) -> tuple[Int64[np.ndarray, " samples"], tuple[str, ...]]:
    """Return labels without gaps and the name of each, from integers or from words.

    A number that no sample has is refused, unless empty classes are allowed: then the rest is
    renumbered and keeps its names.
    """
    if raw.dtype.kind in "US":
        return _from_words([shown(word) for word in raw.tolist()], names, options, where=where)
    if raw.dtype.kind not in "iu":
        raise DataError(
            "E025",
            f"labels must be whole numbers from 0 on or words, and these are {raw.dtype}",
            where=where,
            fix="Write them as integers, or choose another label column.",
        )
    labels = raw.astype(np.int64)
    _within(labels, names, where=where)
    count = len(names) if names else int(labels.max(initial=-1)) + 1
    return _dense(labels, names or tuple(map(str, range(count))), options, where=where)


def _from_words(
    words: list[str], names: tuple[str, ...] | None, options: Options, *, where: str
) -> tuple[Int64[np.ndarray, " samples"], tuple[str, ...]]:
    """Turn words into numbers in the order of ``names``, or of the alphabet."""
    names = names or tuple(sorted(set(words)))
    unknown = sorted(set(words) - set(names))
    if unknown:
        raise DataError(
            "E025",
            f"labels {some(unknown)} are not among the {len(names)} declared classes",
            where=where,
            fix="Declare every class, or check that the label column fits the names.",
        )
    position = {name: number for number, name in enumerate(names)}
    return _dense(
        np.array([position[word] for word in words], np.int64), names, options, where=where
    )


def _within(
    labels: Int64[np.ndarray, " samples"], names: tuple[str, ...] | None, *, where: str
) -> None:
    if labels.size and labels.min() < 0:
        raise DataError(
            "E025",
            f"labels must start at 0, and the smallest is {labels.min()}",
            where=where,
            fix="Remove the unlabelled samples or renumber the classes.",
        )
    if names and labels.size and labels.max() >= len(names):
        raise DataError(
            "E025",
            f"label {labels.max()} has no name: {len(names)} classes are declared",
            where=where,
            fix="Declare every class, or check that the label column fits the names.",
        )
    # Without names the labels themselves say how many classes there are; far numbers are a mistake.
    if not names and labels.size and labels.max() >= 2**24:
        raise DataError(
            "E025",
            f"labels must number the classes from 0 on, and the largest is {labels.max()}",
            where=where,
            fix="Renumber the classes, or choose another label column.",
        )


def _dense(
    labels: Int64[np.ndarray, " samples"], names: tuple[str, ...], options: Options, *, where: str
) -> tuple[Int64[np.ndarray, " samples"], tuple[str, ...]]:
    used = np.bincount(labels, minlength=len(names)) > 0
    if used.all():
        return labels, names
    empty = [names[number] for number in np.flatnonzero(~used)]
    if not options.allow_empty_classes:
        raise DataError(
            "E025",
            f"no sample is labelled {some(empty)}: the labels have gaps",
            where=where,
            fix="Renumber the classes without gaps, or read with allow_empty_classes=True to "
            "leave those out.",
        )
    kept = tuple(name for name, is_used in zip(names, used, strict=True) if is_used)
    return (np.cumsum(used) - 1)[labels].astype(np.int64), kept


def enough(
    labels: Int64[np.ndarray, " samples"], classes: tuple[str, ...], options: Options, *, where: str
) -> None:
    """Refuse a single class, and classes too small to be split."""
    if len(classes) < 2:
        raise DataError(
            "E005",
            f"membership attacks need at least 2 classes, and there is {len(classes)}",
            where=where,
            fix="Add images of another class, or choose another label column.",
        )
    counts = np.bincount(labels, minlength=len(classes))
    small = [
        f"{name} ({count})"
        for name, count in zip(classes, counts, strict=True)
        if count < options.smallest_class
    ]
    if small:
        raise DataError(
            "E007",
            f"a class needs at least {options.smallest_class} samples, too few have {some(small)}",
            where=where,
            fix="Add images to these classes or take the classes out.",
        )
