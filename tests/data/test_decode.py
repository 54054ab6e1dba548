from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pryproof.checks import DataError
from pryproof.data import reading
from pryproof.data.sources import read

PLAIN = Image.fromarray(np.arange(90, dtype=np.uint8).reshape(6, 5, 3))


def first(tree: Path, **options: object) -> np.ndarray:
    return read(str(tree), **options).samples.images[0]


def test_every_pixel_of_a_lossless_format_survives(tree: Path, pixels: np.ndarray):
    loaded = read(str(tree))
    np.testing.assert_array_equal(loaded.samples.images, pixels)
    assert loaded.notices == ()


@pytest.mark.parametrize("mode", ["P", "RGBA", "CMYK"])
def test_other_colour_modes_become_rgb_and_are_told(tree: Path, mode: str):
    target = tree / "cat" / ("00.tif" if mode == "CMYK" else "00.png")
    (tree / "cat/00.png").unlink()
    image = PLAIN.quantize(256) if mode == "P" else PLAIN.convert(mode)
    image.save(target)
    np.testing.assert_array_equal(first(tree), np.asarray(image.convert("RGB")))
    assert f"1 {mode}; all became RGB" in read(str(tree)).notices[0]


def test_a_palette_with_a_transparent_colour_keeps_its_colours(tree: Path):
    image = PLAIN.quantize(256)
    image.save(tree / "cat/00.png", transparency=bytes([0, 128]))
    np.testing.assert_array_equal(first(tree), np.asarray(image.convert("RGB")))


def test_gray_among_colour_becomes_rgb_and_all_gray_stays_one_channel(tree: Path):
    PLAIN.convert("L").save(tree / "cat/00.png")
    gray = np.asarray(PLAIN.convert("L"))
    np.testing.assert_array_equal(first(tree), np.stack([gray] * 3, axis=2))
    for file in tree.rglob("*.png"):
        PLAIN.convert("L").save(file)
    np.testing.assert_array_equal(first(tree), gray[:, :, None])
    assert first(tree, channels=3).shape == (6, 5, 3)


def test_channels_one_makes_colour_gray(tree: Path):
    assert first(tree, channels=1).shape == (6, 5, 1)


def test_sixteen_bits_are_refused(tree: Path):
    Image.fromarray(np.zeros((6, 5), np.uint16)).save(tree / "cat/00.png")
    with pytest.raises(DataError, match=r"E017.*I;16.*cat/00\.png.*8-bit"):
        read(str(tree))


@pytest.mark.parametrize(("kind", "ending"), [("GIF", "gif"), ("TIFF", "tif"), ("WEBP", "webp")])
def test_animations_and_pages_are_refused(tree: Path, kind: str, ending: str):
    other = PLAIN.transpose(Image.Transpose.ROTATE_180)
    PLAIN.save(tree / f"cat/a.{ending}", kind, save_all=True, append_images=[other])
    with pytest.raises(DataError, match=r"E014.*2 frames.*Save the frame"):
        read(str(tree))


def test_the_orientation_of_a_camera_is_applied(tree: Path):
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = PLAIN.transpose(Image.Transpose.ROTATE_90)
    lying.save(tree / "cat/00.png", exif=exif)
    np.testing.assert_array_equal(first(tree), np.asarray(PLAIN))


def test_mixed_sizes_are_counted_and_resize_is_the_way_out(tree: Path):
    Image.new("RGB", (8, 8)).save(tree / "dog/12.png")
    with pytest.raises(DataError, match=r"E012.*23 of 5x6, 1 of 8x8.*resize=5"):
        read(str(tree))
    assert read(str(tree), resize=4).samples.images.shape == (24, 4, 4, 3)


def test_resize_keeps_proportions_and_the_centre(tree: Path):
    wide = np.zeros((4, 12, 3), np.uint8)
    wide[:, 4:8] = 200
    for file in tree.rglob("*.png"):
        Image.fromarray(wide).save(file)
    assert (first(tree, resize=4) == 200).all()


@pytest.mark.parametrize(
    ("content", "code", "way"),
    [
        (b"", "E010.*0 bytes", "Restore"),
        (b"no image at all", "E011.*not an image of a known kind", "Replace"),
        (None, "E009.*cut off", "Restore"),
    ],
)
def test_a_bad_image_is_named_or_skipped(tree: Path, content: bytes | None, code: str, way: str):
    bad = tree / "cat/03.png"
    bad.write_bytes(bad.read_bytes()[:60] if content is None else content)
    with pytest.raises(DataError, match=rf"{code}.*cat/03\.png.*{way}.*on_bad_image='skip'"):
        read(str(tree))
    loaded = read(str(tree), on_bad_image="skip")
    assert len(loaded.samples) == 23
    assert "cat/03.png" not in loaded.samples.ids
    assert any("1 bad images were left out: cat/03.png" in notice for notice in loaded.notices)


def test_every_cut_of_a_file_gives_the_same_clear_error(tree: Path):
    bad = tree / "cat/03.png"
    whole = bad.read_bytes()
    for length in range(1, len(whole) - 16, 7):
        bad.write_bytes(whole[:length])
        with pytest.raises(DataError, match=r"E009|E011"):
            read(str(tree))


def test_skipping_everything_is_no_data_set(tree: Path):
    for file in tree.rglob("*.png"):
        file.write_bytes(b"")
    with pytest.raises(DataError, match=r"E003.*no image could be read"):
        read(str(tree), on_bad_image="skip")


def test_skipped_images_count_for_the_smallest_class(tree: Path):
    for number in range(3):
        (tree / f"cat/{number:02}.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"E007.*cat \(9\)"):
        read(str(tree), on_bad_image="skip")


@pytest.mark.parametrize("limit", [20, 12])
def test_bombs_are_not_decoded(tree: Path, monkeypatch: pytest.MonkeyPatch, limit: int):
    # Of these 30 pixels Pillow only warns at 20 and refuses them itself at 12.
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with pytest.raises(DataError, match=rf"E016.*more than {limit} pixels.*Scale it down"):
        read(str(tree))


def test_more_pixels_than_memory_holds_are_refused(tree: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reading, "MOST_PIXELS", 100)
    with pytest.raises(DataError, match=r"E040.*at most 100.*smaller resize"):
        read(str(tree))
