"""A film grows in parts; what stops its making costs the part that was under way, and nothing else."""

from fractions import Fraction
from threading import Event

import imageio.v3 as imageio
import numpy as np
import pytest
from films import ffmpeg_run, files_end_at, film_writer, make_film, number_of, numbered

from autoencode.errors import UserError
from autoencode.film import join, writer
from autoencode.film.companions import Companions
from autoencode.film.damage import Damage
from autoencode.film.decode import read_frames
from autoencode.film.encode import Encoder
from autoencode.film.probe import probe
from autoencode.film.scan import scan

SIZE, RATE = (96, 64), Fraction(24000, 1001)


@pytest.fixture(autouse=True)
def short_parts(monkeypatch):
    monkeypatch.setattr(writer, "PART", (16, 16))


def film_of(path, made_of="these", **options):
    return film_writer(path, RATE, SIZE, made_of=made_of, **options)


def write(path, pictures, until=None, then=None, **options):
    """Writes what is not there already, up to some frame, and fails if told so; returns what was there."""
    with film_of(path, **options) as film:
        there = film.frames
        for pixels in pictures[there:until]:
            film.write(pixels)
        if then:
            raise then(there)
    return there


def stop_at(path, frame, **options):
    with pytest.raises(LookupError) as caught:
        write(path, numbered(60, SIZE), frame, LookupError, **options)
    return caught.value.args[0]


def finish(path, **options):
    return write(path, numbered(60, SIZE), **options)


def pictures(path):
    """A checksum of each coded picture, with its times."""
    return ffmpeg_run("-i", path, "-map", "0:v", "-c", "copy", "-f", "framemd5", "-")


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv"])
def test_begun_again_it_goes_on_and_the_film_is_the_same(tmp_path, suffix):
    sound = Companions(probe(make_film(tmp_path / "source.mkv", frames=60, rate=RATE)))
    unbroken, path = tmp_path / f"unbroken.{suffix}", tmp_path / f"film.{suffix}"
    assert finish(unbroken, source=sound) == 0
    assert stop_at(path, 20, source=sound) == 0
    assert not path.exists()
    assert stop_at(path, 46, source=sound) == 16
    assert finish(path, source=sound) == 32
    assert pictures(path) == pictures(unbroken)
    assert [number_of(frame.pixels) for frame in read_frames(probe(path), SIZE)] == list(range(60))
    times = scan(probe(path)).times
    np.testing.assert_allclose(times, np.arange(60) / float(RATE), atol=6e-4 if suffix == "mkv" else 1e-6)
    assert probe(path).audio == probe(unbroken).audio != ()
    assert {entry.name for entry in tmp_path.iterdir()} == {"source.mkv", unbroken.name, path.name}


def test_the_longer_the_film_the_longer_its_parts(tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "PART", (8, 16))
    stop_at(tmp_path / "film.mp4", 59)
    parts = sorted(tmp_path.glob(".film.mp4.parts/0*"))
    assert [int(part.stem) for part in parts] == [0, 8, 16, 32]  # the next, from 48, was under way


def test_parts_of_another_film_are_not_taken_up(tmp_path):
    path = tmp_path / "film.mp4"
    stop_at(path, 40)
    assert stop_at(path, 40, made_of="others") == 0
    assert stop_at(path, 5, made_of="others", crf=30) == 0
    assert finish(path) == 0


def test_what_was_wrong_with_another_film_is_forgotten(tmp_path):
    path = tmp_path / "film.mp4"
    stop_at(path, 40, made_of="broken")
    Damage(path, notes=["10 pictures cannot be read"]).save(tmp_path / ".film.mp4.parts" / "damage")
    stop_at(path, 40)
    with film_of(path) as film:
        assert film.frames == 32
        assert film.damage.notes == []
        for pixels in numbered(60, SIZE)[32:]:
            film.write(pixels)


@pytest.mark.parametrize("torn", ["damage", "made_of"])
def test_parts_whose_notes_are_torn_are_not_taken_up(tmp_path, torn):
    path = tmp_path / "film.mp4"
    stop_at(path, 40)
    (tmp_path / ".film.mp4.parts" / torn).write_text("")
    assert finish(path) == 0


