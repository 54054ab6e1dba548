"""leaks: what the fakes give away of members, and whether a transform hides the original."""

from collections.abc import Iterator
from dataclasses import asdict

import numpy as np

from pryproof.leakage.reidentification import Reidentification, reidentification
from pryproof.pipeline.check_fakes import SPACES, audited
from pryproof.pipeline.fake_audit import FakeAudit
from pryproof.pipeline.fake_sets import fake_sets
from pryproof.pipeline.steps.call import Call, Loaded, Result
from pryproof.quality.extractors import extractor
from pryproof.records import Estimate
from pryproof.reporting.content import Finding

MOST = 2_000  # transformed members looked for: the table has a row for each and a column an image


def leaks(call: Call) -> Result:
    """Audit the target's fakes beside images that nobody trains on; facts hold every line.

    The shadow fold's fakes are the reference: its generator saw neither members nor hold-out.
    """
    data = Loaded.of(call.inputs["load"])
    members, outside = data.fold(call.settings["fold"]), data.parts["outside"]
    made, other = call.inputs["generate"].arrays, call.inputs["reference"].arrays
    sets = fake_sets(
        (made["fakes"], made["fakes_labels"]),
        (data.images[members], data.labels[members]),
        (data.images[outside], data.labels[outside]),
        reference=(other["fakes"], other["fakes_labels"]),
    )
    seed = call.settings["seed"]
    found = audited(sets, [extractor(name) for name in SPACES], seed=seed, progress=call.progress)
    again = _refound(call, data)
    lines = [*found.findings, *_of_transform(again)]
    facts = {
        "findings": [asdict(line) for line in lines],
        "alarms": list(found.alarms),
        "warnings": list(found.warnings),
        "confidence": found.confidence,
        "audit": list(_sentences(found, again)),
    }
    arrays = {"pairs": found.closest.pairs, "pair_distance": found.closest.pair_distance}
    return Result(arrays, facts)


def _refound(call: Call, data: Loaded) -> Reidentification:
    """Look for members by what G_r2s makes of them, among members and images outside."""
    members, outside = data.fold(call.settings["fold"]), data.parts["outside"]
    among = np.concatenate([data.images[members], data.images[outside]])
    moved = call.inputs["transform"].arrays["safer_reals"]
    chosen = np.arange(len(moved))[:MOST]
    return reidentification(moved[chosen], among, chosen, seed=call.settings["seed"])


def _of_transform(found: Reidentification) -> Iterator[Finding]:
    yield Finding(
        stage="transform",
        what="members found behind G_r2s(x)",
        value=found.by_pixels.rate,
        good=None,
        meaning="share of transformed members to which no image lies nearer than their original; "
        f"{found.chance:.2%} is a guess. Near 1, as a cycle asks for: not anonymised.",
        unit="%",
    )
    same, others = (float(np.mean(pairs.ssim)) for pairs in (found.own, found.random))
    yield Finding(
        stage="transform",
        what="likeness of x and G_r2s(x)",
        value=f"SSIM {same:.2f}, of unrelated images {others:.2f}",
        good=None,
        meaning="1 = the same picture",
    )


def _sentences(audit: FakeAudit, again: Reidentification) -> Iterator[str]:
    """Say what a data card should: alarms or that there is none, and what was looked at."""
    yield from (f"Alarm: {alarm}." for alarm in audit.alarms)
    if not audit.alarms:
        yield "No leak test of the fakes raised an alarm. That is no proof that nothing leaks."
    yield f"{_percent(again.by_pixels.rate)} of transformed members are found again by pixels."


def _percent(found: Estimate) -> str:
    return f"{found.value:.1%} [{found.low:.1%}, {found.high:.1%}]"
