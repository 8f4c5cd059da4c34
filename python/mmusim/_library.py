# SPDX-License-Identifier: MIT
"""The shared library: finding it, its structures, its functions.

Structures are those of include/mmusim/*.h, field by field; python/tests/
compares their sizes and offsets with what a C compiler says.
"""
from __future__ import annotations

import ctypes
import ctypes.util
import os
from ctypes import (CFUNCTYPE, POINTER, Structure, byref, c_bool, c_char,
                    c_char_p, c_int, c_size_t, c_uint16, c_uint32, c_uint64,
                    c_void_p)
from pathlib import Path
from typing import Iterator, Optional

LIBRARY_NAME = "libmmusim.so"
SOVERSION = "0"


class Diag(Structure):
    """mmusim_diag_t"""
    _fields_ = [("status", c_int), ("line", c_uint32), ("has_offset", c_bool),
                ("block", c_uint64), ("offset", c_uint64),
                ("file", c_char * 256), ("key", c_char * 96),
                ("text", c_char * 512)]


class ConfigItem(Structure):
    """mmusim_config_item_t"""
    _fields_ = [(name, c_char_p) for name in
                ("key", "value", "type", "unit", "range", "dflt", "help",
                 "source", "file")] + [("line", c_uint32)]


class Protocol(Structure):
    """mmusim_protocol_t"""
    _fields_ = [("name", c_char_p), ("help", c_char_p), ("bugs", c_char_p),
                ("isas", c_char * 64)]


class Progress(Structure):
    """mmusim_progress_t"""
    _fields_ = [(name, c_uint64) for name in
                ("records", "total_records", "accesses", "cycles")]


class Stat(Structure):
    """mmusim_stat_t"""
    _fields_ = [("name", c_char_p), ("value", c_uint64), ("is_milli", c_bool),
                ("unit", c_char_p), ("help", c_char_p)]


class TraceOptions(Structure):
    """mmusim_trace_options_t"""
    _fields_ = [("format", c_char_p), ("salvages", c_bool),
                ("cache_bytes", c_uint64), ("uses_helper_thread", c_bool),
                ("watch", c_void_p), ("watch_context", c_void_p)]


class WorkloadItem(Structure):
    """mmusim_workload_item_t"""
    _fields_ = [(name, c_char_p) for name in
                ("workload", "parameter", "dflt", "range", "help")]


class Violation(Structure):
    """mmusim_violation_t"""
    _fields_ = [("verdict", c_char_p), ("text", c_char_p), ("cycle", c_uint64),
                ("vaddr", c_uint64), ("cpu", c_uint32), ("n_uses", c_uint64)]


class EmbedPage(Structure):
    """mmusim_embed_page_t"""
    _fields_ = [("space", c_uint32), ("vaddr", c_uint64), ("paddr", c_uint64),
                ("page_bytes", c_uint64), ("rights", c_uint32)]


class EmbedContext(Structure):
    """mmusim_embed_context_t"""
    _fields_ = [("core", c_uint32), ("now", c_uint64), ("space", c_uint32),
                ("root", c_uint64), ("kernel_root", c_uint64),
                ("asid", c_uint16), ("keeps_entries", c_bool)]


class EmbedAccess(Structure):
    """mmusim_embed_access_t"""
    _fields_ = [("core", c_uint32), ("now", c_uint64), ("vaddr", c_uint64),
                ("kind", c_int), ("tag", c_uint64)]


class EmbedTranslation(Structure):
    """mmusim_embed_translation_t"""
    _fields_ = [("fault", c_int), ("found", c_int), ("paddr", c_uint64),
                ("page_bytes", c_uint64), ("ready_cycle", c_uint64),
                ("fault_level", c_uint32), ("core", c_uint32),
                ("tag", c_uint64), ("reserved", c_uint64 * 4)]


class EmbedInstruction(Structure):
    """mmusim_embed_instruction_t"""
    _fields_ = [("core", c_uint32), ("now", c_uint64), ("name", c_char_p),
                ("reg", c_uint64 * 5), ("is_x0", c_bool * 2), ("sync", c_int)]


