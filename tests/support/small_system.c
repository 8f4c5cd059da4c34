/* SPDX-License-Identifier: MIT */
/* A small machine for tests: see small_system.h. */
#include "support/small_system.h"

#include "coherence/broadcast.h"
#include "coherence/fabric.h"
#include "coherence/paravirt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void small_options_tlb(struct small_options *options, enum tlb_level level,
                       uint32_t n_entries, uint32_t n_orders)
{
    static const uint8_t orders[] = {PAGE_ORDER_4K, PAGE_ORDER_2M,
                                     PAGE_ORDER_1G};
    struct tlb_level_config *tlb = &options->tlb[level];

    *tlb = (struct tlb_level_config){.n_arrays = 1};
    tlb->arrays[0] = (struct tlb_array_config){
        .n_entries = n_entries,
        .n_ways = n_entries,
        .n_orders = n_orders,
        .replacement = "lru",
        .hit_cycles = level == TLB_L2 ? 7 : 0,
    };
    memcpy(tlb->arrays[0].orders, orders, n_orders);
}

static void small_options_fabrics(struct small_options *options)
{
    options->rar = (struct rar_config){.n_slots = 2,
                                       .payload_cycles = 103,
                                       .action_cycles = 59,
                                       .handler_cycles = 293,
                                       .page_cycles = 61,
                                       .full_cycles = 149,
                                       .max_pages = 16};
    options->virt = (struct virt_config){.icr_exit_cycles = 409,
                                         .inject_cycles = 1801,
                                         .posted_cycles = 151,
                                         .eoi_exit_cycles = 1201,
                                         .halt_wake_cycles = 9001,
                                         .preempt_cycles = 40009,
                                         .pv_check_cycles = 31,
                                         .pv_flush_cycles = 499};
    options->broadcast = (struct broadcast_config){.reaches_others = true,
                                                   .max_outstanding = 4,
                                                   .max_pages = 8,
                                                   .issue_cycles = 31,
                                                   .local_cycles = 37,
                                                   .latency_core_cycles = 53,
                                                   .latency_socket_cycles = 83,
                                                   .latency_remote_cycles = 307,
                                                   .slot_cycles = 23,
                                                   .ack_core_cycles = 47,
                                                   .ack_socket_cycles = 89,
                                                   .ack_remote_cycles = 311,
                                                   .hop_cycles = 131,
                                                   .sync_cycles = 97,
                                                   .sync_local_cycles = 29};
}

void small_options_init(struct small_options *options)
{
    *options = (struct small_options){
        .n_sockets = 2,
        .cores_per_socket = 2,
        .threads_per_core = 2,
        .n_levels = 4,
        .psc = {.levels = {{16, 16, 2}, {8, 8, 3}, {4, 4, 5}, {2, 2, 11}}},
        .walker = {.count = 2, .start_cycles = 13, .dirty_cycles = 17},
        .memory = {.model = MEMORY_FIXED, .fixed_cycles = 101},
        .ipi = {.look_cycles = 71,
                .enqueue_cycles = 61,
                .enqueue_remote_cycles = 263,
                .enqueue_hop_cycles = 73,
                .send_cycles = 151,
                .cluster_cpus = 1,
                .latency_core_cycles = 701,
                .latency_socket_cycles = 907,
                .latency_remote_cycles = 1801,
                .hop_cycles = 503,
                .status_cycles = 307,
                .nmi_entry_cycles = 443,
                .idle_exit_cycles = 601,
                .entry_cycles = 401,
                .handler_cycles = 251,
                .exit_cycles = 257,
                .ack_core_cycles = 41,
                .ack_socket_cycles = 199,
                .ack_remote_cycles = 661,
                .ack_hop_cycles = 167},
        .cost = {.invlpg_cycles = 211,
                 .invpcid_cycles = 223,
                 .cr3_write_cycles = 109,
                 .cr3_noflush_cycles = 67,
                 .global_flush_cycles = 331,
                 .flush_call_cycles = 53},
    };
    small_options_fabrics(options);
    small_options_tlb(options, TLB_L1I, 16, 3);
    small_options_tlb(options, TLB_L1D, 16, 3);
    small_options_tlb(options, TLB_L2, 64, 3);
}

static uint32_t small_home_socket(const void *context, pfn_t pfn)
{
    (void) context;
    (void) pfn;
    return 0;
}

static struct small_cpu *small_cpu_of(struct cpu *cpu)
{
    return cpu->user;
}

static void small_run_user(struct cpu *cpu)
{
    struct small_cpu *own = small_cpu_of(cpu);
    struct small_step *step;

    if (own->next_step == own->n_steps) {
        mmusim__cpu_wait(cpu, BUCKET_IDLE);
        return;
    }
    step = &own->steps[own->next_step++];
    if (step->act)
        step->act(cpu, step->context);
    else
        mmusim__cpu_busy(cpu, step->busy_cycles, step->bucket);
}

