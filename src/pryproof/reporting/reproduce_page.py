"""Reproduced figures as one offline HTML page and as Markdown, the claims first."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from plotly.offline import get_plotlyjs

from pryproof.records import Estimate
from pryproof.reporting.cells import SIGNS, Cell, Column, Table, count, duration, exact, measure
from pryproof.reporting.content import Grid
from pryproof.reporting.draw_panels import draw
from pryproof.reporting.figures import COLOURS, Plot
from pryproof.reporting.html import environment, policy, stylesheet
from pryproof.reporting.images import Picture, pictures
from pryproof.reporting.page import UNUSED_STYLES, json_data
from pryproof.reporting.panel_csv import panel_csv
from pryproof.reporting.panels import Images, Panel, estimates
from pryproof.reporting.panels import Table as TablePanel
from pryproof.reporting.reproduced import (
    ClaimLine,
    FigureContent,
    ReproduceContent,
    Verdict,
    file_name,
    summary,
)
from pryproof.reporting.tables import escape_markdown, numbers, pairs_markdown, table_markdown

VERDICT_SIGNS: dict[Verdict, str] = {"holds": "yes", "does not hold": "no", "cannot tell": "open"}
RULE = (
    "A claim holds if the whole interval lies on the claimed side of the bar, does not hold if all "
    "of it lies on the other side, and cannot be told otherwise, or where nothing was measured."
)
PRINTED = "Paper: its own number, where it prints one. It is not judged: sizes differ."
NO_CLAIM = "No claim is checked in this figure."
NO_PANEL = "This figure has no panel."


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A panel as the template shows it, in one of three forms, and the file of its numbers."""

    file: str
    plot: Plot | None = None
    table: Table | None = None
    gallery: tuple[Grid, tuple[tuple[Picture, ...], ...]] | None = None


def render_reproduced(content: ReproduceContent) -> str:
    """Write the whole page; plots link to the files of ``beside`` in the page's own folder."""
    grids = [panel for figure in content.figures for panel in _grids(figure)]
    style = stylesheet(grids, colours=COLOURS)
    library = get_plotlyjs().replace("\r\n", "\n")
    program = environment().get_template("report.js").render().strip()
    return (
        environment()
        .get_template("reproduce.html.j2")
        .render(
            content=content,
            summary=summary(_claims(content)),
            claims=claims_table(content.figures),
            figures=[(figure, figure_claims(figure), _shown(figure)) for figure in content.figures],
            cost=cost,
            numbers=numbers(reproduced_estimates(content)),
            no_claim=NO_CLAIM,
            no_panel=NO_PANEL,
            images=bool(grids),
            signs=SIGNS,
            data=json_data,
            style=style,
            scripts=(library, program),
            unused_styles=sorted(set(UNUSED_STYLES.findall(library))),
            policy=policy(style, (library, program)),
        )
    )


def reproduced_markdown(content: ReproduceContent) -> str:
    """Write the same page as Markdown: its words and every table, plots by their files."""
    parts = [
        f"# {escape_markdown(content.title)}",
        escape_markdown(content.subtitle),
        f"**{escape_markdown(summary(_claims(content)))}**",
        pairs_markdown("Facts", content.facts) if content.facts else "",
    ]
    claims = claims_table(content.figures)
    parts.append(table_markdown(claims) if claims.rows else "")
    for figure in content.figures:
        parts += _figure_markdown(figure)
    every = numbers(reproduced_estimates(content))
    parts.append(table_markdown(every) if every.rows else "")
    if content.limits:
        parts += ["## What this is too small to show", _listed(content.limits)]
    if content.provenance:
        parts.append(pairs_markdown("Provenance", content.provenance))
    return "\n\n".join(part for part in parts if part) + "\n"


def beside(content: ReproduceContent) -> Iterator[tuple[str, str]]:
    """Yield name and text of the CSV file of every panel, which belong beside the page."""
    for figure in content.figures:
        for place, panel in enumerate(figure.panels):
            yield file_name(figure.name, place, "csv"), panel_csv(panel)


def claims_table(figures: Sequence[FigureContent]) -> Table:
    """List every claim beside its measurement and what that says of it."""
    named = [(figure, claim) for figure in figures for claim in figure.claims]
    where = Column(title="Figure")
    table = _claims_table("Does what the paper says hold here?", [claim for _, claim in named])
    rows = [
        (row[0], Cell(text=figure.name, detail=figure.source), *row[1:])
        for (figure, _), row in zip(named, table.rows, strict=True)
    ]
    return replace(
        table,
        columns=(table.columns[0], where, *table.columns[1:]),
        rows=tuple(rows),
        notes=(RULE, PRINTED),
    )


def figure_claims(figure: FigureContent) -> Table:
    """List the claims of one figure."""
    return _claims_table(f"Claims of {figure.name}", figure.claims)


