import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from autoencode.config import Config, make_config
from autoencode.networks.build import build_networks, parameter_counts
from autoencode.networks.layers import ResizedConvolution, RmsNorm, head

TINY = make_config("tiny", precision="float32")


def frames(count=4, size=(32, 32), seed=0):
    return tf.random.stateless_uniform((count, size[1], size[0], 3), (seed, 0), -1.0, 1.0)


def test_at_the_paper_preset_the_parameter_counts_are_those_of_2016():
    networks = build_networks(make_config("paper", precision="float32"))
    assert parameter_counts(networks) == {
        "encoder": 43_593_840,
        "decoder": 25_253_123,
        "discriminator": 6_821_601,
    }


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"patch_discriminator": True},
        {"normalization": "rms", "upsampling": "resized"},
        {"linear_path": True},
    ],
)
def test_shapes_and_types_at_any_size(precision, changed):
    config = dataclasses.replace(TINY, size=(48, 32), precision=precision, **changed)
    encoder, decoder, discriminator = build_networks(config)
    posterior = encoder(frames(2, (48, 32)))
    assert posterior.mean.shape == posterior.log_variance.shape == (2, 8)
    assert posterior.mean.dtype == posterior.log_variance.dtype == tf.float32
    pictures = decoder(posterior.mean)
    assert pictures.shape == (2, 32, 48, 3)
    assert pictures.dtype == tf.float32
    verdict = discriminator(pictures)
    assert verdict.logits.shape == ((2, 2, 3, 1) if config.patch_discriminator else (2, 1))
    assert [layer.shape[1:] for layer in verdict.activations] == [
        (16, 24, 4),
        (8, 12, 8),
        (4, 6, 16),
        (2, 3, 32),
    ]
    assert {layer.dtype for layer in verdict.activations} | {verdict.logits.dtype} == {tf.float32}


def test_a_resized_convolution_is_one_of_repeated_pixels():
    layer = ResizedConvolution(5, keras.initializers.RandomNormal(seed=0), keras.DTypePolicy("float32"))
    small = tf.random.stateless_normal((2, 3, 4, 7), (0, 0))
    enlarged = layer(small)
    layer.bias.assign(tf.range(5.0))
    plain = tf.nn.conv2d(tf.repeat(tf.repeat(small, 2, 1), 2, 2), layer.kernel.value, 1, "SAME")
    np.testing.assert_allclose(enlarged, plain, atol=1e-5)
    np.testing.assert_allclose(layer(small) - enlarged, np.broadcast_to(range(5), plain.shape), atol=1e-5)


def test_rms_normalisation_by_hand():
    layer = RmsNorm()
    pixel = tf.constant([[[[3.0, -3.0, 3.0, 3.0], [0.0, 2.0, 0.0, 0.0]]]])
    expected = [[[[1.0, -1.0, 1.0, 1.0], [0.0, 2.0, 0.0, 0.0]]]]
    np.testing.assert_allclose(layer(pixel), expected, atol=1e-3)
    layer.gamma.assign([2.0, 1.0, 1.0, 1.0])
    layer.beta.assign([0.5, 0.0, 0.0, 0.0])
    np.testing.assert_allclose(layer(pixel, training=True)[0, 0, 0], [2.5, -1.0, 1.0, 1.0], atol=1e-3)


def test_rms_normalisation_in_float16_of_what_has_no_square_there():
    layer = RmsNorm(dtype="mixed_float16")
    np.testing.assert_allclose(layer(tf.fill((1, 1, 1, 4), 300.0)), np.ones((1, 1, 1, 4)), rtol=1e-3)


def test_with_rms_rendering_is_what_was_trained():
    _, decoder, _ = build_networks(dataclasses.replace(TINY, normalization="rms"))
    latents = tf.random.stateless_normal((4, 8), (0, 0))
    np.testing.assert_array_equal(decoder(latents, training=True), decoder(latents))
    assert not decoder.non_trainable_variables


def test_a_squashed_variance_is_bounded_and_the_mean_is_not():
    config = dataclasses.replace(TINY, squash_latent="variance", initializer="glorot")
    posterior = build_networks(config).encoder(1000 * frames())
    assert np.abs(posterior.log_variance).max() <= 4
    assert np.abs(posterior.mean).max() > 4


def test_a_frames_picture_does_not_depend_on_its_neighbours():
    encoder, decoder, _ = build_networks(TINY)
    for _ in range(3):  # let the moving averages be something
        decoder(encoder(frames(), training=True).mean, training=True)
    ours, others = frames(1, seed=1), frames(3, seed=2)

    def picture(batch):
        return decoder(encoder(batch).mean)[0].numpy()

    in_company = picture(tf.concat([ours, others], 0))
    np.testing.assert_array_equal(in_company, picture(tf.concat([ours, -others], 0)))
    np.testing.assert_allclose(in_company, picture(ours), atol=1e-5)


def test_only_tracked_passes_move_the_decoders_averages():
    _, decoder, _ = build_networks(TINY)
    latents = tf.random.stateless_normal((4, 8), (0, 0))
    averages = [variable for variable in decoder.non_trainable_variables if "moving" in variable.path]
    assert len(averages) == 8
    before = [variable.numpy() for variable in averages]
    decoder(latents, training=True, track=False)
    for variable, value in zip(averages, before, strict=True):
        np.testing.assert_array_equal(variable, value)
    decoder(latents, training=True)
    for variable, value in zip(averages, before, strict=True):
        assert np.abs(variable - value).max() > 0


def test_squashed_heads_keep_the_deviation_between_0_78_and_1_28():
    squashed = build_networks(dataclasses.replace(TINY, squash_latent="both")).encoder
    posterior = squashed(1000 * frames())
    deviation = tf.exp(0.5 * posterior.log_variance).numpy()
    assert np.abs(posterior.mean).max() <= 1
    assert deviation.min() >= 0.778
    assert deviation.max() <= 1.285


@pytest.mark.parametrize("initializer", ["normal", "glorot"])
@pytest.mark.parametrize("inputs", [4608, 4 * 4608])
def test_a_head_begins_and_moves_alike_whatever_the_number_of_its_inputs(inputs, initializer):
    """As one of 4,608 inputs: deviation 0.02·√4608 = 1.36, and a step of Adam moves it 4,608 weights far."""
    keras.utils.set_random_seed(0)
    layer = head(dataclasses.replace(TINY, initializer=initializer), 200)
    noise = tf.random.stateless_normal((64, inputs), (0, 0))
    assert layer(noise).numpy().std() == pytest.approx(1.36, rel=0.05)
    ones = tf.ones((1, inputs))
    before = layer(ones).numpy()
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(ones))
    variables = layer.trainable_variables
    keras.optimizers.Adam(1e-3).apply(tape.gradient(loss, variables), variables)
    np.testing.assert_allclose(before - layer(ones).numpy(), 1e-3 * (4608 + 1), rtol=1e-2)


def test_initial_weights_have_the_deviation_of_2016():
    """But for heads of more inputs than these have: above."""
    networks = build_networks(Config(size=(32, 32), width=32, precision="float32"))
    kernels = [v.numpy() for n in networks for v in n.trainable_variables if v.path.endswith("kernel")]
    # A normal truncated at two deviations keeps 0.88 of its deviation.
    for kernel in kernels:
        assert kernel.std() == pytest.approx(0.02, rel=0.2)
