/* SPDX-License-Identifier: MIT */
/*
 * Every allocation of the kernel-side structures fails once: nothing leaks,
 * nothing is half done, and the same call succeeds afterwards. And the memory
 * they take is what their headers promise.
 */
#include "core/event_queue.h"
#include "core/histogram.h"
#include "os/frame_alloc.h"
#include "os/vm_area.h"
#include "support/failing_malloc.h"
#include "tlb/miss_cause.h"
#include "tlb/pt_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define PAGE UINT64_C(4096)

static int check_leaks(void **state)
{
    (void) state;
    return failing_malloc_live_blocks() ? -1 : 0;
}

/* ---- failures ---- */

static void an_event_is_dropped_whole_and_can_be_queued_later(void **state)
{
    enum { N = 300 };
    static struct event events[N];
    struct event_queue queue;
    uint32_t n_dropped = 0;

    (void) state;
    mmusim__event_queue_init(&queue);
    for (uint32_t i = 0; i < N; i++) {
        event_init(&events[i], NULL, NULL);
        failing_malloc_after(0);
        mmusim__event_schedule(&queue, &events[i],
                               event_key(N - i, EVENT_OS, 0, i));
        failing_malloc_stop();
        assert_int_equal(queue.n_events, i + event_is_queued(&events[i]));
        if (event_is_queued(&events[i]))
            continue;
        assert_true(queue.has_failed);
        n_dropped++;
        mmusim__event_schedule(&queue, &events[i],
                               event_key(N - i, EVENT_OS, 0, i));
        assert_true(event_is_queued(&events[i]));
    }
    assert_int_equal(n_dropped, 4); /* at 0, 64, 128, 256 */
    assert_true(mmusim__event_queue_is_valid(&queue));
    mmusim__event_queue_fini(&queue);
}

static void a_dropped_sample_is_in_no_sum(void **state)
{
    struct histogram histogram;
    uint32_t percent = 50;
    uint64_t value = 77;

    (void) state;
    mmusim__histogram_init(&histogram);
    failing_malloc_after(0);
    mmusim__histogram_add(&histogram, 5);
    assert_true(failing_malloc_stop() && histogram.has_failed);
    assert_int_equal(histogram.n_samples + histogram.sum + histogram.max, 0);
    for (uint64_t i = 1; i <= 48; i++)
        mmusim__histogram_add(&histogram, i);
    failing_malloc_after(0);
    mmusim__histogram_add(&histogram, 1000); /* would have to grow */
    mmusim__histogram_add(&histogram, 7);    /* would not */
    assert_false(
        mmusim__histogram_percentiles(&histogram, &percent, 1, &value));
    failing_malloc_stop();
    assert_int_equal(value, 77);
    assert_int_equal(histogram.n_samples, 49);
    assert_int_equal(histogram.max, 48);
    mmusim__histogram_fini(&histogram);
}

static void no_half_made_object_leaks(void **state)
{
    (void) state;
    failing_malloc_after(0);
    assert_null(mmusim__vm_set_create());
    assert_null(
        mmusim__frame_alloc_create(1 << 30, &mmusim__frame_orders_usual));
    assert_null(mmusim__pt_memory_create());
    assert_null(mmusim__translations_create());
    assert_null(mmusim__miss_log_create(NULL));
    assert_true(failing_malloc_stop());
}

