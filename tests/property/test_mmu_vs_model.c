/* SPDX-License-Identifier: MIT */
/*
 * A whole MMU in lock step with tests/model/mmu_model.c: accesses of three
 * kinds to three address spaces and the kernel's, edits of entries at every
 * level (often without any invalidation), every invalidation, also with a walk
 * in flight, switches with and without flushing, merged requests. After every
 * step: where it hit, with what, how long the walk took, all counters, and that
 * llt.misses + dirty_walks + prefetches + replays = walks + merged.
 *
 * MMUSIM_TEST_SEED and MMUSIM_TEST_STEPS repeat or lengthen a run.
 */
#include "coherence/x86_ops.h"
#include "model/mmu_model.h"
#include "support/small_system.h"
#include "tlb/mmu_inline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
    DEFAULT_STEPS = 350000, /* a machine; three machines */
    N_SPACES = 3,           /* PCIDs 1 ... */
    N_ROOTS = N_SPACES + 1, /* and the kernel's */
    N_PAGES = 96,
    COUNT_ENTRIES_EVERY = 61,
};

struct lock_step {
    struct small_system *small;
    struct mmu *mmu;
    struct mmu_model model;
    struct rng rng;
    pfn_t roots[N_ROOTS];
    uint64_t step, seed;
    uint64_t n_hits, n_walks, n_faults, n_poisoned, n_dirty, n_merged;
};

#define AGREE(ls, condition)                                                   \
    do {                                                                       \
        if (!(condition))                                                      \
            fail_msg("line %d: %s; step %llu, MMUSIM_TEST_SEED=%llu",          \
                     __LINE__, #condition, (unsigned long long) (ls)->step,    \
                     (unsigned long long) (ls)->seed);                         \
    } while (0)

static uint64_t number_from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text ? strtoull(text, NULL, 0) : otherwise;
}

static uint32_t draw(struct lock_step *ls, uint32_t bound)
{
    return mmusim__rng_below(&ls->rng, bound);
}

/* ---- the machines ---- */

static void add_array(struct small_options *options, enum tlb_level level,
                      uint32_t n_entries, uint32_t n_ways, uint32_t n_orders,
                      const uint8_t *orders)
{
    struct tlb_level_config *tlb = &options->tlb[level];
    struct tlb_array_config *array = &tlb->arrays[tlb->n_arrays++];

    *array = (struct tlb_array_config){
        .n_entries = n_entries,
        .n_ways = n_ways,
        .n_orders = n_orders,
        .replacement = "lru",
        .index = n_entries == 32 ? TLB_INDEX_XOR : TLB_INDEX_BITS,
    };
    memcpy(array->orders, orders, n_orders);
}

/* 0: every size has its place. 1: 1G pages in parts in the L2, every large
 * page in parts in the L1I. 2: small pages only, no caches of pointers but
 * one, five levels. */
static void choose_machine(struct small_options *options, uint32_t machine)
{
    static const uint8_t all[] = {0, 9, 18};
    static const uint8_t large[] = {9, 18};

    small_options_init(options);
    memset(options->tlb, 0, sizeof(options->tlb));
    options->n_sockets = options->cores_per_socket = 1;
    options->threads_per_core = 1;
    options->has_pcid = true;
    add_array(options, TLB_L1D, 16, 4, 1, all);
    if (machine < 2)
        add_array(options, TLB_L1D, 4, 4, 2, large);
    add_array(options, TLB_L1I, 8, 8, machine ? 1 : 3, all);
    add_array(options, TLB_L2, 32, 4, 3 - machine, all);
    if (machine == 2) {
        options->n_levels = 5;
        options->psc[0].n_entries = options->psc[2].n_entries = 0;
        options->psc[3].n_entries = 0;
    }
}

static void copy_level(struct model_level *level,
                       const struct tlb_level_config *config)
{
    level->n_arrays = config->n_arrays;
    for (uint32_t i = 0; i < config->n_arrays; i++) {
        const struct tlb_array_config *from = &config->arrays[i];
        struct model_array *to = &level->arrays[i];

        to->list = list_tlb_create(LIST_LRU, from->n_entries / from->n_ways,
                                   from->n_ways, from->index == TLB_INDEX_XOR);
        to->n_orders = from->n_orders;
        memcpy(to->orders, from->orders, sizeof(to->orders));
    }
}

