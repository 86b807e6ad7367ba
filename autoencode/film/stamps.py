"""When the pictures of a film are shown, as its packets say it, or as it can be guessed from them."""

from __future__ import annotations

import re
from array import array
from contextlib import closing
from dataclasses import dataclass
from itertools import islice

import numpy as np

from autoencode.film import ffmpeg
from autoencode.film.avi import as_read, in_their_places, lateness, pieces, read_index
from autoencode.film.clocks import FORWARD, Recordings, Stretch, find_recordings
from autoencode.film.decoder_log import Logged, decoder_log
from autoencode.film.heard import SILENCE, Sound
from autoencode.film.pace import usual_pace
from autoencode.film.packets import read_packets
from autoencode.film.probe import FilmInfo
from autoencode.film.timeline import FORGIVEN, MARGIN

ABSENT = "its index tells where, and they are not there"
"""What is said of pictures."""

ASTRAY = 2.5
"""Pictures that times of decoding may stray from the beat, where there are no others."""

LOOKED_AT = 24
"""Pictures among which a B-frame would be, if there are any."""

MIXED = 0.01
"""The share of pictures that others share the time with, by which times are no longer believed."""

KNOWN = 0.001
"""Seconds between two packets of a track of sound that are a gap where an index tells of it."""


@dataclass(frozen=True, eq=False)
class Stamps:
    times: np.ndarray  # float64, sorted, seconds: the video's
    last_duration: float  # seconds of the last picture, 0 where unknown
    usual_duration: float  # the median of all, but for the last
    end: float  # seconds: where the last stream of any kind ends
    cut: bool  # the demuxer ran into the end of the file too early
    complaint: str | None  # what else it said, if anything
    absent: np.ndarray | None  # pictures that an index names and that are not where it says, if any
    outside: int  # pictures that an edit list cuts off at the end
    held: np.ndarray  # when packets come that hold no picture: the one before stays
    guessed: bool  # not all pictures say truly when they are shown
    counted: bool  # nor does the decoder know it
    passed_over: int  # pictures at the beginning that lean on absent ones, where that can be told
    recordings: Recordings | None  # if there are several: their clocks, which `times` knows nothing of
    edited: bool  # an edit list shows pieces of the file
    late: dict[str, list[Stretch]]  # of a stream of sound with holes, in which each piece belongs
    sound: list[Sound]  # its tracks


def read_stamps(film: FilmInfo) -> Stamps:
    """Reads all packets of a film."""
    # Of each picture, in seconds; and when packets come that hold none.
    shown, decoded, lasts, held = (array("d") for _ in range(4))
    end, held_until, outside, said = 0.0, 0.0, array("d"), bytearray()
    packets, late = read_packets(film.source, said, film.streams), {}
    index = read_index(film.path, film.picture, film.places) if film.container == "avi" else {}
    if not all(stream.found.all() for stream in index.values()):
        packets = list(packets)
        index = as_read(packets, index)
        late = lateness(packets, index)
        packets = in_their_places(packets, late)
    absent = "0" in late
    streams = [str(1 + track) for track in range(len(film.audio))]
    sound = {stream: Sound(KNOWN if stream in late else SILENCE) for stream in streams}
    for packet in packets:
        time = (packet.decoded if packet.shown is None else packet.shown) - film.start_time
        if packet.stream in sound:
            sound[packet.stream].add(packet, time)
        if packet.discarded:
            if packet.stream == "0":
                outside.append(time)
            continue
        end = max(end, time + packet.lasts)
        if packet.stream == "0" and not packet.size:
            held.append(time)
            held_until = time + packet.lasts
        elif packet.stream == "0":
            shown.append(np.nan if packet.shown is None else time)
            decoded.append(packet.decoded)
            lasts.append(packet.lasts)
    for stream in late.keys() & sound.keys():
        sound[stream].lack(late[stream][-1] - late[stream][-2])
    times, decoding = np.array(shown), np.array(decoded)
    guessed = bool(np.isnan(times).any()) or _are_mixed(film, times, decoding)
    if guessed:
        times = _times_of_decoding(film, times, decoding, ASTRAY if not absent else 0)
    counted = not guessed and _are_of_decoding(film, times, decoding)
    in_fields = _are_fields(film, times)
    after = sum(time > times.max(initial=-np.inf) for time in outside)
    runs_on = _runs_on(times, decoding, film.clocked)
    edited = not runs_on and len(outside) > after
    final = int(np.argmax(times)) if len(times) else 0
    last = max(lasts[final], held_until - times[final]) if len(times) else 0.0
    usual = float(np.median(np.delete(lasts, final))) if len(times) > 1 else 0.0
    times = np.sort(times)[:: 2 if in_fields else 1]
    return Stamps(
        times=times,
        last_duration=last,
        usual_duration=usual,
        end=end,
        cut=re.search(rb"ended prematurely|partial file", said) is not None,
        absent=index["0"].found if absent else None,
        complaint=ABSENT if absent else ffmpeg.last_words(bytes(said)) if said.strip() else None,
        outside=after,
        held=np.array(held),
        guessed=guessed or counted or absent,
        counted=counted,
        passed_over=_passed_over(film, times) if guessed and not absent else 0,
        recordings=None if runs_on or edited else find_recordings(film, in_fields),
        edited=edited,
        late={stream: pieces(seconds) for stream, seconds in late.items() if stream != "0"},
        sound=[*sound.values()],
    )


