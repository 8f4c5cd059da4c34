/* SPDX-License-Identifier: MIT */
/*
 * Random programs on a machine that has less memory than they use: two
 * processes, three threads, files and anonymous memory, every call that edits
 * entries. On the way: each entry is in its page's reverse map and nothing else
 * is, each swap slot has as many references as entries name it, the lists are
 * whole. At the end: no frame is lost (run_assert_laws), the same statistics
 * from both engines.
 */
#include "core/rng.h"
#include "os/mm.h"
#include "os/page_cache.h"
#include "os/page_table.h"
#include "os/reclaim.h"
#include "support/machine_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
    N_PROGRAMS = 6,
    N_LINES = 2500,
    N_THREADS = 3, /* 1 and 2 share an address space, 3 is a child's */
    AREA_PAGES = 700,
    PIECE = 64,
};

static const uint64_t areas[] = {0x10000000, 0x20000000, 0x30000000};
enum { N_AREAS = sizeof(areas) / sizeof(areas[0]) };

/* ---- programs ---- */

static void say_map(struct program *program, uint32_t tid, uint32_t area)
{
    static const char *const kinds[N_AREAS] = {"rw- anon", "r-- file:a",
                                               "rw- file:b shared"};

    program_say(program, "%u mmap 0x%llx 0x%x %s\n", tid,
                (unsigned long long) areas[area], AREA_PAGES * 4096,
                kinds[area]);
}

static void say_call(struct program *program, struct rng *rng, uint32_t tid,
                     unsigned long long vaddr, uint32_t bytes)
{
    static const char *const advice[] = {"dontneed", "free", "cold", "pageout"};

    switch (mmusim__rng_below(rng, 6)) {
    case 0:
        program_say(program, "%u munmap 0x%llx 0x%x\n", tid, vaddr, bytes);
        say_map(program, tid, mmusim__rng_below(rng, N_AREAS));
        break;
    case 1:
        program_say(program, "%u mprotect 0x%llx 0x%x r--\n", tid, vaddr,
                    bytes);
        program_say(program, "%u mprotect 0x%llx 0x%x rw-\n", tid, vaddr,
                    bytes);
        break;
    case 2:
        program_say(program, "%u madvise 0x%llx 0x%x %s\n", tid, vaddr, bytes,
                    advice[mmusim__rng_below(rng, 4)]);
        break;
    case 3:
        program_say(program, "%u mremap 0x%llx 0x%x 0x%llx 0x%x\n", tid, vaddr,
                    bytes, vaddr + 0x40000000, bytes);
        break;
    default:
        program_say(program, "%u reclaim 0x%llx 0x%x\n", tid, vaddr, bytes);
        break;
    }
}

static void say_line(struct program *program, struct rng *rng)
{
    uint32_t tid = 1 + mmusim__rng_below(rng, N_THREADS);
    uint32_t area = mmusim__rng_below(rng, N_AREAS);
    uint32_t page = mmusim__rng_below(rng, AREA_PAGES - 40);
    unsigned long long vaddr = areas[area] + page * 4096ULL;

    if (mmusim__rng_below(rng, 40) == 0) {
        say_call(program, rng, tid, vaddr,
                 4096 * (1 + mmusim__rng_below(rng, 40)));
        return;
    }
    /* A run of pages, as programs have them. */
    for (uint32_t i = 0; i < 8; i++)
        program_say(program, "%u %c 0x%llx\n%u n 60\n", tid,
                    area != 1 && mmusim__rng_below(rng, 2) ? 'w' : 'r',
                    vaddr + i * 4096ULL, tid);
}

static struct program *make_program(uint64_t seed)
{
    struct program *program = program_create();
    struct rng rng;

    mmusim__rng_init(&rng, seed, 0);
    program_say(program, "1 clone 2\n");
    for (uint32_t area = 0; area < N_AREAS; area++)
        say_map(program, 1, area);
    program_say(program, "1 w 0x10000000\n1 fork 3\n");
    for (uint32_t i = 0; i < N_LINES; i++)
        say_line(program, &rng);
    return program;
}

/* ---- what must hold at any time ---- */

struct watch {
    struct machine_run *run;
    uint64_t seed;
    uint32_t n_checks;
};

/* Every entry of an address space: its page knows it. */
static void check_mm(const struct watch *watch, struct mm *mm,
                     uint64_t *n_mapped, uint32_t *slots)
{
    struct kernel *kernel = &watch->run->machine->kernel;
    uint64_t end = UINT64_C(1) << 46;
    uint64_t cursor = 0;
    struct pte_slot slot;

    while (mmusim__pte_next_table(kernel, mm, cursor, end, &slot, &cursor)) {
        struct pt_entry entry;
        uint32_t swap_slot;

        if (mmusim__pte_is_swap(kernel, &slot, &swap_slot))
            slots[swap_slot]++;
        if (mmusim__pte_maps(kernel, &slot, &entry) &&
            !kernel_is_zero_page(kernel, entry.pfn)) {
            const struct page *page =
                mmusim__page_find(kernel->reclaim->pages, entry.pfn);
            const struct page_map *map = page ? &page->map : NULL;

            while (map && (map->mm != mm || map->vaddr != cursor))
                map = map->next;
            if (!map)
                fail_msg("seed %llu: %#llx is not in its page's reverse map",
                         (unsigned long long) watch->seed,
                         (unsigned long long) cursor);
            ++*n_mapped;
        }
        cursor += 4096;
    }
}

