"""Canaries are images nobody else uses, of four kinds, each in exactly half of the halves."""

import numpy as np
import pytest

from pryproof import seeds
from pryproof.checks import DataError
from pryproof.data.atypical import surprise
from pryproof.data.canaries import (
    KINDS,
    NOISE,
    canaries,
    halves,
    images_for,
    nearly,
    refuse_too_few,
)
from pryproof.data.splits import split
from pryproof.records import Samples

COUNTS = {"clean": 9, "mislabelled": 8, "near_duplicate": 7, "atypical": 5}
CLASSES = 3


def samples(count: int = 300) -> Samples:
    draws = seeds.generator(0, "images of canaries")
    labels = np.arange(count) % CLASSES
    pixels = draws.integers(0, 200, (count, 8, 8, 1)) + 15 * labels[:, None, None, None]
    return Samples(
        images=pixels.astype(np.uint8),
        labels=labels,
        ids=tuple(f"image/{place}" for place in range(count)),
        classes=("cat", "dog", "owl"),
    )


ALL = samples()
PARTS = split(
    ALL.labels, members=60, evaluation=45, shadow_folds=1, seed=3, further=images_for(COUNTS)
)
MADE = canaries(ALL, PARTS, COUNTS, seed=3)


def of(kind: str) -> np.ndarray:
    return MADE.kinds == KINDS.index(kind)


def places(kind: str) -> np.ndarray:
    """Return where in the data set the images of a kind come from."""
    named = [name.split("/") for name in np.array(MADE.ids)[of(kind)]]
    assert {each[1] for each in named} == {kind}
    return np.array([int(each[-1]) for each in named])


def test_there_are_as_many_of_each_kind_as_asked_for():
    assert {kind: int(of(kind).sum()) for kind in KINDS} == COUNTS
    assert len(set(MADE.ids)) == len(MADE.ids) == sum(COUNTS.values())
    assert (np.diff(MADE.kinds) >= 0).all()


def test_canaries_are_images_that_no_other_part_uses():
    used = np.concatenate([PARTS.members, *PARTS.shadows, PARTS.outside, PARTS.evaluation])
    own = np.concatenate([places(kind) for kind in KINDS if kind != "near_duplicate"])
    assert set(own) <= set(PARTS.further)
    assert not set(own) & set(used)
    assert len(set(own)) == len(own)


def test_clean_and_atypical_ones_are_as_they_were():
    for kind in ("clean", "atypical"):
        assert (MADE.images[of(kind)] == ALL.images[places(kind)]).all()
        assert (MADE.labels[of(kind)] == ALL.labels[places(kind)]).all()


def test_a_wrong_label_is_never_the_own_one_and_each_other_as_likely():
    kept = MADE.images[of("mislabelled")] == ALL.images[places("mislabelled")]
    assert kept.all()
    for kind in ("mislabelled", "near_duplicate"):
        assert (MADE.labels[of(kind)] != ALL.labels[places(kind)]).all()
    one = {"clean": 0, "mislabelled": 90, "near_duplicate": 0, "atypical": 0}
    parts = split(ALL.labels, members=30, evaluation=30, shadow_folds=1, seed=0, further=90)
    steps = [
        (each.labels - ALL.labels[[int(name.split("/")[-1]) for name in each.ids]]) % CLASSES
        for each in (canaries(ALL, parts, one, seed=seed) for seed in range(5))
    ]
    shares = np.bincount(np.concatenate(steps), minlength=CLASSES) / 450
    np.testing.assert_allclose(shares, [0, 0.5, 0.5], atol=0.1)


def test_a_near_duplicate_is_a_member_moved_by_one_pixel():
    rows = places("near_duplicate")
    assert set(rows) <= set(PARTS.members)
    assert len(set(rows)) == len(rows)
    for image, original in zip(MADE.images[of("near_duplicate")], ALL.images[rows], strict=True):
        moved = [
            np.abs(image.astype(int) - np.roll(original.astype(int), shift, axis))[1:-1, 1:-1]
            for axis in (0, 1)
            for shift in (1, -1)
        ]
        assert min(int(each.max()) for each in moved) <= NOISE


def test_moved_images_repeat_their_edge_and_go_every_way():
    ramp = (np.arange(64).reshape(8, 8) * 3 + 20).astype(np.uint8)
    made = nearly(np.tile(ramp, (200, 1, 1))[..., None], seed=1)[..., 0].astype(int)
    ways = {
        (down, right): ramp[
            np.ix_(*(np.clip(np.arange(8) + by, 0, 7) for by in (down, right)))
        ].astype(int)
        for down, right in ((1, 0), (-1, 0), (0, 1), (0, -1))
    }
    seen = []
    for image in made:
        apart = {way: int(np.abs(image - moved).max()) for way, moved in ways.items()}
        seen.append(min(apart, key=apart.__getitem__))
        assert apart[seen[-1]] <= NOISE
    assert {way: seen.count(way) > 30 for way in ways} == dict.fromkeys(ways, True)
    noise = np.stack([image - ways[way] for image, way in zip(made, seen, strict=True)])
    assert set(noise.ravel().tolist()) == set(range(-NOISE, NOISE + 1))


def test_atypical_ones_are_the_least_typical_of_those_looked_at():
    looked_at = np.setdiff1d(
        PARTS.further, np.concatenate([places("clean"), places("mislabelled")])
    )
    assert len(looked_at) == 4 * COUNTS["atypical"]
    outside = PARTS.outside
    found = surprise(
        ALL.images[looked_at],
        ALL.labels[looked_at],
        known=ALL.images[outside],
        known_labels=ALL.labels[outside],
        classes=CLASSES,
    )
    assert set(looked_at[np.argsort(-found)[: COUNTS["atypical"]]]) == set(places("atypical"))


def test_the_same_seed_makes_the_same_and_another_does_not():
    again, other = (canaries(ALL, PARTS, COUNTS, seed=seed) for seed in (3, 4))
    assert again.ids == MADE.ids
    assert (again.images == MADE.images).all()
    assert (again.labels == MADE.labels).all()
    assert other.ids != MADE.ids


@pytest.mark.parametrize("count", [4, 6, 32])
def test_each_canary_is_in_exactly_half_of_the_halves_and_one_of_each_pair(count: int):
    inside = halves(MADE.kinds, count, seed=0)
    assert (inside.sum(axis=0) == count // 2).all()
    assert (inside[::2] ^ inside[1::2]).all()
    for kind, asked in COUNTS.items():
        sizes = inside[:, of(kind)].sum(axis=1)
        assert set(sizes.tolist()) <= {asked // 2, -(-asked // 2)}


def test_halves_are_drawn_by_their_seed_and_pairs_apart():
    first, second = (halves(np.zeros(200, np.int64), 8, seed=seed) for seed in (0, 1))
    assert (first != second).any()
    agree = [(first[0] == first[2 * pair]).mean() for pair in range(1, 4)]
    np.testing.assert_allclose(agree, 0.5, atol=0.15)


def test_what_cannot_be_had_is_refused():
    with pytest.raises(DataError, match=r"E038.*need a member each, 7 .* 6 members.*Lower canar"):
        refuse_too_few(COUNTS, members=6, classes=2)
    with pytest.raises(DataError, match=r"E038.*a wrong label needs two classes.*alone"):
        refuse_too_few(COUNTS, members=60, classes=1)
    refuse_too_few(dict.fromkeys(KINDS, 0) | {"clean": 3}, members=1, classes=1)
