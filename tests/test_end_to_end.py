"""The whole way through the real commands: frames → train → stop → resume → render → evaluate."""

import hashlib
import json
import re
import shutil
import subprocess
from fractions import Fraction

import imageio.v3 as imageio
import numpy as np
import pytest
from commands import command, done, refused, stopped, typed
from films import make_film

from autoencode.film import ffmpeg
from autoencode.film.decode import read_frames
from autoencode.film.probe import probe
from autoencode.film.scan import scan

FRAMES, RATE = 150, Fraction(25)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder in which the commands have gone all the way."""
    folder = tmp_path_factory.mktemp("place")
    make_film(folder / "a film.mkv", frames=FRAMES, rate=RATE, size=(160, 90))
    return folder


def loudness(path):
    """Mean volume of the sound in dB, as ffmpeg's volumedetect reports it."""
    words = [ffmpeg.binary(), "-i", path, "-map", "0:a", "-af", "volumedetect", "-f", "null", "-"]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stderr
    return float(re.search(r"mean_volume: (-?[\d.]+) dB", said)[1])


def test_frames(place):
    said = done("frames", "--film=a film.mkv", "--size=48x32", cwd=place, run=typed)
    assert "150 frames of 48x32" in said
    (folder,) = place.glob("data/film_frames/a_film-48x32-*/1.1.0")
    assert json.loads((folder / "metadata.json").read_text())["sources"][0]["pictures"] == FRAMES
    shutil.copy(place / "a film.mkv", place / "renamed.mkv")
    again = done("frames", "--film=renamed.mkv", "--size=48x32", cwd=place)
    assert str(folder.relative_to(place)) in again
    assert "MB" not in again  # nothing was written
    assert len(list(place.glob("data/film_frames/*"))) == 1


def test_train_says_first_what_it_would_do(place):
    said = done("train", "--preset=tiny", "--dry_run", cwd=place)
    assert said.startswith("dataset a_film-48x32-")
    assert "preset tiny in " in said
    assert "size 48x32" in said
    assert "encoder: " in said
    assert re.search(r"memory: [\d,]+ MB", said)
    assert "disk space" in said
    assert not (place / "experiments").exists()


def test_train_stops_when_asked_and_goes_on(place):
    flags = ["--preset=tiny", "--epochs=3", "--pictures_every=40"]

    def has_learned():
        return any('"kl"' in path.read_text() for path in place.glob("experiments/runs/*/metrics.jsonl"))

    result = stopped("train", *flags, cwd=place, once=has_learned)
    assert result.returncode == 130
    assert "Traceback" not in result.stderr
    assert "go on with: python -m autoencode.train --run=a_film-48x32-tiny-1 --epochs=3" in result.stderr
    run = place / "experiments/runs/a_film-48x32-tiny-1"
    status = json.loads((run / "status.json").read_text())
    assert status["state"] == "interrupted"
    assert 0 < status["step"] < 114

    said = done("train", *flags, cwd=place, run=typed)
    assert f"run a_film-48x32-tiny-1 goes on at epoch {status['epoch']:.2f}" in said
    assert json.loads((run / "status.json").read_text())["step"] == 114  # 3 × ⌈150 / 4⌉


def test_a_finished_run_is_not_trained_again_but_may_go_on(place):
    for epochs in ([], ["--epochs=2"]):
        said = done("train", "--run=a_film-48x32-tiny-1", *epochs, cwd=place)
        assert "is trained to epoch 3 already" in said
    done("train", "--run=a_film-48x32-tiny-1", "--epochs=4", cwd=place)
    run = place / "experiments/runs/a_film-48x32-tiny-1"
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    noise = [line["noise"] for line in lines if "noise" in line and line["epoch"] > 3]
    assert noise
    assert max(noise) == 0  # beyond the first call's epochs it stays at its end


def test_the_run_folder_holds_what_was_promised(place):
    run = place / "experiments/runs/a_film-48x32-tiny-1"
    assert sorted(path.stem for path in run.glob("epochs/*.index")) == ["0001", "0002", "0003", "0004"]
    assert len(list(run.glob("checkpoints/*.index"))) <= 3
    names = {path.name for path in run.glob("samples/*.png")}
    for step in ("0000000", "0000040", "0000114", "0000152"):
        assert {f"reconstruction_{step}.png", f"prior_{step}.png"} <= names
    assert probe(run / "samples/timelapse.mp4").width > 0
    assert list(run.glob("tensorboard/events*"))
    for line in (run / "metrics.jsonl").read_text().splitlines():
        json.loads(line)


@pytest.mark.parametrize(
    ("layout", "codec"),
    [("single", "h264"), ("side_by_side", "hardware")],  # or what stands in for it
)
def test_render(place, layout, codec):
    target = place / f"{layout}.mp4"
    flags = ["--film=a film.mkv", f"--layout={layout}", "--height=160", f"--codec={codec}"]
    said = done("render", *flags, f"--output={target}", cwd=place, run=typed)
    assert re.search(r"run a_film-48x32-tiny-1, best/\d+-step-\d+$", said, re.MULTILINE)
    film = probe(target)
    timeline = scan(film)
    assert timeline.count == FRAMES
    assert timeline.rate == RATE
    assert (film.width, film.height) == ((480, 160) if layout == "side_by_side" else (240, 160))
    assert len(film.audio) == 1
    assert loudness(target) == pytest.approx(loudness(place / "a film.mkv"), abs=1)
    assert abs(film.duration - FRAMES / RATE) <= 1 / RATE
    assert not list(place.glob("**/*.part*"))
    summary = json.loads((place / f"{layout}.mp4.json").read_text())
    assert summary["frames"] == {"in": FRAMES, "out": FRAMES, "repeated": 0, "dropped": 0, "lost": 0}
    assert (summary["rate"], summary["seconds"], summary["picture_begins_after_start"]) == ("25", 6.0, 0.0)
    assert summary["source"]["sha256"] == hashlib.sha256((place / "a film.mkv").read_bytes()).hexdigest()
    assert summary["weights"].startswith("best/")
    (weights,) = place.glob(f"experiments/runs/*/{summary['weights']}.data*")
    assert summary["weights_sha256"] == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert f"--layout={layout}" in summary["command"]
    assert summary["seconds_with_sound"] == pytest.approx(6, abs=0.04)
    (sound,) = summary["sound"]
    assert sound == {"codec": "aac", "begins": pytest.approx(0, abs=0.005)}


