"""Canaries: images of which every training set of a study holds some and others not.

All other members are always trained on, so whatever tells training sets apart is these images, and
an attack can be tried on those that leak most (Aerni et al. 2024, Evaluations of Machine Learning
Privacy Defenses are Misleading). Four kinds; each is trained on and queried as it stands here:

* clean: images as they are.
* mislabelled: images under one of the other classes' labels, each as likely as the next.
* near_duplicate: members, each once, moved by one pixel up, down, left or right (the edge is
  repeated), with -4 to 4 added to every value, under one of the other classes' labels. The member
  itself is always trained on, under its own label.
* atypical: the quarter of further images that ``atypical.surprise`` finds least typical.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int64, UInt8

from pryproof import seeds
from pryproof.checks import DataError
from pryproof.data.atypical import surprise
from pryproof.data.splits import Split
from pryproof.records import Samples

KINDS = ("clean", "mislabelled", "near_duplicate", "atypical")
DRAWN = 4  # images looked at for each atypical one
NOISE = 4  # of a near-duplicate: the most that is added to a value or taken from it
SHIFTS = ((0, 1), (0, -1), (1, 0), (-1, 0))


@dataclass(frozen=True, kw_only=True)
class Canaries:
    """Images, the labels they are trained on and queried under, and kinds as places in ``KINDS``.

    Kinds follow each other in that order. ``ids`` name the image each was made from.
    """

    images: UInt8[np.ndarray, "canaries height width channels"]
    labels: Int64[np.ndarray, " canaries"]
    kinds: Int64[np.ndarray, " canaries"]
    ids: tuple[str, ...]


def images_for(counts: Mapping[str, int]) -> int:
    """Return how many images that no part of a split uses so many canaries need.

    >>> images_for({"clean": 10, "mislabelled": 5, "near_duplicate": 9, "atypical": 2})
    23
    """
    return counts["clean"] + counts["mislabelled"] + DRAWN * counts["atypical"]


def refuse_too_few(counts: Mapping[str, int], *, members: int, classes: int) -> None:
    """Raise DataError E038 where wrong labels or near-duplicates cannot be had."""
    if counts["near_duplicate"] > members:
        raise DataError(
            "E038",
            f"near-duplicates need a member each, {counts['near_duplicate']} are asked for and "
            f"there are {members} members",
            where="canaries",
            fix="Lower canaries.near_duplicate, or raise data.members.",
        )
    if classes < 2 and counts["mislabelled"] + counts["near_duplicate"]:
        raise DataError(
            "E038",
            "a wrong label needs two classes, there is one",
            where="canaries",
            fix="Ask for clean and atypical canaries alone.",
        )


def canaries(samples: Samples, parts: Split, counts: Mapping[str, int], *, seed: int) -> Canaries:
    """Make the canaries of a study; ``parts.further`` holds ``images_for(counts)`` images."""
    classes = len(samples.classes)
    refuse_too_few(counts, members=len(parts.members), classes=classes)
    order = seeds.generator(seed, "canaries", "images").permutation(parts.further)
    clean, wrong, looked_at = np.split(
        order, np.cumsum([counts["clean"], counts["mislabelled"]]).tolist()
    )
    originals = seeds.generator(seed, "canaries", "members").permutation(parts.members)
    near = originals[: counts["near_duplicate"]]
    odd = _least_typical(samples, looked_at, parts.outside, counts["atypical"])
    made = {"clean": clean, "mislabelled": wrong, "near_duplicate": near, "atypical": odd}
    images = {kind: samples.images[places] for kind, places in made.items()}
    labels = {kind: samples.labels[places] for kind, places in made.items()}
    images["near_duplicate"] = nearly(images["near_duplicate"], seed=seed)
    for kind in ("mislabelled", "near_duplicate"):
        labels[kind] = mislabelled(labels[kind], classes, seed=seeds.derive(seed, kind))
    return Canaries(
        images=np.concatenate([images[kind] for kind in KINDS]),
        labels=np.concatenate([labels[kind] for kind in KINDS]),
        kinds=np.repeat(np.arange(len(KINDS)), [len(made[kind]) for kind in KINDS]),
        ids=tuple(
            f"canary/{kind}/{samples.ids[place]}" for kind in KINDS for place in made[kind].tolist()
        ),
    )


def mislabelled(
    labels: Int64[np.ndarray, " samples"], classes: int, *, seed: int
) -> Int64[np.ndarray, " samples"]:
    """Return another label for each, all others being equally likely.

    >>> mislabelled(np.array([0, 1, 0]), 2, seed=0).tolist()
    [1, 0, 1]
    """
    steps = seeds.generator(seed, "labels").integers(1, max(classes, 2), len(labels))
    return np.asarray((labels + steps) % classes)


def nearly(
    images: UInt8[np.ndarray, "images height width channels"], *, seed: int
) -> UInt8[np.ndarray, "images height width channels"]:
    """Return every image moved by one pixel with a little noise: see the module."""
    draws = seeds.generator(seed, "canaries", "near")
    ways = draws.integers(len(SHIFTS), size=len(images))
    noise = draws.integers(-NOISE, NOISE + 1, size=images.shape)
    height, width = images.shape[1:3]
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge").astype(np.int64)
    moved = np.zeros(images.shape, np.int64)
    for way, (down, right) in enumerate(SHIFTS):
        own = ways == way
        moved[own] = padded[own, 1 + down : 1 + down + height, 1 + right : 1 + right + width]
    return np.clip(moved + noise, 0, 255).astype(np.uint8)


def _least_typical(
    samples: Samples,
    looked_at: Int64[np.ndarray, " candidates"],
    outside: Int64[np.ndarray, " outside"],
    count: int,
) -> Int64[np.ndarray, " atypical"]:
    if not count:
        return looked_at[:0]
    found = surprise(
        samples.images[looked_at],
        samples.labels[looked_at],
        known=samples.images[outside],
        known_labels=samples.labels[outside],
        classes=len(samples.classes),
    )
    return looked_at[np.argsort(-found, kind="stable")[:count]]


def halves(
    kinds: Int64[np.ndarray, " canaries"], count: int, *, seed: int
) -> Bool[np.ndarray, "halves canaries"]:
    """Say which canary is in which of ``count`` halves (even): each in exactly half of them.

    Halves come in pairs: 2k + 1 holds the canaries that 2k does not, so an attacker who leaves a
    pair out learns nothing from how often a canary is in the others. Of every kind a half holds
    one half, up to one canary.

    >>> inside = halves(np.zeros(6, np.int64), 4, seed=0)
    >>> inside.sum(axis=0).tolist(), inside.sum(axis=1).tolist()
    ([2, 2, 2, 2, 2, 2], [3, 3, 3, 3])
    """
    inside = np.zeros((count, len(kinds)), dtype=bool)
    for pair in range(count // 2):
        draws = seeds.generator(seed, "canaries", "halves", pair)
        for kind in np.unique(kinds):
            own = draws.permutation(np.flatnonzero(kinds == kind))
            # of an odd number one half gets one more: not always the same
            first = (len(own) + int(draws.integers(2))) // 2
            inside[2 * pair, own[:first]] = True
        inside[2 * pair + 1] = ~inside[2 * pair]
    return inside
