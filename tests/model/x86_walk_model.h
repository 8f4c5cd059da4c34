/* SPDX-License-Identifier: MIT */
/*
 * A naive x86-64 page walk, written from the tables of the Intel SDM (vol. 3A
 * 4.5, tables 4-14 to 4-20) bit by bit and recursively; it shares nothing with
 * pt_x86_64.c. MAXPHYADDR is 52, NXE is 1.
 */
#ifndef MMUSIM_TESTS_MODEL_X86_WALK_MODEL_H
#define MMUSIM_TESTS_MODEL_X86_WALK_MODEL_H

#include "tlb/pt_memory.h"

enum x86_walk_outcome {
    X86_WALK_MAPPED,
    X86_WALK_ABSENT,   /* an entry with P = 0 */
    X86_WALK_RESERVED, /* an entry with a reserved bit set */
};

struct x86_walk {
    enum x86_walk_outcome outcome;
    uint32_t level; /* of the last entry read */
    uint64_t paddr; /* of the byte at vaddr */
    bool can_write; /* R/W in every entry */
    bool is_user;   /* U/S in every entry */
    bool can_execute;
    bool is_accessed; /* A in every entry */
    bool is_dirty;
    bool is_global;
};

/* Bit number bit of a word. */
bool x86_model_bit(uint64_t word, unsigned bit);
/* Does an entry of a level with P = 1 have a reserved bit set? */
bool x86_model_is_reserved(uint64_t word, uint32_t level);
struct x86_walk x86_model_walk(const struct pt_memory *memory, uint64_t root,
                               uint32_t n_levels, uint64_t vaddr);

#endif
