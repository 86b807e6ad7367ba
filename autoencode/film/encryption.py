"""Whether a film is encrypted. Ffmpeg, which reads it all the same, then finds nothing but damage."""

from __future__ import annotations

import re
from pathlib import Path

from autoencode.film.header import find_box
from autoencode.film.transport import packet_size

HEAD = 1 << 23
"""Bytes of a stream or a disc's program that are looked at."""

SECTOR = 2048
"""Bytes of a DVD's."""

_PROTECTED = re.compile(rb"sinf.{4}frma", re.DOTALL)
"""In an MP4 the description of a track that is encrypted, whatever the scheme (ISO/IEC 14496-12, 8.12)."""

_CONTENT_ENCRYPTION = re.compile(rb"\x6d\x80.{1,8}?\x62\x40.{1,60}?\x50\x35", re.DOTALL)
"""In a Matroska the same: ContentEncodings, a ContentEncoding, its ContentEncryption."""


def is_encrypted(path: Path) -> bool:
    """Whether the header of an MP4 or Matroska, or the packets of a broadcast or DVD, say so."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return _CONTENT_ENCRYPTION.search(head) is not None
    if head[:4] == b"\0\0\1\xba":
        return any(map(_is_scrambled, (head[at : at + SECTOR] for at in range(0, len(head), SECTOR))))
    if size := packet_size(path):
        return _are_scrambled(head, size)
    return _PROTECTED.search(find_box(path, b"moov")) is not None


def _is_scrambled(sector: bytes) -> bool:
    """Whether a DVD's is one whose packet says so (PES_scrambling_control)."""
    if len(sector) < SECTOR or sector[:4] != b"\0\0\1\xba" or sector[14:17] != b"\0\0\1":
        return False
    # Of a stream of pictures, of sound or a private one: others have no such flags.
    has_flags = (sector[17] == 0xBD or 0xC0 <= sector[17] < 0xF0) and sector[20] & 0xC0 == 0x80
    return has_flags and sector[20] & 0x30 > 0


def _are_scrambled(head: bytes, size: int) -> bool:
    """Whether most packets of a broadcast are that carry anything (transport_scrambling_control)."""
    begin = size - 188
    flags = [head[at + 3] for at in range(begin, len(head) - 3, size) if head[at + 1] & 0x1F or head[at + 2]]
    carrying = [flag for flag in flags if flag & 0x10]
    return sum(flag & 0xC0 > 0 for flag in carrying) > len(carrying) / 2
