"""Subtitles, chapters and languages come along, and of an excerpt its own."""

import re
import subprocess

import pytest
from films import ffmpeg_run, film_writer, make_film, noted, numbered, write_film

from autoencode.film import ffmpeg
from autoencode.film.companions import Companions
from autoencode.film.probe import probe


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


@pytest.mark.parametrize("shown", [(), (1,)], ids=["none", "the second"])
@pytest.mark.parametrize("part", [(0.0, None), (0.2, 2.0)], ids=["whole", "excerpt"])
def test_only_subtitles_that_were_to_be_shown_unasked_are(tmp_path, rich, shown, part):
    given = [f"-disposition:s:{track} {'default' if track in shown else '0'}" for track in (0, 1)]
    path = tmp_path / "film.mkv"
    ffmpeg_run("-i", rich.path, *["-map", "0", "-c", "copy"], *" ".join(given).split(), path)
    made = write_film(tmp_path / "made.mkv", 48, source=Companions(probe(path), *part))
    said = subprocess.run([ffmpeg.binary(), "-i", made], capture_output=True, check=False).stderr.decode()
    lines = re.findall(r"Stream #.*Subtitle.*", said)
    assert [number for number, line in enumerate(lines) if "(default)" in line] == [*shown]


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


@pytest.mark.parametrize(
    ("suffix", "attachments", "notes"),
    [("mkv", 2, []), ("mp4", 0, ["in the new film: 2 attachments, which only Matroska takes, left out"])],
)
def test_attachments_title_and_artist_come_along(tmp_path, suffix, attachments, notes):
    (tmp_path / "font.ttf").write_bytes(bytes(range(256)))
    title, artist = "A = b; #c\n[second line", "Müller \\ Söhne"
    fonts = ["-attach", tmp_path / "font.ttf"] * 2 + ["-metadata:s:t", "mimetype=font/ttf"]
    named = ["-metadata", f"title={title}", "-metadata", f"artist={artist}", "-metadata", "comment=none"]
    film = make_film(tmp_path / "film.mkv", frames=24, extra=[*fonts, *named])
    made = tmp_path / f"made.{suffix}"
    assert noted(made, Companions(probe(film)), 24) == notes
    assert probe(made).attachments == attachments
    if attachments:
        font = tmp_path / "again.ttf"
        dump = [ffmpeg.binary(), "-dump_attachment:t:1", font, "-i", made]
        subprocess.run(dump, capture_output=True, check=False)  # without an output it ends with an error
        assert font.read_bytes() == bytes(range(256))
    said = ffmpeg_run("-i", made, "-f", "ffmetadata", "-").decode().replace("ARTIST", "artist")
    assert "title=A \\= b\\; \\#c\\\n[second line\n" in said
    assert "artist=Müller \\\\ Söhne\n" in said
    assert "comment" not in said.lower()


@pytest.mark.parametrize(
    ("rate", "timecode", "start", "expected"),
    [
        # Frame 1,828 of those at 29.97: the first of minute 1 is called 2, so 30 later it is a second on.
        ("30000/1001", "00:00:59;28", 1.001, "00:01:01;00"),
        ("30000/1001", "00:09:59;28", 1.001, "00:10:00;28"),
        ("30000/1001", "00:00:59:28", 1.001, "00:01:00:28"),
        ("25", "23:59:59:20", 0.4, "00:00:00:05"),
        ("25", "01:00:00:00", 0.0, "01:00:00:00"),
    ],
)
@pytest.mark.parametrize("suffix", ["mov", "mkv"])
def test_the_timecode_comes_along_and_begins_where_the_excerpt_does(
    tmp_path, rate, timecode, start, expected, suffix
):
    film = make_film(tmp_path / "film.mov", frames=60, rate=rate, extra=["-timecode", timecode])
    source = Companions(probe(film), start)
    with film_writer(tmp_path / f"made.{suffix}", rate, source=source) as made:
        for pixels in numbered(24, (96, 64)):
            made.write(pixels)
    assert (made.damage.notes, probe(made.path).timecode) == ([], expected)


def test_a_timecode_of_another_rate_is_left_out_and_that_is_said(tmp_path):
    film = make_film(tmp_path / "film.mov", frames=24, extra=["-timecode", "01:00:00:00"])
    with film_writer(tmp_path / "made.mov", 12, source=Companions(probe(film))) as made:
        for pixels in numbered(12, (96, 64)):
            made.write(pixels)
    said = "in the new film: the timecode 01:00:00:00 does not fit its 12 pictures a second: left out"
    assert (made.damage.notes, probe(made.path).timecode) == ([said], "")


@pytest.mark.parametrize(("audio", "tracks"), [("all", 2), ("first", 1), ("none", 0)])
def test_the_tracks_that_were_asked_for(tmp_path, rich, audio, tracks):
    path = write_film(tmp_path / "a.mp4", 96, source=Companions(rich, audio=audio))
    assert len(probe(path).audio) == tracks


def test_subtitles_that_cannot_be_read_are_left_out_with_a_line(tmp_path):
    source = make_film(tmp_path / "source.mkv", frames=48)
    (tmp_path / "a.srt").write_bytes(b"1\n00:00:00,500 --> 00:00:01,000\nCaf\xe9\n")
    ffmpeg_run("-i", source, "-i", tmp_path / "a.srt", "-c", "copy", tmp_path / "b.mkv")
    [note] = noted(tmp_path / "made.mp4", Companions(probe(tmp_path / "b.mkv")), 48)
    assert "complaint" in note


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
