/* SPDX-License-Identifier: MIT */
/* Merging of equal pages: os/ksm.h, and the advice that asks for it. */
#include "coherence/checker.h"
#include "core/rng.h"
#include "machine/machine_check.h"
#include "os/ksm.h"
#include "os/reclaim.h"
#include "support/known_bugs.h"
#include "support/machine_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { N_PAGES = 8 };

static void use_protocol(struct run_fixture *f, const char *name)
{
    f->config.os.has_protocol = true;
    strcpy(f->config.os.protocol, name);
}

/* All pages at one address are equal, and ksmd is always at it, on a CPU of its
 * own. */
static int setup(void **state)
{
    struct run_fixture *f = run_fixture_create(3);

    f->config.os.ksm = (struct ksm_config){
        .is_running = true,
        .pages_to_scan = 100,
        .sleep_cycles = 500,
        .max_sharing = 256,
        .duplicate_ppm = 1000000,
    };
    *state = f;
    return 0;
}

/* A process with mergeable pages, all written. */
static void say_process(struct run_fixture *f, unsigned tid)
{
    program_say(f->program,
                "%u mmap 0x10000 0x8000 rw-\n"
                "%u madvise 0x10000 0x8000 mergeable",
                tid, tid);
    for (unsigned page = 0; page < N_PAGES; page++)
        program_say(f->program, "%u w %#x", tid, 0x10000 + page * 4096);
}

/* Long enough for several scans. */
static void say_time(struct run_fixture *f, unsigned tid)
{
    for (unsigned i = 0; i < 400; i++)
        program_say(f->program, "%u n 1000", tid);
}

static void say_two(struct run_fixture *f)
{
    for (unsigned tid = 1; tid <= 2; tid++)
        say_process(f, tid);
    for (unsigned tid = 1; tid <= 2; tid++)
        say_time(f, tid);
}

/* ---- merging ---- */

static void equal_pages_become_one(void **state)
{
    struct run_fixture *f = *state;

    say_two(f);
    run_fixture_run(f);
    assert_int_equal(run_fixture_stat(f, "ksm.merged"), N_PAGES);
    assert_int_equal(run_fixture_stat(f, "ksm.pages_sharing_max"), N_PAGES);
    /* one flush to write-protect each entry, one to replace the second */
    assert_int_equal(run_fixture_stat(f, "ksm.write_protected"), 2 * N_PAGES);
    assert_int_equal(run_fixture_stat(f, "vmstat.nr_tlb_remote_flush"),
                     3 * N_PAGES);
    assert_int_equal(run_fixture_stat(f, "faults.cow"), 0);
}

static void a_store_copies_a_merged_page_even_the_last(void **state)
{
    struct run_fixture *f = *state;

    say_two(f);
    program_say(f->program, "1 w 0x10000\n1 r 0x11000\n2 n 100000\n"
                            "2 w 0x10000\n2 w 0x10000");
    run_fixture_run(f);
    assert_int_equal(run_fixture_stat(f, "faults.cow"), 2);
    assert_int_equal(run_fixture_stat(f, "vmstat.cow_ksm"), 2);
    assert_int_equal(run_fixture_stat(f, "faults.protection"), 0);
}

static void what_is_written_is_like_no_other_page(void **state)
{
    struct run_fixture *f = *state;

    say_two(f);
    program_say(f->program, "1 w 0x10000\n2 w 0x10000");
    say_time(f, 1);
    say_time(f, 2);
    run_fixture_run(f);
    assert_int_equal(run_fixture_stat(f, "ksm.merged"), N_PAGES);
}

static void pages_without_an_equal_stay(void **state)
{
    struct run_fixture *f = *state;

    f->config.os.ksm.duplicate_ppm = 0;
    say_two(f);
    run_fixture_run(f);
    assert_int_equal(run_fixture_stat(f, "ksm.merged"), 0);
    assert_int_equal(run_fixture_stat(f, "ksm.write_protected"), 0);
    assert_true(run_fixture_stat(f, "ksm.full_scans") > 2);
}

