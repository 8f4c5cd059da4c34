/* SPDX-License-Identifier: MIT */
/* The checker's rules, told one event after the other. */
#include "coherence/checker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { MM = 1, OTHER_MM = 2, FRAME = 100, NEW_FRAME = 200, TABLE = 300 };

static const uint64_t page = UINT64_C(0x7000);
static const uint64_t large = UINT64_C(0x200000);

static const struct checker_word nothing;

struct fixture {
    struct checker *checker;
    uint64_t stamp; /* of the entry that was cached before all */
    uint64_t cycle;
};

static struct checker_word leaf(uint64_t pfn, uint32_t rights)
{
    return (struct checker_word){true, false, pfn, rights};
}

static struct checker_word table(uint64_t pfn)
{
    return (struct checker_word){true, true, pfn, 0};
}

static const uint32_t rw = CHECKER_READ | CHECKER_WRITE | CHECKER_USER;
static const uint32_t rwd =
    CHECKER_READ | CHECKER_WRITE | CHECKER_USER | CHECKER_DIRTY;

static int setup_with(void **state, bool has_order)
{
    static struct fixture fixture;
    const struct checker_config config = {4, 4, has_order};

    fixture = (struct fixture){.checker = mmusim__checker_create(&config)};
    assert_non_null(fixture.checker);
    fixture.stamp = mmusim__checker_stamp(fixture.checker, MM);
    *state = &fixture;
    return 0;
}

static int setup(void **state)
{
    return setup_with(state, false);
}

static int setup_order(void **state)
{
    return setup_with(state, true);
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    mmusim__checker_destroy(fixture->checker);
    return 0;
}

static struct checker_at on(struct fixture *fixture, uint32_t cpu)
{
    return (struct checker_at){++fixture->cycle, cpu};
}

static void write_word(struct fixture *fixture, uint64_t vaddr, uint32_t shift,
                       struct checker_word before, struct checker_word after)
{
    const struct checker_write write = {on(fixture, 0), MM,     vaddr,
                                        shift,          before, after};

    mmusim__checker_write(fixture->checker, &write);
}

static void unmap(struct fixture *fixture)
{
    write_word(fixture, page, 12, leaf(FRAME, rwd), nothing);
}

static uint64_t begin(struct fixture *fixture, uint64_t start, uint64_t end,
                      bool has_tables)
{
    const struct checker_flush flush = {
        .at = on(fixture, 0),
        .mm = MM,
        .start = start,
        .end = end,
        .has_tables = has_tables,
    };

    return mmusim__checker_flush_begin(fixture->checker, &flush);
}

static void end(struct fixture *fixture, uint64_t number)
{
    mmusim__checker_flush_end(fixture->checker, number, on(fixture, 0));
}

static void promise_of(struct fixture *fixture, const char *what, uint32_t uses,
                       enum checker_verdict verdict)
{
    const struct checker_promise made = {
        .at = on(fixture, 1),
        .what = what,
        .mm = MM,
        .start = page,
        .end = page + 4096,
        .version = mmusim__checker_version(fixture->checker),
        .uses = uses,
        .verdict = verdict,
    };

    mmusim__checker_promise(fixture->checker, &made);
}

static void promise(struct fixture *fixture, const char *what, uint32_t uses)
{
    promise_of(fixture, what, uses, CHECKER_FRESH);
}

static enum checker_verdict use_entry(struct fixture *fixture, uint32_t need,
                                      uint64_t stamp, uint32_t rights)
{
    const struct checker_use use = {
        .at = on(fixture, 2),
        .mm = MM,
        .vaddr = page + 8,
        .need = need,
        .stamp = stamp,
        .rights = rights,
    };

    return mmusim__checker_use(fixture->checker, &use);
}

static enum checker_verdict load(struct fixture *fixture)
{
    return use_entry(fixture, CHECKER_READ, fixture->stamp, rwd);
}

static enum checker_verdict store(struct fixture *fixture)
{
    return use_entry(fixture, CHECKER_WRITE, fixture->stamp, rwd);
}

