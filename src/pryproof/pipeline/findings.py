"""Does every stage learn? What was measured of each, and what it means for the rest of the road."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from pryproof.evaluation.estimates import not_estimable
from pryproof.intervals import wilson
from pryproof.pipeline.class_accuracy import JUDGED, share
from pryproof.pipeline.defense_findings import left, of_defenses
from pryproof.pipeline.failures import FAILED, why
from pryproof.pipeline.results import Results, estimate
from pryproof.pipeline.rows import ROWS
from pryproof.pipeline.settings import Settings
from pryproof.pipeline.task import CHOSEN, STAGES, TARGET
from pryproof.records import Estimate
from pryproof.reporting.content import Curve, Finding

LEAST_BINDING = 0.01  # share of batches below which RelaxLoss is plain cross entropy (methods 4)
NO_WARNING = "Nothing that is looked for went wrong; that is no proof of quality."


def collect(results: Results, settings: Settings, *, stage: str = "report") -> list[Finding]:
    """Return the findings of every stage up to ``stage`` whose results are stored."""
    done = STAGES.index(stage)
    found: list[Finding] = []
    for name, look in LOOKS.items():
        if STAGES.index(name) <= done:
            found += look(results, settings)
    return found


def alpha_words(results: Results, settings: Settings) -> str:
    """Say RelaxLoss's target of the runs that value the members."""
    alpha = settings.relax_loss.alpha
    if alpha != CHOSEN:
        return f"alpha = {alpha}"
    return f"alpha = {results[f'alpha/{TARGET}/real'].facts['alpha']}, {CHOSEN} by accuracy"


def _value(results: Results, settings: Settings) -> Iterator[Finding]:
    runs = left(results, "relax_loss", runs=settings.value.runs)
    binds = np.array([facts["binds"] for facts in runs], dtype=float)
    enough = bool(binds.mean() >= LEAST_BINDING)
    yield Finding(
        stage="value",
        what=f"batches in which RelaxLoss binds (loss below {alpha_words(results, settings)})",
        value=f"{binds.mean():.0%}, lowest run {binds.min():.0%} ({len(binds)} runs, last quarter)",
        good=enough,
        meaning="RelaxLoss acts on the ensemble."
        if enough
        else "RelaxLoss never binds: the ensemble is plain cross entropy. Raise relax_loss.alpha.",
    )
    arrays = results[f"value/{TARGET}/real"].arrays
    seen, unseen = share(arrays["called"]), share(arrays["called_unseen"])
    yield Finding(
        stage="value",
        what="members that M-entropy calls members, in runs that trained on them",
        value=seen,
        good=None,
        meaning="A true positive rate; it means nothing without the line below.",
        unit="%",
    )
    yield Finding(
        stage="value",
        what="the same images called members in runs that never saw them",
        value=unseen,
        good=seen.low > unseen.high,
        meaning="The ensemble tells seen from unseen."
        if seen.low > unseen.high
        else "The ensemble hardly tells seen from unseen images: verdicts rest on difficulty, "
        "not on exposure.",
        unit="%",
    )


def _generate(results: Results, settings: Settings) -> Iterator[Finding]:  # noqa: ARG001
    facts = results[f"generator/{TARGET}"].facts
    ratio, least = facts["diversity_ratio"], facts["diversity_ratio_least"]
    if ratio is not None and least is not None:
        yield Finding(
            stage="generate",
            what="variety of fakes within a class, relative to real images",
            value=f"{ratio:.2f}, poorest class {least:.2f}",
            good=None,
            meaning="1 is as varied as the members, 0 one image a class.",
        )
    yield from warned("generate", "TAC-GAN", facts["warnings"])


def warned(
    stage: str, name: str, warnings: Sequence[str], *, none: str = NO_WARNING
) -> Iterator[Finding]:
    """Yield what went wrong, one finding a warning; where nothing did, one that says so."""
    for number, sentence in enumerate(warnings, start=1):
        yield Finding(
            stage=stage,
            what=f"{name}: warning {number} of {len(warnings)}",
            value="warning",
            good=False,
            meaning=f"{sentence[:1].upper()}{sentence[1:]}.",
        )
    if not warnings:
        yield Finding(stage=stage, what=f"{name}: warnings", value="none", good=True, meaning=none)


