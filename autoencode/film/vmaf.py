"""VMAF: how near a film comes to its source, as people would judge it."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType

import numpy as np

from autoencode.errors import UserError
from autoencode.film import ffmpeg
from autoencode.film.stack import Size, Stack

WIDTH = 640
"""Pixels a row that both pictures are brought to."""


def vmaf_size(size: Size) -> Size:
    """(width, height) of the pictures that are compared: 640 wide, in proportion, of even height."""
    return WIDTH, 2 * round(WIDTH * size[1] / size[0] / 2)


class Vmaf:
    """Compares two films frame by frame with the libvmaf inside ffmpeg (model vmaf_v0.6.1).

        with Vmaf((96, 64), (640, 426)) as vmaf:
            vmaf.add(reconstruction, source)
        print(vmaf.score)

    Both pictures of a frame travel in one raw frame, so the films cannot slip apart.
    """

    def __init__(self, size: Size, source_size: Size) -> None:
        """Takes (width, height) of the reconstructions and of the source's pictures."""
        self.score = float("nan")
        """Mean over the frames, 0 to 100; not a number before the `with` block ended."""
        self._stack = Stack(size, source_size)

    def __enter__(self) -> Vmaf:
        self._folder = tempfile.TemporaryDirectory(prefix="autoencode-vmaf-")
        self._complaints = tempfile.TemporaryFile()
        self._process = ffmpeg.start(
            self._command(),
            cwd=self._folder.name,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=self._complaints,
        )
        return self

    def add(self, reconstruction: np.ndarray, source: np.ndarray) -> None:
        """Adds a frame: uint8 RGB pictures of the two sizes. Raises `UserError` if ffmpeg has died."""
        try:
            self._process.stdin.write(self._stack.join(reconstruction, source).data)
        except BrokenPipeError:
            raise self._failure() from None

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with self._folder, self._complaints:
            if kind is not None:
                self._process.kill()
                self._process.wait()
                return
            self._process.stdin.close()
            if self._process.wait():
                raise self._failure()
            log = json.loads((Path(self._folder.name) / "log.json").read_text())
            self.score = log["pooled_metrics"]["vmaf"]["mean"]

    def _command(self) -> list[str]:
        stack = self._stack
        (width, height), (small, rows) = stack.view, stack.small
        across, down = vmaf_size(stack.small)
        to_compare = f"scale={across}:{down}:flags=bicubic,format=yuv420p"
        graph = (
            f"split[a][b];[a]crop={small}:{rows}:0:{height},{to_compare}[film];"
            f"[b]crop={width}:{height}:0:0,{to_compare}[source];"
            "[film][source]libvmaf=log_fmt=json:log_path=log.json:n_threads=2"
        )
        raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{stack.width}x{stack.height}", "-i", "-"]
        return ["-v", "error", *raw, "-filter_complex", graph, "-f", "null", "-"]

    def _failure(self) -> UserError:
        self._process.wait()
        self._complaints.seek(0)
        said = ffmpeg.last_words(self._complaints.read(), self._process.returncode)
        return UserError(f"VMAF cannot be measured: {said}; measure without it with --novmaf")
