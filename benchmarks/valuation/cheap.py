"""Compare cheap valuations with what 64 shadows find.

    python benchmarks/valuation/cheap.py RUNS REFERENCE results.json

RUNS is what ``real_runs.py`` wrote, REFERENCE what ``reference_runs.py`` wrote. Prints the table
and writes it as JSON. All rankings are of the same 5,000 members of plain CE; the reference is how
far apart the 64 shadows hold a sample, trained on it or not: (mean in - mean out) / pooled sd of
phi. Some of the shadows against the others show how sure the reference itself is.
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
from real_runs import MEMBERS
from reference_runs import SHADOWS
from verdicts import outputs, read

import pryproof as pp
from pryproof.attacks.loss_trace import loss_trace_iqr
from pryproof.attacks.signals import signals
from pryproof.valuation.comparison import precision_at, rank_correlation

SHARES = (0.01, 0.05)
ENSEMBLES = ("ce", "ce_early", "relax_1", "relax_2", "ce_crop_flip", "relax_1.5_crop_flip")
UNUSED = {f"{count} of the shadows": slice(count, None) for count in (8, 16, 32)}
MARGINS = ("signed", "excess", "excess_loss", "lira")


def main() -> None:
    """Compare every cheap ranking with the reference."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", type=Path)
    parser.add_argument("reference", type=Path)
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    phi, inside = shadows(given.reference)
    found = {}
    for name, (values, cost) in cheap(given.runs, given.reference, phi, inside).items():
        rest = UNUSED.get(name, slice(None))  # a part of the shadows is held against the others
        against = apart(phi[rest], inside[rest])
        found[name] = {
            "trainings": cost,
            **{
                f"precision_at_{s:g}": asdict(precision_at(values, against, share=s))
                for s in SHARES
            },
            "spearman": asdict(rank_correlation(values, against)),
        }
    given.out.write_text(json.dumps(found, indent=1) + "\n")
    print(page(found))


def top(values: np.ndarray, against: np.ndarray, share: float) -> dict:
    """Return the precision at the top as plain values."""
    return asdict(precision_at(values, against, share=share))


def shadows(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return phi and membership, ``[shadows, members]``."""
    loaded = [np.load(folder / f"shadow-{run}.npz") for run in range(SHADOWS)]
    return np.array([each["phi"] for each in loaded]), np.array([each["inside"] for each in loaded])


def apart(phi: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Return how far apart runs with and without a sample are, in pooled standard deviations."""
    sides = [np.where(here, phi, np.nan) for here in (inside, ~inside)]
    (mean_in, mean_out), (var_in, var_out) = (
        [measure(side, axis=0) for side in sides] for measure in (np.nanmean, np.nanvar)
    )
    return (mean_in - mean_out) / np.sqrt((var_in + var_out) / 2)


def cheap(
    folder: Path, reference: Path, phi: np.ndarray, inside: np.ndarray
) -> dict[str, tuple[np.ndarray, int]]:
    """Return every cheap ranking, higher = more exposed, and how many trainings it takes."""
    found = {
        name: (apart(phi[: rest.start], inside[: rest.start]), rest.start)
        for name, rest in UNUSED.items()
    }
    for name in ENSEMBLES:
        runs = read(folder, name)
        voting, strangers = runs["value"], runs["unseen"]
        for margin in MARGINS:
            how = pp.Vote(margin=margin, rule="mean_rank", minimum=0.0)
            said = pp.value(outputs(voting, strangers), how=how)
            cost = len(voting) + (len(strangers) if margin != "signed" else 0)
            ranks = np.array(said.table["mean_rank"][:MEMBERS])
            found[f"5 runs of {name}, {margin}"] = (ranks, cost)
    one = signals(*read(folder, "ce")["value"][0], accelerate=False)["phi"][:MEMBERS]
    others = [
        signals(*each, accelerate=False)["phi"][:MEMBERS] for each in read(folder, "ce")["unseen"]
    ]
    found["one run of ce, its loss"] = (-one, 1)
    found["one run of ce, excess over 3 strangers"] = (one - np.mean(others, axis=0), 4)
    trace = np.load(reference / "trace.npz")["losses"]
    found["one run of ce, loss trace (LT-IQR)"] = (loss_trace_iqr(trace[None])[0], 1)
    return found


def page(found: dict) -> str:
    """Return the table of ``docs/results/valuation-cifar100.md``."""
    heads = " | ".join(f"precision at the top {share:.0%}" for share in SHARES)
    lines = [f"| ranking | trainings | {heads} | Spearman |", "|---|---|---|---|---|"]
    for name, said in found.items():
        cells = [number(said[f"precision_at_{share:g}"]) for share in SHARES]
        lines.append(
            f"| {name} | {said['trainings']} | {' | '.join(cells)} | {number(said['spearman'])} |"
        )
    return "\n".join(lines)


def number(found: dict) -> str:
    """Write an estimate."""
    return f"{found['value']:.3f} [{found['low']:.3f}, {found['high']:.3f}]"


if __name__ == "__main__":
    main()
