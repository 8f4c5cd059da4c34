/* SPDX-License-Identifier: MIT */
/*
 * What a walk does at each event: see walker.h. An entry counts as it is when
 * its read begins; what follows from it happens when the read is over, at the
 * next event. Setting A or D is such an event of its own: the entry is compared
 * with what was read and written in one go, and read again if it has changed.
 */
#include "tlb/walker.h"

#include "tlb/mem_model.h"
#include "tlb/tlb_array_inline.h"

static const struct pt_format *walk_format_2(const struct walk *walk)
{
    return &walk->mmu->shared->nested->format;
}

static uint64_t walk_word_paddr(const struct pt_format *format,
                                const struct walk_cursor *at)
{
    return pt_word_paddr(format, at->table, at->address, at->level);
}

/* The same word, where it lies in the host's memory. */
static uint64_t walk_host_paddr(const struct walk_cursor *at, uint64_t paddr)
{
    return paddr - at->table + at->host_table;
}

/* How long reading a word takes. */
static uint32_t walk_read_cycles(struct walk *walk, uint64_t host_paddr)
{
    struct mmu *mmu = walk->mmu;
    const struct mmu_shared *shared = mmu->shared;
    uint32_t home = shared->home_socket(shared->home_context,
                                        (pfn_t){host_paddr >> BASE_PAGE_SHIFT});

    mmu->counters.pte_reads++;
    walk->n_pte_reads++;
    if (shared->walk_memory)
        return shared->walk_memory->read_cycles(shared->walk_memory->context,
                                                mmu->cpu, host_paddr,
                                                walk->event.key.cycle);
    return mmusim__mem_read_cycles(shared->memory, mmu->cpu, host_paddr, home);
}

static uint32_t walk_write(struct walk *walk, struct pt_memory *tables,
                           const struct walk_cursor *at, uint64_t paddr,
                           uint64_t word)
{
    const struct mmu_shared *shared = walk->mmu->shared;

    mmusim__pt_write(tables, paddr, word);
    mmusim__mem_write_line(shared->memory, walk->mmu->cpu,
                           walk_host_paddr(at, paddr));
    return shared->walker->dirty_cycles;
}

static void walk_fail(struct walk *walk, enum walk_fault_kind kind,
                      uint32_t level)
{
    walk->fault = (struct walk_fault){.kind = kind, .level = level};
    walk->phase = WALK_DONE;
}

static void walk_fail_2(struct walk *walk, bool is_refused)
{
    walk_fail(walk, WALK_FAULT_STAGE2, walk->two.level);
    walk->fault.gpaddr = walk->two.address;
    walk->fault.is_refused = is_refused;
}

/* Not present, or never used (I2, I3): a walk ahead of time leaves it alone. */
static void walk_give_up(struct walk *walk)
{
    walk->has_given_up = true;
    walk->phase = WALK_DONE;
}

/* ---- the second stage ---- */

static bool walk_writes_2(const struct walk *walk)
{
    uint32_t needed = mmu_rights_needed(ACCESS_STORE, walk->is_user);

    return !walk->is_for_page || (walk->wants_store && !walk->is_poisoned &&
                                  (walk->leaf & needed) == needed);
}

/* The entry as hardware would leave it. */
static uint64_t walk_new_word_2(const struct walk *walk,
                                const struct pt_entry *entry, uint64_t word)
{
    const struct pt_format *format = walk_format_2(walk);
    uint32_t level = walk->two.level;

    if (entry->is_leaf && walk_writes_2(walk) && !(entry->rights & TLB_DIRTY) &&
        (walk->two.rights & entry->rights & TLB_WRITE))
        return format->set_dirty(word, level);
    return entry->is_accessed ? word : format->set_accessed(word, level);
}

static void walk_use_2(struct walk *walk, const struct pt_entry *entry)
{
    struct walk_cursor *at = &walk->two;

    if (!entry->is_leaf) {
        at->rights &= entry->rights;
        at->table = at->host_table = entry->table;
        at->level--;
        walk->phase = WALK_ENTER_2;
        return;
    }
    walk->order = entry->order;
    walk->data = tlb_data(entry->pfn,
                          (at->rights & entry->rights & ~(uint32_t) TLB_DIRTY &
                           PT_ALL_RIGHTS & ~(uint32_t) PT_PRIVILEGED_EXEC) |
                              (entry->rights & TLB_DIRTY));
    walk->used[walk->n_used - 1].order = entry->order;
    walk->phase = WALK_LEAF_2;
}

