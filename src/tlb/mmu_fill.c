/* SPDX-License-Identifier: MIT */
/*
 * Fills of the TLB levels, and look-ups behind the first level. See mmu.h.
 */
#include "tlb/held_tags.h"
#include "tlb/mmu_inline.h"
#include "tlb/mmu_levels.h"
#include "tlb/mmu_sharing.h"

#include <string.h>

/* A page of an L1 has got an entry: what was found there may not be found
 * again. */
static void mmu_forget_page(struct mmu_l1 *l1, uint64_t vaddr, uint32_t order)
{
    struct mmu_memo *memos = l1->memos;
    uint64_t vpn = vpn_of(vaddr).v;

    l1->last.vpn = UINT64_MAX;
    if (!order) {
        memos[vpn % MMU_MEMOS].vpn = UINT64_MAX;
        return;
    }
    for (uint32_t i = 0; i < MMU_MEMOS; i++) {
        if ((memos[i].vpn ^ vpn) >> order == 0)
            memos[i].vpn = UINT64_MAX;
    }
}

/* Threads that share the level forget the page, too: with CnP the new entry
 * may be one that their look-ups prefer. */
static bool mmu_fill_l1(struct mmu *mmu, struct mmu_l1 *l1,
                        const struct mmu_fill *fill)
{
    uint32_t order = fill->run_order ? fill->run_order : fill->order;
    struct mmu *sharer = mmu->next_sibling;

    mmu_forget_page(l1, fill->vaddr, order);
    for (; MMUSIM_UNLIKELY(sharer != mmu); sharer = sharer->next_sibling)
        mmu_forget_page(&sharer->l1[l1 - mmu->l1], fill->vaddr, order);
    return mmusim__mmu_enter(mmu, l1->group, fill);
}

void mmusim__mmu_fill(struct mmu *mmu, const struct mmu_fill *fill)
{
    const struct mmu_l1 *filled_l1 = NULL;
    const struct tlb_group *filled_l2 = NULL;

    mmu_take_turn(mmu);
    mmu_forget_last(mmu);
    if (MMUSIM_UNLIKELY(mmu->has_runs))
        mmusim__mmu_drop_runs(mmu, fill);
    if (fill->data & TLB_GLOBAL)
        mmu->held_tags |= held_tag_global(fill->vaddr);
    for (uint32_t kind = 0; kind < ACCESS_KINDS; kind++) {
        if (!(fill->kinds >> kind & 1U) || mmu->l1_of[kind] == filled_l1)
            continue;
        filled_l1 = mmu->l1_of[kind];
        mmu_fill_l1(mmu, mmu->l1_of[kind], fill);
    }
    for (uint32_t kind = 0; kind < ACCESS_KINDS; kind++) {
        if (!(fill->kinds >> kind & 1U) || mmu->l2_of[kind] == filled_l2)
            continue;
        filled_l2 = mmu->l2_of[kind];
        if (filled_l2->policy->is_filled_by_walks)
            mmusim__mmu_enter(mmu, mmu->l2_of[kind], fill);
    }
    if (mmu->tlb[TLB_L3].policy->is_filled_by_walks)
        mmusim__mmu_enter(mmu, &mmu->tlb[TLB_L3], fill);
    if (fill->page_order)
        mmusim__mmu_note_fragments(mmu, fill->page_order);
    if (!mmusim__miss_log_filled(mmu->log, fill->translation_id))
        mmu->has_failed = true;
}

/* The CPU uses an entry that, with CnP, another may have brought. */
static inline void mmu_note_held(struct mmu *mmu, const struct tlb_array *array,
                                 uint32_t slot)
{
    if (MMUSIM_LIKELY(!mmu->shared->has_cnp))
        return;
    for (uint32_t i = 0; i < array->ids_per_slot; i++)
        mmu->has_failed |=
            !mmusim__miss_log_filled(mmu->log, tlb_array_ids(array, slot)[i]);
}

bool mmusim__mmu_l1_search(struct mmu *mmu, struct mmu_l1 *l1, uint64_t vpn)
{
    struct mmu_memo *memo = &l1->memos[vpn % MMU_MEMOS];
    uint32_t slot;
    struct tlb_array *array =
        tlb_group_lookup(l1->group, (vpn_t){vpn}, mmu->tags, &slot);
    uint64_t key;

    if (!array)
        return false;
    key = array->keys[slot];
    mmu_note_held(mmu, array, slot);
    *memo = (struct mmu_memo){
        .vpn = vpn,
        .key = key,
        .key_at = &array->keys[slot],
        .data_at = &array->data[slot],
        .stamp_at =
            array->repl_ops->is_stamped ? &array->repl.words[slot] : NULL,
        .array = array,
        .inside = vpn & ((UINT64_C(1) << tlb_key_order(key)) - 1),
        .set = slot / array->n_ways,
        .way = (uint16_t) (slot % array->n_ways),
        .tags = mmu->tags,
    };
    l1->last.vpn = vpn;
    l1->last.data = array->data[slot];
    l1->last.pfn = tlb_data_pfn(l1->last.data).v + memo->inside;
    return true;
}

/* A page looked for behind the first level, and what was found. */
struct mmu_found {
    uint64_t vaddr;
    tlb_data_t data;
    uint32_t hit_cycles;
};

static enum tlb_level mmu_l2_level(const struct mmu *mmu, enum access_kind kind)
{
    return (enum tlb_level)(mmu->l2_of[kind] - mmu->tlb);
}

/* The largest page of the tables that is no larger than an order. */
static uint32_t mmu_page_order(const struct mmu *mmu, uint32_t order)
{
    const struct pt_format *format = mmu->shared->format;
    uint32_t page = 0;

    for (uint32_t level = 0; level < format->n_levels; level++) {
        if (format->levels[level].has_leaves &&
            pt_level_order(format, level) <= order)
            page = pt_level_order(format, level);
    }
    return page;
}

