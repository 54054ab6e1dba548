"""Two domains: a tenth never trains, strata bind labels together, every image is drawn."""

import numpy as np
import torch

from pryproof import seeds
from pryproof.generation.paired import Pair, batches, held_out, one_of_each, paired
from pryproof.generation.settings import CycleGanSettings
from pryproof.models.randomness import torch_generator
from pryproof.training.loop import scaled

IMAGES = seeds.generator(0, "paired").integers(0, 256, (100, 4, 4, 1), dtype=np.uint8)


def pair(safe_labels: np.ndarray, risky_labels: np.ndarray, **changed) -> Pair:
    """Write every image's label into its first pixel."""
    safe, risky = IMAGES[: len(safe_labels)].copy(), IMAGES[: len(risky_labels)].copy()
    safe[:, 0, 0, 0], risky[:, 0, 0, 0] = safe_labels, risky_labels
    return paired(
        (safe, safe_labels),
        (risky, risky_labels),
        settings=CycleGanSettings(**changed),
        seed=0,
        device=torch.device("cpu"),
    )


def test_a_tenth_never_trains_and_at_least_eight():
    assert [len(held_out(count, seed=0, name="safe")) for count in (30, 200)] == [8, 20]
    small = paired(
        *[(IMAGES[:30], np.arange(30) % 2)] * 2,
        settings=CycleGanSettings(),
        seed=0,
        device=torch.device("cpu"),
    ).safe
    assert (len(small.held.images), len(small.labels)) == (8, 22)
    held = {image.numpy().tobytes() for image in small.held.images}
    trained = {image.numpy().tobytes() for image in scaled(small.pixels)}
    assert len(held | trained) == 30
    named = scaled(torch.from_numpy(IMAGES[held_out(30, seed=0, name="safe")]))
    assert held == {image.numpy().tobytes() for image in named}


def test_stratified_batches_carry_the_same_labels():
    """Class 0 is rare among the safe, class 1 among the risky, and class 2 is risky only."""
    safe, risky = np.ones(100, dtype=np.int64), np.zeros(100, dtype=np.int64)
    safe[:30], risky[:30], risky[30:60] = 0, 1, 2
    drawn = batches(pair(safe, risky, conditional=True), 400, torch_generator(0, "draw"))
    assert torch.equal(drawn[0].labels, drawn[1].labels)
    assert set(drawn[0].labels.tolist()) == {0, 1}
    assert 0.4 < drawn[0].labels.double().mean() < 0.6
    for batch in drawn:
        shown = (batch.images[:, 0, 0, 0] + 1).mul(127.5).round().long()
        assert torch.equal(shown, batch.labels)
    _, plain = batches(pair(safe, risky, stratified=False), 400, torch_generator(0, "draw"))
    assert plain.labels is None
    assert 2.0 in (plain.images[:, 0, 0, 0] + 1).mul(127.5).round().tolist()


def test_every_image_that_trains_is_drawn():
    have = torch.tensor([2, 0, 2, 1, 0])
    want = torch.tensor([0, 1, 2] * 100)
    rows = one_of_each(have, want, torch_generator(0, "draw"))
    assert torch.equal(have[rows], want)
    assert set(rows.tolist()) == set(range(5))
