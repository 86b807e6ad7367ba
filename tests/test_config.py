import json

import pytest

from autoencode.config import PRESETS, RECIPES, Config, make_config, preset_for
from autoencode.errors import UserError
from autoencode.frame_size import parse_size


def test_a_config_survives_json():
    config = Config(size=(96, 64), width=24, squash_latent="both", precision="float32")
    assert Config.from_json(json.loads(json.dumps(config.to_json()))) == config


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_a_valid_config(preset):
    make_config(preset)


def test_the_paper_preset_is_the_published_system():
    config = make_config("paper")
    assert (config.size, config.width, config.latent_size) == ((256, 144), 80, 200)
    assert (config.batch_size, config.epochs, config.learning_rate, config.beta1) == (12, 6, 2e-4, 0.5)
    assert config.squash_latent == "none"
    small = make_config("paper-small")
    assert (small.size, small.width, small.batch_size) == ((96, 64), 80, 64)


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("preset", PRESETS)
def test_any_recipe_goes_with_any_preset(preset, recipe):
    config = make_config(preset, recipe=recipe)
    assert config.recipe == recipe
    assert config.width == make_config(preset).width


def test_the_demo_is_refined_and_the_paper_is_as_published():
    assert make_config("demo").recipe == "refined"
    assert make_config("demo").likeness == "relative"
    assert make_config("paper").recipe == make_config("paper-small").recipe == "published"
    assert make_config("demo", recipe="published").likeness == "squared"
    assert make_config("demo", likeness="squared").likeness == "squared"


def test_a_linear_path_and_bounded_latents_exclude_each_other():
    with pytest.raises(UserError, match="not with --squash_latent=both"):
        make_config("demo", squash_latent="both")


def test_an_unknown_recipe_is_refused():
    with pytest.raises(UserError, match="--recipe=secret: choose one of published, as_run, refined"):
        make_config("demo", recipe="secret")


def test_the_size_of_the_frames_decides_the_preset():
    assert preset_for((256, 144)) == "paper"
    assert preset_for((96, 64)) == "paper-small"
    assert preset_for((128, 128)) == "paper"


@pytest.mark.parametrize(
    "text", ["97x64", "0x0", "96", "96x", "x64", "96x64x3", "-96x64", "96.0x64", "٩٦x64"]
)
def test_a_bad_size_is_refused_in_one_line(text):
    with pytest.raises(UserError, match="--size="):
        parse_size(text)


def test_a_size_is_width_then_height():
    assert parse_size("256x144") == (256, 144)


@pytest.mark.parametrize(
    "field",
    [
        {"batch_size": 0},
        {"learning_rate": 0.0},
        {"likeness": "exact"},
        {"norm_momentum": 1.0},
        {"noise_end": -1.0},
    ],
)
def test_a_config_that_cannot_be_trained_names_the_field(field):
    with pytest.raises(UserError, match="--" + next(iter(field))):
        Config(**field)
