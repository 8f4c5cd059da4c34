/* SPDX-License-Identifier: MIT */
/* Between TLB levels: see mmu_levels.h. */
#include "tlb/mmu_levels.h"

#include "tlb/mmu_inline.h"
#include "tlb/mmu_sharing.h"

void mmusim__mmu_link_levels(struct mmu *mmu)
{
    const struct mmu_shared *shared = mmu->shared;
    struct tlb_group *tlb = mmu->tlb;
    struct tlb_group *l3 = tlb[TLB_L3].n_arrays ? &tlb[TLB_L3] : NULL;

    for (uint32_t level = 0; level < TLB_LEVEL_COUNT; level++) {
        tlb[level].policy = &mmusim__fill_intel;
        tlb[level].below = level < TLB_L3 ? l3 : NULL;
        if (level >= TLB_L2 && level < TLB_L3 && shared->l2_policy)
            tlb[level].policy = shared->l2_policy;
    }
    if (shared->l3_policy)
        tlb[TLB_L3].policy = shared->l3_policy;
    for (uint32_t kind = 0; kind < ACCESS_KINDS; kind++) {
        if (mmu->l2_of[kind]->n_arrays)
            mmu->l1_of[kind]->group->below = mmu->l2_of[kind];
    }
}

/* The array of a level that takes a page of the order, and the order it is
 * entered with: the page's own, or the largest smaller one (a fragment). */
static struct tlb_array *mmu_array_for(struct tlb_group *group, uint32_t order,
                                       uint32_t *entered_order)
{
    struct tlb_array *best = NULL;

    for (uint32_t i = 0; i < group->n_arrays; i++) {
        struct tlb_array *array = group->arrays[i];

        for (uint32_t k = 0; k < array->n_orders; k++) {
            uint32_t candidate = array->orders[k];

            if (candidate == order) {
                *entered_order = order;
                return array;
            }
            if (candidate > order || (best && candidate <= *entered_order))
                continue;
            best = array;
            *entered_order = candidate;
        }
    }
    return best;
}

bool mmusim__mmu_holds_order(const struct tlb_group *group, uint32_t order)
{
    for (uint32_t i = 0; i < group->n_arrays; i++) {
        if (mmusim__tlb_array_holds_order(group->arrays[i], order))
            return true;
    }
    return false;
}

/* ---- up: what goes below goes here ---- */

struct back_inval {
    struct mmu *mmu;
    const struct tlb_array *array; /* that is being looked through */
};

static void mmu_on_back_inval(void *context, const struct tlb_removed *entry)
{
    const struct back_inval *back = context;

    mmusim__mmu_tell_lost(back->mmu, back->array, entry, MISS_OTHER);
}

/* The request for the page of an entry, in its context. */
static struct inval mmu_inval_of(const struct mmu *mmu, uint64_t key)
{
    const struct tlb_contexts *contexts = mmu->shared->contexts;
    bool is_global = tlb_key_is_global(key);
    struct inval inval = {
        .has_range = true,
        .vpn = {tlb_key_vpn(key)},
        .n_pages = UINT64_C(1) << tlb_key_order(key),
        .has_asid = !is_global,
        .asid = tlb_key_tag(key),
        .hits_globals = is_global,
        .hits_nonglobals = !is_global,
        .psc = INVAL_PSC_KEEP,
    };

    if (contexts) {
        const struct tlb_context *context =
            mmusim__tlb_context_at(contexts, tlb_key_tag(key));

        inval.asid = context->asid;
        inval.regimes = (uint8_t) (1U << context->regime);
        inval.has_vmid = inval.has_stage2_root = true;
        inval.vmid = context->vmid;
        inval.stage2_root = context->stage2_root;
        inval.thread = context->thread;
    }
    return inval;
}

/* Runs that an array holds with the page may say other than its entry does by
 * now (D is set page by page): a look-up could find either. */
void mmusim__mmu_drop_runs(struct mmu *mmu, const struct mmu_fill *fill)
{
    uint64_t key = tlb_key(vpn_of(fill->vaddr), fill->order, fill->tags,
                           fill->data & TLB_GLOBAL);
    struct inval inval = mmu_inval_of(mmu, key);
    struct back_inval drop = {.mmu = mmu};

    for (uint32_t level = 0; level < TLB_LEVEL_COUNT; level++) {
        const struct tlb_group *group = &mmu->tlb[level];

        for (uint32_t i = 0; i < group->n_arrays; i++) {
            drop.array = group->arrays[i];
            if (drop.array->ids_per_slot > 1)
                mmusim__tlb_array_invalidate(group->arrays[i], &inval, false,
                                             mmu_on_back_inval, &drop);
        }
    }
}

