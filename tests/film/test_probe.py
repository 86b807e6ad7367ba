"""What the header says, and one line for everything that is not a film."""

import time
from fractions import Fraction
from pathlib import Path

import pytest
from films import ffmpeg_run, make_film

from autoencode.errors import UserError
from autoencode.film.printed import exact_rate
from autoencode.film.probe import probe


def complaint(path):
    with pytest.raises(UserError) as caught:
        probe(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


def test_header_of_an_ordinary_film(tmp_path):
    film = probe(make_film(tmp_path / "a.mp4", frames=12, rate=24))
    assert (film.width, film.height, film.sample_aspect) == (96, 64, 1)
    assert film.rate == 24
    assert film.duration == pytest.approx(0.5, abs=0.06)
    assert (film.rotation, film.matrix, film.audio) == (0, "bt709", ("aac",))
    assert film.path == tmp_path / "a.mp4"


def test_a_silent_film_with_no_stated_matrix(tmp_path):
    film = probe(make_film(tmp_path / "a.mkv", sound=False, tagged=False))
    assert film.audio == ()
    assert film.matrix is None


def test_rates_are_exact_though_the_header_prints_two_decimals(tmp_path):
    film = probe(make_film(tmp_path / "a.mkv", rate="24000/1001", sound=False))
    assert film.rate == Fraction(24000, 1001)


@pytest.mark.parametrize(
    ("printed", "rate"),
    [
        ("23.98", Fraction(24000, 1001)),
        ("29.97", Fraction(30000, 1001)),
        ("59.94", Fraction(60000, 1001)),
        ("119.88", Fraction(120000, 1001)),
        ("14.99", Fraction(15000, 1001)),
        ("12.50", Fraction(25, 2)),
        ("24", Fraction(24)),
    ],
)
def test_printed_rates(printed, rate):
    assert exact_rate(printed) == rate


def test_sample_aspect_turns_with_the_picture(tmp_path):
    upright = probe(make_film(tmp_path / "a.mp4", aspect="4:3", sound=False))
    assert (upright.width, upright.height, upright.sample_aspect) == (96, 64, Fraction(4, 3))
    assert upright.display_aspect == 2
    turned = probe(make_film(tmp_path / "b.mp4", aspect="4:3", rotation=90, sound=False))
    assert (turned.width, turned.height, turned.sample_aspect) == (64, 96, Fraction(3, 4))
    assert turned.rotation == 90
    assert turned.display_aspect == Fraction(1, 2)
    assert turned.coded_height == 64


def test_not_there_a_folder_empty(tmp_path):
    assert "no such file" in complaint(tmp_path / "none.mp4")
    assert "folder" in complaint(tmp_path)
    empty = tmp_path / "empty.mp4"
    empty.touch()
    assert "empty" in complaint(empty)


@pytest.mark.parametrize("name", ["notes.txt", "notes.mp4", "notes.nfo", "notes"])
def test_text_is_not_a_film(tmp_path, name):
    path = tmp_path / name
    path.write_text("It was a dark and stormy night.\n" * 200)
    assert "not a film" in complaint(path)


def test_noise_is_not_a_film(tmp_path):
    path = tmp_path / "noise.mp4"
    path.write_bytes(bytes(range(256)) * 40)
    assert "not a film" in complaint(path)


@pytest.mark.parametrize("name", ["still.png", "still.jpg"])
def test_a_still_picture_is_not_a_film(tmp_path, name):
    path = tmp_path / name
    ffmpeg_run("-f", "lavfi", "-i", "color=s=32x32", "-frames:v", "1", path)
    assert "still picture" in complaint(path)


def test_sound_only(tmp_path):
    path = tmp_path / "sound.m4a"
    ffmpeg_run("-f", "lavfi", "-i", "sine=d=0.2", path)
    assert "no moving picture" in complaint(path)


def test_music_with_a_cover_is_sound_only(tmp_path):
    cover, path = tmp_path / "cover.png", tmp_path / "song.mp3"
    ffmpeg_run("-f", "lavfi", "-i", "color=s=32x32", "-frames:v", "1", cover)
    ffmpeg_run(
        *["-f", "lavfi", "-i", "sine=d=0.5", "-i", cover, "-map", "0", "-map", "1"],
        *["-c:v", "copy", "-disposition:v", "attached_pic", path],
    )
    assert "no moving picture" in complaint(path)


@pytest.mark.parametrize(
    "name", ["-y.mp4", 'it\'s a "film".mp4', "100%d.mkv", "a:b.mp4", "http:x.mp4", "é ü.mp4", "x", "0"]
)
def test_any_name_is_only_a_name(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    make_film(Path("film.mp4"), frames=3, sound=False).rename(name)
    assert probe(name).width == 96


def test_probing_is_quick(tmp_path):
    path = make_film(tmp_path / "a.mp4")
    began = time.perf_counter()
    probe(path)
    assert time.perf_counter() - began < 1


def test_a_name_is_no_header(tmp_path):
    forged = (
        "n\n  Duration: 00:00:09.00, start: 3.000000, bitrate\n  Stream #0:0: Video: h264, 16x16, 5 fps\n.mp4"
    )
    film = probe(make_film(tmp_path / forged, frames=12))
    assert (film.width, film.rate, film.start_time) == (96, 24, 0.0)
    assert film.duration < 1


@pytest.mark.parametrize("language", ["pt-BR", "zh-Hant", "hr "])
def test_whatever_its_language_is_called_a_track_counts(tmp_path, language):
    named = ["-metadata:s:a:0", f"language={language}", "-metadata:s:v:0", f"language={language}"]
    film = probe(make_film(tmp_path / "a.mkv", frames=12, extra=named))
    assert (len(film.audio), film.spoken) == (1, (language,))


def test_a_title_is_no_header(tmp_path):
    title = "a\u2028  Stream #0:7: Audio: aac"
    film = probe(make_film(tmp_path / "a.mkv", frames=12, sound=False, extra=["-metadata", f"title={title}"]))
    assert film.audio == ()


@pytest.mark.parametrize(
    "text", ["ffconcat version 1.0\nfile other.mp4\n", "#EXTM3U\n#EXTINF:1,\nother.mp4\n#EXT-X-ENDLIST\n"]
)
@pytest.mark.parametrize("suffix", ["mkv", "m3u8", "ffconcat"])
def test_a_playlist_opens_no_other_file(tmp_path, text, suffix):
    make_film(tmp_path / "other.mp4", frames=12)
    path = tmp_path / f"list.{suffix}"
    path.write_text(text)
    assert "not a film" in complaint(path)
