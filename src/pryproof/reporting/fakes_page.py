"""The page on one set of fakes: an offline file without scripts."""

from pryproof.reporting import figures
from pryproof.reporting.cells import SIGNS
from pryproof.reporting.content import FakesContent
from pryproof.reporting.html import environment, policy, stylesheet
from pryproof.reporting.images import pictures
from pryproof.reporting.tables import fakes_tables


def render_fakes(content: FakesContent) -> str:
    """Write the whole page: text escaped, its style named by hash in its policy."""
    style = stylesheet(content.grids, colours=figures.COLOURS)
    return (
        environment()
        .get_template("fakes.html.j2")
        .render(
            content=content,
            tables=fakes_tables(content),
            signs=SIGNS,
            grids=[(grid, pictures(grid)) for grid in content.grids],
            style=style,
            policy=policy(style, ()),
        )
    )