static void model_init(struct lock_step *ls)
{
    const struct small_options *options = &ls->small->options;
    struct mmu_model *model = &ls->model;

    *model = (struct mmu_model){
        .start_cycles = options->walker.start_cycles,
        .read_cycles = options->memory.fixed_cycles,
        .store_cycles = options->walker.dirty_cycles,
        .tables = mmusim__pt_memory_create(),
        .n_levels = options->n_levels,
    };
    assert_non_null(model->tables);
    copy_level(&model->l1d, &options->tlb[TLB_L1D]);
    copy_level(&model->l1i, &options->tlb[TLB_L1I]);
    copy_level(&model->l2, &options->tlb[TLB_L2]);
    for (uint32_t i = 0; i < MODEL_PSC_LEVELS; i++) {
        const struct psc_config *psc = &options->psc[i];

        model->psc_cycles[i] = psc->hit_cycles;
        if (psc->n_entries)
            model->psc[i] = list_tlb_create(
                LIST_LRU, psc->n_entries / psc->n_ways, psc->n_ways, false);
    }
}

static void free_level(struct model_level *level)
{
    for (uint32_t i = 0; i < level->n_arrays; i++)
        list_tlb_destroy(level->arrays[i].list);
}

static void model_fini(struct mmu_model *model)
{
    free_level(&model->l1d);
    free_level(&model->l1i);
    free_level(&model->l2);
    for (uint32_t i = 0; i < MODEL_PSC_LEVELS; i++) {
        if (model->psc[i])
            list_tlb_destroy(model->psc[i]);
    }
    mmusim__pt_memory_destroy(model->tables);
}

/* ---- pages ---- */

/* Page number i of a root: 4K pages in six tables of three directories. */
static uint64_t page_vaddr(uint32_t root, uint32_t i)
{
    uint64_t base =
        root == N_SPACES ? UINT64_C(0xffff888000000000) : UINT64_C(0x400000000);
    uint64_t table = i / 16;

    return base + (table % 2 << 21) + (table / 2 << 30) + (i % 16 * 7 << 12);
}

static void write_both(struct lock_step *ls, uint64_t paddr, uint64_t word)
{
    mmusim__pt_write(ls->small->shared.tables, paddr, word);
    mmusim__pt_write(ls->model.tables, paddr, word);
}

/* Both have the same tables in the same frames. */
static void copy_tables(struct lock_step *ls, uint64_t first, uint64_t end)
{
    const struct pt_memory *from = ls->small->shared.tables;

    for (uint64_t pfn = first; pfn < end; pfn++) {
        const struct pt_info *table = mmusim__pt_table(from, (pfn_t){pfn});

        if (!table)
            continue;
        assert_non_null(
            mmusim__pt_table_add(ls->model.tables, (pfn_t){pfn}, table->level));
        for (uint32_t i = 0; i < PT_WORDS; i++) {
            if (table->page->words[i])
                mmusim__pt_write(ls->model.tables, pfn * 4096 + 8 * i,
                                 table->page->words[i]);
        }
    }
}

static void lock_step_init(struct lock_step *ls, uint32_t machine,
                           uint64_t seed)
{
    struct small_options options;
    struct address_space space;

    choose_machine(&options, machine);
    *ls = (struct lock_step){.seed = seed, .small = small_create(&options)};
    ls->mmu = &ls->small->system.cpus[0].mmu;
    mmusim__rng_init(&ls->rng, seed, machine);
    ls->roots[N_SPACES] = ls->mmu->kernel_root;
    for (uint32_t i = 0; i < N_SPACES; i++) {
        small_space_init(ls->small, &space, i);
        ls->roots[i] = space.root;
    }
    for (uint32_t i = 0; i < N_ROOTS * N_PAGES; i++)
        small_map_user(ls->small, ls->roots[i / N_PAGES],
                       page_vaddr(i / N_PAGES, i % N_PAGES), 0);
    model_init(ls);
    copy_tables(ls, 0x1000, ls->small->next_frame);
    ls->mmu->asid = ls->model.pcid = 1;
    ls->mmu->root = ls->roots[0];
    ls->model.root = ls->roots[0].v;
    ls->model.kernel_root = ls->roots[N_SPACES].v;
}

static void lock_step_fini(struct lock_step *ls)
{
    model_fini(&ls->model);
    small_destroy(ls->small);
}

