import os
from pathlib import Path

import pytest

from pryproof.checks import ConfigurationError, IntegrityError, MachineError
from pryproof.store.encodings import encode_json
from pryproof.store.workspace import Workspace

ONE, TWO = "1" * 40, "2" * 40


def opened(path: Path, study: str = ONE, *, create: bool = True, allow_insecure: bool = False):
    return Workspace.open(path, study=study, create=create, allow_insecure=allow_insecure)


def modes(path: Path):
    return {entry.stat().st_mode & 0o777 for entry in (path, *path.rglob("*")) if entry.is_dir()}


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_everything_is_private_whatever_the_umask(tmp_path: Path, umask: int):
    before = os.umask(umask)
    try:
        workspace = opened(tmp_path / "runs" / "clinic")
        workspace.put("k", arrays={}, facts={}, record={})
        workspace.publish("metrics.json", b"{}")
        with workspace.lock():
            pass
    finally:
        os.umask(before)
    assert modes(tmp_path / "runs") == {0o700}
    files = [entry for entry in tmp_path.rglob("*") if entry.is_file()]
    assert {entry.stat().st_mode & 0o777 for entry in files} == {0o600}
    assert (tmp_path / "runs" / "clinic" / ".gitignore").read_bytes() == b"*\n"


def test_opening_again_keeps_what_is_there_and_closes_what_a_copy_opened(tmp_path: Path):
    opened(tmp_path / "w").put("k", arrays={}, facts={"n": 1}, record={})
    (tmp_path / "w").chmod(0o755)
    assert opened(tmp_path / "w", create=False).get("k").facts == {"n": 1}
    assert (tmp_path / "w").stat().st_mode & 0o777 == 0o700


def test_a_link_leads_to_the_folder_it_names(tmp_path: Path):
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert opened(tmp_path / "link").path == tmp_path / "real"


def test_nothing_is_made_unless_asked(tmp_path: Path):
    with pytest.raises(ConfigurationError, match="no workspace here yet"):
        opened(tmp_path / "w", create=False)
    assert list(tmp_path.iterdir()) == []


def test_another_study_is_refused_naming_both(tmp_path: Path):
    opened(tmp_path / "w")
    with pytest.raises(IntegrityError, match=r"study 1{12}, asked for is 2{12}.*--set") as caught:
        opened(tmp_path / "w", TWO)
    assert caught.value.exit_code == 5


def test_a_newer_layout_is_refused(tmp_path: Path):
    opened(tmp_path / "w")
    (tmp_path / "w" / "workspace.json").write_bytes(encode_json({"layout": 2, "study": ONE}))
    with pytest.raises(IntegrityError, match="layout 2, this version of pryproof knows up to 1"):
        opened(tmp_path / "w")


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"layout": "x", "study": ""}'])
def test_a_broken_mark_is_named(tmp_path: Path, data: bytes):
    opened(tmp_path / "w")
    (tmp_path / "w" / "workspace.json").write_bytes(data)
    with pytest.raises(IntegrityError, match=r"cannot be read - .*workspace\.json"):
        opened(tmp_path / "w")


def test_a_folder_of_something_else_is_not_touched(tmp_path: Path):
    (tmp_path / "photo.png").write_bytes(b"x")
    (tmp_path / "notes.txt").write_bytes(b"x")
    with pytest.raises(ConfigurationError, match=r"holds 'notes\.txt' and 1 more") as caught:
        opened(tmp_path)
    assert caught.value.exit_code == 2
    assert len(list(tmp_path.iterdir())) == 2


def test_a_file_is_not_a_folder(tmp_path: Path):
    (tmp_path / "w").write_bytes(b"x")
    with pytest.raises(ConfigurationError, match="this is a file"):
        opened(tmp_path / "w")


def test_what_an_interrupted_start_left_is_taken_over(tmp_path: Path):
    (tmp_path / "w" / "objects").mkdir(parents=True)
    (tmp_path / "w" / ".tmp-1-ab").write_bytes(b"")
    assert opened(tmp_path / "w").sweep() == 1


def test_a_folder_anyone_can_change_is_refused_unless_accepted(tmp_path: Path):
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o777)
    for path in (folder, folder / "w", folder / "deep" / "w"):
        with pytest.raises(MachineError, match="folder in your home") as caught:
            opened(path)
        assert caught.value.exit_code == 4
    assert list(folder.iterdir()) == []
    opened(folder / "w", allow_insecure=True)


def test_a_sticky_folder_is_fine_above_but_not_as_the_workspace(tmp_path: Path):
    folder = tmp_path / "sticky"
    folder.mkdir()
    folder.chmod(0o1777)
    with pytest.raises(MachineError, match="any user"):
        opened(folder)
    opened(folder / "w")


def test_a_folder_the_web_may_serve_is_refused(tmp_path: Path):
    with pytest.raises(MachineError, match="web may serve"):
        opened(tmp_path / "public_html" / "w")
