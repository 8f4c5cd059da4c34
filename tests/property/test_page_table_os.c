/* SPDX-License-Identifier: MIT */
/*
 * os/page_table.c on every first-stage format: random maps, unmaps, moves and
 * removals of tables, against a plain list of pages, with the hardware's view
 * taken from the naive walk of the manual.
 */
#include "support/naive_walk.h"

#include "core/rng.h"
#include "os/page_table.h"
#include "os/process.h"
#include "tlb/mem_model.h"
#include "tlb/miss_cause.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

enum { N_REGIONS = 6, N_PAGES = 12, N_STEPS = 3000 };

struct page {
    uint64_t vaddr;
    bool is_mapped;
    uint32_t rights;
    pfn_t pfn;
};

/* Pages of one size, in a range of their own. */
struct region {
    uint32_t level;
    uint64_t start;
    struct page pages[N_PAGES];
};

struct world {
    const struct pt_options *options;
    struct pt_format format;
    struct kernel kernel;
    struct system system;
    struct mem_model memory;
    struct mm mm;
    struct rng rng;
    struct region regions[N_REGIONS];
    uint64_t region_bytes;
};

static uint32_t draw(struct world *world, uint32_t bound)
{
    return mmusim__rng_below(&world->rng, bound);
}

/* Levels at which an OS maps user pages: not where it writes several entries
 * as one (Linux has no user sections on Armv7's short descriptors). */
static uint32_t draw_level(struct world *world)
{
    const struct pt_format *format = &world->format;
    uint32_t level;

    do {
        level = draw(world, format->n_levels - 1);
    } while (!format->levels[level].has_leaves ||
             (level && format->levels[level - 1].joint_log2));
    return level;
}

/* Pages at the start, in the middle and at the very end of a region. */
static void region_init(struct world *world, uint32_t index)
{
    struct region *region = &world->regions[index];
    uint64_t bytes;
    uint64_t n;

    region->level = draw_level(world);
    region->start = index * world->region_bytes;
    bytes = UINT64_C(1) << world->format.levels[region->level].shift;
    n = world->region_bytes / bytes;
    for (uint32_t i = 0; i < N_PAGES; i++) {
        uint64_t at = i * (n / N_PAGES) + (i & 1);

        region->pages[i].vaddr =
            region->start + (i + 1 == N_PAGES ? n - 1 : at) * bytes;
    }
}

static void world_init(struct world *world, const struct pt_options *options)
{
    static const struct memory_config fixed = {.model = MEMORY_FIXED};
    struct kernel *kernel = &world->kernel;
    struct frame_orders orders;
    uint32_t half_bits;

    world->options = options;
    world->format = format_of(options);
    world->memory.config = fixed;
    mmusim__rng_init(&world->rng, 91, 0);
    kernel->system = &world->system;
    kernel->memory = &world->memory;
    kernel->format = &world->format;
    kernel->tables = mmusim__pt_memory_create();
    kernel->translations = mmusim__translations_create();
    orders = mmusim__kernel_frame_orders(kernel);
    kernel->frames = mmusim__frame_alloc_create(UINT64_C(1) << 30, &orders);
    assert_non_null(kernel->tables);
    assert_non_null(kernel->translations);
    assert_non_null(kernel->frames);
    assert_int_equal(mmusim__pt_root_create(kernel, &world->mm.space.root),
                     MMUSIM_OK);
    half_bits = pt_half_bits(&world->format);
    world->region_bytes = UINT64_C(1)
                          << ((half_bits < 48 ? half_bits : 48) - 3);
    for (uint32_t i = 0; i < N_REGIONS; i++)
        region_init(world, i);
}

/* The plain i386. */
static bool has_no_globals(const struct pt_format *format)
{
    return format->word_log2 == 2 && !format->levels[1].has_leaves;
}

static struct page *draw_page(struct world *world, struct region **region)
{
    *region = &world->regions[draw(world, N_REGIONS)];
    return &(*region)->pages[draw(world, N_PAGES)];
}

static struct pte_slot slot_of(struct world *world, const struct page *page,
                               uint32_t level)
{
    struct pte_slot slot;
    uint32_t n_new = 0;

    assert_int_equal(mmusim__pte_make(&world->kernel, &world->mm, page->vaddr,
                                      level, &slot, &n_new),
                     MMUSIM_OK);
    assert_int_equal(slot.table->level, level);
    return slot;
}