class EmbedEffect(Structure):
    """mmusim_embed_effect_t"""
    _fields_ = [("outcome", c_int), ("why", c_char_p), ("done_cycle", c_uint64),
                ("reserved", c_uint64 * 4)]


class EmbedFlush(Structure):
    """mmusim_embed_flush_t"""
    _fields_ = [("core", c_uint32), ("now", c_uint64),
                ("cores", POINTER(c_uint32)), ("n_cores", c_uint32),
                ("vaddr", c_uint64), ("bytes", c_uint64)]


# By the name in C, for the test of their layout.
STRUCTURES = {
    "mmusim_diag_t": Diag, "mmusim_config_item_t": ConfigItem,
    "mmusim_protocol_t": Protocol, "mmusim_progress_t": Progress,
    "mmusim_stat_t": Stat, "mmusim_trace_options_t": TraceOptions,
    "mmusim_workload_item_t": WorkloadItem, "mmusim_violation_t": Violation,
    "mmusim_embed_page_t": EmbedPage, "mmusim_embed_context_t": EmbedContext,
    "mmusim_embed_access_t": EmbedAccess,
    "mmusim_embed_translation_t": EmbedTranslation,
    "mmusim_embed_instruction_t": EmbedInstruction,
    "mmusim_embed_effect_t": EmbedEffect, "mmusim_embed_flush_t": EmbedFlush,
}

VISIT_ITEM = CFUNCTYPE(c_int, c_void_p, POINTER(ConfigItem))
VISIT_MACHINE = CFUNCTYPE(None, c_void_p, c_char_p, c_char_p)
VISIT_WORKLOAD = CFUNCTYPE(c_int, c_void_p, POINTER(WorkloadItem))
ON_PROGRESS = CFUNCTYPE(c_int, c_void_p, POINTER(Progress))

_P = POINTER
_HANDLE = POINTER(c_void_p)

# name: (result, arguments)
_FUNCTIONS = {
    "version": (c_char_p, []),
    "strerror": (c_char_p, [c_int]),
    "diag_format": (c_size_t, [_P(Diag), c_char_p, c_size_t]),
    "config_load": (c_int, [c_char_p, c_char_p, _HANDLE, _P(Diag)]),
    "config_create": (c_int, [_HANDLE]),
    "config_copy": (c_int, [c_void_p, _HANDLE]),
    "config_destroy": (None, [c_void_p]),
    "config_set": (c_int, [c_void_p, c_char_p, c_char_p, _P(Diag)]),
    "config_check": (c_int, [c_void_p, _P(Diag)]),
    "config_get": (c_int, [c_void_p, c_char_p, c_char_p, c_size_t]),
    "config_each": (c_int, [c_void_p, VISIT_ITEM, c_void_p]),
    "config_list": (c_int, [c_char_p, VISIT_MACHINE, c_void_p, _P(Diag)]),
    "protocol_at": (c_bool, [c_size_t, _P(Protocol)]),
    "trace_open": (c_int, [c_char_p, _P(TraceOptions), _HANDLE, _P(Diag)]),
    "trace_close": (None, [c_void_p]),
    "trace_source": (c_int, [c_void_p, _HANDLE, _P(Diag)]),
    "trace_note": (c_char_p, [c_void_p, c_size_t]),
    "is_workload": (c_bool, [c_char_p]),
    "workload_source": (c_int, [c_char_p, _HANDLE, _P(Diag)]),
    "workload_each": (c_int, [VISIT_WORKLOAD, c_void_p]),
    "source_destroy": (None, [c_void_p]),
    "machine_create": (c_int, [c_void_p, _HANDLE, _P(Diag)]),
    "machine_destroy": (None, [c_void_p]),
    "machine_on_progress": (None, [c_void_p, ON_PROGRESS, c_void_p]),
    "machine_run": (c_int, [c_void_p, c_void_p, _P(Diag)]),
    "machine_stats": (c_int, [c_void_p, _HANDLE]),
    "machine_violations": (c_uint64, [c_void_p]),
    "machine_violation_at": (c_bool, [c_void_p, c_size_t, _P(Violation)]),
    "stats_destroy": (None, [c_void_p]),
    "stats_count": (c_size_t, [c_void_p]),
    "stats_at": (c_bool, [c_void_p, c_size_t, _P(Stat)]),
    "embed_create": (c_int, [c_void_p, c_void_p, _HANDLE, _P(Diag)]),
    "embed_destroy": (None, [c_void_p]),
    "embed_cores": (c_uint32, [c_void_p]),
    "embed_space_create": (c_int, [c_void_p, _P(c_uint32), _P(Diag)]),
    "embed_map": (c_int, [c_void_p, _P(EmbedPage), _P(Diag)]),
    "embed_unmap": (c_int, [c_void_p, c_uint32, c_uint64, _P(Diag)]),
    "embed_protect": (c_int, [c_void_p, _P(EmbedPage), _P(Diag)]),
    "embed_switch": (c_int, [c_void_p, _P(EmbedContext), _P(c_uint64),
                             _P(Diag)]),
    "embed_translate": (c_int, [c_void_p, _P(EmbedAccess), _P(EmbedTranslation),
                                _P(Diag)]),
    "embed_invalidate": (c_int, [c_void_p, _P(EmbedInstruction),
                                 _P(EmbedEffect), _P(Diag)]),
    "embed_shootdown": (c_int, [c_void_p, _P(EmbedFlush), _P(c_uint64),
                                _P(Diag)]),
    "embed_advance": (c_int, [c_void_p, c_uint64, _P(Diag)]),
    "embed_stolen_cycles": (c_uint64, [c_void_p, c_uint32]),
    "embed_stats": (c_int, [c_void_p, _HANDLE]),
}


