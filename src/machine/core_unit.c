/* SPDX-License-Identifier: MIT */
/* A core running user code: see core_unit.h. */
#include "machine/core_unit.h"

#include "coherence/observers.h"
#include "coherence/pti.h"
#include "coherence/system.h"
#include "core/check.h"
#include "machine/hypervisor.h"
#include "machine/late.h"
#include "os/page_fault.h"
#include "os/scheduler.h"
#include "tlb/mem_model.h"

static struct thread *core_thread(const struct core_unit *core)
{
    return kernel_cpu(core->kernel, core->cpu)->current;
}

/* ---- accesses that wait ---- */

static struct pending_access *core_pending_free(struct core_unit *core)
{
    uint32_t index = (uint32_t) __builtin_ctzll(~core->pending_mask);

    mmusim_assert(core->n_pending < CORE_MAX_PENDING);
    core->pending_mask |= UINT64_C(1) << index;
    core->n_pending++;
    return &core->pending[index];
}

static void core_resolve(struct core_unit *core, struct pending_access *access)
{
    access->state = PENDING_FREE;
    core->pending_mask &= ~(UINT64_C(1) << (access - core->pending));
    core->n_pending--;
}

static void core_ask(struct core_unit *core, struct pending_access *access,
                     enum walk_need need)
{
    access->state = PENDING_WALK;
    access->request.need = need;
    mmusim__walk_ask(&core->cpu->mmu, &access->request, core->cpu->now);
}

static void core_log_use(struct core_unit *core,
                         const struct pending_access *access, tlb_data_t data,
                         uint64_t now)
{
    const struct mmu *mmu = &core->cpu->mmu;
    enum access_kind kind = access->request.kind;
    const struct check_use use = {
        .cycle = now,
        .vaddr = access->request.vaddr,
        .stamp = mmusim__mmu_hit_stamp(mmu, kind, access->request.vaddr),
        .is_event = true,
        .need = kind == ACCESS_LOAD    ? CHECKER_READ
                : kind == ACCESS_STORE ? CHECKER_WRITE
                                       : CHECKER_EXEC,
        .rights = (uint32_t) data & (BASE_PAGE_BYTES - 1),
    };

    mmusim__check_make_room(core->check, core->cpu->id, now);
    check_log_use(&core->check->logs[core->cpu->id], &use);
}

/* Does an entry for the access exist that permits it? */
enum core_match { MATCH_YES, MATCH_NONE, MATCH_CLEAN, MATCH_REFUSED };

static enum core_match core_match_entry(struct core_unit *core,
                                        const struct pending_access *access,
                                        uint64_t now)
{
    bool is_user = !core->cpu->is_kernel_thread;
    uint32_t needed = mmu_rights_needed(access->request.kind, is_user);
    tlb_data_t data;

    if (!mmusim__mmu_probe(&core->cpu->mmu, access->request.kind,
                           access->request.vaddr, &data))
        return MATCH_NONE;
    if ((data & needed) != needed)
        return MATCH_REFUSED;
    if (access->request.kind == ACCESS_STORE && !(data & TLB_DIRTY))
        return MATCH_CLEAN;
    if (core->check)
        core_log_use(core, access, data, now);
    return MATCH_YES;
}

/* The part of a data access that other CPUs' accesses can meet: the CPU is BUSY
 * for what the window does not hide. */
static void core_read_data(struct core_unit *core, bool is_dependent)
{
    struct cpu *cpu = core->cpu;
    const struct mmu_shared *shared = cpu->mmu.shared;
    pfn_t pfn = {cpu->mmu.l1_of[core->stopped_kind]->last.pfn};
    uint64_t paddr = pfn.v << BASE_PAGE_SHIFT |
                     (core->stopped_vaddr & (BASE_PAGE_BYTES - 1));
    uint64_t hidden = is_dependent ? 0 : core->window_cycles;
    uint64_t cycles =
        mmusim__mem_shared_read(core->memory, cpu->id, paddr,
                                shared->home_socket(shared->home_context, pfn));

    mmusim__cpu_busy(cpu, cycles > hidden ? cycles - hidden : 0, BUCKET_MEMORY);
}

