/* SPDX-License-Identifier: MIT */
/*
 * What a translated block's callback needs to know about it. QEMU translates
 * the same code again whenever it drops its cache, so blocks are kept once,
 * by content, and live as long as the process: memory is bounded by the
 * distinct code executed.
 */
#ifndef MMUSIM_RECORDER_BLOCK_TABLE_H
#define MMUSIM_RECORDER_BLOCK_TABLE_H

#include <stdbool.h>
#include <stdint.h>

struct block {
    uint64_t vaddr;
    uint32_t n_instructions;
    uint32_t n_bytes;
    /* QEMU runs one iteration of an x86 REP instruction at a time: the block
     * ends with it, then one that begins with it runs again and again. */
    bool begins_repeat;
    uint64_t ends_repeat_vaddr; /* of the REP instruction at the end, or 0 */
    struct block *next;
};

/* The kept block equal to *key, made if need be; NULL: out of memory.
 * Any thread may call it. */
const struct block *mmusim__block_table_get(const struct block *key);

#endif
