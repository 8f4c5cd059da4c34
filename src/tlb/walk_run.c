/* SPDX-License-Identifier: MIT */
/*
 * Runs of pages that one TLB entry can stand for. Two kinds: those that the
 * tables claim (Arm's contiguous bit: pt_entry.run_order), and those that
 * hardware finds in the line it has just read (AMD: 4 x 4K; walker.
 * coalesce_pages): the aligned group of entries around the leaf, all present
 * and Accessed, of the same rights and Dirty state, with frames that follow
 * each other and are aligned alike. A line has 64 bytes; entries beyond it are
 * not looked at.
 *
 * Left out: runs of a guest, whose pages the second stage scatters; groups with
 * holes (AMD leaves out entries, Haswell does nothing of the kind).
 */
#include "tlb/walker.h"

enum { RUN_LINE_BYTES = 64 };

static struct pt_entry run_entry(const struct walk *walk,
                                 const struct pt_info *table, uint32_t index)
{
    const struct pt_format *format = walk->mmu->shared->format;

    return format->decode(format, pt_word(table, index), table->level);
}

static bool run_goes_on(const struct pt_entry *leaf,
                        const struct pt_entry *entry, uint64_t pfn)
{
    return entry->is_present && !entry->is_reserved && entry->is_leaf &&
           entry->is_accessed && entry->order == leaf->order &&
           entry->rights == leaf->rights && entry->pfn.v == pfn;
}

/* log2 of the pages around the leaf that can be one entry; 0: it alone. */
static uint32_t run_found(const struct walk *walk, const struct pt_info *table,
                          const struct pt_entry *leaf, uint32_t index)
{
    uint32_t n_pages = walk->mmu->shared->walker->coalesce_pages;
    uint32_t n_line = (uint32_t) RUN_LINE_BYTES >> table->word_log2;
    uint32_t inside;
    uint64_t first_pfn;

    if (n_pages > n_line)
        n_pages = n_line;
    if (n_pages < 2)
        return 0;
    inside = index & (n_pages - 1);
    first_pfn = leaf->pfn.v - ((uint64_t) inside << leaf->order);
    if (first_pfn & (((uint64_t) n_pages << leaf->order) - 1))
        return 0;
    for (uint32_t i = 0; i < n_pages; i++) {
        struct pt_entry entry = run_entry(walk, table, index - inside + i);

        if (!run_goes_on(leaf, &entry,
                         first_pfn + ((uint64_t) i << leaf->order)))
            return 0;
    }
    return (uint32_t) __builtin_ctz(n_pages);
}

void mmusim__walk_note_run(struct walk *walk, const struct pt_info *table,
                           const struct pt_entry *leaf, uint64_t paddr)
{
    uint32_t index = pt_entry_index(table, paddr);
    uint32_t claimed = (uint32_t) leaf->run_order - leaf->order;
    uint32_t log2_pages, first;

    if (walk->mmu->shared->nested)
        return;
    log2_pages = claimed;
    if (!claimed &&
        leaf->order == pt_level_order(walk->mmu->shared->format, table->level))
        log2_pages = run_found(walk, table, leaf, index);
    while (UINT32_C(1) << log2_pages > TLB_MAX_IDS)
        log2_pages--;
    if (!log2_pages)
        return;
    walk->run_order = leaf->order + log2_pages;
    first = index & ~((UINT32_C(1) << log2_pages) - 1);
    for (uint32_t i = 0; i < UINT32_C(1) << log2_pages; i++)
        walk->run_ids[i] = pt_translation_id(table, first + i);
}
