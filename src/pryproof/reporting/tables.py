"""Every table of the report, in the order of the page, and the same tables as Markdown."""

import re
from collections.abc import Iterable, Iterator, Sequence

from pryproof.records import Estimate
from pryproof.reporting.cells import SIGNS, Cell, Column, Table, count, exact, visible
from pryproof.reporting.comparison import ATTACKS, by_verdict, comparison, cost
from pryproof.reporting.content import CanaryRow, Content, FakesContent
from pryproof.reporting.evidence import (
    by_class,
    canaries,
    findings,
    overlaps,
    self_test,
    stages,
    verdicts,
)

CLASSES = "Named right by a classifier that saw none of them, class by class"
MARKUP = re.compile(r"([\\`*_{}\[\]<>|#~&!$])")


def tables(content: Content) -> dict[str, Table]:
    """Build every table, by the name the page's template knows it under."""
    return {
        "verdicts": verdicts(content),
        "comparison": comparison(content.rows),
        "by_verdict": by_verdict(content.rows),
        **({"canaries": canaries(content.canaries)} if content.canaries else {}),
        "overlaps": overlaps(content),
        "findings": findings(content.findings),
        "classes": by_class(content.classes, content.class_columns, title=CLASSES),
        "self_test": self_test(content),
        "stages": stages(content),
        "cost": cost(content.rows),
        "numbers": numbers(estimates(content)),
    }


def numbers(found: Iterable[tuple[str, str, Estimate]]) -> Table:
    """List every estimate of a page with its interval, what it rests on and how it was made."""
    return Table(
        title="Every measured number",
        columns=(
            Column(title="Where"),
            Column(title="What"),
            *(
                Column(title=title, number=True)
                for title in ("Value", "Low", "High", "n", "Runs", "Level")
            ),
            Column(title="Interval, or why there is none"),
        ),
        rows=tuple(
            (
                Cell(text=where),
                Cell(text=what),
                Cell(text=exact(estimate.value)),
                Cell(text=exact(estimate.low)),
                Cell(text=exact(estimate.high)),
                Cell(text=count(estimate.n)),
                Cell(text=count(estimate.runs)),
                Cell(text=f"{100 * estimate.confidence:.6g}%"),
                Cell(text=estimate.method),
            )
            for where, what, estimate in found
        ),
    )


def estimates(content: Content) -> Iterator[tuple[str, str, Estimate]]:
    """Walk over every estimate of the content: where it stands, what it is, and itself."""
    for row in content.rows:
        yield row.title, "Test accuracy", row.test_accuracy
        yield row.title, "Train accuracy", row.train_accuracy
        for key, estimate in row.attacks.items():
            yield row.title, ATTACKS[key].title, estimate
        for verdict, estimate in row.by_verdict.items():
            yield row.title, f"{ATTACKS['lira_tpr'].title}, voted {verdict}", estimate
    yield from _of_canaries(content.canaries)
    for overlap in content.overlaps:
        yield overlap.name, f"Overlap, {overlap.bin}", overlap.ratio
        yield (
            overlap.name,
            f"Overlap of runs that never saw the images, {overlap.bin}",
            overlap.unseen,
        )
    for finding in content.findings:
        if isinstance(finding.value, Estimate):
            yield finding.stage, finding.what, finding.value
    yield from _of_classes(content)
    for line in content.self_test:
        yield f"Self-test, {line.row}", f"{line.attack}, {line.metric}", line.estimate


def _of_canaries(rows: Sequence[CanaryRow]) -> Iterator[tuple[str, str, Estimate]]:
    for row in rows:
        what = f"Canaries, {row.kind}"
        for rate, found in row.tpr.items():
            yield row.title, f"{what}: TPR at {float(rate):.1%} FPR", found
        yield row.title, f"{what}: AUC", row.auc
        for name, found in row.by_canary.items():
            yield row.title, f"{what}: share found, quantile {name}", found


def _of_classes(content: Content | FakesContent) -> Iterator[tuple[str, str, Estimate]]:
    for name, row in content.classes:
        for column, found in zip(content.class_columns, row, strict=True):
            yield f"Class {name}", column, found


