import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from models.shim import torchvision
from pryproof.checks import ConfigurationError, DataError
from pryproof.models.randomness import global_draws
from pryproof.quality import inception as module
from pryproof.quality.inception import inception_extractor, prepared


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    """Random weights of the right form; the published ones are not here."""
    torchvision()
    with global_draws(0, "test"):
        return {
            key: value
            for key, value in module._network().state_dict().items()
            if not key.endswith("num_batches_tracked")
        }


@pytest.fixture(scope="module")
def weights(state: dict[str, torch.Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "inception.pth"
    torch.save(state, path)
    return path


def images(n: int = 2, channels: int = 3) -> np.ndarray:
    shape = (n, 16, 16, channels)
    return np.random.default_rng(0).integers(256, size=shape, dtype=np.uint8)


@pytest.mark.slow
def test_features_of_a_file(weights: Path, monkeypatch: pytest.MonkeyPatch):
    found = inception_extractor(weights)
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    assert found.name == f"inception-{digest[:8]}"
    assert found.frechet == f"FD[inception-{digest[:8]}]"
    features = found(images())
    assert features.shape == (2, 2048)
    assert features.dtype == np.float32
    assert np.isfinite(features).all()
    assert np.array_equal(features, found(images()))
    assert found(images()[1:].copy())[0] == pytest.approx(features[1], rel=1e-3, abs=1e-5)
    monkeypatch.setattr(module, "PUBLISHED", digest[:8])
    assert inception_extractor(weights).frechet == "FID"


@pytest.mark.slow
def test_gray_images_are_taken_as_three_equal_channels(weights: Path):
    gray = images(channels=1)
    found = inception_extractor(weights)
    assert found(gray) == pytest.approx(found(np.repeat(gray, 3, axis=3)), rel=1e-4)


def given_to(network: nn.Module, name: str, x: torch.Tensor) -> torch.Tensor:
    """Return what the pooling branch of a block is given, for an input of the block."""
    block, seen = network.get_submodule(name).eval(), []
    handle = (
        block.get_submodule("branch_pool")
        .get_submodule("conv")
        .register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    )
    with torch.inference_mode():
        block(x)
    handle.remove()
    return seen[0]


def test_means_leave_the_padding_out_and_the_last_block_takes_the_maximum():
    torchvision()
    network = module._network()
    for name, width in (("Mixed_5b", 192), ("Mixed_6b", 768), ("Mixed_7b", 1280)):
        ones = torch.ones(1, width, 4, 4)
        assert torch.equal(given_to(network, name, ones), ones)  # counted, corners would be 4/9
        x = torch.zeros(1, width, 4, 4)
        x[:, :, 0, 0] = 1.0
        pooled = given_to(network, name, x)[0, 0]
        assert pooled[:2, :2].flatten().tolist() == pytest.approx([1 / 4, 1 / 6, 1 / 6, 1 / 9])
    x = torch.zeros(1, 2048, 4, 4)
    x[:, :, 0, 0] = 1.0
    assert given_to(network, "Mixed_7c", x)[0, 0].sum() == 4.0
    assert set(module.MEANS) | {"7c"} == {
        name.removeprefix("Mixed_")
        for name, block in network.named_children()
        if any(part == "branch_pool" for part, _ in block.named_children())
    }


def test_images_are_enlarged_and_scaled():
    shades = np.zeros((1, 2, 2, 3), np.uint8)
    shades[0, 1] = 255
    found = prepared(shades)
    assert found.shape == (1, 3, 299, 299)
    assert (found[0, :, 0].max(), found[0, :, -1].min()) == (-1.0, pytest.approx(1.0))
    expected = functional.interpolate(torch.tensor([[[[-1.0], [1.0]]]]), (299, 1), mode="bilinear")
    assert torch.allclose(found[0, 0, :, 0], expected[0, 0, :, 0], atol=1e-5)


def saved(given: object, folder: Path) -> Path:
    path = folder / "given.pth"
    torch.save(given, path)
    return path


def test_refusals_of_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(DataError, match=r"E001.*no such file - missing.pth"):
        inception_extractor(tmp_path / "missing.pth")
    cut = tmp_path / "cut.pth"
    cut.write_bytes(saved({"a": torch.zeros(1000)}, tmp_path).read_bytes()[:500])
    with pytest.raises(DataError, match=r"E009.*cut off"):
        inception_extractor(cut)
    text = tmp_path / "text.pth"
    text.write_text("no weights at all")
    with pytest.raises(DataError, match=r"E030"):
        inception_extractor(text)
    with pytest.raises(DataError, match=r"E030.*other things than plain tensors"):
        inception_extractor(saved({"a": Path("x")}, tmp_path))
    for other in ([torch.zeros(1)], {"a": 1.0}):
        with pytest.raises(DataError, match=r"E030.*no dictionary of tensors"):
            inception_extractor(saved(other, tmp_path))
    monkeypatch.setattr(module, "MOST_BYTES", 100)
    with pytest.raises(DataError, match=r"E040"):
        inception_extractor(text if text.stat().st_size > 100 else cut)


def test_refusals_of_weights(state: dict[str, torch.Tensor], tmp_path: Path):
    key = "Mixed_5b.branch1x1.conv.weight"
    with pytest.raises(DataError, match=r"E027.*1 weights.*such as other"):
        inception_extractor(saved({**state, "other": torch.zeros(1)}, tmp_path))
    fewer = {name: value for name, value in state.items() if name != key}
    with pytest.raises(DataError, match=rf"E027.*such as {key}"):
        inception_extractor(saved(fewer, tmp_path))
    with pytest.raises(DataError, match=rf"E027.*such as {key}"):
        inception_extractor(saved({**state, key: torch.zeros(3)}, tmp_path))
    spoiled = torch.full_like(state[key], float("nan"))
    with pytest.raises(DataError, match=rf"E026.*{key}"):
        inception_extractor(saved({**state, key: spoiled}, tmp_path))


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch):
    def nowhere(name: str) -> None:
        raise ImportError(f"no {name}")

    monkeypatch.setattr(module.importlib, "import_module", nowhere)
    with pytest.raises(ConfigurationError, match=r"E050.*torchvision.*pryproof\[models\]"):
        module._network()


def test_other_channels_are_refused():
    with pytest.raises(DataError, match=r"E052.*1 or 3 channels, got 4"):
        prepared(images(channels=4))
