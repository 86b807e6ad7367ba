"""What `train` was asked to do, settled before TensorFlow is loaded: dataset, Config, and which run."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autoencode.config import PRESETS, Config, format_size, preset_for
from autoencode.dataset.catalogue import Dataset, find
from autoencode.errors import UserError
from autoencode.run import RUNS, Run, all_runs, read_run, run_folder


@dataclass(frozen=True)
class Plan:
    """A training to do."""

    run: Run
    dataset: Dataset
    epochs: int  # to have been trained at the end, counted from the run's beginning
    resumes: bool  # the run has a folder already

    @property
    def finished(self) -> bool:
        """Whether the run has all its epochs."""
        return self.run.status()["epoch"] >= self.epochs and bool(self.run.states())


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
            Config, or else a new one.
        fields: Config fields that were asked for by name; `epochs` may exceed those of an existing run.

    Raises:
        UserError: something does not exist, or contradicts the run or the dataset.
    """
    if preset is not None and preset not in PRESETS:
        raise UserError(f"--preset={preset}: choose one of {', '.join(PRESETS)}")
    if run is not None and (run_folder(run) / "config.json").exists():
        begun = read_run(run_folder(run))
        _refuse_contradictions(begun, dataset, preset, fields)
        frames = find(data_dir, begun.dataset)
        return Plan(begun, frames, fields.get("epochs", begun.config.epochs), resumes=True)

    frames = find(data_dir, dataset)
    if fields.get("size", frames.size) != frames.size:
        asked, held = format_size(fields["size"]), format_size(frames.size)
        raise UserError(
            f"--size={asked}: dataset {frames.name} holds frames of {held}; make others with `make frames`"
        )
    preset = preset or preset_for(frames.size)
    config = Config(**{**PRESETS[preset], **fields, "size": frames.size})
    if run is None:
        for candidate in all_runs():
            unfinished = candidate.status()["epoch"] < config.epochs
            if unfinished and candidate.dataset == frames.name and _same(candidate.config, config):
                return Plan(candidate, frames, config.epochs, resumes=True)
    folder = run_folder(run) if run is not None else _new_folder(frames, preset)
    if folder.exists() and not folder.is_dir():
        raise UserError(f"--run={run}: {folder} is a file, not a folder")
    return Plan(Run(folder, config, preset, frames.name, frames.frames), frames, config.epochs, resumes=False)


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
