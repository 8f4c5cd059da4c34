/* SPDX-License-Identifier: MIT */
/*
 * What each arm64 kernel issues for a flush: limits by version, strides, level
 * hints, address spaces that are going away, batches. Expected numbers are
 * from arch/arm64/include/asm/tlbflush.h and tlb.h of each version as
 * docs/protocols/linux-arm64.md sums them up.
 */
#include "support/arm_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ALL = -1, PAGE = 4096, ORDER_2M = 9, ORDER_1G = 18 };

/* Each test has its worlds. */
static struct arm_world *world_of(const char *kernel, uint32_t features)
{
    const struct arm_world_options options = {
        .kernel = kernel, .features = features, .granule_bytes = PAGE};

    return arm_world_create(&options);
}

/* ---- limits ---- */

struct limit {
    const char *kernel;
    uint32_t features;
    uint32_t stride_order; /* of a gather; 0: pages */
    uint64_t n_strides;
    int n_ops; /* ALL: the ASID's, one */
};

static const struct limit limits[] = {
    {"linux-arm64-4.20", 0, 0, 1, 1},
    {"linux-arm64-4.20", 0, 0, 1024, 1024},
    {"linux-arm64-4.20", 0, 0, 1025, ALL},
    {"linux-arm64-4.20", 0, ORDER_2M, 1024, 1024},
    {"linux-arm64-4.20", 0, ORDER_2M, 1025, ALL},
    /* range operations mean nothing to it */
    {"linux-arm64-4.20", ARM_RANGE, 0, 1024, 1024},
    {"linux-arm64-6.8", 0, 0, 511, 511},
    {"linux-arm64-6.8", 0, 0, 512, ALL},
    {"linux-arm64-6.8", 0, ORDER_2M, 511, 511},
    {"linux-arm64-6.8", 0, ORDER_2M, 512, ALL},
    /* 2,097,152 pages are too many, whatever the operations: to 6.17 */
    {"linux-arm64-6.8", 0, ORDER_1G, 7, 7},
    {"linux-arm64-6.8", 0, ORDER_1G, 8, ALL},
    {"linux-arm64-7.1", 0, 0, 511, 511},
    {"linux-arm64-7.1", 0, 0, 512, ALL},
    {"linux-arm64-7.1", 0, ORDER_2M, 511, 511},
    {"linux-arm64-7.1", 0, ORDER_2M, 512, ALL},
    {"linux-arm64-7.1", 0, ORDER_1G, 8, 8},
    {"linux-arm64-7.1", 0, ORDER_1G, 511, 511},
    {"linux-arm64-6.8", ARM_RANGE, 0, 1, 1},
    {"linux-arm64-6.8", ARM_RANGE, 0, 511, 3},
    {"linux-arm64-6.8", ARM_RANGE, 0, 512, 1},
    {"linux-arm64-6.8", ARM_RANGE, 0, 2097151, 5},
    {"linux-arm64-6.8", ARM_RANGE, 0, 2097152, ALL},
    {"linux-arm64-6.8", ARM_RANGE, ORDER_2M, 512, 1},
    {"linux-arm64-6.8", ARM_RANGE, ORDER_1G, 8, ALL},
    {"linux-arm64-6.8-fixed", ARM_RANGE, 0, 2097152, 1},
    {"linux-arm64-6.8-fixed", ARM_RANGE, 0, 2097153, ALL},
    {"linux-arm64-7.1", ARM_RANGE, 0, 511, 3},
    {"linux-arm64-7.1", ARM_RANGE, 0, 2097151, 5},
    {"linux-arm64-7.1", ARM_RANGE, 0, 2097152, 1},
    {"linux-arm64-7.1", ARM_RANGE, 0, 2097153, ALL},
    {"linux-arm64-7.1", ARM_RANGE, ORDER_2M, 3, 1},
    {"linux-arm64-7.1", ARM_RANGE, ORDER_1G, 8, 1},
    {"linux-arm64-7.1", ARM_RANGE, ORDER_1G, 9, ALL},
};