static void small_on_answer(void *context, struct walk_request *request,
                            enum walk_outcome outcome, uint64_t now)
{
    struct small_cpu *own = context;

    (void) request;
    own->outcome = outcome;
    own->answered_cycle = now;
    if (own->n_answers < SMALL_MAX_ANSWERS)
        own->answer_cycles[own->n_answers] = now;
    own->n_answers++;
}

static void small_init_cpu(struct small_system *small, uint32_t id)
{
    const struct small_options *options = &small->options;
    const struct cpu_layout layout = {options->n_sockets,
                                      options->cores_per_socket,
                                      options->threads_per_core};
    struct cpu *cpu = &small->system.cpus[id];
    struct mmu_setup setup = {.tlb = options->tlb,
                              .shared = &small->shared,
                              .rng = &small->rng,
                              .cpu = id};

    cpu->id = id;
    cpu->system = &small->system;
    mmusim__cpu_place(cpu, &layout);
    if (options->shares_tlbs) {
        setup.n_threads = options->threads_per_core;
        setup.sibling =
            id == cpu->core ? NULL : &small->system.cpus[cpu->core].mmu;
        setup.l3_sibling = id ? &small->system.cpus[0].mmu : NULL;
    }
    mmusim__paravirt_init(cpu, 1);
    mmusim__broadcast_init(cpu, 1);
    cpu->stack = mmusim__arena_alloc(&small->arena, 1, CPU_STACK_BYTES);
    assert_non_null(cpu->stack);
    assert_int_equal(mmusim__mmu_init(&cpu->mmu, &setup, &small->arena),
                     MMUSIM_OK);
    assert_int_equal(mmusim__ipi_init(cpu, &small->arena), MMUSIM_OK);
    if (small->shared.nested) {
        const struct tlb_context guest = {
            .has_asid = true,
            .vmid = 1,
            .stage2_root = small->nested.root,
        };

        mmusim__mmu_set_context(&cpu->mmu, &guest);
    }
    cpu->mmu.has_asids = options->has_pcid;
    cpu->mmu.root = cpu->mmu.kernel_root = small->init_mm.root;
    cpu->mmu.on_answer = small_on_answer;
    cpu->mmu.answer_context = &small->cpus[id];
    cpu->loaded = cpu->active_mm = &small->init_mm;
    cpu->tlb_state = TLB_STATE_LAZY;
    cpu->is_kernel_thread = true;
    cpu->run_user = small_run_user;
    cpu->user = &small->cpus[id];
}

static void small_init_sharing(struct small_system *small)
{
    struct mmu_shared *shared = &small->shared;

    shared->n_mmus = small->system.n_cpus;
    shared->mmus = mmusim__arena_alloc(&small->arena, shared->n_mmus,
                                       sizeof(struct mmu *));
    assert_non_null(shared->mmus);
    shared->has_cnp = small->options.has_cnp;
    if (shared->has_cnp)
        return;
    small->contexts = mmusim__tlb_contexts_create();
    shared->contexts = small->contexts;
    assert_non_null(shared->contexts);
}

static void small_init_guest(struct small_system *small)
{
    struct pt_options options = small->options.stage2;
    struct mmu_shared *shared = &small->shared;
    struct pt_format format;

    options.stage = PT_STAGE_2;
    assert_int_equal(mmusim__pt_format_init(&format, &options, NULL),
                     MMUSIM_OK);
    assert_int_equal(
        mmusim__nested_init(&small->nested, &small->options.nested, &format),
        MMUSIM_OK);
    shared->nested = &small->nested;
    if (!small->contexts)
        small->contexts = mmusim__tlb_contexts_create();
    shared->contexts = small->contexts;
    assert_non_null(shared->contexts);
}

static void small_init_shared(struct small_system *small)
{
    const struct small_options *options = &small->options;
    const struct mem_topology topology = {options->n_sockets,
                                          options->cores_per_socket,
                                          options->threads_per_core};
    struct mmu_shared *shared = &small->shared;

    small->translations = mmusim__translations_create();
    shared->queue = &small->system.queue;
    shared->tables = mmusim__pt_memory_create();
    shared->format = options->format
                         ? options->format
                         : mmusim__pt_format_x86_64(options->n_levels);
    shared->memory = &small->memory;
    shared->translations = small->translations;
    shared->walker = &small->options.walker;
    shared->psc = &small->options.psc;
    shared->prefetch = options->prefetch;
    shared->l2_policy = options->l2_policy;
    shared->l3_policy = options->l3_policy;
    shared->home_socket = small_home_socket;
    if (options->shares_tlbs)
        small_init_sharing(small);
    if (options->has_contexts && !small->contexts) {
        small->contexts = mmusim__tlb_contexts_create();
        shared->contexts = small->contexts;
        assert_non_null(shared->contexts);
    }
    if (options->stage2.isa)
        small_init_guest(small);
    assert_non_null(small->translations);
    assert_non_null(shared->tables);
    assert_int_equal(mmusim__mem_init(&small->memory, &options->memory,
                                      &topology, &small->arena),
                     MMUSIM_OK);
}

