"""Every test of the leak audit in one form: what it measures, what chance gives, when it alarms.

A test alarms only where its whole interval lies beyond what held-out images explain, at a
confidence that is corrected for the number of tests: fresh real images in place of fakes set off
an alarm in one audit of twenty, at most.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from pryproof import seeds
from pryproof.checks import DataError
from pryproof.evaluation.estimates import not_estimable
from pryproof.leakage.authenticity import authenticity
from pryproof.leakage.closeness import Closeness, Labels, closeness
from pryproof.leakage.copies import Copies
from pryproof.leakage.copying_test import copying_test
from pryproof.leakage.extraction import extraction
from pryproof.leakage.feature_likelihood import feature_likelihood
from pryproof.leakage.gan_leaks import gan_leaks
from pryproof.records import Estimate
from pryproof.reporting.content import Finding

Points = np.ndarray  # [images, width], pixels or features

MOST = 5_000  # images a side of tests whose memory or time grows with the square
LEAST = 100  # images a side that these tests need


@dataclass(frozen=True, kw_only=True)
class Space:
    """One feature space with every set in it; ``even`` holds real and hold-out, as many of both."""

    name: str
    fakes: Points
    real: Points
    holdout: Points
    even: tuple[Points, Points]
    reference: Points | None
    labels: Labels | None
    unit: str


@dataclass(frozen=True, kw_only=True)
class Test:
    """What one test found in one space: lines for the page, and the sentence of its alarm or ""."""

    findings: tuple[Finding, ...]
    alarm: str = ""


Run = Callable[[Space, float, int], Test]  # space, confidence, seed


def measured(name: str, run: Run, space: Space, confidence: float, seed: int) -> Test:
    """Run a test; where these images do not allow it, say why in place of a number."""
    try:
        return run(space, confidence, seed)
    except DataError as error:
        why = not_estimable(error.what, confidence=confidence)
        line = _line(space, name, why, meaning="These images do not allow the test.")
        return Test(findings=(line,))


def copied(found: Copies | None) -> Test:
    """Count the copies of real images among fakes, beside those among held-out images."""
    if found is None:
        return Test(findings=())
    count, size = int(found.fakes.copy.sum()), len(found.fakes.copy)
    line = Finding(
        stage="aligned pixels",
        what="copies of real images",
        value=found.fakes.rate,
        good=not found.copying,
        meaning=f"{count:,} of {size:,} fakes are a real image once moved, mirrored, recompressed "
        f"or of other contrast; of the held-out images {found.holdout.rate.value:.2%} look so",
        unit="%",
    )
    alarm = f"{count:,} fakes are copies of real images, more than held-out images explain"
    return Test(findings=(line,), alarm=alarm if found.copying else "")


def nearness(space: Space, confidence: float, seed: int) -> tuple[Test, Closeness]:
    """Compare fakes' distances to real and to hold-out images."""
    found = closeness(
        space.fakes,
        space.real,
        space.holdout,
        labels=space.labels,
        seed=seed,
        confidence=confidence,
    )
    lines = [
        _line(
            space,
            "nearest image is a real one",
            found.dcr_share,
            good=not found.copying,
            meaning="share of fakes nearer to a real image than to any of as many held-out ones; "
            "50% without copying, alarm above",
            unit="%",
        )
    ]
    others = (
        ("NNDR, real less held-out", found.nndr, "mean ratio of nearest to second nearest", ""),
        ("0.1% nearest, real less held-out", found.tail_01, "the very nearest", space.unit),
        ("1% nearest, real less held-out", found.tail_1, "the nearest hundredth", space.unit),
    )
    lines += [
        _line(space, what, value, meaning=f"{why}; 0 without copying, below 0 nearer", unit=unit)
        for what, value, why, unit in others
    ]
    alarm = f"fakes lie nearer to the real images than to held-out ones ({space.name})"
    return Test(findings=tuple(lines), alarm=alarm if found.copying else ""), found


def authentic(space: Space, confidence: float, seed: int) -> Test:  # noqa: ARG001 - a Run
    """Ask whether fakes keep the distance that real images keep from each other (Alaa 2022)."""
    found = authenticity(space.fakes, space.real, space.holdout, confidence=confidence)
    low = _below(found.difference, 0.0)
    line = _line(
        space,
        "authentic fakes less authentic held-out images",
        found.difference,
        good=not low,
        meaning=f"of the fakes {found.fakes.value:.1%} keep the distance real images keep, of the "
        f"held-out images {found.holdout.value:.1%}; far above 0 says only that fakes are far off",
    )
    alarm = f"fakes keep less distance from real images than fresh ones do ({space.name})"
    return Test(findings=(line,), alarm=alarm if low else "")


