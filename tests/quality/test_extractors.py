import numpy as np
import pytest
import torch
from torch import nn

from pryproof.checks import ConfigurationError, DataError
from pryproof.quality import extractors as module
from pryproof.quality.extractors import EXTRACTORS, extractor, penultimate, trained_extractor
from pryproof.training.recipe import Recipe


def images(n: int = 6, side: int = 16, channels: int = 3, seed: int = 0) -> np.ndarray:
    shape = (n, side, side, channels)
    return np.random.default_rng(seed).integers(256, size=shape, dtype=np.uint8)


@pytest.mark.parametrize("name", sorted(EXTRACTORS))
@pytest.mark.parametrize(("side", "channels"), [(16, 3), (11, 1)])
def test_every_image_has_features_of_its_own(name: str, side: int, channels: int, monkeypatch):
    given = images(6, side, channels)
    whole = extractor(name)(given)
    assert whole.dtype == np.float32
    assert np.isfinite(whole).all()
    monkeypatch.setattr(module, "CHUNK", 4)
    assert np.array_equal(extractor(name)(given), whole)
    assert np.array_equal(extractor(name)(given[3:5].copy()), whole[3:5])
    assert extractor(name).frechet == f"FD[{name}]"


def test_gradients_see_direction_place_and_colour():
    stripes = np.zeros((1, 16, 16, 3), np.uint8)
    stripes[:, ::4] = stripes[:, 1::4] = 255  # horizontal stripes: the gradient points down
    plain = extractor("gradients")(stripes)[0]
    full = plain[:128].reshape(4, 4, 8)
    assert full[..., 4] == pytest.approx(full[..., 4].max(), rel=0.3)
    assert full[..., [0, 1, 2, 6, 7]].max() == 0
    turned = extractor("gradients")(stripes.transpose(0, 2, 1, 3).copy())[0]
    assert turned[:128].reshape(4, 4, 8)[..., 0] == pytest.approx(full[..., 4].T)
    red = np.zeros((1, 16, 16, 3), np.uint8)
    red[:, :8, :8, 0] = 255
    colour = extractor("gradients")(red)[0, 256:304].reshape(4, 4, 3)
    assert colour[:2, :2].tolist() == [[[1.0, 0.0, 0.0]] * 2] * 2
    assert colour[2:].max() == 0


def test_the_energy_of_an_edge_is_shared_and_kept():
    given = images(2)
    gray = given.astype(np.float32).mean(axis=3) / 255
    down, right = np.gradient(gray, axis=(1, 2))
    energy = (down**2 + right**2).reshape(2, 4, 4, 4, 4).mean(axis=(2, 4))
    found = extractor("gradients")(given)[:, :128].reshape(2, 4, 4, 8)
    assert (found**2).sum(axis=3) == pytest.approx(energy, rel=1e-4)


@pytest.mark.slow
def test_a_trained_extractor_is_named_seeded_and_sees_classes():
    labels = np.arange(120) % 2
    given = images(120) // 4 + 100 * labels[:, None, None, None].astype(np.uint8)

    def made(seed: int) -> module.Extractor:
        return trained_extractor(
            given, labels, classes=2, seed=seed, model="small_cnn", recipe=Recipe(epochs=2)
        )

    first, again, other = made(0), made(0), made(1)
    assert (first.name, first.frechet) == ("small_cnn[held-out]", "FD[small_cnn[held-out]]")
    features = first(given)
    assert features.shape == (120, 64)
    assert features.dtype == np.float32
    assert np.array_equal(features, again(given))
    assert not np.array_equal(features, other(given))
    assert np.array_equal(first(given[5:9].copy()).round(4), features[5:9].round(4))
    apart = features[labels == 0].mean(axis=0) - features[labels == 1].mean(axis=0)
    assert np.linalg.norm(apart) > np.linalg.norm(features[labels == 0].std(axis=0))


def test_penultimate_features_are_what_the_head_is_given():
    network = nn.Sequential(nn.Flatten(), nn.Linear(48, 5), nn.ReLU(), nn.Linear(5, 3))
    given = images(7, side=4)
    features = penultimate(network, classes=3)(given)
    with torch.no_grad():
        flat = torch.from_numpy(given).permute(0, 3, 1, 2).float() / 127.5 - 1
        assert features == pytest.approx(network[:3](flat).numpy(), abs=1e-5)
    assert not network[3]._forward_pre_hooks


def test_refusals():
    with pytest.raises(ConfigurationError, match=r"E049.*Did you mean gradients"):
        extractor("gradient")
    with pytest.raises(DataError, match=r"E056.*got none"):
        extractor("pixels")(images(0))
    with pytest.raises(DataError, match=r"E052.*8 pixels or more, got 7 x 7"):
        extractor("gradients")(images(2, side=7))
    with pytest.raises(DataError, match=r"E053.*no linear layer.*4 outputs"):
        penultimate(nn.Linear(3, 5), classes=4)
