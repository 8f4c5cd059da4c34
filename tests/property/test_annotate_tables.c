/* SPDX-License-Identifier: MIT */
/* The tables of annotate against models that know nothing of ranges, hashes or
 * sorting: a byte a page, a list of pairs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/annotate_space.h"
#include "cli/key_table.h"
#include "cli/name_pool.h"
#include "core/rng.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MODEL_PAGES = 96,
    MODEL_STEPS = 20000,
    PAGE_BYTES = 4096,
    N_KEYS = 3000,
    KEYS_MAX = 1000,
    N_NAMES = 5000,
};

/* What lies at each page: 0 nothing, and its offset in the object. */
struct model {
    uint32_t objects[MODEL_PAGES];
    uint64_t offsets[MODEL_PAGES];
};

static void model_set(struct model *model, uint64_t first, uint64_t end,
                      uint32_t object, uint64_t offset)
{
    for (uint64_t page = first; page < end; page++) {
        model->objects[page] = object;
        model->offsets[page] = offset + (page - first) * PAGE_BYTES;
    }
}

static void compare(const struct annotate_space *space,
                    const struct model *model)
{
    for (uint64_t page = 0; page < MODEL_PAGES; page++) {
        uint64_t vaddr = page * PAGE_BYTES + page % PAGE_BYTES;
        const struct annotate_mapping *found =
            annotate_space_find(space, vaddr);

        assert_int_equal(found ? found->object : 0, model->objects[page]);
        if (found)
            assert_int_equal(found->offset + (vaddr - found->start),
                             model->offsets[page] + page % PAGE_BYTES);
    }
    for (size_t i = 0; i < space->n; i++) {
        assert_true(space->mappings[i].start < space->mappings[i].end);
        if (i)
            assert_true(space->mappings[i - 1].end <= space->mappings[i].start);
    }
}

static void a_space_is_what_pages_say_one_by_one(void **state)
{
    struct annotate_space space = {0}, copy;
    struct model model = {0};
    struct rng rng;

    (void) state;
    mmusim__rng_init(&rng, 1, 0);
    for (uint32_t step = 0; step < MODEL_STEPS; step++) {
        uint64_t first = mmusim__rng_below(&rng, MODEL_PAGES);
        uint64_t end =
            first + 1 +
            mmusim__rng_below(&rng, (uint32_t) (MODEL_PAGES - first) / 3 + 1);
        uint32_t object = mmusim__rng_below(&rng, 3) ? 1 + step % 50 : 0;
        struct annotate_mapping mapping = {
            .start = first * PAGE_BYTES,
            .end = (end < MODEL_PAGES ? end : MODEL_PAGES) * PAGE_BYTES,
            .offset = (uint64_t) step * PAGE_BYTES,
            .object = object};

        model_set(&model, first, mapping.end / PAGE_BYTES, object,
                  mapping.offset);
        assert_true(
            object ? annotate_space_map(&space, &mapping)
                   : annotate_space_unmap(&space, mapping.start, mapping.end));
        compare(&space, &model);
    }
    assert_true(annotate_space_copy(&copy, &space));
    annotate_space_fini(&space);
    compare(&copy, &model);
    annotate_space_fini(&copy);
}

static void a_key_keeps_its_index_and_a_full_table_says_so(void **state)
{
    struct key keys[KEYS_MAX];
    struct key_table table;
    uint32_t n = 1, n_refused = 0;
    struct rng rng;

    (void) state;
    mmusim__rng_init(&rng, 2, 0);
    assert_true(key_table_init(&table, KEYS_MAX));
    for (uint32_t step = 0; step < 4 * N_KEYS; step++) {
        struct key key = {mmusim__rng_below(&rng, N_KEYS) % 1500,
                          mmusim__rng_below(&rng, 2)};
        uint32_t expected = 1;

        while (expected < n &&
               (keys[expected].a != key.a || keys[expected].b != key.b))
            expected++;
        if (expected == n && n < KEYS_MAX)
            keys[n++] = key;
        else if (expected == n)
            expected = 0;
        n_refused += expected == 0;
        assert_int_equal(key_table_get(&table, key.a, key.b), expected);
    }
    assert_int_equal(n, KEYS_MAX);
    assert_int_equal(table.n_refused, n_refused);
    key_table_fini(&table);
}

static void equal_texts_are_kept_once(void **state)
{
    struct name_pool *pool = name_pool_create();
    static const char *kept[N_NAMES];
    char text[32];

    (void) state;
    assert_non_null(pool);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < N_NAMES; i++) {
            const char *name;

            snprintf(text, sizeof(text), "%u", i * i);
            name = name_pool_keep(pool, text);
            assert_string_equal(name, text);
            if (round)
                assert_ptr_equal(name, kept[i]);
            kept[i] = name;
        }
    }
    name_pool_destroy(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_space_is_what_pages_say_one_by_one),
        cmocka_unit_test(a_key_keeps_its_index_and_a_full_table_says_so),
        cmocka_unit_test(equal_texts_are_kept_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
