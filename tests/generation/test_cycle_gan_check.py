"""Maps planted to fail: each is named, and a sound one is not."""

import numpy as np
import pytest
import torch
from torch import nn

from pryproof import seeds
from pryproof.generation.cycle_gan import Networks
from pryproof.generation.cycle_gan_check import LITERAL, correlation, judge, warnings_of
from pryproof.generation.paired import paired
from pryproof.generation.settings import CycleGanSettings
from pryproof.models.randomness import torch_generator

IMAGES = seeds.generator(0, "check").integers(60, 190, (40, 8, 8, 1), dtype=np.uint8)
PAIR = paired(
    *[(IMAGES, np.zeros(40, dtype=np.int64))] * 2,
    settings=CycleGanSettings(),
    seed=0,
    device=torch.device("cpu"),
)
SOUND = {"d_risky": 0.2, "d_safe": 0.2}


class Affine(nn.Module):
    def __init__(self, slope: float, shift: float) -> None:
        super().__init__()
        self.slope, self.shift = slope, shift

    def forward(self, images):
        return self.slope * images + self.shift


def warned(s2r, r2s, *, losses=SOUND, **settings) -> tuple[str, ...]:
    networks = Networks(s2r, r2s, nn.Identity(), nn.Identity())
    return warnings_of(judge(networks, PAIR) | losses, CycleGanSettings(**settings))


def test_a_sound_map_is_not_warned_of():
    assert warned(Affine(1.0, 0.3), Affine(1.0, -0.3)) == ()


@pytest.mark.parametrize(
    ("s2r", "r2s", "words"),
    [
        (Affine(1.0, 0.0), Affine(1.0, 0.0), "changes nothing"),
        (Affine(0.0, 0.3), Affine(1.0, 0.2), "the same image always"),
        (Affine(-1.0, 0.0), Affine(-1.0, 0.0), "inverts images"),
        (Affine(1.0, 0.3), Affine(1.0, 0.3), "does not close"),
    ],
)
def test_what_is_planted_is_named(s2r, r2s, words):
    found = warned(s2r, r2s)
    assert any(words in warning for warning in found)
    assert all("discriminator" not in warning for warning in found)


class Opposite(nn.Module):
    """Makes dark images bright and bright ones dark, and keeps what they show."""

    def forward(self, images):
        mean = images.mean(dim=(1, 2, 3), keepdim=True)
        return images - mean - 8 * mean.sign() * 0.05


def test_a_map_that_swaps_dark_and_bright_does_not_invert():
    found = warned(Opposite(), Opposite())
    assert not any("inverts" in warning for warning in found)


def test_one_sided_failures_name_their_direction():
    found = warned(Affine(1.0, 0.3), Affine(-1.0, 0.0))
    assert [words for words in found if "inverts" in words and words.startswith("risky to safe")]
    assert not [words for words in found if "inverts" in words and words.startswith("safe to")]


def test_a_discriminator_that_knows_everything_is_named():
    (found,) = warned(Affine(1.0, 0.3), Affine(1.0, -0.3), losses={"d_risky": 0.001, "d_safe": 0.2})
    assert "discriminator of risky images is right about everything" in found


def test_the_printed_objective_is_named_and_not_called_saturated():
    losses = {"d_risky": 0.0, "d_safe": 0.0}
    found = warned(Affine(1.0, 0.3), Affine(1.0, -0.3), losses=losses, adversarial="literal")
    assert found == (LITERAL,)


def test_likeness_tells_an_inverted_image_from_a_kept_one():
    images = torch.rand(4, 1, 8, 8, generator=torch_generator(0, "images"))
    assert correlation(images, 0.5 * images + 0.2) == pytest.approx(1.0)
    assert correlation(images, 1 - images) == pytest.approx(-1.0)
    assert correlation(images, torch.zeros_like(images)) == 0.0


def test_the_facts_of_a_shift():
    facts = judge(Networks(Affine(1.0, 0.3), Affine(1.0, -0.2), *[nn.Identity()] * 2), PAIR)
    assert facts["held_change_s2r"] == pytest.approx(0.3, abs=1e-6)
    assert facts["held_cycle"] == pytest.approx(0.1, abs=1e-6)
    assert facts["variety_s2r"] == pytest.approx(1.0, abs=1e-5)
