"""Errors of the machine, a disk or the memory, in one line: what happened, and what to do."""

import re
import sys

_NO_MEMORY = re.compile(
    r"OOM when allocating[^\n]*|Unable to allocate[^\n]*|could not create a primitive|bad_alloc"
    r"|CUDA_ERROR_OUT_OF_MEMORY|[Oo]ut of memory|Dst tensor is not initialized"
)
"""What TensorFlow, oneDNN, CUDA and numpy say of it, somewhere in up to sixty lines."""

_LOWER = "close other programs; a training takes less with a lower --batch_size, --width or size of frames"

_MENDS = {
    "No space left|File too large": "the disk is full, or a file is at its limit; make room on the disk",
    "File name too long": "choose a shorter name",
    "Permission denied": "ask for the right to read or write there, or choose another place",
}
"""What to do about others, by what they say."""


def explain(error: Exception) -> str | None:
    """One line about an error of the machine; None: it is a fault of this program."""
    words = re.sub(r"\{\{[^{}]*\}\}|\[Op:\w+\].*", "", str(error)).strip()  # of TensorFlow's own nodes
    no_memory = _NO_MEMORY.search(words)
    if no_memory or isinstance(error, MemoryError):
        said = re.sub(r" on /job:.*", "", no_memory[0]) if no_memory else ""
        return f"not enough memory; {_LOWER}" + (f" ({said})" if said else "")
    if not _is_of_the_machine(error):
        return None
    first = (words.splitlines() or [type(error).__name__])[0]
    if isinstance(error, OSError) and error.filename and error.strerror:
        first = f"{error.filename}: {error.strerror}"
    mend = next((mend for sign, mend in _MENDS.items() if re.search(sign, first)), None)
    return f"{mend} ({first})" if mend else first


def _is_of_the_machine(error: Exception) -> bool:
    if isinstance(error, OSError):
        return True
    if "tensorflow" not in sys.modules:
        return False
    errors = sys.modules["tensorflow"].errors
    return isinstance(
        error,
        errors.DataLossError
        | errors.FailedPreconditionError
        | errors.NotFoundError
        | errors.OutOfRangeError
        | errors.PermissionDeniedError
        | errors.ResourceExhaustedError
        | errors.UnavailableError,
    )
