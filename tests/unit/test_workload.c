/* SPDX-License-Identifier: MIT */
/* Workload generators: what they emit, exactly; and their parameters. */
#include "core/source.h"
#include "mmusim/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct tally {
    uint64_t records, instructions, loads, stores, dependent, sys;
    uint64_t by_kind[SYS_KIND_COUNT];
    uint64_t hash;
};

static mmusim_source_t *open_spec(const char *spec)
{
    mmusim_source_t *source = NULL;
    mmusim_diag_t diag = {0};

    if (mmusim_workload_source(spec, &source, &diag))
        fail_msg("%s: %s", spec, diag.text);
    return source;
}

static void tally_mix(struct tally *tally, uint64_t value)
{
    tally->hash = (tally->hash ^ value) * UINT64_C(0x100000001b3);
}

static void tally_record(struct tally *tally, const struct op_piece *piece,
                         uint32_t i)
{
    const struct op_record *op = &piece->records[i];

    tally->records++;
    tally_mix(tally, op->vaddr ^ op->meta);
    if (op_kind_of(op) == OP_SYS) {
        const struct sys_op *sys = &piece->sys[op->count];

        assert_int_equal(sys->record_index, i);
        tally->by_kind[sys->kind]++;
        tally->sys++;
        tally_mix(tally, sys->vaddr ^ sys->length_bytes ^ sys->number);
        return;
    }
    tally->instructions += op->count;
    tally->loads += op_kind_of(op) == OP_LOAD;
    tally->stores += op_kind_of(op) == OP_STORE;
    tally->dependent += op_flags_of(op) & OP_FLAG_DEPENDENT;
}

/* Runs a thread to its end; checks what every piece promises. */
static struct tally run_thread(mmusim_source_t *source, uint32_t thread)
{
    struct tally tally = {0};
    struct op_piece piece;
    uint64_t quiet_until = 0; /* instructions before the next SYS */

    for (;;) {
        uint64_t before = tally.instructions;

        assert_int_equal(source->ops->next(source, thread, &piece, NULL), 0);
        if (!piece.n_records)
            return tally;
        assert_int_equal(piece.first_record, tally.records);
        for (uint32_t i = 0; i < piece.n_sys; i++)
            assert_true(before + piece.sys[i].instructions_before >=
                        quiet_until);
        for (uint32_t i = 0; i < piece.n_records; i++)
            tally_record(&tally, &piece, i);
        assert_int_equal(tally.instructions - before, piece.instructions);
        quiet_until = tally.instructions + piece.quiet_instructions;
    }
}

static void a_chase_loads_every_place_once_a_round(void **state)
{
    mmusim_source_t *source = open_spec("chase,pages=1000,rounds=7");
    struct tally tally = run_thread(source, 0);

    (void) state;
    assert_int_equal(source->n_threads, 1);
    assert_int_equal(tally.stores, 1000);
    assert_int_equal(tally.loads, 7000);
    assert_int_equal(tally.dependent, 7000);
    assert_int_equal(tally.instructions, 8000);
    assert_int_equal(tally.records, source->total_records);
    mmusim_source_destroy(source);
}

static void a_random_chase_is_a_permutation(void **state)
{
    static const char *const specs[] = {
        "chase,random=1,pages=1,rounds=1",
        "chase,random=1,pages=2,rounds=1",
        "chase,random=1,pages=1000,rounds=1",
        "chase,random=1,pages=4096,rounds=1,seed=9",
        "chase,random=1,pages=4097,rounds=1,stagger=0",
        "chase,random=1,pages=4097,rounds=1,block=100"};

    (void) state;
    for (size_t s = 0; s < sizeof(specs) / sizeof(specs[0]); s++) {
        mmusim_source_t *source = open_spec(specs[s]);
        struct op_piece piece;
        static unsigned char seen[5000];
        uint64_t base = 0, n = 0, n_out_of_order = 0;

        memset(seen, 0, sizeof(seen));
        for (;;) {
            source->ops->next(source, 0, &piece, NULL);
            if (!piece.n_records)
                break;
            for (uint32_t i = 0; i < piece.n_records; i++) {
                const struct op_record *op = &piece.records[i];
                uint64_t page = (op->vaddr - base) / BASE_PAGE_BYTES;

                if (op_kind_of(op) == OP_SYS && !base)
                    base = piece.sys[op->count].vaddr;
                if (op_kind_of(op) != OP_LOAD)
                    continue;
                n_out_of_order += page != n;
                assert_true(page < sizeof(seen));
                assert_int_equal(seen[page]++, 0);
                n++;
            }
        }
        assert_int_equal(n + n + 4, source->total_records);
        assert_true(n < 100 || n_out_of_order > n / 2);
        mmusim_source_destroy(source);
    }
}

