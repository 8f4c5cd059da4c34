/* SPDX-License-Identifier: MIT */
/* Transparent huge pages: see huge_page.h. Steps of the split from Linux 6.8
 * mm/huge_memory.c __split_huge_pmd_locked; 4.6 fills the table before it
 * makes the entry not present, which nobody can tell from outside. */
#include "os/huge_page.h"

#include "coherence/flush.h"
#include "os/placement.h"

bool mmusim__thp_suits(const struct kernel *kernel, const struct vm_area *area,
                       uint64_t vaddr)
{
    const uint32_t never = VM_HUGETLB | VM_IMPLICIT | VM_SHARED;
    uint64_t start = align_down(vaddr, thp_bytes(kernel));

    return thp_is_possible(kernel->format) && !area->file_id &&
           !(area->flags & never) && !kernel_is_upper(kernel, vaddr) &&
           area->start <= start && start + thp_bytes(kernel) <= area->end;
}

bool mmusim__thp_wants(const struct kernel *kernel, const struct vm_area *area,
                       uint64_t vaddr)
{
    switch (kernel->config.thp) {
    case THP_NEVER:
        return false;
    case THP_MADVISE:
        if (!(area->flags & VM_HUGEPAGE))
            return false;
        break;
    case THP_ALWAYS:
        break;
    }
    return !(area->flags & VM_NOHUGEPAGE) &&
           mmusim__thp_suits(kernel, area, vaddr);
}

/* A leaf of the level in an area without hugetlb. */
static bool thp_is_mapped(const struct kernel *kernel,
                          const struct pte_slot *slot,
                          const struct vm_area *area)
{
    struct pt_entry entry;

    return slot->table->level == THP_LEVEL && thp_is_possible(kernel->format) &&
           !(area && (area->flags & VM_HUGETLB)) &&
           mmusim__pte_maps(kernel, slot, &entry);
}

bool mmusim__thp_is_cut(const struct kernel *kernel,
                        const struct pte_slot *slot, const struct vm_area *area,
                        uint64_t start, uint64_t end)
{
    uint64_t first = align_down(slot->vaddr, thp_bytes(kernel));

    return thp_is_mapped(kernel, slot, area) &&
           (first < start || first + thp_bytes(kernel) > end);
}

void mmusim__thp_flush(struct cpu *cpu, struct mm *mm, uint64_t vaddr)
{
    bool is_x86 = ISAS_X86 >> cpu->system->isa & 1U;
    uint32_t shift = cpu->mmu.shared->format->levels[THP_LEVEL].shift;
    uint64_t bytes = UINT64_C(1) << shift;
    struct flush_span span = flush_span_of(align_down(vaddr, bytes),
                                           align_down(vaddr, bytes) + bytes);

    /* x86's is flush_tlb_range(), whose stride is that of hugetlb areas
     * alone; arm64's knows the size and the level. */
    if (!is_x86)
        span.stride_order = shift - (uint32_t) BASE_PAGE_SHIFT;
    span.cleared_levels = 1U << THP_LEVEL;
    mmusim__flush_range(cpu, &mm->space, &span);
}

mmusim_status_t mmusim__thp_zero_page(struct kernel *kernel, pfn_t *pfn)
{
    mmusim_status_t status;

    if (!kernel->huge_zero_page.v) {
        status = mmusim__page_get(kernel, thp_order(kernel), 0,
                                  &kernel->huge_zero_page);
        if (status)
            return status;
        kernel->vm.thp_zero_page_alloc++;
    }
    *pfn = kernel->huge_zero_page;
    return MMUSIM_OK;
}

/* ---- split ---- */

struct split_frame {
    struct kframe frame;
    struct kernel *kernel;
    struct mm *mm;
    uint64_t vaddr;
    struct pte_slot slot;
    struct klock *lock;
    struct lock_waiter waiter;
    bool was_hidden; /* PROT_NONE */
};

enum { SPLIT_FIND, SPLIT_INVALIDATE, SPLIT_INSTALL, SPLIT_UNLOCK, SPLIT_END };

