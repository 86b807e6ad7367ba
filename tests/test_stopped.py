"""What stops a command is one line, leaves nothing half made, and spoils nothing."""

import json
import re
from contextlib import contextmanager

import pytest
from commands import command, done, refused, stopped
from films import make_film

from autoencode.film.probe import probe
from autoencode.film.scan import scan


@contextmanager
def torn(path):
    """Nothing but a file's first 100 bytes, for a while."""
    whole = path.read_bytes()
    path.write_bytes(whole[:100])
    try:
        yield
    finally:
        path.write_bytes(whole)


def test_a_damaged_checkpoint_is_never_rendered(trained):
    (data,) = trained.glob("experiments/runs/run/checkpoints/pause-12.data*")
    with torn(data):
        result = command("render", "--last", "--film=film.mkv", "--output=never.mp4", cwd=trained)
    refused(result, "pause-12")
    assert not (trained / "never.mp4").exists()


def test_a_damaged_shard_is_one_line(trained):
    shard = sorted(trained.glob("data/film_frames/film-*/1.1.0/*.tfrecord*"))[3]
    with torn(shard):
        result = command("evaluate", cwd=trained)
    refused(result, f"{shard.name}: missing or damaged")


def test_a_full_disk(trained, tmp_path):
    make_film(tmp_path / "new.mkv", frames=100, size=(160, 90))
    result = command("frames", "--film=new.mkv", cwd=tmp_path, largest_file=2000)
    refused(result, "is there room on the disk?")
    assert not list(tmp_path.glob("data/film_frames/new-*"))

    flags = ["--film=film.mkv", "--output=full.mp4"]
    done("render", *flags, cwd=trained)
    before = (trained / "full.mp4").read_bytes()
    refused(command("render", *flags, "--crf=1", cwd=trained, largest_file=4000), "make room on the disk")
    assert (trained / "full.mp4").read_bytes() == before

    flags = ["--preset=tiny", f"--run={tmp_path}/full", "--epochs=1"]
    refused(command("train", *flags, cwd=trained, largest_file=20_000), "room on the disk")
    assert not list(tmp_path.rglob("*.partial*"))
    assert '"failed"' in (tmp_path / "full/status.json").read_text()


def test_ctrl_c_leaves_no_half_dataset(tmp_path):
    make_film(tmp_path / "long.mkv", frames=3000, size=(320, 180))

    def under_way():
        return any(tmp_path.glob("data/film_frames/long-*/incomplete*"))

    refused(stopped("frames", "--film=long.mkv", cwd=tmp_path, once=under_way), "begins anew")
    assert not list(tmp_path.glob("data/film_frames/long-*"))


# Everybody: as in a terminal, where Ctrl-C reaches the ffmpeg, too, that ends a part just then.
@pytest.mark.parametrize("everybody", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_a_rendering_that_was_stopped_goes_on(trained, everybody):
    make_film(trained / "long.mkv", frames=1200, size=(320, 180))
    flags = ["--film=long.mkv", "--output=long.mp4"]
    parts = trained / ".long.mp4.parts"

    def ends_its_first_part():
        return any(parts.glob("partial-000000256*"))

    (trained / "long.mp4").unlink(missing_ok=True)
    result = stopped("render", *flags, cwd=trained, once=ends_its_first_part, everybody=everybody)
    refused(result, "frames are kept")
    assert not (trained / "long.mp4").exists()
    assert re.search(r"goes on at frame [\d,]+ of 1,200", done("render", *flags, cwd=trained))
    assert scan(probe(trained / "long.mp4")).count == 1200
    assert not parts.exists()


def test_a_film_with_a_damaged_middle_is_refused_where_it_is_damaged(trained):
    """In an mp4 the index still counts the pictures whose data are gone."""
    make_film(trained / "damaged.mp4", frames=500, size=(640, 360))
    film = bytearray((trained / "damaged.mp4").read_bytes())
    film[len(film) // 2 : len(film) * 6 // 10] = bytes(len(film) * 6 // 10 - len(film) // 2)
    (trained / "damaged.mp4").write_bytes(film)
    result = command("frames", "--film=damaged.mp4", "--size=48x32", "--data_dir=other", cwd=trained)
    refused(result, "copy the film again")
    (kept,) = trained.glob("other/film_frames/damaged-*")  # what was read before, and it says so itself
    assert "cannot be decoded" in json.loads(next(kept.rglob("metadata.json")).read_text())["broken"]

    flags, made = ["--film=damaged.mp4"], trained / "experiments/runs/run/damaged.mp4"
    refused(command("render", *flags, cwd=trained), "frames are kept, and it goes on there")
    assert not made.exists()
    assert re.search(
        r"goes on at frame [12]\d\d of 500", done("render", *flags, "--allow_damaged", cwd=trained)
    )
    assert scan(probe(made)).count == 500
    flags += ["--allow_damaged", "--novmaf", "--json"]
    assert "cannot be decoded" in " ".join(json.loads(done("evaluate", *flags, cwd=trained))["damage"])
