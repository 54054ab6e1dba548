"""Samples known not to be members, and what is public of them: what the quantile attack fits on."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int64

from pryproof.attacks.calibration import known
from pryproof.attacks.needed import outsiders, signal
from pryproof.records import Evidence


@dataclass(frozen=True, kw_only=True)
class Public:
    """phi (nats, mean over queries) with class and features where they are known."""

    phi: Float[np.ndarray, " samples"]
    labels: Int64[np.ndarray, " samples"] | None
    features: Float[np.ndarray, "samples width"] | None


def public(evidence: Evidence, run: int, samples: Bool[np.ndarray, " all_samples"]) -> Public:
    """Return what one run says of some samples, and what else is public of them."""
    phi = signal(evidence, "phi", attack="quantile")[run][:, samples]
    features = evidence.raw.get("features")
    with np.errstate(invalid="ignore"):  # inf - inf of two queries: NaN, not measured
        mean = phi.mean(axis=0)
    return Public(
        phi=mean,
        labels=None if evidence.labels is None else evidence.labels[samples],
        features=None if features is None else features[samples].astype(np.float64),
    )


def nonmembers(
    evidence: Evidence, target: int, reference: Evidence | None
) -> Iterator[tuple[Bool[np.ndarray, " samples"], Public]]:
    """Yield samples to judge, and known non-members to judge them by.

    The first of these that is there, and that has features if the samples do: what the target
    says of samples no run trained on (see ``needed.outsiders``); of the reference's non-members;
    else what ``calibration`` lets the attacker know: other runs' non-members, or those of the
    other half of the samples.
    """
    everyone = np.ones(evidence.member.shape[1], dtype=np.bool_)
    outside = outsiders(evidence, reference)
    if outside is not None and ("features" in outside.raw) >= ("features" in evidence.raw):
        yield everyone, public(outside, target, np.ones(outside.member.shape[1], dtype=np.bool_))
        return
    for part in known(evidence, target, reference=reference):
        found = [
            public(part.evidence, run, part.samples & ~part.evidence.member[run])
            for run in part.runs.tolist()
        ]
        yield part.judged, _together(found)


def _together(parts: list[Public]) -> Public:
    labels = [part.labels for part in parts if part.labels is not None]
    features = [part.features for part in parts if part.features is not None]
    return Public(
        phi=np.concatenate([part.phi for part in parts]),
        labels=np.concatenate(labels) if labels else None,
        features=np.concatenate(features) if features else None,
    )