/* Ten blocks of 100 and one of 7: each is done before the next begins. */
static void a_chase_by_blocks_ends_one_before_the_next(void **state)
{
    mmusim_source_t *source =
        open_spec("chase,random=1,pages=1007,rounds=1,block=100,stagger=0");
    struct op_piece piece;
    uint64_t base = 0, n = 0;

    (void) state;
    do {
        source->ops->next(source, 0, &piece, NULL);
        for (uint32_t i = 0; i < piece.n_records; i++) {
            const struct op_record *op = &piece.records[i];

            if (op_kind_of(op) == OP_SYS && !base)
                base = piece.sys[op->count].vaddr;
            if (op_kind_of(op) != OP_LOAD)
                continue;
            assert_int_equal((op->vaddr - base) / BASE_PAGE_BYTES / 100,
                             n / 100);
            n++;
        }
    } while (piece.n_records);
    assert_int_equal(n, 1007);
    mmusim_source_destroy(source);
}

static void warming_rounds_come_before_the_mark(void **state)
{
    mmusim_source_t *source = open_spec("chase,pages=10,rounds=2,warm=3");
    struct op_piece piece;
    uint64_t n_loads[3] = {0};
    uint32_t n_marks = 0;

    (void) state;
    do {
        source->ops->next(source, 0, &piece, NULL);
        for (uint32_t i = 0; i < piece.n_records; i++) {
            const struct op_record *op = &piece.records[i];

            n_marks += op_kind_of(op) == OP_SYS &&
                       piece.sys[op->count].kind == SYS_MARK;
            assert_true(n_marks < 3);
            n_loads[n_marks] += op_kind_of(op) == OP_LOAD;
        }
    } while (piece.n_records);
    assert_int_equal(n_loads[0], 30);
    assert_int_equal(n_loads[1], 20);
    assert_int_equal(n_loads[2], 0);
    mmusim_source_destroy(source);
}

static void accesses_cut_a_round_short(void **state)
{
    mmusim_source_t *source = open_spec("chase,pages=10,accesses=25");

    (void) state;
    assert_int_equal(run_thread(source, 0).loads, 25);
    mmusim_source_destroy(source);
}

static void a_huge_chase_maps_whole_huge_pages(void **state)
{
    mmusim_source_t *source = open_spec("chase,pages=3,huge=2M,stride=4096");
    struct op_piece piece;

    (void) state;
    source->ops->next(source, 0, &piece, NULL);
    assert_int_equal(piece.sys[0].kind, SYS_MMAP);
    assert_int_equal(piece.sys[0].huge_order, PAGE_ORDER_2M);
    assert_int_equal(piece.sys[0].length_bytes, 2 << 20);
    mmusim_source_destroy(source);
}

static void madvise_drops_once_a_round_and_maps_once(void **state)
{
    mmusim_source_t *source =
        open_spec("workload:madvise,pages=5,threads=2,rounds=11,own=3");
    struct tally tally = run_thread(source, 0);

    (void) state;
    assert_int_equal(source->n_threads, 3);
    assert_int_equal(tally.by_kind[SYS_MADVISE], 11);
    assert_int_equal(tally.by_kind[SYS_MMAP], 2);
    assert_int_equal(tally.by_kind[SYS_CLONE], 2);
    assert_int_equal(tally.by_kind[SYS_MARK], 2);
    assert_int_equal(tally.by_kind[SYS_EXIT], 1);
    assert_int_equal(tally.stores, 55);
    assert_int_equal(tally.loads, 33);
    mmusim_source_destroy(source);
}

static void munmap_maps_and_unmaps_every_round(void **state)
{
    mmusim_source_t *source = open_spec("munmap,pages=5,threads=0,rounds=11");
    struct tally tally = run_thread(source, 0);

    (void) state;
    assert_int_equal(tally.by_kind[SYS_MUNMAP], 11);
    assert_int_equal(tally.by_kind[SYS_MMAP], 11);
    assert_int_equal(tally.stores, 55);
    assert_int_equal(tally.records, source->total_records);
    mmusim_source_destroy(source);
}

static void readers_touch_their_own_pages_only(void **state)
{
    mmusim_source_t *source =
        open_spec("munmap,threads=4,warm=100,rounds=3,reads=500");
    uint64_t low[5] = {0}, high[5] = {0};

    (void) state;
    for (uint32_t t = 1; t <= 4; t++) {
        struct op_piece piece;

        low[t] = UINT64_MAX;
        for (;;) {
            source->ops->next(source, t, &piece, NULL);
            if (!piece.n_records)
                break;
            for (uint32_t i = 0; i < piece.n_records; i++) {
                uint64_t page = piece.records[i].vaddr / BASE_PAGE_BYTES;

                if (op_kind_of(&piece.records[i]) > OP_STORE)
                    continue;
                low[t] = min_u64(low[t], page);
                high[t] = max_u64(high[t], page);
            }
        }
        assert_int_equal(high[t] - low[t], 99);
        assert_true(t == 1 || low[t] > high[t - 1]);
    }
    mmusim_source_destroy(source);
}

