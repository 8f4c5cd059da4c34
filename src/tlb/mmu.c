/* SPDX-License-Identifier: MIT */
/* One logical CPU's translation hardware: see mmu.h. */
#include "tlb/mmu.h"

#include "core/arena.h"
#include "tlb/held_tags.h"
#include "tlb/mmu_inline.h"
#include "tlb/walker.h"

static void mmu_forget_last(struct mmu *mmu)
{
    mmu->last[0].vpn = UINT64_MAX;
    mmu->last[1].vpn = UINT64_MAX;
}

static void mmu_forget_memos(struct mmu *mmu)
{
    for (uint32_t i = 0; i < MMU_MEMOS; i++) {
        mmu->memos[0][i].vpn = UINT64_MAX;
        mmu->memos[1][i].vpn = UINT64_MAX;
    }
}

/* A page of an L1 has got an entry: what was found there may not be found
 * again. */
static void mmu_forget_page(struct mmu *mmu, bool is_fetch, uint64_t vaddr,
                            uint32_t order)
{
    struct mmu_memo *memos = mmu->memos[is_fetch];
    uint64_t vpn = vpn_of(vaddr).v;

    mmu->last[is_fetch].vpn = UINT64_MAX;
    if (!order) {
        memos[vpn % MMU_MEMOS].vpn = UINT64_MAX;
        return;
    }
    for (uint32_t i = 0; i < MMU_MEMOS; i++) {
        if ((memos[i].vpn ^ vpn) >> order == 0)
            memos[i].vpn = UINT64_MAX;
    }
}

static mmusim_status_t mmu_group_init(struct tlb_group *group,
                                      const struct tlb_level_config *config,
                                      const struct mmu_setup *setup,
                                      struct arena *arena)
{
    group->n_arrays = config->n_arrays;
    for (uint32_t i = 0; i < config->n_arrays; i++) {
        mmusim_status_t status = mmusim__tlb_array_init(
            &group->arrays[i], &config->arrays[i], setup->rng, arena);

        if (status)
            return status;
        group->arrays[i].contexts = setup->shared->contexts;
    }
    return MMUSIM_OK;
}

/* The second level's array for pages that a last table would map. */
static struct tlb_array *mmu_large_pages(struct mmu *mmu)
{
    uint32_t order = pt_span_order(mmu->shared->format, 0);

    for (uint32_t i = 0; i < mmu->l2.n_arrays; i++) {
        if (mmusim__tlb_array_holds_order(&mmu->l2.arrays[i], order))
            return &mmu->l2.arrays[i];
    }
    return NULL;
}

static mmusim_status_t mmu_psc_init(struct mmu *mmu, struct rng *rng,
                                    struct arena *arena)
{
    const struct mmu_shared *shared = mmu->shared;
    const struct psc_setup setup = {
        .options = shared->psc,
        .format = shared->format,
        .contexts = shared->contexts,
        .large_pages = mmu_large_pages(mmu),
        .rng = rng,
    };

    return mmusim__psc_init(&mmu->psc, &setup, arena);
}

mmusim_status_t mmusim__mmu_init(struct mmu *mmu, const struct mmu_setup *setup,
                                 struct arena *arena)
{
    mmusim_status_t status;

    mmu->shared = setup->shared;
    mmu->cpu = setup->cpu;
    mmu_forget_last(mmu);
    mmu_forget_memos(mmu);
    mmusim__mmu_set_asid(mmu, 0);
    mmu->log = mmusim__miss_log_create(setup->shared->translations);
    if (!mmu->log)
        return MMUSIM_NOMEM;
    status = mmu_group_init(&mmu->l1i, &setup->tlb[TLB_L1I], setup, arena);
    if (!status)
        status = mmu_group_init(&mmu->l1d, &setup->tlb[TLB_L1D], setup, arena);
    if (!status)
        status = mmu_group_init(&mmu->l2, &setup->tlb[TLB_L2], setup, arena);
    if (!status)
        status = mmu_psc_init(mmu, setup->rng, arena);
    if (!status)
        status = mmusim__walkers_init(mmu, setup->shared->walker->count, arena);
    return status;
}

void mmusim__mmu_set_context(struct mmu *mmu, const struct tlb_context *context)
{
    struct tlb_contexts *contexts = mmu->shared->contexts;
    struct tlb_context loaded = *context;
    struct tlb_context of_globals = *context;
    uint16_t own = 0, global = 0;

    loaded.thread = of_globals.thread = mmu->context.thread;
    of_globals.has_asid = false;
    of_globals.asid = 0;
    if (!contexts)
        own = context->asid;
    else if (!mmusim__tlb_context_intern(contexts, &loaded, &own) ||
             !mmusim__tlb_context_intern(contexts, &of_globals, &global))
        mmu->has_failed = true;
    if (mmu->tags != tlb_tags(own, global))
        mmu_forget_last(mmu);
    mmu->context = loaded;
    mmu->held_tags |= held_tag_of(&loaded);
    mmu->tags = tlb_tags(own, global);
}