static void small_init_system(struct small_system *small)
{
    const struct small_options *options = &small->options;
    struct system *system = &small->system;

    mmusim__event_queue_init(&system->queue);
    mmusim__histogram_init(&system->shootdowns.latency_cycles);
    system->is_reference = options->is_reference;
    system->arena = &small->arena;
    system->n_cpus = options->n_sockets * options->cores_per_socket *
                     options->threads_per_core;
    system->n_sockets = options->n_sockets;
    system->links = options->links;
    system->ipi = options->ipi;
    system->broadcast = options->broadcast;
    system->rar = options->rar;
    system->virt = options->virt;
    system->cost = options->cost;
    system->has_invpcid = true;
    system->protocol =
        options->protocol ? options->protocol : &mmusim__protocol_linux_4_6;
    system->jiffy_cycles = 1000;
    system->jiffies_per_second = 250;
    system->global_asid_samples = 32;
    system->flush_ceiling_pages = system->protocol->default_ceiling_pages;
    system->init_mm = &small->init_mm;
    mmusim__fabric_init(
        system, mmusim__fabric_find(options->fabric ? options->fabric : "ipi"));
}

struct small_system *small_create(const struct small_options *options)
{
    struct small_system *small = calloc(1, sizeof(*small));
    struct system *system = &small->system;

    assert_non_null(small);
    small->options = *options;
    small->next_frame = 0x1000;
    mmusim__arena_init(&small->arena);
    mmusim__rng_init(&small->rng, 1, 1);
    small_init_system(small);
    small_init_shared(small);
    small_space_init(small, &small->init_mm, 0);
    system->cpus = mmusim__arena_alloc(&small->arena, system->n_cpus,
                                       sizeof(*system->cpus));
    small->cpus = mmusim__arena_alloc(&small->arena, system->n_cpus,
                                      sizeof(*small->cpus));
    assert_non_null(system->cpus);
    assert_non_null(small->cpus);
    for (uint32_t id = 0; id < system->n_cpus; id++)
        small_init_cpu(small, id);
    if (system->protocol->init)
        assert_int_equal(system->protocol->init(system), MMUSIM_OK);
    return small;
}

void small_destroy(struct small_system *small)
{
    for (uint32_t id = 0; id < small->system.n_cpus; id++)
        mmusim__mmu_fini(&small->system.cpus[id].mmu);
    mmusim__translations_destroy(small->translations);
    mmusim__tlb_contexts_destroy(small->contexts);
    mmusim__pt_memory_destroy(small->shared.tables);
    mmusim__nested_fini(&small->nested);
    mmusim__event_queue_fini(&small->system.queue);
    mmusim__histogram_fini(&small->system.shootdowns.latency_cycles);
    mmusim__arena_fini(&small->arena);
    free(small);
}

/* ---- page tables ---- */

pfn_t small_frame(struct small_system *small)
{
    return (pfn_t){small->next_frame++};
}

/* Of whole frames, aligned to its size, as every format has them. */
static pfn_t small_table(struct small_system *small, uint32_t level)
{
    const struct pt_format *format = small->shared.format;
    struct pt_shape shape = pt_os_shape(format, (pfn_t){0}, level);
    uint64_t bytes = (uint64_t) shape.n_words << shape.word_log2;
    uint64_t n_frames = (bytes + BASE_PAGE_BYTES - 1) >> BASE_PAGE_SHIFT;
    pfn_t pfn = {align_up(small->next_frame, n_frames)};

    small->next_frame = pfn.v + n_frames;
    shape = pt_os_shape(format, pfn, level);
    shape.paddr = pfn_paddr(pfn);
    assert_non_null(mmusim__pt_table_make(small->shared.tables, &shape));
    return pfn;
}

void small_space_init(struct small_system *small, struct address_space *space,
                      uint64_t id)
{
    *space = (struct address_space){.id = id};
    space->root = small_table(small, small->shared.format->n_levels - 1);
}

