/* SPDX-License-Identifier: MIT */
/*
 * One page of ksmd's: scan_get_next_rmap_item() and cmp_and_merge_page() of
 * Linux mm/ksm.c. Address spaces are taken in the order of their birth, and
 * their last thread does not go while a page of theirs is in hand (Linux has
 * ksm_exit() wait for mmap_lock instead).
 */
#include "os/ksm_scan.h"

#include "coherence/mm_rules.h"
#include "os/huge_page.h"
#include "os/mm.h"
#include "os/page_contents.h"
#include "os/process.h"
#include "os/reclaim.h"

#include <stdlib.h>

struct scan_frame {
    struct kframe frame;
    struct kernel *kernel;
    struct ksm *ksm;
    struct mm *mm, *other_mm;      /* the page's, and of an equal one */
    struct ksm_item *item, *other; /* NULL: none */
    struct ksm_node *node;         /* of the merged page found */
    uint64_t contents;
    pfn_t page, other_page; /* ksm->held */
    pfn_t kpage;            /* with a reference, too; 0: none */
    struct lock_waiter waiter;
    bool is_huge; /* the page is a part of a huge one */
    bool is_merged, is_other_merged;
};

enum {
    SCAN_LOCK,
    SCAN_FIND,
    SCAN_UNLOCK,
    SCAN_LOOK,
    SCAN_STABLE,
    SCAN_JOINED,
    SCAN_CHECKSUM,
    SCAN_UNSTABLE,
    SCAN_OTHER,
    SCAN_OTHER_UNLOCK,
    SCAN_FIRST,
    SCAN_SECOND,
    SCAN_PAIRED,
    SCAN_BROKEN,
    SCAN_SPLIT_LOCK,
    SCAN_SPLIT,
    SCAN_RELEASE,
    SCAN_PUT,
    SCAN_PUT_OTHER,
    SCAN_PUT_MM,
    SCAN_DIED,
    SCAN_END,
};

static struct page *scan_page_of(const struct scan_frame *scan, pfn_t pfn)
{
    return mmusim__page_find(scan->kernel->reclaim->pages, pfn);
}

/* ---- items ---- */

/* get_next_rmap_item(); NULL: out of memory. */
static struct ksm_item *scan_item_at(struct scan_frame *scan, uint64_t vaddr)
{
    struct ksm *ksm = scan->ksm;
    struct ksm_item *item;

    while (*ksm->link && (*ksm->link)->vaddr < vaddr)
        mmusim__ksm_item_free(ksm, ksm->link);
    item = *ksm->link;
    if (!item || item->vaddr != vaddr) {
        item = calloc(1, sizeof(*item));
        if (!item) {
            system_fail(scan->kernel->system, MMUSIM_NOMEM);
            return NULL;
        }
        item->mm = scan->mm;
        item->vaddr = vaddr;
        item->next = *ksm->link;
        *ksm->link = item;
        ksm->n_items++;
    }
    ksm->link = &item->next;
    return item;
}

/* ---- the next page ---- */

/* An anonymous page that is there; a part of a huge one, too. */
static bool scan_takes(struct scan_frame *scan, const struct pte_slot *slot)
{
    const struct kernel *kernel = scan->kernel;
    uint64_t word = mmusim__pte_word(slot);
    const struct page *page;
    struct pt_entry entry;

    if (!mmusim__pte_maps(kernel, slot, &entry) ||
        kernel->format->reveal(word, slot->table->level) != word ||
        kernel_is_zero_page(kernel, entry.pfn))
        return false;
    scan->is_huge = slot->table->level > 0;
    if (scan->is_huge)
        return true;
    page = scan_page_of(scan, entry.pfn);
    if (!page || page->file_id || (page->flags & PAGE_UNEVICTABLE))
        return false;
    scan->page = entry.pfn;
    scan->ksm->held[0] = entry.pfn;
    mmusim__frame_ref(kernel->frames, entry.pfn);
    return true;
}

/* From the cursor on, in one table; false: there is none left in it. */
static bool scan_table(struct scan_frame *scan, struct pte_slot *slot,
                       uint64_t end, uint64_t *n_scanned)
{
    uint64_t page_bytes = kernel_page_bytes(scan->kernel);
    uint64_t bytes = mmusim__pte_bytes(slot, scan->kernel->format);
    uint64_t *cursor = &scan->ksm->cursor;

    if (slot->table->level) { /* its parts one by one */
        ++*n_scanned;
        if (scan_takes(scan, slot))
            return true;
        *cursor = align_down(*cursor, bytes) + bytes;
        return false;
    }
    for (; slot->index < slot->table->n_words && *cursor < end;
         slot->index++, *cursor += page_bytes) {
        ++*n_scanned;
        if (scan_takes(scan, slot))
            return true;
    }
    return false;
}

