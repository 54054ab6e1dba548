"""The margins by name: by what a verdict calls one sample more exposed than another."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int64, UInt64

from pryproof.attacks.lira import lira_scores
from pryproof.attacks.needed import FROM
from pryproof.attacks.risk_score import Valued, risk_score
from pryproof.checks import DataError
from pryproof.records import Evidence
from pryproof.valuation.margin import absolute_margin, excess_margin, percentile_margin
from pryproof.valuation.means import mean_over_runs
from pryproof.valuation.ranks import tie_keys

Table = Float[np.ndarray, "runs samples"]
Some = Int64[np.ndarray, " _"]


@dataclass(frozen=True, kw_only=True)
class Said:
    """What runs say of samples, as a margin needs it.

    ``signed`` is the signed log margin (nats) and ``cut`` the class's cut on the attack's score,
    both ``[runs, samples]``.
    """

    signed: Table
    cut: Table
    phi: Table | None
    member: Bool[np.ndarray, "runs samples"]
    labels: Int64[np.ndarray, " samples"]
    held: Bool[np.ndarray, " samples"] | None = None  # in no run; None: as member has it

    def of_runs(self, runs: np.ndarray, samples: np.ndarray) -> "Said":
        """Return what some of the runs say of some of the samples."""
        return Said(
            signed=self.signed[runs][:, samples],
            cut=self.cut[runs][:, samples],
            phi=None if self.phi is None else self.phi[runs][:, samples],
            member=self.member[runs][:, samples],
            labels=self.labels[samples],
        )


@dataclass(frozen=True, kw_only=True)
class Margin:
    """A way to say how exposed a sample is in a run; higher = more exposed."""

    of: Callable[[Said], Table]
    unit: str
    meaning: str
    needs_unseen: bool = False


def _signed(said: Said) -> Table:
    return said.signed


def _absolute(said: Said) -> Table:
    return absolute_margin(said.signed, said.cut)


def _absolute_log(said: Said) -> Table:
    return np.abs(said.signed)


def _percentile(said: Said) -> Table:
    outside = ~said.member.any(axis=0) if said.held is None else said.held
    return np.stack(
        [
            percentile_margin(row, said.labels, row[outside], said.labels[outside])
            for row in said.signed
        ]
    )


def _risk(said: Said) -> Table:
    """Score each run by its own members and non-members; NaN where a run has no members."""
    rows = []
    for row, inside in zip(said.signed, said.member, strict=True):
        values = -row  # low = member, as modified entropy is
        if not inside.any():
            rows.append(np.full(len(row), np.nan))
            continue
        whole = Valued(values=values, labels=said.labels)
        rows.append(risk_score(whole.of(inside), whole.of(~inside), whole))
    return np.stack(rows)


def _excess(said: Said) -> Table:
    """Subtract confidences: unlike log M, phi is as fine where the model is wrong as where right.

    Outputs without phi fall back on the attack's score; the cut is the same on both sides.
    """
    return _beyond_strangers(said, COMPARED["excess"](said))


def _confidence(said: Said) -> Table:
    return said.signed + said.cut if said.phi is None else said.phi


def _excess_loss(said: Said) -> Table:
    """Subtract losses: most for what no stranger could know, such as a wrong label."""
    return _beyond_strangers(said, COMPARED["excess_loss"](said))


def _minus_loss(said: Said) -> Table:
    if said.phi is None:
        raise DataError("E024", "the margin excess_loss needs phi", fix=f"Give {FROM['phi']}.")
    return -np.logaddexp(0.0, -said.phi)


# what the margins over strangers subtract from each other
COMPARED: dict[str, Callable[[Said], Table]] = {
    "excess": _confidence,
    "excess_loss": _minus_loss,
}


def _beyond_strangers(said: Said, values: Table) -> Table:
    """Return values minus their mean over runs that never saw the sample."""
    valued = said.member.any(axis=0)
    pairs = baselines(tie_keys(values, seed=0)[1], said.member[:, valued])
    return beyond(values, said.member, pairs)


def beyond(
    values: Table, member: Bool[np.ndarray, "runs samples"], pairs: list[tuple[Some, Some]]
) -> Table:
    """Return values minus their mean over runs that never saw the sample, of any samples.

    ``pairs`` are the ``baselines`` of all samples.
    """
    seen_by_none = ~member.any(axis=0)
    found = np.full(values.shape, np.nan)
    valued = ~seen_by_none
    for runs, others in pairs:
        unseen = np.where(member[others], np.nan, values[others])
        found[np.ix_(runs, valued)] = excess_margin(values[runs][:, valued], unseen[:, valued])
    # held-out samples are unseen in every run: each run is compared with all others
    rest_of_runs = max(len(values) - 1, 1)
    rest = values[:, seen_by_none]
    mean = mean_over_runs(rest, np.ones(rest.shape, dtype=np.bool_))
    found[:, seen_by_none] = (rest - mean) * (len(values) / rest_of_runs)
    return found


def baselines(
    run_keys: UInt64[np.ndarray, " runs"], member: Bool[np.ndarray, "runs valued"]
) -> list[tuple[Some, Some]]:
    """Return which runs subtract the mean of which others.

    A mean that several runs share would make them agree by its own noise. So where all voting runs
    share a training set and there are at least as many strangers, every run has strangers of its
    own; else all are shared, each sample by those that did not train on it. Who goes with whom
    follows from what they say (their ``tie_keys``), not from the order of runs.
    """
    by_content = np.argsort(run_keys, kind="stable")
    votes = np.asarray(member[by_content].any(axis=1))
    voting, strangers = by_content[votes], by_content[~votes]
    apart = bool(voting.size) and len(strangers) >= len(voting) and bool(member[voting].all())
    if not apart:
        everyone = np.arange(len(member))
        return [(everyone, everyone)]
    return [
        (np.array([run]), strangers[place :: len(voting)]) for place, run in enumerate(voting)
    ] + [(strangers, strangers)]


def unseen_margin(name: str, strangers: Said, *, runs: int) -> Table | None:
    """Return the margins of at most ``runs`` strangers: what a vote makes of difficulty alone.

    ``strangers`` are runs that saw none of the samples. For a margin over such runs, half of them
    are taken for runs that did, and compared with the other half, one with one: differences of
    their phi. None = there are too few.
    """
    values = strangers.signed
    if MARGINS[name].needs_unseen:
        half = min(len(values) // 2, runs)
        values = values + strangers.cut if strangers.phi is None else strangers.phi
        values = values[:half] - values[half : 2 * half]
    return values[:runs] if min(len(values), runs) > 1 else None


def _lira(said: Said) -> Table:
    if said.phi is None:
        raise DataError("E024", "the margin lira needs phi", fix=f"Give {FROM['phi']}.")
    targets = np.flatnonzero(said.member.any(axis=1))
    found = np.full(said.phi.shape, np.nan)
    # runs of one training set are each other's repetitions here, not a leak: this is valuation
    found[targets] = lira_scores(
        said.phi[:, None], said.member, np.arange(len(said.phi)), targets, online=True
    )
    return found


MARGINS: dict[str, Margin] = {
    "signed": Margin(
        of=_signed,
        unit="nats",
        meaning="log tau - log M: how far on the members' side of the cut; mixes exposure with "
        "how easy the image is for any model",
    ),
    "abs": Margin(
        of=_absolute,
        unit="units of M",
        meaning="abs(M - tau), the paper's words; calls riskiest what the attack misses",
    ),
    "abs_log": Margin(
        of=_absolute_log, unit="nats", meaning="abs(log tau - log M): far from the cut on any side"
    ),
    "percentile": Margin(
        of=_percentile,
        unit="share",
        meaning="share of the class's held-out samples with a lower signed margin",
    ),
    "risk_score": Margin(
        of=_risk, unit="probability", meaning="chance of membership at prior 1/2, by class"
    ),
    "excess": Margin(
        of=_excess,
        unit="nats",
        meaning="the confidence phi minus its mean over runs that never saw the sample",
        needs_unseen=True,
    ),
    "excess_loss": Margin(
        of=_excess_loss,
        unit="nats",
        meaning="how far the loss lies below its mean over runs that never saw the sample",
        needs_unseen=True,
    ),
    "lira": Margin(
        of=_lira,
        unit="nats",
        meaning="log-likelihood ratio in / out of the sample's own confidence over other runs",
        needs_unseen=True,
    ),
}


def said_of(
    evidence: Evidence, signed: Table, cut: Table, labels: Int64[np.ndarray, " samples"]
) -> Said:
    """Gather what a margin needs; several queries count by their mean."""
    phi = evidence.signals.get("phi")
    return Said(
        signed=signed,
        cut=cut,
        phi=None if phi is None else phi.mean(axis=1),
        member=evidence.member,
        labels=labels,
    )
