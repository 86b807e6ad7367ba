"""The run folder: all of a training, and all that rendering needs.

    experiments/runs/<name>/
        config.json         what was asked: Config, preset, dataset; written before the first step
        checkpoints/        the last few states, from which training goes on
        best/               encoder and decoder as they were when they remembered best
        epochs/             encoder and decoder as they were after each epoch
        second/             the second encoder and its decoder, for films that were not learned
        samples/            pictures, numbered by step, and their time-lapse
        metrics.jsonl       one line of figures every so many steps
        tensorboard/        the same for TensorBoard
        status.json         how far it is to go, how far it came and how it ended

Knows nothing of TensorFlow: a contradiction is answered at once.
"""

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import autoencode
from autoencode.config import Config
from autoencode.errors import UserError
from autoencode.files import locked, typed_path, whole

RUNS = Path("experiments/runs")


@dataclass(frozen=True)
class Origin:
    """The run whose networks another one began with."""

    folder: str  # absolute
    id: str
    weights: str  # of encoder and decoder, a path inside of the folder
    discriminator: str | None  # the state that has it, likewise; None: it began with random weights
    keeps_linear_path: bool  # or it was computed anew, of the new film


@dataclass(frozen=True)
class Run:
    """A training on disk."""

    folder: Path
    config: Config
    preset: str
    dataset: str  # its name
    frames: int  # in the dataset
    id: str  # stands in every checkpoint too, so that one of another run is never taken for one of this
    films: tuple[str, ...] = ()  # SHA-256 of the films that are learned
    origin: Origin | None = None  # None: it began with random weights

    @property
    def name(self) -> str:
        """What `--run` takes: the folder's name, or its path if it is not under `experiments/runs/`."""
        return self.folder.name if self.folder.parent == RUNS else str(self.folder)

    @property
    def steps_per_epoch(self) -> int:
        """Batches in which every frame has its turn."""
        return -(-self.frames // self.config.batch_size)

    @property
    def checkpoints(self) -> Path:
        """Folder of the states that training goes on from."""
        return self.folder / "checkpoints"

    def state_path(self, step: int, good: bool) -> Path:
        """Where the state at a step is kept: `good`, to come back to, or only to go on from."""
        return self.checkpoints / f"{'step' if good else 'pause'}-{step}"

    def states(self) -> list[Path]:
        """The states, the newest first, without TensorFlow's suffixes: what training goes on from."""
        found = [
            (int(step), kind, path) for kind, step, path in _found(self.checkpoints, r"(step|pause)-(\d+)")
        ]
        # A pause at the step of a good state was written after it.
        newest = sorted(found, key=lambda state: (state[0], state[1] == "pause"), reverse=True)
        return [path for _, _, path in newest]

    def good_states(self) -> list[Path]:
        """Those of them that training may come back to when it collapses."""
        return [path for path in self.states() if path.name.startswith("step-")]

    @property
    def only_weights(self) -> bool:
        """Whether there are weights, and no state from which a training could go on."""
        return not self.states() and bool(self.best or self.epochs_after(0))

    @property
    def trained(self) -> bool:
        """Whether there is anything to render from."""
        return bool(self.best or self.epochs_done or self.epochs_after(0))

    def as_origin(self, keeps_linear_path: bool) -> Origin:
        """What a run begins with that begins with the networks of this one: the weights that `render` takes.

        Raises:
            UserError: there are none.
        """
        states = self.states()
        return Origin(
            folder=str(self.folder.resolve()),
            id=self.id,
            weights=str(self.weights().relative_to(self.folder)),
            discriminator=str(states[0].relative_to(self.folder)) if states else None,
            keeps_linear_path=keeps_linear_path,
        )

    @property
    def epochs_done(self) -> float:
        """How far the newest state is."""
        states = self.states()
        return int(states[0].name.partition("-")[2]) / self.steps_per_epoch if states else 0.0

    @property
    def epochs_asked(self) -> int:
        """How far the run was last told to go."""
        try:
            return max(
                self.config.epochs, int(json.loads((self.folder / "status.json").read_text())["epochs"])
            )
        except (OSError, ValueError, TypeError, KeyError):
            return self.config.epochs

    def epoch_path(self, epoch: int) -> Path:
        """Where encoder and decoder are kept as they were after an epoch (1 is the first)."""
        return self.folder / "epochs" / f"{epoch:04d}"

    def epochs_after(self, step: int) -> list[Path]:
        """The epochs' weights of later than a step."""
        found = _found(self.folder / "epochs", r"(\d+)")
        return [path for number, path in found if int(number) * self.steps_per_epoch > step]

    @property
    def best(self) -> Path | None:
        """The best encoder and decoder so far, if any: `best/<how many were best before>-step-<step>`."""
        bests = self.bests
        return bests[-1] if bests else None

    @property
    def best_step(self) -> int:
        """The step of the best weights, −1 if there are none."""
        return int(self.best.name.rpartition("-")[2]) if self.best else -1

    @property
    def bests(self) -> list[Path]:
        """The best, and before it the one that it takes the place of, if that was not deleted yet."""
        found = _found(self.folder / "best", r"(\d+)-step-\d+")
        return [path for _, path in sorted(found, key=lambda one: int(one[0]))]

    def state_bytes(self) -> int:
        """Bytes of all states and weights on disk."""
        held = 0
        for folder in (self.checkpoints, *(self.folder / name for name in ("best", "epochs", "second"))):
            for file in folder.glob("*.*"):
                with suppress(FileNotFoundError):  # another process, that trains the run, deleted it
                    held += file.stat().st_size
        return held

    def next_best_path(self, step: int) -> Path:
        """Where encoder and decoder go that are better than all before.

        Counted, for after a rollback the better ones may be of an earlier step.
        """
        count = int(self.best.name.partition("-")[0]) + 1 if self.best else 0
        return self.folder / "best" / f"{count}-step-{step}"

    @property
    def second_steps(self) -> int:
        """Steps of the second encoder's training: each takes twice as many frames as one of the first's."""
        return self.config.second_epochs * -(-self.frames // (2 * self.config.batch_size))

    @property
    def second_done(self) -> bool:
        """Whether the second encoder, if there is to be one, was trained beside the best weights."""
        return not self.config.second_epochs or (self.trained and self.second_path() in self._seconds)

    def second_path(self, step: int | None = None) -> Path:
        """Where the second encoder and its decoder are kept when trained; with a `step` of their training,
        where the state at that step is. Named after the step of the weights that they began with.
        """
        name = f"beside-{self._first_step}"
        return self.folder / "second" / (name if step is None else f"{name}-at-{step}")

    @property
    def second_states(self) -> list[Path]:
        """The states of the second encoder's training, the newest first."""
        found = _found(self.folder / "second", rf"beside-{self._first_step}-at-(\d+)")
        return [path for _, path in sorted(found, key=lambda one: -int(one[0]))]

    @property
    def second_weights(self) -> Path | None:
        """The trained second encoder and its decoder, if the run has them: of several, the newest."""
        return max(self._seconds, key=lambda path: int(path.name.rpartition("-")[2]), default=None)

    def is_second(self, weights: Path) -> bool:
        """Whether these are weights of the second encoder."""
        return weights.parent == self.folder / "second"

    @property
    def _first_step(self) -> int:
        """The step of the weights that the film is rendered from (an epoch, if only epochs' are left)."""
        return int(self.weights().name.rpartition("-")[2])

    @property
    def _seconds(self) -> list[Path]:
        return [path for _, path in _found(self.folder / "second", r"beside-(\d+)")]

    def weights(self, epoch: int | None = None, last: bool = False) -> Path:
        """What to render from. Raises `UserError` if it is missing, or both are asked for.

        Args:
            epoch: the weights after this epoch.
            last: the newest state; otherwise, and with no epoch, the best.
        """
        if epoch is not None and last:
            raise UserError("--epoch and --last: choose one of them")
        if epoch is None:
            if last and self.only_weights:
                raise UserError(f"{self.checkpoints}: has no state; leave out --last")
            if self.best and not last:
                return self.best
            if not self.trained:
                raise UserError(
                    f"{self.folder}: has no checkpoint yet; go on with `python -m autoencode.train`"
                )
            return self.states()[0] if self.epochs_done else max(self.epochs_after(0))
        path = self.epoch_path(epoch)
        if not path.with_suffix(".index").exists():
            kept = sorted(int(number) for number, _ in _found(path.parent, r"(\d+)"))
            there = f"{kept[0]} to {kept[-1]} are kept" if kept else "none is kept yet"
            raise UserError(f"--epoch={epoch}: run {self.name} has no such epoch; {there}")
        return path

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Makes the folder; while this holds, no other process trains in it (`UserError` if one does)."""
        self.folder.mkdir(parents=True, exist_ok=True)
        busy = f"run {self.name} is being trained by another process; wait for it, or name another --run"
        with locked(self.folder / ".lock", busy):
            yield

    def write(self, again: bool = False) -> None:
        """Writes `config.json` into the locked folder, for the first time or `again`.

        Raises:
            UserError: it is the first time, and there is one by now.
        """
        if not again and (self.folder / "config.json").exists():
            raise UserError(f"run {self.name} was begun by another process meanwhile; name another --run")
        stored = {
            "id": self.id,
            "config": self.config.to_json(),
            "preset": self.preset,
            "dataset": self.dataset,
            "frames": self.frames,
            "films": list(self.films),
            "from": self.origin and asdict(self.origin),
            "autoencode": autoencode.__version__,
        }
        write_whole(self.folder / "config.json", json.dumps(stored, indent=2) + "\n")

    def write_status(self, state: str, step: int, epochs: int, because: str = "") -> None:
        """Notes how it is: `running`, `interrupted`, `failed` or `finished`, at a step, of `epochs`."""
        epoch = round(step / self.steps_per_epoch, 4)
        stored = {"state": state, "step": step, "epoch": epoch, "epochs": epochs, "time": round(time.time())}
        if because:
            stored["because"] = because
        write_whole(self.folder / "status.json", json.dumps(stored) + "\n")


def write_whole(path: Path, text: str) -> None:
    """Writes a small file so that it is either the old one or the new one, never a half."""
    with whole(path) as partial:
        partial.write_text(text)


def run_folder(name: str) -> Path:
    """`--run`: a name under `experiments/runs/`, or a path (anything with a slash)."""
    if name in ("", ".", ".."):
        raise UserError(f"--run={name}: give a name, or a path with a slash in it")
    return typed_path("run", name) if "/" in name else RUNS / name


def read_run(folder: Path) -> Run:
    """The run in a folder. Raises `UserError` if there is none, or of another version."""
    try:
        stored = json.loads((folder / "config.json").read_text())
        return Run(
            folder=folder,
            config=Config.from_json(stored["config"]),
            origin=Origin(**stored["from"]) if stored.get("from") else None,
            films=tuple(stored.get("films", ())),
            **{name: stored[name] for name in ("preset", "dataset", "frames", "id")},
        )
    except (FileNotFoundError, NotADirectoryError):
        train = "train one with `python -m autoencode.train`"
        raise UserError(f"{folder.absolute()}: no run there; {train}") from None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, UserError) as error:
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


def find_trained_run(name: str | None, flag: str = "run") -> Run:
    """The run that a flag names, or the newest that can be rendered. Raises `UserError` if there is none."""
    trained = [run for run in all_runs() if run.trained]
    if name is not None:
        folder = run_folder(name)
        if trained and not (folder / "config.json").exists():
            there = ", ".join(run.name for run in trained[:5])
            raise UserError(f"{folder.absolute()}: no run there; --{flag} may be {there}")
        return read_run(folder)
    if trained:
        return trained[0]
    train = "train one with `python -m autoencode.train --epochs=6`"
    raise UserError(f"no trained run under {RUNS.absolute()}/: {train}")


def _found(folder: Path, pattern: str) -> list[tuple[str | Path, ...]]:
    """(the pattern's groups …, path without suffix) of every checkpoint in a folder whose name fits.

    TensorFlow's own list of checkpoints is not asked: it is one more file that can be lost.
    """
    found = ((re.fullmatch(pattern, path.stem), path) for path in folder.glob("*.index"))
    return [(*match.groups(), path.with_suffix("")) for match, path in found if match]


def _touched(run: Run) -> float:
    status = run.folder / "status.json"
    return (status if status.exists() else run.folder / "config.json").stat().st_mtime
