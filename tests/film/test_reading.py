"""Bars, interlacing, high dynamic range and excerpts: what is found in a film, and what is done about it."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from films import ffmpeg_run, make_film, number_of

from autoencode.errors import UserError
from autoencode.film.decode import read_frames
from autoencode.film.probe import Crop, probe
from autoencode.film.reading import Reading, describe, open_film


def scenery(frames, size):
    """Pictures without a black pixel, each a little different."""
    width, height = size
    ramp = np.linspace(60, 200, width)[None, :, None] + np.linspace(0, 40, height)[:, None, None]
    return np.stack([np.broadcast_to(ramp + n % 10, (height, width, 3)) for n in range(frames)]).astype(
        np.uint8
    )


def barred(path, frames=48, bars=(20, 20, 0, 0), **options):
    """A film of 160×120 with black bars of so many pixels above, below, left and right."""
    above, below, left, right = bars
    pictures = scenery(frames, (160 - left - right, 120 - above - below))
    return make_film(
        path, frames=np.pad(pictures, ((0, 0), (above, below), (left, right), (0, 0))), sound=False, **options
    )


@pytest.mark.parametrize(
    ("bars", "crop"),
    [
        ((20, 20, 0, 0), Crop(160, 80, 0, 20)),
        ((0, 0, 24, 32), Crop(104, 120, 24, 0)),
        ((0, 0, 16, 32), None),  # too unlike
        ((10, 10, 20, 20), Crop(120, 100, 20, 10)),
        ((0, 0, 0, 0), None),
        ((0, 2, 0, 0), None),  # a dirty edge is no bar
    ],
)
def test_bars_are_found(tmp_path, bars, crop):
    film, _ = open_film(barred(tmp_path / "a.mp4", bars=bars))
    assert film.crop == crop
    assert ("--crop=none" in describe(film)) == (crop is not None)


def test_one_dark_scene_is_not_a_bar(tmp_path):
    pictures = scenery(96, (160, 120))
    pictures[:60, :50] = 0  # a night below a black sky
    pictures[:20] = 0
    film, _ = open_film(make_film(tmp_path / "a.mp4", frames=pictures, sound=False, extra=["-g", "4"]))
    assert film.crop is None


def test_one_key_frame_is_not_the_film(tmp_path):
    pictures = scenery(96, (160, 120))
    pictures[:48, :, :30] = pictures[:48, :, 130:] = 0  # a title card
    film, _ = open_film(make_film(tmp_path / "a.mp4", frames=pictures, sound=False))
    assert film.crop is None


def test_an_excerpt_has_the_shape_of_its_film(tmp_path):
    pictures = scenery(96, (160, 120))
    pictures[48:, :30] = pictures[48:, 90:] = 0
    path = make_film(tmp_path / "a.mp4", frames=pictures, sound=False)
    assert open_film(path, Reading(start=2.5))[0].crop is None


def test_a_film_in_the_dark_is_not_all_bars(tmp_path):
    pictures = np.zeros((24, 120, 160, 3), np.uint8)
    assert open_film(make_film(tmp_path / "a.mp4", frames=pictures, sound=False))[0].crop is None
    pictures[:, 50:60, 70:90] = 200  # a candle
    assert open_film(make_film(tmp_path / "b.mp4", frames=pictures, sound=False))[0].crop is None


@pytest.mark.parametrize("between", ["0\\,360", "60\\,302"], ids=["everywhere", "in the middle"])
def test_lights_in_the_dark_are_no_reason_for_bars(tmp_path, between):
    lamps = rf"219*lt(mod(X+7*N\,80)\,3)*lt(mod(Y\,60)\,3)*between(Y\,{between})"
    stage = r"60*between(X\,300\,600)*between(Y\,100\,300)"
    film = f"color=black:s=640x360:r=25:d=1,format=yuv420p,geq=lum='16+{lamps}+{stage}':cb=128:cr=128"
    ffmpeg_run("-f", "lavfi", "-i", film, "-c:v", "libx264", tmp_path / "a.mp4")
    assert open_film(tmp_path / "a.mp4")[0].crop is None


def letterboxed(path, add, *options):
    """A film of 320×180 with bars of 24 rows, to which `add` does something."""
    pictures = np.pad(scenery(48, (320, 132)), ((0, 0), (24, 24), (0, 0), (0, 0)))
    add(pictures)
    return make_film(path, frames=pictures, sound=False, extra=["-g", "6", *options])


def subtitles(pictures):
    pictures[10:40, 162:172, 40:280:3] = 255
    pictures[30:35, 162:172, 40:280] = 255


def logo(pictures):
    pictures[:, 6:16, 290:310] = 200


def noise(pictures):
    drawn = np.random.default_rng(0).normal(0, 8, pictures.shape[:3])[..., None]
    pictures[:] = np.clip(pictures + drawn, 0, 255)


@pytest.mark.parametrize("add", [subtitles, logo, noise])
def test_bars_are_found_though_there_is_something_in_them(tmp_path, add):
    film, _ = open_film(letterboxed(tmp_path / "a.mp4", add))
    assert film.crop == Crop(320, 132, 0, 24)


def lamp(pictures):
    for number in range(48):
        pictures[number, 10:13, 5 * number : 5 * number + 3] = 255


def shadows(pictures):
    pictures[:, :24, 160:] = 11


@pytest.mark.parametrize("add", [lamp, shadows])
def test_a_dark_part_of_the_picture_is_no_bar(tmp_path, add):
    assert open_film(letterboxed(tmp_path / "a.mp4", add))[0].crop is None


def test_bars_are_cut_from_the_picture_as_shown(tmp_path):
    film, timeline = open_film(barred(tmp_path / "a.mp4", rotation=90))
    assert film.crop == Crop(80, 160, 20, 0)
    frame = next(read_frames(film, (80, 112), timeline=timeline))
    assert frame.pixels.min() > 50


def test_the_frame_is_filled_by_what_the_bars_enclose(tmp_path):
    path = barred(tmp_path / "a.mp4", aspect="3:2")
    frame = {crop: read(path, Reading(crop=crop), (96, 48))[0].pixels for crop in ("auto", "none")}
    assert frame["auto"].min() > 50
    assert frame["none"].min() < 20


def read(path, reading, size):
    film, timeline = open_film(path, reading)
    return list(read_frames(film, size, timeline=timeline))


def test_a_typed_crop(tmp_path):
    path = barred(tmp_path / "a.mp4")
    assert open_film(path, Reading(crop="100:60:10:30"))[0].crop == Crop(100, 60, 10, 30)
    for typed in ("100:60:61:30", "0:60:0:0", "100:60", "-1:2:3:4", "all"):
        with pytest.raises(UserError, match=f"--crop={typed}"):
            open_film(path, Reading(crop=typed))


def combed(pixels):
    """How much more the lines differ from their neighbours than from those after them."""
    rows = pixels.astype(float).mean(-1)
    return np.abs(rows[1:-1] - rows[:-2]).mean() / np.abs(rows[2:] - rows[:-2]).mean().clip(1e-3)


def moving(path, *filters, frames=100, flags="+ildct+ilme"):
    """A white bar that moves 4 pixels in a fiftieth of a second."""
    pictures = np.full((frames, 96, 160, 3), 40, np.uint8)
    for number in range(frames):
        left = 4 * number % 140
        pictures[number, 10:80, left : left + 20] = 220
    codec = ["-c:v", "libx264", "-crf", "4", "-pix_fmt", "yuv420p", "-flags", flags, "-vf"]
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "160x96", "-r", "50", "-i", "pipe:0"]
    ffmpeg_run(*raw, *codec, ",".join(filters), path, stdin=pictures.tobytes())
    return path


def test_woven_fields_become_whole_pictures(tmp_path):
    path = moving(tmp_path / "a.mkv", "interlace=lowpass=off", "setfield=tff")
    assert open_film(path)[0].deinterlace
    woven = read(path, Reading(deinterlace="off"), (160, 96))
    whole = read(path, Reading(), (160, 96))
    assert len(woven) == len(whole) == 50
    assert [frame.time for frame in woven] == [frame.time for frame in whole]
    assert combed(woven[20].pixels) > 2
    assert combed(whole[20].pixels) < 1.2
    seventh = read(path, Reading(every=7), (160, 96))
    np.testing.assert_array_equal(
        np.stack([frame.pixels for frame in seventh]), np.stack([frame.pixels for frame in whole[::7]])
    )


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_woven_fields_of_a_camera_held_upright_become_whole_pictures(tmp_path, rotation):
    moving(tmp_path / "a.mp4", "interlace=lowpass=off", "setfield=tff")
    ffmpeg_run("-display_rotation", rotation, "-i", tmp_path / "a.mp4", "-c", "copy", tmp_path / "b.mp4")
    whole = read(tmp_path / "a.mp4", Reading(), (160, 96))[20]
    size = (160, 96) if rotation == 180 else (96, 160)
    turned = read(tmp_path / "b.mp4", Reading(deinterlace="on"), size)[20]
    np.testing.assert_allclose(np.rot90(turned.pixels, -rotation // 90).astype(int), whole.pixels, atol=3)


def test_woven_fields_are_found_though_the_header_calls_them_whole(tmp_path):
    path = moving(tmp_path / "a.mkv", "interlace=lowpass=off", "setfield=prog", flags="-ildct-ilme")
    assert probe(path).progressive
    assert open_film(path)[0].deinterlace
    path = moving(tmp_path / "b.mkv", "framestep=2", "setfield=prog", flags="-ildct-ilme")
    assert not open_film(path)[0].deinterlace


def stripes(period):
    return f"color=gray:s=320x240:r=25:d=2,format=gray,geq=lum='128+80*lt(mod(Y+N\\,{period})\\,{period}/2)'"


@pytest.mark.parametrize("film", ["testsrc2=s=320x240:r=25:d=2", stripes(4), stripes(6)])
@pytest.mark.parametrize("flags", [[], ["-flags", "+ildct+ilme"]], ids=["", "flagged as interlaced"])
def test_fine_lines_that_move_are_no_fields(tmp_path, film, flags):
    codec = ["-c:v", "libx264", "-pix_fmt", "yuv420p", *flags]
    fields = ["-vf", "setfield=tff"] if flags else []
    ffmpeg_run("-f", "lavfi", "-i", film, *fields, *codec, tmp_path / "a.mp4")
    assert not open_film(tmp_path / "a.mp4")[0].deinterlace


def test_a_gif_has_no_fields(tmp_path):
    path = tmp_path / "a.gif"
    ffmpeg_run("-f", "lavfi", "-i", "testsrc2=s=320x180:d=2", path)
    assert not open_film(path)[0].deinterlace


def test_whole_pictures_that_travel_as_fields_stay_as_they_are(tmp_path):
    path = moving(tmp_path / "a.mkv", "framestep=2", "setfield=tff")
    assert not probe(path).progressive
    assert not open_film(path)[0].deinterlace
    assert open_film(path, Reading(deinterlace="on"))[0].deinterlace


def pq(nits):
    """SMPTE ST 2084: luminance to a 10-bit code of limited range."""
    y = (nits / 10000) ** 0.1593017578125
    return round(64 + 876 * ((0.8359375 + 18.8515625 * y) / (1 + 18.6875 * y)) ** 78.84375)


def hlg(light):
    """ITU-R BT.2100: scene light in [0, 1/12] to a 10-bit code of limited range."""
    return round(64 + 876 * (3 * light) ** 0.5)


def grey_of(path, code, transfer, rgb=False):
    """What a flat film of this 10-bit luma, or of so much red, green and blue, becomes."""
    colours = 2 * 64 * 48 if rgb else 2 * 32 * 24
    planes = np.concatenate([np.full(64 * 48, code), np.full(colours, code if rgb else 512)]).astype("<u2")
    pixels, matrix, span = ("gbrp10le", "gbr", "pc") if rgb else ("yuv420p10le", "bt2020nc", "tv")
    tags = f"-color_range {span} -color_primaries bt2020 -color_trc {transfer}".split()
    tags += ["-colorspace", "rgb" if rgb else matrix]
    raw = ["-f", "rawvideo", "-pix_fmt", pixels, "-s", "64x48", "-r", "24", "-i", "pipe:0"]
    marked = f"setparams=colorspace={matrix}:color_primaries=bt2020:color_trc={transfer}:range={span}"
    ffmpeg_run(*raw, "-vf", marked, *tags, "-c:v", "ffv1", path, stdin=planes.tobytes() * 3)
    film, timeline = open_film(path)
    assert "brought to SDR" in describe(film)
    frames = list(read_frames(film, (48, 32), timeline=timeline))
    assert len(frames) == 3
    pixels = frames[1].pixels.reshape(-1, 3)
    assert np.ptp(pixels.mean(0)) < 2  # grey stays grey
    return pixels.mean()


def test_high_dynamic_range_is_brought_to_sdr(tmp_path):
    grey = {
        nits: grey_of(tmp_path / f"{nits}.mkv", pq(nits), "smpte2084") for nits in (0, 26, 203, 1000, 4000)
    }
    # A screen of BT.1886 whose white has 203 nits shows 26 nits at (26 / 203) ** (1 / 2.4) of the signal.
    assert grey[0] < 2
    assert grey[26] == pytest.approx(255 * (26 / 203) ** (1 / 2.4), abs=4)
    assert 190 < grey[203] < grey[1000] <= grey[4000] <= 255
    dark, light = (grey_of(tmp_path / f"{x}.mkv", hlg(x), "arib-std-b67") for x in (0.002, 0.05))
    assert 5 < dark < light - 50
    full = round((pq(203) - 64) / 876 * 1023)
    assert grey_of(tmp_path / "rgb.mkv", full, "smpte2084", rgb=True) == pytest.approx(grey[203], abs=2)


def test_pictures_of_another_size_than_the_film_began_with_cover_the_frame_too(tmp_path):
    first = np.full((24, 64, 96, 3), 100, np.uint8)
    first[:, :12] = first[:, 52:] = 0  # bars
    second = np.full((24, 64, 64, 3), 160, np.uint8)
    second[:, :10] = second[:, 54:] = 240  # to be cropped, if nothing is stretched
    parts = [
        make_film(tmp_path / f"{number}.ts", frames=pictures, size=pictures.shape[2:0:-1], sound=False)
        for number, pictures in enumerate((first, second))
    ]
    path = tmp_path / "film.ts"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    reading = Reading(crop="96:40:0:12", allow_damaged=True)  # its clock jumps, where it was put together
    film, timeline = open_film(path, reading)
    means = [frame.pixels.mean() for frame in read_frames(film, (96, 64), timeline=timeline)]
    np.testing.assert_allclose(means, [100] * 24 + [160] * 24, atol=2)
    assert any("the picture changes to 64x64" in note for note in timeline.damage.notes)
    assert open_film(path, replace(reading, crop="auto"))[0].crop is None


def test_every_nth_picture(tmp_path):
    path = make_film(tmp_path / "a.mp4", frames=60, rate=24)
    film, timeline = open_film(path, Reading(every=7))
    assert (timeline.count, timeline.rate, timeline.frames_out) == (9, Fraction(24, 7), 9)
    assert [number_of(frame.pixels) for frame in read_frames(film, (96, 64), timeline=timeline)] == [
        *range(0, 60, 7)
    ]
    film, timeline = open_film(path, Reading(start=0.5, duration=1.0, every=5))
    frames = list(read_frames(film, (96, 64), view_size=(48, 32), timeline=timeline))
    assert [number_of(frame.pixels) for frame in frames] == [12, 17, 22, 27, 32]
    assert [number_of(frame.view) for frame in frames] == [12, 17, 22, 27, 32]


def test_every_nth_picture_of_a_file_without_an_index(tmp_path):
    raw = make_film(tmp_path / "a.h264", frames=40, sound=False)
    frames = read(raw, Reading(start=0.5, every=3), (96, 64))
    assert [number_of(frame.pixels) for frame in frames] == [*range(12, 40, 3)]
