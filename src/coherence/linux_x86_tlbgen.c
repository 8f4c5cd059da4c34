/* SPDX-License-Identifier: MIT */
/*
 * Flushes of the x86 protocols with generations, by the steps of
 * docs/protocols/linux-6.14.md (deltas of the others in their own pages);
 * Linux arch/x86/mm/tlb.c. Interrupts carry them, whatever the fabric. Left
 * out: paravirtual flushes beyond paravirt.h, CPU hotplug, microcode that
 * cannot do with PCIDs.
 *
 * Ordering: the generation is raised and the mask read in one event, after the
 * page tables were written; a switch enters the mask before it reads the
 * generation.
 */
#include "coherence/linux_x86_tlbgen.h"

#include "coherence/fabric_list.h"
#include "coherence/flush.h"
#include "coherence/mm_rules.h"
#include "coherence/protocol_steps.h"
#include "coherence/pti.h"
#include "coherence/x86_ops.h"
#include "coherence/x86_tlbgen.h"
#include "core/arena.h"

#define NOBODY UINT32_MAX

mmusim_status_t mmusim__tlbgen_init(struct system *system,
                                    const struct tlbgen_rules *rules)
{
    struct tlbgen *tlbgen =
        mmusim__arena_alloc(system->arena, 1, sizeof(*tlbgen));

    if (!tlbgen)
        return MMUSIM_NOMEM;
    tlbgen->rules = rules;
    system->swaps_cr3 = system->has_pti;
    tlbgen->has_invlpgb = rules->knows_invlpgb && !system->has_pti && /* B29 */
                          system->fabric == &mmusim__fabric_invlpgb;
    tlbgen->global.last = TLBGEN_ASIDS; /* the first of all resets it */
    tlbgen->global.n_available = TLBGEN_ASIDS - TLBGEN_SLOTS - 1;
    tlbgen->cpus = mmusim__arena_alloc(system->arena, system->n_cpus,
                                       sizeof(*tlbgen->cpus));
    if (!tlbgen->cpus)
        return MMUSIM_NOMEM;
    for (uint32_t id = 0; id < system->n_cpus; id++) {
        tlbgen->cpus[id].ctxs[0].ctx_id = 1; /* init_mm: initialize_tlbstate */
        tlbgen->cpus[id].next_asid = 1;
    }
    system->protocol_state = tlbgen;
    return MMUSIM_OK;
}

/* ---- native_flush_tlb_multi(), native_flush_tlb_others() ---- */

/* Steps 1 to 3. The local part, if there is any, is still to come. */
void mmusim__tlbgen_flush_others(struct cpu *cpu, const struct cpu_mask *mask,
                                 const struct flush_request *request)
{
    struct flush_request call = *request;
    uint64_t n_pages = FLUSH_ALL_PAGES;

    if (request->end != FLUSH_END_ALL)
        n_pages = (request->end - request->start) >> BASE_PAGE_SHIFT;
    cpu->system->vmstat.nr_tlb_remote_flush++;
    system_trace_flush(cpu->system, FLUSH_REMOTE_SEND_IPI, n_pages);
    call.selects = mmusim__tlbgen_selects;
    if (request->frees_tables ||
        (request->mm && request->mm->x86.is_in_transition))
        call.selects = NULL;
    if (tlbgen_rules_of(cpu)->flushes_together) {
        call.runs_here = cpu_mask_has(mask, cpu->id) &&
                         (!call.selects || call.selects(cpu, &call));
        mmusim__ipi_call_many(cpu, mask, &call);
        return;
    }
    /* on_each_cpu_cond_mask() of 4.20 runs here as well, as if this were a
     * remote CPU; smp_call_function_many() does not. */
    call.initiator = NOBODY;
    if (call.selects)
        mmusim__protocol_call(cpu, mask, &call, mmusim__ipi_call_many);
    else
        mmusim__ipi_call_many(cpu, mask, &call);
}

/* The frames pushed last come first. */
static void tlbgen_charge_call(struct cpu *cpu)
{
    mmusim__cpu_busy(cpu, cpu->system->cost.flush_call_cycles,
                     BUCKET_FLUSH_LOCAL);
}

/* Sends a request to those of the mask, and does it here if that is called
 * for; runs_here: is this CPU concerned if it is the only one? */
static void tlbgen_flush(struct cpu *cpu, const struct cpu_mask *mask,
                         const struct flush_request *request, bool is_here)
{
    bool has_others = cpu_mask_has_other(mask, cpu->id);

    if (has_others)
        mmusim__tlbgen_flush_others(cpu, mask, request);
    if (is_here && (!has_others || !tlbgen_rules_of(cpu)->flushes_together))
        mmusim__protocol_run_here(cpu, request);
    tlbgen_charge_call(cpu);
}

