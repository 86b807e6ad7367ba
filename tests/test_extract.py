"""Films become one dataset, made once, whose records know where they come from."""

import numpy as np
import pytest
from films import make_film, number_of

from autoencode import extract as extraction
from autoencode.dataset.catalogue import datasets
from autoencode.dataset.pipeline import frames_in_order
from autoencode.errors import UserError
from autoencode.extract import extract, films_in
from autoencode.files import locked
from autoencode.film import decode
from autoencode.film.reading import Reading


def records(dataset):
    batches = list(frames_in_order(dataset, 100).as_numpy_iterator())
    (batch,) = batches
    return batch


def test_a_refused_extraction_leaves_the_one_under_way_alone(tmp_path):
    film = make_film(tmp_path / "film.mkv", frames=10, size=(64, 48))
    done = extract([film], (32, 32), tmp_path / "data")
    folder = done.folder.parent
    done.folder.rename(folder / "incomplete.abc_1.1.0")  # as it is while another process writes it
    with locked(folder / ".lock", ""), pytest.raises(UserError, match="being extracted by another process"):
        extract([film], (32, 32), tmp_path / "data")
    assert (folder / "incomplete.abc_1.1.0").exists()


def test_several_films_are_one_dataset(tmp_path, capsys):
    films = tmp_path / "films"
    films.mkdir()
    make_film(films / "b.mp4", frames=6, rate=24, sound=False)
    make_film(films / "a.mkv", frames=4, rate=25, sound=False)
    (films / "notes.txt").write_text("not a film\n" * 99)
    (films / "trailers").mkdir()
    dataset = extract(films_in(films), (32, 32), tmp_path / "data", black=2)
    assert "passed over notes.txt, the folder trailers" in capsys.readouterr().out
    assert dataset.name.startswith("films-32x32-")
    assert [(source.name, source.pictures) for source in dataset.sources] == [("a.mkv", 4), ("b.mp4", 6)]
    batch = records(dataset)
    assert batch["film"].tolist() == [0] * 4 + [1] * 6 + [2] * 2
    assert batch["index"].tolist() == list(range(12))
    assert [number_of(frame) for frame in batch["frame"][:10]] == [0, 1, 2, 3, 0, 1, 2, 3, 4, 5]
    assert batch["frame"][10:].max() < 3
    np.testing.assert_allclose(batch["time"][:10], [*np.arange(4) / 25, *np.arange(6) / 24], atol=1e-6)


def test_what_was_asked_for_decides_which_dataset_it_is(tmp_path):
    film, data = make_film(tmp_path / "a.mp4", frames=48, sound=False), tmp_path / "data"
    whole = extract([film], (32, 32), data)
    part = extract([film], (32, 32), data, Reading(start=0.5, every=2))
    assert (whole.frames, part.frames) == (48, 18)
    assert [number_of(frame) for frame in records(part)["frame"]] == [*range(12, 48, 2)]
    assert extract([film], (32, 32), data) == whole
    assert extract([film], (32, 32), data, Reading(start=0.5, every=2)) == part
    assert len({whole.name, part.name, extract([film, film], (32, 32), data).name}) == 3


def test_what_could_be_read_before_a_film_breaks_is_kept_and_says_so(tmp_path, lose):
    path, data = make_film(tmp_path / "film.mkv", frames=48), tmp_path / "data"
    lose(range(20, 30))
    for _ in range(2):
        with pytest.raises(UserError, match=r"cannot be decoded.*--allow_damaged.*the 20 frames before it"):
            extract([path], (32, 32), data)
    (kept,) = datasets(data)
    assert [number_of(frame) for frame in records(kept)["frame"]] == list(range(20))
    whole = extract([path], (32, 32), data, Reading(allow_damaged=True))
    assert (whole.frames, whole.broken) == (38, "")
    assert "10 pictures" in whole.sources[0].damage[0]
    lose([])
    mended = extract([path], (32, 32), data)
    assert (mended.frames, mended.broken, mended.folder) == (48, "", kept.folder)


def test_what_is_kept_of_a_broken_film_outlives_a_second_try_that_is_stopped(tmp_path, lose, monkeypatch):
    path, data = make_film(tmp_path / "film.mkv", frames=48), tmp_path / "data"
    lose(range(20, 30))
    with pytest.raises(UserError, match="the 20 frames before it"):
        extract([path], (32, 32), data)

    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(extraction, "_write", interrupt)
    with pytest.raises(KeyboardInterrupt, match="begins anew"):
        extract([path], (32, 32), data)
    (kept,) = datasets(data)
    assert kept.frames == 20


def test_of_a_film_that_breaks_at_once_nothing_is_kept(tmp_path, lose):
    path, data = make_film(tmp_path / "film.mkv", frames=48), tmp_path / "data"
    lose(range(5, 48))
    with pytest.raises(UserError, match="breaks off"):
        extract([path], (32, 32), data)
    assert datasets(data) == []
    assert extract([path], (32, 32), data, Reading(allow_damaged=True)).frames == 5


def test_a_film_that_changes_meanwhile_is_not_known_afterwards(tmp_path, monkeypatch):
    path, data = make_film(tmp_path / "film.ts", frames=48), tmp_path / "data"
    more, usual = make_film(tmp_path / "more.ts", frames=72).read_bytes(), decode._decode

    def growing(*arguments, **named):
        path.write_bytes(more)
        yield from usual(*arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(decode, "_decode", growing)
        first = extract([path], (32, 32), data)
    assert first.frames == 48
    assert "changed" in first.sources[0].damage[0]
    assert extract([path], (32, 32), data).frames == 72


def test_a_folder_with_a_torn_film_is_not_taken_without_it(tmp_path):
    whole = make_film(tmp_path / "whole.mp4", frames=24)
    (tmp_path / "notes.txt").write_text("of what is here")
    assert films_in(tmp_path) == [whole]
    (tmp_path / "gone.mp4").symlink_to(tmp_path / "nowhere.mp4")
    with pytest.raises(UserError, match=r"gone\.mp4: no such file"):
        films_in(tmp_path)
    (tmp_path / "gone.mp4").unlink()
    (tmp_path / "torn.mp4").write_bytes(whole.read_bytes()[:-500])
    with pytest.raises(UserError, match=r"torn\.mp4.*copy it again"):
        films_in(tmp_path)


def test_a_folder_without_a_film(tmp_path):
    (tmp_path / "notes.txt").write_text("not a film\n" * 99)
    (tmp_path / "reel").mkdir()
    with pytest.raises(UserError, match="holds no film, and folders in it are not entered"):
        films_in(tmp_path)