void mmusim__mmu_set_asid(struct mmu *mmu, uint16_t asid)
{
    struct tlb_context context = mmu->context;

    context.has_asid = true;
    context.asid = asid;
    mmusim__mmu_set_context(mmu, &context);
}

struct inval mmusim__mmu_scope(const struct mmu *mmu)
{
    return (struct inval){
        .regimes = (uint8_t) (1U << mmu->context.regime),
        .has_vmid = true,
        .vmid = mmu->context.vmid,
        .has_stage2_root = true,
        .stage2_root = mmu->context.stage2_root,
    };
}

void mmusim__mmu_fini(struct mmu *mmu)
{
    mmusim__miss_log_destroy(mmu->log);
    mmu->log = NULL;
}

/* The array of a level that takes a page of the order, and the order it is
 * entered with: the page's own, or the largest smaller one (a fragment). */
static struct tlb_array *mmu_array_for(struct tlb_group *group, uint32_t order,
                                       uint32_t *entered_order)
{
    struct tlb_array *best = NULL;

    for (uint32_t i = 0; i < group->n_arrays; i++) {
        struct tlb_array *array = &group->arrays[i];

        for (uint32_t k = 0; k < array->n_orders; k++) {
            uint32_t candidate = array->orders[k];

            if (candidate > order || (best && candidate <= *entered_order))
                continue;
            best = array;
            *entered_order = candidate;
        }
    }
    return best;
}

/* A fill displaced an entry. Same address space: CAPACITY, which is also what
 * a loss without notice means, so it is written only where tags exist. */
static void mmu_note_victim(struct mmu *mmu, const struct tlb_removed *removed,
                            tlb_tags_t tags)
{
    enum miss_cause cause = MISS_CAPACITY;

    if (!mmu->has_asids || !removed->key)
        return;
    if (!tlb_key_is_global(removed->key) &&
        tlb_key_tag(removed->key) != (uint16_t) tags)
        cause = MISS_ASID;
    if (!mmusim__miss_log_removed(mmu->log, removed->id, cause))
        mmu->has_failed = true;
}

void mmusim__mmu_lost_page(struct mmu *mmu, const struct tlb_removed *removed,
                           tlb_tags_t tags)
{
    mmu_note_victim(mmu, removed, tags);
}

/* False: no array of the level takes pages of that size. */
static bool mmu_fill_group(struct mmu *mmu, struct tlb_group *group,
                           const struct mmu_fill *fill)
{
    struct tlb_removed removed;
    uint32_t order = 0;
    struct tlb_array *array = mmu_array_for(group, fill->order, &order);
    tlb_data_t data = fill->data;
    uint64_t key;

    if (!array)
        return false;
    if (order < fill->order) {
        uint64_t inside = vpn_of(fill->vaddr).v &
                          ((UINT64_C(1) << fill->order) - 1) &
                          ~((UINT64_C(1) << order) - 1);

        data += inside << BASE_PAGE_SHIFT;
        if (fill->order > mmu->fragment_order)
            mmu->fragment_order = fill->order;
    }
    key = tlb_key(vpn_of(fill->vaddr), order, fill->tags,
                  fill->data & TLB_GLOBAL);
    mmusim__tlb_array_insert(array, key, data, fill->translation_id, &removed);
    if (removed.key != key)
        mmu_note_victim(mmu, &removed, fill->tags);
    return true;
}

void mmusim__mmu_fill(struct mmu *mmu, const struct mmu_fill *fill)
{
    mmu_forget_last(mmu);
    if (fill->data & TLB_GLOBAL)
        mmu->held_tags |= held_tag_global(fill->vaddr);
    if (fill->for_data) {
        mmu_forget_page(mmu, false, fill->vaddr, fill->order);
        mmu_fill_group(mmu, &mmu->l1d, fill);
    }
    if (fill->for_fetch) {
        mmu_forget_page(mmu, true, fill->vaddr, fill->order);
        mmu_fill_group(mmu, &mmu->l1i, fill);
    }
    mmu_fill_group(mmu, &mmu->l2, fill);
    if (!mmusim__miss_log_filled(mmu->log, fill->translation_id))
        mmu->has_failed = true;
}

bool mmusim__mmu_l1_search(struct mmu *mmu, struct tlb_group *group,
                           struct mmu_last *last, struct mmu_memo *memo,
                           uint64_t vpn)
{
    uint32_t slot;
    struct tlb_array *array =
        tlb_group_lookup(group, (vpn_t){vpn}, mmu->tags, &slot);
    uint64_t key;

    if (!array)
        return false;
    key = array->keys[slot];
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
    last->vpn = vpn;
    last->data = array->data[slot];
    last->pfn = tlb_data_pfn(last->data).v + memo->inside;
    return true;
}

