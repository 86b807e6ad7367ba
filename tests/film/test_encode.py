"""A new film is whole, in its colours, in step with its sound, or not there at all."""

import re
import resource
import signal
import subprocess
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from films import ffmpeg_run, make_film, number_of, numbered

from autoencode.errors import UserError
from autoencode.film import ffmpeg
from autoencode.film.decode import read_frames
from autoencode.film.encode import FilmWriter, Sound, default_height
from autoencode.film.probe import probe
from autoencode.film.timeline import at_constant_rate, scan


def write(path, frames, rate=24, size=(96, 64), **options):
    options.setdefault("height", size[1])
    with FilmWriter(path, size, Fraction(rate), **options) as film:
        for pixels in numbered(frames, size):
            film.write(pixels)
    return path


def complaint(error):
    assert "\n" not in str(error.value)
    return str(error.value)


def heard(path, track=0):
    """The sound of a film as float32 samples at 48 kHz, silence where no sound is, from the film's start."""
    # By its own clock: without -copyts the sound of an MPEG-TS begins at 0 when it is decoded alone.
    filters = f"asetpts=PTS-{probe(path).start_time}/TB,aresample=48000:async=1:first_pts=0"
    samples = ffmpeg_run(
        *[
            "-copyts",
            "-i",
            f"file:{path}",
            "-map",
            f"0:a:{track}",
            "-af",
            filters,
            "-ac",
            "1",
            "-f",
            "f32le",
            "-",
        ]
    )
    return np.frombuffer(samples, np.float32)


def beeping(path, beep, seconds, codec="aac", sound_delay=0.0, **options):
    """A film with one 0.1 s beep, `beep` seconds after the sound's start, which is at `sound_delay`."""
    silent = make_film(path.with_name("silent.mkv"), sound=False, **options)
    wave = f"aevalsrc=0.5*sin(2*PI*1000*t)*between(t\\,{beep}\\,{beep + 0.1}):d={seconds}:s=48000"
    ffmpeg_run(
        *[
            "-copyts",
            "-i",
            f"file:{silent}",
            "-itsoffset",
            str(sound_delay),
            "-f",
            "lavfi",
            "-i",
            wave,
            "-map",
            "0:v",
            "-map",
            "1:a",
        ],
        *["-c:v", "copy", "-c:a", codec, "-strict", "-2", f"file:{path}"],
    )
    return path


def beep_of(path):
    """Seconds at which the beep begins."""
    return float(np.argmax(np.abs(heard(path)) > 0.15)) / 48000


