import dataclasses
import re
import shutil
from pathlib import Path

import pytest

import pryproof as pp
from pipeline.tiny import settings, study
from pryproof.checks import ConfigurationError
from pryproof.generation.settings import CycleGanSettings, TacGanSettings
from pryproof.pipeline.settings import Generate, Machine, Settings, Transform


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "study.toml"
    path.write_text('name = "clinic"\n[train]\nepochs = 7\n[evaluate]\nrows = ["ce"]\n')
    return path


def test_a_file_maps_one_to_one(file: Path):
    found = Settings.from_toml(file)
    assert (found.name, found.train.epochs, found.evaluate.rows) == ("clinic", 7, ("ce",))
    assert found == Settings(name="clinic", train={"epochs": 7}, evaluate={"rows": ["ce"]})


def test_what_is_dumped_is_read_back():
    found = Settings(seed=3, data={"members": 50})
    assert Settings.parse(found.model_dump(mode="json"), where="x") == found


def test_overrides_come_last_and_are_read_as_toml(file: Path):
    words = ["train.epochs=9", "name=trial", "generate.diff_augment=false", "data.label='kind'"]
    found = Settings.from_toml(file, words)
    assert (found.train.epochs, found.name) == (9, "trial")
    assert (found.generate.diff_augment, found.data.label) == (False, "kind")
    assert found.changed(["train.epochs=10", 'evaluate.rows=["ce","fakes"]']).evaluate.rows == (
        "ce",
        "fakes",
    )
    assert Settings.from_overrides(["seed=4"]) == Settings(seed=4)


def test_a_source_beside_the_study_file_is_found_from_anywhere(file: Path):
    file.write_text('[data]\nsource = "./images"\n')
    assert Settings.from_toml(file).data.source == str(file.parent.resolve() / "images")


REFUSED = {
    "train.lerning_rate=0.1": ("E041", "unknown key train.lerning_rate", "mean learning_rate?"),
    "trian.epochs=3": ("E041", "unknown key trian", "Did you mean train?"),
    "train.epochs=ten": ("E042", "train.epochs", "got 'ten'"),
    "train=5": ("E042", "train", "got 5"),
    "generate.diff_augment=maybe": ("E042", "generate.diff_augment", "got 'maybe'"),
    "train.learning_rate=0": ("E043", "train.learning_rate", "greater than 0, got 0"),
    "train.learning_rate=nan": ("E043", "train.learning_rate", "finite number, got nan"),
    "value.runs=1": ("E043", "value.runs", "got 1"),
    "value.share=0.6": ("E043", "value.share", "got 0.6"),
    "train.epochs=0": ("E043", "train.epochs", "got 0"),
    "seed=-1": ("E043", "seed", "got -1"),
    "data.members=3": ("E043", "data.members", "got 3"),
    "name=a/b": ("E043", "name", "got 'a/b'"),
    "name=..": ("E043", "name", "got '..'"),
    'evaluate.rows=["ce","dpsgd"]': ("E043", "evaluate.rows.1", "got 'dpsgd'"),
    "train.epochs": ("E041", "key=value, got 'train.epochs'", "Write train.epochs=3"),
    "=3": ("E041", "key=value, got '=3'", "Write train.epochs=3"),
}


@pytest.mark.parametrize("word", REFUSED)
def test_refusals_name_the_key_what_came_and_the_way_out(word: str):
    code, what, more = REFUSED[word]
    with pytest.raises(ConfigurationError, match=f"^PRYPROOF-{code} - ") as caught:
        Settings.from_overrides([word])
    assert what in str(caught.value)
    assert more in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.fix


@pytest.mark.parametrize("rows", ["[]", '["ce","ce"]'])
def test_a_comparison_has_rows_and_each_once(rows: str):
    with pytest.raises(ConfigurationError, match=r"evaluate\.rows"):
        Settings.from_overrides([f"evaluate.rows={rows}"])


def test_a_value_has_no_keys(file: Path):
    with pytest.raises(ConfigurationError, match=r"E041 - 'epochs' is a value - train\.epochs\.x"):
        Settings.from_toml(file, ["train.epochs.x=3"])


@pytest.mark.parametrize("text", ["name = ", "[train]\nepochs = 1\nepochs = 2\n", "name = 'a\n"])
def test_broken_toml_names_file_and_line(file: Path, text: str):
    file.write_text(text)
    with pytest.raises(
        ConfigurationError, match=r"E047 - not valid TOML: .*(line|end of doc).*study\.toml"
    ):
        Settings.from_toml(file)


def test_bytes_that_are_no_text_are_not_toml(file: Path):
    file.write_bytes(b"name = '\xff\xfe'")
    with pytest.raises(ConfigurationError, match="E047 - not valid TOML"):
        Settings.from_toml(file)


def test_a_missing_file_suggests_the_one_meant(file: Path):
    with pytest.raises(ConfigurationError, match=r"E001 - no such study file.*mean study\.toml\?"):
        Settings.from_toml(file.with_name("studdy.toml"))
    with pytest.raises(ConfigurationError, match=r"E001 - no such study file.*Check the path"):
        Settings.from_toml(file.parent / "nowhere" / "study.toml")


