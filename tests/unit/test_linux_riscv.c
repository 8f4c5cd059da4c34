/* SPDX-License-Identifier: MIT */
/*
 * RISC-V's kernels: the threshold in strides, tables, batches, and the mask of
 * CPUs with and without ASIDs. Rules of arch/riscv/mm/tlbflush.c and context.c
 * (docs/protocols/others.md).
 */
#include "coherence/flush.h"
#include "support/format_list.h"
#include "support/small_system.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define VADDR UINT64_C(0x40000000)

enum { PAGE = 4096, ORDER_2M = 9 };

struct world {
    struct small_system *small;
    struct pt_format format;
    struct address_space mm, other;
};

static struct cpu *cpu_of(struct world *world, uint32_t id)
{
    return &world->small->system.cpus[id];
}

static void load(struct world *world, uint32_t id, struct address_space *mm)
{
    struct cpu *cpu = cpu_of(world, id);

    cpu->is_kernel_thread = false;
    cpu->system->protocol->switch_mm(cpu, mm);
}

static struct world *world_of(const char *kernel, uint8_t asid_bits)
{
    const struct pt_options format = {.isa = "riscv", .vaddr_bits = 48};
    struct world *world = calloc(1, sizeof(*world));
    struct small_options options;
    struct system *system;

    assert_non_null(world);
    world->format = format_of(&format);
    small_options_init(&options);
    options.format = &world->format;
    options.is_reference = true;
    options.has_pcid = true;
    small_options_tlb(&options, TLB_L2, 1024, 3);
    small_options_tlb(&options, TLB_L1D, 4, 3);
    world->small = small_create(&options);
    system = &world->small->system;
    system->isa = ISA_RISCV;
    system->riscv = (struct riscv_issuer){
        .mode = RISCV_S, .vaddr_bits = 48, .asid_bits = asid_bits};
    system->protocol = mmusim__protocol_find(kernel);
    assert_non_null(system->protocol);
    system->flush_ceiling_pages = system->protocol->default_ceiling_pages;
    assert_int_equal(system->protocol->init(system), MMUSIM_OK);
    small_space_init(world->small, &world->mm, 1);
    small_space_init(world->small, &world->other, 2);
    for (uint32_t id = 0; id < 2; id++)
        load(world, id, &world->mm);
    return world;
}

static void world_free(struct world *world)
{
    small_destroy(world->small);
    free(world);
}

static void fill(struct world *world, uint32_t id, uint64_t vaddr,
                 uint32_t order)
{
    struct mmu *mmu = &cpu_of(world, id)->mmu;
    const struct mmu_fill entry = {.vaddr = vaddr,
                                   .order = order,
                                   .tags = mmu->tags,
                                   .data = tlb_data((pfn_t){0}, TLB_READ),
                                   .kinds = 1U << ACCESS_LOAD};

    mmusim__mmu_fill(mmu, &entry);
}

static bool holds(struct world *world, uint32_t id, uint64_t vaddr,
                  uint32_t order)
{
    const struct mmu *mmu = &cpu_of(world, id)->mmu;
    const struct tlb_array *array = mmu->tlb[TLB_L2].arrays[0];
    uint64_t key = tlb_key(vpn_of(vaddr), order, (uint16_t) mmu->tags, false);

    for (uint32_t i = 0; i < (array->set_mask + 1) * array->n_ways; i++) {
        if (array->keys[i] == key)
            return true;
    }
    return false;
}

/* ---- what a CPU does ---- */

struct order {
    struct world *world;
    struct flush_span span;
};

static void do_gather(struct cpu *cpu, void *context)
{
    struct order *order = context;

    mmusim__flush_gather(cpu, &order->world->mm, &order->span);
}

static void do_page(struct cpu *cpu, void *context)
{
    struct order *order = context;

    mmusim__flush_page(cpu, &order->world->mm, order->span.start, 0);
}

static void do_batch_add(struct cpu *cpu, void *context)
{
    struct order *order = context;

    mmusim__cpu_busy(
        cpu,
        mmusim__flush_batch_add(cpu, &order->world->mm, order->span.start, 0),
        BUCKET_KERNEL);
}

static void do_batch_flush(struct cpu *cpu, void *context)
{
    (void) context;
    mmusim__flush_batch(cpu);
}

static void run(struct world *world, uint32_t id, small_act act,
                const struct flush_span *span)
{
    struct order order = {world, *span};

    small_do(world->small, id, act, &order);
    small_run(world->small);
}

/* ---- the threshold ---- */

struct threshold {
    const char *kernel;
    uint32_t stride_order;
    uint64_t n_strides;
    bool is_full;
};

/* tlb_flush_all_threshold is 64, strictly greater; a local flush of more than
 * one page was a full one up to 6.2, and OpenSBI's remote one likewise. */
