/* SPDX-License-Identifier: MIT */
/*
 * Memory of several nodes that runs short (Linux 4.2 and 4.6): watermarks and
 * the zonelist (mm/page_alloc.c get_page_from_freelist, wake_all_kswapds),
 * lists and a kswapd of each node (mm/vmscan.c).
 */
#include "os/placement.h"
#include "os/reclaim.h"
#include "support/machine_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

enum { FILE_PAGES = 2048, NODE_FRAMES = 512 };

/* Two nodes of 2 MiB with a CPU each. */
static int setup(void **state)
{
    struct run_fixture *f = run_fixture_create(2);

    f->config.n_sockets = 2;
    f->config.cores_per_socket = 1;
    f->config.os.memory_bytes = 4 << 20;
    *state = f;
    return 0;
}

static void say_file(struct run_fixture *f, uint32_t tid, unsigned pause)
{
    for (uint32_t i = 0; i < FILE_PAGES; i++)
        program_say(f->program, "%u r 0x%x\n%u n %u\n", tid,
                    0x10000000 + i * 4096, tid, pause);
}

/* ---- watermarks and the zonelist ---- */

/* 4 MiB: min is 256 KiB (the kernel's table), 64 frames, half for each node;
 * low is a quarter of it more. */
enum { NODE_MIN = 32, NODE_LOW = 40 };

/* Takes pages for CPU 0 until one is of another node; returns how many. */
static uint32_t take_from(struct kernel *kernel, uint32_t node, pfn_t *next)
{
    uint32_t n = 0;

    while (next->v && mmusim__frame_node(kernel->frames, *next) == node) {
        n++;
        if (mmusim__page_get(kernel, 0, 0x10000000, next))
            next->v = 0;
    }
    return n;
}

static void a_page_comes_from_the_first_node_above_low_then_min(void **state)
{
    struct run_fixture *f = *state;
    struct kernel *kernel;
    uint64_t used[2];
    pfn_t next = {0};

    run_build(&f->run, &f->config);
    kernel = &f->run.machine->kernel;
    for (uint32_t node = 0; node < 2; node++) {
        assert_int_equal(mmusim__frames_of_node(kernel->frames, node),
                         NODE_FRAMES);
        used[node] = NODE_FRAMES - mmusim__frames_free_on(kernel->frames, node);
    }
    kernel->system->acting_cpu = 1; /* of node 1 */
    assert_int_equal(mmusim__page_get(kernel, 0, 0x10000000, &next), MMUSIM_OK);
    assert_int_equal(take_from(kernel, 1, &next),
                     NODE_FRAMES - used[1] - NODE_LOW);
    assert_int_equal(take_from(kernel, 0, &next),
                     NODE_FRAMES - used[0] - NODE_LOW);
    assert_int_equal(take_from(kernel, 1, &next), NODE_LOW - NODE_MIN);
    assert_int_equal(take_from(kernel, 0, &next), NODE_LOW - NODE_MIN);
    assert_int_equal(take_from(kernel, 1, &next), NODE_MIN);
    /* frame 0 is never handed out */
    assert_int_equal(take_from(kernel, 0, &next), NODE_MIN - 1);
    assert_int_equal(next.v, 0);
}

static void a_page_table_follows_the_zonelist_too(void **state)
{
    struct run_fixture *f = *state;
    struct kernel *kernel;
    pfn_t pfn = {0};

    run_build(&f->run, &f->config);
    kernel = &f->run.machine->kernel;
    while (mmusim__frames_free_on(kernel->frames, 0) > NODE_LOW)
        assert_int_equal(mmusim__page_get(kernel, 0, 0, &pfn), MMUSIM_OK);
    assert_int_equal(mmusim__page_get_table(kernel, 0, &pfn), MMUSIM_OK);
    assert_int_equal(mmusim__frame_node(kernel->frames, pfn), 1);
}

/* ---- lists and kswapds ---- */

static void memory_of_other_nodes_is_used_before_any_is_reclaimed(void **state)
{
    struct run_fixture *f = *state;

    /* more than a node has, less than both */
    program_say(f->program, "1 mmap 0x10000000 0x2c0000 r-- file:a\n");
    for (uint32_t i = 0; i < 0x2c0; i++)
        program_say(f->program, "1 r 0x%x\n", 0x10000000 + i * 4096);
    run_fixture_run(f);
    assert_true(run_fixture_stat(f, "vmstat.numa_other") > 200);
    assert_int_equal(run_fixture_stat(f, "vmstat.pgscan_direct"), 0);
    assert_int_equal(run_fixture_stat(f, "vmstat.pgscan_kswapd"), 0);
}

static void each_node_has_a_kswapd_on_its_own_cpus(void **state)
{
    struct run_fixture *f = *state;
    const struct reclaim *reclaim;

    program_say(f->program, "1 mmap 0x10000000 0x800000 r-- file:a\n");
    say_file(f, 1, 20000);
    run_fixture_run(f);
    reclaim = f->run.machine->kernel.reclaim;
    assert_int_equal(reclaim->n_nodes, 2);
    for (uint32_t node = 0; node < 2; node++) {
        const struct thread *kswapd = &reclaim->nodes[node].kswapd.thread;

        assert_non_null(kswapd->cpu); /* it was woken */
        assert_int_equal(kswapd->cpu->socket, node);
        assert_true(mmusim__lru_is_valid(&reclaim->nodes[node].lru));
        assert_true(reclaim->nodes[node].lru.lists[LRU_INACTIVE_FILE].n_pages);
    }
    assert_true(run_fixture_stat(f, "vmstat.pgsteal_kswapd") > 0);
    assert_true(run_core_stat(&f->run, 1, "cycles.kernel") > 0);
}

