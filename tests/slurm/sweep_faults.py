#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Sweeps on an actual Slurm, with faults, against the local engine.

    tests/slurm/sweep_faults.py [--seeds A..B] [--only FAULT,...] [--points N]

Each seed is a sweep of N points (400) over two traces through `mmusim sweep
--engine slurm --wait`, on four nodes of one machine, while faults chosen by
the seed are done to it; the merged file must equal, byte for byte, that of the
local engine, undisturbed. Faults:

    kill        all processes of a random task, SIGKILL
    worker      one worker process of a task, SIGKILL (its point fails, and is
                opened again by `mmusim sweep retry`)
    requeue     scontrol requeue of a random task
    node        a node is gone for good, with all its processes
    controller  slurmctld is shut down and started again some seconds later
    crash       the same with SIGKILL: it forgets its last seconds, thinks job
                numbers free that are running and drains the nodes that say so;
                an administrator resumes them
    disk        the file system of the store is full for some seconds
    two         the same command is started twice at the same moment
    client      the waiting command is killed and started again

$MMUSIM is the tool, $SOURCE_DIR the source tree. Exit status 77: no Slurm.
"""
import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import local_cluster  # noqa: E402

FAULTS = ["kill", "worker", "requeue", "node", "controller", "crash",
          "disk", "two", "client"]
SWEEP_SECONDS = 240  # nothing here takes a quarter of that
DISK_BYTES = 24 << 20
TOOL = os.environ.get("MMUSIM", "mmusim")
os.environ.setdefault("MMUSIM_DATADIR", os.environ.get(
    "SOURCE_DIR", os.path.join(os.path.dirname(__file__), "..", "..")))


class Failed(Exception):
    """mmusim did what it should not."""


def make_traces(directory):
    """Two threads that map, touch and unmap, and one that runs through."""
    paths = []
    for name, threads, pages in (("churn", 2, 40), ("stream", 1, 96)):
        path = os.path.join(directory, f"{name}.txt")
        with open(path, "w", encoding="ascii") as file:
            if threads == 2:
                file.write("1 clone 2\n")
            for turn in range(8):
                for thread in range(1, threads + 1):
                    base = 0x10000000 * thread + (turn % 5) * 0x100000
                    file.write(f"{thread} mmap {base:#x} "
                               f"{pages * 4096} rw-\n")
                    for page in range(pages):
                        file.write(f"{thread} w {base + page * 4096:#x}\n")
                    file.write(f"{thread} munmap {base:#x} {pages * 4096}\n")
        paths.append(name + ".txt")  # rows of all stores have the same names
    return paths


class Sweep:
    """One grid over two traces, in a store of its own."""

    def __init__(self, directory, n_points, cluster):
        self.directory = directory
        self.store = os.path.join(directory, "disk", "store")
        self.output = os.path.join(directory, "merged.csv")
        self.cluster = cluster
        self.n_points = n_points
        os.makedirs(os.path.dirname(self.store))
        self.grid = ["-p", "os.flush_ceiling=1..20",
                     "-p", f"walker.start_cycles=1..{n_points // 40}"]
        self.traces = make_traces(directory)
        self.log = open(os.path.join(directory, "log"), "a", encoding="utf-8")

    def tool(self, *arguments):
        return subprocess.run([TOOL, *arguments], env=self.cluster.env,
                              text=True, capture_output=True,
                              stdin=subprocess.DEVNULL, cwd=self.directory,
                              timeout=SWEEP_SECONDS, check=False)

    def merged_locally(self):
        store = os.path.join(self.directory, "local")
        path = os.path.join(self.directory, "local.csv")
        for arguments in (["--store", store, *self.grid, "-q", "-o", path,
                           "--format", "csv", *self.traces],):
            run = self.tool("sweep", *arguments)
            if run.returncode:
                raise Failed(f"local engine: {run.stderr}")
        with open(path, "rb") as file:
            return file.read()

    def command(self, *options):
        return [TOOL, "sweep", "--store", self.store, "--engine", "slurm",
                "--chunk-time", "200", "--format", "csv", "-o", self.output,
                *options, *self.grid, *self.traces]

    def start(self, *options):
        self.log.write(f"{time.time():.1f} start {options}\n")
        self.log.flush()
        return subprocess.Popen(self.command(*options), env=self.cluster.env,
                                stdin=subprocess.DEVNULL, stdout=self.log,
                                cwd=self.directory,
                                stderr=self.log, text=True)

    def n_done(self):
        """Points in result files, counted without the tool's help."""
        n = 0
        folder = os.path.join(self.store, "results")
        names = os.listdir(folder) if os.path.isdir(folder) else []
        for name in [name for name in names if name.endswith(".res")]:
            try:
                with open(os.path.join(folder, name), "rb") as file:
                    n += sum(line.startswith(b"done ") for line in file)
            except OSError:  # a name before it was renamed
                pass
        return n

    def running_tasks(self):
        """Array and task numbers of what runs now."""
        run = self.cluster.run(["squeue", "-h", "-r", "-t", "R", "-o",
                                "%F %K %A %j"])
        lines = [line.split() for line in run.stdout.splitlines()]
        return [line for line in lines
                if len(line) == 4 and not line[3].endswith(".end")]

    def n_rounds(self):
        folder = os.path.join(self.store, "slurm")
        return sum(name.isdigit() for name in os.listdir(folder))

    def last_words(self):
        self.log.flush()
        with open(self.log.name, encoding="utf-8") as file:
            words = file.read()
        words += self.tool("sweep", "status", self.store).stdout
        for where, _, names in os.walk(os.path.join(self.store, "slurm")):
            for name in sorted(names):
                if name.endswith(".log"):
                    with open(os.path.join(where, name),
                              errors="replace") as file:
                        text = file.read()
                    if text:
                        words += f"--- {where[-4:]}/{name}\n{text}"
        return words


