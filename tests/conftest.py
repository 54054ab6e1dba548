"""What tests of several rooms share."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def heard() -> Iterator[None]:
    """Let processes of a test hear the signals that nohup and a shell's background make deaf to."""
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGHUP)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    for each, handler in before.items():
        signal.signal(each, handler)


@pytest.fixture(scope="session")
def cifar100() -> Path:
    """Return the folder of the real CIFAR-100, or skip the test, saying where it was looked for."""
    beside = Path(__file__).parents[2] / "shared" / "data" / "cifar-100"
    folder = Path(os.environ.get("PRYPROOF_CIFAR100") or beside)
    if not (folder / "cifar100-test.parquet").is_file():
        pytest.skip("no CIFAR-100 in $PRYPROOF_CIFAR100 nor in ../shared/data/cifar-100")
    return folder


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of a file in one process, and all that need one run of every recipe.

    Only ``--dist loadgroup`` reads it: a fixture of a module or of the session is costly to repeat.
    """
    for item in items:
        shared = "whole" in getattr(item, "fixturenames", ())
        group = "whole" if shared else str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))
