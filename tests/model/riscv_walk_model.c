/* SPDX-License-Identifier: MIT */
/*
 * The naive walk of RISC-V, from the privileged architecture's "Virtual
 * Address Translation Process" (Sv39 and wider), "Svnapot" and, for stage 2,
 * "Guest Physical Address Translation". Svpbmt and Svnapot are there.
 */
#include "model/walk_model.h"

/* Step 3: reserved encodings of any entry; then those of pointers. */
static bool riscv_is_bad(uint64_t pte, bool is_pointer)
{
    bool r = model_bit(pte, 1);
    bool w = model_bit(pte, 2);

    if (!r && w)
        return true;
    if (model_bits(pte, 60, 54) || model_bits(pte, 62, 61) == 3)
        return true;
    return is_pointer && (model_bits(pte, 7, 6) || model_bit(pte, 4) ||
                          model_bits(pte, 63, 61));
}

static bool riscv_is_misplaced(uint64_t pte, unsigned i)
{
    uint64_t ppn = model_bits(pte, 53, 10);

    if (model_bit(pte, 63))
        return i > 0 || model_bits(ppn, 3, 0) != 8;
    return i > 0 && model_bits(ppn, 9 * i - 1, 0);
}

static void riscv_leaf(struct walk_model *walk, uint64_t pte, unsigned i,
                       uint64_t address)
{
    uint64_t ppn = model_bits(pte, 53, 10);

    walk->outcome = WALK_MODEL_MAPPED;
    walk->page_log2 = model_bit(pte, 63) ? 16 : 12 + 9 * i;
    walk->run_log2 = walk->page_log2;
    walk->paddr = model_above(ppn << 12, walk->page_log2) |
                  model_bits(address, walk->page_log2 - 1, 0);
    walk->can_read = model_bit(pte, 1);
    walk->can_write = model_bit(pte, 2) && model_bit(pte, 7);
    walk->is_clean = model_bit(pte, 2) && !model_bit(pte, 7);
    walk->can_user_run = walk->can_kernel_run = model_bit(pte, 3);
    walk->is_user = model_bit(pte, 4);
    walk->is_global |= model_bit(pte, 5);
    walk->is_accessed = model_bit(pte, 6);
}

/* Every access of stage 2 is one of the user's: U = 0 permits none. */
static void riscv_as_guest(struct walk_model *walk)
{
    walk->is_global = false;
    if (!walk->is_user)
        walk->can_read = walk->can_write = walk->is_clean = walk->can_user_run =
            walk->can_kernel_run = false;
    walk->is_user = true;
}

struct walk_model riscv_model_walk(const struct pt_memory *memory,
                                   unsigned n_levels, bool is_stage_2,
                                   uint64_t root, uint64_t address)
{
    struct walk_model walk = {.outcome = WALK_MODEL_BAD};
    uint64_t a = root;
    unsigned high = 12 + 9 * n_levels - 1 + (is_stage_2 ? 2 : 0);

    for (unsigned i = n_levels; i-- > 0;) {
        unsigned low = 12 + 9 * i;
        uint64_t pte =
            mmusim__pt_read(memory, a + 8 * model_bits(address, high, low));
        bool is_pointer = !model_bits(pte, 3, 1);

        high = low - 1;
        walk.depth++;
        if (!model_bit(pte, 0)) {
            walk.outcome = WALK_MODEL_ABSENT;
            return walk;
        }
        if (riscv_is_bad(pte, is_pointer))
            return walk;
        if (!is_pointer) {
            if (riscv_is_misplaced(pte, i))
                return walk;
            riscv_leaf(&walk, pte, i, address);
            if (is_stage_2)
                riscv_as_guest(&walk);
            return walk;
        }
        walk.is_global |= model_bit(pte, 5);
        a = model_bits(pte, 53, 10) << 12;
    }
    return walk; /* a pointer at the last level */
}
