/* SPDX-License-Identifier: MIT */
/* The naive walk of any format: see naive_walk.h. */
#include "support/naive_walk.h"

#include "model/x86_walk_model.h"

#include <string.h>

static struct walk_model from_x86(const struct x86_walk *walk, bool is_nested,
                                  uint32_t n_levels)
{
    static const enum walk_model_outcome outcomes[] = {
        [X86_WALK_MAPPED] = WALK_MODEL_MAPPED,
        [X86_WALK_ABSENT] = WALK_MODEL_ABSENT,
        [X86_WALK_RESERVED] = WALK_MODEL_BAD,
    };
    bool may = !is_nested || walk->is_user;

    return (struct walk_model){
        .outcome = outcomes[walk->outcome],
        .depth = n_levels - walk->level,
        .paddr = walk->paddr,
        .page_log2 = 12 + 9 * walk->level,
        .run_log2 = 12 + 9 * walk->level,
        .can_read = may,
        .can_write = may && walk->can_write && walk->is_dirty,
        .is_clean = may && walk->can_write && !walk->is_dirty,
        .is_user = walk->is_user || is_nested,
        .can_user_run = may && walk->can_execute,
        .can_kernel_run = may && walk->can_execute,
        .is_global = !is_nested && walk->is_global,
        .is_accessed = walk->is_accessed,
    };
}

static struct walk_model walk_arm_long(const struct pt_options *options,
                                       const struct pt_memory *memory,
                                       uint64_t root, uint64_t vaddr)
{
    struct pt_format format = format_of(options);
    struct arm_long_model arm = {
        .granule_log2 = options->granule_bytes == 65536   ? 16
                        : options->granule_bytes == 16384 ? 14
                                                          : 12,
        .input_bits = format.vaddr_bits,
        .output_bits = format.paddr_bits,
        .is_stage_2 = options->stage == PT_STAGE_2,
        .is_lpae = !strcmp(options->isa, "armv7"),
    };

    arm.start_level =
        arm.is_stage_2 ? 4 - (int) format.n_levels
                       : arm_long_model_start(arm.granule_log2, arm.input_bits);
    return arm_long_model_walk(memory, &arm, root, vaddr);
}

struct walk_model walk_naively(const struct pt_options *options,
                               const struct pt_memory *memory, uint64_t root,
                               uint64_t vaddr)
{
    const char *variant = options->variant ? options->variant : "";
    bool is_stage_2 = options->stage == PT_STAGE_2;
    uint32_t n_levels = format_of(options).n_levels;
    struct x86_walk walk;

    if (!strcmp(options->isa, "armv8") || !strcmp(variant, "lpae") ||
        (!strcmp(options->isa, "armv7") && is_stage_2))
        return walk_arm_long(options, memory, root, vaddr);
    if (!strcmp(options->isa, "armv7"))
        return arm_short_model_walk(memory, root, vaddr);
    if (!strcmp(options->isa, "riscv"))
        return riscv_model_walk(memory, n_levels, is_stage_2, root, vaddr);
    if (!strcmp(variant, "pae"))
        return pae_model_walk(memory, root, vaddr);
    if (!strcmp(options->isa, "i386"))
        return i386_model_walk(memory, strcmp(variant, "plain"), root, vaddr);
    if (is_stage_2 && strcmp(variant, "npt"))
        return ept_model_walk(memory, n_levels, strcmp(variant, "ept-no-ad"),
                              root, vaddr);
    walk = x86_model_walk(memory, root, n_levels, vaddr);
    return from_x86(&walk, is_stage_2, n_levels);
}
