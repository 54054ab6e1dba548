"""Where trainings are computed: which devices there are, and how one is set up.

A device only changes speed and the last bits, never a key. Its kind stands in the fingerprint.
"""

import os

import torch

from pryproof.checks import MachineError


def seen() -> tuple[str, ...]:
    """Return the CUDA devices that torch sees."""
    if not torch.cuda.is_available():
        return ()
    return tuple(f"cuda:{number}" for number in range(torch.cuda.device_count()))


def chosen(asked: str) -> tuple[str, ...]:
    """Return the devices that workers are dealt over, by the words of ``settings.Machine.device``.

    "auto" is every CUDA device there is, else the CPU. Raises MachineError for one that is not
    there.

    >>> chosen("cpu")
    ('cpu',)
    """
    there = seen()
    if asked == "cpu" or (asked == "auto" and not there):
        return ("cpu",)
    wanted = there if asked in ("auto", "cuda") else tuple(dict.fromkeys(asked.split(",")))
    if not wanted or not set(wanted) <= set(there):
        raise MachineError(
            "E058",
            f"{asked} is asked for, torch {torch.__version__} sees {', '.join(there) or 'none'}",
            where="device",
            fix="Choose auto or cpu, or install a torch for this machine's GPU and its driver.",
        )
    return wanted


def prepared(place: str) -> torch.device:
    """Return a device, set up so that the same steps give the same bytes on it.

    On CUDA that is: kernels without races where torch has them, and float32 that is not rounded to
    TF32, because precision is a setting of the recipe and no choice of the machine.
    """
    device = torch.device(place)
    if device.type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read at the first product
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.benchmark = False
        torch.use_deterministic_algorithms(True, warn_only=True)  # noqa: FBT003 - torch's form
        torch.cuda.set_device(device)
    return device


def kind(device: torch.device) -> str:
    """Name what decides a device's last bits.

    >>> kind(torch.device("cpu"))
    'cpu'
    """
    if device.type != "cuda":
        return device.type
    versions = f"CUDA {torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}"
    return f"{torch.cuda.get_device_name(device)}, {versions}"
