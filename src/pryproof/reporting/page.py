"""The report as one offline HTML page: it requests nothing, and no name can run in it."""

import base64
import functools
import hashlib
import json
import re
from typing import Any

import jinja2
import plotly.graph_objects as go
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from pryproof.reporting import figures
from pryproof.reporting.cells import SIGNS, visible
from pryproof.reporting.content import VERDICTS, Content
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
    environment = _environment()
    columns = sorted({grid.columns // grid.group or 1 for grid in content.grids})
    style = (
        environment.get_template("report.css")
        .render(columns=columns, colours=figures.COLOURS)
        .strip()
    )
    program = environment.get_template("report.js").render().strip()
    library = get_plotlyjs().replace("\r\n", "\n")
    comparison = figures.comparison(content.rows)
    return environment.get_template("report.html.j2").render(
        content=content,
        tables=tables(content),
        shares=_shares(content),
        signs=SIGNS,
        grids=[(grid, pictures(grid)) for grid in content.grids],
        comparison=comparison,
        plots=figures.curves(content.curves, content.rows),
        data=_data,
        style=style,
        scripts=(library, program),
        unused_styles=sorted(set(UNUSED_STYLES.findall(library))),
        policy=_policy(style, (library, program)),
    )


@functools.cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("pryproof.reporting"),
        autoescape=jinja2.select_autoescape(enabled_extensions=("j2",)),
        undefined=jinja2.StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _finalize(value: Any) -> Any:  # noqa: ANN401 - a template prints values of any type
    """Make hidden characters of plain text visible; markup of the templates themselves passes."""
    plain = isinstance(value, str) and not isinstance(value, Markup)
    return visible(value) if plain else value


def _policy(style: str, scripts: tuple[str, ...]) -> str:
    """Allow exactly the inline style and scripts given, images from data URIs, and nothing else.

    plotly.js sets style attributes on the elements it draws, so these are allowed; they cannot load
    anything, because every source of images and fonts is shut.
    """
    allowed = " ".join(_hash(script) for script in scripts)
    return "; ".join(
        (
            "default-src 'none'",
            "img-src data:",
            f"script-src {allowed}",
            f"style-src-elem {_hash(style)} {_hash('')}",
            "style-src-attr 'unsafe-inline'",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _hash(text: str) -> str:
    """Name an inline element as the security policy does.

    >>> _hash("")
    "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"
    """
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}'"


def _data(figure: go.Figure) -> str:
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
