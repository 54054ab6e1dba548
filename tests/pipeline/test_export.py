"""Exports: read back to the same images, whole or not there, closed to others, with a card."""

import errno
import io
import json
import stat
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from pipeline.tiny import tree, umask
from pryproof import seeds
from pryproof.checks import ConfigurationError, DataError, IntegrityError, MachineError
from pryproof.data.protected import ProtectedImages
from pryproof.data.sources import read
from pryproof.defenses.controls import noise_added
from pryproof.defenses.fakes import AS_IS, FAKE, MADE_BY, REAL, TrainingSet, real_and_fake
from pryproof.defenses.mixtures import Moved, replacement
from pryproof.pipeline import export as module
from pryproof.pipeline.data_card import About
from pryproof.pipeline.export import FORMS, PARTS, export, verify

COUNT = 40
CLASSES = ("zebra", "a/b c", "ox")
ABOUT = About(
    name="toy",
    classes=CLASSES,
    ids=tuple(f"train/{i}" for i in range(COUNT)),
    settings={"amount": 1.0, "seed": 3},
    audit=("DCR share .51 [.47, .55]",),
)


def images(name: str, channels: int = 3) -> np.ndarray:
    draws = seeds.generator(0, "export", name)
    return draws.integers(0, 256, (COUNT, 6, 5, channels), dtype=np.uint8)


def protected(channels: int = 3) -> TrainingSet:
    labels = np.arange(COUNT) % 3
    plain = real_and_fake(
        images("reals", channels), labels, images("fakes", channels), labels[::-1].copy(), seed=77
    )
    moved = Moved(
        safe_reals=np.arange(COUNT) < 10,
        safer_reals=images("safer", channels),
        risky_fakes=np.arange(COUNT) < 5,
        riskier_fakes=images("riskier", channels),
    )
    return replacement(plain, moved)


@pytest.mark.parametrize("channels", [1, 3])
def test_parquet_is_read_back_by_our_own_reader(tmp_path: Path, channels, monkeypatch):
    monkeypatch.setattr(module, "SHARD", 30)
    made = protected(channels)
    folder = export(made, tmp_path / "out", form="parquet", about=ABOUT)
    loaded = read(str(folder))
    assert loaded.samples.images.tolist() == made.images.tolist()
    assert loaded.samples.labels.tolist() == made.labels.tolist()
    assert loaded.samples.classes == CLASSES
    assert len(list(folder.glob("*.parquet"))) == 3


def test_npz_is_read_back_by_our_own_reader(tmp_path: Path):
    made = protected()
    folder = export(made, tmp_path / "out", form="npz", about=ABOUT)
    loaded = read(str(folder / "data.npz"))
    assert loaded.samples.images.tolist() == made.images.tolist()
    assert loaded.samples.labels.tolist() == made.labels.tolist()
    assert loaded.samples.classes == CLASSES


def test_a_folder_is_an_image_folder_in_the_order_of_the_labels(tmp_path: Path):
    made = protected()
    folder = export(made, tmp_path / "out", form="folder", about=ABOUT)
    loaded = read(str(folder / "images"))
    assert loaded.samples.classes == ("0-zebra", "1-a_b_c", "2-ox")
    order = np.argsort(made.labels, kind="stable")
    assert loaded.samples.images.tolist() == made.images[order].tolist()
    assert loaded.samples.labels.tolist() == made.labels[order].tolist()
    told = pq.read_table(folder / "provenance.parquet").to_pylist()
    picture = np.array(Image.open(folder / told[-1]["file"]))
    assert picture.tolist() == made.images[-1].tolist()


