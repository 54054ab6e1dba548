import numpy as np
import pytest

from pryproof.attacks import FIXED_CUTS, THRESHOLD_ATTACKS
from pryproof.attacks.signals import signals


def test_scores_of_a_known_sample():
    said = signals(np.array([[2.0, 0.0, -1.0]]), np.array([0]))
    found = {name: float(attack(said)[0]) for name, attack in THRESHOLD_ATTACKS.items()}
    assert found == pytest.approx(
        {
            "correctness": 1.0,
            "confidence": 1.6867383125,
            "entropy": -0.52426661673,
            "modified_entropy": -np.log(0.042180988725),
        }
    )


def test_a_confidently_wrong_sample_looks_like_a_member_to_entropy_alone():
    said = signals(np.array([[0.0, 9.0, 0.0], [1.0, 0.0, 0.0]]), np.array([0, 0]))
    ahead = {name for name, attack in THRESHOLD_ATTACKS.items() if np.argmax(attack(said)) == 0}
    assert ahead == {"entropy"}


def test_fixed_cuts_belong_to_attacks_that_exist():
    assert set(FIXED_CUTS) <= set(THRESHOLD_ATTACKS)
