/* SPDX-License-Identifier: MIT */
/* The set of pages against a table of all pages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/rng.h"
#include "trace/page_set.h"

enum { N_PAGES = 1 << 16, N_ADDED = 200000 };

static void a_set_counts_as_a_table_of_all_pages_does(void **state)
{
    static bool is_there[N_PAGES];
    struct page_set set = {0};
    uint64_t n = 0;
    struct rng rng;

    (void) state;
    mmusim__rng_init(&rng, 1, 0);
    for (uint32_t i = 0; i < N_ADDED; i++) {
        uint32_t page = mmusim__rng_below(&rng, N_PAGES);

        n += !is_there[page];
        is_there[page] = true;
        /* both ends of the numbers that 64-bit addresses have */
        assert_true(mmusim__page_set_add(
            &set, page & 1 ? (UINT64_MAX >> 12) - page : page));
        assert_int_equal(set.n_pages, n);
    }
    assert_true(n > N_PAGES / 2);
    mmusim__page_set_fini(&set);
}

static void the_same_page_counts_once(void **state)
{
    struct page_set set = {0};

    (void) state;
    for (int i = 0; i < 10; i++) {
        assert_true(mmusim__page_set_add(&set, 0));
        assert_true(mmusim__page_set_add(&set, (uint64_t) i % 2));
    }
    assert_int_equal(set.n_pages, 2);
    mmusim__page_set_fini(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_set_counts_as_a_table_of_all_pages_does),
        cmocka_unit_test(the_same_page_counts_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
