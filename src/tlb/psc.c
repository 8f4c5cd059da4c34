/* SPDX-License-Identifier: MIT */
/* Paging-structure caches: see psc.h. */
#include "tlb/psc_table.h"

#include "tlb/tlb_array_inline.h"

/* Every kind replaces the pointer used longest ago: nobody has published more
 * (guess). */
static struct tlb_array_config psc_array_config(const struct psc_config *config)
{
    return (struct tlb_array_config){
        .n_entries = config->n_entries,
        .n_ways = config->n_ways,
        .n_orders = 1,
        .replacement = "lru",
        .index = TLB_INDEX_BITS,
        .hit_cycles = config->hit_cycles,
    };
}

const char *mmusim__psc_array_refuses(const struct psc_config *config)
{
    struct tlb_array_config array = psc_array_config(config);

    return config->n_entries ? mmusim__tlb_array_refuses(&array) : NULL;
}

mmusim_status_t mmusim__psc_add_array(struct psc *psc,
                                      const struct psc_setup *setup,
                                      const struct psc_config *config,
                                      uint32_t first, uint32_t end,
                                      struct arena *arena)
{
    struct tlb_array_config made = psc_array_config(config);
    struct tlb_array *array = &psc->own[psc->n_own];
    mmusim_status_t status;

    end = end < psc->n_levels ? end : psc->n_levels;
    if (!config->n_entries || first >= end)
        return MMUSIM_OK;
    made.n_orders = end - first;
    for (uint32_t i = 0; i < made.n_orders; i++)
        made.orders[i] = psc->orders[first + i];
    status = mmusim__tlb_array_init(array, &made, setup->rng, arena);
    if (status)
        return status;
    array->contexts = setup->contexts;
    psc->n_own++;
    for (uint32_t level = first; level < end; level++) {
        psc->at[level] = array;
        psc->hit_cycles[level] = config->hit_cycles;
    }
    return MMUSIM_OK;
}

static const struct psc_ops *psc_ops_of(const struct psc_options *options)
{
    return options->kind[0] ? mmusim__psc_find(options->kind)
                            : &mmusim__psc_per_level;
}

const char *mmusim__psc_refuses(const struct psc_options *options,
                                const char **key)
{
    const struct psc_ops *ops = psc_ops_of(options);

    *key = "kind";
    return ops ? ops->refuses(options, key) : "no such kind";
}

mmusim_status_t mmusim__psc_init(struct psc *psc, const struct psc_setup *setup,
                                 struct arena *arena)
{
    const struct psc_ops *ops = psc_ops_of(setup->options);

    *psc = (struct psc){.n_levels = setup->format->n_levels - 1};
    for (uint32_t level = 0; level < psc->n_levels; level++)
        psc->orders[level] = (uint8_t) pt_span_order(setup->format, level);
    return ops ? ops->init(psc, setup, arena) : MMUSIM_CONFIG;
}

static bool psc_is_own(const struct psc *psc, const struct tlb_array *array)
{
    return array >= psc->own && array < psc->own + CONFIG_PSC_LEVELS;
}

static uint64_t psc_key_in(const struct psc *psc, const struct tlb_array *array,
                           uint64_t vaddr, uint32_t level, tlb_tags_t tags)
{
    uint64_t key = psc_key(psc, vaddr, level, tags);

    return psc_is_own(psc, array) ? key : key | TLB_KEY_TABLE;
}

/* The slot of a level's pointer, touched, or TLB_NO_SLOT. */
static uint32_t psc_find(struct psc *psc, uint64_t vaddr, uint32_t level,
                         tlb_tags_t tags)
{
    struct tlb_array *array = psc->at[level];
    uint64_t key = psc_key_in(psc, array, vaddr, level, tags);
    uint64_t page = tlb_key_vpn(key) >> psc->orders[level];
    uint32_t slot =
        array->n_valid ? tlb_array_find(array, page, key) : TLB_NO_SLOT;

    if (slot != TLB_NO_SLOT)
        tlb_array_touch(array, page, slot);
    return slot;
}

bool mmusim__psc_look_up(struct psc *psc, uint64_t vaddr, tlb_tags_t tags,
                         struct psc_hit *hit)
{
    for (uint32_t level = 0; level < psc->n_levels; level++) {
        const struct tlb_array *array = psc->at[level];
        uint32_t slot;

        if (!array)
            continue;
        slot = psc_find(psc, vaddr, level, tags);
        if (slot == TLB_NO_SLOT) {
            psc->misses[level]++;
            continue;
        }
        psc->hits[level]++;
        hit->level = level;
        hit->table = array->data[slot] & ~(uint64_t) PT_ALL_RIGHTS;
        hit->rights = (uint32_t) array->data[slot] & PT_ALL_RIGHTS;
        hit->cycles = psc->hit_cycles[level];
        hit->stamp = tlb_array_stamp_of(array, slot);
        return true;
    }
    return false;
}

void mmusim__psc_enter(struct psc *psc, uint64_t vaddr, tlb_tags_t tags,
                       const struct psc_hit *hit, struct tlb_removed *removed)
{
    struct tlb_array *array = psc->at[hit->level];
    uint32_t slot;

    *removed = (struct tlb_removed){0};
    if (!array)
        return;
    slot = mmusim__tlb_array_insert(
        array, psc_key_in(psc, array, vaddr, hit->level, tags),
        hit->table | hit->rights, 0, removed);
    tlb_array_stamp(array, slot, hit->stamp);
}

void mmusim__psc_invalidate(struct psc *psc, const struct inval *inval)
{
    if (inval->psc == INVAL_PSC_KEEP)
        return;
    for (uint32_t i = 0; i < psc->n_own; i++)
        mmusim__tlb_array_invalidate(&psc->own[i], inval, true, NULL, NULL);
}
