"""The README's Python runs as it stands, on a folder of images; its links lead somewhere."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pryproof import seeds
from pryproof.pipeline.settings import Settings

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Write 2 classes of 160 images, 16 x 16: a bar that lies or stands, in noise."""
    draws = seeds.generator(0, "readme")
    for name in ("lying", "standing"):
        folder = tmp_path / "images" / name
        folder.mkdir(parents=True)
        for number in range(160):
            image = draws.integers(0, 120, (16, 16), dtype=np.uint8)
            place = int(draws.integers(2, 10))
            bar = image[place : place + 4] if name == "lying" else image[:, place : place + 4]
            bar += 120
            Image.fromarray(image).save(folder / f"{number:03d}.png")
    return tmp_path


def tiny() -> Settings:
    """Return what a Study starts from here: the same road, a few steps of everything."""
    return Settings(
        train={"epochs": 2},
        value={"runs": 2, "fake_runs": 2, "minimum": 0.25, "by_class": True},
        generate={"steps": 4, "channels": 4, "latent": 4, "standing_batches": 1},
        transform={"steps": 4, "channels": 4, "blocks": 1, "batch": 4},
        evaluate={"runs": 1, "rows": ("ce", "fakes_transformed")},
    )


def test_the_three_lines_work_as_they_stand(images, monkeypatch):
    monkeypatch.chdir(images)
    monkeypatch.setattr("pryproof.pipeline.study.Settings", tiny)
    (code,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    names: dict[str, object] = {}
    exec(compile(code, "README.md", "exec"), names)  # noqa: S102 - the README is ours
    verdicts = names["verdicts"]
    assert len(verdicts.safe) + len(verdicts.vague) + len(verdicts.risky) == 80
    for file in ("samples.parquet", "protected.parquet", "metrics.json", "report.html"):
        assert (images / "runs" / "clinic" / file).stat().st_size > 0


def test_every_local_link_leads_somewhere():
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert links
    for link in links:
        if "://" not in link:
            assert (ROOT / link).exists(), link
