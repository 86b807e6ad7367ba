"""Folders that are one film: numbered pictures, and a DVD's VIDEO_TS."""

import json
from fractions import Fraction

import numpy as np
import pytest
from commands import command, done, refused
from films import ffmpeg_run, make_film, number_of, numbered, read, write_film
from recordings import in_sync, recording, rendered

from autoencode.errors import DamagedError, UserError
from autoencode.extract import extract, films_in
from autoencode.film.probe import probe
from autoencode.film.reading import Reading, open_film
from autoencode.film.timeline import at_constant_rate


def pictures(folder, frames=24, first=1, name="%d.png", size=(96, 64)):
    """Numbered grey pictures, `first` the number of the first."""
    folder.mkdir(exist_ok=True)
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{size[0]}x{size[1]}", "-i", "pipe:0"]
    path = str(folder).replace("%", "%%") + f"/{name}"
    ffmpeg_run(*raw, "-start_number", first, path, stdin=numbered(frames, size).tobytes())
    return folder


def shown(path, **options):
    frames, timeline = read(path, **options)
    return [number_of(frame.pixels) for frame in frames], timeline


@pytest.mark.parametrize("name", ["%d.png", "shot 2 %03d.jpg", "%04d.TIFF", "a%%b_%d.bmp"])
def test_numbered_pictures_are_a_film_whatever_their_names(tmp_path, name):
    folder = pictures(tmp_path / "100% of it", first=98, name=name)
    numbers, timeline = shown(folder, rate="24000/1001")
    assert numbers == list(range(24))
    assert (timeline.rate, timeline.constant, timeline.damage.notes) == (Fraction(24000, 1001), True, [])
    np.testing.assert_allclose(timeline.times, np.arange(24) * 1001 / 24000)
    assert shown(folder, start=0.5, rate="29.97", every=2)[0] == list(range(15, 24, 2))


def test_without_a_rate_they_have_24_a_second_and_that_is_said(tmp_path):
    timeline = shown(pictures(tmp_path / "s"))[1]
    assert timeline.rate == 24
    assert timeline.damage.notes == ["has no rate of its own: 24 pictures a second, as --rate is not given"]


@pytest.mark.parametrize("typed", ["0", "1/0", "-24", "fast", "1e9"])
def test_a_rate_that_is_none_is_refused(tmp_path, typed):
    with pytest.raises(UserError, match=rf"--rate={typed}: write frames a second"):
        open_film(pictures(tmp_path / "s"), Reading(rate=typed))


def test_a_film_has_its_own_rate(tmp_path):
    with pytest.raises(UserError, match=r"film\.mkv has a rate of its own; leave --rate out"):
        open_film(make_film(tmp_path / "film.mkv"), Reading(rate="25"))


def test_a_picture_that_is_missing_is_damage(tmp_path):
    folder = pictures(tmp_path / "s", name="%02d.png")
    for number in (5, 6, 20):
        (folder / f"{number:02d}.png").unlink()
    (folder / "21.png").write_bytes(b"")
    with pytest.raises(
        DamagedError, match=r"05\.png, and 1 behind it, are missing or empty; .*--allow_damaged"
    ):
        shown(folder, rate="24")
    there = [number for number in range(24) if number + 1 not in (5, 6, 20, 21)]
    numbers, timeline = shown(folder, rate="24", allow_damaged=True)
    assert numbers == there
    np.testing.assert_allclose(timeline.times, np.array(there) / 24)
    assert len(timeline.damage.suffered) == 2
    frames = at_constant_rate(read(folder, rate="24", allow_damaged=True)[0], timeline)
    stays = [max(number for number in there if number <= place) for place in range(24)]
    assert [number_of(frame.pixels) for frame in frames] == stays


def test_a_picture_that_cannot_be_decoded_is_damage(tmp_path):
    folder = pictures(tmp_path / "s")
    (folder / "9.png").write_text("no picture")
    with pytest.raises(DamagedError, match=r"1 picture before 0:00\.4 \(picture 9\) cannot be decoded"):
        shown(folder, rate="24")
    assert shown(folder, rate="24", allow_damaged=True)[0] == [*range(8), *range(9, 24)]


def test_pictures_of_another_size_are_shown_and_that_is_said(tmp_path):
    folder = pictures(tmp_path / "s", frames=100)
    other = pictures(tmp_path / "other", frames=2, size=(80, 80))
    (other / "2.png").rename(folder / "2.png")
    numbers, timeline = shown(folder, rate="24")
    assert numbers == [n % 72 for n in range(100)]
    assert any("the picture changes to" in note for note in timeline.damage.notes)


def test_what_was_written_as_pictures_is_read_as_a_film(tmp_path):
    write_film(tmp_path / "pictures", 24, codec="png")
    assert shown(tmp_path / "pictures", rate="24")[0] == list(range(24))


