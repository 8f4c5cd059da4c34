/* SPDX-License-Identifier: MIT */
/* Flushes of whole Armv8 machines reach the entries of every granule, with and
 * without range operations, under each kernel. */
#include "support/machine_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { N_PAGES = 9, N_ROUNDS = 3 };

/* Writes, takes the right away, gives it back, writes again: a write right that
 * outlived its flush, or a refusal that did, would change the faults. */
static void say_rounds(struct program *program, uint64_t page_bytes)
{
    unsigned long long base = 0x40000000, bytes = N_PAGES * page_bytes;

    program_say(program, "1 mmap %#llx %#llx rw-\n", base, bytes);
    for (unsigned round = 0; round < N_ROUNDS; round++) {
        for (unsigned i = 0; i < N_PAGES; i++)
            program_say(program, "1 w %#llx\n", base + i * page_bytes);
        program_say(program, "1 mprotect %#llx %#llx r--\n", base, bytes);
        for (unsigned i = 0; i < N_PAGES; i++)
            program_say(program, "1 w %#llx\n1 r %#llx\n",
                        base + i * page_bytes, base + i * page_bytes);
        program_say(program, "1 mprotect %#llx %#llx rw-\n", base, bytes);
    }
    program_say(program, "1 munmap %#llx %#llx\n", base, bytes);
    for (unsigned i = 0; i < N_PAGES; i++)
        program_say(program, "1 r %#llx\n", base + i * page_bytes);
}

static void run_rounds(const char *kernel, uint32_t granule, bool has_ranges)
{
    struct run_fixture *fixture = run_fixture_create(2);
    struct machine_config *config = &fixture->config;

    config->isa = ISA_ARMV8;
    config->page_table.granule = (enum config_granule) granule;
    config->arm.has_ranges = config->arm.has_ttl = has_ranges;
    config->os.has_protocol = true;
    snprintf(config->os.protocol, sizeof(config->os.protocol), "%s", kernel);
    for (uint32_t level = 0; level < TLB_LEVEL_COUNT; level++) {
        struct tlb_level_config *tlb = &config->tlb[level];

        tlb->n_arrays = tlb->n_arrays ? 1 : 0;
        tlb->arrays[0].n_orders = 1;
        tlb->arrays[0].orders[0] = (uint8_t) (2 * granule);
    }
    mmusim__machine_config_usual(config);
    say_rounds(fixture->program, UINT64_C(4096) << 2 * granule);
    run_fixture_run(fixture);
    assert_int_equal(run_stat(&fixture->run, "faults.minor"), N_PAGES);
    /* Every write of a round's second half, every read after munmap. */
    assert_int_equal(run_stat(&fixture->run, "faults.invalid"),
                     N_ROUNDS * N_PAGES + N_PAGES);
    run_fixture_destroy(fixture);
}

static void a_flush_reaches_the_pages_of_every_granule(void **state)
{
    static const char *const kernels[] = {"linux-arm64-4.20", "linux-arm64-6.8",
                                          "linux-arm64-7.1"};

    (void) state;
    for (uint32_t kernel = 0; kernel < 3; kernel++) {
        for (uint32_t granule = 0; granule < 3; granule++) {
            run_rounds(kernels[kernel], granule, false);
            run_rounds(kernels[kernel], granule, true);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flush_reaches_the_pages_of_every_granule),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
