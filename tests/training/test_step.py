import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from autoencode.config import make_config
from autoencode.networks.pixels import to_float
from autoencode.training import losses, step
from autoencode.training.components import principal_components
from autoencode.training.loss_scale import LossScale
from autoencode.training.precision import resolve
from autoencode.training.step import Trainer

TINY = make_config("tiny", precision="float32")
SILENT = {"kl_weight": 0.0, "encoder_likeness": 0.0, "gamma": 0.0, "gan_weight": 0.0, "pixel_weight": 0.0}


@pytest.fixture(scope="module", autouse=True)
def _eagerly():
    """A graph takes longer to draw than a few steps need; what is trained through one: test_resume.py."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def batch(seed=0):
    return tf.cast(tf.random.stateless_uniform((4, 32, 32, 3), (seed, 0), 0, 256, tf.int32), tf.uint8)


def moved_by(**fields):
    """Which networks' variables get a gradient when only these terms speak."""
    trainer = Trainer(dataclasses.replace(TINY, **{**SILENT, **fields}), schedule_steps=10)
    gradients, _ = trainer.gradients(batch())
    return {
        name
        for name, of in gradients._asdict().items()
        if any(float(tf.reduce_max(tf.abs(g))) > 0 for g in of or [])
    }


@pytest.mark.parametrize(
    ("balance", "likeness"),
    [
        (False, "squared"),
        (True, "relative"),
        pytest.param(False, "relative", marks=pytest.mark.slow),
        pytest.param(True, "squared", marks=pytest.mark.slow),
    ],
)
def test_each_loss_reaches_its_networks_and_no_other(balance, likeness):
    kind = {"balance_gradients": balance, "likeness": likeness}
    assert moved_by(**kind) == set()
    assert moved_by(kl_weight=1.0, **kind) == {"encoder"}
    assert moved_by(encoder_likeness=1.0, **kind) == {"encoder"}
    assert moved_by(gamma=2.5, **kind) == {"decoder"}
    assert moved_by(gan_weight=1.0, **kind) == {"decoder", "discriminator"}
    assert moved_by(pixel_weight=1.0, **kind) == {"encoder", "decoder"}


def test_the_seed_decides_what_a_training_begins_with():
    ours, again, other = (
        Trainer(dataclasses.replace(TINY, seed=seed), schedule_steps=10).networks for seed in (0, 0, 1)
    )
    for network, same, different in zip(ours, again, other, strict=True):
        for one, two, three in zip(network.weights, same.weights, different.weights, strict=True):
            np.testing.assert_array_equal(one, two)
            assert one.path.rsplit("/", 1)[-1] != "kernel" or np.any(one != three), one.path


def test_every_trainable_variable_learns_from_the_published_objective():
    """The 2016 code's cross-wired lists left the decoder at its random weights: pink noise."""
    trainer = Trainer(TINY, schedule_steps=10)
    gradients, _ = trainer.gradients(batch())
    for network, of in zip(trainer.networks, gradients, strict=True):
        for variable, gradient in zip(network.trainable_variables, of, strict=True):
            assert gradient is not None, variable.path
            # A bias in front of batch normalisation is taken out again by it: only rounding is left.
            if "bias" not in variable.path:
                assert float(tf.reduce_max(tf.abs(gradient))) > 0, variable.path


def test_the_decoders_gradient_is_gamma_likeness_minus_gan():
    """Worked out again the plain way: each network's whole loss, differentiated by its own variables."""
    config = dataclasses.replace(TINY, noise_start=0.0, pixel_weight=0.5)
    trainer = Trainer(config, schedule_steps=10)
    encoder, decoder, discriminator = trainer.networks
    ours, _ = trainer.gradients(batch())
    _, prior_latents = trainer._draw(tf.constant(4))
    with tf.GradientTape(persistent=True) as tape:
        real = to_float(batch())
        posterior = encoder(real, training=True)
        reconstruction = decoder(posterior.mean, training=True)
        prior = decoder(prior_latents, training=True, track=False)
        verdicts = [discriminator(x) for x in (real, reconstruction, prior)]
        likeness = losses.learned_similarity(verdicts[0], verdicts[1], "squared")
        pixel = losses.pixel_difference(real, reconstruction, "absolute")
        gan = losses.gan_loss(verdicts[0].logits, [verdict.logits for verdict in verdicts[1:]]) / 6 / 4
        encoder_loss = losses.kl_divergence(posterior) + likeness + 0.5 * pixel
        decoder_loss = 2.5 * likeness + 0.5 * pixel - gan
    plain = (
        tape.gradient(encoder_loss, encoder.trainable_variables),
        tape.gradient(decoder_loss, decoder.trainable_variables),
        tape.gradient(gan, discriminator.trainable_variables),
    )
    for mine, theirs in zip(ours, plain, strict=True):
        for a, b in zip(mine, theirs, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-5)


