# SPDX-License-Identifier: MIT
"""The translation hardware in a notebook's hands: translate, invalidate."""
from __future__ import annotations

import ctypes
from dataclasses import dataclass
from enum import IntEnum
from typing import Iterable, Mapping, Optional, Sequence, Union

from . import _library
from ._library import Diag, byref, lib
from .config import Config, Value, as_config
from .errors import UsageError, check
from .run import Statistics, _statistics


class Kind(IntEnum):
    """What an access does."""
    LOAD = 0
    STORE = 1
    FETCH = 2


class Found(IntEnum):
    """Where a translation was found."""
    NOWHERE = 0
    L1 = 1
    L2 = 2
    BUFFER = 3
    L3 = 4
    WALK = 5


class Fault(IntEnum):
    """Why there is no translation."""
    NONE = 0
    NOT_CANONICAL = 1
    ABSENT = 2
    RESERVED = 3
    NOT_ACCESSED = 4
    REFUSED = 5
    NOT_DIRTY = 6


@dataclass(frozen=True)
class Translation:
    """What became of an access; paddr is 0 if it faulted."""
    fault: Fault
    found: Found
    paddr: int
    page_bytes: int
    ready_cycle: int


_RIGHTS = {"w": 1, "x": 2, "u": 4, "g": 8}


def _integer(value: int, what: str, bits: int = 64) -> int:
    """value, if it fits; ctypes would cut it silently."""
    if not 0 <= value < 1 << bits:
        raise UsageError(f"{what} is {value} (0 to 2^{bits} - 1)")
    return value


def _rights(text: str) -> int:
    try:
        return sum(_RIGHTS[letter] for letter in set(text))
    except KeyError as error:
        raise UsageError(f"{error.args[0]!r} is no right (w write, x execute, "
                         "u user, g global)") from None