/* Towards the next page of the address space; false: it has no more. */
static bool scan_find(struct cpu *cpu, struct scan_frame *scan)
{
    struct ksm *ksm = scan->ksm;
    const struct vm_area *area =
        mmusim__vm_find_from(scan->mm->areas, ksm->cursor);
    uint64_t n_scanned = 0;
    uint64_t start;
    struct pte_slot slot;

    while (area && !(area->flags & VM_MERGEABLE))
        area = mmusim__vm_find_from(scan->mm->areas, area->end);
    if (!area)
        return false;
    ksm->cursor = max_u64(ksm->cursor, area->start);
    start = ksm->cursor;
    if (!mmusim__pte_next_table(scan->kernel, scan->mm, start, area->end, &slot,
                                &ksm->cursor)) {
        ksm->cursor = area->end;
    } else {
        ksm->cursor = max_u64(ksm->cursor, start);
        if (scan_table(scan, &slot, area->end, &n_scanned)) {
            scan->item = scan_item_at(scan, ksm->cursor);
            scan->frame.pc = SCAN_UNLOCK;
            ksm->cursor += kernel_page_bytes(scan->kernel);
        }
    }
    mmusim__cpu_busy(cpu, (n_scanned + 1) * cpu->system->cost.pte_scan_cycles,
                     BUCKET_KERNEL);
    return true;
}

/* The items above belong to no mergeable area any more; the next scan goes on
 * with the next address space. */
static void scan_end_mm(struct scan_frame *scan)
{
    struct ksm *ksm = scan->ksm;

    while (*ksm->link)
        mmusim__ksm_item_free(ksm, ksm->link);
    ksm->mm_id = scan->mm->space.id + 1;
    ksm->cursor = 0;
    ksm->link = NULL;
    scan->frame.pc = SCAN_UNLOCK;
}

/* ---- cmp_and_merge_page() ---- */

static uint64_t scan_step_cycles(const struct cpu *cpu,
                                 const struct ksm_tree *tree)
{
    return (uint64_t) cpu->system->cost.ksm_tree_cycles *
           mmusim__ksm_tree_depth(tree);
}

static uint64_t scan_page_cycles(const struct scan_frame *scan, uint32_t each)
{
    return (uint64_t) each << scan->kernel->format->granule_order;
}

/* stable_tree_search(): one that may be mapped once more. */
static struct ksm_node *scan_stable(const struct scan_frame *scan)
{
    const struct mm_rules *rules = scan->kernel->system->protocol->mm_rules;
    uint32_t limit = rules->merge_is_limited
                         ? scan->kernel->config.ksm.max_sharing
                         : UINT32_MAX;
    struct ksm_leaf *leaf =
        mmusim__ksm_tree_find(&scan->ksm->stable, scan->contents);

    while (leaf && ((struct ksm_node *) leaf)->n_sharers >= limit)
        leaf = mmusim__ksm_tree_next(leaf);
    return (struct ksm_node *) leaf;
}

/* Is it merged already? Else what is in it? */
static void scan_look(struct cpu *cpu, struct scan_frame *scan)
{
    struct page *page = scan->is_huge ? NULL : scan_page_of(scan, scan->page);

    scan->ksm->counters.pages_scanned++;
    scan->ksm->n_left--;
    scan->contents =
        mmusim__contents_of(scan->kernel, page, scan->mm, scan->item->vaddr);
    scan->node = page && (page->flags & PAGE_KSM)
                     ? mmusim__ksm_node_of(scan->ksm, page)
                     : NULL;
    if (scan->node && scan->item->node == scan->node) {
        scan->frame.pc = SCAN_PUT;
        return;
    }
    if (!scan->node)
        scan->node = scan_stable(scan);
    mmusim__ksm_item_withdraw(scan->ksm, scan->item);
    scan->frame.pc = scan->node ? SCAN_STABLE : SCAN_CHECKSUM;
    if (scan->node) {
        scan->kpage.v = scan->node->pfn;
        mmusim__frame_ref(scan->kernel->frames, scan->kpage);
    }
    mmusim__cpu_busy(
        cpu,
        scan_step_cycles(cpu, &scan->ksm->stable) +
            (scan->node
                 ? scan_page_cycles(scan, cpu->system->cost.page_compare_cycles)
                 : 0),
        BUCKET_KERNEL);
}