/* Operations to another CPU, and what they name there. */
static void check_limit(const struct limit *limit)
{
    struct arm_world *world = world_of(limit->kernel, limit->features);
    uint64_t bytes = limit->n_strides << (12 + limit->stride_order);
    struct flush_span span = flush_span_of(ARM_VADDR, ARM_VADDR + bytes);
    const struct flush_counters *heard = &arm_cpu(world, 1)->flushes;
    bool is_all = limit->n_ops == ALL;

    span.stride_order = limit->stride_order;
    arm_run(world, ARM_FLUSH_GATHER, &span);
    if (arm_n_ops(world) != (is_all ? 1 : (uint64_t) limit->n_ops) ||
        heard->received_full != is_all || is_all == !!heard->received_pages)
        fail_msg("%s, %u strides of order %u: %u operations, %u pages, %u full",
                 limit->kernel, (unsigned) limit->n_strides,
                 limit->stride_order, (unsigned) arm_n_ops(world),
                 (unsigned) heard->received_pages,
                 (unsigned) heard->received_full);
    /* An operation names a page; a range operation all of its range. */
    if (!is_all)
        assert_int_equal(heard->received_pages,
                         arm_n_ops(world) < limit->n_strides
                             ? limit->n_strides << limit->stride_order
                             : limit->n_strides);
    arm_world_destroy(world);
}

static void every_version_has_its_limits(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
        check_limit(&limits[i]);
}

struct granule_limit {
    const char *kernel;
    uint32_t granule_bytes;
    uint64_t limit; /* pages up to here, inclusive, are flushed singly */
};

/* MAX_TLBI_OPS is PTRS_PER_PTE from 5.0 on, 1024 before. */
static void the_limit_is_a_tables_entries_in_every_granule(void **state)
{
    static const struct granule_limit cases[] = {
        {"linux-arm64-4.20", 16384, 1024}, {"linux-arm64-4.20", 65536, 1024},
        {"linux-arm64-6.8", 16384, 2047},  {"linux-arm64-6.8", 65536, 8191},
        {"linux-arm64-7.1", 16384, 2047},  {"linux-arm64-7.1", 65536, 8191},
    };

    (void) state;
    for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
        const struct granule_limit *of = &cases[i / 2];
        const struct arm_world_options options = {
            .kernel = of->kernel, .granule_bytes = of->granule_bytes};
        struct arm_world *world = arm_world_create(&options);
        uint64_t n_pages = of->limit + i % 2;
        struct flush_span span =
            flush_span_of(ARM_VADDR, ARM_VADDR + n_pages * of->granule_bytes);

        arm_run(world, ARM_FLUSH_RANGE, &span);
        assert_int_equal(arm_n_ops(world), i % 2 ? 1 : n_pages);
        arm_world_destroy(world);
    }
}

static void a_given_ceiling_counts_strides(void **state)
{
    const struct arm_world_options options = {.kernel = "linux-arm64-7.1",
                                              .features = ARM_RANGE,
                                              .granule_bytes = PAGE,
                                              .ceiling = 8};

    (void) state;
    for (uint32_t n = 7; n <= 8; n++) {
        struct arm_world *world = arm_world_create(&options);
        struct flush_span span = flush_span_of(
            ARM_VADDR, ARM_VADDR + ((uint64_t) n << (12 + ORDER_2M)));

        span.stride_order = ORDER_2M;
        arm_run(world, ARM_FLUSH_GATHER, &span);
        assert_int_equal(arm_cpu(world, 1)->flushes.received_full, n == 8);
        arm_world_destroy(world);
    }
}

/* [B42]: 6.8's range of exactly 2^21 pages, which the limit keeps away from
 * the kernel's own callers (KVM's have none). */
static void b42_a_full_range_covers_next_to_nothing(void **state)
{
    static const char *const kernels[] = {"linux-arm64-6.8",
                                          "linux-arm64-6.8-fixed"};
    enum { FAR = 100 };

    (void) state;
    for (uint32_t i = 0; i < 2; i++) {
        const struct arm_world_options options = {.kernel = kernels[i],
                                                  .features = ARM_RANGE,
                                                  .granule_bytes = PAGE,
                                                  .ceiling = 1 << 22};
        struct arm_world *world = arm_world_create(&options);
        struct flush_span span =
            flush_span_of(ARM_VADDR, ARM_VADDR + (UINT64_C(1) << 33));

        arm_fill(world, 1, ARM_VADDR, 0);
        arm_fill(world, 1, ARM_VADDR + FAR * PAGE, 0);
        arm_run(world, ARM_FLUSH_RANGE, &span);
        assert_false(arm_holds(world, 1, ARM_VADDR, 0));
        assert_int_equal(arm_holds(world, 1, ARM_VADDR + FAR * PAGE, 0),
                         i == 0);
        arm_world_destroy(world);
    }
}

/* ---- what goes, what stays ---- */

