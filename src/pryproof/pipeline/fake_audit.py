"""What a check of fakes found: as a table, a page, and files; alarms first."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from os import PathLike
from pathlib import Path

import numpy as np

from pryproof.leakage.closeness import Closeness
from pryproof.leakage.copies import Copies, Found
from pryproof.pipeline.fake_quality import FakeQuality
from pryproof.pipeline.fake_sets import FakeSets
from pryproof.pipeline.leak_tests import Test
from pryproof.reporting.content import FakesContent, Finding, Grid
from pryproof.reporting.fakes_page import render_fakes
from pryproof.reporting.tables import fakes_markdown
from pryproof.store.files import encode_json, machine_errors, write_bytes
from pryproof.store.places import make_private

SHOWN = 16  # closest pairs on the page
LISTED = 100  # pairs in the file


LIMITS = """\
These tests detect copying. A generator may pass them and still tell its training images to other \
attacks: attack the classifiers trained with the fakes, and the generator itself, as well.
Averages do not certify single images: outliers may stay exposed, and which is not known.
A hold-out set that holds near duplicates of real images hides as many copies among fakes.
No feature space used here was trained on the real images. Others may show what these do not.
Alarms are corrected for the number of tests; the intervals shown are at that level."""


@dataclass(frozen=True, kw_only=True)
class FakeAudit:
    """What the tests found. ``alarms`` holds a sentence each; none is no proof that nothing leaks.

    ``spaces`` are the tests by feature space, ``confidence`` the level of their intervals.
    """

    sets: FakeSets
    tests: tuple[Test, ...]
    copies: Copies | None  # None: the images are too small to be moved about
    closest: Closeness
    quality: FakeQuality
    warnings: tuple[str, ...]
    spaces: tuple[str, ...]
    confidence: float
    seed: int

    @property
    def alarms(self) -> tuple[str, ...]:
        """The sentences of all tests that found copying."""
        return tuple(test.alarm for test in self.tests if test.alarm)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Every line of the leak tests, in order."""
        return tuple(line for test in self.tests for line in test.findings)

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Return columns and rows of what the command line prints."""
        rows = [
            [line.stage, line.what, str(line.value), _word(line.good)] for line in self.findings
        ]
        rows += [[line.stage, line.what, str(line.value), ""] for line in self.quality.findings]
        return ["seen in", "measure", "found", "as hoped"], rows

    def notes(self) -> list[str]:
        """Return alarms first, then warnings and what the intervals are."""
        alarms = [f"ALARM: {alarm}" for alarm in self.alarms] or ["no alarm"]
        level = f"intervals of leak tests at {self.confidence:.2%}; seed {self.seed}"
        return [*alarms, *self.warnings, level]

    def content(self) -> FakesContent:
        """Return what the page says."""
        sets = self.sets
        return FakesContent(
            title="Check of fakes",
            subtitle=f"{len(sets.fakes):,} fakes, learned from {len(sets.real):,} real images; "
            f"judged beside {len(sets.holdout):,} held-out ones",
            verdict="; ".join(self.alarms)
            or "No test finds the real images given away. That is no proof.",
            warnings=self.warnings,
            facts=tuple(_facts(self)),
            findings=self.findings,
            quality=self.quality.findings,
            classes=self.quality.classes,
            class_columns=self.quality.columns,
            grids=tuple(_grids(self)),
            limits=tuple(LIMITS.splitlines()),
            provenance=(
                ("Fakes", sets.fakes.name),
                ("Real images", sets.real.name),
                ("Held-out images", sets.holdout.name),
                ("Seed", str(self.seed)),
            ),
        )

    def json(self) -> str:
        """Return alarms, warnings and every estimate as text; NaN ("not estimable") is null."""
        return encode_json(self._plain()).decode()

    def _plain(self) -> dict[str, object]:
        return {
            "alarms": list(self.alarms),
            "warnings": list(self.warnings),
            "tests": [asdict(line) for line in self.findings],
            "quality": [asdict(line) for line in self.quality.findings],
            "classes": [
                {"class": name}
                | {what: asdict(one) for what, one in zip(self.quality.columns, row, strict=True)}
                for name, row in self.quality.classes
            ],
            "confidence": self.confidence,
            "seed": self.seed,
            "sizes": {
                "fakes": len(self.sets.fakes),
                "real": len(self.sets.real),
                "holdout": len(self.sets.holdout),
            },
            "closest": _closest(self),
        }

    def write(self, folder: str | PathLike[str]) -> dict[str, Path]:
        """Write ``fakes.html``, ``fakes.md`` and ``fakes.json``, readable by you alone."""
        place = Path(folder)
        page = self.content()
        files = {
            "fakes.html": render_fakes(page).encode(),
            "fakes.md": fakes_markdown(page).encode(),
            "fakes.json": encode_json(self._plain()),
        }
        with machine_errors(place):
            make_private(place)
        for name, data in files.items():
            write_bytes(place / name, data)
        return {name: place / name for name in files}


def _facts(audit: FakeAudit) -> Iterator[tuple[str, str]]:
    sets = audit.sets
    height, width, channels = sets.real.images.shape[1:]
    yield "Images", f"{height} x {width}, {'colour' if channels == 3 else 'gray'}"
    yield "Classes", str(len(sets.classes)) if sets.classes else "no labels"
    yield "Alarms", str(len(audit.alarms))
    yield "Feature spaces", ", ".join(audit.spaces)
    yield "Level of intervals", f"{audit.confidence:.2%}, corrected for all tests together"


def _word(good: bool | None) -> str:  # noqa: FBT001 - a finding's own value
    return {True: "yes", False: "NO", None: ""}[good]


def _grids(audit: FakeAudit) -> Iterator[Grid]:
    """Yield the closest pairs by distance, and the likeliest copies, each fake first."""
    near = audit.closest.pairs[:SHOWN]
    yield _grid(
        audit,
        near,
        [f"{distance:.0f}" for distance in audit.closest.pair_distance[:SHOWN]],
        title="Nearest in distance",
        caption=f"each fake beside the real image nearest to it in {audit.spaces[0]}, and how far",
    )
    if audit.copies is None:
        return
    found = audit.copies.fakes
    order = np.argsort(found.score, kind="stable")[:SHOWN]
    yield _grid(
        audit,
        np.stack([order, found.index[order]], axis=1),
        [f"{score:.2f}{' copy' if copy else ''}" for score, copy in _scored(found, order)],
        title="Likeliest copies",
        caption="each fake beside the real image it is most like once moved, mirrored and of the "
        "same contrast; what that leaves unexplained, 0 = the same picture",
    )


def _scored(found: Found, rows: np.ndarray) -> Iterator[tuple[float, bool]]:
    return zip(found.score[rows].tolist(), found.copy[rows].tolist(), strict=True)


def _grid(
    audit: FakeAudit, pairs: np.ndarray, captions: list[str], *, title: str, caption: str
) -> Grid:
    both = audit.sets.fakes.images[pairs[:, 0]], audit.sets.real.images[pairs[:, 1]]
    images = np.stack(both, axis=1).reshape(-1, *both[0].shape[1:])
    words = tuple(word for said in captions for word in (f"fake {said}", "real"))
    return Grid(title=title, caption=caption, images=images, captions=words, columns=8, group=2)


def _closest(audit: FakeAudit) -> dict[str, object]:
    """List the pairs to look at: positions of fake and real image, and how near."""
    near = zip(audit.closest.pairs.tolist(), audit.closest.pair_distance.tolist(), strict=True)
    by_distance = [{"fake": f, "real": r, "distance": d} for (f, r), d in near]
    if audit.copies is None:
        return {"by_distance": by_distance}
    found = audit.copies.fakes
    order = np.argsort(found.score, kind="stable")[:LISTED]
    by_likeness = [
        {"fake": int(row), "real": int(found.index[row]), "left": score, "copy": copy}
        for row, (score, copy) in zip(order, _scored(found, order), strict=True)
    ]
    return {"by_distance": by_distance, "by_likeness": by_likeness}
