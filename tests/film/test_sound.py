"""The sound comes along, every track of it, in step with the picture."""

from contextlib import nullcontext

import numpy as np
import pytest
from films import ffmpeg_run, film_writer, heard, make_film, noted, numbered, write_film

from autoencode.errors import DamagedError
from autoencode.film.companions import Companions
from autoencode.film.damage import Damage
from autoencode.film.probe import probe
from autoencode.film.scan import scan
from autoencode.film.sound import tracks


def beeping(path, beep, seconds, codec="aac", sound_delay=0.0, **options):
    """A film with one 0.1 s beep, `beep` seconds after the sound's start, which is at `sound_delay`."""
    silent = make_film(path.with_name("silent.mkv"), sound=False, **options)
    wave = f"aevalsrc=0.5*sin(2*PI*1000*t)*between(t\\,{beep}\\,{beep + 0.1}):d={seconds}:s=48000"
    sound = ["-itsoffset", str(sound_delay), "-f", "lavfi", "-i", wave]
    codecs = ["-c:v", "copy", "-c:a", codec, "-strict", "-2"]
    ffmpeg_run(
        "-copyts", "-i", f"file:{silent}", *sound, *["-map", "0:v", "-map", "1:a"], *codecs, f"file:{path}"
    )
    return path


def beep_of(path):
    """Seconds at which the beep begins."""
    return float(np.argmax(np.abs(heard(path)) > 0.15)) / 48000


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
        ("mkv", "mkv", "pcm_s32le", "pcm_s32le"),
        ("mkv", "mkv", "pcm_u8", "pcm_u8"),
        ("mkv", "mov", "pcm_f32le", "pcm_f32le"),
        ("mkv", "mov", "pcm_u8", "pcm_u8"),
    ],
)
def test_sound_is_copied_where_the_container_takes_it(tmp_path, source, made, codec, expected):
    film = probe(make_film(tmp_path / f"source.{source}", frames=48, sound_codec=codec))
    path = write_film(tmp_path / f"made.{made}", 48, source=Companions(film))
    assert probe(path).audio == (expected,)
    assert probe(path).duration == pytest.approx(film.duration, abs=1 / 24)
    assert np.abs(heard(path)[4800:-9600]).max() > 0.05


@pytest.mark.parametrize("suffix", ["mkv", "mp4", "ts"])
def test_when_the_sound_begins(tmp_path, suffix):
    late = make_film(tmp_path / f"picture.{suffix}", frames=48, delay=0.5, sound_codec="mp2")
    assert tracks(late)[0]["begins"] == pytest.approx(-0.5, abs=0.02)
    late = beeping(tmp_path / f"sound.{suffix}", 0.5, 1.0, codec="mp2", sound_delay=0.4, frames=48)
    assert tracks(late)[0]["begins"] == pytest.approx(0.4, abs=0.02)
    made = write_film(tmp_path / "made.mkv", 48, source=Companions(probe(late)))
    assert tracks(made)[0]["begins"] == pytest.approx(tracks(late)[0]["begins"], abs=0.005)


def test_a_silent_source(tmp_path):
    film = probe(make_film(tmp_path / "source.mp4", frames=12, sound=False))
    assert probe(write_film(tmp_path / "a.mp4", 12, source=Companions(film))).audio == ()


