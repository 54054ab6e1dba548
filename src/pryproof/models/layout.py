"""How weights lie in memory: channels last, the layout that convolutions on a CPU are fastest in."""

from typing import Any, TypeVar, cast

import torch
from torch import nn

Network = TypeVar("Network", bound=nn.Module)


def channels_last(network: Network) -> Network:
    """Return the network with its weights laid out channels last; no number changes."""
    network = cast(Any, network).to(memory_format=torch.channels_last)  # not in torch's stubs
    return network
