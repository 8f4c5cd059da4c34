/* SPDX-License-Identifier: MIT */
/*
 * The 4.6 protocol, step by step. Step numbers in comments are those of
 * docs/protocols/linux-4.6.md. Left out: the SGI UV hook, CPU hotplug.
 *
 * Ordering the kernel gets from serialising instructions (a CR3 write or INVLPG
 * between "set my mask bit" and "first fill") holds here because a CPU's steps
 * take effect in the order of its events.
 */
#include "coherence/linux_x86_classic.h"

#include "coherence/fabric.h"
#include "coherence/flush.h"
#include "coherence/mm_rules.h"
#include "coherence/protocol_steps.h"
#include "coherence/x86_ops.h"

/* ---- local actions ---- */

/* __flush_tlb(): reload CR3, all non-global entries go. */
static uint32_t classic_reload_cr3(struct cpu *cpu, enum miss_cause cause)
{
    mmusim__x86_mov_cr3(&cpu->mmu, cpu->mmu.root, 0, CR3_FLUSH, cause);
    return cpu->system->cost.cr3_write_cycles;
}

/* __flush_tlb_all(): globals too, by INVPCID type 2 or a CR4.PGE toggle. */
static uint32_t classic_flush_globals(struct cpu *cpu)
{
    const struct cost_config *cost = &cpu->system->cost;

    mmusim__x86_flush_everything(&cpu->mmu, MISS_FULL_FLUSH);
    return cpu->system->has_invpcid ? cost->invpcid_cycles
                                    : cost->global_flush_cycles;
}

static uint32_t classic_invlpg_pages(struct cpu *cpu, uint64_t start,
                                     uint64_t n_pages)
{
    mmusim__x86_invlpg_range(&cpu->mmu, start, n_pages, MISS_PAGE_FLUSH);
    return (uint32_t) min_u64(n_pages * cpu->system->cost.invlpg_cycles,
                              UINT32_MAX / 2);
}

/* load_cr3(): another root; its flush is an address-space load. */
static uint32_t classic_load_cr3(struct cpu *cpu, struct address_space *mm)
{
    mmusim__x86_mov_cr3(&cpu->mmu, mm->root, 0, CR3_FLUSH, MISS_SWITCH);
    cpu->loaded = mm;
    system_trace_flush(cpu->system, FLUSH_ON_TASK_SWITCH, FLUSH_ALL_PAGES);
    return cpu->system->cost.cr3_write_cycles;
}

uint32_t mmusim__linux_4_6_leave_mm(struct cpu *cpu)
{
    struct address_space *mm = cpu->active_mm;

    if (!cpu_mask_has(&mm->cpus, cpu->id))
        return 0;
    cpu_mask_clear(&mm->cpus, cpu->id);
    return classic_load_cr3(cpu, cpu->system->init_mm);
}

/* ---- the targets' side: flush_tlb_func() and do_flush_tlb_all() ---- */

static uint32_t classic_flush_func(struct cpu *cpu,
                                   const struct flush_request *request)
{
    uint64_t n_pages = FLUSH_ALL_PAGES;
    uint32_t cycles;

    if (request->mm && request->mm != cpu->active_mm)
        return 0; /* step 2: nothing counted */
    cpu->system->vmstat.nr_tlb_remote_flush_received++;
    if (cpu->tlb_state != TLB_STATE_OK)
        return mmusim__linux_4_6_leave_mm(cpu); /* step 5 */
    if (request->end == FLUSH_END_ALL) {
        cycles = classic_reload_cr3(cpu, MISS_FULL_FLUSH);
    } else {
        /* No ceiling here: the receiver flushes page by page. */
        n_pages = (request->end - request->start) >> BASE_PAGE_SHIFT;
        cycles = classic_invlpg_pages(cpu, request->start, n_pages);
    }
    mmusim__protocol_count_flush(cpu, n_pages);
    system_trace_flush(cpu->system, FLUSH_REMOTE_SHOOTDOWN, n_pages);
    return cycles;
}

static uint32_t classic_do_flush_all(struct cpu *cpu,
                                     const struct flush_request *request)
{
    uint32_t cycles;

    (void) request;
    cpu->system->vmstat.nr_tlb_remote_flush_received++;
    mmusim__protocol_count_flush(cpu, FLUSH_ALL_PAGES);
    cycles = classic_flush_globals(cpu);
    if (cpu->tlb_state == TLB_STATE_LAZY)
        cycles += mmusim__linux_4_6_leave_mm(cpu);
    return cycles;
}

static uint32_t classic_do_kernel_range(struct cpu *cpu,
                                        const struct flush_request *request)
{
    /* A page for every step of 4096 from start that is below end. */
    uint64_t n_pages =
        align_up(request->end - request->start, BASE_PAGE_BYTES) >>
        BASE_PAGE_SHIFT;

    mmusim__protocol_count_flush(cpu, n_pages); /* the kernel counts nothing */
    return classic_invlpg_pages(cpu, request->start, n_pages);
}

/* ---- sending ---- */

