# SPDX-License-Identifier: MIT
"""The package against the library, the tool and the C compiler.

MMUSIM names the tool, MMUSIM_LIBRARY the library, CC a C compiler (optional).
"""
import ctypes
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "python"))
os.environ.setdefault("MMUSIM_DATADIR", str(ROOT))

import mmusim  # noqa: E402
from mmusim import _library  # noqa: E402

TOOL = os.environ.get("MMUSIM")
COMPILER = os.environ.get("CC") or shutil.which("cc")


def tool(*arguments):
    """What the command-line tool prints."""
    return subprocess.run([TOOL, *arguments], check=True, text=True,
                          capture_output=True).stdout


class Layout(unittest.TestCase):
    @unittest.skipUnless(COMPILER, "no C compiler")
    def test_structures_are_those_of_the_headers(self):
        lines = ["#include <mmusim/mmusim.h>", "#include <stddef.h>",
                 "#include <stdio.h>", "int main(void) {"]
        expected = []
        for name, structure in _library.STRUCTURES.items():
            lines.append(f'printf("%zu\\n", sizeof({name}));')
            expected.append(ctypes.sizeof(structure))
            for field in structure._fields_:
                lines.append(f'printf("%zu\\n", offsetof({name}, {field[0]}));')
                expected.append(getattr(structure, field[0]).offset)
        with tempfile.TemporaryDirectory() as folder:
            program = Path(folder) / "layout"
            program.with_suffix(".c").write_text("\n".join([*lines, "}"]))
            subprocess.run([COMPILER, "-I", str(ROOT / "include"), "-o",
                            str(program), str(program) + ".c"], check=True)
            told = subprocess.run([str(program)], check=True, text=True,
                                  capture_output=True).stdout
        self.assertEqual([int(line) for line in told.split()], expected)

    def test_statuses_have_their_exceptions(self):
        text = (ROOT / "include/mmusim/status.h").read_text()
        known = {0, -4, -6, *mmusim.errors._BY_STATUS}
        for line in text.splitlines():
            if line.startswith("    X("):
                self.assertIn(int(line.split("(")[1].split(",")[0]), known)


class Configurations(unittest.TestCase):
    def test_keys_are_set_and_read(self):
        config = mmusim.Config("zen4")
        config["os.flush_ceiling"] = 7
        self.assertEqual(config["os.flush_ceiling"], "7")
        copy = config.copy({"os.flush_ceiling": 8})
        self.assertEqual(config["os.flush_ceiling"], "7")
        self.assertEqual(copy.to_dict()["os.flush_ceiling"], "8")

    def test_a_wrong_key_names_the_nearest(self):
        with self.assertRaises(mmusim.MmusimError) as caught:
            mmusim.Config()["os.flush_cieling"] = 3
        self.assertIn("os.flush_ceiling", str(caught.exception))
        with self.assertRaises(KeyError):
            mmusim.Config()["no.such"]

    def test_a_wrong_file_names_file_and_line(self):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write("name: mine\nos:\n  flush_ceiling: many\n")
            file.flush()
            with self.assertRaises(mmusim.ConfigError) as caught:
                mmusim.Config(file.name)
        self.assertEqual(caught.exception.file, file.name)
        self.assertEqual(caught.exception.line, 3)
        self.assertIn("os.flush_ceiling", caught.exception.key)

    def test_lists(self):
        self.assertIn("zen4", mmusim.machines())
        self.assertIn("linux-4.6", mmusim.protocols())
        self.assertIn("pages", mmusim.workloads()["chase"])
        key = next(k for k in mmusim.Config().items()
                   if k.name == "os.flush_ceiling")
        self.assertTrue(key.help and key.range)