/* Copies an L2 entry into the L1 that missed. */
static void mmu_refill_l1(struct mmu *mmu, enum access_kind kind,
                          uint64_t vaddr, const struct tlb_array *l2,
                          uint32_t slot)
{
    uint64_t key = l2->keys[slot];
    struct mmu_fill fill = {
        .vaddr = vaddr,
        .order = tlb_key_order(key),
        .tags = mmu->tags,
        .data = l2->data[slot],
        .translation_id = tlb_array_ids(l2, slot)[0],
    };

    struct mmu_last *last = mmu_last_of(mmu, kind);
    uint64_t inside = (UINT64_C(1) << fill.order) - 1;

    mmu_forget_page(mmu, kind == ACCESS_FETCH, vaddr, fill.order);
    if (!mmu_fill_group(mmu, mmu_l1_of(mmu, kind), &fill))
        return;
    last->vpn = vpn_of(vaddr).v;
    last->data = fill.data;
    last->pfn = tlb_data_pfn(fill.data).v + (last->vpn & inside);
}

bool mmusim__mmu_l2_lookup(struct mmu *mmu, enum access_kind kind,
                           uint64_t vaddr, tlb_data_t *data,
                           uint32_t *hit_cycles)
{
    uint32_t slot;
    struct tlb_array *array;

    mmu->l2.accesses++;
    array = tlb_group_lookup(&mmu->l2, vpn_of(vaddr), mmu->tags, &slot);
    if (!array) {
        mmu->l2.misses++;
        return false;
    }
    *data = array->data[slot];
    *hit_cycles = array->hit_cycles;
    mmu_refill_l1(mmu, kind, vaddr, array, slot);
    return true;
}

bool mmusim__mmu_probe(struct mmu *mmu, enum access_kind kind, uint64_t vaddr,
                       tlb_data_t *data)
{
    struct tlb_group *l1 = mmu_l1_of(mmu, kind);
    struct mmu_last *last = mmu_last_of(mmu, kind);
    uint64_t vpn = vpn_of(vaddr).v;
    uint32_t slot;
    struct tlb_array *array;

    if (!mmu_l1_lookup(mmu, l1, last, vpn)) {
        array = tlb_group_lookup(&mmu->l2, (vpn_t){vpn}, mmu->tags, &slot);
        if (!array)
            return false;
        *data = array->data[slot];
        mmu_refill_l1(mmu, kind, vaddr, array, slot);
        return true;
    }
    *data = last->data;
    return true;
}

struct mmu_removal {
    struct mmu *mmu;
    enum miss_cause cause;
};

static void mmu_on_removed(void *context, const struct tlb_removed *entry)
{
    const struct mmu_removal *removal = context;

    if (!mmusim__miss_log_removed(removal->mmu->log, entry->id, removal->cause))
        removal->mmu->has_failed = true;
}

static uint32_t mmu_invalidate_group(struct mmu *mmu, struct tlb_group *group,
                                     const struct inval *inval,
                                     enum miss_cause cause)
{
    struct mmu_removal removal = {mmu, cause};
    uint32_t n_removed = 0;

    for (uint32_t i = 0; i < group->n_arrays; i++)
        n_removed += mmusim__tlb_array_invalidate(
            &group->arrays[i], inval, false, mmu_on_removed, &removal);
    return n_removed;
}

/* With fragments about, a range must reach every fragment of its pages; a level
 * hint speaks of the page, not of its fragments. */
static struct inval mmu_widen(const struct mmu *mmu, const struct inval *inval)
{
    struct inval wide = *inval;
    uint64_t span = UINT64_C(1) << mmu->fragment_order;
    uint64_t last =
        inval->vpn.v + ((inval->n_pages - 1) << inval->stride_order);

    if (!inval->has_range || !mmu->fragment_order)
        return wide;
    wide.vpn.v = align_down(inval->vpn.v, span);
    wide.n_pages = align_up(last + 1, span) - wide.vpn.v;
    wide.stride_order = 0;
    if (inval->order > wide.max_order)
        wide.max_order = inval->order;
    wide.order = 0;
    return wide;
}

uint32_t mmusim__mmu_invalidate(struct mmu *mmu, const struct inval *inval,
                                enum miss_cause cause)
{
    struct inval wide = mmu_widen(mmu, inval);
    struct inval own = *inval;
    uint32_t n_removed;

    if (!mmu->shared->contexts && !inval_reaches_native(inval))
        return 0;
    wide.thread = own.thread = mmu->context.thread;

    mmu_forget_last(mmu);
    n_removed = mmu_invalidate_group(mmu, &mmu->l1d, &wide, cause);
    n_removed += mmu_invalidate_group(mmu, &mmu->l1i, &wide, cause);
    n_removed += mmu_invalidate_group(mmu, &mmu->l2, &wide, cause);
    mmusim__psc_invalidate(&mmu->psc, &own);
    mmusim__walks_poison(mmu, &wide, cause);
    mmu->held_tags &= ~held_tags_dropped(inval, mmu->shared->contexts);
    mmu->held_tags |= held_tag_of(&mmu->context);
    return n_removed;
}