static enum checker_verdict walk_with(struct fixture *fixture, bool is_software,
                                      bool is_lazy)
{
    const struct checker_walk walk = {
        .at = on(fixture, 2),
        .mm = MM,
        .vaddr = large,
        .table_pfn = TABLE,
        .shift = 21,
        .stamp = fixture->stamp,
        .is_software = is_software,
        .is_lazy = is_lazy,
    };

    return mmusim__checker_walk(fixture->checker, &walk);
}

/* ---- open and closed ---- */

static void entry_as_new_as_its_word_is_fresh(void **state)
{
    assert_int_equal(load(*state), CHECKER_FRESH);
}

static void old_entry_is_allowed_until_the_flush_is_complete(void **state)
{
    struct fixture *fixture = *state;
    uint64_t flush;

    unmap(fixture);
    flush = begin(fixture, page, page + 4096, false);
    assert_int_equal(load(fixture), CHECKER_ALLOWED);
    end(fixture, flush);
    assert_int_equal(load(fixture), CHECKER_STALE_AFTER_COMPLETE);
    assert_int_equal(mmusim__checker_violations(fixture->checker), 1);
}

static void entry_read_after_the_change_is_fresh_for_ever(void **state)
{
    struct fixture *fixture = *state;

    unmap(fixture);
    fixture->stamp = mmusim__checker_stamp(fixture->checker, MM);
    end(fixture, begin(fixture, 0, CHECKER_END_ALL, true));
    assert_int_equal(load(fixture), CHECKER_FRESH);
}

static void flush_of_another_range_closes_nothing(void **state)
{
    struct fixture *fixture = *state;

    unmap(fixture);
    end(fixture, begin(fixture, page + 4096, page + 8192, true));
    end(fixture, begin(fixture, 0, page, true));
    assert_int_equal(load(fixture), CHECKER_ALLOWED);
}

static void flush_begun_before_the_change_closes_nothing(void **state)
{
    struct fixture *fixture = *state;
    uint64_t flush = begin(fixture, 0, CHECKER_END_ALL, true);

    unmap(fixture);
    end(fixture, flush);
    assert_int_equal(load(fixture), CHECKER_ALLOWED);
}

static void return_of_the_operation_closes(void **state)
{
    struct fixture *fixture = *state;

    unmap(fixture);
    promise(fixture, "munmap", CHECKER_ANY_USE);
    assert_int_equal(load(fixture), CHECKER_STALE_AFTER_COMPLETE);
}

static void mprotect_of_a_page_under_reclaim_rules_out_stores_only(void **state)
{
    struct fixture *fixture = *state;

    unmap(fixture); /* batched: promises nothing */
    promise_of(fixture, "mprotect", CHECKER_WRITE, CHECKER_STALE_PERM);
    assert_int_equal(load(fixture), CHECKER_ALLOWED);
    assert_int_equal(store(fixture), CHECKER_STALE_PERM);
}

static void store_after_madv_free_has_returned_is_lost(void **state)
{
    struct fixture *fixture = *state;

    unmap(fixture);
    promise_of(fixture, "madvise", CHECKER_WRITE, CHECKER_LOST_DIRTY);
    assert_int_equal(load(fixture), CHECKER_ALLOWED);
    assert_int_equal(store(fixture), CHECKER_LOST_DIRTY);
}

static void madv_free_does_not_answer_for_a_page_being_flushed(void **state)
{
    struct fixture *fixture = *state;
    uint64_t flush;

    unmap(fixture);
    flush = begin(fixture, page, page + 4096, false);
    promise_of(fixture, "madvise", CHECKER_WRITE, CHECKER_LOST_DIRTY);
    assert_int_equal(store(fixture), CHECKER_ALLOWED);
    end(fixture, flush);
    assert_int_equal(store(fixture), CHECKER_STALE_AFTER_COMPLETE);
}

static void freed_frame_closes(void **state)
{
    struct fixture *fixture = *state;

    unmap(fixture);
    mmusim__checker_freed(fixture->checker, on(fixture, 0), FRAME, 1);
    assert_int_equal(load(fixture), CHECKER_UAF_PAGE);
}

