from pathlib import Path

import pytest

from pryproof.checks import IntegrityError
from pryproof.store.seals import SEAL, check_file, digest, read_seal, seal

CONTENTS = {"a.bin": b"first", "b.bin": b"second"}


@pytest.fixture
def folder(tmp_path: Path):
    for name, data in CONTENTS.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / SEAL).write_bytes(seal("KEY", CONTENTS).encode())
    return tmp_path


def test_digest_is_sha256():
    assert digest(b"abc").startswith("ba7816bf8f01cfea")


def test_a_whole_folder_passes(folder: Path):
    found = read_seal(folder, "KEY", where="objects/KEY")
    assert found == seal("KEY", CONTENTS)
    for name, expected in found.files.items():
        check_file(folder / name, expected, where=name)


def test_every_changed_bit_of_a_seal_is_seen(folder: Path):
    path = folder / SEAL
    whole = path.read_bytes()
    for place in range(len(whole)):
        for bit in range(8):
            changed = bytearray(whole)
            changed[place] ^= 1 << bit
            path.write_bytes(changed)
            with pytest.raises(IntegrityError, match=r"objects/KEY/seal\.json"):
                read_seal(folder, "KEY", where="objects/KEY")


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"name": "KEY", "files": 3}', b"\xff"])
def test_what_is_no_seal_is_named(folder: Path, data: bytes):
    (folder / SEAL).write_bytes(data)
    with pytest.raises(IntegrityError, match=r"seal\.json - Delete objects/KEY and run"):
        read_seal(folder, "KEY", where="objects/KEY")


def test_the_seal_of_another_object_is_refused(folder: Path):
    with pytest.raises(IntegrityError, match="the seal belongs to KEY"):
        read_seal(folder, "OTHER", where="objects/OTHER")


def test_a_file_of_other_size_or_content_or_none_is_named(folder: Path):
    expected = read_seal(folder, "KEY", where="x").files["a.bin"]
    path = folder / "a.bin"
    path.write_bytes(b"First")
    with pytest.raises(IntegrityError, match=r"not what was sealed - k/a\.bin"):
        check_file(path, expected, where="k/a.bin")
    path.write_bytes(b"fir")
    with pytest.raises(IntegrityError, match="has 3 bytes, sealed were 5"):
        check_file(path, expected, where="k/a.bin")
    path.unlink()
    with pytest.raises(IntegrityError, match="cannot be read"):
        check_file(path, expected, where="k/a.bin")