def _transform(results: Results, settings: Settings) -> Iterator[Finding]:  # noqa: ARG001
    facts = results[f"transform/{TARGET}"].facts
    yield Finding(
        stage="transform",
        what="CycleGAN's cycle error on held-out images, range [-1, 1]",
        value=f"{facts['held_cycle']:.3f} (answering the mean image: {facts['constant']:.3f})",
        good=None,
        meaning="0 is there and back without a loss, which a transform that changes nothing has.",
    )
    yield Finding(
        stage="transform",
        what="how much the transform changes held-out images (L1)",
        value=f"safe to risky {facts['held_change_s2r']:.3f}, "
        f"risky to safe {facts['held_change_r2s']:.3f}",
        good=None,
        meaning="0 would mean that nothing is changed.",
    )
    yield Finding(
        stage="transform",
        what="correlation of held-out images with what they are mapped to, less every image's mean",
        value=f"safe to risky {facts['structure_s2r']:.2f}, "
        f"risky to safe {facts['structure_r2s']:.2f}",
        good=None,
        meaning="Below 0 images are inverted, which a cycle does not punish.",
    )
    yield from (judged(found) for found in facts["judged"])
    yield from warned("transform", "CycleGAN", facts["warnings"])
    yield from _premise(results)


def judged(facts: Mapping[str, Any]) -> Finding:
    """Say whether an independent classifier takes moved images for those of the other domain.

    Judged are images the CycleGAN did not train on. Between what it says of them untouched and of
    the other domain's own, moved ones should lie near the latter.
    """
    source, moved, target = (estimate(facts[name]) for name in ("source", "moved", "target"))
    start, aim = facts["from"], facts["to"]
    good, said = None, "The intervals overlap: neither success nor failure shows at this size."
    if not source.high < target.low:
        said = "The classifier cannot tell the domains apart: of the transform this says nothing."
    elif moved.low > source.high:
        good, said = True, f"The transform moves images towards {aim}."
    elif moved.high < target.low:
        good, said = False, f"It is not shown that {start} images are moved towards {aim} at all."
    beside = f"Untouched they are called {aim} in {_floor(source)}, {aim} images {_floor(target)}."
    return Finding(
        stage="transform",
        what=f"{start} images moved to {aim} that an independent classifier calls {aim}"
        + (", told the label" if facts["told_label"] else ""),
        value=moved,
        good=good,
        meaning=f"{said} {beside}",
        unit="%",
    )


def _floor(found: Estimate) -> str:
    return f"{found.value:.0%} [{found.low:.0%}, {found.high:.0%}]"


def _premise(results: Results) -> Iterator[Finding]:
    stored = results["premise"]
    arrays = stored.arrays
    for view, what in PREMISE.items():
        yield Finding(
            stage="transform",
            what=what,
            value=weighted(arrays[f"hits.{view}"], arrays[f"weights.{view}"]),
            good=None,
            meaning="Balanced accuracy; a guess scores 50%.",
            unit="%",
        )
    learnable = "Safe and risky look different within a class: there is something to learn."
    yield from warned("transform", "premise", stored.facts["warnings"], none=learnable)


def weighted(hits: np.ndarray, weights: np.ndarray) -> Estimate:
    """Estimate a weighted share of hits: Wilson's interval at the effective number of images."""
    if not weights.any():
        nan = float("nan")
        return Estimate(value=nan, low=nan, high=nan, n=0, method="no class has both domains")
    value, effective = float((hits * weights).sum()), float(1 / np.square(weights).sum())
    low, high = wilson(value * effective, effective)
    return Estimate(
        value=value,
        low=float(low),
        high=float(high),
        n=round(effective),
        method="Wilson at the effective number of images",
    )


LEAKS = "fakes, "  # begins the stage of a line of the leak audit

PREMISE = {
    "image": "safe told from risky by a small network, held-out images",
    "image_within": "the same within a class",
    "label": "safe told from risky by the class label alone",
    "pixels": "safe told from risky by nine pixel statistics",
    "pixels_within": "the same within a class",
}


