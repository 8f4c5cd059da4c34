/* SPDX-License-Identifier: MIT */
/*
 * Page faults and system calls, seen from outside: how many faults of which
 * kind a program takes (mm/memory.c of Linux 4.6; contract, text traces).
 */
#include "coherence/protocol.h"
#include "os/page_fault.h"
#include "support/machine_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static int setup(void **state)
{
    *state = run_fixture_create(2);
    return 0;
}

struct faults {
    uint64_t minor, major, protection, cow, spurious, invalid;
};

static void assert_faults(const struct run_fixture *f, struct faults expected)
{
    assert_int_equal(run_stat(&f->run, "faults.minor"), expected.minor);
    assert_int_equal(run_stat(&f->run, "faults.major"), expected.major);
    assert_int_equal(run_stat(&f->run, "faults.protection"),
                     expected.protection);
    assert_int_equal(run_stat(&f->run, "faults.cow"), expected.cow);
    assert_int_equal(run_stat(&f->run, "faults.spurious"), expected.spurious);
    assert_int_equal(run_stat(&f->run, "faults.invalid"), expected.invalid);
}

/* ---- anonymous memory ---- */

static void a_read_maps_the_zero_page_and_a_write_then_copies_it(void **state)
{
    struct run_fixture *f = *state;

    program_say(f->program, "1 mmap 0x10000 0x3000 rw-\n"
                            "1 r 0x10000\n1 r 0x11000\n1 r 0x12000\n"
                            "1 r 0x10000\n"
                            "1 w 0x11000\n1 w 0x11008\n1 r 0x11000\n");
    run_fixture_run(f);
    assert_faults(f, (struct faults){.minor = 3, .cow = 1});
    assert_int_equal(run_stat(&f->run, "sim.implicit_pages"), 0);
}

static void a_write_first_takes_one_fault_and_needs_no_dirty_walk(void **state)
{
    struct run_fixture *f = *state;

    program_say(f->program, "1 mmap 0x10000 0x1000 rw-\n"
                            "1 w 0x10000\n1 w 0x10000\n1 r 0x10000\n");
    run_fixture_run(f);
    assert_faults(f, (struct faults){.minor = 1});
    assert_int_equal(run_stat(&f->run, "walker.dirty_walks"), 0);
}

static void rights_of_the_mapping_hold(void **state)
{
    struct run_fixture *f = *state;

    program_say(f->program,
                "1 mmap 0x10000 0x1000 r--\n1 mmap 0x20000 0x1000 ---\n"
                "1 mmap 0x30000 0x1000 --x\n1 mmap 0x40000 0x1000 -w-\n"
                "1 r 0x10000\n1 w 0x10000\n1 i 0x10000\n"
                "1 r 0x20000\n1 w 0x20000\n1 i 0x20000\n"
                "1 r 0x30000\n1 i 0x30000\n1 w 0x30000\n"
                "1 w 0x40000\n1 r 0x40000\n1 i 0x40000\n");
    run_fixture_run(f);
    assert_faults(f, (struct faults){.minor = 3, .invalid = 2 + 3 + 1 + 1});
}

static void first_touch_maps_a_page_unless_a_record_unmapped_it(void **state)
{
    struct run_fixture *f = *state;

    program_say(f->program,
                "1 r 0x50000\n1 w 0x50000\n1 i 0x50000\n" /* rwx, one page */
                "1 w 0x51000\n"
                "1 munmap 0x50000 0x1000\n"
                "1 r 0x50000\n1 w 0x50000\n" /* unmapped by a record */
                "1 w 0x51000\n"
                "1 mmap 0x50000 0x1000 rw-\n1 w 0x50000\n"
                "1 munmap 0x70000 0x1000\n1 r 0x70000\n"); /* a hole */
    run_fixture_run(f);
    assert_faults(f, (struct faults){.minor = 3, .invalid = 3});
    assert_int_equal(run_stat(&f->run, "sim.implicit_pages"), 2);
}