def _are_mixed(film: FilmInfo, shown: np.ndarray, decoded: np.ndarray) -> bool:
    """Whether some of the times are of decoding: so ffmpeg fills in those that an MPEG program leaves out.

    Then some are those of other pictures too.
    """
    later = shown[MARGIN:]  # and what lies before a cut may be crammed into the first
    shared = len(later) - len(np.unique(later))
    return not film.clocked and shared > MIXED * len(later) and not _are_in_order(shown, decoded)


def _are_of_decoding(film: FilmInfo, shown: np.ndarray, decoded: np.ndarray) -> bool:
    """Whether all of the times are of decoding: so ffmpeg fills them in for an AVI, which has no others.

    They are if there are B-frames, which are shown before one that was decoded earlier, and the decoder gives
    pictures other times than these.
    """
    if film.clocked or not len(shown) or not _are_in_order(shown, decoded):
        return False
    first = _first_decoded(film)
    came = np.array([picture.time for picture in first]) - film.start_time
    as_said = np.allclose(came, shown[: len(came)], atol=1e-3) if len(came) <= len(shown) else False
    return any(picture.bidirectional for picture in first) and not as_said


def _passed_over(film: FilmInfo, times: np.ndarray) -> int:
    """How many of the pictures that are shown first the decoder leaves out, as in a film cut out of another.

    B-frames are shown when they are decoded, so of all pictures they have times that can be believed.
    """
    if film.clocked and len(times) > 1:
        for number, picture in enumerate(_first_decoded(film)):
            if picture.bidirectional:
                shown = int(np.abs(times - (picture.time - film.start_time)).argmin())
                return shown - number if 0 <= shown - number <= FORGIVEN else 0
    return 0


def _first_decoded(film: FilmInfo) -> list[Logged]:
    with closing(decoder_log(film.source, film.stream)) as pictures:
        return list(islice(pictures, LOOKED_AT))


def _are_in_order(shown: np.ndarray, decoded: np.ndarray) -> bool:
    """Whether pictures are said to be shown as they are decoded."""
    return bool(np.ptp(shown - decoded) < 1e-6)


def _times_of_decoding(
    film: FilmInfo, shown: np.ndarray, decoded: np.ndarray, astray: float = ASTRAY
) -> np.ndarray:
    """For times of presentation, which MPEG programs, AVI and bare streams do not give to all pictures.

    Decoding begins before anything is shown, but is as evenly spaced.
    """
    known = shown[~np.isnan(shown)]
    first = float(known.min()) if len(known) and film.clocked else 0.0
    if np.isnan(decoded).any():
        return first + np.arange(len(decoded)) / float(film.rate)
    times = decoded - decoded.min(initial=np.inf) + first
    rate = float(usual_pace(np.sort(times), film.rate))
    even = first + np.arange(len(times)) / rate
    # Some muxers lose the beat by the pictures that a decoder might have held back, and has not.
    return even if np.abs(times - even).max() < astray / rate else times


def _are_fields(film: FilmInfo, times: np.ndarray) -> bool:
    """Whether a picture comes in two packets, a field in each, as camcorders and broadcasts may have it.

    The header says so, its rate is that of the pictures, and there are twice as many packets.
    """
    if film.progressive or film.order is None or len(times) < 4:
        return False
    packets = (len(times) - 1) / max(float(np.ptp(times)), 1e-6)
    return abs(packets / float(film.rate) - 2) < 0.05


def _runs_on(shown: np.ndarray, decoded: np.ndarray, clocked: bool) -> bool:
    """Whether a clock was, for all that is seen here, never set back, where it stands still, or far on."""
    if len(shown) < 2:
        return True
    stands = np.diff(decoded) <= 0
    if clocked:
        return not (stands.any() or (np.diff(decoded) > FORWARD).any())
    # Two pictures of one millisecond are no jump.
    stands &= np.diff(shown) == 0
    return not (stands[1:] & stands[:-1]).any()
