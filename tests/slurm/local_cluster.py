#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""An actual Slurm on this machine, for as long as a command runs.

    tests/slurm/local_cluster.py [--nodes N] [--set KEY=VALUE]... -- COMMAND...

Starts munged, slurmctld and one slurmd a node from Debian's packages (munge,
slurmctld, slurmd, slurm-client) in a directory of its own, on free ports of the
loopback interface, with SLURM_CONF set for COMMAND; its exit status is
COMMAND's. 77: there is no Slurm here, and one line says why.

Nothing outlives it. A watchdog in a session of its own holds the end of a pipe;
when the harness ends, however it does, the watchdog kills every process that
has this cluster's SLURM_CONF in its environment (daemons, job steps and jobs
have) and removes the directory.
"""
import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

SKIPPED = 77
PROGRAMS = {  # Debian's packages, by the program that is needed of them
    "munged": "munge", "slurmctld": "slurmctld", "slurmd": "slurmd",
    "sbatch": "slurm-client", "squeue": "slurm-client",
    "scontrol": "slurm-client", "sinfo": "slurm-client",
}
START_SECONDS = 60  # a loaded machine of one core needs about 10
SEARCH_PATH = os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin"


class Unavailable(Exception):
    """Slurm cannot be started here."""


def free_ports(n):
    sockets = [socket.socket() for _ in range(n)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def process_file(pid, name):
    """A file of /proc/PID; empty if the process is gone, or not ours."""
    try:
        with open(f"/proc/{pid}/{name}", "rb") as file:
            return file.read()
    except OSError:
        return b""


def marked_processes(mark):
    """Processes whose environment has the entry mark."""
    return [int(name) for name in os.listdir("/proc")
            if name.isdigit() and int(name) != os.getpid() and
            mark in process_file(name, "environ").split(b"\0")]


def kill_process(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def kill_marked(mark):
    for _ in range(50):  # until nobody is left who could start another
        pids = marked_processes(mark)
        if not pids:
            return
        for pid in pids:
            kill_process(pid)
        time.sleep(0.1)


def start_watchdog(directory, mark):
    """Returns the pipe's end whose closing sets the watchdog off, and its pid."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid:
        os.close(reader)
        return writer, pid
    os.setsid()
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, signal.SIG_IGN)
    os.closerange(0, reader)
    os.closerange(reader + 1, 1024)
    try:
        os.read(reader, 1)
        kill_marked(mark)
        shutil.rmtree(directory, ignore_errors=True)
    finally:
        os._exit(0)