def test_tar_shards_hold_picture_class_and_provenance(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(module, "SHARD", 50)
    made = protected()
    folder = export(made, tmp_path / "out", form="webdataset", about=ABOUT)
    found = {}
    for shard in sorted(folder.glob("*.tar")):
        with tarfile.open(shard) as archive:
            for member in archive:
                assert (member.mtime, member.uid, member.gid, member.mode) == (0, 0, 0, 0o600)
                found[member.name] = archive.extractfile(member).read()
    assert len(found) == 3 * len(made)
    for row in (0, 49, 50, 79):
        assert int(found[f"{row:09d}.cls"]) == made.labels[row]
        pixels = np.array(Image.open(io.BytesIO(found[f"{row:09d}.png"])))
        assert pixels.tolist() == made.images[row].tolist()
        origin = json.loads(found[f"{row:09d}.json"])
        assert origin["made_by"] == MADE_BY[made.made_by[row]]
        assert origin["label"] == made.labels[row]


@pytest.mark.parametrize("form", ["parquet", "folder", "npz"])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_training_script_reads_it(tmp_path: Path, form, channels):
    made = protected(channels)
    folder = export(made, tmp_path / "out", form=form, about=ABOUT)
    data = ProtectedImages.open(folder)
    order = np.argsort(made.labels, kind="stable") if form == "folder" else np.arange(len(made))
    assert data.classes == CLASSES
    assert len(data) == len(made)
    for row, place in enumerate(order):
        image, label = data[row]
        assert label == made.labels[place]
        assert torch.equal(image, torch.from_numpy(made.images[place]).permute(2, 0, 1))


def test_workers_read_it_too(tmp_path: Path):
    made = protected()
    data = ProtectedImages.open(export(made, tmp_path / "out", form="parquet", about=ABOUT))
    loader = torch.utils.data.DataLoader(
        data, batch_size=16, num_workers=1, multiprocessing_context="forkserver"
    )
    pixels = torch.cat([batch for batch, _ in loader]).permute(0, 2, 3, 1).numpy()
    assert pixels.tolist() == made.images.tolist()


def test_every_row_says_where_it_is_from(tmp_path: Path):
    made = noise_added(protected().take(np.arange(2)), count=1, seed=5)
    folder = export(made, tmp_path / "out", form="parquet", about=ABOUT)
    rows = pq.read_table(sorted(folder.glob("*.parquet"))).drop(["image"]).to_pylist()
    assert rows[0] == {
        "label": 0,
        "index": 0,
        "class": "zebra",
        "source": "real",
        "source_id": "train/0",
        "source_index": 0,
        "made_by": "as it is",
        "seed": -1,
    }
    assert rows[2]["source_id"] == "noise/000000"
    assert (rows[2]["made_by"], rows[2]["seed"]) == ("uniform noise", 5)


@pytest.mark.parametrize("what", PARTS)
def test_a_part_can_be_exported_alone(tmp_path: Path, what):
    made = protected()
    folder = export(made, tmp_path / "out", form="npz", about=ABOUT, what=what)
    expected = {
        "all": np.ones(len(made), bool),
        "reals": made.source == REAL,
        "fakes": made.source == FAKE,
        "transformed": made.made_by != AS_IS,
    }[what]
    with np.load(folder / "data.npz") as content:
        assert content["images"].tolist() == made.images[expected].tolist()


def test_a_part_without_rows_is_refused(tmp_path: Path):
    reals = protected().take(np.arange(10))
    with pytest.raises(
        DataError,
        match=r"has no rows of the part fakes, only of all or reals.*Ask for all or reals",
    ):
        export(reals, tmp_path / "out", form="npz", about=ABOUT, what="fakes")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", FORMS)
def test_the_same_rows_give_the_same_bytes_closed_to_others(tmp_path: Path, form):
    with umask(0):
        folders = [
            export(protected(), tmp_path / name / "deep", form=form, about=ABOUT)
            for name in ("one", "two")
        ]
    assert tree(folders[0]) == tree(folders[1])
    for path in (folders[0], *folders[0].rglob("*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path
    names = set(tree(folders[0])) - {"manifest.json"}
    manifest = json.loads((folders[0] / "manifest.json").read_bytes())
    assert manifest["files"].keys() == names
    assert manifest["rows"] == 80
    verify(folders[0])


@pytest.mark.parametrize("harm", ["change", "remove", "manifest"])
def test_a_damaged_export_is_found(tmp_path: Path, harm):
    folder = export(protected(), tmp_path / "out", form="npz", about=ABOUT)
    if harm == "change":
        (folder / "data.npz").write_bytes(b"x")
    elif harm == "remove":
        (folder / "README.md").unlink()
    else:
        (folder / "manifest.json").write_text("{")
    with pytest.raises(IntegrityError):
        verify(folder)


def test_a_folder_with_content_is_left_alone(tmp_path: Path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ConfigurationError, match=r"E061.*not empty.*mine\.txt"):
        export(protected(), tmp_path, form="npz", about=ABOUT)
    with pytest.raises(ConfigurationError, match="this is a file"):
        export(protected(), tmp_path / "mine.txt", form="npz", about=ABOUT)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_an_empty_folder_will_do(tmp_path: Path):
    (tmp_path / "out").mkdir(mode=0o755)
    verify(export(protected(), tmp_path / "out", form="npz", about=ABOUT))
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o700


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt()])
@pytest.mark.parametrize("at", [0, 1, 40, 81])
def test_what_is_interrupted_leaves_nothing(tmp_path: Path, monkeypatch, error, at):
    count = 0
    whole = module.write_new

    def fails(path: Path, data: bytes) -> None:
        nonlocal count
        if count == at:
            raise error
        count += 1
        whole(path, data)

    monkeypatch.setattr(module, "write_new", fails)
    with pytest.raises((MachineError, KeyboardInterrupt)):
        export(protected(), tmp_path / "out", form="folder", about=ABOUT)
    assert list(tmp_path.iterdir()) == []


def test_words_that_are_not_known(tmp_path: Path):
    with pytest.raises(ConfigurationError, match="Did you mean parquet"):
        export(protected(), tmp_path / "out", form="parket", about=ABOUT)
    with pytest.raises(ConfigurationError, match="Did you mean fakes"):
        export(protected(), tmp_path / "out", form="npz", about=ABOUT, what="fake")


def test_the_card_says_what_it_is_and_what_it_is_not(tmp_path: Path):
    folder = export(protected(), tmp_path / "out", form="npz", about=ABOUT)
    card = (folder / "README.md").read_text()
    for line in (
        "| real | as it is | 10 |",
        "| real | G_r2s | 30 |",
        "| fake | as it is | 5 |",
        "| fake | G_s2r | 35 |",
        "not anonymised",
        "10 images are real images",
        "30 images were made from one member each",
        "- DCR share .51 [.47, .55]",
        "(column `seed`): 77",
        '"amount": 1.0',
        "ProtectedImages.open(folder)",
    ):
        assert line in card
    bare = replace(ABOUT, audit=())
    folder = export(protected(), tmp_path / "bare", form="npz", about=bare)
    assert "No audit was made" in (folder / "README.md").read_text()
