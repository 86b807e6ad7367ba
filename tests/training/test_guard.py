import json

import pytest

from autoencode.config import make_config
from autoencode.training.guard import Guard, learning_rate_scale_after, seed_after

WELL = {
    "skipped": 0.0,
    "sample_psnr": 20.0,
    "mean_psnr": 12.0,
    "kl": 0.5,
    "log_variance": 1.0,
    "likeness": 0.5,
    "real_cost": 0.6,
    "generated_cost": 0.6,
    "decoder_steps": 1.0,
    "discriminator_steps": 0.8,
}


WORSE = {"sample_psnr": 18.9}


def guard(begun=8.0, usual=WELL, **fields):
    """One that has seen 1,500 good steps of 10,000."""
    watching = Guard(make_config("tiny", **fields), schedule_steps=10_000)
    watching.begin(begun)
    for step in range(-900, 600, 100):
        assert watching.look(step, usual) is None
    return watching


def verdicts(watching, figures, steps=range(600, 2000, 100)):
    """At which step the guard first says why, and what."""
    for step in steps:
        why = watching.look(step, {**WELL, **figures})
        if why:
            return step, why
    return None


@pytest.mark.parametrize(
    ("figures", "step", "why"),
    [
        ({"skipped": 0.51}, 700, "51% of the steps"),
        ({"sample_psnr": 16.9}, 900, "fell to 16.9 dB"),
        ({"log_variance": 1e6}, 800, "log-variance runs away, at 1e+06"),
        ({"kl": 1e-5, "mean_psnr": 19.5}, 1100, "the latents carry nothing"),
        ({"likeness": 2.6}, 1100, "likeness grew to 2.6"),
        ({"likeness": 0.12}, 900, "likeness fell to 0.12"),
        ({"real_cost": 1e-3, "generated_cost": 2e-3, **WORSE}, 1600, "wins every time"),
        ({"real_cost": 7.0, "generated_cost": 6.0, **WORSE}, 1600, "loses every time"),
        ({"decoder_steps": 0.0, **WORSE}, 1600, "keeps the decoder out"),
        ({"discriminator_steps": 0.001, **WORSE}, 1600, "keeps the discriminator out"),
    ],
)
def test_each_sign_that_lasts_is_a_collapse(figures, step, why):
    found, said = verdicts(guard(), figures)
    assert found == step
    assert why in said


@pytest.mark.parametrize(
    "figures",
    [
        {"skipped": 0.5},
        {"sample_psnr": 17.1},
        {"kl": 40.0},
        {"kl": 0.0, "mean_psnr": 60.0},  # one picture, which needs no latents
        {"kl": 0.0},  # darker than the mean picture is
        {
            "real_cost": 1e-3,
            "generated_cost": 1e-3,
        },  # a discriminator ahead, and the pictures as good as ever
        {"discriminator_steps": 0.0},
        {"likeness": 2.4},
        {"likeness": 0.13},
        {"likeness": 0.01, "sample_psnr": 21.1},  # because the pictures are so good
        {"discriminator_steps": 0.02, **WORSE},
    ],
)
def test_what_happens_in_a_good_training_is_none(figures):
    watching = guard()
    assert verdicts(watching, figures) is None
    assert watching.healthy


def test_a_film_that_is_remembered_well_may_be_remembered_less_well_but_not_badly():
    for psnr, step in ((35.0, None), (34.0, 900)):  # 3 dB less, and half of the 15 above 30
        found = verdicts(guard(usual={**WELL, "sample_psnr": 45.0}), {"sample_psnr": psnr})
        assert (found and found[0]) == step


def test_where_a_linear_path_holds_the_picture_up_all_that_was_learned_may_be_less_than_3_db():
    """Of 1.9 dB two thirds are lost at 27.43."""
    for psnr, step in ((27.5, None), (27.4, 1600)):
        found = verdicts(guard(begun=26.8, usual={**WELL, "sample_psnr": 28.7}), {"sample_psnr": psnr})
        assert (found and found[0]) == step


