/* SPDX-License-Identifier: MIT */
/*
 * Laws of shootdowns over seeded random runs of eight CPUs that walk page
 * tables, move pages and flush ranges, pages and all, switch address spaces, go
 * lazy and come back, and mask interrupts, all at once:
 *
 *   - after every event each CPU's buckets sum to its clock, and none waits
 *     with interrupts masked (small_system.c);
 *   - when a flush returns to its caller, no CPU holds a translation to a frame
 *     that a page of the range had before, walks in flight notwithstanding;
 *   - every flush ends, queues and stacks are empty at the end, and every
 *     interrupt sent was answered;
 *   - a run event by event gives the same cycles and counters.
 *
 * MMUSIM_TEST_SEED and MMUSIM_TEST_RUNS repeat or lengthen a run.
 */
#include "coherence/fabric.h"
#include "coherence/flush.h"
#include "support/small_system.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
    DEFAULT_RUNS = 400,
    N_CPUS = 8,
    N_SPACES = 3,
    N_PAGES = 64,
    OPS_PER_CPU = 24,
};

#define VADDR UINT64_C(0x7f0000000000)

enum op_kind {
    OP_BUSY,
    OP_WALK,
    OP_FLUSH_RANGE,
    OP_FLUSH_PAGE,
    OP_FLUSH_EVERYTHING,
    OP_SWITCH,
    OP_LAZY,
    OP_MASKED,
    OP_N_KINDS
};

struct run;

struct op {
    struct run *run;
    enum op_kind kind;
    uint32_t space, page, n_pages;
    uint64_t cycles;
    uint32_t began_epoch;
    struct walk_request request;
};

struct run {
    struct small_system *small;
    struct address_space spaces[N_SPACES];
    struct op ops[N_CPUS][OPS_PER_CPU];
    struct rng rng;
    uint32_t epoch; /* rises with every flush */
    uint64_t n_checks, n_stale_seen;
    uint64_t seed;
};

static uint64_t number_from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text ? strtoull(text, NULL, 0) : otherwise;
}

static uint32_t draw(struct run *run, uint32_t bound)
{
    return mmusim__rng_below(&run->rng, bound);
}

static uint64_t page_vaddr(uint32_t page)
{
    return VADDR + (uint64_t) page * BASE_PAGE_BYTES;
}

/* ---- the law of completion ---- */

/* A page's frame says whose it is and since which epoch. */
static pfn_t frame_of(uint32_t space, uint32_t epoch)
{
    return (pfn_t){(uint64_t) space << 32 | epoch};
}

static uint32_t count_stale(const struct tlb_array *array, const struct op *op)
{
    uint32_t n_slots = (array->set_mask + 1) * array->n_ways;
    uint32_t n_stale = 0;

    for (uint32_t slot = 0; slot < n_slots; slot++) {
        uint64_t page = tlb_key_vpn(array->keys[slot]) -
                        (vpn_of(VADDR).v & ((UINT64_C(1) << 45) - 1));
        bool is_in_range =
            page >= op->page && page < (uint64_t) op->page + op->n_pages;

        uint64_t pfn = tlb_data_pfn(array->data[slot]).v;

        if (array->keys[slot] && (uint32_t) pfn < op->began_epoch &&
            (op->kind == OP_FLUSH_EVERYTHING ||
             (is_in_range && pfn >> 32 == op->space)))
            n_stale++;
    }
    return n_stale;
}

static uint32_t count_stale_everywhere(const struct op *op)
{
    uint32_t n_stale = 0;

    for (uint32_t id = 0; id < N_CPUS; id++) {
        const struct cpu *cpu = &op->run->small->system.cpus[id];
        const struct mmu *mmu = &cpu->mmu;

        if (cpu->vcpu.has_flush)
            continue; /* it flushes before it runs again */
        n_stale += count_stale(mmu->tlb[TLB_L1D].arrays[0], op);
        n_stale += count_stale(mmu->tlb[TLB_L2].arrays[0], op);
    }
    return n_stale;
}

static void check_complete(struct cpu *cpu, void *context)
{
    const struct op *op = context;

    (void) cpu;
    op->run->n_checks++;
    if (count_stale_everywhere(op))
        fail_msg("stale after a complete flush; MMUSIM_TEST_SEED=%llu",
                 (unsigned long long) op->run->seed);
}

/* ---- what CPUs do ---- */

static void do_walk(struct cpu *cpu, void *context)
{
    struct op *op = context;

    if (cpu->is_kernel_thread)
        return; /* it has no user addresses */
    op->request = (struct walk_request){.vaddr = page_vaddr(op->page)};
    mmusim__walk_ask(&cpu->mmu, &op->request, cpu->now);
}

static void move_page(struct run *run, uint32_t space, uint32_t page)
{
    const struct pt_format *format = run->small->shared.format;

    small_map(run->small, run->spaces[space - 1].root, page_vaddr(page), 0,
              format->make_leaf(format, frame_of(space, run->epoch), 0,
                                TLB_READ | TLB_USER, false));
}

