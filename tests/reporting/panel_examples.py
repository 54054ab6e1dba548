"""One small panel of every kind, with names that try to break out, and a page's content of them."""

import numpy as np

from pryproof.records import Estimate
from pryproof.reporting.panels import Bars, Histogram, Images, Lines, Panel, Points, Table
from pryproof.reporting.reproduced import ClaimLine, FigureContent, ReproduceContent
from reporting.conftest import HOSTILE, IMAGE, SCRIPT, estimate, missing

ABSENT = missing("fewer than 100 non-members")
ZERO = Estimate(value=0.0, low=0.0, high=0.003, n=1200)
RATE = np.linspace(0, 1, 1001)

HISTOGRAM = Histogram(
    title=f"Losses {SCRIPT}",
    x_title="cross entropy (nats)",
    y_title="members",
    edges=np.geomspace(1e-3, 10, 5),
    series=(("plain", np.array([4, 3, 2, 1])), (f"shielded {IMAGE}", np.array([0, 1, 5, 4]))),
    log_x=True,
)
BARS = Bars(
    title="TPR by verdict",
    y_title="TPR",
    groups=("safe", "vague", "=risky"),
    series=(
        ("ce", (estimate(0.02, 0.01), estimate(0.1, 0.03), estimate(0.3, 0.05))),
        (SCRIPT, (estimate(0.01, 0.005), ABSENT, estimate(0.02, 0.01))),
    ),
    chance=0.01,
)
ROC = Lines(
    title="ROC",
    x_title="FPR",
    y_title="TPR",
    series=(("ce", RATE, RATE**0.4), (IMAGE, RATE, RATE**0.9)),
    scale="log",
    diagonal=True,
)
LINEAR_ROC = Lines(
    title="ROC", x_title="FPR", y_title="TPR", series=ROC.series, scale="linear", diagonal=True
)
CURVES = Lines(
    title="Overlap",
    x_title="runs",
    y_title="overlap",
    series=(("risky", np.arange(1.0, 6.0), np.arange(5.0, 0.0, -1.0)),),
)
POINTS = Points(
    title="Privacy against accuracy",
    x_title="TPR at 0.1% FPR",
    y_title="test accuracy",
    points=(
        ("ce", estimate(0.2, 0.05), estimate(0.85, 0.01)),
        (SCRIPT, ZERO, estimate(0.87, 0.02)),
        ("lost", ABSENT, estimate(0.8, 0.01)),
        ("fakes", estimate(0.006, 0.003), estimate(0.84, 0.01)),
    ),
    log_x=True,
    chance=0.001,
)
TABLE = Table(
    title=f"Members {SCRIPT}",
    columns=("mean R", "verdict"),
    rows=(("plain", (estimate(0.7, 0.02), "risky")), (f"a|b {IMAGE}", (ABSENT, "-1+1"))),
)
IMAGES = Images(
    title="Pairs",
    images=np.arange(5 * 4 * 4, dtype=np.uint8).reshape(5, 4, 4, 1),
    captions=HOSTILE,
    columns=3,
)
PANELS: dict[str, Panel] = {
    "histogram": HISTOGRAM,
    "bars": BARS,
    "roc": ROC,
    "linear_roc": LINEAR_ROC,
    "curves": CURVES,
    "points": POINTS,
    "table": TABLE,
    "images": IMAGES,
}


def claim(verdict: str, found: Estimate, printed: float | None = None) -> ClaimLine:
    return ClaimLine(
        sentence=f"R falls {SCRIPT}",
        quantity=f"change of R {IMAGE}",
        side="below",
        bar=0.0,
        printed=printed,
        estimate=found,
        verdict=verdict,
    )


FALL = Estimate(value=-0.31, low=-0.35, high=-0.27, n=1500, runs=10, method="bootstrap")
RISE = Estimate(value=0.21, low=0.15, high=0.27, n=1234, runs=7, method="bootstrap")
CONTENT = ReproduceContent(
    title=f"Figures {SCRIPT}",
    subtitle="Ten runs",
    facts=(("Size", "tiny"), ("Machine", IMAGE)),
    figures=(
        FigureContent(
            name="fig1a",
            title=f"Two histograms {SCRIPT}",
            source="Figure 1a, b",
            panels=tuple(PANELS.values()),
            claims=(
                claim("holds", FALL, printed=-0.7),
                claim("does not hold", RISE),
                claim("cannot tell", ABSENT),
            ),
            notes=(f"Another network {IMAGE}",),
            seconds=812.0,
            tasks=43,
        ),
        FigureContent(
            name="fig2",
            title="Nothing",
            source="Figure 2",
            panels=(),
            claims=(),
            notes=(),
            seconds=3.0,
            tasks=1,
        ),
    ),
    limits=(f"Ten runs {SCRIPT}",),
    provenance=(("version", "1"),),
)