def test_what_has_learned_nothing_when_half_of_the_steps_are_over_will_not():
    nothing = {**WELL, "sample_psnr": 8.9}
    found = verdicts(guard(usual=nothing), nothing, range(600, 10_000, 100))
    assert found == (
        6100,
        "after half of its steps it has learned nothing: 8.9 dB, and a mean picture would have 12.0",
    )
    little = {**WELL, "sample_psnr": 9.1}
    assert verdicts(guard(usual=little), little, range(600, 10_000, 100)) is None
    still = {**WELL, "sample_psnr": 18.0, "mean_psnr": 40.0}
    assert verdicts(guard(usual=still), still, range(600, 10_000, 100)) is None


def test_a_state_is_good_to_come_back_to_only_if_it_is_nearly_the_best():
    watching = guard()
    for psnr, good in ((18.6, True), (18.4, False), (20.0, True), (16.9, False)):
        assert watching.look(600, {**WELL, "sample_psnr": psnr}) is None
        assert watching.good == good
    beside_a_path = guard(begun=26.8, usual={**WELL, "sample_psnr": 28.7})
    for psnr, good in ((28.1, True), (28.0, False)):  # a third of 1.9 dB is lost
        assert beside_a_path.look(600, {**WELL, "sample_psnr": psnr}) is None
        assert beside_a_path.good == good


def test_the_likeness_is_held_against_what_it_usually_is():
    """An untrained discriminator's is no mark."""
    watching = Guard(make_config("tiny"), schedule_steps=10_000)
    for step in range(200, 500, 100):
        assert watching.look(step, {**WELL, "likeness": 0.1}) is None
    for step in range(500, 1500, 100):
        assert watching.look(step, WELL) is None
    assert verdicts(watching, {"likeness": 0.12}, range(1500, 2500, 100))[0] == 1800


def test_features_may_grow():
    watching = guard()
    for look in range(20):
        assert watching.look(600 + 100 * look, {**WELL, "likeness": 0.5 * 1.15**look}) is None
    assert watching.healthy


def test_the_first_steps_set_no_mark():
    watching = Guard(make_config("tiny"), schedule_steps=10_000)
    assert watching.look(100, {**WELL, "sample_psnr": 25.0}) is None  # an even grey, on a flat film
    assert verdicts(watching, {"sample_psnr": 15.0}, range(200, 2000, 100)) is None


def test_a_sign_that_passes_is_forgotten():
    watching = guard()
    assert verdicts(watching, {"sample_psnr": 5.0}, range(600, 900, 100)) is None
    assert not watching.healthy
    assert watching.look(900, WELL) is None
    assert watching.healthy
    assert verdicts(watching, {"sample_psnr": 5.0}, range(1000, 1300, 100)) is None


def test_what_nobody_plays_for_is_not_watched():
    nobody_plays = {"real_cost": 0.0, "generated_cost": 0.0, "discriminator_steps": 0.0, **WORSE}
    assert verdicts(guard(gan_weight=0.0), nobody_plays) is None
    assert verdicts(guard(gamma=0.0, encoder_likeness=0.0), {"likeness": 9.0, **WORSE}) is None


def test_a_guard_goes_on_where_it_stopped():
    first, second = guard(), Guard(make_config("tiny"), schedule_steps=10_000)
    first.look(600, {**WELL, "sample_psnr": 5.0})
    second.from_json(json.dumps({**json.loads(first.to_json()), "of_another_version": 1}))
    assert second.memory == first.memory
    assert verdicts(second, {"sample_psnr": 5.0}, range(700, 1000, 100))[0] == 900


def test_only_weights_better_than_all_before_are_the_best():
    watching = guard()
    assert [watching.best(psnr) for psnr in (18.0, 17.0, 18.0, 19.0)] == [True, False, False, True]


def test_each_rollback_goes_on_differently_and_more_carefully():
    assert seed_after(7, 0) == 7
    assert len({seed_after(seed, rollbacks) for seed in (7, 8) for rollbacks in range(4)}) == 8
    assert seed_after(7, 2) == seed_after(7, 2)
    assert [learning_rate_scale_after(rollbacks) for rollbacks in range(3)] == [1.0, 0.5, 0.25]
