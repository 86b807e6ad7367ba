"""A film as a stream of uint8 frames, each with its timestamp."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from typing import NamedTuple

import numpy as np

from autoencode.errors import UserError
from autoencode.film import ffmpeg
from autoencode.film.complaints import Complaints, Ear
from autoencode.film.decoder_log import LEVEL
from autoencode.film.picture import filters
from autoencode.film.probe import FilmInfo
from autoencode.film.stack import Size, Stack
from autoencode.film.timeline import FORGIVEN, MARGIN, Timeline, clock, pictures

TREMBLE = 2
"""Pictures by which the times of a transport or program stream may leap where none is lost."""

STOPPED = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL}
"""Signals that come from outside, of a machine short of memory, say; others a film may cause itself."""


UNSTEADY = {"theora", "vp3"}
"""Codecs of which ffmpeg, where it decodes several pictures at once, now and then shows others."""


class Frame(NamedTuple):
    """One picture of the film. The arrays are read-only."""

    time: float  # seconds since the file's start
    pixels: np.ndarray  # uint8 (height, width, 3), RGB
    view: np.ndarray | None = None  # the same picture at view_size, uint8 (height, width, 3), or None
    corrupt: bool = False  # not all of it could be decoded: some was made up


def read_frames(
    film: FilmInfo, size: Size, *, view_size: Size | None = None, timeline: Timeline | None = None
) -> Iterator[Frame]:
    """Decodes every picture of a timeline once, in the order shown, none repeated and none dropped.

    One that the decoder could not read whole, and made up in part, counts as lost, as one that does not come.
    Each is treated as `picture.filters` says. With a view, both pictures come from one decoded picture by
    construction: one ffmpeg scales it twice and sends the two stacked in one raw frame. Closing the
    generator early ends ffmpeg.

    Args:
      film: the film, as probed.
      size: (width, height) of `pixels`.
      view_size: (width, height) of `view`, or None for no view.
      timeline: what `scan` found; for an excerpt only its pictures are decoded. None: the whole film, and
        nobody notices if it breaks off.

    Raises:
      UserError: nothing can be decoded, or not all of the timeline's pictures, if it does not allow damage.
    """
    stack = Stack(size, view_size)
    if timeline is None:
        yield from _decode(film, stack)
        return
    times = timeline.decoded
    time, due, corrupt = float(times[0]), 0, False
    said = bytearray()
    with (
        closing(_decode_range(film, stack, timeline, said)) as frames,
        closing(Ear(timeline.damage, said)) as ear,
    ):
        for frame in frames:
            ear.listen(frame.time)
            # Where an edit list leaps the decoder misses pictures that it leaps over, and none of the film's.
            corrupt = frame.corrupt and not timeline.edited
            if corrupt:
                continue
            found = max(due, _nearest(times, frame.time))
            if found > due:
                _lose(timeline, due, found, frame.time, bool(said))
                said.clear()  # which was of these
            time, due = frame.time, min(found + 1, len(times))
            if found % timeline.every == 0:
                yield frame
    timeline.lose(due, len(times))
    lost = len(times) - due
    counted = timeline.order is not None and timeline.order.stamps is None
    what = f"the last {pictures(lost)}, after {clock(time)}, cannot be decoded"
    if counted:
        what = f"{pictures(lost)} cannot be decoded, or come at its end; some may be early by as many"
    # Where pictures are only counted, those that are passed over at the beginning are missed at the end.
    passed_over = timeline.order is not None and not said and not corrupt
    if lost > (FORGIVEN if film.clocked or passed_over else 0):
        timeline.damage.found(what if corrupt or counted else f"the picture breaks off at {clock(time)}")
    elif lost > 0:
        timeline.damage.note(what)


def _in_order(film: FilmInfo, frames: Iterator[Frame], timeline: Timeline) -> Iterator[Frame]:
    """Of all frames of a film whose decoder does not say when they are shown, the timeline's, with its times.

    What the decoder says instead is looked up. Where that is not known it is no good but for its steps, which
    tell where it could not decode some; in a transport or program stream not even those, if they are small.
    """
    order, half = timeline.order, _half(timeline)
    last = timeline.skipped + len(timeline.decoded) - 1
    least = TREMBLE + 1 if film.clocked else 1
    number, before = order.passed_over - 1, None
    for frame in frames:
        step = 1
        if order.stamps is not None:
            same = np.flatnonzero(np.abs(order.stamps - frame.time) < half)
            step = int(same[np.abs(same - number - 1).argmin()]) - number if len(same) else 1
            if step < 1:  # where one recording ends and another begins, the decoder may mix them up
                continue
        elif before is not None and order.steps:
            leap = round((frame.time - before) / (2 * half))
            # One that is longer than the film is no time at all, as some have for their first pictures.
            step = leap if least < leap < len(order.times) else 1
        number, before = number + step, frame.time
        if number > last and last < len(order.times) - 1:
            return
        number = min(number, last)
        if number >= timeline.skipped:
            yield frame._replace(time=float(order.times[number]))


def _nearest(times: np.ndarray, time: float) -> int:
    """Which of the sorted times is nearest; the first of those that are equal."""
    after = int(np.searchsorted(times, time - 1e-6))
    if after == len(times) or (after and time - times[after - 1] < times[after] - time):
        return after - 1
    return after


def _lose(timeline: Timeline, due: int, found: int, time: float, complained: bool) -> None:
    timeline.lose(due, found)
    first = timeline.skipped + due + 1
    what = f"{pictures(found - due)} before {clock(time)} (picture {first:,}) cannot be decoded"
    # Where a film was cut out of another, the first to be decoded may be shown before those that lean on
    # absent ones.
    cut_out = timeline.skipped == 0 and found <= MARGIN and not complained
    if cut_out or (due == 0 and found <= FORGIVEN):
        timeline.damage.note(what)
    else:
        timeline.damage.found(what)


def _graph(film: FilmInfo, stack: Stack) -> str:
    if stack.view is None:
        return f"[{film.stream}]{filters(film, stack.small)}[out]"
    pad = f"pad={stack.width}:ih:0:0"
    return (
        f"[{film.stream}]split[a][b];"
        f"[a]{filters(film, stack.view)},{pad}[view];"
        f"[b]{filters(film, stack.small)},{pad}[small];"
        "[view][small]vstack[out]"
    )


def _half(timeline: Timeline) -> float:
    """Half the time of one of the film's pictures, in seconds."""
    return 0.5 / float(timeline.rate * timeline.every)


