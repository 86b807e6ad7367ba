"""What files say of their own length: where they are torn, or another follows, ffmpeg does not say so."""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
"""Names the header of an ASF (WMV) file, which it begins with."""

_FILE_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
"""Names the object of an ASF header that holds the file's size."""

_UNKNOWN = 2**32 - 1
"""Bytes of a chunk that was written where nobody could go back to say how many."""

_HEAD = 4096
"""Bytes in which an ASF file has it."""

_FLV = re.compile(rb"FLV\x01[\x01\x04\x05]\0\0\0\x09\0{4}")
"""What an FLV file begins with."""

_EBML = re.compile(rb"\x1a\x45\xdf\xa3.{1,64}?\x42\x82.(?:matroska|webm)", re.DOTALL)
"""What a Matroska begins with."""

_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot")
"""What an MP4 or QuickTime file may begin with, behind a length of four bytes."""


class Stated(NamedTuple):
    """What a header says; 0 where it says nothing, as those of recorders that were switched off."""

    size: int = 0  # bytes
    pictures: int = 0  # at the least
    unknown: bool = False  # it was written where nobody could go back to say how long it had become
    another: bool = False  # another file of the kind lies behind this one, in the same file


def read_header(path: Path) -> Stated:
    """What an AVI or ASF says of its length; and of these, FLV, Matroska and MP4 whether there are two."""
    head = _at(path, 0, _HEAD)
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        chunks = list(_riffs(path))
        return Stated(
            size=max((end for _, end in chunks), default=0),
            pictures=_pictures_of_avi(head),
            unknown=_number(head, 4, 4) == _UNKNOWN,
            another=sum(kind == b"AVI " for kind, _ in chunks) > 1,
        )
    if (begin := head.find(_FILE_PROPERTIES)) >= 0:
        # Behind the name, the object's own length (8 bytes) and the file's identity (16).
        size = _number(head, begin + 40, 8)
        return Stated(size, another=0 < size < path.stat().st_size and _at(path, size, len(_ASF)) == _ASF)
    for begins in (_FLV, _EBML):
        if begins.match(head):
            with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as whole:
                return Stated(another=bool(begins.search(whole, 1)))
    if head[4:8] in _BOXES:
        return Stated(another=[kind for kind, *_ in _boxes(path)].count(b"moov") > 1)
    return Stated()


def find_box(path: Path, wanted: bytes) -> bytes:
    """The first box of a kind of an MP4 or QuickTime file; nothing if it has none, or is another file."""
    if _at(path, 4, 4) not in _BOXES:
        return b""
    return next((_at(path, begin, size) for kind, begin, size in _boxes(path) if kind == wanted), b"")


def _riffs(path: Path) -> Iterator[tuple[bytes, int]]:
    """Of what kind each chunk of an AVI is, and where it ends: one, or if it is large several."""
    end, size = 0, path.stat().st_size
    while end < size:
        chunk = _at(path, end, 12)
        length = _number(chunk, 4, 4)
        if chunk[:4] != b"RIFF" or length in (0, _UNKNOWN):
            return
        end += 8 + length + length % 2
        yield chunk[8:], end


def _boxes(path: Path) -> Iterator[tuple[bytes, int, int]]:
    """The boxes of an MP4, up to the first piece of a stream: each may repeat the head.

    Of what kind each is, where it begins, and its bytes.
    """
    end, size, kind = 0, path.stat().st_size, b""
    while end < size and kind != b"moof":
        box = _at(path, end, 16)
        length, kind = int.from_bytes(box[:4]), box[4:8]
        length = int.from_bytes(box[8:]) if length == 1 else length
        if length < 8:  # it reaches to the file's end, or is none
            return
        yield kind, end, length
        end += length


def _pictures_of_avi(head: bytes) -> int:
    """By its main header; in an AVI of several chunks that counts the pictures of the first."""
    begin = head.find(b"avih")
    return _number(head, begin + 24, 4) if begin >= 0 else 0


def _at(path: Path, begin: int, length: int) -> bytes:
    with path.open("rb") as file:
        file.seek(begin)
        return file.read(length)


def _number(raw: bytes, begin: int, length: int) -> int:
    return int.from_bytes(raw[begin : begin + length], "little")