static uint64_t count_maps(const struct kernel *kernel)
{
    uint64_t n = 0;

    for (uint64_t pfn = 1; pfn < kernel->reclaim->n_frames; pfn++) {
        const struct page *page =
            mmusim__page_find(kernel->reclaim->pages, (pfn_t){pfn});

        n += page ? mmusim__page_count_maps(page) : 0;
    }
    return n;
}

/* Of each node: the lists hold its pages and no others, and its frames in use
 * are those that have a reference. */
static void check_nodes(const struct kernel *kernel)
{
    struct reclaim *reclaim = kernel->reclaim;
    uint64_t n_frames = 0;
    uint64_t n_free = 0;

    for (uint32_t node = 0; node < reclaim->n_nodes; node++) {
        uint64_t n_listed = 0;
        uint64_t n_flagged = 0;

        assert_true(mmusim__lru_is_valid(&reclaim->nodes[node].lru));
        for (int kind = 0; kind < LRU_KINDS; kind++)
            n_listed += reclaim->nodes[node].lru.lists[kind].n_pages;
        for (uint64_t pfn = 1; pfn < reclaim->n_frames; pfn++) {
            const struct page *page =
                mmusim__page_find(reclaim->pages, (pfn_t){pfn});

            n_flagged +=
                page && (page->flags & PAGE_LRU) &&
                mmusim__frame_node(kernel->frames, (pfn_t){pfn}) == node;
        }
        assert_int_equal(n_listed, n_flagged);
        n_frames += reclaim->nodes[node].n_frames;
        n_free += mmusim__frames_free_on(kernel->frames, node);
    }
    assert_int_equal(n_frames, reclaim->n_frames);
    assert_int_equal(n_frames - n_free, mmusim__frames_in_use(kernel->frames));
}

static void check_machine(struct watch *watch)
{
    struct kernel *kernel = &watch->run->machine->kernel;
    struct swap *swap = &kernel->reclaim->swap;
    uint32_t *slots = calloc(swap->n_known + 1, sizeof(*slots));
    uint64_t n_mapped = 0;
    uint64_t n_used = 0;

    assert_non_null(slots);
    for (struct mm *mm = kernel->mms; mm; mm = mm->next)
        check_mm(watch, mm, &n_mapped, slots);
    assert_int_equal(count_maps(kernel), n_mapped);
    for (uint32_t i = 0; i < swap->n_known; i++)
        n_used += slots[i] > 0;
    /* A reclaimer on each CPU may hold one that no entry names yet. */
    assert_true(n_used <= swap->n_used && swap->n_used <= n_used + 4);
    check_nodes(kernel);
    free(slots);
}

static void on_next(void *context, uint32_t thread_index, uint64_t first_record)
{
    struct watch *watch = context;

    (void) thread_index;
    (void) first_record;
    if (watch->n_checks++ % 16 == 0)
        check_machine(watch);
}

/* ---- runs ---- */

static void configure(struct machine_config *config, uint64_t seed)
{
    static const char *const protocols[] = {"linux-4.6", "linux-4.20",
                                            "linux-6.14", "ideal"};

    run_config(config, 2 + (uint32_t) (seed % 3));
    if (config->cores_per_socket % 2 == 0 && seed % 4 < 2) {
        config->n_sockets = 2;
        config->cores_per_socket /= 2;
    }
    snprintf(config->os.protocol, sizeof(config->os.protocol), "%s",
             protocols[seed % 4]);
    config->os.memory_bytes = 4 << 20;
    config->os.swap_bytes = 32 << 20;
    config->os.has_cold_page_cache = true;
    config->cost.major_fault_cycles = 3000;
    config->os.readahead_pages = seed % 2 ? 8 : 1;
    config->os.fault_around_pages = seed % 2 ? 4 : 1;
    config->os.batched_unmap = seed % 5 ? BATCHED_BY_PROTOCOL : BATCHED_OFF;
}

static void run_one(uint64_t seed)
{
    struct program *program = make_program(seed);
    struct machine_config config;
    struct machine_run runs[2] = {{.machine = NULL}};
    struct watch watch = {&runs[0], seed, 0};
    const struct program_view view = {PIECE, on_next, &watch};

    configure(&config, seed);
    run_build(&runs[0], &config);
    run_start(&runs[0], program, &view);
    if (runs[0].status)
        fail_msg("seed %llu: %s", (unsigned long long) seed, runs[0].diag.text);
    run_assert_laws(&runs[0]);
    assert_true(run_stat(&runs[0], "vmstat.pgsteal_direct") +
                    run_stat(&runs[0], "vmstat.pgsteal_kswapd") >
                500);
    assert_int_equal(runs[0].machine->kernel.reclaim->swap.n_used, 0);
    config.engine = ENGINE_REFERENCE;
    run_program(&runs[1], &config, program, NULL);
    run_assert_equal(&runs[0], &runs[1]);
    run_fini(&runs[0]);
    run_fini(&runs[1]);
    program_destroy(program);
}

static void programs_under_pressure_keep_the_books(void **state)
{
    (void) state;
    for (uint64_t seed = 1; seed <= N_PROGRAMS; seed++)
        run_one(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(programs_under_pressure_keep_the_books),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
