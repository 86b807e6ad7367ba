"""Films that are written in parts of 16 frames, and stopped: for modules that use `short_parts`."""

from fractions import Fraction

import pytest
from films import film_writer, numbered

SIZE, RATE = (96, 64), Fraction(24000, 1001)


def film_of(path, made_of="these", **options):
    return film_writer(path, RATE, SIZE, made_of=made_of, **options)


def write(path, pictures, until=None, then=None, **options):
    """Writes what is not there already, up to some frame, and fails if told so; returns what was there."""
    with film_of(path, **options) as film:
        there = film.frames
        for pixels in pictures[there:until]:
            film.write(pixels)
        if then:
            raise then(there)
    return there


def stop_at(path, frame, **options):
    with pytest.raises(LookupError) as caught:
        write(path, numbered(60, SIZE), frame, LookupError, **options)
    return caught.value.args[0]


def finish(path, **options):
    return write(path, numbered(60, SIZE), **options)
