/* SPDX-License-Identifier: MIT */
/* An invalidation acts on one CPU's TLB and walk cache. */
#include "scenario/scenario_world.h"

#include <stdlib.h>
#include <string.h>

static bool inval_has_page(const struct scenario_run *run,
                           const struct scenario_inval *inval, uint32_t address)
{
    const int32_t *numbers = run->program->page_number;

    return inval->address == (int32_t) address ||
           (numbers[address] >= numbers[inval->address] &&
            numbers[address] - numbers[inval->address] < inval->n_pages);
}

/* Is any page of the region named? */
static bool inval_has_region(const struct scenario_run *run,
                             const struct scenario_inval *inval,
                             uint32_t region)
{
    const struct scenario_map *map = &run->program->map;

    for (uint32_t a = 0; a < run->program->n_addresses; a++) {
        if (map->has_region[a] && map->region[a] == region &&
            inval_has_page(run, inval, a))
            return true;
    }
    return false;
}

static bool inval_hits(const struct scenario_run *run,
                       const struct scenario_inval *inval,
                       const struct scenario_entry *entry)
{
    bool is_global = entry->word & WORD_GLOBAL;

    if (is_global && inval->spares_globals)
        return false;
    if (inval->scope == SCOPE_EVERY)
        return true;
    if (!is_global && !inval->any_asid && entry->asid != inval->asid)
        return false;
    if (inval->scope == SCOPE_ASID)
        return !is_global;
    if (inval->level && inval->level != (entry->word & WORD_HUGE ? 2 : 3))
        return false;
    return entry->word & WORD_HUGE ? inval_has_region(run, inval, entry->region)
                                   : inval_has_page(run, inval, entry->address);
}

static bool inval_hits_upper(const struct scenario_run *run,
                             const struct scenario_inval *inval,
                             const struct scenario_upper *upper)
{
    bool is_ours = inval->any_asid || upper->asid == inval->asid;

    switch (inval->walks) {
    case WALKS_KEPT:
        return false;
    case WALKS_ALL:
        return true;
    case WALKS_ASID:
        return is_ours;
    case WALKS_PAGES:
        break;
    }
    /* A hint that the leaf is at the table's own level: no table below it. */
    return is_ours && inval->level != 2 &&
           inval_has_region(run, inval, upper->region);
}

static int inval_by_bytes(const void *left, const void *right)
{
    return memcmp(right, left, sizeof(struct scenario_entry));
}

static int inval_by_upper_bytes(const void *left, const void *right)
{
    return memcmp(right, left, sizeof(struct scenario_upper));
}

void mmusim__scenario_invalidate(struct scenario_run *run, uint32_t cpu,
                                 const struct scenario_inval *inval)
{
    struct scenario_cpu *self = &run->world.cpus[cpu];

    for (uint32_t i = 0; i < SCENARIO_TLB; i++) {
        if (self->tlb[i].is_valid && inval_hits(run, inval, &self->tlb[i]))
            memset(&self->tlb[i], 0, sizeof(self->tlb[i]));
    }
    for (uint32_t i = 0; i < SCENARIO_WALK_CACHE; i++) {
        struct scenario_upper *upper = &self->walk_cache[i];

        if (upper->is_valid && inval_hits_upper(run, inval, upper))
            memset(upper, 0, sizeof(*upper));
    }
    qsort(self->tlb, SCENARIO_TLB, sizeof(self->tlb[0]), inval_by_bytes);
    qsort(self->walk_cache, SCENARIO_WALK_CACHE, sizeof(self->walk_cache[0]),
          inval_by_upper_bytes);
}