def markdown(content: Content) -> str:
    """Write the report as Markdown: its words and every table, without pictures."""
    parts = [
        f"# {escape_markdown(content.title)}",
        escape_markdown(content.subtitle),
        f"**{escape_markdown(content.verdict)}**",
    ]
    parts += [f"> Warning: {escape_markdown(warning)}" for warning in content.warnings]
    parts.append(pairs_markdown("Facts", content.facts))
    for name, table in tables(content).items():
        parts.append(table_markdown(table))
        if name == "verdicts":
            parts.append(f"Rule: {escape_markdown(content.verdict_rule)}")
        if name == "self_test":
            parts.append(f"Self-test: {'passed' if content.self_test_passed else 'FAILED'}.")
    return _ended(parts, content.limits, content.provenance)


def fakes_tables(content: FakesContent) -> dict[str, Table]:
    """Build every table of the page on fakes, by the name its template knows it under."""
    return {
        "findings": findings(
            content.findings, title="Do the fakes give the originals away?", of="Seen in"
        ),
        "quality": findings(content.quality, title="How good are the fakes?", of="Seen in"),
        "classes": by_class(content.classes, content.class_columns),
        "numbers": numbers(fakes_estimates(content)),
    }


def fakes_estimates(content: FakesContent) -> Iterator[tuple[str, str, Estimate]]:
    """Walk over every estimate of the page on fakes."""
    for finding in (*content.findings, *content.quality):
        if isinstance(finding.value, Estimate):
            yield finding.stage, finding.what, finding.value
    yield from _of_classes(content)


def fakes_markdown(content: FakesContent) -> str:
    """Write the page on fakes as Markdown: its words and every table, without pictures."""
    parts = [
        f"# {escape_markdown(content.title)}",
        escape_markdown(content.subtitle),
        f"**{escape_markdown(content.verdict)}**",
        *(f"> Warning: {escape_markdown(warning)}" for warning in content.warnings),
        pairs_markdown("Facts", content.facts),
        *(table_markdown(table) for table in fakes_tables(content).values() if table.rows),
    ]
    return _ended(parts, content.limits, content.provenance)


def _ended(parts: list[str], limits: Sequence[str], provenance: Sequence[tuple[str, str]]) -> str:
    ended = [
        *parts,
        "## What this is too small to show",
        "\n".join(f"- {escape_markdown(limit)}" for limit in limits),
        pairs_markdown("Provenance", provenance),
    ]
    return "\n\n".join(part for part in ended if part) + "\n"


def table_markdown(table: Table) -> str:
    heads = [
        f"{column.title} ({column.note})" if column.note else column.title
        for column in table.columns
    ]
    lines = [
        _line(heads),
        "|" + "|".join(" ---: " if column.number else " --- " for column in table.columns) + "|",
        *(_line([_cell(cell) for cell in row]) for row in table.rows),
    ]
    explained = [
        f"- {column.title}: {column.explanation}" for column in table.columns if column.explanation
    ]
    parts = [f"## {table.title}", "\n".join(lines), "\n".join(explained), *table.notes]
    return "\n\n".join(part for part in parts if part)


def pairs_markdown(title: str, pairs: Sequence[tuple[str, str]]) -> str:
    return "\n".join(
        (
            f"## {title}\n",
            *(f"- {escape_markdown(name)}: {escape_markdown(text)}" for name, text in pairs),
        )
    )


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(cell: Cell) -> str:
    badge = f"{cell.badge}. " if cell.badge else ""
    signs = "".join(f" {SIGNS[sign][0]}" for sign in cell.signs)
    words = (
        f"{cell.text}; {cell.detail}"
        if cell.badge and cell.detail
        else f"{cell.text} {cell.detail}"
    )
    return f"{badge}{escape_markdown(words.rstrip())}{signs}"


def escape_markdown(text: str) -> str:
    r"""Take the meaning from every character that Markdown or HTML would read as markup.

    >>> print(escape_markdown("a|b <i>"))
    a\|b \<i\>
    """
    return MARKUP.sub(r"\\\1", visible(text))
