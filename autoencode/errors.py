"""The errors that are meant for the person who typed the command."""


class UserError(Exception):
    """A mistake or a misfortune that the user can mend.

    Its message is one line: what is wrong, with which file, and what to do. The commands print it on
    stderr and exit with status 1; a traceback is never shown.
    """


class DamagedError(UserError):
    """Something of a film is missing or out of place, and that was not allowed."""


class NoRoomError(UserError):
    """The disk is full, or a file has reached its limit."""