/* Is D of a clean entry the kernel's to set? */
static bool core_sets_dirty_by_fault(const struct core_unit *core)
{
    return core->cpu->mmu.shared->walker->has_software_dirty;
}

/* Goes on with an access that is neither walking nor in a fault. True: its
 * translation is there, and the data take time. */
static bool core_retry(struct core_unit *core, struct pending_access *access)
{
    switch (core_match_entry(core, access, core->cpu->now)) {
    case MATCH_YES:
        core_resolve(core, access);
        if (!core->has_data_caches || access->request.kind == ACCESS_FETCH)
            return false;
        core->stopped_vaddr = access->request.vaddr;
        core->stopped_kind = access->request.kind;
        core_read_data(core, access->blocks);
        return true;
    case MATCH_NONE:
        core_ask(core, access, WALK_FOR_REPLAY);
        return false;
    case MATCH_CLEAN:
        if (core_sets_dirty_by_fault(core))
            break;
        core_ask(core, access, WALK_FOR_DIRTY);
        return false;
    case MATCH_REFUSED:
        break;
    }
    /* Whatever the last walk met, this is the kernel's. */
    access->request.fault.kind = WALK_FAULT_NONE;
    access->state = PENDING_FAULT;
    return false;
}

static void core_fault(struct core_unit *core, struct pending_access *access)
{
    access->state = PENDING_IN_FAULT;
    if (core->cpu->observed)
        core->cpu->observed->pc = access->request.pc;
    if (access->request.fault.kind == WALK_FAULT_STAGE2) {
        mmusim__hypervisor_fault(core->cpu, core->guest, &access->request,
                                 &access->outcome.is_failed);
        return;
    }
    mmusim__page_fault(core->cpu, core->kernel, access->request.vaddr,
                       access->request.kind, &access->outcome);
}

/* Takes faults and retries. True: a fault's frame has been pushed, or the CPU
 * is BUSY. */
static bool core_settle_pending(struct core_unit *core)
{
    for (uint64_t rest = core->pending_mask; rest; rest &= rest - 1) {
        struct pending_access *access = &core->pending[__builtin_ctzll(rest)];

        if (access->state == PENDING_IN_FAULT) {
            if (access->outcome.is_failed)
                core_resolve(core, access);
            else
                access->state = PENDING_RETRY;
        }
        if (access->state == PENDING_RETRY && core_retry(core, access))
            return true;
        if (access->state == PENDING_FAULT) {
            core_fault(core, access);
            return true;
        }
    }
    return false;
}

/* Must the core wait before it runs another record? Sets how many more
 * instructions the window takes. */
static bool core_must_stall(const struct core_unit *core, uint64_t *room)
{
    uint64_t oldest = UINT64_MAX;

    *room = UINT64_MAX;
    if (!core->n_pending)
        return false;
    if (core->n_pending >= core->max_pending)
        return true;
    for (uint64_t rest = core->pending_mask; rest; rest &= rest - 1) {
        const struct pending_access *access =
            &core->pending[__builtin_ctzll(rest)];

        if (access->blocks)
            return true;
        oldest = min_u64(oldest, access->instruction);
    }
    if (oldest + core->window <= core->counters.instructions)
        return true;
    *room = oldest + core->window - core->counters.instructions;
    return false;
}

static void core_stall(struct core_unit *core)
{
    core->is_stalled = true;
    mmusim__cpu_wait(core->cpu, BUCKET_WALK);
}

static void core_on_answer(void *context, struct walk_request *request,
                           enum walk_outcome outcome, uint64_t now)
{
    struct core_unit *core = context;
    struct pending_access *access = (struct pending_access *) request;

