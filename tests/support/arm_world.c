/* SPDX-License-Identifier: MIT */
/* A world for tests of Arm's kernels: see arm_world.h. */
#include "support/arm_world.h"

#include "support/format_list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct cpu *arm_cpu(struct arm_world *world, uint32_t id)
{
    return &world->small->system.cpus[id];
}

/* The kernel of the options, on the machine that is there. */
static void arm_boot(struct arm_world *world,
                     const struct arm_world_options *options)
{
    struct system *system = &world->small->system;
    bool is_v7 = !options->granule_bytes;
    uint8_t granule_order = (uint8_t) world->format.granule_order;

    system->isa = is_v7 ? ISA_ARMV7 : ISA_ARMV8;
    system->arm = (struct arm_issuer){
        .features = options->features | (is_v7 ? ARM_MP : 0U),
        .el = 1,
        .cannot_broadcast = options->cannot_broadcast,
        .asid_bits = is_v7 ? 8 : 16,
        .granule_order = {granule_order, granule_order},
    };
    system->has_pti = options->has_pti;
    system->protocol = mmusim__protocol_find(options->kernel);
    assert_non_null(system->protocol);
    system->flush_ceiling_pages = options->ceiling;
    system->has_flush_ceiling = options->ceiling;
    if (!options->ceiling)
        system->flush_ceiling_pages = system->protocol->default_ceiling_pages;
    assert_int_equal(system->protocol->init(system), MMUSIM_OK);
}

static void arm_load(struct cpu *cpu, struct address_space *mm)
{
    cpu->is_kernel_thread = false;
    cpu->system->protocol->switch_mm(cpu, mm);
}

struct arm_world *arm_world_create(const struct arm_world_options *options)
{
    struct arm_world *world = calloc(1, sizeof(*world));
    struct pt_options format = {.isa = "armv8",
                                .granule_bytes = options->granule_bytes,
                                .vaddr_bits = 48};
    struct small_options small;

    assert_non_null(world);
    if (!options->granule_bytes)
        format = (struct pt_options){.isa = "armv7"};
    world->format = format_of(&format);
    small_options_init(&small);
    small.format = &world->format;
    small.is_reference = true;
    small.has_pcid = true;
    small_options_tlb(&small, TLB_L2, 4096, 3);
    small_options_tlb(&small, TLB_L1D, 4, 3);
    world->small = small_create(&small);
    arm_boot(world, options);
    small_space_init(world->small, &world->mm, 1);
    small_space_init(world->small, &world->other, 2);
    for (uint32_t id = 0; id < 3; id++)
        arm_load(arm_cpu(world, id), &world->mm);
    arm_load(arm_cpu(world, 3), &world->other);
    return world;
}

void arm_world_destroy(struct arm_world *world)
{
    small_destroy(world->small);
    free(world);
}

/* ---- what is cached ---- */

static struct tlb_array *arm_l2(struct arm_world *world, uint32_t id)
{
    return arm_cpu(world, id)->mmu.tlb[TLB_L2].arrays[0];
}

void arm_fill(struct arm_world *world, uint32_t id, uint64_t vaddr,
              uint32_t order)
{
    const struct mmu_fill fill = {.vaddr = vaddr,
                                  .order = order,
                                  .tags = arm_cpu(world, id)->mmu.tags,
                                  .data = tlb_data((pfn_t){0}, TLB_READ),
                                  .kinds = 1U << ACCESS_LOAD};

    mmusim__mmu_fill(&arm_cpu(world, id)->mmu, &fill);
}

static uint64_t arm_key(struct arm_world *world, uint32_t id, uint64_t vaddr,
                        uint32_t order)
{
    return tlb_key((vpn_t){vpn_of(vaddr).v >> order << order}, order,
                   (uint16_t) arm_cpu(world, id)->mmu.tags, false);
}

static bool arm_array_has(const struct tlb_array *array, uint64_t key)
{
    for (uint32_t i = 0; i < (array->set_mask + 1) * array->n_ways; i++) {
        if (array->keys[i] == key)
            return true;
    }
    return false;
}

bool arm_holds(struct arm_world *world, uint32_t id, uint64_t vaddr,
               uint32_t order)
{
    return arm_array_has(arm_l2(world, id), arm_key(world, id, vaddr, order));
}

void arm_fill_pointer(struct arm_world *world, uint32_t id, uint64_t vaddr,
                      uint32_t level)
{
    struct mmu *mmu = &arm_cpu(world, id)->mmu;
    const struct psc_hit hit = {.level = level, .table = BASE_PAGE_BYTES};
    struct tlb_removed removed;

    mmusim__psc_enter(&mmu->psc, vaddr, mmu->tags, &hit, &removed);
}

bool arm_holds_pointer(struct arm_world *world, uint32_t id, uint64_t vaddr,
                       uint32_t level)
{
    const struct mmu *mmu = &arm_cpu(world, id)->mmu;

    return arm_array_has(mmu->psc.at[level],
                         psc_key(&mmu->psc, vaddr, level, mmu->tags));
}

/* ---- what a CPU does ---- */

static void arm_act(struct cpu *cpu, void *context)
{
    struct arm_order *order = context;
    const struct protocol_ops *protocol = cpu->system->protocol;
    struct address_space *mm = &order->world->mm;
    const struct flush_span *span = &order->span;

    switch (order->deed) {
    case ARM_FLUSH_RANGE:
        mmusim__flush_range(cpu, mm, span);
        break;
    case ARM_FLUSH_GATHER:
        mmusim__flush_gather(cpu, mm, span);
        break;
    case ARM_FLUSH_PAGE:
        mmusim__flush_page(cpu, mm, span->start, order->order);
        break;
    case ARM_FLUSH_KERNEL:
        mmusim__flush_kernel_range(cpu, span->start, span->end);
        break;
    case ARM_FLUSH_ALL:
        mmusim__flush_all(cpu);
        break;
    case ARM_UPGRADE:
        protocol->after_upgrade(cpu, mm, span->start, order->order);
        break;
    case ARM_SPURIOUS:
        if (protocol->fix_spurious)
            protocol->fix_spurious(cpu, mm, span->start, order->order);
        break;
    case ARM_BATCH_ADD:
        mmusim__cpu_busy(
            cpu, mmusim__flush_batch_add(cpu, mm, span->start, order->order),
            BUCKET_KERNEL);
        break;
    case ARM_BATCH_FLUSH:
        mmusim__flush_batch(cpu);
        break;
    case ARM_BATCH_PENDING:
        mmusim__flush_batch_pending(cpu, mm);
        break;
    }
}

void arm_do(struct arm_order *order, uint32_t id)
{
    small_do(order->world->small, id, arm_act, order);
}

void arm_run(struct arm_world *world, enum arm_deed deed,
             const struct flush_span *span)
{
    struct arm_order order = {world, deed, *span, 0};

    arm_do(&order, 0);
    small_run(world->small);
}

uint64_t arm_n_ops(const struct arm_world *world)
{
    return world->small->system.shootdowns.broadcasts;
}
