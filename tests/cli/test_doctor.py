import importlib.metadata
from types import SimpleNamespace

import pytest

from pryproof.cli import doctor


def test_this_machine_is_fit():
    rows = {name: (found, ok) for name, found, ok in doctor.examine()}
    assert rows["torch"] == (importlib.metadata.version("torch"), True)
    assert rows["Python"][1]


def test_devices_are_named(monkeypatch: pytest.MonkeyPatch):
    cuda = SimpleNamespace(
        is_available=lambda: True, device_count=lambda: 2, get_device_name=lambda i: f"H{i}00"
    )
    monkeypatch.setattr(doctor.importlib, "import_module", lambda _: SimpleNamespace(cuda=cuda))
    assert doctor._devices() == "cuda:0 H000, cuda:1 H100"
    cuda.is_available = lambda: False
    assert doctor._devices().startswith("none")


def test_what_is_old_or_missing_is_said(monkeypatch: pytest.MonkeyPatch):
    def version(name: str) -> str:
        if name == "torch":
            return "2.9.1+cpu"
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(doctor.importlib.metadata, "version", version)
    rows = {name: (found, ok) for name, found, ok in doctor.examine()}
    assert rows["torch"] == ("2.9.1+cpu", False)
    assert rows["pyarrow"] == ("not installed: pip install pryproof", False)