def _protect(results: Results, settings: Settings) -> Iterator[Finding]:  # noqa: ARG001
    stored, protected = results["check_fakes"], results[f"protect/{TARGET}"].facts
    if FAILED in stored.facts:
        yield _unjudged(stored.facts)
        yield _protected_set(protected, "How much reals change was not measured.")
        yield from _told(results, "leaks")
        return
    chance = 1 / len(results["load"].facts["classes"])
    reals = share(stored.arrays["held_out_reals"])
    for name, what in JUDGED.items():
        found = share(stored.arrays[name])
        learned = found.low > chance
        yield Finding(
            stage="protect",
            what=f"class accuracy of {what}, by a classifier that saw none of them",
            value=found,
            good=learned if name != "held_out_reals" else None,
            meaning=f"Held-out real images reach {reals.value:.0%}, a guess {chance:.0%}."
            if learned
            else f"{what} carry no class: the interval holds chance ({chance:.0%}).",
            unit="%",
        )
    change = stored.facts["mean_change_of_reals"]
    yield _protected_set(protected, f"Reals change by {change:.3f} on average (L1, range [-1, 1]).")
    yield from _told(results, "leaks")


def _unjudged(facts: Mapping[str, Any]) -> Finding:
    return Finding(
        stage="protect",
        what="class accuracy of fakes and of what was moved",
        value=not_estimable(why(facts)),
        good=None,
        meaning="Nothing is known of the classes that fakes carry.",
        unit="%",
    )


def _protected_set(counts: Mapping[str, Any], meaning: str) -> Finding:
    return Finding(
        stage="protect",
        what="the protected set",
        value=f"reals {counts['real_kept']} kept, {counts['real_transformed']} transformed; "
        f"fakes {counts['fake_kept']} kept, {counts['fake_transformed']} transformed",
        good=None,
        meaning=meaning,
    )


def _told(results: Results, task: str) -> Iterator[Finding]:
    """Yield the lines that a step left in its facts; those of a feature space are of the fakes."""
    for line in results[task].facts["findings"]:
        value = line["value"]
        found = value if isinstance(value, str) else estimate(value)
        stage = line["stage"] if line["stage"] in STAGES else f"{LEAKS}{line['stage']}"
        yield Finding(**(line | {"value": found, "stage": stage}))


def _evaluate(results: Results, settings: Settings) -> Iterator[Finding]:
    """Say, for the undefended row and the ensemble's own, whether verdicts follow exposure."""
    yield from of_defenses(results, settings)
    for name in ("revalue", "migrate", "canaries"):
        if name in results:
            yield from _told(results, name)
    for row in results["evaluate"].facts["rows"]:
        found = {word: estimate(values) for word, values in row["by_verdict"].items()}
        known = {"safe", "risky"} <= found.keys()
        if row["name"] not in ("ce", "relax_loss") or not known or np.isnan(found["safe"].value):
            continue
        safe, risky = found["safe"], found["risky"]
        follows = risky.low > safe.high
        against = safe.low > risky.high
        yield Finding(
            stage="evaluate",
            what=f"do verdicts follow exposure? LiRA TPR at 1% FPR, {ROWS[row['name']].title}"
            + (" (the runs that voted)" if row["name"] == "relax_loss" else ""),
            value=f"voted risky {risky.value:.1%} [{risky.low:.1%}, {risky.high:.1%}], "
            f"voted safe {safe.value:.1%} [{safe.low:.1%}, {safe.high:.1%}]",
            good=True if follows else False if against else None,
            meaning="Members voted risky are the ones LiRA finds."
            if follows
            else f"In {ROWS[row['name']].title} the verdicts run against exposure: LiRA finds "
            "members voted safe more often than members voted risky. The margin sees difficulty."
            if against
            else "The intervals overlap: the verdicts say nothing of exposure at this size.",
        )


LOOKS = {
    "value": _value,
    "generate": _generate,
    "transform": _transform,
    "protect": _protect,
    "evaluate": _evaluate,
}


def curves(results: Results) -> list[Curve]:
    """Return the generators' training curves."""
    gan = results[f"generator/{TARGET}"].arrays
    cycle = results[f"transform/{TARGET}"].arrays
    wanted = (
        ("TAC-GAN", gan, ("d_loss", "g_loss", "ac_real", "twin"), "loss"),
        ("CycleGAN, held-out", cycle, ("held_cycle_safe", "held_cycle_risky"), "L1, range [-1, 1]"),
        (
            "CycleGAN, adversarial",
            cycle,
            ("g_s2r", "g_r2s", "d_risky", "d_safe"),
            "squared distance",
        ),
    )
    return [
        Curve(
            title=title,
            name=name.replace("_", " "),
            x=arrays["history.step"],
            y=arrays[f"history.{name}"],
            x_title="generator step",
            y_title=y_title,
        )
        for title, arrays, names, y_title in wanted
        for name in names
    ]
