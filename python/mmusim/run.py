# SPDX-License-Identifier: MIT
"""Runs: one source through one machine, or through a grid of variants."""
from __future__ import annotations

import ctypes
import itertools
import os
import threading
from collections.abc import Mapping as MappingABC
from concurrent.futures import ThreadPoolExecutor
from typing import (Any, Callable, Dict, Iterable, Iterator, List, Mapping,
                    Optional, Sequence, Union)

from . import _library
from ._library import Diag, byref, lib
from .config import Config, Value, as_config
from .errors import Interrupted, UsageError, check

Number = Union[int, float]
# (records done, records in all or 0); anything true stops the run
ProgressFunction = Callable[[int, int], Any]

# Idle time and waiting for the recorded order are no cost of the machine.
_UNPAID = ("idle", "order")


class Statistics(MappingABC):
    """The statistics of a run, by name, in the documented order.

    >>> stats = replay("zen4", "workload:chase,pages=4096")
    >>> stats["llt.misses"]
    """

    def __init__(self, values: Dict[str, Number], units: Dict[str, str],
                 violations: Sequence["Violation"] = ()):
        self._values = values
        self.units = units
        self.violations = list(violations)

    def __getitem__(self, name: str) -> Number:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def busy_cycles(self) -> int:
        """Cycles of all CPUs but idle and order: what a sweep minimises."""
        return sum(int(self[name]) for name in self._values
                   if name.startswith("cycles.") and
                   name.split(".")[1] not in _UNPAID)

    def buckets(self) -> Dict[str, int]:
        """Cycles of all CPUs by bucket."""
        return {name.split(".", 1)[1]: int(value)
                for name, value in self._values.items()
                if name.startswith("cycles.")}

    def __repr__(self) -> str:
        return (f"Statistics({self.get('sim.accesses', 0)} accesses, "
                f"{self.get('sim.cycles', 0)} cycles)")


class Violation:
    """A use of a stale translation that the checker found."""

    def __init__(self, row: _library.Violation):
        self.verdict = row.verdict.decode()
        self.text = row.text.decode(errors="replace")
        self.cycle, self.vaddr, self.cpu = row.cycle, row.vaddr, row.cpu
        self.n_uses = row.n_uses


class Trace:
    """An opened trace in any readable format; may be used by many runs."""

    def __init__(self, path: Union[str, os.PathLike],
                 format: Optional[str] = None, salvage: bool = False,
                 cache_bytes: int = 0):
        self._handle = ctypes.c_void_p()
        self.path = os.fspath(path)
        options = _library.TraceOptions(
            format=format.encode() if format else None, salvages=salvage,
            cache_bytes=cache_bytes)
        diag = Diag()
        check(lib.trace_open(os.fsencode(self.path), byref(options),
                             byref(self._handle), byref(diag)), diag)

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            lib.trace_close(self._handle)
            self._handle = ctypes.c_void_p()

    def notes(self) -> List[str]:
        """What reading another format had to say."""
        lines = []
        while True:
            line = lib.trace_note(self._handle, len(lines))
            if line is None:
                return lines
            lines.append(line.decode(errors="replace"))


Source = Union[Trace, str, os.PathLike]


def _open(source: Source, cache_bytes: int = 0) -> Union[Trace, str]:
    if isinstance(source, Trace):
        return source
    text = os.fspath(source)
    if not text or "\0" in text:
        raise UsageError(f"{text!r} is no source (a trace's path, or "
                         "workload:NAME)")
    if lib.is_workload(text.encode()):
        return text
    folder = _library.data_folder("traces")
    if not os.path.exists(text) and folder and os.sep not in text:
        text = os.path.join(folder, text)
    return Trace(text, cache_bytes=cache_bytes)


def _view(opened: Union[Trace, str]) -> ctypes.c_void_p:
    handle = ctypes.c_void_p()
    diag = Diag()
    if isinstance(opened, Trace):
        check(lib.trace_source(opened._handle, byref(handle), byref(diag)),
              diag)
    else:
        check(lib.workload_source(opened.encode(), byref(handle), byref(diag)),
              diag)
    return handle


def _statistics(stats: ctypes.c_void_p,
                violations: Sequence[Violation] = ()) -> Statistics:
    values: Dict[str, Number] = {}
    units: Dict[str, str] = {}
    row = _library.Stat()
    for index in range(lib.stats_count(stats)):
        lib.stats_at(stats, index, byref(row))
        name = row.name.decode()
        values[name] = row.value / 1000 if row.is_milli else row.value
        units[name] = (row.unit or b"").decode()
    lib.stats_destroy(stats)
    return Statistics(values, units, violations)


def _violations(machine: ctypes.c_void_p) -> List[Violation]:
    found: List[Violation] = []
    row = _library.Violation()
    while lib.machine_violation_at(machine, len(found), byref(row)):
        found.append(Violation(row))
    return found


