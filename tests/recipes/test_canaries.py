"""Ours 6: a kind that leaks is seen behind the clean ones; its shield holds, or cannot be told."""

from dataclasses import replace

import numpy as np
import pytest

from pryproof import seeds
from pryproof.data.canaries import KINDS, halves, images_for
from pryproof.pipeline.canary_lira import ALL, FPRS
from pryproof.pipeline.canary_rows import SHARED, canary_rows
from pryproof.pipeline.steps.call import Call
from pryproof.pipeline.steps.canaries import MODES, canaries
from pryproof.recipes.canaries import CANARIES, CE, MOVED, PLAIN, ROWS, STEP, STUDY
from pryproof.recipes.claims import FAILS, HOLDS, UNKNOWN
from pryproof.recipes.opened import Opened
from pryproof.recipes.sizes import SIZES, size
from pryproof.reporting.panels import Bars, Table
from pryproof.store.workspace import Stored
from recipes.nano import Whole
from recipes.planted import Made

EACH, HALVES, TESTED = 40, 16, 20
RECIPE = CANARIES["our6"]
TINY = replace(size("tiny"), halves=HALVES, canaries=EACH)


class Known(Made):
    """Results of which one can ask what there is."""

    def __contains__(self, name: str) -> bool:
        return name in self._values


def study(leaks: dict[str, dict[str, float]], mode: str = "per_fold") -> Opened:
    """Return a study whose rows leak as told, by kind (nats), judged by the study's own step."""
    kinds = np.repeat(np.arange(len(KINDS)), EACH)
    inside = halves(kinds, HALVES, seed=0)
    hard = 2 * seeds.generator(0, "hard").normal(size=len(kinds))
    inputs = {"load": _load(inside)}
    for row in ROWS:
        gain = np.array([leaks.get(row, {}).get(kind, 0.0) for kind in KINDS])[kinds]
        noise = seeds.generator(0, "noise", row).normal(size=inside.shape)
        for half, phi in enumerate(hard + gain * inside + noise):
            arrays = {"signal.phi": np.concatenate([np.zeros(TESTED), phi])}
            arrays["signal.correct"] = np.ones(TESTED + len(kinds))
            inputs[f"{row}/half{half}/0"] = Stored(arrays=arrays, facts={}, record={})
    call = Call(
        settings={"rows": list(ROWS), "generator": mode, "seed": 0},
        inputs=inputs,
        where={},
        progress=lambda _fraction, _detail: None,
    )
    result = canaries(call)
    step = Stored(arrays=dict(result.arrays), facts=dict(result.facts), record={})
    return Opened(Known({STEP: step}), {})


def _load(inside: np.ndarray) -> Stored:
    count = TESTED + inside.shape[1]
    parts = {"evaluation": [0, TESTED]}
    parts |= {
        f"canaries/{kind}": [TESTED + EACH * i, TESTED + EACH * (i + 1)]
        for i, kind in enumerate(KINDS)
    }
    arrays = {
        "images": np.zeros((count, 4, 4, 1), np.uint8),
        "labels": np.zeros(count, np.int64),
        "halves": inside,
    }
    facts = {"parts": parts, "ids": [str(i) for i in range(count)], "classes": ["cat", "dog"]}
    return Stored(arrays=arrays, facts=facts, record={})


LEAKY = {
    PLAIN: {"clean": 0.5, "mislabelled": 6.0, "near_duplicate": 3.0},
    CE: {"clean": 0.3, "mislabelled": 6.0},
    MOVED: {"mislabelled": 0.3},
}


LEAKED = study(LEAKY)


def verdicts(opened: Opened) -> dict[str, str]:
    figure = RECIPE.read({STUDY: opened}, TINY)
    return {each.claim.name: each.verdict for each in figure.claims}


