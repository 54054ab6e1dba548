"""Where the truth is known: scores of attacks by their distribution, and what they must read."""

from statistics import NormalDist

import numpy as np

NORMAL = NormalDist()
cdf = np.vectorize(NORMAL.cdf)


def scores(kind: str, strength: float, members: int, others: int, rng) -> tuple:
    """Draw members and non-members: normal, a leaking few far off, rounded, or a power-law ROC."""
    if kind == "power":  # TPR = FPR ** strength
        return -(rng.random(members) ** (1 / strength)), -rng.random(others)
    inside, outside = rng.normal(size=members), rng.normal(size=others)
    if kind == "few":
        inside[rng.random(members) < strength] += 5.0
        return inside, outside
    if kind == "wide":
        return 3.0 * inside + strength, outside
    if kind == "ties":
        return np.round(2 * (inside + strength)), np.round(2 * outside)
    return inside + strength, outside


def true_auc(kind: str, strength: float) -> float:
    if kind == "power":
        return 1 / (1 + strength)
    if kind == "few":
        return (1 - strength) * 0.5 + strength * NORMAL.cdf(5 / np.sqrt(2))
    if kind == "wide":
        return NORMAL.cdf(strength / np.sqrt(10))
    if kind == "ties":
        levels = np.arange(-40, 41)
        inside = cdf((levels + 0.5) / 2 - strength) - cdf((levels - 0.5) / 2 - strength)
        outside = cdf((levels + 0.5) / 2) - cdf((levels - 0.5) / 2)
        below = np.cumsum(outside) - outside / 2
        return float(inside @ below)
    return NORMAL.cdf(strength / np.sqrt(2))


def true_tpr(kind: str, strength: float, fpr: float) -> float:
    cut = NORMAL.inv_cdf(1 - fpr)
    if kind == "power":
        return fpr**strength
    if kind == "few":
        return (1 - strength) * fpr + strength * (1 - NORMAL.cdf(cut - 5))
    if kind == "wide":
        return 1 - NORMAL.cdf((cut - strength) / 3)
    if kind == "ties":
        level = int(np.ceil(2 * cut + 0.5))
        level -= int(1 - NORMAL.cdf((level - 1.5) / 2) <= fpr)
        level += int(1 - NORMAL.cdf((level - 0.5) / 2) > fpr)
        return 1 - NORMAL.cdf((level - 0.5) / 2 - strength)
    return 1 - NORMAL.cdf(cut - strength)


def one_target(inside: np.ndarray, outside: np.ndarray) -> tuple:
    """Return scores and membership [1, samples]."""
    table = np.concatenate([inside, outside])[None]
    return table, np.arange(table.size)[None] < len(inside)


class Targets:
    """Targets among the same samples; samples and targets differ, as do the leaks of both."""

    def __init__(self, targets, samples, *, sample=1.0, cell=1.0, leak=0.5, target=0.1, same=False):
        self.targets, self.samples, self.same = targets, samples, same
        self.sample, self.cell, self.leak, self.target = sample, cell, leak, target

    def draw(self, rng, strength: float) -> tuple:
        shape = self.targets, self.samples
        member = rng.random(shape) < 0.5
        if self.same:
            member[:] = member[0]
        leak = strength + self.leak * rng.normal(size=self.samples)
        leak = leak + self.target * rng.normal(size=(self.targets, 1))
        table = self.sample * rng.normal(size=self.samples) + self.cell * rng.normal(size=shape)
        return table + rng.normal(size=(self.targets, 1)) + member * leak, member

    def _over_targets(self, rate, strength: float) -> float:
        grid = (np.arange(400) + 0.5) / 400
        return float(np.mean(rate(strength + self.target * np.vectorize(NORMAL.inv_cdf)(grid))))

    def spreads(self) -> tuple[float, float]:
        outside = np.hypot(self.sample, self.cell)
        return float(outside), float(np.hypot(outside, self.leak))

    def auc(self, strength: float) -> float:
        width = np.hypot(*self.spreads())
        return self._over_targets(lambda shift: cdf(shift / width), strength)

    def tpr(self, strength: float, fpr: float) -> float:
        outside, inside = self.spreads()
        cut = NORMAL.inv_cdf(1 - fpr) * outside
        return self._over_targets(lambda shift: cdf((shift - cut) / inside), strength)
