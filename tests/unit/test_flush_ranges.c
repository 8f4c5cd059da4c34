/* SPDX-License-Identifier: MIT */
/*
 * What each operation flushes (Linux 4.6; docs/protocols/linux-4.6.md): the
 * span of the entries really cleared plus a page per freed table; a VMA's part
 * for mprotect; the old range for mremap; all for fork.
 */
#include "support/machine_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define BASE 0x40000000U

struct flush_case {
    const char *name;
    /* Lines behind the anchors, which keep the tables in use. */
    const char *lines;
    uint64_t ceiling;
    uint64_t count, pages, full; /* of local_mm_shootdown */
};

/* Anchors at the first and the last page of the table of BASE. */
#define ANCHORS                                                                \
    "1 mmap 0x40000000 0x1000 r--\n1 r 0x40000000\n"                           \
    "1 mmap 0x401ff000 0x1000 r--\n1 r 0x401ff000\n"
#define TEN "1 mmap 0x40010000 0xa000 rw-\n"

static const struct flush_case cases[] = {
    {"munmap of untouched pages", TEN "1 munmap 0x40010000 0xa000\n", 33, 0, 0,
     0},
    {"munmap of pages 2 and 5 of 10",
     TEN "1 w 0x40012000\n1 w 0x40015000\n1 munmap 0x40010000 0xa000\n", 33, 1,
     4, 0},
    {"munmap cut to pages 4 to 9",
     TEN "1 w 0x40012000\n1 w 0x40015000\n1 munmap 0x40014000 0x6000\n", 33, 1,
     1, 0},
    {"munmap over a hole",
     TEN "1 mmap 0x40020000 0x1000 rw-\n"
         "1 w 0x40019000\n1 w 0x40020000\n"
         "1 munmap 0x40010000 0x20000\n",
     33, 1, 8, 0},
    {"ceiling 0", TEN "1 w 0x40012000\n1 munmap 0x40010000 0xa000\n", 0, 1, 0,
     1},
    {"ceiling 3, span 4",
     TEN "1 w 0x40012000\n1 w 0x40015000\n1 munmap 0x40010000 0xa000\n", 3, 1,
     0, 1},
    {"ceiling 4, span 4",
     TEN "1 w 0x40012000\n1 w 0x40015000\n1 munmap 0x40010000 0xa000\n", 4, 1,
     4, 0},
    {"a freed table adds its first page",
     "1 mmap 0x40200000 0xa000 rw-\n1 w 0x40203000\n"
     "1 munmap 0x40200000 0xa000\n",
     33, 1, 4, 0},
    {"mmap over touched pages",
     TEN "1 w 0x40012000\n1 mmap 0x40010000 0x8000 r--\n", 33, 1, 1, 0},
    {"dontneed, area by area",
     TEN "1 mmap 0x4001a000 0x2000 rwx\n1 w 0x40019000\n1 w 0x4001a000\n"
         "1 w 0x4001b000\n1 madvise 0x40010000 0xc000 dontneed\n",
     33, 2, 3, 0},
    {"dontneed twice: the second finds nothing",
     TEN "1 w 0x40012000\n1 madvise 0x40010000 0xa000 dontneed\n"
         "1 madvise 0x40010000 0xa000 dontneed\n",
     33, 1, 1, 0},
    {"madvise free",
     TEN "1 w 0x40012000\n1 w 0x40014000\n"
         "1 madvise 0x40010000 0xa000 free\n",
     33, 1, 3, 0},
    {"mprotect flushes the whole area's part",
     TEN "1 w 0x40012000\n1 mprotect 0x40010000 0x8000 r--\n", 33, 1, 8, 0},
    {"mprotect, area by area",
     TEN "1 mmap 0x4001a000 0x2000 rwx\n1 w 0x40012000\n1 w 0x4001a000\n"
         "1 mprotect 0x40010000 0xc000 r--\n",
     33, 2, 12, 0},
    {"mprotect that changes nothing",
     TEN "1 w 0x40012000\n1 mprotect 0x40010000 0xa000 rw-\n", 33, 0, 0, 0},
    {"mremap flushes the old range once",
     TEN "1 w 0x40012000\n1 mremap 0x40010000 0xa000 0x40040000 0xa000\n", 33,
     1, 10, 0},
    {"mremap of untouched pages",
     TEN "1 mremap 0x40010000 0xa000 0x40040000 0xa000\n", 33, 0, 0, 0},
    {"mremap that shrinks in place",
     TEN "1 w 0x40012000\n1 w 0x40018000\n"
         "1 mremap 0x40010000 0xa000 0x40010000 0x5000\n",
     33, 1, 1, 0},
    {"brk down",
     "1 brk 0x40010000\n1 brk 0x4001a000\n1 w 0x40013000\n"
     "1 w 0x40018000\n1 brk 0x40012000\n",
     33, 1, 6, 0},
    {"fork flushes all", TEN "1 w 0x40012000\n1 fork 2\n", 33, 1, 0, 1},
    {"a COW fault flushes one page, without a trace event",
     TEN "1 r 0x40012000\n1 w 0x40012000\n", 33, 0, 0, 0},
    {"munmap of a huge page counts small ones",
     "1 mmap 0x40200000 0x200000 rw- huge=2M\n1 w 0x40200000\n"
     "1 munmap 0x40200000 0x200000\n",
     511, 1, 0, 1},
    {"munmap of a huge page under a high ceiling",
     "1 mmap 0x40200000 0x200000 rw- huge=2M\n1 w 0x40200000\n"
     "1 munmap 0x40200000 0x200000\n",
     512, 1, 512, 0},
    {"mprotect of a huge page is full at any ceiling",
     "1 mmap 0x40200000 0x200000 rw- huge=2M\n1 w 0x40200000\n"
     "1 mprotect 0x40200000 0x200000 r--\n",
     100000, 1, 0, 1},
};