/* The kswapds never run, as if they were woken and had no time. */
static void direct_reclaim_takes_from_every_node(void **state)
{
    struct run_fixture *f = *state;
    struct reclaim *reclaim;
    uint64_t n_listed = 0;

    program_say(f->program, "1 mmap 0x10000000 0x800000 r-- file:a\n");
    say_file(f, 1, 1);
    run_build(&f->run, &f->config);
    reclaim = f->run.machine->kernel.reclaim;
    for (uint32_t node = 0; node < 2; node++)
        reclaim->nodes[node].kswapd.thread.state = THREAD_RUNNABLE;
    run_start(&f->run, f->program, NULL);
    assert_int_equal(f->run.status, MMUSIM_OK);
    assert_true(run_fixture_stat(f, "vmstat.pgsteal_direct") > 0);
    for (uint32_t node = 0; node < 2; node++) {
        const struct lru *lru = &reclaim->nodes[node].lru;

        assert_true(lru->n_scanned[1] > RECLAIM_CLUSTER);
        n_listed += lru->lists[LRU_INACTIVE_FILE].n_pages;
    }
    assert_true(n_listed < 2 * NODE_FRAMES);
}

/* shrink_lruvec(): at the first priority direct reclaim goes through a
 * 4096th of the list, however much it has freed. */
static void direct_reclaim_scans_to_the_end_of_its_targets(void **state)
{
    enum { CLUSTERS = 8 };
    struct run_fixture *f = *state;
    struct lru_list *lists;

    f->config.n_sockets = 1;
    program_say(f->program, "1 mmap 0x10000000 0x800000 r-- file:a\n");
    say_file(f, 1, 1);
    run_build(&f->run, &f->config);
    /* As if the lists were long. That the active one seems to be, too, lets
     * each round end with it: only then is looked at what has been freed. */
    lists = f->run.machine->kernel.reclaim->nodes[0].lru.lists;
    lists[LRU_INACTIVE_FILE].n_pages = (uint64_t) CLUSTERS * RECLAIM_CLUSTER
                                       << 12;
    lists[LRU_ACTIVE_FILE].n_pages = 2 * lists[LRU_INACTIVE_FILE].n_pages;
    run_start(&f->run, f->program, NULL);
    assert_int_equal(f->run.status, MMUSIM_OK);
    assert_true(run_fixture_stat(f, "vmstat.allocstall") > 2);
    assert_true(run_fixture_stat(f, "vmstat.pgscan_direct") >=
                CLUSTERS * RECLAIM_CLUSTER *
                    run_fixture_stat(f, "vmstat.allocstall"));
    /* who stopped at a cluster freed could not have freed two */
    assert_true(run_fixture_stat(f, "vmstat.pgsteal_direct") >=
                2 * RECLAIM_CLUSTER * run_fixture_stat(f, "vmstat.allocstall"));
}

/* Interleaved: each page is of another node than the one before it. */
static void pageout_takes_pages_of_all_nodes(void **state)
{
    struct run_fixture *f = *state;

    f->config.os.node_policy = NODE_INTERLEAVE;
    snprintf(f->config.os.protocol, sizeof(f->config.os.protocol),
             "linux-6.14");
    program_say(f->program, "1 mmap 0x10000000 0x9000 r-- file:a\n");
    for (uint32_t i = 0; i < 9; i++)
        program_say(f->program, "1 r 0x%x\n", 0x10000000 + i * 4096);
    program_say(f->program, "1 madvise 0x10000000 0x9000 pageout\n");
    run_fixture_run(f);
    assert_int_equal(run_fixture_stat(f, "vmstat.pgsteal_direct"), 9);
    assert_true(run_fixture_stat(f, "vmstat.numa_other") >= 4);
}

static void both_engines_agree_about_nodes(void **state)
{
    struct run_fixture *f = *state;
    struct machine_run reference;

    program_say(f->program, "1 clone 2\n"
                            "1 mmap 0x10000000 0x800000 r-- file:a\n");
    for (uint32_t i = 0; i < FILE_PAGES; i++)
        program_say(f->program, "%u r 0x%x\n", 1 + i / 40 % 2,
                    0x10000000 + i * 4096);
    run_fixture_run(f);
    assert_true(run_fixture_stat(f, "vmstat.pgsteal_direct") > 0);
    f->config.engine = ENGINE_REFERENCE;
    run_program(&reference, &f->config, f->program, NULL);
    run_assert_equal(&f->run, &reference);
    run_fini(&reference);
}

#define NODE_TEST(name)                                                        \
    cmocka_unit_test_setup_teardown(name, setup, run_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        NODE_TEST(a_page_comes_from_the_first_node_above_low_then_min),
        NODE_TEST(a_page_table_follows_the_zonelist_too),
        NODE_TEST(memory_of_other_nodes_is_used_before_any_is_reclaimed),
        NODE_TEST(each_node_has_a_kswapd_on_its_own_cpus),
        NODE_TEST(direct_reclaim_takes_from_every_node),
        NODE_TEST(direct_reclaim_scans_to_the_end_of_its_targets),
        NODE_TEST(pageout_takes_pages_of_all_nodes),
        NODE_TEST(both_engines_agree_about_nodes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
