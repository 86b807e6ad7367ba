"""PNG or JPEG in the records: bytes, milliseconds, and what is lost.

    python experiments/benchmarks/records.py data/films/big_buck_bunny.mp4 96x64

Every 20th frame of the film; single-threaded, Pillow to encode and TensorFlow to decode, as the builder and
the pipeline do.
"""

import io
import sys
import time
from itertools import islice

import imageio.v3 as iio
import numpy as np
from PIL import Image

from autoencode.film.decode import read_frames
from autoencode.film.probe import probe
from autoencode.frame_size import parse_size
from autoencode.quiet import quiet

with quiet():
    import tensorflow as tf

    from autoencode.metrics import psnr

FORMATS = {
    "PNG, level 1": {"format": "PNG", "compress_level": 1},
    "PNG, level 6": {"format": "PNG", "compress_level": 6},
    "JPEG 90, 4:4:4": {"format": "JPEG", "quality": 90, "subsampling": "4:4:4"},
    "JPEG 95, 4:2:0": {"format": "JPEG", "quality": 95, "subsampling": "4:2:0"},
    "JPEG 95, 4:4:4": {"format": "JPEG", "quality": 95, "subsampling": "4:4:4"},
    "JPEG 98, 4:4:4": {"format": "JPEG", "quality": 98, "subsampling": "4:4:4"},
}


def main(path: str, size: str) -> None:
    """Prints a row a format."""
    frames = [frame.pixels for frame in islice(read_frames(probe(path), parse_size(size)), None, None, 20)]
    print(f"{len(frames)} frames of {size}")
    print(f"{'':16}{'bytes':>8}{'a pixel':>9}{'encode ms':>11}{'decode ms':>11}{'PSNR dB':>9}")
    for name, options in FORMATS.items():
        begun = time.process_time()
        files = [encode(frame, options) for frame in frames]
        encoding = time.process_time() - begun
        begun = time.process_time()
        decoded = [tf.io.decode_image(file) for file in files]
        decoding = time.process_time() - begun
        size_of = np.mean([len(file) for file in files])
        loss = float(tf.reduce_mean(psnr(np.stack(frames), tf.stack(decoded))))
        a_frame = 1000 / len(frames)
        print(
            f"{name:16}{size_of:8.0f}{size_of / frames[0][..., 0].size:9.2f}"
            f"{encoding * a_frame:11.2f}{decoding * a_frame:11.2f}{loss:9.1f}"
        )
    through_imageio(frames)


def through_imageio(frames: list[np.ndarray]) -> None:
    """The chosen format once more, through imageio, which calls Pillow."""
    begun = time.process_time()
    for frame in frames:
        iio.imwrite("<bytes>", frame, extension=".jpeg", quality=95, subsampling=0)
    print(f"{'  by imageio':33}{(time.process_time() - begun) * 1000 / len(frames):11.2f}")


def encode(frame: np.ndarray, options: dict) -> bytes:
    """One frame in a format."""
    buffer = io.BytesIO()
    Image.fromarray(frame).save(buffer, **options)
    return buffer.getvalue()


if __name__ == "__main__":
    main(*sys.argv[1:])
