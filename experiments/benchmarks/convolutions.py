"""What oneDNN's convolutions are worth on this processor: a training step with them over one without.

    python experiments/benchmarks/convolutions.py demo

TensorFlow decides when it is imported, so each round starts two processes, by turns first; a step on a batch
of noise, its first ones apart.
"""

import os
import subprocess
import sys
from statistics import median

ROUNDS, STEPS = 3, 20

STEP = f"""
import sys, time
from statistics import median
import numpy as np, tensorflow as tf
from autoencode.config import make_config
from autoencode.training.precision import resolve
from autoencode.training.step import Trainer
config = make_config(sys.argv[1], precision=resolve("auto"))
trainer = Trainer(config, schedule_steps=1000)
width, height = config.size
noise = np.random.default_rng(0).integers(0, 256, (config.batch_size, height, width, 3), dtype=np.uint8)
frames, seconds = tf.constant(noise), []
for _ in range({STEPS} + 3):
    begun = time.monotonic()
    trainer.train_step(frames)
    trainer.step.numpy()
    seconds.append(time.monotonic() - begun)
print(config.precision, median(seconds[3:]))
"""


def main(preset: str) -> None:
    """Prints the seconds of a step with and without, and their ratio, round by round."""
    ratios = []
    for number in range(ROUNDS):
        seconds = {}
        for setting in ("01", "10")[number % 2]:
            precision, seconds[setting] = _step(preset, setting)
        ratios.append(seconds["1"] / seconds["0"])
        print(f"{precision}: {seconds['1']:.3f} s with, {seconds['0']:.3f} s without, {ratios[-1]:.2f} ×")
    print(f"preset {preset}: {median(ratios):.2f} × ({min(ratios):.2f} to {max(ratios):.2f})")


def _step(preset: str, setting: str) -> tuple[str, float]:
    """The precision, and the seconds of a step."""
    environment = {**os.environ, "TF_ENABLE_ONEDNN_OPTS": setting, "TF_CPP_MIN_LOG_LEVEL": "3"}
    words = [sys.executable, "-c", STEP, preset]
    ran = subprocess.run(words, env=environment, check=True, capture_output=True, text=True)
    precision, seconds = ran.stdout.split()
    return precision, float(seconds)


if __name__ == "__main__":
    main(sys.argv[1])
