"""What a trained classifier answers, and its weights as plain arrays."""

from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import nn

from pryproof.training.loop import scaled

CHUNK = 500  # images a forward pass; a fixed size, so that answers are the same bytes everywhere


def predict(
    model: nn.Module, images: UInt8[np.ndarray, "samples height width channels"]
) -> Float[np.ndarray, "samples classes"]:
    """Return the float32 logits of un-augmented images, in evaluation mode."""
    model.eval()
    device = next(model.parameters()).device
    with torch.inference_mode():
        parts = [
            model(scaled(torch.from_numpy(images[start : start + CHUNK]).to(device)))
            .float()
            .cpu()
            .numpy()
            for start in range(0, len(images), CHUNK)
        ]
    return np.concatenate(parts)


def weights_of(model: nn.Module) -> dict[str, np.ndarray]:
    """Copy a module's state into contiguous arrays."""
    return {
        name: np.ascontiguousarray(value.detach().cpu().numpy())
        for name, value in model.state_dict().items()
    }


def with_weights(model: nn.Module, weights: Mapping[str, np.ndarray]) -> nn.Module:
    """Load stored arrays into a module built the same way; every name must match."""
    state = {name: torch.from_numpy(np.array(value)) for name, value in weights.items()}
    model.load_state_dict(state)
    return model
