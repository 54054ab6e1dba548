"""From stored results to the content of the report: sentences and estimates, no layout."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pryproof.evaluation.estimates import not_estimable
from pryproof.pipeline import failures, findings, pictures
from pryproof.pipeline.canary_rows import canary_rows
from pryproof.pipeline.class_accuracy import JUDGED, by_class
from pryproof.pipeline.results import Results, estimate
from pryproof.pipeline.rows import ROWS, SetName
from pryproof.pipeline.run import Keyed
from pryproof.pipeline.settings import Settings
from pryproof.pipeline.steps.call import Loaded
from pryproof.pipeline.task import EARLY, SHADOW, STAGES, TARGET
from pryproof.records import Estimate
from pryproof.reporting.content import (
    Content,
    Curve,
    Finding,
    OverlapRow,
    Row,
    SelfTestLine,
    Stage,
)
from pryproof.store.workspace import Stored, Workspace

LIMITS = """\
Membership inference is a lower bound on what leaks: an attack that finds nothing proves nothing. \
Nothing here is a formal guarantee.
G_r2s(x) is a device of training, not an anonymised image: cycle consistency forces x to be \
recoverable from it. Do not publish transformed images as synthetic data.
In the comparison members are attacked as the originals. An attacker who owns or rebuilds the \
transform and queries with G_r2s(x) stands among the findings, where the rows for it are there.
LiRA here is the offline form: the shadows repeat each row's whole road (valuation, generators, \
protected set, training) on images disjoint from everything judged, so they never saw a judged \
image. The online form, whose shadows train on half of the judged images, is stronger.
Verdicts are relative to this training set, these runs and this attack; a plain margin mixes \
exposure with difficulty, so the overlap stands beside runs that never saw the images.
Rows have equal epochs but where their name says equal steps: others with fakes take more steps, \
shown in the table.
Intervals are at 95% and hold for these images and runs: they do not cover another data set, \
split or network."""

OPTIMIZERS = {"sgd": "SGD", "adamw": "AdamW"}
CONTROLS: dict[SetName, str] = {
    "noise": "noise images",
    "copies": "static copies",
    "extra": "extra real images",
}


def build(
    settings: Settings, tasks: Sequence[Keyed], workspace: Workspace, *, reused: set[str]
) -> Content:
    """Gather everything the report says."""
    results = Results(tasks, workspace)
    data = Loaded.of(results["load"])
    judged = results["evaluate"]
    real, fake = results[f"value/{TARGET}/real"], results[f"value/{TARGET}/fake"]
    rows = tuple(_row(values, results, settings) for values in judged.facts["rows"])
    found = findings.collect(results, settings)
    self_test = judged.facts["self_test"]
    return Content(
        title=f"pryproof: {settings.name}",
        subtitle=(
            f"{data.size('members')} training images, {len(data.classes)} classes, "
            f"{settings.train.model}; does it give its training images away, and what helps?"
        ),
        verdict=_verdict(rows),
        warnings=tuple(_warnings(settings, results, data, found)),
        facts=tuple(_facts(settings, data, results, valued_by=real.facts["runs"])),
        verdicts={"real": real.facts["verdicts"], "fake": fake.facts["verdicts"]},
        verdict_rule=f"real: {_rule(real)}, fake: {_rule(fake)}",
        overlaps=tuple(_overlaps(tasks, results)),
        findings=tuple(found),
        canaries=tuple(canary_rows(results)),
        rows=rows,
        classes=tuple(by_class(results, data)),
        class_columns=tuple(JUDGED.values()),
        self_test=tuple(
            SelfTestLine(
                row=ROWS[line["row"]].title,
                attack=line["attack"],
                metric=line["metric"],
                estimate=estimate(line["estimate"]),
            )
            for line in self_test["lines"]
        ),
        self_test_passed=self_test["passed"],
        self_test_level=(
            f"{self_test['confidence']:.2%} intervals: 95% corrected for {len(self_test['lines'])} "
            "comparisons"
        ),
        stages=tuple(stages(tasks, results, reused=reused)),
        grids=tuple(pictures.grids(results, data)),
        curves=tuple(_curves(results, judged, settings)),
        limits=tuple(_limits(settings)),
        provenance=tuple(_provenance(results)),
    )


def _limits(settings: Settings) -> list[str]:
    asked = {ROWS[name].trains_on for name in settings.evaluate.rows}
    missing = [words for name, words in CONTROLS.items() if name not in asked]
    said = LIMITS.splitlines()
    if missing:
        among = f"{', '.join(missing[:-1])} and {missing[-1]}" if missing[1:] else missing[0]
        said.append(
            f"Of what tells the method from merely more data, {among} are not among the rows."
        )
    return said


def _rule(value: Stored) -> str:
    return f"{value.facts['rule']} by the margin {value.facts['margin']}"


def _row(values: Mapping[str, Any], results: Results, settings: Settings) -> Row:
    name = values["name"]
    seconds = sum(
        float(results.record(item.task.name)["seconds"])
        for item in results.tasks
        if item.task.name.startswith(f"train/{TARGET}/{name}/")
        and int(item.task.name.rsplit("/", 1)[1]) < settings.evaluate.runs
    )
    return Row(
        name=name,
        title=ROWS[name].title,
        note=ROWS[name].note,
        runs=values["runs"],
        shadows=values["shadows"],
        train_accuracy=estimate(values["train_accuracy"]),
        test_accuracy=estimate(values["test_accuracy"]),
        attacks={key: estimate(value) for key, value in values["attacks"].items()},
        by_verdict={key: estimate(value) for key, value in values["by_verdict"].items()},
        epochs=values["epochs"],
        steps=values["steps"],
        seconds=seconds,
    )


def _share(found: Estimate) -> str:
    return f"{found.value:.1%} [{found.low:.1%}, {found.high:.1%}]"


def _verdict(rows: Sequence[Row]) -> str:
    """Say what the comparison shows, claiming a difference only where intervals part."""
    by_name = {row.name: row for row in rows}
    said = []
    base = by_name.get("ce")
    if base is not None and not np.isnan(base.attacks["lira_tpr"].value):
        said.append(
            f"Undefended, LiRA finds {_share(base.attacks['lira_tpr'])} of the training images "
            "at 1% false alarms."
        )
    method, dull = by_name.get("fakes_transformed"), by_name.get("ce_crop_flip")
    said += [
        f"{row.title}: {_share(row.attacks['lira_tpr'])} at test accuracy "
        f"{_share(row.test_accuracy)}."
        for row in (method, dull)
        if row is not None and not np.isnan(row.attacks["lira_tpr"].value)
    ]
    if method is not None and dull is not None:
        said.append(_against(method, dull))
    return " ".join(said) or "No undefended row was evaluated."


def _against(method: Row, dull: Row) -> str:
    ours, theirs = method.attacks["lira_auc"], dull.attacks["lira_auc"]
    if ours.high < theirs.low:
        return "By LiRA AUC the transformed fakes leak less than crop and flip alone."
    if ours.low > theirs.high:
        return "By LiRA AUC the transformed fakes leak more than crop and flip alone."
    return (
        "By LiRA AUC the transformed fakes and crop and flip alone cannot be told apart at this "
        "size: the intervals overlap."
    )


def _warnings(
    settings: Settings, results: Results, data: Loaded, found: Sequence[Finding]
) -> list[str]:
    rule = results[f"value/{TARGET}/real"].facts["rule"]
    said = _left_out(results)
    said += [
        f"{finding.stage}: {finding.meaning}"
        for finding in found
        if finding.good is False and not finding.stage.startswith(findings.LEAKS)
    ]
    leaks = results["leaks"].facts
    said += [f"Fakes: {sentence}." for sentence in leaks["alarms"]]
    said += [f"Fakes: {sentence}" for sentence in leaks["warnings"]]
    if rule != settings.value.rule:
        said.append(
            f"The runs agree on too few images for the rule {settings.value.rule}: verdicts are by "
            "mean rank."
        )
    evaluation = data.size("evaluation")
    if evaluation < 1000:
        said.append(
            f"Only {evaluation} non-members: 1% false alarms are {evaluation // 100} images, so "
            "the headline is coarse."
        )
    if _mixed([results.record(item.task.name)["fingerprint"] for item in results.tasks]):
        said.append("Results come from more than one numeric fingerprint (see provenance).")
    return [*said, *results["load"].facts["notices"]]


def _left_out(results: Results) -> list[str]:
    """Say which runs diverged, and what was not made for want of them."""
    tasks = [item.task for item in results.tasks]
    made = {t.name: results[t.name].facts for t in tasks if t.step in ("attack", "value")}
    made |= {"check_fakes": results["check_fakes"].facts}
    hindered = [
        f"Not made: {name} ({failures.why(facts)})."
        for name, facts in made.items()
        if failures.FAILED in facts
    ]
    return failures.said(tasks, results.failed_runs()) + hindered


def _facts(
    settings: Settings, data: Loaded, results: Results, *, valued_by: int
) -> list[tuple[str, str]]:
    sizes = {name: part.stop - part.start for name, part in data.parts.items()}
    shadows = sum(size for name, size in sizes.items() if name.startswith(SHADOW))
    extra = len(results["extra"].arrays["labels"]) if "extra" in results else 0
    height, width, channels = data.shape
    value, train, evaluate = settings.value, settings.train, settings.evaluate
    left = "" if valued_by == value.runs else f"{valued_by} of "
    ensemble = (
        f"{left}{value.runs} RelaxLoss runs ({findings.alpha_words(results, settings)}), "
        f"M-entropy, margin {value.margin}, rule {value.rule}, "
        f"safest and riskiest {value.share:.0%}"
    )
    training = (
        f"{train.model}, {train.epochs} epochs, batch {train.batch}, "
        f"{OPTIMIZERS[train.optimizer]}, peak rate {train.learning_rate}"
    )
    shadowing = (
        f"{evaluate.shadow_folds} shadow fold(s) repeating the whole road, {evaluate.shadows} runs "
        "of every row in each"
    )
    return [
        ("Images", f"{width} x {height}, {'gray' if channels == 1 else 'colour'}"),
        ("Classes", ", ".join(data.classes)),
        ("Members (trained on)", str(sizes["members"])),
        ("Non-members judged", str(sizes["evaluation"])),
        (
            "Reference",
            f"{sizes['outside']} nobody trains on, {shadows} for shadow folds"
            + (f", {extra} for the rows of extra reals" if extra else ""),
        ),
        ("Valuation", ensemble),
        ("Training", training),
        ("Judged by", shadowing),
        ("Seed", str(settings.seed)),
    ]


def _overlaps(tasks: Sequence[Keyed], results: Results) -> list[OverlapRow]:
    """Return the ensemble's agreement, and that of early-stopped runs where there are some."""
    rows = _overlaps_of(results[f"value/{TARGET}/real"], "RelaxLoss runs")
    second = f"value/{TARGET}/{EARLY}"
    made = any(item.task.name == second for item in tasks)
    if made and failures.FAILED not in results[second].facts:
        rows += _overlaps_of(results[second], "CE runs stopped early")
    return rows


