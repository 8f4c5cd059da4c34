/* SPDX-License-Identifier: MIT */
/* Edits of radix tables: see page_table.h. */
#include "os/page_table.h"

#include "core/check.h"
#include "os/bbm_watch.h"
#include "os/check_hooks.h"
#include "os/placement.h"
#include "os/reclaim.h"
#include "tlb/mem_model.h"
#include "tlb/miss_cause.h"
#include "tlb/nested.h"

#include <stdlib.h>

static uint32_t pt_top_level(const struct kernel *kernel)
{
    return kernel->format->n_levels - 1;
}

static uint64_t pt_slot_paddr(const struct pte_slot *slot)
{
    return pt_entry_paddr(slot->table, slot->index);
}

/* Hardware entries that the OS writes as one at a level: as many as a table
 * of the level below holds hardware tables. */
static uint32_t pt_joint_entries(const struct pt_format *format, uint32_t level)
{
    return level ? 1U << format->levels[level - 1].joint_log2 : 1;
}

uint64_t mmusim__pte_bytes(const struct pte_slot *slot,
                           const struct pt_format *format)
{
    uint32_t level = slot->table->level;

    return (uint64_t) pt_joint_entries(format, level)
           << format->levels[level].shift;
}

static uint32_t pt_slot_index(const struct kernel *kernel,
                              const struct pt_info *table, uint64_t vaddr)
{
    const struct pt_format *format = kernel->format;
    uint32_t index = (uint32_t) (vaddr >> format->levels[table->level].shift);

    return index & (table->n_words - 1) &
           ~(pt_joint_entries(format, table->level) - 1);
}

/* A store to a table: other CPUs' cached copies of its line are stale. */
static void pt_store(struct kernel *kernel, uint64_t paddr, uint64_t word)
{
    mmusim__pt_write(kernel->tables, paddr, word);
    /* Nobody has a copy of guest memory that is not backed yet. */
    if (kernel->nested && !mmusim__nested_find(kernel->nested, paddr, &paddr))
        return;
    mmusim__mem_write_line(kernel->memory, kernel->system->acting_cpu, paddr);
}

/* An entry with a leaf's rights as make_leaf takes them, without what only a
 * walk combines. */
static struct pt_entry pt_decode_word(const struct kernel *kernel,
                                      uint64_t word, uint32_t level)
{
    const struct pt_format *format = kernel->format;
    struct pt_entry entry = format->decode(format, word, level);

    if (entry.is_leaf)
        entry.rights = pt_leaf_rights(format, PT_ALL_RIGHTS, entry.rights) |
                       (entry.rights & TLB_DIRTY);
    return entry;
}

/* The page of the smallest size that a word maps, hidden or not; 0: none. */
static pfn_t pt_mapped(const struct kernel *kernel, uint64_t word,
                       uint32_t level)
{
    struct pt_entry entry = pt_decode_word(
        kernel, word ? kernel->format->reveal(word, level) : 0, level);

    return entry.is_present && entry.is_leaf ? entry.pfn : (pfn_t){0};
}

/* The address that the slot's entry translates; slot->vaddr may be any of the
 * table's. */
static uint64_t pt_slot_vaddr(const struct kernel *kernel,
                              const struct pte_slot *slot)
{
    uint64_t bytes = mmusim__pte_bytes(slot, kernel->format);

    return align_down(slot->vaddr, bytes * slot->table->n_words) +
           slot->index * bytes;
}

/* Keeps the reverse map of pages of the smallest size. */
static void pt_track(struct kernel *kernel, const struct pte_slot *slot,
                     uint64_t word)
{
    if (slot->table->level || !slot->mm)
        return;
    /* mm is const for those who only look; the page's list is not theirs. */
    mmusim__reclaim_on_entry(kernel, (struct mm *) (uintptr_t) slot->mm,
                             pt_slot_vaddr(kernel, slot),
                             pt_mapped(kernel, mmusim__pte_word(slot), 0),
                             pt_mapped(kernel, word, 0));
}

/* Before a word is written: for the checker, if there is one. */
static void pt_show(struct kernel *kernel, const struct pte_slot *slot,
                    uint64_t word)
{
    uint32_t level = slot->table->level;
    struct pt_entry before, after;

    if (!kernel->system->check)
        return;
    before = pt_decode_word(kernel, mmusim__pte_word(slot), level);
    after = pt_decode_word(kernel, word, level);
    mmusim__check_word(kernel, slot, &before, &after);
}

