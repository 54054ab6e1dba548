"""A planted leak is found, none is invented, and what is fitted is kept from what is judged.

Nothing is trained here: runs are drawn, as logits, and given to the step as if they were stored.
"""

import numpy as np
import pytest

from pryproof import seeds
from pryproof.attacks import threshold
from pryproof.attacks.signals import signals
from pryproof.pipeline.steps.call import Call, Loaded, Result
from pryproof.pipeline.steps.evaluate import evaluate
from pryproof.pipeline.steps.value import attack
from pryproof.store.workspace import Stored

CLASSES, SIZE = 3, 240
PARTS = {
    "members": [0, SIZE],
    "shadow0": [SIZE, 2 * SIZE],
    "outside": [2 * SIZE, 3 * SIZE],
    "evaluation": [3 * SIZE, 4 * SIZE],
}
LABELS = np.arange(4 * SIZE) % CLASSES


def quiet(fraction: float, detail: str) -> None:
    """Show nothing."""


def stored(arrays: dict[str, np.ndarray], **facts) -> Stored:
    return Stored(arrays=arrays, facts=facts, record={})


def load() -> Stored:
    images = np.zeros((len(LABELS), 2, 2, 1), dtype=np.uint8)
    ids = [str(i) for i in range(len(LABELS))]
    return stored(
        {"images": images, "labels": LABELS},
        parts=PARTS,
        classes=["a", "b", "c"],
        ids=ids,
        notices=[],
    )


def run(seed: int, *saw: str, boost: float = 2.0) -> Stored:
    """Draw a run that is surer of what it saw; images have a difficulty of their own."""
    difficulty = seeds.generator(0, "difficulty").normal(size=len(LABELS))
    logits = seeds.generator(seed, "run").normal(size=(len(LABELS), CLASSES))
    right = difficulty.copy()
    for part in saw:
        right[slice(*PARTS[part])] += boost
    logits[np.arange(len(LABELS)), LABELS] += right
    said = signals(logits, LABELS)
    arrays = {f"signal.{name}": values for name, values in said.items()}
    return stored(arrays, epochs=1, steps=1, uses_reference=False)


def judged(targets: list[Stored], shadows: list[Stored]) -> Result:
    verdict = (np.arange(SIZE) % 3).astype(np.int8)
    inputs = {"load": load(), "value": stored({"verdict": verdict})}
    inputs |= {f"ce/target/{k}": value for k, value in enumerate(targets)}
    inputs |= {f"ce/shadow0/{k}": value for k, value in enumerate(shadows)}
    settings = {"rows": ["ce"], "seed": 0}
    return evaluate(Call(settings=settings, inputs=inputs, where={}, progress=quiet))


def garbled(value: Stored, *parts: str) -> Stored:
    """Return a run that says nonsense of some parts."""
    draws = seeds.generator(9, "garbage", *parts)
    arrays = {name: array.copy() for name, array in value.arrays.items()}
    for name in sorted(arrays):
        for part in parts:
            rows = slice(*PARTS[part])
            arrays[name][rows] = draws.permutation(arrays[name][rows])
            if name != "signal.correct":  # that one stays a 0 or a 1
                arrays[name][rows] += draws.normal()
    return stored(arrays, **value.facts)


def lines(result: Result) -> dict[str, dict]:
    return {line["attack"]: line["estimate"] for line in result.facts["self_test"]["lines"]}


TARGETS = [run(seed, "members") for seed in (1, 2)]
SHADOWS = [run(seed, "shadow0") for seed in (3, 4)]


def test_without_a_leak_the_self_test_passes_and_the_attacks_find_the_members():
    result = judged(TARGETS, SHADOWS)
    assert result.facts["self_test"]["passed"]
    row = result.facts["rows"][0]
    assert row["attacks"]["lira_auc"]["low"] > 0.7
    assert row["attacks"]["confidence"]["low"] > 0.55
    assert row["attacks"]["lira_tpr"]["low"] > 0.01
    assert row["train_accuracy"]["value"] > row["test_accuracy"]["value"]


@pytest.mark.parametrize(
    "leaky",
    [
        [run(3, "shadow0", "members"), SHADOWS[1]],
        [SHADOWS[0], run(4, "shadow0", "members")],
        [run(3, "shadow0", "members"), run(4, "shadow0", "members")],
        [run(3, "shadow0", "evaluation"), run(4, "shadow0", "evaluation")],
        [run(3, "members"), run(4, "members")],
    ],
    ids=["first", "second", "both", "both saw the judged non-members", "trained on the members"],
)
def test_a_shadow_that_saw_what_is_judged_is_caught(leaky: list[Stored]):
    result = judged(TARGETS, leaky)
    assert not result.facts["self_test"]["passed"]
    assert any(not e["low"] <= 0.5 <= e["high"] for e in lines(result).values())


def test_a_sound_study_rarely_fails():
    failed = 0
    for seed in range(10, 30):
        shadows = [run(1000 * seed + k, "shadow0") for k in range(2)]
        failed += not judged(TARGETS[:1], shadows).facts["self_test"]["passed"]
    assert failed <= 3  # 5% of 20 at most, on average


