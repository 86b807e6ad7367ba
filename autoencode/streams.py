"""The standard streams of a command, made safe before it begins."""

import errno
import io
import os
import sys

_NO_READER = (errno.EPIPE, errno.EIO)
"""What writing to a pipe, or to a terminal, ends with when its other end is gone."""


class _Output(io.FileIO):
    """A stream that becomes /dev/null when its reader is gone."""

    def write(self, data: bytes) -> int | None:
        """As of `io.FileIO`."""
        try:
            return super().write(data)
        except OSError as error:
            if error.errno not in _NO_READER:
                raise
            _point_at_null(self.fileno(), os.O_WRONLY)
            return super().write(data)


def make_safe() -> None:
    """No process of ours reads the terminal, and output that nobody reads stops nothing.

    A program in the background that touches the terminal's input is stopped until it is in the foreground
    again: so is every ffmpeg that has it as its stdin, those too that libraries start.
    """
    _point_at_null(0, os.O_RDONLY)
    for number, name in ((1, "stdout"), (2, "stderr")):
        try:
            os.fstat(number)
        except OSError:  # closed, as by `>&-`: the next file that is opened would take its place
            _point_at_null(number, os.O_WRONLY)
        encoding = getattr(getattr(sys, name), "encoding", None)
        raw = _Output(number, "w", closefd=False)
        # Whatever characters a film's name has, it can be printed.
        text = io.TextIOWrapper(io.BufferedWriter(raw), encoding, "backslashreplace", line_buffering=True)
        setattr(sys, name, text)


def _point_at_null(number: int, mode: int) -> None:
    """Makes a file descriptor that of /dev/null."""
    null = os.open(os.devnull, mode)
    if null != number:
        os.dup2(null, number)
        os.close(null)
