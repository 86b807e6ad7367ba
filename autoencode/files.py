"""Files that are either whole or not there, and places that one process writes to at a time."""

import errno
import fcntl
import hashlib
import json
import os
import re
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from autoencode.errors import UserError
from autoencode.progress import bar

LONG_TO_HASH = 1 << 30
"""Files from this many bytes on get a progress bar while their SHA-256 is worked out."""


def typed_path(flag: str, typed: str) -> Path:
    """The file or folder that a flag names, as it is typed or as a file manager drops it (`file:///…`).

    `~` is somebody's home, if there is such a person.

    Raises:
        UserError: nothing was typed, or an address.
    """
    if not typed:
        raise UserError(f"--{flag}=: is empty; write a name behind it")
    local = re.fullmatch("file:(?://(?:localhost)?)?(/(?!/).*)", typed, re.DOTALL)
    path = Path(unquote(local[1]) if local else typed)
    with suppress(RuntimeError):
        path = path.expanduser()
    if "://" in typed and not local and not path.exists():
        raise UserError(f"--{flag}={typed}: an address; name a file or folder of this machine")
    return path


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Gives a hidden name beside `path` to write to; it takes `path`'s place if no error is raised."""
    partial = path.with_name(f".{path.stem}.partial{path.suffix}")
    try:
        yield partial
        take_place(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def check_name(path: Path, mend: str) -> None:
    """Checks, before the work, that the names that are made of a file's will not be too long.

    Raises:
        UserError: they would.
    """
    longest = len(os.fsencode(f".{path.name}.partial.json"))
    if longest > (most := os.pathconf(path.parent, "PC_NAME_MAX")):
        raise UserError(f"{path}: too long a name, by {longest - most} bytes; {mend}")


def to_disk(path: Path) -> None:
    """Waits until a file's bytes, or a folder's list of files, are where a power cut cannot reach them."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def take_place(made: Path, path: Path) -> None:
    """Renames a file, or a folder of files, that is whole; not even a power cut then brings back the old."""
    for file in made.iterdir() if made.is_dir() else ():
        to_disk(file)
    to_disk(made)
    made.replace(path)
    to_disk(path.parent)


def bytes_of(path: Path) -> int:
    """Of a file, or of all the files in a folder."""
    return sum(file.stat().st_size for file in (path.iterdir() if path.is_dir() else [path]))


def write_json(path: Path, values: Any) -> Path:
    """Writes values as JSON for people to read; returns the path."""
    with whole(path) as partial:
        partial.write_text(json.dumps(values, indent=2) + "\n")
    return path


def sha256(path: Path) -> str:
    """Of a file's bytes, in hexadecimal; of a long one with a progress bar."""
    size, digest = path.stat().st_size, hashlib.sha256()
    with path.open("rb") as file, bar(size, "SHA-256", "bytes", hidden=size < LONG_TO_HASH) as progress:
        while block := file.read(1 << 24):
            digest.update(block)
            progress.update(len(block))
    return digest.hexdigest()


@contextmanager
def locked(path: Path, busy: str) -> Iterator[None]:
    """Holds the lock file `path`, in a folder that exists, which goes with it if it was emptied meanwhile.

    On a drive without locks it warns in one line, and goes on.

    Raises:
        UserError: `busy`: another process holds it.
    """
    try:
        with path.open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # Another may have taken the file away, done with it, between its opening and its locking.
                if not os.path.samestat(os.fstat(file.fileno()), path.stat()):
                    raise BlockingIOError
            except (BlockingIOError, FileNotFoundError):
                raise UserError(busy) from None
            except OSError as error:
                warning = f"its drive has no locks ({error.strerror}); let no other process write there"
                print(f"{path.parent}: {warning}", file=sys.stderr)
            yield
    finally:
        if not path.exists():
            _remove_emptied(path.parent)


def _remove_emptied(folder: Path) -> None:
    """Removes a folder in which all files were deleted.

    A network drive keeps one that was open when it was deleted, under a hidden name, until it is closed.
    """
    for _ in range(10):
        try:
            folder.rmdir()
            return
        except OSError as error:
            if error.errno != errno.ENOTEMPTY or not all(map(_is_deleted, folder.iterdir())):
                return
            time.sleep(0.1)


def _is_deleted(path: Path) -> bool:
    return path.name.startswith((".nfs", ".fuse_hidden"))


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
    total, _, free = shutil.disk_usage(there)
    if not (total and os.access(there, os.W_OK | os.X_OK)):  # what is no disk has no room at all
        raise UserError(f"{there}: cannot be written to; {mend}")
    if free < needed:
        room = f"needs up to {needed / 1e6:,.0f} MB and {free / 1e6:,.0f} MB are free"
        raise UserError(f"{what} {room}; make room, or {mend}")
    return free
