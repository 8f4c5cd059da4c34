/* SPDX-License-Identifier: MIT */
/* The naive translation hardware: see mmu_model.h. */
#include "model/mmu_model.h"

#include <stddef.h>

static uint64_t model_page(uint64_t vaddr)
{
    return vaddr / 4096 % (UINT64_C(1) << 45);
}

static uint64_t model_pages(uint32_t order)
{
    return UINT64_C(1) << order;
}

/* ---- TLBs ---- */

/* The array with the largest size that is not above the page's. */
static struct model_array *model_choose(struct model_level *level,
                                        uint32_t order, uint32_t *entered)
{
    struct model_array *best = NULL;

    *entered = 0;
    for (uint32_t i = 0; i < level->n_arrays; i++) {
        for (uint32_t k = 0; k < level->arrays[i].n_orders; k++) {
            uint32_t size = level->arrays[i].orders[k];

            if (size <= order && (!best || size > *entered)) {
                best = &level->arrays[i];
                *entered = size;
            }
        }
    }
    return best;
}

static const struct list_entry *
model_find(struct mmu_model *model, struct model_level *level, uint64_t vaddr)
{
    for (uint32_t i = 0; i < level->n_arrays; i++) {
        const struct list_entry *entry = list_tlb_lookup(
            level->arrays[i].list, model_page(vaddr), model->pcid);

        if (entry)
            return entry;
    }
    return NULL;
}

/* The frame of the 4 KiB page itself, and the rights. */
static uint64_t model_data(const struct list_entry *entry, uint64_t vaddr)
{
    return entry->data + (model_page(vaddr) - entry->vpn) * 4096;
}

static bool model_has(const struct mmu_model *model, enum model_tlb tlb)
{
    return model->tlbs[tlb].n_arrays > 0;
}

static struct model_level *model_l1(struct mmu_model *model,
                                    enum model_kind kind)
{
    if (kind == MODEL_FETCH)
        return &model->tlbs[MODEL_L1I];
    if (kind == MODEL_STORE && model_has(model, MODEL_L1S))
        return &model->tlbs[MODEL_L1S];
    return &model->tlbs[MODEL_L1D];
}

static struct model_level *model_l2(struct mmu_model *model,
                                    enum model_kind kind)
{
    if (!model_has(model, MODEL_L2I) && !model_has(model, MODEL_L2D))
        return &model->tlbs[MODEL_L2U];
    return &model->tlbs[kind == MODEL_FETCH ? MODEL_L2I : MODEL_L2D];
}

/* The level behind, of a level; NULL: memory. */
static struct model_level *model_below(struct mmu_model *model,
                                       const struct model_level *level)
{
    struct model_level *l2 = &model->tlbs[MODEL_L2U];
    struct model_level *l3 = &model->tlbs[MODEL_L3];

    if (level == l3)
        return NULL;
    if (level >= l2)
        return l3;
    l2 = model_l2(model,
                  level == &model->tlbs[MODEL_L1I] ? MODEL_FETCH : MODEL_LOAD);
    return l2->n_arrays ? l2 : l3;
}

static enum model_fill model_fill_of(const struct mmu_model *model,
                                     const struct model_level *level)
{
    if (level == &model->tlbs[MODEL_L3])
        return model->l3_fill;
    return level >= &model->tlbs[MODEL_L2U] ? model->l2_fill : MODEL_NEITHER;
}

static bool model_takes_victims(const struct mmu_model *model,
                                const struct model_level *level)
{
    enum model_fill fill = model_fill_of(model, level);

    return level->n_arrays && (fill == MODEL_EXCLUSIVE || fill == MODEL_VICTIM);
}

/* Any part of the page goes from the levels above this one. */
static void model_empty_above(struct mmu_model *model,
                              const struct model_level *lower,
                              const struct list_entry *gone)
{
    const struct list_request request = {
        .has_range = true,
        .vpn = gone->vpn,
        .n_pages = model_pages(gone->order),
        .has_asid = !gone->is_global,
        .asid = gone->asid,
        .hits_globals = gone->is_global,
        .hits_nonglobals = !gone->is_global,
    };
    uint64_t ids;

    for (uint32_t i = 0; i < MODEL_N_TLBS; i++) {
        const struct model_level *level = &model->tlbs[i];
        const struct model_level *below = level;

        while (below && below != lower)
            below = model_below(model, below);
        for (uint32_t k = 0; level != lower && below && k < level->n_arrays;
             k++)
            list_tlb_invalidate(level->arrays[k].list, &request, &ids);
    }
}

/* Into an array of a level; what it displaces goes its way. */
static void model_put(struct mmu_model *model, struct model_level *level,
                      struct model_array *array, struct list_entry entry)
{
    struct model_level *below = model_below(model, level);
    bool is_update;
    struct list_entry gone = list_tlb_insert(array->list, entry, &is_update);
    uint32_t size;