def _decode_range(film: FilmInfo, stack: Stack, timeline: Timeline, said: bytearray) -> Iterator[Frame]:
    first, count = float(timeline.times[0]), len(timeline.decoded)
    if timeline.order is not None:
        with closing(_decode(film, stack, said=said)) as frames:  # a moment cannot be sought
            yield from _in_order(film, frames, timeline)
        return
    if timeline.skipped == 0:
        yield from _decode(film, stack, count=count, said=said)
        return
    seek = first - 0.5 * _half(timeline)
    with closing(_decode(film, stack, seek, count, said)) as frames:
        head = next(frames, None)
        if head is not None and head.time < first + _half(timeline):
            if film.clocked:
                said.clear()  # a decoder that begins in the middle of a broadcast misses what it has not seen
            yield head
            yield from frames
            return
    # In a container without an index the seek lands too late: decode from the start.
    said.clear()
    with closing(_decode(film, stack, said=said)) as frames:
        yield from islice((frame for frame in frames if frame.time > seek), count)
        next(frames, None)


def _decode(
    film: FilmInfo,
    stack: Stack,
    seek: float = 0.0,
    count: int | None = None,
    said: bytearray | None = None,
) -> Iterator[Frame]:
    """Runs one ffmpeg: pixels come through its stdout, timestamps through a second pipe.

    `said` gets what it complains of, picture by picture.

    For each picture ffmpeg flushes a line of timestamp before it writes the pixels, so reading a line and
    then the pixels cannot wait for ever.
    """
    reading, writing = os.pipe()
    # With -copyts times do not depend on the seek, nor on which of the streams are read.
    command = ["-v", LEVEL, "-nostats", "-copyts", *(["-ss", f"{seek:.6f}"] if seek > 0 else [])]
    command += ["-thread_type", "slice"] if film.codec in UNSTEADY else []
    command += [f"-c:{film.picture}", film.decoder] if film.alpha and film.decoder else []
    command += [*film.source, "-filter_complex", _graph(film, stack), "-map", "[out]"]
    command += ["-fps_mode", "passthrough", *(["-frames:v", str(count)] if count is not None else [])]
    # Microseconds: the encoder's own time base would round a variable film's times to whole frames.
    command += ["-c:v", "rawvideo", "-pix_fmt", "rgb24", "-enc_time_base", "1/1000000"]
    command += ["-stats_enc_pre", f"pipe:{writing}", "-stats_enc_pre_fmt", "{pts} {tb}"]
    command += ["-f", "rawvideo", "-"]
    said = bytearray() if said is None else said
    with (
        tempfile.TemporaryFile() as spoken,
        closing(Complaints(film, seek, spoken, said)) as complaints,
        os.fdopen(reading, "rb") as times,
    ):
        try:
            process = ffmpeg.start(command, stdout=subprocess.PIPE, stderr=spoken, pass_fds=(writing,))
        finally:
            os.close(writing)  # ffmpeg holds the only writing end, so its death is the pipe's end
        seen = False
        with process.stdout as pixels:
            try:
                while (line := times.readline()) and len(raw := pixels.read(stack.nbytes)) == stack.nbytes:
                    seen = True
                    complaints.listen()
                    time = _seconds(line)
                    small, view = stack.split(raw)
                    yield Frame(time - film.start_time, small, view, complaints.are_of(time))
                if -process.wait() in STOPPED:
                    raise UserError(f"{film.path}: ffmpeg was stopped while it was read; try again")
            finally:
                process.kill()
                process.wait()
        complaints.listen()
        if not seen and not film.path.exists():
            raise UserError(f"{film.path}: was taken away while it was read; put it back")
        if not seen and not seek:
            words = ffmpeg.last_words(bytes(said), 0)  # the kill above is not its fault
            raise UserError(f"{film.path}: no picture can be decoded ({words}); try another file")


def _seconds(line: bytes) -> float:
    pts, base = line.split()
    numerator, denominator = base.split(b"/")
    return int(pts) * int(numerator) / int(denominator)
