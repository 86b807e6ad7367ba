"""What AVI and ASF (WMV) files say of their own length: where they are torn, ffmpeg does not say so."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

_FILE_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
"""Names the object of an ASF header that holds the file's size."""

_UNKNOWN = 2**32 - 1
"""Bytes of a chunk that was written where nobody could go back to say how many."""

_HEAD = 4096
"""Bytes in which an ASF file has it."""


class Stated(NamedTuple):
    """What a header says; 0 where it says nothing, as those of recorders that were switched off."""

    size: int = 0  # bytes
    pictures: int = 0  # at the least
    unknown: bool = False  # it was written where nobody could go back to say how long it had become


def read_header(path: Path) -> Stated:
    """The length that an AVI or ASF file gives itself; of others nothing is known here."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        unknown = _number(head, 4, 4) == _UNKNOWN
        return Stated(_size_of_riffs(path), _pictures_of_avi(head), unknown)
    if (begin := head.find(_FILE_PROPERTIES)) >= 0:
        # Behind the name, the object's own length (8 bytes) and the file's identity (16).
        return Stated(_number(head, begin + 40, 8))
    return Stated()


def _size_of_riffs(path: Path) -> int:
    """Where the last of the chunks ends that an AVI is made of: one, or if it is large several."""
    end, size = 0, path.stat().st_size
    with path.open("rb") as file:
        while end < size:
            file.seek(end)
            chunk = file.read(8)
            length = _number(chunk, 4, 4)
            if chunk[:4] != b"RIFF" or length in (0, _UNKNOWN):
                break
            end += 8 + length + length % 2
    return end


def _pictures_of_avi(head: bytes) -> int:
    """By its main header; in an AVI of several chunks that counts the pictures of the first."""
    begin = head.find(b"avih")
    return _number(head, begin + 24, 4) if begin >= 0 else 0


def _number(raw: bytes, begin: int, length: int) -> int:
    return int.from_bytes(raw[begin : begin + length], "little")
