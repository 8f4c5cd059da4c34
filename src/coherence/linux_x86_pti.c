/* SPDX-License-Identifier: MIT */
/* Page-table isolation: see pti.h. */
#include "coherence/pti.h"

#include "coherence/x86_ops.h"
#include "coherence/x86_tlbgen.h"

enum { PTI_USER_PCID = 1 << 11 }; /* X86_CR3_PTI_PCID_USER_BIT */

static uint16_t pti_user_pcid(const struct cpu *cpu, uint16_t slot)
{
    return (uint16_t) (tlbgen_pcid(cpu, slot) | PTI_USER_PCID);
}

/* Without PCIDs every write of CR3 flushes. */
static uint32_t pti_load(struct cpu *cpu, uint16_t pcid, enum cr3_flush flush,
                         enum miss_cause cause)
{
    const struct cost_config *cost = &cpu->system->cost;
    bool is_kept = flush == CR3_NOFLUSH && cpu->mmu.has_asids;

    mmusim__x86_mov_cr3(&cpu->mmu, cpu->mmu.root, pcid, flush, cause);
    return is_kept ? cost->cr3_noflush_cycles : cost->cr3_write_cycles;
}

void mmusim__pti_enter(struct cpu *cpu)
{
    struct tlbgen_cpu *own = tlbgen_cpu_of(cpu);

    if (!own->is_in_user)
        return;
    own->is_in_user = false;
    cpu->entry_cycles += pti_load(cpu, tlbgen_pcid(cpu, own->loaded_asid),
                                  CR3_NOFLUSH, MISS_SWITCH);
}

static uint32_t pti_return(struct cpu *cpu)
{
    struct tlbgen_cpu *own = tlbgen_cpu_of(cpu);
    uint16_t bit = (uint16_t) (1U << own->loaded_asid);
    bool flushes = own->user_flush_mask & bit;

    own->is_in_user = true;
    own->user_flush_mask &= (uint16_t) ~bit;
    if (!cpu->mmu.has_asids)
        return pti_load(cpu, 0, CR3_FLUSH, MISS_SWITCH);
    return pti_load(cpu, pti_user_pcid(cpu, own->loaded_asid),
                    flushes ? CR3_FLUSH : CR3_NOFLUSH,
                    own->user_flush_causes[own->loaded_asid]);
}

bool mmusim__pti_settle(struct cpu *cpu)
{
    bool is_in_user = tlbgen_cpu_of(cpu)->is_in_user;

    if (is_in_user != cpu->is_kernel_thread)
        return false;
    if (is_in_user) /* it has become a kernel thread */
        mmusim__pti_enter(cpu);
    else
        mmusim__cpu_busy(cpu, pti_return(cpu), BUCKET_KERNEL);
    return true;
}

void mmusim__pti_page_fault(struct cpu *cpu, uint64_t vaddr)
{
    uint16_t pcid = cpu->mmu.context.asid;

    if (cpu->mmu.has_asids)
        mmusim__mmu_set_asid(
            &cpu->mmu, pti_user_pcid(cpu, tlbgen_cpu_of(cpu)->loaded_asid));
    mmusim__x86_page_fault(&cpu->mmu, vaddr);
    if (cpu->mmu.has_asids)
        mmusim__mmu_set_asid(&cpu->mmu, pcid);
}

/* ---- flushes ---- */

static bool pti_has_pairs(const struct cpu *cpu)
{
    return cpu->system->swaps_cr3 && cpu->mmu.has_asids;
}

void mmusim__pti_drop_slot(struct cpu *cpu, uint16_t slot,
                           enum miss_cause cause)
{
    struct tlbgen_cpu *own = tlbgen_cpu_of(cpu);

    if (!pti_has_pairs(cpu))
        return;
    own->user_flush_mask |= (uint16_t) (1U << slot);
    own->user_flush_causes[slot] = cause;
}

uint32_t mmusim__pti_drop_pages(struct cpu *cpu, uint64_t vaddr,
                                uint64_t n_strides, uint32_t stride_order)
{
    uint16_t slot = tlbgen_cpu_of(cpu)->loaded_asid;
    uint64_t stride = (uint64_t) BASE_PAGE_BYTES << stride_order;

    if (!pti_has_pairs(cpu))
        return 0;
    if (!cpu->system->has_invpcid) {
        mmusim__pti_drop_slot(cpu, slot, MISS_FULL_FLUSH);
        return 0;
    }
    for (uint64_t i = 0; i < n_strides; i++)
        mmusim__x86_invpcid(&cpu->mmu, INVPCID_ADDRESS,
                            pti_user_pcid(cpu, slot), vaddr + i * stride,
                            MISS_PAGE_FLUSH);
    return (uint32_t) min_u64(n_strides * cpu->system->cost.invpcid_cycles,
                              UINT32_MAX / 2);
}

void mmusim__pti_drop_others(struct cpu *cpu)
{
    if (pti_has_pairs(cpu))
        tlbgen_cpu_of(cpu)->has_stale_others = true;
}
