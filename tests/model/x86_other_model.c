/* SPDX-License-Identifier: MIT */
/*
 * The naive walks of 32-bit paging and PAE, from Intel SDM vol. 3A 4.3 (tables
 * 4-3 to 4-6) and 4.4 (tables 4-8 to 4-11), and of EPT, from vol. 3C 28.3.2
 * and 28.3.3.1 (tables 28-1 to 28-6). MAXPHYADDR is 52, 40 for PSE-36.
 */
#include "model/walk_model.h"

static void x86_combine(struct walk_model *walk, uint64_t word, bool is_leaf)
{
    walk->can_write = walk->can_write && model_bit(word, 1);
    walk->is_user = walk->is_user && model_bit(word, 2);
    walk->is_accessed = walk->is_accessed && model_bit(word, 5);
    if (is_leaf) {
        walk->is_clean = walk->can_write && !model_bit(word, 6);
        walk->can_write = walk->can_write && model_bit(word, 6);
        walk->is_global = model_bit(word, 8);
    }
}

static void x86_begin(struct walk_model *walk)
{
    *walk = (struct walk_model){.outcome = WALK_MODEL_ABSENT,
                                .can_read = true,
                                .can_write = true,
                                .is_user = true,
                                .can_user_run = true,
                                .can_kernel_run = true,
                                .is_accessed = true};
}

static void x86_land(struct walk_model *walk, uint64_t base, unsigned log2,
                     uint64_t address)
{
    walk->outcome = WALK_MODEL_MAPPED;
    walk->page_log2 = walk->run_log2 = log2;
    walk->paddr = base + model_bits(address, log2 - 1, 0);
}

struct walk_model i386_model_walk(const struct pt_memory *memory, bool has_pse,
                                  uint64_t root, uint64_t address)
{
    struct walk_model walk;
    uint64_t pde =
        mmusim__pt_read(memory, root + 4 * model_bits(address, 31, 22));
    uint64_t pte;

    x86_begin(&walk);
    walk.depth = 1;
    if (!model_bit(pde, 0))
        return walk;
    if (has_pse && model_bit(pde, 7)) {
        x86_combine(&walk, pde, true);
        if (model_bit(pde, 21))
            walk.outcome = WALK_MODEL_BAD;
        else
            x86_land(&walk,
                     model_bits(pde, 20, 13) << 32 | model_bits(pde, 31, 22)
                                                         << 22,
                     22, address);
        return walk;
    }
    x86_combine(&walk, pde, false);
    walk.depth = 2;
    pte = mmusim__pt_read(memory, (model_bits(pde, 31, 12) << 12) +
                                      4 * model_bits(address, 21, 12));
    if (!model_bit(pte, 0))
        return walk;
    x86_combine(&walk, pte, true);
    walk.is_global = walk.is_global && has_pse; /* no PGE before PSE */
    x86_land(&walk, model_bits(pte, 31, 12) << 12, 12, address);
    return walk;
}

struct walk_model pae_model_walk(const struct pt_memory *memory, uint64_t root,
                                 uint64_t address)
{
    struct walk_model walk;
    uint64_t word =
        mmusim__pt_read(memory, root + 8 * model_bits(address, 31, 30));

    x86_begin(&walk);
    walk.depth = 1;
    if (!model_bit(word, 0))
        return walk;
    if (model_bits(word, 2, 1) || model_bits(word, 8, 5) ||
        model_bits(word, 63, 52)) {
        walk.outcome = WALK_MODEL_BAD;
        return walk;
    }
    for (unsigned low = 21; low >= 12; low -= 9) {
        uint64_t table = model_bits(word, 51, 12) << 12;
        bool is_large;

        word = mmusim__pt_read(memory,
                               table + 8 * model_bits(address, low + 8, low));
        walk.depth++;
        if (!model_bit(word, 0))
            return walk;
        is_large = low == 21 && model_bit(word, 7);
        if (model_bits(word, 62, 52) ||
            (is_large && model_bits(word, 20, 13))) {
            walk.outcome = WALK_MODEL_BAD;
            return walk;
        }
        x86_combine(&walk, word, is_large || low == 12);
        if (model_bit(word, 63))
            walk.can_user_run = walk.can_kernel_run = false;
        if (is_large || low == 12) {
            x86_land(&walk, model_bits(word, 51, low) << low, low, address);
            return walk;
        }
    }
    return walk;
}

/* 28.3.3.1, EPT misconfigurations. */
static bool ept_is_bad(uint64_t word, unsigned low, bool is_leaf)
{
    uint64_t type = model_bits(word, 5, 3);

    if (model_bits(word, 2, 0) == 2 || model_bits(word, 2, 0) == 6)
        return true;
    if (!is_leaf)
        return model_bits(word, 6, 3) || model_bit(word, 7);
    if (low > 12 && model_bits(word, low - 1, 12))
        return true;
    return type == 2 || type == 3 || type == 7;
}

struct walk_model ept_model_walk(const struct pt_memory *memory,
                                 unsigned n_levels, bool has_flags,
                                 uint64_t root, uint64_t address)
{
    struct walk_model walk;
    uint64_t table = root;

    x86_begin(&walk);
    for (unsigned low = 12 + 9 * (n_levels - 1);; low -= 9) {
        uint64_t word = mmusim__pt_read(
            memory, table + 8 * model_bits(address, low + 8, low));
        bool is_leaf =
            low == 12 || (low <= 30 && model_bit(word, 7)); /* 1G, 2M */

        walk.depth++;
        if (!model_bits(word, 2, 0))
            return walk;
        if (ept_is_bad(word, low, is_leaf)) {
            walk.outcome = WALK_MODEL_BAD;
            return walk;
        }
        walk.can_read = walk.can_read && model_bit(word, 0);
        walk.can_write = walk.can_write && model_bit(word, 1);
        walk.can_user_run = walk.can_user_run && model_bit(word, 2);
        walk.can_kernel_run = walk.can_user_run;
        if (has_flags)
            walk.is_accessed = walk.is_accessed && model_bit(word, 8);
        if (is_leaf) {
            walk.is_clean = has_flags && walk.can_write && !model_bit(word, 9);
            walk.can_write = walk.can_write && !walk.is_clean;
            x86_land(&walk, model_bits(word, 51, low) << low, low, address);
            return walk;
        }
        table = model_bits(word, 51, 12) << 12;
    }
}
