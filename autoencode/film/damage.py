"""What is wrong with a film: it stops the work, or is noted where the user takes the film as it is."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from autoencode.errors import UserError
from autoencode.files import write_json


@dataclass
class Damage:
    """Of one film."""

    path: Path
    allowed: bool = False
    notes: list[str] = field(default_factory=list)
    lost: set[int] = field(default_factory=set)
    """Places in the film of the pictures, of those that were asked for, that cannot be decoded."""

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

    def recall(self, earlier: Damage) -> None:
        """What was found at an earlier time, and may be found again."""
        self.notes += [note for note in earlier.notes if note not in self.notes]
        self.lost |= earlier.lost

    def save(self, path: Path) -> None:
        """Writes what was found, for `load`."""
        write_json(path, {"notes": self.notes, "lost": sorted(self.lost)})

    def load(self, path: Path) -> None:
        """Recalls what was saved, if anything was."""
        if path.exists():
            saved = json.loads(path.read_text())
            self.recall(Damage(self.path, notes=saved["notes"], lost=set(saved["lost"])))

    def say(self) -> None:
        """Prints what was found, a line each."""
        for note in self.notes:
            print(f"{self.path.name}: {note}", flush=True)
