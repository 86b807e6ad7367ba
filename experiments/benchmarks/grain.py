"""How grainy a run's memory is where the film is even, and what it looks like enlarged.

    python experiments/benchmarks/grain.py experiments/runs/demo [sheet.png]

On every 30th frame of the run's dataset. Grain is what remains of a picture without its 3×3 mean, root mean
square, in levels of 255, over the pixels around which the frame itself varies by less than 4 levels.
"""

import sys
from pathlib import Path

import numpy as np

from autoencode.dataset.catalogue import find
from autoencode.pictures import pairs, png
from autoencode.quiet import quiet
from autoencode.run import find_trained_run

with quiet():
    import tensorflow as tf

    from autoencode.dataset.pipeline import frames_in_order
    from autoencode.metrics import psnr, ssim
    from autoencode.reconstruct import Reconstructor

STEP, EVEN = 30, 4.0
SHOWN, ENLARGED = 12, 3


def main(name: str, sheet: str | None = None) -> None:
    """Measures, and shows."""
    run = find_trained_run(name)
    reconstruct = Reconstructor(run, run.weights(None))
    batches = frames_in_order(find(Path("data"), run.dataset), STEP).as_numpy_iterator()
    frames = np.stack([batch["frame"][0] for batch in batches])
    pictures = np.concatenate([reconstruct(frames[i : i + 32]) for i in range(0, len(frames), 32)])
    even = _deviation(frames) < EVEN
    similar = np.mean([ssim(frames, pictures), psnr(frames, pictures)], axis=1)
    print(f"{run.name}: PSNR {similar[1]:.2f}, SSIM {similar[0]:.3f}, {even.mean():.0%} of the pixels even")
    print(
        f"grain: {_grain(pictures)[even].std():.2f} levels, the film's own {_grain(frames)[even].std():.2f}"
    )
    if sheet:
        chosen = np.linspace(0, len(frames) - 1, SHOWN + 2).astype(int)[1:-1]
        shown = pairs(frames[chosen], pictures[chosen], SHOWN // 2)
        Path(sheet).write_bytes(png(shown.repeat(ENLARGED, 0).repeat(ENLARGED, 1)))
        print(sheet)


def _mean(pictures: np.ndarray, window: int) -> np.ndarray:
    return tf.nn.avg_pool2d(pictures.astype(np.float32), window, 1, "SAME").numpy()


def _grain(pictures: np.ndarray) -> np.ndarray:
    return pictures - _mean(pictures, 3)


def _deviation(pictures: np.ndarray) -> np.ndarray:
    squares = _mean(np.square(pictures.astype(np.float32)), 5) - np.square(_mean(pictures, 5))
    return np.sqrt(np.maximum(squares, 0.0)).max(axis=-1)


if __name__ == "__main__":
    main(*sys.argv[1:])