static void strict_maps_fail_every_access_outside(void **state)
{
    struct run_fixture *f = *state;

    f->config.os.has_strict_maps = true;
    program_say(f->program, "1 mmap 0x10000 0x1000 rw-\n"
                            "1 w 0x10000\n1 r 0x11000\n1 i 0x50000\n");
    run_fixture_run(f);
    assert_faults(f, (struct faults){.minor = 1, .invalid = 2});
    assert_int_equal(run_stat(&f->run, "sim.implicit_pages"), 0);
}

static void an_access_across_pages_faults_on_both(void **state)
{
    struct run_fixture *f = *state;

    program_say(f->program, "1 mmap 0x10000 0x2000 rw-\n1 w 0x10ffc 8\n");
    run_fixture_run(f);
    assert_faults(f, (struct faults){.minor = 2});
    assert_int_equal(run_stat(&f->run, "sim.accesses"), 1);
}

/* ---- rights that change ---- */

static void mprotect_to_read_and_back_costs_a_protection_fault(void **state)
{
    struct run_fixture *f = *state;

    program_say(f->program, "1 mmap 0x10000 0x1000 rw-\n1 w 0x10000\n"
                            "1 mprotect 0x10000 0x1000 r--\n"
                            "1 r 0x10000\n1 w 0x10000\n" /* refused */
                            "1 mprotect 0x10000 0x1000 rw-\n"
                            "1 r 0x10000\n1 w 0x10000\n");
    run_fixture_run(f);
    assert_faults(f,
                  (struct faults){.minor = 1, .invalid = 1, .protection = 1});
}

static void mprotect_none_hides_a_page_and_keeps_it(void **state)
{
    struct run_fixture *f = *state;

    program_say(f->program, "1 mmap 0x10000 0x1000 rw-\n1 w 0x10000\n"
                            "1 mprotect 0x10000 0x1000 ---\n1 r 0x10000\n"
                            "1 mprotect 0x10000 0x1000 r--\n1 r 0x10000\n");
    run_fixture_run(f);
    assert_faults(f, (struct faults){.minor = 1, .invalid = 1});
}

static void mprotect_of_untouched_pages_flushes_nothing(void **state)
{
    struct run_fixture *f = *state;

    program_say(f->program, "1 mmap 0x10000 0x8000 rw-\n"
                            "1 mprotect 0x10000 0x4000 r--\n"
                            "1 w 0x14000\n1 w 0x10000\n");
    run_fixture_run(f);
    assert_faults(f, (struct faults){.minor = 1, .invalid = 1});
    assert_int_equal(run_stat(&f->run, "vmstat.nr_tlb_local_flush_one"), 0);
}

/* ---- madvise ---- */

static void dontneed_drops_pages_and_the_next_touch_is_new(void **state)
{
    struct run_fixture *f = *state;

    program_say(f->program, "1 mmap 0x10000 0x2000 rw-\n1 w 0x10000\n"
                            "1 w 0x11000\n1 madvise 0x10000 0x1000 dontneed\n"
                            "1 r 0x10000\n1 r 0x11000\n");
    run_fixture_run(f);
    assert_faults(f, (struct faults){.minor = 3});
}

static void free_keeps_pages_and_the_next_store_sets_dirty_again(void **state)
{
    struct run_fixture *f = *state;

    program_say(f->program, "1 mmap 0x10000 0x1000 rw-\n1 w 0x10000\n"
                            "1 madvise 0x10000 0x1000 free\n"
                            "1 r 0x10000\n1 w 0x10000\n");
    run_fixture_run(f);
    assert_faults(f, (struct faults){.minor = 1});
    assert_int_equal(run_stat(&f->run, "walker.dirty_walks"), 1);
    assert_int_equal(run_stat(&f->run, "vmstat.nr_tlb_local_flush_one"), 1);
}