static void frame_of_a_freed_block_is_freed(void **state)
{
    struct fixture *fixture = *state;

    write_word(fixture, page, 12, leaf(512 + 7, rwd), nothing);
    mmusim__checker_freed(fixture->checker, on(fixture, 0), 512, 512);
    assert_int_equal(load(fixture), CHECKER_UAF_PAGE);
}

static void frame_freed_before_the_change_does_not_count(void **state)
{
    struct fixture *fixture = *state;

    mmusim__checker_freed(fixture->checker, on(fixture, 0), FRAME, 1);
    fixture->stamp = mmusim__checker_stamp(fixture->checker, MM);
    unmap(fixture);
    assert_int_equal(load(fixture), CHECKER_ALLOWED);
}

/* ---- kinds of changes ---- */

static void more_rights_are_no_harm(void **state)
{
    struct fixture *fixture = *state;

    write_word(fixture, page, 12, leaf(FRAME, CHECKER_READ), leaf(FRAME, rwd));
    end(fixture, begin(fixture, 0, CHECKER_END_ALL, true));
    assert_int_equal(load(fixture), CHECKER_FRESH);
}

static void right_taken_away_is_a_stale_permission(void **state)
{
    struct fixture *fixture = *state;

    write_word(fixture, page, 12, leaf(FRAME, rw),
               leaf(FRAME, CHECKER_READ | CHECKER_USER));
    promise_of(fixture, "mprotect", CHECKER_WRITE, CHECKER_STALE_PERM);
    assert_int_equal(load(fixture), CHECKER_ALLOWED);
    assert_int_equal(store(fixture), CHECKER_STALE_PERM);
}

static void rights_that_others_take_are_theirs_to_promise(void **state)
{
    struct fixture *fixture = *state;

    write_word(fixture, page, 12, leaf(FRAME, rw),
               leaf(FRAME, CHECKER_READ | CHECKER_USER));
    promise(fixture, "madvise", CHECKER_ANY_USE);
    promise_of(fixture, "madvise", CHECKER_WRITE, CHECKER_LOST_DIRTY);
    assert_int_equal(store(fixture), CHECKER_ALLOWED);
    end(fixture, begin(fixture, 0, CHECKER_END_ALL, true));
    assert_int_equal(store(fixture), CHECKER_STALE_PERM);
}

static void store_after_clean_loses_the_dirty_state(void **state)
{
    struct fixture *fixture = *state;

    write_word(fixture, page, 12, leaf(FRAME, rwd), leaf(FRAME, rw));
    end(fixture, begin(fixture, 0, CHECKER_END_ALL, false));
    assert_int_equal(load(fixture), CHECKER_FRESH);
    /* A clean entry makes the store walk. */
    assert_int_equal(use_entry(fixture, CHECKER_WRITE, fixture->stamp, rw),
                     CHECKER_FRESH);
    assert_int_equal(store(fixture), CHECKER_LOST_DIRTY);
}

static void store_after_the_contents_were_taken_is_lost(void **state)
{
    struct fixture *fixture = *state;

    unmap(fixture);
    mmusim__checker_contents_taken(fixture->checker, on(fixture, 1), FRAME);
    assert_int_equal(load(fixture), CHECKER_ALLOWED);
    assert_int_equal(store(fixture), CHECKER_LOST_DIRTY);
}

static void large_page_covers_its_parts(void **state)
{
    struct fixture *fixture = *state;
    uint64_t flush;

    write_word(fixture, 0, 21, leaf(FRAME, rwd), nothing);
    flush = begin(fixture, page + 4096, page + 8192, false);
    assert_int_equal(load(fixture), CHECKER_ALLOWED);
    end(fixture, flush); /* any address in it drops a large page */
    assert_int_equal(load(fixture), CHECKER_STALE_AFTER_COMPLETE);
}