/* The pages of an operation get new frames. */
static void move_pages(struct run *run, const struct op *op)
{
    bool is_all = op->kind == OP_FLUSH_EVERYTHING;

    for (uint32_t space = 1; space <= N_SPACES; space++) {
        for (uint32_t page = 0; page < N_PAGES; page++) {
            if (is_all || (space == op->space && page >= op->page &&
                           page < op->page + op->n_pages))
                move_page(run, space, page);
        }
    }
}

static void do_flush(struct cpu *cpu, void *context)
{
    struct op *op = context;
    struct address_space *mm = &op->run->spaces[op->space - 1];
    uint64_t start = page_vaddr(op->page);
    struct flush_span span =
        flush_span_of(start, start + (uint64_t) op->n_pages * BASE_PAGE_BYTES);

    op->began_epoch = ++op->run->epoch;
    move_pages(op->run, op);
    op->run->n_stale_seen += count_stale_everywhere(op);
    if (op->kind == OP_FLUSH_RANGE)
        mmusim__flush_range(cpu, mm, &span);
    else if (op->kind == OP_FLUSH_PAGE)
        mmusim__flush_page(cpu, mm, start, 0);
    else
        mmusim__flush_all(cpu);
}

static void do_switch(struct cpu *cpu, void *context)
{
    const struct op *op = context;
    uint32_t cycles;

    cpu->masks_interrupts = true;
    cpu->is_kernel_thread = cpu->is_idle = false;
    cycles =
        cpu->system->protocol->switch_mm(cpu, &op->run->spaces[op->space - 1]);
    mmusim__cpu_busy(cpu, op->cycles + cycles, BUCKET_SWITCH);
}

static void do_lazy(struct cpu *cpu, void *context)
{
    const struct op *op = context;

    cpu->masks_interrupts = true;
    cpu->is_kernel_thread = true;
    cpu->is_idle = op->page % 2;
    cpu->system->protocol->enter_lazy(cpu);
    mmusim__cpu_busy(cpu, op->cycles, BUCKET_SWITCH);
}

static void do_mask(struct cpu *cpu, void *context)
{
    const struct op *op = context;

    cpu->masks_interrupts = true;
    mmusim__cpu_busy(cpu, op->cycles, BUCKET_FAULT);
}

static void do_unmask(struct cpu *cpu, void *context)
{
    (void) context;
    cpu->masks_interrupts = false;
}

static void add_op(struct run *run, uint32_t cpu, struct op *op)
{
    struct small_system *small = run->small;

    switch (op->kind) {
    case OP_BUSY:
    case OP_N_KINDS:
        small_busy(small, cpu, op->cycles, BUCKET_BASE);
        return;
    case OP_WALK:
        small_do(small, cpu, do_walk, op);
        small_busy(small, cpu, op->cycles % 600, BUCKET_BASE);
        return;
    case OP_FLUSH_RANGE:
    case OP_FLUSH_PAGE:
    case OP_FLUSH_EVERYTHING:
        small_do(small, cpu, do_flush, op);
        small_do(small, cpu, check_complete, op);
        return;
    case OP_SWITCH:
        small_do(small, cpu, do_switch, op);
        small_do(small, cpu, do_unmask, op);
        return;
    case OP_LAZY:
        small_do(small, cpu, do_lazy, op);
        small_do(small, cpu, do_unmask, op);
        return;
    case OP_MASKED:
        small_do(small, cpu, do_mask, op);
        small_do(small, cpu, do_unmask, op);
        return;
    }
}

static void draw_op(struct run *run, struct op *op)
{
    static const uint8_t kinds[] = {
        OP_BUSY,        OP_WALK,       OP_WALK,       OP_WALK,
        OP_WALK,        OP_WALK,       OP_WALK,       OP_FLUSH_RANGE,
        OP_FLUSH_RANGE, OP_FLUSH_PAGE, OP_FLUSH_PAGE, OP_FLUSH_EVERYTHING,
        OP_SWITCH,      OP_LAZY,       OP_MASKED,
    };

    op->run = run;
    op->kind = (enum op_kind) kinds[draw(run, sizeof(kinds))];
    op->space = 1 + draw(run, N_SPACES);
    op->page = draw(run, N_PAGES);
    op->n_pages = op->kind == OP_FLUSH_PAGE ? 1 : 1 + draw(run, 40);
    op->cycles = draw(run, 3) ? draw(run, 50) : draw(run, 6000);
}

/* Half of the runs over interrupts, plain ones; the others over everything. */
static void choose_fabric(struct small_options *options, uint64_t seed)
{
    static const char *const fabrics[] = {"ipi", "dvm", "invlpgb", "rar"};

    if (seed % 2)
        return;
    options->fabric = fabrics[seed / 2 % 4];
    options->ipi.mode = (enum ipi_mode)(seed / 8 % 3);
    options->ipi.delivery = (enum ipi_delivery)(seed / 24 % 2);
    options->broadcast.filter = (enum broadcast_filter)(seed / 8 % 2);
    options->broadcast.inner_domain = INNER_SOCKET; /* outer is all the same */
    if (seed / 16 % 2)
        return;
    options->virt.interrupts = (enum virt_interrupts)(seed / 32 % 4);
    options->virt.preempt_period_cycles = 6000;
    options->virt.preempt_cycles = 5000;
    options->virt.has_pv_flush = true;
}

