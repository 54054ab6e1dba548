import math

import pytest

from pryproof.records import Estimate
from pryproof.reporting.cells import against, duration, measure, share, strip, visible

NAN = float("nan")


def estimate(value: float, low: float, high: float) -> Estimate:
    return Estimate(value=value, low=low, high=high, n=100)


def test_a_share_has_one_decimal_and_its_interval():
    cell = share(estimate(0.12345, 0.1, 0.1499))
    assert (cell.text, cell.detail) == ("12.3%", "[10.0, 15.0]")


def test_a_value_that_was_not_measured_says_why():
    missing = Estimate(value=NAN, low=NAN, high=NAN, n=0, method="too few non-members")
    for cell in (share(missing), measure(missing), measure(missing, "nats")):
        assert (cell.text, cell.detail) == ("not estimable", "too few non-members")


def test_a_value_without_interval_does_not_show_nan():
    cell = share(Estimate(value=0.5, low=NAN, high=NAN, n=1, method="one run"))
    assert (cell.text, cell.detail) == ("50.0%", "no interval: one run")


def test_a_percent_unit_makes_a_share():
    assert measure(estimate(0.57, 0.5, 0.6), "%").text == "57.0%"
    assert measure(estimate(0.57, 0.5, 0.6)).text == "0.57"


@pytest.mark.parametrize(
    ("low", "high", "place"),
    [
        (0.02, 0.03, "above"),
        (0.001, 0.009, "below"),
        (0.001, 0.02, "within"),
        (0.01, 0.02, "within"),
    ],
)
def test_only_a_whole_interval_beats_chance(low: float, high: float, place: str):
    assert against(estimate((low + high) / 2, low, high), 0.01) == place


def test_a_strip_is_logarithmic_and_stays_inside():
    places = strip(estimate(0.1, 0.0, 1.0), 0.01)
    assert places is not None
    assert (places.low, places.high) == (0.0, 100.0)
    assert math.isclose(places.value - places.chance, 33.33, abs_tol=0.02)
    assert strip(estimate(NAN, NAN, NAN), 0.01) is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "0.0 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 0 s"),
        (3599.6, "1 h 0 min"),
        (7260, "2 h 1 min"),
    ],
)
def test_durations_never_show_sixty_of_anything(seconds: float, words: str):
    assert duration(seconds) == words


def test_hidden_characters_show_and_letters_stay():
    assert visible("Müller 犬 😀 a b") == "Müller 犬 😀 a b"
    assert visible("a\u202eb\x00\udcff\n") == "a\\u202eb\\x00\\udcff\\n"