/* ---- flush_tlb_mm_range() and its wrappers ---- */

/* Is it time to look whether CPUs of the mask have left? */
static bool tlbgen_trims(const struct cpu *cpu, struct address_space *mm)
{
    uint64_t jiffy = cpu->now / cpu->system->jiffy_cycles;
    uint64_t second = cpu->system->jiffies_per_second;
    bool is_first = !mm->x86.next_trim_jiffy;

    if (!is_first && jiffy <= mm->x86.next_trim_jiffy)
        return false;
    mm->x86.next_trim_jiffy = jiffy + second;
    return !is_first;
}

static void tlbgen_flush_span(struct cpu *cpu, struct address_space *mm,
                              const struct flush_span *span)
{
    struct flush_request request = {.mm = mm,
                                    .start = span->start,
                                    .end = span->end,
                                    .act = mmusim__tlbgen_flush_func,
                                    .frees_tables = span->frees_tables,
                                    .stride_order = span->stride_order,
                                    .initiator = cpu->id};
    uint32_t shift = BASE_PAGE_SHIFT + span->stride_order;

    if (span->end == FLUSH_END_ALL ||
        (span->end - span->start) >> shift > cpu->system->flush_ceiling_pages) {
        request.start = 0;
        request.end = FLUSH_END_ALL;
    }
    request.new_gen = ++mm->x86.tlb_gen; /* step 2 */
    if (mm->x86.global_asid) {
        mmusim__tlbgen_broadcast(cpu, &request);
        tlbgen_charge_call(cpu);
        return;
    }
    if (cpu_mask_has_other(&mm->cpus, cpu->id)) {
        request.trims_mask =
            tlbgen_rules_of(cpu)->keeps_mask && tlbgen_trims(cpu, mm);
        if (tlbgen_uses_invlpgb(cpu))
            mmusim__tlbgen_consider(cpu, mm);
    }
    tlbgen_flush(cpu, &mm->cpus, &request, tlbgen_loaded_mm(cpu) == mm);
}

/* flush_tlb_range(), flush_tlb_mm(): tables may have been freed, for all it
 * knows; only areas of hugetlbfs have another stride. */
static void tlbgen_flush_mm_range(struct cpu *cpu, struct address_space *mm,
                                  const struct flush_span *span)
{
    struct flush_span range = *span;

    range.frees_tables = true;
    range.stride_order = span->is_hugetlb ? span->stride_order : 0;
    tlbgen_flush_span(cpu, mm, &range);
}

static void tlbgen_flush_page(struct cpu *cpu, struct address_space *mm,
                              uint64_t vaddr, uint32_t order)
{
    uint64_t start = align_down(vaddr, BASE_PAGE_BYTES);
    struct flush_span page = flush_span_of(start, start + BASE_PAGE_BYTES);

    (void) order; /* INVLPG drops a page of any size */
    tlbgen_flush_span(cpu, mm, &page);
}

/* ---- the kernel's own mappings ---- */

static uint32_t tlbgen_do_flush_all(struct cpu *cpu,
                                    const struct flush_request *request)
{
    const struct cost_config *cost = &cpu->system->cost;

    (void) request;
    cpu->system->vmstat.nr_tlb_remote_flush_received++;
    mmusim__protocol_count_flush(cpu, FLUSH_ALL_PAGES);
    mmusim__x86_flush_everything(&cpu->mmu, MISS_FULL_FLUSH);
    return cpu->system->has_invpcid ? cost->invpcid_cycles
                                    : cost->global_flush_cycles;
}

/* flush_tlb_one_kernel() for each page: counted on every CPU. */
static uint32_t tlbgen_do_kernel_range(struct cpu *cpu,
                                       const struct flush_request *request)
{
    uint64_t n_pages =
        align_up(request->end - request->start, BASE_PAGE_BYTES) >>
        BASE_PAGE_SHIFT;

    cpu->system->vmstat.nr_tlb_local_flush_one += n_pages;
    mmusim__protocol_count_flush(cpu, n_pages);
    mmusim__x86_invlpg_range(&cpu->mmu, request->start, n_pages,
                             MISS_PAGE_FLUSH);
    mmusim__pti_drop_others(cpu);
    return mmusim__pti_drop_pages(cpu, request->start, n_pages, 0) +
           (uint32_t) min_u64(n_pages * cpu->system->cost.invlpg_cycles,
                              UINT32_MAX / 2);
}

