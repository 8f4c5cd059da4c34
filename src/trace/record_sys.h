/* SPDX-License-Identifier: MIT */
/* Which fields of a sys_op a kind has, and what they may hold. */
#ifndef MMUSIM_TRACE_RECORD_SYS_H
#define MMUSIM_TRACE_RECORD_SYS_H

#include "core/op.h"
#include "trace/trace_format.h"

/* In the order in which a trace holds them. */
enum record_sys_field {
    RECORD_SYS_FLAGS,
    RECORD_SYS_ADVICE,
    RECORD_SYS_HUGE_ORDER,
    RECORD_SYS_VADDR,
    RECORD_SYS_LENGTH,
    RECORD_SYS_NEW_VADDR,
    RECORD_SYS_NEW_LENGTH,
    RECORD_SYS_NUMBER,
    RECORD_SYS_FILE_OFFSET,
    RECORD_SYS_FIELDS,
};

/* Bit i: field i. */
uint32_t mmusim__record_sys_fields(enum sys_kind kind);

/* What is wrong with the operation, in words, or NULL. */
const char *mmusim__record_sys_check(const struct sys_op *op);

/* Canonical for 57 bits: Intel SDM vol. 1, 3.3.7.1, 5-level paging. */
static inline bool record_is_canonical(uint64_t vaddr)
{
    return (vaddr + ((uint64_t) 1 << 56)) >> 57 == 0;
}

/* The least version of the format that has the operation. */
static inline uint32_t record_sys_version(const struct sys_op *op)
{
    bool is_new = op->kind == SYS_IMAGE || op->kind == SYS_SITE ||
                  op->kind == SYS_CLEARREFS ||
                  (op->kind == SYS_MADVISE && op->advice > MADVICE_WILLNEED);

    return is_new ? 2 : 1;
}

static inline bool record_sys_has_name(enum sys_kind kind, uint32_t flags)
{
    return kind == SYS_MARK || kind == SYS_IMAGE ||
           (kind == SYS_MMAP && flags & SYS_MAP_FILE);
}

static inline void record_sys_get(const struct sys_op *op,
                                  uint64_t values[RECORD_SYS_FIELDS])
{
    values[RECORD_SYS_FLAGS] = op->flags;
    values[RECORD_SYS_ADVICE] = op->advice;
    values[RECORD_SYS_HUGE_ORDER] = op->huge_order;
    values[RECORD_SYS_VADDR] = op->vaddr;
    values[RECORD_SYS_LENGTH] = op->length_bytes;
    values[RECORD_SYS_NEW_VADDR] = op->new_vaddr;
    values[RECORD_SYS_NEW_LENGTH] = op->new_length_bytes;
    values[RECORD_SYS_NUMBER] = op->number;
    values[RECORD_SYS_FILE_OFFSET] = op->file_offset;
}

static inline void record_sys_set(struct sys_op *op,
                                  const uint64_t values[RECORD_SYS_FIELDS])
{
    op->flags = (uint32_t) values[RECORD_SYS_FLAGS];
    op->advice = (uint32_t) values[RECORD_SYS_ADVICE];
    op->huge_order = (uint32_t) values[RECORD_SYS_HUGE_ORDER];
    op->vaddr = values[RECORD_SYS_VADDR];
    op->length_bytes = values[RECORD_SYS_LENGTH];
    op->new_vaddr = values[RECORD_SYS_NEW_VADDR];
    op->new_length_bytes = values[RECORD_SYS_NEW_LENGTH];
    op->number = values[RECORD_SYS_NUMBER];
    op->file_offset = values[RECORD_SYS_FILE_OFFSET];
}

#endif
