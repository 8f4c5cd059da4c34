/* SPDX-License-Identifier: MIT */
/*
 * A guest's walks against the naive walk in two dimensions: random tables in
 * both stages, any of the caches, edits with their invalidations in between;
 * and edits with their invalidations at each of a walk's references. After
 * each step no structure holds what the tables do not say.
 */
#include "coherence/x86_ops.h"
#include "model/two_stage_model.h"
#include "support/small_system.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FRAME_BITS UINT64_C(0x000ffffffffff000)
#define BIT_W      (UINT64_C(1) << 1)

enum { N_WORLDS = 60, N_STEPS = 400, N_PLACES = 32 };

struct world {
    struct small_system *small;
    struct mmu *mmu;
    struct two_stage_world model;
    struct rng rng;
    uint64_t seed;
    bool has_caches;
    uint64_t n_mapped, n_faults; /* what the walks ended in */
};

#define AGREE(world, condition)                                                \
    do {                                                                       \
        if (!(condition))                                                      \
            fail_msg("seed %llu: not so: %s",                                  \
                     (unsigned long long) (world)->seed, #condition);          \
    } while (0)

/* ---- worlds ---- */

static struct psc_config random_cache(struct rng *rng, uint32_t n)
{
    static const uint32_t sizes[] = {0, 2, 8};

    n = sizes[mmusim__rng_below(rng, 3)] * n / 8;
    return (struct psc_config){n, n, 3};
}

static void choose(struct world *world, struct small_options *options)
{
    static const char *const kinds[] = {"per-level", "page-directory",
                                        "walk-cache"};
    static const char *const variants[] = {"ept", "npt"};
    static const uint32_t orders[] = {0, 9, 18};
    struct rng *rng = &world->rng;

    small_options_init(options);
    options->n_sockets = options->cores_per_socket = 1;
    options->threads_per_core = 2;
    options->has_pcid = true;
    options->n_levels = 4 + mmusim__rng_below(rng, 2);
    options->stage2.isa = "x86-64";
    options->stage2.n_levels = 4 + mmusim__rng_below(rng, 2);
    world->model.is_npt = mmusim__rng_below(rng, 2);
    options->stage2.variant = variants[world->model.is_npt];
    options->nested.page_order = orders[mmusim__rng_below(rng, 3)];
    snprintf(options->psc.kind, sizeof(options->psc.kind), "%s",
             kinds[mmusim__rng_below(rng, 3)]);
    for (uint32_t i = 0; i < CONFIG_PSC_LEVELS; i++)
        options->psc.levels[i] = random_cache(rng, 8);
    options->psc.cache = random_cache(rng, 16);
    options->nested.tlb = random_cache(rng, 16);
    options->nested.pointers = random_cache(rng, 8);
    world->has_caches = mmusim__rng_below(rng, 4);
    if (world->has_caches)
        return;
    memset(&options->psc, 0, sizeof(options->psc));
    memset(&options->nested.tlb, 0, sizeof(options->nested.tlb));
    memset(&options->nested.pointers, 0, sizeof(options->nested.pointers));
}

static void world_begin(struct world *world,
                        const struct small_options *options)
{
    world->small = small_create(options);
    world->mmu = &world->small->system.cpus[0].mmu;
    world->model.guest = world->small->shared.tables;
    world->model.host = world->small->nested.tables;
    world->model.guest_levels = options->n_levels;
    world->model.host_levels = world->small->nested.format.n_levels;
    world->model.guest_root = pfn_paddr(world->mmu->root);
    world->model.host_root = world->small->nested.root;
}

/* Places share tables: two of each level, and few pages in a table. */
static uint64_t place(uint32_t i)
{
    return UINT64_C(0x1000000000) + ((uint64_t) (i >> 4 & 1) << 39) +
           ((uint64_t) (i >> 3 & 1) << 30) + ((uint64_t) (i >> 2 & 1) << 21) +
           ((uint64_t) (i & 3) << 12);
}

/* ---- nothing stale ---- */

static void check_leaf(struct world *world, uint64_t key, tlb_data_t data)
{
    uint64_t vaddr = tlb_key_vpn(key) << 12;
    uint64_t last = ((UINT64_C(1) << tlb_key_order(key)) - 1) << 12;
    struct two_stage_walk walk = two_stage_model_walk(&world->model, vaddr);

    AGREE(world, walk.outcome == TWO_STAGE_MAPPED);
    AGREE(world, walk.paddr >> 12 == tlb_data_pfn(data).v);
    AGREE(world, walk.can_write || !(data & TLB_WRITE));
    walk = two_stage_model_walk(&world->model, vaddr + last);
    AGREE(world, walk.outcome == TWO_STAGE_MAPPED);
    AGREE(world, walk.paddr >> 12 == tlb_data_pfn(data).v + (last >> 12));
}

static void check_nested(struct world *world, uint64_t key, tlb_data_t data)
{
    struct walk_model walk =
        two_stage_model_nested(&world->model, tlb_key_vpn(key) << 12);

    AGREE(world, walk.outcome == WALK_MODEL_MAPPED);
    AGREE(world, walk.paddr >> 12 == tlb_data_pfn(data).v);
    AGREE(world, walk.can_write || !(data & TLB_WRITE));
}

/* The guest-physical address of the table of a level on the way, or 0. */
static uint64_t table_of(const struct world *world, uint64_t vaddr,
                         uint32_t level)
{
    uint64_t table = world->model.guest_root;

    for (uint32_t at = world->model.guest_levels - 1; at > level; at--) {
        uint64_t index = vaddr >> (12 + 9 * at) & 511;
        uint64_t word = mmusim__pt_read(world->model.guest, table + 8 * index);

        if (!(word & 1) || (at <= 2 && word & 128))
            return 0;
        table = word & FRAME_BITS;
    }
    return table;
}

static void check_pointer(struct world *world, uint64_t key, tlb_data_t data)
{
    uint32_t level = tlb_key_order(key) / 9 - 1;
    uint64_t table = table_of(world, tlb_key_vpn(key) << 12, level);
    struct walk_model walk = two_stage_model_nested(&world->model, table);

    AGREE(world, table != 0);
    AGREE(world, walk.outcome == WALK_MODEL_MAPPED);
    AGREE(world, walk.paddr >> 12 == tlb_data_pfn(data).v);
}

static void check_array(struct world *world, const struct tlb_array *array,
                        bool is_psc)
{
    uint32_t n_slots = (array->set_mask + 1) * array->n_ways;

    for (uint32_t slot = 0; slot < n_slots; slot++) {
        uint64_t key = array->keys[slot];

        if (!key)
            continue;
        if (is_psc || tlb_key_is_table(key))
            check_pointer(world, key, array->data[slot]);
        else
            check_leaf(world, key, array->data[slot]);
    }
}

enum check_pointers { POINTERS_TOO, NO_POINTERS };

static void nothing_is_stale(struct world *world, enum check_pointers pointers)
{
    const struct mmu *mmu = world->mmu;
    const struct tlb_array *nested = &mmu->nested.tlb;

    for (uint32_t level = 0; level < TLB_LEVEL_COUNT; level++) {
        for (uint32_t i = 0; i < mmu->tlb[level].n_arrays; i++) {
            if (pointers == POINTERS_TOO ||
                !mmu->tlb[level].arrays[i]->n_valid_tables)
                check_array(world, mmu->tlb[level].arrays[i], false);
        }
    }
    for (uint32_t i = 0; pointers == POINTERS_TOO && i < mmu->psc.n_own; i++)
        check_array(world, &mmu->psc.own[i], true);
    for (uint32_t slot = 0;
         mmu->nested.has_tlb && slot < (nested->set_mask + 1) * nested->n_ways;
         slot++) {
        if (nested->keys[slot])
            check_nested(world, nested->keys[slot], nested->data[slot]);
    }
}

/* ---- steps ---- */

static uint64_t random_place(struct world *world)
{
    return place(mmusim__rng_below(&world->rng, N_PLACES));
}

static void invept(struct world *world)
{
    const struct inval inval = {
        .regimes = 1U << REGIME_EL1 | 1U << REGIME_STAGE2,
        .has_stage2_root = true,
        .stage2_root = world->small->nested.root,
        .hits_globals = true,
        .hits_nonglobals = true,
        .psc = INVAL_PSC_ALL,
    };

    mmusim__mmu_invalidate(world->mmu, &inval, MISS_OTHER);
}

/* As TLBI IPAS2E1: of the second stage alone. */
static void inval_gpaddr(struct world *world, uint64_t gpaddr)
{
    const struct inval inval = {
        .regimes = 1U << REGIME_STAGE2,
        .has_range = true,
        .vpn = vpn_of(gpaddr),
        .n_pages = 1,
        .hits_nonglobals = true,
        .psc = INVAL_PSC_ADDRESS,
    };

    mmusim__mmu_invalidate(world->mmu, &inval, MISS_OTHER);
}

/* As TLBI VMALLE1, INVVPID 1. */
static void inval_guest(struct world *world)
{
    struct inval inval = mmusim__mmu_scope(world->mmu);

    inval.hits_globals = inval.hits_nonglobals = true;
    inval.psc = INVAL_PSC_ALL;
    mmusim__mmu_invalidate(world->mmu, &inval, MISS_OTHER);
}

static void back(struct world *world, uint64_t gpaddr)
{
    AGREE(world,
          mmusim__nested_back(&world->small->nested, gpaddr) == MMUSIM_OK);
}

static void compare_filled(struct world *world, enum access_kind kind,
                           const struct two_stage_walk *model, uint64_t vaddr)
{
    tlb_data_t data = 0;
    uint64_t inside;
    uint32_t slot;
    const struct tlb_array *l1 = world->mmu->l1_of[kind]->group->arrays[0];

    AGREE(world, mmusim__mmu_probe(world->mmu, kind, vaddr, &data));
    slot = mmusim__tlb_array_probe(l1, vpn_of(vaddr), world->mmu->tags);
    AGREE(world, slot != TLB_NO_SLOT);
    inside = (UINT64_C(1) << tlb_key_order(l1->keys[slot])) - 1;
    AGREE(world, tlb_data_pfn(l1->data[slot]).v + (vaddr >> 12 & inside) ==
                     model->paddr >> 12);
    AGREE(world, !!(data & TLB_WRITE) == model->can_write);
    AGREE(world, !!(data & TLB_EXEC) == model->can_execute);
    AGREE(world, !!(data & TLB_USER) == model->is_user);
}

static void compare_walk(struct world *world, uint64_t vaddr)
{
    enum access_kind kind =
        (enum access_kind) mmusim__rng_below(&world->rng, 3);
    struct two_stage_walk model = two_stage_model_walk(&world->model, vaddr);
    uint64_t before = world->mmu->counters.pte_reads;
    struct walk_request request = {.vaddr = vaddr, .kind = kind};
    enum walk_outcome outcome;

    mmusim__walk_ask(world->mmu, &request, 0);
    small_drain(world->small);
    outcome = world->small->cpus[0].outcome;
    if (!world->has_caches)
        AGREE(world, world->mmu->counters.pte_reads - before == model.n_reads);
    AGREE(world, world->mmu->counters.pte_reads - before <= model.n_reads);
    world->n_mapped += model.outcome == TWO_STAGE_MAPPED;
    world->n_faults += model.outcome != TWO_STAGE_MAPPED;
    if (outcome == WALK_FILLED) {
        AGREE(world, model.outcome == TWO_STAGE_MAPPED);
        compare_filled(world, kind, &model, vaddr);
        return;
    }
    AGREE(world, outcome == WALK_FAULTED);
    if (request.fault.kind == WALK_FAULT_ABSENT ||
        request.fault.kind == WALK_FAULT_RESERVED) {
        AGREE(world, model.outcome == TWO_STAGE_GUEST);
        return;
    }
    AGREE(world, request.fault.kind == WALK_FAULT_STAGE2);
    AGREE(world, request.fault.gpaddr == model.gpaddr);
    if (request.fault.is_refused)
        AGREE(world, model.outcome == TWO_STAGE_REFUSED ||
                         (model.outcome == TWO_STAGE_MAPPED &&
                          kind == ACCESS_STORE && !model.can_write));
    else
        AGREE(world, model.outcome == TWO_STAGE_NESTED);
    if (mmusim__rng_below(&world->rng, 8))
        back(world, request.fault.gpaddr), invept(world);
}

static void flush_guest_page(struct world *world, uint64_t vaddr)
{
    if (mmusim__rng_below(&world->rng, 4))
        mmusim__x86_invlpg(world->mmu, vaddr, MISS_PAGE_FLUSH);
    else
        mmusim__x86_flush_everything(world->mmu, MISS_FULL_FLUSH);
}

/* A new page, of any size where no table is in the way. */
static void map_guest(struct world *world, uint64_t vaddr)
{
    struct small_system *small = world->small;
    uint32_t rights = TLB_READ | TLB_DIRTY;
    uint32_t level = mmusim__rng_below(&world->rng, 4) / 2;
    pfn_t pfn = small_frame(small);

    if (level && (vaddr >> 21 & 1)) /* large ones at places of their own */
        pfn.v = (UINT64_C(1) << 20) + (pfn.v % 64 << 9);
    else
        level = 0;
    if (!level && table_of(world, vaddr, 0) == 0 &&
        table_of(world, vaddr, 1) != 0 &&
        mmusim__pt_read(world->model.guest,
                        table_of(world, vaddr, 1) + 8 * (vaddr >> 21 & 511)) &
            128)
        return;
    rights |= mmusim__rng_below(&world->rng, 3) ? TLB_WRITE : 0;
    rights |= mmusim__rng_below(&world->rng, 3) ? TLB_USER : 0;
    rights |= mmusim__rng_below(&world->rng, 3) ? TLB_EXEC : 0;
    if (level && table_of(world, vaddr, 0) != 0)
        return;
    if (!level && table_of(world, vaddr, 1) != 0) {
        uint64_t where = table_of(world, vaddr, 1) + 8 * (vaddr >> 21 & 511);

        if (mmusim__pt_read(world->model.guest, where) & 128)
            mmusim__pt_write(small->shared.tables, where, 0);
    }
    small_map(small, world->mmu->root, vaddr, level,
              small->shared.format->make_leaf(small->shared.format, pfn, level,
                                              rights, true));
    flush_guest_page(world, vaddr);
}

/* Clears the entry of a level on the way, if there is one. */
static void clear_guest(struct world *world, uint64_t vaddr, uint32_t level)
{
    uint64_t table = table_of(world, vaddr, level);

    if (!table)
        return;
    mmusim__pt_write(world->small->shared.tables,
                     table + 8 * (vaddr >> (12 + 9 * level) & 511), 0);
    if (level) /* one INVLPG does not reach all its pages */
        mmusim__x86_flush_everything(world->mmu, MISS_FULL_FLUSH);
    else
        flush_guest_page(world, vaddr);
}

/* Moves, drops or write-protects what lies behind something on the way. */
static void edit_nested(struct world *world, uint64_t vaddr)
{
    struct two_stage_walk walk = two_stage_model_walk(&world->model, vaddr);
    uint64_t gpaddr = walk.used[mmusim__rng_below(&world->rng, walk.n_used)];
    struct nested *nested = &world->small->nested;
    uint64_t where, paddr;

    if (!mmusim__nested_find(nested, gpaddr, &paddr))
        return;
    where = mmusim__nested_word_paddr(
        nested, gpaddr,
        pt_leaf_level(&nested->format, nested->config.page_order));
    switch (mmusim__rng_below(&world->rng, 3)) {
    case 0:
        back(world, gpaddr);
        break;
    case 1:
        mmusim__pt_write(nested->tables, where, 0);
        break;
    default:
        mmusim__pt_write(nested->tables, where,
                         mmusim__pt_read(nested->tables, where) & ~BIT_W);
        break;
    }
    if (mmusim__rng_below(&world->rng, 2)) {
        invept(world);
    } else {
        inval_gpaddr(world, gpaddr);
        inval_guest(world);
    }
}

static void step(struct world *world)
{
    uint64_t vaddr = random_place(world);

    switch (mmusim__rng_below(&world->rng, 10)) {
    case 0:
    case 1:
        map_guest(world, vaddr);
        break;
    case 2:
        clear_guest(world, vaddr, mmusim__rng_below(&world->rng, 5) ? 0 : 1);
        break;
    case 3:
        edit_nested(world, vaddr);
        break;
    default:
        compare_walk(world, vaddr);
        break;
    }
    nothing_is_stale(world, POINTERS_TOO);
}

static void walks_of_a_guest_agree_with_the_naive_one(void **state)
{
    uint64_t n_mapped = 0, n_faults = 0;

    (void) state;
    for (uint64_t seed = 1; seed <= N_WORLDS; seed++) {
        struct world world = {.seed = seed};
        struct small_options options;

        mmusim__rng_init(&world.rng, seed, 7);
        choose(&world, &options);
        world_begin(&world, &options);
        for (uint32_t i = 0; i < N_STEPS; i++)
            step(&world);
        n_mapped += world.n_mapped;
        n_faults += world.n_faults;
        small_destroy(world.small);
    }
    print_message("%llu walks mapped, %llu faulted\n",
                  (unsigned long long) n_mapped, (unsigned long long) n_faults);
    assert_true(n_mapped > 1000 && n_faults > 1000);
}

/* ---- an invalidation at each reference ---- */

enum { N_REFERENCES = 24, WALKED = 0 };

enum late_kind {
    LATE_INVEPT, /* behind a table or the page */
    LATE_GPADDR, /* the same, by guest-physical address alone */
    LATE_INVLPG, /* the guest's entry of a level */
};

struct late {
    struct world *world;
    enum late_kind kind;
    uint32_t which; /* of what the walk uses, in order; or a guest's level */
};

static void late_edit(struct cpu *cpu, void *context)
{
    const struct late *late = context;
    struct world *world = late->world;
    struct small_system *small = world->small;
    struct two_stage_walk walk =
        two_stage_model_walk(&world->model, place(WALKED));
    uint64_t where;

    (void) cpu;
    if (late->kind == LATE_INVLPG) {
        where = table_of(world, place(WALKED), late->which) +
                8 * (place(WALKED) >> (12 + 9 * late->which) & 511);
        if (late->which)
            mmusim__pt_write(small->shared.tables, where, 0);
        else
            mmusim__pt_write(small->shared.tables, where,
                             mmusim__pt_read(small->shared.tables, where) ^
                                 UINT64_C(0x10000000));
        mmusim__x86_invlpg(world->mmu, place(WALKED), MISS_PAGE_FLUSH);
        return;
    }
    back(world, walk.used[late->which]);
    if (late->kind == LATE_INVEPT)
        invept(world);
    else
        inval_gpaddr(world, walk.used[late->which]);
}

/* after: of the walk's references, whose reads are over. */
static void run_late(enum late_kind kind, uint32_t which, uint32_t after,
                     uint64_t *n_poisoned)
{
    struct small_options options;
    struct world world = {.has_caches = true};
    struct late late = {&world, kind, which};
    struct walk_request request = {.vaddr = place(WALKED),
                                   .need = WALK_FOR_MISS};
    uint64_t cycles;

    small_options_init(&options);
    options.n_sockets = options.cores_per_socket = 1;
    options.stage2.isa = "x86-64";
    options.nested.tlb = (struct psc_config){64, 64, 0};
    mmusim__rng_init(&world.rng, 1, 8);
    world.model.is_npt = false;
    world_begin(&world, &options);
    small_map_user(world.small, world.mmu->root, place(WALKED), 0);
    for (uint32_t i = 0; i < 5; i++) {
        struct two_stage_walk walk =
            two_stage_model_walk(&world.model, place(WALKED));

        back(&world, walk.gpaddr);
    }
    cycles = options.walker.start_cycles +
             after * (uint64_t) options.memory.fixed_cycles;
    mmusim__walk_ask(world.mmu, &request, 0);
    small_busy(world.small, 1, cycles ? cycles - 1 : 0, BUCKET_BASE);
    small_do(world.small, 1, late_edit, &late);
    small_run(world.small);
    nothing_is_stale(&world, kind == LATE_GPADDR ? NO_POINTERS : POINTERS_TOO);
    *n_poisoned += world.mmu->counters.poisoned;
    if (kind == LATE_GPADDR) /* the rest of what software does */
        inval_guest(&world);
    nothing_is_stale(&world, POINTERS_TOO);
    compare_walk(&world, place(WALKED));
    nothing_is_stale(&world, POINTERS_TOO);
    small_destroy(world.small);
}

static void no_reference_of_a_walk_lets_a_stale_fill_pass(void **state)
{
    uint64_t n_poisoned = 0;

    (void) state;
    for (uint32_t after = 0; after <= N_REFERENCES; after++) {
        for (uint32_t which = 0; which < 5; which++) {
            run_late(LATE_INVEPT, which, after, &n_poisoned);
            run_late(LATE_GPADDR, which, after, &n_poisoned);
        }
        for (uint32_t level = 0; level < 4; level++)
            run_late(LATE_INVLPG, level, after, &n_poisoned);
    }
    print_message("%u cases, %llu walks poisoned\n", 25 * (5 * 2 + 4),
                  (unsigned long long) n_poisoned);
    assert_true(n_poisoned > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walks_of_a_guest_agree_with_the_naive_one),
        cmocka_unit_test(no_reference_of_a_walk_lets_a_stale_fill_pass),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
