"""canaries: what averages hide - LiRA on images that half of the training sets hold, by kind."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from pryproof.evaluation.estimates import mean_accuracy
from pryproof.evaluation.self_test import corrected_confidence
from pryproof.pipeline.canary_lira import ALL, HEADLINE, judge_row, null_auc
from pryproof.pipeline.results import estimate
from pryproof.pipeline.rows import READS, ROWS
from pryproof.pipeline.steps.call import Call, Loaded, Result
from pryproof.pipeline.task import HALF
from pryproof.records import Estimate
from pryproof.reporting.content import Finding

MODES = {  # canaries.generator -> what it makes of a row with fakes
    "per_shadow": "Every run repeats the whole road on its own training set.",
    "per_fold": "The runs of a half share its road: valuation, generator and transform.",
    "shared": "A lower bound of the leak, no headline: one generator that saw every canary makes "
    "the fakes of all halves, so runs without a canary have seen what it left in them.",
    "shared_public": "Another, safer defense than the row's: the generator and the transform "
    "learned from a shadow fold's images, never from a canary or a member.",
}


def canaries(call: Call) -> Result:
    """Judge every canary in every run of each row; scores as arrays, estimates as facts."""
    data, asked = Loaded.of(call.inputs["load"]), call.settings
    rows, findings, arrays = [], [], {}
    for name in asked["rows"]:
        found, scores = _row(call, data, name)
        rows.append(found)
        findings += list(_lines(found, len(_halves(data))))
        arrays[f"score.{name}"] = scores
        arrays[f"half.{name}"] = np.array(_folds(call, name))
        call.progress(len(rows) / len(asked["rows"]), name)
    arrays["halves"] = _halves(data)
    facts = {
        "rows": rows,
        "generator": asked["generator"],
        "halves": len(_halves(data)),
        "fpr": HEADLINE,
        "findings": [asdict(line) for line in findings],
    }
    return Result(arrays, facts)


def _halves(data: Loaded) -> np.ndarray:
    return np.zeros((0, 0), dtype=bool) if data.halves is None else data.halves


def _folds(call: Call, row: str) -> list[int]:
    """Return the half of each run that is left, in the order of the inputs."""
    roles = [role for role in call.inputs if role.startswith(f"{row}/")]
    return [int(role.split("/")[1].removeprefix(HALF)) for role in roles]


def _row(call: Call, data: Loaded, name: str) -> tuple[dict[str, Any], np.ndarray]:
    said = [run.arrays for role, run in call.inputs.items() if role.startswith(f"{name}/")]
    halves, half = _halves(data), np.array(_folds(call, name))
    phi = np.stack([run["signal.phi"][data.canaries()] for run in said]).astype(np.float64)
    right = np.stack([run["signal.correct"][data.parts["evaluation"]] for run in said]) > 0
    found, scores = judge_row(phi, halves, half, data.kinds())
    level = corrected_confidence(len(call.settings["rows"]))
    null = null_auc(phi, halves, half, seed=call.settings["seed"], confidence=level)
    made = bool(READS[ROWS[name].trains_on])
    return {
        "name": name,
        "runs": len(said),
        "test_accuracy": asdict(mean_accuracy(right)),
        "null_auc": asdict(null),
        "note": MODES[call.settings["generator"]] if made else "",
        **found,
    }, scores


def _lines(found: Mapping[str, Any], halves: int) -> Iterator[Finding]:
    """Say which kind is found most, beside clean ones; and what the null gives."""
    title, worst = ROWS[found["name"]].title, found["strongest"]
    kinds = found["kinds"]
    beside = ""
    if "clean" in kinds:
        beside = f" Clean ones: {_percent(_tpr(kinds['clean']))}."
    yield Finding(
        stage="evaluate",
        what=f"canaries found by online LiRA at {HEADLINE:.0%} FPR, {title}, worst kind: "
        f"{worst['kind'] or 'none could be judged'}",
        value=estimate(worst["tpr"]),
        good=None,
        meaning=f"{kinds[ALL]['canaries']} canaries in {found['runs']} runs of {halves} halves; "
        f"AUC of all {estimate(kinds[ALL]['auc'])}.{beside} {found['note']}".rstrip(),
        unit="%",
    )
    yield _null_line(title, estimate(found["null_auc"]))


def _null_line(title: str, null: Estimate) -> Finding:
    said = {
        None: "Too little was measured to say.",
        True: "Nothing is found where there is nothing to find.",
        False: f"The attack on canaries finds something in {title} where there is nothing to find.",
    }
    holds = None if np.isnan(null.value) else null.contains(0.5)
    return Finding(
        stage="evaluate",
        what=f"AUC of the same attack on canaries dealt anew, {title}",
        value=null,
        good=holds,
        meaning=said[holds],
    )


def _tpr(own: Mapping[str, Any]) -> Estimate:
    return estimate(own["tpr"][str(HEADLINE)])


def _percent(found: Estimate) -> str:
    if np.isnan(found.value):
        return str(found)
    return f"{found.value:.1%} [{found.low:.1%}, {found.high:.1%}]"
