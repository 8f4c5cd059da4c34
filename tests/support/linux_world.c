/* SPDX-License-Identifier: MIT */
/* A world for tests of the linux-4.6 protocol: see linux_world.h. */
#include "support/linux_world.h"

#include "coherence/flush.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct cpu *world_cpu(struct world *world, uint32_t id)
{
    return &world->small->system.cpus[id];
}

int world_setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    struct small_options options;

    assert_non_null(world);
    small_options_init(&options);
    small_options_tlb(&options, TLB_L2, 512, 3);
    world->small = small_create(&options);
    small_space_init(world->small, &world->mm, 1);
    small_space_init(world->small, &world->other, 2);
    for (uint32_t id = 0; id < 3; id++)
        small_run_mm(world_cpu(world, id), &world->mm);
    small_run_mm(world_cpu(world, 3), &world->other);
    *state = world;
    return 0;
}

int world_teardown(void **state)
{
    struct world *world = *state;

    small_destroy(world->small);
    free(world);
    return 0;
}

/* ---- what is in the TLBs ---- */

void world_fill(struct world *world, uint32_t id, uint64_t vaddr,
                uint32_t rights)
{
    const struct mmu_fill fill = {.vaddr = vaddr,
                                  .data = tlb_data((pfn_t){77}, rights),
                                  .kinds = 1U << ACCESS_LOAD};

    mmusim__mmu_fill(&world_cpu(world, id)->mmu, &fill);
}

bool world_holds(struct world *world, uint32_t id, uint64_t vaddr)
{
    const struct mmu *mmu = &world_cpu(world, id)->mmu;

    return mmusim__tlb_array_probe(mmu->tlb[TLB_L2].arrays[0], vpn_of(vaddr),
                                   0) != TLB_NO_SLOT;
}

/* Pages LINUX_VADDR ... of every CPU, and a global one at the end. */
void world_fill_all(struct world *world, uint32_t n_pages)
{
    for (uint32_t id = 0; id < 4; id++) {
        for (uint32_t i = 0; i < n_pages; i++)
            world_fill(world, id, LINUX_VADDR + (uint64_t) i * BASE_PAGE_BYTES,
                       TLB_READ);
        world_fill(world, id,
                   LINUX_VADDR + (uint64_t) n_pages * BASE_PAGE_BYTES,
                   TLB_READ | TLB_GLOBAL);
    }
}

uint32_t world_held(struct world *world, uint32_t id, uint32_t n_pages)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < n_pages; i++)
        count += world_holds(world, id,
                             LINUX_VADDR + (uint64_t) i * BASE_PAGE_BYTES);
    return count;
}

/* ---- expectations ---- */

void world_expect_reason(struct world *world, enum flush_reason reason,
                         uint64_t count, uint64_t full, uint64_t pages)
{
    const struct flush_reason_counters *counters =
        &world->small->system.flush_reasons[reason];

    assert_int_equal(counters->count, count);
    assert_int_equal(counters->full, full);
    assert_int_equal(counters->pages, pages);
}

/* Every reason not named is to be 0; call after those that are. */
void world_expect_reasons(struct world *world, uint64_t count)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < FLUSH_REASON_COUNT; i++)
        sum += world->small->system.flush_reasons[i].count;
    assert_int_equal(sum, count);
}

void world_expect_vmstat(struct world *world, uint64_t remote,
                         uint64_t received, uint64_t local_all,
                         uint64_t local_one)
{
    const struct vmstat_counters *vmstat = &world->small->system.vmstat;

    assert_int_equal(vmstat->nr_tlb_remote_flush, remote);
    assert_int_equal(vmstat->nr_tlb_remote_flush_received, received);
    assert_int_equal(vmstat->nr_tlb_local_flush_all, local_all);
    assert_int_equal(vmstat->nr_tlb_local_flush_one, local_one);
}

/* ---- what CPU 0 does ---- */

void world_mm_range(struct cpu *cpu, void *context)
{
    const struct flush *flush = context;
    uint64_t end = flush->n_pages == FLUSH_ALL_PAGES
                       ? FLUSH_END_ALL
                       : flush->start + flush->n_pages * BASE_PAGE_BYTES;

    struct flush_span span = flush_span_of(flush->start, end);

    span.is_hugetlb = flush->is_hugetlb;
    mmusim__flush_range(cpu, flush->mm, &span);
}

void world_page(struct cpu *cpu, void *context)
{
    const struct flush *flush = context;

    mmusim__flush_page(cpu, flush->mm, flush->start, 0);
}

void world_kernel_range(struct cpu *cpu, void *context)
{
    const struct flush *flush = context;
    uint64_t end = flush->n_pages == FLUSH_ALL_PAGES
                       ? FLUSH_END_ALL
                       : flush->start + flush->n_pages * BASE_PAGE_BYTES +
                             flush->extra_bytes;

    mmusim__flush_kernel_range(cpu, flush->start, end);
}

void world_flush_tlb(struct cpu *cpu, void *context)
{
    (void) context;
    mmusim__linux_4_6_flush_tlb(cpu);
}

void world_flush_tlb_mm(struct cpu *cpu, void *context)
{
    const struct flush *flush = context;

    mmusim__linux_4_6_flush_tlb_mm(cpu, flush->mm);
}

void world_flush_all(struct cpu *cpu, void *context)
{
    (void) context;
    mmusim__flush_all(cpu);
}

void world_run(struct world *world, small_act act, struct flush *flush)
{
    small_do(world->small, 0, act, flush);
    small_run(world->small);
}

void world_flush_own(struct world *world, uint64_t n_pages)
{
    struct flush flush = {
        .mm = &world->mm, .start = LINUX_VADDR, .n_pages = n_pages};

    world_run(world, world_mm_range, &flush);
}

void world_make_lazy(struct world *world, uint32_t id)
{
    world_cpu(world, id)->is_kernel_thread = true;
    world_cpu(world, id)->system->protocol->enter_lazy(world_cpu(world, id));
}