static uint32_t walk_read_2(struct walk *walk)
{
    const struct pt_format *format = walk_format_2(walk);
    struct walk_cursor *at = &walk->two;
    uint64_t paddr = walk_word_paddr(format, at);
    uint32_t cycles = walk_read_cycles(walk, paddr);
    struct pt_entry entry;

    walk->mmu->nested.stage2_reads++;
    at->word = mmusim__pt_read(walk->mmu->shared->nested->tables, paddr);
    entry = format->decode(format, at->word, at->level);
    if (walk->purpose != WALK_ON_DEMAND &&
        (!entry.is_present || entry.is_reserved ||
         walk_new_word_2(walk, &entry, at->word) != at->word))
        walk_give_up(walk);
    else if (!entry.is_present || entry.is_reserved)
        walk_fail_2(walk, entry.is_present);
    else if (walk_new_word_2(walk, &entry, at->word) != at->word)
        walk->phase = WALK_SET_2;
    else
        walk_use_2(walk, &entry);
    return cycles;
}

static uint32_t walk_set_2(struct walk *walk)
{
    const struct pt_format *format = walk_format_2(walk);
    struct pt_memory *tables = walk->mmu->shared->nested->tables;
    struct walk_cursor *at = &walk->two;
    uint64_t paddr = walk_word_paddr(format, at);
    struct pt_entry entry;
    uint32_t cycles;

    walk->phase = WALK_READ_2;
    if (mmusim__pt_read(tables, paddr) != at->word)
        return walk_read_2(walk);
    entry = format->decode(format, at->word, at->level);
    at->word = walk_new_word_2(walk, &entry, at->word);
    cycles = walk_write(walk, tables, at, paddr, at->word);
    entry = format->decode(format, at->word, at->level);
    walk_use_2(walk, &entry);
    return cycles;
}

static uint32_t walk_enter_2(struct walk *walk)
{
    const struct walk_cursor *at = &walk->two;
    const struct psc_hit pointer = {
        .level = at->level,
        .table = at->table,
        .rights = at->rights,
    };
    struct tlb_removed removed;

    if (!walk->is_poisoned)
        mmusim__psc_enter(&walk->mmu->nested.pointers, at->address,
                          walk->tags_2, &pointer, &removed);
    return walk_read_2(walk);
}

/* A guest-physical address in the nested TLB, good for what is wanted. */
static bool walk_find_nested(struct walk *walk, uint64_t gpaddr)
{
    struct nested_cpu *nested = &walk->mmu->nested;
    uint32_t slot = TLB_NO_SLOT;

    if (!nested->has_tlb)
        return false;
    if (nested->tlb.n_valid)
        slot = tlb_array_lookup(&nested->tlb, vpn_of(gpaddr), walk->tags_2);
    if (slot == TLB_NO_SLOT) {
        nested->misses++;
        return false;
    }
    nested->hits++;
    walk->data = nested->tlb.data[slot];
    walk->order = tlb_key_order(nested->tlb.keys[slot]);
    /* A first write sets D in the tables. */
    return (walk->data & TLB_DIRTY) || !walk_writes_2(walk);
}

/* Starts the translation of a guest-physical address. */
static uint32_t walk_translate(struct walk *walk, uint64_t gpaddr,
                               bool is_for_page)
{
    struct mmu *mmu = walk->mmu;
    struct nested *nested = mmu->shared->nested;
    struct walk_cursor *at = &walk->two;
    struct psc_hit hit = {
        .level = nested->format.n_levels - 1,
        .table = nested->root,
        .rights = PT_ALL_RIGHTS,
    };
    uint64_t paddr;

    walk->is_for_page = is_for_page;
    walk->used[walk->n_used++] = (struct walk_used){vpn_of(gpaddr).v, 0};
    at->address = gpaddr;
    at->level = hit.level;
    if (gpaddr >> nested->format.vaddr_bits) {
        walk_fail_2(walk, false);
        return 0;
    }
    walk->is_from_tlb = walk_find_nested(walk, gpaddr);
    if (walk->is_from_tlb) {
        walk->used[walk->n_used - 1].order = walk->order;
        walk->phase = WALK_LEAF_2;
        return mmu->nested.tlb.hit_cycles;
    }
    if (nested->config.is_populated &&
        !mmusim__nested_find(nested, gpaddr, &paddr) &&
        mmusim__nested_back(nested, gpaddr))
        mmu->has_failed = true;
    mmusim__psc_look_up(&mmu->nested.pointers, gpaddr, walk->tags_2, &hit);
    at->level = hit.level;
    at->table = at->host_table = hit.table;
    at->rights = hit.rights;
    walk->phase = WALK_READ_2;
    return hit.cycles ? hit.cycles : walk_read_2(walk);
}

