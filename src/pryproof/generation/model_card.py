"""The card of an exported TAC-GAN: what it learned from, how that went, what it is not."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from pryproof.generation.fit_tac_gan import TacGan
from pryproof.generation.settings import TacGanSettings

IS_NOT = """\
- **Not anonymous.** It learned from members alone. Its images can repeat what single members show,
  and whoever holds the weights can ask more of it than images.
- **Not differentially private.** Nothing in its training bounds the influence of one image. What an
  audit did not find may still be there.
- **Not a source of non-members.** Who tests for membership needs images it never learned from."""

FACTS = """\
The losses are means of the last record. `diversity_ratio` compares how far images of one class
differ, fakes against members: 1 is as varied, below .5 the generator repeats itself."""

SAMPLING = """\
```python
from pryproof.generation.sample import sample_tac_gan, uniform_labels
from pryproof.generation.settings import TacGanSettings

images = sample_tac_gan(
    weights,  # the exported arrays, by name
    uniform_labels(1000, {classes}),
    shape={shape},
    classes={classes},
    settings=TacGanSettings(network="{network}", channels={channels}, latent={latent}),
    seed=1,
)
```

One seed gives the same images. Give sets that must not share images different seeds."""


@dataclass(frozen=True, kw_only=True)
class Learned:
    """What a generator was trained on: so many images of a named data set, and their digest.

    ``shape`` is height, width, channels; ``classes`` their names, in the order of the labels;
    ``digest`` names the bytes of images and labels, made by the caller.
    """

    name: str
    samples: int
    classes: tuple[str, ...]
    shape: tuple[int, int, int]
    digest: str


def model_card(
    fitted: TacGan,
    learned: Learned,
    *,
    settings: TacGanSettings,
    seed: int,
    audit: tuple[str, ...] = (),
) -> str:
    """Write the card in Markdown; ``audit`` are lines of a leak audit, one finding each."""
    return "\n".join(
        (
            f"# A TAC-GAN trained on {learned.name}",
            "",
            _paragraph(learned, settings, seed),
            "",
            "## What it is not",
            "",
            IS_NOT,
            "",
            "## Leak audit",
            "",
            _list(audit, otherwise="None was made. Treat the generator as if it leaked."),
            "",
            "## How its training went",
            "",
            _list(fitted.warnings, otherwise="No warnings. That is no proof of quality."),
            "",
            _table({name: values[-1] for name, values in fitted.history.items()} | fitted.facts),
            "",
            FACTS,
            "",
            "## How to draw images",
            "",
            SAMPLING.format(
                classes=len(learned.classes),
                shape=learned.shape,
                network=settings.network,
                channels=settings.channels,
                latent=settings.latent,
            ),
            "",
            "## Settings",
            "",
            f"```json\n{json.dumps(asdict(settings), indent=1)}\n```",
            "",
        )
    )


def _paragraph(learned: Learned, settings: TacGanSettings, seed: int) -> str:
    height, width, channels = learned.shape
    return (
        f"Trained on {learned.samples} images, {height} x {width} x {channels}, of"
        f" {len(learned.classes)} classes ({_some(learned.classes)}), digest `{learned.digest}`,"
        f" in {settings.steps} steps with seed {seed}. These images are the members of every"
        " membership test of what is trained on its fakes. The weights are averaged over the"
        " training."
    )


def _some(names: tuple[str, ...], most: int = 10) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _list(lines: tuple[str, ...], *, otherwise: str) -> str:
    return "\n".join(f"- {line}" for line in lines) or otherwise


def _table(values: Mapping[str, float]) -> str:
    rows = (
        f"| {name} | {'not measured' if np.isnan(value) else format(value, '.4g')} |"
        for name, value in values.items()
    )
    return "\n".join(("| | at the end |", "|---|---|", *rows))