static bool mmu_is_above(const struct tlb_group *level,
                         const struct tlb_group *lower)
{
    for (level = level->below; level; level = level->below) {
        if (level == lower)
            return true;
    }
    return false;
}

static void mmu_empty_above(struct mmu *mmu, enum tlb_level lower,
                            const struct inval *inval)
{
    struct back_inval back = {.mmu = mmu};

    mmu_forget_last(mmu);
    for (uint32_t level = 0; level < (uint32_t) lower; level++) {
        const struct tlb_group *group = &mmu->tlb[level];

        if (!mmu_is_above(group, &mmu->tlb[lower]))
            continue;
        for (uint32_t i = 0; i < group->n_arrays; i++) {
            back.array = group->arrays[i];
            mmusim__tlb_array_invalidate(group->arrays[i], inval, false,
                                         mmu_on_back_inval, &back);
        }
    }
}

/* Takes the page from the levels above, of all CPUs that may have it. */
static void mmu_back_invalidate(struct mmu *mmu, enum tlb_level lower,
                                const struct tlb_array *array, uint64_t key)
{
    const struct mmu_shared *shared = mmu->shared;
    struct inval inval = mmu_inval_of(mmu, key);

    if (!shared->mmus) {
        mmu_empty_above(mmu, lower, &inval);
    } else if (!shared->has_cnp) {
        mmu_empty_above(shared->mmus[inval.thread], lower, &inval);
    } else {
        for (uint32_t i = 0; i < shared->n_mmus; i++) {
            if (mmusim__mmu_has_array(shared->mmus[i], array))
                mmu_empty_above(shared->mmus[i], lower, &inval);
        }
    }
}

/* ---- down: what goes here comes below ---- */

static void mmu_displaced(struct mmu *mmu, struct tlb_group *group,
                          const struct tlb_array *array,
                          const struct tlb_removed *removed,
                          const struct mmu_fill *fill);

/* To the level below of the CPU whose entry it is: its invalidations must find
 * it. False: there is no place for its size. */
static bool mmu_move_down(struct mmu *mmu, const struct tlb_group *group,
                          const struct tlb_removed *entry,
                          const struct mmu_fill *fill)
{
    struct mmu *owner = mmusim__mmu_owner(mmu, entry);
    struct tlb_group *below = owner->tlb[group - mmu->tlb].below;
    uint32_t order = 0;
    struct tlb_array *array;
    uint32_t ids[TLB_MAX_IDS] = {entry->id};
    struct tlb_coalesced moved = {entry->key, entry->data, ids, 1};
    struct tlb_removed removed;
    uint32_t slot;

    array = mmu_array_for(below, tlb_key_order(entry->key), &order);
    if (!array || order != tlb_key_order(entry->key))
        return false;
    for (uint32_t i = 0; i < entry->n_more && array->ids_per_slot > 1; i++)
        ids[moved.n_ids++] = entry->more[i];
    slot = mmusim__tlb_array_insert_run(array, &moved, &removed);
    tlb_array_stamp(array, slot, entry->stamp);
    if (removed.key != entry->key)
        mmu_displaced(owner, below, array, &removed, fill);
    return true;
}

/* Has somebody to hear of a victim, and may he now? Of a CPU alone with one
 * address space mmusim__mmu_tell_victim() notes nothing. Cores around a last
 * level tell each other what was lost, in the order of events. */
static bool mmu_tells(const struct mmu *mmu, const struct mmu_fill *fill)
{
    return (mmu->has_asids || mmu->shared->mmus) &&
           (!fill->runs_ahead || !mmu->tlb[TLB_L3].n_arrays);
}

static void mmu_displaced(struct mmu *mmu, struct tlb_group *group,
                          const struct tlb_array *array,
                          const struct tlb_removed *removed,
                          const struct mmu_fill *fill)
{
    if (!removed->key)
        return;
    group->evictions++;
    if (tlb_key_is_table(removed->key))
        return;
    if (group->below && group->below->policy->takes_victims &&
        mmu_move_down(mmu, group, removed, fill))
        return;
    if (mmu_tells(mmu, fill))
        mmusim__mmu_tell_victim(mmu, array, removed, fill->tags);
    if (group->policy->is_back_invalidating)
        mmu_back_invalidate(mmu, (enum tlb_level)(group - mmu->tlb), array,
                            removed->key);
}

