"""What a study's canaries show, as rows of the report."""

from collections.abc import Iterator

from pryproof.data.canaries import KINDS
from pryproof.pipeline.canary_lira import ALL, FPRS
from pryproof.pipeline.results import Results, estimate
from pryproof.pipeline.rows import ROWS
from pryproof.reporting.content import CanaryRow

SHARES = ("50", "90", "99", "max")
SHARED = {  # canaries.generator -> what stands with every number of a row with fakes
    "shared": "one generator for all halves: a lower bound",
    "shared_public": "generator of other images: another defense",
}


def canary_rows(results: Results) -> Iterator[CanaryRow]:
    """Yield every kind under every row, and all kinds together; nothing without canaries."""
    if "canaries" not in results:
        return
    facts = results["canaries"].facts
    for found in facts["rows"]:
        words = SHARED.get(facts["generator"], "") if found["note"] else ""
        title = ROWS[found["name"]].title + (f" ({words})" if words else "")
        for kind in (*KINDS, ALL):
            if kind in found["kinds"]:
                own = found["kinds"][kind]
                yield CanaryRow(
                    title=title,
                    kind=kind.replace("_", "-"),
                    canaries=own["canaries"],
                    tpr={str(fpr): estimate(own["tpr"][str(fpr)]) for fpr in FPRS},
                    auc=estimate(own["auc"]),
                    by_canary={name: estimate(own["by_canary"][name]) for name in SHARES},
                )
