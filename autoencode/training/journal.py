"""What a training leaves to look at: figures, TensorBoard, pictures numbered by step, their time-lapse."""

import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import imageio.v2
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

    TensorBoard's events are never taken back: after a collapse its curves show both ways that were gone.

    Args:
        run: where.
        trainer: whose networks are pictured.
        pictured: fixed frames to reconstruct and look at, (n, height, width, 3) uint8.
        evaluated: fixed frames to measure on, likewise.
        step: where the training goes on; lines of later steps, of a training cut off, are dropped.
        rollbacks: how many there were until then; lines of later ones are dropped.
    """

    def __init__(
        self,
        run: Run,
        trainer: Trainer,
        pictured: np.ndarray,
        evaluated: np.ndarray,
        step: int,
        rollbacks: int,
    ) -> None:
        self._run, self._trainer = run, trainer
        self._pictured, self._evaluated = tf.constant(pictured), tf.constant(evaluated)
        mean = np.broadcast_to(evaluated.mean(axis=0).round().astype(np.uint8), evaluated.shape)
        self._mean_psnr = float(tf.reduce_mean(psnr(evaluated, mean)))
        self._samples = run.folder / "samples"
        self._samples.mkdir(parents=True, exist_ok=True)
        self._metrics = run.folder / "metrics.jsonl"
        self._events = tf.summary.create_file_writer(str(run.folder / "tensorboard"))
        self._prior = draw_prior(trainer.config, len(pictured), (trainer.config.seed, 0))
        self._begun, self._seconds = time.monotonic(), 0.0  # now, and of training before
        kept = self._keep_until(step, rollbacks)
        self._seconds = max([0.0, *(line.get("seconds", 0.0) for line in kept)])

    def figures(self, step: int, epoch: float, values: dict[str, float]) -> None:
        """One line in metrics.jsonl and one point of each curve in TensorBoard."""
        seconds = round(self._seconds + time.monotonic() - self._begun, 1)
        line = {"step": step, "epoch": round(epoch, 4), "seconds": seconds}
        self._write({**line, **{k: _rounded(v) for k, v in values.items()}})
        with self._events.as_default(step):
            for name, value in values.items():
                tf.summary.scalar(name, value)

    def sample(self) -> dict[str, float]:
        """`sample_psnr` (dB) and `sample_ssim` of the evaluation frames; `mean_psnr`, what their mean has."""
        decibels, similarity = self._measure(self._evaluated)
        return {
            "mean_psnr": self._mean_psnr,
            "sample_psnr": float(decibels),
            "sample_ssim": float(similarity),
        }

    def pictures(self, step: int) -> None:
        """Reconstructions of the pictured frames and decoded prior samples, as PNGs and in TensorBoard."""
        imagined = to_uint8(self._trainer.networks.decoder(self._prior))
        images = {
            "reconstruction": pairs(
                self._pictured.numpy(), self._reconstruct(self._pictured).numpy(), COLUMNS
            ),
            "prior": grid(imagined.numpy(), COLUMNS),
        }
        for name, image in images.items():
            with whole(self._samples / f"{name}_{step:07d}.png") as partial:
                partial.write_bytes(png(image))
            with self._events.as_default(step):
                tf.summary.image(name, image[np.newaxis])

    def collapse(self, collapsed: int, step: int, epoch: float, collapses: int, why: str) -> None:
        """Notes that learning collapsed, and went back to `step`, in a line and in TensorBoard.

        Args:
            collapsed: the step at which it did.
            step: where training goes on; `collapsed` itself if it is given up.
            epoch: of that step.
            collapses: how many there were, this one too.
            why: the sign of it.
        """
        self._keep_until(step, collapses)
        line = {"step": step, "epoch": round(epoch, 4), "rollbacks": collapses}
        self._write({**line, "collapsed_at": collapsed, "because": why})
        with self._events.as_default(collapsed):
            tf.summary.scalar("rollbacks", collapses)
            then = f"back to step {step}" if step < collapsed else "given up"
            tf.summary.text("rollback", f"{why}: {then}")

    def _keep_until(self, step: int, rollbacks: int) -> list[dict[str, Any]]:
        """Drops figures of later steps, and later collapses; returns the other lines."""
        lines = self._metrics.read_text().splitlines() if self._metrics.exists() else []
        kept = []
        for line in lines:
            with suppress(ValueError):  # half a line, of a process that was killed
                values = json.loads(line)
                if values["rollbacks"] <= rollbacks if "rollbacks" in values else values["step"] <= step:
                    kept.append(values)
        write_whole(self._metrics, "".join(json.dumps(values) + "\n" for values in kept))
        return kept

    @tf.function(autograph=False)
    def _measure(self, frames: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        reconstructions = self._reconstruct(frames)
        return tf.reduce_mean(psnr(frames, reconstructions)), tf.reduce_mean(ssim(frames, reconstructions))

    def _reconstruct(self, frames: tf.Tensor) -> tf.Tensor:
        encoder, decoder, _ = self._trainer.networks
        return to_uint8(decoder(encoder(to_float(frames)).mean))

    def _write(self, line: dict[str, float | str]) -> None:
        with self._metrics.open("a") as file:
            file.write(json.dumps(line) + "\n")

    def timelapse(self) -> Path:
        """The reconstructions so far as a film, samples/timelapse.mp4."""
        path = self._samples / "timelapse.mp4"
        pictures = sorted(self._samples.glob("reconstruction_*.png"))
        # The last picture stands for two seconds more.
        pictures += pictures[-1:] * 2 * TIMELAPSE_RATE
        options = {"fps": TIMELAPSE_RATE, "ffmpeg_log_level": "error"}
        with whole(path) as partial, imageio.v2.get_writer(partial, format="FFMPEG", **options) as film:
            for picture in pictures:  # one by one: of a long training there are thousands
                film.append_data(iio.imread(picture))
        return path

    def close(self) -> None:
        """Flushes TensorBoard's file."""
        self._events.close()


def _rounded(value: float) -> float:
    return float(f"{value:.5g}")