/* ---- the first stage ---- */

static uint64_t walk_new_word(const struct walk *walk,
                              const struct pt_entry *entry, uint64_t word)
{
    const struct mmu_shared *shared = walk->mmu->shared;
    const struct pt_format *format = shared->format;
    uint32_t needed = mmu_rights_needed(ACCESS_STORE, walk->is_user);

    /* A poisoned walk's store asks again, and may not happen then: no dirty
     * state without a store (Arm ARM D8.5.2; SDM vol. 3A 4.8). */
    if (entry->is_leaf && walk->wants_store && !walk->is_poisoned &&
        !(entry->rights & TLB_DIRTY) && !shared->walker->has_software_dirty &&
        (pt_leaf_rights(format, walk->one.rights, entry->rights) & needed) ==
            needed)
        return format->set_dirty(word, walk->one.level);
    return entry->is_accessed ? word
                              : format->set_accessed(word, walk->one.level);
}

static void walk_use(struct walk *walk, const struct pt_entry *entry,
                     uint64_t paddr)
{
    const struct mmu_shared *shared = walk->mmu->shared;
    struct walk_cursor *at = &walk->one;
    const struct pt_info *table;

    if (!entry->is_leaf) {
        at->rights &= entry->rights;
        at->table = at->host_table = entry->table;
        at->level--;
        walk->pointer_stamp = walk->stamp;
        walk->is_at_root = false;
        walk->phase = WALK_ENTER;
        return;
    }
    table = mmusim__pt_table_at(shared->tables, paddr);
    if (table)
        walk->translation_id =
            pt_translation_id(table, pt_entry_index(table, paddr));
    walk->leaf_order = entry->order;
    walk->leaf = tlb_data(
        entry->pfn, pt_leaf_rights(shared->format, at->rights, entry->rights) |
                        (entry->rights & (TLB_DIRTY | TLB_GLOBAL)));
    if (table && walk->mmu->has_runs)
        mmusim__walk_note_run(walk, table, entry, paddr);
    walk->phase = WALK_LEAF;
}

/* Tells whoever watches of the word about to be used. What a poisoned walk
 * reads is used by nobody: hardware would have given it up. */
static inline void walk_show(struct walk *walk)
{
    const struct mmu_watch *watch = walk->mmu->shared->watch;

    if (MMUSIM_LIKELY(!watch) || walk->is_poisoned)
        return;
    walk->stamp = watch->read(watch->context, walk->mmu->cpu,
                              &(struct walk_seen){
                                  .cycle = walk->event.key.cycle,
                                  .vaddr = walk->vaddr,
                                  .table = walk->one.table,
                                  .level = walk->one.level,
                                  .is_root = walk->is_at_root,
                                  .owner = walk->owner,
                                  .stamp = walk->pointer_stamp,
                              });
}

static uint32_t walk_read(struct walk *walk)
{
    const struct mmu_shared *shared = walk->mmu->shared;
    const struct pt_format *format = shared->format;
    struct walk_cursor *at = &walk->one;
    uint64_t paddr = walk_word_paddr(format, at);
    uint32_t cycles = walk_read_cycles(walk, walk_host_paddr(at, paddr));
    struct pt_entry entry;

    walk_show(walk);
    at->word = mmusim__pt_read(shared->tables, paddr);
    entry = format->decode(format, at->word, at->level);
    if (walk->purpose != WALK_ON_DEMAND &&
        (!entry.is_present || entry.is_reserved || !entry.is_accessed))
        walk_give_up(walk);
    else if (!entry.is_present)
        walk_fail(walk,
                  mmusim__pt_host_has_failed(shared->tables)
                      ? WALK_FAULT_HOST
                      : WALK_FAULT_ABSENT,
                  at->level);
    else if (entry.is_reserved)
        walk_fail(walk, WALK_FAULT_RESERVED, at->level);
    else if (!entry.is_accessed && shared->walker->has_software_accessed)
        walk_fail(walk, WALK_FAULT_ACCESS, at->level);
    else if (walk_new_word(walk, &entry, at->word) != at->word)
        walk->phase = WALK_SET;
    else
        walk_use(walk, &entry, paddr);
    return cycles;
}

