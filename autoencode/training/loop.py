"""Epochs: batches in, a run folder out. Stops when asked to, and goes on from where it stopped."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from autoencode.dataset.pipeline import frames_in_order, sample_frames, training_batches
from autoencode.dataset.shards import shards_named
from autoencode.dataset.shots import find_shots
from autoencode.errors import UserError
from autoencode.explain import explain
from autoencode.files import check_room
from autoencode.interrupt import handled
from autoencode.plan import Plan
from autoencode.progress import bar
from autoencode.run import read_run
from autoencode.training.checkpoints import Checkpoints, restore_origin, restore_weights
from autoencode.training.components import PASSES, principal_components
from autoencode.training.forecast import Headline, disk_bytes, rehearse
from autoencode.training.guard import ROLLBACKS, Guard, learning_rate_scale_after, seed_after
from autoencode.training.journal import Journal
from autoencode.training.precision import resolve
from autoencode.training.second_stage import learn_second_encoder
from autoencode.training.step import Trainer

PICTURED, EVALUATED = 12, 30
"""Fixed frames that are reconstructed again and again: to look at, and to measure on."""

FIGURES_LAYOUT = "{percentage:3.0f}% {n_fmt}/{total_fmt} [{elapsed}<{remaining}]{postfix}"
"""Of the progress bar: no bar, for the sake of the figures, in 80 columns."""


@dataclass(frozen=True)
class Rhythm:
    """After how many steps a training writes what, besides at the end of each epoch.

    In steps and not in minutes, and only the pictures are the user's to choose: when the guard looks, and
    where a training goes back to when it collapses, decide the weights.
    """

    figures: int = 100
    checkpoint: int = 500
    pictures: int = 500


def train(plan: Plan, rhythm: Rhythm = Rhythm(), dry_run: bool = False) -> None:
    """Trains until `plan.epochs` epochs are done, or until Ctrl-C.

    Args:
        plan: what to train.
        rhythm: how often to write.
        dry_run: only say what would be done.

    Raises:
        UserError: another process trains the run, its checkpoints cannot be read, the disk is too small, or
            learning collapsed again and again.
        KeyboardInterrupt: it was asked to stop, and has saved.
    """
    run = plan.run
    if not plan.resumes:
        run = replace(run, config=replace(run.config, precision=resolve(run.config.precision)))
    plan = replace(plan, run=run)
    trainer = Trainer(run.config, schedule_steps=run.config.epochs * run.steps_per_epoch)
    if dry_run:
        with shards_named(plan.dataset):
            rehearse(plan, trainer)
        return
    needed = disk_bytes(plan, trainer) - run.state_bytes()
    check_room(run.folder, needed, f"{run.folder}: training", "choose another --run path")
    with run.locked(), _stop_asked() as stop:
        if not (plan.resumes and run.states() and run == read_run(run.folder)):
            run.write(again=plan.resumes)
        with shards_named(plan.dataset):
            loop = _Loop(plan, trainer, rhythm, stop)
        try:
            with shards_named(plan.dataset):
                to_look_at = loop.train()
                learn_second_encoder(plan, rhythm.checkpoint, rhythm.pictures, stop)
            run.write_status("finished", loop.step, plan.epochs)
        except Exception as error:
            with suppress(OSError):
                run.write_status("failed", loop.step, plan.epochs, because=explain(error) or str(error))
            raise
        except KeyboardInterrupt:
            run.write_status("interrupted", loop.step, plan.epochs)
            raise
    print(f"trained: {run.folder}; to look at: {to_look_at}")


class _Loop:
    """The state of a running training."""

    def __init__(self, plan: Plan, trainer: Trainer, rhythm: Rhythm, stop: list[bool]) -> None:
        self.plan, self.trainer, self.rhythm, self.stop = plan, trainer, rhythm, stop
        self.run = plan.run
        self.per_epoch = self.run.steps_per_epoch
        self.guard = Guard(self.run.config, trainer.schedule_steps)
        self.checkpoints = Checkpoints(self.run, trainer, self.guard)
        self.steps = plan.epochs * self.per_epoch
        samples = [sample_frames(plan.dataset, count) for count in (PICTURED, EVALUATED)]
        self.step = self.checkpoints.restore_latest()
        self.journal = Journal(self.run, trainer, *samples, self.step, self.guard.memory.rollbacks)
        if self.run.best_step > self.step:
            self._measure_best()

    def _measure_best(self) -> None:
        """The states after the best weights are gone: worse ones must not take their place."""
        encoder, decoder, _ = self.trainer.networks
        best = -np.inf
        with suppress(UserError):  # damaged ones are no loss
            restore_weights(self.run, self.run.best, encoder, decoder)
            best = self.journal.sample()["sample_psnr"]
        self.checkpoints.restore_latest()
        self.guard.keep(best)

    def train(self) -> Path:
        """Trains to the end, or until it is asked to stop; returns what there is to look at."""
        run = self.run
        run.write_status("running", self.step, self.plan.epochs)
        if not run.states():
            if run.origin:
                restore_origin(run.origin, self.trainer.networks)
            if run.config.linear_path and not (run.origin and run.origin.keeps_linear_path):
                self._lay_linear_path()
            self.guard.begin(self.journal.sample()["sample_psnr"])
            self.checkpoints.save(good=True)
            self.journal.pictures(0)  # the time-lapse begins with networks that have learned nothing
        nothing_left = self.step >= self.steps
        with bar(
            self.steps, "training", "step", done=self.step, hidden=nothing_left, layout=FIGURES_LAYOUT
        ) as progress:
            headline = Headline(self.plan, self.step, self.steps)
            while self.step < self.steps and not self.stop[0]:
                self._epoch(progress, headline)
        finished = self.step >= self.steps
        if not finished:
            self._save("interrupted", good=False)
        to_look_at = self._timelapse()
        self.journal.close()
        if not finished:
            raise KeyboardInterrupt(f"stopped at step {self.step} and saved; go on with: {self.plan.command}")
        if not self.guard.healthy and -1 < run.best_step < self.step:
            print(f"the last steps show a sign of collapse: render takes the best weights, {run.best.name}")
        return to_look_at

    def _timelapse(self) -> Path:
        """The time-lapse, or if it cannot be written the folder of its pictures: no training fails by it."""
        try:
            return self.journal.timelapse()
        except (OSError, RuntimeError, ValueError) as error:  # or no ffmpeg, or pictures of two sizes
            print(f"no time-lapse: {error}")
            return self.run.folder / "samples"

    def _lay_linear_path(self) -> None:
        """Gives encoder and decoder the film's principal components."""
        count = self.plan.dataset.frames
        with bar(count * (1 + PASSES), "principal components", "frame") as progress:

            def frames() -> Iterator[np.ndarray]:
                for batch in frames_in_order(self.plan.dataset, 64).as_numpy_iterator():
                    if self.stop[0]:
                        self.run.write_status("interrupted", 0, self.plan.epochs)
                        raise KeyboardInterrupt(f"stopped before the first step; again: {self.plan.command}")
                    progress.update(len(batch["frame"]))
                    yield from batch["frame"]

            shots = find_shots(frames())
            found = principal_components(frames, shots, self.run.config.latent_size)
        self.trainer.networks.encoder.linear_path.assign(found)  # which is the decoder's too

    def _epoch(self, progress: tqdm, headline: Headline) -> None:
        """To the end of the epoch, or until it is asked to stop, or until learning collapses."""
        config = self.run.config
        epoch, skip = divmod(self.step, self.per_epoch)
        seed = int(self.trainer.seed)
        for frames in training_batches(self.plan.dataset, config.batch_size, seed, epoch, skip):
            self.trainer.train_step(frames)
            self.step += 1
            if headline.due(self.step):
                self.trainer.step.numpy()  # on a GPU the steps are only queued until somebody looks
                progress.write(headline.text(self.step))
            if headline.begins(self.step):
                progress.unpause()  # or its ETA would take the first step for the measure of all
            progress.update()
            if not self._write_what_is_due(progress) or self.stop[0]:
                return

    def _write_what_is_due(self, progress: tqdm) -> bool:
        """Returns False if learning had collapsed, and went back."""
        epoch_ends = self.step % self.per_epoch == 0
        saves = epoch_ends or self.step % self.rhythm.checkpoint == 0
        if saves or self.step % self.rhythm.figures == 0:
            figures = {**self.trainer.take_means(), **self.journal.sample()}
            self.journal.figures(self.step, self.step / self.per_epoch, figures)
            progress.set_postfix_str(_in_short(figures), refresh=False)
            collapsed = self.guard.look(self.step, figures)
            if collapsed:
                self._roll_back(collapsed, progress)
                return False
        if epoch_ends or self.step % self.rhythm.pictures == 0:
            self.journal.pictures(self.step)
        if epoch_ends:
            self.checkpoints.save_epoch(self.step // self.per_epoch)
        if saves:
            if self.guard.best(figures["sample_psnr"]):
                self.checkpoints.save_best()
            # Not at the ends of epochs: a short film's last few would be no way back.
            self._save("running", good=self.guard.good and self.step % self.rhythm.checkpoint == 0)
        return True

    def _save(self, state: str, good: bool) -> None:
        self.checkpoints.save(good)
        self.run.write_status(state, self.step, self.plan.epochs)

    def _roll_back(self, why: str, progress: tqdm) -> None:
        """Back to the last good state, with another seed and smaller steps. Raises `UserError` at last."""
        self.guard.memory.rollbacks += 1
        rollbacks, collapsed = self.guard.memory.rollbacks, self.step
        gives_up = rollbacks > ROLLBACKS or not self.checkpoints.restore_good()
        if not gives_up:
            self.step = int(self.trainer.step)
            self.trainer.seed.assign(seed_after(self.run.config.seed, rollbacks))
            self.trainer.learning_rate_scale.assign(learning_rate_scale_after(rollbacks))
            self._save("running", good=False)  # killed before the next state, it must not forget this
        self.journal.collapse(collapsed, self.step, self.step / self.per_epoch, rollbacks, why)
        if gives_up:
            best = self.run.best
            left = f"its best state, {best.name}, can be rendered" if best else "nothing can be rendered"
            raise UserError(
                f"run {self.run.name}: learning collapsed {rollbacks} times, at last at step {collapsed}"
                f" ({why}); {left}; begin a new run with a lower --learning_rate or another --seed"
            )
        progress.write(
            f"learning collapsed at step {collapsed} ({why}): back to step {self.step}, with another seed and"
            f" half the learning rates ({rollbacks} of {ROLLBACKS})"
        )
        progress.n = self.step
        progress.refresh()


def _in_short(figures: dict[str, float]) -> str:
    """Figures in a few words."""
    kl, pixel, likeness, gan, psnr = (
        figures[name] for name in ("kl", "pixel", "likeness", "gan", "sample_psnr")
    )
    return f"kl {kl:.2f} px {pixel:.2f} like {likeness:.2f} gan {gan:.1f} psnr {psnr:.1f}"


@contextmanager
def _stop_asked() -> Iterator[list[bool]]:
    """A flag that Ctrl-C (or the like) raises, so that a step in progress ends; a second one ends at once."""
    asked = [False]

    def ask(number: int, frame: object) -> None:
        if asked[0]:
            raise KeyboardInterrupt
        asked[0] = True
        with suppress(OSError):  # past Python's buffers, which the bar may be writing to just now
            os.write(2, b"\nstops after this step, and saves\n")

    with handled(ask):
        yield asked