    if (!gone.is_valid || is_update)
        return;
    if (below && model_takes_victims(model, below)) {
        array = model_choose(below, gone.order, &size);
        if (array && size == gone.order) {
            model_put(model, below, array, gone);
            return;
        }
    }
    if (model_fill_of(model, level) == MODEL_INCLUSIVE)
        model_empty_above(model, level, &gone);
}

static void model_enter(struct mmu_model *model, struct model_level *level,
                        uint64_t vaddr, uint32_t order, uint16_t pcid,
                        uint64_t data)
{
    uint32_t entered;
    struct model_array *array = model_choose(level, order, &entered);
    uint64_t page = model_page(vaddr);
    uint64_t first_of_page = page / model_pages(order) * model_pages(order);
    uint64_t first_of_part = page / model_pages(entered) * model_pages(entered);
    struct list_entry entry = {
        .vpn = first_of_part,
        .order = entered,
        .is_global = data & MODEL_GLOBAL,
        .data = data + (first_of_part - first_of_page) * 4096,
    };
    if (!array)
        return;
    entry.asid = entry.is_global ? 0 : pcid;
    model_put(model, level, array, entry);
    if (entered < order && order > model->parted_order)
        model->parted_order = order;
}

static void model_remove(struct model_level *level,
                         const struct list_entry *entry)
{
    for (uint32_t i = 0; i < level->n_arrays; i++) {
        struct list_tlb *list = level->arrays[i].list;

        for (uint32_t set = 0; set < list->n_sets; set++) {
            for (uint32_t way = 0; way < list->n_ways; way++) {
                if (&list->sets[set].ways[way] == entry)
                    list->sets[set].ways[way].is_valid = false;
            }
        }
    }
}

static bool model_holds(struct model_level *level, uint32_t order)
{
    uint32_t size;

    return model_choose(level, order, &size) && size == order;
}

/* Found behind the L1: goes up. */
static bool model_hit_below(struct mmu_model *model, enum model_kind kind,
                            struct model_level *level, uint64_t vaddr,
                            uint64_t *data)
{
    struct model_level *l1 = model_l1(model, kind);
    struct model_level *l2 = model_l2(model, kind);
    const struct list_entry *found = model_find(model, level, vaddr);
    struct list_entry entry;

    if (!found)
        return false;
    entry = *found;
    *data = model_data(&entry, vaddr);
    if (model_fill_of(model, level) == MODEL_EXCLUSIVE &&
        model_holds(l1, entry.order))
        model_remove(level, found);
    if (level != l2 && !model_takes_victims(model, l2))
        model_enter(model, l2, vaddr, entry.order, model->pcid, entry.data);
    model_enter(model, l1, vaddr, entry.order, model->pcid, entry.data);
    return true;
}

enum model_where mmu_model_probe(struct mmu_model *model, enum model_kind kind,
                                 uint64_t vaddr, uint64_t *data)
{
    const struct list_entry *entry =
        model_find(model, model_l1(model, kind), vaddr);

    if (entry) {
        *data = model_data(entry, vaddr);
        return MODEL_L1;
    }
    if (model_hit_below(model, kind, model_l2(model, kind), vaddr, data))
        return MODEL_L2;
    if (model_hit_below(model, kind, &model->tlbs[MODEL_L3], vaddr, data))
        return MODEL_IN_L3;
    return MODEL_NOWHERE;
}

enum model_where mmu_model_lookup(struct mmu_model *model, enum model_kind kind,
                                  uint64_t vaddr, uint64_t *data)
{
    struct model_level *levels[] = {
        model_l1(model, kind), model_l2(model, kind), &model->tlbs[MODEL_L3]};
    enum model_where where = mmu_model_probe(model, kind, vaddr, data);

    for (uint32_t i = 0; i < 3; i++) {
        levels[i]->accesses += where >= i;
        levels[i]->misses += where > i;
    }
    return where;
}

/* ---- walks ---- */

static bool model_is_user(uint64_t vaddr)
{
    return vaddr < UINT64_C(1) << 63;
}

/* psc[i] holds pointers to tables whose entries map 512^i pages. */
void mmu_model_walk_begin(struct mmu_model *model, struct model_walk *walk)
{
    walk->pcid = model->pcid;
    walk->level = model->n_levels - 1;
    walk->table = model_is_user(walk->vaddr) ? model->root : model->kernel_root;
    walk->rights = MODEL_READ | MODEL_WRITE | MODEL_EXEC | MODEL_USER;
    walk->cycles = model->start_cycles;
    model->walks++;
    for (uint32_t i = 0; i < model->n_levels - 1; i++) {
        const struct list_entry *entry;

        if (!model->psc[i])
            continue;
        entry =
            list_tlb_lookup(model->psc[i], model_page(walk->vaddr), walk->pcid);
        if (!entry) {
            model->psc_misses[i]++;
            continue;
        }
        model->psc_hits[i]++;
        walk->level = i;
        walk->table = entry->data / 4096;
        walk->rights = entry->data % 4096;
        walk->cycles += model->psc_cycles[i];
        return;
    }
}