/* native_flush_tlb_others(): end == 0 means one page. */
static void classic_flush_others(struct cpu *cpu, const struct cpu_mask *mask,
                                 struct address_space *mm, uint64_t start,
                                 uint64_t end)
{
    struct flush_request request = {
        .mm = mm, .start = start, .end = end, .act = classic_flush_func};
    uint64_t n_pages = FLUSH_ALL_PAGES;

    if (end == 0)
        request.end = start + BASE_PAGE_BYTES;
    cpu->system->vmstat.nr_tlb_remote_flush++;
    if (request.end != FLUSH_END_ALL)
        n_pages = (request.end - start) >> BASE_PAGE_SHIFT;
    system_trace_flush(cpu->system, FLUSH_REMOTE_SEND_IPI, n_pages);
    mmusim__fabric_call(cpu, mask, &request);
}

/* The local half's time; it comes before the sending in 4.6, so the frame that
 * sends is pushed first and waits until this is over. */
static void classic_charge_local(struct cpu *cpu, uint32_t cycles)
{
    mmusim__cpu_busy(cpu,
                     (uint64_t) cpu->system->cost.flush_call_cycles + cycles,
                     BUCKET_FLUSH_LOCAL);
}

/* ---- flush_tlb_*() ---- */

/* Steps 4 and 5 of flush_tlb_mm_range: *n_pages becomes what was flushed. */
static uint32_t classic_local_range(struct cpu *cpu, uint64_t start,
                                    uint64_t end, bool is_hugetlb,
                                    uint64_t *n_pages)
{
    struct system *system = cpu->system;
    uint32_t cycles;

    if (end != FLUSH_END_ALL && !is_hugetlb)
        *n_pages = (end - start) >> BASE_PAGE_SHIFT;
    if (*n_pages > system->flush_ceiling_pages) {
        *n_pages = FLUSH_ALL_PAGES;
        system->vmstat.nr_tlb_local_flush_all++;
        cpu->flushes.local_full++;
        cycles = classic_reload_cr3(cpu, MISS_FULL_FLUSH);
    } else {
        system->vmstat.nr_tlb_local_flush_one += *n_pages;
        cpu->flushes.local_pages += *n_pages;
        cycles = classic_invlpg_pages(cpu, start, *n_pages);
    }
    system_trace_flush(system, FLUSH_LOCAL_MM_SHOOTDOWN, *n_pages);
    return cycles;
}

static void classic_flush_mm_range(struct cpu *cpu, struct address_space *mm,
                                   const struct flush_span *span)
{
    uint64_t start = span->start;
    uint64_t end = span->end;
    uint64_t n_pages = FLUSH_ALL_PAGES;
    uint32_t cycles = 0;

    /* Steps 2 and 3: for an mm that is not active here, or a kernel thread,
     * n_pages stays ALL: the remote flush is upgraded to a full one. */
    if (cpu->active_mm == mm && cpu->is_kernel_thread)
        cycles = cpu->tlb_state == TLB_STATE_OK
                     ? 0
                     : mmusim__linux_4_6_leave_mm(cpu);
    else if (cpu->active_mm == mm)
        cycles =
            classic_local_range(cpu, start, end, span->is_hugetlb, &n_pages);
    if (n_pages == FLUSH_ALL_PAGES) {
        start = 0;
        end = FLUSH_END_ALL;
    }
    if (cpu_mask_has_other(&mm->cpus, cpu->id))
        classic_flush_others(cpu, &mm->cpus, mm, start, end);
    classic_charge_local(cpu, cycles);
}

static void classic_flush_page(struct cpu *cpu, struct address_space *mm,
                               uint64_t vaddr, uint32_t order)
{
    uint32_t cycles = 0;

    (void) order;
    if (cpu->active_mm == mm && !cpu->is_kernel_thread) {
        cpu->system->vmstat.nr_tlb_local_flush_one++; /* no trace event */
        cpu->flushes.local_pages++;
        cycles = classic_invlpg_pages(cpu, vaddr, 1);
    } else if (cpu->active_mm == mm) {
        cycles = mmusim__linux_4_6_leave_mm(cpu);
    }
    if (cpu_mask_has_other(&mm->cpus, cpu->id))
        classic_flush_others(cpu, &mm->cpus, mm, vaddr, 0);
    classic_charge_local(cpu, cycles);
}

void mmusim__linux_4_6_flush_tlb(struct cpu *cpu)
{
    struct system *system = cpu->system;
    struct address_space *mm = cpu->active_mm;
    uint32_t cycles;

    system->vmstat.nr_tlb_local_flush_all++;
    cpu->flushes.local_full++;
    cycles = classic_reload_cr3(cpu, MISS_FULL_FLUSH);
    system_trace_flush(system, FLUSH_LOCAL_SHOOTDOWN, FLUSH_ALL_PAGES);
    if (cpu_mask_has_other(&mm->cpus, cpu->id))
        classic_flush_others(cpu, &mm->cpus, mm, 0, FLUSH_END_ALL);
    classic_charge_local(cpu, cycles);
}

void mmusim__linux_4_6_flush_tlb_mm(struct cpu *cpu, struct address_space *mm)
{
    struct flush_span all = flush_span_all();

    classic_flush_mm_range(cpu, mm, &all);
}