class Runs(unittest.TestCase):
    @unittest.skipUnless(TOOL, "no tool")
    def test_a_replay_is_the_tools(self):
        source = "workload:madvise,threads=2"
        told = json.loads(tool("replay", "-q", "-m", "zen4", "-s",
                               "os.flush_ceiling=3", "--format", "json", source))
        stats = mmusim.replay("zen4", source, {"os.flush_ceiling": 3})
        self.assertEqual(dict(stats), told["stats"])
        self.assertEqual(stats.units["sim.cycles"], "cycles")

    @unittest.skipUnless(TOOL, "no tool")
    def test_a_sweep_is_the_tools(self):
        source = "workload:madvise,threads=2"
        rows = tool("sweep", "-q", "-m", "zen4", "-p", "os.flush_ceiling=1,4",
                    "-p", "tlb.l2d.0.hit_cycles=7,8", "--format", "csv",
                    source).splitlines()
        head = rows[0].split(",")
        grid = mmusim.sweep("zen4", source, {"os.flush_ceiling": [1, 4],
                                             "tlb.l2d.0.hit_cycles": [7, 8]},
                            jobs=2)
        for name in ("os.flush_ceiling", "tlb.l2d.0.hit_cycles", "sim.cycles",
                     "llt.misses", "cycles.walk"):
            column = head.index(name)
            self.assertEqual([int(v) for v in grid[name]],
                             [int(row.split(",")[column]) for row in rows[1:]])

    def test_buckets_sum_to_the_cycles(self):
        stats = mmusim.replay("generic", "workload:madvise,threads=2")
        self.assertEqual(sum(stats.buckets().values()), sum(
            value for name, value in stats.items()
            if name.startswith("core") and name.endswith(".cycles") and
            name.count(".") == 1))

    def test_a_sweep_names_its_best(self):
        grid = mmusim.sweep("generic", "workload:chase,pages=512",
                            {"tlb.l2.0.hit_cycles": [20, 1]})
        self.assertEqual(grid.best()["tlb.l2.0.hit_cycles"], 1)

    def test_a_sweep_without_values_is_refused(self):
        for params in ({}, {"os.flush_ceiling": []}):
            with self.assertRaises(mmusim.UsageError):
                mmusim.sweep("generic", "workload:madvise", params)

    def test_a_bad_point_ends_before_the_first_run(self):
        with self.assertRaises(mmusim.MmusimError) as caught:
            mmusim.sweep("generic", "workload:madvise",
                         {"os.flush_ceiling": [1, "lots"]})
        self.assertIn("os.flush_ceiling", str(caught.exception))

    def test_shipped_and_missing_traces(self):
        stats = mmusim.replay("generic", "sort.mmt", progress=None)
        self.assertGreater(stats["sim.accesses"], 1000000)
        with self.assertRaises(mmusim.TraceError) as caught:
            mmusim.replay("generic", "no/such.mmt")
        self.assertIn("no/such.mmt", str(caught.exception))

    def test_progress_may_stop_a_run(self):
        seen = []

        def stop(done, total):
            seen.append((done, total))
            return True

        with self.assertRaises(mmusim.Interrupted):
            mmusim.replay("generic", "sort.mmt", progress=stop)
        self.assertEqual(len(seen), 1)

    def test_an_exception_in_progress_comes_out(self):
        def fail(done, total):
            raise RuntimeError("mine")

        with self.assertRaisesRegex(RuntimeError, "mine"):
            mmusim.replay("generic", "sort.mmt", progress=fail)

    def test_the_checker_tells_its_violations(self):
        stats = mmusim.replay("generic", "workload:madvise,threads=2",
                              check=True)
        self.assertEqual(stats["checker.violations"], len(stats.violations))


class Embedded(unittest.TestCase):
    def setUp(self):
        self.mmu = mmusim.Mmu("generic")
        self.space = self.mmu.space()
        self.mmu.map(self.space, 0x400000, 0x10000000)
        self.mmu.load(self.space)

    def test_a_walk_then_a_hit(self):
        first = self.mmu.translate(0x400008)
        again = self.mmu.translate(0x400010)
        self.assertEqual((first.found, again.found),
                         (mmusim.Found.WALK, mmusim.Found.L1))
        self.assertEqual(first.paddr, 0x10000008)
        self.assertGreater(first.ready_cycle, 0)

    def test_an_unmapped_page_is_stale_until_it_is_invalidated(self):
        self.mmu.translate(0x400000)
        self.mmu.unmap(self.space, 0x400000)
        self.assertEqual(self.mmu.translate(0x400000).fault, mmusim.Fault.NONE)
        self.mmu.invalidate("INVLPG", 0x400000)
        self.assertEqual(self.mmu.translate(0x400000).fault,
                         mmusim.Fault.ABSENT)

    def test_a_shootdown_reaches_the_others_and_takes_their_time(self):
        other = self.mmu.cores - 1
        self.mmu.translate(0x400000, core=other)
        self.mmu.unmap(self.space, 0x400000)
        done = self.mmu.shootdown(0x400000, 4096)
        self.assertGreater(done, 0)
        self.assertEqual(self.mmu.translate(0x400000, core=other).fault,
                         mmusim.Fault.ABSENT)
        if other:
            self.assertGreater(self.mmu.stolen_cycles(other), 0)
        self.assertGreater(self.mmu.statistics()["walker.walks"], 0)

    def test_misuse_is_told(self):
        with self.assertRaises(mmusim.MmusimError):
            self.mmu.map(self.space, 0x400001, 0)
        with self.assertRaises(mmusim.UsageError):
            self.mmu.map(self.space, 0x600000, 0, rights="q")
        with self.assertRaises(mmusim.UsageError):
            self.mmu.translate(0, core=10000)
        with self.assertRaises(mmusim.MmusimError):
            self.mmu.invalidate("INVLPX", 0)

    def test_what_does_not_fit_is_refused_and_not_cut(self):
        mmu = self.mmu
        for call in (lambda: mmu.translate((1 << 64) + 0x400000),
                     lambda: mmu.map(self.space + (1 << 32), 0x800000, 0),
                     lambda: mmu.unmap(self.space, -1),
                     lambda: mmu.invalidate("INVLPG", -1),
                     lambda: mmu.stolen_cycles(10000),
                     lambda: mmu.clock(-1),
                     lambda: mmusim.replay("generic", "sort.mmt\0b"),
                     lambda: mmusim.replay("generic", ""),
                     lambda: mmusim.Config("")):
            with self.assertRaises(mmusim.UsageError):
                call()


class Example(unittest.TestCase):
    def test_the_script_draws_its_figure(self):
        script = ROOT / "python/examples/flush_ceiling.py"
        with tempfile.TemporaryDirectory() as folder:
            figure = Path(folder) / "curve.png"
            run = subprocess.run(
                [sys.executable, str(script), "generic",
                 "workload:madvise,threads=2", str(figure)], text=True,
                capture_output=True, cwd=folder)
            if "matplotlib is not installed" in run.stderr:
                self.skipTest("no matplotlib")
            self.assertEqual(run.returncode, 0, run.stderr)
            self.assertEqual(figure.read_bytes()[:4], b"\x89PNG")
            self.assertIn("best: ", run.stdout)


if __name__ == "__main__":
    unittest.main()