@pytest.mark.parametrize(
    ("equilibrium", "still"),
    [
        (0.0, "decoder"),
        (5.0, "discriminator"),
    ],  # the costs are near 0.7: too high for the one, too low for the other
)
def test_who_sits_out_keeps_its_weights(equilibrium, still):
    trainer = Trainer(
        dataclasses.replace(TINY, gate_equilibrium=equilibrium, gate_margin=0.0), schedule_steps=10
    )
    before = {
        n: [v.numpy() for v in net.trainable_variables] for n, net in trainer.networks._asdict().items()
    }
    trainer.train_step(batch())
    means = trainer.take_means()
    for name, network in trainer.networks._asdict().items():
        moved = any(
            np.any(v.numpy() != old) for v, old in zip(network.trainable_variables, before[name], strict=True)
        )
        assert moved == (name != still), name
    assert means["decoder_steps"] == (still != "decoder")
    assert means["discriminator_steps"] == (still != "discriminator")
    assert int(trainer.step) == 1


def test_balanced_shares_are_the_weights():
    config = dataclasses.replace(TINY, balance_gradients=True, pixel_weight=1.0, gamma=1.0, gan_weight=0.5)
    _, metrics = Trainer(config, schedule_steps=10).gradients(batch())
    shares = [float(metrics[f"{term}_share"]) for term in ("pixel", "likeness", "gan")]
    assert shares == pytest.approx([0.4, 0.4, 0.2], rel=1e-4)


def test_means_are_those_of_the_steps_since_the_last():
    trainer = Trainer(TINY, schedule_steps=5)
    for steps, mean_noise in ((3, (1.0 + 0.75 + 0.5) / 3), (2, (0.25 + 0.0) / 2)):
        for seed in range(steps):
            trainer.train_step(batch(seed))
        assert trainer.take_means()["noise"] == pytest.approx(mean_noise)


def everything(trainer):
    """All that learns or is averaged."""
    owners = [*trainer.networks, *trainer.optimizers]
    return [variable.numpy() for owner in owners for variable in owner.variables]