static void pt_store_untracked(struct kernel *kernel,
                               const struct pte_slot *slot, uint64_t word)
{
    pt_show(kernel, slot, word);
    if (kernel->system->bbm)
        mmusim__bbm_watch_leaf(kernel, slot, word);
    pt_store(kernel, pt_slot_paddr(slot), word);
}

static void pt_store_leaf(struct kernel *kernel, const struct pte_slot *slot,
                          uint64_t word)
{
    pt_track(kernel, slot, word);
    pt_store_untracked(kernel, slot, word);
}

static struct pt_entry pt_decode(const struct kernel *kernel,
                                 const struct pte_slot *slot)
{
    return pt_decode_word(kernel, mmusim__pte_word(slot), slot->table->level);
}

uint64_t mmusim__pte_word(const struct pte_slot *slot)
{
    return pt_word(slot->table, slot->index);
}

bool mmusim__pte_maps(const struct kernel *kernel, const struct pte_slot *slot,
                      struct pt_entry *entry)
{
    uint32_t level = slot->table->level;
    uint64_t word = kernel->format->reveal(mmusim__pte_word(slot), level);

    *entry = pt_decode_word(kernel, word, level);
    return entry->is_present && entry->is_leaf;
}

static struct pte_slot pt_top_slot(struct kernel *kernel, const struct mm *mm,
                                   uint64_t vaddr)
{
    struct pt_info *root = mmusim__pt_table(kernel->tables, mm->space.root);

    return (struct pte_slot){root, pt_slot_index(kernel, root, vaddr), mm,
                             vaddr};
}

/* From an entry to the slot one level down; table NULL if it is no pointer. */
static struct pte_slot pt_descend(struct kernel *kernel,
                                  const struct pte_slot *slot, uint64_t vaddr)
{
    struct pt_entry entry = pt_decode(kernel, slot);
    struct pte_slot below = {NULL, 0, slot->mm, vaddr};

    if (!entry.is_present || entry.is_leaf)
        return below;
    below.table = mmusim__pt_table_at(kernel->tables, entry.table);
    below.index = pt_slot_index(kernel, below.table, vaddr);
    return below;
}

struct pte_slot mmusim__pte_leaf(struct kernel *kernel, const struct mm *mm,
                                 uint64_t vaddr, struct pt_entry *entry)
{
    struct pte_slot slot = pt_top_slot(kernel, mm, vaddr);

    for (;;) {
        *entry = pt_decode(kernel, &slot);
        if (!entry->is_present)
            return (struct pte_slot){.table = NULL};
        if (entry->is_leaf)
            return slot;
        slot = pt_descend(kernel, &slot, vaddr);
    }
}

struct pte_slot mmusim__pte_slot(struct kernel *kernel, const struct mm *mm,
                                 uint64_t vaddr)
{
    struct pte_slot slot = pt_top_slot(kernel, mm, vaddr);

    while (slot.table && slot.table->level)
        slot = pt_descend(kernel, &slot, vaddr);
    return slot;
}

struct pte_slot mmusim__pte_deepest(struct kernel *kernel, const struct mm *mm,
                                    uint64_t vaddr, struct pt_entry *entry)
{
    struct pte_slot slot = pt_top_slot(kernel, mm, vaddr);

    for (;;) {
        struct pte_slot below = pt_descend(kernel, &slot, vaddr);

        if (!slot.table->level || !below.table)
            break;
        slot = below;
    }
    *entry = pt_decode(kernel, &slot);
    return slot;
}

/* Of the frames that a table takes: 4 KiB but for large granules and roots. */
uint32_t mmusim__pt_table_order(const struct pt_format *format, uint32_t level)
{
    const struct pt_level *at = &format->levels[level];
    uint32_t log2 = at->bits + at->joint_log2 + format->word_log2;

    return log2 > BASE_PAGE_SHIFT ? log2 - BASE_PAGE_SHIFT : 0;
}

