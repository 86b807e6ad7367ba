"""What the guard costs: a training step with it over one without, and its look at the evaluation frames.

    python experiments/benchmarks/guard.py demo

The two kinds of step take turns on one batch of noise, in rounds, so that a machine that changes its pace
changes it for both.
"""

import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np

from autoencode.config import make_config
from autoencode.quiet import quiet
from autoencode.run import Run

with quiet():
    import tensorflow as tf

    from autoencode.training.journal import Journal
    from autoencode.training.loop import EVALUATED, Rhythm
    from autoencode.training.precision import resolve
    from autoencode.training.step import Trainer

ROUNDS, STEPS = 60, 10


class Unguarded(Trainer):
    """Takes every number to be finite."""

    def _finite(self, gradients: object, metrics: object) -> tf.Tensor:
        return tf.constant(True)


def main(preset: str) -> None:
    """Prints the ratio of the steps' times, and what the looks add to it."""
    config = make_config(preset, precision=resolve("auto"))
    width, height = config.size
    draws = np.random.default_rng(0)
    frames = tf.constant(draws.integers(0, 256, (config.batch_size, height, width, 3), dtype=np.uint8))
    guarded, unguarded = Trainer(config, schedule_steps=1000), Unguarded(config, schedule_steps=1000)
    for trainer in (guarded, unguarded):
        _seconds(trainer, frames)  # the first steps build the graph
    rounds = [(_seconds(guarded, frames), _seconds(unguarded, frames)) for _ in range(ROUNDS)]
    ratios = sorted(ours / theirs for ours, theirs in rounds)
    a_step = median(theirs for _, theirs in rounds)

    evaluated = draws.integers(0, 256, (EVALUATED, height, width, 3), dtype=np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder), config, preset, "noise", len(evaluated), id="")
        journal = Journal(run, guarded, evaluated[:1], evaluated, step=0, rollbacks=0)
        looks = [_look(journal) for _ in range(ROUNDS)]
    look = median(looks[1:]) / Rhythm().figures / a_step
    print(f"preset {preset}, batch {config.batch_size}, {config.precision}; {ROUNDS} rounds of {STEPS} steps")
    print(f"a step with its checks   {median(ratios):.3f} × without ({ratios[0]:.3f} to {ratios[-1]:.3f})")
    print(f"a look every {Rhythm().figures} steps   {look:+.3f}")


def _seconds(trainer: Trainer, frames: tf.Tensor) -> float:
    """Of a step."""
    begun = time.monotonic()
    for _ in range(STEPS):
        trainer.train_step(frames)
    trainer.step.numpy()
    return (time.monotonic() - begun) / STEPS


def _look(journal: Journal) -> float:
    """Seconds of what the journal measures for the guard."""
    begun = time.monotonic()
    journal.sample()
    return time.monotonic() - begun


if __name__ == "__main__":
    main(sys.argv[1])
