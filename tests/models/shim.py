"""Torchvision as an oracle, even where its compiled operators do not load.

A wheel built for CUDA cannot load them beside a torch for CPUs, and then its import fails on the
first operator it describes. Its classifiers need none of them: it is enough that the names exist.
"""

import importlib
import warnings
from types import ModuleType

import pytest
import torch

ARGUMENTS = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
KEPT: list[torch.library.Library] = []  # a definition lives as long as its library


def torchvision() -> ModuleType:
    """Import torchvision, or skip the test where it is not installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it may warn that its image readers do not load either
        try:
            return importlib.import_module("torchvision")
        except ModuleNotFoundError:
            pytest.skip("torchvision is not installed")
        except RuntimeError as error:
            if KEPT or "does not exist" not in str(error):
                raise
            KEPT.append(torch.library.Library("torchvision", "DEF"))
            for operator in ("nms", "qnms"):
                KEPT[0].define(operator + ARGUMENTS)
            return importlib.import_module("torchvision")
