/* SPDX-License-Identifier: MIT */
/* Causes of misses: lives of translations and what the log remembers. */
#include "tlb/miss_cause.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct fixture {
    struct translation_table *table;
    struct miss_log *log;
};

static int setup(void **state)
{
    static struct fixture fixture;

    fixture.table = mmusim__translations_create();
    fixture.log = mmusim__miss_log_create(fixture.table);
    *state = &fixture;
    return fixture.table && fixture.log ? 0 : -1;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    mmusim__miss_log_destroy(f->log);
    mmusim__translations_destroy(f->table);
    return 0;
}

static void what_was_never_held_is_cold(void **state)
{
    struct fixture *f = *state;
    uint32_t id = mmusim__translation_begin(f->table);

    assert_int_equal(mmusim__miss_log_cause(f->log, 0), MISS_COLD);
    assert_int_equal(mmusim__miss_log_cause(f->log, id), MISS_COLD);
    assert_int_equal(mmusim__miss_log_cause(f->log, 999), MISS_COLD);
}

static void a_silent_loss_is_capacity(void **state)
{
    struct fixture *f = *state;
    uint32_t id = mmusim__translation_begin(f->table);

    assert_true(mmusim__miss_log_filled(f->log, id));
    assert_int_equal(mmusim__miss_log_cause(f->log, id), MISS_CAPACITY);
}

static void the_last_removal_is_the_cause_until_the_next_fill(void **state)
{
    struct fixture *f = *state;
    uint32_t id = mmusim__translation_begin(f->table);

    mmusim__miss_log_filled(f->log, id);
    mmusim__miss_log_removed(f->log, id, MISS_PAGE_FLUSH);
    mmusim__miss_log_removed(f->log, id, MISS_FULL_FLUSH);
    assert_int_equal(mmusim__miss_log_cause(f->log, id), MISS_FULL_FLUSH);
    mmusim__miss_log_filled(f->log, id);
    assert_int_equal(mmusim__miss_log_cause(f->log, id), MISS_CAPACITY);
}

static void a_refused_first_fill_has_its_cause(void **state)
{
    struct fixture *f = *state;
    uint32_t id = mmusim__translation_begin(f->table);

    mmusim__miss_log_removed(f->log, id, MISS_FULL_FLUSH);
    assert_int_equal(mmusim__miss_log_cause(f->log, id), MISS_FULL_FLUSH);
}

static void a_new_life_of_a_number_is_cold(void **state)
{
    struct fixture *f = *state;
    uint32_t id = mmusim__translation_begin(f->table);

    mmusim__miss_log_filled(f->log, id);
    mmusim__translation_end(f->table, id);
    assert_int_equal(mmusim__miss_log_cause(f->log, id), MISS_COLD);
    assert_int_equal(mmusim__translation_begin(f->table), id);
    assert_int_equal(mmusim__miss_log_cause(f->log, id), MISS_COLD);
}

static void the_dead_are_not_logged(void **state)
{
    struct fixture *f = *state;
    uint32_t id = mmusim__translation_begin(f->table);

    mmusim__translation_end(f->table, id);
    assert_true(mmusim__miss_log_removed(f->log, id, MISS_SWITCH));
    assert_true(mmusim__miss_log_removed(f->log, 0, MISS_SWITCH));
    mmusim__translation_end(f->table, id);
    mmusim__translation_end(f->table, 0);
    assert_int_equal(mmusim__translation_begin(f->table), id);
    assert_int_equal(mmusim__translation_begin(f->table), id + 1);
    assert_int_equal(mmusim__miss_log_cause(f->log, id), MISS_COLD);
}

/* Before the first translation there is no array to look into. */
static void regress_number_0_is_dead_in_an_empty_table(void **state)
{
    struct fixture *f = *state;

    assert_true(mmusim__miss_log_filled(f->log, 0));
    assert_true(mmusim__miss_log_removed(f->log, 0, MISS_SWITCH));
    mmusim__translation_end(f->table, 0);
    assert_int_equal(mmusim__miss_log_cause(f->log, 0), MISS_COLD);
    assert_int_not_equal(mmusim__translation_begin(f->table), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_never_held_is_cold),
        TEST(a_silent_loss_is_capacity),
        TEST(the_last_removal_is_the_cause_until_the_next_fill),
        TEST(a_refused_first_fill_has_its_cause),
        TEST(a_new_life_of_a_number_is_cold),
        TEST(the_dead_are_not_logged),
        TEST(regress_number_0_is_dead_in_an_empty_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