static uint32_t walk_set(struct walk *walk)
{
    const struct mmu_shared *shared = walk->mmu->shared;
    const struct pt_format *format = shared->format;
    struct walk_cursor *at = &walk->one;
    uint64_t paddr = walk_word_paddr(format, at);
    struct pt_entry entry;
    uint32_t cycles;

    walk->phase = WALK_READ;
    if (mmusim__pt_read(shared->tables, paddr) != at->word)
        return walk_read(walk);
    walk_show(walk);
    entry = format->decode(format, at->word, at->level);
    at->word = walk_new_word(walk, &entry, at->word);
    cycles = walk_write(walk, shared->tables, at, paddr, at->word);
    entry = format->decode(format, at->word, at->level);
    walk_use(walk, &entry, paddr);
    return cycles;
}

/* The table is known, and where it lies: its pointer is cached, unless it is
 * the root's. */
static void walk_keep_pointer(struct walk *walk)
{
    struct mmu *mmu = walk->mmu;
    struct tlb_removed removed;
    const struct psc_hit pointer = {
        .level = walk->one.level,
        .table = walk->one.host_table,
        .rights = walk->one.rights,
        .stamp = walk->pointer_stamp,
    };

    if (walk->is_poisoned || walk->fills_no_psc || walk->is_at_root)
        return;
    mmusim__psc_enter(&mmu->psc, walk->vaddr, walk->tags, &pointer, &removed);
    if (removed.id)
        mmusim__mmu_lost_page(mmu, &removed, walk->tags);
}

static uint32_t walk_enter(struct walk *walk)
{
    if (walk->mmu->shared->nested)
        return walk_translate(walk, walk->one.table, false);
    walk_keep_pointer(walk);
    return walk_read(walk);
}

/* The part of the first stage's page that has the address. */
static uint64_t walk_leaf_gpaddr(const struct walk *walk)
{
    uint64_t inside = (UINT64_C(1) << (BASE_PAGE_SHIFT + walk->leaf_order)) - 1;

    return pfn_paddr(tlb_data_pfn(walk->leaf)) | (walk->vaddr & inside);
}

static uint32_t walk_leaf(struct walk *walk)
{
    if (walk->mmu->shared->nested)
        return walk_translate(walk, walk_leaf_gpaddr(walk), true);
    walk->order = walk->leaf_order;
    walk->data = walk->leaf;
    walk->phase = WALK_DONE;
    return 0;
}

/* ---- both ---- */

static void walk_fill_nested(struct walk *walk)
{
    struct nested_cpu *nested = &walk->mmu->nested;
    struct tlb_removed removed;

    if (walk->is_poisoned || walk->is_from_tlb || !nested->has_tlb ||
        !mmusim__tlb_array_holds_order(&nested->tlb, walk->order))
        return;
    mmusim__tlb_array_insert(
        &nested->tlb,
        tlb_key(vpn_of(walk->two.address), walk->order, walk->tags_2, false),
        walk->data, 0, &removed);
}

static uint32_t walk_wanted_rights(const struct walk *walk)
{
    uint32_t wanted = 0;

    if (!walk->is_for_page)
        return TLB_READ | TLB_WRITE;
    for (const struct walk_request *r = walk->requests; r; r = r->next)
        wanted |= mmu_rights_needed(r->kind, false);
    return wanted & (uint32_t) walk->leaf;
}

/* The result of both stages: the smaller of the two pages, the rights that
 * both give. */
