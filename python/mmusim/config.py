# SPDX-License-Identifier: MIT
"""Machines: load one, read and set its keys."""
from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Dict, Iterator, List, Mapping, Optional, Union

from . import _library
from ._library import Diag, byref, lib
from .errors import UsageError, check

Value = Union[str, int, float, bool]


def text_of(value: Value) -> str:
    """A value as configuration files have it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


@dataclass(frozen=True)
class Key:
    """One key of a configuration."""
    name: str
    value: str
    type: str
    unit: str
    range: str
    default: str
    help: str
    source: str


class Config:
    """A machine's configuration: `Config("zen4")`, a path to a YAML file, or
    `Config()` for the generic machine. Keys are items:

    >>> config = Config("zen4")
    >>> config["os.flush_ceiling"] = 64
    """

    def __init__(self, machine: Optional[str] = None,
                 settings: Optional[Mapping[str, Value]] = None):
        self._handle = ctypes.c_void_p()
        self.machine = machine or "generic"
        diag = Diag()
        if machine is None:
            check(lib.config_create(byref(self._handle)))
        else:
            if not machine or "\0" in machine:
                raise UsageError(f"{machine!r} is no machine")
            folder = _library.data_folder("configs")
            check(lib.config_load(machine.encode(),
                                  folder.encode() if folder else None,
                                  byref(self._handle), byref(diag)), diag)
        for key, value in (settings or {}).items():
            self[key] = value

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            lib.config_destroy(self._handle)
            self._handle = ctypes.c_void_p()

    def copy(self, settings: Optional[Mapping[str, Value]] = None) -> "Config":
        """An independent copy, with some keys set."""
        copy = Config.__new__(Config)
        copy._handle = ctypes.c_void_p()
        copy.machine = self.machine
        check(lib.config_copy(self._handle, byref(copy._handle)))
        for key, value in (settings or {}).items():
            copy[key] = value
        return copy

    def __setitem__(self, key: str, value: Value) -> None:
        diag = Diag()
        check(lib.config_set(self._handle, key.encode(),
                             text_of(value).encode(), byref(diag)), diag)

    def __getitem__(self, key: str) -> str:
        buffer = ctypes.create_string_buffer(1024)
        if lib.config_get(self._handle, key.encode(), buffer, len(buffer)):
            raise KeyError(key)
        return buffer.value.decode()

    def keys(self) -> Iterator[str]:
        """The names of all keys."""
        return (key.name for key in self.items())

    def items(self) -> List[Key]:
        """All keys, in the documented order."""
        found: List[Key] = []

        def visit(_context, item) -> int:
            fields = [getattr(item.contents, name) or b"" for name in
                      ("key", "value", "type", "unit", "range", "dflt", "help",
                       "source")]
            found.append(Key(*(field.decode() for field in fields)))
            return 0

        lib.config_each(self._handle, _library.VISIT_ITEM(visit), None)
        return found

    def to_dict(self) -> Dict[str, str]:
        """Every key and its effective value."""
        return {key.name: key.value for key in self.items()}

    def check(self) -> None:
        """Applies the rules that involve several keys."""
        diag = Diag()
        check(lib.config_check(self._handle, byref(diag)), diag)

    def __repr__(self) -> str:
        return f"Config({self.machine!r})"


def machines() -> Dict[str, str]:
    """The shipped machines: name -> one line about each."""
    found: Dict[str, str] = {}

    def visit(_context, name, summary) -> None:
        found[name.decode()] = (summary or b"").decode()

    folder = _library.data_folder("configs")
    diag = Diag()
    check(lib.config_list(folder.encode() if folder else None,
                          _library.VISIT_MACHINE(visit), None, byref(diag)),
          diag)
    return found


def protocols() -> Dict[str, str]:
    """The kernels' protocols (values of os.protocol): name -> help."""
    found: Dict[str, str] = {}
    row = _library.Protocol()
    while lib.protocol_at(len(found), byref(row)):
        found[row.name.decode()] = row.help.decode()
    return found


def as_config(config: Union[Config, str, None]) -> Config:
    """A configuration from what users pass: one, a machine's name, None."""
    if isinstance(config, Config):
        return config
    if config is None or isinstance(config, str):
        return Config(config)
    raise UsageError(f"{config!r} is no machine (a Config, a name or a path)")