    if (outcome == WALK_FILLED && !core->has_data_caches &&
        core_match_entry(core, access, now) == MATCH_YES)
        core_resolve(core, access);
    else
        access->state = outcome == WALK_FAULTED ? PENDING_FAULT : PENDING_RETRY;
    if (core->is_stalled) {
        core->is_stalled = false;
        mmusim__cpu_wake(core->cpu, now, 0);
    }
}

/* ---- what stopped the loop ---- */

/* The last level, which other cores use, too. A hit leaves the CPU BUSY for
 * what the window does not hide of it. */
static bool core_look_in_l3(struct core_unit *core)
{
    uint64_t hidden = core->stopped_dependent ? 0 : core->window_cycles;
    uint32_t cycles;

    if (!mmusim__mmu_l3_lookup(&core->cpu->mmu, core->stopped_kind,
                               core->stopped_vaddr, &cycles))
        return false;
    if (cycles > hidden)
        mmusim__cpu_busy(core->cpu, cycles - hidden, BUCKET_L3_TLB);
    return true;
}

/* The prefetch buffer, looked up beside the second level. */
static bool core_look_in_buffer(struct core_unit *core)
{
    struct mmu *mmu = &core->cpu->mmu;
    uint64_t hidden = core->stopped_dependent ? 0 : core->window_cycles;
    uint32_t cycles = mmu->prefetcher.hit_cycles;

    if (!mmusim__prefetch_look_up(mmu, core->stopped_vaddr,
                                  core->stopped_kind == ACCESS_STORE))
        return false;
    if (cycles > hidden)
        mmusim__cpu_busy(core->cpu, cycles - hidden, BUCKET_L2_TLB);
    return true;
}

/* Where a translation may still be that no TLB of the core's own has. */
static bool core_find_elsewhere(struct core_unit *core)
{
    bool is_buffered =
        core->has_prefetcher && core->stopped_kind != ACCESS_FETCH;

    return (is_buffered && core_look_in_buffer(core)) ||
           (core->has_l3 && core_look_in_l3(core));
}

static void core_begin_miss(struct core_unit *core)
{
    struct pending_access *access = core_pending_free(core);

    *access = (struct pending_access){
        .request = {.vaddr = core->stopped_vaddr, .kind = core->stopped_kind},
        .blocks = core->stopped_dependent || !core->window,
        .instruction = core->counters.instructions,
    };
    if (core->cpu->observed)
        access->request.pc = mmusim__stream_pc(core_thread(core)->user);
    /* No walk for an address that is not canonical: #GP. */
    if (core->stop == STOP_RIGHTS ||
        (core->stop == STOP_DIRTY && core_sets_dirty_by_fault(core)) ||
        !kernel_is_canonical(core->kernel, core->stopped_vaddr))
        access->state = PENDING_FAULT;
    else if (core->stop == STOP_MISS && core_find_elsewhere(core))
        access->state = PENDING_RETRY;
    else
        core_ask(core, access,
                 core->stop == STOP_MISS ? WALK_FOR_MISS : WALK_FOR_DIRTY);
}

static void core_train_prefetcher(struct core_unit *core)
{
    if (core->has_prefetcher && core->stop == STOP_MISS &&
        core->stopped_kind != ACCESS_FETCH)
        mmusim__prefetch_train(&core->cpu->mmu, core->stopped_vaddr,
                               core->cpu->now);
}

/* Are all miss registers of a level that the stopped access has missed taken?
 */
static bool core_lacks_mshr(const struct core_unit *core)
{
    const struct mmu *mmu = &core->cpu->mmu;
    const struct tlb_group *l1 = mmu->l1_of[core->stopped_kind]->group;
    const struct tlb_group *l2 = mmu->l2_of[core->stopped_kind];
    uint32_t n_l1 = core->mshrs[l1 - mmu->tlb];
    uint32_t n_l2 = core->mshrs[l2 - mmu->tlb];
    uint32_t in_l1 = 0, in_l2 = 0;

    for (uint64_t rest = core->pending_mask; rest; rest &= rest - 1) {
        enum access_kind kind =
            core->pending[__builtin_ctzll(rest)].request.kind;

        in_l1 += mmu->l1_of[kind]->group == l1;
        in_l2 += mmu->l2_of[kind] == l2;
    }
    return (n_l1 && in_l1 >= n_l1) || (n_l2 && in_l2 >= n_l2);
}

