/* SPDX-License-Identifier: MIT */
/*
 * A whole machine that runs as one guest: references of a walk by architecture,
 * exits and what they cost, what no machine could be.
 */
#include "machine/hypervisor.h"
#include "support/machine_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define FIRST_PAGE UINT64_C(0x40000000)

enum { N_PAGES = 20, N_ROUNDS = 5 };

/* One core, 16 entries of an L1, no other cache, in order. */
static void bare_guest(struct machine_config *config)
{
    run_config(config, 1);
    config->core.window = 0;
    config->tlb[TLB_L1D].n_arrays = 1;
    config->tlb[TLB_L1D].arrays[0].n_entries = 16;
    config->tlb[TLB_L1D].arrays[0].n_ways = 16;
    config->tlb[TLB_L2].n_arrays = 0;
    memset(config->psc.levels, 0, sizeof(config->psc.levels));
    config->guest.is_enabled = true;
    config->guest.nested.is_populated = true;
    config->guest.nested.tlb.n_entries = 0;
    config->guest.nested.pointers.n_entries = 0;
}

static void take_isa(struct machine_config *config, enum isa isa)
{
    config->isa = isa;
    mmusim__machine_config_usual(config);
    mmusim__machine_config_finish(config);
}

static void say_rounds(struct program *program, uint32_t n_rounds)
{
    program_say(program, "1 mmap %#llx %#x rw-\n",
                (unsigned long long) FIRST_PAGE, N_PAGES << 12);
    for (uint32_t i = 0; i < N_PAGES; i++)
        program_say(program, "1 w %#llx\n",
                    (unsigned long long) FIRST_PAGE + (i << 12));
    for (uint32_t i = 0; i < N_PAGES * n_rounds; i++)
        program_say(program, "1 rd %#llx\n",
                    (unsigned long long) FIRST_PAGE + (i % N_PAGES << 12));
}

/* A statistic of N_ROUNDS rounds over the pages. */
static uint64_t of_rounds(const struct machine_config *config, const char *name)
{
    uint64_t value = 0;

    for (uint32_t i = 0; i < 2; i++) {
        struct program *program = program_create();
        struct machine_run run;

        say_rounds(program, i ? N_ROUNDS + 1 : 1);
        run_well(&run, config, program);
        run_assert_laws(&run);
        value = run_stat(&run, name) - value;
        run_fini(&run);
        program_destroy(program);
    }
    return value;
}

static void every_architecture_has_its_closed_form(void **state)
{
    static const struct {
        enum isa isa;
        uint32_t n, m; /* levels of the guest's tables, of the host's */
    } cases[] = {
        {ISA_X86_64, 4, 4}, {ISA_X86_64, 5, 4}, {ISA_X86_64, 4, 5},
        {ISA_X86_64, 5, 5}, {ISA_ARMV8, 4, 4},  {ISA_RISCV, 3, 3},
        {ISA_RISCV, 4, 4},  {ISA_RISCV, 5, 5},  {ISA_RISCV, 4, 5},
    };

    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint32_t n = cases[i].n, m = cases[i].m;
        struct machine_config config;

        bare_guest(&config);
        config.page_table.n_levels = n;
        config.guest.nested.n_levels = m;
        take_isa(&config, cases[i].isa);
        assert_int_equal(of_rounds(&config, "walker.pte_reads"),
                         N_PAGES * N_ROUNDS * (n * m + n + m));
        assert_int_equal(of_rounds(&config, "walker.stage2_reads"),
                         N_PAGES * N_ROUNDS * (n * m + m));
        assert_int_equal(of_rounds(&config, "cycles.walk"),
                         N_PAGES * N_ROUNDS *
                             ((n * m + n + m) * config.memory.fixed_cycles +
                              config.walker.start_cycles));
    }
}

static void run_rounds(struct machine_run *run,
                       const struct machine_config *config)
{
    struct program *program = program_create();

    say_rounds(program, 1);
    run_well(run, config, program);
    program_destroy(program);
}

/* Each page and each of the guest's tables is backed once; what that costs is
 * in the bucket of faults. */
static void first_touches_exit_once_each(void **state)
{
    struct machine_config config;
    struct machine_run populated, lazy, slow;
    uint64_t n_exits;

    (void) state;
    bare_guest(&config);
    run_rounds(&populated, &config);
    config.guest.nested.is_populated = false;
    run_rounds(&lazy, &config);
    config.guest.exit_cycles += 1000;
    config.guest.fault_cycles += 100;
    run_rounds(&slow, &config);
    assert_int_equal(run_stat(&populated, "faults.stage2"), 0);
    n_exits = run_stat(&lazy, "faults.stage2");
    /* Four tables, the kernel's root, and the pages. */
    assert_int_equal(n_exits, N_PAGES + 4);
    assert_int_equal(run_stat(&slow, "faults.stage2"), n_exits);
    assert_int_equal(run_stat(&slow, "cycles.fault") -
                         run_stat(&lazy, "cycles.fault"),
                     1100 * n_exits);
    assert_int_equal(run_stat(&lazy, "faults.minor"), N_PAGES);
    run_fini(&populated);
    run_fini(&lazy);
    run_fini(&slow);
}

static void larger_blocks_exit_less(void **state)
{
    struct machine_config config;
    struct machine_run run;

    (void) state;
    bare_guest(&config);
    config.guest.nested.is_populated = false;
    config.guest.block = BLOCK_1G;
    mmusim__machine_config_finish(&config);
    run_rounds(&run, &config);
    assert_int_equal(run_stat(&run, "faults.stage2"), 1);
    run_fini(&run);
}

static void check_refused(const struct machine_config *config, const char *key)
{
    mmusim_diag_t diag = {0};

    assert_int_equal(mmusim__machine_config_check(config, &diag),
                     MMUSIM_CONFIG);
    if (!strstr(diag.text, key))
        fail_msg("\"%s\" does not name %s", diag.text, key);
}

static void what_no_second_stage_could_be_is_refused(void **state)
{
    struct machine_config config;

    (void) state;
    bare_guest(&config);
    config.guest.block = BLOCK_64K;
    mmusim__machine_config_finish(&config);
    check_refused(&config, "virt.page_size");
    bare_guest(&config);
    config.guest.nested.n_levels = 3;
    check_refused(&config, "virt.format");
    bare_guest(&config);
    config.guest.format = STAGE2_EPT;
    take_isa(&config, ISA_RISCV);
    check_refused(&config, "virt.format");
    bare_guest(&config);
    config.guest.nested.tlb.n_entries = 10;
    config.guest.nested.tlb.n_ways = 4;
    check_refused(&config, "nested_tlb");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_architecture_has_its_closed_form),
        cmocka_unit_test(first_touches_exit_once_each),
        cmocka_unit_test(larger_blocks_exit_less),
        cmocka_unit_test(what_no_second_stage_could_be_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