static void model_enter_pointer(struct mmu_model *model,
                                const struct model_walk *walk)
{
    uint32_t order = 9 * (walk->level + 1);
    struct list_entry entry = {
        .vpn =
            model_page(walk->vaddr) / model_pages(order) * model_pages(order),
        .order = order,
        .asid = walk->pcid,
        .data = walk->table * 4096 + walk->rights,
    };
    bool is_update;

    if (!walk->is_poisoned && !walk->fills_no_psc && model->psc[walk->level])
        list_tlb_insert(model->psc[walk->level], entry, &is_update);
}

static void model_store_bit(struct mmu_model *model, struct model_walk *walk,
                            uint64_t where, uint64_t *word, unsigned bit)
{
    *word |= UINT64_C(1) << bit;
    mmusim__pt_write(model->tables, where, *word);
    if (!walk->has_stored) /* A and D of one entry in one go */
        walk->cycles += model->store_cycles;
    walk->has_stored = true;
}

static bool model_bit(uint64_t word, unsigned bit)
{
    return word >> bit & 1;
}

/* Into the TLBs of those who asked, each once. */
static void model_fill(struct mmu_model *model, const struct model_walk *walk,
                       uint32_t order, uint64_t data)
{
    static const enum model_tlb in_turn[] = {MODEL_L1D, MODEL_L1S, MODEL_L1I,
                                             MODEL_L2U, MODEL_L2D, MODEL_L2I,
                                             MODEL_L3};
    bool is_for[MODEL_N_TLBS] = {false};

    for (uint32_t kind = 0; kind < MODEL_N_KINDS; kind++) {
        if (!walk->for_kind[kind])
            continue;
        is_for[model_l1(model, (enum model_kind) kind) - model->tlbs] = true;
        is_for[model_l2(model, (enum model_kind) kind) - model->tlbs] = true;
    }
    is_for[MODEL_L3] = true;
    for (uint32_t i = 0; i < MODEL_N_TLBS; i++) {
        struct model_level *level = &model->tlbs[in_turn[i]];

        if (is_for[in_turn[i]] && !model_takes_victims(model, level))
            model_enter(model, level, walk->vaddr, order, walk->pcid, data);
    }
}

static void model_leaf(struct mmu_model *model, struct model_walk *walk,
                       uint64_t where, uint64_t word)
{
    bool is_user = model_is_user(walk->vaddr);
    uint32_t order = 9 * walk->level;
    uint64_t frame = word % (UINT64_C(1) << 52) / 4096 / model_pages(order) *
                     model_pages(order);
    uint64_t data;

    if (walk->for_kind[MODEL_STORE] && !walk->is_poisoned &&
        !model_bit(word, 6) && walk->rights & MODEL_WRITE &&
        (!is_user || walk->rights & MODEL_USER))
        model_store_bit(model, walk, where, &word, 6);
    data = frame * 4096 + walk->rights;
    data += model_bit(word, 6) ? MODEL_DIRTY : 0;
    data += model_bit(word, 8) ? MODEL_GLOBAL : 0;
    if (walk->is_poisoned)
        return;
    model_fill(model, walk, order, data);
}

static bool model_is_reserved(uint64_t word, uint32_t level)
{
    uint64_t low = word % (UINT64_C(1) << (12 + 9 * level));

    if (level == 0 || !model_bit(word, 7))
        return false;
    return level > 2 || low >> 13; /* bits 20:13 or 29:13 */
}

static void model_read(struct mmu_model *model, struct model_walk *walk)
{
    uint64_t index =
        model_page(walk->vaddr) / model_pages(9 * walk->level) % 512;
    uint64_t where = walk->table * 4096 + 8 * index;
    uint64_t word = mmusim__pt_read(model->tables, where);

    walk->has_stored = false;
    model->pte_reads++;
    walk->cycles += model->read_cycles;
    if (!model_bit(word, 0) || model_is_reserved(word, walk->level)) {
        walk->has_faulted = true;
        return;
    }
    if (!model_bit(word, 5))
        model_store_bit(model, walk, where, &word, 5);
    if (!model_bit(word, 1))
        walk->rights &= ~(uint32_t) MODEL_WRITE;
    if (!model_bit(word, 2))
        walk->rights &= ~(uint32_t) MODEL_USER;
    if (model_bit(word, 63))
        walk->rights &= ~(uint32_t) MODEL_EXEC;
    if (walk->level == 0 || (walk->level <= 2 && model_bit(word, 7))) {
        model_leaf(model, walk, where, word);
        return;
    }
    walk->level--;
    walk->table = word % (UINT64_C(1) << 52) / 4096;
    model_enter_pointer(model, walk);
    model_read(model, walk);
}

