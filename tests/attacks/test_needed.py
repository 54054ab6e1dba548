import numpy as np
import pytest

from pryproof.attacks.evidence import evidence
from pryproof.attacks.needed import mean_over_queries, number, option, outsiders
from pryproof.checks import ConfigurationError


def test_only_samples_that_no_run_of_the_reference_trained_on_are_outsiders():
    seen = evidence({"phi": np.zeros((2, 3)), "member": np.zeros((2, 3), bool)})
    member = np.array([[True, False, False, False], [False, False, True, False]])
    apart = evidence({"phi": np.arange(8.0).reshape(2, 4), "member": member})
    assert outsiders(seen, apart).signals["phi"].tolist() == [[[1.0, 3.0]], [[5.0, 7.0]]]
    assert outsiders(seen, None) is None
    assert outsiders(seen, evidence({"phi": np.zeros((2, 3)), "member": np.ones((2, 3))})) is None
    assert outsiders(seen, evidence({"phi": np.zeros(3), "member": np.zeros(3)})) is None
    every = evidence({"phi": np.zeros((2, 3)), "member": np.zeros((2, 3))})
    assert outsiders(seen, every) is every


def test_a_population_comes_before_a_reference():
    given = {"phi": np.zeros((2, 3)), "member": np.zeros((2, 3), bool)}
    seen = evidence({**given, "population_phi": np.ones((2, 5))})
    assert outsiders(seen, evidence(given)) is seen.population


@pytest.mark.parametrize("value", [-0.1, 1.1, np.nan, np.inf])
def test_an_option_keeps_to_its_range(value):
    with pytest.raises(ConfigurationError, match=r"a must be at least 0 and at most 1, got"):
        option({"a": value}, "a", least=0.0, most=1.0)


def test_none_is_a_choice_only_where_there_is_one():
    assert option({"a": None}, "a", least=0.0) is None
    with pytest.raises(ConfigurationError, match=r"a must be a number, got none"):
        number({"a": None}, "a", least=0.0)


def test_a_mean_of_queries_leaves_its_arguments_alone():
    first, second = np.zeros((1, 2)), np.array([[1.0, np.nan]])
    assert mean_over_queries([first, second])[0] == pytest.approx([0.5, np.nan], nan_ok=True)
    assert first.tolist() == [[0.0, 0.0]]
