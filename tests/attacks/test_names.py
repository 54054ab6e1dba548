import numpy as np
import pytest

from pryproof.attacks.attack import Attack
from pryproof.attacks.names import chosen, family, options_of
from pryproof.checks import ConfigurationError


def nothing(evidence, targets, *, reference, options):
    return np.zeros((len(targets), evidence.member.shape[1]))


def entry(**options: float | None) -> Attack:
    return Attack(score=nothing, source="a paper", options=options)


TABLE = {
    "rmia": entry(gamma=1.0),
    "rmia/offline": entry(gamma=1.0, offline_a=None),
    "rmia@peer/offline": entry(gamma=2.0, offline_a=0.33),
    "lira": entry(),
}


def test_names_come_once_in_their_order():
    assert chosen(["lira", "rmia", "lira"], TABLE) == ["lira", "rmia"]
    with pytest.raises(ConfigurationError, match=r"no attack is called 'rima'.*Did you mean rmia"):
        chosen(["rima"], TABLE)


def test_family_is_what_stands_before_dialect_and_variant():
    assert [family(name) for name in TABLE] == ["rmia", "rmia", "rmia", "lira"]


def test_a_familys_setting_reaches_all_that_take_it_and_a_names_own_wins():
    found = options_of({"rmia/offline.offline_a": 0.5, "rmia.offline_a": 0.1}, TABLE, TABLE)
    assert found["rmia"] == {"gamma": 1.0}
    assert found["rmia/offline"] == {"gamma": 1.0, "offline_a": 0.5}
    assert found["rmia@peer/offline"] == {"gamma": 2.0, "offline_a": 0.1}
    assert TABLE["rmia/offline"].options == {"gamma": 1.0, "offline_a": None}


@pytest.mark.parametrize(
    ("key", "names", "said"),
    [
        ("rmia.gama", ["rmia"], r"'rmia.gama'.*Did you mean rmia.gamma"),
        ("gamma", ["rmia"], "no attack that is asked for takes 'gamma'"),
        ("rmia.offline_a", ["rmia"], "takes 'rmia.offline_a'"),
        ("lira.gamma", ["lira"], "take no options"),
    ],
)
def test_a_setting_that_nobody_takes_is_refused(key, names, said):
    with pytest.raises(ConfigurationError, match=said):
        options_of({key: 1.0}, names, TABLE)
