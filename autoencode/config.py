"""Every hyper-parameter of a training, as data. Knows nothing of TensorFlow.

`Config` is written into the run's `config.json` before the first step and is all that is needed, with the
weights, to build the networks again. Each field is also a flag of `python -m autoencode.train`.
"""

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

from autoencode.errors import UserError
from autoencode.frame_size import check_size, format_size, parse_size

PRECISIONS = ("auto", "float32", "mixed_bfloat16", "mixed_float16")


NETWORK_FIELDS = (
    *("size", "width", "latent_size", "squash_latent", "normalization", "upsampling"),
    *("linear_path", "patch_discriminator"),
)
"""Fields of `Config` that must be equal for one training's weights to be those of another's networks."""


def _field(default: Any, doc: str, choices: tuple[str, ...] | None = None) -> Any:
    return dataclasses.field(default=default, metadata={"doc": doc, "choices": choices})


@dataclass(frozen=True)
class Config:
    """What a training is, apart from the film. The defaults are the published system at 256×144.

    But for the heads, which at that size would not hold without tanh: see `networks.layers.Head`.

    The facts are those of Broad & Grierson, *Autoencoding Blade Runner* (2017), and of its public code;
    the objective is that of Larsen et al. 2015 (arXiv 1512.09300), section 3.
    """

    recipe: str = _field(
        "published",
        "How the networks learn, where no other flag says so: published, the paper's objective; as_run, as"
        " the 2016 code probably ran; refined, the best that was found.",
        ("published", "as_run", "refined"),
    )
    size: tuple[int, int] = _field((256, 144), "Width and height of a frame in pixels, WxH.")

    # The networks.
    width: int = _field(80, "Channels of the first convolution; each further layer doubles them.")
    latent_size: int = _field(200, "Numbers that describe a frame.")
    squash_latent: str = _field(
        "none",
        "Bounds of a latent: both, tanh on the mean and 0.5·tanh on the log-variance, as in the 2016 code but"
        " not in the paper; variance, 4·tanh(·/4) on the log-variance alone, so that it cannot run away.",
        ("none", "variance", "both"),
    )
    initializer: str = _field(
        "normal", "Initial weights: normal (σ = 0.02, as in 2016) or glorot (uniform).", ("normal", "glorot")
    )
    normalization: str = _field(
        "batch",
        "Of the hidden layers: batch, as published; rms, each pixel's channels over their root mean square,"
        " which needs no batch and no moving averages.",
        ("batch", "rms"),
    )
    upsampling: str = _field(
        "transposed",
        "How the decoder enlarges: transposed convolutions, as published; resized, pixels repeated and then"
        " convolved, which leaves no checkerboard.",
        ("transposed", "resized"),
    )
    linear_path: bool = _field(
        False,
        "Beside their convolutions, encoder and decoder have the film's principal components: computed before"
        " the first step, not learned.",
    )
    norm_momentum: float = _field(
        0.99, "How slowly the moving averages of batch normalisation move, in [0, 1)."
    )
    patch_discriminator: bool = _field(
        False,
        "The discriminator judges each patch of the frame (a convolution) and not the frame (a dense layer).",
    )

    # The objective. Encoder: KL + likeness. Decoder: gamma·likeness − GAN. Discriminator: GAN.
    # A pixel term, which is not in the paper, goes to encoder and decoder alike.
    kl_weight: float = _field(1.0, "Factor of KL(q(z|x) ‖ N(0, I)) in the encoder's loss.")
    encoder_likeness: float = _field(1.0, "Factor of the learned similarity in the encoder's loss.")
    gamma: float = _field(2.5, "Factor of the learned similarity in the decoder's loss.")
    gan_weight: float = _field(1 / 6, "Factor of the GAN's three cross-entropies, summed.")
    encoder_gan: float = _field(0.0, "Share of the decoder's side of the game that falls to the encoder.")
    decoder_gan: float = _field(1.0, "Share of it that the decoder keeps.")
    gan_over_batch: bool = _field(
        True, "Divide the GAN's term by the batch size once more, as the 2016 code did."
    )
    pixel_weight: float = _field(0.0, "Factor of the pixel difference in both their losses.")
    pixel_loss: str = _field(
        "absolute",
        "That difference: the mean of its magnitude (absolute), or of its square (squared), or the former and"
        " what is missing in structural similarity (structural).",
        ("absolute", "squared", "structural"),
    )
    likeness: str = _field(
        "squared",
        "Learned similarity: squared difference of the discriminator's activations, or relative"
        " (absolute difference over the mean of the real activations, as audio codecs do it).",
        ("squared", "relative"),
    )
    prior: str = _field(
        "normal",
        "Latents of the prior samples: normal, N(0, 1), or uniform in (−1, 1) as in the 2016 code; none: the"
        " game is played with reconstructions alone.",
        ("normal", "uniform", "none"),
    )
    balance_gradients: bool = _field(
        False,
        "pixel_weight, gamma, encoder_likeness and gan_weight are norms of the gradients at the decoder's"
        " output, not factors.",
    )

    # The latent noise: z = mean + sigma·eps, eps ~ N(0, noise²).
    noise_start: float = _field(1.0, "Standard deviation of eps at the first step.")
    noise_end: float = _field(0.0, "Standard deviation of eps from the end of the run's first call on.")
    noise_shape: str = _field(
        "linear",
        "How the noise goes from start to end: linear, or cosine (slow, fast, slow).",
        ("linear", "cosine"),
    )

    # Larsen's gate.
    gate_equilibrium: float = _field(
        0.68, "Cross-entropy at which the discriminator is neither too good nor too bad."
    )
    gate_margin: float = _field(
        0.35, "How far a cost may be from the equilibrium before a network sits a step out."
    )

    # Learning.
    epochs: int = _field(
        6,
        "Epochs in all: more than a run has adds to it, fewer than it was begun for begin another, unless"
        " --run names it. The noise's schedule spans those it was begun for.",
    )
    second_epochs: int = _field(
        0,
        "Epochs, after the others, in which a second encoder and a copy of the decoder learn to show films"
        " that were not learned as if they were this one; 0: there is none. A run that gets more --epochs"
        " repeats them.",
    )
    batch_size: int = _field(12, "Frames in a step.")
    learning_rate: float = _field(2e-4, "Adam's, of encoder and decoder.")
    discriminator_learning_rate: float = _field(2e-4, "Adam's, of the discriminator.")
    learning_rate_end: float = _field(
        1.0,
        "Share of the learning rates that is left, after half a cosine, at the end of the noise's schedule.",
    )
    beta1: float = _field(0.5, "Adam's first moment.")
    seed: int = _field(0, "Seed of the weights, the order of the frames and all noise.")
    precision: str = _field(
        "auto",
        "What the layers compute in: auto takes mixed_bfloat16 where the processor has instructions for it."
        " Losses, weights and optimisers are always float32.",
        PRECISIONS,
    )

    def __post_init__(self) -> None:
        """Refuses what cannot be trained, in one line."""
        check_size(self.size)
        for field in dataclasses.fields(self):
            value, choices = getattr(self, field.name), field.metadata["choices"]
            if choices and value not in choices:
                raise UserError(f"--{field.name}={value}: choose one of {', '.join(choices)}")
        if self.second_epochs and self.normalization == "batch":
            raise UserError("--second_epochs: needs --normalization=rms, as in the recipe refined")
        if self.linear_path and self.squash_latent == "both":
            raise UserError("--linear_path: its latents have no bounds; not with --squash_latent=both")
        for name in ("width", "latent_size", "batch_size", "epochs"):
            if getattr(self, name) < 1:
                raise UserError(f"--{name}={getattr(self, name)}: must be at least 1")
        for name in ("learning_rate", "discriminator_learning_rate"):
            if not getattr(self, name) > 0:
                raise UserError(f"--{name}={getattr(self, name)}: must be above 0")
        for name in ("norm_momentum", "beta1"):
            if not 0 <= getattr(self, name) < 1:
                raise UserError(f"--{name}={getattr(self, name)}: must be in [0, 1)")
        if self.seed >= 2**32:
            raise UserError(f"--seed={self.seed}: must be below {2**32}")
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.type in (int, float) and not 0 <= value < math.inf:
                raise UserError(f"--{field.name}={value}: must be a finite number, at least 0")

    @property
    def uses_learned_similarity(self) -> bool:
        """Whether encoder or decoder learn from the learned similarity."""
        return self.gamma > 0 or self.encoder_likeness > 0

    @property
    def is_adversarial(self) -> bool:
        """Whether encoder or decoder learn from the adversarial loss."""
        return self.gan_weight > 0 and (self.encoder_gan > 0 or self.decoder_gan > 0)

    def to_json(self) -> dict[str, Any]:
        """Plain values for `config.json`."""
        return {**dataclasses.asdict(self), "size": format_size(self.size)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Config":
        """The inverse of `to_json`; a field that an older version did not write has its default.

        Raises:
            TypeError: a field that this version does not know.
            UserError: a value that this version does not take.
        """
        return cls(**{**values, "size": parse_size(values["size"])})


RECIPES: dict[str, dict[str, Any]] = {
    # The paper's objective, with the scales of the 2016 code. Its learning rates stayed as they were: then a
    # run may end a decibel above the next; falling, all end alike.
    "published": {"learning_rate_end": 0.05},
    # The 2016 code as it probably ran: two optimisers held each other's variables, so that the decoder
    # learned from the likeness alone, and the encoder from the decoder's loss, the game included. Larsen's
    # gate, between decoder and discriminator, has nobody to stop there: it stands open.
    "as_run": {
        "squash_latent": "both",
        "prior": "uniform",
        "kl_weight": 0.0,
        "encoder_likeness": 2.5,
        "encoder_gan": 1.0,
        "gamma": 1.0,
        "decoder_gan": 0.0,
        "gate_margin": 1000.0,
    },
    # Still three networks, a learned similarity and a game, in the best way found: experiments/recipes.md.
    "refined": {
        "initializer": "glorot",
        # Without batch statistics there are no moving averages to be led astray.
        "normalization": "rms",
        "upsampling": "resized",
        # Seconds of linear algebra hold more of a film than the networks alone after six epochs.
        "linear_path": True,
        # At this learning rate an unbounded log-variance runs away now and then.
        "squash_latent": "variance",
        # One verdict on the whole frame is won too soon: then the discriminator hardly ever steps.
        "patch_discriminator": True,
        "prior": "none",
        "balance_gradients": True,
        "pixel_weight": 1.0,
        "pixel_loss": "structural",
        "gamma": 0.5,
        "encoder_likeness": 0.5,
        "gan_weight": 0.2,
        "likeness": "relative",
        "noise_start": 0.1,
        # The encoder that remembers the film best gives other films back in their own colours.
        "second_epochs": 4,
        "learning_rate": 6e-4,
        "learning_rate_end": 0.05,
    },
}
"""How the networks learn: what each recipe changes of the defaults."""

PRESETS: dict[str, dict[str, Any]] = {
    # The published system: the figures of the paper and of the 2016 code.
    "paper": {},
    "paper-small": {"size": (96, 64), "batch_size": 64},
    # A short film in minutes on two CPU cores.
    "demo": {"recipe": "refined", "size": (96, 64), "width": 24, "batch_size": 8, "epochs": 5},
    # Seconds: for tests, and to see that all of it works.
    "tiny": {"size": (32, 32), "width": 4, "latent_size": 8, "batch_size": 4, "norm_momentum": 0.9},
}
"""How large the networks are and how long they learn: what each preset changes of its recipe (`published`
if it names none). Its size gives way to that of the dataset it is used on."""


def make_config(preset: str, **fields: Any) -> Config:
    """A preset on its recipe, or on the one that `fields` names, with `fields` changed.

    Raises:
        UserError: no such preset or recipe, or a value that cannot be trained.
    """
    if preset not in PRESETS:
        raise UserError(f"--preset={preset}: choose one of {', '.join(PRESETS)}")
    changed = {**PRESETS[preset], **fields}
    recipe = RECIPES.get(changed.get("recipe", "published"), {})  # Config refuses a name that it is not
    return Config(**{**recipe, **changed})


def preset_for(size: tuple[int, int]) -> str:
    """The preset that a dataset of frames of `size` (width, height) is trained with when none is named."""
    return "paper-small" if size == PRESETS["paper-small"]["size"] else "paper"