class Cluster:
    """n nodes n1, n2, ... with one daemon each."""

    def __init__(self, n_nodes=4, cpus=2, settings=None):
        missing = sorted({package for program, package in PROGRAMS.items()
                          if not shutil.which(program, path=SEARCH_PATH)})
        if missing:
            raise Unavailable("not installed: " + " ".join(missing) +
                              " (scripts/install-deps.sh slurm)")
        # sockets have short names: not below $TMPDIR, which may be deep
        self.directory = tempfile.mkdtemp(prefix="slurm.", dir="/tmp")
        self.nodes = [f"n{i + 1}" for i in range(n_nodes)]
        self.ports = free_ports(n_nodes + 1)
        self.cpus = cpus
        self.settings = settings or {}
        self.daemons = {}
        self.conf = f"{self.directory}/slurm.conf"
        self.env = {key: value for key, value in os.environ.items()
                    if not key.startswith(("SLURM", "SBATCH", "SQUEUE"))}
        self.env.update(SLURM_CONF=self.conf, PATH=SEARCH_PATH)
        self.pipe, self.watchdog = start_watchdog(
            self.directory, f"SLURM_CONF={self.conf}".encode())

    def path(self, name):
        return os.path.join(self.directory, name)

    def write_conf(self):
        user = subprocess.check_output(["id", "-un"], text=True).strip()
        host = socket.gethostname().split(".")[0]
        values = {
            "ClusterName": "loopback",
            "SlurmctldHost": f"{host}(127.0.0.1)",
            "SlurmctldPort": self.ports[0],
            "CommunicationParameters": "NoCtldInAddrAny,NoInAddrAny",
            "SlurmUser": user, "SlurmdUser": user,
            "AuthType": "auth/munge", "CredType": "cred/munge",
            # a requeued job waits as long as a credential lives: 120 s
            "AuthInfo": f"socket={self.path('munge.socket')},cred_expire=10",
            "StateSaveLocation": self.path("state"),
            "SlurmdSpoolDir": self.path("spool.%n"),
            "SlurmctldPidFile": self.path("slurmctld.pid"),
            "SlurmdPidFile": self.path("slurmd.%n.pid"),
            "SlurmctldLogFile": self.path("slurmctld.log"),
            "SlurmdLogFile": self.path("slurmd.%n.log"),
            "ProctrackType": "proctrack/linuxproc",
            "TaskPlugin": "task/none", "MpiDefault": "none",
            "JobAcctGatherType": "jobacct_gather/none",
            "AccountingStorageType": "accounting_storage/none",
            "SelectType": "select/cons_tres",
            "SelectTypeParameters": "CR_CPU",
            "SlurmdParameters": "config_overrides",
            "ReturnToService": 2,
            # all quick: what takes minutes on a site takes seconds here
            "SlurmdTimeout": 6, "SlurmctldTimeout": 5, "TCPTimeout": 2,
            "MessageTimeout": 5, "KillWait": 2, "CompleteWait": 0,
            "MinJobAge": 300, "InactiveLimit": 0, "BatchStartTimeout": 10,
            "SchedulerParameters": "sched_interval=1,batch_sched_delay=0,"
                                   "sched_min_interval=0,bf_interval=1",
        }
        values.update(self.settings)
        lines = [f"{key}={value}" for key, value in values.items()]
        lines += [f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 "
                  f"Port={port} CPUs={self.cpus} RealMemory=1000 State=UNKNOWN"
                  for node, port in zip(self.nodes, self.ports[1:])]
        lines.append(f"PartitionName=main Nodes={','.join(self.nodes)} "
                     "Default=YES MaxTime=60 State=UP")
        with open(self.conf, "w", encoding="ascii") as file:
            file.write("\n".join(lines) + "\n")
        with open(self.path("cgroup.conf"), "w", encoding="ascii") as file:
            file.write(f"CgroupPlugin={self.cgroup_plugin()}\n")

    def cgroup_plugin(self):
        """One that needs no control groups: none of ours are limited."""
        words = self.run(["slurmctld", "-V"]).stdout.split()
        version = [int(word) for word in words[-1].split(".")[:2]]
        # of 22.05 and before, cgroup/v1 touches nothing until it is used
        return "disabled" if version >= [23, 2] else "cgroup/v1"

    def daemon(self, name, arguments):
        with open(self.path(f"{name}.out"), "ab") as out:
            self.daemons[name] = subprocess.Popen(
                arguments, env=self.env, cwd=self.directory, stdout=out,
                stderr=out, stdin=subprocess.DEVNULL, start_new_session=True)

    def start(self):
        os.chmod(self.directory, 0o755)
        self.write_conf()
        os.mkdir(self.path("state"), 0o700)
        with open(os.open(self.path("munge.key"), os.O_CREAT | os.O_WRONLY,
                          0o400), "wb") as file:
            file.write(os.urandom(128))
        self.daemon("munged", [
            "munged", "--foreground", "--force", "--key-file",
            self.path("munge.key"), "--socket", self.path("munge.socket"),
            "--pid-file", self.path("munged.pid"), "--seed-file",
            self.path("munged.seed"), "--log-file", self.path("munged.log")])
        self.wait_for(lambda: os.path.exists(self.path("munge.socket")),
                      "munged")
        self.start_controller()
        for node in self.nodes:
            self.start_node(node)
        self.wait_for(self.is_idle, "slurmd")

    def is_idle(self):
        states = self.run(["sinfo", "-h", "-N", "-o", "%t"]).stdout.split()
        return len(states) == len(self.nodes) and set(states) == {"idle"}

    def wait_for(self, condition, what):
        end = time.monotonic() + START_SECONDS
        while not condition():
            dead = [name for name, process in self.daemons.items()
                    if process.poll() is not None]
            if dead or time.monotonic() > end:
                raise Unavailable(f"{dead[0] if dead else what} does not "
                                  f"start: {self.last_words(what)}")
            time.sleep(0.1)

    def last_words(self, what):
        words = "no word from it"
        for name in sorted(os.listdir(self.directory)):
            if name.startswith(what) and name.endswith((".out", ".log")):
                with open(self.path(name), errors="replace") as file:
                    lines = [line.strip() for line in file if "rror" in line]
                words = lines[-1] if lines else words
        return words

    def start_controller(self):
        self.daemon("slurmctld", ["slurmctld", "-D", "-f", self.conf])
        self.wait_for(lambda: self.run(["scontrol", "ping"]).returncode == 0,
                      "slurmctld")

    def start_node(self, node):
        self.daemon(f"slurmd.{node}",
                    ["slurmd", "-D", "-N", node, "-f", self.conf])

    def kill(self, name, number=signal.SIGKILL):
        """Ends the daemon `name` and nothing else."""
        process = self.daemons.pop(name)
        process.send_signal(number)
        process.wait()

    def kill_node(self, node):
        """As a node that loses power: its daemon and all its jobs."""
        self.kill(f"slurmd.{node}")
        for pid in self.processes(f"SLURMD_NODENAME={node}"):
            kill_process(pid)

    def processes(self, entry):
        """Those of this cluster that have an entry in their environment."""
        mark = f"SLURM_CONF={self.conf}".encode()
        return [pid for pid in marked_processes(entry.encode())
                if mark in process_file(pid, "environ").split(b"\0")]

    def run(self, arguments, **options):
        options = {"env": self.env, "text": True, "capture_output": True,
                   "stdin": subprocess.DEVNULL, **options}
        return subprocess.run(arguments, **options)

    def stop(self):
        os.close(self.pipe)
        os.waitpid(self.watchdog, 0)
        for process in self.daemons.values():
            process.wait()

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()


def main():
    parser = argparse.ArgumentParser(
        description="Runs COMMAND with an actual Slurm on this machine.")
    parser.add_argument("--nodes", type=int, default=4)
    parser.add_argument("--cpus", type=int, default=2, help="of each node")
    parser.add_argument("--set", action="append", default=[],
                        metavar="KEY=VALUE", help="a line of slurm.conf")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    settings = dict(one.split("=", 1) for one in options.set)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with Cluster(options.nodes, options.cpus, settings) as cluster:
            return cluster.run(options.command, stdin=None,
                               capture_output=False).returncode
    except Unavailable as reason:
        print(f"skipped: no Slurm here: {reason}")
        return SKIPPED


if __name__ == "__main__":
    sys.exit(main())
