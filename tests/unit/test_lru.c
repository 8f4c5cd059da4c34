/* SPDX-License-Identifier: MIT */
/* Pages, their reverse maps and lists, swap slots, watermarks: against naive
 * models and the tables in the kernel's own comments. */
#include "core/rng.h"
#include "os/mm.h"
#include "os/reclaim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { N_PAGES = 40, N_STEPS = 20000, N_MMS = 3 };

/* ---- watermarks ---- */

/* Of a machine with one node. */
static struct watermarks total_marks(uint64_t n_frames, uint32_t scale_factor)
{
    return mmusim__watermarks_of(n_frames, n_frames, scale_factor);
}

/* The comment before init_per_zone_wmark_min(), Linux 4.6 mm/page_alloc.c. */
static void min_free_is_the_kernels_table(void **state)
{
    static const struct {
        uint64_t mib, min_kib;
    } rows[] = {
        {16, 512},    {32, 724},     {64, 1024},     {128, 1448},
        {256, 2048},  {512, 2896},   {1024, 4096},   {2048, 5792},
        {4096, 8192}, {8192, 11585}, {16384, 16384},
    };

    (void) state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct watermarks marks = total_marks(rows[i].mib << 8, 10);

        assert_int_equal(marks.min, rows[i].min_kib / 4);
    }
}

static void low_and_high_are_a_quarter_or_the_scale_factor_apart(void **state)
{
    struct watermarks marks = total_marks(UINT64_C(1) << 18, 0);

    (void) state;
    assert_int_equal(marks.min, 1024);
    assert_int_equal(marks.low, 1024 + 256);
    assert_int_equal(marks.high, 1024 + 512);
    marks = total_marks(UINT64_C(1) << 18, 100); /* 1 % */
    assert_int_equal(marks.low - marks.min, 2621);
    assert_int_equal(marks.high - marks.low, 2621);
}

static void min_free_has_bounds(void **state)
{
    (void) state;
    assert_int_equal(total_marks(256, 10).min, 128 / 4);
    assert_int_equal(total_marks(UINT64_C(1) << 30, 10).min, 65536 / 4);
}

/* __setup_per_zone_wmarks() divides min_free_kbytes by the zones' sizes. */
static void nodes_share_min_free_by_their_sizes(void **state)
{
    uint64_t n_all = UINT64_C(1) << 18;
    struct watermarks all = total_marks(n_all, 10);
    struct watermarks part = mmusim__watermarks_of(n_all / 4, n_all, 10);

    (void) state;
    assert_int_equal(part.min, all.min / 4);
    assert_int_equal(part.low - part.min, (all.low - all.min) / 4);
    assert_int_equal(mmusim__watermarks_of(0, n_all, 10).high, 0);
}

/* ---- reverse maps ---- */

struct naive_map {
    uint32_t page, mm;
    uint64_t vaddr;
    bool is_there;
};

static bool has_map(const struct page *page, const struct mm *mm,
                    uint64_t vaddr)
{
    for (const struct page_map *map = &page->map; map && map->mm;
         map = map->next) {
        if (map->mm == mm && map->vaddr == vaddr)
            return true;
    }
    return false;
}

static void reverse_maps_equal_a_list_of_mappings(void **state)
{
    enum { N_MAPS = 200 };
    static struct mm mms[N_MMS];
    static struct naive_map maps[N_MAPS];
    struct page_array *pages = mmusim__pages_create(0);
    struct rng rng;

    (void) state;
    mmusim__rng_init(&rng, 7, 0);
    assert_non_null(pages);
    for (uint32_t step = 0; step < N_STEPS; step++) {
        struct naive_map *map = &maps[mmusim__rng_below(&rng, N_MAPS)];
        struct page *page;

        if (!map->is_there)
            *map = (struct naive_map){mmusim__rng_below(&rng, N_PAGES),
                                      mmusim__rng_below(&rng, N_MMS),
                                      (uint64_t) (map - maps) << 12, false};
        page = mmusim__page_make(pages, (pfn_t){1000 + map->page});
        assert_int_equal(page->pfn, 1000 + map->page);
        if (map->is_there)
            mmusim__page_unmap(pages, page, &mms[map->mm], map->vaddr);
        else
            assert_true(
                mmusim__page_map(pages, page, &mms[map->mm], map->vaddr));
        map->is_there = !map->is_there;
        assert_int_equal(has_map(page, &mms[map->mm], map->vaddr),
                         map->is_there);
    }
    for (uint32_t p = 0; p < N_PAGES; p++) {
        struct page *page = mmusim__page_make(pages, (pfn_t){1000 + p});
        uint32_t n = 0;

        for (uint32_t i = 0; i < N_MAPS; i++)
            n += maps[i].is_there && maps[i].page == p;
        assert_int_equal(mmusim__page_count_maps(page), n);
        assert_int_equal(page_is_mapped(page), n > 0);
    }
    mmusim__pages_destroy(pages);
}

/* ---- lists ---- */

/* The naive list: page numbers, young end first. */
struct naive_list {
    uint32_t at[N_PAGES];
    uint32_t n;
};

static void naive_insert(struct naive_list *list, uint32_t page, bool is_head)
{
    uint32_t where = is_head ? 0 : list->n;

    for (uint32_t i = list->n++; i > where; i--)
        list->at[i] = list->at[i - 1];
    list->at[where] = page;
}

static bool naive_remove(struct naive_list *list, uint32_t page)
{
    uint32_t i = 0;

    while (i < list->n && list->at[i] != page)
        i++;
    if (i == list->n)
        return false;
    for (list->n--; i < list->n; i++)
        list->at[i] = list->at[i + 1];
    return true;
}

