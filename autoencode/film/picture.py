"""What is done to a film's picture until it is a frame, as ffmpeg's filters."""

from __future__ import annotations

import math
from dataclasses import replace

from autoencode.film.probe import Crop, FilmInfo
from autoencode.film.stack import Size

HDR = {"smpte2084": "PQ", "arib-std-b67": "HLG"}
"""Transfer functions of high dynamic range, by ffmpeg's names."""

WHITE = 203
"""Nits of a white sheet in HDR (ITU-R BT.2408), which becomes SDR's white, or nearly."""

LARGEST = 16384
"""Pixels of a side that a picture is scaled to."""

_OVER_BLACK = "format=gbrap12le|yuva444p12le,premultiply=inplace=1,"
"""Makes pixels as dark as they are transparent; of 8 bits, others too, by one level in 256."""

_WHOLE = {
    0: "bwdif=mode=send_frame,",
    # Ffmpeg has turned the picture by now: fields are columns, and what was above is at the right or left.
    90: "transpose=clock,bwdif=mode=send_frame,transpose=cclock,",
    180: "vflip,bwdif=mode=send_frame,vflip,",
    270: "transpose=cclock,bwdif=mode=send_frame,transpose=clock,",
}
"""Deinterlaces, by the degrees that the picture was turned counter-clockwise."""


def filters(film: FilmInfo, size: Size) -> str:
    """The filters from the film's picture as shown to an RGB frame of (width, height).

    In this order: what is transparent laid over black, fields made whole pictures, bars cut off, scaled to
    cover the frame with square pixels and cropped at the middle, HDR brought to BT.709's range. Pictures of
    another size than the film began with, as broadcasts may have them, keep their bars, and cover the frame
    too.
    """
    whole = _OVER_BLACK if film.alpha else ""
    whole += _WHOLE[film.rotation] if film.deinterlace else ""
    film = _within_reach(film, size)
    across, down = film.width, film.height
    if film.crop:
        usual = f"eq(iw,{across})*eq(ih,{down})"
        across, down, x, y = film.crop
        cut, place = f"w='if({usual},{across},iw)':h='if({usual},{down},ih)'", f"x='if({usual},{x},0)'"
        whole += f"crop={cut}:{place}:y='if({usual},{y},0)':exact=1,"
    width, height = size
    usual = f"eq(iw,{across})*eq(ih,{down})"
    grow = max(width / (across * film.sample_aspect), height / down)
    cover = (max(width, round(across * film.sample_aspect * grow)), max(height, round(down * grow)))
    other = f"max({width}/(iw*sar),{height}/ih)"
    scaled = (
        f"w='if({usual},{cover[0]},max({width},round(iw*sar*{other})))'"
        f":h='if({usual},{cover[1]},max({height},round(ih*{other})))'"
    )
    return (
        f"{whole}scale={scaled}:flags=bicubic,{_in_full_colour(film)},"
        f"crop={width}:{height},{_to_rgb(film)},format=rgb24,setsar=1"
    )


def _within_reach(film: FilmInfo, size: Size) -> FilmInfo:
    """The film, or if it would have to be enlarged beyond measure, its middle, of which all comes from."""
    across, down, x, y = film.crop or (film.width, film.height, 0, 0)
    square = across * film.sample_aspect
    grow = max(size[0] / square, size[1] / down)
    if max(square * grow, down * grow) <= LARGEST:
        return film
    wide = min(across, math.ceil(size[0] / (film.sample_aspect * grow)) + 2)
    high = min(down, math.ceil(size[1] / grow) + 2)
    return replace(film, crop=Crop(wide, high, x + (across - wide) // 2, y + (down - high) // 2))


def _in_full_colour(film: FilmInfo) -> str:
    # Straight to RGB, ffmpeg averages the colour of neighbouring pixels, much at 96 a row.
    if film.transfer not in HDR:
        return "format=yuv444p"
    # After scaling, for it is slow. Mobius leaves the darker two thirds as they are and bends the rest.
    matrix = film.matrix or "bt2020nc"
    deep = "gbrp12le" if matrix == "gbr" else "yuv444p12le"
    return (
        f"format={deep},zscale=tin={film.transfer}:min={matrix}:pin=bt2020"
        f":m=gbr:p=bt2020:t=linear:npl={WHITE},format=gbrpf32le,zscale=p=bt709,tonemap=mobius:param=0.3:desat=0,"
        "zscale=t=bt709,format=gbrp"
    )


def _to_rgb(film: FilmInfo) -> str:
    # full_chroma_int is quickest on a picture that has its size already.
    to_rgb = "scale=flags=full_chroma_int+accurate_rnd"
    if film.matrix is None and film.transfer not in HDR:
        to_rgb += f":in_color_matrix={'bt709' if film.coded_height >= 720 else 'bt601'}"
    return to_rgb
