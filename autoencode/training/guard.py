"""Says when learning has collapsed: one of the three networks fails, and the others follow it down.

The authors met "sharp, irrevocable degradation" and began again by hand (Broad & Grierson 2017). What is done
about it is the loop's affair: back to a good state, with other noise and smaller steps.

Knows figures, not tensors.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field

import numpy as np

from autoencode.config import Config

Figures = Mapping[str, float]

ROLLBACKS = 5
"""How often a training may go back before it gives up."""

WARM_UP = 200
"""Steps before anything counts as a mark to be held."""

FALL = 3.0
"""Decibels below the best at which the evaluation frames are lost …"""

WELL = 30.0
"""… but above this they are remembered well, whatever they were before."""


@dataclass(frozen=True)
class Rule:
    """A sign of collapse, and for how many steps on end it must show."""

    wrong: Callable[[Figures, Figures], bool]  # (the figures now, the best so far)
    patience: int
    says: str  # formatted with the figures now


def _fell(now: Figures, best: Figures, decibels: float) -> bool:
    return now["sample_psnr"] < min(best["sample_psnr"], WELL) - decibels


def _rose(now: Figures, best: Figures) -> bool:
    return now["sample_psnr"] > min(best["sample_psnr"] + 1, WELL)


ALWAYS = (
    Rule(
        lambda now, best: now["skipped"] > 0.5,
        100,
        "{skipped:.0%} of the steps hold numbers that are not finite",
    ),
    Rule(
        lambda now, best: _fell(now, best, FALL),
        300,
        "the evaluation frames fell to {sample_psnr:.1f} dB",
    ),
    Rule(lambda now, best: now["log_variance"] > 20, 200, "a log-variance runs away, at {log_variance:.3g}"),
    Rule(
        # The decoder then makes one picture of all frames; of a film that is one picture nothing is lost so.
        lambda now, best: now["kl"] < 1e-4 and now["sample_psnr"] < now["mean_psnr"] + 1 < WELL,
        500,
        "the latents carry nothing, KL {kl:.2g}",
    ),
)
"""Of every training."""

# A discriminator that is far ahead or behind, or whose features grow, is no harm while the pictures are as
# good as they ever were.
OF_LIKENESS = (
    Rule(
        lambda now, best: now["likeness"] > 5 * best["likeness"] and _fell(now, best, 1),
        500,
        "the likeness grew to {likeness:.3g}",
    ),
    Rule(
        # The features of a discriminator that failed are alike for any two pictures. The pictures show it
        # late: where gradients are balanced, what it sends back is noise of a constant length.
        lambda now, best: now["likeness"] < best["likeness"] / 4 and not _rose(now, best),
        300,
        "the likeness fell to {likeness:.3g}, and the pictures are no better",
    ),
)
"""Of those with a learned similarity."""

OF_THE_GAME = (
    Rule(
        lambda now, best: max(now["real_cost"], now["generated_cost"]) < 0.01 and _fell(now, best, 1),
        1000,
        "the discriminator wins every time, at costs of {real_cost:.2g} and {generated_cost:.2g}",
    ),
    Rule(
        lambda now, best: min(now["real_cost"], now["generated_cost"]) > 5 and _fell(now, best, 1),
        1000,
        "the discriminator loses every time, at costs of {real_cost:.2g} and {generated_cost:.2g}",
    ),
    Rule(
        lambda now, best: now["decoder_steps"] < 0.01 and _fell(now, best, 1),
        1000,
        "the gate keeps the decoder out",
    ),
    Rule(
        lambda now, best: now["discriminator_steps"] < 0.01 and _fell(now, best, 1),
        1000,
        "the gate keeps the discriminator out",
    ),
)
"""Of those with a game."""


@dataclass
class Memory:
    """What a guard has to know to go on where it stopped."""

    best_psnr: float = -np.inf
    best_likeness: float = np.inf
    since: dict[str, int] = field(default_factory=dict)  # at which step each sign began to show
    kept_psnr: float = -np.inf  # of the run's best weights
    rollbacks: int = 0
    returned_to: int = -1  # the step of the state that the last rollback went to


class Guard:
    """Watches the figures of one training."""

    def __init__(self, config: Config) -> None:
        likeness = config.gamma > 0 or config.encoder_likeness > 0
        game = config.gan_weight > 0
        self._rules = ALWAYS + (OF_LIKENESS if likeness else ()) + (OF_THE_GAME if game else ())
        self.memory = Memory()

    @property
    def healthy(self) -> bool:
        """Whether no sign of collapse shows at present."""
        return not self.memory.since

    def look(self, step: int, now: Figures) -> str | None:
        """Takes the figures of the last steps; says why learning has collapsed, or None.

        Args:
            step: of the training.
            now: means of the step's METRICS; `sample_psnr` of the evaluation frames, in dB, and `mean_psnr`,
                what their mean picture would have.
        """
        memory = self.memory
        best = {"sample_psnr": memory.best_psnr, "likeness": memory.best_likeness}
        showing = {rule.says: rule for rule in self._rules if rule.wrong(now, best)}
        memory.since = {says: memory.since.get(says, step) for says in showing}
        for says, rule in showing.items():
            if step - memory.since[says] >= rule.patience:
                return says.format(**now)
        if self.healthy and step >= WARM_UP:
            memory.best_psnr = max(memory.best_psnr, now["sample_psnr"])
            memory.best_likeness = min(memory.best_likeness, now["likeness"])
        return None

    def best(self, psnr: float) -> bool:
        """Whether these weights, with `psnr` on the evaluation frames, are the best to be kept so far."""
        if psnr <= self.memory.kept_psnr:
            return False
        self.memory.kept_psnr = psnr
        return True

    def to_json(self) -> str:
        """The memory, for a checkpoint."""
        return json.dumps(asdict(self.memory))

    def from_json(self, stored: str) -> None:
        """The inverse."""
        self.memory = Memory(**json.loads(stored))


def seed_after(seed: int, rollbacks: int) -> int:
    """The seed that a training of `seed` goes on with after so many rollbacks."""
    return int(np.random.SeedSequence([seed, rollbacks]).generate_state(1)[0]) if rollbacks else seed


def caution_after(rollbacks: int) -> float:
    """The factor of its learning rates: halved each time."""
    return 0.5**rollbacks