static void pages_that_change_are_never_sought(void **state)
{
    struct run_fixture *f = *state;

    f->config.os.ksm.volatile_ppm = 1000000;
    say_two(f);
    run_fixture_run(f);
    assert_int_equal(run_fixture_stat(f, "ksm.merged"), 0);
    assert_true(run_fixture_stat(f, "ksm.pages_scanned") > 3 * N_PAGES);
}

static void classes_are_equal_whatever_their_address(void **state)
{
    struct run_fixture *f = *state;

    f->config.os.ksm.n_classes = 1;
    say_process(f, 1);
    say_time(f, 1);
    run_fixture_run(f);
    assert_int_equal(run_fixture_stat(f, "ksm.merged"), N_PAGES - 1);
}

static void without_advice_or_ksmd_nothing_happens(void **state)
{
    struct run_fixture *f = *state;

    program_say(f->program, "1 mmap 0x10000 0x8000 rw-\n1 w 0x10000\n"
                            "2 mmap 0x10000 0x8000 rw-\n2 w 0x10000");
    say_time(f, 1);
    say_time(f, 2);
    run_fixture_run(f);
    assert_int_equal(run_fixture_stat(f, "ksm.pages_scanned"), 0);
    run_fixture_teardown(state);
    setup(state);
    f = *state;
    f->config.os.ksm.is_running = false;
    say_two(f);
    run_fixture_run(f);
    assert_int_equal(run_fixture_stat(f, "vmstat.nr_tlb_remote_flush"), 0);
}

static void shared_and_hugetlb_areas_ignore_the_advice(void **state)
{
    struct run_fixture *f = *state;

    program_say(f->program,
                "1 mmap 0x40000000 0x200000 rw- huge=2M\n1 w 0x40000000\n"
                "1 mmap 0x10000 0x2000 rw- file:a shared\n1 w 0x10000\n"
                "1 madvise 0x40000000 0x200000 mergeable\n"
                "1 madvise 0x10000 0x2000 mergeable");
    say_time(f, 1);
    run_fixture_run(f);
    assert_int_equal(run_fixture_stat(f, "ksm.pages_scanned"), 0);
    assert_int_equal(run_fixture_stat(f, "faults.invalid"), 0);
}

/* ---- sharing ---- */

static void kernels_from_4_13_limit_the_sharers(void **state)
{
    static const char *const protocols[] = {"linux-4.6", "linux-7.1"};
    static const unsigned merged[] = {3 * N_PAGES, 2 * N_PAGES};

    for (unsigned i = 0; i < 2; i++) {
        struct run_fixture *f = *state;

        f->config.cores_per_socket = 5;
        use_protocol(f, protocols[i]);
        f->config.os.ksm.max_sharing = 2;
        for (unsigned tid = 1; tid <= 4; tid++)
            say_process(f, tid);
        for (unsigned tid = 1; tid <= 16; tid++)
            say_time(f, 1 + tid % 4);
        run_fixture_run(f);
        assert_int_equal(run_fixture_stat(f, "ksm.merged"), merged[i]);
        run_fixture_teardown(state);
        setup(state);
    }
}

static void a_fork_shares_what_is_merged(void **state)
{
    struct run_fixture *f = *state;

    say_two(f);
    program_say(f->program, "1 fork 3");
    say_time(f, 1);
    say_time(f, 3);
    program_say(f->program, "3 w 0x10000");
    run_fixture_run(f);
    assert_int_equal(run_fixture_stat(f, "ksm.merged"), N_PAGES);
    assert_int_equal(run_fixture_stat(f, "ksm.pages_sharing_max"), 2 * N_PAGES);
    assert_int_equal(run_fixture_stat(f, "vmstat.cow_ksm"), 1);
}

/* ---- no more ---- */

static void unmergeable_copies_what_is_merged(void **state)
{
    struct run_fixture *f = *state;

    say_two(f);
    program_say(f->program, "1 madvise 0x10000 0x4000 unmergeable\n"
                            "1 w 0x10000\n1 w 0x14000");
    say_time(f, 1);
    run_fixture_run(f);
    assert_int_equal(run_fixture_stat(f, "ksm.unmerged"), N_PAGES / 2);
    assert_int_equal(run_fixture_stat(f, "faults.cow"), 1);
    assert_int_equal(run_fixture_stat(f, "vmstat.cow_ksm"), N_PAGES / 2 + 1);
    assert_int_equal(run_fixture_stat(f, "ksm.merged"), N_PAGES);
}