def test_planted_kinds_are_told_apart_and_a_shield_is_seen():
    found = verdicts(LEAKED)
    assert len(found) == RECIPE.claims
    assert found["mislabelled-above-clean-ce"] == HOLDS
    assert found["strongest-kind-shielded"] == HOLDS
    assert found["clean-hides-strongest-ce"] == HOLDS
    assert found["clean-hides-strongest-ce-crop-flip"] == HOLDS
    assert found["clean-hides-strongest-fakes-transformed"] == UNKNOWN


def test_where_the_protected_row_leaks_more_it_shields_nobody():
    found = verdicts(study({PLAIN: {"clean": 6.0}, CE: {}, MOVED: {"atypical": 6.0}}))
    assert found["strongest-kind-shielded"] == FAILS
    assert found["mislabelled-above-clean-ce"] == FAILS


def test_where_nothing_leaks_nothing_is_claimed():
    found = verdicts(study({}))
    assert set(found.values()) == {UNKNOWN}


def test_the_strongest_kind_is_named_and_every_number_is_shown():
    bars, strongest, every = RECIPE.read({STUDY: LEAKED}, TINY).panels
    assert isinstance(bars, Bars)
    assert isinstance(strongest, Table)
    assert isinstance(every, Table)
    assert [cells[0] for _, cells in strongest.rows[:2]] == ["mislabelled", "mislabelled"]
    assert len(every.rows) == len(ROWS) * (len(KINDS) + 1)
    assert len(every.rows[0][1]) == len(every.columns) == len(FPRS) + 5
    facts = LEAKED.results[STEP].facts
    for row in facts["rows"]:
        assert row["null_auc"]["low"] < 0.5 < row["null_auc"]["high"]
        assert row["kinds"][ALL]["canaries"] == EACH * len(KINDS)


@pytest.mark.parametrize("mode", ["shared", "shared_public"])
def test_a_shared_generator_is_said_with_every_result(mode: str):
    opened = study(LEAKY, mode)
    assert MODES[mode] in RECIPE.read({STUDY: opened}, TINY).notes
    notes = {row["name"]: row["note"] for row in opened.results[STEP].facts["rows"]}
    assert notes == dict.fromkeys(ROWS, "") | {MOVED: MODES[mode]}
    told = [line["meaning"] for line in opened.results[STEP].facts["findings"]]
    assert sum(MODES[mode] in meaning for meaning in told) == 1
    titles = {row.title for row in canary_rows(opened.results)}
    assert sum(SHARED[mode] in title for title in titles) == 1
    assert len(titles) == len(ROWS)


def test_a_size_says_how_many_and_has_the_images():
    for name, classes, images in (
        ("tiny", 10, 6_000),
        ("small", 20, 60_000),
        ("paper", 100, 60_000),
    ):
        made = size(name, None if name == "tiny" else "images")
        (need,) = RECIPE.needs(made).values()
        chosen = need.settings
        assert chosen.canaries.counts == dict.fromkeys(KINDS, made.canaries)
        assert chosen.canaries.halves == made.halves
        assert chosen.canaries.generator == "per_fold"
        assert need.names() == (STEP,)
        asked = images_for(chosen.canaries.counts)
        parts = chosen.evaluate.shadow_folds + 2
        needed = parts * chosen.data.members + chosen.data.evaluation + asked
        assert needed <= images - 26 * classes  # exact copies, were they all of each class
        # a rate at 1% over pairs needs a hundred without the canary
        assert made.canaries * made.halves / 2 >= 100
    assert "our6" in SIZES["tiny"]().too_dear


def test_the_recipe_runs_on_real_trainings(whole: Whole):
    found = whole.opened["our6"][STUDY].results[STEP].facts
    assert [row["name"] for row in found["rows"]] == list(ROWS)
    assert found["halves"] == whole.size.halves == 4
    roads = {job for job in whole.jobs if job.startswith("generator") and "half" in job}
    assert len(roads) == 4
    assert not any("everyone" in job for job in whole.jobs)
