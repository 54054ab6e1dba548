"""Devices: which are chosen, what is refused, and that kinds are never mixed without a word.

What needs a GPU is not tried here (docs/training.md).
"""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

import pryproof as pp
from pipeline.tiny import settings
from pryproof.checks import ConfigurationError, MachineError
from pryproof.models.randomness import global_draws
from pryproof.pipeline import content, devices, work
from pryproof.pipeline.fingerprint import fingerprint
from pryproof.store.underway import Underway


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend to see two devices."""
    monkeypatch.setattr(devices, "seen", lambda: ("cuda:0", "cuda:1"))


@pytest.fixture
def none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend to see no device."""
    monkeypatch.setattr(devices, "seen", lambda: ())


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("auto", ("cuda:0", "cuda:1")),
        ("cuda", ("cuda:0", "cuda:1")),
        ("cpu", ("cpu",)),
        ("cuda:1", ("cuda:1",)),
        ("cuda:1,cuda:0", ("cuda:1", "cuda:0")),
        ("cuda:1,cuda:1", ("cuda:1",)),
    ],
)
def test_devices_are_chosen_by_what_is_there(asked: str, found: tuple[str, ...]):
    assert devices.chosen(asked) == found


@pytest.mark.usefixtures("none")
def test_without_a_device_auto_is_the_cpu():
    assert devices.chosen("auto") == devices.chosen("cpu") == ("cpu",)
    with pytest.raises(
        MachineError, match=r"E058 - cuda is asked for, torch .* sees none"
    ) as error:
        devices.chosen("cuda")
    assert error.value.exit_code == 4


@pytest.mark.usefixtures("two")
def test_a_device_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(MachineError, match=r"cuda:2 is asked for, torch .* sees cuda:0, cuda:1"):
        devices.chosen("cuda:2")
    with pytest.raises(MachineError, match="cuda:0,cuda:7"):
        devices.chosen("cuda:0,cuda:7")


@pytest.mark.parametrize("word", ["gpu", "cuda:", "cuda:x", "cuda,cuda:1", "cpu,cuda:0", "", "CPU"])
def test_a_word_that_names_no_device_is_a_wrong_setting(word: str):
    with pytest.raises(ConfigurationError, match=r"E043 - device: must be auto, cpu, cuda or"):
        pp.Machine.parse({"device": word}, where="--device")


@pytest.mark.parametrize("word", ["auto", "cpu", "cuda", "cuda:0", "cuda:0,cuda:12"])
def test_words_of_devices(word: str):
    assert pp.Machine.parse({"device": word}, where="--device") == pp.Machine(device=word)


@pytest.mark.usefixtures("none")
def test_a_study_that_asks_for_what_is_not_there_leaves_nothing(npz: Path, tmp_path: Path):
    machine = pp.Machine(workers=0, device="cuda")
    value = pp.Study(tmp_path / "w", settings=settings(npz), machine=machine)
    with pytest.raises(MachineError, match="E058"):
        value.run("value")
    assert not (tmp_path / "w").exists()


def test_the_cpu_is_prepared_by_nothing():
    before = (torch.backends.cudnn.benchmark, torch.are_deterministic_algorithms_enabled())
    assert devices.prepared("cpu") == torch.device("cpu")
    after = (torch.backends.cudnn.benchmark, torch.are_deterministic_algorithms_enabled())
    assert before == after


def test_only_trainings_say_what_they_ran_on(finished: pp.Study):
    workspace = finished._workspace(create=False)
    for item in finished.tasks:
        found = workspace.get(item.key, names=[]).record["fingerprint"]
        assert found.get("device") == ("cpu" if item.task.step == "train" else None)
    assert "device" not in fingerprint()


def test_results_of_several_kinds_of_device_are_told():
    plain, cpu, cuda = {"torch": "2"}, {"torch": "2", "device": "cpu"}, {"device": "X, CUDA 13"}
    assert not content._mixed([plain, cpu, cpu, plain])
    assert not content._mixed([plain, plain | cuda, plain | cuda])
    assert content._mixed([plain, cpu, plain | cuda])
    assert content._mixed([plain, {"torch": "3"}])


def test_what_one_kind_of_device_began_another_does_not_go_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    underway = Underway(workspace=tmp_path, key="k")
    monkeypatch.setattr(devices, "kind", lambda device: f"NVIDIA {device.index}, CUDA 13")
    names = {
        place: work._keeper(underway, torch.device(place)).name
        for place in ("cpu", "cuda:0", "cuda:1")
    }
    assert names == {
        "cpu": "run",
        "cuda:0": "run.nvidia_0_cuda_13",
        "cuda:1": "run.nvidia_1_cuda_13",
    }
    work._keeper(underway, torch.device("cuda:0")).part("teacher0").due()


def test_draws_on_the_cpu_are_the_same_whether_a_device_is_named_or_not():
    drawn = []
    for device in (None, torch.device("cpu")):
        with global_draws(3, "dropout", 1, device=device):
            drawn.append(torch.rand(4).tolist())
    assert drawn[0] == drawn[1]


def test_the_command_line_refuses_by_name(npz: Path, tmp_path: Path):
    for word, code, words in (("gpu", 2, "E043 - device"), ("cuda:99", 4, "E058 - cuda:99")):
        command = [sys.executable, "-m", "pryproof", "value", "--data", str(npz), "--device", word]
        done = subprocess.run(  # noqa: S603 - our own interpreter
            [*command, "-w", str(tmp_path / "w")], capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stderr
        assert words in done.stderr
        assert len(done.stderr.splitlines()) == 1