def test_a_step_that_is_not_finite_reaches_no_weight_and_no_moving_average(monkeypatch):
    poison = tf.Variable(1.0)
    monkeypatch.setattr(step, "to_float", lambda frames: to_float(frames) * poison)
    trainer = Trainer(TINY, schedule_steps=10)
    trainer.train_step(batch(0))
    before = everything(trainer)
    poison.assign(float("nan"))
    trainer.train_step(batch(1))
    for ours, theirs in zip(everything(trainer), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    poison.assign(1.0)
    trainer.train_step(batch(2))
    assert all(np.isfinite(values).all() for values in everything(trainer))
    means = trainer.take_means()
    assert means["skipped"] == pytest.approx(1 / 3)
    assert means["noise"] == pytest.approx((1.0 + 7 / 9) / 2)  # of the two steps that counted
    assert int(trainer.step) == 3


def test_learning_rates_fall_along_half_a_cosine_and_with_their_scale():
    trainer = Trainer(dataclasses.replace(TINY, learning_rate=8e-4, learning_rate_end=0.5), schedule_steps=3)
    rates = []
    for seed in range(4):
        trainer.train_step(batch(seed))
        rates.append(trainer.take_means()["learning_rate"])
    assert rates == pytest.approx([8e-4, 6e-4, 4e-4, 4e-4])
    trainer.learning_rate_scale.assign(0.5)
    assert float(trainer.optimizers.decoder.learning_rate) == pytest.approx(2e-4)


def test_without_likeness_and_game_the_discriminator_is_left_alone():
    config = dataclasses.replace(TINY, **{**SILENT, "pixel_weight": 1.0, "pixel_loss": "squared"})
    trainer = Trainer(config, schedule_steps=10)
    gradients, metrics = trainer.gradients(batch())
    assert gradients.discriminator is None
    assert float(metrics["pixel_share"]) == pytest.approx(1.0)
    before = trainer.networks.discriminator.variables[0].numpy()
    trainer.train_step(batch())
    np.testing.assert_array_equal(trainer.networks.discriminator.variables[0], before)
    assert trainer.take_means()["discriminator_steps"] == 0


@pytest.mark.parametrize("equilibrium", [0.0, 5.0])
def test_where_nobody_plays_nobody_sits_out(equilibrium):
    fields = {"gate_equilibrium": equilibrium, "gate_margin": 0.0, "decoder_gan": 0.0}
    trainer = Trainer(dataclasses.replace(TINY, **fields), schedule_steps=10)
    trainer.train_step(batch())
    means = trainer.take_means()
    assert (means["decoder_steps"], means["discriminator_steps"]) == (1, 1)


def test_as_run_the_encoder_learned_the_game_and_the_decoder_only_likeness():
    silent = {**SILENT, "encoder_gan": 1.0, "decoder_gan": 0.0}
    assert moved_by(**{**silent, "gan_weight": 1.0}) == {"encoder", "discriminator"}
    as_run = make_config("tiny", recipe="as_run", precision="float32")
    assert (as_run.kl_weight, as_run.encoder_likeness, as_run.gamma) == (0.0, 2.5, 1.0)
    assert (as_run.encoder_gan, as_run.decoder_gan) == (1.0, 0.0)


@pytest.mark.parametrize("prior", ["normal", "none"])
def test_the_game_can_be_played_with_reconstructions_alone(prior):
    config = dataclasses.replace(TINY, prior=prior, gate_equilibrium=0.7, gate_margin=100.0)
    _, metrics = Trainer(config, schedule_steps=10).gradients(batch())
    # Two or three costs, each about ln 2 before anything is learned.
    costs = {"normal": 3, "none": 2}[prior]
    assert float(metrics["gan"]) == pytest.approx(costs * np.log(2), rel=0.2)


@pytest.mark.parametrize("linear_path", [False, True])
@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_follows_float32(precision, linear_path):
    """Losses, weights and optimisers stay float32; the gradients agree but for rounding."""
    config = dataclasses.replace(TINY, linear_path=linear_path)
    trainers = [
        Trainer(dataclasses.replace(config, precision=kind), schedule_steps=10)
        for kind in ("float32", precision)
    ]
    if linear_path:
        components = principal_components(batch().numpy, [range(4)], TINY.latent_size)
        for trainer in trainers:
            trainer.networks.encoder.linear_path.assign(components)
    # A processor that has no bfloat16, where `auto` would not choose it, comes to 0.979.
    least = 0.97 if precision == "mixed_bfloat16" and resolve("auto") != precision else 0.98
    exact, _ = trainers[0].gradients(batch())
    trainer = trainers[1]
    rough, metrics = trainer.gradients(batch())
    if precision == "mixed_float16":
        # Its loss scale comes down to what float16 can hold in the first steps, which change no weight.
        for _ in range(5):
            trainer.loss_scale.update(tf.constant(False))
        rough, metrics = trainer.gradients(batch())
    assert {metric.dtype for metric in metrics.values()} == {tf.float32}
    assert {variable.dtype for network in trainer.networks for variable in network.trainable_variables} == {
        "float32"
    }
    for ours, theirs in zip(rough, exact, strict=True):
        ours = np.concatenate([np.ravel(trainer.loss_scale.down(g)) for g in ours])
        theirs = np.concatenate([np.ravel(g) for g in theirs])
        cosine = ours @ theirs / np.linalg.norm(ours) / np.linalg.norm(theirs)
        assert cosine > least
        assert np.linalg.norm(ours) == pytest.approx(np.linalg.norm(theirs), rel=0.1)


@pytest.mark.parametrize(
    ("equilibrium", "still"),
    [
        (0.0, "decoder"),
        pytest.param(0.68, None, marks=pytest.mark.slow),
        pytest.param(5.0, "discriminator", marks=pytest.mark.slow),
    ],
)
def test_float16_finds_its_loss_scale_and_learns_whoever_sits_out(equilibrium, still):
    fields = {"precision": "mixed_float16", "gate_equilibrium": equilibrium, "gate_margin": 0.35}
    trainer = Trainer(dataclasses.replace(TINY, **fields), schedule_steps=10)
    for seed in range(30):
        trainer.train_step(batch(seed))
    assert trainer.take_means()["skipped"] < 0.5
    for name, optimizer in trainer.optimizers._asdict().items():
        assert (int(optimizer.iterations) == 0) == (name == still), name
    assert all(np.isfinite(v).all() for network in trainer.networks for v in network.variables)


def test_the_loss_scale_is_halved_by_an_overflow_and_doubled_after_two_thousand_sound_steps():
    scale = LossScale(dataclasses.replace(TINY, precision="mixed_float16"))
    scales = []
    for sound in [False] + 2000 * [True]:
        scale.update(tf.constant(sound))
        scales.append(float(scale.up(tf.constant(1.0))))
    assert (scales[0], scales[-2], scales[-1]) == (16384.0, 16384.0, 32768.0)
    assert float(scale.down(tf.constant(32768.0))) == 1.0
