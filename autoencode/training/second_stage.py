"""After the epochs: the second encoder learns, saves, and goes on from where it stopped."""

import json

import numpy as np
import tensorflow as tf

from autoencode.dataset.pipeline import sample_frames, training_batches
from autoencode.errors import UserError
from autoencode.files import whole
from autoencode.networks.build import build_autoencoder
from autoencode.networks.pixels import luminance, to_float, to_uint8
from autoencode.pictures import pairs, png
from autoencode.plan import Plan
from autoencode.progress import bar
from autoencode.run import Run, write_whole
from autoencode.training.checkpoints import SecondCheckpoints, restore_weights
from autoencode.training.disturbances import rearrange
from autoencode.training.second_encoder import SecondEncoder

PICTURED, COLUMNS = 6, 6
"""Frames that are pictured without colours, and as many rearranged, and pictures in a row."""

MOST_SKIPPED = 0.5
"""Share of the steps since the last state that may have changed nothing."""


def learn_second_encoder(plan: Plan, states_every: int, pictures_every: int, stop: list[bool]) -> None:
    """Trains the second encoder and its decoder beside the run's best weights, if it is to have them.

    Args:
        plan: of the run, whose epochs are done.
        states_every: steps between two states, and two lines of figures.
        pictures_every: steps between two pictures.
        stop: asks it to stop.

    Raises:
        UserError: a state cannot be read, or learning failed.
        KeyboardInterrupt: it was asked to stop, and has saved.
    """
    run = plan.run
    if run.second_done:
        return
    first = build_autoencoder(run.config)
    restore_weights(run, run.weights(), *first)
    second = SecondEncoder(run.config, first, run.second_steps)
    checkpoints = SecondCheckpoints(run, second)
    step = checkpoints.restore_latest()
    journal = _Journal(run, step)
    shown = sample_frames(plan.dataset, PICTURED)
    per_epoch, batch = run.second_steps // run.config.second_epochs, 2 * run.config.batch_size
    with bar(run.second_steps, "second encoder", "step", done=step) as progress:
        while step < run.second_steps and not stop[0]:
            epoch, skip = divmod(step, per_epoch)
            for frames in training_batches(plan.dataset, batch, run.config.seed, epoch, skip):
                journal.add(second.train_step(frames))
                step += 1
                progress.update()
                if step % states_every == 0 or step == run.second_steps:
                    figures = journal.write(step)
                    progress.set_postfix_str(_in_short(figures), refresh=False)
                    if figures["skipped"] > MOST_SKIPPED:
                        raise UserError(
                            f"run {run.name}: {figures['skipped']:.0%} of the second encoder's last steps met"
                            " numbers that are not finite; begin a new run with --precision=float32"
                        )
                    checkpoints.save()
                if step % pictures_every == 0 or step == run.second_steps:
                    _picture(run, second, shown)
                if stop[0]:
                    break
    if step < run.second_steps:
        checkpoints.save()
        raise KeyboardInterrupt(
            f"stopped at step {step} of the second encoder, and saved; go on with: {plan.command}"
        )
    checkpoints.finish()


class _Journal:
    """Lines of the second encoder's figures in the run's metrics.jsonl, under `second_step`.

    Args:
        run: where.
        step: where its training goes on; lines of later steps, and of an earlier second encoder, are dropped.
    """

    def __init__(self, run: Run, step: int) -> None:
        self._path, self._losses = run.folder / "metrics.jsonl", []
        epochs = run.epochs_done
        self._about = {"step": round(epochs * run.steps_per_epoch), "epoch": round(epochs, 4)}
        lines = [json.loads(line) for line in self._path.read_text().splitlines()]
        kept = [line for line in lines if line.get("second_step", 0) <= step]
        write_whole(self._path, "".join(json.dumps(line) + "\n" for line in kept))

    def add(self, losses: dict[str, tf.Tensor]) -> None:
        """Takes note of a step."""
        self._losses.append(losses)

    def write(self, step: int) -> dict[str, float]:
        """Writes a line, of the means since the last one, and returns them."""
        names = self._losses[0]
        figures = {name: float(tf.reduce_mean([one[name] for one in self._losses])) for name in names}
        self._losses.clear()
        with self._path.open("a") as file:
            file.write(json.dumps({**self._about, "second_step": step, **figures}) + "\n")
        return figures


def _in_short(figures: dict[str, float]) -> str:
    return " ".join(f"{name} {value:.2f}" for name, value in figures.items() if name != "skipped")


def _picture(run: Run, second: SecondEncoder, frames: np.ndarray) -> None:
    """Own frames without their colours, and frames that the film does not have, each above what it became."""
    own = to_float(frames)
    seen = tf.concat([tf.repeat(luminance(own), 3, axis=-1), rearrange(own, (0, 0))], axis=0)
    became = second.decoder(second.encoder(seen).mean)
    picture = pairs(to_uint8(seen).numpy(), to_uint8(became).numpy(), COLUMNS)
    with whole(run.folder / "samples" / f"second_{int(second.step):07d}.png") as partial:
        partial.write_bytes(png(picture))
