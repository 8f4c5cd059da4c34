/* SPDX-License-Identifier: MIT */
/* Free and instant flushes: see ideal.h. An entry goes in the same event that
 * asks for it, on every CPU; therefore no CPU may run ahead of another's next
 * event (system.min_delivery_cycles is 0). Nothing is counted as a shootdown,
 * since nothing is sent. */
#include "coherence/ideal.h"

#include "coherence/mm_rules.h"
#include "coherence/protocol_steps.h"
#include "core/arena.h"

static mmusim_status_t ideal_init(struct system *system)
{
    struct asid_alloc *asids =
        mmusim__arena_alloc(system->arena, 1, sizeof(*asids));

    if (!asids)
        return MMUSIM_NOMEM;
    system->protocol_state = asids;
    system->min_delivery_cycles = 0;
    return mmusim__asid_init(asids, ASID_MAX_BITS, system->n_cpus,
                             system->arena);
}

/* Drops it from every CPU. */
static void ideal_drop(struct cpu *cpu, struct inval *inval)
{
    struct system *system = cpu->system;
    enum miss_cause cause =
        inval->has_range ? MISS_PAGE_FLUSH : MISS_FULL_FLUSH;

    inval->hits_nonglobals = true;
    for (uint32_t id = 0; id < system->n_cpus; id++)
        mmusim__mmu_invalidate(&system->cpus[id].mmu, inval, cause);
    mmusim__protocol_count_flush(cpu, inval->has_range ? inval->n_pages
                                                       : FLUSH_ALL_PAGES);
    mmusim__cpu_busy(cpu, 0, BUCKET_FLUSH_LOCAL);
}

static void ideal_add_range(struct inval *inval, uint64_t start, uint64_t end)
{
    inval->psc = INVAL_PSC_ALL;
    if (end == FLUSH_END_ALL)
        return;
    inval->psc = INVAL_PSC_ADDRESS;
    inval->has_range = true;
    inval->vpn = vpn_of(start);
    inval->n_pages =
        max_u64(align_up(end - start, BASE_PAGE_BYTES), 1) >> BASE_PAGE_SHIFT;
}

static struct inval ideal_scope(const struct cpu *cpu,
                                const struct address_space *mm)
{
    struct inval inval = mmusim__mmu_scope(&cpu->mmu);

    inval.has_asid = true;
    inval.asid = asid_of(mm->context_id);
    return inval;
}

/* Whatever its length, page by page: nothing else goes. */
static void ideal_flush_mm_range(struct cpu *cpu, struct address_space *mm,
                                 const struct flush_span *span)
{
    struct inval inval = ideal_scope(cpu, mm);

    ideal_add_range(&inval, span->start, span->end);
    if (span->end == FLUSH_END_ALL)
        inval.psc = INVAL_PSC_ASID;
    ideal_drop(cpu, &inval);
}

static void ideal_flush_page(struct cpu *cpu, struct address_space *mm,
                             uint64_t vaddr, uint32_t order)
{
    uint64_t n_bytes = (uint64_t) BASE_PAGE_BYTES << order;
    struct flush_span page = {.start = align_down(vaddr, n_bytes)};

    page.end = page.start + n_bytes;
    ideal_flush_mm_range(cpu, mm, &page);
}

static void ideal_flush_kernel_range(struct cpu *cpu, uint64_t start,
                                     uint64_t end)
{
    struct inval inval = mmusim__mmu_scope(&cpu->mmu);

    inval.hits_globals = true;
    ideal_add_range(&inval, start, end);
    ideal_drop(cpu, &inval);
}

static void ideal_flush_all(struct cpu *cpu)
{
    ideal_flush_kernel_range(cpu, 0, FLUSH_END_ALL);
}

static uint32_t ideal_switch_mm(struct cpu *cpu, struct address_space *next)
{
    struct asid_alloc *asids = cpu->system->protocol_state;
    struct inval all = mmusim__mmu_scope(&cpu->mmu);

    cpu->tlb_state = TLB_STATE_OK;
    cpu->active_mm = next;
    if (mmusim__protocol_load(cpu, asids, next) == ASID_SWITCH_FLUSH) {
        all.hits_nonglobals = true;
        all.psc = INVAL_PSC_ALL;
        mmusim__mmu_invalidate(&cpu->mmu, &all, MISS_ASID);
    }
    return 0;
}

const struct protocol_ops mmusim__protocol_ideal = {
    .name = "ideal",
    .help = "flushes that are free and instant everywhere: the bound",
    .isas = (1U << ISA_COUNT) - 1,
    .init = ideal_init,
    .ceiling_rule = CEILING_ABOVE, /* any is taken, and makes no difference */
    .default_ceiling_pages = 33,
    .mm_rules = &mmusim__mm_rules_7_1_fixed,
    .flush_mm_range = ideal_flush_mm_range,
    .flush_page = ideal_flush_page,
    .after_upgrade = ideal_flush_page,
    .fix_spurious = ideal_flush_page,
    .flush_kernel_range = ideal_flush_kernel_range,
    .flush_all = ideal_flush_all,
    .switch_mm = ideal_switch_mm,
    .enter_lazy = mmusim__protocol_enter_lazy,
};