static void a_frame_is_handed_out_whole_or_not(void **state)
{
    struct frame_alloc *frames = mmusim__frame_alloc_create(
        UINT64_C(3) << 30, &mmusim__frame_orders_usual);
    const uint32_t orders[] = {PAGE_ORDER_1G, PAGE_ORDER_2M, PAGE_ORDER_4K};
    uint32_t n_failures = 0;
    uint64_t in_use = 0;

    (void) state;
    for (uint32_t i = 0; i < 6000; i++) {
        uint32_t order = orders[i % 3];
        pfn_t pfn = {0};
        mmusim_status_t status;

        failing_malloc_after(i % 2);
        status = mmusim__frame_get(frames, order, &pfn);
        if (failing_malloc_stop())
            n_failures++;
        if (status == MMUSIM_NOMEM) {
            assert_int_equal(pfn.v, 0);
            assert_int_equal(mmusim__frames_in_use(frames), in_use);
            status = mmusim__frame_get(frames, order, &pfn);
        }
        if (status == MMUSIM_EXHAUSTED)
            continue;
        assert_int_equal(status, MMUSIM_OK);
        assert_int_equal(mmusim__frame_refs(frames, pfn), 1);
        in_use += UINT64_C(1) << order;
        assert_int_equal(mmusim__frames_in_use(frames), in_use);
    }
    assert_true(n_failures > 10);
    mmusim__frame_alloc_destroy(frames);
}

static void a_table_is_added_whole_or_not(void **state)
{
    struct pt_memory *memory = mmusim__pt_memory_create();
    const uint64_t pfns[] = {1, 2, 1 << 13, 1 << 25, UINT64_C(1) << 39};
    /* root, inner node, leaf node, table */
    const uint32_t n_allocations[] = {4, 1, 2, 4, 4};

    (void) state;
    for (uint32_t i = 0; i < 5; i++) {
        pfn_t pfn = {pfns[i]};
        uint32_t n_failures = 0;

        failing_malloc_after(0);
        while (!mmusim__pt_table_add(memory, pfn, 0)) {
            assert_true(failing_malloc_stop());
            assert_null(mmusim__pt_table(memory, pfn));
            assert_int_equal(mmusim__pt_table_count(memory), i);
            n_failures++;
            failing_malloc_after(1); /* nodes made stay: one more each time */
        }
        failing_malloc_stop();
        assert_int_equal(n_failures, n_allocations[i]);
        assert_non_null(mmusim__pt_table(memory, pfn));
    }
    mmusim__pt_memory_destroy(memory);
}

static void a_large_table_is_in_all_its_frames_or_in_none(void **state)
{
    struct pt_memory *memory = mmusim__pt_memory_create();
    /* 64 KiB over the border of two nodes */
    const struct pt_shape shape = {0xff8000, 1, 8192, 3};
    uint32_t n_failures = 0;

    (void) state;
    failing_malloc_after(0);
    while (!mmusim__pt_table_make(memory, &shape)) {
        assert_true(failing_malloc_stop());
        for (uint64_t pfn = 0xff8; pfn < 0x1008; pfn++)
            assert_null(mmusim__pt_table(memory, (pfn_t){pfn}));
        assert_int_equal(mmusim__pt_table_count(memory), 0);
        n_failures++;
        failing_malloc_after(1);
    }
    failing_malloc_stop();
    assert_int_equal(n_failures, 5); /* root, inner node, 2 leaves, table */
    assert_non_null(mmusim__pt_table(memory, (pfn_t){0x1007}));
    mmusim__pt_memory_destroy(memory);
}

static void a_miss_log_keeps_what_it_knows(void **state)
{
    enum { N = 20000 };
    struct translation_table *table = mmusim__translations_create();
    struct miss_log *log = mmusim__miss_log_create(table);
    uint32_t n_failures = 0;

    (void) state;
    for (uint32_t i = 1; i <= N; i++) {
        uint32_t id;

        failing_malloc_after(0);
        id = mmusim__translation_begin(table);
        if (!id) {
            n_failures++;
            failing_malloc_stop();
            id = mmusim__translation_begin(table);
        }
        assert_int_equal(id, i);
        failing_malloc_after(0);
        if (!mmusim__miss_log_removed(log, id, MISS_SWITCH)) {
            assert_int_equal(mmusim__miss_log_cause(log, id), MISS_COLD);
            n_failures++;
            failing_malloc_stop();
            assert_true(mmusim__miss_log_removed(log, id, MISS_SWITCH));
        }
        failing_malloc_stop();
    }
    for (uint32_t id = 1; id <= N; id++)
        assert_int_equal(mmusim__miss_log_cause(log, id), MISS_SWITCH);
    assert_true(n_failures > 64);
    mmusim__miss_log_destroy(log);
    mmusim__translations_destroy(table);
}