class Mmu:
    """The TLBs, walkers and caches of all cores of a machine, and page tables.

    The clock only moves when something takes time: each call begins where the
    last one on that core ended, unless `now` says otherwise.

    >>> mmu = Mmu("zen4")
    >>> space = mmu.space()
    >>> mmu.map(space, 0x400000, 0x10000000)
    >>> mmu.load(space)
    >>> mmu.translate(0x400008).found
    <Found.WALK: 5>
    """

    def __init__(self, config: Union[Config, str, None] = None,
                 settings: Optional[Mapping[str, Value]] = None):
        self._handle = ctypes.c_void_p()
        diag = Diag()
        machine = as_config(config).copy(settings)
        check(lib.embed_create(machine._handle, None, byref(self._handle),
                               byref(diag)), diag)
        self._now = [0] * self.cores

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            lib.embed_destroy(self._handle)
            self._handle = ctypes.c_void_p()

    @property
    def cores(self) -> int:
        """Logical CPUs."""
        return lib.embed_cores(self._handle)

    def clock(self, core: int = 0) -> int:
        """The cycle up to which a core has got."""
        return self._begin(core, None)

    def _begin(self, core: int, now: Optional[int]) -> int:
        if not 0 <= core < len(self._now):
            raise UsageError(f"there is no core {core} (0 to "
                             f"{len(self._now) - 1})")
        return self._now[core] if now is None else _integer(now, "now")

    def _end(self, core: int, now: int) -> None:
        self._now[core] = max(self._now[core], now)

    def space(self) -> int:
        """A new address space; 0 is the kernel's, for the upper half."""
        number = ctypes.c_uint32()
        diag = Diag()
        check(lib.embed_space_create(self._handle, byref(number), byref(diag)),
              diag)
        return number.value

    def _page(self, space: int, vaddr: int, paddr: int, page_bytes: int,
              rights: str) -> _library.EmbedPage:
        return _library.EmbedPage(_integer(space, "space", 32),
                                  _integer(vaddr, "vaddr"),
                                  _integer(paddr, "paddr"),
                                  _integer(page_bytes, "page_bytes"),
                                  _rights(rights))

    def map(self, space: int, vaddr: int, paddr: int, page_bytes: int = 4096,
            rights: str = "wxu") -> None:
        """Maps a page, in no time. rights: letters of w, x, u (user), g
        (global)."""
        diag = Diag()
        page = self._page(space, vaddr, paddr, page_bytes, rights)
        check(lib.embed_map(self._handle, byref(page), byref(diag)), diag)

    def unmap(self, space: int, vaddr: int) -> None:
        """Clears the entry that maps vaddr. TLBs keep what they have."""
        diag = Diag()
        check(lib.embed_unmap(self._handle, _integer(space, "space", 32),
                              _integer(vaddr, "vaddr"), byref(diag)), diag)

    def protect(self, space: int, vaddr: int, rights: str) -> None:
        """Changes the rights of a page. TLBs keep what they have."""
        diag = Diag()
        page = self._page(space, vaddr, 0, 0, rights)
        check(lib.embed_protect(self._handle, byref(page), byref(diag)), diag)

    def load(self, space: int, cores: Optional[Iterable[int]] = None,
             asid: int = 0, keep: bool = False) -> None:
        """Loads a space on some cores (default: all). keep: x86, nothing is
        dropped (CR3 bit 63)."""
        for core in range(self.cores) if cores is None else cores:
            done, diag = ctypes.c_uint64(), Diag()
            context = _library.EmbedContext(
                core=core, now=self._begin(core, None),
                space=_integer(space, "space", 32),
                asid=_integer(asid, "asid", 16), keeps_entries=keep)
            check(lib.embed_switch(self._handle, byref(context), byref(done),
                                   byref(diag)), diag)
            self._end(core, done.value)

    def translate(self, vaddr: int, kind: Kind = Kind.LOAD, core: int = 0,
                  now: Optional[int] = None) -> Translation:
        """Translates an address on a core; a walk is run to its end."""
        result, diag = _library.EmbedTranslation(), Diag()
        access = _library.EmbedAccess(core, self._begin(core, now),
                                      _integer(vaddr, "vaddr"), int(kind), 0)
        check(lib.embed_translate(self._handle, byref(access), byref(result),
                                  byref(diag)), diag)
        self._end(core, result.ready_cycle)
        return Translation(Fault(result.fault), Found(result.found),
                           result.paddr, result.page_bytes, result.ready_cycle)

    def invalidate(self, name: str, *registers: int, core: int = 0,
                   sync: bool = False, now: Optional[int] = None) -> int:
        """Executes an instruction of docs/invalidate-instructions.md, such as
        invalidate("INVLPG", 0x400000). Returns the cycle at which it is done;
        UsageError if the machine refuses it."""
        if len(registers) > 5:
            raise UsageError("an instruction has at most 5 registers")
        for register in registers:
            _integer(register, "a register")
        effect, diag = _library.EmbedEffect(), Diag()
        instruction = _library.EmbedInstruction(
            core=core, now=self._begin(core, now), name=name.encode(),
            reg=(ctypes.c_uint64 * 5)(*registers), sync=int(sync))
        check(lib.embed_invalidate(self._handle, byref(instruction),
                                   byref(effect), byref(diag)), diag)
        if effect.outcome:
            raise UsageError((effect.why or b"refused").decode())
        self._end(core, effect.done_cycle)
        return effect.done_cycle

    def shootdown(self, vaddr: int = 0, n_bytes: int = 0,
                  cores: Optional[Sequence[int]] = None, core: int = 0,
                  now: Optional[int] = None) -> int:
        """Flushes a range (0 bytes: all) on some cores (default: all), over
        the machine's fabric. Returns the cycle of the last
        acknowledgement."""
        targets = [_integer(target, "a core", 32) for target in
                   (range(self.cores) if cores is None else cores)]
        done, diag = ctypes.c_uint64(), Diag()
        flush = _library.EmbedFlush(
            core=core, now=self._begin(core, now),
            cores=(ctypes.c_uint32 * max(len(targets), 1))(*targets),
            n_cores=len(targets), vaddr=_integer(vaddr, "vaddr"),
            bytes=_integer(n_bytes, "n_bytes"))
        check(lib.embed_shootdown(self._handle, byref(flush), byref(done),
                                  byref(diag)), diag)
        for number in range(self.cores):  # nobody may be earlier now
            self._end(number, done.value)
        return done.value

    def stolen_cycles(self, core: int) -> int:
        """Cycles that received flushes have taken from a core."""
        self._begin(core, None)
        return lib.embed_stolen_cycles(self._handle, core)

    def statistics(self) -> Statistics:
        """The statistics so far."""
        stats = ctypes.c_void_p()
        check(lib.embed_stats(self._handle, byref(stats)))
        return _statistics(stats)
