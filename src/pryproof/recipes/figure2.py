"""Figure 2 of the paper: data breakdown in a small network, only the outlier effect in a large one.

Quantities are multiples of the members (methods A35): half of them, all, and all with added fakes.
Losses are those of the members that every quantity has in common, and of images nobody trains on,
by their mean over runs. How far two quantities lie apart is a Wasserstein-1 distance (nats).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np
from jaxtyping import Float

from pryproof.recipes.claims import Checked, Claim, check
from pryproof.recipes.figure import Figure
from pryproof.recipes.figure1 import VARIANTS
from pryproof.recipes.memorisation import of_losses
from pryproof.recipes.opened import Opened
from pryproof.recipes.recipe import Need, Recipe
from pryproof.recipes.sizes import Size, of_network, with_rows
from pryproof.records import Estimate
from pryproof.reporting.panels import Panel, Table
from pryproof.valuation.breakdown import HALF, Breakdown, breakdown

PLAIN, FAKES = "ce", "fakes@augment_none"

QUANTITIES: dict[float, tuple[str, str]] = {  # multiple of the members -> variant of Fig. 1, row
    0.5: ("half", PLAIN),
    1.0: ("base", PLAIN),
    2.0: ("base", FAKES),
    4.0: ("quadruple", FAKES),
}
SMALL, LARGE = 0, 1  # places in Size.models
WORDS = {SMALL: "small", LARGE: "large"}

Losses = Mapping[float, Float[np.ndarray, " _"]]


@dataclass(frozen=True, kw_only=True)
class Moves:
    """The losses of one network by quantity, and what becomes of them from least to most data."""

    title: str
    train: Losses
    test: Losses
    found: Breakdown


def _needs(size: Size, networks: tuple[int, ...]) -> dict[str, Need]:
    found: dict[str, Need] = {}
    for network in networks:
        for variant in dict.fromkeys(name for name, _ in QUANTITIES.values()):
            rows = {row: size.judged for name, row in QUANTITIES.values() if name == variant}
            settings = of_network(size, network, VARIANTS[variant](size.base))
            found[_study(network, variant)] = Need(
                settings=with_rows(settings, rows, size.judged), rows=rows
            )
    return found


def _study(network: int, variant: str) -> str:
    return f"{WORDS[network]}-{variant}"


def moves(opened: Mapping[str, Opened], size: Size, network: int) -> Moves:
    """Gather a network's losses by quantity; members' are those of all quantities alike."""
    studies = {
        multiple: (opened[_study(network, variant)], row)
        for multiple, (variant, row) in QUANTITIES.items()
    }
    places = _in_common([study for study, _ in studies.values()])
    train, test, members = {}, {}, {}
    for place, (multiple, (study, row)) in zip(places, studies.items(), strict=True):
        train[multiple] = study.losses(row, "members").mean(axis=0)[place]
        test[multiple] = study.losses(row, "evaluation").mean(axis=0)
        # as many images as are trained on: a name for the size, and what orders them
        members[multiple] = int(study.runs(row)[0].facts["trained_on"])
    found = breakdown(
        {members[multiple]: losses for multiple, losses in train.items()},
        {members[multiple]: losses for multiple, losses in test.items()},
        seed=0,
    )
    title = f"{size.models[network]}, the {WORDS[network]} network"
    return Moves(title=title, train=train, test=test, found=found)


def _in_common(studies: list[Opened]) -> list[np.ndarray]:
    """Return where the members that all studies train on stand in each."""
    ids = [np.array(study.data.ids[study.data.parts["members"]]) for study in studies]
    shared = reduce(np.intersect1d, ids)
    return [np.flatnonzero(np.isin(own, shared)) for own in ids]


def _table(moved: Moves) -> Table:
    found = moved.found
    columns = ("distance", "with shuffled labels", "change of the mean")
    return Table(
        title=f"From the least data to the most, {moved.title} (nats): {found.verdict}",
        columns=columns,
        rows=(
            ("train", (found.train, found.train_null, found.train_shift)),
            ("test", (found.test, found.test_null, found.test_shift)),
        ),
    )


def _panels(moved: Moves) -> tuple[Panel, ...]:
    return (
        of_losses(f"Loss of the members, {moved.title}", _named(moved.train)),
        of_losses(
            f"Loss of images nobody trained on, {moved.title}",
            _named(moved.test),
            y_title="images",
        ),
        _table(moved),
    )


def _named(losses: Losses) -> list[tuple[str, np.ndarray]]:
    return [(f"{multiple:g} times the members", values) for multiple, values in losses.items()]


def less(first: Estimate, second: Estimate, *, share: float = 1.0) -> Estimate:
    """Return the first less a share of the second, from the ends of both intervals.

    Both rest on the same samples, so their errors may add up: the interval errs on the wide side.

    >>> one = Estimate(value=1.0, low=0.8, high=1.2, n=9)
    >>> str(less(one, one, share=0.5))
    '0.500 [0.200, 0.800]'
    """
    return replace(
        first,
        value=first.value - share * second.value,
        low=first.low - share * second.high,
        high=first.high - share * second.low,
        n=min(first.n, second.n),
        method="from the ends of both intervals",
    )


def _beyond_shuffled(distance: Estimate, null: Estimate) -> Estimate:
    """Take off what shuffled labels give on average, as ``breakdown`` does."""
    level = null.value
    return replace(
        distance,
        value=distance.value - level,
        low=distance.low - level,
        high=distance.high - level,
    )


def _of_small(moved: Moves) -> list[Checked]:
    found = moved.found
    claims = (
        Claim(
            name="small-train-moves",
            sentence="In the small network more data changes the losses of the members.",
            quantity="distance of the members' losses beyond shuffled labels (nats)",
            side="above",
        ),
        Claim(
            name="small-train-rises",
            sentence="In the small network the members' losses rise: not all fit any more.",
            quantity="change of the members' mean loss (nats)",
            side="above",
        ),
        Claim(
            name="small-test-moves",
            sentence="In the small network more data changes the losses of unseen images too.",
            quantity="distance of unseen images' losses beyond shuffled labels (nats)",
            side="above",
        ),
    )
    estimates = (
        _beyond_shuffled(found.train, found.train_null),
        found.train_shift,
        _beyond_shuffled(found.test, found.test_null),
    )
    return [check(claim, found) for claim, found in zip(claims, estimates, strict=True)]


def _of_large(moved: Moves) -> list[Checked]:
    found = moved.found
    claims = (
        Claim(
            name="large-test-falls",
            sentence="In the large network more data lowers the losses of unseen images.",
            quantity="change of unseen images' mean loss (nats)",
            side="below",
        ),
        Claim(
            name="large-train-stays",
            sentence="In the large network the members' losses move by less than half as far.",
            quantity="members' distance less half of unseen images' (nats)",
            side="below",
        ),
    )
    estimates = (found.test_shift, less(found.train, found.test, share=HALF))
    return [check(claim, found) for claim, found in zip(claims, estimates, strict=True)]


def _small_beyond_large(small: Moves, large: Moves) -> Checked:
    claim = Claim(
        name="small-moves-further",
        sentence="More data moves the members' losses further in the small network.",
        quantity="members' distance in the small network less in the large (nats)",
        side="above",
    )
    return check(claim, less(small.found.train, large.found.train))


def _read_small(opened: Mapping[str, Opened], size: Size) -> Figure:
    moved = moves(opened, size, SMALL)
    return Figure(panels=_panels(moved), claims=tuple(_of_small(moved)), notes=NOTES)


def _read_large(opened: Mapping[str, Opened], size: Size) -> Figure:
    small, large = moves(opened, size, SMALL), moves(opened, size, LARGE)
    claims = (*_of_large(large), _small_beyond_large(small, large))
    return Figure(panels=(*_panels(large), _table(small)), claims=claims, notes=NOTES)


NOTES = (
    (
        "The paper names no quantities: here half of the members, all, and all with one and three "
        "times as many fakes."
    ),
    (
        "The paper tells breakdown from the outlier effect by eye; what counts as either here is "
        "in pryproof.valuation.breakdown. Intervals are about which images were drawn, for these "
        "runs."
    ),
)

Read = Callable[[Mapping[str, Opened], Size], Figure]


def _recipe(name: str, title: str, *, source: str, networks: tuple[int, ...], read: Read) -> Recipe:
    return Recipe(
        name=name,
        title=title,
        source=source,
        claims=3,
        needs=lambda size: _needs(size, networks),
        read=read,
    )


FIGURE_2: dict[str, Recipe] = {
    "fig2a": _recipe(
        "fig2a",
        "Losses by quantity of data, the small network",
        source="Figure 2a, b",
        networks=(SMALL,),
        read=_read_small,
    ),
    "fig2c": _recipe(
        "fig2c",
        "Losses by quantity of data, the large network",
        source="Figure 2c, d",
        networks=(SMALL, LARGE),
        read=_read_large,
    ),
}
