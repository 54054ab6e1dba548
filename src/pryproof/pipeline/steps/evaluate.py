"""evaluate: every row under every attack, and the same attacks on models that never saw anything.

Thresholds come from the row's own shadow runs, on samples nobody judges; LiRA's expectations come
from the same shadows, which never trained on a judged sample.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from pryproof.attacks import THRESHOLD_ATTACKS
from pryproof.attacks.lira import lira_offline
from pryproof.evaluation.estimates import (
    auc_estimate,
    balanced_accuracy,
    mean_accuracy,
    tpr_by_group,
    tpr_estimate,
)
from pryproof.evaluation.roc import roc
from pryproof.evaluation.self_test import corrected_confidence, self_test
from pryproof.pipeline.steps.call import Call, Loaded, Result
from pryproof.pipeline.steps.judging import Run, called
from pryproof.records import Estimate
from pryproof.valuation.votes import RISKY, SAFE, VAGUE

VERDICTS = {"safe": SAFE, "vague": VAGUE, "risky": RISKY}
FPR = 0.01  # the headline's operating point
Label = tuple[str, str, str]  # row, attack, metric
ROC_GRID = np.geomspace(1e-4, 1.0, 121)


def evaluate(call: Call) -> Result:
    """Return every estimate as facts, LiRA scores and ROC curves as arrays."""
    data = Loaded.of(call.inputs["load"])
    verdict = call.inputs["value"].arrays["verdict"]
    names = call.settings["rows"]
    looked_at = len(names) * (len(THRESHOLD_ATTACKS) + 1)
    confidence = corrected_confidence(looked_at)
    arrays: dict[str, np.ndarray] = {"roc.fpr": ROC_GRID}
    rows, null = [], []
    for name in names:
        runs = [
            Run.of(stored, fold=role.split("/")[1])
            for role, stored in call.inputs.items()
            if role.startswith(f"{name}/")
        ]
        targets = [run for run in runs if run.fold == "target"]
        shadows = [run for run in runs if run.fold != "target"]
        judged = _attack(data, targets, shadows, seed=call.settings["seed"])
        scores = _lira(data, targets, shadows)
        members = scores[:, : data.size("members")]
        others = scores[:, data.size("members") :]
        arrays[f"lira.{name}"] = scores
        arrays[f"roc.{name}"] = _roc_on_grid(members, others)
        by_verdict = _by_verdict(members, others, verdict)
        rows.append(
            {
                "name": name,
                "runs": len(targets),
                "shadows": len(shadows),
                **_accuracies(data, targets),
                "attacks": {key: asdict(value) for key, value in judged.items()},
                "by_verdict": {word: asdict(found) for word, found in by_verdict.items()},
                **_cost(targets),
            }
        )
        null += _null_lines(data, name, shadows, confidence=confidence)
        call.progress(len(rows) / len(names), name)
    judged_null = self_test([("/".join(label), found) for label, found in null])
    lines = [
        {"row": row, "attack": attack, "metric": metric, "estimate": asdict(found)}
        for (row, attack, metric), found in null
    ]
    test = {"lines": lines, "passed": judged_null.passed, "confidence": judged_null.confidence}
    return Result(arrays, {"rows": rows, "self_test": test, "fpr": FPR})


def _accuracies(data: Loaded, runs: Sequence[Run]) -> dict[str, dict[str, Any]]:
    correct = np.stack([run.said["correct"] for run in runs])
    return {
        "train_accuracy": asdict(mean_accuracy(correct[:, data.parts["members"]])),
        "test_accuracy": asdict(mean_accuracy(correct[:, data.parts["evaluation"]])),
    }


def _cost(runs: Sequence[Run]) -> dict[str, float]:
    """Epochs and steps of one run. Seconds are no result: the report reads them in the records."""
    return {"epochs": runs[0].facts["epochs"], "steps": runs[0].facts["steps"]}


def _attack(
    data: Loaded, targets: Sequence[Run], shadows: Sequence[Run], *, seed: int
) -> dict[str, Estimate]:
    """Judge members against evaluation samples; nothing here was used to fit anything."""
    found = {}
    for name in THRESHOLD_ATTACKS:
        calls = called(name, data, targets, shadows)
        found[name] = balanced_accuracy(
            calls[:, data.parts["members"]],
            calls[:, data.parts["evaluation"]],
        )
    scores = _lira(data, targets, shadows)
    members, others = np.split(scores, [data.size("members")], axis=1)
    found["lira_auc"] = auc_estimate(members, others)
    if _too_few(others):
        found["lira_tpr"] = _not_estimable(others)
    else:
        found["lira_tpr"] = tpr_estimate(members, others, fpr=FPR, seed=seed)
    return found


def _too_few(others: np.ndarray) -> bool:
    return others.shape[1] * FPR < 1


def _not_estimable(others: np.ndarray) -> Estimate:
    why = f"a TPR at {FPR:.0%} FPR needs {1 / FPR:.0f} non-members, there are {others.shape[1]}"
    nan = float("nan")
    return Estimate(value=nan, low=nan, high=nan, n=others.shape[1], runs=len(others), method=why)


def _by_verdict(
    members: np.ndarray, others: np.ndarray, verdict: np.ndarray
) -> dict[str, Estimate]:
    """Return the headline attack's TPR among the members of each verdict that occurs."""
    if _too_few(others):
        return {word: _not_estimable(others) for word in VERDICTS}
    found = tpr_by_group(members, others, verdict.astype(np.int64), fpr=FPR)
    return {word: found[code] for word, code in VERDICTS.items() if code in found}


