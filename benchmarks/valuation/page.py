"""Turn the JSON of ``verdicts.py`` into the tables of ``docs/results/valuation-cifar100.md``.

python benchmarks/valuation/page.py results.json
"""

import json
import sys
from pathlib import Path

NAMES = {
    "ce": "CE, 18 epochs",
    "ce_early": "CE, stopped at 8 epochs",
    "ce_crop_flip": "CE + crop/flip, 24 epochs",
    "relax_1": "RelaxLoss, alpha 1",
    "relax_2": "RelaxLoss, alpha 2",
    "relax_1.5_crop_flip": "RelaxLoss, alpha 1.5, + crop/flip",
    "mobilenet_ce": "MobileNetV3-Small, CE, 24 epochs",
    "mobilenet_ce_crop_flip": "MobileNetV3-Small, CE + crop/flip, 30 epochs",
    "relax_2_crop_flip": "RelaxLoss, alpha 2, + crop/flip",
}
CANARIES = "ce_canaries"
CANARY_KINDS = ("mislabelled", "atypical", "near_duplicate")


def main() -> None:
    """Print every table."""
    found = json.loads(Path(sys.argv[1]).read_text())
    measured = {name: values for name, values in found.items() if name != CANARIES}
    lines = ["## Do the verdicts predict exposure?", ""]
    for fpr in ("0.01", "0.001"):
        lines += [*exposure(measured, fpr), ""]
    lines += ["## Overlap beside its nulls", "", *overlaps(measured), ""]
    if CANARIES in found:
        lines += ["## Planted canaries", "", *canaries(found[CANARIES])]
    print("\n".join(lines))


def exposure(measured: dict, fpr: str) -> list[str]:
    """Tabulate the TPR of the judging attack by verdict, unanimous."""
    head = f"TPR at {float(fpr):.1%} FPR of members voted"
    first = f"| runs | margin | safe / vague / risky | {head} safe | vague | risky |"
    lines = [f"{first} Spearman with exposure |", "|---|---|---|---|---|---|---|"]
    for name, values in measured.items():
        for margin, said in values["margins"].items():
            judged = said["unanimous"]
            counts = " / ".join(str(count) for count in judged["counts"].values())
            rates = judged[f"tpr_at_{fpr}"]
            cells = [percent(rates.get(word)) for word in ("safe", "vague", "risky")]
            rho = number(said["spearman_with_exposure"])
            lines.append(f"| {NAMES[name]} | {margin} | {counts} | {' | '.join(cells)} | {rho} |")
    return lines


def overlaps(measured: dict) -> list[str]:
    """Tabulate the overlap of the safest 10, 25 and 50 percent, beside strangers and chance."""
    lines = [
        "| runs (train / test accuracy) | margin | bin | overlap | strangers | chance | Spearman |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, values in measured.items():
        title = f"{NAMES[name]} ({values['train_accuracy']:.1%} / {values['test_accuracy']:.1%})"
        for margin in ("signed", "abs", "excess"):
            said = values["margins"][margin]["agreement"]
            for bin_ in ("10%", "25%", "50%"):
                row = said[bin_]
                unseen = number(row["unseen"])
                if row["unseen"]["runs"] != row["overlap"]["runs"]:
                    unseen += f" ({row['unseen']['runs']} runs, chance {row['unseen_chance']:.4f})"
                lines.append(
                    f"| {title} | {margin} | {bin_} | {number(row['overlap'])} | {unseen} "
                    f"| {row['chance']:.4f} | {number(said['spearman'])} |"
                )
    return lines


def canaries(found: dict) -> list[str]:
    """Tabulate the share of each kind of canary that is voted risky, and safe."""
    lines = [
        "| margin, rule | " + " | ".join(f"{kind}: risky, safe" for kind in CANARY_KINDS) + " |",
        "|---|---|---|---|",
    ]
    for name, kinds in found.items():
        if isinstance(kinds, dict):
            cells = [
                f"{share(kinds[kind]['risky'])}, {share(kinds[kind]['safe'])}"
                for kind in CANARY_KINDS
            ]
            lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def percent(found: dict | None) -> str:
    """Write an estimate in percent."""
    if found is None:
        return "-"
    return f"{found['value']:.1%} [{found['low']:.1%}, {found['high']:.1%}]"


def number(found: dict) -> str:
    """Write an estimate."""
    return f"{found['value']:.3f} [{found['low']:.3f}, {found['high']:.3f}]"


def share(found: list) -> str:
    """Write a share and its interval."""
    return f"{found[0]:.0%} [{found[1]:.0%}, {found[2]:.0%}]"


if __name__ == "__main__":
    main()