void mmu_model_walk_end(struct mmu_model *model, struct model_walk *walk)
{
    model_read(model, walk);
    model->poisoned += walk->is_poisoned;
}

/* ---- instructions ---- */

static void model_drop(struct mmu_model *model,
                       const struct list_request *request)
{
    uint64_t ids;

    for (uint32_t i = 0; i < MODEL_N_TLBS; i++) {
        const struct model_level *level = &model->tlbs[i];

        for (uint32_t k = 0; k < level->n_arrays; k++)
            list_tlb_invalidate(level->arrays[k].list, request, &ids);
    }
}

static void model_drop_pointers(struct mmu_model *model,
                                const struct list_request *request)
{
    uint64_t ids;

    for (uint32_t i = 0; i < MODEL_PSC_LEVELS; i++) {
        if (model->psc[i])
            list_tlb_invalidate(model->psc[i], request, &ids);
    }
}

/* The page of vaddr, or, once pages are cached in parts, a whole one of the
 * largest such page's size. */
static void model_name_page(const struct mmu_model *model, uint64_t vaddr,
                            struct list_request *request)
{
    request->has_range = true;
    request->n_pages = model_pages(model->parted_order);
    request->vpn = model_page(vaddr) / request->n_pages * request->n_pages;
}

static bool model_names_page_of(const struct list_request *request,
                                uint64_t vaddr)
{
    uint64_t page = model_page(vaddr);

    return !request->has_range ||
           (page >= request->vpn && page - request->vpn < request->n_pages);
}

/* What an instruction drops: leaves, and pointers of one PCID or of all. */
static void model_effect(struct mmu_model *model, enum model_instruction what,
                         uint16_t pcid, uint64_t vaddr,
                         struct list_request *leaves,
                         struct list_request *pointers)
{
    *leaves = (struct list_request){.hits_nonglobals = true, .asid = pcid};
    leaves->hits_globals = what == MODEL_INVLPG || what == MODEL_INVPCID_ALL ||
                           what == MODEL_CR4_PGE || what == MODEL_PAGE_FAULT;
    leaves->has_asid = what != MODEL_INVPCID_ALL &&
                       what != MODEL_INVPCID_NONGLOBAL && what != MODEL_CR4_PGE;
    *pointers = *leaves;
    if (what == MODEL_INVLPG || what == MODEL_PAGE_FAULT ||
        what == MODEL_INVPCID_ADDRESS)
        model_name_page(model, vaddr, leaves);
    if (what == MODEL_PAGE_FAULT) {
        pointers->has_range = true;
        pointers->vpn = model_page(vaddr);
        pointers->n_pages = 1;
    }
}

/* A walk in flight has read nothing yet: it is refused if its page is named,
 * or if the pointers of its PCID go, or the one that it has begun from. */
static void model_touch_walk(enum model_instruction what, uint32_t n_levels,
                             const struct list_request *leaves,
                             const struct list_request *pointers,
                             struct model_walk *walk)
{
    bool is_of_pcid = !leaves->has_asid || walk->pcid == leaves->asid;
    bool has_pointer = walk->level < n_levels - 1;
    uint64_t span = model_pages(9 * (walk->level + 1));

    if (model_names_page_of(leaves, walk->vaddr) &&
        (is_of_pcid || leaves->hits_globals))
        walk->is_poisoned = true;
    if (is_of_pcid && !pointers->has_range)
        walk->is_poisoned = true;
    if (is_of_pcid && pointers->has_range && has_pointer &&
        model_page(walk->vaddr) / span == pointers->vpn / span) {
        /* A fault leaves the walks of other pages alone. */
        if (what == MODEL_PAGE_FAULT)
            walk->fills_no_psc = true;
        else
            walk->is_poisoned = true;
    }
}

void mmu_model_issue(struct mmu_model *model, enum model_instruction what,
                     uint16_t pcid, uint64_t vaddr, struct model_walk *walk)
{
    struct list_request leaves, pointers;

    if (what == MODEL_INVLPG || what == MODEL_PAGE_FAULT)
        pcid = model->pcid;
    if (what != MODEL_CR3_NOFLUSH) {
        model_effect(model, what, pcid, vaddr, &leaves, &pointers);
        model_drop(model, &leaves);
        model_drop_pointers(model, &pointers);
        if (walk)
            model_touch_walk(what, model->n_levels, &leaves, &pointers, walk);
    }
    if (what == MODEL_CR3_FLUSH || what == MODEL_CR3_NOFLUSH)
        model->pcid = pcid;
}
