"""The loss of every sample after every epoch, for attacks that read how it fell (LT-IQR)."""

from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Float, Int64, UInt8
from torch import nn
from torch.nn import functional

from pryproof.training.predict import predict


class LossTrace:
    """Record the cross entropy (nats) of un-augmented images after every epoch.

    To be handed to ``train`` as ``watch``; ``losses`` is then ``[epochs, samples]``. Costs one
    forward pass over the images an epoch. Source: Pollock et al. 2025.
    """

    def __init__(
        self,
        images: UInt8[np.ndarray, "samples height width channels"],
        labels: Int64[np.ndarray, " samples"],
    ) -> None:
        self.images = images
        self.labels = torch.from_numpy(labels)
        self.rows: list[np.ndarray] = []

    @property
    def losses(self) -> Float[np.ndarray, "epochs samples"]:
        """What was recorded so far, float32."""
        return np.array(self.rows, dtype=np.float32).reshape(-1, len(self.labels))

    def after(self, model: nn.Module, *, epoch: int) -> None:
        """Record an epoch; one that is done again after a rollback replaces its first try."""
        del self.rows[epoch:]
        logits = torch.from_numpy(predict(model, self.images))
        self.rows.append(functional.cross_entropy(logits, self.labels, reduction="none").numpy())

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the epochs recorded."""
        return {"losses": self.losses}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take up the epochs recorded before."""
        self.rows = list(arrays["losses"])
