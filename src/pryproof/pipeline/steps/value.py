"""attack and value: thresholds and margins of the ensemble, then ranks, votes and verdicts."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Int64

from pryproof.attacks import THRESHOLD_ATTACKS, threshold
from pryproof.pipeline.margins import MARGINS, Said, unseen_margin
from pryproof.pipeline.steps.call import Call, Loaded, Part, Result
from pryproof.store.workspace import Stored
from pryproof.valuation.margin import finite_cuts, signed_margin
from pryproof.valuation.overlap import overlap
from pryproof.valuation.ranks import ranks
from pryproof.valuation.votes import RISKY, SAFE, VAGUE, Votes, vote

BINS = ((0.0, 0.1), (0.0, 0.25), (0.0, 0.5))  # safest shares whose overlap is reported


def attack(call: Call) -> Result:
    """Fit each run's M-entropy thresholds (what it trained on against what none trained on).

    For fakes the non-members are unseen fakes of the same generator (methods A10). Returns margins
    in nats, positive on the member side, and the attack's calls, ``[runs, samples]``.
    """
    data = Loaded.of(call.inputs["load"])
    fakes = call.settings["source"] == "fake"
    runs = _runs(call)
    margins, calls, taus, fallback = [], [], [], []
    cuts, phi = [], []
    for run in runs:
        said, labels, inside, outside = _fake_view(run) if fakes else _real_view(call, run, data)
        scores = THRESHOLD_ATTACKS["modified_entropy"](said)
        fitted = threshold.fit(
            scores[inside],
            labels[inside],
            scores[outside],
            labels[outside],
            classes=len(data.classes),
        )
        margins.append(signed_margin(said["log_mentropy"], labels, fitted))
        cuts.append(finite_cuts(fitted)[labels])
        phi.append(said["phi"])
        calls.append(threshold.decide(scores, labels, fitted))
        taus.append(fitted.per_class)
        fallback.append(int(np.sum(fitted.fallback | np.isinf(fitted.per_class))))
    arrays = {"margin": np.stack(margins), "called": np.stack(calls), "threshold": np.stack(taus)}
    arrays |= {"cut": np.stack(cuts), "phi": np.stack(phi), "label": labels}
    return Result(arrays, {"classes_on_the_overall_threshold": fallback})


def _runs(call: Call) -> list[Stored]:
    """Return the runs that are left, by their number."""
    roles = (role for role in call.inputs if role.startswith("run"))
    return [
        call.inputs[role] for role in sorted(roles, key=lambda role: int(role.removeprefix("run")))
    ]


View = tuple[dict[str, np.ndarray], np.ndarray, Part, Part]


def _real_view(call: Call, run: Stored, data: Loaded) -> View:
    said = picked(run, "signal.")
    return said, data.labels, data.fold(call.settings["fold"]), data.outside(run.facts)


def _fake_view(run: Stored) -> View:
    seen, unseen = picked(run, "fakes."), picked(run, "unseen_fakes.")
    said = {name: np.concatenate([seen[name], unseen[name]]) for name in seen}
    count = len(seen["phi"])
    labels = np.concatenate([run.arrays["fakes.label"], run.arrays["unseen_fakes.label"]])
    return said, labels, slice(0, count), slice(count, 2 * count)


def picked(stored: Stored, prefix: str) -> dict[str, np.ndarray]:
    """Return the arrays whose name starts with ``prefix``, without it."""
    return {
        name.removeprefix(prefix): value
        for name, value in stored.arrays.items()
        if name.startswith(prefix)
    }


def value(call: Call) -> Result:
    """Rank, vote, and say how far the runs agree - beside runs that never saw the samples.

    ``held_...`` is what the same runs say of samples that no run trained on and no cut rests on:
    evaluation images for real ones; for fakes the unseen fakes, on which the cuts do rest.
    """
    settings = call.settings
    attacked = call.inputs["attack"].arrays
    view = view_of(call)
    name = settings["margin"]
    if MARGINS[name].needs_unseen and not len(view.strangers.signed):
        name = "signed"  # nobody was asked about fakes it never saw
    whole, known, runs = view.together(), view.known(settings["source"]), len(attacked["margin"])
    members, held = view.members, view.held
    mine = MARGINS[name].of(known)[:runs, : len(members)]
    classes = view.labels[: len(members)] if settings["by_class"] else None
    order = ranks(mine, seed=settings["seed"], labels=classes)
    votes = voted(settings, order)
    arrays = {
        "margin": mine,
        "called": attacked["called"][:, members],
        "rank": order,
        "verdict": votes.verdict,
        "safe_votes": votes.safe_votes,
        "risky_votes": votes.risky_votes,
        "mean_rank": votes.mean_rank,
        "held_margin": MARGINS[name].of(whole)[:runs, len(view.labels) - len(held) :],
        "held_called": attacked["called"][:, held],
    }
    facts: dict[str, object] = {
        "rule": votes.rule,
        "margin": name,
        "runs": runs,
        "verdicts": {
            word: int(np.sum(votes.verdict == code))
            for word, code in (("safe", SAFE), ("vague", VAGUE), ("risky", RISKY))
        },
        "overlap": _overlaps(order),
    }
    if len(view.strangers.signed):
        arrays["excess"] = MARGINS["excess"].of(known)[:runs, : len(members)]
        arrays["called_unseen"] = np.concatenate(
            [
                stored.arrays["called"][:, members]
                for role, stored in call.inputs.items()
                if role.startswith("unseen")
            ]
        )
        others = np.arange(len(view.strangers.signed))
        strangers = view.strangers.of_runs(others, np.arange(len(members)))
        null = unseen_margin(name, strangers, runs=runs)
        if null is not None:
            arrays["unseen_rank"] = ranks(null, seed=settings["seed"] + 1, labels=classes)
            facts["overlap_unseen"] = _overlaps(arrays["unseen_rank"])
    return Result(arrays, facts)


def voted(settings: Mapping[str, Any], order: Int64[np.ndarray, "runs members"]) -> Votes:
    return vote(
        order,
        rule=settings["rule"],
        at_least=settings["at_least"],
        share=settings["share"],
        minimum=settings["minimum"],
    )


@dataclass(frozen=True, kw_only=True)
class FoldView:
    """Own runs and strangers on a fold's members, then reference and held-out samples."""

    own: Said
    strangers: Said
    labels: Int64[np.ndarray, " samples"]
    members: Int64[np.ndarray, " members"]
    held: Int64[np.ndarray, " held"]

    def together(self) -> Said:
        """Return all runs as one table; strangers trained on none of the samples."""
        both = (self.own, self.strangers)
        return Said(
            signed=np.concatenate([each.signed for each in both]),
            cut=np.concatenate([each.cut for each in both]),
            phi=np.concatenate([each.phi for each in both if each.phi is not None]),
            member=np.concatenate([each.member for each in both]),
            labels=self.labels,
        )

    def known(self, source: str) -> Said:
        """Return what members are valued by: nothing of images that are judged later."""
        whole = self.together()
        if source == "fake":
            return whole  # the unseen fakes are their only non-members
        kept = np.arange(len(self.labels) - len(self.held))
        return whole.of_runs(np.arange(len(whole.signed)), kept)


