"""The ffmpeg binary, how a file's name is handed to it, and how its complaints are read."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import imageio_ffmpeg

from autoencode.errors import UserError

OLDEST = 9
"""The major version of ffmpeg that is needed at least; tried were 9.0, and 7.0, which fails."""

OLDEST_LIBRARY = 61
"""Its libavutil's, which builds from between two releases have too."""


@cache
def binary() -> str:
    """Path of the ffmpeg that imageio-ffmpeg brings along, or that IMAGEIO_FFMPEG_EXE names.

    Raises:
      UserError: the named one does not run, or is too old.
    """
    named = os.environ.get("IMAGEIO_FFMPEG_EXE")
    if named:
        what = f"IMAGEIO_FFMPEG_EXE={named}"
        mend = f"name ffmpeg {OLDEST} or a newer one, or unset it to use the one that was installed with this"
        try:
            said = _said(named)
        except (OSError, subprocess.SubprocessError) as error:
            raise UserError(f"{what}: does not run ({error}); {mend}") from None
        library = re.search(r"^libavutil +(\d+)\.", said, re.MULTILINE)
        if not library:
            raise UserError(f"{what}: is no ffmpeg; {mend}")
        if int(library[1]) < OLDEST_LIBRARY:
            raise UserError(f"{what}: is ffmpeg {_version(said)}, which is too old; {mend}")
    return imageio_ffmpeg.get_ffmpeg_exe()


@cache
def version() -> str:
    """What it calls itself: 'n9.0.2-17-g2a571b6068-20260930'."""
    return _version(_said(binary()))


def _said(path: str) -> str:
    ran = subprocess.run([path, "-version"], stdin=subprocess.DEVNULL, capture_output=True, check=True)
    return ran.stdout.decode(errors="replace")


def _version(said: str) -> str:
    return said.removeprefix("ffmpeg version ").split(maxsplit=1)[0]


@cache
def decoders() -> frozenset[str]:
    """The names of its decoders."""
    return frozenset(re.findall(r"^ [VAS]\S+ (\S+)", run(["-decoders"]).stdout.decode(), re.MULTILINE))


# Containers of films and of sound, and what tells text and pictures apart from them. None that names other
# files, as playlists do.
_FORMATS = (
    "matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,avi,mpegts,mpegtsraw,mpeg,mpegvideo,m4v,h264,hevc,vvc,av1,obu,ivf,vc1,dv,"
    "flv,asf,ogg,rm,mxf,nut,gxf,wtv,gif,apng,yuv4mpegpipe,rawvideo,swf,nsv,nuv,dirac,mjpeg,cavsvideo,"
    "aac,ac3,eac3,aiff,amr,ape,au,caf,dts,flac,mp3,truehd,tta,wav,w64,wv,tty,ico,"
    "bmp_pipe,dpx_pipe,exr_pipe,gif_pipe,j2k_pipe,jpeg_pipe,jpegxl_pipe,png_pipe,psd_pipe,svg_pipe,tiff_pipe,webp_pipe"
)


def start(arguments: list[str], **options: Any) -> subprocess.Popen[bytes]:
    """Starts it, out of the terminal's reach: Ctrl-C is for us, who then end what we started.

    Args:
      arguments: of its command line.
      options: of `subprocess.Popen`; nothing is read from stdin unless they say so.
    """
    words = [binary(), "-hide_banner", "-nostdin", *arguments]
    # A copy of the environment: TensorFlow, imported in another thread meanwhile, changes the one that execve
    # would read, and where that has moved ffmpeg does not start ("Bad address").
    usual = {"stdin": subprocess.DEVNULL, "env": dict(os.environ)}
    return subprocess.Popen(words, **{**usual, **options}, start_new_session=True)


def run(arguments: list[str], folder: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    """Runs it to its end, in a folder; returns its status and all that it said."""
    with start(arguments, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            said, complained = process.communicate()
        except BaseException:
            process.kill()
            raise
    return subprocess.CompletedProcess(process.args, process.returncode, said, complained)


def source(path: str | Path) -> list[str]:
    """Arguments that open `path` as an input.

    The name is untrusted: behind `file:` a leading dash, a colon, a quote or a percent sign is only a
    character. So is the file: the whitelists keep a script or playlist in disguise from opening another
    one, or the network.
    """
    return ["-protocol_whitelist", "file,pipe", "-format_whitelist", _FORMATS, "-i", f"file:{path}"]


def pictures(folder: str, suffix: str, rate: Fraction) -> list[str]:
    """Arguments that open the pictures 00000000.png, … of a folder as an input, and nothing but such."""
    options = ["-protocol_whitelist", "file,pipe", "-format_whitelist", "image2", "-f", "image2"]
    name = folder.replace("%", "%%") + f"/%08d{suffix}"
    return [*options, "-start_number", "0", "-framerate", str(rate), "-i", f"file:{name}"]


def pieces(paths: Sequence[Path]) -> list[str]:
    """Arguments that open the pieces of an MPEG program as one input; their names hold no |."""
    options = ["-protocol_whitelist", "file,pipe,concat", "-format_whitelist", "mpeg"]
    return [*options, "-i", "concat:" + "|".join(f"file:{path}" for path in paths)]


def target(path: str | Path) -> str:
    """The argument that names `path` as an output, whatever characters it holds."""
    return f"file:{path}"


# "[h264 @ 0x55c8d6d20580] " in front of a line says which part of ffmpeg speaks: nothing a user can use.
_SPEAKER = re.compile(r"^(\[([^\]]* @ 0x[0-9a-f]+|error|fatal|panic)\]\s*)+")
# Lines that only report that an earlier one was serious.
_ECHOES = (
    "Error opening input files",
    "Error opening output files",
    "Conversion failed",
    "Terminating thread",
    "Task finished with error code",
    "Nothing was written",
    "Last message repeated",
    "Could not open encoder before EOF",
    "Error sending frames",
)


def last_words(stderr: bytes | str, returncode: int | None = None) -> str:
    """The one line of ffmpeg's stderr that says most: the last that is not an echo of an earlier one.

    Where ffmpeg said nothing, how it ended stands in: the signal, or else the exit status.
    """
    text = stderr.decode(errors="replace") if isinstance(stderr, bytes) else stderr
    lines = [_SPEAKER.sub("", line.strip()).strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not any(echo in line for echo in _ECHOES)]
    if lines:
        return lines[-1].rstrip(".")
    if returncode is not None and returncode < 0:
        return f"ffmpeg was stopped by {signal.Signals(-returncode).name}"
    return f"ffmpeg ended with status {returncode} and no message"
