"""What a finished stage says on the command line: the findings so far, and the comparison."""

from pryproof.pipeline import findings
from pryproof.pipeline.results import Results, estimate
from pryproof.pipeline.rows import ROWS
from pryproof.pipeline.settings import Settings
from pryproof.pipeline.task import STAGES, TARGET


def summary(results: Results, settings: Settings, stage: str) -> list[tuple[str, str]]:
    """Return lines of what and how much, in the order of the road."""
    done = STAGES.index(stage)
    lines = []
    if done >= STAGES.index("value"):
        facts = results[f"value/{TARGET}/real"].facts
        counts = ", ".join(f"{count} {name}" for name, count in facts["verdicts"].items())
        lines.append(("verdicts", f"{counts} ({facts['rule']} by the margin {facts['margin']})"))
    for finding in findings.collect(results, settings, stage=stage):
        sign = {True: "", False: "  <- " + finding.meaning, None: ""}[finding.good]
        lines.append((f"{finding.stage}: {finding.what}", f"{finding.value}{sign}"))
    if done >= STAGES.index("evaluate"):
        lines += _comparison(results)
    return lines


def _comparison(results: Results) -> list[tuple[str, str]]:
    facts = results["evaluate"].facts
    lines = []
    for row in facts["rows"]:
        test, tpr, auc, entropy = (
            estimate(row["test_accuracy"]),
            *(
                estimate(row["attacks"][name])
                for name in ("lira_tpr", "lira_auc", "modified_entropy")
            ),
        )
        leak = f"lira/offline TPR at 1% FPR {tpr}, AUC {auc}; modified_entropy {entropy}"
        lines.append((f"row {ROWS[row['name']].title}", f"test accuracy {test}; {leak}"))
    self_test = facts["self_test"]
    said = "passed" if self_test["passed"] else "FAILED: do not trust the comparison"
    lines.append(("self-test on models that never saw the images", said))
    return lines
