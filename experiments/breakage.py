"""Breaks a training on purpose and shows what the guard makes of it.

    python experiments/breakage.py all --epochs=2
    python experiments/breakage.py still --recipe=published

Trains the preset `demo` on *Big Buck Bunny* (`make demo` leaves its frames), undisturbed and disturbed once,
at a third of the way: `nan`, numbers that are none in a batch; `encoder_rate`, `decoder_rate` and
`discriminator_rate`, that network's learning rate a thousandfold for 50 steps; `black`, 2,000 black frames in
a row; `still`, a film of one frame repeated. Prints how each ended: PSNR of the evaluation frames and where
it went back, with `all` also how far it ended from the undisturbed one; then the status is not 0 if that is
more than 1 dB below (`still` may end anywhere).
"""

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from autoencode.config import make_config
from autoencode.errors import UserError
from autoencode.film import ffmpeg
from autoencode.plan import make_plan
from autoencode.quiet import quiet

with quiet():
    import tensorflow as tf

    from autoencode.networks.pixels import to_float
    from autoencode.training import loop, step

RUNS = Path("experiments/runs/breakage")
STILL = RUNS / "still.mp4"
LEFT: set[int] = set()
"""Steps that are still to be disturbed."""

BLACK_FRAMES, RATE_STEPS, RATE = 2000, 50, 1000.0


def nan(begins: int) -> None:
    """Numbers that are none, in one batch."""
    factor = tf.Variable(1.0)
    step.to_float = lambda frames: to_float(frames) * factor
    _once(range(begins, begins + 1), lambda now: factor.assign(np.nan if now else 1.0))


def rate(network: str, begins: int) -> None:
    """One network's learning rate, a thousandfold."""
    factor = tf.Variable(1.0)
    usual = step.Trainer.__init__

    def init(self: step.Trainer, *arguments: object, **named: object) -> None:
        usual(self, *arguments, **named)
        schedule = getattr(self.optimizers, network)._learning_rate
        schedule._trainer = _Hasty(self, factor)

    step.Trainer.__init__ = init
    _once(range(begins, begins + RATE_STEPS), lambda now: factor.assign(RATE if now else 1.0))


class _Hasty:
    """Stands before a trainer where its optimiser asks for a learning rate."""

    def __init__(self, trainer: step.Trainer, factor: tf.Variable) -> None:
        self._trainer, self._factor = trainer, factor

    def _rate(self, learning_rate: float) -> tf.Tensor:
        return self._factor * self._trainer._rate(learning_rate)


def black(begins: int) -> None:
    """Black frames in a row."""
    usual, dark = loop.training_batches, [False]

    def batches(*arguments: object) -> Iterator[tf.Tensor]:
        for frames in usual(*arguments):
            yield tf.zeros_like(frames) if dark[0] else frames

    loop.training_batches = batches
    length = BLACK_FRAMES // make_config("demo").batch_size

    def darken(now: bool) -> None:
        dark[0] = now

    _once(range(begins, begins + length), darken)


BREAKAGES: dict[str, Callable[[int], None]] = {
    "undisturbed": lambda begins: None,
    "nan": nan,
    **{f"{network}_rate": partial(rate, network) for network in ("encoder", "decoder", "discriminator")},
    "black": black,
    "still": lambda begins: None,
}


def _once(steps: range, disturb: Callable[[bool], object]) -> None:
    """Disturbs these steps, the first time that a training comes to them."""
    LEFT.update(steps)
    due = loop._Loop._write_what_is_due

    def write_what_is_due(self: loop._Loop, progress: object) -> bool:
        held = due(self, progress)
        disturb(self.step in LEFT)  # the step that comes next
        LEFT.discard(self.step)
        return held

    loop._Loop._write_what_is_due = write_what_is_due


def main() -> None:
    """Breaks one training, or all in turn, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("breakage", choices=[*BREAKAGES, "all"])
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--recipe", default="refined")
    asked = parser.parse_args()
    if asked.breakage == "all":
        sys.exit(_all(asked.recipe, asked.epochs))
    folder = RUNS / f"{asked.breakage}-{asked.recipe}"
    shutil.rmtree(folder, ignore_errors=True)
    dataset = "big_buck_bunny-96x64" if asked.breakage != "still" else _still()
    plan = make_plan(
        dataset=dataset,
        data_dir=Path("data"),
        preset="demo",
        run=str(folder),
        fields={"recipe": asked.recipe, "epochs": asked.epochs},
    )
    BREAKAGES[asked.breakage](plan.epochs * plan.run.steps_per_epoch // 3)
    try:
        loop.train(plan)
        how = "ended well"
    except UserError as error:
        how = str(error)
    if LEFT and how == "ended well":
        sys.exit(f"{len(LEFT)} steps were not disturbed: this proves nothing")
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    psnr = [line["sample_psnr"] for line in lines if "sample_psnr" in line][-1]
    back = [f"{line['collapsed_at']} → {line['step']}" for line in lines if "rollbacks" in line]
    print(json.dumps({"psnr": psnr, "back": back, "how": how}))


def _all(recipe: str, epochs: int) -> bool:
    """Breaks all in turn; whether one ended too far below the undisturbed."""
    failed, mark = False, None
    for name in BREAKAGES:
        words = [sys.executable, __file__, name, f"--recipe={recipe}", f"--epochs={epochs}"]
        said = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True).stdout
        ended = json.loads(said.splitlines()[-1])
        mark = ended["psnr"] if mark is None else mark
        below = mark - ended["psnr"]
        failed |= below > 1 and name != "still"
        back = ", ".join(ended["back"]) or "never"
        print(f"{name:20} {ended['psnr']:6.2f} dB ({-below:+.2f})  back: {back}  {ended['how']}", flush=True)
    return failed


def _still() -> str:
    """A film of one frame, repeated, and its dataset."""
    RUNS.mkdir(parents=True, exist_ok=True)
    picture = ["-ss", "100", "-i", "data/films/big_buck_bunny.mp4"]
    repeated = ["-vf", "loop=2000:1", "-frames:v", "2000", "-an", str(STILL)]
    subprocess.run([ffmpeg.binary(), "-v", "error", "-y", *picture, *repeated], check=True)
    words = [sys.executable, "-m", "autoencode.frames", f"--film={STILL}", "--size=96x64"]
    subprocess.run(words, check=True)
    return "still-96x64"


if __name__ == "__main__":
    main()
