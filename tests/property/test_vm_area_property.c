/* SPDX-License-Identifier: MIT */
/* VMAs against a page-by-page model, step by step. */
#include "core/rng.h"
#include "model/vm_page_model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct run {
    struct vm_set *set;
    struct vm_model model;
    struct rng rng;
    bool has_huge;          /* hugetlb areas appear, too */
    uint32_t longest_pages; /* mapped or unmapped at once; protected: all */
};

/* A random range of pages, often short. */
static void run_range(struct run *run, uint32_t longest_pages, uint32_t *start,
                      uint32_t *end)
{
    uint32_t n_pages = run->model.n_pages;
    uint32_t longest = 1 + (longest_pages >> mmusim__rng_below(&run->rng, 8));
    uint32_t length;

    *start = mmusim__rng_below(&run->rng, n_pages);
    length = 1 + mmusim__rng_below(&run->rng, longest);
    if (run->has_huge && mmusim__rng_below(&run->rng, 2)) {
        *start &= ~511u;
        length = (length + 511) & ~511u;
    }
    *end = *start + length < n_pages ? *start + length : n_pages;
}

static struct vm_area run_area(struct run *run, uint32_t start, uint32_t end)
{
    struct vm_area area = {
        .start = (uint64_t) start << BASE_PAGE_SHIFT,
        .end = (uint64_t) end << BASE_PAGE_SHIFT,
        .flags = VM_READ | (mmusim__rng_below(&run->rng, 3) ? VM_WRITE : 0),
        .file_id = mmusim__rng_below(&run->rng, 3),
    };

    if (mmusim__rng_below(&run->rng, 8) == 0)
        area.flags |= VM_SHARED;
    if (area.file_id) /* often such that neighbours' offsets continue */
        area.file_offset =
            area.start +
            (mmusim__rng_below(&run->rng, 4) ? 0 : BASE_PAGE_BYTES);
    if (run->has_huge && start % 512 == 0 && end % 512 == 0) {
        area.flags |= VM_HUGETLB;
        area.huge_order = PAGE_ORDER_2M;
    }
    return area;
}

static mmusim_status_t run_remove(struct run *run, uint32_t start, uint32_t end,
                                  uint32_t *n_touched)
{
    bool is_refused = vm_model_cuts_huge_page(&run->model, start, end);
    mmusim_status_t status =
        mmusim__vm_remove(run->set, (uint64_t) start << BASE_PAGE_SHIFT,
                          (uint64_t) end << BASE_PAGE_SHIFT, n_touched);

    assert_int_equal(status, is_refused ? MMUSIM_USAGE : MMUSIM_OK);
    if (!is_refused)
        vm_model_remove(&run->model, start, end);
    return status;
}

static void run_insert(struct run *run, uint32_t start, uint32_t end,
                       uint32_t *n_touched)
{
    struct vm_area area = run_area(run, start, end);
    bool is_free = vm_model_is_free(&run->model, start, end);

    assert_int_equal(mmusim__vm_insert(run->set, &area, n_touched),
                     is_free ? MMUSIM_OK : MMUSIM_USAGE);
    if (is_free)
        vm_model_insert(&run->model, &area);
}

static void run_protect(struct run *run, uint32_t start, uint32_t end,
                        uint32_t *n_touched)
{
    uint32_t prot = mmusim__rng_below(&run->rng, 3);
    bool is_refused = vm_model_cuts_huge_page(&run->model, start, end);

    assert_int_equal(
        mmusim__vm_protect(run->set, (uint64_t) start << BASE_PAGE_SHIFT,
                           (uint64_t) end << BASE_PAGE_SHIFT, prot, n_touched),
        is_refused ? MMUSIM_USAGE : MMUSIM_OK);
    if (!is_refused)
        vm_model_protect(&run->model, start, end, prot);
}

static void assert_same_area(const struct vm_area *found,
                             const struct vm_area *wanted)
{
    assert_int_equal(found->start, wanted->start);
    assert_int_equal(found->end, wanted->end);
    assert_int_equal(found->flags, wanted->flags);
    assert_int_equal(found->huge_order, wanted->huge_order);
    assert_int_equal(found->file_id, wanted->file_id);
    if (wanted->file_id)
        assert_int_equal(found->file_offset, wanted->file_offset);
}

static void assert_found_from(const struct run *run, uint32_t page)
{
    struct vm_area wanted;
    uint64_t vaddr = ((uint64_t) page << BASE_PAGE_SHIFT) + page % 4096;
    const struct vm_area *found = mmusim__vm_find_from(run->set, vaddr);

    if (!vm_model_area_from(&run->model, page, &wanted)) {
        assert_null(found);
        assert_null(mmusim__vm_find(run->set, vaddr));
        return;
    }
    assert_non_null(found);
    assert_same_area(found, &wanted);
    assert_ptr_equal(mmusim__vm_find(run->set, vaddr),
                     run->model.pages[page].is_mapped ? found : NULL);
}