def job_processes(cluster, job, is_worker_only=False):
    """Those of mmusim; what leads comes before its workers."""
    pids = []
    for pid in cluster.processes(f"SLURM_JOB_ID={job}"):
        if b"sweep" not in local_cluster.process_file(pid, "cmdline"):
            continue
        stat = local_cluster.process_file(pid, "stat").rsplit(b")", 1)
        parent = stat[-1].split()[1:2]
        is_worker = bool(parent) and b"sweep" in local_cluster.process_file(
            parent[0].decode(), "cmdline")
        if is_worker or not is_worker_only:
            pids.insert(len(pids) if is_worker else 0, pid)
    return pids


class Faults:
    """What is done to a sweep while it runs."""

    def __init__(self, sweep, cluster, rng, chosen):
        self.sweep = sweep
        self.cluster = cluster
        self.rng = rng
        self.done = {}
        self.undo = []  # (time, function)
        self.chosen = chosen

    def count(self, what):
        self.done[what] = self.done.get(what, 0) + 1

    def one_task(self):
        tasks = self.sweep.running_tasks()
        return self.rng.choice(tasks) if tasks else None

    def kill(self):
        task = self.one_task()
        for pid in job_processes(self.cluster, task[2]) if task else []:
            local_cluster.kill_process(pid)
            self.count("kill")

    def worker(self):
        task = self.one_task()
        pids = job_processes(self.cluster, task[2], True) if task else []
        if pids:
            local_cluster.kill_process(pids[0])
            self.count("worker")

    def requeue(self):
        task = self.one_task()
        if task and not self.cluster.run(
                ["scontrol", "requeue", f"{task[0]}_{task[1]}"
                 if task[1] != "N/A" else task[0]]).returncode:
            self.count("requeue")

    def node(self):
        up = [name for name in self.cluster.daemons
              if name.startswith("slurmd")]
        if len(up) > 2:
            self.cluster.kill_node(self.rng.choice(up).split(".")[1])
            self.count("node")

    def controller(self, number=signal.SIGTERM, name="controller"):
        if "slurmctld" in self.cluster.daemons:
            self.cluster.kill("slurmctld", number)
            self.undo.append((time.monotonic() + self.rng.uniform(0.5, 4),
                              self.cluster.start_controller))
            self.count(name)

    def crash(self):
        self.controller(signal.SIGKILL, "crash")

    def administrate(self):
        """What people do who find nodes drained and jobs held."""
        if "crash" not in self.done or "slurmctld" not in self.cluster.daemons:
            return
        run = self.cluster.run(["sinfo", "-h", "-N", "-o", "%N %t"])
        for line in run.stdout.splitlines():
            if line.split()[1].startswith(("drain", "drng")):
                self.cluster.run(["scontrol", "update", "state=resume",
                                  "NodeName=" + line.split()[0]])
        run = self.cluster.run(["squeue", "-h", "-r", "-t", "PD", "-o",
                                "%A %r"])
        for line in run.stdout.splitlines():
            if "held" in line.lower():
                self.cluster.run(["scontrol", "release", line.split()[0]])

    def disk(self):
        filler = os.path.join(self.sweep.directory, "disk", "filler")
        if not os.path.ismount(os.path.dirname(filler)) or \
                os.path.exists(filler):
            return
        with open(filler, "wb") as file:
            try:
                while True:
                    file.write(bytes(1 << 16))
                    file.flush()
            except OSError:
                pass
        self.undo.append((time.monotonic() + self.rng.uniform(1, 6),
                          lambda: os.unlink(filler)))
        self.count("disk")

    def run_undo(self, is_all=False):
        later = []
        for when, function in self.undo:
            if is_all or time.monotonic() >= when:
                function()
            else:
                later.append((when, function))
        self.undo = later

    def plan(self):
        """When something happens, as shares of the points; and what."""
        events = []
        for fault in self.chosen:
            if fault not in ("two", "client"):
                n = 1 if fault in ("node", "controller", "crash",
                                    "disk") else 3
                events += [(self.rng.uniform(0.02, 0.8), fault)
                           for _ in range(n)]
        return sorted(events)