static void map_page(struct world *world)
{
    struct region *region;
    struct page *page = draw_page(world, &region);
    uint32_t order = pt_level_order(&world->format, region->level);
    struct pte_slot slot = slot_of(world, page, region->level);

    page->is_mapped = true;
    page->pfn.v = (uint64_t) (1 + draw(world, 3)) << (order > 16 ? order : 16);
    page->rights = draw(world, 64) | TLB_READ;
    assert_int_equal(
        mmusim__pte_install(&world->kernel, &slot, page->pfn, page->rights),
        MMUSIM_OK);
}

/* As mprotect() and fork() do it: what is read is written back. */
static void rewrite_page(struct world *world)
{
    const struct pt_format *format = &world->format;
    struct region *region;
    struct page *page = draw_page(world, &region);
    struct pt_entry entry;
    struct pte_slot slot;
    uint64_t word;

    if (!page->is_mapped)
        return;
    slot = slot_of(world, page, region->level);
    word = format->hide(mmusim__pte_word(&slot), region->level);
    mmusim__pte_rewrite(&world->kernel, &slot, word);
    assert_true(mmusim__pte_maps(&world->kernel, &slot, &entry));
    assert_int_equal(entry.pfn.v, page->pfn.v);
    mmusim__pte_rewrite(&world->kernel, &slot,
                        format->make_leaf(format, entry.pfn, region->level,
                                          entry.rights, true));
    mmusim__pte_leaf(&world->kernel, &world->mm, page->vaddr, &entry);
    if (format->word_log2 == 2 && format->sets_dirty)
        page->rights |= TLB_EXEC; /* i386 has no XD */
    if (has_no_globals(format))
        page->rights &= ~(uint32_t) TLB_GLOBAL;
    assert_int_equal(entry.rights, page->rights);
}

static void unmap_page(struct world *world)
{
    struct region *region;
    struct page *page = draw_page(world, &region);
    struct pt_entry entry;
    struct pte_slot slot =
        mmusim__pte_leaf(&world->kernel, &world->mm, page->vaddr, &entry);

    assert_int_equal(slot.table != NULL, page->is_mapped);
    if (!page->is_mapped)
        return;
    assert_int_equal(slot.table->level, region->level);
    mmusim__pte_clear(&world->kernel, &slot);
    page->is_mapped = false;
}

static void move_page(struct world *world)
{
    struct region *region;
    struct page *from = draw_page(world, &region);
    struct page *to = &region->pages[draw(world, N_PAGES)];
    struct pte_slot from_slot;
    struct pte_slot to_slot;

    if (!from->is_mapped || to->is_mapped)
        return;
    to_slot = slot_of(world, to, region->level);
    from_slot = slot_of(world, from, region->level);
    assert_int_equal(mmusim__pte_move(&world->kernel, &from_slot, &to_slot),
                     MMUSIM_OK);
    to->is_mapped = true;
    to->pfn = from->pfn;
    to->rights = from->rights;
    from->is_mapped = false;
}

static bool free_table(void *context, pfn_t table, uint64_t vaddr)
{
    (void) vaddr;
    mmusim__pt_table_free(context, table);
    return true;
}

/* As munmap() of a whole region and then free_pgtables() of what lies between
 * its neighbours that still have pages. */
static void unmap_region(struct world *world)
{
    uint32_t index = draw(world, N_REGIONS);
    struct region *region = &world->regions[index];
    uint64_t cursor = region->start;
    uint64_t end = region->start + world->region_bytes;
    struct pte_slot slot;
    uint32_t n_found = 0;
    uint32_t n_mapped = 0;

    for (uint32_t i = 0; i < N_PAGES; i++) {
        n_mapped += region->pages[i].is_mapped;
        region->pages[i].is_mapped = false;
    }
    while (mmusim__pte_next_table(&world->kernel, &world->mm, cursor, end,
                                  &slot, &cursor)) {
        struct pt_entry entry;

        if (mmusim__pte_maps(&world->kernel, &slot, &entry)) {
            mmusim__pte_clear(&world->kernel, &slot);
            n_found++;
        }
        cursor += mmusim__pte_bytes(&slot, &world->format);
    }
    assert_int_equal(n_found, n_mapped);
    mmusim__pt_unlink_tables(&world->kernel, &world->mm, region->start, end,
                             region->start, end, free_table, &world->kernel);
}

