"""Stored pixels: the way there and back, rounding and clipping."""

import numpy as np
import torch

from pryproof.generation.pixels import stored
from pryproof.training.loop import scaled


def test_every_level_survives_the_way_there_and_back():
    levels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    assert np.array_equal(stored(scaled(torch.from_numpy(levels))), levels)


def test_the_layout_is_height_width_channels():
    images = torch.zeros(2, 3, 4, 5)
    images[1, 2, 3, 4] = 1.0
    answer = stored(images)
    assert answer.shape == (2, 4, 5, 3)
    assert answer[1, 3, 4, 2] == 255
    assert answer.flags.c_contiguous


def test_what_is_beyond_the_range_is_clipped():
    assert stored(torch.tensor([-7.0, 7.0]).reshape(1, 1, 1, 2)).ravel().tolist() == [0, 255]
