import json
from pathlib import Path

import numpy as np
import pytest

import pryproof as pp
from pipeline.tiny import SETTINGS, umask
from pryproof.data.duplicates import duplicate_groups
from pryproof.data.sources import read
from pryproof.pipeline.settings import Settings
from pryproof.pipeline.steps.call import Call, Loaded
from pryproof.pipeline.steps.load import load
from pryproof.pipeline.task import STAGES


def test_the_demo_is_a_valid_study_of_the_embedded_images():
    settings = pp.demo()
    assert Settings.parse(settings.model_dump(mode="json"), where="demo") == settings
    assert settings.data.source == "embedded:fashion-mnist"
    assert settings.name == "demo"


def test_its_plan_has_every_stage(tmp_path: Path):
    study = pp.Study(tmp_path / "w", settings=pp.demo())
    stages = [item.task.stage for item in study.tasks]
    assert set(stages) | {"report"} == set(STAGES)
    assert len(STAGES) == 9
    assert not (tmp_path / "w").exists()


def quiet(fraction: float, detail: str) -> None:
    """Show nothing."""


def test_its_parts_are_disjoint_and_fit_the_embedded_set(tmp_path: Path):
    study = pp.Study(tmp_path / "w", settings=pp.demo())
    task = study.tasks[0].task
    result = load(Call(settings=task.settings, inputs={}, where=task.where, progress=quiet))
    ends = {name: tuple(part) for name, part in result.facts["parts"].items()}
    sizes = {name: stop - start for name, (start, stop) in ends.items()}
    assert sizes == {"members": 1500, "shadow0": 1500, "outside": 1500, "evaluation": 1500}
    samples = read("embedded:fashion-mnist").samples
    assert sum(sizes.values()) == len(samples) == len(set(result.facts["ids"]))
    labels = result.arrays["labels"]
    for start, stop in ends.values():
        assert np.bincount(labels[start:stop]).tolist() == [150] * 10
    groups = duplicate_groups(result.arrays["images"])
    assert len(set(groups.tolist())) == len(
        labels
    )  # no image stands in two parts, nor twice in one


@pytest.mark.slow
@pytest.mark.cifar100
def test_a_road_on_real_cifar_100(cifar100: Path, tmp_path: Path):
    changes = {
        "data": {
            "source": str(cifar100 / "cifar100-test.parquet"),
            "label": "coarse_label",
            "members": 100,
            "evaluation": 100,
        },
        "train": {"epochs": 1, "batch": 50},
        "evaluate": {"runs": 1, "shadows": 2, "rows": ["ce", "fakes_transformed", "relax_loss"]},
    }
    settings = pp.Settings.parse(SETTINGS | changes, where="cifar")
    study = pp.Study(tmp_path / "w", settings=settings, machine=pp.Machine(workers=0))
    with umask(0o077):
        page = study.report()
    assert page.stat().st_size > 100_000
    facts = json.loads((study.path / "metrics.json").read_text())
    assert [row["name"] for row in facts["rows"]] == ["ce", "fakes_transformed", "relax_loss"]
    stored = study._get(study._workspace(create=False), "load")
    data = Loaded.of(stored)
    assert data.shape == (32, 32, 3)
    assert len(data.classes) == 20
    assert np.bincount(data.labels[data.parts["members"]]).tolist() == [5] * 20
