"""The generalisation gap of the feature-likelihood divergence, FLD (Jiralerspong et al. 2023).

A Gaussian is put on every fake, in features scaled to unit variance, and its width is fitted by
the likelihood of a set of real images (expectation-maximisation; the centres stay). A fake beside
a real image of that set gets a narrow Gaussian, which says nothing of other images. With the
widths fitted on the train set,

    FLD(images) = -100 / width * mean log p(images)
    gap         = FLD(held out) - FLD(train)          > 0 = memorising

Widths fitted on the train set favour it a little even when nothing was copied. So the fit is done
once more on the held-out images, and ``excess`` is half the difference of the two gaps: 0 on
average without copying, since both sets then play the same part.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64

from pryproof.checks import DataError
from pryproof.evaluation.roc import refuse_unusable
from pryproof.intervals import two_sided
from pryproof.records import Estimate

Fakes = Float[np.ndarray, "fakes width"]
Train = Float[np.ndarray, "train width"]
HeldOut = Float[np.ndarray, "held width"]
Squares = Float64[np.ndarray, "images fakes"]
Variances = Float64[np.ndarray, " fakes"]
PerImage = Float64[np.ndarray, " images"]

ROUNDS = 30  # of expectation-maximisation
ROWS = 1000  # of images at a time
UNUSED = 1e-9  # images that a Gaussian explains, below which it keeps its width
NARROWEST = 1e-3  # least width, of that of the scaled features: exact copies have none


@dataclass(frozen=True, kw_only=True)
class FeatureLikelihood:
    """FLD of both sets, their gap and its excess, in units of 100 nats a feature.

    ``gap`` and ``excess`` > 0 = the fakes know the train set. Judge by ``excess``: without copying
    it is 0 on average, and ``gap`` is not. Intervals are about the real images drawn, widths given.
    """

    train: Estimate
    held_out: Estimate
    gap: Estimate
    excess: Estimate


def feature_likelihood(
    fakes: Fakes, train: Train, held_out: HeldOut, *, confidence: float = 0.95
) -> FeatureLikelihood:
    """Fit a Gaussian to every fake, and compare what train and held-out images get from them.

    Both sets must be equally many. Features are scaled by mean and spread of both together.
    Memory: 16 bytes a pair of fake and image of one set.
    """
    refuse_unusable(fakes=fakes, train=train, held_out=held_out)
    refuse_unequal(len(train), len(held_out))
    width = fakes.shape[1]
    scaled = _scaled(fakes, train, held_out)
    squares = [_squares(side, scaled[0]) for side in scaled[1:]]
    by_train, by_held_out = (_fitted(side, width) for side in squares)
    own = [_divergence(side, by_train, width) for side in squares]
    swapped = [_divergence(side, by_held_out, width) for side in squares]
    both = [(one + other) / 2 for one, other in zip(own, swapped, strict=True)]
    return FeatureLikelihood(
        train=_mean(own[0], confidence),
        held_out=_mean(own[1], confidence),
        gap=_difference(own[1], own[0], confidence),
        excess=_difference(both[1], both[0], confidence),
    )


def _scaled(fakes: Fakes, train: Train, held_out: HeldOut) -> list[Float64[np.ndarray, "_ width"]]:
    """Return all by mean and spread of the real images; features that do not vary stay."""
    reals = np.concatenate([train, held_out]).astype(np.float64)
    centre, spread = reals.mean(axis=0), reals.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    return [(side - centre) / spread for side in (fakes, train, held_out)]


def _squares(
    images: Float64[np.ndarray, "images width"], fakes: Float64[np.ndarray, "fakes width"]
) -> Squares:
    lengths = np.sum(images**2, axis=1)[:, None] + np.sum(fakes**2, axis=1)
    return np.maximum(lengths - 2 * images @ fakes.T, 0.0)


def _fitted(squares: Squares, width: int) -> Variances:
    """Return the variance of every Gaussian; one that explains no image keeps its first."""
    first = max(float(squares.min(axis=1).mean()) / width, NARROWEST**2)
    variances = np.full(squares.shape[1], first)
    for _ in range(ROUNDS):
        weight, weighted = np.zeros((2, squares.shape[1]))
        for start in range(0, len(squares), ROWS):
            part = squares[start : start + ROWS]
            logs = _log_densities(part, variances, width)
            logs -= logs.max(axis=1, keepdims=True)
            taken = np.exp(logs, out=logs)
            taken /= taken.sum(axis=1, keepdims=True)
            weight += taken.sum(axis=0)
            weighted += np.einsum("if,if->f", taken, part)
        used = weight > UNUSED
        variances[used] = np.maximum(weighted[used] / (width * weight[used]), NARROWEST**2)
    return variances


def _divergence(squares: Squares, variances: Variances, width: int) -> PerImage:
    """Return -100 / width times the log likelihood of every image."""
    found = []
    for start in range(0, len(squares), ROWS):
        logs = _log_densities(squares[start : start + ROWS], variances, width)
        top = logs.max(axis=1)
        found.append(top + np.log(np.mean(np.exp(logs - top[:, None]), axis=1)))
    return -100 / width * np.concatenate(found)


def _log_densities(squares: Squares, variances: Variances, width: int) -> Squares:
    logs = squares * (-0.5 / variances)
    logs -= width / 2 * np.log(2 * np.pi * variances)
    return logs


def _mean(values: PerImage, confidence: float) -> Estimate:
    return _estimate(float(values.mean()), [values], confidence)


def _difference(first: PerImage, second: PerImage, confidence: float) -> Estimate:
    return _estimate(float(first.mean() - second.mean()), [first, second], confidence)


def _estimate(value: float, sides: list[PerImage], confidence: float) -> Estimate:
    error = float(np.sqrt(sum(side.var(ddof=1) / len(side) for side in sides)))
    half = two_sided(confidence, freedom=len(sides[0]) - 1) * error
    return Estimate(
        value=value,
        low=value - half,
        high=value + half,
        n=sum(map(len, sides)),
        confidence=confidence,
        method="Student's t over real images, widths given",
    )


def refuse_unequal(train: int, held_out: int) -> None:
    """Refuse sets of two sizes: the larger lies nearer to everything."""
    if train != held_out or train < 2:
        raise DataError(
            "E028",
            f"train and held-out images must be equally many, 2 or more, got {train} and "
            f"{held_out}",
            fix="Draw as many from the larger set as the smaller one holds.",
        )
