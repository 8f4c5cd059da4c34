/* SPDX-License-Identifier: MIT */
/* The prefetch buffer and what is walked for: see prefetch.h. */
#include "tlb/prefetch.h"

#include "core/arena.h"
#include "tlb/held_tags.h"
#include "tlb/mmu_inline.h"
#include "tlb/walker.h"

static void prefetch_orders(const struct pt_format *format,
                            struct tlb_array_config *config)
{
    for (uint32_t level = 0; level < format->n_levels; level++) {
        if (format->levels[level].has_leaves &&
            config->n_orders < TLB_MAX_ORDERS)
            config->orders[config->n_orders++] =
                (uint8_t) pt_level_order(format, level);
    }
}

mmusim_status_t mmusim__prefetch_init(struct mmu *mmu,
                                      const struct prefetch_config *config,
                                      struct rng *rng, struct arena *arena)
{
    struct prefetcher *prefetcher = &mmu->prefetcher;
    struct tlb_array_config buffer = {
        .n_entries = config ? config->n_entries : 0,
        .n_ways = config ? config->n_entries : 0,
        .replacement = "lru",
        .index = TLB_INDEX_BITS,
    };
    const struct prefetch_ops *ops =
        config ? mmusim__prefetch_find(config->policy) : NULL;
    mmusim_status_t status;

    if (!ops || !ops->predict)
        return MMUSIM_OK;
    if (ops->has_rows) {
        prefetcher->state.rows = mmusim__arena_alloc(
            arena, PREFETCH_ROWS, sizeof(*prefetcher->state.rows));
        if (!prefetcher->state.rows)
            return MMUSIM_NOMEM;
    }
    prefetch_orders(mmu->shared->format, &buffer);
    status = mmusim__tlb_array_init(&prefetcher->buffer, &buffer, rng, arena);
    if (status)
        return status;
    prefetcher->buffer.contexts = mmu->shared->contexts;
    prefetcher->hit_cycles = config->hit_cycles;
    prefetcher->ops = ops;
    return MMUSIM_OK;
}

/* Is the page in a TLB or the buffer? Touches nothing. */
static bool prefetch_is_there(const struct mmu *mmu, uint64_t vaddr)
{
    const struct prefetcher *prefetcher = &mmu->prefetcher;
    vpn_t vpn = vpn_of(vaddr);
    const struct tlb_group *levels[] = {mmu->l1_of[ACCESS_LOAD]->group,
                                        mmu->l2_of[ACCESS_LOAD]};

    for (uint32_t level = 0; level < 2; level++) {
        for (uint32_t i = 0; i < levels[level]->n_arrays; i++) {
            if (mmusim__tlb_array_probe(levels[level]->arrays[i], vpn,
                                        mmu->tags) != TLB_NO_SLOT)
                return true;
        }
    }
    return prefetcher->ops && mmusim__tlb_array_probe(&prefetcher->buffer, vpn,
                                                      mmu->tags) != TLB_NO_SLOT;
}

/* Walks for a page of the same half of the addresses, if it is worth it. */
static bool prefetch_walk(struct mmu *mmu, uint64_t vaddr,
                          enum walk_purpose purpose, uint64_t now)
{
    if (!pt_is_canonical(mmu->shared->format, vaddr) ||
        prefetch_is_there(mmu, vaddr))
        return false;
    return mmusim__walk_ahead(mmu, vaddr, purpose, now);
}

bool mmusim__prefetch_look_up(struct mmu *mmu, uint64_t vaddr, bool is_store)
{
    struct prefetcher *prefetcher = &mmu->prefetcher;
    struct tlb_array *buffer = &prefetcher->buffer;
    uint32_t slot = tlb_array_lookup(buffer, vpn_of(vaddr), mmu->tags);
    struct mmu_fill fill;

    if (slot == TLB_NO_SLOT)
        return false;
    fill = (struct mmu_fill){
        .vaddr = vaddr,
        .order = tlb_key_order(buffer->keys[slot]),
        .tags = mmu->tags,
        .data = buffer->data[slot],
        .translation_id = tlb_array_ids(buffer, slot)[0],
        .kinds = 1U << (is_store ? ACCESS_STORE : ACCESS_LOAD),
        .stamp = tlb_array_stamp_of(buffer, slot),
    };
    mmusim__tlb_array_drop(buffer, slot);
    mmusim__mmu_fill(mmu, &fill);
    prefetcher->hits++;
    return true;
}

void mmusim__prefetch_train(struct mmu *mmu, uint64_t vaddr, uint64_t now)
{
    struct prefetcher *prefetcher = &mmu->prefetcher;
    uint64_t vpns[PREFETCH_MAX];
    uint32_t n =
        prefetcher->ops->predict(&prefetcher->state, vpn_of(vaddr).v, vpns);

    for (uint32_t i = 0; i < n; i++)
        prefetcher->issued += prefetch_walk(mmu, vpns[i] << BASE_PAGE_SHIFT,
                                            WALK_TO_PREFETCH, now);
}

void mmusim__prefetch_fill(struct mmu *mmu, const struct mmu_fill *fill)
{
    struct prefetcher *prefetcher = &mmu->prefetcher;
    struct tlb_removed removed;
    uint64_t key;
    uint32_t slot;

    if (!mmusim__tlb_array_holds_order(&prefetcher->buffer, fill->order))
        return;
    if (fill->data & TLB_GLOBAL)
        mmu->held_tags |= held_tag_global(fill->vaddr);
    key = tlb_key(vpn_of(fill->vaddr), fill->order, fill->tags,
                  fill->data & TLB_GLOBAL);
    slot = mmusim__tlb_array_insert(&prefetcher->buffer, key, fill->data,
                                    fill->translation_id, &removed);
    tlb_array_stamp(&prefetcher->buffer, slot, fill->stamp);
    prefetcher->unused += removed.key && removed.key != key;
}

void mmusim__prefetch_invalidate(struct mmu *mmu, const struct inval *inval)
{
    struct prefetcher *prefetcher = &mmu->prefetcher;

    if (prefetcher->ops)
        prefetcher->unused += mmusim__tlb_array_invalidate(
            &prefetcher->buffer, inval, false, NULL, NULL);
}

bool mmusim__speculate(struct mmu *mmu, uint64_t vaddr, uint64_t now)
{
    bool is_begun = prefetch_walk(mmu, vaddr, WALK_TO_SPECULATE, now);

    mmu->prefetcher.speculative += is_begun;
    return is_begun;
}
