/* SPDX-License-Identifier: MIT */
/* A whole MMU beside the naive one: see lock_step.h. */
#include "support/lock_step.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

uint32_t lock_step_draw(struct lock_step *ls, uint32_t bound)
{
    return mmusim__rng_below(&ls->rng, bound);
}

/* ---- the machines ---- */

const enum tlb_level lock_step_levels[MODEL_N_TLBS] = {
    [MODEL_L1I] = TLB_L1I, [MODEL_L1D] = TLB_L1D, [MODEL_L1S] = TLB_L1S,
    [MODEL_L2U] = TLB_L2,  [MODEL_L2I] = TLB_L2I, [MODEL_L2D] = TLB_L2D,
    [MODEL_L3] = TLB_L3,
};

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

/* Policies of the second and the last level. */
static const enum model_fill fills[LOCK_STEP_MACHINES][2] = {
    [5] = {MODEL_INCLUSIVE, MODEL_NEITHER},
    [6] = {MODEL_EXCLUSIVE, MODEL_NEITHER},
    [7] = {MODEL_VICTIM, MODEL_NEITHER},
    [8] = {MODEL_NEITHER, MODEL_INCLUSIVE},
    [9] = {MODEL_EXCLUSIVE, MODEL_EXCLUSIVE},
    [10] = {MODEL_INCLUSIVE, MODEL_VICTIM},
};

static const char *fill_name(enum model_fill fill)
{
    return fill == MODEL_NEITHER     ? "intel"
           : fill == MODEL_INCLUSIVE ? "inclusive"
           : fill == MODEL_EXCLUSIVE ? "exclusive"
                                     : "victim";
}

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
    if (machine != 2)
        add_array(options, TLB_L1D, 4, 4, 2, large);
    add_array(options, TLB_L1I, 8, 8, machine ? 1 : 3, all);
    if (machine >= 3)
        add_array(options, TLB_L1S, 8, 8, 3, all);
    if (machine >= 8)
        add_array(options, TLB_L3, 64, 4, 3, all);
    if (machine >= 4 && machine < 8) {
        add_array(options, TLB_L2I, 16, 4, 2, all);
        add_array(options, TLB_L2D, 32, 4, 3, all);
    } else {
        add_array(options, TLB_L2, 32, 4, machine < 3 ? 3 - machine : 3, all);
    }
    options->l2_policy = mmusim__fill_find(fill_name(fills[machine][0]));
    options->l3_policy = mmusim__fill_find(fill_name(fills[machine][1]));
    if (machine == 2) {
        options->n_levels = 5;
        options->psc.levels[0].n_entries = options->psc.levels[2].n_entries = 0;
        options->psc.levels[3].n_entries = 0;
    }
}

static void copy_level(struct model_level *level,
                       const struct tlb_level_config *config)
{
    level->n_arrays = config->n_arrays;
    for (uint32_t i = 0; i < config->n_arrays; i++) {
        const struct tlb_array_config *from = &config->arrays[i];
        struct model_array *to = &level->arrays[i];

        to->list = list_tlb_create(
            LIST_LRU, from->n_entries / from->n_ways, from->n_ways,
            from->index == TLB_INDEX_XOR ? LIST_XOR : LIST_BITS);
        to->n_orders = from->n_orders;
        memcpy(to->orders, from->orders, sizeof(to->orders));
    }
}

static void model_init(struct lock_step *ls, uint32_t machine)
{
    const struct small_options *options = &ls->small->options;
    struct mmu_model *model = &ls->model;

    *model = (struct mmu_model){
        .start_cycles = options->walker.start_cycles,
        .read_cycles = options->memory.fixed_cycles,
        .store_cycles = options->walker.dirty_cycles,
        .tables = mmusim__pt_memory_create(),
        .n_levels = options->n_levels,
        .l2_fill = fills[machine][0],
        .l3_fill = fills[machine][1],
    };
    assert_non_null(model->tables);
    for (uint32_t i = 0; i < MODEL_N_TLBS; i++)
        copy_level(&model->tlbs[i], &options->tlb[lock_step_levels[i]]);
    for (uint32_t i = 0; i < MODEL_PSC_LEVELS; i++) {
        const struct psc_config *psc = &options->psc.levels[i];

        model->psc_cycles[i] = psc->hit_cycles;
        if (psc->n_entries)
            model->psc[i] = list_tlb_create(
                LIST_LRU, psc->n_entries / psc->n_ways, psc->n_ways, LIST_BITS);
    }
}

static void free_level(struct model_level *level)
{
    for (uint32_t i = 0; i < level->n_arrays; i++)
        list_tlb_destroy(level->arrays[i].list);
}

static void model_fini(struct mmu_model *model)
{
    for (uint32_t i = 0; i < MODEL_N_TLBS; i++)
        free_level(&model->tlbs[i]);
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
    uint64_t base = root == LOCK_STEP_SPACES ? UINT64_C(0xffff888000000000)
                                             : UINT64_C(0x400000000);
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
            if (pt_word(table, i))
                mmusim__pt_write(ls->model.tables, pfn * 4096 + 8 * i,
                                 pt_word(table, i));
        }
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
                pt_word(info, i) << 12 >> 24; /* bits 51:12 */
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

