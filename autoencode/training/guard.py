"""Says when learning has collapsed: one of the three networks fails, and the others follow it down.

The authors met "sharp, irrevocable degradation" and began again by hand (Broad & Grierson 2017). What is done
about it is the loop's affair: back to a good state, with other noise and smaller steps.

Knows figures, not tensors.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields

import numpy as np

from autoencode.config import Config

Figures = Mapping[str, float]

ROLLBACKS = 5
"""How often a training may go back before it gives up."""

WARM_UP = 200
"""Steps before anything counts as a mark to be held."""

FALL = 3.0
"""Decibels below the best at which the evaluation frames are lost."""

WELL = 30.0
"""Decibels above which frames are remembered well: half of what exceeds that may be lost besides."""

LATELY = 10
"""Looks whose least likeness counts: an untrained discriminator, long ago, found all things alike."""


@dataclass(frozen=True)
class Rule:
    """A sign of collapse, and for how many steps on end it must show."""

    wrong: Callable[[Figures, Figures], bool]  # (the figures now, the best so far)
    patience: int
    says: str  # formatted with the figures now


def _fell(now: Figures, best: Figures, decibels: float) -> bool:
    well = max(0.0, best["sample_psnr"] - WELL)
    return now["sample_psnr"] < best["sample_psnr"] - decibels - well / 2


def _unlearned(now: Figures, best: Figures, kept: float) -> bool:
    """Whether less than a share is kept of what was more than the mean picture, or the linear path, has."""
    begun = max(best["begun_psnr"], now["mean_psnr"])
    learned = best["sample_psnr"] - begun
    return learned > 1 and now["sample_psnr"] < min(begun + kept * learned, WELL)


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
    Rule(
        # Where most of a picture comes from a linear path, all that the networks have learned may be less.
        lambda now, best: _unlearned(now, best, 1 / 3),
        1000,
        "the evaluation frames fell to {sample_psnr:.1f} dB, most of the way back",
    ),
    Rule(
        # While the noise is high the pictures may be bad; and of a film that hardly moves the mean is good.
        lambda now, best: now["done"] > 0.5 and now["sample_psnr"] < min(now["mean_psnr"], 20) - 3,
        1000,
        "after half of its steps it has learned nothing: {sample_psnr:.1f} dB, and a mean picture would have"
        " {mean_psnr:.1f}",
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

# A discriminator that failed shows first here: its features are alike for any two pictures, or any two are
# far apart. The pictures show it late, or only by no longer getting better: where gradients are balanced,
# what it sends back is noise of a constant length; where they are not, the gate keeps the decoder out.
OF_LIKENESS = (
    Rule(
        lambda now, best: now["likeness"] > 5 * best["likeness"] and not _rose(now, best),
        500,
        "the likeness grew to {likeness:.3g}, and the pictures are no better",
    ),
    Rule(
        lambda now, best: now["likeness"] < best["likeness"] / 4 and not _rose(now, best),
        300,
        "the likeness fell to {likeness:.3g}, and the pictures are no better",
    ),
)
"""Of those with a learned similarity."""

# One that is far ahead or behind is no harm while the pictures are as good as they ever were.
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

    begun_psnr: float = -np.inf  # of networks that have learned nothing
    best_psnr: float = -np.inf
    likenesses: list[float] = field(default_factory=list)  # of the last healthy looks
    since: dict[str, int] = field(default_factory=dict)  # at which step each sign began to show
    kept_psnr: float = -np.inf  # of the run's best weights
    rollbacks: int = 0
    returned_to: int = -1  # the step of the state that the last rollback went to


class Guard:
    """Watches the figures of one training."""

    def __init__(self, config: Config, schedule_steps: int) -> None:
        """Takes the Config that decides what is watched, and the length of its schedules in steps."""
        self._steps = schedule_steps
        of_likeness = OF_LIKENESS if config.uses_learned_similarity else ()
        self._rules = ALWAYS + of_likeness + (OF_THE_GAME if config.is_adversarial else ())
        self.memory = Memory()
        self._fit = True

    def begin(self, psnr: float) -> None:
        """Takes what the evaluation frames have, in dB, before the first step."""
        self.memory.begun_psnr = psnr

    @property
    def good(self) -> bool:
        """Whether the state of the last look is one to come back to: healthy, and nearly the best."""
        return self.healthy and self._fit

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
        best = {
            "begun_psnr": memory.begun_psnr,
            "sample_psnr": memory.best_psnr,
            "likeness": min(memory.likenesses, default=np.inf),
        }
        now = {**now, "done": step / self._steps}
        self._fit = not (_fell(now, best, FALL / 2) or _unlearned(now, best, 2 / 3))
        showing = {rule.says: rule for rule in self._rules if rule.wrong(now, best)}
        memory.since = {says: memory.since.get(says, step) for says in showing}
        for says, rule in showing.items():
            if step - memory.since[says] >= rule.patience:
                return says.format(**now)
        if self.healthy and step >= WARM_UP:
            memory.best_psnr = max(memory.best_psnr, now["sample_psnr"])
            memory.likenesses = [*memory.likenesses, now["likeness"]][-LATELY:]
        return None

    def keep(self, psnr: float) -> None:
        """Takes the `psnr` of the best weights that are kept, which an earlier state does not know."""
        self.memory.kept_psnr = max(self.memory.kept_psnr, psnr)

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
        known = {one.name for one in fields(Memory)}  # another version may have known more
        self.memory = Memory(**{name: of for name, of in json.loads(stored).items() if name in known})


def seed_after(seed: int, rollbacks: int) -> int:
    """The seed that a training of `seed` goes on with after so many rollbacks."""
    return int(np.random.SeedSequence([seed, rollbacks]).generate_state(1)[0]) if rollbacks else seed


def learning_rate_scale_after(rollbacks: int) -> float:
    """The factor of its learning rates: halved each time."""
    return 0.5**rollbacks
