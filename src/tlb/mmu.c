/* SPDX-License-Identifier: MIT */
/* One logical CPU's translation hardware: see mmu.h. */
#include "tlb/mmu.h"

#include "tlb/held_tags.h"
#include "tlb/mmu_inline.h"
#include "tlb/mmu_levels.h"
#include "tlb/mmu_sharing.h"
#include "tlb/walker.h"

static void mmu_l1_init(struct mmu *mmu, enum tlb_level level)
{
    struct mmu_l1 *l1 = &mmu->l1[mmu->n_l1s++];

    l1->group = &mmu->tlb[level];
    l1->last.vpn = UINT64_MAX;
    for (uint32_t i = 0; i < MMU_MEMOS; i++)
        l1->memos[i].vpn = UINT64_MAX;
}

/* Which level serves which kind of access. */
static void mmu_connect(struct mmu *mmu)
{
    bool has_l1s = mmu->tlb[TLB_L1S].n_arrays;
    bool is_l2_split = mmu->tlb[TLB_L2I].n_arrays || mmu->tlb[TLB_L2D].n_arrays;

    mmu_l1_init(mmu, TLB_L1D);
    mmu_l1_init(mmu, TLB_L1I);
    mmu->l1_of[ACCESS_LOAD] = mmu->l1_of[ACCESS_STORE] = &mmu->l1[0];
    mmu->l1_of[ACCESS_FETCH] = &mmu->l1[1];
    if (has_l1s) {
        mmu_l1_init(mmu, TLB_L1S);
        mmu->l1_of[ACCESS_STORE] = &mmu->l1[2];
    }
    for (uint32_t kind = 0; kind < ACCESS_KINDS; kind++) {
        enum tlb_level split = kind == ACCESS_FETCH ? TLB_L2I : TLB_L2D;

        mmu->l2_of[kind] = &mmu->tlb[is_l2_split ? split : TLB_L2];
    }
}

/* The second level's (of data) array for pages that a last table would map. */
static struct tlb_array *mmu_large_pages(struct mmu *mmu)
{
    const struct tlb_group *l2 = mmu->l2_of[ACCESS_LOAD];
    uint32_t order = pt_span_order(mmu->shared->format, 0);