@pytest.mark.parametrize("file_says", ['data = "images"\n', "[[data]]\nmembers = 8\n"])
def test_a_part_that_is_no_table_is_refused(file: Path, file_says: str):
    file.write_text(file_says)
    with pytest.raises(ConfigurationError, match="E042 - data"):
        Settings.from_toml(file)


def test_the_machine_stands_in_no_setting():
    names = set(Settings.model_fields)
    for part in Settings.model_fields.values():
        names |= set(getattr(part.annotation, "model_fields", {}))
    assert names.isdisjoint(Machine.model_fields)
    with pytest.raises(ConfigurationError, match="unknown key workers"):
        Settings.from_overrides(["workers=2"])


@pytest.mark.parametrize(
    ("ours", "theirs", "own"),
    [(Generate, TacGanSettings, {"amount"}), (Transform, CycleGanSettings, set())],
)
def test_settings_of_a_generator_are_its_generators(ours, theirs, own):
    assert set(ours.model_fields) - own <= {field.name for field in dataclasses.fields(theirs)}


def keys(value: pp.Study) -> dict[str, str]:
    return {item.task.name: item.key for item in value.tasks}


def test_neither_machine_nor_place_enters_a_key(npz: Path, tmp_path: Path):
    copied = shutil.copy(npz, tmp_path / "other.npz")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    moved = shutil.copy(npz, elsewhere / npz.name)
    first = study(tmp_path / "one", npz, workers=0)
    second = study(tmp_path / "two", Path(moved), workers=4)
    assert keys(first) == keys(second)
    assert first.identity == second.identity
    renamed = study(tmp_path / "one", Path(copied))  # a file's own name is part of the data
    assert renamed.identity != first.identity


def test_a_copied_folder_is_the_same_study(tree_of_images: Path, tmp_path: Path):
    copied = shutil.copytree(tree_of_images, tmp_path / "copy")
    first, second = (study(tmp_path / "w", source) for source in (tree_of_images, copied))
    assert keys(first) == keys(second)
    assert first.identity == second.identity
    next(copied.rglob("*.png")).unlink()
    assert study(tmp_path / "w", copied).identity != first.identity


def test_the_name_names_the_study_and_no_result(npz: Path, tmp_path: Path):
    first, second = study(tmp_path, npz), study(tmp_path, npz, "name=other")
    assert keys(first) == keys(second)
    assert first.identity != second.identity


# What each change must change, and all else must stay: the tasks' names, by regular expression.
EARLY = r"(attack|value)/\w+/ce_early"
FAKE_SIDE = r"(attack|value)/\w+/fake|train/\w+/values_fakes/\d"
AFTER = "evaluate|revalue|migrate"
BEHIND = rf"{FAKE_SIDE}|transform/.*|protect/.*|premise|check_fakes|leaks|{AFTER}"
BEHIND += r"|train/\w+/fakes_transformed/\d"
CHANGES = {
    "seed=1": ".*",
    "data.members=79": ".*",
    "evaluate.shadow_folds=1": "",
    "train.epochs=4": r"train/.*|attack/.*|value/.*|" + BEHIND,
    "train.model=small_resnet": r"train/.*|attack/.*|value/.*|" + BEHIND,
    "train.early_share=1.0": rf"train/\w+/ce_early/\d|{EARLY}|evaluate|migrate",
    "relax_loss.alpha=0.5": r"train/\w+/relax_loss/\d|(attack|value)/\w+/real|" + BEHIND,
    "value.share=0.4": r"value/.*|transform/.*|protect/.*|premise|check_fakes|leaks"
    rf"|{AFTER}|train/\w+/fakes_transformed/\d",
    "generate.steps=5": rf"generat(or|e)/.*|train/\w+/fakes/\d|{FAKE_SIDE}|transform/.*|protect/.*"
    rf"|check_fakes|leaks|{AFTER}|train/\w+/fakes_transformed/\d",
    "transform.steps=5": rf"transform/.*|protect/.*|check_fakes|leaks|{AFTER}"
    r"|train/\w+/fakes_transformed/\d",
    'evaluate.rows=["ce","relax_loss"]': "evaluate",
    "evaluate.runs=1": AFTER,
    "evaluate.shadows=3": AFTER,
}


@pytest.mark.parametrize("word", CHANGES)
def test_a_change_reaches_what_lies_downstream_and_nothing_else(
    npz: Path, tmp_path: Path, word: str
):
    before, after = keys(study(tmp_path, npz)), keys(study(tmp_path, npz, word))
    common = before.keys() & after.keys()
    changed = {name for name in common if before[name] != after[name]}
    assert changed == {name for name in common if re.fullmatch(CHANGES[word], name)}


def test_settings_cannot_be_changed_in_place(npz: Path):
    with pytest.raises(ValueError, match="frozen"):
        settings(npz).train.epochs = 3