/* Handles what the loop ran into, now that its cycle has come. True: the CPU
 * has something else to do first. */
static bool core_handle_stop(struct core_unit *core, struct thread *thread,
                             struct thread_stream *stream)
{
    enum core_stop stop = core->stop;

    switch (stop) {
    case STOP_MISS:
    case STOP_DIRTY:
    case STOP_RIGHTS:
        if (core->has_mshrs && stop != STOP_RIGHTS && core_lacks_mshr(core)) {
            core_stall(core);
            return true;
        }
        core_begin_miss(core);
        core_train_prefetcher(core);
        core->stop = STOP_LIMIT;
        return core->cpu->activity.mode == CPU_BUSY;
    case STOP_MEMORY:
        core_read_data(core, core->stopped_dependent);
        core->stop = STOP_LIMIT;
        return true;
    case STOP_SYS:
        if (core->n_pending) {
            core_stall(core); /* it does not overlap with what is before */
            return true;
        }
        core->stop = STOP_LIMIT;
        mmusim__core_sys(core, thread, stream);
        return true;
    case STOP_LIMIT:
    case STOP_RECORDS:
    case STOP_WINDOW:
        break;
    }
    core->stop = STOP_LIMIT;
    return false;
}

/* ---- running ---- */

/* The first cycle at which another thread of the core can use the TLBs. One
 * that waits is woken by somebody's event. */
static uint64_t core_sibling_cycle(const struct cpu *sibling)
{
    const struct event_queue *queue = &sibling->system->queue;
    uint64_t cycle =
        min_u64(sibling->mmu.next_walk_cycle, sibling->next_delivery_cycle);

    return min_u64(cycle, event_is_queued(&sibling->run_event)
                              ? sibling->run_event.key.cycle
                              : event_queue_next_cycle(queue));
}

static uint64_t core_group_horizon(const struct core_unit *core)
{
    const struct cpu *cpus = core->cpu->system->cpus;
    const struct mmu *mmu = &core->cpu->mmu;
    uint64_t horizon = CYCLE_NEVER;

    for (const struct mmu *other = mmu->next_sibling; other != mmu;
         other = other->next_sibling)
        horizon = min_u64(horizon, core_sibling_cycle(&cpus[other->cpu]));
    return horizon;
}

static uint64_t core_horizon(const struct core_unit *core)
{
    const struct cpu *cpu = core->cpu;
    const struct system *system = cpu->system;
    uint64_t horizon = cycle_add(event_queue_next_cycle(&system->queue),
                                 system->min_delivery_cycles);

    if (cpu->mmu.share)
        horizon = min_u64(horizon, core_group_horizon(core));
    horizon = min_u64(horizon, cpu->next_delivery_cycle);
    return min_u64(horizon, cpu->vcpu.next_cycle);
}

enum { SPECULATION_PAGES = 16 }; /* on either side of the last miss */

/* Now and then the CPU walks for a page near those that the program accesses,
 * on a path that the program does not take. */
static void core_speculate(struct core_unit *core)
{
    uint32_t pages = 1 + mmusim__rng_below(&core->rng, SPECULATION_PAGES);
    uint64_t distance = (uint64_t) pages << BASE_PAGE_SHIFT;

    if (mmusim__rng_below(&core->rng, 2))
        distance = 0 - distance;
    if (core->stopped_vaddr)
        mmusim__speculate(&core->cpu->mmu, core->stopped_vaddr + distance,
                          core->cpu->now);
    core->speculation_at +=
        1 + mmusim__rng_below(&core->rng,
                              (uint32_t) (2 * core->speculation_distance));
}