@contextmanager
def files_end_at(size):
    """No file may grow beyond `size` bytes, as on a full disk."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)


@pytest.mark.parametrize(
    ("size", "height"),
    [((96, 64), 320), ((256, 144), 288), ((480, 270), 270), ((1920, 1080), 1080), ((500, 281), 562)],
)
def test_default_height(size, height):
    assert default_height(size) == height


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv"])
def test_frames_arrive_once_each_in_order(tmp_path, suffix):
    path = write(tmp_path / f"a.{suffix}", 50, "24000/1001", height=128)
    film = probe(path)
    timeline = scan(film)
    assert (film.width, film.height, film.sample_aspect) == (192, 128, 1)
    assert timeline.rate == Fraction(24000, 1001)
    assert timeline.duration == pytest.approx(50 * 1001 / 24000)
    assert [number_of(frame.pixels) for frame in read_frames(film, (96, 64))] == list(range(50))
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("colour", [(255, 0, 0), (0, 255, 0), (0, 0, 255), (200, 100, 50)])
def test_colours_are_bt709_and_tagged_so(tmp_path, colour):
    path = tmp_path / "a.mp4"
    with FilmWriter(path, (96, 64), Fraction(24), height=128) as film:
        for _ in range(3):
            film.write(np.full((64, 96, 3), colour, np.uint8))
    assert probe(path).matrix == "bt709"
    pixels = next(read_frames(probe(path), (96, 64))).pixels
    np.testing.assert_allclose(pixels.reshape(-1, 3).mean(0), colour, atol=4)
    header = subprocess.run([ffmpeg.binary(), "-i", path], capture_output=True, check=False).stderr.decode()
    assert re.search(r"yuv420p\(tv, bt709, ", header)


def test_side_by_side_puts_the_view_left(tmp_path):
    path = tmp_path / "a.mkv"
    size, view_size = (96, 64), (192, 128)
    with FilmWriter(path, size, Fraction(24), height=128, layout="side_by_side", view_size=view_size) as film:
        for small, view in zip(numbered(10, size), numbered(10, view_size)[::-1], strict=True):
            film.write(small, view)
    made = probe(path)
    assert (made.width, made.height) == (384, 128)
    frames = list(read_frames(made, (384, 128)))
    assert [number_of(frame.pixels[:, :190]) for frame in frames] == list(range(10))[::-1]
    assert [number_of(frame.pixels[:, 194:]) for frame in frames] == list(range(10))


@pytest.mark.parametrize(
    ("source", "made", "codec", "expected"),
    [
        ("mp4", "mp4", "aac", "aac"),
        ("mkv", "mp4", "libmp3lame", "mp3"),
        ("mkv", "mp4", "libvorbis", "aac"),
        ("mkv", "mov", "flac", "aac"),
        ("mkv", "mp4", "libopus", "opus"),
        ("mkv", "mkv", "libvorbis", "vorbis"),
        ("mov", "mkv", "pcm_s16le", "pcm_s16le"),
        ("mov", "mp4", "pcm_s16le", "aac"),
    ],
)
def test_sound_is_copied_where_the_container_takes_it(tmp_path, source, made, codec, expected):
    film = probe(make_film(tmp_path / f"source.{source}", frames=48, sound_codec=codec))
    path = write(tmp_path / f"made.{made}", 48, sound=Sound(film))
    assert probe(path).audio == (expected,)
    assert probe(path).duration == pytest.approx(film.duration, abs=1 / 24)
    assert np.abs(heard(path)[4800:-9600]).max() > 0.05


def test_a_silent_source(tmp_path):
    film = probe(make_film(tmp_path / "source.mp4", frames=12, sound=False))
    assert probe(write(tmp_path / "a.mp4", 12, sound=Sound(film))).audio == ()


def test_every_sound_track_comes_along(tmp_path):
    one = make_film(tmp_path / "one.mkv", frames=24, sound_codec="aac")
    two = tmp_path / "two.mkv"
    ffmpeg_run(
        "-i",
        one,
        "-map",
        "0:v",
        "-map",
        "0:a",
        "-map",
        "0:a",
        "-c:v",
        "copy",
        "-c:a:0",
        "copy",
        "-c:a:1",
        "flac",
        two,
    )
    assert probe(write(tmp_path / "a.mov", 24, sound=Sound(probe(two)))).audio == ("aac", "aac")


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "mov"])
@pytest.mark.parametrize("codec", ["aac", "libmp3lame", "flac"])
def test_sound_and_picture_of_an_excerpt_begin_together(tmp_path, suffix, codec):
    source = beeping(tmp_path / "source.mkv", 2.0, 4.0, codec, frames=96, rate=24)
    film, start = probe(source), 1.51
    timeline = scan(film, start=start, duration=1.5)
    sound = Sound(film, start, 1.5, delay=timeline.times[0] - start)
    path = write(tmp_path / f"made.{suffix}", timeline.frames_out, sound=sound)
    # Sound is copied in whole packets, of 26 ms in AAC and MP3, of 96 ms in FLAC.
    assert beep_of(path) - scan(probe(path)).times[0] == pytest.approx(2.0 - timeline.times[0], abs=0.027)
    assert probe(path).duration == pytest.approx(1.5, abs=0.096 if codec == "flac" else 1 / 24)


@pytest.mark.parametrize(("source", "suffix"), [("mkv", "mp4"), ("mp4", "mkv"), ("ts", "mp4"), ("ts", "mkv")])
@pytest.mark.parametrize(("delay", "sound_delay"), [(0.51, 0.0), (0.0, 0.4)])
def test_whichever_starts_late_stays_late(tmp_path, source, suffix, delay, sound_delay):
    path = beeping(
        tmp_path / f"source.{source}", 0.2, 2.5, frames=36, rate=24, delay=delay, sound_delay=sound_delay
    )
    film = probe(path)
    timeline = scan(film)
    assert timeline.times[0] - beep_of(path) == pytest.approx(delay - sound_delay - 0.2, abs=0.03)
    made = write(tmp_path / f"made.{suffix}", timeline.frames_out, sound=Sound(film, delay=timeline.times[0]))
    late = scan(probe(made)).times[0] - beep_of(made)
    assert late == pytest.approx(timeline.times[0] - beep_of(path), abs=0.01)
    assert probe(made).duration == pytest.approx(2.5 + sound_delay, abs=1 / 24)


def test_a_variable_film_keeps_its_length(tmp_path):
    times = [*np.arange(20) * 0.04, *(1.0 + np.arange(20) * 0.04)]
    film = probe(make_film(tmp_path / "source.mkv", frames=40, rate=25, times=times))
    timeline = scan(film)
    path = tmp_path / "made.mp4"
    with FilmWriter(path, (96, 64), timeline.rate, height=64, sound=Sound(film)) as made:
        for frame in at_constant_rate(read_frames(film, (96, 64), timeline=timeline), timeline):
            made.write(frame.pixels)
    assert scan(probe(path)).count == 45
    assert probe(path).duration == pytest.approx(1.8, abs=0.04)


@pytest.mark.parametrize("name", ["-y.mp4", 'it\'s a "film" %d.mkv', "a:b [c], d;e.mov"])
def test_any_name_is_only_a_name(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    source = make_film(Path("-" + name), frames=6)
    write(name, 6, sound=Sound(probe(source)))
    assert scan(probe(name)).count == 6


def fail_in_the_middle(path):
    with FilmWriter(path, (96, 64), Fraction(24), height=64) as film:
        film.write(numbered(1, (96, 64))[0])
        raise KeyError


def test_an_exception_leaves_nothing(tmp_path):
    with pytest.raises(KeyError):
        fail_in_the_middle(tmp_path / "a.mp4")
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_the_earlier_film(tmp_path):
    path = write(tmp_path / "a.mp4", 5)
    good = path.read_bytes()
    with pytest.raises(UserError, match="no frame"), FilmWriter(path, (96, 64), Fraction(24), height=64):
        pass
    assert path.read_bytes() == good
    assert list(tmp_path.iterdir()) == [path]


def write_noise(path):
    noise = np.random.default_rng(0).integers(0, 255, (64, 96, 3), np.uint8)
    with files_end_at(50_000), FilmWriter(path, (96, 64), Fraction(24), height=320) as film:
        for number in range(400):
            film.write(np.roll(noise, number, axis=1))


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path):
    with pytest.raises(UserError, match="make room") as caught:
        write_noise(tmp_path / "a.mp4")
    complaint(caught)
    assert list(tmp_path.iterdir()) == []


def kill_in_the_middle(path):
    with FilmWriter(path, (96, 64), Fraction(24), height=64) as film:
        film.write(numbered(1, (96, 64))[0])
        film._process.kill()
        film._process.wait()
        for pixels in numbered(72, (96, 64)):
            film.write(pixels)


def test_ffmpeg_dying_in_the_middle_is_one_line_and_leaves_nothing(tmp_path):
    with pytest.raises(UserError, match="SIGKILL") as caught:
        kill_in_the_middle(tmp_path / "a.mp4")
    complaint(caught)
    assert list(tmp_path.iterdir()) == []


def test_names_that_do_not_do(tmp_path):
    source = make_film(tmp_path / "source.mp4", frames=3)
    for name, words in [("a.avi", "must end in"), ("a", "must end in"), ("none/a.mp4", "does not exist")]:
        with pytest.raises(UserError, match=words) as caught:
            FilmWriter(tmp_path / name, (96, 64), Fraction(24), height=64)
        complaint(caught)
    with pytest.raises(UserError, match="source film itself"):
        FilmWriter(source, (96, 64), Fraction(24), height=64, sound=Sound(probe(source)))


def test_a_frame_of_another_size_is_refused(tmp_path):
    with FilmWriter(tmp_path / "a.mp4", (96, 64), Fraction(24), height=64) as film:
        with pytest.raises(ValueError, match="should be uint8"):
            film.write(np.zeros((64, 95, 3), np.uint8))
        film.write(np.zeros((64, 96, 3), np.uint8))
    assert film.frames == 1


def test_ctrl_c_while_ffmpeg_starts_leaves_nothing(tmp_path, monkeypatch):
    start, started = subprocess.Popen, []

    def interrupted(*arguments, **named):
        signal.raise_signal(signal.SIGINT)
        started.append(start(*arguments, **named))
        return started[0]

    with monkeypatch.context() as patch:
        patch.setattr("autoencode.film.encode.subprocess.Popen", interrupted)
        with pytest.raises(KeyboardInterrupt):
            write(tmp_path / "film.mp4", 3)
    assert started[0].returncode is not None  # ffmpeg has ended, and can make no file any more
    assert not list(tmp_path.iterdir())
    write(tmp_path / "film.mp4", 3)  # and it is locked by nobody
