"""The three networks together, with their initial weights."""

from typing import NamedTuple

import keras
import tensorflow as tf

from autoencode.config import Config
from autoencode.networks.decoder import Decoder
from autoencode.networks.discriminator import Discriminator
from autoencode.networks.encoder import Encoder
from autoencode.networks.linear_path import LinearPath


class Networks(NamedTuple):
    """The three that learn in unison."""

    encoder: Encoder
    decoder: Decoder
    discriminator: Discriminator


def build_networks(config: Config) -> Networks:
    """Builds the three with weights drawn from `config.seed`: the same seed gives the same weights."""
    keras.utils.set_random_seed(config.seed)
    encoder, decoder = build_autoencoder(config)
    discriminator = Discriminator(config)
    width, height = config.size
    discriminator(tf.zeros((1, height, width, 3)))
    return Networks(encoder, decoder, discriminator)


def build_autoencoder(config: Config, second: bool = False) -> tuple[Encoder, Decoder]:
    """Builds the two that rendering needs, for weights to be restored into.

    Args:
        config: of the run.
        second: those that films are rendered with that were not learned. This encoder sees the luminance
            alone, so that all colour comes from the memory; and it has no linear path, by which another
            film's own look would come through.
    """
    linear_path = LinearPath(config) if config.linear_path else None
    encoder = Encoder(config, colour_blind=True) if second else Encoder(config, linear_path)
    decoder = Decoder(config, linear_path)
    width, height = config.size
    # A subclassed model has its variables from its first call on.
    encoder(tf.zeros((1, height, width, 3)))
    decoder(tf.zeros((1, config.latent_size)))
    return encoder, decoder


def parameter_counts(networks: Networks) -> dict[str, int]:
    """Trainable parameters by network: {'encoder': …, 'decoder': …, 'discriminator': …}."""
    return {
        name: sum(int(tf.size(variable)) for variable in network.trainable_variables)
        for name, network in networks._asdict().items()
    }