/* Merged with kpage, the page of scan->node, which the reference holds. */
static void scan_merge_stable(struct cpu *cpu, struct scan_frame *scan)
{
    const struct ksm_merge merge = {scan->mm, scan->item->vaddr, scan->page,
                                    scan->kpage, &scan->is_merged};

    scan->frame.pc = SCAN_JOINED;
    if (scan->is_huge)
        scan->frame.pc = SCAN_SPLIT_LOCK;
    else
        mmusim__ksm_merge(cpu, scan->kernel, &merge);
}

static uint64_t scan_checksum_of(const struct scan_frame *scan)
{
    const struct ksm_item *item = scan->item;

    /* Any number that is not that of the last time. */
    if (mmusim__contents_change(scan->kernel, scan->mm, item->vaddr))
        return ~item->checksum;
    return scan->contents;
}

static void scan_checksum(struct cpu *cpu, struct scan_frame *scan)
{
    uint64_t checksum = scan_checksum_of(scan);

    scan->frame.pc =
        scan->item->checksum == checksum ? SCAN_UNSTABLE : SCAN_PUT;
    scan->item->checksum = checksum;
    mmusim__cpu_busy(
        cpu, scan_page_cycles(scan, cpu->system->cost.page_checksum_cycles),
        BUCKET_KERNEL);
}

static void scan_insert_unstable(struct scan_frame *scan)
{
    struct ksm_item *item = scan->item;

    item->leaf.contents = scan->contents;
    if (!mmusim__ksm_tree_add(&scan->ksm->unstable, &item->leaf)) {
        system_fail(scan->kernel->system, MMUSIM_NOMEM);
        return;
    }
    item->place = KSM_UNSTABLE;
    item->scan = scan->ksm->counters.full_scans;
    scan->ksm->counters.pages_unshared++;
}

/* unstable_tree_search_insert(), up to the other page's mmap_lock. */
static void scan_unstable(struct cpu *cpu, struct scan_frame *scan)
{
    struct ksm_leaf *leaf =
        mmusim__ksm_tree_find(&scan->ksm->unstable, scan->contents);

    scan->other = (struct ksm_item *) leaf;
    if (!scan->other) {
        scan_insert_unstable(scan);
        scan->frame.pc = SCAN_PUT;
        mmusim__cpu_busy(cpu, scan_step_cycles(cpu, &scan->ksm->unstable),
                         BUCKET_KERNEL);
        return;
    }
    if (!scan->other->mm->n_threads || scan->other->mm->is_dead) {
        scan->frame.pc = SCAN_PUT;
        return;
    }
    scan->other_mm = scan->other->mm;
    scan->other_mm->n_threads++;
    scan->frame.pc = SCAN_OTHER;
    mmusim__lock_take(cpu, &scan->other_mm->mmap_lock, &scan->waiter, LOCK_READ,
                      BUCKET_KERNEL);
}

/* get_mergeable_page() and memcmp_pages(). */
static bool scan_has_equal(struct cpu *cpu, struct scan_frame *scan)
{
    const struct ksm_item *other = scan->other;
    const struct vm_area *area =
        mmusim__vm_find(scan->other_mm->areas, other->vaddr);
    struct pt_entry entry;
    struct pte_slot slot =
        mmusim__pte_deepest(scan->kernel, scan->other_mm, other->vaddr, &entry);
    struct page *page;

    if (!area || !(area->flags & VM_MERGEABLE) || !entry.is_present ||
        !entry.is_leaf || kernel_is_zero_page(scan->kernel, entry.pfn))
        return false;
    if (slot.table->level) {
        mmusim__thp_split(cpu, scan->kernel, scan->other_mm, other->vaddr);
        return false; /* in the next scan */
    }
    page = scan_page_of(scan, entry.pfn);
    if (!page || page->file_id || entry.pfn.v == scan->page.v ||
        mmusim__contents_of(scan->kernel, page, scan->other_mm, other->vaddr) !=
            scan->contents)
        return false;
    scan->other_page = entry.pfn;
    scan->ksm->held[1] = entry.pfn;
    mmusim__frame_ref(scan->kernel->frames, entry.pfn);
    mmusim__cpu_busy(
        cpu,
        scan_step_cycles(cpu, &scan->ksm->unstable) +
            scan_page_cycles(scan, cpu->system->cost.page_compare_cycles),
        BUCKET_KERNEL);
    return true;
}