static void assert_list(const struct lru_list *list,
                        const struct naive_list *naive,
                        const struct page *pages)
{
    const struct page *page = list->head;

    assert_int_equal(list->n_pages, naive->n);
    for (uint32_t i = 0; i < naive->n; i++, page = page->next)
        assert_ptr_equal(page, &pages[naive->at[i]]);
}

static void lists_equal_arrays(void **state)
{
    struct page pages[N_PAGES] = {{.pfn = 0}};
    struct naive_list naive[LRU_KINDS] = {{.n = 0}};
    struct lru lru = {.n_scanned = {0}};
    struct rng rng;

    (void) state;
    mmusim__rng_init(&rng, 11, 0);
    for (uint32_t step = 0; step < N_STEPS; step++) {
        uint32_t at = mmusim__rng_below(&rng, N_PAGES);
        struct page *page = &pages[at];
        bool is_head = mmusim__rng_below(&rng, 2);

        if (page->flags & PAGE_LRU) {
            assert_true(naive_remove(&naive[lru_kind_of(page)], at));
            mmusim__lru_remove(&lru, page);
            page->file_id = mmusim__rng_below(&rng, 2);
            page->flags = mmusim__rng_below(&rng, 2) ? PAGE_ACTIVE : 0;
            continue;
        }
        naive_insert(&naive[lru_kind_of(page)], at, is_head);
        if (is_head)
            mmusim__lru_add_head(&lru, page);
        else
            mmusim__lru_add_tail(&lru, page);
    }
    assert_true(mmusim__lru_is_valid(&lru));
    for (uint32_t kind = 0; kind < LRU_KINDS; kind++)
        assert_list(&lru.lists[kind], &naive[kind], pages);
}

static void a_pagevec_comes_to_the_head_in_its_order(void **state)
{
    struct page pages[LRU_PAGEVEC + 3] = {{.pfn = 0}};
    struct lru_pending pending = {.n_pages = 0};
    struct lru lru = {.n_scanned = {0}};
    struct page *page;

    (void) state;
    for (uint32_t i = 0; i < LRU_PAGEVEC + 3; i++) {
        pages[i].file_id = 1;
        mmusim__lru_defer(&pending, &pages[i], 0);
    }
    mmusim__lru_forget(&pending, &pages[2]);
    assert_int_equal(mmusim__lru_drain(&lru, &pending, LRU_PAGEVEC),
                     LRU_PAGEVEC);
    assert_int_equal(pending.n_pages, 2);
    assert_int_equal(lru.lists[LRU_INACTIVE_FILE].n_pages, LRU_PAGEVEC);
    page = lru.lists[LRU_INACTIVE_FILE].tail;
    for (uint32_t i = 0; i < LRU_PAGEVEC + 1; i++) {
        if (i == 2)
            continue;                      /* it went while it waited */
        assert_ptr_equal(page, &pages[i]); /* the oldest goes first */
        page = page->prev;
    }
    assert_null(page);
    assert_int_equal(mmusim__lru_drain(&lru, &pending, LRU_PAGEVEC), 2);
    assert_true(mmusim__lru_is_valid(&lru));
}

static void a_pagevec_of_two_nodes_goes_to_both_in_its_order(void **state)
{
    struct page pages[8] = {{.pfn = 0}};
    struct lru_pending pending = {.n_pages = 0};
    struct lru lrus[2] = {{.node = 0}, {.node = 1}};

    (void) state;
    for (uint32_t i = 0; i < 8; i++) {
        pages[i].file_id = 1;
        pages[i].node = i % 2;
        mmusim__lru_defer(&pending, &pages[i], 0);
    }
    /* of the first six, three are node 1's */
    assert_int_equal(mmusim__lru_drain(&lrus[1], &pending, 6), 3);
    assert_int_equal(mmusim__lru_drain(&lrus[0], &pending, 3), 3);
    assert_int_equal(pending.n_pages, 2);
    for (uint32_t node = 0; node < 2; node++) {
        const struct lru_list *list = &lrus[node].lists[LRU_INACTIVE_FILE];

        assert_true(mmusim__lru_is_valid(&lrus[node]));
        assert_ptr_equal(list->tail, &pages[node]);
        assert_ptr_equal(list->tail->prev, &pages[node + 2]);
    }
    assert_ptr_equal(pending.head, &pages[6]);
}

/* ---- swap ---- */

static void slots_live_as_long_as_their_references(void **state)
{
    struct swap swap = {.n_slots = 2};
    uint32_t a, b, c;

    (void) state;
    assert_true(mmusim__swap_get(&swap, &a));
    assert_true(mmusim__swap_get(&swap, &b));
    assert_int_not_equal(a, b);
    assert_false(mmusim__swap_get(&swap, &c));
    mmusim__swap_ref(&swap, a);
    mmusim__swap_unref(&swap, a);
    assert_false(mmusim__swap_get(&swap, &c));
    mmusim__swap_unref(&swap, a);
    assert_int_equal(swap.n_used, 1);
    assert_true(mmusim__swap_get(&swap, &c));
    assert_int_equal(c, a);
    assert_int_equal(swap_word_slot(swap_word(c)), c);
    mmusim__swap_fini(&swap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(min_free_is_the_kernels_table),
        cmocka_unit_test(low_and_high_are_a_quarter_or_the_scale_factor_apart),
        cmocka_unit_test(min_free_has_bounds),
        cmocka_unit_test(nodes_share_min_free_by_their_sizes),
        cmocka_unit_test(reverse_maps_equal_a_list_of_mappings),
        cmocka_unit_test(lists_equal_arrays),
        cmocka_unit_test(a_pagevec_comes_to_the_head_in_its_order),
        cmocka_unit_test(a_pagevec_of_two_nodes_goes_to_both_in_its_order),
        cmocka_unit_test(slots_live_as_long_as_their_references),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
