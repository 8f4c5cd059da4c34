#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The local cluster runs jobs, and nothing of it outlives its harness."""
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import local_cluster  # noqa: E402

HARNESS = [sys.executable, local_cluster.__file__, "--nodes", "2", "--"]


def conf_of(process):
    return process.stdout.readline().strip()


def wait_until(condition, what):
    end = time.monotonic() + 60
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"FAILED: {what}")
        time.sleep(0.1)


def remains(conf):
    """Command lines of the cluster's processes; a zombie has none."""
    mark = f"SLURM_CONF={conf}".encode()
    lines = [local_cluster.process_file(pid, "cmdline")
             for pid in local_cluster.marked_processes(mark)]
    return [line for line in lines if line]


def check_jobs_run():
    run = subprocess.run(
        [*HARNESS, "sh", "-c", "sbatch -Q --wait -a 0-3 -o /dev/null "
         "--wrap 'exit $SLURM_ARRAY_TASK_ID'; echo $?"],
        text=True, capture_output=True, check=False)
    if run.returncode == local_cluster.SKIPPED:
        print(run.stdout, end="")
        sys.exit(local_cluster.SKIPPED)
    if run.stdout.split() != ["3"]:  # --wait: the highest status of the tasks
        sys.exit(f"FAILED: no job ran: {run.stdout}{run.stderr}")


def check_nothing_remains(number):
    with subprocess.Popen(
            [*HARNESS, "sh", "-c", "echo $SLURM_CONF; sbatch -Q -o /dev/null "
             "--wrap 'sleep 600'; sleep 600"],
            text=True, stdout=subprocess.PIPE) as process:
        conf = conf_of(process)
        wait_until(lambda: any(b"slurm_script" in line
                               for line in remains(conf)),
                   "the job does not start")
        process.send_signal(number)
    wait_until(lambda: not remains(conf),
               f"after signal {number} processes remain: {remains(conf)}")
    wait_until(lambda: not os.path.exists(os.path.dirname(conf)),
               f"{os.path.dirname(conf)} remains")


def main():
    check_jobs_run()
    check_nothing_remains(signal.SIGKILL)
    check_nothing_remains(signal.SIGTERM)
    print("jobs run, and nothing remains")


if __name__ == "__main__":
    main()
