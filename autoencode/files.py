"""Files that are either whole or not there, and places that one process writes to at a time."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autoencode.errors import UserError


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Gives a hidden name beside `path` to write to; it takes `path`'s place if no error is raised."""
    partial = path.with_name(f".{path.stem}.partial{path.suffix}")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def locked(path: Path, busy: str) -> Iterator[None]:
    """Holds the lock file `path`, in a folder that exists; `UserError(busy)` if another process does."""
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UserError(busy) from None
        yield


def check_room(folder: Path, needed: float, what: str, mend: str) -> float:
    """Checks, before the work, that a folder (there or not yet) can be written to and has room.

    Args:
        folder: where.
        needed: bytes.
        what: what needs them, for the error.
        mend: what else to do than to make room, for the error.

    Returns:
        The free bytes.

    Raises:
        UserError: it cannot, or has not.
    """
    there = folder
    while not there.exists():
        there = there.parent
    if not there.is_dir():
        raise UserError(f"{there}: is a file, not a folder; {mend}")
    if not os.access(there, os.W_OK | os.X_OK):
        raise UserError(f"{there}: cannot be written to; {mend}")
    free = shutil.disk_usage(there).free
    if free < needed:
        room = f"needs up to {needed / 1e6:,.0f} MB and {free / 1e6:,.0f} MB are free"
        raise UserError(f"{what} {room}; make room, or {mend}")
    return free
