import os
from pathlib import Path

import pytest
from PIL import Image

from pryproof.checks import DataError
from pryproof.data.sources import digest, read


def test_sub_folders_are_classes_and_ids_are_relative_names(tree: Path):
    samples = read(str(tree)).samples
    assert samples.classes == ("cat", "dog")
    assert samples.ids[0] == "cat/00.png"
    assert samples.labels.tolist() == [0] * 12 + [1] * 12


def test_images_may_lie_deeper(tree: Path):
    (tree / "cat/old").mkdir()
    (tree / "cat/00.png").rename(tree / "cat/old/00.PNG")
    assert "cat/old/00.PNG" in read(str(tree)).samples.ids


def test_the_order_in_which_the_system_lists_files_does_not_matter(
    tree: Path, monkeypatch: pytest.MonkeyPatch
):
    before = read(str(tree)).samples.ids, digest(str(tree))
    scan = os.scandir

    class Reversed:
        def __init__(self, path: Path) -> None:
            self.entries = list(scan(path))[::-1]

        def __enter__(self) -> list[os.DirEntry[str]]:
            return self.entries

        def __exit__(self, *_: object) -> None: ...

    monkeypatch.setattr(os, "scandir", Reversed)
    assert (read(str(tree)).samples.ids, digest(str(tree))) == before


def test_an_empty_folder_shows_the_tree_that_is_expected(tmp_path: Path):
    with pytest.raises(DataError, match=r"E003.*Expected: .*cat/1\.png"):
        read(str(tmp_path))


def test_images_in_the_root_are_refused(tree: Path):
    Image.new("RGB", (5, 6)).save(tree / "lost.png")
    with pytest.raises(DataError, match=r"E004.*lost\.png.*Expected: .*one sub-folder a class"):
        read(str(tree))


def test_train_and_test_folders_are_not_taken_for_classes(tree: Path):
    (tree / "cat").rename(tree / "train")
    (tree / "dog").rename(tree / "test")
    with pytest.raises(DataError, match=r"E004.*not classes.*Name one of them"):
        read(str(tree))


def test_one_class_is_not_enough(tree: Path):
    for file in (tree / "dog").iterdir():
        file.unlink()
    (tree / "dog").rmdir()
    with pytest.raises(DataError, match=r"E005.*at least 2 classes.*another class"):
        read(str(tree))


def test_an_empty_class_is_named_or_left_out(tree: Path):
    (tree / "bird").mkdir()
    with pytest.raises(DataError, match=r"E006.*bird.*allow_empty_classes"):
        read(str(tree))
    loaded = read(str(tree), allow_empty_classes=True)
    assert loaded.samples.classes == ("cat", "dog")
    assert loaded.notices == ("Classes without an image were left out: bird.",)


def test_small_classes_are_listed(tree: Path):
    for number in range(12, 16):
        (tree / f"dog/{number}.png").unlink()
    with pytest.raises(DataError, match=r"E007.*at least 10.*dog \(8\).*Add images"):
        read(str(tree))
    assert len(read(str(tree), smallest_class=8).samples) == 20


def test_hidden_entries_and_other_files_are_skipped_and_told(tree: Path):
    (tree / ".ipynb_checkpoints").mkdir()
    (tree / "cat/.thumb.png").write_bytes(b"x")
    (tree / "dog/notes.txt").write_text("x")
    loaded = read(str(tree))
    assert len(loaded.samples) == 24
    told = ".ipynb_checkpoints, cat/.thumb.png, dog/notes.txt"
    assert loaded.notices == (f"3 entries which are no images were skipped: {told}.",)


@pytest.mark.parametrize("target", ["../../outside.png", "missing.png"])
def test_a_link_out_of_the_root_is_refused(tree: Path, target: str):
    Image.new("RGB", (5, 6)).save(tree.parent / "outside.png")
    (tree / "cat/link.png").symlink_to(target)
    for act in (read, digest):
        with pytest.raises(DataError, match=r"E022.*cat/link\.png.*remove the link"):
            act(str(tree))


def test_a_linked_folder_is_refused_and_a_link_inside_is_followed(tree: Path):
    (tree / "dog/12.png").rename(tree / "dog/.kept")
    (tree / "dog/12.png").symlink_to(".kept")
    assert len(read(str(tree)).samples) == 24
    (tree / "bird").symlink_to("cat")
    with pytest.raises(DataError, match=r"E022.*bird"):
        read(str(tree))


def test_odd_names_are_shown_escaped(tree: Path):
    (tree / "cat/00.png").rename(tree / "cat" / os.fsdecode(b"\xff\n\x1b[1m.png"))
    identity = next(name for name in read(str(tree)).samples.ids if "1m" in name)
    assert identity == r"cat/\udcff\n\x1b[1m.png"
    next((tree / "cat").glob("*1m.png")).write_bytes(b"")
    with pytest.raises(DataError, match=r"cat/\\udcff\\n\\x1b\[1m\.png"):
        read(str(tree))
    assert len(digest(str(tree))) == 64