static void regress_free_leaves_hidden_pages_hidden(void **state)
{
    struct run_fixture *f = *state;

    program_say(f->program, "1 mmap 0x10000 0x1000 rw-\n1 w 0x10000\n"
                            "1 mprotect 0x10000 0x1000 ---\n"
                            "1 madvise 0x10000 0x1000 free\n"
                            "1 r 0x10000\n1 r 0x10000\n");
    run_fixture_run(f);
    assert_faults(f, (struct faults){.minor = 1, .invalid = 2});
}

/* ---- files and shared memory ---- */

static void a_private_file_page_is_copied_at_the_first_store(void **state)
{
    struct run_fixture *f = *state;

    program_say(f->program, "1 mmap 0x10000 0x2000 rw- file:a\n"
                            "1 r 0x10000\n1 w 0x10000\n" /* then copied */
                            "1 w 0x11000\n");            /* copied at once */
    run_fixture_run(f);
    assert_faults(f, (struct faults){.minor = 1, .cow = 2});
}

static void a_cold_file_page_is_read_once(void **state)
{
    struct run_fixture *f = *state;

    f->config.os.has_cold_page_cache = true;
    program_say(f->program, "1 mmap 0x10000 0x1000 r-- file:a@0x2000 shared\n"
                            "1 mmap 0x20000 0x3000 r-- file:a shared\n"
                            "1 r 0x10000\n1 r 0x22000\n1 r 0x20000\n");
    run_fixture_run(f);
    assert_faults(f, (struct faults){.minor = 1, .major = 2});
}

static void a_store_to_a_shared_file_is_noticed_once(void **state)
{
    struct run_fixture *f = *state;

    program_say(f->program, "1 mmap 0x10000 0x1000 rw- file:a shared\n"
                            "1 r 0x10000\n1 w 0x10000\n1 w 0x10000\n");
    run_fixture_run(f);
    assert_faults(f, (struct faults){.minor = 1, .protection = 1});
}

static void regress_a_huge_private_file_page_is_copied_whole(void **state)
{
    struct run_fixture *f = *state;

    program_say(f->program, "1 mmap 0x40000000 0x200000 rw- file:h huge=2M\n"
                            "1 w 0x40000000\n1 w 0x401ff000\n"
                            "1 munmap 0x40000000 0x200000\n");
    run_fixture_run(f);
    assert_faults(f, (struct faults){.cow = 1});
}

static void regress_a_file_may_be_mapped_with_both_page_sizes(void **state)
{
    struct run_fixture *f = *state;

    program_say(f->program,
                "1 mmap 0x10000 0x1000 r-- file:h shared\n1 r 0x10000\n"
                "1 mmap 0x40000000 0x200000 rw- file:h shared huge=2M\n"
                "1 r 0x40000000\n1 w 0x401ff000\n");
    run_fixture_run(f);
    assert_faults(f, (struct faults){.minor = 2, .protection = 1});
}

/* ---- processes ---- */

static void fork_makes_both_sides_copy_and_the_last_owner_reuse(void **state)
{
    struct run_fixture *f = *state;

    program_say(f->program, "1 mmap 0x10000 0x2000 rw-\n1 w 0x10000\n"
                            "1 w 0x11000\n1 fork 2\n"
                            "1 w 0x10000\n1 r 0x10000\n"
                            "2 r 0x10000\n2 n 200000\n2 w 0x10000\n");
    run_fixture_run(f);
    assert_faults(f, (struct faults){.minor = 2, .cow = 1, .protection = 1});
}

static void fork_keeps_shared_memory_shared(void **state)
{
    struct run_fixture *f = *state;

    program_say(f->program, "1 mmap 0x10000 0x1000 rw- shared\n1 w 0x10000\n"
                            "1 fork 2\n1 w 0x10000\n2 w 0x10000\n");
    run_fixture_run(f);
    assert_faults(f, (struct faults){.minor = 2});
}

static void a_fork_without_a_child_thread_leaves_nothing_behind(void **state)
{
    struct run_fixture *f = *state;

    program_say(f->program, "1 mmap 0x10000 0x2000 rw-\n1 w 0x10000\n");
    program_add_sys(f->program, 1,
                    &(struct sys_op){.kind = SYS_FORK, .number = 9});
    program_say(f->program, "1 w 0x10000\n");
    run_fixture_run(f);
    assert_faults(f, (struct faults){.minor = 1, .protection = 1});
}

