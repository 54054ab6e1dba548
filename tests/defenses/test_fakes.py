"""Training sets with provenance: every image can be traced."""

import numpy as np

from pryproof.defenses.fakes import (
    AS_IS,
    FAKE,
    MADE_BY,
    REAL,
    SOURCES,
    UNDRAWN,
    joined,
    of_images,
    real_and_fake,
)


def images(*values: int) -> np.ndarray:
    return np.stack([np.full((2, 2, 1), value, dtype=np.uint8) for value in values])


def test_reals_come_first_and_every_image_says_where_it_is_from():
    both = real_and_fake(
        images(1, 2), np.array([0, 1]), images(3, 4, 5), np.array([1, 0, 1]), seed=9
    )
    assert both.images[:, 0, 0, 0].tolist() == [1, 2, 3, 4, 5]
    assert both.images.dtype == np.uint8
    assert both.labels.tolist() == [0, 1, 1, 0, 1]
    assert both.source.tolist() == [REAL, REAL, FAKE, FAKE, FAKE]
    assert both.index.tolist() == [0, 1, 0, 1, 2]
    assert both.seed.tolist() == [UNDRAWN, UNDRAWN, 9, 9, 9]
    assert set(both.made_by.tolist()) == {AS_IS}
    assert not both.transformed.any()


def test_rows_are_taken_by_place_and_by_mask_and_put_together_again():
    both = real_and_fake(images(1, 2), np.array([0, 1]), images(3), np.array([1]))
    mask = np.array([True, False, True])
    taken = both.take(mask)
    assert taken.index.tolist() == [0, 0]
    assert taken.images[:, 0, 0, 0].tolist() == [1, 3]
    again = joined(taken, both.take(np.array([1])))
    assert again.images[:, 0, 0, 0].tolist() == [1, 3, 2]
    assert again.source.tolist() == [REAL, FAKE, REAL]


def test_a_seed_of_63_bits_is_kept():
    made = of_images(images(1), np.array([0]), source=FAKE, seed=2**63 - 1)
    assert made.seed.tolist() == [2**63 - 1]


def test_codes_are_places_in_their_tables():
    assert (SOURCES[REAL], SOURCES[FAKE]) == ("real", "fake")
    assert MADE_BY[AS_IS] == "as it is"
    assert len(set(MADE_BY)) == len(MADE_BY)
