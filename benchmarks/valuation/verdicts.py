"""What the runs of ``real_runs.py`` say: overlaps beside their nulls, exposure by verdict.

    python benchmarks/valuation/verdicts.py FOLDER results.json

Five runs vote. Two others, on the same members, are attacked, by offline LiRA with shadows that
repeat the defense; none of these runs had a part in any verdict. Of the images outside, half serve
for cuts and half are judged.
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
from real_runs import CANARIES, CONDITIONS, MEMBERS, ROLES, canary_places

import pryproof as pp
from pryproof.attacks.lira import lira_offline
from pryproof.attacks.signals import signals
from pryproof.evaluation.estimates import tpr_by_group
from pryproof.intervals import wilson
from pryproof.pipeline.margins import MARGINS
from pryproof.valuation.agreement import jaccard, spearman
from pryproof.valuation.comparison import rank_correlation
from pryproof.valuation.votes import RISKY, SAFE, VAGUE

BINS = ((0.0, 0.1), (0.0, 0.25), (0.0, 0.5))
WORDS = {"safe": SAFE, "vague": VAGUE, "risky": RISKY}
FPRS = (0.01, 0.001)


def main() -> None:
    """Write one JSON file with every condition whose runs are complete."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", type=Path)
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    found = {}
    for name in CONDITIONS:
        runs = read(given.runs, name)
        if CONDITIONS[name].canaries and len(runs["unseen"]) == ROLES["unseen"]:
            found[name] = canaries(runs["value"], runs["unseen"])
        elif all(len(runs[role]) == count for role, count in ROLES.items()):
            found[name] = condition(runs)
        print(name, "done" if name in found else "incomplete", flush=True)
    given.out.write_text(json.dumps(found, indent=1) + "\n")


Runs = dict[str, list[tuple[np.ndarray, np.ndarray]]]


def read(folder: Path, name: str) -> Runs:
    """Return logits and labels of every run that is there, by role."""
    runs: Runs = {}
    for role, count in ROLES.items():
        places = [folder / f"{name}-{role}-{k}.npz" for k in range(count)]
        loaded = [np.load(place) for place in places if place.exists()]
        runs[role] = [(each["logits"], each["labels"]) for each in loaded]
    return runs


def outputs(voting: list, strangers: list) -> dict[str, np.ndarray]:
    """Join runs into what ``pp.value`` reads: members, then the half of outsiders for cuts."""
    kept = slice(0, MEMBERS + MEMBERS // 2)
    logits = np.array([logits[kept] for logits, _ in [*voting, *strangers]])
    member = np.zeros(logits.shape[:2], dtype=bool)
    member[: len(voting), :MEMBERS] = True
    return {"logits": logits, "labels": voting[0][1][kept], "member": member}


def condition(runs: Runs) -> dict[str, object]:
    """Value by every margin, and judge the verdicts by runs that had no vote."""
    members, others = attacked(runs)
    right = np.array([logits.argmax(1) == labels for logits, labels in runs["value"]])
    said: dict[str, object] = {
        "train_accuracy": float(right[:, :MEMBERS].mean()),
        "test_accuracy": float(right[:, MEMBERS:].mean()),
        "margins": {},
    }
    for margin in MARGINS:
        given = outputs(runs["value"], runs["unseen"])
        verdicts = {
            rule: pp.value(given, how=pp.Vote(margin=margin, rule=rule, minimum=0.0))
            for rule in ("unanimous", "mean_rank")
        }
        said["margins"][margin] = {
            "agreement": agreement(runs, margin),
            **{rule: judged(found, members, others) for rule, found in verdicts.items()},
            "spearman_with_exposure": asdict(exposure(verdicts["mean_rank"], members)),
        }
    return said


def attacked(runs: Runs) -> tuple[np.ndarray, np.ndarray]:
    """Return offline LiRA of members and of judged outsiders under the judged runs."""
    phi = np.array(
        [signals(*each, accelerate=False)["phi"] for each in [*runs["judged"], *runs["shadow"]]]
    )
    targets = len(runs["judged"])
    inside = np.zeros(phi.shape, dtype=bool)
    inside[:targets, :MEMBERS] = True
    group = np.r_[np.zeros(targets, np.int64), 1 + np.arange(len(phi) - targets)]
    scores = lira_offline(phi, inside, group)[:targets]
    return scores[:, :MEMBERS], scores[:, MEMBERS + MEMBERS // 2 :]


def agreement(runs: Runs, margin: str) -> dict[str, object]:
    """Overlap of the voting runs, of as many strangers, and by chance; all six strangers serve."""
    found = pp.value(
        outputs(runs["value"], [*runs["unseen"], *runs["shadow"]]),
        how=pp.Vote(margin=margin, minimum=0.0),
    )
    said: dict[str, object] = {
        "spearman": asdict(spearman(found.ranks)),
        "jaccard_50": asdict(jaccard(found.ranks, 0.0, 0.5)),
    }
    for bin_ in BINS:
        own, null = found.overlap(bin_), found.unseen_overlap(bin_)
        said[f"{bin_[1]:.0%}"] = {
            "overlap": asdict(own.ratio),
            "chance": own.chance,
            "unseen": asdict(null.ratio),
            "unseen_chance": null.chance,
        }
    return said


def judged(found: pp.Verdicts, members: np.ndarray, others: np.ndarray) -> dict[str, object]:
    """Return the TPR of the judging attack among the members of each verdict."""
    verdict = np.array([WORDS[word] for word in found.table["verdict"][:MEMBERS]])
    said: dict[str, object] = {"counts": found.counts()}
    for fpr in FPRS:
        rates = tpr_by_group(members, others, verdict, fpr=fpr)
        said[f"tpr_at_{fpr:g}"] = {
            word: asdict(rates[code]) for word, code in WORDS.items() if code in rates
        }
    return said


def exposure(found: pp.Verdicts, members: np.ndarray) -> object:
    """Correlate the mean rank with how far the judged runs exceed their shadows."""
    return rank_correlation(np.array(found.table["mean_rank"][:MEMBERS]), members.mean(axis=0))


def canaries(voting: list, strangers: list) -> dict[str, object]:
    """Say which share of each kind of canary every margin calls risky, safe."""
    said: dict[str, object] = {"runs": len(voting), "strangers": len(strangers), "n": CANARIES}
    for margin in MARGINS:
        for rule in ("unanimous", "mean_rank"):
            found = pp.value(
                outputs(voting, strangers), how=pp.Vote(margin=margin, rule=rule, minimum=0.0)
            )
            words = np.array(found.table["verdict"])
            said[f"{margin}, {rule}"] = {
                kind: {
                    word: [float((words[places] == word).mean())]
                    + [float(end) for end in wilson(int((words[places] == word).sum()), CANARIES)]
                    for word in WORDS
                }
                for kind, places in canary_places().items()
            }
    return said


if __name__ == "__main__":
    main()
