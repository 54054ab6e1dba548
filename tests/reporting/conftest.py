"""A whole report's content: five defenses, small random images, and names that try to break out."""

from dataclasses import replace

import numpy as np
import pytest

from pryproof.records import Estimate
from pryproof.reporting.content import (
    Content,
    Curve,
    Finding,
    Grid,
    OverlapRow,
    Row,
    SelfTestLine,
    Stage,
)
from pryproof.reporting.page import render

SCRIPT = "<script>alert(1)</script>"
IMAGE = '"><img src=x onerror=alert(2)>'
CLOSING = "</script><svg onload=alert(3)>"
TEMPLATE = "{{ 7 * 191 }}{% raw %}"
TURNED = "cat\u202egpj.exe\x1b[31m\udc80"
HOSTILE = (SCRIPT, IMAGE, CLOSING, TEMPLATE, TURNED)


def estimate(value: float, spread: float, n: int = 1200, runs: int = 3) -> Estimate:
    low, high = max(value - spread, 0.0), min(value + spread, 1.0)
    return Estimate(
        value=value, low=low, high=high, n=n, runs=runs, method="Wilson, clustered by run"
    )


def missing(why: str) -> Estimate:
    nan = float("nan")
    return Estimate(value=nan, low=nan, high=nan, n=0, runs=0, method=why)


def row(name: str, title: str, note: str, numbers: tuple[float, ...], *, runs: int = 3) -> Row:
    train, test, tpr, auc, entropy, simple = numbers
    risky = min(3 * tpr, 1.0)
    return Row(
        name=name,
        title=title,
        note=note,
        runs=runs,
        shadows=16,
        train_accuracy=estimate(train, 0.013),
        test_accuracy=estimate(test, 0.017),
        attacks={
            "correctness": estimate(simple, 0.018),
            "confidence": estimate(entropy - 0.01, 0.019),
            "entropy": estimate(entropy - 0.03, 0.019),
            "modified_entropy": estimate(entropy, 0.018),
            "lira_auc": estimate(auc, 0.016),
            "lira_tpr": estimate(tpr, 0.3 * tpr + 0.004),
        },
        by_verdict={
            "safe": estimate(tpr / 3, tpr / 4, n=310),
            "vague": estimate(tpr, tpr / 3, n=560),
            "risky": estimate(risky, risky / 4, n=330),
        },
        epochs=24.0,
        steps=4512,
        seconds=812.4,
    )


def rows() -> tuple[Row, ...]:
    plain = row("ce", "Cross-entropy", "no defense", (0.998, 0.781, 0.339, 0.884, 0.812, 0.612))
    early = row(
        "early", "Early stopping", "stopped at 8 epochs", (0.861, 0.792, 0.031, 0.603, 0.571, 0.537)
    )
    relax = row("relax", "RelaxLoss", "alpha 1.0", (0.902, 0.779, 0.052, 0.642, 0.602, 0.561))
    fakes = row(
        "fakes",
        "Protected set",
        f"fakes, G(x) and safe images {SCRIPT}",
        (0.712, 0.853, 0.008, 0.509, 0.503, 0.501),
    )
    selena = row(
        "selena",
        f"SELENA {IMAGE}",
        "25 sub-models",
        (0.803, 0.741, 0.012, 0.531, 0.524, 0.519),
        runs=1,
    )
    unmeasured = missing("fewer than 100 non-members at 1% FPR")
    return (
        plain,
        early,
        relax,
        fakes,
        replace(
            selena,
            attacks={**selena.attacks, "lira_tpr": unmeasured},
            by_verdict={**selena.by_verdict, "safe": unmeasured},
        ),
    )


def grids() -> tuple[Grid, ...]:
    random = np.random.default_rng(7)

    def draw(n: int, size: int, channels: int) -> np.ndarray:
        coarse = random.integers(0, 256, (n, 7, 7, channels), dtype=np.uint8)
        times = size // 7
        return coarse.repeat(times, axis=1).repeat(times, axis=2)

    names = ("sandal", "ankle boot", "shirt", *HOSTILE)
    captions = tuple(
        f"{names[place % len(names)]} #{place}, AUC 0.{90 - place}" for place in range(16)
    )
    return (
        Grid(
            title="The riskiest images",
            caption="Every run votes risky.",
            images=draw(16, 28, 1),
            captions=captions,
            columns=8,
        ),
        Grid(
            title="The safest images",
            caption="Every run votes safe.",
            images=draw(16, 28, 1),
            captions=captions,
            columns=8,
        ),
        Grid(
            title=f"Fakes {SCRIPT}",
            caption="Drawn by the generator, one class a column.",
            images=draw(10, 28, 3),
            captions=captions[:10],
            columns=10,
        ),
        Grid(
            title="Transformed pairs",
            caption="Left the image x, right G(x).",
            images=draw(12, 28, 1),
            captions=("x", "G(x)") * 6,
            columns=12,
            group=2,
        ),
        Grid(
            title="Photographs",
            caption="Larger images are shown smaller.",
            images=draw(4, 210, 3),
            captions=captions[:4],
            columns=4,
        ),
    )


