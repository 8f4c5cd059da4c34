/* SPDX-License-Identifier: MIT */
/*
 * The same program on a machine of every first-stage format: pages are faulted
 * in once, and without any cache each walk reads as many entries as the
 * format has levels. Addresses fit 32 bits.
 */
#include "support/format_list.h"
#include "support/machine_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

enum { N_PAGES = 48, N_ROUNDS = 4 };

#define FIRST UINT64_C(0x40000000) /* the second half is 1 GiB further up */

struct machine_case {
    enum isa isa;
    struct page_table_config page_table;
    uint32_t n_levels; /* the manual's, counted by hand */
};

static const struct machine_case cases[] = {
    {ISA_X86_64, {0, GRANULE_4K, FORMAT_USUAL, 0}, 4},
    {ISA_X86_64, {5, GRANULE_4K, FORMAT_USUAL, 0}, 5},
    {ISA_I386, {0, GRANULE_4K, FORMAT_PLAIN, 0}, 2},
    {ISA_I386, {0, GRANULE_4K, FORMAT_PSE, 0}, 2},
    {ISA_I386, {0, GRANULE_4K, FORMAT_PAE, 0}, 3},
    {ISA_ARMV8, {0, GRANULE_4K, FORMAT_USUAL, 48}, 4},
    {ISA_ARMV8, {0, GRANULE_4K, FORMAT_USUAL, 39}, 3},
    {ISA_ARMV8, {0, GRANULE_4K, FORMAT_USUAL, 52}, 5},
    {ISA_ARMV8, {0, GRANULE_16K, FORMAT_USUAL, 36}, 2},
    {ISA_ARMV8, {0, GRANULE_16K, FORMAT_USUAL, 47}, 3},
    {ISA_ARMV8, {0, GRANULE_16K, FORMAT_USUAL, 48}, 4},
    {ISA_ARMV8, {0, GRANULE_16K, FORMAT_USUAL, 52}, 4},
    {ISA_ARMV8, {0, GRANULE_64K, FORMAT_USUAL, 42}, 2},
    {ISA_ARMV8, {0, GRANULE_64K, FORMAT_USUAL, 48}, 3},
    {ISA_ARMV8, {0, GRANULE_64K, FORMAT_USUAL, 52}, 3},
    {ISA_ARMV7, {0, GRANULE_4K, FORMAT_SHORT, 0}, 2},
    {ISA_ARMV7, {0, GRANULE_4K, FORMAT_LPAE, 0}, 3},
    {ISA_RISCV, {3, GRANULE_4K, FORMAT_USUAL, 0}, 3},
    {ISA_RISCV, {4, GRANULE_4K, FORMAT_USUAL, 0}, 4},
    {ISA_RISCV, {5, GRANULE_4K, FORMAT_USUAL, 0}, 5},
};

/* L1s of one entry, nothing else that remembers. */
static void forget_all(struct machine_config *config, uint32_t order)
{
    for (uint32_t level = 0; level < TLB_LEVEL_COUNT; level++)
        config->tlb[level].n_arrays = 0;
    config->tlb[TLB_L1I].n_arrays = config->tlb[TLB_L1D].n_arrays = 1;
    for (uint32_t level = TLB_L1I; level <= TLB_L1D; level++) {
        struct tlb_array_config *array = &config->tlb[level].arrays[0];

        array->n_entries = array->n_ways = 1;
        array->n_orders = 1;
        array->orders[0] = (uint8_t) order;
    }
    for (uint32_t i = 0; i < CONFIG_PSC_LEVELS; i++)
        config->psc.levels[i].n_entries = 0;
}

static uint64_t page_address(uint32_t page, uint64_t bytes)
{
    return FIRST + (page & 1 ? UINT64_C(1) << 30 : 0) + page / 2 * bytes;
}

static void say_rounds(struct program *program, uint32_t n_rounds,
                       uint64_t bytes)
{
    program_say(program, "1 mmap 0x%llx %llu rw- anon\n",
                (unsigned long long) FIRST,
                (unsigned long long) (N_PAGES / 2 * bytes));
    program_say(program, "1 mmap 0x%llx %llu rw- anon\n",
                (unsigned long long) page_address(1, bytes),
                (unsigned long long) (N_PAGES / 2 * bytes));
    for (uint32_t i = 0; i < n_rounds * N_PAGES; i++)
        program_say(program, "1 w 0x%llx\n",
                    (unsigned long long) page_address(i % N_PAGES, bytes));
    program_say(program, "1 exit\n");
}

struct counts {
    uint64_t walks, reads, faults, invalid;
};

static struct counts run_rounds(const struct machine_case *machine,
                                uint32_t n_rounds)
{
    struct run_fixture *fixture = run_fixture_create(1);
    uint32_t order = 2 * (uint32_t) machine->page_table.granule;
    struct counts counts;

    fixture->config.isa = machine->isa;
    fixture->config.page_table = machine->page_table;
    mmusim__machine_config_usual(&fixture->config);
    forget_all(&fixture->config, order);
    say_rounds(fixture->program, n_rounds, UINT64_C(4096) << order);
    run_fixture_run(fixture);
    counts = (struct counts){
        .walks = run_core_stat(&fixture->run, 0, "walker.walks"),
        .reads = run_core_stat(&fixture->run, 0, "walker.pte_reads"),
        .faults = run_stat(&fixture->run, "faults.minor"),
        .invalid = run_stat(&fixture->run, "faults.invalid"),
    };
    run_fixture_destroy(fixture);
    return counts;
}

static void a_walk_reads_as_many_entries_as_there_are_levels(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct counts once = run_rounds(&cases[i], 1);
        struct counts more = run_rounds(&cases[i], N_ROUNDS);

        if (once.invalid || once.faults != N_PAGES)
            print_message("case %u\n", (unsigned) i);
        assert_int_equal(once.invalid, 0);
        assert_int_equal(once.faults, N_PAGES);
        assert_int_equal(more.faults, N_PAGES);
        assert_int_equal(more.walks - once.walks, (N_ROUNDS - 1) * N_PAGES);
        assert_int_equal(more.reads - once.reads,
                         (N_ROUNDS - 1) * N_PAGES * cases[i].n_levels);
    }
}

/* The format was made after the instructions that read their operands by it:
 * range TLBIs of 16K and 64K granules were decoded as of 4K. */
static void regress_instructions_know_the_granule(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct run_fixture *fixture = run_fixture_create(1);
        uint32_t order = 2 * (uint32_t) cases[i].page_table.granule;
        const struct system *system;

        fixture->config.isa = cases[i].isa;
        fixture->config.page_table = cases[i].page_table;
        mmusim__machine_config_usual(&fixture->config);
        forget_all(&fixture->config, order);
        run_build(&fixture->run, &fixture->config);
        system = &fixture->run.machine->system;
        assert_int_equal(system->arm.granule_order[0], order);
        assert_int_equal(system->arm.stage2_granule_order, order);
        assert_int_equal(system->riscv.vaddr_bits,
                         fixture->run.machine->format.vaddr_bits);
        run_fixture_destroy(fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_walk_reads_as_many_entries_as_there_are_levels),
        cmocka_unit_test(regress_instructions_know_the_granule),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
