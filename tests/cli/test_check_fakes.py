"""check-fakes on the command line: a table, a gate, one JSON object, errors in one line."""

import json
from pathlib import Path

import numpy as np
import pytest

from pryproof import seeds


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Noise with a bright half by class: fakes (a third of them copies), real, hold-out, fresh."""
    folder = tmp_path_factory.mktemp("sets")
    draws = seeds.generator(0, "check-fakes")
    labels = np.arange(120) % 2
    made = {}
    for name in ("fakes", "real", "holdout", "fresh"):
        images = draws.integers(0, 120, (120, 16, 16, 1), dtype=np.uint8)
        images[labels == 1, :8] += 80
        made[name] = images
    made["fakes"][:40] = made["real"][:40]
    for name, images in made.items():
        np.savez(folder / f"{name}.npz", images=images, labels=labels)
    return {name: str(folder / f"{name}.npz") for name in made}


def words(sets: dict[str, str], fakes: str) -> list[str]:
    return ["check-fakes", sets[fakes], sets["real"], sets["holdout"], "--spaces", "pixels"]


def test_copies_are_named_and_the_gate_shuts(say, sets, tmp_path: Path):
    out = tmp_path / "audit"
    done = say(*words(sets, "fakes"), "--gate", "--out", str(out))
    assert done.code == 10
    assert "ALARM: 40 fakes are copies of real images" in done.out
    assert "fakes.html" in done.out
    assert (out / "fakes.html").is_file()


def test_without_the_gate_an_alarm_is_no_failure(say, sets):
    done = say(*words(sets, "fakes"))
    assert done.code == 0
    assert "ALARM" in done.out


def test_fresh_images_pass_the_gate(say, sets):
    done = say(*words(sets, "fresh"), "--gate", "--json")
    assert done.code == 0
    said = json.loads(done.out)
    assert said["alarms"] == []
    assert said["sizes"] == {"fakes": 120, "real": 120, "holdout": 120}


def test_a_missing_file_is_one_line_and_nothing_is_written(say, sets, tmp_path: Path):
    out = tmp_path / "audit"
    done = say("check-fakes", "nowhere", sets["real"], sets["holdout"], "--out", str(out))
    assert done.code == 3
    assert len(done.err.strip().splitlines()) == 1
    assert not out.exists()
