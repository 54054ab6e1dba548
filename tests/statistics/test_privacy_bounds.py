"""Lower bounds of epsilon: above the truth in at most 5% of studies, and not far below it."""

import numpy as np
import pytest

from pryproof.evaluation.epsilon import bounds, epsilon_of_mu
from pryproof.evaluation.roc import steps

pytestmark = pytest.mark.slow

DELTA = 1e-5


def studies(draw, samples: int, number: int) -> dict[str, np.ndarray]:
    """Return every bound in each of many studies with fair coins."""
    found: dict[str, list[float]] = {"clopper_pearson": [], "one_run": [], "gdp": []}
    for k in range(number):
        rng = np.random.default_rng([11, k])
        member = rng.random(samples) < 0.5
        table = draw(rng, member)
        for name, bound in bounds(steps(table[member], table[~member]), delta=DELTA).items():
            found[name].append(bound.value)
    return {name: np.array(values) for name, values in found.items()}


@pytest.mark.parametrize("digits", [0, 9])
def test_pure_noise_has_no_epsilon(digits: int):
    found = studies(lambda rng, member: np.round(rng.normal(size=member.size), digits), 300, 100)
    for values in found.values():
        assert np.mean(values > 0) <= 0.05


@pytest.mark.parametrize(("epsilon", "least"), [(1.0, 0.7), (4.0, 3.0)])
def test_randomised_response(epsilon: float, least: float):
    truthful = 1 / (1 + np.exp(-epsilon))

    def draw(rng: np.random.Generator, member: np.ndarray) -> np.ndarray:
        return np.where(rng.random(member.size) < truthful, member, ~member).astype(float)

    found = studies(draw, 1000, 60)
    for name in ("clopper_pearson", "one_run"):
        assert np.mean(found[name] > epsilon) <= 0.05
        assert np.median(found[name]) >= least


@pytest.mark.parametrize(("mu", "least"), [(1.0, 2.5), (4.0, 17.0)])
def test_a_gaussian_mechanism(mu: float, least: float):
    found = studies(lambda rng, member: rng.normal(size=member.size) + mu * member, 1000, 40)
    for values in found.values():
        assert np.mean(values > epsilon_of_mu(mu, DELTA)) <= 0.05
        assert np.median(values) > 0.9 * min(mu, 4.0)
    assert np.median(found["gdp"]) >= least
