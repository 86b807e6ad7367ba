"""A new film is whole, in its colours, or not there at all."""

import re
import signal
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from films import ffmpeg_run, files_end_at, film_writer, make_film, number_of, numbered, write_film

from autoencode.errors import NoRoomError, UserError
from autoencode.film import ffmpeg
from autoencode.film import format as formats
from autoencode.film.companions import Companions
from autoencode.film.decode import read_frames
from autoencode.film.encode import failure
from autoencode.film.format import default_height, fitting_height
from autoencode.film.probe import probe
from autoencode.film.scan import scan
from autoencode.film.timeline import at_constant_rate


def complaint(error):
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    ("size", "height"),
    [((96, 64), 320), ((256, 144), 288), ((480, 270), 270), ((1920, 1080), 1080), ((500, 281), 562)],
)
def test_default_height(size, height):
    assert default_height(size) == height


def test_hardware_is_the_first_encoder_that_works(monkeypatch):
    """To ffmpeg `h264` is an encoder too, here in place of a graphics card's."""
    monkeypatch.setitem(formats.CODECS, "h264_none", formats.CODECS["h264"])
    monkeypatch.setattr(formats, "HARDWARE", ("h264_none", "h264", "hevc"))
    assert formats.hardware_codec.__wrapped__() == "h264"
    monkeypatch.setattr(formats, "HARDWARE", ())
    assert formats.hardware_codec.__wrapped__() is None


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv"])
def test_frames_arrive_once_each_in_order(tmp_path, suffix):
    path = write_film(tmp_path / f"a.{suffix}", 50, "24000/1001", height=128)
    film = probe(path)
    timeline = scan(film)
    assert (film.width, film.height, film.sample_aspect) == (192, 128, 1)
    assert timeline.rate == Fraction(24000, 1001)
    assert timeline.duration == pytest.approx(50 * 1001 / 24000)
    assert [number_of(frame.pixels) for frame in read_frames(film, (96, 64))] == list(range(50))
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("colour", [(255, 0, 0), (0, 255, 0), (0, 0, 255), (200, 100, 50)])
def test_colours_are_bt709_and_tagged_so(tmp_path, colour):
    path = tmp_path / "a.mp4"
    with film_writer(path, height=128) as film:
        for _ in range(3):
            film.write(np.full((64, 96, 3), colour, np.uint8))
    assert probe(path).matrix == "bt709"
    pixels = next(read_frames(probe(path), (96, 64))).pixels
    np.testing.assert_allclose(pixels.reshape(-1, 3).mean(0), colour, atol=4)
    header = subprocess.run([ffmpeg.binary(), "-i", path], capture_output=True, check=False).stderr.decode()
    assert re.search(r"yuv420p\(tv, bt709, ", header)


@pytest.mark.parametrize(
    ("layout", "shown"), [("side_by_side", (384, 128)), ("stacked", (192, 256)), ("split", (192, 128))]
)
def test_layouts_show_the_source_and_the_memory_of_the_same_frame(tmp_path, layout, shown):
    path, size = tmp_path / "a.mkv", (96, 64)
    with film_writer(path, height=128, layout=layout) as film:
        assert film.format.view_size == (192, 128)
        for small, view in zip(numbered(10, size), numbered(10, (192, 128))[::-1], strict=True):
            film.write(small, view)
    made = probe(path)
    assert (made.width, made.height) == shown
    frames = [frame.pixels for frame in read_frames(made, shown)]
    source, memory = {
        "side_by_side": (np.s_[:, :190], np.s_[:, 194:]),
        "stacked": (np.s_[:126], np.s_[130:]),
        "split": (np.s_[:, :2], np.s_[:, -2:]),
    }[layout]
    assert [number_of(frame[memory]) for frame in frames] == list(range(10))
    if layout != "split":
        assert [number_of(frame[source]) for frame in frames] == list(range(10))[::-1]