static void exec_drops_the_old_address_space(void **state)
{
    struct run_fixture *f = *state;

    program_say(f->program, "1 mmap 0x10000 0x2000 rw-\n1 w 0x10000\n"
                            "1 munmap 0x20000 0x1000\n1 exec\n"
                            "1 w 0x10000\n1 w 0x20000\n");
    run_fixture_run(f);
    assert_faults(f, (struct faults){.minor = 3});
    assert_int_equal(run_stat(&f->run, "sim.implicit_pages"), 2);
}

static void a_clone_shares_everything(void **state)
{
    struct run_fixture *f = *state;

    program_say(f->program, "1 mmap 0x10000 0x2000 rw-\n1 w 0x10000\n"
                            "1 clone 2\n1 exit\n2 n 100000\n2 w 0x10000\n"
                            "2 w 0x11000\n");
    run_fixture_run(f);
    assert_faults(f, (struct faults){.minor = 2});
}

static void a_kernel_thread_touches_the_kernel_half_alone(void **state)
{
    struct run_fixture *f = *state;

    program_say(f->program, "1 kthread\n1 w 0xffffc90000000000\n"
                            "1 r 0xffffc90000000000\n1 r 0x10000\n"
                            "2 r 0xffffc90000000000\n2 w 0x10000\n");
    run_fixture_run(f);
    assert_faults(f, (struct faults){.minor = 2, .invalid = 2});
}

/* ---- what no sound program does ---- */

static void regress_kthread_late_gives_every_page_back(void **state)
{
    struct run_fixture *f = *state;

    program_say(f->program, "1 mmap 0x10000 0x2000 rw-\n1 w 0x10000\n"
                            "1 kthread\n1 w 0xffffc90000000000\n");
    f->config.os.kernel_map = KERNEL_MAP_NONE;
    run_fixture_run(f);
    assert_int_equal(mmusim__frames_in_use(f->run.machine->kernel.frames),
                     1 + mmusim__pt_table_count(f->run.machine->kernel.tables) +
                         1);
}

static void regress_kernel_thread_forks_a_kernel_thread(void **state)
{
    struct run_fixture *f = *state;

    program_say(f->program, "1 kthread\n1 w 0xffffc90000000000\n1 fork 2\n"
                            "2 r 0xffffc90000000000\n2 r 0x1000\n");
    run_fixture_run(f);
    assert_faults(f, (struct faults){.minor = 1, .invalid = 1});
}

static void say_wrapping(struct run_fixture *f, enum sys_kind kind,
                         uint64_t length_bytes)
{
    const struct sys_op op = {
        .kind = kind,
        .flags = SYS_PROT_READ | SYS_PROT_WRITE,
        .advice = MADVICE_DONTNEED,
        .vaddr = 0x40000,
        .length_bytes = length_bytes,
        .new_vaddr = 0x80000000,
        .new_length_bytes = length_bytes,
    };

    program_add_sys(f->program, 1, &op);
}

static void regress_ranges_that_wrap_change_nothing(void **state)
{
    static const enum sys_kind kinds[] = {SYS_MMAP, SYS_MUNMAP, SYS_MPROTECT,
                                          SYS_MADVISE, SYS_MREMAP};
    struct run_fixture *f = *state;

    program_say(f->program, "1 mmap 0x0 0x80000 rw-\n1 w 0x40000\n"
                            "1 w 0x50000\n");
    for (uint32_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        say_wrapping(f, kinds[i], UINT64_MAX);
        say_wrapping(f, kinds[i], UINT64_MAX - 0x3f000);
        say_wrapping(f, kinds[i], UINT64_MAX - 0x2f000);
        if (kinds[i] != SYS_MADVISE) /* which would do what is mapped */
            say_wrapping(f, kinds[i], UINT64_C(1) << 63);
    }
    program_say(f->program, "1 w 0x40000\n1 w 0x50000\n1 w 0x41000\n");
    run_fixture_run(f);
    assert_faults(f, (struct faults){.minor = 3});
}

