"""Networks and optimizers as plain arrays: enough to go on with the very same bytes.

Every draw of a run is named by its step, so no generator has a state that would have to be kept.
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch import nn


def module_arrays(model: nn.Module) -> dict[str, np.ndarray]:
    """Copy a network's weights and buffers."""
    return {name: value.detach().cpu().numpy().copy() for name, value in model.state_dict().items()}


def restore_module(model: nn.Module, arrays: Mapping[str, np.ndarray]) -> None:
    """Give a network the weights and buffers of ``module_arrays``."""
    model.load_state_dict({name: torch.from_numpy(value.copy()) for name, value in arrays.items()})


def optimizer_arrays(optimizer: torch.optim.Optimizer) -> dict[str, np.ndarray]:
    """Copy what an optimizer remembers of every parameter (momentum, moments, counts)."""
    return {
        f"{index}.{name}": value.detach().cpu().numpy().copy()
        for index, remembered in optimizer.state_dict()["state"].items()
        for name, value in remembered.items()
        if value is not None
    }


def restore_optimizer(optimizer: torch.optim.Optimizer, arrays: Mapping[str, np.ndarray]) -> None:
    """Give an optimizer the memory of ``optimizer_arrays``; rates and groups stay its own."""
    state: dict[int, dict[str, torch.Tensor]] = {}
    for name, value in arrays.items():
        index, _, what = name.partition(".")
        state.setdefault(int(index), {})[what] = torch.from_numpy(value.copy())
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