static void scan_other_unlock(struct cpu *cpu, struct scan_frame *scan)
{
    scan->frame.pc = SCAN_PUT;
    if (scan->other_page.v)
        scan->frame.pc = scan->is_huge ? SCAN_SPLIT_LOCK : SCAN_FIRST;
    mmusim__lock_release(cpu, &scan->other_mm->mmap_lock, LOCK_READ);
}

/* try_to_merge_two_pages(): the page becomes a merged one, ... */
static void scan_first(struct cpu *cpu, struct scan_frame *scan)
{
    const struct ksm_merge merge = {
        .mm = scan->mm,
        .vaddr = scan->item->vaddr,
        .page = scan->page,
        .is_done = &scan->is_merged,
    };

    scan->frame.pc = SCAN_SECOND;
    mmusim__ksm_merge(cpu, scan->kernel, &merge);
}

/* ... and the other is given up for it. */
static void scan_second(struct cpu *cpu, struct scan_frame *scan)
{
    const struct ksm_merge merge = {scan->other_mm, scan->other->vaddr,
                                    scan->other_page, scan->page,
                                    &scan->is_other_merged};

    scan->frame.pc = scan->is_merged ? SCAN_PAIRED : SCAN_PUT;
    if (scan->is_merged)
        mmusim__ksm_merge(cpu, scan->kernel, &merge);
}

/* stable_tree_insert(); or break_cow(), under mmap_lock. */
static void scan_paired(struct cpu *cpu, struct scan_frame *scan)
{
    struct ksm_node *node;

    if (!scan->is_other_merged) {
        scan->frame.pc = SCAN_BROKEN;
        mmusim__lock_take(cpu, &scan->mm->mmap_lock, &scan->waiter, LOCK_READ,
                          BUCKET_KERNEL);
        return;
    }
    scan->frame.pc = SCAN_PUT;
    node = calloc(1, sizeof(*node));
    if (!node) {
        system_fail(cpu->system, MMUSIM_NOMEM);
        return;
    }
    node->leaf.contents = scan->contents;
    node->pfn = scan->page.v;
    if (!mmusim__ksm_tree_add(&scan->ksm->stable, &node->leaf)) {
        free(node);
        system_fail(cpu->system, MMUSIM_NOMEM);
        return;
    }
    mmusim__ksm_item_withdraw(scan->ksm, scan->other);
    mmusim__ksm_item_append(scan->ksm, node, scan->other);
    mmusim__ksm_item_append(scan->ksm, node, scan->item);
    mmusim__cpu_busy(cpu, scan_step_cycles(cpu, &scan->ksm->stable),
                     BUCKET_KERNEL);
}

static void scan_break(struct cpu *cpu, struct scan_frame *scan)
{
    uint64_t vaddr = scan->item->vaddr;

    scan->frame.pc = SCAN_RELEASE;
    mmusim__ksm_break(cpu, scan->kernel, scan->mm, vaddr,
                      vaddr + kernel_page_bytes(scan->kernel), NULL);
}

/* The reference keeps the merged page, and so its node. */
static void scan_joined(struct scan_frame *scan)
{
    scan->frame.pc = SCAN_PUT;
    if (scan->is_merged)
        mmusim__ksm_item_append(scan->ksm, scan->node, scan->item);
}

/* ---- giving back ---- */

static void scan_put_page(const struct scan_frame *scan, pfn_t pfn)
{
    if (pfn.v)
        mmusim__frame_unref(scan->kernel->frames, pfn);
}

static void scan_put_pages(struct scan_frame *scan)
{
    scan->ksm->held[0].v = scan->ksm->held[1].v = 0;
    scan_put_page(scan, scan->page);
    scan_put_page(scan, scan->other_page);
    scan_put_page(scan, scan->kpage);
    scan->frame.pc = SCAN_PUT_OTHER;
}

/* mmput(): true if the process has ended meanwhile, and its memory goes. */
static void scan_put_mm(struct cpu *cpu, struct scan_frame *scan,
                        struct mm **mm, uint32_t next)
{
    struct mm *put = *mm;

    *mm = NULL;
    scan->frame.pc = next;
    if (!put || !mmusim__mm_leave(put))
        return;
    scan->frame.pc = SCAN_DIED;
    scan->other_mm = put;
    mmusim__process_unmap_all(cpu, scan->kernel, put);
}