static void every_stride_loses_its_entry_on_every_cpu(void **state)
{
    enum { N = 5 };
    static const uint32_t features[] = {0, ARM_RANGE, ARM_TTL,
                                        ARM_RANGE | ARM_TTL};
    static const char *const kernels[] = {"linux-arm64-4.20", "linux-arm64-6.8",
                                          "linux-arm64-7.1"};

    (void) state;
    for (uint32_t i = 0; i < 12; i++) {
        struct arm_world *world = world_of(kernels[i / 4], features[i % 4]);
        uint64_t bytes = UINT64_C(1) << (12 + ORDER_2M);
        struct flush_span span =
            flush_span_of(ARM_VADDR, ARM_VADDR + N * bytes);

        span.stride_order = ORDER_2M;
        span.cleared_levels = 1 << 1;
        for (uint32_t id = 0; id < 4; id++) {
            for (uint32_t page = 0; page <= N; page++)
                arm_fill(world, id, ARM_VADDR + page * bytes, ORDER_2M);
        }
        arm_run(world, ARM_FLUSH_GATHER, &span);
        for (uint32_t id = 0; id < 3; id++) {
            for (uint32_t page = 0; page <= N; page++)
                assert_int_equal(
                    arm_holds(world, id, ARM_VADDR + page * bytes, ORDER_2M),
                    page == N);
        }
        assert_true(arm_holds(world, 3, ARM_VADDR, ORDER_2M));
        arm_world_destroy(world);
    }
}

static void pointers_go_only_with_tables(void **state)
{
    static const char *const kernels[] = {"linux-arm64-4.20", "linux-arm64-6.8",
                                          "linux-arm64-7.1"};

    (void) state;
    for (uint32_t i = 0; i < 6; i++) {
        struct arm_world *world = world_of(kernels[i / 2], ARM_TTL);
        struct flush_span span = flush_span_of(ARM_VADDR, ARM_VADDR + PAGE);

        span.cleared_levels = i % 2 ? 3 : 1;
        span.frees_tables = i % 2;
        arm_fill_pointer(world, 1, ARM_VADDR, 0);
        arm_fill_pointer(world, 1, ARM_VADDR, 1);
        arm_run(world, ARM_FLUSH_GATHER, &span);
        assert_int_equal(arm_holds_pointer(world, 1, ARM_VADDR, 0), i % 2 == 0);
        assert_int_equal(arm_holds_pointer(world, 1, ARM_VADDR, 1), i % 2 == 0);
        arm_world_destroy(world);
    }
}

/* A gather that has freed a table, and cleared its entry, says "level 2": as a
 * hint that spares the pointer to the table, before 5.14. */
static void b41_a_freed_table_gives_no_hint(void **state)
{
    static const char *const kernels[] = {
        "linux-arm64-5.10", "linux-arm64-5.10-fixed", "linux-arm64-6.8"};

    (void) state;
    for (uint32_t i = 0; i < 3; i++) {
        struct arm_world *world = world_of(kernels[i], ARM_TTL);
        struct flush_span span = flush_span_of(ARM_VADDR, ARM_VADDR + PAGE);

        span.cleared_levels = 1 << 1;
        span.stride_order = ORDER_2M;
        span.frees_tables = true;
        arm_fill_pointer(world, 1, ARM_VADDR, 0);
        arm_fill_pointer(world, 1, ARM_VADDR, 1);
        arm_run(world, ARM_FLUSH_GATHER, &span);
        assert_int_equal(arm_holds_pointer(world, 1, ARM_VADDR, 0), i == 0);
        assert_false(arm_holds_pointer(world, 1, ARM_VADDR, 1));
        arm_world_destroy(world);
    }
}

struct hint {
    const char *kernel;
    uint32_t cleared_levels;
    uint32_t order; /* of an entry that the hint is not for */
    bool survives;
};

/* tlb_get_level(), 5.9 on: with one level cleared, entries of others stay. */
static void one_level_cleared_is_a_hint(void **state)
{
    static const struct hint hints[] = {
        {"linux-arm64-7.1", 1, ORDER_2M, true},
        {"linux-arm64-6.8", 1, ORDER_2M, true},
        {"linux-arm64-4.20", 1, ORDER_2M, false},
        {"linux-arm64-7.1", 2, 0, true},
        {"linux-arm64-7.1", 3, ORDER_2M, false},
        {"linux-arm64-7.1", 0, ORDER_2M, false},
        {"linux-arm64-7.1", 4, ORDER_2M, true},
        {"linux-arm64-7.1", 4, ORDER_1G, false},
    };

    (void) state;
    for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
        struct arm_world *world = world_of(hints[i].kernel, ARM_TTL);
        struct flush_span span = flush_span_of(ARM_VADDR, ARM_VADDR + PAGE);

        span.cleared_levels = hints[i].cleared_levels;
        arm_fill(world, 1, ARM_VADDR, hints[i].order);
        arm_run(world, ARM_FLUSH_GATHER, &span);
        if (arm_holds(world, 1, ARM_VADDR, hints[i].order) != hints[i].survives)
            fail_msg("hint %u", (unsigned) i);
        arm_world_destroy(world);
    }
}

