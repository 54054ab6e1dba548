"""Figure 1: how often each member is called one, and its loss, between two ways of training.

The paper trains 40 models for each. Its R is the share of runs whose attack calls a sample a
member; what it claims of R are orders of means, so every claim here is a difference with an
interval over samples and runs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from pryproof.evaluation.arms import difference
from pryproof.recipes.claims import Checked, Claim, check
from pryproof.recipes.opened import Opened
from pryproof.reporting.panels import Histogram, Table
from pryproof.valuation.breakdown import levels, shares
from pryproof.valuation.success import success_rate

LOSS_BINS = 40
LEAST_LOSS = 1e-4  # nats: losses below share the first bin


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One way of training: a row of a study, and how the legend names it."""

    study: str
    row: str
    title: str


def histograms(opened: Mapping[str, Opened], arms: tuple[Arm, ...]) -> tuple[Histogram, Histogram]:
    """Draw R and the mean loss of the members, a series an arm, test accuracy in the legend."""
    runs = min(len(opened[arm.study].runs(arm.row)) for arm in arms)
    rates, losses = [], []
    for arm in arms:
        study = opened[arm.study]
        legend = f"{arm.title}, test accuracy {study.accuracy(arm.row, 'evaluation')}"
        rate, _, _ = success_rate(study.called(arm.row)[:runs])
        rates.append((legend, levels(rate, runs)))
        losses.append((legend, study.losses(arm.row, "members").mean(axis=0)))
    return (
        Histogram(
            title="How often a member is called one",
            x_title=f"share of {runs} runs whose attack calls the member one (R)",
            y_title="members",
            edges=(np.arange(runs + 2) - 0.5) / runs,
            series=tuple(rates),
        ),
        of_losses("Loss of the members", losses),
    )


def of_losses(
    title: str, losses: Sequence[tuple[str, Float[np.ndarray, " _"]]], *, y_title: str = "members"
) -> Histogram:
    """Draw losses (nats) by name, all on one logarithmic axis."""
    most = max(float(loss.max()) for _, loss in losses)
    edges = np.geomspace(LEAST_LOSS, max(most, 2 * LEAST_LOSS), LOSS_BINS + 1)
    return Histogram(
        title=title,
        x_title="cross entropy, mean over runs (nats)",
        y_title=y_title,
        edges=edges,
        series=tuple(
            (name, np.histogram(np.clip(loss, *edges[[0, -1]]), edges)[0].astype(np.int64))
            for name, loss in losses
        ),
        log_x=True,
    )


def summary(opened: Mapping[str, Opened], arms: tuple[Arm, ...]) -> Table:
    """List what the histograms show, with intervals."""
    rows = []
    for arm in arms:
        study = opened[arm.study]
        found = shares(study.called(arm.row))
        rows.append(
            (
                arm.title,
                (
                    found.mean,
                    found.at_least_90,
                    found.at_least_50,
                    found.at_most_10,
                    study.accuracy(arm.row, "members"),
                    study.accuracy(arm.row, "evaluation"),
                ),
            )
        )
    columns = ("mean R", "R of .9 or more", "R of .5 or more", "R of .1 or less")
    return Table(
        title="Members by success rate",
        columns=(*columns, "accuracy on members", "test accuracy"),
        rows=tuple(rows),
    )


def tables(
    opened: Mapping[str, Opened], first: Arm, second: Arm, of: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return both arms' tables on the members they share: R's decisions, or losses."""
    places = _shared(opened[first.study], opened[second.study])
    pair = []
    for arm, place in zip((first, second), places, strict=True):
        study = opened[arm.study]
        table = study.called(arm.row) if of == "R" else study.losses(arm.row, "members")
        pair.append(table[:, place].astype(np.float64))
    return pair[0], pair[1]


def _shared(first: Opened, second: Opened) -> tuple[np.ndarray, np.ndarray]:
    """Return where the members that both studies train on stand in either."""
    one, other = (np.array(each.data.ids[each.data.parts["members"]]) for each in (first, second))
    _, here, there = np.intersect1d(one, other, return_indices=True)
    return here, there


def lower(opened: Mapping[str, Opened], first: Arm, second: Arm, claim: Claim) -> Checked:
    """Check what a claim says of the change of mean R from the first arm to the second."""
    return check(claim, difference(*tables(opened, first, second, "R")))


def losses_change(opened: Mapping[str, Opened], first: Arm, second: Arm, claim: Claim) -> Checked:
    """Check what a claim says of the change of mean loss from the first arm to the second."""
    return check(claim, difference(*tables(opened, first, second, "loss")))


def spread_change(opened: Mapping[str, Opened], first: Arm, second: Arm, claim: Claim) -> Checked:
    """Check whether the members' losses lie wider apart in the second arm than in the first.

    The spread is the mean distance of a sample's mean loss from that of all samples: unlike a
    standard deviation, it does not live by the few largest.
    """
    pair = tables(opened, first, second, "loss")
    apart = [np.abs(table.mean(axis=0) - table.mean()) for table in pair]
    return check(claim, difference(apart[0][None], apart[1][None]))