static void scan_died(struct scan_frame *scan)
{
    mmusim__mm_died(scan->other_mm);
    scan->other_mm = NULL;
    scan->frame.pc = SCAN_PUT_MM;
    mmusim__mm_reap(scan->kernel);
}

static void scan_lock(struct cpu *cpu, struct scan_frame *scan)
{
    mmusim__lock_take(cpu, &scan->mm->mmap_lock, &scan->waiter, LOCK_READ,
                      BUCKET_KERNEL);
}

static enum kstep scan_step_merge(struct cpu *cpu, struct scan_frame *scan)
{
    switch (scan->frame.pc) {
    case SCAN_LOOK:
        scan_look(cpu, scan);
        return KSTEP_NEXT;
    case SCAN_STABLE:
        scan_merge_stable(cpu, scan);
        return KSTEP_NEXT;
    case SCAN_JOINED:
        scan_joined(scan);
        return KSTEP_NEXT;
    case SCAN_CHECKSUM:
        scan_checksum(cpu, scan);
        return KSTEP_NEXT;
    case SCAN_UNSTABLE:
        scan_unstable(cpu, scan);
        return KSTEP_NEXT;
    case SCAN_OTHER:
        scan->frame.pc = SCAN_OTHER_UNLOCK;
        scan_has_equal(cpu, scan);
        return KSTEP_NEXT;
    case SCAN_OTHER_UNLOCK:
        scan_other_unlock(cpu, scan);
        return KSTEP_NEXT;
    case SCAN_FIRST:
        scan_first(cpu, scan);
        return KSTEP_NEXT;
    case SCAN_SECOND:
        scan_second(cpu, scan);
        return KSTEP_NEXT;
    case SCAN_PAIRED:
        scan_paired(cpu, scan);
        return KSTEP_NEXT;
    default:
        scan_break(cpu, scan);
        return KSTEP_NEXT;
    }
}

static enum kstep scan_step(struct cpu *cpu, struct kframe *frame)
{
    struct scan_frame *scan = (struct scan_frame *) frame;

    scan->kernel->now = cpu->now;
    switch (frame->pc) {
    case SCAN_LOCK:
        frame->pc = SCAN_FIND;
        scan_lock(cpu, scan);
        return KSTEP_NEXT;
    case SCAN_FIND:
        if (!scan_find(cpu, scan))
            scan_end_mm(scan);
        return KSTEP_NEXT;
    case SCAN_UNLOCK:
        frame->pc = scan->item ? SCAN_LOOK : SCAN_PUT;
        mmusim__lock_release(cpu, &scan->mm->mmap_lock, LOCK_READ);
        return KSTEP_NEXT;
    case SCAN_SPLIT_LOCK:
        frame->pc = SCAN_SPLIT;
        scan_lock(cpu, scan);
        return KSTEP_NEXT;
    case SCAN_SPLIT:
        frame->pc = SCAN_RELEASE;
        mmusim__thp_split(cpu, scan->kernel, scan->mm, scan->item->vaddr);
        return KSTEP_NEXT;
    case SCAN_RELEASE:
        frame->pc = SCAN_PUT;
        mmusim__lock_release(cpu, &scan->mm->mmap_lock, LOCK_READ);
        return KSTEP_NEXT;
    case SCAN_PUT:
        scan_put_pages(scan);
        return KSTEP_NEXT;
    case SCAN_PUT_OTHER:
        scan_put_mm(cpu, scan, &scan->other_mm, SCAN_PUT_MM);
        return KSTEP_NEXT;
    case SCAN_PUT_MM:
        scan_put_mm(cpu, scan, &scan->mm, SCAN_END);
        return KSTEP_NEXT;
    case SCAN_DIED:
        scan_died(scan);
        return KSTEP_NEXT;
    case SCAN_END:
        return KSTEP_DONE;
    default:
        return scan_step_merge(cpu, scan);
    }
}

void mmusim__ksm_scan(struct cpu *cpu, struct kernel *kernel, struct mm *mm)
{
    struct ksm *ksm = kernel->ksm;
    struct scan_frame *scan = mmusim__cpu_push(cpu, scan_step, sizeof(*scan));

    mm->n_threads++; /* mmget() */
    if (ksm->mm_id != mm->space.id || !ksm->link) {
        if (ksm->mm_id != mm->space.id)
            ksm->cursor = 0;
        ksm->mm_id = mm->space.id;
        ksm->link = &mm->ksm_items;
    }
    scan->kernel = kernel;
    scan->ksm = ksm;
    scan->mm = mm;
}
