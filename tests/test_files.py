"""Locks and deletions on drives that are not like a disk, and names as they are typed."""

import errno
import fcntl
import os
import re
import shutil
from pathlib import Path

import pytest
from films import write_film

from autoencode.errors import UserError
from autoencode.files import locked, typed_path


def test_a_held_lock_is_busy(tmp_path):
    with locked(tmp_path / "lock", "busy"), pytest.raises(UserError, match="busy"):  # noqa: SIM117
        with locked(tmp_path / "lock", "busy"):
            pass


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.ENOTSUP])
def test_a_drive_without_locks_is_warned_of_and_used(tmp_path, monkeypatch, capsys, code):
    def without_locks(file, how):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", without_locks)
    with locked(tmp_path / "lock", "busy"):
        pass
    warning = capsys.readouterr().err
    assert len(warning.splitlines()) == 1
    assert "has no locks" in warning


@pytest.fixture
def _network_drive(monkeypatch):
    """A file that is deleted while this process has it open stays under another name until it is closed."""
    unlink, rmdir = os.unlink, os.rmdir

    def open_files():
        return {os.path.realpath(file) for file in Path("/proc/self/fd").iterdir()}

    def place(path, folder):
        return Path("" if folder is None else Path(f"/proc/self/fd/{folder}").readlink(), path).absolute()

    def hide_or_unlink(path, *, dir_fd=None):
        file = place(path, dir_fd)
        if str(file) in open_files():
            file.rename(file.with_name(".nfs0001"))
        else:
            unlink(file)

    def rmdir_later(path, *, dir_fd=None):
        folder = place(path, dir_fd)
        for hidden in folder.glob(".nfs*"):
            if str(hidden) not in open_files():
                unlink(hidden)
        rmdir(folder)

    monkeypatch.setattr(os, "unlink", hide_or_unlink)
    monkeypatch.setattr(os, "rmdir", rmdir_later)


@pytest.mark.usefixtures("_network_drive")
def test_on_a_network_drive_nothing_is_left_beside_a_film(tmp_path):
    write_film(tmp_path / "made.mp4", 8)
    assert [path.name for path in tmp_path.iterdir()] == ["made.mp4"]


@pytest.mark.usefixtures("_network_drive")
def test_on_a_network_drive_a_folder_that_was_emptied_goes_with_its_lock(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    with locked(folder / "lock", "busy"):
        shutil.rmtree(folder, ignore_errors=True)
        assert folder.exists()
    assert not folder.exists()


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("file:///films/a%20film%25.mp4", "/films/a film%.mp4"),
        ("file://localhost/films/a.mp4", "/films/a.mp4"),
        ("file:/films/a.mp4", "/films/a.mp4"),
        ("films/a%20film.mp4", "films/a%20film.mp4"),
    ],
)
def test_a_name_as_it_is_typed_or_dropped(typed, name):
    assert typed_path("film", typed) == Path(name)


@pytest.mark.parametrize("typed", ["https://host/a.mp4", "file://host/a.mp4", ""])
def test_what_is_no_file_of_this_machine_is_refused(typed):
    with pytest.raises(UserError, match=re.escape(f"--film={typed}")):
        typed_path("film", typed)
