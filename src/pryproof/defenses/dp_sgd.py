"""DP-SGD (Abadi et al. 2016): a bound on what any one sample can change of what is trained.

Batches are drawn by Poisson sampling, every sample's gradient is clipped, noise is added to their
sum. What that is worth stands in the facts as (epsilon, delta), for adding or removing one sample.
"""

from dataclasses import dataclass, replace
from functools import cache

import torch
from jaxtyping import Int64

from pryproof.checks import ConfigurationError
from pryproof.defenses.augmentation import augmented
from pryproof.defenses.fakes import REAL
from pryproof.defenses.fit import Fit, Fitted, Given, by_seams
from pryproof.defenses.per_sample import (
    Clipped,
    in_views,
    mean_over_views,
    of_opacus,
    poisson_rows,
    private_network,
    unwarned,
)
from pryproof.models.layout import channels_last
from pryproof.models.randomness import torch_generator
from pryproof.training.defense import Defense, Order
from pryproof.training.recipe import Recipe

WEAK = 10.0  # above this epsilon little is left of the formal promise (Ponomareva et al. 2023)
PRV_UP_TO = 50.0  # the PRV accountant's grid grows with epsilon

CAVEATS = (
    "The noise comes from a reproducible generator, not a secure one: the seed gives it away.",
    "Epsilon covers the weights of this one run, not the losses recorded on the way.",
    "It does not cover settings or an epoch chosen by what members or test images said.",
    "It holds for group, not batch normalisation, and not for fakes of a non-private generator.",
)


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A recipe and its DP-SGD settings."""

    recipe: Recipe
    noise: float
    clip: float = 1.0
    views: int = 8


def _preset(*, batch: int, epochs: int, noise: float) -> Preset:
    recipe = Recipe(
        epochs=epochs,
        batch=batch,
        learning_rate=4.0,
        momentum=0.0,
        weight_decay=0.0,
        schedule="steps",  # without drops: constant
    )
    return Preset(recipe=recipe, noise=noise)


# Tuned for utility on CIFAR-10 (Aerni et al. 2024), to be compared with defenses without a promise:
# their epsilons run from thousands to hundreds of millions and guarantee nothing.
PRESETS: dict[str, Preset] = {
    "medium": _preset(batch=2048, epochs=200, noise=0.2),
    "high": _preset(batch=64, epochs=16, noise=0.00625),
    "very_high": _preset(batch=64, epochs=25, noise=0.003125),
}


@dataclass(frozen=True, kw_only=True)
class _Mechanism:
    """What an accountant needs to know of a run."""

    noise: float
    rate: float
    steps: int
    delta: float


def dp_sgd(
    *,
    padding: int,
    noise: float = 1.0,
    clip: float = 1.0,
    delta: float = 1e-5,
    epsilon: float | None = None,
    views: int = 1,
) -> Fit:
    """Train with clipped per-sample gradients and noise.

    ``noise`` is the standard deviation of the noise in units of ``clip``, the largest norm of a
    sample's gradient. Where ``epsilon`` is given the noise is sought instead, the least (to 1% of
    epsilon) that keeps the run within it at ``delta``. ``views`` is the number of augmented views
    whose gradients are averaged before clipping; it costs nothing of epsilon. The network's batch
    normalisations become group normalisations. ``recipe.batch`` is the mean batch size. With
    several views the recorded losses are of the mean log-probabilities, slightly below the views'
    mean loss.

    Facts: ``epsilon`` by Renyi accounting and the tighter ``epsilon_prv`` (NaN above 50, where it
    is not computed), both for adding or removing a sample; ``delta``, ``noise``, ``clip``,
    ``sample_rate``, ``steps``, ``views``; ``caveats``, and a ``warning`` where the promise is weak
    or broken. Needs the extra ``dp``. Sources: Abadi et al. 2016; De et al. 2022 for the views;
    accounting by Opacus (Mironov et al. 2019; Gopi et al. 2021).

    Raises ConfigurationError for settings out of range and networks that do not allow it.
    """
    of_opacus("accountants")  # missing, it is missed before anything was trained
    _refuse_settings(noise=noise, clip=clip, padding=padding, views=views)
    _refuse_budget(delta=delta, epsilon=epsilon)
    batch = in_views(augmented(padding), views)

    def fit(given: Given) -> Fitted:
        ran = _mechanism(given, noise=noise, delta=delta, epsilon=epsilon)
        expected = ran.rate * len(given.labels)
        update = Clipped(noise=ran.noise, clip=clip, expected=expected, views=views)
        defense = Defense(
            batch=batch, loss=mean_over_views(), order=poisson(ran.rate), update=update
        )
        private = replace(given, make=lambda seed: private_network(given.make(seed)))
        try:
            fitted = by_seams(lambda: defense)(private)
        finally:
            update.detach()
        channels_last(fitted.model)  # training needed another layout
        return replace(fitted, facts=_facts(ran, fitted, given) | {"clip": clip, "views": views})

    return fit


def poisson(rate: float) -> Order:
    """Return the order seam of Poisson sampling: every sample is in a batch with chance ``rate``.

    Samples are in or out independently of each other and of other batches; a batch may be empty.
    """

    def order(
        *, samples: int, batches: int, seed: int, epoch: int
    ) -> list[Int64[torch.Tensor, " batch"]]:
        draws = (torch_generator(seed, "poisson", epoch, index) for index in range(batches))
        return [poisson_rows(samples, rate=rate, generator=each) for each in draws]

    return order


@cache
def spent(*, noise: float, rate: float, steps: int, delta: float) -> tuple[float, float]:
    """Return the epsilon of so many steps by the Renyi and by the PRV accountant.

    Both are upper bounds, for adding or removing one sample. The second is NaN where the first
    exceeds 50. Sources: Mironov et al. 2019; Gopi et al. 2021.

    >>> spent(noise=0.0, rate=0.1, steps=1, delta=1e-5)[0]
    inf
    """
    if noise == 0:
        return float("inf"), float("nan")
    known = of_opacus("accountants")
    found: list[float] = []
    for accountant in (known.RDPAccountant(), known.PRVAccountant()):
        if found and found[0] > PRV_UP_TO:
            return found[0], float("nan")
        accountant.history = [(noise, rate, steps)]
        with unwarned():
            found.append(float(accountant.get_epsilon(delta=delta)))
    return found[0], found[1]


@cache
def noise_for(*, epsilon: float, rate: float, steps: int, delta: float) -> float:
    """Return the noise, in units of the clip norm, that keeps so many steps within ``epsilon``.

    Raises ConfigurationError where no noise does.
    """
    try:
        with unwarned():
            return of_opacus("accountants.utils").get_noise_multiplier(
                target_epsilon=epsilon,
                target_delta=delta,
                sample_rate=rate,
                steps=steps,
                accountant="rdp",
                epsilon_tolerance=0.01 * epsilon,
            )
    except ValueError as error:
        raise ConfigurationError(
            "E055",
            f"no noise keeps {steps} steps within epsilon = {epsilon}: {error}",
            fix="Raise epsilon, or take fewer steps.",
        ) from error


def _mechanism(given: Given, *, noise: float, delta: float, epsilon: float | None) -> _Mechanism:
    samples, recipe = len(given.labels), given.recipe
    if delta * samples >= 1:
        raise ConfigurationError(
            "E055",
            f"delta must be less than 1 / samples = {1 / samples:.3g}, got {delta}",
            fix="A larger delta allows to publish a sample outright. Lower it.",
        )
    rate = min(1.0, recipe.batch / samples)
    steps = recipe.epochs * max(1, round(samples / recipe.batch))  # as the loop counts them
    if epsilon is not None:
        noise = noise_for(epsilon=epsilon, rate=rate, steps=steps, delta=delta)
    return _Mechanism(noise=noise, rate=rate, steps=steps, delta=delta)


def _facts(ran: _Mechanism, fitted: Fitted, given: Given) -> dict[str, object]:
    renyi, prv = spent(noise=ran.noise, rate=ran.rate, steps=ran.steps, delta=ran.delta)
    facts: dict[str, object] = {
        "epsilon": renyi,
        "epsilon_prv": prv,
        "delta": ran.delta,
        "noise": ran.noise,
        "sample_rate": ran.rate,
        "steps": ran.steps,
        "caveats": list(CAVEATS),
    }
    said = []
    if renyi > WEAK:
        said.append(f"Epsilon = {renyi:.4g} is no guarantee in any practical sense.")
    if fitted.history.rollbacks:
        said.append("The run diverged and was taken back, which epsilon does not count.")
    if given.source is not None and (given.source != REAL).any():
        said.append("Fakes were trained on; epsilon does not cover what their generator saw.")
    return facts | ({"warning": " ".join(said)} if said else {})


def _refuse_settings(*, noise: float, clip: float, padding: int, views: int) -> None:
    if not (0 <= noise < float("inf") and 0 < clip < float("inf")):
        raise ConfigurationError(
            "E044",
            f"noise must be 0 or more and clip above 0, both finite, got {noise} and {clip}",
            fix="Leave clip at 1; noise 1 is a common start.",
        )
    if views < 1 or (views > 1 and padding == 0):
        raise ConfigurationError(
            "E044",
            f"views must be 1 or more, and 1 where nothing is augmented, got {views} "
            f"with padding {padding}",
            fix="Leave views at 1, or give a padding.",
        )


def _refuse_budget(*, delta: float, epsilon: float | None) -> None:
    if not 0 < delta < 1 or (epsilon is not None and not 0 < epsilon < float("inf")):
        raise ConfigurationError(
            "E055",
            f"delta must lie in (0, 1) and epsilon be above 0, got {delta} and {epsilon}",
            fix="Take a delta well below 1 / samples, such as 1e-5.",
        )
