/* SPDX-License-Identifier: MIT */
/* Life of an address space: see mm.h. As in Linux, the tables' root outlives
 * the last thread while a lazy CPU has it loaded (mm_count). */
#include "os/mm.h"

#include "os/check_hooks.h"
#include "os/ksm.h"
#include "os/page_table.h"
#include "os/reclaim.h"

#include <stdlib.h>

static mmusim_status_t mm_init(struct kernel *kernel, struct mm *mm)
{
    mm->areas = mmusim__vm_set_create();
    mm->unmapped = mmusim__vm_set_create();
    if (!mm->areas || !mm->unmapped)
        return MMUSIM_NOMEM;
    return mmusim__pt_root_create(kernel, &mm->space.root);
}

static void mm_free_sets(struct mm *mm)
{
    mmusim__vm_set_destroy(mm->areas);
    mmusim__vm_set_destroy(mm->unmapped);
}

mmusim_status_t mmusim__mm_init_kernel(struct kernel *kernel)
{
    kernel->init_mm.space.id = 0;
    kernel->next_mm_id = 1;
    return mm_init(kernel, &kernel->init_mm);
}

struct mm *mmusim__mm_create(struct kernel *kernel)
{
    struct mm *mm = calloc(1, sizeof(*mm));
    mmusim_status_t status = mm ? mm_init(kernel, mm) : MMUSIM_NOMEM;

    if (status) {
        if (mm)
            mm_free_sets(mm);
        free(mm);
        system_fail(kernel->system, status);
        return NULL;
    }
    mm->space.id = kernel->next_mm_id++;
    mm->next = kernel->mms;
    kernel->mms = mm;
    return mm;
}

bool mmusim__mm_leave(struct mm *mm)
{
    return --mm->n_threads == 0;
}

void mmusim__mm_died(struct mm *mm)
{
    mm->is_dead = true;
}

void mmusim__mm_release(struct kernel *kernel, struct mm *mm)
{
    mmusim__ksm_forget_mm(kernel, mm);
    if (mmusim__pt_table(kernel->tables, mm->space.root))
        mmusim__pt_release(kernel, mm->space.root);
    mm_free_sets(mm);
    if (mm != &kernel->init_mm)
        free(mm);
}

static bool mm_is_borrowed(const struct kernel *kernel, const struct mm *mm)
{
    /* Somebody may still be looking through the reverse map. */
    if (!klock_is_idle(&mm->rmap_lock))
        return true;
    for (uint32_t i = 0; i < kernel->system->n_cpus; i++) {
        const struct cpu *cpu = &kernel->system->cpus[i];

        if (cpu->active_mm == &mm->space || cpu->loaded == &mm->space)
            return true;
    }
    return false;
}

static void mm_drop_everything(struct kernel *kernel, struct mm *mm);

void mmusim__mm_reap(struct kernel *kernel)
{
    struct mm **link = &kernel->mms;

    while (*link) {
        struct mm *mm = *link;

        if (mm->is_dead)
            mmusim__ksm_forget_mm(kernel, mm);
        if (!mm->is_dead || mm_is_borrowed(kernel, mm)) {
            link = &mm->next;
            continue;
        }
        if (mm->is_full)
            mm_drop_everything(kernel, mm);
        *link = mm->next;
        if (kernel->system->check)
            mmusim__check_mm_end(kernel, mm);
        if (kernel->system->protocol->mm_ends)
            kernel->system->protocol->mm_ends(kernel->system, &mm->space);
        mmusim__pt_table_free(kernel, mm->space.root);
        mm_free_sets(mm);
        free(mm);
    }
}

static bool mm_discard_table(void *context, pfn_t table, uint64_t vaddr)
{
    (void) vaddr;
    mmusim__pt_table_free(context, table);
    return true;
}

/* A page, or the swap slot of one. */
static void mm_drop_entry(struct kernel *kernel, const struct pte_slot *slot)
{
    struct pt_entry entry;
    uint32_t swap_slot;

    if (mmusim__pte_maps(kernel, slot, &entry)) {
        mmusim__pte_clear(kernel, slot);
        if (!kernel_is_zero_page(kernel, entry.pfn))
            mmusim__frame_unref_span(kernel->frames, entry.pfn, entry.order);
    } else if (mmusim__pte_is_swap(kernel, slot, &swap_slot)) {
        mmusim__pte_clear(kernel, slot);
        mmusim__swap_unref(&kernel->reclaim->swap, swap_slot);
    }
}

static void mm_drop_everything(struct kernel *kernel, struct mm *mm)
{
    uint64_t end = UINT64_C(1) << pt_half_bits(kernel->format);
    uint64_t cursor = 0;
    struct pte_slot slot;

    while (mmusim__pte_next_table(kernel, mm, cursor, end, &slot, &cursor)) {
        mm_drop_entry(kernel, &slot);
        cursor += mmusim__pte_bytes(&slot, kernel->format);
    }
    mmusim__pt_unlink_tables(kernel, mm, 0, end, 0, end, mm_discard_table,
                             kernel);
    mm->is_full = false;
}

void mmusim__mm_discard(struct kernel *kernel, struct mm *mm)
{
    mmusim__mm_died(mm);
    mm->is_full = true;
    if (klock_is_idle(&mm->rmap_lock))
        mm_drop_everything(kernel, mm);
    mmusim__mm_reap(kernel);
}
