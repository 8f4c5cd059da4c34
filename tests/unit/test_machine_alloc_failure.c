/* SPDX-License-Identifier: MIT */
/*
 * Host memory that ends at any moment, while a machine is built, runs and is
 * asked for its statistics: a status, nothing leaked, nothing written to the
 * caller.
 */
#include "support/failing_malloc.h"
#include "support/machine_run.h"
#include "support/random_program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static const char *const everything =
    "1 mmap 0x10000 0x40000 rw-\n1 w 0x10000\n1 w 0x20000\n1 r 0x30000\n"
    "1 mmap 0x400000 0x8000 rw- file:a\n1 w 0x400000\n1 r 0x401000\n"
    "1 mmap 0x600000 0x8000 rw- shared\n1 w 0x600000\n"
    "1 mmap 0x40000000 0x400000 rw- huge=2M\n1 w 0x40000000\n"
    "1 clone 2\n1 fork 3\n1 w 0x10000\n1 mark here\n1 w 0x7000000\n"
    "1 mprotect 0x11000 0x2000 r--\n1 mprotect 0x15000 0x2000 r-x\n"
    "1 mremap 0x20000 0x1000 0x80000000 0x3000\n1 sync 1\n"
    "1 munmap 0x10000 0x800000\n1 brk 0x90000000\n1 brk 0x90004000\n"
    "1 w 0x90001000\n1 brk 0x90000000\n"
    "2 w 0x12000\n2 idle 100\n2 madvise 0x10000 0x20000 dontneed\n"
    "2 sync 1\n2 r 0x12000\n"
    "3 w 0x10000\n3 w 0x40000000\n3 exec\n3 w 0x10000\n"
    "4 kthread\n4 mmap 0xffff888000000000 0x4000 rw-\n"
    "4 w 0xffff888000000000\n4 munmap 0xffff888000000000 0x4000\n"
    "5 w 0x1000\n5 on 2\n5 n 100\n";

/* One machine's life with the n-th allocation failing; true if one failed. */
static bool live_with_failure(const struct machine_config *config,
                              const struct program *program, uint32_t n)
{
    struct mmusim_source *source = program_source(program, NULL);
    mmusim_machine_t *machine = NULL;
    mmusim_stats_t *stats = NULL;
    mmusim_status_t status;
    mmusim_diag_t diag = {0};
    bool has_failed;

    failing_malloc_after(n);
    status = mmusim__machine_create(config, &machine, &diag);
    assert_true(!status == !!machine);
    if (!status)
        status = mmusim_machine_run(machine, source, &diag);
    if (!status)
        status = mmusim_machine_stats(machine, &stats);
    has_failed = failing_malloc_stop();
    assert_int_equal(status, has_failed ? MMUSIM_NOMEM : MMUSIM_OK);
    mmusim_stats_destroy(stats);
    mmusim_machine_destroy(machine);
    source->ops->destroy(source);
    return has_failed;
}

static void live_with_failures(const struct machine_config *config,
                               const struct program *program)
{
    uint64_t n_blocks = failing_malloc_live_blocks();
    uint32_t n = 0;
    uint32_t n_tried = 0;

    while (live_with_failure(config, program, n)) {
        if (failing_malloc_live_blocks() != n_blocks)
            fail_msg("a leak when allocation %u fails", (unsigned) n);
        n += 1 + n / 300;
        n_tried++;
    }
    assert_true(n_tried > 100);
    assert_int_equal(failing_malloc_live_blocks(), n_blocks);
    print_message("%u of %u allocations failed\n", (unsigned) n_tried,
                  (unsigned) n);
}

static void every_allocation_of_a_run_may_fail(void **state)
{
    struct program *program = program_create();
    struct machine_config config;

    (void) state;
    run_config(&config, 3);
    config.memory.model = MEMORY_HIERARCHY;
    config.memory.has_data = true;
    program_say(program, "%s", everything);
    live_with_failures(&config, program);
    program_destroy(program);
}

/* Two processes with equal pages, that are merged, written, and copied. */
static void merging_survives_failures(void **state)
{
    struct program *program = program_create();
    struct machine_config config;

    (void) state;
    run_config(&config, 3);
    config.os.ksm = (struct ksm_config){
        .is_running = true,
        .pages_to_scan = 20,
        .sleep_cycles = 100,
        .max_sharing = 256,
        .duplicate_ppm = 1000000,
    };
    for (unsigned tid = 1; tid <= 2; tid++) {
        program_say(program,
                    "%u mmap 0x10000 0x28000 rw-\n"
                    "%u madvise 0x10000 0x28000 mergeable",
                    tid, tid);
        for (unsigned page = 0; page < 40; page++)
            program_say(program, "%u w %#x", tid, 0x10000 + page * 4096);
    }
    for (unsigned i = 0; i < 400; i++)
        program_say(program, "1 n 1000\n2 n 1000");
    program_say(program, "1 clearrefs\n1 w 0x10000\n"
                         "2 madvise 0x10000 0x3000 unmergeable");
    live_with_failures(&config, program);
    program_destroy(program);
}

static void random_programs_survive_failures(void **state)
{
    (void) state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct random_program random;
        struct machine_config config;

        random_program_init(&random, RANDOM_STAMPED, seed, 40);
        run_config(&config, 2);
        live_with_failures(&config, random.program);
        random_program_fini(&random);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_of_a_run_may_fail),
        cmocka_unit_test(merging_survives_failures),
        cmocka_unit_test(random_programs_survive_failures),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