def view_of(call: Call) -> FoldView:
    data = Loaded.of(call.inputs["load"])
    attacked = call.inputs["attack"].arrays
    samples = attacked["margin"].shape[1]
    if call.settings["source"] == "fake":
        seen = np.arange(samples // 2)
        places, members = np.arange(samples), seen
        held, labels = places[len(seen) :], attacked["label"]
    else:
        everyone = np.arange(len(data.labels))
        members = everyone[data.fold(call.settings["fold"])]
        held = everyone[data.parts["evaluation"]]
        places = np.concatenate([members, everyone[data.parts["outside"]], held])
        labels = data.labels
    unseen = [stored.arrays for role, stored in call.inputs.items() if role.startswith("unseen")]
    inside = np.arange(len(places)) < len(members)
    return FoldView(
        own=_said([attacked], places, labels, inside=inside),
        strangers=_said(unseen, places, labels, inside=np.zeros_like(inside)),
        labels=labels[places],
        members=members,
        held=held,
    )


def _said(
    attacked: Sequence[Mapping[str, np.ndarray]],
    places: Int64[np.ndarray, " samples"],
    labels: Int64[np.ndarray, " all_samples"],
    *,
    inside: Bool[np.ndarray, " samples"],
) -> Said:
    tables = {
        name: np.concatenate([each[name][:, places] for each in attacked])
        if attacked
        else np.empty((0, len(places)))
        for name in ("margin", "cut", "phi")
    }
    return Said(
        signed=tables["margin"],
        cut=tables["cut"],
        phi=tables["phi"],
        member=np.tile(inside, (len(tables["margin"]), 1)),
        labels=labels[places],
    )


def _overlaps(order: np.ndarray) -> list[dict[str, object]]:
    rows = []
    for start, end in BINS:
        found = overlap(order, start, end)
        rows.append(
            {
                "bin": [start, end],
                "ratio": dataclasses.asdict(found.ratio),
                "chance": found.chance,
                "runs": len(order),
            }
        )
    return rows
