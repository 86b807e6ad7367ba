import pytest
from films import make_film

from autoencode.errors import UserError
from autoencode.extract import extract
from autoencode.files import locked


def test_a_refused_extraction_leaves_the_one_under_way_alone(tmp_path):
    film = make_film(tmp_path / "film.mkv", frames=10, size=(64, 48))
    done = extract(film, (32, 32), tmp_path / "data")
    folder = done.folder.parent
    done.folder.rename(folder / "incomplete.abc_1.0.0")  # as it is while another process writes it
    with locked(folder / ".lock", ""), pytest.raises(UserError, match="being extracted by another process"):
        extract(film, (32, 32), tmp_path / "data")
    assert (folder / "incomplete.abc_1.0.0").exists()
