import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from autoencode.config import PRESETS, Config
from autoencode.training.step import METRICS, Trainer

TINY = Config(**{**PRESETS["tiny"], "precision": "float32"})
SILENT = {"kl_weight": 0.0, "encoder_likeness": 0.0, "gamma": 0.0, "gan_weight": 0.0, "pixel_weight": 0.0}


def batch(seed=0):
    return tf.cast(tf.random.stateless_uniform((4, 32, 32, 3), (seed, 0), 0, 256, tf.int32), tf.uint8)


def zeros():
    return tf.zeros(len(METRICS))


def moved_by(**fields):
    """Which networks' variables get a gradient when only these terms speak."""
    trainer = Trainer(dataclasses.replace(TINY, **{**SILENT, **fields}), noise_steps=10)
    gradients, _ = trainer.gradients(batch())
    return {
        name
        for name, of in gradients._asdict().items()
        if any(float(tf.reduce_max(tf.abs(g))) > 0 for g in of)
    }


@pytest.mark.parametrize("balance", [False, True])
@pytest.mark.parametrize("likeness", ["squared", "relative"])
def test_each_loss_reaches_its_networks_and_no_other(balance, likeness):
    kind = {"balance_gradients": balance, "likeness": likeness}
    assert moved_by(**kind) == set()
    assert moved_by(kl_weight=1.0, **kind) == {"encoder"}
    assert moved_by(encoder_likeness=1.0, **kind) == {"encoder"}
    assert moved_by(gamma=2.5, **kind) == {"decoder"}
    assert moved_by(gan_weight=1.0, **kind) == {"decoder", "discriminator"}
    assert moved_by(pixel_weight=1.0, **kind) == {"encoder", "decoder"}


def test_every_trainable_variable_learns_from_the_published_objective():
    """The 2016 code's cross-wired lists left the decoder at its random weights: pink noise."""
    trainer = Trainer(TINY, noise_steps=10)
    gradients, _ = trainer.gradients(batch())
    for network, of in zip(trainer.networks, gradients, strict=True):
        for variable, gradient in zip(network.trainable_variables, of, strict=True):
            assert gradient is not None, variable.path
            # A bias in front of batch normalisation is taken out again by it: only rounding is left.
            if "bias" not in variable.path:
                assert float(tf.reduce_max(tf.abs(gradient))) > 0, variable.path


def test_the_decoders_gradient_is_gamma_likeness_minus_gan():
    """Worked out again the plain way: each network's whole loss, differentiated by its own variables."""
    from autoencode.networks.pixels import to_float
    from autoencode.training import losses

    config = dataclasses.replace(TINY, noise_start=0.0, pixel_weight=0.5)
    trainer = Trainer(config, noise_steps=10)
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
        pixel = losses.pixel_difference(real, reconstruction)
        gan = losses.gan_loss(*verdicts) / 6 / 4
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
        dataclasses.replace(TINY, gate_equilibrium=equilibrium, gate_margin=0.0), noise_steps=10
    )
    before = {
        n: [v.numpy() for v in net.trainable_variables] for n, net in trainer.networks._asdict().items()
    }
    totals = dict(zip(METRICS, trainer.train_step(batch(), zeros()).numpy(), strict=True))
    for name, network in trainer.networks._asdict().items():
        moved = any(
            np.any(v.numpy() != old) for v, old in zip(network.trainable_variables, before[name], strict=True)
        )
        assert moved == (name != still), name
    assert totals["decoder_steps"] == (still != "decoder")
    assert totals["discriminator_steps"] == (still != "discriminator")
    assert int(trainer.step) == 1


def test_balanced_shares_are_the_weights():
    config = dataclasses.replace(TINY, balance_gradients=True, pixel_weight=1.0, gamma=1.0, gan_weight=0.5)
    _, metrics = Trainer(config, noise_steps=10).gradients(batch())
    shares = [float(metrics[f"{term}_share"]) for term in ("pixel", "likeness", "gan")]
    assert shares == pytest.approx([0.4, 0.4, 0.2], rel=1e-4)


def test_totals_add_up_over_steps():
    trainer = Trainer(TINY, noise_steps=3)
    totals = zeros()
    for seed in range(3):
        totals = trainer.train_step(batch(seed), totals)
    summed = dict(zip(METRICS, totals.numpy(), strict=True))
    assert summed["noise"] == pytest.approx(1.0 + 0.5 + 0.0)


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_follows_float32(precision):
    """Losses, weights and optimisers stay float32; the gradients agree but for rounding."""
    exact, _ = Trainer(TINY, noise_steps=10).gradients(batch())
    trainer = Trainer(dataclasses.replace(TINY, precision=precision), noise_steps=10)
    rough, metrics = trainer.gradients(batch())
    if precision == "mixed_float16":
        # Its loss scales come down to what float16 can hold in the first steps, which change no weight.
        for optimizer in trainer.optimizers:
            optimizer.dynamic_scale.assign(1024.0)
        rough, metrics = trainer.gradients(batch())
    assert {metric.dtype for metric in metrics.values()} == {tf.float32}
    assert {variable.dtype for network in trainer.networks for variable in network.trainable_variables} == {
        "float32"
    }
    for optimizer, ours, theirs in zip(trainer.optimizers, rough, exact, strict=True):
        scale = float(optimizer.scale_loss(tf.constant(1.0)))
        ours = np.concatenate([np.ravel(g) for g in ours]) / scale
        theirs = np.concatenate([np.ravel(g) for g in theirs])
        cosine = ours @ theirs / np.linalg.norm(ours) / np.linalg.norm(theirs)
        assert cosine > 0.98
        assert np.linalg.norm(ours) == pytest.approx(np.linalg.norm(theirs), rel=0.1)


def test_float16_finds_its_loss_scale_and_learns():
    trainer = Trainer(dataclasses.replace(TINY, precision="mixed_float16"), noise_steps=10)
    for seed in range(8):
        totals = trainer.train_step(batch(seed), zeros())
    assert np.isfinite(totals).all()
    assert all(int(optimizer.inner_optimizer.iterations) > 0 for optimizer in trainer.optimizers)
    assert all(np.isfinite(v).all() for network in trainer.networks for v in network.variables)
