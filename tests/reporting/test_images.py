import base64
import io

import numpy as np
import pytest
from PIL import Image

from pryproof.reporting.content import Grid
from pryproof.reporting.images import LARGE, Picture, picture, pictures


def decoded(shown: Picture) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(shown.uri.split(",", 1)[1])))


@pytest.mark.parametrize("channels", [1, 3])
def test_small_images_come_back_to_the_pixel(channels: int):
    image = np.random.default_rng(1).integers(0, 256, (5, 7, channels), dtype=np.uint8)
    shown = picture(image, "x")
    assert shown.exact
    assert (shown.width, shown.height) == (7, 5)
    assert np.array_equal(np.asarray(decoded(shown)).reshape(image.shape), image)


def test_large_images_shrink_and_keep_their_shape():
    shown = picture(np.full((300, 600, 3), 90, np.uint8), "x")
    assert not shown.exact
    assert decoded(shown).size == (shown.width, shown.height) == (LARGE, LARGE // 2)


def test_other_channels_are_refused():
    with pytest.raises(ValueError, match=r"got 4\. Convert it"):
        picture(np.zeros((2, 2, 4), np.uint8), "x")


def test_groups_stay_together_and_captions_must_match():
    images = np.zeros((4, 2, 2, 1), np.uint8)
    grid = Grid(title="", caption="", images=images, captions=tuple("abcd"), columns=4, group=2)
    assert [[shown.caption for shown in group] for group in pictures(grid)] == [
        ["a", "b"],
        ["c", "d"],
    ]
    with pytest.raises(ValueError, match="shorter"):
        pictures(Grid(title="", caption="", images=images, captions=("a",), columns=4))
