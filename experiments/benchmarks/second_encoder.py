"""What a step of the second encoder takes, over a step of the three networks, in turn in one run.

    python experiments/benchmarks/second_encoder.py [PRESET]

Of the recipe `refined`, on frames of noise. Prints the medians, the range of the ratio over the rounds, and
how long the second encoder's training takes over that of the networks.
"""

import sys
import time
from collections.abc import Callable
from statistics import median

import numpy as np

from autoencode.config import make_config
from autoencode.quiet import quiet
from autoencode.training.precision import resolve

with quiet():
    import tensorflow as tf

    from autoencode.networks.build import build_autoencoder
    from autoencode.training.second_encoder import SecondEncoder
    from autoencode.training.step import Trainer

ROUNDS, STEPS = 7, 20


def main(preset: str = "demo") -> None:
    """Measures."""
    config = make_config(preset, recipe="refined", precision=resolve("auto"))
    (width, height), batch = config.size, config.batch_size
    noise = np.random.default_rng(0).integers(0, 256, (2 * batch, height, width, 3), dtype=np.uint8)
    trainer = Trainer(config, schedule_steps=1000)
    second = SecondEncoder(config, build_autoencoder(config), steps=1000)
    first_seconds, second_seconds = [], []
    for _ in range(1 + ROUNDS):  # the first round builds the graphs
        first_seconds.append(_seconds(trainer.train_step, tf.constant(noise[:batch]), trainer.step))
        second_seconds.append(_seconds(second.train_step, tf.constant(noise), second.step))
    ratios = [two / one for one, two in zip(first_seconds[1:], second_seconds[1:], strict=True)]
    print(f"{preset}, {config.precision}: {1000 * median(first_seconds[1:]):.0f} ms a step of the first,")
    print(f"{1000 * median(second_seconds[1:]):.0f} ms of the second: {median(ratios):.2f} ×")
    share = config.second_epochs / 2 / config.epochs
    print(f"({min(ratios):.2f} to {max(ratios):.2f}); with {share:.2f} × as many steps,")
    print(f"its whole training takes {share * median(ratios):.2f} × as long")


def _seconds(step: Callable[[tf.Tensor], object], frames: tf.Tensor, counter: tf.Variable) -> float:
    begun = time.monotonic()
    for _ in range(STEPS):
        step(frames)
    counter.numpy()  # on a GPU steps are only queued until somebody looks
    return (time.monotonic() - begun) / STEPS


if __name__ == "__main__":
    main(*sys.argv[1:])
