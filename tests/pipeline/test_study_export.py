"""A study's exports: the same images in every form, with a card, refused before anything is run."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from torch.utils.data import DataLoader

import pryproof as pp
from pipeline.tiny import MEMBERS, study
from pryproof.checks import ConfigurationError, DataError
from pryproof.data.protected import ProtectedImages
from pryproof.data.sources import read
from pryproof.generation.sample import sample_tac_gan
from pryproof.pipeline.export import verify
from pryproof.pipeline.steps.generate import tac_gan_settings
from pryproof.store.encodings import decode_arrays
from pryproof.store.workspace import Stored, Workspace


def stored(of: pp.Study, task: str) -> Stored:
    workspace = Workspace.open(of.path, study=of.identity, create=False)
    return workspace.get(next(item.key for item in of.tasks if item.task.name == task))


@pytest.mark.parametrize("form", ["parquet", "folder", "webdataset", "npz"])
def test_the_protected_set_is_given_in_every_form(finished: pp.Study, tmp_path: Path, form: str):
    folder = finished.export(tmp_path / "out", form=form)
    verify(folder)
    manifest = json.loads((folder / "manifest.json").read_bytes())
    assert (manifest["form"], manifest["rows"]) == (form, 2 * MEMBERS)
    card = (folder / "README.md").read_text()
    assert "not anonymised" in card
    assert '"mixture": "replacement"' in card
    assert finished.settings.data.source not in card
    for line in stored(finished, "leaks").facts["audit"]:
        assert line in card


def test_an_export_is_a_data_source_and_loads_in_batches(finished: pp.Study, tmp_path: Path):
    made = stored(finished, "protect/target").arrays
    samples = read(str(finished.export(tmp_path / "parquet"))).samples
    assert samples.images.tolist() == made["images"].tolist()
    assert samples.labels.tolist() == made["labels"].tolist()
    folder = finished.export(tmp_path / "npz", form="npz")
    batches = list(DataLoader(ProtectedImages.open(folder), batch_size=32))
    assert sum(len(labels) for _, labels in batches) == len(made["labels"])
    pixels = np.concatenate([images.numpy() for images, _ in batches]).transpose(0, 2, 3, 1)
    assert pixels.tolist() == made["images"].tolist()


@pytest.mark.parametrize(
    ("mixture", "what", "rows"),
    [
        ("noise", "all", 2 * MEMBERS),
        ("fakes@steps", "fakes", MEMBERS),
        ("fakes_alone", "all", MEMBERS),
        ("filtered", "reals", MEMBERS),
    ],
)
def test_any_mixed_set_can_be_given(finished: pp.Study, tmp_path: Path, mixture, what, rows):
    folder = finished.export(tmp_path / "out", form="npz", mixture=mixture, what=what)
    with np.load(folder / "data.npz") as content:
        assert len(content["labels"]) == rows
    card = (folder / "README.md").read_text()
    assert ("No audit was made" in card) == (mixture == "noise")


def test_the_generator_draws_the_studys_fakes_again(finished: pp.Study, tmp_path: Path):
    folder = finished.export_generator(tmp_path / "out")
    verify(folder)
    weights = decode_arrays((folder / "generator.safetensors").read_bytes())
    trained, drawn = (stored(finished, f"{step}/target") for step in ("generator", "generate"))
    task = next(item.task for item in finished.tasks if item.task.name == "generator/target")
    again = sample_tac_gan(
        weights,
        drawn.arrays["fakes_labels"],
        shape=(16, 16, 1),
        classes=2,
        settings=tac_gan_settings(task.settings["gan"], members=MEMBERS),
        seed=drawn.facts["fakes_seed"],
    )
    assert again.tolist() == drawn.arrays["fakes"].tolist()
    card = (folder / "README.md").read_text()
    assert "# A TAC-GAN trained on tiny.npz" in card
    assert all(f"- {warning}" in card for warning in trained.facts["warnings"])


REFUSED = {
    "form": ({"form": "parket"}, r"E049.*Did you mean parquet\?"),
    "part": ({"what": "fake"}, r"E049.*Did you mean fakes\?"),
    "mixture": ({"mixture": "aditive"}, r"E049.*Did you mean additive\?"),
    "plain row": ({"mixture": "relax_loss"}, r"E049.*no mixture"),
    "no extra reals": ({"mixture": "extra"}, r"E046.*row extra in evaluate\.rows"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_exported_is_said_before_anything_is_run(npz: Path, tmp_path: Path, case):
    asked, message = REFUSED[case]
    with pytest.raises(ConfigurationError, match=message):
        study(tmp_path / "w", npz).export(tmp_path / "out", **asked)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_something_in_it_is_left_alone(npz: Path, tmp_path: Path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("x")
    value = study(tmp_path / "w", npz)
    for export in (value.export, value.export_generator):
        with pytest.raises(ConfigurationError, match=r"E061.*not empty.*thesis\.tex"):
            export(tmp_path / "out")
    assert not (tmp_path / "w").exists()


def test_a_part_that_the_set_has_not(finished: pp.Study, tmp_path: Path):
    with pytest.raises(
        DataError, match=r"E003.*no rows of the part transformed.*Ask for all or reals"
    ):
        finished.export(tmp_path / "out", mixture="noise", what="transformed")
    assert not (tmp_path / "out").exists()


def test_a_set_that_needs_no_generator_trains_none(npz: Path, tmp_path: Path):
    value = study(tmp_path / "w", npz)
    value.export(tmp_path / "out", mixture="copies", form="npz")
    assert [item.task.name for item, done in value.state() if done] == ["load"]


def test_the_published_table_says_what_made_an_image_and_with_which_seed(finished: pp.Study):
    rows = pq.read_table(finished.path / "protected.parquet").to_pydict()
    seed = stored(finished, "generate/target").facts["fakes_seed"]
    for source, moved, by, drawn in zip(
        rows["source"], rows["transformed"], rows["made_by"], rows["seed"], strict=True
    ):
        assert by == ({"real": "G_r2s", "fake": "G_s2r"}[source] if moved else "as it is")
        assert drawn == (seed if source == "fake" else -1)
