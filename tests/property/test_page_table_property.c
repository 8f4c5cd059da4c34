/* SPDX-License-Identifier: MIT */
/*
 * Page tables written through pt_memory and the x86-64 format, read back by
 * the naive walk and by a walk with the format's own decode; both must say
 * what a plain table of mappings says.
 */
#include "core/rng.h"
#include "model/x86_walk_model.h"
#include "tlb/pt_format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

enum {
    RUN_STEPS = 700000, /* for each number of levels */
    RUN_REGIONS = 12,   /* of 1G */
    RUN_LARGE = 8,      /* 2M places in a region */
    RUN_SMALL = 16,     /* 4K places in a 2M place */
    RUN_LEVELS = 3,
};

struct mapping {
    bool is_mapped;
    bool is_accessed;
    uint32_t rights;
    uint64_t pfn;
};

struct place {
    uint32_t region;
    uint32_t large;
    uint32_t small;
};

struct run {
    struct pt_memory *memory;
    const struct pt_format *format;
    pfn_t root;
    uint64_t n_pfns; /* table frames used so far */
    uint64_t free_pfns[4096];
    uint32_t n_free_pfns;
    struct rng rng;
    uint64_t bases[RUN_REGIONS];
    struct mapping huge[RUN_REGIONS];
    struct mapping large[RUN_REGIONS][RUN_LARGE];
    struct mapping small[RUN_REGIONS][RUN_LARGE][RUN_SMALL];
};

static pfn_t run_table_frame(struct run *run)
{
    if (run->n_free_pfns)
        return (pfn_t){run->free_pfns[--run->n_free_pfns]};
    /* An odd factor: no frame comes twice, and they lie all over 40 bits. */
    run->n_pfns++;
    return (pfn_t){run->n_pfns * UINT64_C(0x9e3779b9) & UINT64_C(0xffffffffff)};
}

static pfn_t run_table_add(struct run *run, uint32_t level)
{
    pfn_t pfn = run_table_frame(run);
    const struct pt_info *info = mmusim__pt_table_add(run->memory, pfn, level);

    assert_non_null(info);
    assert_int_equal(info->n_present, 0);
    assert_int_equal(info->level, level);
    return pfn;
}

/* The word of vaddr at a level; tables above are made where absent. */
static uint64_t run_descend(struct run *run, uint64_t vaddr, uint32_t level,
                            pfn_t tables[PT_MAX_LEVELS])
{
    uint32_t at = run->format->n_levels - 1;

    tables[at] = run->root;
    for (; at > level; at--) {
        uint64_t paddr =
            pt_word_paddr(run->format, pfn_paddr(tables[at]), vaddr, at);
        uint64_t word = mmusim__pt_read(run->memory, paddr);

        if (!word) {
            word = run->format->make_table(
                run->format, pfn_paddr(run_table_add(run, at - 1)), at);
            mmusim__pt_write(run->memory, paddr, word);
        }
        tables[at - 1] = run->format->decode(run->format, word, at).pfn;
    }
    return pt_word_paddr(run->format, pfn_paddr(tables[level]), vaddr, level);
}

static struct mapping *run_mapping(struct run *run, const struct place *place,
                                   uint32_t level)
{
    if (level == 2)
        return &run->huge[place->region];
    if (level == 1)
        return &run->large[place->region][place->large];
    return &run->small[place->region][place->large][place->small];
}

static uint64_t run_vaddr(const struct run *run, const struct place *place)
{
    /* Places at both ends and in the middle of their tables. */
    uint64_t large = (uint64_t) place->large * 73;
    uint64_t small = (uint64_t) place->small * 34 + (place->small & 1);

    return run->bases[place->region] | large << 21 | small << 12;
}

static void run_map(struct run *run, const struct place *place, uint32_t level)
{
    struct mapping *mapping = run_mapping(run, place, level);
    pfn_t tables[PT_MAX_LEVELS];
    uint64_t paddr = run_descend(run, run_vaddr(run, place), level, tables);
    uint64_t frames = UINT64_C(1) << pt_level_order(run->format, level);

    *mapping = (struct mapping){
        .is_mapped = true,
        .is_accessed = mmusim__rng_below(&run->rng, 2),
        .rights = mmusim__rng_below(&run->rng, 64) | TLB_READ,
        .pfn = align_down(mmusim__rng_next(&run->rng) >> 24, frames),
    };
    mmusim__pt_write(run->memory, paddr,
                     run->format->make_leaf(run->format, (pfn_t){mapping->pfn},
                                            level, mapping->rights,
                                            mapping->is_accessed));
}

