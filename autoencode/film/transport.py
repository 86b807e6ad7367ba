"""Containers made to be sent and not to be kept: MPEG transport and program streams.

They have no header that knows how long the film is, and their clock may be set anew in between.
"""

from __future__ import annotations

from pathlib import Path


def is_clocked(path: Path) -> bool:
    """Whether a file is one of them."""
    with path.open("rb") as file:
        return file.read(4) == b"\x00\x00\x01\xba" or packet_size(path) is not None


def packet_size(path: Path) -> int | None:
    """Bytes of a packet, of an MPEG-TS; None: it is another."""
    with path.open("rb") as file:
        head = file.read(1024)
    for size, offset in ((188, 0), (192, 4)):
        if head[offset : offset + 4 * size + 1 : size] == b"\x47" * 5:
            return size
    return None
