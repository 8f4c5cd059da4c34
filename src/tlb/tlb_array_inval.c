/* SPDX-License-Identifier: MIT */
/* TLB arrays: what makes entries go but replacement: invalidations, and the
 * bound on contexts. See tlb_array.h. */
#include "tlb/tlb_array_parts.h"

#include <string.h>

/* One invalidation under way. */
struct tlb_sweep {
    struct tlb_array *array;
    const struct inval *inval;
    tlb_removed_fn on_removed;
    void *context;
    uint32_t n_removed;
    tlb_tags_t tags; /* of a request for one context */
};

/* What tags a request is for, where that is one pair: TAGS_NONE means that the
 * context has never cached anything. */
enum sweep_tags { TAGS_ONE, TAGS_SEVERAL, TAGS_NONE };

static enum sweep_tags tlb_sweep_resolve(struct tlb_sweep *sweep)
{
    const struct inval *inval = sweep->inval;
    struct tlb_context context = {
        .regime = REGIME_EL1,
        .thread = inval->thread,
        .vmid = inval->vmid,
        .stage2_root = inval->stage2_root,
    };
    uint16_t own = 0, of_globals = 0;

    if (!inval->has_asid)
        return TAGS_SEVERAL;
    if (!sweep->array->contexts) {
        sweep->tags = tlb_tags(inval->asid, 0);
        return TAGS_ONE;
    }
    if (inval->regimes & ~(1U << REGIME_EL1) || !inval->has_vmid ||
        !inval->has_stage2_root)
        return TAGS_SEVERAL;
    /* A global entry is made in a context that has the global tag, too. */
    if (!mmusim__tlb_context_find(sweep->array->contexts, &context,
                                  &of_globals))
        return TAGS_NONE;
    context.has_asid = true;
    context.asid = inval->asid;
    if (!mmusim__tlb_context_find(sweep->array->contexts, &context, &own))
        return TAGS_SEVERAL; /* globals alone, if any */
    sweep->tags = tlb_tags(own, of_globals);
    return TAGS_ONE;
}

static void tlb_sweep_remove(struct tlb_sweep *sweep, uint32_t slot)
{
    struct tlb_removed removed;

    tlb_array_remove(sweep->array, slot, &removed);
    sweep->n_removed++;
    if (sweep->on_removed)
        sweep->on_removed(sweep->context, &removed);
}

static void tlb_sweep_key(struct tlb_sweep *sweep, uint64_t page, uint64_t key)
{
    uint32_t slot = tlb_array_find(sweep->array, page, key);

    if (slot != TLB_NO_SLOT)
        tlb_sweep_remove(sweep, slot);
}

/* How many pages of an order, aligned to it, a range overlaps. */
static uint64_t tlb_range_pages(const struct inval *inval, uint32_t order)
{
    uint64_t first = tlb_array_vpn_bits(inval->vpn);

    return ((first + inval->n_pages - 1) >> order) - (first >> order) + 1;
}

/* Is looking for each page and tag cheaper than reading every slot? */
static bool tlb_sweep_is_short(const struct tlb_sweep *sweep)
{
    const struct tlb_array *array = sweep->array;
    const struct inval *inval = sweep->inval;
    uint64_t budget = (array->set_mask + 1) * (uint64_t) array->n_ways / 4;

    if (!inval->has_range || inval->stride_order || inval->n_pages > budget)
        return false;
    if (array->n_valid_tables && inval->psc != INVAL_PSC_KEEP)
        return false;
    for (uint32_t i = 0; i < array->n_orders; i++) {
        uint64_t n_pages = tlb_range_pages(inval, array->orders[i]);

        if (!array->n_valid_by_order[i])
            continue;
        if (n_pages > budget)
            return false;
        budget -= n_pages;
    }
    return true;
}

static void tlb_sweep_pages(struct tlb_sweep *sweep, uint32_t order)
{
    const struct inval *inval = sweep->inval;
    uint64_t first = tlb_array_vpn_bits(inval->vpn) >> order;
    uint64_t n_pages = tlb_range_pages(inval, order);

    for (uint64_t page = first; page < first + n_pages; page++) {
        vpn_t vpn = {page << order};

        if (page << order >> TLB_KEY_VPN_BITS)
            return; /* keys have no address beyond */
        if (inval->hits_nonglobals)
            tlb_sweep_key(sweep, page, tlb_key(vpn, order, sweep->tags, false));
        if (inval->hits_globals && sweep->array->n_valid_global)
            tlb_sweep_key(sweep, page, tlb_key(vpn, order, sweep->tags, true));
    }
}

static void tlb_sweep_slots(struct tlb_sweep *sweep, bool is_psc)
{
    const struct tlb_array *array = sweep->array;
    uint32_t n_slots = (array->set_mask + 1) * array->n_ways;

    for (uint32_t slot = 0; slot < n_slots && array->n_valid; slot++) {
        uint64_t key = array->keys[slot];

        if (key && (is_psc ? psc_entry_is_hit_by_inval(key, sweep->inval,
                                                       array->contexts)
                           : tlb_entry_is_hit_by_inval(key, sweep->inval,
                                                       array->contexts)))
            tlb_sweep_remove(sweep, slot);
    }
}

uint32_t mmusim__tlb_array_invalidate(struct tlb_array *array,
                                      const struct inval *inval, bool is_psc,
                                      tlb_removed_fn on_removed, void *context)
{
    struct tlb_sweep sweep = {array, inval, on_removed, context, 0, 0};
    enum sweep_tags tags;

    if (!array->n_valid || (is_psc && inval->psc == INVAL_PSC_KEEP))
        return 0;
    tags = tlb_sweep_resolve(&sweep);
    if (tags == TAGS_NONE)
        return 0;
    if (!is_psc && tags == TAGS_ONE && tlb_sweep_is_short(&sweep)) {
        for (uint32_t i = 0; i < array->n_orders; i++) {
            bool is_named = inval_hint_allows(inval, array->orders[i]);

            if (is_named && array->n_valid_by_order[i])
                tlb_sweep_pages(&sweep, array->orders[i]);
        }
    } else {
        tlb_sweep_slots(&sweep, is_psc);
    }
    mmusim_assert_valid(mmusim__tlb_array_is_valid(array));
    return sweep.n_removed;
}

/* Drops all entries of a context. */
static void tlb_array_lose(struct tlb_array *array, uint16_t tag)
{
    uint32_t n_slots = (array->set_mask + 1) * array->n_ways;
    struct tlb_removed removed;

    for (uint32_t slot = 0; slot < n_slots && array->n_valid; slot++) {
        uint64_t key = array->keys[slot];

        if (!key || tlb_key_is_global(key) || tlb_key_tag(key) != tag)
            continue;
        tlb_array_remove(array, slot, &removed);
        if (array->on_context_lost)
            array->on_context_lost(array->lost_context, &removed);
    }
}

void mmusim__tlb_array_use_context(struct tlb_array *array, uint16_t tag)
{
    uint32_t place = 0;

    if (!array->held || (array->n_held && array->held[0] == tag))
        return;
    while (place < array->n_held && array->held[place] != tag)
        place++;
    if (place == array->max_held)
        tlb_array_lose(array, array->held[--place]);
    else if (place == array->n_held)
        array->n_held++;
    memmove(&array->held[1], array->held, place * sizeof(*array->held));
    array->held[0] = tag;
}

void mmusim__tlb_array_on_context_lost(struct tlb_array *array,
                                       tlb_removed_fn on_lost, void *context)
{
    array->on_context_lost = on_lost;
    array->lost_context = context;
}
