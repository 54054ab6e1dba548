"""What every page shares: templates that escape, the style, a policy that shuts the web out."""

import base64
import functools
import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import jinja2
from markupsafe import Markup

from pryproof.reporting.cells import visible
from pryproof.reporting.content import Grid


@functools.cache
def environment() -> jinja2.Environment:
    """Return the room's templates; what they print is escaped."""
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


def stylesheet(grids: Iterable[Grid], *, colours: Sequence[str]) -> str:
    """Write the style, with a column layout for every grid and a colour for every badge."""
    columns = sorted({grid.columns // grid.group or 1 for grid in grids})
    sheet = environment().get_template("report.css")
    return sheet.render(columns=columns, colours=colours).strip()


def policy(style: str, scripts: tuple[str, ...]) -> str:
    """Allow exactly the inline style and scripts given, images from data URIs, and nothing else.

    plotly.js sets style attributes on the elements it draws, so these are allowed; they cannot load
    anything, because every source of images and fonts is shut.
    """
    allowed = " ".join(_hash(script) for script in scripts) or "'none'"
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