def _candidates() -> Iterator[str]:
    """Where the library may be, best first."""
    named = os.environ.get("MMUSIM_LIBRARY")
    if named:
        yield named
        return
    here = Path(__file__).resolve()
    for folder in here.parents[1:5]:
        for build in ("build", "build/release", "build/clang", "build/debug",
                      "lib", "lib64"):
            yield str(folder / build / LIBRARY_NAME)
        yield from map(str, sorted(folder.glob(f"lib/*/{LIBRARY_NAME}")))
    yield f"{LIBRARY_NAME}.{SOVERSION}"
    found = ctypes.util.find_library("mmusim")
    if found:
        yield found


def _load() -> ctypes.CDLL:
    for name in _candidates():
        if "/" in name and not os.environ.get("MMUSIM_LIBRARY"):
            if not os.path.exists(name):
                continue
        try:
            return ctypes.CDLL(name)
        except OSError as error:
            if os.environ.get("MMUSIM_LIBRARY"):
                raise ImportError(f"MMUSIM_LIBRARY: {error}") from None
    raise ImportError(
        f"{LIBRARY_NAME} is not found (build mmusim, install it, or set "
        "MMUSIM_LIBRARY to the file)")


class _Functions:
    """The library's functions, without their prefix."""

    def __init__(self, library: ctypes.CDLL):
        self.path = library._name
        for name, (result, arguments) in _FUNCTIONS.items():
            function = getattr(library, "mmusim_" + name)
            function.restype = result
            function.argtypes = arguments
            setattr(self, name, function)

    def __getattr__(self, name: str):  # for type checkers
        raise AttributeError(name)


lib = _Functions(_load())


def data_folder(name: str) -> Optional[str]:
    """The folder of configs or traces: $MMUSIM_DATADIR, the source tree, an
    installed share/mmusim; None: the library knows itself."""
    named = os.environ.get("MMUSIM_DATADIR")
    if named:
        return os.path.join(named, name)
    for folder in [*Path(__file__).resolve().parents[2:4],
                   *Path(lib.path).resolve().parents[:4]]:
        for base in (folder, folder / "share" / "mmusim"):
            if (base / name).is_dir() and (base / "configs").is_dir():
                return str(base / name)
    return None


def new_handle() -> c_void_p:
    return c_void_p()


__all__ = ["lib", "byref", "data_folder", "new_handle"]