def test_what_else_is_in_the_folder(tmp_path):
    folder = pictures(tmp_path / "s")
    (folder / "notes.txt").write_text("of the day")
    assert shown(folder, rate="24")[1].damage.notes == ["passed over notes.txt"]
    (folder / "01.png").write_bytes((folder / "1.png").read_bytes())
    with pytest.raises(UserError, match=r"1\.png: has the same number as 01\.png"):
        probe(folder)
    (folder / "01.png").rename(folder / "b1.png")
    (folder / "b2.png").write_bytes((folder / "2.png").read_bytes())
    with pytest.raises(UserError, match=r"several rows of pictures \(\*\.png, b\*\.png\)"):
        probe(folder)
    make_film(folder / "film.mkv")
    assert films_in(folder) == [folder / "film.mkv"]


def test_a_folder_of_pictures_makes_one_dataset_once(tmp_path):
    folder, data = pictures(tmp_path / "s"), tmp_path / "data"
    (films,) = [films_in(folder)]
    made = extract(films, (32, 32), data)
    assert (films, made.frames, made.sources[0].pictures) == ([folder], 24, 24)
    assert extract([pictures(tmp_path / "copy", first=50)], (32, 32), data) == made  # the same pictures
    assert extract([folder], (32, 32), data, Reading(rate="25")) != made
    pictures(tmp_path / "s", frames=12)
    (folder / "3.png").write_bytes((folder / "4.png").read_bytes())
    assert extract([folder], (32, 32), data) != made


def test_the_commands_take_pictures(trained):
    folder = pictures(trained / "shots", frames=12)
    flags = ["--film=shots/", "--rate=12", "--run=run"]
    assert "12 frames in, 12 out" in done("render", *flags, "--output=shots.mp4", cwd=trained)
    assert probe(trained / "shots.mp4").rate == 12
    assert "is there already" in done("render", *flags, "--output=shots.mp4", cwd=trained)
    said = json.loads(done("evaluate", *flags, "--json", "--novmaf", cwd=trained))
    assert (said["on"], said["frames"], said["damage"]) == ("shots", 12, [])
    (folder / "5.png").unlink()
    refused(command("render", *flags, "--output=other.mp4", cwd=trained), "shots: 5.png is missing or empty")


SECTOR = 2048


def dvd(folder, clocks):
    """A DVD of two titles, with menus; the second has three seconds, in three pieces, for each clock."""
    folder.mkdir()
    whole, first = b"", 0
    for _ in range(clocks):
        whole += recording(folder / "title.mpg", 72, sound="ac3", first=first, extra="-f vob -g 12")
        first += 72
    menu = recording(folder / "title.mpg", 12, sound="ac3", first=50, extra="-f vob")
    (folder / "title.mpg").unlink()
    piece = len(whole) // (3 * clocks) // SECTOR * SECTOR
    cuts = [number * piece for number in range(3 * clocks)]
    for number, (begin, end) in enumerate(zip(cuts, [*cuts[1:], len(whole)], strict=True), start=1):
        (folder / f"VTS_02_{number}.VOB").write_bytes(whole[begin:end])
    for name in ("VIDEO_TS.VOB", "VTS_01_0.VOB", "VTS_01_1.VOB", "VTS_02_0.VOB"):
        (folder / name).write_bytes(menu)
    (folder / "VTS_02_0.IFO").write_bytes(b"DVDVIDEO-VTS")
    return folder


@pytest.mark.parametrize("clocks", [1, 2])
def test_of_a_dvd_the_largest_title_is_the_film(tmp_path, clocks):
    folder = dvd(tmp_path / "VIDEO_TS", clocks)
    (films, frames) = films_in(folder), clocks * 72
    assert films == [folder]
    timeline = open_film(folder)[1]
    jumps = ["its clock jumps near picture 73, after 0:03.0 of pictures"] if clocks == 2 else []
    assert timeline.damage.notes[:2] == ["of 2 titles VTS_02_*, the largest, is taken", *jumps]
    made, numbers, timeline = rendered(folder)
    assert numbers == [number % 72 for number in range(frames)]
    assert in_sync(made, numbers, timeline) == 3 * clocks


def test_a_piece_of_a_dvd_that_is_missing_is_damage(tmp_path):
    folder = dvd(tmp_path / "VIDEO_TS", 1)
    (folder / "VTS_02_2.VOB").unlink()
    with pytest.raises(DamagedError, match=r"VTS_02_2\.VOB is missing or empty"):
        open_film(folder)


def test_beside_another_film_a_dvd_is_not_taken_alone(tmp_path):
    folder = dvd(tmp_path / "VIDEO_TS", 1)
    make_film(folder / "film.mkv")
    with pytest.raises(UserError, match="VIDEO_TS: a folder"):
        probe(folder)


@pytest.mark.parametrize("name", ["film.asf", "film.divx"])
def test_one_numbered_picture_beside_a_film_is_no_film(tmp_path, name):
    make_film(tmp_path / "film.mkv")
    (tmp_path / "film.mkv").rename(tmp_path / name)  # ffmpeg goes by what is in it
    pictures(tmp_path, frames=1, name="poster%d.jpg")
    assert films_in(tmp_path) == [tmp_path / name]
