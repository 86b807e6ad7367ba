"""The run folder: all of a training, and all that rendering needs.

    experiments/runs/<name>/
        config.json         what was asked: Config, preset, dataset; written before the first step
        checkpoints/        the last few states, from which training goes on
        epochs/             encoder and decoder as they were after each epoch
        samples/            pictures, numbered by step, and their time-lapse
        metrics.jsonl       one line of figures every so many steps
        tensorboard/        the same for TensorBoard
        status.json         how far it came and how it ended

Knows nothing of TensorFlow: a contradiction is answered at once.
"""

import fcntl
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import autoencode
from autoencode.config import Config
from autoencode.errors import UserError

RUNS = Path("experiments/runs")


@dataclass(frozen=True)
class Run:
    """A training on disk: how it was configured, and the name and number of frames of its dataset."""

    folder: Path
    config: Config
    preset: str
    dataset: str
    frames: int

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    @property
    def fingerprint(self) -> str:
        """Stored in every checkpoint, so that one of another run is never taken for one of this."""
        return json.dumps([self.config.to_json(), self.dataset], sort_keys=True)

    @property
    def checkpoints(self) -> Path:
        """Folder of the states that training goes on from."""
        return self.folder / "checkpoints"

    def states(self) -> list[Path]:
        """Those states, the newest first, without TensorFlow's suffixes.

        Found by their names: TensorFlow's own list of them is one more file that can be lost.
        """
        paths = [path.with_suffix("") for path in self.checkpoints.glob("step-*.index")]
        return sorted(paths, key=lambda path: int(path.name.removeprefix("step-")), reverse=True)

    def epoch_path(self, epoch: int) -> Path:
        """Where encoder and decoder are kept as they were after an epoch (1 is the first)."""
        return self.folder / "epochs" / f"{epoch:04d}"

    def weights(self, epoch: int | None) -> Path:
        """What to render from: the newest state, or an epoch's weights. Raises `UserError` if missing."""
        if epoch is None:
            if not self.states():
                raise UserError(
                    f"{self.folder}: has no checkpoint yet; go on with `python -m autoencode.train`"
                )
            return self.states()[0]
        path = self.epoch_path(epoch)
        if not path.with_suffix(".index").exists():
            kept = sorted(int(found.stem) for found in path.parent.glob("*.index"))
            there = f"{kept[0]} to {kept[-1]} are kept" if kept else "none is kept yet"
            raise UserError(f"--epoch={epoch}: run {self.name} has no such epoch; {there}")
        return path

    def write(self) -> None:
        """Makes the folder and its `config.json`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        stored = {
            "config": self.config.to_json(),
            "preset": self.preset,
            "dataset": self.dataset,
            "frames": self.frames,
            "autoencode": autoencode.__version__,
        }
        write_whole(self.folder / "config.json", json.dumps(stored, indent=2) + "\n")

    def status(self) -> dict[str, Any]:
        """`step`, `epoch` (a fraction) and `state` as last written; zeros for a run that has not begun."""
        try:
            return json.loads((self.folder / "status.json").read_text())
        except (OSError, ValueError):
            return {"state": "new", "step": 0, "epoch": 0.0}

    def write_status(self, state: str, step: int, epoch: float) -> None:
        """Notes how far the training came: `running`, `interrupted` or `finished`."""
        stored = {"state": state, "step": step, "epoch": round(epoch, 4), "time": round(time.time())}
        write_whole(self.folder / "status.json", json.dumps(stored) + "\n")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """While this holds, no other process trains the run. Raises `UserError` if one does."""
        with (self.folder / "config.json").open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise UserError(f"run {self.name} is being trained by another process; wait for it") from None
            yield


def write_whole(path: Path, text: str) -> None:
    """Writes a small file so that it is either the old one or the new one, never a half."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text)
    partial.replace(path)


def run_folder(name: str) -> Path:
    """`--run`: a name under `experiments/runs/`, or a path (anything with a slash)."""
    path = Path(name)
    return path if len(path.parts) > 1 or path.is_absolute() else RUNS / name


def read_run(folder: Path) -> Run:
    """The run in a folder. Raises `UserError` if there is none, or of another version."""
    try:
        stored = json.loads((folder / "config.json").read_text())
        return Run(
            folder=folder,
            config=Config.from_json(stored["config"]),
            **{name: stored[name] for name in ("preset", "dataset", "frames")},
        )
    except FileNotFoundError:
        raise UserError(f"{folder}: no run there; train one with `python -m autoencode.train`") from None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UserError(f"{folder / 'config.json'}: cannot be read by this version ({error})") from None


def all_runs() -> list[Run]:
    """Every readable run under `experiments/runs/`, the last touched first."""
    runs = []
    for path in RUNS.glob("*/config.json"):
        try:
            runs.append(read_run(path.parent))
        except UserError:
            continue  # a run of another version is not the newest of ours
    return sorted(runs, key=_touched, reverse=True)


def find_trained_run(name: str | None) -> Run:
    """The named run, or the newest with a checkpoint. Raises `UserError` if there is none."""
    if name is not None:
        return read_run(run_folder(name))
    for run in all_runs():
        if run.states():
            return run
    raise UserError(f"no trained run under {RUNS}/: train one with `python -m autoencode.train --epochs=6`")


def _touched(run: Run) -> float:
    status = run.folder / "status.json"
    return (status if status.exists() else run.folder / "config.json").stat().st_mtime
