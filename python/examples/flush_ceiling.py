# SPDX-License-Identifier: MIT
# What does the flush ceiling cost? A notebook's cells as a script: run it
# whole, or cell by cell in an editor that knows "# %%".

# %% The machine and the program
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import mmusim

machine = sys.argv[1] if len(sys.argv) > 1 else "zen4"
source = sys.argv[2] if len(sys.argv) > 2 else "churn.mmt"
figure_file = sys.argv[3] if len(sys.argv) > 3 else "flush_ceiling.png"

# %% One run: where do its cycles go?
stats = mmusim.replay(machine, source)
for bucket, cycles in sorted(stats.buckets().items(), key=lambda b: -b[1])[:6]:
    print(f"{bucket:14} {cycles:14,}")

# %% The ceiling, from no page-wise flush to nothing else
grid = mmusim.sweep(machine, source,
                    {"os.flush_ceiling": [0, 1, 2, 4, 8, 16, 33, 64, 128, 256]})
best = grid.best()
default = stats.busy_cycles()
print(f"best: {best['os.flush_ceiling']}, "
      f"{100 * (1 - best['busy_cycles'] / default):.2f} % below the default")

# %% The curve, and what moves along it
try:
    import matplotlib
except ImportError:
    sys.exit("no figure: matplotlib is not installed")
matplotlib.use("Agg")
import matplotlib.pyplot as plt

ceilings = list(grid["os.flush_ceiling"])
places = range(len(ceilings))
figure, axes = plt.subplots(figsize=(7, 4))
bottom = [0.0] * len(ceilings)
for bucket in ("walk", "flush_local", "ipi_wait", "ipi_handler", "fault"):
    height = [cycles / 1e6 for cycles in grid[f"cycles.{bucket}"]]
    axes.bar(places, height, bottom=bottom, label=bucket)
    bottom = [low + more for low, more in zip(bottom, height)]
axes.set_xticks(places, ceilings)
axes.set_xlabel("tlb_single_page_flush_ceiling, pages")
axes.set_ylabel("million cycles, all CPUs")
axes.set_title(f"{source} on {machine}")
axes.legend()
figure.tight_layout()
figure.savefig(figure_file, dpi=120)
print(f"figure: {figure_file}")