def copying(space: Space, confidence: float, seed: int) -> Test:
    """Test by cells whether fakes lie nearer to real images than held-out ones do (Meehan 2020)."""
    found = copying_test(
        *(np.ascontiguousarray(_real(part)) for part in (space.fakes, *space.even)),
        seed=seed,
        confidence=confidence,
    )
    # smooth fakes lie near to everything: only what the exchanged test lacks is copying
    low = _below(found.ct, min(0.0, found.control.low))
    line = _line(
        space,
        "C_T",
        found.ct,
        good=None if np.isnan(found.ct.value) else not low,
        meaning="standard errors by which fakes lie nearer to real images (below 0) than held-out "
        f"ones do; with real and held-out exchanged {found.control}",
    )
    alarm = f"C_T lies below 0: fakes lie nearer to the real images than fresh ones ({space.name})"
    return Test(findings=(line,), alarm=alarm if low else "")


def likelihood(space: Space, confidence: float, seed: int) -> Test:
    """Compare the likelihood of real and held-out images under the fakes (FLD)."""
    fakes = _drawn(_real(space.fakes), seed, "fakes")
    sides = [_drawn(_real(part), seed, "even") for part in space.even]
    found = feature_likelihood(fakes, sides[0], sides[1], confidence=confidence)
    high = _above(found.excess, 0.0)
    line = _line(
        space,
        "feature likelihood, held-out less real",
        found.excess,
        good=not high,
        meaning="FLD's gap, beyond what the fit alone gives; above 0 the fakes know the real "
        f"images; on {len(fakes)} fakes",
    )
    alarm = f"real images are likelier under the fakes than held-out ones ({space.name})"
    return Test(findings=(line,), alarm=alarm if high else "")


def extracted(space: Space, confidence: float, seed: int) -> Test:  # noqa: ARG001 - a Run
    """Count fakes that stand far closer to one image than to its fellows (Carlini 2023)."""
    found = extraction(space.fakes, *space.even, confidence=confidence)
    high = _above(found.excess, 0.0)
    line = _line(
        space,
        "extracted, from real less from held-out",
        found.excess,
        good=not high,
        meaning=f"share of fakes at less than half the usual distance: {found.train.value:.2%} of "
        f"a real image, {found.held_out.value:.2%} of a held-out one",
        unit="%",
    )
    alarm = f"more fakes are extractions of real images than of held-out ones ({space.name})"
    return Test(findings=(line,), alarm=alarm if high else "")


def membership(space: Space, confidence: float, seed: int) -> Test:
    """Attack the generator by its fakes: nearness to one speaks for a member (GAN-Leaks)."""
    found = gan_leaks(
        space.fakes,
        *space.even,
        reference=space.reference,
        fprs=(0.01,),
        seed=seed,
        confidence=confidence,
    )
    named = [("nearness to a fake", found.plain)]
    if found.calibrated is not None:
        named.append(("the same, less that to another generator's fakes", found.calibrated))
    lines, alarms = [], []
    for name, one in named:
        high = _above(one.auc, 0.5)
        rate = one.tpr_at_fpr[0.01].estimate
        lines.append(
            _line(
                space,
                f"AUC of GAN-Leaks by {name}",
                one.auc,
                good=not high,
                meaning="how well nearness tells real images from held-out ones; 0.5 is a guess",
            )
        )
        lines.append(
            _line(
                space,
                f"GAN-Leaks' true positives at 1% false, by {name}",
                rate,
                meaning="share of real images found; 1% is a guess",
                unit="%",
            )
        )
        if high:
            alarms.append(f"GAN-Leaks tells real images from held-out ones by {name}")
    alarm = f"{'; '.join(alarms)} ({space.name})" if alarms else ""
    return Test(findings=tuple(lines), alarm=alarm)


TESTS: dict[str, Run] = {
    "authenticity": authentic,
    "C_T": copying,
    "feature likelihood": likelihood,
    "extraction": extracted,
    "GAN-Leaks": membership,
}


def _line(
    space: Space,
    what: str,
    value: Estimate,
    *,
    meaning: str,
    good: bool | None = None,
    unit: str = "",
) -> Finding:
    return Finding(stage=space.name, what=what, value=value, good=good, meaning=meaning, unit=unit)


def _above(found: Estimate, chance: float) -> bool:
    return bool(found.low > chance)


def _below(found: Estimate, chance: float) -> bool:
    return bool(found.high < chance)


def _real(points: Points) -> Float[np.ndarray, "images width"]:
    """Return features as they are, pixels as float32."""
    return points if points.dtype.kind == "f" else points.astype(np.float32)


def _drawn(points: Points, seed: int, name: str) -> Points:
    """Draw at most MOST rows."""
    if len(points) <= MOST:
        return points
    rows = seeds.generator(seed, "leak-tests", name).permutation(len(points))[:MOST]
    return points[np.sort(rows)]