/* on_each_cpu() */
static void tlbgen_on_each_cpu(struct cpu *cpu,
                               const struct flush_request *request)
{
    struct cpu_mask all = mmusim__protocol_all_cpus(cpu->system);
    struct flush_request call = *request;

    call.runs_here = tlbgen_rules_of(cpu)->flushes_together;
    if (call.runs_here)
        mmusim__ipi_call_many(cpu, &all, &call);
    else
        mmusim__protocol_call(cpu, &all, &call, mmusim__ipi_call_many);
    tlbgen_charge_call(cpu);
}

static void tlbgen_flush_all(struct cpu *cpu)
{
    const struct flush_request request = {.end = FLUSH_END_ALL,
                                          .act = tlbgen_do_flush_all};

    cpu->system->vmstat.nr_tlb_remote_flush++;
    if (tlbgen_uses_invlpgb(cpu)) {
        mmusim__tlbgen_broadcast_kernel(cpu, 0, FLUSH_END_ALL);
        tlbgen_charge_call(cpu);
        return;
    }
    tlbgen_on_each_cpu(cpu, &request);
}

static bool tlbgen_kernel_range_is_full(const struct cpu *cpu, uint64_t start,
                                        uint64_t end)
{
    uint64_t ceiling =
        min_u64(cpu->system->flush_ceiling_pages, UINT64_MAX >> 12);

    if (end == FLUSH_END_ALL)
        return true;
    if (tlbgen_rules_of(cpu)->kernel_range_in_pages)
        return (end - start) >> BASE_PAGE_SHIFT > ceiling;
    return end - start > ceiling << BASE_PAGE_SHIFT;
}

static void tlbgen_flush_kernel_range(struct cpu *cpu, uint64_t start,
                                      uint64_t end)
{
    struct flush_request request = {
        .start = start, .end = end, .act = tlbgen_do_kernel_range};

    if (tlbgen_kernel_range_is_full(cpu, start, end)) {
        request.end = FLUSH_END_ALL;
        request.act = tlbgen_do_flush_all;
    }
    if (tlbgen_uses_invlpgb(cpu)) {
        mmusim__tlbgen_broadcast_kernel(cpu, start, request.end);
        tlbgen_charge_call(cpu);
        return;
    }
    tlbgen_on_each_cpu(cpu, &request);
}

/* ---- batched unmapping: arch_tlbbatch_*() ---- */

static bool tlbgen_batch_defers(const struct cpu *cpu,
                                const struct address_space *mm)
{
    return cpu_mask_has_other(&mm->cpus, cpu->id);
}

static uint32_t tlbgen_batch_add(struct cpu *cpu, struct address_space *mm,
                                 uint64_t vaddr, uint32_t order)
{
    struct cpu_mask *batch = &tlbgen_cpu_of(cpu)->batch;

    (void) vaddr;
    (void) order;
    mm->x86.tlb_gen++;
    for (uint32_t i = 0; i < MAX_CPUS / 64; i++)
        batch->words[i] |= mm->cpus.words[i];
    return 0;
}

static void tlbgen_batch_flush(struct cpu *cpu)
{
    struct tlbgen_cpu *own = tlbgen_cpu_of(cpu);
    const struct cpu_mask mask = own->batch;
    const struct flush_request request = {.end = FLUSH_END_ALL,
                                          .act = mmusim__tlbgen_flush_func,
                                          .initiator = cpu->id};

    own->batch = (struct cpu_mask){{0}};
    if (tlbgen_uses_invlpgb(cpu)) {
        mmusim__tlbgen_broadcast_nonglobals(cpu);
        tlbgen_charge_call(cpu);
        return;
    }
    tlbgen_flush(cpu, &mask, &request, cpu_mask_has(&mask, cpu->id));
}

/* ---- the rows ---- */

static const struct tlbgen_rules rules_4_20 = {0};

static mmusim_status_t tlbgen_init_4_20(struct system *system)
{
    return mmusim__tlbgen_init(system, &rules_4_20);
}

static const struct tlbgen_rules rules_6_14 = {
    .flushes_together = true, .has_early_out = true, .keeps_mask = true};

static mmusim_status_t tlbgen_init_6_14(struct system *system)
{
    return mmusim__tlbgen_init(system, &rules_6_14);
}

static const struct tlbgen_rules rules_6_14_fixed = {.flushes_together = true,
                                                     .has_early_out = true,
                                                     .keeps_mask = true,
                                                     .marks_switch_early =
                                                         true};

