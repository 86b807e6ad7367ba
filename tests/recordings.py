"""Films with a click in each second of their sound, and whether it is still with its picture."""

import numpy as np
from films import ffmpeg_run, film_writer, number_of, numbered

from autoencode.film.companions import Companions
from autoencode.film.decode import read_frames
from autoencode.film.probe import probe
from autoencode.film.reading import Reading, open_film
from autoencode.resequence import resequence

SIZE = (96, 64)


def recording(path, frames=72, tracks=1, sound="aac", first=0, extra=""):
    """With a click half a second after each full one, in each of its tracks."""
    words = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "96x64", "-r", "24", "-i", "pipe:0"]
    for _ in range(tracks):
        click = r"0.8*sin(2*PI*1000*t)*lt(mod(t+0.5\,1)\,0.02)"
        words += f"-f lavfi -i aevalsrc={click}:s=48000:d={frames / 24 + 0.4}".split()
    words += [word for stream in range(tracks + 1) for word in ("-map", str(stream))]
    codecs = {".mpg": "mpeg2video -bf 2 -q:v 2", ".avi": "mpeg4 -g 1 -q:v 2"}
    codec = codecs.get(path.suffix, "libx264 -bf 2 -g 24 -crf 4")
    words += f"-c:v {codec} -pix_fmt yuv420p -c:a {sound} {extra}".split()
    ffmpeg_run(*words, path, stdin=numbered(first + frames, SIZE)[first:].tobytes())
    return path.read_bytes()


def rendered(path):
    """What a perfect memory makes of a film, and what was found of the film."""
    film, timeline = open_film(path, Reading(allow_damaged=True))
    source = Companions(film, delay=timeline.begin, stretches=timeline.stretches)
    made = film_writer(path.with_name("made.mkv"), timeline.rate, SIZE, source)
    resequence(film, timeline, SIZE, lambda frames, first: frames, made)
    shown = [number_of(frame.pixels) for frame in read_frames(probe(made.path), SIZE)]
    assert len(shown) == timeline.frames_out
    return made.path, shown, timeline


def in_sync(made, shown, timeline, track=0):
    """How many clicks a track has, all of them with the 12th picture of a second."""
    moments = clicks(made, track) - timeline.begin
    assert np.abs(moments * 24 - np.round(moments * 24)).max() < 0.005 * 24
    assert {shown[round(moment * 24)] % 24 for moment in moments} == {12}
    return len(moments)


def clicks(path, track=0):
    """When each begins, in seconds, where the packets' times have it."""
    filters = "aresample=48000:async=1:min_hard_comp=0.002:first_pts=0"
    samples = ffmpeg_run("-copyts", "-i", path, *f"-map 0:a:{track} -af {filters} -ac 1 -f f32le -".split())
    loud = np.flatnonzero(np.abs(np.frombuffer(samples, np.float32)) > 0.3) / 48000
    return loud[np.diff(loud, prepend=-1) > 0.5]
