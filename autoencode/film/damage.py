"""What is wrong with a film: it stops the work, or is noted where the user takes the film as it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from autoencode.errors import UserError


@dataclass
class Damage:
    """Of one film."""

    path: Path
    allowed: bool = False
    notes: list[str] = field(default_factory=list)

    def found(self, what: str) -> None:
        """Something is missing or out of place.

        Raises:
          UserError: it is not allowed.
        """
        if not self.allowed:
            raise UserError(
                f"{self.path}: {what}; copy the film again, or take it as it is with --allow_damaged"
            )
        self.notes.append(what)

    def note(self, what: str) -> None:
        """Something that stops nobody, but is to be known."""
        self.notes.append(what)

    def recall(self, notes: list[str]) -> None:
        """What was found at an earlier time, and may be found again."""
        self.notes += [note for note in notes if note not in self.notes]

    def say(self) -> None:
        """Prints what was found, a line each."""
        for note in self.notes:
            print(f"{self.path.name}: {note}", flush=True)
