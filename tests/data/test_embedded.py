import hashlib
import runpy
from pathlib import Path

import numpy as np
import pytest

from pryproof.data import embedded
from pryproof.data.duplicates import duplicate_groups
from pryproof.data.sources import read
from pryproof.data.splits import fit_sizes

SOURCE = "embedded:fashion-mnist"
ORIGINAL = Path("/usr/share/datasets/fashion-mnist")
ROOT = Path(__file__).parents[2]


def test_the_set_is_what_the_card_says():
    loaded = read(SOURCE)
    samples = loaded.samples
    assert samples.images.shape == (6_000, 28, 28, 1)
    assert np.bincount(samples.labels).tolist() == [600] * 10
    assert samples.classes[0] == "T-shirt/top"
    assert loaded.notices == ()
    assert (duplicate_groups(samples.images) == np.arange(6_000)).all()
    assert fit_sizes(samples.labels, 2) == (1_200, 1_200)


def test_the_card_names_the_file_that_is_here():
    path = embedded.path("fashion-mnist")
    content = path.read_bytes()
    card = path.with_name("CARD.md").read_text()
    assert hashlib.sha256(content).hexdigest() in card
    assert f"{len(content):,} bytes" in card
    assert len(content) < 4_000_000


def test_the_licence_travels_with_it():
    text = embedded.path("fashion-mnist").with_name("LICENSE-fashion-mnist").read_text()
    assert "Copyright (c) 2017 Zalando SE" in text


def test_all_channels_may_be_asked_for():
    assert read(SOURCE, channels=3).samples.images.shape[3] == 3


@pytest.mark.skipif(
    not ORIGINAL.is_dir(), reason="Debian's package dataset-fashion-mnist is not installed"
)
def test_building_twice_gives_the_same_bytes_and_the_first_rows_of_each_class(tmp_path: Path):
    tool = runpy.run_path(str(ROOT / "tools/build_embedded.py"))
    for name in ("a", "b"):
        tool["build"](ORIGINAL, tmp_path / f"{name}.parquet", per_class=10)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    built = read(str(tmp_path / "a.parquet"), channels=1).samples
    shipped = read(SOURCE).samples
    first = np.concatenate([np.flatnonzero(shipped.labels == label)[:10] for label in range(10)])
    first.sort()
    np.testing.assert_array_equal(built.images, shipped.images[first])
    assert built.ids == tuple(shipped.ids[position] for position in first)
    assert built.classes == shipped.classes