static uint64_t local(const struct machine_run *run, const char *what)
{
    char name[64];

    snprintf(name, sizeof(name), "tlb_flush.local_mm_shootdown.%s", what);
    return run_stat(run, name);
}

static void assert_flushes(const struct machine_run *run, const char *name,
                           uint64_t count, uint64_t pages, uint64_t full)
{
    if (local(run, "count") != count || local(run, "pages") != pages ||
        local(run, "full") != full)
        fail_msg("%s: %u flushes, %u pages, %u full", name,
                 (unsigned) local(run, "count"), (unsigned) local(run, "pages"),
                 (unsigned) local(run, "full"));
}

static void each_operation_flushes_what_it_must(void **state)
{
    (void) state;
    for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct program *program = program_create();
        struct machine_config config;
        struct machine_run run;

        run_config(&config, 2);
        config.core.window = 0;
        config.os.flush_ceiling_pages = cases[i].ceiling;
        program_say(program, ANCHORS "%s", cases[i].lines);
        run_well(&run, &config, program);
        assert_flushes(&run, cases[i].name, cases[i].count, cases[i].pages,
                       cases[i].full);
        run_fini(&run);
        program_destroy(program);
    }
}

/* One thread drops n touched pages while another of its process runs. */
static void drop_beside_another(struct machine_run *run, uint32_t n,
                                uint64_t ceiling)
{
    struct program *program = program_create();
    struct machine_config config;

    run_config(&config, 2);
    config.os.flush_ceiling_pages = ceiling;
    program_say(program, "1 clone 2\n" ANCHORS "1 mmap 0x40010000 %#x rw-\n",
                n << 12);
    for (uint32_t i = 0; i < n; i++)
        program_say(program, "1 w %#x\n", BASE + 0x10000 + (i << 12));
    program_say(program, "1 munmap 0x40010000 %#x\n2 n 4000000\n", n << 12);
    run_well(run, &config, program);
    program_destroy(program);
}

static void thirty_three_pages_are_flushed_singly_and_34_in_full(void **state)
{
    (void) state;
    for (uint32_t n = 32; n <= 35; n++) {
        bool is_full = n > 33;
        struct machine_run run;

        drop_beside_another(&run, n, 33);
        assert_flushes(&run, "33 or 34", 1, is_full ? 0 : n, is_full);
        /* And one in full at the last exit, to the CPU that is lazy by then. */
        assert_int_equal(run_stat(&run, "tlb_flush.remote_send_ipi.count"), 2);
        assert_int_equal(run_stat(&run, "tlb_flush.remote_send_ipi.full"),
                         is_full + 1);
        assert_int_equal(run_stat(&run, "tlb_flush.remote_send_ipi.pages"),
                         is_full ? 0 : n);
        assert_int_equal(run_stat(&run, "tlb_flush.remote_shootdown.pages"),
                         is_full ? 0 : n);
        assert_int_equal(run_core_stat(&run, 1, "flush.received_pages"),
                         is_full ? 0 : n);
        assert_int_equal(run_core_stat(&run, 1, "flush.received_full"),
                         is_full);
        assert_int_equal(run_stat(&run, "vmstat.nr_tlb_remote_flush"), 2);
        assert_int_equal(run_stat(&run, "vmstat.nr_tlb_remote_flush_received"),
                         2);
        run_fini(&run);
    }
}

static void page_9698_of_a_gather_forces_a_flush(void **state)
{
    enum { FIRST_FLUSH = 9698 };

    (void) state;
    for (uint32_t n = FIRST_FLUSH - 1; n <= FIRST_FLUSH + 1; n++) {
        struct program *program = program_create();
        struct machine_config config;
        struct machine_run run;

        run_config(&config, 1);
        config.os.flush_ceiling_pages = 1000000;
        program_say(program, "1 mmap 0x40000000 0x4000000 rw-\n");
        for (uint32_t i = 0; i < n; i++)
            program_say(program, "1 w %#x\n", BASE + (i << 12));
        program_say(program, "1 madvise 0x40000000 0x4000000 dontneed\n");
        run_well(&run, &config, program);
        assert_flushes(&run, "9698", n > FIRST_FLUSH ? 2 : 1, n, 0);
        run_fini(&run);
        program_destroy(program);
    }
}

static void regress_tables_past_page_9698_are_flushed_in_batches(void **state)
{
    enum { N = 10000 };
    struct program *program = program_create();
    struct machine_config config;
    struct machine_run run;

    (void) state;
    run_config(&config, 1);
    program_say(program, "1 mmap 0x4000000000 %#llx rw-\n",
                (unsigned long long) N << 21);
    for (uint64_t i = 0; i < N; i++)
        program_say(program, "1 w %#llx\n",
                    (unsigned long long) (UINT64_C(0x4000000000) + (i << 21)));
    program_say(program, "1 munmap 0x4000000000 %#llx\n",
                (unsigned long long) N << 21);
    run_well(&run, &config, program);
    /* Pages; the other pages and some tables; the rest of the tables. */
    assert_flushes(&run, "tables", 3, 0, 3);
    run_fini(&run);
    program_destroy(program);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_operation_flushes_what_it_must),
        cmocka_unit_test(thirty_three_pages_are_flushed_singly_and_34_in_full),
        cmocka_unit_test(page_9698_of_a_gather_forces_a_flush),
        cmocka_unit_test(regress_tables_past_page_9698_are_flushed_in_batches),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
