"""The card of an exported training set: what it is, and what it must not be taken for."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from pryproof.defenses.fakes import AS_IS, EXTRA, FAKE, MADE_BY, REAL, SOURCES, TrainingSet
from pryproof.store.files import encode_json

NOT_ANONYMOUS = """\
**This data is not anonymised.** It protects the *classifier* that is trained on it, not the people
or things in the pictures.
"""
CONTAINS = {
    "real": "{count} images are real images of the members, pixel by pixel.",
    "moved": "{count} images were made from one member each and show it: who holds that member's "
    "image can find it again by looking for the most similar one, and a generator's transform is "
    "trained to be undone.",
    "extra": "{count} images are real images beside the members.",
    "made": "{count} images are fakes of a generator that was trained on the members and may "
    "repeat features of them.",
}
OPEN = "In Python: `pryproof.data.protected.ProtectedImages.open(folder)`, a data set of torch."
READING = {
    "parquet": "`data-*.parquet` holds encoded images (`image`), labels (`label`) and provenance; "
    f"pryproof takes the folder as its data source. {OPEN}",
    "folder": "`images` is an ImageFolder; its folders are numbered as the labels are. "
    f"`provenance.parquet` has a row for every file. {OPEN}",
    "webdataset": "`data-*.tar` are shards of `.png`, `.cls` (the label) and `.json` (provenance).",
    "npz": f"`data.npz` holds `images`, `labels`, `classes` and arrays of provenance. {OPEN}",
}
USE = """\
- Train a classifier on it. Keep it where you keep the real images, and as secret.
- Do not publish it, hand it on as synthetic data, or count it as deletion of the real images.
- The provenance columns name members by their ids. They are as confidential as a list of members.
- Do not evaluate on it: its images are not drawn as the real ones are.
"""


@dataclass(frozen=True, kw_only=True)
class About:
    """What is known of a training set beside its rows.

    ``ids`` are the members' in the order of ``TrainingSet.index``; ``settings`` what made the set,
    seeds included; ``audit`` lines of a leak audit, one finding each.
    """

    name: str
    classes: tuple[str, ...]
    ids: tuple[str, ...]
    settings: Mapping[str, object] = field(default_factory=dict)
    audit: tuple[str, ...] = ()


def data_card(made: TrainingSet, about: About, *, what: str, form: str) -> str:
    """Write the card in Markdown."""
    height, width, channels = made.images.shape[1:]
    audited = "\n".join(f"- {line}" for line in about.audit)
    seeds = sorted({seed for seed in made.seed.tolist() if seed >= 0})
    settings = encode_json(about.settings).decode().strip()
    return f"""\
# {about.name}: a training set ({what})

{NOT_ANONYMOUS}
{len(made)} images of {width} x {height} x {channels}, {len(about.classes)} classes, uint8, \
exported as {form}. `manifest.json` holds the SHA-256 of every file.
{READING[form]}

## What it contains

| source | made by | images |
|---|---|---|
{_counts(made)}

{_contained(made)}

## What to do with it, and what not

{USE}
## Leak audit

{audited or "No audit was made. Nothing is known of what the fakes repeat of the members."}

## How it was made

Seeds of the draws (column `seed`): {", ".join(map(str, seeds)) or "none"}.

```json
{settings}
```
"""


def _counts(made: TrainingSet) -> str:
    counts = Counter(zip(made.source.tolist(), made.made_by.tolist(), strict=True))
    return "\n".join(
        f"| {SOURCES[source]} | {MADE_BY[by]} | {count} |"
        for (source, by), count in sorted(counts.items())
    )


def _contained(made: TrainingSet) -> str:
    real, plain = made.source == REAL, made.made_by == AS_IS
    found = {
        "real": real & plain,
        "moved": real & ~plain,
        "extra": made.source == EXTRA,
        "made": made.source == FAKE,
    }
    lines = [
        f"- {CONTAINS[name].format(count=int(rows.sum()))}"
        for name, rows in found.items()
        if rows.any()
    ]
    return "\n".join(lines)
