/* SPDX-License-Identifier: MIT */
/* The naive walk in two dimensions: see two_stage_model.h. */
#include "model/two_stage_model.h"

#include "model/x86_walk_model.h"

struct walk_model two_stage_model_nested(const struct two_stage_world *world,
                                         uint64_t gpaddr)
{
    struct walk_model result = {.outcome = WALK_MODEL_ABSENT};
    struct x86_walk npt;

    if (!world->is_npt)
        return ept_model_walk(world->host, world->host_levels, true,
                              world->host_root, gpaddr);
    npt = x86_model_walk(world->host, world->host_root, world->host_levels,
                         gpaddr);
    result.depth = world->host_levels - npt.level;
    if (npt.outcome == X86_WALK_RESERVED)
        result.outcome = WALK_MODEL_BAD;
    if (npt.outcome != X86_WALK_MAPPED)
        return result;
    result.outcome = WALK_MODEL_MAPPED;
    result.paddr = npt.paddr;
    result.page_log2 = 12 + 9 * npt.level;
    result.can_read = true;
    result.can_write = npt.can_write;
    result.can_user_run = result.can_kernel_run = npt.can_execute;
    return result;
}

/* Translates an address for the walk, or ends it. */
static bool two_stage_translate(const struct two_stage_world *world,
                                struct two_stage_walk *walk, uint64_t gpaddr,
                                struct walk_model *nested)
{
    *nested = two_stage_model_nested(world, gpaddr);
    walk->used[walk->n_used++] = gpaddr;
    walk->n_reads += nested->depth;
    walk->n_nested_reads += nested->depth;
    walk->gpaddr = gpaddr;
    if (nested->outcome == WALK_MODEL_MAPPED)
        return true;
    walk->outcome = TWO_STAGE_NESTED;
    return false;
}

static void two_stage_page(const struct two_stage_world *world,
                           struct two_stage_walk *walk, uint64_t page,
                           uint64_t vaddr)
{
    struct walk_model nested;
    uint64_t inside = model_bits(vaddr, walk->guest_log2 - 1, 0);

    if (!two_stage_translate(world, walk, page | inside, &nested))
        return;
    walk->outcome = TWO_STAGE_MAPPED;
    walk->paddr = nested.paddr;
    walk->host_log2 = nested.page_log2;
    walk->can_write = walk->can_write && nested.can_write;
    walk->can_execute = walk->can_execute && nested.can_user_run;
}

static void two_stage_table(const struct two_stage_world *world,
                            struct two_stage_walk *walk, uint64_t table,
                            unsigned level, uint64_t vaddr)
{
    unsigned low = 12 + 9 * level;
    uint64_t where = table + 8 * model_bits(vaddr, low + 8, low);
    struct walk_model nested;
    uint64_t word;

    if (!two_stage_translate(world, walk, table, &nested))
        return;
    if (!nested.can_write) {
        walk->outcome = TWO_STAGE_REFUSED;
        return;
    }
    word = mmusim__pt_read(world->guest, where);
    walk->n_reads++;
    if (!model_bit(word, 0) || x86_model_is_reserved(word, level)) {
        walk->outcome = TWO_STAGE_GUEST;
        return;
    }
    walk->can_write = walk->can_write && model_bit(word, 1);
    walk->is_user = walk->is_user && model_bit(word, 2);
    walk->can_execute = walk->can_execute && !model_bit(word, 63);
    walk->guest_log2 = low;
    if (level == 0 || (level <= 2 && model_bit(word, 7)))
        two_stage_page(world, walk, model_bits(word, 51, low) << low, vaddr);
    else
        two_stage_table(world, walk, model_bits(word, 51, 12) << 12, level - 1,
                        vaddr);
}

struct two_stage_walk two_stage_model_walk(const struct two_stage_world *world,
                                           uint64_t vaddr)
{
    struct two_stage_walk walk = {
        .can_write = true, .can_execute = true, .is_user = true};

    two_stage_table(world, &walk, world->guest_root, world->guest_levels - 1,
                    vaddr);
    return walk;
}