void mmusim__mmu_lost_page(struct mmu *mmu, const struct tlb_removed *removed,
                           tlb_tags_t tags)
{
    struct tlb_group *l2 = mmu->l2_of[ACCESS_LOAD];
    const struct mmu_fill fill = {.tags = tags};

    mmu_displaced(mmu, l2, l2->arrays[0], removed, &fill);
}

/* Entries of other sizes that the level holds for the address, besides one just
 * entered. */
static MMUSIM_NOINLINE void mmu_watch_sizes(struct mmu *mmu,
                                            const struct tlb_group *group,
                                            uint64_t key, uint64_t vaddr,
                                            uint64_t stamp)
{
    for (uint32_t i = 0; i < group->n_arrays; i++) {
        const struct tlb_array *array = group->arrays[i];

        for (uint32_t k = 0; k < array->n_orders; k++) {
            uint32_t slot;

            if (!array->n_valid_by_order[k] ||
                array->orders[k] == tlb_key_order(key))
                continue;
            slot = tlb_array_find_page(array, vpn_of(vaddr), array->orders[k],
                                       mmu->tags);
            if (slot != TLB_NO_SLOT)
                mmu->shared->watch->two_sizes(
                    mmu->shared->watch->context, mmu->cpu, vaddr,
                    min_u64(stamp, array->stamps[slot]));
        }
    }
}

static inline void mmu_watch_entered(struct mmu *mmu,
                                     const struct tlb_group *group,
                                     struct tlb_array *array, uint32_t slot,
                                     const struct mmu_fill *fill)
{
    if (MMUSIM_LIKELY(!array->stamps))
        return;
    array->stamps[slot] = fill->stamp;
    /* What a private level hands up has been looked at before. */
    if (!fill->runs_ahead && fill->tags == mmu->tags)
        mmu_watch_sizes(mmu, group, array->keys[slot], fill->vaddr,
                        fill->stamp);
}

/* The part of a run that an array takes as one entry, 2^order pages. */
static void mmu_enter_run(struct mmu *mmu, struct tlb_group *group,
                          struct tlb_array *array, uint32_t order,
                          const struct mmu_fill *fill)
{
    uint64_t vpn = vpn_of(fill->vaddr).v;
    uint64_t page = vpn >> fill->order;
    uint64_t n_pages = UINT64_C(1) << (order - fill->order);
    uint64_t first = page & ~(n_pages - 1);
    uint64_t run_mask = (UINT64_C(1) << (fill->run_order - fill->order)) - 1;
    const struct tlb_coalesced entry = {
        .key =
            tlb_key((vpn_t){vpn}, order, fill->tags, fill->data & TLB_GLOBAL),
        .data = fill->data - ((page - first) << fill->order << BASE_PAGE_SHIFT),
        .ids = &fill->run_ids[first & run_mask],
        .n_ids = (uint32_t) n_pages,
    };
    struct tlb_removed removed;
    uint32_t slot;

    slot = mmusim__tlb_array_insert_run(array, &entry, &removed);
    mmu_watch_entered(mmu, group, array, slot, fill);
    for (uint32_t i = 0; i < n_pages; i++)
        mmu->has_failed |= !mmusim__miss_log_filled(mmu->log, entry.ids[i]);
    if (removed.key != entry.key)
        mmu_displaced(mmu, group, array, &removed, fill);
}

bool mmusim__mmu_enter(struct mmu *mmu, struct tlb_group *group,
                       const struct mmu_fill *fill)
{
    struct tlb_removed removed;
    uint32_t order = 0;
    uint32_t most =
        fill->run_order > fill->order ? fill->run_order : fill->order;
    struct tlb_array *array = mmu_array_for(group, most, &order);
    tlb_data_t data = fill->data;
    uint64_t key;
    uint32_t slot;

    if (!array)
        return false;
    if (order > fill->order) {
        mmu_enter_run(mmu, group, array, order, fill);
        return true;
    }
    if (order < fill->order) {
        uint64_t inside = vpn_of(fill->vaddr).v &
                          ((UINT64_C(1) << fill->order) - 1) &
                          ~((UINT64_C(1) << order) - 1);

        data += inside << BASE_PAGE_SHIFT;
        mmusim__mmu_note_fragments(mmu, fill->order);
    }
    key = tlb_key(vpn_of(fill->vaddr), order, fill->tags,
                  fill->data & TLB_GLOBAL);
    slot = mmusim__tlb_array_insert(array, key, data, fill->translation_id,
                                    &removed);
    mmu_watch_entered(mmu, group, array, slot, fill);
    if (removed.key != key)
        mmu_displaced(mmu, group, array, &removed, fill);
    return true;
}
