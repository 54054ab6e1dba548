"""A size changes sizes only; it fits its data; what it names can be had."""

import dataclasses

import pytest

from pryproof.checks import ConfigurationError
from pryproof.generation.settings import CycleGanSettings, TacGanSettings
from pryproof.models.resolve import MODELS
from pryproof.pipeline.plan import plan
from pryproof.recipes.figures import FIGURES
from pryproof.recipes.frontier import FRONTIER, members_beside_extra
from pryproof.recipes.reproduce import sized
from pryproof.recipes.sizes import SIZES, Size, of_network, size, with_rows

SIZED = ("train", "relax_loss", "value", "generate", "transform", "data", "evaluate", "name")


def every_size() -> list[Size]:
    return [size(name, None if name == "tiny" else "images") for name in SIZES]


@pytest.mark.parametrize("name", FIGURES)
def test_recipes_compare_the_same_rows_at_every_size(name: str):
    recipe = FIGURES[name]
    compared = []
    for each in every_size():
        needs = recipe.needs(each)
        kinds = {
            study: (
                sorted(need.rows),
                sorted({task.rpartition("/")[0] for task in need.tasks}),
                need.settings.generate.amount,
                need.settings.defenses,
                # a size whose data have room for further reals has no need of fewer members
                need.settings.data.members / each.base.data.members
                if name not in FRONTIER
                else need.settings.data.members == members_beside_extra(each),
                each.models.index(need.settings.train.model),
                need.settings.train.padding > 0,
            )
            for study, need in needs.items()
        }
        compared.append(kinds)
    assert compared[0] == compared[1] == compared[2]


@pytest.mark.parametrize("name", FIGURES)
def test_every_task_a_recipe_wants_is_planned_at_every_size(name: str):
    for each in every_size():
        for need in FIGURES[name].needs(each).values():
            planned = {task.name for task in plan(need.settings, data_digest="0")}
            assert planned >= set(need.names())


def test_a_size_keeps_what_is_no_size():
    base = size("tiny").base
    for each in every_size():
        assert each.base.defenses == base.defenses
        assert each.base.seed == base.seed
        assert each.base.value.margin == base.value.margin
        assert each.base.value.rule == base.value.rule
        assert each.base.evaluate.rows == base.evaluate.rows
        assert each.base.generate.amount == base.generate.amount == 1
        assert set(each.base.model_fields_set) <= set(SIZED)
        assert each.base.value.runs == each.ensemble
        assert each.base.train.model == each.models[0]
        assert set(each.models) <= set(MODELS)


@pytest.mark.parametrize(("name", "classes"), [("small", 20), ("paper", 100)])
def test_cifar_100_affords_the_members(name: str, classes: int):
    data = size(name, "images").base.data
    per_class = 60_000 // classes
    folds = size(name, "images").base.evaluate.shadow_folds + 2
    assert data.members % classes == data.evaluation % classes == 0
    needed = (folds * data.members + data.evaluation) // classes
    copies = 26  # images of CIFAR-100 that stand in it twice, were they all of one class
    assert needed <= per_class - min(copies, 10)


def test_the_paper_size_trains_the_published_generators():
    base = size("paper", "images").base
    gan = base.generate.model_dump(exclude={"amount"})
    published = dataclasses.asdict(TacGanSettings())
    assert gan == {name: published[name] for name in gan}
    cycle = base.transform.model_dump()
    published = dataclasses.asdict(CycleGanSettings())
    assert {
        name: (published[name], value) for name, value in cycle.items() if published[name] != value
    } == {}


def test_images_of_ones_own_take_the_place_of_the_sizes():
    own = size("small", "images", label="kind").base.data
    assert (own.source, own.label) == ("images", "kind")
    assert size("small", "images").base.data.label == "coarse_label"
    assert size("tiny", "images").base.data.label is None
    assert size("tiny").base.data.source == "embedded:fashion-mnist"


@pytest.mark.parametrize("name", ["small", "paper"])
def test_a_size_without_images_says_what_to_do(name: str):
    with pytest.raises(ConfigurationError, match="Give the folder of CIFAR-100"):
        size(name)


def test_an_unknown_size_names_the_nearest():
    with pytest.raises(ConfigurationError, match="tiny"):
        size("tyni")


def test_rows_of_a_study_are_those_asked_for():
    base = size("tiny").base
    asked = with_rows(base, {"ce": 4, "fakes": 4}, 4).evaluate
    assert (asked.rows, asked.runs, asked.shadows) == (("ce", "fakes"), 4, 2)
    assert with_rows(base, {"ce": 4}, 4, shadows=3).evaluate.shadows == 3
    assert base.evaluate.rows != asked.rows


def test_the_transformer_alone_has_an_optimizer_of_its_own_at_every_size():
    for each in every_size():
        train = [of_network(each, place).train for place in range(3)]
        assert [one.model for one in train] == list(each.models)
        assert [one.optimizer for one in train] == ["sgd", "sgd", "adamw"]
        assert train[0] == each.base.train
        assert train[1] == each.base.train.model_copy(update={"model": each.models[1]})
        assert train[2].weight_decay == 0.05
        assert train[2].learning_rate < 0.01 < each.base.train.learning_rate
        assert (train[2].epochs, train[2].batch) == (each.base.train.epochs, each.base.train.batch)


def test_figure_7c_trains_the_transformer_as_its_own():
    for each in every_size():
        needs = FIGURES["fig7c"].needs(each)
        used = {study: need.settings.train for study, need in needs.items()}
        assert used["transformer"] == of_network(each, 2).train
        assert used["small"].optimizer == used["large"].optimizer == "sgd"


@pytest.mark.parametrize(
    ("change", "optimizer", "rate"),
    [
        ("train.epochs=3", "adamw", of_network(size("tiny"), 2).train.learning_rate),
        ("train.learning_rate=0.05", "sgd", 0.05),
        (" train.weight_decay = 0.01", "sgd", size("tiny").base.train.learning_rate),
    ],
)
def test_what_is_given_of_a_networks_own_training_holds_for_all(change, optimizer, rate):
    train = of_network(sized(size("tiny"), [change]), 2).train
    assert (train.optimizer, train.learning_rate) == (optimizer, rate)
    assert train.model == size("tiny").models[2]


def test_settings_of_a_study_keep_what_is_not_the_networks():
    given = size("tiny").base.changed(["data.members=500"])
    assert of_network(size("tiny"), 1, given).data.members == 500
