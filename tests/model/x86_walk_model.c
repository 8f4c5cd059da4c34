/* SPDX-License-Identifier: MIT */
/* The naive x86-64 walk: see x86_walk_model.h. */
#include "model/x86_walk_model.h"

bool x86_model_bit(uint64_t word, unsigned bit)
{
    return word >> bit & 1;
}

/* Bits high:low of a word, in place. */
static uint64_t x86_bits(uint64_t word, unsigned high, unsigned low)
{
    uint64_t result = 0;

    for (unsigned bit = low; bit <= high; bit++)
        result |= word & (uint64_t) 1 << bit;
    return result;
}

bool x86_model_is_reserved(uint64_t word, uint32_t level)
{
    switch (level) {
    case 4: /* PML5E, table 4-14 */
    case 3: /* PML4E, table 4-15 */
        return x86_model_bit(word, 7);
    case 2: /* PDPTE: table 4-16 maps 1 GB, table 4-17 points to a directory */
        return x86_model_bit(word, 7) && x86_bits(word, 29, 13);
    case 1: /* PDE: table 4-18 maps 2 MB, table 4-19 points to a table */
        return x86_model_bit(word, 7) && x86_bits(word, 20, 13);
    default: /* PTE, table 4-20 */
        return false;
    }
}

static uint64_t x86_leaf_paddr(uint64_t word, uint32_t level, uint64_t vaddr)
{
    if (level == 2)
        return x86_bits(word, 51, 30) | x86_bits(vaddr, 29, 0);
    if (level == 1)
        return x86_bits(word, 51, 21) | x86_bits(vaddr, 20, 0);
    return x86_bits(word, 51, 12) | x86_bits(vaddr, 11, 0);
}

static struct x86_walk x86_walk_from(const struct pt_memory *memory,
                                     uint64_t table, uint32_t level,
                                     uint64_t vaddr)
{
    unsigned low = 12 + 9 * level;
    uint64_t index = x86_bits(vaddr, low + 8, low) >> low;
    uint64_t word = mmusim__pt_read(memory, table + 8 * index);
    struct x86_walk walk = {.level = level};

    if (!x86_model_bit(word, 0)) {
        walk.outcome = X86_WALK_ABSENT;
        return walk;
    }
    if (x86_model_is_reserved(word, level)) {
        walk.outcome = X86_WALK_RESERVED;
        return walk;
    }
    if (level == 0 || (level <= 2 && x86_model_bit(word, 7))) {
        walk = (struct x86_walk){
            .outcome = X86_WALK_MAPPED,
            .level = level,
            .paddr = x86_leaf_paddr(word, level, vaddr),
            .can_write = true,
            .is_user = true,
            .can_execute = true,
            .is_accessed = true,
            .is_dirty = x86_model_bit(word, 6),
            .is_global = x86_model_bit(word, 8),
        };
    } else {
        walk = x86_walk_from(memory, x86_bits(word, 51, 12), level - 1, vaddr);
    }
    walk.can_write = walk.can_write && x86_model_bit(word, 1);
    walk.is_user = walk.is_user && x86_model_bit(word, 2);
    walk.is_accessed = walk.is_accessed && x86_model_bit(word, 5);
    walk.can_execute = walk.can_execute && !x86_model_bit(word, 63);
    return walk;
}

struct x86_walk x86_model_walk(const struct pt_memory *memory, uint64_t root,
                               uint32_t n_levels, uint64_t vaddr)
{
    return x86_walk_from(memory, root, n_levels - 1, vaddr);
}
