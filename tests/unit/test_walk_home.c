/* SPDX-License-Identifier: MIT */
/*
 * Where a walk's reads go: the socket that owns the frame a table lies in, in
 * the host's memory where the machine is a guest.
 */
#include "support/small_system.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define VADDR UINT64_C(0x00007f1234567000)

enum { LOCAL = 100, REMOTE = 70, MAX_READS = 64 };

struct reads {
    uint64_t pfns[MAX_READS];
    uint32_t n;
    uint64_t remote_from; /* frames from here on are the other socket's */
};

static uint32_t home_of(const void *context, pfn_t pfn)
{
    /* The test's own, behind a const that the machine promises. */
    struct reads *reads = *(struct reads *const *) context;

    assert_true(reads->n < MAX_READS);
    reads->pfns[reads->n++] = pfn.v;
    return pfn.v >= reads->remote_from;
}

static struct small_system *make(bool is_guest, struct reads **reads)
{
    struct small_options options;
    struct small_system *small;

    small_options_init(&options);
    memset(&options.psc, 0, sizeof(options.psc));
    options.memory = (struct memory_config){
        .model = MEMORY_HIERARCHY,
        .dram_cycles = LOCAL,
        .remote_dram_cycles = REMOTE,
    };
    if (is_guest)
        options.stage2.isa = "x86-64";
    options.nested.is_populated = true;
    small = small_create(&options);
    small->shared.home_socket = home_of;
    small->shared.home_context = reads;
    small_map_user(small, small->system.cpus[0].mmu.root, VADDR, 0);
    return small;
}

static void native_reads_go_to_the_owner_of_the_table(void **state)
{
    struct reads reads = {.remote_from = UINT64_MAX};
    struct reads *at = &reads;
    struct small_system *small = make(false, &at);
    pfn_t root = small->system.cpus[0].mmu.root;

    (void) state;
    small_walk(small, 0, ACCESS_LOAD, VADDR);
    assert_int_equal(reads.n, 4);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(reads.pfns[i],
                         small_entry_paddr(small, root, VADDR, 3 - i) >> 12);
    reads = (struct reads){.remote_from = reads.pfns[3]}; /* the last table */
    small_walk(small, 0, ACCESS_LOAD, VADDR);
    assert_int_equal(small_walk_cycles(small, 0),
                     small->options.walker.start_cycles + 4 * LOCAL + REMOTE);
    small_destroy(small);
}

static void a_guests_reads_go_to_host_frames(void **state)
{
    struct reads reads = {.remote_from = UINT64_C(1) << 39};
    struct reads *at = &reads;
    struct small_system *small = make(true, &at);
    pfn_t root = small->system.cpus[0].mmu.root;
    uint32_t n_guest = 0;

    (void) state;
    small_walk(small, 0, ACCESS_LOAD, VADDR);
    assert_int_equal(reads.n, 24);
    for (uint32_t i = 0; i < reads.n; i++) {
        uint64_t gpaddr, paddr = 0;

        if (reads.pfns[i] >= small->nested.first_table_pfn)
            continue; /* the second stage's */
        assert_true(n_guest < 4);
        gpaddr = small_entry_paddr(small, root, VADDR, 3 - n_guest);
        assert_true(mmusim__nested_find(&small->nested, gpaddr, &paddr));
        assert_int_equal(reads.pfns[i], paddr >> 12);
        n_guest++;
    }
    assert_int_equal(n_guest, 4);
    assert_int_equal(small_walk_cycles(small, 0),
                     small->options.walker.start_cycles + 24 * LOCAL +
                         20 * REMOTE);
    small_destroy(small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(native_reads_go_to_the_owner_of_the_table),
        cmocka_unit_test(a_guests_reads_go_to_host_frames),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