def _claims_table(title: str, claims: Sequence[ClaimLine]) -> Table:
    return Table(
        title=title,
        columns=(
            Column(title="Claim"),
            Column(title="It must be that"),
            Column(title="Paper", number=True),
            Column(title="Measured", number=True),
            Column(title="n", number=True),
            Column(title="Runs", number=True),
            Column(title="Verdict"),
        ),
        rows=tuple(_claim(claim) for claim in claims),
    )


def _claim(claim: ClaimLine) -> tuple[Cell, ...]:
    printed = "–" if claim.printed is None else exact(claim.printed)  # noqa: RUF001 - none printed
    return (
        Cell(text=claim.sentence),
        Cell(text=f"{claim.quantity}: {claim.side} {exact(claim.bar)}"),
        Cell(text=printed),
        measure(claim.estimate),
        Cell(text=count(claim.estimate.n)),
        Cell(text=count(claim.estimate.runs)),
        Cell(text=claim.verdict, signs=(VERDICT_SIGNS[claim.verdict],)),
    )


def panel_table(panel: TablePanel) -> Table:
    """Write a table panel in the page's cells; a column of estimates alone is one of numbers."""
    columns = list(zip(*(cells for _, cells in panel.rows), strict=True))
    numeric = [all(isinstance(cell, Estimate) for cell in column) for column in columns]
    numeric = numeric or [True] * len(panel.columns)
    return Table(
        title=panel.title,
        columns=(
            Column(title=""),
            *(
                Column(title=title, number=number)
                for title, number in zip(panel.columns, numeric, strict=True)
            ),
        ),
        rows=tuple(
            (
                Cell(text=name),
                *(measure(cell) if isinstance(cell, Estimate) else Cell(text=cell) for cell in row),
            )
            for name, row in panel.rows
        ),
    )


def cost(figure: FigureContent) -> str:
    """Say what a figure cost."""
    tasks = "1 task" if figure.tasks == 1 else f"{count(figure.tasks)} tasks"
    seconds = duration(figure.seconds)
    return f"{seconds} of one core for {tasks}, those that other figures share included"


def reproduced_estimates(content: ReproduceContent) -> Iterator[tuple[str, str, Estimate]]:
    """Walk over every estimate of the page: its claims and its panels."""
    for figure in content.figures:
        for claim in figure.claims:
            yield f"{figure.name}, claim", claim.quantity, claim.estimate
        for panel in figure.panels:
            for what, found in estimates(panel):
                yield f"{figure.name}, {panel.title}", what, found


def _claims(content: ReproduceContent) -> list[ClaimLine]:
    return [claim for figure in content.figures for claim in figure.claims]


def _grids(figure: FigureContent) -> list[Grid]:
    return [_grid(panel) for panel in figure.panels if isinstance(panel, Images)]


def _grid(panel: Images) -> Grid:
    return Grid(
        title=panel.title,
        caption="",
        images=panel.images,
        captions=panel.captions,
        columns=panel.columns,
    )


def _shown(figure: FigureContent) -> list[Shown]:
    return [
        _panel(panel, file_name(figure.name, place, "csv"))
        for place, panel in enumerate(figure.panels)
    ]


def _panel(panel: Panel, file: str) -> Shown:
    match panel:
        case TablePanel():
            return Shown(file=file, table=panel_table(panel))
        case Images():
            grid = _grid(panel)
            return Shown(file=file, gallery=(grid, pictures(grid)))
        case _:
            return Shown(file=file, plot=draw(panel))


def _figure_markdown(figure: FigureContent) -> Iterator[str]:
    """Write one figure: source, cost, claims, tables, and the files that hold the other panels."""
    yield f"## {escape_markdown(figure.name)}: {escape_markdown(figure.title)}"
    yield f"Source: {escape_markdown(figure.source)}. Cost: {escape_markdown(cost(figure))}."
    yield _titled(figure_claims(figure)) if figure.claims else NO_CLAIM
    for place, panel in enumerate(figure.panels):
        if isinstance(panel, TablePanel):
            yield _titled(panel_table(panel))
        else:
            name = file_name(figure.name, place, "csv")
            title, file = escape_markdown(panel.title), escape_markdown(name)
            yield f"### {title}\n\nThe numbers are in the file {file}."
    if not figure.panels:
        yield NO_PANEL
    if figure.notes:
        yield _listed(figure.notes)


def _listed(lines: Sequence[str]) -> str:
    return "\n".join(f"- {escape_markdown(line)}" for line in lines)


def _titled(table: Table) -> str:
    """Write a table one level below its figure, its heads escaped, which may hold given names."""
    columns = [replace(column, title=escape_markdown(column.title)) for column in table.columns]
    return "#" + table_markdown(
        replace(table, title=escape_markdown(table.title), columns=tuple(columns))
    )