def curves() -> tuple[Curve, ...]:
    rate = np.concatenate([[0.0], np.geomspace(1e-3, 1, 900)])
    roc = [
        Curve(
            title="ROC of LiRA",
            name=name,
            x=rate,
            y=rate**power,
            x_title="False-positive rate",
            y_title="True-positive rate",
            kind="roc",
        )
        for name, power in (
            ("ce", 0.25),
            ("early", 0.75),
            ("relax", 0.65),
            ("fakes", 0.98),
            (SCRIPT, 0.9),
        )
    ]
    epochs = np.arange(1.0, 25.0)
    training = [
        Curve(
            title=title,
            name=name,
            x=epochs,
            y=start * np.exp(-epochs / pace),
            x_title="Epoch",
            y_title="Loss",
        )
        for title, start in (
            ("Target training loss", 2.3),
            ("Generator loss", 3.0),
            (f"CycleGAN cycle loss {CLOSING}", 0.4),
        )
        for name, pace in (("ce", 6.0), ("shadow0", 8.0))
    ]
    return (*training, *roc)


def realistic() -> Content:
    return Content(
        title="Fashion-MNIST demo: which images does the classifier give away?",
        subtitle="A small CNN trained on 1,200 private images, audited with 16 shadow models.",
        verdict="The protected set brings LiRA's hits at 1% false positives from 33.9% to 0.8%, "
        "which is no better than a guess, and accuracy rises from 78.1% to 85.3%.",
        warnings=(
            "This is the demo: 3 runs on one split. Intervals are wide and hold for it only.",
            f"One class name in the data looks like markup: {SCRIPT}",
        ),
        facts=(
            ("Data", "Fashion-MNIST, 28 x 28, 10 classes"),
            ("Members", "1,200"),
            ("Reference", "4,800"),
            ("Evaluation", "1,200"),
            ("Model", f"small_cnn {IMAGE}"),
            ("Valuation", "RelaxLoss, 4 runs, margin to the class threshold"),
            ("Seed", "0"),
        ),
        verdicts={
            "real": {"safe": 310, "vague": 560, "risky": 330},
            "fake": {"safe": 402, "vague": 391, "risky": 407},
        },
        verdict_rule="Safe: in the safest quarter of its class in at least 3 of 4 runs. Risky: "
        "likewise in the riskiest quarter. Vague: the rest.",
        overlaps=(
            OverlapRow(
                name="RelaxLoss",
                bin="safest 25%",
                ratio=estimate(0.4, 0.03),
                chance=0.0625,
                unseen=estimate(0.31, 0.03),
            ),
            OverlapRow(
                name="RelaxLoss",
                bin="riskiest 25%",
                ratio=estimate(0.22, 0.04),
                chance=0.0625,
                unseen=estimate(0.2, 0.04),
            ),
            OverlapRow(
                name="Cross-entropy",
                bin=TURNED,
                ratio=estimate(0.06, 0.02),
                chance=0.0625,
                unseen=missing("no such runs"),
            ),
        ),
        findings=(
            Finding(
                stage="CycleGAN",
                what="Cycle loss, held out",
                value=Estimate(value=0.08134, low=0.0791, high=0.0836, n=600, method="bootstrap"),
                good=True,
                meaning="The way back finds the image again.",
                unit="mean absolute difference",
            ),
            Finding(
                stage="Domains",
                what="Held-out accuracy of safe against risky",
                value=estimate(0.57, 0.04, n=400),
                good=False,
                meaning="Within a class the domains can hardly be told apart.",
                unit="%",
            ),
            Finding(
                stage="TAC-GAN",
                what="Fakes classified as their label",
                value=estimate(0.83, 0.02),
                good=True,
                meaning="Fakes carry their class.",
                unit="%",
            ),
            Finding(
                stage="RelaxLoss",
                what="Batches in which the loss floor binds",
                value="48% of 4,512",
                good=None,
                meaning=f"The floor is at work. {IMAGE}",
            ),
        ),
        rows=rows(),
        classes=(
            (f"coat {IMAGE}", (estimate(0.71, 0.05), estimate(0.4, 0.06))),
            ("bag", (estimate(0.9, 0.03), missing("no image of this class"))),
        ),
        class_columns=("real images", "fakes"),
        self_test=tuple(
            SelfTestLine(
                row=defense.title,
                attack=attack,
                metric="balanced accuracy",
                estimate=replace(estimate(0.502, 0.04), confidence=0.995),
            )
            for defense in rows()
            for attack in ("LiRA", "M-entropy")
        ),
        self_test_passed=True,
        self_test_level="95% over all 10 together, 99.5% each (Bonferroni)",
        stages=(
            Stage(
                name="valuation",
                tasks=12,
                reused=0,
                seconds=184.2,
                note="4 runs in each of 3 folds",
            ),
            Stage(name="generation", tasks=3, reused=1, seconds=402.9, note="TAC-GAN, 60 epochs"),
            Stage(
                name="evaluation",
                tasks=95,
                reused=19,
                seconds=4096.0,
                note=f"targets and shadows {SCRIPT}",
            ),
        ),
        grids=grids(),
        curves=curves(),
        limits=(
            "One data set, one small network: nothing here speaks of 50,000 images.",
            "With 1,200 non-members, an FPR below 1% rests on fewer than 12 images.",
        ),
        provenance=(
            ("Study", "runs/demo <b>bold</b>"),
            ("Versions", "pryproof 0.1.0, torch 2.13.0, Python 3.11"),
            ("Numeric fingerprint", "x86_64 AVX2, 1 thread"),
            ("Key of the plan", "9f" * 32),
        ),
    )


@pytest.fixture(scope="session")
def hostile() -> tuple[str, ...]:
    return HOSTILE


@pytest.fixture(scope="session")
def content() -> Content:
    return realistic()


@pytest.fixture(scope="session")
def html(content: Content) -> str:
    return render(content)
