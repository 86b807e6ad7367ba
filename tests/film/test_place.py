"""A film takes its place when it is whole, and nobody else's."""

import imageio.v3 as imageio
import pytest
from films import film_writer, make_film, number_of, numbered
from parts import SIZE, film_of, finish, stop_at

from autoencode.errors import UserError
from autoencode.film import join, writer
from autoencode.film.companions import Companions
from autoencode.film.probe import probe
from autoencode.film.scan import scan

pytestmark = pytest.mark.usefixtures("short_parts")


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
