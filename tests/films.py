"""Synthesises small films whose every frame can be told apart."""

from __future__ import annotations

import resource
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import numpy as np

from autoencode.film import ffmpeg
from autoencode.film.companions import Companions
from autoencode.film.decode import Frame, read_frames
from autoencode.film.format import Format
from autoencode.film.probe import probe
from autoencode.film.reading import Reading, open_film
from autoencode.film.timeline import Timeline
from autoencode.film.writer import FilmWriter

LEVELS = 72  # frame n is grey 20 + 3 n; the numbers start again after this many


def ffmpeg_run(*arguments: str | Path, stdin: bytes | None = None) -> bytes:
    """Runs ffmpeg, overwriting; returns its stdout; fails loudly."""
    command = [ffmpeg.binary(), "-hide_banner", "-v", "error", "-y", *map(str, arguments)]
    ran = subprocess.run(command, input=stdin if stdin is not None else b"", capture_output=True, check=False)
    assert ran.returncode == 0, ran.stderr.decode(errors="replace")
    return ran.stdout


def numbered(frames: int, size: tuple[int, int]) -> np.ndarray:
    """uint8 (frames, height, width, 3): frame n is evenly grey, and `number_of` finds n modulo LEVELS."""
    levels = (20 + 3 * (np.arange(frames) % LEVELS)).astype(np.uint8)
    return np.broadcast_to(levels[:, None, None, None], (frames, size[1], size[0], 3))


def number_of(pixels: np.ndarray) -> int:
    """Which frame of `numbered` this is, after any scaling and coding."""
    return round((float(pixels.mean()) - 20) / 3)


def make_film(
    path: str | Path,
    *,
    frames: int | np.ndarray = 12,
    rate: Fraction | int | str = 24,
    size: tuple[int, int] = (96, 64),
    sound: bool | float = True,
    sound_codec: str | None = None,
    times: Sequence[float] | None = None,
    delay: float = 0.0,
    aspect: str | None = None,
    rotation: int = 0,
    tagged: bool = True,
    codec: Sequence[str] = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "4", "-pix_fmt", "yuv420p"),
    extra: Sequence[str] = (),
) -> Path:
    """Makes a film at `path` (container by suffix) and returns the path.

    Args:
      path: where.
      frames: how many numbered grey frames, or the frames themselves, uint8 (frames, height, width, 3).
      rate: frames per second, of the header and, without `times`, of the frames.
      size: (width, height) of the numbered frames.
      sound: a 440 Hz tone as long as the picture, or this many seconds of it; False: none.
      sound_codec: ffmpeg's name of the encoder; None: the container's own.
      times: seconds of each frame: a variable rate.
      delay: seconds that the picture comes after the sound.
      aspect: sample aspect, such as "4:3".
      rotation: degrees that a player should turn the picture counter-clockwise.
      tagged: whether the stream states its colour matrix, BT.709; otherwise BT.709 is used and not stated.
      codec: video encoder options.
      extra: further output options.
    """
    path = Path(path)
    pictures = numbered(frames, size) if isinstance(frames, int) else frames
    count, height, width = pictures.shape[:3]
    seconds = times[-1] + 0.04 if times is not None else count / Fraction(rate)
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(rate), "-i", "pipe:0"]
    filters = ["scale=out_color_matrix=bt709:out_range=tv"]
    if aspect:
        filters.append(f"setsar={aspect.replace(':', '/')}")
    options = ["-fps_mode", "passthrough"]
    if times is not None:
        steps = "+".join(f"eq(N\\,{number})*{time}" for number, time in enumerate(times))
        filters.append(f"settb=1/1000,setpts=round(({steps})/TB)")
        options += ["-enc_time_base", "1/1000"]
    elif delay:
        filters.append(f"settb=1/1000,setpts=round(PTS+{delay}/TB)")
        options += ["-enc_time_base", "1/1000"]
    colour = ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"] if tagged else []
    if not tagged:
        filters.append("setparams=colorspace=unknown:color_primaries=unknown:color_trc=unknown")
    command = [*raw]
    if sound:
        length = float(seconds) if sound is True else float(sound)
        command += ["-f", "lavfi", "-i", f"sine=frequency=440:duration={length}"]
    command += ["-map", "0:v", "-vf", ",".join(filters), *codec, *colour, *options]
    if sound:
        command += ["-map", "1:a", *(["-c:a", sound_codec] if sound_codec else [])]
    first = path if not rotation else path.with_name("unrotated-" + path.name)
    ffmpeg_run(*command, *extra, f"file:{first}", stdin=pictures.tobytes())
    if rotation:
        ffmpeg_run(
            "-display_rotation",
            str(rotation),
            "-i",
            f"file:{first}",
            "-map",
            "0",
            "-c",
            "copy",
            f"file:{path}",
        )
        first.unlink()
    return path


def heard(path, track=0):
    """The sound of a film as float32 samples at 48 kHz, silence where no sound is, from the film's start."""
    # By its own clock: without -copyts the sound of an MPEG-TS begins at 0 when it is decoded alone.
    filters = f"asetpts=PTS-{probe(path).start_time}/TB,aresample=48000:async=1:first_pts=0"
    chosen = ["-map", f"0:a:{track}", "-af", filters, *["-ac", "1", "-f", "f32le", "-"]]
    samples = ffmpeg_run("-copyts", "-i", f"file:{path}", *chosen)
    return np.frombuffer(samples, np.float32)


def film_writer(
    path: str | Path,
    rate: float | Fraction | str = 24,
    size: tuple[int, int] = (96, 64),
    source: Companions | None = None,
    made_of: str = "",
    **fields,
) -> FilmWriter:
    """A writer of frames as high as they are, but for what `fields` of the format say."""
    return FilmWriter(path, Format(size, Fraction(rate), **{"height": size[1], **fields}), source, made_of)


def write_film(path: Path, frames: int, *arguments, **options) -> Path:
    """Numbered frames, written as a film by the writer under test; returns `path`."""
    with film_writer(path, *arguments, **options) as film:
        views = numbered(frames, film.format.view_size) if film.format.view_size else [None] * frames
        for pixels, view in zip(numbered(frames, film.format.size), views, strict=True):
            film.write(pixels, view)
    return path


@contextmanager
def files_end_at(size: int) -> Iterator[None]:
    """No file may grow beyond `size` bytes, as on a full disk."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)


def read(path: Path, **options: object) -> tuple[list[Frame], Timeline]:
    """The frames of a film at 96x64, and what is said to be wrong with it; options as of `Reading`."""
    film, timeline = open_film(path, Reading(**options))
    return list(read_frames(film, (96, 64), timeline=timeline)), timeline


def noted(path, source, frames):
    """What is said of a film that is made of frames and what a source has beside its own."""
    with film_writer(path, source=source) as film:
        for pixels in numbered(frames, (96, 64)):
            film.write(pixels)
    return film.damage.notes
