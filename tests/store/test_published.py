from pathlib import Path

import pytest

from pryproof.checks import IntegrityError
from pryproof.store.published import SEALS, publish, published_names, read_published


def test_a_file_comes_back_and_is_replaced(tmp_path: Path):
    assert publish(tmp_path, "metrics.json", b"old") == tmp_path / "metrics.json"
    publish(tmp_path, "report.html", b"page")
    publish(tmp_path, "metrics.json", b"new")
    assert read_published(tmp_path, "metrics.json") == b"new"
    assert published_names(tmp_path) == ["metrics.json", "report.html"]


def test_the_seals_do_not_remember_how_often_one_published(tmp_path: Path):
    publish(tmp_path, "a", b"1")
    once = (tmp_path / SEALS).read_bytes()
    publish(tmp_path, "a", b"2")
    publish(tmp_path, "a", b"1")
    assert (tmp_path / SEALS).read_bytes() == once


def test_damage_is_named(tmp_path: Path):
    publish(tmp_path, "a", b"1")
    (tmp_path / "a").write_bytes(b"2")
    with pytest.raises(IntegrityError, match="not what was sealed - a - Delete a and run"):
        read_published(tmp_path, "a")
    (tmp_path / "a").unlink()
    with pytest.raises(IntegrityError, match="cannot be read"):
        read_published(tmp_path, "a")
    with pytest.raises(IntegrityError, match=r"no line for b - seals\.json"):
        read_published(tmp_path, "b")


@pytest.mark.parametrize("bit", range(8))
def test_changed_seals_are_seen(tmp_path: Path, bit: int):
    publish(tmp_path, "a", b"1")
    whole = (tmp_path / SEALS).read_bytes()
    for place in range(len(whole)):
        changed = bytearray(whole)
        changed[place] ^= 1 << bit
        (tmp_path / SEALS).write_bytes(changed)
        with pytest.raises(IntegrityError, match=r"seals\.json"):
            read_published(tmp_path, "a")


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", SEALS, "workspace.json", "objects"])
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, name: str):
    with pytest.raises(ValueError, match="not a name"):
        publish(tmp_path, name, b"")
    assert list(tmp_path.iterdir()) == []
