"""What the picture of a film is made of, and how: layouts, codecs."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import NamedTuple

import numpy as np

from autoencode.errors import UserError
from autoencode.film import ffmpeg
from autoencode.film.stack import Size, Stack
from autoencode.film.titles import draw

LARGEST = 16384
"""Pixels of a side: beyond it H.264's decoders give up."""

WIPE = 8
"""Seconds in which the border of a split picture goes to and fro."""

LAYOUTS = {
    "single": "",  # the memory alone
    "side_by_side": "[source][memory]hstack",
    "stacked": "[source][memory]vstack",
    # The border between the two moves over a mask that is twice as wide, half black, half white.
    "split": (
        "[memory]split[shown][covered];"
        "[covered]drawbox=color=white:t=fill,pad=2*iw:ih:iw:0:black,"
        "crop=iw/2:ih:x=(iw/4)*(1+cos(2*PI*(n+{first})/({rate})/{wipe})):y=0[mask];"
        "[source][shown][mask]maskedmerge"
    ),
}
"""Filters from the source's view and the memory, both of one size, to the picture."""


class Codec(NamedTuple):
    """An encoder, and where its pictures can go."""

    options: str  # ffmpeg's
    pixels: str  # ffmpeg's name of the pixel format
    suffixes: tuple[str, ...]  # containers that take it
    part: str  # the container that parts of a film are kept in


_ANY = (".mp4", ".mov", ".mkv")
CODECS = {
    "h264": Codec("libx264 -preset veryfast -crf {crf}", "yuv420p", _ANY, ".mp4"),
    # hvc1 is what QuickTime knows it by.
    "hevc": Codec(
        "libx265 -preset fast -crf {crf} -tag:v hvc1 -x265-params log-level=error", "yuv420p", _ANY, ".mp4"
    ),
    "prores": Codec("prores_ks -profile:v hq -vendor apl0", "yuv422p10le", (".mov", ".mkv"), ".mov"),
    "ffv1": Codec("ffv1 -level 3 -g 1 -slicecrc 1", "bgr0", (".mkv",), ".mkv"),  # without any loss
    "png": Codec("ffv1 -level 3 -g 1 -slicecrc 1", "bgr0", (), ".mkv"),  # a folder of numbered pictures
    # Of hardware.
    "h264_nvenc": Codec("h264_nvenc -preset p5 -rc vbr -cq {crf}", "yuv420p", _ANY, ".mp4"),
    "h264_videotoolbox": Codec("h264_videotoolbox -q:v 65", "yuv420p", _ANY, ".mp4"),
    "h264_qsv": Codec("h264_qsv -global_quality {crf}", "nv12", _ANY, ".mp4"),
}
HARDWARE = ("h264_nvenc", "h264_videotoolbox", "h264_qsv")


