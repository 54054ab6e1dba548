"""States under way: replaced whole, told apart by part, and none where the bytes are not right."""

import numpy as np
import pytest

from pryproof.store.underway import Underway
from pryproof.store.workspace import Workspace

ARRAYS = {"weight": np.arange(6.0).reshape(2, 3), "count": np.array(7)}
FACTS = {"done": 3, "rate": 0.5}


def place(tmp_path) -> Underway:
    return Underway(workspace=tmp_path, key="abc")


def test_a_state_comes_back_and_the_next_replaces_it(tmp_path):
    here = place(tmp_path)
    assert here.load("run") is None
    here.save("run", ARRAYS, FACTS)
    here.save("run.teacher1", {"other": np.zeros(2)}, {})
    arrays, facts = here.load("run")
    assert facts == FACTS
    assert arrays.keys() == ARRAYS.keys()
    assert all(np.array_equal(arrays[name], ARRAYS[name]) for name in ARRAYS)
    here.save("run", ARRAYS | {"count": np.array(8)}, FACTS | {"done": 4})
    assert here.load("run")[0]["count"] == 8
    assert here.load("run")[1]["done"] == 4


@pytest.mark.parametrize(
    "spoil", [lambda b: b[:-1], lambda b: b[:40], lambda _: b"", lambda b: b[:50] + b"x" + b[51:]]
)
def test_a_damaged_state_is_none_and_gone(tmp_path, spoil):
    here = place(tmp_path)
    here.save("run", ARRAYS, FACTS)
    path = tmp_path / "underway" / "abc" / "run"
    path.write_bytes(spoil(path.read_bytes()))
    assert here.load("run") is None
    assert not path.exists()


def test_states_are_private_and_forgotten(tmp_path):
    here = place(tmp_path)
    here.save("run", ARRAYS, FACTS)
    path = tmp_path / "underway" / "abc" / "run"
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0
    here.forget()
    here.forget()
    assert here.load("run") is None
    with pytest.raises(ValueError, match="not a name"):
        here.save("../run", ARRAYS, FACTS)


def test_a_sweep_removes_what_a_stored_result_no_longer_needs(tmp_path):
    workspace = Workspace.open(tmp_path / "w", study="s", create=True)
    for key in ("done", "todo"):
        workspace.underway(key).save("run", ARRAYS, FACTS)
    workspace.put("done", arrays={}, facts={}, record={})
    workspace.sweep()
    assert workspace.underway("done").load("run") is None
    assert workspace.underway("todo").load("run") is not None