static void run_unmap(struct run *run, const struct place *place,
                      uint32_t level)
{
    uint64_t vaddr = run_vaddr(run, place);
    pfn_t tables[PT_MAX_LEVELS];

    run_descend(run, vaddr, level, tables);
    run_mapping(run, place, level)->is_mapped = false;
    for (uint32_t at = level; at < run->format->n_levels; at++) {
        mmusim__pt_write(
            run->memory,
            pt_word_paddr(run->format, pfn_paddr(tables[at]), vaddr, at), 0);
        if (at + 1 == run->format->n_levels ||
            mmusim__pt_table(run->memory, tables[at])->n_present)
            break;
        mmusim__pt_table_remove(run->memory, tables[at]);
        assert_null(mmusim__pt_table(run->memory, tables[at]));
        run->free_pfns[run->n_free_pfns++] = tables[at].v;
    }
}

/* What the plain table says about a place, and the level of the mapping. */
static const struct mapping *
run_lookup(struct run *run, const struct place *place, uint32_t *level)
{
    for (*level = RUN_LEVELS; (*level)-- > 0;) {
        const struct mapping *mapping = run_mapping(run, place, *level);

        if (mapping->is_mapped)
            return mapping;
    }
    return NULL;
}

/* Is something smaller mapped within the place at a level? */
static bool run_has_parts(struct run *run, const struct place *place,
                          uint32_t level)
{
    struct place part = {.region = place->region, .large = place->large};
    uint32_t n_large = level == 2 ? RUN_LARGE : 1;

    if (level == 0)
        return false;
    for (uint32_t i = 0; i < n_large; i++) {
        if (level == 2)
            part.large = i;
        if (level == 2 && run_mapping(run, &part, 1)->is_mapped)
            return true;
        for (part.small = 0; part.small < RUN_SMALL; part.small++) {
            if (run_mapping(run, &part, 0)->is_mapped)
                return true;
        }
    }
    return false;
}

static struct place run_place(struct run *run, uint32_t level)
{
    struct place place = {.region = mmusim__rng_below(&run->rng, RUN_REGIONS)};

    if (level < 2)
        place.large = mmusim__rng_below(&run->rng, RUN_LARGE);
    if (level < 1)
        place.small = mmusim__rng_below(&run->rng, RUN_SMALL);
    return place;
}

static void run_change(struct run *run)
{
    uint32_t kind = mmusim__rng_below(&run->rng, 16);
    uint32_t level = kind == 0 ? 2 : kind < 4 ? 1 : 0;
    struct place place = run_place(run, level);
    uint32_t found_level;
    const struct mapping *mapping = run_lookup(run, &place, &found_level);

    if (mapping && found_level > level && mmusim__rng_below(&run->rng, 8))
        return;
    if (mapping) {
        place.small = found_level < 1 ? place.small : 0;
        place.large = found_level < 2 ? place.large : 0;
        run_unmap(run, &place, found_level);
    } else if (!run_has_parts(run, &place, level)) {
        run_map(run, &place, level);
    }
}

/* The same walk with the format's decode. */
static struct x86_walk run_decode(const struct run *run, uint64_t vaddr)
{
    struct x86_walk walk = {.level = run->format->n_levels,
                            .is_accessed = true};
    uint32_t rights = TLB_READ | TLB_WRITE | TLB_EXEC | TLB_USER;
    struct pt_entry entry = {.pfn = run->root};

    while (!entry.is_leaf) {
        walk.level--;
        entry = run->format->decode(
            run->format,
            mmusim__pt_read(run->memory,
                            pt_word_paddr(run->format, pfn_paddr(entry.pfn),
                                          vaddr, walk.level)),
            walk.level);
        if (!entry.is_present) {
            walk.outcome = X86_WALK_ABSENT;
            return walk;
        }
        assert_false(entry.is_reserved);
        rights &= entry.rights | TLB_DIRTY | TLB_GLOBAL;
        walk.is_accessed = walk.is_accessed && entry.is_accessed;
    }
    assert_true(rights & TLB_READ);
    walk.paddr =
        (entry.pfn.v << BASE_PAGE_SHIFT) +
        vaddr % (UINT64_C(1) << (12 + pt_level_order(run->format, walk.level)));
    walk.can_write = rights & TLB_WRITE;
    walk.can_execute = rights & TLB_EXEC;
    walk.is_user = rights & TLB_USER;
    walk.is_dirty = entry.rights & TLB_DIRTY;
    walk.is_global = entry.rights & TLB_GLOBAL;
    return walk;
}

static void assert_mapped(const struct x86_walk *walk,
                          const struct mapping *mapping, uint32_t level,
                          uint64_t offset)
{
    assert_int_equal(walk->outcome, X86_WALK_MAPPED);
    assert_int_equal(walk->level, level);
    assert_int_equal(walk->paddr, (mapping->pfn << 12) + offset);
    assert_int_equal(walk->can_write, !!(mapping->rights & TLB_WRITE));
    assert_int_equal(walk->can_execute, !!(mapping->rights & TLB_EXEC));
    assert_int_equal(walk->is_user, !!(mapping->rights & TLB_USER));
    assert_int_equal(walk->is_dirty, !!(mapping->rights & TLB_DIRTY));
    assert_int_equal(walk->is_global, !!(mapping->rights & TLB_GLOBAL));
    assert_int_equal(walk->is_accessed, mapping->is_accessed);
}