/* flush_tlb_page(): level 3 from 7.0 on, and for pages only. */
static void a_page_is_hinted_from_7_0_on(void **state)
{
    static const char *const kernels[] = {"linux-arm64-4.20", "linux-arm64-6.8",
                                          "linux-arm64-7.1"};

    (void) state;
    for (uint32_t i = 0; i < 6; i++) {
        struct arm_world *world = world_of(kernels[i / 2], ARM_TTL);
        struct arm_order page = {world, ARM_FLUSH_PAGE,
                                 flush_span_of(ARM_VADDR, ARM_VADDR + PAGE),
                                 i % 2 ? ORDER_2M : 0};

        arm_fill(world, 1, ARM_VADDR, ORDER_2M);
        arm_do(&page, 0);
        small_run(world->small);
        assert_int_equal(arm_holds(world, 1, ARM_VADDR, ORDER_2M), i == 4);
        arm_world_destroy(world);
    }
}

/* tlb_flush() of exit_mmap(): the ASID is not given again without a flush. */
static void an_exiting_space_is_flushed_for_its_tables_alone(void **state)
{
    static const char *const kernels[] = {"linux-arm64-4.20", "linux-arm64-6.8",
                                          "linux-arm64-7.1"};

    (void) state;
    for (uint32_t i = 0; i < 6; i++) {
        struct arm_world *world = world_of(kernels[i / 2], 0);
        struct flush_span span = flush_span_all();

        span.is_full_mm = true;
        span.frees_tables = i % 2;
        arm_fill(world, 1, ARM_VADDR, 0);
        arm_run(world, ARM_FLUSH_GATHER, &span);
        assert_int_equal(arm_n_ops(world), i % 2);
        assert_int_equal(arm_holds(world, 1, ARM_VADDR, 0), i % 2 == 0);
        arm_world_destroy(world);
    }
}

/* flush_tlb_range() of huge pages: 512 operations of a page, or one. */
static void huge_ranges_have_strides_from_6_6_on(void **state)
{
    static const struct {
        const char *kernel;
        uint64_t n_ops;
    } cases[] = {
        {"linux-arm64-4.20", 512},
        {"linux-arm64-6.8", 1},
        {"linux-arm64-7.1", 1},
    };

    (void) state;
    for (uint32_t i = 0; i < 3; i++) {
        struct arm_world *world = world_of(cases[i].kernel, 0);
        struct flush_span span = flush_span_of(
            ARM_VADDR, ARM_VADDR + (UINT64_C(1) << (12 + ORDER_2M)));

        span.is_hugetlb = true;
        span.stride_order = ORDER_2M;
        arm_fill(world, 1, ARM_VADDR, ORDER_2M);
        arm_run(world, ARM_FLUSH_RANGE, &span);
        assert_int_equal(arm_n_ops(world), cases[i].n_ops);
        assert_false(arm_holds(world, 1, ARM_VADDR, ORDER_2M));
        arm_world_destroy(world);
    }
}

/* ---- more rights ---- */

static void from_6_19_on_more_rights_are_told_to_nobody(void **state)
{
    static const struct {
        const char *kernel;
        enum arm_deed deed;
        uint64_t n_ops;
        bool is_kept; /* by the CPU itself */
    } cases[] = {
        {"linux-arm64-4.20", ARM_UPGRADE, 1, false},
        {"linux-arm64-4.20", ARM_SPURIOUS, 1, false},
        {"linux-arm64-6.8", ARM_UPGRADE, 1, false},
        {"linux-arm64-6.8", ARM_SPURIOUS, 0, true},
        {"linux-arm64-7.1", ARM_UPGRADE, 0, false},
        {"linux-arm64-7.1", ARM_SPURIOUS, 0, false},
    };

    (void) state;
    for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct arm_world *world = world_of(cases[i].kernel, 0);
        struct flush_span span = flush_span_of(ARM_VADDR, ARM_VADDR + PAGE);

        for (uint32_t id = 0; id < 2; id++)
            arm_fill(world, id, ARM_VADDR, 0);
        arm_run(world, cases[i].deed, &span);
        assert_int_equal(arm_n_ops(world), cases[i].n_ops);
        assert_int_equal(arm_holds(world, 0, ARM_VADDR, 0), cases[i].is_kept);
        assert_int_equal(arm_holds(world, 1, ARM_VADDR, 0), !cases[i].n_ops);
        arm_world_destroy(world);
    }
}

