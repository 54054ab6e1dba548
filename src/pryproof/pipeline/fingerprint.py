"""What decides the last bit of a result on this machine; it stands in every result's record."""

import platform

import numpy as np
import torch


def fingerprint(device: str | None = None) -> dict[str, str]:
    """Return the numeric fingerprint: results are the same bytes wherever it is the same.

    ``device`` is the kind of device a training ran on; other steps have none and leave it out.
    """
    here = {} if device is None else {"device": device}
    return here | {
        "torch": torch.__version__,
        "numpy": np.__version__,
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "threads": str(torch.get_num_threads()),
        "machine": platform.machine(),
        "system": platform.system(),
        "python": platform.python_version(),
    }
