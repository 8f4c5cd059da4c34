# SPDX-License-Identifier: MIT
"""Failures of the library as exceptions."""
from __future__ import annotations

import ctypes
from typing import Optional

from . import _library
from ._library import Diag, lib


class MmusimError(Exception):
    """A call failed; str() is the message, as the command-line tool prints it.

    file, line and key say where, if that applies: "" or 0 if not.
    """

    def __init__(self, message: str, diag: Optional[Diag] = None):
        super().__init__(message)
        self.file = diag.file.decode(errors="replace") if diag else ""
        self.line = diag.line if diag else 0
        self.key = diag.key.decode(errors="replace") if diag else ""


class UsageError(MmusimError, ValueError):
    """A call, a key or a value is wrong."""


class ConfigError(MmusimError, ValueError):
    """A configuration is wrong."""


class TraceError(MmusimError, OSError):
    """A trace or file cannot be read, or is damaged."""


class SystemFailure(MmusimError, OSError):
    """The system refused a resource."""


class Exhausted(MmusimError):
    """The simulated machine ran out of a resource (os.memory)."""


class Unsupported(MmusimError, NotImplementedError):
    """Not in this version or build."""


class Interrupted(MmusimError):
    """A progress callback asked to stop."""


_BY_STATUS = {-1: UsageError, -2: ConfigError, -3: TraceError, -4: TraceError,
              -5: SystemFailure, -7: Interrupted, -8: Exhausted,
              -9: Unsupported}


def check(status: int, diag: Optional[Diag] = None) -> None:
    """Raises what a status stands for; 0 is success."""
    if status == 0:
        return
    text = ""
    if diag is not None and diag.text:
        buffer = ctypes.create_string_buffer(1024)
        lib.diag_format(_library.byref(diag), buffer, len(buffer))
        text = buffer.value.decode(errors="replace")
    if not text:
        text = lib.strerror(status).decode()
    if status == -6:
        raise MemoryError(text)
    raise _BY_STATUS.get(status, MmusimError)(text, diag)
