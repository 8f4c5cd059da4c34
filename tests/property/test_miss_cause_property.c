/* SPDX-License-Identifier: MIT */
/*
 * Miss causes against a plain dictionary: for each CPU and each number of a
 * translation, the last cause in its present life.
 */
#include "core/rng.h"
#include "tlb/miss_cause.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
    RUN_STEPS = 3000000,
    RUN_CPUS = 3,
    RUN_LIVES = 6000, /* living translations at once, at most */
};

struct run {
    struct translation_table *table;
    struct miss_log *logs[RUN_CPUS];
    struct rng rng;
    uint32_t live[RUN_LIVES]; /* ids */
    uint32_t n_live;
    bool is_live[RUN_LIVES + 1];
    uint8_t causes[RUN_CPUS][RUN_LIVES + 1]; /* the model: 0 is COLD */
};

static void run_begin(struct run *run)
{
    uint32_t id;

    if (run->n_live == RUN_LIVES)
        return;
    id = mmusim__translation_begin(run->table);
    /* Numbers are dense: reused before new ones are taken. */
    assert_in_range(id, 1, RUN_LIVES);
    assert_false(run->is_live[id]);
    run->is_live[id] = true;
    run->live[run->n_live++] = id;
    for (uint32_t cpu = 0; cpu < RUN_CPUS; cpu++)
        run->causes[cpu][id] = MISS_COLD;
}

static void run_end(struct run *run, uint32_t index)
{
    uint32_t id = run->live[index];

    mmusim__translation_end(run->table, id);
    run->is_live[id] = false;
    run->live[index] = run->live[--run->n_live];
}

static void run_touch(struct run *run, uint32_t cpu, uint32_t id)
{
    bool is_fill = mmusim__rng_below(&run->rng, 2);
    enum miss_cause cause = MISS_CAPACITY;

    if (is_fill) {
        assert_true(mmusim__miss_log_filled(run->logs[cpu], id));
    } else {
        cause = (enum miss_cause)(
            1 + mmusim__rng_below(&run->rng, MISS_CAUSE_COUNT - 1));
        assert_true(mmusim__miss_log_removed(run->logs[cpu], id, cause));
    }
    if (run->is_live[id])
        run->causes[cpu][id] = (uint8_t) cause;
}

static void run_check(const struct run *run, uint32_t cpu, uint32_t id)
{
    assert_int_equal(mmusim__miss_log_cause(run->logs[cpu], id),
                     run->is_live[id] ? run->causes[cpu][id] : MISS_COLD);
}

static void run_step(struct run *run, bool is_growing)
{
    uint32_t choice = mmusim__rng_below(&run->rng, 16);
    uint32_t cpu = mmusim__rng_below(&run->rng, RUN_CPUS);
    uint32_t any_id = mmusim__rng_below(&run->rng, RUN_LIVES + 1);

    if (choice < (is_growing ? 3u : 1u))
        run_begin(run);
    else if (choice < 4 && run->n_live)
        run_end(run, mmusim__rng_below(&run->rng, run->n_live));
    else if (choice < 12)
        run_touch(run, cpu, any_id); /* also dead ones and 0 */
    run_check(run, cpu, any_id);
}

static void logs_agree_with_a_dictionary(void **state)
{
    struct run *run = calloc(1, sizeof(*run));

    (void) state;
    assert_non_null(run);
    print_message("seed 41\n");
    mmusim__rng_init(&run->rng, 41, 0);
    run->table = mmusim__translations_create();
    for (uint32_t cpu = 0; cpu < RUN_CPUS; cpu++)
        run->logs[cpu] = mmusim__miss_log_create(run->table);
    for (uint32_t step = 0; step < RUN_STEPS; step++)
        run_step(run, step / 50000 % 2 == 0);
    for (uint32_t cpu = 0; cpu < RUN_CPUS; cpu++) {
        for (uint32_t id = 0; id <= RUN_LIVES; id++)
            run_check(run, cpu, id);
        mmusim__miss_log_destroy(run->logs[cpu]);
    }
    mmusim__translations_destroy(run->table);
    free(run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logs_agree_with_a_dictionary),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