    for (uint32_t i = 0; i < l2->n_arrays; i++) {
        if (mmusim__tlb_array_holds_order(l2->arrays[i], order))
            return l2->arrays[i];
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
    mmusim_status_t status = MMUSIM_OK;

    mmu->shared = setup->shared;
    mmu->cpu = setup->cpu;
    if (setup->shared->mmus && !setup->shared->has_cnp)
        mmu->context.thread = (uint8_t) setup->cpu;
    mmusim__mmu_set_asid(mmu, 0);
    mmu->log = mmusim__miss_log_create(setup->shared->translations);
    if (!mmu->log)
        return MMUSIM_NOMEM;
    for (uint32_t level = 0; !status && level < TLB_LEVEL_COUNT; level++)
        status =
            mmusim__mmu_group_init(mmu, (enum tlb_level) level, setup, arena);
    if (!status)
        status = mmusim__mmu_share_init(mmu, setup, arena);
    mmu_connect(mmu);
    mmusim__mmu_link_levels(mmu);
    if (!status)
        status = mmu_psc_init(mmu, setup->rng, arena);
    if (!status && setup->shared->nested)
        status =
            mmusim__nested_cpu_init(&mmu->nested, setup->shared->nested,
                                    setup->shared->contexts, setup->rng, arena);
    if (!status)
        status = mmusim__prefetch_init(mmu, setup->shared->prefetch, setup->rng,
                                       arena);
    if (!status)
        status = mmusim__walkers_init(mmu, setup->shared->walker->count, arena);
    return status;
}

static void mmu_use_context(struct mmu *mmu, uint16_t tag)
{
    for (uint32_t level = 0; level < TLB_LEVEL_COUNT; level++) {
        const struct tlb_group *group = &mmu->tlb[level];

        for (uint32_t i = 0; i < group->n_arrays; i++)
            mmusim__tlb_array_use_context(group->arrays[i], tag);
    }
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
    if (mmu->shared->nested &&
        !mmusim__nested_cpu_load(&mmu->nested, contexts, &loaded))
        mmu->has_failed = true;
    if (mmu->tags != tlb_tags(own, global))
        mmu_forget_last(mmu);
    mmu->context = loaded;
    mmu->held_tags |= held_tag_of(&loaded);
    mmu->tags = tlb_tags(own, global);
    mmu_use_context(mmu, own);
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

struct mmu_removal {
    struct mmu *mmu;
    const struct tlb_array *array;
    enum miss_cause cause;
};

static void mmu_on_removed(void *context, const struct tlb_removed *entry)
{
    const struct mmu_removal *removal = context;

    mmusim__mmu_tell_lost(removal->mmu, removal->array, entry, removal->cause);
}

static uint32_t mmu_invalidate_group(struct mmu *mmu, struct tlb_group *group,
                                     const struct inval *inval,
                                     enum miss_cause cause)
{
    uint32_t n_removed = 0;

    for (uint32_t i = 0; i < group->n_arrays; i++) {
        struct mmu_removal removal = {mmu, group->arrays[i], cause};

        n_removed += mmusim__tlb_array_invalidate(
            group->arrays[i], inval, false, mmu_on_removed, &removal);
    }
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

    bool is_virtual = !inval->regimes ||
                      inval->regimes & (1U << REGIME_EL1 | 1U << REGIME_EL2);

    if (!inval->has_range || !mmu->fragment_order || !is_virtual)
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
    uint32_t n_removed = 0;

    if (!mmu->shared->contexts && !inval_reaches_native(inval))
        return 0;
    wide.thread = own.thread = mmu->context.thread;

    mmu_take_turn(mmu);
    mmu_forget_last(mmu);
    for (uint32_t level = 0; level < TLB_LEVEL_COUNT; level++)
        n_removed += mmu_invalidate_group(mmu, &mmu->tlb[level], &wide, cause);
    mmusim__psc_invalidate(&mmu->psc, &own);
    if (mmu->shared->nested)
        mmusim__nested_cpu_invalidate(&mmu->nested, &own);
    mmusim__prefetch_invalidate(mmu, &wide);
    mmusim__walks_poison(mmu, &wide, cause);
    mmu->held_tags &= ~held_tags_dropped(inval, mmu->shared->contexts);
    mmu->held_tags |= held_tag_of(&mmu->context);
    if (MMUSIM_UNLIKELY(mmu->shared->watch))
        mmu->shared->watch->invalidated(mmu->shared->watch->context, mmu->cpu,
                                        inval);
    return n_removed;
}

mmusim_status_t mmusim__mmu_watch(struct mmu *mmu, struct arena *arena)
{
    mmusim_status_t status = MMUSIM_OK;

    for (uint32_t level = 0; level < TLB_LEVEL_COUNT; level++) {
        for (uint32_t i = 0; !status && i < mmu->tlb[level].n_arrays; i++)
            status = mmusim__tlb_array_watch(mmu->tlb[level].arrays[i], arena);
    }
    for (uint32_t i = 0; !status && i < mmu->psc.n_own; i++)
        status = mmusim__tlb_array_watch(&mmu->psc.own[i], arena);
    if (!status && mmu->prefetcher.ops)
        status = mmusim__tlb_array_watch(&mmu->prefetcher.buffer, arena);
    return status;
}

static uint64_t mmu_probe_stamp(const struct mmu *mmu,
                                const struct tlb_group *group, vpn_t vpn)
{
    for (uint32_t i = 0; i < group->n_arrays; i++) {
        uint32_t slot =
            mmusim__tlb_array_probe(group->arrays[i], vpn, mmu->tags);

        if (slot != TLB_NO_SLOT)
            return tlb_array_stamp_of(group->arrays[i], slot);
    }
    return 0;
}

uint64_t mmusim__mmu_hit_stamp(const struct mmu *mmu, enum access_kind kind,
                               uint64_t vaddr)
{
    const struct mmu_l1 *l1 = mmu->l1_of[kind];
    vpn_t vpn = vpn_of(vaddr);
    const struct mmu_memo *memo = &l1->memos[vpn.v % MMU_MEMOS];
    uint64_t stamp;

    if (memo->vpn == vpn.v && memo->tags == mmu->tags &&
        *memo->key_at == memo->key)
        return tlb_array_stamp_of(
            memo->array, (uint32_t) (memo->key_at - memo->array->keys));
    /* A page that no first level can hold is used from where it lies. */
    stamp = mmu_probe_stamp(mmu, l1->group, vpn);
    if (!stamp)
        stamp = mmu_probe_stamp(mmu, mmu->l2_of[kind], vpn);
    return stamp ? stamp : mmu_probe_stamp(mmu, &mmu->tlb[TLB_L3], vpn);
}
