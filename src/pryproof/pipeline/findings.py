"""Does every stage learn? What was measured of each, and what it means for the rest of the road."""

from collections.abc import Iterator

import numpy as np

from pryproof.evaluation.estimates import mean_accuracy
from pryproof.intervals import wilson
from pryproof.pipeline.defense_findings import of_defenses
from pryproof.pipeline.plan import STAGES, TARGET
from pryproof.pipeline.results import Results, estimate
from pryproof.pipeline.rows import ROWS
from pryproof.pipeline.settings import Settings
from pryproof.records import Estimate
from pryproof.reporting.content import Curve, Finding

LEAST_BINDING = 0.01  # share of batches below which RelaxLoss is plain cross entropy (methods 4)
MOST_CYCLE = 0.1  # held-out cycle error, range [-1, 1] (methods 7)
LEAST_WITHIN = (
    0.6  # within-class accuracy below which only class or contrast is learned (findings 4)
)
LEAST_VARIETY = 0.5  # of the fakes' spread within a class, against the reals'


def collect(results: Results, settings: Settings, *, stage: str = "report") -> list[Finding]:
    """Return the findings of every stage up to ``stage`` whose results are stored."""
    done = STAGES.index(stage)
    found: list[Finding] = []
    for name, look in LOOKS.items():
        if STAGES.index(name) <= done:
            found += look(results, settings)
    return found


def share(hits: np.ndarray) -> Estimate:
    """Return the share of hits, one a sample, with its interval."""
    return mean_accuracy(np.atleast_2d(hits).astype(np.float64))


def _value(results: Results, settings: Settings) -> Iterator[Finding]:
    runs = range(settings.value.runs)
    binds = np.array(
        [results[f"train/{TARGET}/relax_loss/{k}"].facts["binds"] for k in runs], dtype=float
    )
    enough = bool(binds.mean() >= LEAST_BINDING)
    yield Finding(
        stage="value",
        what=f"batches in which RelaxLoss binds (loss below alpha = {settings.relax_loss.alpha})",
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
    facts = results[f"generate/{TARGET}"].facts
    ratio, least = facts["diversity_ratio"], facts["diversity_ratio_least"]
    if ratio is None or least is None:
        return
    varied = ratio >= LEAST_VARIETY
    yield Finding(
        stage="generate",
        what="variety of fakes within a class, relative to real images",
        value=f"{ratio:.2f}, poorest class {least:.2f} (1 = as varied as the members)",
        good=varied,
        meaning="The generator has not collapsed."
        if varied
        else "The generator repeats itself: its fakes are far less varied than real images.",
    )


def _transform(results: Results, settings: Settings) -> Iterator[Finding]:  # noqa: ARG001
    facts = results[f"transform/{TARGET}"].facts
    cycle = float(facts["held_cycle"])
    yield Finding(
        stage="transform",
        what="CycleGAN's cycle error on held-out images, range [-1, 1]",
        value=f"{cycle:.3f} (answering the mean image: {facts['constant']:.3f})",
        good=cycle < MOST_CYCLE,
        meaning="The cycle closes: content survives the way there and back."
        if cycle < MOST_CYCLE
        else f"The cycle does not close (above {MOST_CYCLE}): more steps are needed.",
    )
    yield Finding(
        stage="transform",
        what="how much the transform changes held-out images (L1)",
        value=f"safe to risky {facts['held_change_s2r']:.3f}, "
        f"risky to safe {facts['held_change_r2s']:.3f}",
        good=None,
        meaning="0 would mean that nothing is changed.",
    )
    likeness = min(facts["likeness_s2r"], facts["likeness_r2s"])
    yield Finding(
        stage="transform",
        what="lowest correlation of held-out images with what they are mapped to",
        value=f"{likeness:.2f}",
        good=likeness > 0,
        meaning="Images are not inverted, which a cycle alone would not punish."
        if likeness > 0
        else "The transform inverts images; the cycle does not punish that. Set "
        "transform.identity_weight = 0.5.",
    )
    yield from _premise(results)


def _premise(results: Results) -> Iterator[Finding]:
    arrays = results["premise"].arrays
    for view, what in PREMISE.items():
        found = weighted(arrays[f"hits.{view}"], arrays[f"weights.{view}"])
        good = found.value >= LEAST_WITHIN if view == "image_within" else None
        yield Finding(
            stage="transform",
            what=what,
            value=found,
            good=bool(good) if good is not None and not np.isnan(found.value) else None,
            meaning={
                None: "Balanced accuracy; a guess scores 50%.",
                True: "Safe and risky look different within a class: there is something to learn.",
                False: "Within a class safe and risky can hardly be told apart: the transform can "
                "learn little but class or contrast.",
            }[good],
            unit="%",
        )


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


PREMISE = {
    "image": "safe told from risky by a small network, held-out images",
    "image_within": "the same within a class",
    "label": "safe told from risky by the class label alone",
    "pixels": "safe told from risky by nine pixel statistics",
    "pixels_within": "the same within a class",
}


def _protect(results: Results, settings: Settings) -> Iterator[Finding]:  # noqa: ARG001
    stored = results["check_fakes"]
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
    counts = stored.facts | results[f"protect/{TARGET}"].facts
    yield Finding(
        stage="protect",
        what="the protected set",
        value=f"reals {counts['real_kept']} kept, {counts['real_transformed']} transformed; "
        f"fakes {counts['fake_kept']} kept, {counts['fake_transformed']} transformed",
        good=None,
        meaning=f"Reals change by {counts['mean_change_of_reals']:.3f} on average (L1, range "
        "[-1, 1]).",
    )


JUDGED = {
    "held_out_reals": "real images",
    "safer_reals": "members moved to safe",
    "fakes": "fakes",
    "riskier_fakes": "fakes moved to risky",
}


def _evaluate(results: Results, settings: Settings) -> Iterator[Finding]:
    """Say, for the undefended row and the ensemble's own, whether verdicts follow exposure."""
    yield from of_defenses(results, settings)
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
    gan = results[f"generate/{TARGET}"].arrays
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