/* The pages that could not be copied stay merged, and mergeable. */
static void unmergeable_may_run_out_of_memory(void **state)
{
    enum { N_MERGED = 100, N_FILL = 180 };
    struct run_fixture *f = *state;

    f->config.os.memory_bytes = 1 << 20;
    f->config.os.ksm.n_classes = 1;
    program_say(f->program, "1 mmap 0x100000 0x64000 rw-\n"
                            "1 madvise 0x100000 0x64000 mergeable\n"
                            "1 mmap 0x800000 0xb4000 rw-");
    for (unsigned page = 0; page < N_MERGED; page++)
        program_say(f->program, "1 w %#x", 0x100000 + page * 4096);
    for (unsigned i = 0; i < 20; i++)
        say_time(f, 1);
    for (unsigned page = 0; page < N_FILL; page++)
        program_say(f->program, "1 w %#x", 0x800000 + page * 4096);
    program_say(f->program, "1 madvise 0x100000 0x64000 unmergeable");
    run_fixture_run(f);
    assert_true(run_fixture_stat(f, "ksm.pages_sharing_max") > 90);
    assert_true(run_fixture_stat(f, "ksm.unmerged") > 0);
    assert_true(run_fixture_stat(f, "ksm.unmerged") < N_MERGED);
}

static void what_moves_is_copied_and_merged_again(void **state)
{
    struct run_fixture *f = *state;

    say_two(f);
    program_say(f->program, "1 mremap 0x10000 0x8000 0x900000 0x8000");
    say_time(f, 1);
    say_time(f, 2);
    run_fixture_run(f);
    assert_int_equal(run_fixture_stat(f, "ksm.unmerged"), N_PAGES);
    assert_int_equal(run_fixture_stat(f, "ksm.merged"), 2 * N_PAGES);
}

static void merged_pages_do_not_migrate(void **state)
{
    struct run_fixture *f = *state;

    say_two(f);
    program_say(f->program, "2 munmap 0x10000 0x4000");
    say_time(f, 1);
    program_say(f->program, "1 migrate 0x10000 0x8000");
    run_fixture_run(f);
    assert_int_equal(run_fixture_stat(f, "vmstat.pgmigrate_success"), 0);
    assert_int_equal(run_fixture_stat(f, "vmstat.pgmigrate_fail"), N_PAGES);
}

static void reclaim_takes_a_merged_page_from_all(void **state)
{
    struct run_fixture *f = *state;

    f->config.os.swap_bytes = 1 << 20;
    say_two(f);
    program_say(f->program, "1 reclaim 0x10000 0x8000\n2 n 1000000\n"
                            "2 r 0x10000\n1 r 0x10000");
    run_fixture_run(f);
    assert_int_equal(run_fixture_stat(f, "vmstat.pswpout"), N_PAGES);
    assert_int_equal(run_fixture_stat(f, "vmstat.pswpin"), 2);
    assert_int_equal(run_fixture_stat(f, "vmstat.pglazyfreed"), 0);
}

static void one_owner_cannot_give_up_a_merged_page(void **state)
{
    struct run_fixture *f = *state;

    f->config.os.swap_bytes = 1 << 20;
    say_two(f);
    program_say(f->program, "1 r 0x10000\n1 madvise 0x10000 0x8000 free\n"
                            "1 reclaim 0x10000 0x8000");
    run_fixture_run(f);
    assert_int_equal(run_fixture_stat(f, "vmstat.pglazyfreed"), 0);
    assert_int_equal(run_fixture_stat(f, "vmstat.pswpout"), N_PAGES);
}