static void more_strides_than_the_threshold_are_one_fence(void **state)
{
    static const struct threshold cases[] = {
        {"linux-riscv", 0, 1, false},
        {"linux-riscv", 0, 64, false},
        {"linux-riscv", 0, 65, true},
        {"linux-riscv", ORDER_2M, 64, false},
        {"linux-riscv", ORDER_2M, 65, true},
        {"linux-riscv-6.2", 0, 1, false},
        {"linux-riscv-6.2", 0, 2, true},
        {"linux-riscv-6.2-fixed", 0, 2, true},
    };

    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct world *world = world_of(cases[i].kernel, 16);
        uint64_t bytes = cases[i].n_strides << (12 + cases[i].stride_order);
        struct flush_span span = flush_span_of(VADDR, VADDR + bytes);

        span.stride_order = cases[i].stride_order;
        fill(world, 1, VADDR, cases[i].stride_order);
        run(world, 0, do_gather, &span);
        for (uint32_t id = 0; id < 2; id++) {
            const struct flush_counters *flushes = &cpu_of(world, id)->flushes;
            uint64_t n_pages = cases[i].is_full ? 0 : cases[i].n_strides;

            assert_int_equal(id ? flushes->received_full : flushes->local_full,
                             cases[i].is_full);
            assert_int_equal(
                id ? flushes->received_pages : flushes->local_pages, n_pages);
        }
        assert_false(holds(world, 1, VADDR, cases[i].stride_order));
        world_free(world);
    }
}

static void freed_tables_take_the_whole_space(void **state)
{
    (void) state;
    for (uint32_t is_full_mm = 0; is_full_mm < 2; is_full_mm++) {
        struct world *world = world_of("linux-riscv", 16);
        struct flush_span span = flush_span_of(VADDR, VADDR + PAGE);

        span.frees_tables = !is_full_mm;
        span.is_full_mm = is_full_mm;
        run(world, 0, do_gather, &span);
        assert_int_equal(cpu_of(world, 1)->flushes.received_full, 1);
        world_free(world);
    }
}

/* arch_tlbbatch_flush(): everything, where the spaces have run. */
static void a_batch_is_one_fence_of_everything(void **state)
{
    struct world *world = world_of("linux-riscv", 16);
    struct order order = {world, flush_span_of(VADDR, VADDR + PAGE)};

    (void) state;
    for (uint32_t id = 0; id < 2; id++)
        fill(world, id, VADDR, 0);
    small_do(world->small, 0, do_batch_add, &order);
    small_do(world->small, 0, do_batch_add, &order);
    small_do(world->small, 0, do_batch_flush, &order);
    small_run(world->small);
    assert_int_equal(world->small->system.shootdowns.ipis_sent, 1);
    for (uint32_t id = 0; id < 2; id++)
        assert_false(holds(world, id, VADDR, 0));
    assert_null(mmusim__protocol_find("linux-riscv-6.2")->batch_defers);
    world_free(world);
}

/* ---- who is in the mask ---- */

/* CPU 0 runs the space, then another; CPU 1 flushes a page of it; CPU 0 comes
 * back. Up to 6.2 it had left the mask with its entries kept. */
static void b37_who_leaves_the_mask_has_no_entries(void **state)
{
    static const struct {
        const char *kernel;
        uint8_t asid_bits;
        bool is_in_mask, is_stale;
    } cases[] = {
        {"linux-riscv-6.2", 16, false, true},
        {"linux-riscv-6.2-fixed", 16, true, false},
        {"linux-riscv", 16, true, false},
        {"linux-riscv-6.2", 0, false, false},
        {"linux-riscv", 0, false, false},
        /* 8 CPUs: 16 ASIDs are not more than twice as many */
        {"linux-riscv", 4, false, false},
        {"linux-riscv", 5, true, false},
    };

    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct world *world = world_of(cases[i].kernel, cases[i].asid_bits);
        struct flush_span span = flush_span_of(VADDR, VADDR + PAGE);

        fill(world, 0, VADDR, 0);
        load(world, 0, &world->other);
        assert_int_equal(cpu_mask_has(&world->mm.cpus, 0), cases[i].is_in_mask);
        run(world, 1, do_page, &span);
        load(world, 0, &world->mm);
        if (holds(world, 0, VADDR, 0) != cases[i].is_stale)
            fail_msg("%s with %u bits", cases[i].kernel, cases[i].asid_bits);
        world_free(world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(more_strides_than_the_threshold_are_one_fence),
        cmocka_unit_test(freed_tables_take_the_whole_space),
        cmocka_unit_test(a_batch_is_one_fence_of_everything),
        cmocka_unit_test(b37_who_leaves_the_mask_has_no_entries),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
