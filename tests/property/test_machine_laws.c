/* SPDX-License-Identifier: MIT */
/*
 * What can be known of a run in advance: closed forms of a pointer chase to the
 * cycle, stack distances, monotony in ways, the same run twice, all sizes of
 * machine.
 */
#include "core/rng.h"
#include "support/machine_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FIRST_PAGE UINT64_C(0x40000000)

/* One core, one fully associative L1D of 4 KiB pages, no L2 to speak of, no
 * paging-structure caches, every page-table read at one price. */
static void bare_config(struct machine_config *config, uint32_t n_entries)
{
    run_config(config, 1);
    config->core.window = 0;
    config->tlb[TLB_L1D].n_arrays = 1;
    config->tlb[TLB_L1D].arrays[0].n_entries = n_entries;
    config->tlb[TLB_L1D].arrays[0].n_ways = n_entries;
    config->tlb[TLB_L2].n_arrays = 0;
    for (uint32_t i = 0; i < CONFIG_PSC_LEVELS; i++)
        config->psc.levels[i].n_entries = 0;
}

/* Touches every page, then goes round `n_rounds` times. */
static struct program *chase(uint32_t n_pages, uint32_t n_rounds)
{
    struct program *program = program_create();

    program_say(program, "1 mmap %#llx %#x rw-\n",
                (unsigned long long) FIRST_PAGE, n_pages << 12);
    for (uint32_t i = 0; i < n_pages; i++)
        program_say(program, "1 w %#llx\n",
                    (unsigned long long) FIRST_PAGE + (i << 12));
    program_say(program, "1 mark begin\n1 i 0x1000\n");
    for (uint32_t i = 0; i < n_pages * n_rounds; i++)
        program_say(program, "1 rd %#llx\n",
                    (unsigned long long) FIRST_PAGE + (i % n_pages << 12));
    program_say(program, "1 mark end\n");
    return program;
}

struct chased {
    uint64_t misses, cycles, walk;
};

/* What the rounds alone took: the difference of two runs. */
static struct chased chase_rounds(const struct machine_config *config,
                                  uint32_t n_pages, uint32_t n_rounds)
{
    struct chased result = {0, 0, 0};

    for (uint32_t i = 0; i < 2; i++) {
        struct program *program = chase(n_pages, i ? n_rounds + 1 : 1);
        struct machine_run run;

        run_well(&run, config, program);
        result.misses = run_stat(&run, "llt.misses") - result.misses;
        result.cycles = run_stat(&run, "sim.cycles") - result.cycles;
        result.walk = run_stat(&run, "cycles.walk") - result.walk;
        run_fini(&run);
        program_destroy(program);
    }
    return result;
}

static void a_chase_misses_never_or_always(void **state)
{
    enum { N_ENTRIES = 16, N_ROUNDS = 5 };

    (void) state;
    for (uint32_t n_pages = N_ENTRIES - 1; n_pages <= N_ENTRIES + 2;
         n_pages++) {
        struct machine_config config;
        struct chased chased;

        bare_config(&config, N_ENTRIES);
        chased = chase_rounds(&config, n_pages, N_ROUNDS);
        assert_int_equal(chased.misses,
                         n_pages <= N_ENTRIES ? 0 : n_pages * N_ROUNDS);
    }
}

static void a_chase_takes_its_closed_form_to_the_cycle(void **state)
{
    enum { N_PAGES = 20, N_ROUNDS = 7 };

    (void) state;
    for (uint32_t levels = 4; levels <= 5; levels++) {
        for (uint32_t read_cycles = 1; read_cycles < 200; read_cycles += 61) {
            struct machine_config config;
            struct chased chased;
            uint64_t walk_cycles;

            bare_config(&config, N_PAGES - 1);
            config.page_table.n_levels = levels;
            config.memory.fixed_cycles = read_cycles;
            config.walker.start_cycles = 3 + read_cycles / 7;
            chased = chase_rounds(&config, N_PAGES, N_ROUNDS);
            walk_cycles =
                config.walker.start_cycles + (uint64_t) levels * read_cycles;
            assert_int_equal(chased.walk, N_PAGES * N_ROUNDS * walk_cycles);
            assert_int_equal(chased.cycles, N_PAGES * N_ROUNDS * walk_cycles);
        }
    }
}

static void an_l2_hit_costs_its_cycles_in_its_bucket(void **state)
{
    enum { N_PAGES = 20, N_ROUNDS = 7 };
    struct machine_config config;
    struct chased chased;

    (void) state;
    bare_config(&config, N_PAGES / 2);
    config.tlb[TLB_L2].n_arrays = 1;
    config.tlb[TLB_L2].arrays[0].hit_cycles = 13;
    chased = chase_rounds(&config, N_PAGES, N_ROUNDS);
    assert_int_equal(chased.misses, 0);
    assert_int_equal(chased.cycles, N_PAGES * N_ROUNDS * 13);
}

/* ---- stack distances ---- */

enum { N_DISTINCT = 60, N_STREAM = 20000 };

static struct program *random_stream(uint64_t seed, uint32_t *pages)
{
    struct program *program = program_create();
    struct rng rng;

    mmusim__rng_init(&rng, seed, 0);
    for (uint32_t i = 0; i < N_STREAM; i++) {
        uint32_t span = 1 + mmusim__rng_below(&rng, N_DISTINCT);

        pages[i] = mmusim__rng_below(&rng, span);
        program_say(program, "1 w %#llx\n",
                    (unsigned long long) FIRST_PAGE + (pages[i] << 12));
    }
    return program;
}

