"""What defenses say of themselves: an epsilon, a warning, a reduced setting, a run taken back."""

from collections.abc import Iterator, Mapping
from typing import Any

from pryproof.pipeline.failures import FAILED
from pryproof.pipeline.results import Results
from pryproof.pipeline.rows import ROWS
from pryproof.pipeline.settings import Settings
from pryproof.pipeline.task import TARGET
from pryproof.reporting.content import Finding


def of_defenses(results: Results, settings: Settings) -> Iterator[Finding]:
    """Yield what the runs of every row have to say; most have nothing."""
    for name in settings.evaluate.rows:
        facts = left(results, name, runs=settings.evaluate.runs)
        title = ROWS[name].title
        if "epsilon" in facts[0]:
            yield _epsilon(title, facts[0])
        if "reduced" in facts[0]:
            yield _said(title, "a setting smaller than the published one", facts[0]["reduced"])
        warned = [each["warning"] for each in facts if "warning" in each]
        if warned:
            yield _said(title, f"a warning of {len(warned)} of {len(facts)} runs", warned[0])
        back = [each["rollbacks"] for each in facts if each.get("rollbacks")]
        if back:
            told = "Their loss was not finite; they went on at half the learning rate."
            yield _said(title, f"runs that diverged once: {len(back)} of {len(facts)}", told)


def left(results: Results, row: str, *, runs: int) -> list[Mapping[str, Any]]:
    """Return the facts of the first ``runs`` target runs of a row, without those that failed."""
    facts = [results[f"train/{TARGET}/{row}/{run}"].facts for run in range(runs)]
    return [each for each in facts if FAILED not in each]


def _epsilon(title: str, facts: Mapping[str, Any]) -> Finding:
    tighter = facts["epsilon_prv"]
    prv = "" if tighter is None else f", {tighter:.3g} by PRV accounting"
    return Finding(
        stage="evaluate",
        what=f"{title}: epsilon at delta {facts['delta']:g}",
        value=f"{facts['epsilon']:.3g}{prv}; noise {facts['noise']:.3g}, {facts['steps']} steps",
        good=None,
        meaning=" ".join(facts["caveats"]),
    )


def _said(title: str, what: str, meaning: str) -> Finding:
    return Finding(stage="evaluate", what=f"{title}: {what}", value="-", good=None, meaning=meaning)