static void regress_nothing_is_mapped_beyond_the_table_format(void **state)
{
    struct run_fixture *f = *state;

    program_say(f->program,
                "1 mmap 0x1000 0x1000 rw-\n1 w 0x1000\n"
                "1 w 0x1000000001000\n"  /* bits 47:0 as above */
                "1 r 0x800000001000\n"   /* 2^47: not canonical */
                "1 i 0xff000000001000\n" /* canonical with 5 levels */
                "1 mmap 0x7ffffffff000 0x2000 rw-\n1 w 0x7ffffffff000\n"
                "1 mmap 0x800000000000 0x1000 rw-\n1 w 0x800000000000\n");
    run_fixture_run(f);
    assert_int_equal(run_stat(&f->run, "faults.invalid"), 4);
}

static void five_levels_map_what_four_cannot(void **state)
{
    struct run_fixture *f = *state;

    f->config.page_table.n_levels = 5;
    program_say(f->program, "1 mmap 0x800000000000 0x1000 rw-\n"
                            "1 w 0x800000000000\n1 w 0xff000000001000\n");
    run_fixture_run(f);
    assert_faults(f, (struct faults){.minor = 2});
}

static void regress_brk_over_hidden_pages_does_not_hang(void **state)
{
    struct run_fixture *f = *state;

    program_say(f->program, "1 brk 0x10000\n1 mmap 0x10000 0x4000 rw-\n"
                            "1 w 0x10000\n1 mprotect 0x10000 0x4000 ---\n"
                            "1 brk 0x14000\n1 w 0x10000\n1 w 0x11000\n");
    run_fixture_run(f);
    assert_int_equal(run_stat(&f->run, "faults.invalid"), 0);
}

static void regress_mremap_of_mixed_areas_is_refused(void **state)
{
    struct run_fixture *f = *state;

    program_say(f->program,
                "1 mmap 0x10000 0x4000 rw-\n1 w 0x10000\n1 w 0x13000\n"
                "1 mprotect 0x12000 0x2000 ---\n"
                "1 mremap 0x10000 0x4000 0x80000 0x4000\n"
                "1 w 0x10000\n1 w 0x83000\n" /* first touch there */
                "1 mmap 0x3ff000 0x1000 rw-\n1 w 0x3ff000\n"
                "1 mmap 0x400000 0x200000 rw- huge=2M\n1 w 0x400000\n"
                "1 mremap 0x3ff000 0x3000 0x90000 0x3000\n1 w 0x400000\n");
    run_fixture_run(f);
    assert_faults(f, (struct faults){.minor = 5});
}

static void regress_mremap_into_a_huge_page_is_refused(void **state)
{
    struct run_fixture *f = *state;

    /* do_munmap() of the target fails, so nothing moves. */
    program_say(f->program,
                "1 mmap 0x10000 0x4000 rw-\n1 w 0x10000\n"
                "1 mmap 0x400000 0x200000 rw- shared huge=2M\n1 w 0x400000\n"
                "1 mremap 0x10000 0x4000 0x401000 0x4000\n"
                "1 w 0x10000\n1 w 0x401000\n");
    run_fixture_run(f);
    assert_int_equal(run_stat(&f->run, "faults.minor"), 2);
    assert_int_equal(run_stat(&f->run, "faults.invalid"), 0);
    assert_int_equal(run_stat(&f->run, "shootdown.count"), 0);
}

static void regress_mremap_onto_itself_is_refused(void **state)
{
    struct run_fixture *f = *state;

    program_say(f->program, "1 mmap 0x10000 0x4000 rw-\n1 w 0x10000\n"
                            "1 w 0x13000\n"
                            "1 mremap 0x10000 0x4000 0x12000 0x4000\n"
                            "1 w 0x10000\n1 w 0x13000\n");
    run_fixture_run(f);
    assert_faults(f, (struct faults){.minor = 2});
}

