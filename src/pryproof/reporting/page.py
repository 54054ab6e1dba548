"""The report as one offline HTML page: it requests nothing, and no name can run in it."""

import json
import re

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from pryproof.reporting import figures
from pryproof.reporting.cells import SIGNS
from pryproof.reporting.content import VERDICTS, Content
from pryproof.reporting.html import environment, policy, stylesheet
from pryproof.reporting.images import pictures
from pryproof.reporting.tables import tables

# What would end a script element, or start a comment in one, inside JSON.
HARMLESS = {
    "<": "\\u003c",
    ">": "\\u003e",
    "&": "\\u0026",
    "\u2028": "\\u2028",
    "\u2029": "\\u2029",
}

# plotly.js carries the style of its maps and adds it at once, unless an element has this id.
UNUSED_STYLES = re.compile(r'getElementById\("([0-9a-f]{64})"\)')


def render(content: Content) -> str:
    """Write the whole page: text escaped, scripts and style named by hash in its policy."""
    style = stylesheet(content.grids, colours=figures.COLOURS)
    program = environment().get_template("report.js").render().strip()
    library = get_plotlyjs().replace("\r\n", "\n")
    comparison = figures.comparison(content.rows)
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            content=content,
            tables=tables(content),
            shares=_shares(content),
            signs=SIGNS,
            grids=[(grid, pictures(grid)) for grid in content.grids],
            comparison=comparison,
            plots=figures.curves(content.curves, content.rows),
            data=json_data,
            style=style,
            scripts=(library, program),
            unused_styles=sorted(set(UNUSED_STYLES.findall(library))),
            policy=policy(style, (library, program)),
        )
    )


def json_data(figure: go.Figure) -> str:
    """Write a figure as JSON that can stand in a script element."""
    text = json.dumps(json.loads(figure.to_json()), separators=(",", ":"))
    return "".join(HARMLESS.get(char, char) for char in text)


def _shares(content: Content) -> list[tuple[str, list[tuple[str, float, float]]]]:
    """Place the bars of the verdicts: per kind of image (verdict, start, width), in percent."""
    bars = []
    for kind, counts in content.verdicts.items():
        total = max(sum(counts[verdict] for verdict in VERDICTS), 1)
        start, parts = 0.0, []
        for verdict in VERDICTS:
            width = 100 * counts[verdict] / total
            parts.append((verdict, round(start, 3), round(width, 3)))
            start += width
        bars.append((kind, parts))
    return bars
