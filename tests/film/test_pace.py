"""The pace behind timestamps, and showing pictures at it."""

from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pytest

from autoencode.film.pace import pace, usual_pace
from autoencode.film.timeline import Timeline, at_constant_rate

NTSC = Fraction(24000, 1001)


class Still(NamedTuple):
    time: float
    name: int


def stills(times):
    return [Still(time, number) for number, time in enumerate(times)]


def resequenced(times, rate, constant, duration):
    timeline = Timeline(np.array(times, dtype=float), Fraction(rate), constant, duration)
    return [still.name for still in at_constant_rate(stills(times), timeline)], timeline.frames_out


@pytest.mark.parametrize(
    "rate", [24, 25, 30, 60, NTSC, Fraction(30000, 1001), Fraction(25, 2), Fraction(1, 5)]
)
@pytest.mark.parametrize("digits", [3, 6])
def test_the_rate_behind_rounded_timestamps(rate, digits):
    times = np.round(np.arange(5000) / float(rate), digits)
    assert pace(times, Fraction(25)) == (rate, True)


def test_the_header_settles_what_a_short_film_leaves_open():
    times = np.round(np.arange(5) / float(NTSC), 3)
    assert pace(times, NTSC) == (NTSC, True)
    assert pace(times, Fraction(24)) == (Fraction(24), True)


def test_one_hole_makes_a_film_variable_but_keeps_its_rate():
    times = np.delete(np.arange(100) / 30, [40, 41])
    assert pace(times, Fraction(2940, 100)) == (30, False)


@pytest.mark.parametrize("rate", [Fraction(25), NTSC, Fraction(30), Fraction(60000, 1001)])
def test_holes_drop_no_picture(rate):
    """Of 300 places three are empty. The header counts what is there, and Matroska in milliseconds."""
    times = np.round(np.delete(np.arange(300) / float(rate), [100, 200, 201]), 3)
    assert pace(times, rate * 297 / 300) == (rate, False)
    timeline = Timeline(times, rate, False, 300 / float(rate))
    assert (timeline.frames_out, timeline.repeated, timeline.dropped) == (300, 3, 0)


@pytest.mark.parametrize("gaps", [[0.1, 1.9], [0.04, 10, 0.04, 10], [10, 0.04], [5]])
def test_few_gaps_that_have_nothing_in_common(gaps):
    rate, _ = pace(np.cumsum([0, *gaps]), Fraction(1))
    assert rate == pytest.approx(1 / min(gaps))


def test_times_that_nobody_knows_are_no_gaps():
    assert usual_pace(np.array([0, np.nan, 0.08, 0.12, 0.16]), Fraction(24)) == 25
    assert usual_pace(np.array([0, np.nan]), Fraction(24)) == 24
    assert usual_pace(np.array([0.5]), Fraction(24)) == 24


def test_a_long_first_picture_does_not_change_the_pace():
    times = np.concatenate([[0], 0.063 + np.arange(99) / 25])
    assert pace(times, Fraction("24.86")) == (25, False)


def test_a_phone_whose_gaps_tremble_is_variable():
    gaps = np.tile([0.033, 0.034, 0.033, 0.066, 0.020, 0.047], 50)
    rate, constant = pace(np.cumsum(gaps), Fraction(26))
    assert not constant
    assert rate == 30


TELECINED = np.cumsum(np.tile([1001 / 30000, 1.5 * 1001 / 30000], 120))


def test_a_short_telecined_film_keeps_to_its_own_rate():
    """And not to 24, from which it would be 10 ms away at the end, though both fit."""
    assert pace(TELECINED, Fraction(30000, 1001)) == (NTSC, True)


def test_telecined_recordings_one_behind_the_other_have_the_rate_of_each():
    times = np.concatenate([TELECINED, TELECINED[-1] + 0.1 + TELECINED])
    assert pace(times, Fraction(30000, 1001)) == (NTSC, False)


@pytest.mark.parametrize("off", [0.0, 0.0005, -0.0005])
def test_pictures_that_fall_into_the_middles_of_frames_are_all_shown(off):
    """As after a pause of half a frame, or behind a start at an odd tenth of a second."""
    times = np.concatenate([np.arange(50) / 25, 2.02 + off + np.arange(50) / 25])
    times += np.tile([0, 0.0004], 50)
    timeline = Timeline(times, Fraction(25), False, 4.02)
    assert timeline.dropped == 0
    assert len(set(resequenced(times, 25, False, 4.02)[0])) == 100


def test_constant_passes_through_one_for_one():
    for rate in (24, NTSC, 60):
        times = np.round(np.arange(500) / float(rate), 3)
        names, count = resequenced(times, rate, True, 500 / float(rate))
        assert names == list(range(500))
        assert count == 500


def test_variable_repeats_and_drops():
    # At 10 frames/s slots are sampled at 0.05, 0.15, … 0.75. Frame 1 begins at 0.30, 2 at 0.32, 3 at 0.60.
    names, count = resequenced([0, 0.30, 0.32, 0.60], 10, False, 0.8)
    assert names == [0, 0, 0, 2, 2, 2, 3, 3]
    assert count == 8


def test_an_excerpt_of_a_variable_film_counts_from_its_first_frame():
    names, _ = resequenced([5.0, 5.30, 5.32, 5.60], 10, False, 0.8)
    assert names == [0, 0, 0, 2, 2, 2, 3, 3]


def test_a_frame_lost_in_decoding_keeps_the_length():
    timeline = Timeline(np.arange(6) / 10, Fraction(10), True, 0.6)
    got = [still for still in stills(np.arange(6) / 10) if still.name not in (2, 5)]
    assert [still.name for still in at_constant_rate(got, timeline)] == [0, 1, 1, 3, 4, 4]


@pytest.mark.parametrize("constant", [True, False])
def test_from_any_slot_on_it_is_the_same(constant):
    draws = np.random.default_rng(0)
    gaps = 0.04 + (draws.uniform(-0.004, 0.004, 200) if constant else draws.choice([0, 0.03, 0.2], 200))
    times = np.cumsum(gaps)
    timeline = Timeline(times, Fraction(25), constant, float(np.ptp(times)) + 0.04)
    lost = [0, 1, *draws.choice(200, 8)]
    whole = [still.time for still in at_constant_rate(without(lost, timeline, times), timeline)]
    assert len(whole) == timeline.frames_out
    for slot in range(0, timeline.frames_out, 7):
        rest = at_constant_rate(without(lost, timeline, timeline.from_slot(slot).times), timeline, slot)
        assert [still.time for still in rest] == whole[slot:]


def without(lost, timeline, times):
    return [still for still in stills(times) if still.time not in timeline.times[lost]]


@pytest.mark.parametrize("rate", [25, 240])
def test_a_varying_rate_is_that_of_most_pictures(rate):
    gaps = np.where(np.arange(240) % 40 == 39, 3 / rate, 1 / rate)
    assert pace(np.cumsum(gaps), Fraction(30)) == (rate, False)
