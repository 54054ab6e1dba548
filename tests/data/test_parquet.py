import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pryproof.checks import DataError
from pryproof.data.sources import digest, read


@pytest.fixture
def table(pixels: np.ndarray, labels: np.ndarray, png: Callable[[np.ndarray], bytes]) -> pa.Table:
    return pa.table({"image": [png(image) for image in pixels], "label": labels})


def written(table: pa.Table, path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)
    return str(path)


def test_rows_come_back_with_file_and_row_as_id(
    table: pa.Table, tmp_path: Path, pixels: np.ndarray, labels: np.ndarray
):
    samples = read(written(table, tmp_path / "a.parquet")).samples
    np.testing.assert_array_equal(samples.images, pixels)
    np.testing.assert_array_equal(samples.labels, labels)
    assert samples.ids[:3] == ("a.parquet:0", "a.parquet:1", "a.parquet:2")
    assert samples.classes == ("0", "1")


def test_shards_and_row_order_do_not_matter_where_an_index_names_rows(
    table: pa.Table, tmp_path: Path, pixels: np.ndarray
):
    table = table.append_column("index", pa.array(range(24)))
    table = table.append_column("split", pa.array(["train"] * 24))
    written(table.take(list(range(23, 9, -1))), tmp_path / "x/0.parquet")
    written(table.slice(0, 10), tmp_path / "x/1.parquet")
    samples = read(str(tmp_path / "x")).samples
    np.testing.assert_array_equal(samples.images, pixels)
    assert samples.ids[8:12] == ("train/8", "train/9", "train/10", "train/11")


def test_an_index_that_repeats_names_no_rows(table: pa.Table, tmp_path: Path):
    table = table.append_column("index", pa.array([0] * 24))
    assert read(written(table, tmp_path / "a.parquet")).samples.ids[1] == "a.parquet:1"


def test_a_part_is_chosen_by_its_column(table: pa.Table, tmp_path: Path):
    table = table.append_column("split", pa.array(["train", "test"] * 12))
    source = written(table, tmp_path / "a.parquet")
    assert len(read(source, part="test", smallest_class=6).samples) == 12
    with pytest.raises(DataError, match=r"E003.*'tests'.*Did you mean test\?"):
        read(source, part="tests")


def test_hugging_face_structs_and_names_are_understood(table: pa.Table, tmp_path: Path):
    images = [{"bytes": content, "path": None} for content in table["image"].to_pylist()]
    features = {"label": {"names": ["cat", "dog"], "_type": "ClassLabel"}}
    table = table.set_column(0, "image", pa.array(images))
    table = table.replace_schema_metadata(
        {"huggingface": json.dumps({"info": {"features": features}})}
    )
    assert read(written(table, tmp_path / "a.parquet")).samples.classes == ("cat", "dog")


def test_a_card_beside_the_file_names_the_classes_of_its_column(table: pa.Table, tmp_path: Path):
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "card.json").write_text(json.dumps({"fine_label_names": ["cat", "dog"]}))
    source = written(table.rename_columns(["image", "fine_label"]), tmp_path / "a.parquet")
    assert read(source, label="fine_label").samples.classes == ("cat", "dog")
    assert read(source, label="fine_label", classes=("a", "b")).samples.classes == ("a", "b")
    before = digest(source)
    (tmp_path / "card.json").write_text(json.dumps({"fine_label_names": ["cow", "dog"]}))
    assert digest(source) != before


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary("i1", "str")])
def test_words_are_labels_too(table: pa.Table, tmp_path: Path, kind: pa.DataType):
    words = pa.array(["dog"] * 12 + ["cat"] * 12).cast(kind)
    samples = read(written(table.set_column(1, "label", words), tmp_path / "a.parquet")).samples
    assert samples.classes == ("cat", "dog")
    assert samples.labels[0] == 1