/* Misses of an LRU stack of n_entries. */
static uint64_t stack_misses(const uint32_t *pages, uint32_t n_entries)
{
    uint32_t stack[N_DISTINCT];
    uint32_t depth = 0;
    uint64_t misses = 0;

    for (uint32_t i = 0; i < N_STREAM; i++) {
        uint32_t at = 0;

        while (at < depth && stack[at] != pages[i])
            at++;
        misses += at == depth || at >= n_entries;
        if (at == depth)
            depth++;
        memmove(stack + 1, stack, at * sizeof(*stack));
        stack[0] = pages[i];
    }
    return misses;
}

static void lru_misses_are_those_of_stack_distances(void **state)
{
    uint32_t *pages = malloc(N_STREAM * sizeof(*pages));
    struct program *program = random_stream(1, pages);

    (void) state;
    for (uint32_t n_entries = 1; n_entries <= 64; n_entries *= 2) {
        struct machine_config config;
        struct machine_run run;

        bare_config(&config, n_entries);
        run_well(&run, &config, program);
        assert_int_equal(run_stat(&run, "llt.misses"),
                         stack_misses(pages, n_entries));
        run_fini(&run);
    }
    program_destroy(program);
    free(pages);
}

static void more_ways_never_add_misses(void **state)
{
    uint32_t *pages = malloc(N_STREAM * sizeof(*pages));
    struct program *program = random_stream(2, pages);
    uint64_t last = UINT64_MAX;

    (void) state;
    for (uint32_t n_ways = 1; n_ways <= 16; n_ways++) {
        struct machine_config config;
        struct machine_run run;

        bare_config(&config, 4 * n_ways); /* always 4 sets */
        config.tlb[TLB_L1D].arrays[0].n_ways = n_ways;
        run_well(&run, &config, program);
        assert_true(run_stat(&run, "llt.misses") <= last);
        last = run_stat(&run, "llt.misses");
        run_fini(&run);
    }
    program_destroy(program);
    free(pages);
}

/* ---- sizes and repetition ---- */

/* Threads of one process, each with pages of its own, that map and unmap. */
static struct program *busy_threads(uint32_t n_threads, uint32_t n_rounds)
{
    struct program *program = program_create();

    for (uint32_t tid = 2; tid <= n_threads; tid++)
        program_say(program, "1 clone %u\n", tid);
    for (uint32_t i = 0; i < n_rounds; i++) {
        for (uint32_t tid = 1; tid <= n_threads; tid++) {
            uint32_t vaddr = 0x40000000 + tid * 0x10000;

            program_say(program,
                        "%u w %#x\n%u w %#x\n%u n 500\n"
                        "%u madvise %#x 0x2000 dontneed\n",
                        tid, vaddr, tid, vaddr + 0x1000, tid, tid, vaddr);
        }
    }
    return program;
}

static void machines_of_all_sizes_run_alike_in_both_engines(void **state)
{
    static const uint32_t sizes[] = {1, 2, 3, 16, 64, 256};

    (void) state;
    for (uint32_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        uint32_t n_threads = sizes[i] < 64 ? 2 * sizes[i] : 64;
        struct program *program = busy_threads(n_threads, 6);
        struct machine_run runs[3];
        struct machine_config config;

        run_config(&config, sizes[i]);
        if (sizes[i] % 2 == 0) {
            config.n_sockets = 2;
            config.cores_per_socket /= 2;
        }
        run_well(&runs[0], &config, program);
        run_well(&runs[1], &config, program);
        config.engine = ENGINE_REFERENCE;
        run_well(&runs[2], &config, program);
        run_assert_equal(&runs[0], &runs[1]);
        run_assert_equal(&runs[0], &runs[2]);
        for (uint32_t k = 0; k < 3; k++)
            run_fini(&runs[k]);
        program_destroy(program);
    }
}

static void pieces_of_any_length_run_alike(void **state)
{
    struct program *program = busy_threads(6, 20);
    struct machine_config config;
    struct machine_run whole;

    (void) state;
    run_config(&config, 4);
    run_well(&whole, &config, program);
    for (uint32_t n = 1; n < 200; n = n * 3 + 1) {
        const struct program_view view = {n, NULL, NULL};
        struct machine_run run;

        run_program(&run, &config, program, &view);
        run_assert_equal(&whole, &run);
        run_fini(&run);
    }
    run_fini(&whole);
    program_destroy(program);
}

static void simulated_memory_that_is_full_ends_the_run(void **state)
{
    struct program *program = program_create();
    struct machine_config config;
    struct machine_run run;

    (void) state;
    run_config(&config, 2);
    config.os.memory_bytes = 1 << 20;
    program_say(program, "1 clone 2\n2 n 100\n");
    for (uint32_t i = 0; i < 300; i++)
        program_say(program, "1 w %#x\n", 0x40000000 + (i << 12));
    run_program(&run, &config, program, NULL);
    assert_int_equal(run.status, MMUSIM_EXHAUSTED);
    assert_non_null(strstr(run.diag.text, "os.memory"));
    run_fini(&run);
    program_destroy(program);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chase_misses_never_or_always),
        cmocka_unit_test(a_chase_takes_its_closed_form_to_the_cycle),
        cmocka_unit_test(an_l2_hit_costs_its_cycles_in_its_bucket),
        cmocka_unit_test(lru_misses_are_those_of_stack_distances),
        cmocka_unit_test(more_ways_never_add_misses),
        cmocka_unit_test(machines_of_all_sizes_run_alike_in_both_engines),
        cmocka_unit_test(pieces_of_any_length_run_alike),
        cmocka_unit_test(simulated_memory_that_is_full_ends_the_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
