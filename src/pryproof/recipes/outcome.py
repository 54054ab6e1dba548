"""What a reproduction found: claims and figures, as a table, a page, and files."""

import csv
import io
import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from os import PathLike
from pathlib import Path
from typing import Any, cast

from pryproof.recipes.claims import Checked
from pryproof.recipes.figures import FIGURES
from pryproof.recipes.provenance import cost, facts, images, limits, provenance
from pryproof.recipes.reproduction import Measured
from pryproof.recipes.sizes import Size
from pryproof.reporting.cells import exact
from pryproof.reporting.panels import Table
from pryproof.reporting.paper_figures import paper
from pryproof.reporting.reproduce_page import beside, render_reproduced, reproduced_markdown
from pryproof.reporting.reproduced import (
    ClaimLine,
    FigureContent,
    ReproduceContent,
    Verdict,
    file_name,
    summary,
)
from pryproof.store.files import encode_json, machine_errors, write_bytes
from pryproof.store.places import make_private

COLUMNS = ("figure", "claim", "must be", "measured", "paper", "verdict")
CSV = (
    *("figure", "claim", "sentence", "quantity", "side", "bar", "printed"),
    *("value", "low", "high", "n", "runs", "confidence", "method", "verdict"),
)


@dataclass(frozen=True, kw_only=True)
class Reproduced:
    """Figures of the paper, measured at one size on one data set.

    ``digest`` names the images' content, ``changes`` the settings that differ from the size's,
    ``records`` say how every result came about, each once.
    """

    size: Size
    digest: str
    changes: tuple[str, ...]
    figures: tuple[Measured, ...]
    records: tuple[Mapping[str, Any], ...]

    @property
    def claims(self) -> tuple[tuple[str, Checked], ...]:
        """Every claim beside its measurement, after the name of its figure."""
        return tuple(
            (each.recipe.name, checked) for each in self.figures for checked in each.figure.claims
        )

    @property
    def missing(self) -> dict[str, str]:
        """Which figures could not be made, and why."""
        return {each.recipe.name: each.missing for each in self.figures if each.missing}

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Return columns and rows of what the command line prints."""
        return list(COLUMNS), [_row(name, checked) for name, checked in self.claims]

    def notes(self) -> list[str]:
        """Return the verdicts' count, what was not made, left out or warned of, the cost."""
        said = [summary([_line(checked) for _, checked in self.claims])]
        said += [f"NOT MADE: {name}: {why}" for name, why in self.missing.items()]
        for each in self.figures:
            said += [f"{each.recipe.name}: {line}" for line in (*each.left_out, *each.warned)]
        return [*said, f"{cost(self.records)} in all"]

    def content(self, *, earlier: Sequence[str] = ()) -> ReproduceContent:
        """Return what the page says; a figure that could not be made is named in its first line.

        ``earlier`` are files of panels beside the page that other commands wrote.
        """
        size = self.size
        others = f"{', '.join(earlier)}: their settings may differ, no claim here rests on them"
        lacking = f"Not made: {', '.join(self.missing)}. " if self.missing else ""
        return ReproduceContent(
            title=f"Reproduction at the size {size.name}",
            subtitle=f"{lacking}What the paper claims, measured anew on {images(size.base)}",
            facts=(
                *facts(size, self.digest, self.changes, self.records),
                *([("Files of earlier commands", others)] if earlier else []),
            ),
            figures=tuple(_figure(each) for each in self.figures),
            limits=limits(size),
            provenance=tuple(provenance(self.records)),
        )

    def json(self) -> str:
        """Return claims, figures, settings and origin as text; "not estimable" is null."""
        return encode_json(self._plain()).decode()

    def _plain(self) -> dict[str, object]:
        settings = self.size.base.model_dump(mode="json")
        settings["data"]["source"] = images(self.size.base)
        return {
            "size": self.size.name,
            "digest": self.digest,
            "changes": list(self.changes),
            "settings": settings,
            "claims": [
                {"figure": name, **asdict(checked.claim), **_found(checked)}
                for name, checked in self.claims
            ],
            "figures": [
                {
                    "name": each.recipe.name,
                    "title": each.recipe.title,
                    "source": each.recipe.source,
                    "seconds": each.seconds,
                    "tasks": each.tasks,
                    "notes": list(each.figure.notes),
                    "left_out": list(each.left_out),
                    "warned": list(each.warned),
                    "chosen": list(each.chosen),
                    "missing": each.missing,
                    "files": [
                        file_name(each.recipe.name, panel, "csv")
                        for panel in range(len(each.figure.panels))
                    ],
                }
                for each in self.figures
            ],
            "provenance": dict(provenance(self.records)),
        }

    def write(self, folder: str | PathLike[str], *, paper_figures: bool = False) -> dict[str, Path]:
        """Write page, claims and the numbers of every panel, readable by you alone.

        ``paper_figures`` adds SVG and PNG of every panel, which needs Matplotlib.
        """
        place, page = Path(folder), self.content()
        panels = {name: text.encode() for name, text in beside(page)}
        if paper_figures:
            panels |= dict(_drawn(page))
        with machine_errors(place):
            make_private(place)
            page = self.content(earlier=_earlier(place, panels))
        files = {
            "reproduce.html": render_reproduced(page).encode(),
            "reproduce.md": reproduced_markdown(page).encode(),
            "claims.json": encode_json(self._plain()),
            "claims.csv": _csv(self.claims).encode(),
        } | panels
        for name, data in files.items():
            write_bytes(place / name, data)
        return {name: place / name for name in files}


