#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes small traces in foreign formats, from the formats' descriptions.

    foreign_writer.py champsim|champsim-cloudsuite|din|gem5 SEED N > FILE

N instructions of a made-up program: a loop body of 24 instructions of 1 to 9
bytes that is left now and then, with loads and stores that walk through pages,
come back, and cross page boundaries. Knows nothing of mmusim.

champsim: ChampSim's inc/trace_instruction.h, as struct module formats.
din: Dinero IV's manual page. gem5: src/proto/packet.proto, encoded by hand
(Protocol Buffers' encoding: varints, and lengths before messages), in gzip.
"""
import gzip
import random
import struct
import sys

OUT = sys.stdout.buffer


def program(seed, n):
    """(ip, length, is_taken_branch, loads, stores) of each instruction."""
    rng = random.Random(seed)
    body = [rng.randint(1, 9) for _ in range(24)]
    base = 0x400FC0
    index = 0
    cursor = 0
    for _ in range(n):
        ip = base + sum(body[:index])
        length = body[index]
        loads, stores = [], []
        if index % 3 == 0:
            cursor += rng.choice((8, 64, 4096, 12288))
            loads.append(0x7F0000000000 + cursor % 0x80000)
        if index % 5 == 1:
            stores.append(0x10000000 + rng.randrange(64) * 4096 + 4092)
        if index == 7:
            loads += [0x601000 + 8 * k for k in range(rng.randint(1, 3))]
            stores += [0x601000, 0x602FFF][:rng.randint(0, 2)]
        index += 1
        is_taken = index == len(body)
        if is_taken:
            index = 0
            if rng.random() < 0.1:
                base = 0x400FC0 + 0x1000 * rng.randrange(8)
        yield ip, length, is_taken, loads, stores


def padded(values, n):
    return list(values) + [0] * (n - len(values))


def champsim(seed, n):
    for ip, _, is_taken, loads, stores in program(seed, n):
        OUT.write(struct.pack("<QBB2B4B2Q4Q", ip, is_taken, is_taken, 1, 0, 2, 3,
                              0, 0, *padded(stores, 2), *padded(loads, 4)))


def cloudsuite(seed, n):
    for i, (ip, _, is_taken, loads, stores) in enumerate(program(seed, n)):
        OUT.write(struct.pack("<QBB4B4B6x4Q4Q2B6x", ip, is_taken, is_taken, 1, 0,
                              0, 0, 2, 3, 0, 0, *padded(stores, 4),
                              *padded(loads, 4), i * 2 // n, 0))


def din(seed, n):
    for i, (ip, _, _, loads, stores) in enumerate(program(seed, n)):
        lines = [f"2 {ip:x}"]
        lines += [f"0 {vaddr:x}" for vaddr in loads]
        lines += [f"1 {vaddr:#x} a store" for vaddr in stores]
        if i % 50 == 49:
            lines.append("4 0")
        OUT.write(("\n".join(lines) + "\n").encode())


def varint(value):
    out = b""
    while value >= 0x80:
        out += bytes((value & 0x7F | 0x80,))
        value >>= 7
    return out + bytes((value,))


def message(**fields):
    """field_<number>=value: integers as varints, bytes with their length."""
    out = b""
    for name, value in fields.items():
        number = int(name.split("_")[1])
        if isinstance(value, bytes):
            out += varint(number << 3 | 2) + varint(len(value)) + value
        else:
            out += varint(number << 3) + varint(value)
    return varint(len(out)) + out


def gem5(seed, n):
    read, read_response, write = 1, 2, 4
    fetch, walk = 0x100, 0x20000000
    name = message(_1=7, _2=b"system.cpu.data")[1:]
    out = b"gem5" + message(_1=b"system.monitor", _2=0, _3=10**12, _4=name)
    tick = 1000

    def packet(cmd, addr, size, flags):
        nonlocal tick, out
        tick += 500
        out += message(_1=tick, _2=cmd, _3=addr, _4=size, _5=flags, _6=7,
                       _7=0x400000)

    for i, (ip, length, _, loads, stores) in enumerate(program(seed, n)):
        packet(read, ip, length, fetch)
        for vaddr in loads:
            packet(read, vaddr, 8, 0)
            packet(read_response, vaddr, 8, 0)
        for vaddr in stores:
            packet(write, vaddr, 8, 0)
        if i % 40 == 39:
            packet(read, 0x80000000 + 8 * i, 8, walk)
        if i % 60 == 59:
            packet(34, 0x601000, 4, 0)  # SwapReq of gem5 22 and later
    OUT.write(gzip.compress(out, 9, mtime=0))


def main():
    formats = {"champsim": champsim, "champsim-cloudsuite": cloudsuite,
               "din": din, "gem5": gem5}
    if len(sys.argv) != 4 or sys.argv[1] not in formats:
        sys.exit(__doc__)
    formats[sys.argv[1]](int(sys.argv[2]), int(sys.argv[3]))


main()
