/* SPDX-License-Identifier: MIT */
/*
 * Random tables of every format, walked with the format's decode and by the
 * naive walk of its manual (tests/model), entry by entry in agreement. A third
 * of the words have a bit flipped, a tenth are wholly random; tables lie
 * anywhere the format can point to.
 */
#include "support/naive_walk.h"

#include "core/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum {
    N_TABLES = 6,  /* a level */
    N_INDICES = 5, /* that are filled in each table */
    N_WORLDS = 40,
    N_WALKS = 2000,
};

struct world {
    const struct pt_options *options;
    struct pt_format format;
    struct pt_memory *memory;
    struct rng rng;
    uint64_t tables[PT_MAX_LEVELS][N_TABLES];
    uint32_t indices[PT_MAX_LEVELS][N_INDICES];
};

struct counts {
    uint64_t mapped, absent, bad;
};

static uint32_t draw(struct world *world, uint32_t bound)
{
    return mmusim__rng_below(&world->rng, bound);
}

static uint32_t address_bits(const struct pt_format *format)
{
    if (format->word_log2 == 2)
        return 32;
    return format->paddr_bits < 52 ? format->paddr_bits : 52;
}

static uint64_t draw_address(struct world *world, uint32_t bits, uint32_t log2)
{
    uint64_t address = mmusim__rng_next(&world->rng);

    return (address & ((UINT64_C(1) << bits) - 1)) >> log2 << log2;
}

/* A table of the level's own size, aligned to it, where none is. */
static uint64_t add_table(struct world *world, uint32_t level)
{
    const struct pt_format *format = &world->format;
    uint32_t log2 = format->levels[level].bits + format->word_log2;
    struct pt_shape shape = {.level = level,
                             .n_words = 1U << format->levels[level].bits,
                             .word_log2 = format->word_log2};
    bool is_top = level + 1 == format->n_levels;
    uint32_t unit = log2 < 12 && !(format->word_log2 == 2 && log2 == 10)
                        ? 12
                        : log2; /* only Armv7's may begin inside a frame */

    if (format->granule_order > 0 && !is_top)
        unit = 12 + format->granule_order;
    do {
        shape.paddr = draw_address(world, address_bits(format), unit);
    } while (!mmusim__pt_table_make(world->memory, &shape));
    return shape.paddr;
}

static uint64_t draw_leaf(struct world *world, uint32_t level)
{
    const struct pt_format *format = &world->format;
    uint32_t shift = format->levels[level].shift;
    pfn_t pfn = {draw_address(world, address_bits(format), shift) >> 12};
    uint64_t word = format->make_leaf(
        format, pfn, level, draw(world, 64) | TLB_READ, draw(world, 4) != 0);

    if (format->join && format->levels[level].run_log2 && !draw(world, 4))
        word = format->join(format, word, level);
    return word;
}

static uint64_t draw_word(struct world *world, uint32_t level)
{
    const struct pt_format *format = &world->format;
    uint32_t bits = 8U << format->word_log2;
    uint64_t word;

    if (!draw(world, 10))
        return mmusim__rng_next(&world->rng) >> (64 - bits);
    if (level && (!format->levels[level].has_leaves || draw(world, 3)))
        word = format->make_table(
            format, world->tables[level - 1][draw(world, N_TABLES)], level);
    else
        word = draw_leaf(world, level);
    while (!draw(world, 3))
        word ^= UINT64_C(1) << draw(world, bits);
    return word;
}

static void fill_table(struct world *world, uint32_t level, uint64_t table)
{
    for (uint32_t i = 0; i < N_INDICES; i++) {
        uint64_t paddr = table + ((uint64_t) world->indices[level][i]
                                  << world->format.word_log2);

        mmusim__pt_write(world->memory, paddr, draw_word(world, level));
    }
}

static void world_init(struct world *world, const struct pt_options *options,
                       uint64_t seed)
{
    const struct pt_format *format = &world->format;

    world->options = options;
    world->format = format_of(options);
    world->memory = mmusim__pt_memory_create();
    assert_non_null(world->memory);
    mmusim__rng_init(&world->rng, seed, 0);
    for (uint32_t level = 0; level < format->n_levels; level++) {
        uint32_t n = 1U << format->levels[level].bits;

        for (uint32_t i = 0; i < N_INDICES; i++)
            world->indices[level][i] = i == 0   ? 0
                                       : i == 1 ? n - 1
                                                : draw(world, n);
        for (uint32_t i = 0; i < N_TABLES; i++) {
            world->tables[level][i] = add_table(world, level);
            fill_table(world, level, world->tables[level][i]);
        }
    }
}

static uint64_t draw_vaddr(struct world *world)
{
    const struct pt_format *format = &world->format;
    uint64_t vaddr =
        mmusim__rng_next(&world->rng) & ((UINT64_C(4096) << 4) - 1);

    vaddr &= (UINT64_C(1) << format->levels[0].shift) - 1;
    for (uint32_t level = 0; level < format->n_levels; level++)
        vaddr |= (uint64_t) world->indices[level][draw(world, N_INDICES)]
                 << format->levels[level].shift;
    return vaddr;
}