def test_the_border_of_a_split_picture_moves_on_across_parts(tmp_path, monkeypatch):
    monkeypatch.setattr("autoencode.film.writer.PART", (24, 24))
    path, size = tmp_path / "a.mkv", (96, 64)
    with film_writer(path, layout="split") as film:
        for _ in range(192):
            film.write(np.full((64, 96, 3), 200, np.uint8), np.full((64, 96, 3), 50, np.uint8))
    dark = np.array([(frame.pixels[32, :, 0] < 125).sum() for frame in read_frames(probe(path), size)])
    # To and fro in 8 seconds: all memory at the beginning, all source after 4, half and half after 2 and 6.
    assert dark[0] <= 1
    assert dark[96] >= 95
    assert dark[[48, 144]] == pytest.approx(48, abs=2)
    assert np.abs(np.diff(dark)).max() <= 3


@pytest.mark.parametrize(
    ("codec", "suffix", "found"),
    [
        ("h264", "mov", "h264 .*yuv420p"),
        ("hevc", "mp4", "hevc .*hvc1.*yuv420p"),
        ("hevc", "mkv", "hevc .*yuv420p"),
        ("prores", "mov", "prores .*yuv422p10le"),
        ("ffv1", "mkv", "ffv1.*bgr0"),
    ],
)
def test_codecs(tmp_path, monkeypatch, codec, suffix, found):
    monkeypatch.setattr("autoencode.film.writer.PART", (8, 8))
    source = probe(make_film(tmp_path / "source.mkv", frames=30))
    path = write_film(tmp_path / f"a.{suffix}", 30, codec=codec, source=Companions(source))
    header = subprocess.run([ffmpeg.binary(), "-i", path], capture_output=True, check=False).stderr.decode()
    assert re.search(found, header)
    frames = list(read_frames(probe(path), (96, 64), timeline=scan(probe(path))))
    assert [number_of(frame.pixels) for frame in frames] == list(range(30))
    assert scan(probe(path)).rate == 24
    assert probe(path).audio


def test_without_loss_a_pixel_is_what_it_was(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (64, 96, 3), np.uint8)
    with film_writer(tmp_path / "a.mkv", codec="ffv1") as film:
        film.write(pixels)
    raw = ffmpeg_run("-i", tmp_path / "a.mkv", "-pix_fmt", "rgb24", "-f", "rawvideo", "-")
    assert raw == pixels.tobytes()


def test_a_canvas_has_the_picture_in_its_middle(tmp_path):
    path = tmp_path / "a.mp4"
    height = fitting_height((96, 64), "side_by_side", (320, 240))
    assert height == 106  # 160 × 106.7 twice
    with film_writer(path, height=height, layout="side_by_side", canvas=(320, 240)) as film:
        film.write(np.full((64, 96, 3), 200, np.uint8), np.full((106, 160, 3), 200, np.uint8))
    pixels = next(read_frames(probe(path), (320, 240))).pixels
    assert pixels[:60].max() < 5
    assert pixels[-60:].max() < 5
    assert pixels[70:170].min() > 195


def test_a_variable_film_keeps_its_length(tmp_path):
    times = [*np.arange(20) * 0.04, *(1.0 + np.arange(20) * 0.04)]
    film = probe(make_film(tmp_path / "source.mkv", frames=40, rate=25, times=times))
    timeline = scan(film)
    path = tmp_path / "made.mp4"
    with film_writer(path, timeline.rate, source=Companions(film)) as made:
        for frame in at_constant_rate(read_frames(film, (96, 64), timeline=timeline), timeline):
            made.write(frame.pixels)
    assert scan(probe(path)).count == 45
    assert probe(path).duration == pytest.approx(1.8, abs=0.04)