/* ---- batches ---- */

/* CPU 0 unmaps and waits for nothing; when CPU 2 asks whether a batch is
 * pending, CPU 1 must not have the entry any more. Its message is made to take
 * longer than anything of CPU 2's. */
static void b05_a_barrier_waits_for_its_own_cpu_only(void **state)
{
    static const char *const kernels[] = {
        "linux-arm64-6.8", "linux-arm64-6.8-fixed", "linux-arm64-7.1"};
    static const bool is_left[] = {true, false, false};

    (void) state;
    for (uint32_t i = 0; i < 3; i++) {
        struct arm_world *world = world_of(kernels[i], 0);
        struct flush_span span = flush_span_of(ARM_VADDR, ARM_VADDR + PAGE);
        struct arm_order add = {world, ARM_BATCH_ADD, span, 0};
        struct arm_order pending = {world, ARM_BATCH_PENDING, span, 0};
        struct small_system *small = world->small;
        struct cpu *asker = arm_cpu(world, 2);
        uint64_t sent_cycle;

        small->system.broadcast.latency_socket_cycles = 100000;
        small->system.broadcast.latency_core_cycles = 100000;
        small->system.broadcast.latency_remote_cycles = 10;
        arm_fill(world, 1, ARM_VADDR, 0);
        arm_do(&add, 0);
        arm_do(&pending, 2);
        small_start(small);
        /* CPU 1 is beside CPU 0, CPU 2 in the other socket. */
        for (sent_cycle = 0; asker->activity.mode != CPU_WAITING ||
                             asker->activity.bucket != BUCKET_IDLE;
             sent_cycle += 100) {
            assert_true(sent_cycle < 10000000);
            small_run_to(small, sent_cycle);
        }
        assert_int_equal(arm_holds(world, 1, ARM_VADDR, 0), is_left[i]);
        small_drain(small);
        assert_false(arm_holds(world, 1, ARM_VADDR, 0));
        arm_world_destroy(world);
    }
}

static void a_batch_is_complete_by_one_barrier(void **state)
{
    enum { N = 3 };
    struct arm_world *world = world_of("linux-arm64-7.1", 0);
    struct flush_span span = flush_span_of(ARM_VADDR, ARM_VADDR + PAGE);
    struct arm_order adds[N], flush = {world, ARM_BATCH_FLUSH, span, 0};
    struct small_system *small = world->small;

    (void) state;
    for (uint32_t i = 0; i < N; i++) {
        adds[i] = (struct arm_order){world, ARM_BATCH_ADD, span, 0};
        adds[i].span.start += i * PAGE;
        arm_fill(world, 1, ARM_VADDR + i * PAGE, 0);
        arm_do(&adds[i], 0);
    }
    arm_do(&flush, 0);
    small_run(small);
    assert_int_equal(arm_n_ops(world), N);
    assert_int_equal(small->system.shootdowns.completed, 1);
    for (uint32_t i = 0; i < N; i++)
        assert_false(arm_holds(world, 1, ARM_VADDR + i * PAGE, 0));
    arm_world_destroy(world);
}

static void batches_came_with_6_6(void **state)
{
    (void) state;
    assert_null(mmusim__protocol_find("linux-arm64-4.20")->batch_defers);
    assert_non_null(mmusim__protocol_find("linux-arm64-6.8")->batch_defers);
    assert_non_null(mmusim__protocol_find("linux-arm64-7.1")->batch_defers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_version_has_its_limits),
        cmocka_unit_test(the_limit_is_a_tables_entries_in_every_granule),
        cmocka_unit_test(a_given_ceiling_counts_strides),
        cmocka_unit_test(b42_a_full_range_covers_next_to_nothing),
        cmocka_unit_test(every_stride_loses_its_entry_on_every_cpu),
        cmocka_unit_test(pointers_go_only_with_tables),
        cmocka_unit_test(b41_a_freed_table_gives_no_hint),
        cmocka_unit_test(one_level_cleared_is_a_hint),
        cmocka_unit_test(a_page_is_hinted_from_7_0_on),
        cmocka_unit_test(an_exiting_space_is_flushed_for_its_tables_alone),
        cmocka_unit_test(huge_ranges_have_strides_from_6_6_on),
        cmocka_unit_test(from_6_19_on_more_rights_are_told_to_nobody),
        cmocka_unit_test(b05_a_barrier_waits_for_its_own_cpu_only),
        cmocka_unit_test(a_batch_is_complete_by_one_barrier),
        cmocka_unit_test(batches_came_with_6_6),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