/* A page of the space loaded, or of the kernel; most often a few pages. */
static uint64_t draw_vaddr(struct lock_step *ls)
{
    uint32_t root = draw(ls, 5) ? ls->mmu->asid - 1U : N_SPACES;
    uint32_t page = draw(ls, 3) ? draw(ls, 6) * 5 : draw(ls, N_PAGES);

    return page_vaddr(root, page) + draw(ls, BASE_PAGE_BYTES);
}

/* ---- edits ---- */

/* One bit of an entry changes, or a large page takes a table's place. */
static uint64_t draw_edit(struct lock_step *ls, uint32_t level, uint64_t word)
{
    static const uint8_t bits[] = {0, 1, 1, 2, 5, 5, 6, 6, 8, 63};
    uint32_t n_bits = sizeof(bits);
    uint32_t i = draw(ls, n_bits);

    if (level && !draw(ls, 3)) { /* a large page in place of a table */
        uint64_t frame = (uint64_t) (draw(ls, 4) + 1) << 30;
        uint64_t flags = draw(ls, 512);

        return frame | flags | 0x80 | (draw(ls, 8) ? 1 : 0x2001);
    }
    if (level && bits[i] == 8)
        return word;
    return word ^ UINT64_C(1) << bits[i];
}

/* Where the entry of a level is on the way to a page, even if what is above it
 * no longer leads there: frames of the first tables are kept in pt_info.lock,
 * which is the OS layer's and free here. */
static uint64_t home_of(const struct lock_step *ls, uint32_t root,
                        uint64_t vaddr, uint32_t level, uint64_t *word)
{
    pfn_t table = ls->roots[root];
    uint32_t at = ls->small->options.n_levels - 1;

    for (;; at--) {
        const struct pt_info *info =
            mmusim__pt_table(ls->small->shared.tables, table);
        uint64_t paddr = pt_word_paddr(table, vaddr, at);
        const uint64_t *children = info->lock;

        if (at == level) {
            *word = mmusim__pt_read(ls->small->shared.tables, paddr);
            return paddr;
        }
        table = (pfn_t){children[pt_index(vaddr, at)]};
    }
}

static void remember_children(struct lock_step *ls)
{
    for (uint64_t pfn = 0x1000; pfn < ls->small->next_frame; pfn++) {
        struct pt_info *info =
            mmusim__pt_table(ls->small->shared.tables, (pfn_t){pfn});

        if (!info)
            continue;
        info->lock = calloc(PT_WORDS, sizeof(uint64_t));
        assert_non_null(info->lock);
        for (uint32_t i = 0; i < PT_WORDS; i++)
            ((uint64_t *) info->lock)[i] =
                info->page->words[i] << 12 >> 24; /* bits 51:12 */
    }
}

static void forget_children(struct lock_step *ls)
{
    for (uint64_t pfn = 0x1000; pfn < ls->small->next_frame; pfn++) {
        struct pt_info *info =
            mmusim__pt_table(ls->small->shared.tables, (pfn_t){pfn});

        if (info)
            free(info->lock);
    }
}

/* At the upper levels one bad entry hides much: they are soon mended. */
static void edit(struct lock_step *ls)
{
    uint32_t root = draw(ls, N_ROOTS);
    uint64_t vaddr = page_vaddr(root, draw(ls, N_PAGES));
    uint32_t n_levels = ls->small->options.n_levels;
    uint32_t level = draw(ls, 4) ? 0 : draw(ls, n_levels);
    uint64_t word;
    uint64_t paddr = home_of(ls, root, vaddr, level, &word);
    const uint64_t *children =
        mmusim__pt_table(ls->small->shared.tables, (pfn_t){paddr >> 12})->lock;
    uint64_t good = children[paddr % 4096 / 8] << 12 | 0x67;

    if (level > 2)
        word = draw(ls, 4) ? good : word ^ UINT64_C(1) << (draw(ls, 8));
    else
        word = draw(ls, 3) ? good : draw_edit(ls, level, word);
    if (level == 0 && draw(ls, 2)) {
        static const uint16_t flags[] = {0x002, 0x002, 0x002, 0x042,
                                         0x102, 0x142, 0x000, 0x100};

        word = (good & ~UINT64_C(0x62)) | flags[draw(ls, 8)]; /* A clear */
    }
    write_both(ls, paddr, word);
}

/* ---- instructions ---- */