static mmusim_status_t tlbgen_init_6_14_fixed(struct system *system)
{
    return mmusim__tlbgen_init(system, &rules_6_14_fixed);
}

static const struct tlbgen_rules rules_7_1 = {.flushes_together = true,
                                              .has_early_out = true,
                                              .keeps_mask = true,
                                              .marks_switch_early = true,
                                              .kernel_range_in_pages = true,
                                              .knows_invlpgb = true};

static mmusim_status_t tlbgen_init_7_1(struct system *system)
{
    return mmusim__tlbgen_init(system, &rules_7_1);
}

static const struct tlbgen_rules rules_7_1_fixed = {.flushes_together = true,
                                                    .has_early_out = true,
                                                    .keeps_mask = true,
                                                    .marks_switch_early = true,
                                                    .kernel_range_in_pages =
                                                        true,
                                                    .knows_invlpgb = true,
                                                    .asks_lazy_first = true};

static mmusim_status_t tlbgen_init_7_1_fixed(struct system *system)
{
    return mmusim__tlbgen_init(system, &rules_7_1_fixed);
}

#define TLBGEN_OPS                                                             \
    .isas = ISAS_X86, .ceiling_rule = CEILING_ABOVE,                           \
    .default_ceiling_pages = 33, .uses_pcid = true,                            \
    .flush_mm_range = tlbgen_flush_mm_range,                                   \
    .flush_gather = tlbgen_flush_span, .flush_page = tlbgen_flush_page,        \
    .flush_kernel_range = tlbgen_flush_kernel_range,                           \
    .flush_all = tlbgen_flush_all, .batch_defers = tlbgen_batch_defers,        \
    .batch_add = tlbgen_batch_add, .batch_flush = tlbgen_batch_flush,          \
    .switch_mm = mmusim__tlbgen_switch_mm,                                     \
    .switch_steps = mmusim__tlbgen_switch_steps,                               \
    .enter_lazy = mmusim__tlbgen_enter_lazy

const struct protocol_ops mmusim__protocol_linux_4_20 = {
    .name = "linux-4.20",
    .help = "Linux 4.20 on x86: PCIDs, generations, lazy CPUs are skipped",
    .init = tlbgen_init_4_20,
    .mm_rules = &mmusim__mm_rules_4_20,
    .bugs = "B03 B04 B12 B13 B14 B15 B16",
    TLBGEN_OPS,
};

const struct protocol_ops mmusim__protocol_linux_4_20_fixed = {
    .name = "linux-4.20-fixed",
    .help = "linux-4.20 with the repairs of later versions",
    .init = tlbgen_init_4_20,
    .mm_rules = &mmusim__mm_rules_4_20_fixed,
    .is_fixed = true,
    TLBGEN_OPS,
};

const struct protocol_ops mmusim__protocol_linux_6_14 = {
    .name = "linux-6.14",
    .help = "Linux 6.14 on x86: flushes here and elsewhere at once, lazy masks",
    .init = tlbgen_init_6_14,
    .mm_rules = &mmusim__mm_rules_6_14,
    .bugs = "B04 B16 B25 B26 B31",
    TLBGEN_OPS,
};

const struct protocol_ops mmusim__protocol_linux_6_14_fixed = {
    .name = "linux-6.14-fixed",
    .help = "linux-6.14 with the repairs of 6.15 to 6.19",
    .init = tlbgen_init_6_14_fixed,
    .mm_rules = &mmusim__mm_rules_6_14_fixed,
    .is_fixed = true,
    TLBGEN_OPS,
};

const struct protocol_ops mmusim__protocol_linux_7_1 = {
    .name = "linux-7.1",
    .help = "Linux 7.1 on x86: INVLPGB and global ASIDs where the machine has "
            "them",
    .init = tlbgen_init_7_1,
    .mm_rules = &mmusim__mm_rules_7_1,
    .bugs = "B29",
    .mm_ends = mmusim__tlbgen_mm_ends,
    TLBGEN_OPS,
};

const struct protocol_ops mmusim__protocol_linux_7_1_fixed = {
    .name = "linux-7.1-fixed",
    .help = "linux-7.1, where a lazy CPU stays lazy in a transition of ASIDs",
    .init = tlbgen_init_7_1_fixed,
    .mm_rules = &mmusim__mm_rules_7_1_fixed,
    .is_fixed = true,
    .mm_ends = mmusim__tlbgen_mm_ends,
    TLBGEN_OPS,
};
