"""A second encoder for films that were not learned, taught beside a trained run, and what it makes of them.

    python experiments/second_encoder.py RUN FILM … --steps=2000 [--sheet=sheet.png]

The run keeps its own encoder; its decoder is copied, and stays as it is unless `--decoder` says otherwise.
The second encoder is shown two kinds of pictures. Half are own frames, disturbed: the decoder's picture is
compared with the undisturbed frame, and the latents with those of the first encoder. The others are
rearranged, and nobody can say what they should become: asked are the layout (correlation of the luminance at
a quarter of the sides) and, of all pictures, that a discriminator takes them for the film. Nothing is written
into the run; at the end come the figures of `benchmarks/transfer.py`. What was found: experiments/recipes.md.
"""

import argparse
import json
import math
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))
import transfer

from autoencode.dataset.catalogue import find
from autoencode.pictures import pairs, png
from autoencode.progress import bar
from autoencode.quiet import quiet
from autoencode.run import Run, find_trained_run

with quiet():
    import keras
    import tensorflow as tf

    from autoencode.dataset.pipeline import training_batches
    from autoencode.dataset.shots import find_shots
    from autoencode.networks.build import build_networks
    from autoencode.networks.encoder import Encoder
    from autoencode.networks.pixels import to_float, to_uint8
    from autoencode.training import losses
    from autoencode.training.checkpoints import restore_origin
    from autoencode.training.disturbances import disturb, luminance, rearrange
    from autoencode.training.noise import schedule

BATCH = 8
"""Own frames in a step, and as many rearranged ones."""

SHOWN = 6


class SecondEncoder:
    """The second encoder while it learns.

    Args:
        run: whose networks.
        asked: the weights of the losses, and the steps.
    """

    def __init__(self, run: Run, asked: argparse.Namespace) -> None:
        self._asked, self._run = asked, run
        self._networks = build_networks(run.config)
        restore_origin(run.as_origin(keeps_linear_path=True), self._networks)
        keras.utils.set_random_seed(asked.seed)
        self._encoder = Encoder(replace(run.config, linear_path=False))
        width, height = run.config.size
        self._encoder(tf.zeros((1, height, width, 3)))
        self._step = tf.Variable(0, dtype=tf.int64)
        learning = (self._encoder, self._networks.discriminator, self._networks.decoder)
        factors = (1.0, 1.0, asked.decoder)
        self._learners = [
            (
                network,
                keras.optimizers.Adam(_Falling(self._step, factor * asked.learning_rate, asked.steps), 0.5),
            )
            for network, factor in zip(learning, factors, strict=True)
            if factor
        ]
        for network, optimizer in self._learners:
            optimizer.build(network.trainable_variables)
        signature = [tf.TensorSpec((None, height, width, 3), tf.uint8)]
        self._graph = tf.function(self._reconstruct, input_signature=signature, autograph=False)

    def learn(self) -> None:
        """All of its steps."""
        dataset, seed, epoch = find(Path("data"), self._run.dataset), self._asked.seed, 0
        with bar(self._asked.steps, "second encoder", "step") as progress:
            while self._step < self._asked.steps:
                for frames in training_batches(dataset, 2 * BATCH, seed, epoch):
                    self._learn_from(frames)
                    progress.update()
                    if self._step >= self._asked.steps:
                        break
                epoch += 1

    def __call__(self, frames: np.ndarray) -> np.ndarray:
        """(batch, height, width, 3) uint8 → the same, as the decoder shows them."""
        return self._graph(frames).numpy()

    @tf.function(autograph=False)
    def _learn_from(self, frames: tf.Tensor) -> None:
        asked, (first, decoder, discriminator) = self._asked, self._networks
        seed = tf.stack([tf.constant(asked.seed, tf.int64), self._step])
        film = to_float(frames)
        own, others = film[:BATCH], rearrange(film[BATCH:], tf.random.fold_in(seed, 0))
        others = disturb(others, tf.random.fold_in(seed, 1))
        shown = tf.concat([disturb(own, tf.random.fold_in(seed, 2)), others], axis=0)
        latents = first(own).mean
        with tf.GradientTape(persistent=True) as tape:
            found = self._encoder(shown, training=True).mean
            pictures = decoder(found)
            loss = tf.reduce_mean(tf.abs(pictures[:BATCH] - own))
            loss += asked.latents * tf.reduce_mean(tf.square(found[:BATCH] - latents))
            loss += asked.layout * (1.0 - tf.reduce_mean(_correlation(pictures[BATCH:], others)))
            verdict, of_film = discriminator(pictures), discriminator(film)
            loss += asked.game * losses.real_cost(verdict.logits)
            both = type(verdict)(verdict.logits, tuple(layer[:BATCH] for layer in verdict.activations))
            real = type(verdict)(of_film.logits, tuple(layer[:BATCH] for layer in of_film.activations))
            loss += asked.likeness * losses.learned_similarity(real, both, "relative")
            game = losses.gan_loss(of_film.logits, [verdict.logits])
        for network, optimizer in self._learners:
            target = game if network is discriminator else loss
            variables = [variable.value for variable in network.trainable_variables]
            none = tf.UnconnectedGradients.ZERO  # of the log-variance
            gradients = tape.gradient(target, variables, unconnected_gradients=none)
            optimizer.apply(gradients, network.trainable_variables)
        self._step.assign_add(1)

    def _reconstruct(self, frames: tf.Tensor) -> tf.Tensor:
        return to_uint8(self._networks.decoder(self._encoder(to_float(frames)).mean))