static void walk_combine(struct walk *walk)
{
    uint32_t order =
        walk->order < walk->leaf_order ? walk->order : walk->leaf_order;
    uint64_t inside =
        vpn_of(walk->two.address).v & ((UINT64_C(1) << walk->order) - 1);
    pfn_t pfn = {
        align_down(tlb_data_pfn(walk->data).v + inside, UINT64_C(1) << order)};
    uint32_t limits = (uint32_t) walk->data | TLB_USER | TLB_GLOBAL;

    walk->order = order;
    walk->data =
        tlb_data(pfn, (uint32_t) walk->leaf & limits & (BASE_PAGE_BYTES - 1));
    walk->phase = WALK_DONE;
}

/* The second stage has its page. */
static uint32_t walk_leaf_2(struct walk *walk)
{
    uint32_t wanted = walk_wanted_rights(walk);
    uint64_t inside = (UINT64_C(1) << (BASE_PAGE_SHIFT + walk->order)) - 1;

    walk_fill_nested(walk);
    if ((walk->data & wanted) != wanted) {
        walk_fail_2(walk, true);
        return 0;
    }
    if (walk->is_for_page) {
        walk_combine(walk);
        return 0;
    }
    walk->one.host_table =
        pfn_paddr(tlb_data_pfn(walk->data)) | (walk->two.address & inside);
    walk->order = 0;
    walk_keep_pointer(walk);
    return walk_read(walk);
}

uint32_t mmusim__walk_step(struct walk *walk)
{
    switch (walk->phase) {
    case WALK_READ:
        return walk_read(walk);
    case WALK_SET:
        return walk_set(walk);
    case WALK_ENTER:
        return walk_enter(walk);
    case WALK_LEAF:
        return walk_leaf(walk);
    case WALK_READ_2:
        return walk_read_2(walk);
    case WALK_SET_2:
        return walk_set_2(walk);
    case WALK_ENTER_2:
        return walk_enter_2(walk);
    case WALK_LEAF_2:
        return walk_leaf_2(walk);
    case WALK_DONE:
        break;
    }
    return 0;
}

uint32_t mmusim__walk_begin(struct walk *walk)
{
    struct mmu *mmu = walk->mmu;
    const struct nested *nested = mmu->shared->nested;
    struct walk_cursor *at = &walk->one;
    struct psc_hit hit = {
        .level = mmu->shared->format->n_levels - 1,
        .table = pfn_paddr(walk->is_user ? mmu->root : mmu->kernel_root),
        .rights = PT_ALL_RIGHTS,
    };
    bool is_found =
        mmusim__psc_look_up(&mmu->psc, walk->vaddr, walk->tags, &hit);

    at->address = walk->vaddr;
    at->level = hit.level;
    at->table = at->host_table = hit.table;
    at->rights = hit.rights;
    walk->is_at_root = !is_found;
    if (MMUSIM_UNLIKELY(mmu->shared->watch))
        walk->pointer_stamp = mmu->shared->watch->begin(
            mmu->shared->watch->context, mmu->cpu, walk->vaddr, &walk->owner);
    if (is_found)
        walk->pointer_stamp = hit.stamp;
    walk->phase = WALK_READ;
    walk->n_used = 0;
    if (nested) {
        walk->tags_2 = mmu->nested.tags;
        if (is_found)
            at->table = mmusim__nested_gpaddr(nested, hit.table);
        else
            walk->phase = WALK_ENTER;
    }
    return hit.cycles;
}

bool mmusim__walk_stage2_is_hit(const struct walk *walk,
                                const struct inval *inval)
{
    const struct mmu_shared *shared = walk->mmu->shared;
    uint64_t key;

    if (!shared->nested)
        return false;
    for (uint32_t i = 0; i < walk->n_used; i++) {
        key = tlb_key((vpn_t){walk->used[i].gfn}, walk->used[i].order,
                      walk->tags_2, false);
        if (tlb_entry_is_hit_by_inval(key, inval, shared->contexts))
            return true;
    }
    if (walk->phase != WALK_READ_2 && walk->phase != WALK_SET_2 &&
        walk->phase != WALK_ENTER_2)
        return false;
    /* The table that the translation in progress has reached. */
    key = tlb_key(vpn_of(walk->two.address),
                  pt_span_order(&shared->nested->format, walk->two.level),
                  walk->tags_2, false);
    return psc_entry_is_hit_by_inval(key, inval, shared->contexts);
}