def test_a_film_that_is_made_is_not_made_again(place):
    flags = ["--film=a film.mkv", "--height=160", "--output=single.mp4"]
    before = (place / "single.mp4").stat().st_mtime_ns
    assert "is there already" in done("render", *flags, cwd=place)
    said = done("render", *flags, "--contact_sheet=later.png", cwd=place)
    assert "frames in" not in said
    assert (place / "later.png").exists()
    assert (place / "single.mp4").stat().st_mtime_ns == before
    (place / "single.mp4").write_bytes((place / "single.mp4").read_bytes()[:-1])
    refused(command("render", *flags, cwd=place), "single.mp4: is there already, and was changed")
    (place / "single.mp4").unlink()
    assert "frames in" in done("render", *flags, cwd=place)
    assert scan(probe(place / "single.mp4")).count == FRAMES


def test_the_left_half_of_side_by_side_is_the_source(place):
    ours = np.array(
        [f.pixels[:, :240].mean() for f in read_frames(probe(place / "side_by_side.mp4"), (480, 160))]
    )
    source = np.array([f.pixels.mean() for f in read_frames(probe(place / "a film.mkv"), (240, 160))])
    assert np.abs(ours - source).max() < 3


def test_a_film_that_was_not_rendered_here_is_not_overwritten(place):
    mine = place / "mine.mp4"
    mine.write_bytes((place / "a film.mkv").read_bytes())
    flags = ["--film=a film.mkv", "--duration=0.5", "--output=mine.mp4"]
    refused(command("render", *flags, cwd=place), "mine.mp4: is there already, and was not rendered here")
    assert mine.read_bytes() == (place / "a film.mkv").read_bytes()
    (place / ".mine.mp4.parts").mkdir()  # of a rendering that was stopped, before mine came there
    refused(command("render", *flags, cwd=place), "mine.mp4: is there already, and was not rendered here")
    mine.unlink()
    notes = place / "mine.mp4.json"
    notes.write_text("[]")
    refused(command("render", *flags, cwd=place), "mine.mp4.json: is there already, and tells of no")
    notes.unlink()
    done("render", *flags, cwd=place)
    assert "takes the place of what was rendered" in done("render", *flags, "--crf=30", cwd=place)


def test_render_of_an_earlier_epoch_an_excerpt_and_noise(place):
    flags = ["--film=a film.mkv", "--start=1", "--duration=2"]
    kinds = {"now": ["--last"], "then": ["--epoch=1"], "noisy": ["--epoch=1", "--noise=2"]}
    for name, extra in kinds.items():
        said = done(
            "render", *flags, *extra, f"--output={name}.mp4", f"--contact_sheet={name}.png", cwd=place
        )
        assert ("checkpoints/pause-152" in said) == (name == "now")
    assert scan(probe(place / "now.mp4")).count == 50
    assert len({(place / f"{name}.png").read_bytes() for name in kinds}) == 3


def test_render_of_every_fifth_picture_keeps_its_pace_and_its_sound(place):
    done("render", "--film=a film.mkv", "--every=5", "--codec=prores", "--output=fifth.mov", cwd=place)
    film = probe(place / "fifth.mov")
    assert (scan(film).count, scan(film).rate) == (FRAMES // 5, RATE / 5)
    assert film.duration == pytest.approx(FRAMES / RATE, abs=0.05)
    assert film.audio


def test_render_into_a_folder_of_pictures(place):
    done("render", "--film=a film.mkv", "--duration=0:01", "--size=200x100", "--output=pictures/", cwd=place)
    pictures = sorted((place / "pictures").glob("*.png"))
    assert [path.name for path in pictures] == [f"{number:08d}.png" for number in range(1, 26)]
    assert imageio.imread(pictures[0]).shape == (100, 200, 3)


def test_a_name_that_other_drives_refuse_is_replaced(place):
    shutil.copy(place / "a film.mkv", place / 'who: "a?".mkv')
    done("render", '--film=who: "a?".mkv', "--duration=0.2", "--crop=96:64:0:0", cwd=place)
    assert list(place.glob("experiments/runs/*/who_ _a__-duration=0.2-crop=96_64_0_0.mp4"))


def test_evaluate(place):
    (line,) = done("evaluate", "--film=a film.mkv", "--json", cwd=place, run=typed).splitlines()
    figures = json.loads(line)
    assert figures["frames"] == FRAMES
    assert 0 < figures["psnr"] < 60
    assert -1 <= figures["ssim"] <= 1
    assert -1 < figures["motion"] < 2
    assert -1 < figures["quiet_motion"] < 2
    assert 0 <= figures["vmaf"] <= 100
    table = done("evaluate", "--novmaf", cwd=place)
    assert re.search(r"motion kept +-?\d\.\d", table)
    assert re.search(r"VMAF +–", table)
    assert "on a_film-48x32-" in table
    assert "150 frames" in table
