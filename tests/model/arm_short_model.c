/* SPDX-License-Identifier: MIT */
/*
 * The naive walk of Armv7's short descriptors, from Arm ARM DDI 0406C B3.5.1,
 * figures B3-4 and B3-5, and B3.7.1 with SCTLR.AFE = 1, TRE = 1; PXN
 * supported.
 */
#include "model/walk_model.h"

/* AP[2:1]: 00 privileged read/write, 01 all read/write, 10 privileged
 * read-only, 11 all read-only. */
static void short_access(struct walk_model *walk, bool ap_2, bool ap_1)
{
    walk->can_read = true;
    walk->can_write = !ap_2;
    walk->is_user = ap_1;
}

static void short_section(struct walk_model *walk, uint64_t word,
                          uint64_t address)
{
    bool is_supersection = model_bit(word, 18);

    walk->outcome = WALK_MODEL_MAPPED;
    if (is_supersection) {
        walk->page_log2 = 24;
        walk->paddr =
            model_bits(word, 8, 5) << 36 | model_bits(word, 23, 20) << 32 |
            model_bits(word, 31, 24) << 24 | model_bits(address, 23, 0);
    } else {
        walk->page_log2 = 20;
        walk->paddr =
            model_bits(word, 31, 20) << 20 | model_bits(address, 19, 0);
    }
    short_access(walk, model_bit(word, 15), model_bit(word, 11));
    walk->is_accessed = model_bit(word, 10);
    walk->is_global = !model_bit(word, 17);
    walk->can_user_run = !model_bit(word, 4);
    walk->can_kernel_run = !model_bit(word, 4) && !model_bit(word, 0);
}

static void short_page(struct walk_model *walk, uint64_t word, bool pxn,
                       uint64_t address)
{
    bool is_small = model_bit(word, 1);
    bool xn = is_small ? model_bit(word, 0) : model_bit(word, 15);

    walk->outcome = WALK_MODEL_MAPPED;
    walk->page_log2 = is_small ? 12 : 16;
    walk->paddr = model_above(model_bits(word, 31, 0), walk->page_log2) |
                  model_bits(address, walk->page_log2 - 1, 0);
    short_access(walk, model_bit(word, 9), model_bit(word, 5));
    walk->is_accessed = model_bit(word, 4);
    walk->is_global = !model_bit(word, 11);
    walk->can_user_run = !xn;
    walk->can_kernel_run = !xn && !pxn;
}

struct walk_model arm_short_model_walk(const struct pt_memory *memory,
                                       uint64_t root, uint64_t address)
{
    struct walk_model walk = {.outcome = WALK_MODEL_ABSENT, .depth = 1};
    uint64_t first =
        mmusim__pt_read(memory, root + 4 * model_bits(address, 31, 20));
    uint64_t second;

    if (model_bits(first, 1, 0) == 0)
        return walk;
    if (model_bit(first, 1)) {
        short_section(&walk, first, address);
    } else {
        walk.depth = 2;
        second = mmusim__pt_read(memory, (model_bits(first, 31, 10) << 10) +
                                             4 * model_bits(address, 19, 12));
        if (model_bits(second, 1, 0) == 0)
            return walk;
        short_page(&walk, second, model_bit(first, 2), address);
    }
    walk.run_log2 = walk.page_log2;
    return walk;
}