static void many_changes_of_a_page_are_survived(void **state)
{
    struct fixture *fixture = *state;

    for (uint32_t i = 0; i < 100; i++)
        unmap(fixture);
    assert_int_equal(load(fixture), CHECKER_ALLOWED);
    end(fixture, begin(fixture, 0, CHECKER_END_ALL, true));
    for (uint32_t i = 0; i < 100; i++)
        unmap(fixture);
    assert_int_equal(load(fixture), CHECKER_ALLOWED);
    end(fixture, begin(fixture, 0, CHECKER_END_ALL, true));
    assert_int_equal(load(fixture), CHECKER_STALE_AFTER_COMPLETE);
}

/* ---- whose entry ---- */

static void entry_of_another_address_space_is_wrong(void **state)
{
    struct fixture *fixture = *state;
    uint64_t other = mmusim__checker_stamp(fixture->checker, OTHER_MM);

    assert_int_equal(use_entry(fixture, CHECKER_READ, other, rw),
                     CHECKER_WRONG_ASID);
    assert_int_equal(
        use_entry(fixture, CHECKER_READ, other, rw | CHECKER_GLOBAL),
        CHECKER_GLOBAL_LEAK);
}

static void stale_global_entry_is_a_leak(void **state)
{
    struct fixture *fixture = *state;

    unmap(fixture);
    promise(fixture, "vunmap", CHECKER_ANY_USE);
    assert_int_equal(
        use_entry(fixture, CHECKER_READ, fixture->stamp, rw | CHECKER_GLOBAL),
        CHECKER_GLOBAL_LEAK);
}

/* ---- tables ---- */

static void walk_through_a_freed_table_is_use_after_free(void **state)
{
    struct fixture *fixture = *state;

    write_word(fixture, large, 21, table(TABLE), nothing);
    assert_int_equal(walk_with(fixture, false, true), CHECKER_FRESH);
    mmusim__checker_freed(fixture->checker, on(fixture, 0), TABLE, 1);
    assert_int_equal(walk_with(fixture, false, true), CHECKER_UAF_TABLE);
    assert_int_equal(walk_with(fixture, true, false), CHECKER_SW_WALK);
    fixture->stamp = mmusim__checker_stamp(fixture->checker, MM);
    assert_int_equal(walk_with(fixture, false, false), CHECKER_FRESH);
}

static void only_a_flush_with_tables_closes_a_pointer(void **state)
{
    struct fixture *fixture = *state;

    write_word(fixture, large, 21, table(TABLE), nothing);
    end(fixture, begin(fixture, 0, CHECKER_END_ALL, false));
    assert_int_equal(walk_with(fixture, false, false), CHECKER_FRESH);
    end(fixture, begin(fixture, 0, CHECKER_END_ALL, true));
    assert_int_equal(walk_with(fixture, false, false),
                     CHECKER_STALE_AFTER_COMPLETE);
    assert_int_equal(walk_with(fixture, false, true), CHECKER_FRESH);
}

static void two_sizes_at_once_overlap(void **state)
{
    struct fixture *fixture = *state;
    const struct checker_overlap overlap = {on(fixture, 2), MM, page,
                                            fixture->stamp};

    /* Fragments of one large page are no two sizes. */
    assert_int_equal(mmusim__checker_overlap(fixture->checker, &overlap),
                     CHECKER_FRESH);
    write_word(fixture, 0, 21, leaf(FRAME, rwd), table(TABLE));
    assert_int_equal(mmusim__checker_overlap(fixture->checker, &overlap),
                     CHECKER_OVERLAP);
}

static void old_after_new_is_out_of_order(void **state)
{
    struct fixture *fixture = *state;

    write_word(fixture, page, 12, leaf(FRAME, rw), leaf(NEW_FRAME, rw));
    assert_int_equal(load(fixture), CHECKER_ALLOWED);
    assert_int_equal(use_entry(fixture, CHECKER_READ,
                               mmusim__checker_stamp(fixture->checker, MM), rw),
                     CHECKER_FRESH);
    assert_int_equal(load(fixture), CHECKER_ORDER);
}

/* ---- reports ---- */

