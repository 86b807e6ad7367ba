"""What `train` was asked to do, settled before TensorFlow is loaded: dataset, Config, and which run."""

import dataclasses
import shlex
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autoencode.config import NETWORK_FIELDS, Config, make_config, preset_for
from autoencode.dataset.catalogue import Dataset, find
from autoencode.errors import UserError
from autoencode.frame_size import format_size
from autoencode.run import RUNS, Origin, Run, all_runs, find_trained_run, read_run, run_folder

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
        """Whether the run has all its epochs, and its second encoder if it is to have one."""
        return self.run.epochs_done >= self.epochs and self.run.second_done

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
    begin_from: str | None = None,
    keep_linear_path: bool = False,
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
            `second_epochs` may differ until the run has a second encoder.
        begin_from: name or path of a run whose networks a new one begins with; what neither `preset` nor
            `fields` say is as it was there.
        keep_linear_path: the linear path stays that run's, and is not computed of the new film.

    Raises:
        UserError: something does not exist, or contradicts the run or the dataset.
    """
    # Refuses a value that no run could have. (Whether a second encoder fits is for the run to say.)
    make_config(preset or "paper", **{**fields, "second_epochs": 0})
    source = find_trained_run(begin_from, "from") if begin_from is not None else None
    if keep_linear_path and not (source and source.config.linear_path):
        raise UserError("--keep_linear_path: goes with --from, and a run that has a linear path")
    origin = source and source.as_origin(keep_linear_path)
    if run is not None and (run_folder(run) / "config.json").exists():
        begun = read_run(run_folder(run))
        _refuse_contradictions(begun, dataset, preset, fields)
        if origin and not _same_origin(begun.origin, origin):
            raise UserError(
                f"--from={begin_from}: run {begun.name} began otherwise; name a new run with --run"
            )
        if begun.only_weights:
            raise UserError(
                f"{begun.checkpoints}: has no state that training could go on from, and to begin anew would"
                f" overwrite the weights in {begun.folder}; name a new --run, which may begin with them:"
                f" --from={begun.name}"
            )
        frames = find(data_dir, begun.dataset)
        if frames.frames != begun.frames:
            raise UserError(
                f"run {begun.name} was begun on {begun.frames:,} frames, {frames.name} has {frames.frames:,}"
            )
        epochs = fields.get("epochs", begun.epochs_asked)
        return Plan(_taken_up(begun, frames, fields), frames, epochs, resumes=True, data_dir=data_dir)

    frames = find(data_dir, dataset)
    if fields.get("size", frames.size) != frames.size:
        asked, held = format_size(fields["size"]), format_size(frames.size)
        raise UserError(
            f"--size={asked}: dataset {frames.name} holds frames of {held}; {_make_frames(asked)}"
        )
    if source:
        preset, config = _config_from(source, frames, preset, fields)
    else:
        preset = preset or preset_for(frames.size)
        config = make_config(preset, **{**fields, "size": frames.size})
    if run is None:
        for candidate in all_runs():
            epochs = fields.get("epochs", candidate.epochs_asked)
            ours = (candidate.dataset, candidate.frames) == (frames.name, frames.frames)
            ours = ours and _same(candidate.config, config, fields) and candidate.config.epochs <= epochs
            ours = ours and _same_origin(candidate.origin, origin) and not candidate.only_weights
            if ours and not Plan(candidate, frames, epochs, resumes=True).finished:
                taken_up = _taken_up(candidate, frames, fields)
                return Plan(taken_up, frames, epochs, resumes=True, data_dir=data_dir)
    folder = run_folder(run) if run is not None else _new_folder(frames, preset)
    begins = Run(
        *(folder, config, preset, frames.name, frames.frames),
        id=uuid.uuid4().hex,
        films=_films(frames),
        origin=origin,
    )
    return Plan(begins, frames, config.epochs, resumes=False, data_dir=data_dir)


def _config_from(
    source: Run, frames: Dataset, preset: str | None, fields: dict[str, Any]
) -> tuple[str, Config]:
    """Preset and Config of a run that begins with the networks of `source`."""
    networks = {name: getattr(source.config, name) for name in NETWORK_FIELDS}
    if frames.size != source.config.size:
        held, needed = format_size(frames.size), format_size(source.config.size)
        raise UserError(
            f"dataset {frames.name} holds frames of {held}, run {source.name} takes {needed};"
            f" name another --dataset, or {_make_frames(needed)}"
        )
    for name, value in fields.items():
        if networks.get(name, value) != value:
            raise UserError(
                f"--{name}={_shown(value)}: run {source.name}, whose networks are to be taken, has"
                f" {_shown(networks[name])}; leave the flag out"
            )
    if preset is None and "recipe" not in fields:
        return source.preset, dataclasses.replace(source.config, **{"precision": "auto", **fields})
    preset = preset or source.preset
    return preset, make_config(preset, **{**fields, **networks})


def _films(dataset: Dataset) -> tuple[str, ...]:
    """SHA-256 of the films that a dataset was made of."""
    return tuple(source.sha256 for source in dataset.sources)


def _taken_up(begun: Run, frames: Dataset, fields: dict[str, Any]) -> Run:
    """A run that goes on, with what was asked for of it by name.

    Raises:
        UserError: its second encoder has begun to learn for another number of epochs.
    """
    held = begun.config.second_epochs
    epochs = fields.get("second_epochs", held)
    if epochs != held and begun.trained and (begun.second_weights or begun.second_states):
        raise UserError(
            f"--second_epochs={epochs}: the second encoder of run {begun.name} learns for {held};"
            f" leave the flag out, or delete {begun.folder / 'second'} and begin it anew"
        )
    config = dataclasses.replace(begun.config, second_epochs=epochs)
    return _with_origin(dataclasses.replace(begun, config=config, films=_films(frames)))


def _with_origin(begun: Run) -> Run:
    """The run; if it has no state yet, with the weights that its origin has by now."""
    if not begun.origin or begun.states():
        return begun
    source = read_run(Path(begun.origin.folder))
    return dataclasses.replace(begun, origin=source.as_origin(begun.origin.keeps_linear_path))


def _same_origin(begun: Origin | None, asked: Origin | None) -> bool:
    """Whether both begin with the same run, be it at another time, and with the same linear path."""
    return (begun and (begun.id, begun.keeps_linear_path)) == (asked and (asked.id, asked.keeps_linear_path))


def _make_frames(size: str) -> str:
    return f"make others with `python -m autoencode.frames --film=FILM --size={size}`"


def _refuse_contradictions(run: Run, dataset: str | None, preset: str | None, fields: dict[str, Any]) -> None:
    asked = {"dataset": dataset, "preset": preset, **fields}
    asked = {name: value for name, value in asked.items() if name not in ("epochs", "second_epochs")}
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


def _same(begun: Config, asked: Config, fields: dict[str, Any]) -> bool:
    """Whether a run of `begun` may go on for `asked`: the epochs may grow, and what was not typed in `fields`
    may be as it was then: the precision that `auto` stood for, and the epochs of the second encoder.
    """
    precision = begun.precision if asked.precision == "auto" else asked.precision
    second = fields.get("second_epochs", begun.second_epochs)
    asked = dataclasses.replace(asked, epochs=begun.epochs, precision=precision, second_epochs=second)
    return begun == asked


def _new_folder(dataset: Dataset, preset: str) -> Path:
    stem = f"{dataset.name.rpartition('-')[0]}-{preset}"
    number = 1
    while (RUNS / f"{stem}-{number}").exists():
        number += 1
    return RUNS / f"{stem}-{number}"


def _shown(value: Any) -> str:
    return format_size(value) if isinstance(value, tuple) else str(value)
