import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pryproof.checks import DataError
from pryproof.data.sources import SOURCES, digest, locate, read


def test_every_source_in_the_table_is_found(tree: Path, tmp_path: Path):
    (tmp_path / "a.npz").touch()
    (tmp_path / "shards").mkdir()
    (tmp_path / "shards/a.PARQUET").touch()
    (tmp_path / "shards/a.parquet").touch()
    names = [
        "embedded:fashion-mnist",
        *map(str, (tree, tmp_path / "shards", tmp_path / "shards/a.PARQUET", tmp_path / "a.npz")),
    ]
    kinds = [locate(name)[0] for name in names]
    assert kinds == ["embedded", "folder", "parquet", "parquet", "npz"]
    assert set(kinds) == set(SOURCES)


def test_a_missing_path_suggests_the_near_one(tree: Path):
    with pytest.raises(DataError, match=r"E001.*no such file or folder.*Did you mean .*/images\?"):
        read(str(tree.with_name("image")))
    with pytest.raises(DataError, match=r"E001.*Did you mean .*/images\?"):
        read(str(tree.with_name("imags") / "deeper"))
    with pytest.raises(DataError, match=r"E001.*Check the path: .* holds no xyz"):
        read(str(tree.with_name("xyz")))
    with pytest.raises(DataError, match=r"E001.*Name a source"):
        read("")


def test_an_unknown_embedded_set_names_the_near_one():
    with pytest.raises(DataError, match=r"E001.*Did you mean fashion-mnist\?"):
        read("embedded:fashion_mnist")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a.csv", r"E002.*\.csv is no known kind.*embedded:fashion-mnist"),
        ("noending", r"E002.*without an ending"),
        ("a.zip", r"E033.*not extracted.*Unpack it yourself"),
        ("a.tar.gz", r"E033.*not extracted.*Unpack it yourself"),
        ("a.pkl", r"E030.*not opened.*savez_compressed"),
    ],
)
def test_files_of_another_kind_are_refused(tmp_path: Path, name: str, message: str):
    (tmp_path / name).write_bytes(b"x")
    for act in (read, digest):
        with pytest.raises(DataError, match=message):
            act(str(tmp_path / name))


def test_a_part_can_only_be_chosen_where_there_is_a_column(tree: Path):
    with pytest.raises(DataError, match=r"E024.*'train'.*Leave part out"):
        read(str(tree), part="train")


def test_exact_copies_are_told(tree: Path):
    shutil.copy(tree / "cat/00.png", tree / "dog/99.png")
    told = read(str(tree)).notices
    assert told[0].startswith("1 images are exact copies")
    assert told[1].endswith("another class than the first: dog/99.png = cat/00.png.")


def test_the_digest_is_that_of_content_and_names_not_of_place_or_time(tree: Path):
    copy = tree.with_name("copy")
    shutil.copytree(tree, copy, copy_function=shutil.copyfile)
    (copy / "cat/.hidden").touch()
    assert digest(str(copy)) == digest(str(tree))
    (copy / "cat/00.png").rename(copy / "cat/zz.png")
    renamed = digest(str(copy))
    assert renamed != digest(str(tree))
    Image.new("RGB", (5, 6)).save(copy / "cat/zz.png")
    assert digest(str(copy)) not in (renamed, digest(str(tree)))


def test_reading_leaves_the_data_as_it_was(tree: Path):
    before = {file: file.stat().st_mtime_ns for file in [tree, *tree.rglob("*")]}
    read(str(tree))
    assert {file: file.stat().st_mtime_ns for file in [tree, *tree.rglob("*")]} == before


def test_samples_of_all_sources_keep_the_promises_of_the_record(tree: Path):
    samples = read(str(tree)).samples
    assert samples.images.dtype == np.uint8
    assert len(set(samples.ids)) == len(samples)
    assert samples.labels.max() + 1 == len(samples.classes)