def _lira(data: Loaded, targets: Sequence[Run], shadows: Sequence[Run]) -> np.ndarray:
    """Offline LiRA of members, then evaluation samples: ``[targets, members + evaluation]``."""
    judged = [data.parts["members"], data.parts["evaluation"]]
    runs = [*targets, *shadows]
    phi = np.stack([np.concatenate([run.said["phi"][part] for part in judged]) for run in runs])
    member = np.zeros(phi.shape, dtype=bool)
    member[: len(targets), : data.size("members")] = [
        [run.fold == "target"] * data.size("members") for run in targets
    ]
    group = np.repeat([0, 1], [len(targets), len(shadows)])
    return lira_offline(phi, member, group)[: len(targets)]


def _null_lines(
    data: Loaded,
    name: str,
    shadows: Sequence[Run],
    *,
    confidence: float,
) -> list[tuple[Label, Estimate]]:
    """Attack one run of each shadow fold with all other shadows: none saw a judged sample.

    One run and not every run in turn: two shadows that judge each other give scores of opposite
    sign, whose mean AUC is 0.5 whatever they say - a check that could not fail.
    """
    judged = [run for run in shadows if run is _first(shadows, run.fold)]
    calls: dict[str, list[np.ndarray]] = {attack: [] for attack in THRESHOLD_ATTACKS}
    scores = []
    for run in judged:
        others = [other for other in shadows if other is not run]
        for attack in THRESHOLD_ATTACKS:
            calls[attack].append(called(attack, data, [run], others)[0])
        scores.append(_lira(data, [run], others)[0])
    members, evaluation = data.parts["members"], data.parts["evaluation"]
    lines: list[tuple[Label, Estimate]] = []
    for attack, decided in calls.items():
        table = np.stack(decided)
        found = balanced_accuracy(table[:, members], table[:, evaluation], confidence=confidence)
        lines.append(((name, attack, "balanced accuracy"), found))
    first, second = np.split(np.stack(scores), [data.size("members")], axis=1)
    found = auc_estimate(first, second, confidence=confidence)
    return [*lines, ((name, "lira", "AUC"), found)]


def _first(runs: Sequence[Run], fold: str) -> Run:
    return next(run for run in runs if run.fold == fold)


def _roc_on_grid(members: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Mean over runs of the TPR at each FPR of the grid: the largest realised FPR not above it."""
    curves = []
    for inside, outside in zip(members, others, strict=True):
        curve = roc(inside, outside)
        place = np.searchsorted(curve.fpr, ROC_GRID, side="right") - 1
        curves.append(curve.tpr[place])
    return np.mean(curves, axis=0)