static void assert_same(const struct run *run, const struct vm_set *set)
{
    const struct vm_area *found = mmusim__vm_find_from(set, 0);
    struct vm_area wanted;
    uint32_t page = 0;
    uint32_t n_areas = 0;

    assert_true(mmusim__vm_set_is_valid(set));
    while (page < run->model.n_pages &&
           vm_model_area_from(&run->model, page, &wanted)) {
        assert_non_null(found);
        assert_same_area(found, &wanted);
        page = (uint32_t) (wanted.end >> BASE_PAGE_SHIFT);
        found = mmusim__vm_find_from(set, wanted.end);
        n_areas++;
    }
    assert_null(found);
    assert_int_equal(mmusim__vm_count(set), n_areas);
}

static void run_step(struct run *run)
{
    uint32_t n_before = mmusim__vm_count(run->set);
    uint32_t n_touched = 0;
    uint32_t n_after;
    uint32_t choice = mmusim__rng_below(&run->rng, 6);
    uint32_t start;
    uint32_t end;

    run_range(run, choice < 4 ? run->longest_pages : run->model.n_pages, &start,
              &end);
    switch (choice) {
    case 0:
        run_remove(run, start, end, &n_touched);
        break;
    case 1:
    case 2:
        if (run_remove(run, start, end, &n_touched) == MMUSIM_OK)
            run_insert(run, start, end, &n_touched);
        break;
    case 3:
        run_insert(run, start, end, &n_touched);
        break;
    default:
        run_protect(run, start, end, &n_touched);
        break;
    }
    n_after = mmusim__vm_count(run->set);
    assert_true(n_after <= n_before + n_touched);
    assert_true(n_before <= n_after + n_touched);
    assert_found_from(run, start);
    assert_found_from(run, mmusim__rng_below(&run->rng, run->model.n_pages));
}

/* Returns the most areas there were at once. */
static uint32_t run_all(struct run run, uint32_t n_pages, uint32_t n_steps,
                        uint32_t check_every)
{
    uint32_t most_areas = 0;

    run.set = mmusim__vm_set_create();
    assert_non_null(run.set);
    vm_model_init(&run.model, n_pages);
    for (uint32_t step = 0; step < n_steps; step++) {
        run_step(&run);
        if (mmusim__vm_count(run.set) > most_areas)
            most_areas = mmusim__vm_count(run.set);
        if (step % check_every == 0)
            assert_same(&run, run.set);
        if (step % 1024 == 0) {
            struct vm_set *copy = mmusim__vm_set_copy(run.set);

            assert_non_null(copy);
            assert_same(&run, copy);
            mmusim__vm_set_destroy(run.set);
            run.set = copy;
        }
    }
    assert_same(&run, run.set);
    vm_model_fini(&run.model);
    mmusim__vm_set_destroy(run.set);
    return most_areas;
}

static struct run run_seeded(uint64_t seed, uint32_t longest_pages)
{
    struct run run = {.longest_pages = longest_pages};

    print_message("seed %lu\n", (unsigned long) seed);
    mmusim__rng_init(&run.rng, seed, 0);
    return run;
}

static void few_pages_agree_with_the_model_after_every_step(void **state)
{
    (void) state;
    run_all(run_seeded(1, 96), 96, 300000, 1);
}

static void many_areas_agree_with_the_model(void **state)
{
    (void) state;
    assert_true(run_all(run_seeded(2, 12), 4000, 200000, 128) > 800);
}

static void hugetlb_areas_agree_with_the_model(void **state)
{
    struct run run = run_seeded(3, 6 * 512);

    (void) state;
    run.has_huge = true;
    run_all(run, 6 * 512, 100000, 32);
}

/* One protection may split the full leaves at both its ends, with no other
 * change between that would leave spare ones. */
static void protection_alone_splits_leaves(void **state)
{
    enum { N = 12000, AREA_PAGES = 12, SPAN_PAGES = 60 * AREA_PAGES };
    struct run run = run_seeded(4, 0);
    uint32_t n_touched = 0;

    (void) state;
    run.set = mmusim__vm_set_create();
    vm_model_init(&run.model, N * AREA_PAGES);
    /* Every other one first, then those between: leaves become full. */
    for (uint32_t i = 0; i < N; i++) {
        uint32_t start = (i < N / 2 ? 2 * i : 2 * (i - N / 2) + 1) * AREA_PAGES;
        struct vm_area area = run_area(&run, start, start + AREA_PAGES - 1);

        assert_int_equal(mmusim__vm_insert(run.set, &area, NULL), MMUSIM_OK);
        vm_model_insert(&run.model, &area);
    }
    for (uint32_t i = 0; i < N; i++) {
        uint32_t start =
            mmusim__rng_below(&run.rng, (N - 71) * (uint32_t) AREA_PAGES);
        uint32_t length = SPAN_PAGES + mmusim__rng_below(&run.rng, AREA_PAGES);

        run_protect(&run, start, start + length, &n_touched);
        assert_found_from(&run, start);
    }
    assert_same(&run, run.set);
    vm_model_fini(&run.model);
    mmusim__vm_set_destroy(run.set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_pages_agree_with_the_model_after_every_step),
        cmocka_unit_test(many_areas_agree_with_the_model),
        cmocka_unit_test(hugetlb_areas_agree_with_the_model),
        cmocka_unit_test(protection_alone_splits_leaves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
