/* SPDX-License-Identifier: MIT */
/*
 * The naive walk of Arm's long descriptors, from Arm ARM DDI 0487 D8.2 and
 * D8.3 (figures of table, block and page descriptors; hierarchical
 * permissions D8.4; the Contiguous bit D8.6) and DDI 0406C B3.6 for LPAE.
 */
#include "model/walk_model.h"

struct hierarchy { /* restrictions of the tables passed */
    bool read_only, is_privileged, no_user_run, no_kernel_run;
};

int arm_long_model_start(unsigned granule_log2, unsigned input_bits)
{
    int level = 3;
    unsigned covered = granule_log2 + (granule_log2 - 3);

    for (; covered < input_bits; covered += granule_log2 - 3)
        level--;
    return level;
}

static bool arm_has_blocks(const struct arm_long_model *arm, int level)
{
    bool is_wide = arm->output_bits > 48;

    switch (arm->granule_log2) {
    case 12: /* 1G, 2M; 512G with DS */
        return level == 1 || level == 2 || (level == 0 && is_wide);
    case 14: /* 32M; 64G with DS */
        return level == 2 || (level == 1 && is_wide);
    default: /* 512M; 4T with 52-bit addresses */
        return level == 2 || (level == 1 && is_wide);
    }
}

/* The output address field, before the page's or table's low bits go. */
static uint64_t arm_address(const struct arm_long_model *arm, uint64_t word)
{
    if (arm->output_bits <= 48)
        return model_bits(word, 47, 12) << 12;
    if (arm->granule_log2 == 16)
        return model_bits(word, 47, 16) << 16 | model_bits(word, 15, 12) << 48;
    return model_bits(word, 49, 12) << 12 | model_bits(word, 9, 8) << 50;
}

static unsigned arm_run_entries_log2(unsigned granule_log2, int level)
{
    if (granule_log2 == 12 && level >= 1)
        return 4;
    if (granule_log2 == 14 && level == 3)
        return 7;
    if (granule_log2 == 14 && level == 2)
        return 5;
    if (granule_log2 == 16 && level >= 2)
        return 5;
    return 0;
}

static void arm_stage_1(struct walk_model *walk, const struct hierarchy *above,
                        const struct arm_long_model *arm, uint64_t word)
{
    bool is_read_only = model_bit(word, 7);
    bool has_dbm = !arm->is_lpae && model_bit(word, 51);
    bool uxn = model_bit(word, 54) || above->no_user_run;
    bool pxn = model_bit(word, 53) || above->no_kernel_run;

    walk->can_read = true;
    walk->can_write = !is_read_only && !above->read_only;
    walk->is_clean = is_read_only && has_dbm && !above->read_only;
    walk->is_user = model_bit(word, 6) && !above->is_privileged;
    walk->can_user_run = !uxn;
    walk->can_kernel_run = !pxn && !(arm->is_lpae && uxn);
    walk->is_global = !model_bit(word, 11);
}

static void arm_stage_2(struct walk_model *walk,
                        const struct arm_long_model *arm, uint64_t word)
{
    (void) arm;
    walk->can_read = model_bit(word, 6);
    walk->can_write = model_bit(word, 7);
    walk->is_clean = !walk->can_write && model_bit(word, 51);
    walk->is_user = true;
    walk->can_user_run = walk->can_kernel_run = !model_bit(word, 54);
}

static void arm_leaf(struct walk_model *walk, const struct hierarchy *above,
                     const struct arm_long_model *arm, uint64_t word, int level,
                     uint64_t address)
{
    unsigned page_log2 =
        arm->granule_log2 + (unsigned) (3 - level) * (arm->granule_log2 - 3);

    walk->outcome = WALK_MODEL_MAPPED;
    walk->page_log2 = walk->run_log2 = page_log2;
    if (model_bit(word, 52))
        walk->run_log2 += arm_run_entries_log2(arm->granule_log2, level);
    walk->paddr = model_above(arm_address(arm, word), page_log2) +
                  model_bits(address, page_log2 - 1, 0);
    walk->is_accessed = model_bit(word, 10);
    if (arm->is_stage_2)
        arm_stage_2(walk, arm, word);
    else
        arm_stage_1(walk, above, arm, word);
}

static void arm_pass_table(struct hierarchy *above, uint64_t word)
{
    above->no_kernel_run |= model_bit(word, 59);
    above->no_user_run |= model_bit(word, 60);
    above->is_privileged |= model_bit(word, 61);
    above->read_only |= model_bit(word, 62);
}

struct walk_model arm_long_model_walk(const struct pt_memory *memory,
                                      const struct arm_long_model *arm,
                                      uint64_t root, uint64_t address)
{
    struct walk_model walk = {.outcome = WALK_MODEL_ABSENT};
    struct hierarchy above = {0};
    unsigned high = arm->input_bits - 1;
    uint64_t table = root;

    for (int level = arm->start_level; level <= 3; level++) {
        unsigned low = arm->granule_log2 +
                       (unsigned) (3 - level) * (arm->granule_log2 - 3);
        uint64_t word =
            mmusim__pt_read(memory, table + 8 * model_bits(address, high, low));
        bool is_block = !model_bit(word, 1);
        unsigned field_low;

        walk.depth++;
        high = low - 1;
        if (!model_bit(word, 0) ||
            (is_block && (level == 3 || !arm_has_blocks(arm, level))))
            return walk;
        field_low = is_block || level == 3 ? low : arm->granule_log2;
        if (arm->output_bits < 52 &&
            model_bits(model_above(arm_address(arm, word), field_low), 51,
                       arm->output_bits)) {
            walk.outcome = WALK_MODEL_BAD;
            return walk;
        }
        if (is_block || level == 3) {
            arm_leaf(&walk, &above, arm, word, level, address);
            return walk;
        }
        arm_pass_table(&above, word);
        table = model_above(arm_address(arm, word), arm->granule_log2);
    }
    return walk;
}