def _overlaps_of(value: Stored, runs: str) -> list[OverlapRow]:
    own = value.facts["overlap"]
    # margins that need strangers of their own may leave too few to compare with
    unseen_rows = value.facts.get("overlap_unseen") or [None] * len(own)
    pairs = zip(own, unseen_rows, strict=True)
    return [
        OverlapRow(
            name=f"{seen['runs']} {runs}",
            bin=f"safest {seen['bin'][1]:.0%}",
            ratio=estimate(seen["ratio"]),
            chance=seen["chance"],
            unseen=_beside(seen, unseen),
        )
        for seen, unseen in pairs
    ]


def _beside(seen: Mapping[str, Any], unseen: Mapping[str, Any] | None) -> Estimate:
    """Return the strangers' overlap where it is of as many runs: its chance level is another."""
    if unseen is None:
        return not_estimable("too few runs that never saw the images")
    if unseen["runs"] != seen["runs"]:
        return not_estimable(f"{unseen['runs']} runs, where {seen['runs']} are compared")
    return estimate(unseen["ratio"])


def stages(tasks: Sequence[Keyed], results: Results, *, reused: set[str]) -> list[Stage]:
    """Return what every stage cost in core seconds, all folds together."""
    rows = []
    for stage in STAGES[:-1]:
        names = [i.task.name for i in tasks if i.task.stage == stage and i.task.name in results]
        rows.append(
            Stage(
                name=stage,
                tasks=len(names),
                reused=sum(name in reused for name in names),
                seconds=sum(float(results.record(name)["seconds"]) for name in names),
                note="one core, all folds together",
            )
        )
    return rows


