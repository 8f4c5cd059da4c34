#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reads foreign traces in the simplest way: lines "1 i|r|w VADDR BYTES".

    foreign_reader.py FORMAT FILE

FORMAT: lackey, champsim, champsim-cloudsuite, din, gem5; FILE may be packed by
gzip, xz or bzip2. A second reading of the formats' descriptions, to compare
`mmusim trace cat` with; knows nothing of mmusim but the form of those lines.
"""
import bz2
import gzip
import lzma
import re
import struct
import sys


def unpacked(path):
    with open(path, "rb") as file:
        data = file.read()
    for magic, unpack in ((b"\x1f\x8b", gzip.decompress),
                          (b"\xfd7zXZ", lzma.decompress),
                          (b"BZh", bz2.decompress)):
        if data.startswith(magic):
            return unpack(data)
    return data


def lackey(data):
    for match in re.finditer(r"^(I | [LSM]) ([0-9a-f]+),(\d+)$", data.decode(),
                             re.MULTILINE):
        kinds = {"I ": "i", " L": "r", " S": "w", " M": "rw"}[match[1]]
        for kind in kinds:
            yield kind, int(match[2], 16), int(match[3])


def champsim_as(data, layout, n_registers, n_stores):
    for fields in struct.iter_unpack(layout, data):
        memory = fields[3 + n_registers:]
        if fields[0]:
            yield "i", fields[0], 1
        for vaddr in memory[n_stores:n_stores + 4]:
            if vaddr:
                yield "r", vaddr, 1
        for vaddr in memory[:n_stores]:
            if vaddr:
                yield "w", vaddr, 1


def champsim(data):
    return champsim_as(data, "<QBB6B2Q4Q", 6, 2)


def cloudsuite(data):
    return champsim_as(data, "<QBB8B6x4Q4Q2B6x", 8, 4)


def din(data):
    for line in data.decode().splitlines():
        label, vaddr = (int(word, 16) for word in line.split()[:2])
        if label < 3:
            yield "rwi"[label], vaddr // 4 * 4, 4


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def fields_of(data):
    at = 0
    fields = {}
    while at < len(data):
        tag, at = varint(data, at)
        value, at = varint(data, at)
        if tag & 7 == 2:
            at += value
        fields[tag >> 3] = value
    return fields


def gem5(data):
    assert data[:4] == b"gem5"
    n_bytes, at = varint(data, 4)
    at += n_bytes
    while at < len(data):
        n_bytes, at = varint(data, at)
        packet = fields_of(data[at:at + n_bytes])
        at += n_bytes
        flags = packet.get(5, 0)
        if packet[2] not in (1, 4) or flags & 0x20000000:
            continue
        kind = "i" if flags & 0x100 else "r" if packet[2] == 1 else "w"
        yield kind, packet[3], packet[4]


def main():
    readers = {"lackey": lackey, "champsim": champsim,
               "champsim-cloudsuite": cloudsuite, "din": din, "gem5": gem5}
    if len(sys.argv) != 3 or sys.argv[1] not in readers:
        sys.exit(__doc__)
    for kind, vaddr, n_bytes in readers[sys.argv[1]](unpacked(sys.argv[2])):
        print("1", kind, hex(vaddr), n_bytes)


main()
