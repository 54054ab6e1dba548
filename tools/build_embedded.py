"""Build the embedded part of Fashion-MNIST: python tools/build_embedded.py FOLDER.

FOLDER holds ``train-images-idx3-ubyte.gz`` and ``train-labels-idx1-ubyte.gz``, as Debian's package
``dataset-fashion-mnist`` installs them in /usr/share/datasets/fashion-mnist. The same input gives
the same bytes, with the versions that the card names.
"""

import argparse
import gzip
import hashlib
import io
import json
from pathlib import Path

import numpy as np
import PIL
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Int64, UInt8
from PIL import Image

NAMES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
PER_CLASS = 600
TARGET = Path(__file__).parents[1] / "src/pryproof/data/embedded/fashion_mnist.parquet"


def idx(path: Path) -> UInt8[np.ndarray, "..."]:
    """Read an idx file of unsigned bytes: 0, 0, type 8, number of axes, their lengths, values."""
    content = gzip.decompress(path.read_bytes())
    if content[:3] != b"\x00\x00\x08":
        raise ValueError(f"{path.name} is no idx file of unsigned bytes")
    axes = content[3]
    shape = np.frombuffer(content, ">u4", count=axes, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(shape)


def webp(image: UInt8[np.ndarray, "height width"]) -> bytes:
    """Encode a gray image without loss (of PNG and WebP the smaller on this set)."""
    file = io.BytesIO()
    Image.fromarray(image).convert("RGB").save(file, "WEBP", lossless=True, quality=100, method=6)
    return file.getvalue()


def chosen(
    images: UInt8[np.ndarray, "samples height width"],
    labels: UInt8[np.ndarray, " samples"],
    per_class: int,
) -> Int64[np.ndarray, " chosen"]:
    """Return the positions of each class's first images that are no copy of one before."""
    seen: set[bytes] = set()
    left = dict.fromkeys(range(len(NAMES)), per_class)
    kept = []
    for position, (image, label) in enumerate(zip(images, labels.tolist(), strict=True)):
        pixels = image.tobytes()
        if left[label] and pixels not in seen:
            left[label] -= 1
            kept.append(position)
        seen.add(pixels)
    return np.array(kept, np.int64)


def table(folder: Path, per_class: int) -> pa.Table:
    """Return the rows, with the class names where Hugging Face's ``datasets`` looks for them.

    All come from the official training part: members and non-members then have one origin.
    """
    pixels = idx(folder / "train-images-idx3-ubyte.gz")
    labels = idx(folder / "train-labels-idx1-ubyte.gz")
    rows = chosen(pixels, labels, per_class)
    features = {
        "image": {"_type": "Image"},
        "label": {"names": list(NAMES), "_type": "ClassLabel"},
        "index": {"dtype": "int32", "_type": "Value"},
        "split": {"dtype": "string", "_type": "Value"},
    }
    columns = {
        "image": pa.array([webp(pixels[row]) for row in rows], pa.binary()),
        "label": pa.array(labels[rows].astype(np.int64)),
        "index": pa.array(rows.astype(np.int32)),
        "split": pa.array(["train"] * len(rows)),
    }
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    return pa.table(columns).replace_schema_metadata(metadata)


def build(folder: Path, target: Path, per_class: int = PER_CLASS) -> None:
    """Write the file and print what the card says of it."""
    rows = table(folder, per_class)
    pq.write_table(rows, target, compression="zstd", compression_level=19, use_dictionary=False)
    content = target.read_bytes()
    print(f"{len(rows)} rows, {len(content)} bytes, SHA-256 {hashlib.sha256(content).hexdigest()}")
    print(f"Pillow {PIL.__version__}, pyarrow {pa.__version__}")


def main() -> None:
    """Read the command line and build."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the two idx files lie")
    parser.add_argument("--out", type=Path, default=TARGET, help="the file to write")
    arguments = parser.parse_args()
    build(arguments.folder, arguments.out)


if __name__ == "__main__":
    main()
