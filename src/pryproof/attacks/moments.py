"""Counts, means and squared deviations of the runs with and without a sample, for many targets.

A target's shadows are the runs of other groups. The runs before and after its group are added up
from either end, so its own never enter a sum, not even to be taken out again; and only what is
added up is kept, never runs x runs x samples.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int64

from pryproof.compiled import available, compiled

Sides = tuple[bool, ...]  # False: the runs without the sample, True: those with it
Runs = Int64[np.ndarray, " _"]  # in ascending order

WORTH_COMPILING = 1 << 22  # values; NumPy is done with fewer before a compiled loop is loaded
COUNT, PIVOT, TOTAL, SQUARES = range(4)


@dataclass(frozen=True, kw_only=True)
class Moments:
    """Of the runs on each side: how many, their mean, and the sum of squared deviations from it.

    Where a side has no run its mean means nothing.
    """

    count: Float[np.ndarray, "sides 1 samples"]
    mean: Float[np.ndarray, "#sides queries samples"]
    squares: Float[np.ndarray, "#sides #queries #samples"]


@dataclass(frozen=True, kw_only=True)
class Block:
    """Some of the samples, what all runs say about them, and the sides that are asked for.

    ``room`` is memory to work in: new memory for every block would cost more than the work.
    """

    phi: Float[np.ndarray, "runs queries all"]
    member: Bool[np.ndarray, "runs all"]
    samples: slice
    sides: Sides
    room: Float[np.ndarray, "2 most queries width"]


def merged(first: Moments, second: Moments) -> Moments:
    """Return the moments of both sets of runs together (Chan, Golub and LeVeque 1979)."""
    count = first.count + second.count
    step = second.mean - first.mean
    mean = step * (second.count / np.maximum(count, 1.0))
    step *= mean
    step *= first.count
    step += first.squares
    step += second.squares
    mean += first.mean
    return Moments(count=count, mean=mean, squares=step)


def of_runs(block: Block, runs: Runs) -> Moments:
    """Return the moments of some runs, in ascending order.

    Deviations are taken from the side's first run: no cancellation, and exactly 0 where all agree.
    """
    values, member = block.phi[:, :, block.samples], block.member[:, block.samples]
    kept = [int(side) for side in block.sides]
    if len(runs) == 1:
        own = np.array([~member[runs[0]], member[runs[0]]], dtype=np.float64)[kept]
        return Moments(count=own[:, None], mean=values[runs], squares=np.zeros((1, 1, 1)))
    sums = np.zeros((4, 2, *values.shape[1:]))
    for side in block.sides:
        _find_pivot(values, member, runs, sums[PIVOT, int(side)], side=side)
    if block.phi.size >= WORTH_COMPILING and available():
        compiled(_add_up_loop)(block.phi, block.member, runs, block.samples.start, sums)
    else:
        for side in block.sides:
            _add_up(block, runs, sums[:, int(side)], side=side)
    count, pivot, total, squares = sums[:, kept]
    shift = total / np.maximum(count, 1.0)
    squares -= total * shift
    pivot += shift
    return Moments(count=count[:, :1], mean=pivot, squares=np.maximum(squares, 0.0, out=squares))


def of_others(block: Block, asked: list[Runs], rest: Runs) -> Iterator[tuple[int, Moments]]:
    """Yield the place of every asked group of runs, with the moments of all runs but its own.

    ``rest`` are the runs of no asked group.
    """
    zeros = np.zeros((len(block.sides), *block.phi[0, :, block.samples].shape))
    none = Moments(count=zeros[:, :1], mean=zeros, squares=zeros)
    before = [none]
    for runs in (rest, *asked[:-1]):
        # merged into nothing at first: a mean without a run is 0, the next run is taken as it is
        before.append(merged(before[-1], of_runs(block, runs)) if runs.size else none)
    after = none
    for place in reversed(range(len(asked))):
        yield place, merged(before.pop(), after)
        after = merged(after, of_runs(block, asked[place]))


def _find_pivot(
    values: Float[np.ndarray, "runs queries samples"],
    member: Bool[np.ndarray, "runs samples"],
    runs: Runs,
    found: Float[np.ndarray, "queries samples"],
    *,
    side: bool,
) -> None:
    """Write each sample's value in the first run on a side."""
    missing = np.ones(member.shape[1], dtype=np.bool_)
    for run in runs:
        new = missing & (member[run] == side)
        np.copyto(found, values[run], where=new)
        missing ^= new
        if not missing.any():
            return


def _add_up(
    block: Block,
    runs: Runs,
    sums: Float[np.ndarray, "4 queries samples"],
    *,
    side: bool,
) -> None:
    """Add the deviations of a side's runs from its pivot, and their squares."""
    for part in slices(runs):
        weight, away = block.room[:, : part.stop - part.start, :, : sums.shape[2]]
        np.copyto(weight, block.member[part, None, block.samples])
        if not side:
            np.subtract(1.0, weight, out=weight)
        np.subtract(block.phi[part, :, block.samples], sums[PIVOT], out=away)
        away *= weight
        sums[COUNT] += weight.sum(axis=0)
        sums[TOTAL] += away.sum(axis=0)
        sums[SQUARES] += np.einsum("rqs,rqs->qs", away, away)


def _add_up_loop(
    phi: Float[np.ndarray, "runs queries all"],
    member: Bool[np.ndarray, "runs all"],
    runs: Runs,
    start: int,
    sums: Float[np.ndarray, "4 2 queries samples"],
) -> None:
    """Do ``_add_up`` for both sides."""
    width = sums.shape[3]
    for run in runs:
        chosen = member[run, start : start + width]
        for query in range(sums.shape[2]):
            values = phi[run, query, start : start + width]
            count, pivot = sums[0, 1, query], sums[1, 1, query]
            total, squares = sums[2, 1, query], sums[3, 1, query]
            other_pivot, other_total = sums[1, 0, query], sums[2, 0, query]
            other_squares = sums[3, 0, query]
            for at in range(width):
                inside = 1.0 if chosen[at] else 0.0
                away = (values[at] - pivot[at]) * inside
                other = (values[at] - other_pivot[at]) * (1.0 - inside)
                count[at] += inside
                total[at] += away
                squares[at] += away * away
                other_total[at] += other
                other_squares[at] += other * other
    sums[0, 0] += len(runs) - sums[0, 1]


def slices(runs: Runs) -> list[slice]:
    """Return ascending runs as few slices: views, where an index would copy.

    >>> slices(np.array([0, 1, 2, 4]))
    [slice(0, 3, None), slice(4, 5, None)]
    """
    pieces = np.split(runs, np.flatnonzero(np.diff(runs) > 1) + 1)
    return [slice(int(piece[0]), int(piece[-1]) + 1) for piece in pieces]
