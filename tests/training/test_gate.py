import pytest
import tensorflow as tf

from autoencode.config import Config, make_config
from autoencode.training.gate import gate


@pytest.mark.parametrize(
    ("real", "generated", "decoder", "discriminator"),
    [
        (0.68, 0.68, True, True),
        (0.30, 0.68, True, False),  # too good at real frames
        (0.68, 0.30, True, False),  # too good at generated ones
        (1.10, 0.68, False, True),  # too bad at real frames
        (0.68, 1.10, False, True),
        (0.30, 1.10, True, True),  # both would sit out: both step
    ],
)
def test_larsens_gate(real, generated, decoder, discriminator):
    who = gate(Config(), tf.constant(real), tf.constant(generated))
    assert (bool(who.decoder), bool(who.discriminator)) == (decoder, discriminator)


@pytest.mark.parametrize("real", [1e-3, 20.0])
def test_as_run_nobody_sat_out(real):
    who = gate(make_config("paper", recipe="as_run"), tf.constant(real), tf.constant(0.68))
    assert (bool(who.decoder), bool(who.discriminator)) == (True, True)