/* What the page maps, as the hardware sees it. */
static void check_page(struct world *world)
{
    struct region *region;
    const struct page *page = draw_page(world, &region);
    uint64_t bytes = UINT64_C(1) << world->format.levels[region->level].shift;
    uint64_t offset = mmusim__rng_next(&world->rng) & (bytes - 1);
    struct walk_model walk =
        walk_naively(world->options, world->kernel.tables,
                     pfn_paddr(world->mm.space.root), page->vaddr + offset);

    if (!page->is_mapped) {
        assert_int_equal(walk.outcome, WALK_MODEL_ABSENT);
        return;
    }
    assert_int_equal(walk.outcome, WALK_MODEL_MAPPED);
    assert_true(walk.paddr == pfn_paddr(page->pfn) + offset);
    assert_true(walk.page_log2 == world->format.levels[region->level].shift);
    assert_true(walk.is_accessed);
    assert_int_equal(walk.is_user, !!(page->rights & TLB_USER));
    assert_int_equal(walk.can_write,
                     (page->rights & TLB_WRITE) && (page->rights & TLB_DIRTY));
    assert_int_equal(walk.is_global, (page->rights & TLB_GLOBAL) &&
                                         !has_no_globals(&world->format));
}

static void world_fini(struct world *world)
{
    struct kernel *kernel = &world->kernel;
    uint64_t end = 8 * world->region_bytes;
    uint64_t root_bytes;
    const struct pt_info *root;

    for (uint32_t i = 0; i < N_REGIONS; i++) {
        for (uint32_t p = 0; p < N_PAGES; p++) {
            struct pt_entry entry;
            struct pte_slot slot = mmusim__pte_leaf(
                kernel, &world->mm, world->regions[i].pages[p].vaddr, &entry);

            if (slot.table)
                mmusim__pte_clear(kernel, &slot);
        }
    }
    mmusim__pt_unlink_tables(kernel, &world->mm, 0, end, 0, end, free_table,
                             kernel);
    assert_int_equal(mmusim__pt_table_count(kernel->tables), 1);
    root = mmusim__pt_table(kernel->tables, world->mm.space.root);
    assert_int_equal(root->n_present, 0);
    root_bytes = (uint64_t) root->n_words << root->word_log2;
    assert_int_equal(mmusim__frames_in_use(kernel->frames),
                     (root_bytes + 4095) / 4096);
    mmusim__pt_table_free(kernel, world->mm.space.root);
    assert_int_equal(mmusim__frames_in_use(kernel->frames), 0);
    mmusim__pt_memory_destroy(kernel->tables);
    mmusim__translations_destroy(kernel->translations);
    mmusim__frame_alloc_destroy(kernel->frames);
}

static void step_once(struct world *world, uint32_t choice)
{
    if (choice == 0)
        unmap_region(world);
    else if (choice < 9)
        unmap_page(world);
    else if (choice < 15)
        move_page(world);
    else if (choice < 20)
        rewrite_page(world);
    else
        map_page(world);
    check_page(world);
}

static void pages_are_where_the_os_put_them(void **state)
{
    (void) state;
    for (size_t i = 0; i < n_formats; i++) {
        struct world *world;

        if (format_list[i].stage != PT_STAGE_1)
            continue;
        world = calloc(1, sizeof(*world));
        assert_non_null(world);
        world_init(world, &format_list[i]);
        for (uint32_t step = 0; step < N_STEPS; step++) {
            step_once(world, draw(world, 40));
        }
        world_fini(world);
        free(world);
    }
}

/* Armv7 under Linux: one page holds two hardware tables, under two entries of
 * the first level, the second half of a 2 MiB area reached through the second
 * (arch/arm/include/asm/pgtable-2level.h). */
static void armv7_links_two_tables_of_one_page(void **state)
{
    static const struct pt_options options = {.isa = "armv7"};
    struct world *world = calloc(1, sizeof(*world));
    const struct pt_info *root;
    struct page page = {.vaddr = 0x00312000};
    struct pte_slot slot;
    uint64_t first;

    (void) state;
    assert_non_null(world);
    world_init(world, &options);
    slot = slot_of(world, &page, 0);
    root = mmusim__pt_table(world->kernel.tables, world->mm.space.root);
    first = pt_word(root, 2);
    assert_int_equal(first & 0xfff, 0x831); /* offset 2048 */
    assert_int_equal(pt_word(root, 3), first + 0x400);
    assert_int_equal(root->n_present, 2);
    assert_true(root->paddr % 16384 == 0 && root->n_words == 4096);
    assert_int_equal(slot.table->n_words, 512);
    assert_int_equal(slot.index, 256 + 0x12);
    assert_int_equal(mmusim__pt_table_count(world->kernel.tables), 2);
    mmusim__pt_unlink_tables(&world->kernel, &world->mm, 0x200000, 0x400000, 0,
                             0x400000, free_table, &world->kernel);
    assert_int_equal(root->n_present, 0);
    world_fini(world);
    free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_are_where_the_os_put_them),
        cmocka_unit_test(armv7_links_two_tables_of_one_page),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
