"""Where words go: a table for people, one JSON object for programs."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console as Terminal
from rich.table import Table
from rich.text import Text

PIPED_WIDTH = 160


class Console:
    """Prints results to stdout, progress to stderr; rich respects ``NO_COLOR`` and pipes."""

    def __init__(self, *, json: bool) -> None:
        self.json = json
        self.terminal = Terminal(stderr=True, highlight=False)
        # what is piped is read by another program or scrolled: tables there need no folding
        piped = not (sys.stdout.isatty() or "COLUMNS" in os.environ)
        self._out = Terminal(highlight=False, width=PIPED_WIDTH if piped else None)

    def table(
        self,
        columns: Sequence[str],
        rows: Sequence[Sequence[Any]],
        *,
        notes: Sequence[str] = (),
    ) -> None:
        """Print rows; as JSON: a list of objects under ``rows``."""
        if self.json:
            named = [dict(zip(columns, row, strict=True)) for row in rows]
            self._dump({"rows": named, "notes": list(notes)})
            return
        table = Table(box=box.SIMPLE, pad_edge=False)
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*[Text(str(cell)) for cell in row])
        self._out.print(table)
        for note in notes:
            self._out.print(Text(note))

    def result(self, summary: Sequence[tuple[str, str]], files: Mapping[str, Path]) -> None:
        """Print what came of a run: lines of words, then where the files lie."""
        if self.json:
            places = {name: str(path.resolve()) for name, path in files.items()}
            self._dump({"summary": dict(summary), "files": places})
            return
        for what, said in summary:
            self._out.print(Text.assemble((f"{what}: ", "bold"), said), soft_wrap=True)
        for path in files.values():
            self._out.print(Text(str(path.resolve())), soft_wrap=True)

    @staticmethod
    def text(value: str) -> None:
        """Print text as it is, such as JSON that was written elsewhere."""
        sys.stdout.write(value)

    @staticmethod
    def _dump(value: object) -> None:
        sys.stdout.write(json.dumps(value, indent=1) + "\n")