static void parts_of_huge_pages_are_split_and_merged(void **state)
{
    struct run_fixture *f = *state;

    f->config.os.thp = THP_ALWAYS;
    f->config.os.ksm.pages_to_scan = 2000;
    for (unsigned tid = 1; tid <= 2; tid++)
        program_say(f->program,
                    "%u mmap 0x40000000 0x200000 rw-\n%u w 0x40000000\n"
                    "%u madvise 0x40000000 0x200000 mergeable",
                    tid, tid, tid);
    for (unsigned i = 0; i < 60; i++) {
        say_time(f, 1);
        say_time(f, 2);
    }
    run_fixture_run(f);
    assert_int_equal(run_fixture_stat(f, "vmstat.thp_split_pmd"), 2);
    assert_int_equal(run_fixture_stat(f, "ksm.merged"), 512);
}

/* ---- clear_refs ---- */

static void after_clear_refs_each_page_faults_once(void **state)
{
    struct run_fixture *f = *state;

    program_say(f->program, "1 mmap 0x10000 0x8000 rw-\n1 w 0x10000\n"
                            "1 w 0x11000\n1 clearrefs\n1 r 0x10000\n"
                            "1 w 0x10000\n1 w 0x10000");
    run_fixture_run(f);
    assert_int_equal(run_fixture_stat(f, "faults.protection"), 1);
    assert_int_equal(run_fixture_stat(f, "vmstat.nr_tlb_local_flush_all"), 1);
}

static void read_only_clean_entries_need_no_flush_in_4_6(void **state)
{
    struct run_fixture *f = *state;

    say_process(f, 1);
    program_say(f->program, "1 madvise 0x10000 0x8000 free\n1 clearrefs");
    say_process(f, 2);
    say_time(f, 1);
    say_time(f, 2);
    run_fixture_run(f);
    assert_int_equal(run_fixture_stat(f, "ksm.unflushed"), N_PAGES);
    assert_int_equal(run_fixture_stat(f, "ksm.write_protected"), N_PAGES);
}

/* ---- B08 ---- */

/* MADV_FREE and clear_refs over many tables, with their flushes to come, while
 * ksmd looks at the pages of the first and a thread writes them. */
static void say_pending_flushes(struct run_fixture *f, uint64_t seed)
{
    enum { N_TABLES = 8, N_ROUNDS = 20, N_MERGEABLE = 24 };
    struct rng rng;

    mmusim__rng_init(&rng, seed, 0);
    program_say(f->program, "1 mmap 0x10000000 0x1000000 rw-\n"
                            "1 madvise 0x10000000 0x18000 mergeable\n"
                            "1 clone 2\n1 clone 3");
    for (unsigned i = 1; i < N_TABLES; i++)
        program_say(f->program, "1 w %#x", 0x10000000 + i * 0x200000);
    for (unsigned round = 0; round < N_ROUNDS; round++) {
        for (unsigned i = 0; i < 3000; i++)
            program_say(f->program, "1 w %#x\n1 n 10",
                        0x10000000 +
                            mmusim__rng_below(&rng, N_MERGEABLE) * 4096);
        program_say(f->program, "1 madvise 0x10000000 0x18000 dontneed");
    }
    for (unsigned i = 0; i < 3 * N_ROUNDS; i++)
        program_say(f->program,
                    "2 madvise 0x10000000 0x1000000 free\n2 n %u\n"
                    "3 clearrefs\n3 n %u",
                    mmusim__rng_below(&rng, 3000),
                    mmusim__rng_below(&rng, 3000));
}

/* Four CPUs with the checker, ksmd on the last; the run is yet to be made. */
static struct run_fixture *racing_fixture(const char *protocol, uint64_t seed)
{
    struct run_fixture *f = run_fixture_create(4);

    run_config(&f->config, 4);
    f->config.checker.is_enabled = true;
    f->config.os.ksm = (struct ksm_config){
        .is_running = true,
        .pages_to_scan = 1000,
        .sleep_cycles = 100,
        .max_sharing = 256,
        .duplicate_ppm = 1000000,
        .n_classes = 3,
    };
    /* walks over tables take long, and so what they have changed waits */
    f->config.cost.pte_scan_cycles = 20;
    use_protocol(f, protocol);
    say_pending_flushes(f, seed);
    return f;
}

