#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes a small drmemtrace folder, from the format's description.

    drmemtrace_writer.py SEED N FOLDER

Two threads of N instructions each, thread 71 as a zip of chunks and thread 72
as gzip in FOLDER/trace/, with a v2p.textproto and files that are no traces
beside them. FOLDER/references has the threads' references as lines
"TID i|r|w VADDR BYTES", FOLDER/operations their system calls that map, as
records of a text trace, in the order of time. Knows nothing of mmusim but the
form of those lines.

DynamoRIO, clients/drcachesim/common/trace_entry.h: 12-byte records.
"""
import gzip
import os
import random
import struct
import sys
import zipfile

LOAD, STORE, OTHER, PREFETCH, CALL = 0, 1, 10, 2, 14
THREAD, EXIT, PID, HEADER, FOOTER, MARKER, NO_FETCH = 22, 23, 24, 25, 26, 28, 29
ENCODING, TAKEN = 47, 48
TIMESTAMP, CPU, FUNC, ARG, RETURN, FILE_TYPE, LINE = 2, 3, 4, 6, 7, 9, 10
VERSION, PAGE, CHUNK, CHUNK_END, ORDINAL, SYSCALL, BLOCKS = (12, 18, 20, 21, 22,
                                                             25, 26)
SYSCALL_FUNC = 1 << 32
CHUNK_INSTRUCTIONS = 300
EPOCH = 13_300_000_000_000_000  # us since 1601


class Thread:
    """A thread's records, cut into chunks."""

    def __init__(self, tid, pid, rng):
        self.tid, self.rng = tid, rng
        self.us, self.cpu = EPOCH + tid, tid % 4
        self.chunks, self.references, self.operations = [b""], [], []
        self.n = 0
        self.encoded = set()
        self.put(HEADER, 0, 7)
        for marker, value in ((VERSION, 7), (FILE_TYPE, 0x40 | 0x200 | 0x400)):
            self.put(MARKER, marker, value)
        self.put(THREAD, 0, tid)
        self.put(PID, 0, pid)
        for marker, value in ((LINE, 64), (CHUNK, CHUNK_INSTRUCTIONS),
                              (PAGE, 4096)):
            self.put(MARKER, marker, value)
        self.time(0)

    def put(self, kind, size, value):
        self.chunks[-1] += struct.pack("<HHQ", kind, size, value)

    def time(self, passed_us):
        self.us += passed_us
        self.put(MARKER, TIMESTAMP, self.us)
        self.put(MARKER, CPU, 1 << 12 | self.cpu)

    def instruction(self, pc, size, kind=OTHER):
        if self.n and self.n % CHUNK_INSTRUCTIONS == 0:
            self.put(MARKER, CHUNK_END, len(self.chunks) - 1)
            self.chunks.append(b"")
            self.put(MARKER, ORDINAL, self.n)
            self.time(0)
            self.encoded.clear()
        self.n += 1
        if pc not in self.encoded:
            self.encoded.add(pc)
            self.put(ENCODING, min(size, 8), 0x90909090)
        self.put(kind, size, pc)
        self.references.append(f"{self.tid} i {pc:#x} {size}")

    def access(self, kind, vaddr, size):
        self.put(kind, size, vaddr)
        self.references.append(
            f"{self.tid} {'rw'[kind == STORE]} {vaddr:#x} {size}")

    def call(self, number, args, result, text, is_giving=False):
        """text: what it is in a text trace; None: nothing."""
        begun = self.us
        self.put(MARKER, SYSCALL, number)
        self.put(MARKER, FUNC, SYSCALL_FUNC + number)
        for value in args:
            self.put(MARKER, ARG, value)
        self.put(MARKER, FUNC, SYSCALL_FUNC + number)
        self.put(MARKER, RETURN, result & (1 << 64) - 1)
        self.time(self.rng.randint(2, 400))
        if text:
            self.operations.append(
                (self.us if is_giving else begun, f"{self.tid} {text}"))

    def system_call(self):
        where = 0x7E0000000000 + self.tid * (1 << 32) + self.rng.randrange(64) * (
            1 << 20)
        kind = self.rng.randrange(7)
        if kind == 0:
            self.call(9, [0, 0x8000, 3, 0x22, (1 << 64) - 1, 0], where,
                      f"mmap {where:#x} 32768 rw- anon", True)
        elif kind == 1:
            self.call(9, [0, 0x3000, 1, 1, 5, 0x2000], where,
                      f"mmap {where:#x} 12288 r-- file:fd5@8192 shared", True)
        elif kind == 2:
            self.call(11, [where, 0x4000], 0, f"munmap {where:#x} 16384")
        elif kind == 3:
            self.call(10, [where, 0x1000, 5], 0,
                      f"mprotect {where:#x} 4096 r-x")
        elif kind == 4:
            self.call(28, [where, 0x2000, 4], 0,
                      f"madvise {where:#x} 8192 dontneed")
        elif kind == 5:
            self.call(11, [where, 0x4000], -22, None)  # it failed
        else:
            self.put(MARKER, SYSCALL, 202)  # no arguments were recorded
            self.put(MARKER, BLOCKS, 0)
            self.time(self.rng.randint(50, 5000))

    def run(self, n):
        rng = self.rng
        for i in range(n):
            pc = 0x401000 + self.tid * 0x10000 + i % 24 * 5
            self.instruction(pc, 5, TAKEN if i % 24 == 23 else OTHER)
            if i % 3 == 0:
                self.access(LOAD, 0x7F0000000000 + rng.randrange(1 << 20), 8)
            if i % 5 == 1:
                self.access(STORE, 0x10000000 + rng.randrange(64) * 4096 + 4092,
                            8)
            if i % 40 == 7:
                self.put(PREFETCH, 1, 0x10000000)
            if i % 50 == 9:  # a string instruction's next turn
                self.put(NO_FETCH, 5, pc)
                self.access(STORE, 0x601000 + i, 1)
            if i % 60 == 59:
                self.cpu = rng.randrange(4)
                self.time(rng.randint(1, 90))
            if i % 97 == 96:
                self.instruction(pc + 5, 2)
                self.system_call()
        self.put(EXIT, 0, self.tid)
        self.put(FOOTER, 0, 0)


