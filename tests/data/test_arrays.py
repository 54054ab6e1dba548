import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from pryproof.checks import DataError
from pryproof.data import reading
from pryproof.data.sources import read


def test_arrays_come_back_as_they_were(tmp_path: Path, pixels: np.ndarray, labels: np.ndarray):
    np.savez(tmp_path / "a.npz", images=pixels, labels=labels, classes=["cat", "dog"])
    samples = read(str(tmp_path / "a.npz")).samples
    np.testing.assert_array_equal(samples.images, pixels)
    np.testing.assert_array_equal(samples.labels, labels)
    assert samples.classes == ("cat", "dog")
    assert samples.ids[:2] == ("0", "1")


def test_gray_needs_no_channel_axis(tmp_path: Path, pixels: np.ndarray, labels: np.ndarray):
    np.savez(tmp_path / "a.npz", images=pixels[..., 0], labels=labels)
    source = str(tmp_path / "a.npz")
    np.testing.assert_array_equal(read(source).samples.images, pixels[..., :1])
    assert read(source, channels=3).samples.images.shape == (24, 6, 5, 3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: x / 255, r"E029.*between 0 and .*\(images \* 255\)"),
        (lambda x: x.astype(np.float32), r"E029.*images\.round\(\)\.clip\(0, 255\)"),
        (lambda x: x / 128 - 1, r"E029.*undo the normalisation"),
        (lambda x: np.where(x > 250, np.nan, x), r"E026.*NaN or infinite.*Remove or repair"),
        (lambda x: np.where(x > 250, np.inf, x), r"E026.*NaN or infinite.*Remove or repair"),
        (lambda x: x.astype(np.int64), r"E017.*int64.*astype\('uint8'\)"),
        (lambda x: x.transpose(0, 3, 1, 2), r"E027.*NCHW.*transpose\(0, 2, 3, 1\)"),
        (lambda x: x.reshape(24, -1), r"E027.*\(24, 90\).*reshape flat rows"),
        (lambda x: np.concatenate([x, x[..., :1]], axis=3), r"E027.*Drop an alpha channel"),
        (lambda x: x[:20], r"E028.*\(20,\).*\(24,\).*same selection"),
        (lambda x: x[:0], r"E003.*no pixels"),
        (lambda x: x.astype(object), r"E030.*never pickled.*numpy\.savez_compressed"),
    ],
)
def test_images_in_another_form_are_refused_with_the_way_out(
    tmp_path: Path, pixels: np.ndarray, labels: np.ndarray, change: object, message: str
):
    np.savez(tmp_path / "a.npz", images=change(pixels), labels=labels)
    with pytest.raises(DataError, match=message):
        read(str(tmp_path / "a.npz"))


def test_a_missing_array_names_those_there_are(tmp_path: Path, pixels: np.ndarray):
    np.savez(tmp_path / "a.npz", images=pixels, label=np.zeros(24, int))
    with pytest.raises(DataError, match=r"E024.*'labels'.*Did you mean label\?"):
        read(str(tmp_path / "a.npz"))


def test_a_pickle_is_never_opened(tmp_path: Path):
    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (tmp_path / "sprung",))

    (tmp_path / "a.npz").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(DataError, match=r"E030.*not an \.npz archive"):
        read(str(tmp_path / "a.npz"))
    np.savez(tmp_path / "b.npz", images=np.array([Trap()], object), labels=np.zeros(1, int))
    with pytest.raises(DataError, match=r"E030.*never pickled"):
        read(str(tmp_path / "b.npz"))
    assert not (tmp_path / "sprung").exists()


def test_a_member_which_is_no_array_is_refused(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("images.npy", b"not an array")
    with pytest.raises(DataError, match=r"E030.*no array.*images"):
        read(str(tmp_path / "a.npz"))


def test_damage_is_noticed(tmp_path: Path, pixels: np.ndarray, labels: np.ndarray):
    np.savez_compressed(tmp_path / "a.npz", images=pixels, labels=labels)
    content = bytearray((tmp_path / "a.npz").read_bytes())
    content[200:220] = bytes(20)
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"E009.*damaged.*Restore"):
        read(str(tmp_path / "a.npz"))


def test_a_zip_bomb_is_refused_by_its_declared_size(
    tmp_path: Path, labels: np.ndarray, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(reading, "MOST_PIXELS", 10_000)
    np.savez_compressed(tmp_path / "a.npz", images=np.zeros((24, 64, 64), np.uint8), labels=labels)
    with pytest.raises(DataError, match=r"E040.*at most 10,000"):
        read(str(tmp_path / "a.npz"))


def test_arrays_are_neither_resized_nor_turned_gray(
    tmp_path: Path, pixels: np.ndarray, labels: np.ndarray
):
    np.savez(tmp_path / "a.npz", images=pixels, labels=labels)
    with pytest.raises(DataError, match=r"E012.*5x6.*Resize before"):
        read(str(tmp_path / "a.npz"), resize=4)
    with pytest.raises(DataError, match=r"E013.*Save one channel"):
        read(str(tmp_path / "a.npz"), channels=1)