/* A run's entry: the page asked for, and the run. The array may need the
 * entry's place before all is done. */
static void mmu_split_run(struct mmu *mmu, struct mmu_fill *fill,
                          const uint32_t *ids)
{
    uint32_t page = mmu_page_order(mmu, fill->order);
    uint64_t inside =
        vpn_of(fill->vaddr).v & ((UINT64_C(1) << fill->order) - 1);

    uint32_t other_ids = 0;

    memcpy(mmu->run_ids, ids, sizeof(mmu->run_ids));
    for (uint32_t i = 1; i < TLB_MAX_IDS; i++)
        other_ids |= ids[i];
    if (page == fill->order || !other_ids)
        return;
    inside >>= page;
    fill->run_order = fill->order;
    fill->run_ids = mmu->run_ids;
    fill->order = page;
    fill->data += inside << page << BASE_PAGE_SHIFT;
    fill->translation_id = ids[inside];
}

/* An entry as what a fill of the levels above needs. Written in place: a copy
 * of what was just written in other widths would wait for the stores. */
static void mmu_fill_of(struct mmu *mmu, uint64_t vaddr,
                        const struct tlb_array *from, uint32_t slot,
                        struct mmu_fill *fill)
{
    *fill = (struct mmu_fill){
        .vaddr = vaddr,
        .order = tlb_key_order(from->keys[slot]),
        .tags = mmu->tags,
        .data = from->data[slot],
        .translation_id = tlb_array_ids(from, slot)[0],
        .stamp = tlb_array_stamp_of(from, slot),
    };

    if (MMUSIM_UNLIKELY(from->ids_per_slot > 1))
        mmu_split_run(mmu, fill, tlb_array_ids(from, slot));
}

/* Copies a lower level's entry into the L1 that missed. */
static void mmu_refill_l1(struct mmu *mmu, struct mmu_l1 *l1,
                          const struct mmu_fill *fill)
{
    uint64_t inside = (UINT64_C(1) << fill->order) - 1;

    if (!mmu_fill_l1(mmu, l1, fill))
        return;
    l1->last.vpn = vpn_of(fill->vaddr).v;
    l1->last.data = fill->data;
    l1->last.pfn = tlb_data_pfn(fill->data).v + (l1->last.vpn & inside);
}

/* Looks into a level behind the first; after a hit the page is in the L1. */
static bool mmu_find_below(struct mmu *mmu, enum access_kind kind,
                           enum tlb_level level, struct mmu_found *found)
{
    uint32_t slot;
    struct tlb_array *array = tlb_group_lookup(
        &mmu->tlb[level], vpn_of(found->vaddr), mmu->tags, &slot);
    struct mmu_fill fill;

    if (!array)
        return false;
    mmu_note_held(mmu, array, slot);
    mmu_fill_of(mmu, found->vaddr, array, slot, &fill);
    found->data = fill.data;
    found->hit_cycles = array->hit_cycles;
    if (MMUSIM_UNLIKELY(array->probe_cycles))
        found->hit_cycles += mmusim__tlb_array_probe_time(array, slot);
    fill.runs_ahead = level != TLB_L3;
    if (mmu->tlb[level].policy->is_left_by_hits &&
        mmusim__mmu_holds_order(mmu->l1_of[kind]->group, fill.order))
        mmusim__tlb_array_drop(array, slot);
    if (level == TLB_L3 && mmu->l2_of[kind]->policy->is_filled_by_walks)
        mmusim__mmu_enter(mmu, mmu->l2_of[kind], &fill);
    mmu_refill_l1(mmu, mmu->l1_of[kind], &fill);
    return true;
}

/* The same, counted. */
static bool mmu_look_up_below(struct mmu *mmu, enum access_kind kind,
                              enum tlb_level level, struct mmu_found *found)
{
    bool is_hit = mmu_find_below(mmu, kind, level, found);

    mmu->tlb[level].accesses++;
    mmu->tlb[level].misses += !is_hit;
    return is_hit;
}

bool mmusim__mmu_l2_lookup(struct mmu *mmu, enum access_kind kind,
                           uint64_t vaddr, tlb_data_t *data,
                           uint32_t *hit_cycles)
{
    struct mmu_found found = {.vaddr = vaddr};

    if (!mmu_look_up_below(mmu, kind, mmu_l2_level(mmu, kind), &found))
        return false;
    *data = found.data;
    *hit_cycles = found.hit_cycles;
    return true;
}

bool mmusim__mmu_l3_lookup(struct mmu *mmu, enum access_kind kind,
                           uint64_t vaddr, uint32_t *hit_cycles)
{
    struct mmu_found found = {.vaddr = vaddr};

    mmu_take_turn(mmu);
    if (!mmu_look_up_below(mmu, kind, TLB_L3, &found))
        return false;
    *hit_cycles = found.hit_cycles;
    return true;
}

bool mmusim__mmu_probe(struct mmu *mmu, enum access_kind kind, uint64_t vaddr,
                       tlb_data_t *data)
{
    struct mmu_l1 *l1 = mmu->l1_of[kind];
    struct mmu_found found = {.vaddr = vaddr};

    mmu_take_turn(mmu);
    if (mmu_l1_lookup(mmu, l1, vpn_of(vaddr).v)) {
        *data = l1->last.data;
        return true;
    }
    if (!mmu_find_below(mmu, kind, mmu_l2_level(mmu, kind), &found) &&
        !mmu_find_below(mmu, kind, TLB_L3, &found))
        return false;
    *data = found.data;
    return true;
}