@pytest.mark.parametrize("name", ["-y.mp4", 'it\'s a "film" %d.mkv', "a:b [c], d;e.mov"])
def test_any_name_is_only_a_name(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    source = make_film(Path("-" + name), frames=6)
    write_film(name, 6, source=Companions(probe(source)))
    assert scan(probe(name)).count == 6


def fail_in_the_middle(path):
    with film_writer(path, height=64) as film:
        film.write(numbered(1, (96, 64))[0])
        raise KeyError


def test_an_exception_leaves_nothing(tmp_path):
    with pytest.raises(KeyError):
        fail_in_the_middle(tmp_path / "a.mp4")
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_the_earlier_film(tmp_path):
    path = write_film(tmp_path / "a.mp4", 5)
    good = path.read_bytes()
    with pytest.raises(UserError, match="no frame"), film_writer(path, height=64):
        pass
    assert path.read_bytes() == good
    assert list(tmp_path.iterdir()) == [path]


def write_noise(path):
    noise = np.random.default_rng(0).integers(0, 255, (64, 96, 3), np.uint8)
    with files_end_at(50_000), film_writer(path, height=320) as film:
        for number in range(400):
            film.write(np.roll(noise, number, axis=1))


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path):
    with pytest.raises(UserError, match="make room") as caught:
        write_noise(tmp_path / "a.mp4")
    complaint(caught)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_called_so_whoever_says_it_last(tmp_path):
    """As ffmpeg ends that writes pictures, one a file."""
    said = (
        b"[vost#0:0/png @ 0x55] Error submitting a packet to the muxer: No space left on device\n"
        b"[out#0/image2 @ 0x66] Error muxing a packet\n"
    )
    error = failure(tmp_path, said, 228)
    assert isinstance(error, NoRoomError)
    assert "make room on the disk" in str(error)
    assert not isinstance(
        failure(tmp_path, said.replace(b"No space left on device", b"Invalid"), 228), NoRoomError
    )


def kill_in_the_middle(path):
    with film_writer(path, height=64) as film:
        film.write(numbered(1, (96, 64))[0])
        film._encoder._process.kill()
        film._encoder._process.wait()
        for pixels in numbered(72, (96, 64)):
            film.write(pixels)


def test_ffmpeg_dying_in_the_middle_is_one_line_and_leaves_nothing(tmp_path):
    with pytest.raises(UserError, match="SIGKILL") as caught:
        kill_in_the_middle(tmp_path / "a.mp4")
    complaint(caught)
    assert list(tmp_path.iterdir()) == []


def test_names_that_do_not_do(tmp_path):
    source = make_film(tmp_path / "source.mp4", frames=3)
    for name, words in [("a.avi", "must end in"), ("a", "must end in"), ("none/a.mp4", "does not exist")]:
        with pytest.raises(UserError, match=words) as caught:
            film_writer(tmp_path / name)
        complaint(caught)
    with pytest.raises(UserError, match="source film itself"):
        film_writer(source, source=Companions(probe(source)))


def test_a_frame_of_another_size_is_refused(tmp_path):
    with film_writer(tmp_path / "a.mp4") as film:
        with pytest.raises(ValueError, match="should be uint8"):
            film.write(np.zeros((64, 95, 3), np.uint8))
        film.write(np.zeros((64, 96, 3), np.uint8))
    assert film.frames == 1


def test_ctrl_c_while_ffmpeg_starts_leaves_nothing(tmp_path, monkeypatch):
    start, started = ffmpeg.start, []

    def interrupted(*arguments, **named):
        signal.raise_signal(signal.SIGINT)
        started.append(start(*arguments, **named))
        return started[0]

    with monkeypatch.context() as patch:
        patch.setattr("autoencode.film.encode.ffmpeg.start", interrupted)
        with pytest.raises(KeyboardInterrupt):
            write_film(tmp_path / "film.mp4", 3)
    assert started[0].returncode is not None  # ffmpeg has ended, and can make no file any more
    assert not list(tmp_path.iterdir())
    write_film(tmp_path / "film.mp4", 3)  # and it is locked by nobody