struct command {
    enum model_instruction what;
    uint16_t pcid;
    uint64_t vaddr;
};

static struct command draw_command(struct lock_step *ls)
{
    static const uint8_t weights[] = {
        MODEL_INVLPG,          MODEL_INVLPG,          MODEL_INVLPG,
        MODEL_INVPCID_ADDRESS, MODEL_INVPCID_ADDRESS, MODEL_INVPCID_CONTEXT,
        MODEL_CR3_FLUSH,       MODEL_CR3_NOFLUSH,     MODEL_CR3_NOFLUSH,
        MODEL_CR3_NOFLUSH,     MODEL_PAGE_FAULT,      MODEL_PAGE_FAULT,
    };
    struct command command = {.vaddr = draw_vaddr(ls)};

    command.pcid = (uint16_t) (1 + draw(ls, N_SPACES));
    command.what = (enum model_instruction) weights[draw(ls, sizeof(weights))];
    if (!draw(ls, 40))
        command.what = (enum model_instruction) draw(ls, MODEL_N_INSTRUCTIONS);
    return command;
}

static void issue_fast(struct mmu *mmu, const struct lock_step *ls,
                       const struct command *c)
{
    pfn_t root = ls->roots[c->pcid - 1];

    switch (c->what) {
    case MODEL_INVLPG:
        mmusim__x86_invlpg(mmu, c->vaddr, MISS_PAGE_FLUSH);
        return;
    case MODEL_INVPCID_ADDRESS:
    case MODEL_INVPCID_CONTEXT:
    case MODEL_INVPCID_ALL:
    case MODEL_INVPCID_NONGLOBAL:
        assert_true(mmusim__x86_invpcid(
            mmu, (enum invpcid_type)(c->what - MODEL_INVPCID_ADDRESS), c->pcid,
            c->vaddr, MISS_OTHER));
        return;
    case MODEL_CR3_FLUSH:
        mmusim__x86_mov_cr3(mmu, root, c->pcid, CR3_FLUSH, MISS_SWITCH);
        return;
    case MODEL_CR3_NOFLUSH:
        mmusim__x86_mov_cr3(mmu, root, c->pcid, CR3_NOFLUSH, MISS_SWITCH);
        return;
    case MODEL_CR4_PGE:
        mmusim__x86_flush_everything(mmu, MISS_OTHER);
        return;
    case MODEL_PAGE_FAULT:
        mmusim__x86_page_fault(mmu, c->vaddr);
        return;
    case MODEL_N_INSTRUCTIONS:
        return;
    }
}

static void issue(struct lock_step *ls, const struct command *c,
                  struct model_walk *walk)
{
    issue_fast(ls->mmu, ls, c);
    mmu_model_issue(&ls->model, c->what, c->pcid, c->vaddr, walk);
    ls->model.root = ls->mmu->root.v;
}

static void page_fault(struct lock_step *ls, uint64_t vaddr)
{
    const struct command fault = {
        .what = MODEL_PAGE_FAULT, .pcid = 1, .vaddr = vaddr};

    ls->n_faults++;
    issue(ls, &fault, NULL);
}

/* ---- accesses ---- */

/* What the last hit or refill of a kind gave, as the model gives it. */
static uint64_t last_data(struct mmu *mmu, enum access_kind kind)
{
    const struct mmu_last *last = mmu_last_of(mmu, kind);

    return last->pfn << 12 | (last->data & 0xfff);
}

static enum model_where lookup_fast(struct mmu *mmu, enum access_kind kind,
                                    uint64_t vaddr, uint64_t *data)
{
    struct tlb_group *l1 = mmu_l1_of(mmu, kind);
    struct mmu_last *last = mmu_last_of(mmu, kind);
    uint32_t hit_cycles;

    l1->accesses++;
    if (mmu_l1_lookup(mmu, l1, last, vpn_of(vaddr).v)) {
        *data = last_data(mmu, kind);
        return MODEL_L1;
    }
    l1->misses++;
    if (!mmusim__mmu_l2_lookup(mmu, kind, vaddr, data, &hit_cycles))
        return MODEL_NOWHERE;
    *data = last_data(mmu, kind);
    return MODEL_L2;
}