uint64_t small_map(struct small_system *small, pfn_t root, uint64_t vaddr,
                   uint32_t level, uint64_t word)
{
    const struct pt_format *format = small->shared.format;
    struct pt_memory *tables = small->shared.tables;
    uint64_t table = pfn_paddr(root);

    for (uint32_t at = format->n_levels - 1; at > level; at--) {
        uint64_t paddr = pt_word_paddr(format, table, vaddr, at);

        if (!mmusim__pt_read(tables, paddr)) {
            table = pfn_paddr(small_table(small, at - 1));
            mmusim__pt_write(tables, paddr,
                             format->make_table(format, table, at));
        }
        table =
            format->decode(format, mmusim__pt_read(tables, paddr), at).table;
    }
    mmusim__pt_write(tables, pt_word_paddr(format, table, vaddr, level), word);
    return pt_word_paddr(format, table, vaddr, level);
}

uint64_t small_map_user(struct small_system *small, pfn_t root, uint64_t vaddr,
                        uint32_t level)
{
    /* Frames of large pages: far from the others, aligned to 1G. */
    pfn_t pfn =
        level ? (pfn_t){UINT64_C(1) << (20 + level)} : small_frame(small);

    return small_map(small, root, vaddr, level,
                     small->shared.format->make_leaf(
                         small->shared.format, pfn, level,
                         TLB_READ | TLB_WRITE | TLB_USER | TLB_DIRTY, true));
}

uint64_t small_entry_paddr(const struct small_system *small, pfn_t root,
                           uint64_t vaddr, uint32_t level)
{
    const struct pt_format *format = small->shared.format;
    uint64_t table = pfn_paddr(root);

    for (uint32_t at = format->n_levels - 1; at > level; at--) {
        uint64_t word = mmusim__pt_read(
            small->shared.tables, pt_word_paddr(format, table, vaddr, at));

        table = format->decode(format, word, at).table;
    }
    return pt_word_paddr(format, table, vaddr, level);
}

/* ---- CPUs ---- */

void small_run_mm(struct cpu *cpu, struct address_space *mm)
{
    cpu->is_kernel_thread = false;
    cpu->tlb_state = TLB_STATE_OK;
    cpu->loaded = cpu->active_mm = mm;
    cpu->mmu.root = mm->root;
    cpu_mask_set(&mm->cpus, cpu->id);
}

static void small_add(struct small_system *small, uint32_t cpu,
                      struct small_step step)
{
    struct small_cpu *own = &small->cpus[cpu];

    assert_true(own->n_steps < SMALL_MAX_STEPS);
    own->steps[own->n_steps++] = step;
}

void small_busy(struct small_system *small, uint32_t cpu, uint64_t cycles,
                enum bucket bucket)
{
    small_add(small, cpu,
              (struct small_step){.busy_cycles = cycles, .bucket = bucket});
}

void small_do(struct small_system *small, uint32_t cpu, small_act act,
              void *context)
{
    small_add(small, cpu, (struct small_step){.act = act, .context = context});
}

void small_clear_script(struct small_system *small, uint32_t cpu)
{
    small->cpus[cpu].n_steps = small->cpus[cpu].next_step = 0;
}

bool small_laws_hold(const struct small_system *small)
{
    for (uint32_t id = 0; id < small->system.n_cpus; id++) {
        const struct cpu *cpu = &small->system.cpus[id];
        uint64_t sum = 0;

        for (uint32_t i = 0; i < BUCKET_COUNT; i++)
            sum += cpu->cycles[i];
        if (sum != cpu->now || (cpu->activity.mode == CPU_BUSY &&
                                cpu->activity.busy_until < cpu->now))
            return false;
    }
    return true;
}

void small_run_to(struct small_system *small, uint64_t cycle)
{
    struct system *system = &small->system;

    while (event_queue_next_cycle(&system->queue) <= cycle &&
           system->queue.n_events) {
        struct event *event = mmusim__event_pop(&system->queue);

        event->fire(event->context, event);
        assert_true(small_laws_hold(small));
        assert_false(system->has_stopped);
    }
}

void small_drain(struct small_system *small)
{
    small_run_to(small, CYCLE_NEVER);
}

void small_start(struct small_system *small)
{
    for (uint32_t id = 0; id < small->system.n_cpus; id++)
        mmusim__cpu_start(&small->system.cpus[id]);
}

void small_run(struct small_system *small)
{
    small_start(small);
    small_drain(small);
}

/* ---- walks ---- */

enum walk_outcome small_walk(struct small_system *small, uint32_t cpu,
                             enum access_kind kind, uint64_t vaddr)
{
    struct walk_request request = {
        .vaddr = vaddr, .kind = kind, .need = WALK_FOR_MISS};
    struct small_cpu *own = &small->cpus[cpu];
    uint32_t n_before = own->n_answers;

    mmusim__walk_ask(&small->system.cpus[cpu].mmu, &request, 0);
    small_drain(small);
    assert_int_equal(own->n_answers, n_before + 1);
    return own->outcome;
}

uint64_t small_walk_cycles(const struct small_system *small, uint32_t cpu)
{
    return small->cpus[cpu].answered_cycle;
}