static void classic_on_each_cpu(struct cpu *cpu,
                                const struct flush_request *request)
{
    struct cpu_mask all = mmusim__protocol_all_cpus(cpu->system);

    mmusim__protocol_call(cpu, &all, request, mmusim__fabric_call);
    classic_charge_local(cpu, 0);
}

static void classic_flush_all(struct cpu *cpu)
{
    const struct flush_request request = {.end = FLUSH_END_ALL,
                                          .act = classic_do_flush_all};

    cpu->system->vmstat.nr_tlb_remote_flush++;
    classic_on_each_cpu(cpu, &request);
}

static void classic_flush_kernel_range(struct cpu *cpu, uint64_t start,
                                       uint64_t end)
{
    /* The test is in bytes: 33 pages and a byte are flushed in full. */
    uint64_t ceiling_bytes =
        min_u64(cpu->system->flush_ceiling_pages, UINT64_MAX >> 12)
        << BASE_PAGE_SHIFT;
    struct flush_request request = {
        .start = start, .end = end, .act = classic_do_kernel_range};

    if (end == FLUSH_END_ALL || end - start > ceiling_bytes) {
        request.end = FLUSH_END_ALL;
        request.act = classic_do_flush_all;
    }
    classic_on_each_cpu(cpu, &request);
}

/* ---- batched unmapping (4.3 to 4.6 mm/rmap.c) ---- */

/* should_defer_flush() */
static bool classic_batch_defers(const struct cpu *cpu,
                                 const struct address_space *mm)
{
    return cpu_mask_has_other(&mm->cpus, cpu->id);
}

/* set_tlb_ubc_flush_pending() */
static uint32_t classic_batch_add(struct cpu *cpu, struct address_space *mm,
                                  uint64_t vaddr, uint32_t order)
{
    (void) vaddr;
    (void) order;
    cpu_mask_or(&cpu->unmap_batch.cpus, &mm->cpus);
    cpu->unmap_batch.is_pending = true;
    return 0;
}

/* try_to_unmap_flush(): everything, of whatever address space (mm == NULL). */
static void classic_batch_flush(struct cpu *cpu)
{
    struct unmap_batch batch = cpu->unmap_batch;
    uint32_t cycles = 0;

    if (!batch.is_pending)
        return;
    cpu->unmap_batch = (struct unmap_batch){0};
    if (cpu_mask_has(&batch.cpus, cpu->id)) {
        cpu->system->vmstat.nr_tlb_local_flush_all++;
        cpu->flushes.local_full++;
        cycles = classic_reload_cr3(cpu, MISS_FULL_FLUSH);
        system_trace_flush(cpu->system, FLUSH_LOCAL_SHOOTDOWN, FLUSH_ALL_PAGES);
    }
    if (cpu_mask_has_other(&batch.cpus, cpu->id))
        classic_flush_others(cpu, &batch.cpus, NULL, 0, FLUSH_END_ALL);
    classic_charge_local(cpu, cycles);
}

/* ---- switch_mm() and lazy mode ---- */

static uint32_t classic_switch_mm(struct cpu *cpu, struct address_space *next)
{
    struct address_space *prev = cpu->active_mm;
    uint32_t cycles = 0;

    cpu->tlb_state = TLB_STATE_OK;
    if (prev != next) {
        cpu->active_mm = next;
        cpu_mask_set(&next->cpus, cpu->id);
        cycles = classic_load_cr3(cpu, next);
        cpu_mask_clear(&prev->cpus, cpu->id); /* after CR3 */
        return cycles;
    }
    if (!cpu_mask_has(&next->cpus, cpu->id)) {
        /* leave_mm() ran while this CPU was lazy. */
        cpu_mask_set(&next->cpus, cpu->id);
        cycles = classic_load_cr3(cpu, next);
    }
    return cycles;
}

#define CLASSIC_OPS                                                            \
    .isas = ISAS_X86, .ceiling_rule = CEILING_ABOVE,                           \
    .default_ceiling_pages = 33, .flush_mm_range = classic_flush_mm_range,     \
    .flush_page = classic_flush_page,                                          \
    .flush_kernel_range = classic_flush_kernel_range,                          \
    .flush_all = classic_flush_all, .batch_defers = classic_batch_defers,      \
    .batch_add = classic_batch_add, .batch_flush = classic_batch_flush,        \
    .switch_mm = classic_switch_mm, .enter_lazy = mmusim__protocol_enter_lazy

const struct protocol_ops mmusim__protocol_linux_4_6 = {
    .name = "linux-4.6",
    .help = "Linux 4.6 on x86: no PCID, synchronous IPIs, flush ceiling",
    .mm_rules = &mmusim__mm_rules_4_6,
    .bugs = LINUX_4_6_BUGS,
    CLASSIC_OPS,
};

const struct protocol_ops mmusim__protocol_linux_4_6_fixed = {
    .name = "linux-4.6-fixed",
    .help = "linux-4.6 with the repairs of later versions",
    .mm_rules = &mmusim__mm_rules_4_6_fixed,
    .is_fixed = true,
    CLASSIC_OPS,
};
