"""The flags that say which run shows a film, and by which of its weights, the same for every such command."""

import shlex
from collections.abc import Iterable
from pathlib import Path

from absl import flags

from autoencode.errors import UserError
from autoencode.run import Run, find_trained_run

_RUN = flags.DEFINE_string(
    "run", None, "Name under experiments/runs/, or a path; the newest that was trained."
)
_EPOCH = flags.DEFINE_integer(
    "epoch", None, "As the networks were after this epoch; when they were best if left out.", 1
)
_LAST = flags.DEFINE_boolean("last", False, "As they are now, be they the best or not.")
_ENCODER = flags.DEFINE_enum(
    "encoder",
    "auto",
    ["auto", "own", "other"],
    "own: the encoder that learned to remember the film; other: the second one, which shows any film as if it"
    " were that one; auto: the second one, if the run has it and the film was not learned, but with --epoch"
    " and --last the own.",
)
WEIGHTS = (_EPOCH, _LAST, _ENCODER)
"""Those that choose weights."""


def find_run() -> Run:
    """The run that was typed, or the newest.

    Raises:
        UserError: there is none, or it does not have the weights that were asked for.
    """
    run = find_trained_run(_RUN.value)
    if _ENCODER.value == "other":
        if _typed_state():
            raise UserError("--encoder=other: is kept in one state; leave out --epoch and --last")
        if not run.second_weights:
            raise UserError(f"--encoder=other: {_missing(run)}")
    else:
        run.weights(_EPOCH.value, _LAST.value)
    return run


def choose_weights(run: Run, films: Iterable[str]) -> Path:
    """The weights of the run that was typed, to show films with whose SHA-256 these are."""
    second = run.second_weights
    automatic = _ENCODER.value == "auto" and not _typed_state() and not learned(run, films)
    if second and (_ENCODER.value == "other" or automatic):
        return second
    return run.weights(_EPOCH.value, _LAST.value)


def learned(run: Run, films: Iterable[str]) -> bool:
    """Whether a run learned all these films; of a run that was begun before this was noted, yes."""
    return not run.films or set(films) <= set(run.films)


def which_encoder(run: Run, weights: Path, film: str) -> str:
    """One line on what shows a film that was not learned.

    Args:
        run: which did not learn it.
        weights: that are used.
        film: its name.
    """
    if run.is_second(weights):
        how = "its second encoder shows it as if it were that film (--encoder=own: the first)"
    elif run.second_weights:
        how = "the encoder that remembers that film shows it (--encoder=other: the second)"
    else:
        how = _missing(run)
    return f"{film}: not the film that run {run.name} learned; {how}"


def _typed_state() -> bool:
    return _EPOCH.value is not None or _LAST.value


def _missing(run: Run) -> str:
    none = "it has no second encoder, made for other films"
    if run.only_weights or run.config.normalization == "batch":
        return none
    words = ["python", "-m", "autoencode.train", f"--run={run.name}"]
    if run.config.second_epochs:
        return f"it has no second encoder yet: `{shlex.join(words)}` goes on"
    return f"{none}; `{shlex.join([*words, '--second_epochs=4'])}` adds one"
