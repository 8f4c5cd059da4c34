/* SPDX-License-Identifier: MIT */
/* Pages per window, against a model that keeps every access. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/rng.h"
#include "core/source.h"
#include "mmusim/trace.h"

enum { MODEL_RECORDS_MAX = 400000, MODEL_PIECE = 1000, MODEL_PAGES = 3000 };

/* One thread's records, handed out in pieces. */
struct model {
    struct mmusim_source base;
    struct op_record *records;
    uint32_t n;
    uint32_t next;
};

static mmusim_status_t model_next(struct mmusim_source *source, uint32_t thread,
                                  struct op_piece *piece, mmusim_diag_t *diag)
{
    struct model *model = (struct model *) source;
    uint32_t n = model->n - model->next;

    (void) thread;
    (void) diag;
    n = n < MODEL_PIECE ? n : MODEL_PIECE;
    *piece = (struct op_piece){.records = model->records + model->next,
                               .n_records = n};
    model->next += n;
    return MMUSIM_OK;
}

static void model_destroy(struct mmusim_source *source)
{
    (void) source;
}

static const struct source_ops model_ops = {.next = model_next,
                                            .destroy = model_destroy};

/* Phases of different working sets, some accesses that cross pages. */
static void model_fill(struct model *model, uint32_t n, uint64_t seed)
{
    struct rng rng;

    mmusim__rng_init(&rng, seed, 0);
    memset(model, 0, sizeof(*model));
    model->base.ops = &model_ops;
    model->base.n_threads = 1;
    model->n = n;
    model->records = calloc(n + 1, sizeof(*model->records));
    assert_non_null(model->records);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t span = 1 + i / 5000 * 97 % MODEL_PAGES;
        uint64_t page = i / 20000 % 3 * 1000 + mmusim__rng_below(&rng, span);
        enum op_kind kind = (enum op_kind) mmusim__rng_below(&rng, 4);

        model->records[i] = (struct op_record){
            .vaddr = page << 12 | mmusim__rng_below(&rng, 4096),
            .meta = op_meta(kind, 0, 1 + mmusim__rng_below(&rng, 5000)),
        };
    }
}

static mmusim_working_set_t *model_measure(struct model *model)
{
    mmusim_working_set_t *set = NULL;
    mmusim_source_t *source = NULL;
    struct op_piece piece;

    assert_int_equal(mmusim_working_set_create(&set), MMUSIM_OK);
    assert_int_equal(
        mmusim_working_set_source(set, &model->base, &source, NULL), MMUSIM_OK);
    do
        assert_int_equal(source->ops->next(source, 0, &piece, NULL), MMUSIM_OK);
    while (piece.n_records);
    mmusim_source_destroy(source);
    return set;
}

/* What the accesses first.. first + n of the model touch. */
static void model_count(const struct model *model, unsigned char *was_touched,
                        const mmusim_working_set_window_t *window,
                        uint64_t *pages, uint64_t *new_pages)
{
    static unsigned char in_window[MODEL_PAGES + 3000];
    uint64_t n_accesses = 0;

    memset(in_window, 0, sizeof(in_window));
    *pages = 0;
    *new_pages = 0;
    for (uint32_t i = 0; i < model->n; i++) {
        const struct op_record *record = &model->records[i];
        uint64_t at = n_accesses;

        if (op_kind_of(record) > OP_STORE)
            continue;
        n_accesses++;
        if (at < window->first_access ||
            at >= window->first_access + window->n_accesses)
            continue;
        for (uint64_t page = record->vaddr >> 12;
             page <= (record->vaddr + op_bytes_of(record) - 1) >> 12; page++) {
            *pages += !in_window[page];
            *new_pages += !was_touched[page];
            in_window[page] = 1;
            was_touched[page] = 1;
        }
    }
}

static void compare_with_model(uint32_t n, uint64_t seed)
{
    static unsigned char was_touched[MODEL_PAGES + 3000];
    struct model model;
    mmusim_working_set_t *set;
    mmusim_working_set_window_t window;
    uint64_t n_accesses = 0;

    memset(was_touched, 0, sizeof(was_touched));
    model_fill(&model, n, seed);
    set = model_measure(&model);
    for (size_t i = 0; mmusim_working_set_at(set, i, &window); i++) {
        uint64_t pages, new_pages;

        model_count(&model, was_touched, &window, &pages, &new_pages);
        assert_int_equal(window.first_access, n_accesses);
        assert_int_equal(window.pages, pages);
        assert_int_equal(window.new_pages, new_pages);
        n_accesses += window.n_accesses;
        assert_true(i < 256);
    }
    for (uint32_t i = 0; i < model.n; i++)
        n_accesses -= op_kind_of(&model.records[i]) <= OP_STORE;
    assert_int_equal(n_accesses, 0);
    assert_false(mmusim_working_set_is_cut(set));
    mmusim_working_set_destroy(set);
    free(model.records);
}

static void windows_equal_a_model_that_keeps_every_access(void **state)
{
    (void) state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        compare_with_model(3000, seed);
        compare_with_model(100000, seed);
    }
}

static void windows_grow_with_the_run(void **state)
{
    (void) state;
    compare_with_model(MODEL_RECORDS_MAX, 4); /* 300 units: joined once */
}

static void nothing_has_no_windows(void **state)
{
    mmusim_working_set_window_t window;
    mmusim_working_set_t *set = NULL;

    (void) state;
    assert_int_equal(mmusim_working_set_create(&set), MMUSIM_OK);
    assert_false(mmusim_working_set_at(set, 0, &window));
    mmusim_working_set_destroy(set);
    mmusim_working_set_destroy(NULL);
}

/* One page more than the set has room for is told, not counted. */
static void pages_beyond_the_bound_are_told(void **state)
{
    enum { BEYOND = MMUSIM_TRACE_PAGES_MAX + 1 };
    struct model model = {.base = {.ops = &model_ops, .n_threads = 1}};
    mmusim_working_set_window_t window;
    mmusim_working_set_t *set;
    uint64_t pages = 0;

    (void) state;
    model.n = BEYOND;
    model.records = calloc(BEYOND, sizeof(*model.records));
    assert_non_null(model.records);
    for (uint32_t i = 0; i < BEYOND; i++)
        model.records[i] = (struct op_record){.vaddr = (uint64_t) i << 12,
                                              .meta = op_meta(OP_LOAD, 0, 8)};
    set = model_measure(&model);
    for (size_t i = 0; mmusim_working_set_at(set, i, &window); i++)
        pages += window.new_pages;
    assert_int_equal(pages, MMUSIM_TRACE_PAGES_MAX);
    assert_true(mmusim_working_set_is_cut(set));
    mmusim_working_set_destroy(set);
    free(model.records);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_equal_a_model_that_keeps_every_access),
        cmocka_unit_test(windows_grow_with_the_run),
        cmocka_unit_test(nothing_has_no_windows),
        cmocka_unit_test(pages_beyond_the_bound_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
