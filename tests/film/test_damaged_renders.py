"""A rendering that meets damage loses nothing that was made, and knows of it when it goes on."""

import pytest
from films import ffmpeg_run, film_writer, heard, make_film, number_of

from autoencode.errors import DamagedError, UserError
from autoencode.film import decode, ffmpeg, writer
from autoencode.film.companions import Companions
from autoencode.film.probe import probe
from autoencode.film.reading import Reading, open_film
from autoencode.film.stack import Stack
from autoencode.resequence import contact_sheet, resequence

FRAMES, SIZE = 120, (96, 64)
whole = decode._decode  # before anything is lost


def test_resumed_behind_a_hole_the_film_is_the_same_and_the_hole_is_known(tmp_path, monkeypatch, lose):
    path = make_film(tmp_path / "film.mkv", frames=FRAMES, sound=False)
    lose(range(40, 60))
    monkeypatch.setattr(writer, "PART", (16, 16))

    def render(name, fail_at=None, allowed=True):
        film, timeline = open_film(path, Reading(allow_damaged=allowed))

        def memory(frames, first):
            if fail_at is not None and first + len(frames) > fail_at:
                raise ZeroDivisionError
            return frames

        made = film_writer(tmp_path / name, 24, SIZE, made_of="film")
        resequence(film, timeline, SIZE, memory, made)
        contact_sheet(film, timeline, SIZE, lambda frames, first: frames, tmp_path / "sheet.png")
        shown = [number_of(frame.pixels) for frame in whole(probe(made.path), Stack(SIZE))]
        return shown, timeline.damage.notes, (timeline.lost, timeline.repeated, timeline.dropped)

    unbroken = render("unbroken.mkv")
    assert unbroken[0] == [*range(40), *[39] * 20, *range(60, 72), *range(48)]
    assert unbroken[2] == (20, 20, 0)
    with pytest.raises(ZeroDivisionError):
        render("film2.mkv", fail_at=80)
    assert render("film2.mkv") == unbroken

    with pytest.raises(ZeroDivisionError):
        render("film4.mkv", fail_at=80)
    with pytest.raises(UserError, match=r"20 pictures.*--allow_damaged"):
        render("film4.mkv", allowed=False)

    with monkeypatch.context() as patch:
        patch.setattr(writer, "join", lambda *arguments: 1 / 0)  # all frames are there, but not the film
        with pytest.raises(ZeroDivisionError):
            render("film3.mkv")
    assert render("film3.mkv") == unbroken


@pytest.mark.parametrize("suffix", ["mp4", pytest.param("mkv", marks=pytest.mark.slow)])
def test_frames_rendered_before_damage_are_kept_and_not_made_again(tmp_path, lose, suffix):
    path = make_film(tmp_path / f"film.{suffix}", frames=FRAMES)
    made = []
    lose(range(80, 90))

    def render(allowed, name="made"):
        film, timeline = open_film(path, Reading(allow_damaged=allowed))

        def memory(frames, first):
            made.extend(range(first, first + len(frames)))
            return frames

        target = film_writer(tmp_path / f"{name}.{suffix}", 24, SIZE, Companions(film), made_of="film")
        resequence(film, timeline, SIZE, memory, target)
        return target.path

    for _ in range(2):  # the second time nothing is made
        with pytest.raises(UserError, match=r"10 pictures before .*--allow_damaged: 64 frames are kept"):
            render(allowed=False)
    assert made == [*range(64)]  # whole batches of 32
    (part,) = (tmp_path / f".made.{suffix}.parts").glob("0*")
    assert [number_of(frame.pixels) for frame in whole(probe(part), Stack(SIZE))] == [*range(64)]
    film = render(allowed=True)
    assert made == [*range(FRAMES)]
    shown = [number_of(frame.pixels) for frame in whole(probe(film), Stack(SIZE))]
    assert shown == [*range(72), *range(8), *[7] * 10, *range(18, 48)]
    assert len(heard(film)) / 48000 == pytest.approx(5, abs=0.05)
    # Coded alike too: a rendering that allows damage begins a part where one that does not has to.
    assert packets(film) == packets(render(allowed=True, name="at_once"))


def packets(path):
    return ffmpeg_run("-i", path, "-map", "0:v", "-c", "copy", "-f", "framemd5", "-")


def test_a_decoder_that_somebody_stopped_is_no_damage_of_the_film(tmp_path, monkeypatch):
    path, processes, start = make_film(tmp_path / "film.mp4", frames=FRAMES), [], ffmpeg.start

    def watched(*arguments, **options):
        processes.append(start(*arguments, **options))
        return processes[-1]

    film, timeline = open_film(path)
    monkeypatch.setattr(ffmpeg, "start", watched)
    frames = decode.read_frames(film, (640, 360), timeline=timeline)
    next(frames)
    processes[0].kill()
    with pytest.raises(UserError, match="was stopped while it was read; try again") as caught:
        list(frames)
    assert not isinstance(caught.value, DamagedError)  # nothing of the film is to be put down as broken