static void all_threads_together_have_the_promised_records(void **state)
{
    static const char *const specs[] = {
        "madvise,pages=1,threads=255,warm=3,rounds=2,reads=3,work=0",
        "munmap,pages=9000,threads=1,rounds=2,own=1",
        "madvise,pages=4095,threads=0,rounds=3,own=0",
        "munmap,threads=3,reads=0"};

    (void) state;
    for (size_t s = 0; s < sizeof(specs) / sizeof(specs[0]); s++) {
        mmusim_source_t *source = open_spec(specs[s]);
        uint64_t n = 0;

        for (uint32_t i = 0; i < source->n_threads; i++)
            n += run_thread(source, i).records;
        assert_int_equal(n, source->total_records);
        mmusim_source_destroy(source);
    }
}

static void streams_do_not_depend_on_how_they_are_pulled(void **state)
{
    static const char spec[] = "madvise,rounds=50,threads=2,reads=300";
    mmusim_source_t *one = open_spec(spec);
    mmusim_source_t *two = open_spec(spec);
    struct op_piece piece;
    struct tally first, second, last;

    (void) state;
    first = run_thread(one, 1);
    assert_int_equal(run_thread(one, 0).hash != first.hash, 1);
    do /* the other way round, and thread 2 first of all */
        two->ops->next(two, 2, &piece, NULL);
    while (piece.n_records);
    run_thread(two, 0);
    second = run_thread(two, 1);
    assert_true(first.hash == second.hash);
    last = run_thread(one, 2);
    assert_true(last.hash != first.hash);
    mmusim_source_destroy(one);
    mmusim_source_destroy(two);
}

static void wrong_specs_say_what_would_be_right(void **state)
{
    static const char *const rows[][2] = {
        {"chse", "nearest: chase"},
        {"", "workload list"},
        {"chase,page=3", "nearest: pages"},
        {"chase,zzzzzz=3", "one of pages, rounds"},
        {"chase,pages=0", "from 1 to 67108864"},
        {"chase,pages=", "from 1"},
        {"chase,pages=-1", "from 1"},
        {"chase,pages=99999999999999999999", "from 1"},
        {"chase,pages=17179869184G", "from 1"},
        {"chase,pages=4x", "from 1"},
        {"chase,pages", "key=value"},
        {"chase,", "key=value"},
        {"chase,=", "unknown parameter"},
        {"chase,huge=8K", "0, 2M or 1G"},
        {"chase,stride=12", "multiple of 8"},
        {"chase,pages=64M,stride=1G", "32768G"},
        {"chase,pages=64M,rounds=1024G", "2^48"},
        {"munmap,threads=256", "0 to 255"}};

    (void) state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        mmusim_source_t *source = (mmusim_source_t *) &rows;
        mmusim_diag_t diag = {0};

        assert_int_equal(mmusim_workload_source(rows[i][0], &source, &diag),
                         MMUSIM_USAGE);
        assert_null(source);
        if (!strstr(diag.text, rows[i][1]))
            fail_msg("%s: '%s' lacks '%s'", rows[i][0], diag.text, rows[i][1]);
    }
}

static int count_items(void *context, const mmusim_workload_item_t *item)
{
    size_t *n = context;

    assert_non_null(item->workload);
    assert_true(item->help && item->help[0]);
    ++*n;
    return item->parameter && !strcmp(item->parameter, "seed");
}

static void the_list_names_every_parameter_and_can_be_stopped(void **state)
{
    size_t n = 0;

    (void) state;
    assert_int_equal(mmusim_workload_each(count_items, &n), 1);
    assert_int_equal(n, 9); /* chase and its parameters up to the seed */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chase_loads_every_place_once_a_round),
        cmocka_unit_test(a_random_chase_is_a_permutation),
        cmocka_unit_test(a_chase_by_blocks_ends_one_before_the_next),
        cmocka_unit_test(warming_rounds_come_before_the_mark),
        cmocka_unit_test(accesses_cut_a_round_short),
        cmocka_unit_test(a_huge_chase_maps_whole_huge_pages),
        cmocka_unit_test(madvise_drops_once_a_round_and_maps_once),
        cmocka_unit_test(munmap_maps_and_unmaps_every_round),
        cmocka_unit_test(readers_touch_their_own_pages_only),
        cmocka_unit_test(all_threads_together_have_the_promised_records),
        cmocka_unit_test(streams_do_not_depend_on_how_they_are_pulled),
        cmocka_unit_test(wrong_specs_say_what_would_be_right),
        cmocka_unit_test(the_list_names_every_parameter_and_can_be_stopped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
