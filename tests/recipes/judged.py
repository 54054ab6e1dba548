"""Planted rows that leak as much as they are told, judged by the study's own evaluation step."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from pryproof import seeds
from pryproof.pipeline.steps.call import Call
from pryproof.pipeline.steps.evaluate import evaluate
from pryproof.recipes.opened import Opened
from pryproof.store.workspace import Stored
from recipes.planted import MEMBERS, PARTS, Losses, Made, Row, bounds, study

RUNS, SHADOWS = 3, 2
COUNT = sum(PARTS.values())


@dataclass(frozen=True, kw_only=True)
class Planted:
    """How much lower (log nats) a row's loss is on what it trained on, and on everything."""

    leak: float = 0.5
    skill: float = 0.0
    exposed: float = 0.0  # further leak of the first tenth of the members


def planted(rows: Mapping[str, Planted]) -> Opened:
    """Return a study with these rows, evaluated."""
    made = {
        name: Row(
            losses=_losses(name, plan, "members", RUNS),
            shadow_losses=_losses(f"shadow/{name}", plan, "shadow0", SHADOWS),
        )
        for name, plan in rows.items()
    }
    opened = study(made)
    values = dict(opened.results._values)
    values["evaluate"] = _evaluated(values, list(rows))
    return Opened(Made(values), opened.rows)


def _losses(name: str, plan: Planted, part: str, runs: int) -> Losses:
    hard = np.exp(0.8 * seeds.generator(0, "hard").normal(size=COUNT))
    hard[: MEMBERS // 10] = 4.0  # nats: who may be exposed looks alike until then
    noise = np.exp(0.1 * seeds.generator(0, "judged", name).normal(size=(runs, COUNT)))
    gain = np.full(COUNT, plan.skill)
    gain[bounds(part)] += plan.leak
    if part == "members":
        gain[: MEMBERS // 10] += plan.exposed
    return hard * np.exp(-gain) * noise


def _evaluated(values: Mapping[str, Stored], rows: list[str]) -> Stored:
    facts = {"uses_reference": False, "epochs": 1, "steps": 10}
    inputs = {
        f"{name.split('/')[2]}/{name.split('/')[1]}/{name.split('/')[3]}": replace(
            stored, facts=dict(stored.facts) | facts
        )
        for name, stored in values.items()
        if name.startswith("train/")
    }
    verdict = Stored(arrays={"verdict": np.zeros(MEMBERS, np.int8)}, facts={}, record={})
    result = evaluate(
        Call(
            settings={"rows": rows, "seed": 0},
            inputs={"load": values["load"], "value": verdict, **inputs},
            where={},
            progress=lambda _fraction, _detail: None,
        )
    )
    return Stored(arrays=dict(result.arrays), facts=dict(result.facts), record={})