static void report_tells_the_whole_story_once(void **state)
{
    struct fixture *fixture = *state;
    const struct checker_event event = {.kind = CHECKER_EV_LAZY, .mm = MM};
    const struct checker_report *report;

    mmusim__checker_note(fixture->checker, 2, &event);
    unmap(fixture);
    end(fixture, begin(fixture, page, page + 4096, false));
    load(fixture);
    load(fixture);
    report = mmusim__checker_report(fixture->checker, 0);
    assert_non_null(report);
    assert_int_equal(report->n_uses, 2);
    assert_non_null(strstr(report->text, "CPU 2 loaded from 0x7008"));
    assert_non_null(strstr(report->text, "unmapped the page"));
    assert_non_null(strstr(report->text, "frame 0x64 rw- dirty -> nothing"));
    assert_non_null(strstr(report->text, "flushes [0x7000, 0x8000)"));
    assert_non_null(strstr(report->text, "kernel thread"));
    assert_null(mmusim__checker_report(fixture->checker, 1));
}

static void reports_are_bounded_and_all_is_counted(void **state)
{
    struct fixture *fixture = *state;

    for (uint64_t i = 0; i < 10; i++) {
        struct checker_use use = {
            .at = on(fixture, 1),
            .mm = OTHER_MM,
            .vaddr = i << 12,
            .need = CHECKER_READ,
            .stamp = fixture->stamp,
        };

        mmusim__checker_use(fixture->checker, &use);
    }
    assert_int_equal(
        mmusim__checker_count(fixture->checker, CHECKER_WRONG_ASID), 10);
    assert_non_null(mmusim__checker_report(fixture->checker, 3));
    assert_null(mmusim__checker_report(fixture->checker, 4));
}

static void end_of_an_address_space_forgets_it(void **state)
{
    struct fixture *fixture = *state;

    unmap(fixture);
    assert_true(
        mmusim__checker_may_be_stale(fixture->checker, MM, fixture->stamp));
    mmusim__checker_mm_end(fixture->checker, MM);
    assert_false(
        mmusim__checker_may_be_stale(fixture->checker, MM, fixture->stamp));
    assert_int_equal(load(fixture), CHECKER_FRESH);
    unmap(fixture);
    assert_int_equal(load(fixture), CHECKER_ALLOWED);
    mmusim__checker_reset(fixture->checker);
    assert_int_equal(mmusim__checker_count(fixture->checker, CHECKER_ALLOWED),
                     0);
}

#define CHECK(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHECK(entry_as_new_as_its_word_is_fresh),
        CHECK(old_entry_is_allowed_until_the_flush_is_complete),
        CHECK(entry_read_after_the_change_is_fresh_for_ever),
        CHECK(flush_of_another_range_closes_nothing),
        CHECK(flush_begun_before_the_change_closes_nothing),
        CHECK(return_of_the_operation_closes),
        CHECK(mprotect_of_a_page_under_reclaim_rules_out_stores_only),
        CHECK(store_after_madv_free_has_returned_is_lost),
        CHECK(madv_free_does_not_answer_for_a_page_being_flushed),
        CHECK(freed_frame_closes),
        CHECK(frame_of_a_freed_block_is_freed),
        CHECK(frame_freed_before_the_change_does_not_count),
        CHECK(more_rights_are_no_harm),
        CHECK(right_taken_away_is_a_stale_permission),
        CHECK(rights_that_others_take_are_theirs_to_promise),
        CHECK(store_after_clean_loses_the_dirty_state),
        CHECK(store_after_the_contents_were_taken_is_lost),
        CHECK(large_page_covers_its_parts),
        CHECK(many_changes_of_a_page_are_survived),
        CHECK(entry_of_another_address_space_is_wrong),
        CHECK(stale_global_entry_is_a_leak),
        CHECK(walk_through_a_freed_table_is_use_after_free),
        CHECK(only_a_flush_with_tables_closes_a_pointer),
        CHECK(two_sizes_at_once_overlap),
        cmocka_unit_test_setup_teardown(old_after_new_is_out_of_order,
                                        setup_order, teardown),
        CHECK(report_tells_the_whole_story_once),
        CHECK(reports_are_bounded_and_all_is_counted),
        CHECK(end_of_an_address_space_forgets_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