def default_height(size: Size) -> int:
    """Rows of a film made from (width, height) frames: their smallest even multiple at least 480 wide."""
    width, height = size
    times = max(1, -(-480 // width))
    return height * times if height * times % 2 == 0 else height * (times + 1)


@cache
def hardware_codec() -> str | None:
    """The first of `HARDWARE` that encodes anything here, or None."""
    for name in HARDWARE:
        source = ["-f", "lavfi", "-i", "color=s=256x256:r=24"]
        codec = ["-c:v", name, "-pix_fmt", CODECS[name].pixels, "-frames:v", "2"]
        if ffmpeg.run(["-v", "quiet", *source, *codec, "-f", "null", "-"]).returncode == 0:
            return name
    return None


@dataclass(frozen=True)
class Format:
    """The picture of a film, in BT.709; the memory and the source's view are shown at the same size.

    Raises:
      ValueError: a height that is odd or not positive.
      UserError: titles that cannot be drawn.
    """

    size: Size  # (width, height) of the frames
    rate: Fraction  # frames per second
    height: int  # rows that a frame is enlarged to with Lanczos, in proportion; even
    layout: str = "single"  # one of LAYOUTS
    codec: str = "h264"  # one of CODECS
    crf: int = 18  # quality of H.264 and HEVC, 1 best to 51 worst
    canvas: Size | None = None  # (width, height) of the film, black around the picture; None: none
    titles: tuple[str, ...] = ()  # words on the source and on the memory, or on the memory alone

    def __post_init__(self) -> None:
        """Refuses what cannot be written."""
        if self.height % 2 or self.height <= 0:
            raise ValueError(f"the film's height must be even and positive, not {self.height}")
        panels = 1 if self.layout == "single" else 2
        if self.titles and len(self.titles) != panels:
            wanted = "one title" if panels == 1 else "two titles with | between them"
            raise UserError(f"--titles={'|'.join(self.titles)}: --layout={self.layout} takes {wanted}")
        _ = self.overlay

    @property
    def view_size(self) -> Size | None:
        """(width, height) of the source's views, or None: the layout has none."""
        return None if self.layout == "single" else self._enlarged

    @property
    def shown_size(self) -> Size:
        """(width, height) of the film."""
        width, height = self._enlarged
        across, down = {"side_by_side": (2, 1), "stacked": (1, 2)}.get(self.layout, (1, 1))
        return self.canvas or (across * width, down * height)

    @property
    def stack(self) -> Stack:
        """How a frame and its view travel."""
        return Stack(self.size, self.view_size)

    @property
    def overlay(self) -> np.ndarray | None:
        """The titles, uint8 RGBA of the size of the picture without its canvas; None: there are none."""
        return draw(self.titles, self._enlarged, self.layout) if self.titles else None

    @property
    def encoder(self) -> list[str]:
        """Ffmpeg's options for the codec."""
        return ["-c:v", *CODECS[self.codec].options.format(crf=self.crf).split()]

    def graph(self, first: int = 0) -> str:
        """The filters from the stack, and the titles as a second input, to the film.

        Args:
          first: place in the film of the first frame that passes.
        """
        small, view = self.stack.small, self.stack.view
        width, height = self._enlarged
        # As RGB, so that the chroma of a small frame is not halved before it grows.
        enlarge = f"scale={width}:{height}:flags=lanczos+accurate_rnd+full_chroma_int,format=gbrp,setsar=1"
        canvas = f"pad={self.canvas[0]}:{self.canvas[1]}:(ow-iw)/2:(oh-ih)/2," if self.canvas else ""
        titles = "null[untitled];[untitled][1:v]overlay=format=gbrp," if self.titles else ""
        finish = f"{titles}{canvas}{_to_video(CODECS[self.codec].pixels)}[out]"
        if view is None:
            return f"[0:v]{enlarge},{finish}"
        both = LAYOUTS[self.layout].format(first=first, rate=self.rate, wipe=WIPE)
        return (
            "[0:v]split[a][b];"
            f"[a]crop={view[0]}:{view[1]}:0:0,{enlarge}[source];"
            f"[b]crop={small[0]}:{small[1]}:0:{view[1]},{enlarge}[memory];"
            f"{both},{finish}"
        )

    @property
    def _enlarged(self) -> Size:
        return 2 * round(self.size[0] * self.height / self.size[1] / 2), self.height


def _to_video(pixels: str) -> str:
    # As options of the encoder the tags would give way to the frames' own, which say "unknown".
    tags = "color_primaries=bt709:color_trc=bt709"
    if pixels == "bgr0":
        return f"format=bgr0,setparams={tags}:colorspace=gbr:range=pc"
    return (
        f"scale=flags=accurate_rnd:out_color_matrix=bt709:out_range=tv,format={pixels},"
        f"setparams={tags}:colorspace=bt709:range=tv"
    )


def fitting_height(size: Size, layout: str, canvas: Size) -> int:
    """The largest even height at which a layout of (width, height) frames fits into a canvas."""
    width, height = size
    for rows in range(canvas[1] - canvas[1] % 2, 0, -2):
        shown = Format((width, height), Fraction(1), rows, layout).shown_size
        if shown[0] <= canvas[0] and shown[1] <= canvas[1]:
            return rows
    return 0
