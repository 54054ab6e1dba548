"""Megabytes foretold are those of the images that a step stores."""

import pytest

import pryproof as pp
from pipeline.tiny import EVALUATION, MEMBERS
from pryproof.pipeline.forecast import Sizes, Speeds, megabytes
from pryproof.store.workspace import Workspace

SIZES = Sizes(
    shape=(16, 16, 1),
    classes=2,
    members=MEMBERS,
    evaluation=EVALUATION,
    total=3 * MEMBERS + EVALUATION,
)
SPEEDS = Speeds(image=0.0, gan_step=0.0, cycle_step=0.0, weights=0)


@pytest.mark.parametrize("name", ["load", "generate/target", "transform/target", "protect/target"])
def test_images_of_a_step_are_all_counted(finished: pp.Study, name: str):
    item = next(item for item in finished.tasks if item.task.name == name)
    workspace = Workspace.open(finished.path, study=finished.identity, create=False)
    arrays = workspace.get(item.key).arrays.values()
    images = sum(array.nbytes for array in arrays if array.shape[1:] == SIZES.shape)
    assert megabytes(item.task, finished.settings, SIZES, SPEEDS) == pytest.approx(images / 1e6)