def _run(config: Config, opened: Union[Trace, str],
         progress: Optional[ProgressFunction],
         stops: threading.Event) -> Statistics:
    machine, stats = ctypes.c_void_p(), ctypes.c_void_p()
    failure: List[BaseException] = []
    diag = Diag()

    def on_progress(_context, done) -> int:
        try:
            if progress and progress(done.contents.records,
                                     done.contents.total_records):
                stops.set()
        except BaseException as error:  # raised again after the run
            failure.append(error)
            stops.set()
        return int(stops.is_set())

    callback = _library.ON_PROGRESS(on_progress)
    source = _view(opened)
    try:
        check(lib.machine_create(config._handle, byref(machine), byref(diag)),
              diag)
        lib.machine_on_progress(machine, callback, None)
        status = lib.machine_run(machine, source, byref(diag))
        if failure:
            raise failure[0]
        check(status, diag)
        check(lib.machine_stats(machine, byref(stats)))
        return _statistics(stats, _violations(machine))
    finally:
        if machine:
            lib.machine_destroy(machine)
        lib.source_destroy(source)


def replay(config: Union[Config, str, None], source: Source,
           settings: Optional[Mapping[str, Value]] = None, check: bool = False,
           progress: Optional[ProgressFunction] = None) -> Statistics:
    """Runs a source through a machine.

    config: a Config, the name of a machine, or None for the generic one (the
    tool's default is zen4). source: a trace's path (or the
    name of a shipped one), a Trace, or "workload:NAME,key=value,...". settings:
    keys set on a copy of config. check: look for stale translations; they are
    in the result's `violations`. Ctrl-C ends the run.
    """
    machine = as_config(config).copy(settings)
    if check:
        machine["checker.enabled"] = True
    return _in_thread(lambda stops: _run(machine, _open(source), progress,
                                         stops))


def _in_thread(function: Callable[[threading.Event], Any]) -> Any:
    """Runs it in a thread, so that Ctrl-C is noticed and stops it."""
    stops = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(function, stops)
        try:
            return future.result()
        except KeyboardInterrupt:
            stops.set()
            raise


class Sweep(MappingABC):
    """The rows of a sweep as columns: keys and statistics by name, one array
    each (NumPy's if it is there, else lists), rows in the order of the
    product. `keys` are the swept ones."""

    def __init__(self, keys: List[str], columns: Dict[str, Any]):
        self.keys_swept = keys
        self._columns = columns

    def __getitem__(self, name: str) -> Any:
        return self._columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def best(self, metric: str = "busy_cycles") -> Dict[str, Any]:
        """The swept keys and the metric of the row that minimises it."""
        values = list(self[metric])
        row = min(range(len(values)), key=values.__getitem__)
        return {name: self[name][row] for name in [*self.keys_swept, metric]}


def _array(values: List[Any]) -> Any:
    try:
        import numpy
    except ImportError:
        return values
    return numpy.array(values)


def _columns(keys: List[str], points: List[tuple],
             rows: List[Statistics]) -> Dict[str, Any]:
    columns: Dict[str, Any] = {
        key: _array([point[i] for point in points])
        for i, key in enumerate(keys)}
    columns["busy_cycles"] = _array([row.busy_cycles() for row in rows])
    names: Dict[str, None] = {}
    for row in rows:
        names.update(dict.fromkeys(row))
    for name in names:
        columns[name] = _array([row.get(name, 0) for row in rows])
    return columns


def sweep(config: Union[Config, str, None], source: Source,
          params: Mapping[str, Iterable[Value]],
          settings: Optional[Mapping[str, Value]] = None,
          jobs: Optional[int] = None,
          progress: Optional[ProgressFunction] = None) -> Sweep:
    """Runs a source through every combination of keys and values.

    params: key -> its values; several make the product, the last running
    fastest. jobs: runs at a time (default: host CPUs; the library runs without
    Python's lock). progress: called with (points done, points).

    >>> grid = sweep("zen4", "workload:madvise",
    ...              {"os.flush_ceiling": range(0, 65, 8)})
    >>> grid.best()
    """
    if not params:
        raise UsageError("what to sweep? (params={'os.flush_ceiling': "
                         "range(65)})")
    base = as_config(config).copy(settings)
    keys = list(params)
    points = list(itertools.product(*(list(params[key]) for key in keys)))
    if not points:
        raise UsageError("a key has no values")
    # Every point is tried before the first run.
    machines = [base.copy(dict(zip(keys, point))) for point in points]
    for machine in machines:
        machine.check()
    opened = _open(source, cache_bytes=256 << 20)
    stops = threading.Event()
    n_done = itertools.count(1)

    def run(machine: Config) -> Statistics:
        result = _run(machine, opened, None, stops)
        if progress and progress(next(n_done), len(points)):
            stops.set()
        return result

    with ThreadPoolExecutor(jobs or os.cpu_count() or 1) as pool:
        futures = [pool.submit(run, machine) for machine in machines]
        try:
            rows = [future.result() for future in futures]
        except BaseException:
            stops.set()
            for future in futures:
                future.cancel()
            raise
    if stops.is_set():
        raise Interrupted("stopped by the progress function")
    return Sweep(keys, _columns(keys, points, rows))


def workloads() -> Dict[str, Dict[str, str]]:
    """The generators: name -> its parameters and their defaults."""
    found: Dict[str, Dict[str, str]] = {}

    def visit(_context, item) -> int:
        row = item.contents
        parameters = found.setdefault(row.workload.decode(), {})
        if row.parameter:
            parameters[row.parameter.decode()] = (row.dflt or b"").decode()
        return 0

    lib.workload_each(_library.VISIT_WORKLOAD(visit), None)
    return found