static void check_found(struct lock_step *ls, enum access_kind kind,
                        uint64_t vaddr)
{
    uint64_t fast = 0, slow = 0;
    bool is_found = mmusim__mmu_probe(ls->mmu, kind, vaddr, &fast);
    enum model_where where =
        mmu_model_probe(&ls->model, kind == ACCESS_FETCH, vaddr, &slow);

    AGREE(ls, is_found == (where != MODEL_NOWHERE));
    if (is_found)
        AGREE(ls, last_data(ls->mmu, kind) == slow);
}

/* One walk, by one request or two of the same page, with an instruction in
 * between now and then. */
static enum walk_outcome walk_both(struct lock_step *ls, uint64_t vaddr,
                                   enum access_kind kind, enum walk_need need)
{
    struct walk_request first = {.vaddr = vaddr, .kind = kind, .need = need};
    struct walk_request second = {.vaddr = vaddr,
                                  .kind = (enum access_kind) draw(ls, 3)};
    struct small_cpu *cpu = &ls->small->cpus[0];
    bool is_double = !draw(ls, 8);
    struct model_walk walk = {
        .vaddr = vaddr,
        .for_store = kind == ACCESS_STORE,
        .for_fetch = kind == ACCESS_FETCH,
        .for_data = kind != ACCESS_FETCH,
    };

    mmu_model_walk_begin(&ls->model, &walk);
    mmusim__walk_ask(ls->mmu, &first, 0);
    if (is_double) {
        mmusim__walk_ask(ls->mmu, &second, 0);
        walk.for_store |= second.kind == ACCESS_STORE;
        walk.for_fetch |= second.kind == ACCESS_FETCH;
        walk.for_data |= second.kind != ACCESS_FETCH;
        ls->n_merged++;
    }
    if (!draw(ls, 20)) {
        struct command command = draw_command(ls);

        if (draw(ls, 2))
            command.vaddr = vaddr;
        issue(ls, &command, &walk);
    }
    cpu->n_answers = 0;
    small_drain(ls->small);
    mmu_model_walk_end(&ls->model, &walk);
    AGREE(ls, cpu->n_answers == 1U + is_double);
    AGREE(ls, cpu->answered_cycle == walk.cycles);
    AGREE(ls, cpu->outcome == (walk.is_poisoned   ? WALK_POISONED
                               : walk.has_faulted ? WALK_FAULTED
                                                  : WALK_FILLED));
    ls->n_walks++;
    ls->n_poisoned += walk.is_poisoned;
    return cpu->outcome;
}

/* Walks until it is not refused; the mapping may go away meanwhile. */
static void resolve(struct lock_step *ls, uint64_t vaddr, enum access_kind kind,
                    enum walk_need need)
{
    enum walk_outcome outcome = walk_both(ls, vaddr, kind, need);

    while (outcome == WALK_POISONED)
        outcome = walk_both(ls, vaddr, kind, WALK_FOR_REPLAY);
    if (outcome == WALK_FAULTED)
        page_fault(ls, vaddr);
    else
        check_found(ls, kind, vaddr);
}

static void access_both(struct lock_step *ls)
{
    uint64_t vaddr = draw_vaddr(ls);
    enum access_kind kind = (enum access_kind) draw(ls, 3);
    uint32_t needed = mmu_rights_needed(kind, !(vaddr >> 63));
    uint64_t fast = 0, slow = 0;
    enum model_where where =
        mmu_model_lookup(&ls->model, kind == ACCESS_FETCH, vaddr, &slow);

    AGREE(ls, lookup_fast(ls->mmu, kind, vaddr, &fast) == where);
    AGREE(ls, where == MODEL_NOWHERE || fast == slow);
    if (where == MODEL_NOWHERE) {
        resolve(ls, vaddr, kind, WALK_FOR_MISS);
        return;
    }
    ls->n_hits++;
    if ((fast & needed) != needed) {
        page_fault(ls, vaddr);
    } else if (kind == ACCESS_STORE && !(fast & TLB_DIRTY)) {
        ls->n_dirty++;
        resolve(ls, vaddr, kind, WALK_FOR_DIRTY);
    }
}

/* ---- after every step ---- */

static void check_level(struct lock_step *ls, const struct tlb_group *fast,
                        const struct model_level *slow)
{
    AGREE(ls, fast->accesses == slow->accesses);
    AGREE(ls, fast->misses == slow->misses);
}

static uint32_t count_entries(const struct list_tlb *list)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < list->n_sets; i++) {
        for (uint32_t way = 0; way < list->n_ways; way++)
            count += list->sets[i].ways[way].is_valid;
    }
    return count;
}

