"""attack and value: thresholds and margins of the ensemble, then ranks, votes and verdicts."""

import dataclasses

import numpy as np

from pryproof.attacks import THRESHOLD_ATTACKS, threshold
from pryproof.pipeline.steps.call import Call, Loaded, Result
from pryproof.store.workspace import Stored
from pryproof.valuation.margin import excess_margin, signed_margin
from pryproof.valuation.overlap import overlap
from pryproof.valuation.ranks import ranks
from pryproof.valuation.votes import RISKY, SAFE, VAGUE, vote

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
        calls.append(threshold.decide(scores, labels, fitted))
        taus.append(fitted.per_class)
        fallback.append(int(np.sum(fitted.fallback | np.isinf(fitted.per_class))))
    arrays = {"margin": np.stack(margins), "called": np.stack(calls), "threshold": np.stack(taus)}
    return Result(arrays, {"classes_on_the_overall_threshold": fallback})


def _runs(call: Call) -> list[Stored]:
    count = sum(role.startswith("run") for role in call.inputs)
    return [call.inputs[f"run{k}"] for k in range(count)]


View = tuple[dict[str, np.ndarray], np.ndarray, slice, slice]


def _real_view(call: Call, run: Stored, data: Loaded) -> View:
    said = picked(run, "signal.")
    return said, data.labels, data.fold(call.settings["fold"]), data.parts["outside"]


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
    """Rank, vote, and say how far the runs agree - beside runs that never saw the samples."""
    settings = call.settings
    data = Loaded.of(call.inputs["load"])
    attacked = call.inputs["attack"].arrays
    fakes = settings["source"] == "fake"
    part = slice(0, attacked["margin"].shape[1] // 2) if fakes else data.fold(settings["fold"])
    margin = attacked["margin"][:, part]
    order = ranks(margin, seed=settings["seed"])
    votes = vote(order, share=settings["share"], minimum=settings["minimum"])
    arrays = {
        "margin": margin,
        "called": attacked["called"][:, part],
        "rank": order,
        "verdict": votes.verdict,
        "safe_votes": votes.safe_votes,
        "risky_votes": votes.risky_votes,
        "mean_rank": votes.mean_rank,
    }
    facts: dict[str, object] = {
        "rule": votes.rule,
        "runs": len(margin),
        "verdicts": {
            name: int(np.sum(votes.verdict == code))
            for name, code in (("safe", SAFE), ("vague", VAGUE), ("risky", RISKY))
        },
        "overlap": _overlaps(order),
    }
    unseen = [v.arrays["margin"][:, part] for k, v in call.inputs.items() if k.startswith("unseen")]
    if unseen:
        others = np.concatenate(unseen)
        arrays["excess"] = excess_margin(margin, others)
        null = ranks(others[: len(margin)], seed=settings["seed"] + 1)
        facts["overlap_unseen"] = _overlaps(null)
        arrays["called_unseen"] = np.concatenate(
            [v.arrays["called"][:, part] for k, v in call.inputs.items() if k.startswith("unseen")]
        )
    return Result(arrays, facts)


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