def test_every_sound_track_comes_along(tmp_path):
    one = make_film(tmp_path / "one.mkv", frames=24, sound_codec="aac")
    two = tmp_path / "two.mkv"
    codecs = ["-c:v", "copy", "-c:a:0", "copy", "-c:a:1", "flac"]
    ffmpeg_run("-i", one, *["-map", "0:v", "-map", "0:a", "-map", "0:a"], *codecs, two)
    assert probe(write_film(tmp_path / "a.mov", 24, source=Companions(probe(two)))).audio == ("aac", "aac")


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "mov"])
@pytest.mark.parametrize("codec", ["aac", "libmp3lame", "flac"])
def test_sound_and_picture_of_an_excerpt_begin_together(tmp_path, suffix, codec):
    source = beeping(tmp_path / "source.mkv", 2.0, 4.0, codec, frames=96, rate=24)
    film, start = probe(source), 1.51
    timeline = scan(film, start=start, duration=1.5)
    sound = Companions(film, start, 1.5, delay=timeline.times[0] - start)
    path = write_film(tmp_path / f"made.{suffix}", timeline.frames_out, source=sound)
    assert beep_of(path) - scan(probe(path)).times[0] == pytest.approx(2.0 - timeline.times[0], abs=0.005)
    # Sound is copied in whole packets, of 21 to 26 ms in AAC and MP3, of 96 ms in FLAC: the first whole one.
    assert -0.033 < tracks(path)[0]["begins"] < 0.096
    assert probe(path).duration == pytest.approx(1.5, abs=0.096 if codec == "flac" else 1 / 24)


@pytest.mark.parametrize("codec", ["ac3", "libmp3lame", "adpcm_ms"])
def test_an_avi_that_counts_in_packets_of_sound_can_begin_between_two(tmp_path, codec):
    kept = beeping(tmp_path / "source.mkv", 2.0, 4.0, codec, frames=96, rate=24)
    source = tmp_path / "source.avi"
    ffmpeg_run("-i", kept, *["-c:v", "mpeg4", "-q:v", "4", "-c:a", "copy"], source)
    film, start = probe(source), 1.3
    timeline = scan(film, start=start, duration=1.5)
    sound = Companions(film, start, 1.5, delay=timeline.begin - start)
    path = write_film(tmp_path / "made.mkv", timeline.frames_out, source=sound)
    expected = beep_of(source) - timeline.begin
    assert beep_of(path) - scan(probe(path)).times[0] == pytest.approx(expected, abs=0.002)


@pytest.mark.parametrize(("source", "suffix"), [("mkv", "mp4"), ("mp4", "mkv"), ("ts", "mp4"), ("ts", "mkv")])
@pytest.mark.parametrize(("delay", "sound_delay"), [(0.51, 0.0), (0.0, 0.4)])
def test_whichever_starts_late_stays_late(tmp_path, source, suffix, delay, sound_delay):
    path = beeping(
        tmp_path / f"source.{source}", 0.2, 2.5, frames=36, rate=24, delay=delay, sound_delay=sound_delay
    )
    film = probe(path)
    timeline = scan(film)
    assert timeline.times[0] - beep_of(path) == pytest.approx(delay - sound_delay - 0.2, abs=0.03)
    made = write_film(
        tmp_path / f"made.{suffix}", timeline.frames_out, source=Companions(film, delay=timeline.times[0])
    )
    late = scan(probe(made)).times[0] - beep_of(made)
    assert late == pytest.approx(timeline.times[0] - beep_of(path), abs=0.01)
    assert probe(made).duration == pytest.approx(2.5 + sound_delay, abs=1 / 24)


def test_an_excerpts_last_picture_is_not_cut_off(tmp_path):
    """Pictures of a film that trembles may lie in the excerpt, and be shown on the beat at its end."""
    film = probe(make_film(tmp_path / "source.mkv", frames=72))
    source = Companions(film, start=1.0, duration=1.0)
    with film_writer(tmp_path / "a.mkv", source=source, codec="ffv1") as made:
        for pixels in numbered(25, (96, 64)):
            made.write(pixels)
    assert scan(probe(made.path)).count == 25


def test_what_is_missing_in_the_sound_is_said(tmp_path):
    source = make_film(tmp_path / "source.mkv", frames=144, sound_codec="mp2")
    drop = r"noise=drop=between(pts*tb\,2\,3)"
    ffmpeg_run("-i", source, "-map", "0", "-c", "copy", "-bsf:a", drop, tmp_path / "holed.mkv")
    ffmpeg_run("-i", source, "-map", "0", "-c", "copy", "-bsf:a", drop[:-2] + "9)", tmp_path / "short.mkv")
    said = {name: scan(probe(tmp_path / f"{name}.mkv")).damage.notes for name in ("source", "holed", "short")}
    assert said == {
        "source": [],
        "holed": ["track 1 of its sound has nothing from 0:02.0 to 0:03.0"],
        "short": ["track 1 of its sound ends at 0:02.0, the picture at 0:06.0"],
    }
    notes = noted(tmp_path / "made.mkv", Companions(probe(tmp_path / "holed.mkv")), 144)
    assert notes == [f"in the new film: {said['holed'][0]}"]