static mmusim_status_t pt_table_create(struct kernel *kernel, uint32_t level,
                                       pfn_t *pfn)
{
    uint32_t order = mmusim__pt_table_order(kernel->format, level);
    mmusim_status_t status = mmusim__page_get_table(kernel, order, pfn);
    struct pt_shape shape;

    if (status)
        return status;
    shape = pt_os_shape(kernel->format, *pfn, level);
    if (!mmusim__pt_table_make(kernel->tables, &shape)) {
        mmusim__frame_unref(kernel->frames, *pfn);
        return MMUSIM_NOMEM;
    }
    return MMUSIM_OK;
}

/* Points the entry, or the entries that the OS writes as one, to the tables
 * that begin at pfn's. */
static void pt_link(struct kernel *kernel, const struct pte_slot *slot,
                    pfn_t pfn)
{
    const struct pt_format *format = kernel->format;
    uint32_t below = slot->table->level - 1;
    uint64_t bytes = UINT64_C(1)
                     << (format->levels[below].bits + format->word_log2);
    uint64_t table = pt_os_shape(format, pfn, below).paddr;

    /* The format has no bits for a table that is not aligned. */
    mmusim_assert(table % bytes == 0);
    for (uint32_t i = 0; i < pt_joint_entries(format, below + 1); i++) {
        pt_store(kernel, pt_entry_paddr(slot->table, slot->index + i),
                 format->make_table(format, table + i * bytes, below + 1));
    }
}

static void pt_unlink(struct kernel *kernel, const struct pte_slot *slot)
{
    uint32_t n = pt_joint_entries(kernel->format, slot->table->level);

    pt_show(kernel, slot, 0);
    for (uint32_t i = 0; i < n; i++)
        pt_store(kernel, pt_entry_paddr(slot->table, slot->index + i), 0);
}

mmusim_status_t mmusim__pt_root_create(struct kernel *kernel, pfn_t *root)
{
    return pt_table_create(kernel, pt_top_level(kernel), root);
}

mmusim_status_t mmusim__pte_make(struct kernel *kernel, struct mm *mm,
                                 uint64_t vaddr, uint32_t level,
                                 struct pte_slot *slot, uint32_t *n_new)
{
    *slot = pt_top_slot(kernel, mm, vaddr);
    while (slot->table->level > level) {
        struct pt_entry entry = pt_decode(kernel, slot);
        mmusim_status_t status;
        pfn_t pfn;

        mmusim_assert(!entry.is_leaf);
        if (!entry.is_present) {
            status = pt_table_create(kernel, slot->table->level - 1, &pfn);
            if (status)
                return status;
            pt_link(kernel, slot, pfn);
            ++*n_new;
        }
        *slot = pt_descend(kernel, slot, vaddr);
    }
    return MMUSIM_OK;
}

bool mmusim__pte_next_table(struct kernel *kernel, const struct mm *mm,
                            uint64_t vaddr, uint64_t end, struct pte_slot *slot,
                            uint64_t *entry_vaddr)
{
    while (vaddr < end) {
        uint64_t bytes;

        *slot = pt_top_slot(kernel, mm, vaddr);
        for (;;) {
            struct pte_slot below;

            struct pt_entry entry;

            if (slot->table->level == 0 ||
                mmusim__pte_maps(kernel, slot, &entry)) {
                *entry_vaddr =
                    align_down(vaddr, mmusim__pte_bytes(slot, kernel->format));
                return true;
            }
            below = pt_descend(kernel, slot, vaddr);
            if (!below.table)
                break;
            *slot = below;
        }
        bytes = mmusim__pte_bytes(slot, kernel->format);
        vaddr = align_down(vaddr, bytes) + bytes;
        if (!vaddr)
            return false;
    }
    return false;
}

/* ---- leaves ---- */

static bool pt_set_translation(struct kernel *kernel,
                               const struct pte_slot *slot, uint32_t id)
{
    uint32_t **chunk = &slot->table->translation_ids[slot->index / PT_ID_CHUNK];
    uint32_t at = slot->index % PT_ID_CHUNK;

    if (!*chunk && !id)
        return true;
    if (!*chunk)
        *chunk = calloc(PT_ID_CHUNK, sizeof(**chunk));
    if (!*chunk)
        return false;
    if ((*chunk)[at])
        mmusim__translation_end(kernel->translations, (*chunk)[at]);
    (*chunk)[at] = id;
    return true;
}

