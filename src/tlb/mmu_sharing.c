/* SPDX-License-Identifier: MIT */
/* TLB arrays that several CPUs have in common: see mmu_sharing.h. */
#include "tlb/mmu_sharing.h"

#include "core/arena.h"

/* ---- whose an entry was ---- */

bool mmusim__mmu_has_array(const struct mmu *mmu, const struct tlb_array *array)
{
    for (uint32_t level = 0; level < TLB_LEVEL_COUNT; level++) {
        for (uint32_t i = 0; i < mmu->tlb[level].n_arrays; i++) {
            if (mmu->tlb[level].arrays[i] == array)
                return true;
        }
    }
    return false;
}

/* A stale entry's number may be another translation's by now; that one the CPU
 * has not held. So a CPU that runs ahead of the end of a translation notes the
 * same as one that does not. */
static void mmu_log_one(struct mmu *mmu, uint32_t id, enum miss_cause cause)
{
    if (mmusim__miss_log_cause(mmu->log, id) != MISS_COLD &&
        !mmusim__miss_log_removed(mmu->log, id, cause))
        mmu->has_failed = true;
}

static void mmu_log_lost(struct mmu *mmu, const struct tlb_removed *removed,
                         enum miss_cause cause)
{
    mmu_log_one(mmu, removed->id, cause);
    for (uint32_t i = 0; i < removed->n_more; i++)
        mmu_log_one(mmu, removed->more[i], cause);
}

/* With CnP: those around the array that have held the translation. */
static void mmu_log_lost_by_all(struct mmu *mmu, const struct tlb_array *array,
                                const struct tlb_removed *removed,
                                enum miss_cause cause)
{
    const struct mmu_shared *shared = mmu->shared;

    for (uint32_t i = 0; i < shared->n_mmus; i++) {
        struct mmu *holder = shared->mmus[i];

        if (mmusim__mmu_has_array(holder, array))
            mmu_log_lost(holder, removed, cause);
    }
}

struct mmu *mmusim__mmu_owner(struct mmu *mmu,
                              const struct tlb_removed *removed)
{
    const struct mmu_shared *shared = mmu->shared;

    if (!shared->mmus || shared->has_cnp)
        return mmu;
    return shared->mmus[mmusim__tlb_context_at(shared->contexts,
                                               tlb_key_tag(removed->key))
                            ->thread];
}

void mmusim__mmu_tell_lost(struct mmu *mmu, const struct tlb_array *array,
                           const struct tlb_removed *removed,
                           enum miss_cause cause)
{
    if (mmu->shared->mmus && mmu->shared->has_cnp)
        mmu_log_lost_by_all(mmu, array, removed, cause);
    else
        mmu_log_lost(mmu, removed, cause);
}

/* Another CPU's entry has made room for this one's. */
static void mmu_tell_foreign_victim(const struct mmu *mmu, struct mmu *owner,
                                    const struct tlb_removed *removed)
{
    const struct tlb_context *context = mmusim__tlb_context_at(
        mmu->shared->contexts, tlb_key_tag(removed->key));
    bool is_same = owner->root.v == mmu->root.v &&
                   (!context->has_asid || context->asid == owner->context.asid);

    mmu_log_lost(owner, removed, is_same ? MISS_CAPACITY : MISS_ASID);
}

/* Same address space: CAPACITY, which is also what a loss without notice means,
 * so it is written only where something else was possible. */
void mmusim__mmu_tell_victim(struct mmu *mmu, const struct tlb_array *array,
                             const struct tlb_removed *removed, tlb_tags_t tags)
{
    bool is_own = tlb_key_is_global(removed->key) ||
                  tlb_key_tag(removed->key) == (uint16_t) tags;
    struct mmu *owner;

    if (tlb_key_is_table(removed->key))
        return;
    owner = mmusim__mmu_owner(mmu, removed);
    if (owner != mmu)
        mmu_tell_foreign_victim(mmu, owner, removed);
    else if (mmu->has_asids)
        mmusim__mmu_tell_lost(mmu, array, removed,
                              is_own ? MISS_CAPACITY : MISS_ASID);
}

void mmusim__mmu_note_fragments(struct mmu *mmu, uint32_t order)
{
    const struct mmu_shared *shared = mmu->shared;

    if (order <= mmu->fragment_order)
        return;
    mmu->fragment_order = order;
    for (uint32_t i = 0; shared->has_cnp && i < shared->n_mmus; i++)
        shared->mmus[i]->fragment_order =
            (uint32_t) max_u64(shared->mmus[i]->fragment_order, order);
}

/* A context has lost its place in an array of max_contexts. */
static void mmu_on_context_lost(void *context, const struct tlb_removed *entry)
{
    struct mmu *mmu = context; /* that the array was built for */

    mmu_log_lost(mmusim__mmu_owner(mmu, entry), entry, MISS_ASID);
}

/* ---- building ---- */

const char *mmusim__mmu_smt_refuses(const struct tlb_array_config *config,
                                    uint32_t n_threads)
{
    uint32_t n_sets = config->n_entries / config->n_ways;

    if (config->smt != TLB_SMT_PARTITIONED || n_threads <= 1)
        return NULL;
    if (n_sets % n_threads && config->n_ways % n_threads)
        return "smt: partitioned needs sets or ways that divide by "
               "topology.threads_per_core";
    return NULL;
}

