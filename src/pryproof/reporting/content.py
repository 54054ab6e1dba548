"""What a report says, as frozen records: the pipeline fills them, the renderers only read them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, UInt8

from pryproof.records import Estimate

VERDICTS = ("safe", "vague", "risky")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One defense of the comparison.

    ``attacks`` has one estimate per entry of ``comparison.ATTACKS``; ``by_verdict`` has the LiRA
    TPR at 1% FPR among the members of each verdict. ``seconds`` is the sum over its training tasks.
    """

    name: str
    title: str
    note: str
    runs: int
    shadows: int
    train_accuracy: Estimate
    test_accuracy: Estimate
    attacks: Mapping[str, Estimate]
    by_verdict: Mapping[str, Estimate]
    epochs: float
    steps: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Whether one stage did its work: a measured value or a word, and what it means.

    ``good`` is None where there is nothing to pass or fail. ``unit`` stands after the number; "%"
    says that the value is a share, to be written in percent.
    """

    stage: str
    what: str
    value: Estimate | str
    good: bool | None
    meaning: str
    unit: str = ""


@dataclass(frozen=True, kw_only=True)
class OverlapRow:
    """The share of a bin on which all valuation runs agree, beside chance.

    ``unseen`` is the same share for runs that never saw the samples: what difficulty explains.
    """

    name: str
    bin: str
    ratio: Estimate
    chance: float
    unseen: Estimate


@dataclass(frozen=True, kw_only=True)
class SelfTestLine:
    """An attack tried where there is nothing to find: the interval must hold chance.

    The estimate's level is the one corrected for the number of lines.
    """

    row: str
    attack: str
    metric: str
    estimate: Estimate
    chance: float = 0.5


@dataclass(frozen=True, kw_only=True)
class CanaryRow:
    """One kind of canary under one defense: what online LiRA finds of it.

    ``tpr`` is by false positive rate, over pairs of canary and run; ``by_canary`` are quantiles
    over canaries of the share of training sets with it that find it, by name.
    """

    title: str
    kind: str
    canaries: int
    tpr: Mapping[str, Estimate]
    auc: Estimate
    by_canary: Mapping[str, Estimate]


@dataclass(frozen=True, kw_only=True)
class Stage:
    """What one stage cost: tasks, those reused from the store, seconds of all tasks together."""

    name: str
    tasks: int
    reused: int
    seconds: float
    note: str


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Images to look at, one caption each; ``group`` neighbours belong together (2: x and G(x))."""

    title: str
    caption: str
    images: UInt8[np.ndarray, "n h w c"]
    captions: tuple[str, ...]
    columns: int
    group: int = 1


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One line of a plot; curves of one title share a panel, kind "roc" has log-log axes."""

    title: str
    name: str
    x: Float[np.ndarray, " points"]
    y: Float[np.ndarray, " points"]
    x_title: str
    y_title: str
    kind: Literal["training", "roc"] = "training"


@dataclass(frozen=True, kw_only=True)
class Content:
    """Everything on the page; ``verdicts`` counts images: "real" or "fake" -> verdict -> images."""

    title: str
    subtitle: str
    verdict: str
    warnings: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    verdicts: Mapping[str, Mapping[str, int]]
    verdict_rule: str
    overlaps: tuple[OverlapRow, ...]
    findings: tuple[Finding, ...]
    rows: tuple[Row, ...]
    classes: tuple[tuple[str, tuple[Estimate, ...]], ...]  # a row a class, under class_columns
    class_columns: tuple[str, ...]
    self_test: tuple[SelfTestLine, ...]
    self_test_passed: bool
    self_test_level: str
    stages: tuple[Stage, ...]
    grids: tuple[Grid, ...]
    curves: tuple[Curve, ...]
    limits: tuple[str, ...]
    provenance: tuple[tuple[str, str], ...]
    canaries: tuple[CanaryRow, ...] = ()  # a study without them has none


@dataclass(frozen=True, kw_only=True)
class FakesContent:
    """What the page on one set of fakes says of the images that the fakes were learned from."""

    title: str
    subtitle: str
    verdict: str
    warnings: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    findings: tuple[Finding, ...]  # of the leak audit
    quality: tuple[Finding, ...]
    classes: tuple[tuple[str, tuple[Estimate, ...]], ...]  # a row a class, under class_columns
    class_columns: tuple[str, ...]
    grids: tuple[Grid, ...]
    limits: tuple[str, ...]
    provenance: tuple[tuple[str, str], ...]