static void run_init(struct run *run, uint64_t seed, bool is_reference)
{
    struct small_options options;

    small_options_init(&options);
    options.is_reference = is_reference;
    options.ipi.cluster_cpus = seed % 3 ? 1 : 4;
    choose_fabric(&options, seed);
    *run =
        (struct run){.seed = seed, .epoch = 1, .small = small_create(&options)};
    mmusim__rng_init(&run->rng, seed, 0);
    for (uint32_t i = 0; i < N_SPACES; i++)
        small_space_init(run->small, &run->spaces[i], i + 1);
    move_pages(run, &(struct op){.kind = OP_FLUSH_EVERYTHING});
    for (uint32_t id = 0; id < N_CPUS; id++) {
        if (draw(run, 4))
            small_run_mm(&run->small->system.cpus[id],
                         &run->spaces[draw(run, N_SPACES)]);
        for (uint32_t i = 0; i < OPS_PER_CPU; i++) {
            draw_op(run, &run->ops[id][i]);
            add_op(run, id, &run->ops[id][i]);
        }
    }
}

/* ---- at the end ---- */

static void check_quiet(const struct run *run)
{
    const struct system *system = &run->small->system;

    assert_int_equal(system->shootdowns.count, system->shootdowns.completed);
    if (!strcmp(system->fabric->name, "ipi"))
        assert_int_equal(system->shootdowns.targets,
                         system->shootdowns.ipis_sent +
                             system->shootdowns.deferred);
    else
        assert_int_equal(system->shootdowns.ipis_sent, 0);
    assert_int_equal(system->free_rar_slots, system->rar.n_slots);
    for (uint32_t id = 0; id < N_CPUS; id++) {
        const struct cpu *cpu = &system->cpus[id];

        assert_null(cpu->top);
        assert_null(cpu->calls_head);
        assert_null(cpu->flights);
        assert_null(cpu->broadcast.ops);
        assert_int_equal(cpu->broadcast.n_outstanding, 0);
        assert_false(cpu->vcpu.is_preempted || cpu->vcpu.has_flush);
        assert_int_equal(cpu->stack_used_bytes, 0);
        assert_false(cpu->masks_interrupts || cpu->is_in_handler ||
                     cpu->has_interrupt);
        assert_int_equal(run->small->cpus[id].next_step,
                         run->small->cpus[id].n_steps);
    }
}

static void check_same(const struct run *a, const struct run *b)
{
    const struct system *s = &a->small->system;
    const struct system *t = &b->small->system;

    for (uint32_t id = 0; id < N_CPUS; id++) {
        assert_memory_equal(s->cpus[id].cycles, t->cpus[id].cycles,
                            sizeof(s->cpus[id].cycles));
        assert_memory_equal(&s->cpus[id].flushes, &t->cpus[id].flushes,
                            sizeof(s->cpus[id].flushes));
    }
    assert_memory_equal(&s->vmstat, &t->vmstat, sizeof(s->vmstat));
    assert_memory_equal(s->flush_reasons, t->flush_reasons,
                        sizeof(s->flush_reasons));
    assert_int_equal(s->shootdowns.latency_cycles.sum,
                     t->shootdowns.latency_cycles.sum);
}

static uint64_t count_poisoned(const struct run *run)
{
    uint64_t count = 0;

    for (uint32_t id = 0; id < N_CPUS; id++)
        count += run->small->system.cpus[id].mmu.counters.poisoned;
    return count;
}

static void shootdowns_keep_their_laws(void **state)
{
    uint64_t seed = number_from_environment("MMUSIM_TEST_SEED", 1);
    uint64_t n_runs = number_from_environment("MMUSIM_TEST_RUNS", DEFAULT_RUNS);
    struct run *runs = calloc(2, sizeof(*runs));
    uint64_t n_checks = 0, n_stale_seen = 0, n_targets = 0;
    uint64_t n_poisoned = 0;

    (void) state;
    assert_non_null(runs);
    for (uint64_t i = 0; i < n_runs; i++) {
        for (uint32_t k = 0; k < 2; k++) {
            run_init(&runs[k], seed + i, k);
            small_run(runs[k].small);
            check_quiet(&runs[k]);
        }
        check_same(&runs[0], &runs[1]);
        n_checks += runs[0].n_checks;
        n_stale_seen += runs[0].n_stale_seen;
        n_targets += runs[0].small->system.shootdowns.targets;
        n_poisoned += count_poisoned(&runs[0]);
        small_destroy(runs[0].small);
        small_destroy(runs[1].small);
    }
    print_message("%llu flushes, %llu targets, %llu stale entries dropped, "
                  "%llu walks poisoned\n",
                  (unsigned long long) n_checks, (unsigned long long) n_targets,
                  (unsigned long long) n_stale_seen,
                  (unsigned long long) n_poisoned);
    assert_true(n_checks && n_stale_seen && n_targets && n_poisoned);
    free(runs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shootdowns_keep_their_laws),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