def write_zip(path, chunks):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for i, chunk in enumerate(chunks):
            member = zipfile.ZipInfo(f"chunk.{i:08}")
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, chunk)


def write(folder, threads):
    trace = os.path.join(folder, "trace")
    os.makedirs(trace)
    os.makedirs(os.path.join(folder, "aux"))
    name = os.path.join(trace, "drmemtrace.app.{}.0000.trace.{}")
    write_zip(name.format(71, "zip"), threads[0].chunks)
    with open(name.format(72, "gz"), "wb") as file:
        file.write(gzip.compress(b"".join(threads[1].chunks), 9, mtime=0))
    for other in ("modules.log", "serial_schedule.bin.gz", "cpu_schedule.bin.zip"):
        with open(os.path.join(trace, other), "wb") as file:
            file.write(b"no trace")
    with open(os.path.join(folder, "aux", "v2p.textproto"), "w") as file:
        file.write("# a comment\naddress_mapping_group {\n  page_size: 0x200000\n")
        for i in range(3):
            file.write("  address_mapping { virtual_address: %#x "
                       "physical_address: %#x }\n" % (i << 21, 1 << 30 | i << 21))
        file.write("}\n")
    with open(os.path.join(folder, "references"), "w") as file:
        for thread in threads:
            file.write("\n".join(thread.references) + "\n")
    with open(os.path.join(folder, "operations"), "w") as file:
        ordered = sorted((us, i, text) for i, thread in enumerate(threads)
                         for us, text in thread.operations)
        file.write("".join(text + "\n" for _, _, text in ordered))


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    rng = random.Random(int(sys.argv[1]))
    threads = [Thread(tid, 70, random.Random(rng.random())) for tid in (71, 72)]
    for thread in threads:
        thread.run(int(sys.argv[2]))
    write(sys.argv[3], threads)


main()
