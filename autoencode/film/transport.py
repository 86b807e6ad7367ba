"""The packets that an MPEG transport stream is cut into."""

from __future__ import annotations

from pathlib import Path


def packet_size(path: Path) -> int | None:
    """Bytes of a packet, of an MPEG-TS; None: it is another."""
    with path.open("rb") as file:
        head = file.read(1024)
    for size, offset in ((188, 0), (192, 4)):
        if head[offset : offset + 4 * size + 1 : size] == b"\x47" * 5:
            return size
    return None
