"""Progress bars with an ETA, on stderr."""

import sys

from tqdm import tqdm


class _Bar(tqdm):
    """Closed by its `with` block, never by the collector: Ctrl-C can leave one half made, which cannot be."""

    def __del__(self) -> None:
        pass


def bar(
    total: int | None, what: str, unit: str, done: int = 0, hidden: bool = False, layout: str | None = None
) -> tqdm:
    """A progress bar; `done` of `total` are behind us. In a log file it writes a line now and then."""
    live = sys.stderr.isatty()
    return _Bar(
        total=total,
        initial=done,
        desc=what,
        unit=unit,
        dynamic_ncols=live,
        mininterval=0.5 if live else 20.0,
        smoothing=0.05,
        disable=hidden,
        bar_format=layout,
    )


def duration(seconds: float) -> str:
    """90 → '1 min 30 s', 200000 → '2 days 7 h': the two largest units."""
    units = (("days", 86400), ("h", 3600), ("min", 60), ("s", 1))
    left, parts = max(0, round(seconds)), []
    for name, size in units:
        count, left = divmod(left, size)
        if count or (name == "s" and not parts):
            parts.append(f"{count} {'day' if name == 'days' and count == 1 else name}")
    return " ".join(parts[:2])