static void check_entries(struct lock_step *ls, const struct tlb_group *fast,
                          const struct model_level *slow)
{
    for (uint32_t i = 0; i < fast->n_arrays; i++)
        AGREE(ls,
              fast->arrays[i].n_valid == count_entries(slow->arrays[i].list));
}

static void check_counters(struct lock_step *ls)
{
    const struct mmu *mmu = ls->mmu;
    const struct mmu_model *model = &ls->model;
    const struct walker_counters *counters = &mmu->counters;

    check_level(ls, &mmu->l1d, &model->l1d);
    check_level(ls, &mmu->l1i, &model->l1i);
    check_level(ls, &mmu->l2, &model->l2);
    for (uint32_t i = 0; i < MODEL_PSC_LEVELS; i++) {
        AGREE(ls, mmu->psc_hits[i] == model->psc_hits[i]);
        AGREE(ls, mmu->psc_misses[i] == model->psc_misses[i]);
    }
    AGREE(ls, counters->pte_reads == model->pte_reads);
    AGREE(ls, counters->walks == model->walks);
    AGREE(ls, counters->poisoned == model->poisoned);
    AGREE(ls, counters->merged == ls->n_merged);
    AGREE(ls, counters->dirty_walks == ls->n_dirty);
    AGREE(ls, mmu->llt_misses + counters->dirty_walks + counters->prefetches +
                      counters->replays ==
                  counters->walks + counters->merged);
}

static void check_contents(struct lock_step *ls)
{
    const struct mmu *mmu = ls->mmu;

    check_entries(ls, &mmu->l1d, &ls->model.l1d);
    check_entries(ls, &mmu->l1i, &ls->model.l1i);
    check_entries(ls, &mmu->l2, &ls->model.l2);
    for (uint32_t i = 0; i < MODEL_PSC_LEVELS; i++) {
        if (ls->model.psc[i])
            AGREE(ls, mmu->psc[i].n_valid == count_entries(ls->model.psc[i]));
    }
}

/* What walks wrote: A and D. */
static void check_tables(struct lock_step *ls)
{
    for (uint64_t pfn = 0x1000; pfn < ls->small->next_frame; pfn++) {
        const struct pt_info *fast =
            mmusim__pt_table(ls->small->shared.tables, (pfn_t){pfn});
        const struct pt_info *slow =
            mmusim__pt_table(ls->model.tables, (pfn_t){pfn});

        if (fast)
            AGREE(ls, !memcmp(fast->page, slow->page, sizeof(*fast->page)));
    }
}

static void run_machine(uint32_t machine, uint64_t seed, uint64_t n_steps)
{
    struct lock_step ls;

    lock_step_init(&ls, machine, seed);
    remember_children(&ls);
    for (ls.step = 0; ls.step < n_steps; ls.step++) {
        uint32_t what = draw(&ls, 100);

        if (what < 92) {
            access_both(&ls);
        } else if (what < 97) {
            edit(&ls);
        } else {
            struct command command = draw_command(&ls);

            issue(&ls, &command, NULL);
        }
        check_counters(&ls);
        if (ls.step % COUNT_ENTRIES_EVERY == 0)
            check_contents(&ls);
    }
    check_tables(&ls);
    print_message(
        "machine %u: %llu hits, %llu walks (%llu poisoned, %llu for "
        "D, %llu merged), %llu faults\n",
        machine, (unsigned long long) ls.n_hits,
        (unsigned long long) ls.n_walks, (unsigned long long) ls.n_poisoned,
        (unsigned long long) ls.n_dirty, (unsigned long long) ls.n_merged,
        (unsigned long long) ls.n_faults);
    assert_true(ls.n_hits && ls.n_walks && ls.n_poisoned && ls.n_dirty);
    forget_children(&ls);
    lock_step_fini(&ls);
}

static void an_mmu_agrees_with_the_naive_one_step_by_step(void **state)
{
    uint64_t seed = number_from_environment("MMUSIM_TEST_SEED", 20160515);
    uint64_t n_steps =
        number_from_environment("MMUSIM_TEST_STEPS", DEFAULT_STEPS);

    (void) state;
    for (uint32_t machine = 0; machine < 3; machine++)
        run_machine(machine, seed, n_steps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_mmu_agrees_with_the_naive_one_step_by_step),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
