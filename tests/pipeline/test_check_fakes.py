"""Copies set off alarms, fresh images do not, and the page, the files and the words agree."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

import pryproof as pp
from pryproof.checks import ConfigurationError, DataError
from pryproof.data.sources import read

SIZE = 150


@pytest.fixture(scope="module")
def parts() -> list[tuple[np.ndarray, np.ndarray]]:
    """Four disjoint sets of real images."""
    samples = read("embedded:fashion-mnist").samples
    order = np.random.default_rng(0).permutation(len(samples))[: 4 * SIZE]
    return [(samples.images[rows], samples.labels[rows]) for rows in np.split(order, 4)]


@pytest.fixture(scope="module")
def fresh(parts) -> pp.FakeAudit:
    return pp.check_fakes(parts[0], parts[1], parts[2], spaces=["pixels"], seed=1)


@pytest.fixture(scope="module")
def copied(parts) -> pp.FakeAudit:
    images, labels = parts[0][0].copy(), parts[0][1].copy()
    images[:50], labels[:50] = parts[1][0][:50], parts[1][1][:50]
    return pp.check_fakes((images, labels), parts[1], parts[2], spaces=["pixels"], seed=1)


def test_fresh_images_set_off_no_alarm(fresh: pp.FakeAudit):
    assert fresh.alarms == ()
    share = next(line for line in fresh.findings if line.what.startswith("nearest image"))
    assert share.value.contains(0.5)


def test_a_third_of_copies_is_found_by_every_test(copied: pp.FakeAudit):
    assert len(copied.alarms) >= 5
    assert copied.copies.fakes.copy[:50].all()
    near = copied.closest.pairs[:50]
    assert sorted(near[:, 0]) == list(range(50))
    assert np.array_equal(np.sort(near[:, 1]), np.arange(50))


def test_intervals_are_corrected_for_the_number_of_tests(fresh: pp.FakeAudit):
    assert 0.99 < fresh.confidence < 1
    measured = [line.value for line in fresh.findings if "copies" not in line.what]
    assert all(value.confidence == fresh.confidence for value in measured)


def test_a_reference_generator_adds_the_calibrated_attack(parts):
    found = pp.check_fakes(
        parts[0], parts[1], parts[2], reference=parts[3], spaces=["pixels"], seed=1
    )
    assert any("another generator" in line.what for line in found.findings)
    assert found.alarms == ()


def test_without_labels_it_says_so(parts):
    found = pp.check_fakes(*(images for images, _ in parts[:3]), spaces=["pixels"])
    assert any("no labels" in warning for warning in found.warnings)
    assert found.quality.classes == ()


def test_a_generator_that_repeats_itself_is_named(parts):
    images = np.repeat(parts[0][0][:15], 10, axis=0)
    found = pp.check_fakes(
        (images, np.repeat(parts[0][1][:15], 10)), parts[1], parts[2], spaces=["pixels"]
    )
    assert any("repeats itself" in warning for warning in found.warnings)


def test_few_images_are_compared_by_distance_alone(parts):
    few = [(images[:40], labels[:40]) for images, labels in parts[:3]]
    found = pp.check_fakes(*few, spaces=["pixels"])
    assert not any(line.what == "C_T" for line in found.findings)
    assert any("Fewer than" in warning for warning in found.warnings)


def test_the_files_hold_what_was_found(copied: pp.FakeAudit, tmp_path: Path):
    files = copied.write(tmp_path / "audit")
    assert sorted(files) == ["fakes.html", "fakes.json", "fakes.md"]
    assert all(path.stat().st_mode & 0o077 == 0 for path in files.values())
    said = json.loads(files["fakes.json"].read_text())
    assert said["alarms"] == list(copied.alarms)
    assert said["closest"]["by_distance"][0]["distance"] == 0
    page = files["fakes.html"].read_text()
    assert "<script" not in page
    assert page.count("data:image/png") == 64
    assert copied.alarms[0] in page
    assert copied.alarms[0] in re.sub(r"\\", "", files["fakes.md"].read_text())


def test_an_unknown_space_names_the_nearest(parts):
    with pytest.raises(ConfigurationError, match="gradients"):
        pp.check_fakes(*parts[:3], spaces=["gradient"])
    with pytest.raises(ConfigurationError, match="feature space"):
        pp.check_fakes(*parts[:3], spaces=[])


def test_weights_that_are_not_there_are_named(parts, tmp_path: Path):
    with pytest.raises(DataError, match=r"inception\.pth"):
        pp.check_fakes(*parts[:3], inception=tmp_path / "inception.pth")


def test_a_collapsed_generator_leaves_a_test_without_a_number_but_not_the_audit(parts):
    one = np.repeat(parts[0][0][:1], SIZE, axis=0)
    found = pp.check_fakes(one, parts[1][0], parts[2][0], spaces=["pixels"])
    missing = [line for line in found.findings if "do not allow" in line.meaning]
    assert missing
    assert all(np.isnan(line.value.value) and line.value.method for line in missing)
    assert any("repeats itself" in warning for warning in found.warnings)


def test_small_images_are_compared_by_plain_distance(parts):
    small = [images[:, ::3, ::3] for images, _ in parts[:3]]
    found = pp.check_fakes(*small, spaces=["pixels"])
    assert found.copies is None
    assert any("Images below" in warning for warning in found.warnings)
    assert found.content().grids
    assert "by_likeness" not in json.loads(found.json())["closest"]
