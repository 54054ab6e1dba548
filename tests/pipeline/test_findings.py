"""What the generators' warnings and the judge of the transform become in the report."""

import re

import pytest

import pryproof as pp
from pryproof.intervals import wilson
from pryproof.pipeline.findings import judged, warned
from pryproof.pipeline.results import Results
from pryproof.store.workspace import Workspace


def share(hits: int, of: int = 100) -> dict[str, object]:
    low, high = wilson(hits, of)
    return {"value": hits / of, "low": float(low), "high": float(high), "n": of, "method": "w"}


def facts(source: int, moved: int, target: int, *, told: bool = False) -> dict[str, object]:
    shares = {"source": share(source), "moved": share(moved), "target": share(target)}
    return {"from": "safe", "to": "risky", "told_label": told, **shares}


@pytest.mark.parametrize(
    ("source", "moved", "target", "good", "words"),
    [
        (10, 80, 90, True, "moves images towards risky"),
        (10, 40, 90, True, "moves images towards risky"),
        (10, 12, 90, False, "not shown that safe images are moved towards risky"),
        (30, 45, 50, None, "intervals overlap"),
        (50, 95, 50, None, "cannot tell the domains apart"),
        (60, 99, 40, None, "cannot tell the domains apart"),
    ],
)
def test_the_judge_is_read_between_floor_and_ceiling(source, moved, target, good, words):
    found = judged(facts(source, moved, target))
    assert found.good is good
    assert words in found.meaning
    assert f"{source}% [" in found.meaning
    assert f"{target}% [" in found.meaning
    assert found.value.value == moved / 100
    assert "told the label" in judged(facts(source, moved, target, told=True)).what


def test_every_warning_is_a_finding_and_so_is_their_absence():
    found = list(warned("generate", "TAC-GAN", ["collapse: one", "classes: two"]))
    assert [each.good for each in found] == [False, False]
    assert [each.meaning for each in found] == ["Collapse: one.", "Classes: two."]
    assert len({each.what for each in found}) == 2  # keys of the summary
    (none,) = warned("generate", "TAC-GAN", [])
    assert none.good
    assert "no proof" in none.meaning


def test_warnings_of_the_generators_are_read_first_and_on_the_console(finished: pp.Study):
    workspace = Workspace.open(finished.path, study=finished.identity, create=False)
    results = Results(finished.tasks, workspace)
    told = {
        "generate": results["generator/target"].facts["warnings"],
        "transform": results["transform/target"].facts["warnings"]
        + results["premise"].facts["warnings"],
    }
    assert all(told.values())
    page = (finished.path / "report.md").read_text().replace("\\", "")  # Markdown's escapes
    console = [said for _, said in finished.summary("report")]
    for stage, sentences in told.items():
        for sentence in sentences:
            words = f"{sentence[:1].upper()}{sentence[1:]}."
            assert f"{stage}: {words}" in page
            assert any(words in said for said in console)


def test_the_judge_stands_beside_premise_and_cycle_error(finished: pp.Study):
    said = dict(finished.summary("transform"))
    for start, aim in (("safe", "risky"), ("risky", "safe")):
        what = (
            f"transform: {start} images moved to {aim} that an independent classifier calls {aim}"
        )
        assert re.match(r"\d\.\d", said[what])
    assert any("cycle error" in what for what in said)
