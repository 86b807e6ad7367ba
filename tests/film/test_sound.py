"""The sound comes along, every track of it, in step with the picture."""

import re
import subprocess

import numpy as np
import pytest
from films import ffmpeg_run, film_writer, heard, make_film, numbered, write_film

from autoencode.film import ffmpeg
from autoencode.film.companions import Companions
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


@pytest.fixture(scope="module")
def rich(tmp_path_factory):
    """A film of four seconds with two languages, two kinds of subtitles and two chapters."""
    folder = tmp_path_factory.mktemp("rich")
    (folder / "letters.srt").write_text("1\n00:00:00,500 --> 00:00:01,500\nHello\n")
    marks = "".join(
        f"[CHAPTER]\nTIMEBASE=1/1000\nSTART={start}\nEND={start + 2000}\ntitle={title}\n"
        for start, title in ((0, "One"), (2000, "Two"))
    )
    (folder / "chapters.txt").write_text(";FFMETADATA1\n" + marks)
    picture = make_film(folder / "picture.mkv", frames=96)
    inputs = [picture, picture, folder / "letters.srt", folder / "letters.srt", folder / "chapters.txt"]
    path = folder / "rich.mkv"
    ffmpeg_run(
        *[word for name in inputs for word in ("-i", name)],
        *[
            "-map",
            "0:v",
            "-map",
            "0:a",
            "-map",
            "1:a",
            "-map",
            "2",
            "-map",
            "3",
            "-map_chapters",
            "4",
            "-c:v",
            "copy",
            "-c:a",
            "copy",
        ],
        *[
            "-c:s:0",
            "srt",
            "-c:s:1",
            "ass",
            "-metadata:s:a:0",
            "language=deu",
            "-metadata:s:a:1",
            "language=fra",
        ],
        *["-metadata:s:s:0", "language=eng", "-metadata:s:s:1", "language=ita"],
        path,
    )
    return probe(path)


def header(path):
    said = subprocess.run([ffmpeg.binary(), "-i", path], capture_output=True, check=False).stderr.decode()
    streams = re.findall(r"Stream #0:\d+(?:\[\w+\])?(?:\((\w+)\))?: (Audio|Subtitle): (\w+)", said)
    chapters = re.findall(r"Chapter #.*start ([\d.]+), end ([\d.]+)\n.*\n *title +: (\w+)", said)
    return [" ".join(stream) for stream in streams], chapters


@pytest.mark.parametrize(
    ("suffix", "subtitles"),
    [
        ("mkv", ["eng Subtitle subrip", "ita Subtitle ass"]),
        ("mp4", ["eng Subtitle mov_text", "ita Subtitle mov_text"]),
        ("mov", ["eng Subtitle mov_text", "ita Subtitle mov_text"]),
    ],
)
def test_languages_subtitles_and_chapters_come_along(tmp_path, rich, suffix, subtitles):
    german = "ger" if suffix == "mov" else "deu"  # as QuickTime's number for it is read
    sound = [f"{german} Audio vorbis", "fra Audio vorbis"]
    sound = sound if suffix == "mkv" else [track.replace("vorbis", "aac") for track in sound]
    streams, chapters = header(write_film(tmp_path / f"a.{suffix}", 96, source=Companions(rich)))
    assert streams == sound + subtitles
    assert [title for _, _, title in chapters] == ["One", "Two"]
    assert float(chapters[1][0]) == pytest.approx(2, abs=0.01)


def test_quicktimes_own_names_of_languages(tmp_path):
    languages = ("hrv", "swe", "zho", "fra")
    film = make_film(tmp_path / "film.mkv", frames=24, sound_codec="aac")
    words = " ".join(f"-map 0:a -metadata:s:a:{n} language={name}" for n, name in enumerate(languages))
    ffmpeg_run("-i", film, "-map", "0:v", *words.split(), "-c", "copy", tmp_path / "four.mkv")
    quicktime = probe(write_film(tmp_path / "a.mov", 24, source=Companions(probe(tmp_path / "four.mkv"))))
    assert quicktime.spoken == ("hr ", "sve", "chi", "fra")
    back = probe(write_film(tmp_path / "b.mkv", 24, source=Companions(quicktime)))
    assert back.spoken == ("hrv", "swe", "chi", "fra")


