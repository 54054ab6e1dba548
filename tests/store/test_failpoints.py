import errno

import pytest

from pryproof.checks import ConfigurationError
from pryproof.store import failpoints


def test_nothing_is_armed_by_default():
    assert failpoints._ARMED is None


def test_strikes_the_nth_pass_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(failpoints, "_ARMED", failpoints._read("file.half:2:enospc"))
    monkeypatch.setattr(failpoints, "_PASSED", type(failpoints._PASSED)())
    failpoints.reach("file.half")
    failpoints.reach("file.open")
    with pytest.raises(OSError, match="No space left") as caught:
        failpoints.reach("file.half")
    assert caught.value.errno == errno.ENOSPC
    failpoints.reach("file.half")


@pytest.mark.parametrize(
    "text", ["file.half", "file.half:x:kill", "file.half:1:explode", "no:1:kill"]
)
def test_a_plan_that_cannot_be_meant_is_refused(text: str):
    with pytest.raises(ConfigurationError):
        failpoints._read(text)
