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
    path = LinearPath(config) if config.linear_path else None
    networks = Networks(Encoder(config, path), Decoder(config, path), Discriminator(config))
    width, height = config.size
    frames = tf.zeros((1, height, width, 3))
    # A subclassed model has its variables from its first call on.
    networks.encoder(frames)
    networks.decoder(tf.zeros((1, config.latent_size)))
    networks.discriminator(frames)
    return networks


def parameter_counts(networks: Networks) -> dict[str, int]:
    """Trainable parameters by network: {'encoder': …, 'decoder': …, 'discriminator': …}."""
    return {
        name: sum(int(tf.size(variable)) for variable in network.trainable_variables)
        for name, network in networks._asdict().items()
    }