class _Falling(keras.optimizers.schedules.LearningRateSchedule):
    """Half a cosine to a twentieth."""

    def __init__(self, step: tf.Variable, rate: float, steps: int) -> None:
        self._step, self._rate, self._steps = step, rate, steps

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        falling = 0.5 + 0.5 * tf.cos(math.pi * schedule(self._step, self._steps))
        return self._rate * (0.05 + 0.95 * falling)


def _correlation(one: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
    """Of the luminance averaged over squares of 4×4 pixels: (batch,)."""
    small = [tf.nn.avg_pool2d(luminance(pictures), 4, 4, "VALID") for pictures in (one, other)]
    x, y = (image - tf.reduce_mean(image, axis=(1, 2, 3), keepdims=True) for image in small)
    energy = tf.reduce_sum(x * x, axis=(1, 2, 3)) * tf.reduce_sum(y * y, axis=(1, 2, 3))
    return tf.reduce_sum(x * y, axis=(1, 2, 3)) / (tf.sqrt(energy) + 1e-4)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run")
    parser.add_argument("films", nargs="*")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--learning_rate", type=float, default=6e-4)
    parser.add_argument("--latents", type=float, default=0.02, help="weight of the difference of latents")
    parser.add_argument("--layout", type=float, default=0.1, help="weight of the layout")
    parser.add_argument("--game", type=float, default=0.03, help="weight of the game with the discriminator")
    parser.add_argument("--likeness", type=float, default=0.0, help="weight of the learned similarity")
    parser.add_argument("--decoder", type=float, default=0.0, help="learning rate of the decoder, as a share")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sheet", type=Path, help="a PNG to write: frames above what became of them")
    return parser.parse_args()


def main() -> None:
    """Teaches it, measures it, and shows it."""
    asked = _arguments()
    run = find_trained_run(asked.run)
    second = SecondEncoder(run, asked)
    second.learn()
    own = transfer.own_frames(run.dataset)
    print(json.dumps({"film": run.dataset, **transfer.from_grey(own, second)}), flush=True)
    chosen = np.linspace(0, len(own) - 1, SHOWN + 2).astype(int)[1:-1]
    above = [transfer.grey(own[chosen])]
    for path in asked.films:
        frames = transfer.film_frames(path, run.config.size)
        output = transfer.reconstructed(frames, second)
        places = np.linspace(0, len(frames) - 1, min(transfer.SAMPLED, len(frames))).astype(int)
        figures = transfer.measure(own, frames[places], output[places])
        figures["flicker"] = round(transfer.flicker(frames, output, find_shots(frames)), 3)
        print(json.dumps({"film": Path(path).name, **figures}), flush=True)
        above.append(frames[np.linspace(0, len(frames) - 1, SHOWN + 2).astype(int)[1:-1]])
    if asked.sheet:
        frames = np.concatenate(above)
        asked.sheet.write_bytes(png(pairs(frames, transfer.reconstructed(frames, second), SHOWN)))


if __name__ == "__main__":
    main()