def require_paper() -> None:
    """Raise ConfigurationError where figures for a paper cannot be drawn; draws nothing of use."""
    paper(Table(title="", columns=(), rows=()))


def _row(name: str, checked: Checked) -> list[str]:
    claim = checked.claim
    return [
        name,
        f"{claim.sentence} ({claim.quantity})",
        f"{claim.side} {exact(claim.bar)}",
        str(checked.estimate),
        "" if claim.printed is None else exact(claim.printed),
        checked.verdict,
    ]


def _line(checked: Checked) -> ClaimLine:
    claim = checked.claim
    return ClaimLine(
        sentence=claim.sentence,
        quantity=claim.quantity,
        side=claim.side,
        bar=claim.bar,
        printed=claim.printed,
        estimate=checked.estimate,
        verdict=cast(Verdict, checked.verdict),
    )


def _figure(measured: Measured) -> FigureContent:
    recipe, figure = measured.recipe, measured.figure
    missing = (f"Not made: {measured.missing}.",) if measured.missing else ()
    return FigureContent(
        name=recipe.name,
        title=recipe.title,
        source=recipe.source,
        panels=figure.panels,
        claims=tuple(_line(checked) for checked in figure.claims),
        notes=(*missing, *measured.left_out, *measured.warned, *measured.chosen, *figure.notes),
        seconds=measured.seconds,
        tasks=measured.tasks,
    )


def _found(checked: Checked) -> dict[str, object]:
    return {**asdict(checked.estimate), "verdict": checked.verdict}


def _csv(claims: tuple[tuple[str, Checked], ...]) -> str:
    """Write claims a line each; what was not measured, or not printed, is an empty field."""
    text = io.StringIO()
    writer = csv.DictWriter(text, CSV, lineterminator="\n")
    writer.writeheader()
    for name, checked in claims:
        claim = {("claim" if k == "name" else k): v for k, v in asdict(checked.claim).items()}
        writer.writerow(
            {
                k: "" if v is None or (isinstance(v, float) and math.isnan(v)) else v
                for k, v in {"figure": name, **claim, **_found(checked)}.items()
            }
        )
    return text.getvalue()


def _drawn(page: ReproduceContent) -> Iterator[tuple[str, bytes]]:
    """Draw every panel for a paper, named as the file of its numbers is."""
    for figure in page.figures:
        for place, panel in enumerate(figure.panels):
            for suffix, data in paper(panel).items():
                yield file_name(figure.name, place, suffix), data


def _earlier(folder: Path, written: Collection[str]) -> list[str]:
    """Name the files of panels in a folder that are not among those written now."""
    panel = re.compile(rf"({'|'.join(map(re.escape, FIGURES))})-\d+\.(csv|svg|png)")
    names = sorted(path.name for path in folder.iterdir() if panel.fullmatch(path.name))
    return [name for name in names if name not in written]
