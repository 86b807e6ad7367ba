"""Makes `from films import make_film` work from any test folder; what takes long is made once for all."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from commands import done
from films import make_film

from autoencode.film import decode


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A folder with film.mkv, its dataset and a run: not to be changed, but files may be added."""
    folder = tmp_path_factory.mktemp("trained")
    make_film(folder / "film.mkv", frames=48, size=(160, 90))
    done("frames", "--film=film.mkv", "--size=48x32", cwd=folder)
    done("train", "--preset=tiny", "--epochs=1", "--run=run", cwd=folder)
    return folder


@pytest.fixture
def lose(monkeypatch):
    """Lets the decoder lose the pictures of some numbers."""
    usual = decode._decode

    def lose(numbers):
        def decoded(*arguments, **named):
            yield from (x for x in usual(*arguments, **named) if round(x.time * 24) not in numbers)

        monkeypatch.setattr(decode, "_decode", decoded)

    return lose