static void run_check(struct run *run)
{
    struct place place = run_place(run, 0);
    uint64_t vaddr =
        run_vaddr(run, &place) | mmusim__rng_below(&run->rng, 4096);
    struct x86_walk naive = x86_model_walk(run->memory, run->root.v << 12,
                                           run->format->n_levels, vaddr);
    struct x86_walk decoded = run_decode(run, vaddr);
    uint32_t level;
    const struct mapping *mapping = run_lookup(run, &place, &level);

    if (!mapping) {
        assert_int_equal(naive.outcome, X86_WALK_ABSENT);
        assert_int_equal(decoded.outcome, X86_WALK_ABSENT);
        assert_int_equal(naive.level, decoded.level);
        return;
    }
    vaddr &= (UINT64_C(1) << (12 + pt_level_order(run->format, level))) - 1;
    assert_mapped(&naive, mapping, level, vaddr);
    assert_mapped(&decoded, mapping, level, vaddr);
}

static void run_unmap_all(struct run *run)
{
    struct place place;

    for (place.region = 0; place.region < RUN_REGIONS; place.region++) {
        for (place.large = 0; place.large < RUN_LARGE; place.large++) {
            for (place.small = 0; place.small < RUN_SMALL; place.small++) {
                struct place found = place;
                uint32_t level;

                if (!run_lookup(run, &place, &level))
                    continue;
                found.small = level < 1 ? place.small : 0;
                found.large = level < 2 ? place.large : 0;
                run_unmap(run, &found, level);
            }
        }
    }
}

static void run_all(uint64_t seed, uint32_t n_levels)
{
    struct run *run = calloc(1, sizeof(*run));

    assert_non_null(run);
    print_message("seed %lu\n", (unsigned long) seed);
    mmusim__rng_init(&run->rng, seed, 0);
    run->memory = mmusim__pt_memory_create();
    run->format = mmusim__pt_format_x86_64(n_levels);
    assert_non_null(run->format);
    run->root = run_table_add(run, n_levels - 1);
    for (uint32_t i = 0; i < RUN_REGIONS; i++) {
        /* Pairs of neighbours; some share their upper tables. */
        uint64_t gib = (uint64_t) (i / 2) * (i / 4 + 1) * 511 + i;

        run->bases[i] = gib << 30;
        if (i >= RUN_REGIONS / 2)
            run->bases[i] |= UINT64_MAX << (run->format->vaddr_bits - 1);
    }
    for (uint32_t step = 0; step < RUN_STEPS; step++) {
        run_change(run);
        run_check(run);
    }
    run_unmap_all(run);
    assert_int_equal(mmusim__pt_table_count(run->memory), 1);
    mmusim__pt_memory_destroy(run->memory);
    free(run);
}

static void four_levels_read_back_as_written(void **state)
{
    (void) state;
    run_all(31, 4);
}

static void five_levels_read_back_as_written(void **state)
{
    (void) state;
    run_all(32, 5);
}

static void any_word_is_decoded_as_the_manual_says(void **state)
{
    const struct pt_format *format = mmusim__pt_format_x86_64(5);
    struct rng rng;

    (void) state;
    mmusim__rng_init(&rng, 33, 0);
    for (uint32_t i = 0; i < 1000000; i++) {
        uint32_t level = i % 5;
        uint64_t word = mmusim__rng_next(&rng) & mmusim__rng_next(&rng);
        struct pt_entry entry = format->decode(format, word, level);

        assert_int_equal(entry.is_present, x86_model_bit(word, 0));
        if (!entry.is_present)
            continue;
        assert_int_equal(entry.is_reserved, x86_model_is_reserved(word, level));
        assert_int_equal(entry.is_accessed, x86_model_bit(word, 5));
        assert_int_equal(!!(entry.rights & TLB_WRITE), x86_model_bit(word, 1));
        assert_int_equal(!!(entry.rights & TLB_USER), x86_model_bit(word, 2));
        assert_int_equal(!!(entry.rights & TLB_EXEC), !x86_model_bit(word, 63));
        assert_int_equal(!!(entry.rights & TLB_DIRTY),
                         entry.is_leaf && x86_model_bit(word, 6));
        assert_int_equal(!!(entry.rights & TLB_GLOBAL),
                         entry.is_leaf && x86_model_bit(word, 8));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(four_levels_read_back_as_written),
        cmocka_unit_test(five_levels_read_back_as_written),
        cmocka_unit_test(any_word_is_decoded_as_the_manual_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
