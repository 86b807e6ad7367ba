"""What `train` was asked to do, settled before TensorFlow is loaded: dataset, Config, and which run."""

import dataclasses
import shlex
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autoencode.config import Config, make_config, preset_for
from autoencode.dataset.catalogue import Dataset, find
from autoencode.errors import UserError
from autoencode.frame_size import format_size
from autoencode.run import RUNS, Run, all_runs, read_run, run_folder

DATA_DIR = Path("data")


@dataclass(frozen=True)
class Plan:
    """A training to do."""

    run: Run
    dataset: Dataset
    epochs: int  # to have been trained at the end, counted from the run's beginning
    resumes: bool  # the run has a folder already
    data_dir: Path = DATA_DIR

    @property
    def finished(self) -> bool:
        """Whether the run has all its epochs."""
        return self.run.epochs_done >= self.epochs

    @property
    def command(self) -> str:
        """What to type to go on."""
        flags = [f"--run={self.run.name}", f"--epochs={self.epochs}"]
        flags += [f"--data_dir={self.data_dir}"] if self.data_dir != DATA_DIR else []
        return shlex.join(["python", "-m", "autoencode.train", *flags])


def make_plan(
    *,
    dataset: str | None,
    data_dir: Path,
    preset: str | None,
    run: str | None,
    fields: dict[str, Any],
) -> Plan:
    """Settles what to train.

    Args:
        dataset: name under `data_dir`; None is the run's, or else the newest.
        data_dir: holds the datasets.
        preset: name of a preset; None is the run's, or else what fits the dataset's size.
        run: name or path of a run, begun or new; None is the newest unfinished run of the same dataset and
            Config, begun for as many epochs or fewer, or else a new one.
        fields: Config fields that were asked for by name. `epochs` may differ from those of a named run;
            left out, the run goes as far as it was last told to, at least as it was begun for.

    Raises:
        UserError: something does not exist, or contradicts the run or the dataset.
    """
    make_config(preset or "paper", **fields)  # refuses a value that no run could have
    if run is not None and (run_folder(run) / "config.json").exists():
        begun = read_run(run_folder(run))
        _refuse_contradictions(begun, dataset, preset, fields)
        frames = find(data_dir, begun.dataset)
        if frames.frames != begun.frames:
            raise UserError(
                f"run {begun.name} was begun on {begun.frames:,} frames, {frames.name} has {frames.frames:,}"
            )
        return Plan(begun, frames, fields.get("epochs", begun.epochs_asked), resumes=True, data_dir=data_dir)

    frames = find(data_dir, dataset)
    if fields.get("size", frames.size) != frames.size:
        asked, held = format_size(fields["size"]), format_size(frames.size)
        raise UserError(
            f"--size={asked}: dataset {frames.name} holds frames of {held}; make others with `make frames`"
        )
    preset = preset or preset_for(frames.size)
    config = make_config(preset, **{**fields, "size": frames.size})
    if run is None:
        for candidate in all_runs():
            epochs = fields.get("epochs", candidate.epochs_asked)
            ours = (candidate.dataset, candidate.frames) == (frames.name, frames.frames)
            ours = ours and _same(candidate.config, config) and candidate.config.epochs <= epochs
            if ours and candidate.epochs_done < epochs:
                return Plan(candidate, frames, epochs, resumes=True, data_dir=data_dir)
    folder = run_folder(run) if run is not None else _new_folder(frames, preset)
    begins = Run(folder, config, preset, frames.name, frames.frames, id=uuid.uuid4().hex)
    return Plan(begins, frames, config.epochs, resumes=False, data_dir=data_dir)


def _refuse_contradictions(run: Run, dataset: str | None, preset: str | None, fields: dict[str, Any]) -> None:
    asked = {"dataset": dataset, "preset": preset, **{k: v for k, v in fields.items() if k != "epochs"}}
    if fields.get("precision") == "auto":
        del asked["precision"]  # whatever auto was then
    for name, value in asked.items():
        held = getattr(run if name in ("dataset", "preset") else run.config, name)
        matches = value is None or value == held or (name == "dataset" and held.startswith(value))
        if not matches:
            raise UserError(
                f"--{name}={_shown(value)}: run {run.name} was begun with {_shown(held)};"
                " leave the flag out, or name a new run with --run"
            )


def _same(begun: Config, asked: Config) -> bool:
    """Whether a run of `begun` may go on for `asked`: the epochs may grow, `auto` is whatever it was then."""
    precision = begun.precision if asked.precision == "auto" else asked.precision
    return begun == dataclasses.replace(asked, epochs=begun.epochs, precision=precision)


def _new_folder(dataset: Dataset, preset: str) -> Path:
    stem = f"{dataset.name.rpartition('-')[0]}-{preset}"
    number = 1
    while (RUNS / f"{stem}-{number}").exists():
        number += 1
    return RUNS / f"{stem}-{number}"


def _shown(value: Any) -> str:
    return format_size(value) if isinstance(value, tuple) else str(value)
