"""Recipes share what they can, and what is there is not computed again."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pryproof.checks import PryproofError
from pryproof.pipeline.plan import plan
from pryproof.pipeline.run import keyed
from pryproof.recipes.figures import FIGURES
from pryproof.recipes.recipe import Need, Recipe
from pryproof.recipes.reproduction import Reproduction, merged, together
from pryproof.recipes.reproduction import planned as every_need
from pryproof.recipes.sizes import changed, with_rows
from recipes.nano import Whole, nano, reproduce


def planned(whole: Whole, *overrides: str, rows: dict[str, int]) -> tuple[Need, tuple]:
    settings = with_rows(changed(whole.size.base, *overrides), rows, max(rows.values()))
    need = Need(settings=settings, rows=rows)
    return need, keyed(plan(settings, data_digest="0"))


def test_a_second_run_computes_nothing_and_finds_the_same(whole: Whole):
    again = reproduce(whole.folder, whole.size, FIGURES)
    assert whole.jobs
    assert again.jobs == []
    for name, measured in whole.measured.items():
        # as text: what was not measured is NaN, which equals nothing
        assert repr(again.measured[name].figure.claims) == repr(measured.figure.claims)
        assert again.measured[name].seconds == measured.seconds


def test_runs_that_figures_share_are_computed_once(whole: Whole):
    assert len(set(whole.jobs)) == len(whole.jobs)
    wanted = together(every_need(tuple(FIGURES.values()), whole.size, digest="0"))
    assert len(whole.jobs) == len(wanted) - 1
    assert "load" not in whole.jobs  # stored by the first look
    plain = [job for job in whole.jobs if job.startswith("train/target/ce/")]
    assert len(plain) == whole.size.runs  # all of Figure 1 asks for them
    alone = sum(measured.tasks for measured in whole.measured.values())
    assert len(whole.jobs) < alone / 2


def test_one_figure_computes_nothing_of_the_others(whole: Whole, tmp_path: Path):
    size = whole.size
    found = reproduce(tmp_path / "one", size, {"fig1a": FIGURES["fig1a"]})
    assert sorted(found.jobs) == sorted(
        f"train/target/{row}/{run}" for row in ("ce", "ce_crop_flip") for run in (0, 1)
    )
    alone, among = found.measured["fig1a"].figure, whole.measured["fig1a"].figure
    assert alone.claims == among.claims  # whoever else asked


def test_what_differs_gets_a_name_of_its_own(whole: Whole):
    pairs = [
        planned(whole, rows={"ce": 1}),
        planned(whole, "data.members=40", rows={"ce": 1}),
        planned(whole, "generate.amount=3", rows={"ce": 1, "fakes": 1}),
    ]
    tasks = merged(pairs)
    names = [item.task.name for item in tasks]
    assert names == [
        "load",
        "train/target/ce/0",
        "load#2",
        "train#2/target/ce/0",
        "generator/target",
        "generate/target",
        "train/target/fakes/0",
    ]
    by_name = {item.task.name: item for item in tasks}
    assert by_name["train#2/target/ce/0"].task.inputs["load"] == "load#2"
    for place, item in enumerate(tasks):
        for role, other in item.task.inputs.items():
            assert other in names[:place]
            assert item.inputs[role] == by_name[other].key


def test_a_recipe_is_read_from_the_runs_it_asked_for(whole: Whole):
    for name, studies in whole.opened.items():
        needs = FIGURES[name].needs(whole.size)
        assert set(studies) == set(needs)
        for study, opened in studies.items():
            for row, runs in needs[study].rows.items():
                assert len(opened.runs(row)) == runs


def test_another_data_set_is_another_workspace(whole: Whole, tmp_path: Path):
    other = np.load(whole.folder.parent / "tiny.npz")
    np.savez(tmp_path / "other.npz", images=other["images"][::-1], labels=other["labels"][::-1])
    strange = Reproduction(
        whole.folder, size=nano(tmp_path / "other.npz"), recipes=[FIGURES["fig1a"]]
    )
    with pytest.raises(PryproofError, match="E0"):
        next(iter(strange.run()))


def test_the_cost_of_a_figure_counts_what_it_shares(whole: Whole):
    seconds = {name: measured.seconds for name, measured in whole.measured.items()}
    assert seconds["fig2c"] > seconds["fig2a"] > 0
    assert seconds["fig10"] == seconds["fig11"]


def test_a_planted_recipe_with_its_arms_swapped_does_not_hold(whole: Whole):
    """Turn a claim that holds round: the same runs must then contradict it."""
    recipe = FIGURES["fig1i"]
    kept = whole.measured["fig1i"].figure
    swapped = _swapped(recipe)
    figure = reproduce(whole.folder, whole.size, {"fig1i": swapped}).measured["fig1i"].figure
    verdicts = {each.claim.name: each.verdict for each in kept.claims}
    turned = {each.claim.name: each.verdict for each in figure.claims}
    assert verdicts["static-raises-losses"] == "holds"
    assert turned["static-raises-losses"] == "does not hold"


def _swapped(recipe: Recipe) -> Recipe:
    comparison = recipe.needs.__self__
    other = replace(comparison, first=comparison.second, second=comparison.first)
    return replace(recipe, needs=other.needs, read=other.read)