def test_a_missing_column_names_the_likely_ones(table: pa.Table, tmp_path: Path):
    source = written(table.rename_columns(["image", "fine_label"]), tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"E024.*'label'.*Choose one of fine_label.*label="):
        read(source)
    with pytest.raises(DataError, match=r"E024.*'picture'.*columns are image"):
        read(source, image="picture")


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("label", [None] * 12 + [1] * 12, r"E025.*12 rows have no label.*Label or remove"),
        ("label", [0.5] * 24, r"E025.*double|E025.*float64.*Write them as integers"),
        ("image", [None] + [b"x"] * 23, r"E010.*1 rows have no image"),
        ("image", [{"bytes": None, "path": "a.png"}] * 24, r"E024.*column is null|E010.*24 rows"),
        ("image", ["a.png"] * 24, r"E024.*string.*Write the bytes"),
        ("image", [b""] * 24, r"E010.*a\.parquet:0"),
    ],
)
def test_columns_without_what_they_should_hold_are_refused(
    table: pa.Table, tmp_path: Path, column: str, values: list[object], message: str
):
    table = table.set_column(table.column_names.index(column), column, pa.array(values))
    with pytest.raises(DataError, match=message):
        read(written(table, tmp_path / "a.parquet"))


def test_an_empty_file_a_damaged_file_and_shards_that_differ_are_refused(
    table: pa.Table, tmp_path: Path
):
    with pytest.raises(DataError, match=r"E003.*no rows"):
        read(written(table.slice(0, 0), tmp_path / "e/a.parquet"))
    source = Path(written(table, tmp_path / "d/a.parquet"))
    source.write_bytes(source.read_bytes()[:-20])
    with pytest.raises(DataError, match=r"E009.*damaged.*a\.parquet.*Restore"):
        read(str(source))
    written(table, tmp_path / "s/a.parquet")
    written(table.set_column(1, "label", pa.array(["a"] * 24)), tmp_path / "s/b.parquet")
    with pytest.raises(DataError, match=r"E024.*same columns.*one schema"):
        read(str(tmp_path / "s"))


def test_a_shard_linked_from_elsewhere_is_refused(table: pa.Table, tmp_path: Path):
    outside = written(table, tmp_path / "a.parquet")
    (tmp_path / "shards").mkdir()
    (tmp_path / "shards/a.parquet").symlink_to(outside)
    with pytest.raises(DataError, match=r"E022.*remove the link"):
        read(str(tmp_path / "shards"))


@pytest.mark.cifar100
def test_some_hundred_real_images_with_coarse_labels_and_their_names(
    cifar100: Path, tmp_path: Path
):
    rows = pq.read_table(cifar100 / "cifar100-test.parquet").slice(0, 400)
    source = written(rows, tmp_path / "part.parquet")
    shutil.copy(cifar100 / "cifar-100.json", tmp_path / "cifar-100.json")
    samples = read(source, label="coarse_label", smallest_class=1).samples
    assert samples.images.shape == (400, 32, 32, 3)
    assert len(samples.classes) == 20
    assert samples.classes[0] == "aquatic_mammals"
    assert samples.ids[399] == "test/399"
    np.testing.assert_array_equal(samples.labels, rows["coarse_label"].to_numpy())


@pytest.mark.slow
@pytest.mark.cifar100
def test_the_real_pixels_are_those_that_were_published(cifar100: Path):
    loaded = read(str(cifar100 / "cifar100-test.parquet"), label="fine_label")
    card = json.loads((cifar100 / "cifar-100.json").read_bytes())
    published = next(
        shard["pixels_nchw_uint8_sha256"] for shard in card["shards"] if shard["split"] == "test"
    )
    channels_second = np.ascontiguousarray(loaded.samples.images.transpose(0, 3, 1, 2))
    assert hashlib.sha256(channels_second).hexdigest() == published
    assert "2 images are exact copies" in loaded.notices[0]
    assert "2 of these stand in another class" in loaded.notices[1]
