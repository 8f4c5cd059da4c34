/* SPDX-License-Identifier: MIT */
/* A world for tests of protocols with generations: see tlbgen_world.h. */
#include "support/tlbgen_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct cpu *gen_cpu(struct gen_world *world, uint32_t id)
{
    return &world->small->system.cpus[id];
}

struct tlbgen_cpu *gen_state(struct gen_world *world, uint32_t id)
{
    return tlbgen_cpu_of(gen_cpu(world, id));
}

void gen_run(struct gen_world *world, uint32_t id, struct address_space *mm)
{
    struct cpu *cpu = gen_cpu(world, id);

    cpu->is_kernel_thread = false;
    cpu->system->protocol->switch_mm(cpu, mm);
}

void gen_idle(struct gen_world *world, uint32_t id)
{
    struct cpu *cpu = gen_cpu(world, id);

    cpu->is_kernel_thread = true;
    cpu->system->protocol->enter_lazy(cpu);
}

void gen_forget(struct gen_world *world)
{
    struct system *system = &world->small->system;

    memset(&system->vmstat, 0, sizeof(system->vmstat));
    memset(system->flush_reasons, 0, sizeof(system->flush_reasons));
    system->shootdowns.count = system->shootdowns.targets = 0;
    system->shootdowns.ipis_sent = system->shootdowns.completed = 0;
    system->shootdowns.broadcasts = 0;
}

struct gen_world *gen_create_with(struct small_options *options,
                                  const char *protocol)
{
    struct gen_world *world = calloc(1, sizeof(*world));

    assert_non_null(world);
    options->protocol = mmusim__protocol_find(protocol);
    assert_non_null(options->protocol);
    small_options_tlb(options, TLB_L2, 512, 3);
    world->small = small_create(options);
    for (uint32_t i = 0; i < GEN_SPACES; i++)
        small_space_init(world->small, &world->mm[i], i + 1);
    for (uint32_t id = 0; id < 3; id++)
        gen_run(world, id, &world->mm[0]);
    gen_run(world, 3, &world->mm[1]);
    gen_forget(world);
    return world;
}

struct gen_world *gen_create(const char *protocol, bool has_pcid)
{
    struct small_options options;

    small_options_init(&options);
    options.has_pcid = has_pcid;
    return gen_create_with(&options, protocol);
}

void gen_destroy(struct gen_world *world)
{
    small_destroy(world->small);
    free(world);
}

/* ---- what is in the TLBs ---- */

void gen_fill(struct gen_world *world, uint32_t id, uint32_t n_pages)
{
    for (uint32_t i = 0; i < n_pages; i++) {
        const struct mmu_fill fill = {.vaddr = GEN_VADDR +
                                               (uint64_t) i * BASE_PAGE_BYTES,
                                      .tags = gen_cpu(world, id)->mmu.tags,
                                      .data = tlb_data((pfn_t){77}, TLB_READ),
                                      .kinds = 1U << ACCESS_LOAD};

        mmusim__mmu_fill(&gen_cpu(world, id)->mmu, &fill);
    }
}

uint32_t gen_held(struct gen_world *world, uint32_t id, uint32_t n_pages)
{
    const struct mmu *mmu = &gen_cpu(world, id)->mmu;
    uint32_t count = 0;

    for (uint32_t i = 0; i < n_pages; i++)
        count += mmusim__tlb_array_probe(
                     mmu->tlb[TLB_L2].arrays[0],
                     vpn_of(GEN_VADDR + (uint64_t) i * BASE_PAGE_BYTES),
                     mmu->tags) != TLB_NO_SLOT;
    return count;
}

/* ---- what CPU 0 does ---- */

void gen_do(struct gen_world *world, small_act act, void *context)
{
    struct system *system = &world->small->system;
    uint64_t now = 0;

    small_do(world->small, 0, act, context);
    if (!world->has_begun) {
        world->has_begun = true;
        small_run(world->small);
        return;
    }
    for (uint32_t id = 0; id < system->n_cpus; id++)
        now = max_u64(now, system->cpus[id].now);
    mmusim__cpu_wake(gen_cpu(world, 0), now, 0);
    small_drain(world->small);
}

struct gen_flush {
    struct address_space *mm;
    uint64_t n_pages;
    bool frees_tables;
};

static void gen_act_gather(struct cpu *cpu, void *context)
{
    const struct gen_flush *flush = context;
    struct flush_span span = flush_span_all();

    if (flush->n_pages != FLUSH_ALL_PAGES)
        span = flush_span_of(GEN_VADDR,
                             GEN_VADDR + flush->n_pages * BASE_PAGE_BYTES);
    span.frees_tables = flush->frees_tables;
    mmusim__flush_gather(cpu, flush->mm, &span);
}

static void gen_act_page(struct cpu *cpu, void *context)
{
    mmusim__flush_page(cpu, context, GEN_VADDR, 0);
}

void gen_gather(struct gen_world *world, struct address_space *mm,
                uint64_t n_pages, bool frees_tables)
{
    struct gen_flush flush = {mm, n_pages, frees_tables};

    gen_do(world, gen_act_gather, &flush);
}

void gen_page(struct gen_world *world, struct address_space *mm)
{
    gen_do(world, gen_act_page, mm);
}

/* ---- expectations ---- */

void gen_expect_vmstat(struct gen_world *world, uint64_t remote,
                       uint64_t received, uint64_t local_all,
                       uint64_t local_one)
{
    const struct vmstat_counters *vmstat = &world->small->system.vmstat;

    assert_int_equal(vmstat->nr_tlb_remote_flush, remote);
    assert_int_equal(vmstat->nr_tlb_remote_flush_received, received);
    assert_int_equal(vmstat->nr_tlb_local_flush_all, local_all);
    assert_int_equal(vmstat->nr_tlb_local_flush_one, local_one);
}

void gen_expect_reason(struct gen_world *world, enum flush_reason reason,
                       uint64_t count, uint64_t full, uint64_t pages)
{
    const struct flush_reason_counters *counters =
        &world->small->system.flush_reasons[reason];

    assert_int_equal(counters->count, count);
    assert_int_equal(counters->full, full);
    assert_int_equal(counters->pages, pages);
}

void gen_expect_events(struct gen_world *world, uint64_t count)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < FLUSH_REASON_COUNT; i++)
        sum += world->small->system.flush_reasons[i].count;
    assert_int_equal(sum, count);
}
