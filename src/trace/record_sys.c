/* SPDX-License-Identifier: MIT */
/* The fields and limits of OS operations in a trace. */
#include "trace/record_sys.h"

#define SYS_FIELD(name) (1u << RECORD_SYS_##name)
#define SYS_RANGE       (SYS_FIELD(VADDR) | SYS_FIELD(LENGTH))

uint32_t mmusim__record_sys_fields(enum sys_kind kind)
{
    static const uint32_t fields[SYS_KIND_COUNT] = {
        [SYS_MMAP] = SYS_RANGE | SYS_FIELD(FLAGS) | SYS_FIELD(HUGE_ORDER) |
                     SYS_FIELD(FILE_OFFSET),
        [SYS_MUNMAP] = SYS_RANGE,
        [SYS_MPROTECT] = SYS_RANGE | SYS_FIELD(FLAGS),
        [SYS_MREMAP] = SYS_RANGE | SYS_FIELD(NEW_VADDR) | SYS_FIELD(NEW_LENGTH),
        [SYS_BRK] = SYS_FIELD(VADDR),
        [SYS_MADVISE] = SYS_RANGE | SYS_FIELD(ADVICE),
        [SYS_FORK] = SYS_FIELD(NUMBER),
        [SYS_CLONE] = SYS_FIELD(NUMBER),
        [SYS_ON] = SYS_FIELD(NUMBER),
        [SYS_IDLE] = SYS_FIELD(NUMBER),
        [SYS_MIGRATE] = SYS_RANGE,
        [SYS_RECLAIM] = SYS_RANGE,
        [SYS_DMA] = SYS_RANGE | SYS_FIELD(FLAGS),
        [SYS_SYNC] = SYS_FIELD(NUMBER),
        [SYS_IMAGE] = SYS_RANGE | SYS_FIELD(FLAGS) | SYS_FIELD(NUMBER) |
                      SYS_FIELD(FILE_OFFSET),
        [SYS_SITE] = SYS_FIELD(VADDR),
    };

    return fields[kind];
}

static bool sys_range_is_good(uint64_t vaddr, uint64_t length_bytes)
{
    return record_is_canonical(vaddr) && vaddr + (length_bytes - 1) >= vaddr;
}

static bool sys_flags_are_good(const struct sys_op *op)
{
    uint32_t prot = SYS_PROT_READ | SYS_PROT_WRITE | SYS_PROT_EXEC;

    if (op->kind == SYS_MMAP)
        prot |= SYS_MAP_SHARED | SYS_MAP_FILE;
    if (op->kind == SYS_DMA)
        prot = SYS_PROT_WRITE;
    if (op->kind == SYS_IMAGE)
        prot |= SYS_MAP_FILE | SYS_IMAGE_LINES;
    return (op->flags & ~prot) == 0;
}

const char *mmusim__record_sys_check(const struct sys_op *op)
{
    uint32_t fields = mmusim__record_sys_fields(op->kind);

    if (fields & SYS_FIELD(LENGTH) && op->length_bytes == 0)
        return "a length of zero";
    if (fields & SYS_FIELD(LENGTH) &&
        !sys_range_is_good(op->vaddr, op->length_bytes))
        return "an address range that cannot be";
    if ((op->kind == SYS_BRK || op->kind == SYS_SITE) &&
        !record_is_canonical(op->vaddr))
        return "a non-canonical address";
    if (op->kind == SYS_MREMAP && op->new_length_bytes == 0)
        return "a length of zero";
    if (op->kind == SYS_MREMAP &&
        !sys_range_is_good(op->new_vaddr, op->new_length_bytes))
        return "an address range that cannot be";
    if (!sys_flags_are_good(op) || op->advice >= MADVICE_COUNT)
        return "flags that do not exist";
    if (op->huge_order != 0 && op->huge_order != PAGE_ORDER_2M &&
        op->huge_order != PAGE_ORDER_1G)
        return "a page size that does not exist";
    if ((op->kind == SYS_FORK || op->kind == SYS_CLONE) &&
        op->number > UINT32_MAX)
        return "a thread number above 32 bits";
    return NULL;
}