static void core_run_records(struct core_unit *core,
                             struct thread_stream *stream, uint64_t room)
{
    const struct cpu *cpu = core->cpu;
    const struct os_cpu *os = kernel_cpu(core->kernel, cpu);
    struct core_limits limits = {
        .cycle = min_u64(core_horizon(core), cpu->mmu.next_walk_cycle),
        .instructions =
            min_u64(room, core->speculation_at - core->counters.instructions),
        .records = UINT32_MAX,
    };

    limits.cycle = min_u64(limits.cycle, os_cpu_next_tick(os));
    /* At least one record, or time would stand still; and in the reference
     * engine at most one. */
    if (limits.cycle <= cpu->now || cpu->system->is_reference) {
        limits.cycle = cpu->now + 1;
        limits.records = 1;
    }
    mmusim__core_loop(core, stream, &limits);
}

/* Makes sure that there is a record to run. False: something else is to do. */
static bool core_has_record(struct core_unit *core,
                            struct thread_stream *stream)
{
    struct system *system = core->cpu->system;
    mmusim_status_t status;
    uint32_t n_before = stream->piece.n_records;

    if (stream_has_record(stream))
        return true;
    status = mmusim__stream_fill(stream, &system->diag);
    core->on_records(core->records_context, n_before);
    if (status) {
        system_fail(system, status);
        return false;
    }
    if (stream_has_record(stream))
        return true;
    if (core->n_pending)
        core_stall(core);
    else if (stream->piece.is_late)
        mmusim__late_leave(core, core_thread(core));
    else
        mmusim__core_end_thread(core);
    return false;
}

/* A thread leaves its CPU only when its accesses are through. */
static bool core_may_switch(const struct core_unit *core)
{
    const struct os_cpu *os = kernel_cpu(core->kernel, core->cpu);

    return !core->n_pending ||
           (os->current && core->cpu->now < os_cpu_next_tick(os));
}

/* Spends the next piece of the time that the last record still takes. */
static void core_spend_owed(struct core_unit *core)
{
    struct core_owed owed = core->owed[0];

    core->n_owed--;
    for (uint32_t i = 0; i < core->n_owed; i++)
        core->owed[i] = core->owed[i + 1];
    mmusim__cpu_busy(core->cpu, owed.cycles, owed.bucket);
}

void mmusim__core_run(struct cpu *cpu)
{
    struct core_unit *core = cpu->user;
    struct thread *thread = core_thread(core);
    struct thread_stream *stream;
    uint64_t room;

    if (cpu->system->swaps_cr3 && thread && mmusim__pti_settle(cpu))
        return;
    if (core->n_owed) {
        core_spend_owed(core);
        return;
    }
    if (core_settle_pending(core))
        return;
    if (thread && core_handle_stop(core, thread, thread->user))
        return;
    if (core_settle_pending(core))
        return;
    if (!core_may_switch(core)) {
        core_stall(core);
        return;
    }
    if (!core->n_pending && !mmusim__sched_pick(core->kernel, cpu))
        return;
    if (core_must_stall(core, &room)) {
        core_stall(core);
        return;
    }
    if (core_thread(core)->serve) {
        core_thread(core)->serve(cpu, core_thread(core));
        return;
    }
    stream = core_thread(core)->user;
    if (!core_has_record(core, stream))
        return;
    while (core->counters.instructions >= core->speculation_at)
        core_speculate(core);
    core_run_records(core, stream, room);
}

void mmusim__core_init(struct core_unit *core)
{
    struct cpu *cpu = core->cpu;

    core->stop = STOP_LIMIT;
    cpu->user = core;
    cpu->run_user = mmusim__core_run;
    cpu->mmu.on_answer = core_on_answer;
    cpu->mmu.answer_context = core;
}