static uint64_t lost_stores(struct run_fixture *f)
{
    const struct checker *checker;
    uint64_t n = 0;

    run_start(&f->run, f->program, NULL);
    assert_int_equal(f->run.status, MMUSIM_OK);
    run_assert_laws(&f->run);
    checker = f->run.machine->system.check->checker;
    for (uint32_t i = CHECKER_FIRST_VIOLATION; i < CHECKER_VERDICT_COUNT; i++)
        n += mmusim__checker_count(checker, (enum checker_verdict) i);
    assert_int_equal(n, mmusim__checker_count(checker, CHECKER_LOST_DIRTY));
    return n;
}

static const struct known_bug *bug_named(const char *name)
{
    const struct known_bug *bug;
    size_t i = 0;

    while ((bug = known_bug_at(i++)) && strcmp(bug->name, name) != 0)
        continue;
    assert_non_null(bug);
    return bug;
}

/* With the rule that repairs it alone, and clear_refs telling what it does. */
static void repair_b08(struct run_fixture *f,
                       struct repaired_protocol *repaired)
{
    known_bug_repair(bug_named("B08"), f->run.machine->system.protocol,
                     repaired);
    repaired->rules.gather_counts_nested = true;
    repaired_install(repaired, f->run.machine);
}

static void stores_to_pages_being_merged_are_lost_in_4_6(void **state)
{
    uint64_t n_lost = 0;

    (void) state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct run_fixture *f = racing_fixture("linux-4.6", seed);
        struct run_fixture *same = racing_fixture("linux-4.6", seed);
        struct repaired_protocol repaired;

        run_build(&f->run, &f->config);
        n_lost += lost_stores(f);
        run_build(&same->run, &same->config);
        repair_b08(same, &repaired);
        assert_int_equal(lost_stores(same), 0);
        run_fixture_destroy(f);
        run_fixture_destroy(same);
    }
    assert_true(n_lost > 0);
}

static void repaired_and_later_kernels_lose_none(void **state)
{
    static const char *const names[] = {"linux-4.6-fixed", "linux-4.20",
                                        "linux-6.14-fixed", "linux-7.1",
                                        "ideal"};

    (void) state;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        struct run_fixture *f = racing_fixture(names[i], 1 + i);

        run_build(&f->run, &f->config);
        assert_int_equal(lost_stores(f), 0);
        run_fixture_destroy(f);
    }
}

static void both_engines_merge_alike(void **state)
{
    struct run_fixture *f = racing_fixture("linux-4.6", 1);
    struct machine_run other;

    (void) state;
    run_well(&f->run, &f->config, f->program);
    f->config.engine = ENGINE_REFERENCE;
    run_well(&other, &f->config, f->program);
    run_assert_equal(&f->run, &other);
    run_fini(&other);
    run_fixture_destroy(f);
}

#define T(name)                                                                \
    cmocka_unit_test_setup_teardown(name, setup, run_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(equal_pages_become_one),
        T(a_store_copies_a_merged_page_even_the_last),
        T(what_is_written_is_like_no_other_page),
        T(pages_without_an_equal_stay),
        T(pages_that_change_are_never_sought),
        T(classes_are_equal_whatever_their_address),
        T(without_advice_or_ksmd_nothing_happens),
        T(shared_and_hugetlb_areas_ignore_the_advice),
        T(kernels_from_4_13_limit_the_sharers),
        T(a_fork_shares_what_is_merged),
        T(unmergeable_copies_what_is_merged),
        T(unmergeable_may_run_out_of_memory),
        T(what_moves_is_copied_and_merged_again),
        T(merged_pages_do_not_migrate),
        T(reclaim_takes_a_merged_page_from_all),
        T(one_owner_cannot_give_up_a_merged_page),
        T(parts_of_huge_pages_are_split_and_merged),
        T(after_clear_refs_each_page_faults_once),
        T(read_only_clean_entries_need_no_flush_in_4_6),
        cmocka_unit_test(stores_to_pages_being_merged_are_lost_in_4_6),
        cmocka_unit_test(repaired_and_later_kernels_lose_none),
        cmocka_unit_test(both_engines_merge_alike),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
