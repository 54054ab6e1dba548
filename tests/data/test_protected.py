"""The data set of torch: items, lazy decoding, workers, and refusals."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from pryproof import seeds
from pryproof.checks import DataError
from pryproof.data.protected import MANIFEST, ProtectedImages

PIXELS = seeds.generator(0, "protected").integers(0, 256, (6, 4, 5, 3), dtype=np.uint8)
LABELS = np.array([0, 1, 2, 0, 1, 2])


def test_an_item_is_a_uint8_tensor_channels_first_and_an_int():
    made = ProtectedImages(PIXELS, LABELS)
    image, label = made[4]
    assert isinstance(made, Dataset)
    assert (image.dtype, tuple(image.shape)) == (torch.uint8, (3, 4, 5))
    assert torch.equal(image, torch.from_numpy(PIXELS[4]).permute(2, 0, 1))
    assert type(label) is int
    assert label == 1


def test_an_item_is_a_copy():
    made = ProtectedImages(PIXELS, LABELS)
    image, _ = made[0]
    image.zero_()
    assert made[0][0].any()
    assert PIXELS[0].any()


@pytest.mark.parametrize("channels", [1, 3])
def test_a_transform_is_given_a_pillow_image(channels):
    made = ProtectedImages(PIXELS[..., :channels], LABELS, transform=lambda image: image)
    image, _ = made[2]
    assert image.mode == {1: "L", 3: "RGB"}[channels]
    assert image.size == (5, 4)
    assert np.asarray(image).reshape(4, 5, channels).tolist() == PIXELS[2, ..., :channels].tolist()


def test_it_works_in_a_loader():
    batches = list(DataLoader(ProtectedImages(PIXELS, LABELS), batch_size=4))
    assert [tuple(images.shape) for images, _ in batches] == [(4, 3, 4, 5), (2, 3, 4, 5)]
    assert torch.cat([labels for _, labels in batches]).tolist() == LABELS.tolist()


def test_it_can_be_sent_to_another_process():
    again = pickle.loads(pickle.dumps(ProtectedImages(PIXELS, LABELS)))  # noqa: S301 - our own
    assert torch.equal(again[3][0], ProtectedImages(PIXELS, LABELS)[3][0])


def test_a_row_too_many_is_an_index_error():
    assert len(list(iter(ProtectedImages(PIXELS, LABELS)))) == 6


def test_there_is_one_label_an_image():
    with pytest.raises(DataError, match="6 images, 5 labels"):
        ProtectedImages([Path("a.png")] * 6, LABELS[:5])


@pytest.mark.parametrize("content", [None, "[]", "{", "{}"])
def test_another_folder_is_refused(tmp_path: Path, content):
    if content is not None:
        (tmp_path / MANIFEST).write_text(content)
    with pytest.raises(DataError, match="no exported training set"):
        ProtectedImages.open(tmp_path)


def test_tar_shards_are_for_other_readers(tmp_path: Path):
    (tmp_path / MANIFEST).write_text(json.dumps({"form": "webdataset", "label_names": []}))
    with pytest.raises(DataError, match=r"webdataset.*Export it as parquet, folder, npz"):
        ProtectedImages.open(tmp_path)
