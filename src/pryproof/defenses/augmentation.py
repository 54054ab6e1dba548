"""Augmentation as a defense: fresh draws for every sample and epoch, or copies drawn once.

Everywhere ``padding`` 0 means no crop and no flip. Source: methods section 9.
"""

from dataclasses import replace
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool

from pryproof.augment.crop_flip import crop_flip as shifted
from pryproof.augment.cutout import LENGTH
from pryproof.augment.cutout import cutout as with_square
from pryproof.augment.static import static_copies as drawn_once
from pryproof.checks import ConfigurationError
from pryproof.defenses.fakes import REAL
from pryproof.defenses.fit import Fit, Fitted, Given, by_seams
from pryproof.models.randomness import torch_generator
from pryproof.training.defense import Batch, Defense, as_is


def dynamic_crop_flip(padding: int) -> Batch:
    """Return the batch seam that shifts by up to ``padding`` pixels and mirrors half the images."""

    def batch(
        images: torch.Tensor,
        rows: torch.Tensor,  # noqa: ARG001 - a seam
        generator: torch.Generator,
    ) -> torch.Tensor:
        return shifted(images, padding=padding, generator=generator)

    return batch


def augmented(padding: int) -> Batch:
    """Return the batch seam of a padding: crop and flip, or nothing at all for 0."""
    if padding < 0:
        raise ConfigurationError(
            "E044", f"padding must be 0 or more, got {padding}", fix="Give a number of pixels."
        )
    return dynamic_crop_flip(padding) if padding else as_is


def dynamic_cutout(length: int = LENGTH) -> Batch:
    """Return the batch seam that hides a square of ``length`` pixels a side in every image."""

    def batch(
        images: torch.Tensor,
        rows: torch.Tensor,  # noqa: ARG001 - a seam
        generator: torch.Generator,
    ) -> torch.Tensor:
        return with_square(images, length=length, generator=generator)

    return batch


def only_for(chosen: Bool[np.ndarray, " samples"], batch: Batch) -> Batch:
    """Return the batch seam that changes the chosen samples of the training set and no other.

    Draws are made for all of them, so a chosen image is what it would be if all were chosen.
    """
    wanted = torch.from_numpy(chosen)

    def some(images: torch.Tensor, rows: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        here = wanted[rows.cpu()].to(images.device)
        return torch.where(here[:, None, None, None], batch(images, rows, generator), images)

    return some


def in_turn(*steps: Batch) -> Batch:
    """Return the batch seam that does one after the other, with the draws of one generator."""

    def batch(images: torch.Tensor, rows: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        for step in steps:
            images = step(images, rows, generator)
        return images

    return batch


def none(*, padding: int) -> Fit:  # noqa: ARG001 - every defense takes it
    """Train plainly, on images as they are; ``padding`` is ignored."""
    return by_seams(Defense)


def crop_flip(*, padding: int, augments: Literal["both", "real", "fake", "none"] = "both") -> Fit:
    """Train plainly, with a fresh crop and flip for every sample and epoch.

    In a set of reals and fakes ``augments`` says which of them (the paper's Fig. 5): by default
    both alike. Whatever is not made from a member counts as fake.
    """
    batch = augmented(padding)

    def fit(given: Given) -> Fitted:
        seam = batch
        if augments == "none":
            seam = as_is
        elif augments != "both":
            seam = only_for(_of_source(given, augments), batch)
        return by_seams(lambda: Defense(batch=seam))(given)

    return fit


def _of_source(given: Given, name: str) -> Bool[np.ndarray, " samples"]:
    """Say which samples are real, or which are not; without sources all are real."""
    source = np.full(len(given.labels), REAL) if given.source is None else given.source
    return (source == REAL) == (name == "real")


def cutout(*, padding: int, length: int = LENGTH) -> Fit:
    """Train plainly, with crop and flip and then a hidden square of ``length`` pixels a side.

    Source: DeVries and Taylor 2017; after crop and flip, as there.
    """
    batch = in_turn(augmented(padding), dynamic_cutout(length))
    return by_seams(lambda: Defense(batch=batch))


def static_copies(*, padding: int, copies: int = 1) -> Fit:
    """Train plainly on crops and flips drawn once, instead of the originals (methods section 9).

    As many epochs as without, so eight copies take eight times the steps. No dynamic augmentation
    comes on top. Row r of the set trained on is a copy of sample r modulo the number of samples.
    """

    def fit(given: Given) -> Fitted:
        draws = torch_generator(given.seed, "static copies")
        drawn = drawn_once(given.images, padding=padding, copies=copies, generator=draws)
        from_where = drawn.source_index
        source = None if given.source is None else given.source[from_where]
        labels = given.labels[from_where]
        enlarged = replace(given, images=drawn.images, labels=labels, source=source)
        fitted = by_seams(Defense)(enlarged)
        return replace(fitted, facts={"copies": copies, "trained_on": len(labels)})

    return fit
