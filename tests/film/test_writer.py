"""A film grows in parts; what stops its making costs the part that was under way, and nothing else."""

from threading import Event

import numpy as np
import pytest
from films import ffmpeg_run, files_end_at, film_writer, make_film, number_of, numbered
from parts import RATE, SIZE, film_of, finish, stop_at, write

from autoencode.errors import UserError
from autoencode.film import writer
from autoencode.film.companions import Companions
from autoencode.film.damage import Damage
from autoencode.film.decode import read_frames
from autoencode.film.encode import Encoder
from autoencode.film.probe import probe
from autoencode.film.scan import scan

pytestmark = pytest.mark.usefixtures("short_parts")


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
