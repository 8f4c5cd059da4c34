#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Native traces that no writer makes, with right checksums.

    forge_trace.py KIND FILE
"""
import struct
import sys
import zlib

FIXED = bytes([0x1F, 0x8B, 8, 4, 0, 0, 0, 0, 0, 255, 64, 0]) + b"MT" + bytes(
    [60, 0])
QUIET_ALL = 0xFFFFFFFF
NOMEM, MUNMAP, MREMAP, NO_KIND = 3, 1, 3, 127
FIRST = bytes([3, NOMEM, 1])  # defines "one instruction"; each 0 is another
GOOD = FIRST + bytes(9)  # ten records, as are the blocks below
# each behind ten good records
BAD = {
    # a load of 8 bytes, without a head, at 2^63
    "non-canonical": bytes([3, 0x1F, 3 << 2]) + b"\xff" * 9 + b"\x01",
    # the last byte lies behind the end of the address space: at 2^64 - 1
    "wrap": bytes([3, 0x1F, 3 << 2, 1]),
    "zero-access": bytes([3, 0x1F, 31 << 2, 0]),
    "zero-munmap": bytes([2, MUNMAP, 0x80, 0x20, 0]),
    "zero-mremap": bytes([2, MREMAP, 0, 1, 0x80, 0x20, 0]),
    "far-munmap": bytes([2, MUNMAP]) + b"\x80" * 9 + b"\x01\x01",
    "unknown": bytes([2, NO_KIND]),
}


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 255]
    return crc ^ 0xFFFFFFFF


def table_entry(value):
    for _ in range(8):
        value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value


TABLE = [table_entry(i) for i in range(256)]


def field(says, packed):
    """The 60 bytes; says: what differs from a block of ten records."""
    n = says.get("records", 10)
    data = struct.pack(
        "<HBBIIIQQIQIII", says.get("version", 1), says.get("kind", 0), 0,
        says.get("tid", 7), says.get("ordinal", 0), n, says.get("first", 0), 0,
        says.get("quiet", QUIET_ALL), says.get("instructions", n),
        says["unpacked"], len(packed), crc32c(packed))
    return data + struct.pack("<I", crc32c(data))


def member(raw, **says):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed, length, crc = b"", 0, 0
    for part in raw if isinstance(raw, list) else [raw]:
        packed += packer.compress(part)
        length += len(part)
        crc = zlib.crc32(part, crc)
    packed += packer.flush() + struct.pack("<II", crc, length & 0xFFFFFFFF)
    says.setdefault("unpacked", length)
    fields = field(says, packed)
    return FIXED + fields + packed, fields


def whole(*members):
    """The members and the index that a writer would put behind them."""
    fields = b"".join(m[1] for m in members)
    n = sum(struct.unpack_from("<I", m[1], 12)[0] for m in members)
    index = member(fields, kind=1, tid=0, records=len(members), first=n,
                   instructions=0)
    return b"".join(m[0] for m in members) + index[0]


def bomb(says_bytes):
    """Good records without end: 256 MiB from 260 KB."""
    raw = [FIRST] + [bytes(1 << 20)] * 256
    return whole(member(raw, unpacked=says_bytes, records=says_bytes - 2))


def bad_record(kind):
    return whole(
        member(GOOD),
        member(GOOD + BAD[kind], first=10, records=11,
               quiet=10 if BAD[kind][0] == 2 else QUIET_ALL, instructions=10),
        member(GOOD, tid=8, ordinal=1))


def forge(kind):
    if kind == "good":
        return whole(member(GOOD), member(GOOD, first=10),
                     member(GOOD, tid=8, ordinal=1))
    if kind == "bomb":
        return bomb(1000)
    if kind == "bomb-1M":
        return bomb(1 << 20)
    if kind == "claims-more":
        return whole(member(GOOD, unpacked=(1 << 20) + 1))
    if kind == "claims-4G":
        return whole(member(GOOD, unpacked=0xFFFFFFFF))
    if kind == "newer":
        return whole(member(GOOD), member(GOOD, first=10, version=3))
    return bad_record(kind)


with open(sys.argv[2], "wb") as out:
    out.write(forge(sys.argv[1]))
