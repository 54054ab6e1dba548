"""GAN-Leaks, full black box (Chen et al. 2020): who lies close to the fakes was a training image.

    score(x) = -min over fakes of d(x, fake)

Typical images lie close to the fakes of every generator. The calibrated score takes that off:
minus the same score under fakes of a reference generator, which saw neither side.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64, UInt8

from pryproof.distances.nearest import nearest
from pryproof.evaluation.crossed import auc_of
from pryproof.evaluation.low_fpr import TprAtFpr, tpr_of
from pryproof.evaluation.scored import scored
from pryproof.records import Estimate

Fakes = UInt8[np.ndarray, "fakes *shape"] | Float[np.ndarray, "fakes width"]
Members = UInt8[np.ndarray, "members *shape"] | Float[np.ndarray, "members width"]
Nonmembers = UInt8[np.ndarray, "nonmembers *shape"] | Float[np.ndarray, "nonmembers width"]
Reference = UInt8[np.ndarray, "references *shape"] | Float[np.ndarray, "references width"]

FPRS = (0.01, 0.001)


@dataclass(frozen=True, kw_only=True)
class GanLeaks:
    """What one score finds: its AUC (0.5 = nothing leaks) and true positive rates by FPR.

    ``members`` and ``nonmembers`` are the scores, in the units of the distance, higher = more
    likely a training image.
    """

    auc: Estimate
    tpr_at_fpr: dict[float, TprAtFpr]
    members: Float64[np.ndarray, " members"]
    nonmembers: Float64[np.ndarray, " nonmembers"]


@dataclass(frozen=True, kw_only=True)
class GanLeaksPair:
    """The plain score, and the calibrated one where there is a reference generator."""

    plain: GanLeaks
    calibrated: GanLeaks | None


def gan_leaks(
    fakes: Fakes,
    members: Members,
    nonmembers: Nonmembers,
    *,
    reference: Reference | None = None,
    fprs: tuple[float, ...] = FPRS,
    seed: int,
    confidence: float = 0.95,
) -> GanLeaksPair:
    """Attack the generator behind ``fakes``: members are its training images.

    Images or features. ``reference`` are fakes, best as many, of a generator that was trained on
    neither members nor non-members. ``seed`` fixes what the intervals draw.
    """

    def judged(inside: np.ndarray, outside: np.ndarray) -> GanLeaks:
        return _judged(inside, outside, fprs=fprs, seed=seed, confidence=confidence)

    plain = _closeness(members, fakes), _closeness(nonmembers, fakes)
    if reference is None:
        return GanLeaksPair(plain=judged(*plain), calibrated=None)
    usual = _closeness(members, reference), _closeness(nonmembers, reference)
    return GanLeaksPair(
        plain=judged(*plain), calibrated=judged(plain[0] - usual[0], plain[1] - usual[1])
    )


def _closeness(images: Members, fakes: Fakes) -> Float64[np.ndarray, " images"]:
    return -nearest(images, fakes).distance[:, 0]


def _judged(
    members: Float64[np.ndarray, " members"],
    nonmembers: Float64[np.ndarray, " nonmembers"],
    *,
    fprs: tuple[float, ...],
    seed: int,
    confidence: float,
) -> GanLeaks:
    scores = np.concatenate([members, nonmembers])[None]
    is_member = (np.arange(scores.shape[1]) < len(members))[None]
    table = scored(scores, is_member)
    return GanLeaks(
        auc=auc_of(scores, is_member, ~is_member, confidence=confidence),
        tpr_at_fpr={fpr: tpr_of(table, fpr=fpr, seed=seed, confidence=confidence) for fpr in fprs},
        members=members,
        nonmembers=nonmembers,
    )