mmusim_status_t mmusim__pte_install(struct kernel *kernel,
                                    const struct pte_slot *slot, pfn_t pfn,
                                    uint32_t rights)
{
    uint32_t id = mmusim__translation_begin(kernel->translations);

    if (!id || !pt_set_translation(kernel, slot, id))
        return MMUSIM_NOMEM;
    pt_store_leaf(kernel, slot,
                  kernel->format->make_leaf(kernel->format, pfn,
                                            slot->table->level, rights, true));
    return MMUSIM_OK;
}

void mmusim__pte_rewrite(struct kernel *kernel, const struct pte_slot *slot,
                         uint64_t word)
{
    pt_store_leaf(kernel, slot, word);
}

void mmusim__pte_clear(struct kernel *kernel, const struct pte_slot *slot)
{
    pt_set_translation(kernel, slot, 0);
    pt_store_leaf(kernel, slot, 0);
}

void mmusim__pte_clear_mapped(struct kernel *kernel,
                              const struct pte_slot *slot)
{
    pt_set_translation(kernel, slot, 0);
    pt_store_untracked(kernel, slot, 0);
}

void mmusim__pte_set_swap(struct kernel *kernel, const struct pte_slot *slot,
                          uint32_t swap_slot)
{
    pt_set_translation(kernel, slot, 0);
    pt_store_leaf(kernel, slot, swap_word(swap_slot));
}

bool mmusim__pte_is_swap(const struct kernel *kernel,
                         const struct pte_slot *slot, uint32_t *swap_slot)
{
    uint64_t word = mmusim__pte_word(slot);
    uint32_t level = slot->table->level;

    /* Hidden entries may have any other bit set. */
    if (level || !(word & SWAP_MARK) ||
        kernel->format->reveal(word, level) != word ||
        pt_decode_word(kernel, word, level).is_present)
        return false;
    *swap_slot = swap_word_slot(word);
    return true;
}

mmusim_status_t mmusim__pte_move(struct kernel *kernel,
                                 const struct pte_slot *from,
                                 const struct pte_slot *to)
{
    uint64_t word = mmusim__pte_word(from);
    uint32_t id = mmusim__translation_begin(kernel->translations);

    if (!id || !pt_set_translation(kernel, to, id))
        return MMUSIM_NOMEM;
    mmusim__pte_clear(kernel, from);
    pt_store_leaf(kernel, to, word);
    return MMUSIM_OK;
}

struct pte_slot mmusim__pte_detach(struct kernel *kernel, const struct mm *mm,
                                   uint64_t vaddr, uint32_t level)
{
    struct pte_slot slot = pt_top_slot(kernel, mm, vaddr);

    while (slot.table->level > level)
        slot = pt_descend(kernel, &slot, vaddr);
    pt_unlink(kernel, &slot);
    return slot;
}

/* The entries of a new table, which nothing points to yet. */
static mmusim_status_t pt_fill_pieces(struct kernel *kernel,
                                      struct pte_slot *to,
                                      const struct pt_entry *whole,
                                      const struct pte_pieces *pieces)
{
    const struct pt_format *format = kernel->format;
    pfn_t pfn = pieces->first;

    for (to->index = 0; to->index < to->table->n_words; to->index++) {
        uint64_t word = format->make_leaf(format, pfn, 0, whole->rights,
                                          whole->is_accessed);
        mmusim_status_t status =
            mmusim__pte_install(kernel, to, pfn, whole->rights);

        if (status)
            return status;
        mmusim__pte_rewrite(kernel, to,
                            pieces->is_hidden ? format->hide(word, 0) : word);
        if (!pieces->is_one_frame)
            pfn.v += UINT64_C(1) << format->granule_order;
    }
    return MMUSIM_OK;
}

mmusim_status_t mmusim__pte_split(struct kernel *kernel,
                                  const struct pte_slot *slot,
                                  const struct pte_pieces *pieces)
{
    struct pte_slot to = {.mm = slot->mm, .vaddr = slot->vaddr};
    struct pt_entry whole;
    mmusim_status_t status;
    pfn_t table;

    mmusim__pte_maps(kernel, slot, &whole);
    status = pt_table_create(kernel, slot->table->level - 1, &table);
    if (status)
        return status;
    to.table = mmusim__pt_table(kernel->tables, table);
    status = pt_fill_pieces(kernel, &to, &whole, pieces);
    if (status) {
        for (to.index = 0; to.index < to.table->n_words; to.index++)
            mmusim__pte_clear(kernel, &to);
        mmusim__pt_table_free(kernel, table);
        return status;
    }
    pt_set_translation(kernel, slot, 0);
    pt_link(kernel, slot, table);
    return MMUSIM_OK;
}