void lock_step_init(struct lock_step *ls, uint32_t machine, uint64_t seed)
{
    struct small_options options;
    struct address_space space;

    choose_machine(&options, machine);
    *ls = (struct lock_step){.seed = seed, .small = small_create(&options)};
    ls->mmu = &ls->small->system.cpus[0].mmu;
    mmusim__rng_init(&ls->rng, seed, machine);
    ls->roots[LOCK_STEP_SPACES] = ls->mmu->kernel_root;
    for (uint32_t i = 0; i < LOCK_STEP_SPACES; i++) {
        small_space_init(ls->small, &space, i);
        ls->roots[i] = space.root;
    }
    for (uint32_t i = 0; i < LOCK_STEP_ROOTS * LOCK_STEP_PAGES; i++)
        small_map_user(ls->small, ls->roots[i / LOCK_STEP_PAGES],
                       page_vaddr(i / LOCK_STEP_PAGES, i % LOCK_STEP_PAGES), 0);
    model_init(ls, machine);
    copy_tables(ls, 0x1000, ls->small->next_frame);
    remember_children(ls);
    ls->model.pcid = 1;
    mmusim__mmu_set_asid(ls->mmu, 1);
    ls->mmu->root = ls->roots[0];
    ls->model.root = ls->roots[0].v;
    ls->model.kernel_root = ls->roots[LOCK_STEP_SPACES].v;
}

void lock_step_fini(struct lock_step *ls)
{
    forget_children(ls);
    model_fini(&ls->model);
    small_destroy(ls->small);
}

uint64_t lock_step_vaddr(struct lock_step *ls)
{
    uint32_t root =
        lock_step_draw(ls, 5) ? ls->mmu->context.asid - 1U : LOCK_STEP_SPACES;
    uint32_t page = lock_step_draw(ls, 3) ? lock_step_draw(ls, 6) * 5
                                          : lock_step_draw(ls, LOCK_STEP_PAGES);

    return page_vaddr(root, page) + lock_step_draw(ls, BASE_PAGE_BYTES);
}

/* ---- edits ---- */

/* One bit of an entry changes, or a large page takes a table's place. */
static uint64_t draw_edit(struct lock_step *ls, uint32_t level, uint64_t word)
{
    static const uint8_t bits[] = {0, 1, 1, 2, 5, 5, 6, 6, 8, 63};
    uint32_t n_bits = sizeof(bits);
    uint32_t i = lock_step_draw(ls, n_bits);

    if (level &&
        !lock_step_draw(ls, 3)) { /* a large page in place of a table */
        uint64_t frame = (uint64_t) (lock_step_draw(ls, 4) + 1) << 30;
        uint64_t flags = lock_step_draw(ls, 512);

        return frame | flags | 0x80 | (lock_step_draw(ls, 8) ? 1 : 0x2001);
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
    const struct pt_format *format = ls->small->shared.format;
    pfn_t table = ls->roots[root];
    uint32_t at = ls->small->options.n_levels - 1;

    for (;; at--) {
        const struct pt_info *info =
            mmusim__pt_table(ls->small->shared.tables, table);
        uint64_t paddr = pt_word_paddr(format, pfn_paddr(table), vaddr, at);
        const uint64_t *children = info->lock;

        if (at == level) {
            *word = mmusim__pt_read(ls->small->shared.tables, paddr);
            return paddr;
        }
        table = (pfn_t){children[pt_index(format, vaddr, at)]};
    }
}

/* At the upper levels one bad entry hides much: they are soon mended. */
void lock_step_edit(struct lock_step *ls)
{
    uint32_t root = lock_step_draw(ls, LOCK_STEP_ROOTS);
    uint64_t vaddr = page_vaddr(root, lock_step_draw(ls, LOCK_STEP_PAGES));
    uint32_t n_levels = ls->small->options.n_levels;
    uint32_t level = lock_step_draw(ls, 4) ? 0 : lock_step_draw(ls, n_levels);
    uint64_t word;
    uint64_t paddr = home_of(ls, root, vaddr, level, &word);
    const uint64_t *children =
        mmusim__pt_table(ls->small->shared.tables, (pfn_t){paddr >> 12})->lock;
    uint64_t good = children[paddr % 4096 / 8] << 12 | 0x67;

    if (level > 2)
        word = lock_step_draw(ls, 4)
                   ? good
                   : word ^ UINT64_C(1) << (lock_step_draw(ls, 8));
    else
        word = lock_step_draw(ls, 3) ? good : draw_edit(ls, level, word);
    if (level == 0 && lock_step_draw(ls, 2)) {
        static const uint16_t flags[] = {0x002, 0x002, 0x002, 0x042,
                                         0x102, 0x142, 0x000, 0x100};

        word = (good & ~UINT64_C(0x62)) |
               flags[lock_step_draw(ls, 8)]; /* A clear */
    }
    write_both(ls, paddr, word);
}

void lock_step_check_tables(struct lock_step *ls)
{
    for (uint64_t pfn = 0x1000; pfn < ls->small->next_frame; pfn++) {
        const struct pt_info *fast =
            mmusim__pt_table(ls->small->shared.tables, (pfn_t){pfn});
        const struct pt_info *slow =
            mmusim__pt_table(ls->model.tables, (pfn_t){pfn});

        if (fast)
            AGREE(ls, !memcmp(fast->words, slow->words, BASE_PAGE_BYTES));
    }
}