/* ---- hardware that does not see the tables as they are ---- */

static void flush_nothing(struct cpu *cpu, struct address_space *mm,
                          const struct flush_span *span)
{
    (void) mm;
    (void) span;
    mmusim__cpu_busy(cpu, 10, BUCKET_FLUSH_LOCAL);
}

/* Arm keeps an entry that has refused a store: without a flush it refuses for
 * ever. */
static void regress_faults_that_repair_nothing_come_to_an_end(void **state)
{
    struct run_fixture *f = *state;
    struct protocol_ops spoilt = *mmusim__protocol_find("linux-arm64-6.8");

    spoilt.flush_mm_range = spoilt.flush_gather = flush_nothing;
    spoilt.after_upgrade = spoilt.fix_spurious = NULL;
    f->config.isa = ISA_ARMV8;
    f->config.has_fabric = f->config.os.has_protocol = true;
    snprintf(f->config.fabric, sizeof(f->config.fabric), "dvm");
    snprintf(f->config.os.protocol, sizeof(f->config.os.protocol), "%s",
             spoilt.name);
    program_say(f->program, "1 mmap 0x10000 0x1000 r-- file:a shared\n"
                            "1 r 0x10000\n"
                            "1 mprotect 0x10000 0x1000 rw-\n1 w 0x10000\n"
                            "1 r 0x10000\n");
    run_build(&f->run, &f->config);
    f->run.machine->system.protocol = &spoilt;
    run_start(&f->run, f->program, NULL);
    assert_int_equal(f->run.status, MMUSIM_OK);
    assert_faults(f, (struct faults){.minor = 1,
                                     .protection = 1,
                                     .spurious = PAGE_FAULT_IN_VAIN - 1,
                                     .invalid = 1});
}

#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, setup, run_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_read_maps_the_zero_page_and_a_write_then_copies_it),
        TEST(a_write_first_takes_one_fault_and_needs_no_dirty_walk),
        TEST(rights_of_the_mapping_hold),
        TEST(first_touch_maps_a_page_unless_a_record_unmapped_it),
        TEST(strict_maps_fail_every_access_outside),
        TEST(an_access_across_pages_faults_on_both),
        TEST(mprotect_to_read_and_back_costs_a_protection_fault),
        TEST(mprotect_none_hides_a_page_and_keeps_it),
        TEST(mprotect_of_untouched_pages_flushes_nothing),
        TEST(dontneed_drops_pages_and_the_next_touch_is_new),
        TEST(free_keeps_pages_and_the_next_store_sets_dirty_again),
        TEST(regress_free_leaves_hidden_pages_hidden),
        TEST(a_private_file_page_is_copied_at_the_first_store),
        TEST(a_cold_file_page_is_read_once),
        TEST(a_store_to_a_shared_file_is_noticed_once),
        TEST(regress_a_huge_private_file_page_is_copied_whole),
        TEST(regress_a_file_may_be_mapped_with_both_page_sizes),
        TEST(fork_makes_both_sides_copy_and_the_last_owner_reuse),
        TEST(fork_keeps_shared_memory_shared),
        TEST(a_fork_without_a_child_thread_leaves_nothing_behind),
        TEST(exec_drops_the_old_address_space),
        TEST(a_clone_shares_everything),
        TEST(a_kernel_thread_touches_the_kernel_half_alone),
        TEST(regress_kthread_late_gives_every_page_back),
        TEST(regress_kernel_thread_forks_a_kernel_thread),
        TEST(regress_ranges_that_wrap_change_nothing),
        TEST(regress_nothing_is_mapped_beyond_the_table_format),
        TEST(five_levels_map_what_four_cannot),
        TEST(regress_brk_over_hidden_pages_does_not_hang),
        TEST(regress_mremap_of_mixed_areas_is_refused),
        TEST(regress_mremap_into_a_huge_page_is_refused),
        TEST(regress_mremap_onto_itself_is_refused),
        TEST(regress_faults_that_repair_nothing_come_to_an_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
