"""Exact copies: images with equal pixels share their fate and must not stand on two sides."""

import hashlib

import numpy as np
from jaxtyping import Int64, UInt8

from pryproof.data.reading import some
from pryproof.records import Samples


def duplicate_groups(
    images: UInt8[np.ndarray, "samples height width channels"],
) -> Int64[np.ndarray, " samples"]:
    """Return for each image the position of the first that is equal to it, often its own.

    >>> duplicate_groups(np.array([5, 6, 5], np.uint8).reshape(3, 1, 1, 1)).tolist()
    [0, 1, 0]
    """
    first: dict[bytes, int] = {}
    digests = (hashlib.sha256(image.tobytes()).digest() for image in images)
    groups = [first.setdefault(digest, position) for position, digest in enumerate(digests)]
    return np.array(groups, np.int64)


def notices(samples: Samples) -> list[str]:
    """Say which images are exact copies, and which of these carry two labels.

    A notice and no refusal: CIFAR-100 itself holds 26 copies, 17 of them under a second fine label.
    """
    groups = duplicate_groups(samples.images)
    copies = np.flatnonzero(groups != np.arange(len(groups)))
    if not len(copies):
        return []
    told = _pairs(samples, groups, copies)
    lines = [f"{len(copies)} images are exact copies, splits keep the first of each: {told}."]
    conflicts = copies[samples.labels[copies] != samples.labels[groups[copies]]]
    if len(conflicts):
        told = _pairs(samples, groups, conflicts)
        lines.append(f"{len(conflicts)} of these stand in another class than the first: {told}.")
    return lines


def _pairs(
    samples: Samples, groups: Int64[np.ndarray, " samples"], chosen: Int64[np.ndarray, " chosen"]
) -> str:
    return some([f"{samples.ids[copy]} = {samples.ids[groups[copy]]}" for copy in chosen.tolist()])