def test_parts_that_a_power_cut_left_beside_their_film_are_cleared_away(tmp_path):
    path = tmp_path / "film.mp4"
    stop_at(path, 40)
    film_of(path).clear()
    assert list(tmp_path.iterdir()) == []


def test_stopped_between_the_last_part_and_the_film(tmp_path, monkeypatch):
    path = tmp_path / "film.mp4"

    def fail(*arguments):
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(writer, "join", fail)
        with pytest.raises(ZeroDivisionError):
            finish(path)
    assert finish(path) == 60
    assert scan(probe(path)).count == 60


def test_a_film_that_was_placed_before_the_power_failed_is_known(tmp_path):
    path = tmp_path / "film.mp4"

    def placed():
        with film_of(path) as film:
            film.write(numbered(1, SIZE)[0])
            film.then = lambda: 1 / 0

    with pytest.raises(ZeroDivisionError):
        placed()
    assert film_of(path).placed
    path.write_bytes(b"another film")
    assert not film_of(path).placed


def test_parts_of_another_film_are_not_cleared_away(tmp_path):
    path = tmp_path / "film.mp4"
    stop_at(path, 40)
    film_of(path, "others").clear()
    assert finish(path) == 32


def test_what_came_there_meanwhile_is_not_overwritten(tmp_path):
    path = tmp_path / "film.mp4"

    def found():
        raise UserError("is there already")

    def finished():
        with film_of(path) as film:
            film.write(numbered(1, SIZE)[0])
            film.before = found

    with pytest.raises(UserError, match="is there already"):
        finished()
    assert not path.exists()
    assert finish(path) == 1


def test_killed_while_a_folder_of_pictures_is_replaced(tmp_path, monkeypatch):
    """The old one is whole, or gone, and the new one is known by its parts."""
    path = tmp_path / "pictures"
    finish(path, codec="png")

    def killed(made, path):
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(join, "take_place", killed)
        with pytest.raises(ZeroDivisionError):
            finish(path, made_of="those", codec="png")
    assert not path.exists()
    assert finish(path, made_of="those", codec="png") == 60
    assert len(list(path.glob("*.png"))) == 60
    assert {entry.name for entry in tmp_path.iterdir()} == {"pictures"}


def test_a_part_that_was_taken_away_is_made_again_with_all_after_it(tmp_path):
    path = tmp_path / "film.mp4"
    stop_at(path, 50)
    (tmp_path / ".film.mp4.parts" / "000000016.mp4").unlink()
    assert finish(path) == 16
    assert [number_of(frame.pixels) for frame in read_frames(probe(path), SIZE)] == list(range(60))


def test_after_a_full_disk_it_goes_on(tmp_path):
    path = tmp_path / "film.mp4"
    noise = np.random.default_rng(0).integers(0, 255, (60, 64, 96, 3), np.uint8)
    noise[:40] = numbered(40, SIZE)
    said = "make room on the disk: 32 frames are kept, and it goes on there"
    with pytest.raises(UserError, match=said), files_end_at(20_000):
        write(path, noise, height=128)
    assert write(path, noise, height=128) == 32
    assert scan(probe(path)).count == 60


# Bytes a file may have: each part needs more than the one before, up to 17 kB, and the film 51 kB.
@pytest.mark.parametrize("limit", [50, 1000, 2000, 4000, 9000, 12_000, 16_000, 20_000, 35_000, 50_000])
def test_wherever_the_disk_is_full_nothing_whole_is_lost(tmp_path, limit):
    path = tmp_path / "film.mkv"
    sound = Companions(probe(make_film(tmp_path / "source.mkv", frames=60, rate=RATE)))
    noise = np.random.default_rng(0).integers(-15, 16, (60, *SIZE[::-1], 3))
    growing = np.linspace(0, 1, 60)[:, None, None, None]
    frames = (numbered(60, SIZE) + noise * growing).astype(np.uint8)
    said = r"make room on the disk|too large"
    with pytest.raises((UserError, OSError), match=said) as refused, files_end_at(limit):
        write(path, frames, source=sound)
    parts = len(list(tmp_path.glob(".film.mkv.parts/0*")))
    assert parts == {2000: 0, 4000: 1, 9000: 1, 12_000: 2, 16_000: 2}.get(limit, 4 if limit > 17_000 else 0)
    if isinstance(refused.value, UserError):
        assert (f"{min(16 * parts, 60)} frames are kept" in str(refused.value)) == bool(parts)
    assert write(path, frames, source=sound) == min(16 * parts, 60)
    assert [number_of(frame.pixels) for frame in read_frames(probe(path), SIZE)] == list(range(60))
    assert {entry.name for entry in tmp_path.iterdir()} == {"source.mkv", path.name}


