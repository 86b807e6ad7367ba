"""What is wrong with a film: it stops the work, or is noted where the user takes the film as it is."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from autoencode.errors import DamagedError
from autoencode.files import write_json


@dataclass
class Damage:
    """Of one film."""

    path: Path
    allowed: bool = False
    notes: list[str] = field(default_factory=list)
    lost: set[int] = field(default_factory=set)
    """Places in the film of the pictures, of those that were asked for, that cannot be decoded."""
    suffered: list[str] = field(default_factory=list)
    """Those of the notes that would have stopped the work, had it not been allowed."""
    met: list[str] = field(default_factory=list)
    """All that was found by whoever reads the film now, be it known from an earlier time or not."""

    def found(self, what: str) -> None:
        """Something is missing or out of place.

        Raises:
          DamagedError: it is not allowed.
        """
        self._suffer(what)
        self.notes.append(what)
        self.met.append(what)

    def note(self, what: str) -> None:
        """Something that stops nobody, but is to be known."""
        self.notes.append(what)

    def recall(self, earlier: Damage) -> None:
        """What was found at an earlier time, and may be found again.

        Raises:
          DamagedError: it was allowed then, and is not now.
        """
        for what in earlier.suffered:
            self._suffer(what)
        self.notes += [note for note in earlier.notes if note not in self.notes]
        self.lost |= earlier.lost

    def share(self, whole: Damage) -> None:
        """From now on what is found of this one is found of `whole`, of which it is a part."""
        self.notes, self.lost, self.suffered, self.met = whole.notes, whole.lost, whole.suffered, whole.met

    def save(self, path: Path) -> None:
        """Writes what was found, for `load`."""
        write_json(path, {"notes": self.notes, "lost": sorted(self.lost), "suffered": self.suffered})

    @classmethod
    def load(cls, path: Path) -> Damage:
        """What was saved, if anything was."""
        saved = json.loads(path.read_text()) if path.exists() else {"notes": [], "lost": [], "suffered": []}
        return cls(path, True, saved["notes"], set(saved["lost"]), saved["suffered"])

    def say(self) -> None:
        """Prints what was found, a line each."""
        for note in self.notes:
            print(f"{self.path.name}: {note}", flush=True)

    def _suffer(self, what: str) -> None:
        if not self.allowed:
            raise DamagedError(
                f"{self.path}: {what}; copy the film again, or take it as it is with --allow_damaged"
            )
        if what not in self.suffered:
            self.suffered.append(what)
