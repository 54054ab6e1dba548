"""Who beats whom: both safer and more accurate, beyond doubt, and never by other images."""

import pytest

from pryproof.recipes.beaten import beaten
from pryproof.recipes.compared import Place
from pryproof.recipes.opened import Opened
from recipes.judged import Planted, planted

PLAN = {
    "ce": Planted(leak=1.5),
    "selena": Planted(leak=0.1, skill=0.6),  # better in both
    "hamp": Planted(leak=0.1, skill=-0.6),  # safer, but less accurate
    "crl": Planted(leak=1.5, skill=0.6),  # more accurate, but as exposed
    "fakes": Planted(leak=0.1, skill=0.6),  # better in both, as selena is
    "extra": Planted(leak=0.0, skill=1.2),  # best in both, of other images
}
PLACES = [Place(study="part", row=row) for row in PLAN]


@pytest.fixture(scope="module")
def found() -> dict[str, set[str]]:
    opened: dict[str, Opened] = {"part": planted(PLAN)}
    by = beaten(opened, PLACES)
    return {place.row: {rival.row for rival in rivals} for place, rivals in by.items()}


def test_a_row_worse_in_both_is_beaten(found):
    assert found["ce"] == {"selena", "fakes"}


def test_a_row_that_is_better_in_one_is_not(found):
    assert found["crl"] == set()
    assert "ce" not in found["hamp"]


def test_rows_alike_do_not_beat_each_other_and_further_reals_beat_nobody(found):
    assert found["selena"] == found["fakes"] == found["extra"] == set()
    assert not any("extra" in rivals for rivals in found.values())


def test_the_least_exposed_comes_first():
    plan = {"ce": Planted(leak=1.5), "crl": Planted(leak=0.4, skill=0.8)}
    plan |= {"selena": Planted(leak=0.0, skill=0.8)}
    places = [Place(study="part", row=row) for row in plan]
    rivals = beaten({"part": planted(plan)}, places)[places[0]]
    assert [rival.row for rival in rivals] == ["selena", "crl"]
