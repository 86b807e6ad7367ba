"""What a training leaves to look at: figures, TensorBoard, pictures numbered by step, their time-lapse."""

import json
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import tensorflow as tf

from autoencode.files import whole
from autoencode.metrics import psnr, ssim
from autoencode.networks.pixels import to_float, to_uint8
from autoencode.pictures import grid, pairs, png
from autoencode.run import Run, write_whole
from autoencode.training.noise import draw_prior
from autoencode.training.step import Trainer

COLUMNS = 6
TIMELAPSE_RATE = 4
"""Pictures a second."""


class Journal:
    """Writes the figures and pictures of one run.

    Args:
        run: where.
        trainer: whose networks are pictured.
        frames: the fixed frames to reconstruct, (n, height, width, 3) uint8.
        step: where the training goes on; lines of later steps, of a training cut off, are dropped.
    """

    def __init__(self, run: Run, trainer: Trainer, frames: np.ndarray, step: int) -> None:
        self._run, self._trainer, self._frames = run, trainer, frames
        self._samples = run.folder / "samples"
        self._samples.mkdir(parents=True, exist_ok=True)
        self._metrics = run.folder / "metrics.jsonl"
        self._events = tf.summary.create_file_writer(str(run.folder / "tensorboard"))
        self._prior = draw_prior(trainer.config, len(frames), (trainer.config.seed, 0))
        if self._metrics.exists():
            lines = self._metrics.read_text().splitlines()
            kept = [line for line in lines if _step_of(line) <= step]
            write_whole(self._metrics, "".join(line + "\n" for line in kept))

    def figures(self, step: int, epoch: float, values: dict[str, float]) -> None:
        """One line in metrics.jsonl and one point of each curve in TensorBoard."""
        line = {"step": step, "epoch": round(epoch, 4), **{k: _rounded(v) for k, v in values.items()}}
        with self._metrics.open("a") as file:
            file.write(json.dumps(line) + "\n")
        with self._events.as_default(step):
            for name, value in values.items():
                tf.summary.scalar(name, value)

    def pictures(self, step: int, epoch: float) -> dict[str, float]:
        """Reconstructions of the fixed frames and decoded prior samples, as PNGs and in TensorBoard.

        Returns:
            `sample_psnr` (dB) and `sample_ssim` of the fixed frames, which are also written as figures.
        """
        encoder, decoder, _ = self._trainer.networks
        reconstructions = to_uint8(decoder(encoder(to_float(self._frames)).mean))
        imagined = to_uint8(decoder(self._prior))
        images = {
            "reconstruction": pairs(self._frames, reconstructions.numpy(), COLUMNS),
            "prior": grid(imagined.numpy(), COLUMNS),
        }
        for name, image in images.items():
            with whole(self._samples / f"{name}_{step:07d}.png") as partial:
                partial.write_bytes(png(image))
            with self._events.as_default(step):
                tf.summary.image(name, image[np.newaxis])
        values = {
            "sample_psnr": float(tf.reduce_mean(psnr(self._frames, reconstructions))),
            "sample_ssim": float(tf.reduce_mean(ssim(self._frames, reconstructions))),
        }
        self.figures(step, epoch, values)
        return values

    def timelapse(self) -> Path:
        """The reconstructions so far as a film, samples/timelapse.mp4."""
        path = self._samples / "timelapse.mp4"
        pictures = [iio.imread(image) for image in sorted(self._samples.glob("reconstruction_*.png"))]
        # The last picture stands for two seconds more.
        pictures += pictures[-1:] * 2 * TIMELAPSE_RATE
        with whole(path) as partial:
            iio.imwrite(
                partial, np.stack(pictures), plugin="FFMPEG", fps=TIMELAPSE_RATE, ffmpeg_log_level="error"
            )
        return path

    def close(self) -> None:
        """Flushes TensorBoard's file."""
        self._events.close()


def _rounded(value: float) -> float:
    return float(f"{value:.5g}")


def _step_of(line: str) -> float:
    try:
        return json.loads(line)["step"]
    except (ValueError, KeyError):
        return float("inf")  # half a line, of a process that was killed