def test_a_part_is_ended_while_the_next_is_written(tmp_path, monkeypatch):
    finish, next_begun = Encoder.finish, Event()

    def wait_and_finish(encoder):
        assert next_begun.wait(10)
        finish(encoder)

    monkeypatch.setattr(Encoder, "finish", wait_and_finish)
    with film_of(tmp_path / "film.mp4") as film:
        for pixels in numbered(20, SIZE):
            film.write(pixels)
        next_begun.set()
    assert scan(probe(film.path)).count == 20


def test_ctrl_c_says_what_is_kept(tmp_path):
    with pytest.raises(KeyboardInterrupt, match="32 frames are kept"):
        write(tmp_path / "a.mp4", numbered(60, SIZE), 40, KeyboardInterrupt)


def test_two_at_once(tmp_path):
    path = tmp_path / "film.mp4"
    stop_at(path, 20)
    with film_of(path) as film:
        with pytest.raises(UserError, match="being written by another process"), film_of(path):
            pass
        for pixels in numbered(60, SIZE)[film.frames :]:
            film.write(pixels)
    assert scan(probe(path)).count == 60


@pytest.mark.parametrize("output", ["./", "../"])
def test_a_folder_that_is_there_already_is_no_name(output):
    with pytest.raises(UserError, match="as in --output=pictures/"):
        film_of(output, codec="png")


def test_a_folder_of_pictures(tmp_path):
    path = tmp_path / "100%d 'pictures'"
    assert stop_at(path, 40, codec="png") == 0
    assert finish(path, codec="png") == 32
    assert [entry.name for entry in sorted(path.glob("*.png"))] == [
        f"{number:08d}.png" for number in range(1, 61)
    ]
    assert number_of(imageio.imread(path / "00000060.png")) == 59
    assert finish(path, codec="png") == 0  # in place of the earlier one
    (path / "mine.txt").touch()
    with pytest.raises(UserError, match="a folder with something in it"):
        film_of(path, codec="png")
    mine = tmp_path / "scans"
    mine.mkdir()
    (mine / "00000001.png").touch()
    with pytest.raises(UserError, match="a folder with something in it"):
        film_of(mine, codec="png")


@pytest.mark.parametrize("torn", [0, 1, 2])
def test_a_part_that_a_power_cut_tore_is_made_again(tmp_path, torn):
    path = tmp_path / "film.mp4"
    stop_at(path, 50)
    part = sorted((tmp_path / ".film.mp4.parts").glob("0*.mp4"))[torn]
    part.write_bytes(part.read_bytes()[: part.stat().st_size // 2])
    assert finish(path) == 16 * torn
    assert scan(probe(path)).count == 60


def test_many_parts_in_milliseconds_stay_on_the_beat(tmp_path):
    path = tmp_path / "film.mkv"
    with film_writer(path, RATE, (16, 16), codec="ffv1") as film:
        for pixels in numbered(1500, (16, 16)):
            film.write(pixels)
    np.testing.assert_allclose(scan(probe(path)).times, np.arange(1500) / float(RATE), atol=6e-4)


def test_an_ffmpeg_that_outlived_its_process_does_not_write_into_the_next_film(tmp_path):
    """As after a SIGKILL while the parts were being joined."""
    source = Companions(probe(make_film(tmp_path / "source.mkv", frames=24)))
    parts = tmp_path / ".film.mp4.parts"
    parts.mkdir()
    with (parts / "joined.mp4").open("wb") as orphan:
        with film_writer(tmp_path / "film.mp4", source=source) as made:
            for pixels in numbered(24, (96, 64)):
                made.write(pixels)
        before = (tmp_path / "film.mp4").read_bytes()
        orphan.write(b"from another life")
        orphan.flush()
        assert (tmp_path / "film.mp4").read_bytes() == before
