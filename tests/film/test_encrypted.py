"""Films that nobody can show here are refused for what they are, and not as damaged."""

import random

import pytest
from films import ffmpeg_run, make_film

from autoencode.errors import UserError
from autoencode.film.probe import probe


def cenc(path):
    make_film(path.with_name("plain.mp4"), frames=12)
    key = "-encryption_key 76a6c65c5ea762046bd749a2e632ccbb -encryption_kid a7e61c373e219033c21091fa607bf3b8"
    how = f"-c copy -encryption_scheme cenc-aes-ctr {key}".split()
    ffmpeg_run("-i", path.with_name("plain.mp4"), *how, path)


def webm(path):
    """A track's name makes room for a ContentEncodings that holds a ContentEncryption, by AES."""
    make_film(path, frames=12, extra=["-metadata:s:v", "title=sixteen letters."])
    named, aes = b"\x53\x6e\x90sixteen letters.", bytes.fromhex("503381015035 86 47e18105 ec80")
    whole = path.read_bytes()
    assert named in whole
    path.write_bytes(whole.replace(named, b"\x6d\x80\x90\x62\x40\x8d" + aes))


def broadcast(path):
    whole = bytearray(make_film(path, frames=12).read_bytes())
    for packet in range(0, len(whole), 188):
        if whole[packet + 1] & 0x1F == 1:  # 0x100 and 0x101: pictures and sound
            whole[packet + 3] |= 0xC0
            whole[packet + 12 : packet + 188] = random.Random(packet).randbytes(176)
    path.write_bytes(whole)


def dvd(path):
    whole = bytearray(
        make_film(path, frames=12, codec=["-c:v", "mpeg2video"], sound_codec="ac3").read_bytes()
    )
    for sector in range(0, len(whole), 2048):
        if whole[sector + 17] in (0xBD, 0xE0):
            whole[sector + 20] |= 0x10
            whole[sector + 128 : sector + 2048] = random.Random(sector).randbytes(1920)
    path.write_bytes(whole)


@pytest.mark.parametrize(
    ("encrypt", "name"), [(cenc, "film.mp4"), (webm, "film.mkv"), (broadcast, "film.ts"), (dvd, "film.vob")]
)
def test_an_encrypted_film_is_called_so(tmp_path, encrypt, name):
    encrypt(tmp_path / name)
    with pytest.raises(UserError, match=rf"{name}: is encrypted.*; take a copy"):
        probe(tmp_path / name)


def dolby_vision(path, profile, fallback):
    """Writes a configuration of Dolby Vision over what an MP4 says of its pixels' shape and its bit rate."""
    whole = make_film(path, frames=12, aspect="1:1").read_bytes()
    place = whole.index(b"pasp") - 4
    assert whole[place + 20 : place + 24] == b"btrt"
    # Version 1.0; profile, level 1, with its own metadata and a picture, but no second layer.
    said = bytes([1, 0, profile << 1, 0b1101, fallback << 4]) + bytes(23)
    path.write_bytes(whole[:place] + b"\0\0\0\x24dvcC" + said + whole[place + 36 :])
    return path


def test_dolby_vision_whose_colours_are_its_own_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"own\.mp4: is in Dolby Vision .*; take a copy in HDR10 or SDR"):
        probe(dolby_vision(tmp_path / "own.mp4", 5, 0))
    assert probe(dolby_vision(tmp_path / "hdr10.mp4", 8, 1)).codec == "h264"