/* ---- the two walks ---- */

/* As the walker does it. */
static struct walk_model walk_decoding(const struct world *world, uint64_t root,
                                       uint64_t vaddr)
{
    const struct pt_format *format = &world->format;
    struct walk_model walk = {.outcome = WALK_MODEL_ABSENT,
                              .is_accessed = true};
    uint32_t above = PT_ALL_RIGHTS;
    uint64_t table = root;

    for (uint32_t level = format->n_levels; level-- > 0;) {
        uint64_t paddr = pt_word_paddr(format, table, vaddr, level);
        struct pt_entry entry = format->decode(
            format, mmusim__pt_read(world->memory, paddr), level);
        uint32_t rights;

        walk.depth++;
        if (!entry.is_present)
            return walk;
        if (entry.is_reserved) {
            walk.outcome = WALK_MODEL_BAD;
            return walk;
        }
        walk.is_accessed = walk.is_accessed && entry.is_accessed;
        if (!entry.is_leaf) {
            above &= entry.rights;
            table = entry.table;
            continue;
        }
        rights = pt_leaf_rights(format, above, entry.rights);
        walk.outcome = WALK_MODEL_MAPPED;
        walk.page_log2 = 12U + entry.order;
        walk.run_log2 = 12U + entry.run_order;
        walk.paddr = pfn_paddr(entry.pfn) +
                     (vaddr & ((UINT64_C(1) << walk.page_log2) - 1));
        walk.can_read = rights & TLB_READ;
        walk.is_clean = (rights & TLB_WRITE) && !(entry.rights & TLB_DIRTY);
        walk.can_write = (rights & TLB_WRITE) && !walk.is_clean;
        walk.is_user = rights & TLB_USER;
        walk.can_user_run = walk.can_kernel_run = rights & TLB_EXEC;
        walk.is_global = rights & TLB_GLOBAL;
        return walk;
    }
    fail();
    return walk;
}

static void assert_agree(const struct world *world,
                         const struct walk_model *naive,
                         const struct walk_model *decoded)
{
    bool runs = naive->is_user ? naive->can_user_run : naive->can_kernel_run;

    assert_int_equal(decoded->outcome, naive->outcome);
    assert_int_equal(decoded->depth, naive->depth);
    if (naive->outcome != WALK_MODEL_MAPPED)
        return;
    assert_true(decoded->paddr == naive->paddr);
    assert_int_equal(decoded->page_log2, naive->page_log2);
    assert_int_equal(decoded->run_log2, naive->run_log2);
    assert_int_equal(decoded->can_read, naive->can_read);
    assert_int_equal(decoded->can_write, naive->can_write);
    /* Where only software marks pages dirty, its mark is its own. */
    if (world->format.sets_dirty)
        assert_int_equal(decoded->is_clean, naive->is_clean);
    assert_int_equal(decoded->is_user, naive->is_user);
    assert_int_equal(decoded->can_user_run, runs);
    assert_int_equal(decoded->is_global, naive->is_global);
    assert_int_equal(decoded->is_accessed, naive->is_accessed);
}

static void walk_all(struct world *world, struct counts *counts)
{
    uint32_t top = world->format.n_levels - 1;

    for (uint32_t i = 0; i < N_WALKS; i++) {
        uint64_t root = world->tables[top][draw(world, N_TABLES)];
        uint64_t vaddr = draw_vaddr(world);
        struct walk_model naive =
            walk_naively(world->options, world->memory, root, vaddr);
        struct walk_model decoded = walk_decoding(world, root, vaddr);

        assert_agree(world, &naive, &decoded);
        counts->mapped += naive.outcome == WALK_MODEL_MAPPED;
        counts->absent += naive.outcome == WALK_MODEL_ABSENT;
        counts->bad += naive.outcome == WALK_MODEL_BAD;
    }
}

static void decoding_agrees_with_the_manuals(void **state)
{
    (void) state;
    for (size_t i = 0; i < n_formats; i++) {
        struct counts counts = {0};
        struct world world;

        for (uint32_t n = 0; n < N_WORLDS; n++) {
            world_init(&world, &format_list[i], 7000 + 100 * i + n);
            walk_all(&world, &counts);
            mmusim__pt_memory_destroy(world.memory);
        }
        print_message("%-24s %6lu mapped %6lu absent %6lu refused\n",
                      world.format.name, (unsigned long) counts.mapped,
                      (unsigned long) counts.absent,
                      (unsigned long) counts.bad);
        assert_true(counts.mapped > N_WORLDS * N_WALKS / 20);
        assert_true(counts.absent > N_WORLDS * N_WALKS / 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decoding_agrees_with_the_manuals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
