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

/* How a block is left, where that tells of the program's calls. */
enum block_end { BLOCK_END_OTHER, BLOCK_END_CALL, BLOCK_END_RETURN };

struct block;

/* An instruction of a block, for who writes fetches up to each access. */
struct block_insn {
    uint64_t vaddr;
    uint64_t end_vaddr;
    uint32_t n_left; /* instructions behind it in the block */
};

struct block {
    uint64_t vaddr;
    uint32_t n_instructions;
    uint32_t n_bytes;
    /* QEMU runs one iteration of an x86 REP instruction at a time: the block
     * ends with it, then one that begins with it runs again and again. */
    bool begins_repeat;
    uint64_t ends_repeat_vaddr; /* of the REP instruction at the end, or 0 */
    enum block_end end;
    struct block_insn *insns; /* n_instructions of them, or NULL */
    struct block *next;
};

/* The kept block equal to *key, made if need be with a copy of its insns;
 * NULL: out of memory. Any thread may call it. */
const struct block *mmusim__block_table_get(const struct block *key);

#endif
