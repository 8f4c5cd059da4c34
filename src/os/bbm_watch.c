/* SPDX-License-Identifier: MIT */
/* Leaf writes for the observer of break-before-make: see bbm_watch.h. */
#include "os/bbm_watch.h"

#include "coherence/arm_bbm.h"
#include "coherence/asid_alloc.h"

/* slot->vaddr is of the table; the index says which of its pages. */
static uint64_t watch_vaddr(const struct kernel *kernel,
                            const struct pte_slot *slot)
{
    const struct pt_level *at = &kernel->format->levels[slot->table->level];
    uint64_t span = (uint64_t) slot->table->n_words << at->shift;

    return align_down(slot->vaddr, span) +
           ((uint64_t) slot->index << at->shift);
}

void mmusim__bbm_watch_leaf(struct kernel *kernel, const struct pte_slot *slot,
                            uint64_t word)
{
    struct system *system = kernel->system;
    struct bbm_update update = {
        .format = kernel->format,
        .level = slot->table->level,
        .cpu = system->acting_cpu,
        .entry_paddr = pt_entry_paddr(slot->table, slot->index),
        .vaddr = watch_vaddr(kernel, slot),
        .old_word = mmusim__pte_word(slot),
        .new_word = word,
        .contents_differ = true,
        .context = system->cpus[system->acting_cpu].mmu.context,
    };
    struct bbm_verdict verdict;

    /* An address space that has never run has nothing cached. */
    if (!slot->mm || !slot->mm->space.context_id)
        return;
    update.context.asid = asid_of(slot->mm->space.context_id);
    if (!mmusim__bbm_write(system->bbm, &update, &verdict))
        system_fail(system, MMUSIM_NOMEM);
}

void mmusim__bbm_watch_free(struct kernel *kernel, const struct pt_info *table)
{
    mmusim__bbm_forget(kernel->system->bbm, table->paddr,
                       (uint64_t) table->n_words << table->word_log2);
}