def _curves(results: Results, judged: Stored, settings: Settings) -> list[Curve]:
    curves = [
        Curve(
            title="LiRA ROC",
            name=ROWS[name].title,
            x=judged.arrays["roc.fpr"],
            y=judged.arrays[f"roc.{name}"],
            x_title="false positive rate",
            y_title="true positive rate",
            kind="roc",
        )
        for name in settings.evaluate.rows
    ]
    for name in settings.evaluate.rows:
        loss = _first_run(results, name).arrays["batch_loss"].mean(axis=1)
        curves.append(
            Curve(
                title="Classifier loss",
                name=ROWS[name].title,
                x=np.arange(1.0, len(loss) + 1),
                y=loss,
                x_title="epoch",
                y_title="cross entropy (nats)",
            )
        )
    return curves + findings.curves(results)


def _first_run(results: Results, row: str) -> Stored:
    """Return the first of a row's runs that is left."""
    runs = (results[name] for name in results.names(f"train/{TARGET}/{row}/"))
    return next(run for run in runs if failures.FAILED not in run.facts)


def _mixed(prints: Sequence[Mapping[str, str]]) -> bool:
    """Say whether fingerprints are of several machines, or of several kinds of device.

    Only a training names a device, so one that is missing differs from none.
    """
    devices = {parts["device"] for parts in prints if "device" in parts}
    machines = {
        tuple(sorted(parts.items() - {("device", parts.get("device"))})) for parts in prints
    }
    return len(devices) > 1 or len(machines) > 1


def _fingerprints(results: Results) -> dict[str, int]:
    """Return every numeric fingerprint among the results, and how many carry it."""
    counts: dict[str, int] = {}
    for item in results.tasks:
        parts = results.record(item.task.name)["fingerprint"]
        said = ", ".join(f"{key} {value}" for key, value in sorted(parts.items()))
        counts[said] = counts.get(said, 0) + 1
    return counts


def _provenance(results: Results) -> list[tuple[str, str]]:
    prints = _fingerprints(results).items()
    lines = [(f"Fingerprint of {count} results", said) for said, count in prints]
    seconds = sum(float(results.record(item.task.name)["seconds"]) for item in results.tasks)
    return [*lines, ("Core seconds in all", f"{seconds:.0f}")]
