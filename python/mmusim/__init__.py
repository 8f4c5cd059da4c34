# SPDX-License-Identifier: MIT
"""mmusim: a cycle-level simulator of multicore MMUs and TLBs.

    import mmusim
    stats = mmusim.replay("zen4", "traces/churn.mmt")
    grid = mmusim.sweep("zen4", "workload:madvise",
                        {"os.flush_ceiling": range(65)})
    print(grid.best())

The package calls the shared library (libmmusim.so) and needs no compiler.
MMUSIM_LIBRARY names the library if it is in no usual place.
"""
from ._library import lib as _lib
from .config import Config, Key, machines, protocols
from .embed import Fault, Found, Kind, Mmu, Translation
from .errors import (ConfigError, Exhausted, Interrupted, MmusimError,
                     SystemFailure, TraceError, Unsupported, UsageError)
from .run import (Statistics, Sweep, Trace, Violation, replay, sweep,
                  workloads)

__version__ = _lib.version().decode()

__all__ = [
    "Config", "ConfigError", "Exhausted", "Fault", "Found", "Interrupted",
    "Key", "Kind", "Mmu", "MmusimError", "Statistics", "Sweep",
    "SystemFailure", "Trace", "TraceError", "Translation", "Unsupported",
    "UsageError", "Violation", "machines", "protocols", "replay", "sweep",
    "workloads",
]