struct klock *mmusim__pte_lock(struct pt_info *table)
{
    if (!table->lock)
        table->lock = calloc(1, sizeof(struct klock));
    return table->lock;
}

/* ---- tables ---- */

/* What hangs on a table besides its words. */
static void pt_free_side(struct pt_info *table)
{
    for (uint32_t i = 0; i < pt_id_chunks(table); i++)
        free(table->translation_ids[i]);
    free(table->lock);
}

void mmusim__pt_table_free(struct kernel *kernel, pfn_t pfn)
{
    struct pt_info *table = mmusim__pt_table(kernel->tables, pfn);

    pt_free_side(table);
    if (kernel->system->bbm)
        mmusim__bbm_watch_free(kernel, table);
    mmusim__pt_table_remove(kernel->tables, pfn);
    mmusim__frame_unref(kernel->frames, pfn);
}

struct pt_unlink {
    struct kernel *kernel;
    uint64_t start, end, floor, ceiling;
    bool (*visit)(void *context, pfn_t table, uint64_t vaddr);
    void *context;
    const struct mm *mm;
};

/* Unlinks the tables under `slot`'s table for one of its entries. */
static bool pt_unlink_entry(const struct pt_unlink *unlink,
                            const struct pte_slot *slot, uint64_t entry_vaddr);

static bool pt_unlink_below(const struct pt_unlink *unlink,
                            struct pt_info *table, uint64_t table_vaddr)
{
    struct pte_slot slot = {
        .table = table, .mm = unlink->mm, .vaddr = table_vaddr};
    uint64_t bytes = mmusim__pte_bytes(&slot, unlink->kernel->format);
    uint32_t step = pt_joint_entries(unlink->kernel->format, table->level);

    for (; table->level && slot.index < table->n_words; slot.index += step) {
        uint64_t vaddr = table_vaddr + slot.index / step * bytes;

        if (vaddr + (bytes - 1) < unlink->start || vaddr >= unlink->end)
            continue;
        if (!pt_unlink_entry(unlink, &slot, vaddr))
            return false;
    }
    return true;
}

static bool pt_unlink_entry(const struct pt_unlink *unlink,
                            const struct pte_slot *slot, uint64_t entry_vaddr)
{
    uint64_t last =
        entry_vaddr + (mmusim__pte_bytes(slot, unlink->kernel->format) - 1);
    struct pt_entry entry = pt_decode(unlink->kernel, slot);
    struct pt_info *below;

    if (!entry.is_present || entry.is_leaf)
        return true;
    below = mmusim__pt_table_at(unlink->kernel->tables, entry.table);
    if (!pt_unlink_below(unlink, below, entry_vaddr))
        return false;
    if (entry_vaddr < unlink->floor || last > unlink->ceiling - 1)
        return true;
    /* Wholly free of areas: its entries have been cleared before. */
    mmusim_assert(below->n_present == 0);
    pt_unlink(unlink->kernel, slot);
    return unlink->visit(unlink->context, entry.pfn, entry_vaddr);
}

bool mmusim__pt_unlink_tables(
    struct kernel *kernel, struct mm *mm, uint64_t start, uint64_t end,
    uint64_t floor, uint64_t ceiling,
    bool (*visit)(void *context, pfn_t table, uint64_t vaddr), void *context)
{
    const struct pt_unlink unlink = {kernel,  start, end,     floor,
                                     ceiling, visit, context, mm};
    struct pt_info *root = mmusim__pt_table(kernel->tables, mm->space.root);

    return pt_unlink_below(&unlink, root, 0);
}

void mmusim__pt_release(struct kernel *kernel, pfn_t root)
{
    struct pt_info *table = mmusim__pt_table(kernel->tables, root);

    struct pte_slot slot = {.table = table};
    uint32_t step = pt_joint_entries(kernel->format, table->level);

    for (; table->level && slot.index < table->n_words; slot.index += step) {
        struct pt_entry entry = pt_decode(kernel, &slot);

        if (entry.is_present && !entry.is_leaf)
            mmusim__pt_release(kernel, entry.pfn);
    }
    pt_free_side(table);
    mmusim__pt_table_remove(kernel->tables, root);
}