def follow(sweep, faults, processes):
    """Until the commands have ended; True: the sweep has failed points."""
    events = faults.plan()
    end = time.monotonic() + SWEEP_SECONDS
    visit = 0
    restart_at = faults.rng.uniform(0.1, 0.6) if "client" in faults.chosen \
        else 2
    while any(process.poll() is None for process in processes):
        if time.monotonic() > end:
            raise Failed("it does not end")
        share = sweep.n_done() / sweep.n_points
        if events and share >= events[0][0]:
            getattr(faults, events.pop(0)[1])()
        if share >= restart_at:
            restart_at = 2
            processes[0].kill()
            processes[0].wait()
            processes[0] = sweep.start("--wait")
            faults.count("client")
        faults.run_undo()
        if time.monotonic() > visit:
            faults.administrate()
            visit = time.monotonic() + 2
        time.sleep(0.05)
    faults.run_undo(is_all=True)
    return [process.returncode for process in processes]


def finish(sweep, faults, statuses):
    """Runs again, as a user would, what a fault has made end early."""
    for _ in range(5):
        if 0 in statuses:
            return
        if "worker" in faults.done:
            sweep.tool("sweep", "retry", sweep.store)
        faults.count("again")
        statuses = follow(sweep, Faults(sweep, faults.cluster, faults.rng,
                                        []), [sweep.start("--wait")])
    raise Failed(f"exit status {statuses}")


def mount_disk(directory):
    disk = os.path.join(directory, "disk")
    if os.geteuid() == 0:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}",
                        "tmpfs", disk], check=False, capture_output=True)
    return os.path.ismount(disk)


def check_seed(seed, chosen, n_points, expected):
    rng = random.Random(seed)
    directory = tempfile.mkdtemp(prefix="faults.")
    began = time.monotonic()
    disk = os.path.join(directory, "disk")
    with local_cluster.Cluster(settings={"MaxArraySize": 33}) as cluster:
        sweep = Sweep(directory, n_points, cluster)
        faults = Faults(sweep, cluster, rng, chosen)
        try:
            mount_disk(directory)
            processes = [sweep.start("--wait")
                         for _ in range(2 if "two" in chosen else 1)]
            if "two" in chosen:
                faults.count("two")
            finish(sweep, faults, follow(sweep, faults, processes))
            with open(sweep.output, "rb") as file:
                merged = file.read()
            if not expected:  # the same for all seeds
                expected.append(sweep.merged_locally())
            if merged != expected[0]:
                raise Failed("the merged file differs from the local engine's")
            n_computed = sweep.n_done()
            n_rounds = sweep.n_rounds()
        except (Failed, subprocess.TimeoutExpired) as reason:
            print(f"seed {seed} {chosen}: FAILED: {reason}\n{sweep.last_words()}")
            print(f"its files: {directory}", flush=True)
            return False
        finally:
            faults.run_undo(is_all=True)
            if os.path.ismount(disk):
                subprocess.run(["umount", "-l", disk], check=False)
    told = ", ".join(f"{what} {n}" for what, n in sorted(faults.done.items()))
    print(f"seed {seed}: equal ({told or 'no fault'}); {n_computed} results "
          f"for {n_points} points, {n_rounds} rounds, "
          f"{time.monotonic() - began:.0f} s", flush=True)
    shutil.rmtree(directory, ignore_errors=True)
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", default="1..1")
    parser.add_argument("--only", default="", help="of " + ",".join(FAULTS))
    parser.add_argument("--points", type=int, default=400)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    first, _, last = options.seeds.partition("..")
    n_bad = 0
    expected = []
    try:
        for seed in range(int(first), int(last or first) + 1):
            rng = random.Random(seed)
            chosen = options.only.split(",") if options.only else \
                sorted(rng.sample(FAULTS, rng.randint(1, 4)))
            n_bad += not check_seed(seed, [one for one in chosen if one],
                                    options.points, expected)
    except local_cluster.Unavailable as reason:
        print(f"skipped: no Slurm here: {reason}")
        return local_cluster.SKIPPED
    print(f"{n_bad} seeds failed" if n_bad else "all equal")
    return 1 if n_bad else 0


if __name__ == "__main__":
    sys.exit(main())
