"""What the guard costs: a training step with it over one without, and its look at the evaluation frames.

    python experiments/benchmarks/guard.py demo

Several trainings of each kind take turns on one batch of noise, in an order that is shuffled every round: a
machine changes its pace, and two trainings of the same kind lie further apart than what is looked for.
"""

import sys
import tempfile
import time
from pathlib import Path
from statistics import fmean, median

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

TRAININGS, ROUNDS, STEPS = 4, 40, 10


class Unguarded(Trainer):
    """Takes every number to be finite, and has no moving averages to be put back."""

    _averages = ()

    def _finite(self, numbers: object) -> tf.Tensor:
        return tf.constant(True)


def main(preset: str) -> None:
    """Prints the ratio of the steps' times, and what the looks add to it."""
    config = make_config(preset, precision=resolve("auto"))
    width, height = config.size
    draws = np.random.default_rng(0)
    frames = tf.constant(draws.integers(0, 256, (config.batch_size, height, width, 3), dtype=np.uint8))
    kinds = (Trainer, Unguarded)
    trainers = [kind(config, schedule_steps=1000) for _ in range(TRAININGS) for kind in kinds]
    for trainer in trainers:
        _seconds(trainer, frames)  # the first steps build the graph
    seconds = {trainer: [] for trainer in trainers}
    for _ in range(ROUNDS):
        for turn in draws.permutation(len(trainers)):
            seconds[trainers[turn]].append(_seconds(trainers[turn], frames))
    medians = {kind: sorted(median(seconds[t]) for t in trainers if type(t) is kind) for kind in kinds}
    guarded, unguarded = (fmean(medians[kind]) for kind in kinds)
    spread = medians[Unguarded][-1] / medians[Unguarded][0] - 1

    evaluated = draws.integers(0, 256, (EVALUATED, height, width, 3), dtype=np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder), config, preset, "noise", len(evaluated), id="")
        journal = Journal(run, trainers[0], evaluated[:1], evaluated, step=0, rollbacks=0)
        looks = [_look(journal) for _ in range(ROUNDS)]
    look = median(looks[1:]) / Rhythm().figures / unguarded
    print(f"preset {preset}, batch {config.batch_size}, {config.precision}")
    print(f"{TRAININGS} trainings of each kind, {ROUNDS} rounds of {STEPS} steps")
    print(f"a step with its checks   {guarded / unguarded:.3f} × without (those lie {spread:.3f} apart)")
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