def test_a_track_that_nobody_can_decode_is_left_out_with_a_line(tmp_path):
    one = make_film(tmp_path / "one.mkv", frames=48, sound_codec="libvorbis")
    two = tmp_path / "two.mkv"
    ffmpeg_run("-i", one, *["-map", "0:v", "-map", "0:a", "-map", "0:a"], "-c", "copy", "-c:a:1", "aac", two)
    two.write_bytes(two.read_bytes().replace(b"A_VORBIS", b"A_UNKNWN"))
    path = tmp_path / "made.mp4"
    assert "in the new film: track 1 of its sound could not be taken" in noted(
        path, Companions(probe(two)), 48
    )
    assert probe(path).audio == ("aac",)


@pytest.mark.parametrize("channels", [12, 16])
def test_sound_of_too_many_channels_is_folded_down_to_stereo_with_a_line(tmp_path, channels):
    beep = "|".join(["0.2*sin(2*PI*1000*t)"] * channels)
    film = make_film(tmp_path / "film.mkv", frames=24, sound=False)
    sound = ["-f", "lavfi", "-i", f"aevalsrc={beep}:d=1:c={channels}c", "-c:v", "copy", "-c:a", "pcm_s16le"]
    ffmpeg_run("-i", film, *sound, tmp_path / "loud.mkv")
    notes = noted(tmp_path / "made.mp4", Companions(probe(tmp_path / "loud.mkv")), 24)
    assert "in the new film: track 1 of its sound was folded down to stereo, to be taken" in notes
    assert probe(tmp_path / "made.mp4").audio == ("aac",)
    assert np.abs(heard(tmp_path / "made.mp4")[4800:-9600]).max() > 0.05


@pytest.mark.usefixtures("short_parts")
def test_a_film_whose_only_sound_cannot_be_taken_is_made_if_that_is_allowed(tmp_path):
    """Not in silence; and what was rendered is kept for then."""
    path = make_film(tmp_path / "film.mkv", frames=24, sound_codec="libvorbis")
    path.write_bytes(path.read_bytes().replace(b"A_VORBIS", b"A_UNKNWN"))
    made, source = tmp_path / "made.mp4", Companions(probe(path))
    said = r"film\.mkv: none of its sound can be taken .*\.mp4; .*--allow_damaged: 24 frames are kept"
    for allowed, there in ((False, 0), (True, 24)):
        film = film_writer(made, source=source, made_of="these")
        with nullcontext() if allowed else pytest.raises(DamagedError, match=said), film:
            film.damage = Damage(path, allowed)
            assert film.frames == there
            for pixels in numbered(24, (96, 64))[there:]:
                film.write(pixels)
        assert made.exists() == allowed
    assert scan(probe(made)).count == 24
    assert film.damage.suffered


def test_torn_packets_of_sound_do_not_cost_the_picture(tmp_path):
    """An mp4 takes AAC only without the headers it has in an MPEG-TS, and a torn one cannot be taken off."""
    raw = make_film(tmp_path / "film.ts", frames=240, sound_codec="aac").read_bytes()
    packets = len(raw) // 188
    (tmp_path / "torn.ts").write_bytes(raw[: (packets // 3 + 10) * 188] + raw[packets // 2 * 188 :])
    source = Companions(probe(tmp_path / "torn.ts"))
    notes = noted(tmp_path / "made.mp4", source, 240)
    assert "in the new film: track 1 of its sound was encoded anew, to be taken" in notes
    assert probe(tmp_path / "made.mp4").audio == ("aac",)
