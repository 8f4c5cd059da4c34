#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`mmusim sweep --engine slurm` on an actual Slurm, in little more than a
minute; tests/slurm/sweep_faults.py is the long form.

$MMUSIM is the tool, $SOURCE_DIR the source tree. Exit status 77: no Slurm.
"""
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
import sweep_faults  # noqa: E402

N_POINTS = 400
began = time.monotonic()


def check(is_right, what, run=None):
    print(f"{time.monotonic() - began:5.1f} s  "
          f"{'ok' if is_right else 'FAILED'}: {what}", flush=True)
    if not is_right:
        words = f"{run.stdout}{run.stderr}" if run else ""
        sys.exit(f"FAILED: {what}\n{words}")


def run_tool(sweep, *options):
    command = sweep.command(*options)
    return sweep.tool(*command[1:])


def queue(cluster):
    return cluster.run(["squeue", "-h", "-r", "-o", "%F %T %j"]).stdout


def wait_for_queue(cluster, condition):
    end = time.monotonic() + 60
    while not condition(queue(cluster)) and time.monotonic() < end:
        time.sleep(0.2)


def same(sweep, expected):
    with open(sweep.output, "rb") as file:
        return file.read() == expected


def check_dry_run(sweep, cluster):
    run = run_tool(sweep, "--dry-run", "--slurm-option=--nice=3")
    check(run.returncode == 0 and "#SBATCH --array=0-9" in run.stdout and
          "# sbatch --parsable --nice=3 " in run.stdout and
          "would submit 400 of 400 points in 20 tasks" in run.stdout,
          "a dry run prints the scripts", run)
    check(not queue(cluster) and not os.path.exists(sweep.store),
          "and submits and leaves nothing")


def check_refusals(sweep):
    run = run_tool(sweep, "--slurm-option=--partition=nosuch")
    check(run.returncode == 4 and "invalid partition specified: nosuch"
          in run.stderr and run.stderr.count("\n") == 1,
          "what sbatch refuses is told in its words", run)
    run = run_tool(sweep, "--slurm-option=--array=1-2")
    check(run.returncode == 2, "options that are the engine's are refused",
          run)
    env = {**sweep.cluster.env, "PATH": "/nonexistent"}
    run = subprocess.run(sweep.command(), env=env, text=True,
                         cwd=sweep.directory, capture_output=True,
                         check=False)
    check(run.returncode == 4 and "--engine local needs none" in run.stderr,
          "without Slurm's commands it says so", run)


def check_two_and_cancel(sweep, cluster):
    """Held by the site's own means, so that nothing ends too early."""
    hold = "--slurm-option=--begin=now+1hour"
    first = run_tool(sweep, hold)
    check(first.returncode == 0 and "submitted 400 of 400 points in 20 tasks"
          in first.stdout, "all points are submitted", first)
    check(queue(cluster).count("PENDING") == 21,
          "as arrays below MaxArraySize, and a job that merges")
    second = run_tool(sweep, hold)
    check(second.returncode == 0 and "nothing to submit" in second.stdout and
          "submitted by" in second.stdout, "a second one is told", second)
    check(queue(cluster).count("PENDING") == 21, "and submits nothing")
    run = sweep.tool("sweep", "status", sweep.store)
    check("slurm       0 tasks run, 20 wait (" in run.stdout,
          "status tells of the queue", run)
    run = sweep.tool("sweep", "cancel", sweep.store)
    check(run.returncode == 0 and "cancelled 20 tasks" in run.stdout,
          "cancel removes them", run)
    wait_for_queue(cluster, lambda words: not words)
    check(not queue(cluster), "all of them")


def check_without_waiting(sweep, cluster, expected):
    run = run_tool(sweep, "-j", "2")
    check(run.returncode == 0, "it leaves after submitting", run)
    wait_for_queue(cluster, lambda words: not words)
    check(os.path.exists(sweep.output) and same(sweep, expected),
          "the last job has merged; equal to the local engine's file")


def check_faults(directory, cluster, expected):
    sweep = sweep_faults.Sweep(directory, N_POINTS, cluster)
    chosen = ["kill", "requeue", "controller", "node", "two"]
    faults = sweep_faults.Faults(sweep, cluster, random.Random(1), chosen)
    processes = [sweep.start("--wait"), sweep.start("--wait")]
    try:
        sweep_faults.finish(sweep, faults,
                            sweep_faults.follow(sweep, faults, processes))
        told = ", ".join(f"{what} {n}" for what, n in faults.done.items())
        check(same(sweep, expected), f"equal after {told}")
    except sweep_faults.Failed as reason:
        print(sweep.last_words())
        check(False, reason)
    return sweep


def check_changed_trace(directory, cluster):
    sweep = sweep_faults.Sweep(directory, N_POINTS, cluster)
    process = sweep.start("--wait")
    while sweep.n_done() < N_POINTS // 20 and process.poll() is None:
        time.sleep(0.05)
    for trace in sweep.traces:
        with open(os.path.join(directory, trace), "a", encoding="ascii") as file:
            file.write("1 n 1\n")
    status = process.wait(timeout=sweep_faults.SWEEP_SECONDS)
    check(status == 4 and not os.path.exists(sweep.output) and
          sweep.n_done() < N_POINTS, "a trace that changes stops the sweep")
    with open(sweep.log.name, encoding="utf-8") as file:
        words = file.read()
    check("churn.txt: changed since the sweep was planned" in words or
          "stream.txt: changed since the sweep was planned" in words,
          "and is named")


def main():
    directory = tempfile.mkdtemp(prefix="engine.")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with local_cluster.Cluster(settings={"MaxArraySize": 10}) as cluster:
            for name in ("plain", "faults", "trace"):
                os.mkdir(os.path.join(directory, name))
            sweep = sweep_faults.Sweep(os.path.join(directory, "plain"),
                                       N_POINTS, cluster)
            check_dry_run(sweep, cluster)
            check_refusals(sweep)
            check_two_and_cancel(sweep, cluster)
            expected = sweep.merged_locally()
            check_without_waiting(sweep, cluster, expected)
            check_faults(os.path.join(directory, "faults"), cluster, expected)
            check_changed_trace(os.path.join(directory, "trace"), cluster)
    except local_cluster.Unavailable as reason:
        print(f"skipped: no Slurm here: {reason}")
        sys.exit(local_cluster.SKIPPED)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
