/* SPDX-License-Identifier: MIT */
/*
 * Records of DynamoRIO's drmemtrace: 12 packed little-endian bytes, a type, a
 * size and an address (clients/drcachesim/common/trace_entry.h, version 7 of
 * the format). Types and markers that are passed over are not named.
 */
#ifndef MMUSIM_TRACE_DRMEM_RECORD_H
#define MMUSIM_TRACE_DRMEM_RECORD_H

#include <stdbool.h>
#include <stdint.h>

enum { DRMEM_RECORD_BYTES = 12, DRMEM_VERSION_MAX = 7 };

enum drmem_type {
    DRMEM_LOAD = 0,
    DRMEM_STORE = 1,
    DRMEM_PREFETCH_FIRST = 2,
    DRMEM_PREFETCH_LAST = 9,
    DRMEM_FETCH_FIRST = 10, /* other, jumps, calls, return */
    DRMEM_FETCH_LAST = 16,
    DRMEM_BUNDLE = 17, /* online only */
    DRMEM_FLUSH_FIRST = 18,
    DRMEM_FLUSH_LAST = 21,
    DRMEM_THREAD = 22,
    DRMEM_THREAD_EXIT = 23,
    DRMEM_PID = 24,
    DRMEM_HEADER = 25,
    DRMEM_FOOTER = 26,
    DRMEM_HARDWARE_PREFETCH = 27,
    DRMEM_MARKER = 28, /* which one: the size field */
    DRMEM_NO_FETCH = 29,
    DRMEM_MAYBE_FETCH = 30,
    DRMEM_SYSENTER = 31,
    DRMEM_PREFETCH2_FIRST = 32,
    DRMEM_PREFETCH2_LAST = 46,
    DRMEM_ENCODING = 47,
    DRMEM_TAKEN_JUMP = 48,
    DRMEM_UNTAKEN_JUMP = 49,
    DRMEM_INVALID = 50,
};

enum drmem_marker {
    DRMEM_TIMESTAMP = 2, /* us since 1601 */
    DRMEM_CPU = 3,
    DRMEM_FUNC_ID = 4,
    DRMEM_FUNC_ARG = 6,
    DRMEM_FUNC_RETURN = 7,
    DRMEM_FILE_TYPE = 9,
    DRMEM_VERSION = 12,
    DRMEM_CORE_WAIT = 32,
    DRMEM_CORE_IDLE = 33,
    DRMEM_SYSCALL = 25,
    DRMEM_MAY_BLOCK = 26,
};

enum drmem_file_type {
    DRMEM_AARCH64 = 0x8,
    DRMEM_ARM32 = 0x10,
    DRMEM_X86_32 = 0x20,
    DRMEM_X86_64 = 0x40,
    DRMEM_FILTERED = 0x1 | 0x80 | 0x100 | 0x2000,
    DRMEM_FETCH_ONLY = 0x4,
    DRMEM_CORE_SHARDED = 0x10000,
};

/* A function's number that stands for a system call: this and its number. */
#define DRMEM_SYSCALL_FUNC (UINT64_C(1) << 32)
#define DRMEM_CPU_UNKNOWN  UINT64_MAX

struct drmem_record {
    uint16_t type;
    uint16_t size;
    uint64_t value;
};

static inline struct drmem_record drmem_record(const uint8_t *bytes)
{
    struct drmem_record record = {
        .type = (uint16_t) (bytes[0] | bytes[1] << 8),
        .size = (uint16_t) (bytes[2] | bytes[3] << 8),
    };

    for (unsigned i = 0; i < 8; i++)
        record.value |= (uint64_t) bytes[4 + i] << (8 * i);
    return record;
}

static inline bool drmem_is_fetch(uint32_t type)
{
    return (type >= DRMEM_FETCH_FIRST && type <= DRMEM_FETCH_LAST) ||
           type == DRMEM_TAKEN_JUMP || type == DRMEM_UNTAKEN_JUMP ||
           type == DRMEM_SYSENTER;
}

static inline bool drmem_is_prefetch(uint32_t type)
{
    return (type >= DRMEM_PREFETCH_FIRST && type <= DRMEM_PREFETCH_LAST) ||
           (type >= DRMEM_PREFETCH2_FIRST && type <= DRMEM_PREFETCH2_LAST) ||
           type == DRMEM_HARDWARE_PREFETCH;
}

#endif