static mmusim_status_t change_areas(struct vm_set *set, uint32_t step)
{
    uint64_t start = step * 7919 % 4000 * PAGE;
    struct vm_area area = {start, start + PAGE, VM_READ, 0, 0, 0};

    switch (step % 3) {
    case 0:
        return mmusim__vm_remove(set, start, start + PAGE, NULL);
    case 1:
        if (mmusim__vm_find(set, start))
            return MMUSIM_OK;
        return mmusim__vm_insert(set, &area, NULL);
    default:
        return mmusim__vm_protect(set, start, start + 3 * PAGE,
                                  step % 2 ? VM_WRITE : VM_READ, NULL);
    }
}

static bool areas_are_equal(const struct vm_set *a, const struct vm_set *b)
{
    const struct vm_area *left = mmusim__vm_find_from(a, 0);
    const struct vm_area *right = mmusim__vm_find_from(b, 0);

    while (left && right && left->start == right->start &&
           left->end == right->end && left->flags == right->flags) {
        left = mmusim__vm_find_from(a, left->end);
        right = mmusim__vm_find_from(b, right->end);
    }
    return !left && !right;
}

static void a_change_of_areas_is_done_whole_or_not(void **state)
{
    struct vm_set *set = mmusim__vm_set_create();
    uint32_t n_failures = 0;

    (void) state;
    for (uint32_t step = 0; step < 30000; step++) {
        struct vm_set *before = step % 16 ? NULL : mmusim__vm_set_copy(set);
        mmusim_status_t status;

        failing_malloc_after(step / 16 % 2);
        status = change_areas(set, step);
        if (failing_malloc_stop()) {
            assert_int_equal(status, MMUSIM_NOMEM);
            assert_true(!before || areas_are_equal(set, before));
            n_failures++;
            status = change_areas(set, step);
        }
        assert_int_equal(status, MMUSIM_OK);
        mmusim__vm_set_destroy(before);
    }
    assert_true(mmusim__vm_count(set) > 1000);
    assert_true(mmusim__vm_set_is_valid(set));
    assert_true(n_failures > 10);
    mmusim__vm_set_destroy(set);
}

static void a_failed_copy_leaves_nothing(void **state)
{
    struct vm_set *set = mmusim__vm_set_create();
    struct vm_set *copy = NULL;
    uint64_t n_blocks;
    uint32_t n_failures = 0;

    (void) state;
    for (uint64_t i = 0; i < 500; i++) {
        struct vm_area area = {
            2 * i * PAGE, (2 * i + 1) * PAGE, VM_READ, 0, 0, 0};

        assert_int_equal(mmusim__vm_insert(set, &area, NULL), MMUSIM_OK);
    }
    n_blocks = failing_malloc_live_blocks();
    while (!copy) {
        assert_int_equal(failing_malloc_live_blocks(), n_blocks);
        failing_malloc_after(n_failures++);
        copy = mmusim__vm_set_copy(set);
        failing_malloc_stop();
    }
    assert_true(n_failures > 8);
    assert_true(areas_are_equal(set, copy));
    mmusim__vm_set_destroy(copy);
    mmusim__vm_set_destroy(set);
}

/* ---- memory ---- */

static void a_table_costs_4_kib_and_at_most_128_bytes(void **state)
{
    enum { N = 2000 };
    struct pt_memory *memory = mmusim__pt_memory_create();
    uint64_t base_bytes;

    (void) state;
    mmusim__pt_table_add(memory, (pfn_t){1}, 0);
    base_bytes = failing_malloc_live_bytes();
    for (uint64_t i = 2; i < N + 2; i++)
        mmusim__pt_table_add(memory, (pfn_t){i}, 0);
    assert_true(failing_malloc_live_bytes() - base_bytes <= N * (4096 + 128));
    for (uint64_t i = 2; i < N + 2; i++)
        mmusim__pt_table_remove(memory, (pfn_t){i});
    assert_int_equal(failing_malloc_live_bytes(), base_bytes);
    mmusim__pt_memory_destroy(memory);
}