def test_an_excerpts_chapters_are_its_own(tmp_path, rich):
    _, chapters = header(write_film(tmp_path / "a.mkv", 48, source=Companions(rich, 1.5, 2.0)))
    assert [title for _, _, title in chapters] == ["One", "Two"]
    assert float(chapters[1][0]) == pytest.approx(0.5, abs=0.01)
    path = write_film(tmp_path / "b.mkv", 24, source=Companions(rich, 0.4, 1.0))
    assert [title for _, _, title in header(path)[1]] == ["One"]


@pytest.mark.parametrize(("audio", "tracks"), [("all", 2), ("first", 1), ("none", 0)])
def test_the_tracks_that_were_asked_for(tmp_path, rich, audio, tracks):
    path = write_film(tmp_path / "a.mp4", 96, source=Companions(rich, audio=audio))
    assert len(probe(path).audio) == tracks


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


def noted(path, source, frames):
    """What is said of a film that is made of frames and what a source has beside its own."""
    with film_writer(path, source=source) as film:
        for pixels in numbered(frames, (96, 64)):
            film.write(pixels)
    return film.damage.notes


def test_subtitles_that_cannot_be_read_are_left_out_with_a_line(tmp_path):
    source = make_film(tmp_path / "source.mkv", frames=48)
    (tmp_path / "a.srt").write_bytes(b"1\n00:00:00,500 --> 00:00:01,000\nCaf\xe9\n")
    ffmpeg_run("-i", source, "-i", tmp_path / "a.srt", "-c", "copy", tmp_path / "b.mkv")
    [note] = noted(tmp_path / "made.mp4", Companions(probe(tmp_path / "b.mkv")), 48)
    assert "complaint" in note


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


def test_torn_packets_of_sound_do_not_cost_the_picture(tmp_path):
    """An mp4 takes AAC only without the headers it has in an MPEG-TS, and a torn one cannot be taken off."""
    raw = make_film(tmp_path / "film.ts", frames=240, sound_codec="aac").read_bytes()
    packets = len(raw) // 188
    (tmp_path / "torn.ts").write_bytes(raw[: (packets // 3 + 10) * 188] + raw[packets // 2 * 188 :])
    source = Companions(probe(tmp_path / "torn.ts"))
    notes = noted(tmp_path / "made.mp4", source, 240)
    assert "in the new film: track 1 of its sound was encoded anew, to be taken" in notes
    assert probe(tmp_path / "made.mp4").audio == ("aac",)


@pytest.mark.parametrize("suffix", ["mkv", "mp4"])
def test_an_excerpts_subtitles_are_its_own(tmp_path, suffix):
    cues = [(1, 5, "before"), (6, 7, "in it"), (8, 9, "at its end")]
    lines = (f"1\n00:00:{a:02},000 --> 00:00:{b:02},000\n{text}\n" for a, b, text in cues)
    (tmp_path / "a.srt").write_text("\n".join(lines))
    film = make_film(tmp_path / "film.mkv", frames=240, extra=["-g", "250"])
    ffmpeg_run("-i", film, "-i", tmp_path / "a.srt", "-c", "copy", tmp_path / "b.mkv")
    made = write_film(tmp_path / f"made.{suffix}", 96, source=Companions(probe(tmp_path / "b.mkv"), 4.5, 4.0))
    assert probe(made).start_time == pytest.approx(0, abs=0.005)
    said = ffmpeg_run("-copyts", "-i", made, "-map", "0:s", "-f", "srt", "-").decode()
    found = re.findall(r"00:00:(\S+) --> 00:00:(\S+)\n(.+)", said)
    assert [(begin, text) for begin, _, text in found] == [
        ("00,000", "before"),
        ("01,500", "in it"),
        ("03,500", "at its end"),
    ]
    assert [end for _, end, _ in found] == ["00,500", "02,500", "04,000"]


@pytest.mark.parametrize("suffix", ["mkv", "mp4"])
def test_a_subtitle_does_not_make_an_excerpt_longer(tmp_path, suffix):
    (tmp_path / "a.srt").write_text("1\n00:00:00,500 --> 00:00:09,000\nlong\n")
    film = make_film(tmp_path / "film.mkv", frames=240)
    ffmpeg_run("-i", film, "-i", tmp_path / "a.srt", "-c", "copy", tmp_path / "b.mkv")
    source = Companions(probe(tmp_path / "b.mkv"), duration=1.0)
    assert probe(write_film(tmp_path / f"made.{suffix}", 24, source=source)).duration == pytest.approx(
        1, abs=1 / 24
    )