/* A thread's part: fewer sets, or, where there are too few, fewer ways. The
 * L1 ITLB of Skylake has 16 sets with one thread and 8 with two (TLB;DR). */
static struct tlb_array_config mmu_part(const struct tlb_array_config *config,
                                        uint32_t n_threads)
{
    struct tlb_array_config part = *config;
    uint32_t n_sets = config->n_entries / config->n_ways;

    part.n_entries /= n_threads;
    if (n_sets % n_threads)
        part.n_ways /= n_threads;
    return part;
}

/* The CPU whose array the new one's is, too. */
static const struct mmu *mmu_array_owner(enum tlb_level level,
                                         const struct tlb_array_config *config,
                                         const struct mmu_setup *setup)
{
    if (level == TLB_L3)
        return setup->l3_sibling;
    return config->smt == TLB_SMT_SHARED ? setup->sibling : NULL;
}

/* Entries of a size that no page has are runs of pages; where an architecture
 * has larger pages that are not a level's (Svnapot), a run of one. */
static bool mmu_holds_runs(const struct mmu_setup *setup,
                           const struct tlb_array_config *config)
{
    const struct pt_format *format = setup->shared->format;

    for (uint32_t i = 0; i < config->n_orders; i++) {
        if (pt_leaf_level(format, config->orders[i]) == PT_MAX_LEVELS)
            return true;
    }
    return false;
}

static mmusim_status_t mmu_array_build(struct mmu *mmu,
                                       const struct tlb_array_config *config,
                                       const struct mmu_setup *setup,
                                       struct arena *arena,
                                       struct tlb_array **built)
{
    struct tlb_array *array = mmusim__arena_alloc(arena, 1, sizeof(*array));
    bool is_part = config->smt == TLB_SMT_PARTITIONED && setup->n_threads > 1;
    struct tlb_array_config own =
        is_part ? mmu_part(config, setup->n_threads) : *config;
    mmusim_status_t status;

    if (!array)
        return MMUSIM_NOMEM;
    if (mmu_holds_runs(setup, config))
        own.ids_per_slot = TLB_MAX_IDS;
    status = mmusim__tlb_array_init(array, &own, setup->rng, arena);
    if (status)
        return status;
    array->contexts = setup->shared->contexts;
    mmusim__tlb_array_on_context_lost(array, mmu_on_context_lost, mmu);
    *built = array;
    return MMUSIM_OK;
}

mmusim_status_t mmusim__mmu_group_init(struct mmu *mmu, enum tlb_level level,
                                       const struct mmu_setup *setup,
                                       struct arena *arena)
{
    const struct tlb_level_config *config = &setup->tlb[level];
    struct tlb_group *group = &mmu->tlb[level];

    group->n_arrays = config->n_arrays;
    for (uint32_t i = 0; i < config->n_arrays; i++) {
        const struct mmu *owner =
            mmu_array_owner(level, &config->arrays[i], setup);
        mmusim_status_t status = MMUSIM_OK;

        mmu->has_runs |= mmu_holds_runs(setup, &config->arrays[i]);
        if (owner)
            group->arrays[i] = owner->tlb[level].arrays[i];
        else
            status = mmu_array_build(mmu, &config->arrays[i], setup, arena,
                                     &group->arrays[i]);
        if (status)
            return status;
        group->miss_probe_cycles = (uint32_t) max_u64(
            group->miss_probe_cycles,
            mmusim__tlb_array_probe_time(group->arrays[i], TLB_NO_SLOT));
    }
    return MMUSIM_OK;
}

static bool mmu_shares_in_core(const struct mmu_setup *setup)
{
    for (uint32_t level = 0; level < TLB_L3; level++) {
        const struct tlb_level_config *config = &setup->tlb[level];

        for (uint32_t i = 0; i < config->n_arrays; i++) {
            if (config->arrays[i].smt == TLB_SMT_SHARED)
                return setup->n_threads > 1;
        }
    }
    return false;
}

/* A last level that takes victims, or takes entries away, is reached by fills
 * of private levels, which are no events. */
static bool mmu_fills_reach_others(const struct mmu_setup *setup)
{
    const struct tlb_fill_ops *policy = setup->shared->l3_policy;

    return setup->tlb[TLB_L3].n_arrays && policy &&
           (policy->takes_victims || policy->is_back_invalidating);
}

mmusim_status_t mmusim__mmu_share_init(struct mmu *mmu,
                                       const struct mmu_setup *setup,
                                       struct arena *arena)
{
    struct mmu *sibling = setup->sibling;

    if (setup->shared->mmus)
        setup->shared->mmus[mmu->cpu] = mmu;
    mmu->next_sibling = mmu;
    if (mmu_fills_reach_others(setup))
        sibling = setup->l3_sibling;
    else if (!mmu_shares_in_core(setup))
        return MMUSIM_OK;
    if (sibling) {
        mmu->share = sibling->share;
        mmu->next_sibling = sibling->next_sibling;
        sibling->next_sibling = mmu;
        return MMUSIM_OK;
    }
    mmu->share = mmusim__arena_alloc(arena, 1, sizeof(*mmu->share));
    return mmu->share ? MMUSIM_OK : MMUSIM_NOMEM;
}
