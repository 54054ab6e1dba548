"""Has a generator collapsed? The variety within each class of fakes against that of real images."""

import numpy as np
from jaxtyping import Float, Int64, UInt8


def diversity(
    real: UInt8[np.ndarray, "reals height width channels"],
    real_labels: Int64[np.ndarray, " reals"],
    fake: UInt8[np.ndarray, "fakes height width channels"],
    fake_labels: Int64[np.ndarray, " fakes"],
    *,
    classes: int,
) -> dict[str, float]:
    """Compare how far images of one class differ: root mean square distance from the class mean.

    ``diversity_real`` and ``diversity_fake`` are means over classes, in gray levels;
    ``diversity_ratio`` is fake over real for the mean, ``diversity_ratio_least`` for the poorest
    class. 1 = as varied as the real images; below about .5 the generator repeats itself.
    Classes without two images of each kind are left out; NaN if none is left.
    """
    of_real = _spread(real, real_labels, classes)
    of_fake = _spread(fake, fake_labels, classes)
    both = np.isfinite(of_real) & np.isfinite(of_fake) & (of_real > 0)
    if not both.any():
        nothing = ("real", "fake", "ratio", "ratio_least")
        return {f"diversity_{name}": float("nan") for name in nothing}
    of_real, of_fake = of_real[both], of_fake[both]
    return {
        "diversity_real": float(of_real.mean()),
        "diversity_fake": float(of_fake.mean()),
        "diversity_ratio": float(of_fake.mean() / of_real.mean()),
        "diversity_ratio_least": float((of_fake / of_real).min()),
    }


def _spread(images: np.ndarray, labels: np.ndarray, classes: int) -> Float[np.ndarray, " classes"]:
    spread = np.full(classes, np.nan)
    for label in range(classes):
        own = images[labels == label]
        if len(own) > 1:
            spread[label] = np.sqrt(own.astype(np.float32).var(axis=0, ddof=1).mean())
    return spread