static void a_logged_translation_costs_at_most_12_bytes(void **state)
{
    enum { N = 400000 };
    struct translation_table *table = mmusim__translations_create();
    struct miss_log *log = mmusim__miss_log_create(table);
    uint64_t base_bytes;

    (void) state;
    for (uint32_t i = 0; i < N; i++)
        mmusim__translation_begin(table);
    failing_malloc_reset_peak();
    base_bytes = failing_malloc_live_bytes();
    for (uint32_t id = 1; id <= N; id++)
        mmusim__miss_log_filled(log, id);
    /* 8-byte cells, 2/3 to 7/8 full, and one piece of 64 being copied */
    assert_true(failing_malloc_live_bytes() - base_bytes <= N * UINT64_C(12));
    assert_true(failing_malloc_peak_bytes() - base_bytes <=
                N * UINT64_C(12) + N / 4);
    print_message("%.2f bytes a pair\n",
                  (double) (failing_malloc_live_bytes() - base_bytes) / N);
    mmusim__miss_log_destroy(log);
    mmusim__translations_destroy(table);
}

static void dead_translations_do_not_pile_up(void **state)
{
    enum { N = 400000, N_ALIVE = 1000 };
    struct translation_table *table = mmusim__translations_create();
    struct miss_log *log = mmusim__miss_log_create(table);
    uint64_t base_bytes;

    (void) state;
    for (uint32_t i = 0; i < N; i++)
        mmusim__translation_begin(table);
    base_bytes = failing_malloc_live_bytes();
    for (uint32_t id = 1; id <= N; id++) {
        assert_true(mmusim__miss_log_filled(log, id));
        if (id > N_ALIVE)
            mmusim__translation_end(table, id - N_ALIVE);
    }
    assert_true(failing_malloc_live_bytes() - base_bytes <= N_ALIVE * 24);
    for (uint32_t id = N - N_ALIVE + 1; id <= N; id++)
        assert_int_equal(mmusim__miss_log_cause(log, id), MISS_CAPACITY);
    mmusim__miss_log_destroy(log);
    mmusim__translations_destroy(table);
}

static void a_frame_costs_at_most_16_bytes(void **state)
{
    struct frame_alloc *frames = mmusim__frame_alloc_create(
        UINT64_C(1) << 40, &mmusim__frame_orders_usual);
    pfn_t pfn;

    (void) state;
    for (uint32_t i = 0; i < 100000; i++)
        mmusim__frame_get(frames, PAGE_ORDER_4K, &pfn);
    /* and a directory of 8 bytes per 512 frames, up to twice too large */
    assert_true(failing_malloc_live_bytes() <= 100000 * UINT64_C(16) + 16384);
    mmusim__frame_alloc_destroy(frames);
}

#define TEST(name) cmocka_unit_test_teardown(name, check_leaks)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_event_is_dropped_whole_and_can_be_queued_later),
        TEST(a_dropped_sample_is_in_no_sum),
        TEST(no_half_made_object_leaks),
        TEST(a_frame_is_handed_out_whole_or_not),
        TEST(a_table_is_added_whole_or_not),
        TEST(a_large_table_is_in_all_its_frames_or_in_none),
        TEST(a_miss_log_keeps_what_it_knows),
        TEST(a_change_of_areas_is_done_whole_or_not),
        TEST(a_failed_copy_leaves_nothing),
        TEST(a_table_costs_4_kib_and_at_most_128_bytes),
        TEST(a_logged_translation_costs_at_most_12_bytes),
        TEST(dead_translations_do_not_pile_up),
        TEST(a_frame_costs_at_most_16_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