static void split_find(struct cpu *cpu, struct split_frame *split)
{
    struct pt_entry entry;

    split->slot =
        mmusim__pte_deepest(split->kernel, split->mm, split->vaddr, &entry);
    if (!thp_is_mapped(split->kernel, &split->slot, NULL)) {
        split->frame.pc = SPLIT_END;
        return;
    }
    split->lock = mmusim__pte_lock(split->slot.table);
    if (!split->lock) {
        system_fail(cpu->system, MMUSIM_NOMEM);
        return;
    }
    split->frame.pc = SPLIT_INVALIDATE;
    mmusim__lock_take(cpu, split->lock, &split->waiter, LOCK_WRITE,
                      BUCKET_KERNEL);
}

/* pmdp_invalidate(). */
static void split_invalidate(struct cpu *cpu, struct split_frame *split)
{
    uint64_t word = mmusim__pte_word(&split->slot);

    if (!thp_is_mapped(split->kernel, &split->slot, NULL)) {
        split->frame.pc = SPLIT_UNLOCK; /* somebody was faster */
        return;
    }
    split->frame.pc = SPLIT_INSTALL;
    split->was_hidden = split->kernel->format->reveal(word, THP_LEVEL) != word;
    if (split->was_hidden)
        return; /* no TLB has it */
    mmusim__pte_rewrite(split->kernel, &split->slot,
                        split->kernel->format->hide(word, THP_LEVEL));
    mmusim__thp_flush(cpu, split->mm, split->vaddr);
}

/* The table goes in where the entry was, with the pieces' entries: of the huge
 * zero page the small one's. pmd_populate(). */
static void split_install(struct cpu *cpu, struct split_frame *split)
{
    struct kernel *kernel = split->kernel;
    const struct cost_config *cost = &cpu->system->cost;
    mmusim_status_t status = MMUSIM_OK;
    struct pt_entry entry;
    struct pte_pieces pieces;
    uint64_t n_entries = thp_bytes(kernel) / kernel_page_bytes(kernel);

    mmusim__pte_maps(kernel, &split->slot, &entry);
    pieces = (struct pte_pieces){
        .first = entry.pfn,
        .is_one_frame = entry.pfn.v == kernel->huge_zero_page.v,
        .is_hidden = split->was_hidden,
    };
    if (pieces.is_one_frame) {
        pieces.first = kernel->zero_page;
    } else if (mmusim__frame_order(kernel->frames, entry.pfn) == entry.order) {
        status = mmusim__frame_split(kernel->frames, entry.pfn);
        kernel->vm.thp_split_page++;
    }
    if (!status)
        status = mmusim__pte_split(kernel, &split->slot, &pieces);
    if (status)
        system_fail(cpu->system, status);
    kernel->vm.thp_split_pmd++;
    mmusim__cpu_busy(cpu,
                     cost->thp_split_cycles + n_entries * cost->pte_set_cycles,
                     BUCKET_KERNEL);
}

static enum kstep split_step(struct cpu *cpu, struct kframe *frame)
{
    struct split_frame *split = (struct split_frame *) frame;

    switch (frame->pc) {
    case SPLIT_FIND:
        split_find(cpu, split);
        return KSTEP_NEXT;
    case SPLIT_INVALIDATE:
        split_invalidate(cpu, split);
        return KSTEP_NEXT;
    case SPLIT_INSTALL:
        frame->pc = SPLIT_UNLOCK;
        split_install(cpu, split);
        return KSTEP_NEXT;
    case SPLIT_UNLOCK:
        frame->pc = SPLIT_END;
        mmusim__lock_release(cpu, split->lock, LOCK_WRITE);
        return KSTEP_NEXT;
    default:
        return KSTEP_DONE;
    }
}

void mmusim__thp_split(struct cpu *cpu, struct kernel *kernel, struct mm *mm,
                       uint64_t vaddr)
{
    struct split_frame *split =
        mmusim__cpu_push(cpu, split_step, sizeof(*split));

    split->kernel = kernel;
    split->mm = mm;
    split->vaddr = vaddr;
}
