"""Where numbers come from: machines counted, the commit found, no folder told."""

from pathlib import Path

import pytest

from pryproof.recipes.provenance import commit, facts, images, limits, provenance
from pryproof.recipes.sizes import SIZES, size

ONE, OTHER = {"torch": "2", "threads": "1"}, {"torch": "2", "threads": "2"}


def record(step: str, fingerprint: dict[str, str], **settings: str) -> dict[str, object]:
    return {"step": step, "fingerprint": fingerprint, "seconds": 45.0, "settings": settings}


RECORDS = [
    record("load", ONE),
    record("train", ONE, model="small_cnn"),
    record("train", OTHER, model="small_cnn"),
    record("train", OTHER, model="resnet18"),
]


def test_every_machine_is_named_with_its_results():
    said = dict(provenance([*RECORDS, record("load", ONE)]))
    assert said["Fingerprint of 3 results"] == "threads 1, torch 2"
    assert said["Fingerprint of 2 results"] == "threads 2, torch 2"
    assert said["Cost in all"] == "3 min 45 s of one core for 5 tasks"
    assert said["pryproof"]


def test_networks_are_those_that_were_trained():
    said = dict(facts(size("tiny"), "0123456789abcdef0123", ["runs=4"], RECORDS))
    assert said["Networks"] == "resnet18, small_cnn"
    assert said["Settings changed"] == "runs=4"
    assert said["Content of the images"] == "0123456789abcdef"
    none = dict(facts(size("tiny"), "0", [], []))
    assert none["Networks"] == "none trained"
    assert "Settings changed" not in none


def test_a_network_with_a_training_of_its_own_has_a_line_of_its_own():
    tiny = size("tiny")
    plain = dict(facts(tiny, "0", [], RECORDS))
    assert "sgd" in plain["Training"]
    assert f"Training of {tiny.models[2]}" not in plain  # it was not trained
    trained = [*RECORDS, record("train", ONE, model=tiny.models[2])]
    said = dict(facts(tiny, "0", [], trained))
    assert "adamw" in said[f"Training of {tiny.models[2]}"]
    assert "weight decay 0.05" in said[f"Training of {tiny.models[2]}"]
    assert said["Training"] == plain["Training"]


def test_images_lie_nowhere():
    assert images(size("small", "/home/somebody/cifar-100").base) == "cifar-100"
    assert images(size("tiny").base) == "embedded:fashion-mnist"


def test_every_size_says_what_it_is_too_small_for():
    said = [limits(size(name, "images")) for name in SIZES]
    assert len({each[0] for each in said}) == len(SIZES)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a file deep in a folder that looks like a checkout on a branch without commits."""
    (tmp_path / ".git" / "refs" / "heads").mkdir(parents=True)
    (tmp_path / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    return tmp_path / "src" / "package" / "file.py"


def test_the_commit_of_a_branch(checkout, tmp_path):
    assert commit(checkout) == ""
    packed = "# pack-refs with: peeled\nbbbb refs/heads/other\naaaa refs/heads/main\n"
    (tmp_path / ".git" / "packed-refs").write_text(packed)
    assert commit(checkout) == "aaaa"
    (tmp_path / ".git" / "refs" / "heads" / "main").write_text("cccc\n")
    assert commit(checkout) == "cccc"  # loose before packed


def test_the_commit_without_a_branch_or_a_checkout(checkout, tmp_path):
    (tmp_path / ".git" / "HEAD").write_text("dddd\n")
    assert commit(checkout) == "dddd"
    assert commit(Path("/nowhere/at/all.py")) == ""