def test_two_shadows_do_not_cancel():
    found = lines(judged(TARGETS, SHADOWS))["lira"]
    assert found["value"] != 0.5
    assert found["runs"] == 1


def test_the_intervals_are_corrected_for_all_lines():
    found = judged(TARGETS, SHADOWS).facts["self_test"]
    assert len(found["lines"]) == 5
    assert found["confidence"] == pytest.approx(0.99)
    assert {line["estimate"]["confidence"] for line in found["lines"]} == {found["confidence"]}


def test_models_that_leak_nothing_are_not_accused():
    targets = [run(seed) for seed in (5, 6)]
    attacks = judged(targets, SHADOWS).facts["rows"][0]["attacks"]
    for name in ("lira_auc", "confidence", "entropy", "modified_entropy", "correctness"):
        assert attacks[name]["low"] <= 0.5 <= attacks[name]["high"], name


def test_too_few_non_members_give_no_headline():
    short = {name: list(ends) for name, ends in PARTS.items()}
    short["evaluation"] = [3 * SIZE, 3 * SIZE + 90]
    whole = load()
    cut = stored(
        {name: array[: 3 * SIZE + 90] for name, array in whole.arrays.items()},
        **(whole.facts | {"parts": short}),
    )
    rows = {name: slice(0, 3 * SIZE + 90) for name in TARGETS[0].arrays}

    def shorter(value: Stored) -> Stored:
        return stored({k: v[rows[k]] for k, v in value.arrays.items()}, **value.facts)

    inputs = {"load": cut, "value": stored({"verdict": np.zeros(SIZE, np.int8)})}
    inputs |= {f"ce/target/{k}": shorter(v) for k, v in enumerate(TARGETS)}
    inputs |= {f"ce/shadow0/{k}": shorter(v) for k, v in enumerate(SHADOWS)}
    call = Call(settings={"rows": ["ce"], "seed": 0}, inputs=inputs, where={}, progress=quiet)
    row = evaluate(call).facts["rows"][0]
    assert np.isnan(row["attacks"]["lira_tpr"]["value"])
    assert "needs 100 non-members, there are 90" in row["attacks"]["lira_tpr"]["method"]
    assert all(np.isnan(found["value"]) for found in row["by_verdict"].values())
    assert row["attacks"]["lira_auc"]["value"] > 0.7


@pytest.fixture
def fitted(monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    """Collect all thresholds that are fitted."""
    found: list[np.ndarray] = []
    fit = threshold.fit

    def recording(*samples, **options):
        result = fit(*samples, **options)
        found.append(np.append(result.per_class, result.overall))
        return result

    monkeypatch.setattr(threshold, "fit", recording)
    return found


def test_no_threshold_is_fitted_on_what_it_judges(fitted: list[np.ndarray]):
    judged(TARGETS, SHADOWS)
    before = [*fitted]
    fitted.clear()
    everywhere = [garbled(value, *PARTS) for value in TARGETS]
    judged(everywhere, [garbled(value, "members", "evaluation") for value in SHADOWS])
    assert len(before) == 6  # three fitted attacks, for the comparison and for the self-test
    np.testing.assert_array_equal(before, fitted)
    fitted.clear()
    judged(TARGETS, [garbled(value, "shadow0", "outside") for value in SHADOWS])
    assert not np.array_equal(before, fitted)


def test_what_targets_say_of_the_fitting_parts_changes_nothing():
    before = judged(TARGETS, SHADOWS)
    after = judged([garbled(value, "shadow0", "outside") for value in TARGETS], SHADOWS)
    assert str(before.facts) == str(after.facts)
    for name, array in before.arrays.items():
        np.testing.assert_array_equal(array, after.arrays[name])


def test_lira_expects_what_shadows_say_and_they_trained_on_nothing_judged():
    before = judged(TARGETS, SHADOWS)
    same = judged(TARGETS, [garbled(value, "shadow0", "outside") for value in SHADOWS])
    other = judged(TARGETS, [garbled(value, "members", "evaluation") for value in SHADOWS])
    np.testing.assert_array_equal(before.arrays["lira.ce"], same.arrays["lira.ce"])
    assert not np.array_equal(before.arrays["lira.ce"], other.arrays["lira.ce"])


def attacked(fold: str, runs: list[Stored]) -> Result:
    inputs = {"load": load()} | {f"run{k}": value for k, value in enumerate(runs)}
    settings = {"fold": fold, "source": "real"}
    return attack(Call(settings=settings, inputs=inputs, where={}, progress=quiet))


@pytest.mark.parametrize(
    ("fold", "runs", "others"),
    [
        ("target", TARGETS, ("shadow0", "evaluation")),
        ("shadow0", SHADOWS, ("members", "evaluation")),
    ],
)
def test_valuation_thresholds_read_their_own_fold_and_the_outside_only(fold, runs, others):
    before = attacked(fold, runs)
    after = attacked(fold, [garbled(value, *others) for value in runs])
    np.testing.assert_array_equal(before.arrays["threshold"], after.arrays["threshold"])
    own = Loaded.of(load()).fold(fold)
    np.testing.assert_array_equal(before.arrays["margin"][:, own], after.arrays["margin"][:, own])
    np.testing.assert_array_equal(before.arrays["called"][:, own], after.arrays["called"][:, own])
