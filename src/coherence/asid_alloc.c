/* SPDX-License-Identifier: MIT */
/* Generations of ASIDs: see asid_alloc.h. Linux 7.1 arch/arm64/mm/context.c:
 * check_and_switch_context, new_context, flush_context. */
#include "coherence/asid_alloc.h"

#include "core/arena.h"
#include "core/check.h"

#include <string.h>

enum { FIRST_ASID = 1, WORD_BITS = 64 };

static bool asid_test_and_set(struct asid_alloc *alloc, uint32_t asid)
{
    uint64_t *word = &alloc->bitmap[asid / WORD_BITS];
    uint64_t bit = UINT64_C(1) << asid % WORD_BITS;
    bool was_set = *word & bit;

    *word |= bit;
    return was_set;
}

/* The first free number at or after `from`; n_asids if there is none. */
static uint32_t asid_find_free(const struct asid_alloc *alloc, uint32_t from)
{
    for (uint32_t asid = from; asid < alloc->n_asids; asid++) {
        uint64_t word = alloc->bitmap[asid / WORD_BITS];

        if (word == UINT64_MAX)
            asid |= WORD_BITS - 1;
        else if (!(word >> asid % WORD_BITS & 1))
            return asid;
    }
    return alloc->n_asids;
}

static void asid_clear_bitmap(struct asid_alloc *alloc)
{
    size_t n_words = (alloc->n_asids + WORD_BITS - 1) / WORD_BITS;

    /* set_kpti_asid_bits(): the odd ones are taken. */
    memset(alloc->bitmap, alloc->has_pairs ? 0xaa : 0,
           n_words * sizeof(*alloc->bitmap));
    asid_test_and_set(alloc, 0);
}

/* flush_context(): what runs now keeps its number, nothing else does. */
static void asid_flush_context(struct asid_alloc *alloc)
{
    asid_clear_bitmap(alloc);
    for (uint32_t cpu = 0; cpu < alloc->n_cpus; cpu++) {
        uint64_t id = alloc->active[cpu];

        alloc->active[cpu] = 0;
        /* A CPU that has run nothing since the last rollover still runs what
         * was reserved then. */
        if (!id)
            id = alloc->reserved[cpu];
        if (id)
            asid_test_and_set(alloc, asid_of(id));
        alloc->reserved[cpu] = id;
        cpu_mask_set(&alloc->flush_pending, cpu);
    }
}

/* All that match, since several CPUs may run one address space (Linux
 * 0ebea8088095: the first alone once was not enough). */
static bool asid_update_reserved(struct asid_alloc *alloc, uint64_t id,
                                 uint64_t new_id)
{
    bool is_reserved = false;

    for (uint32_t cpu = 0; cpu < alloc->n_cpus; cpu++) {
        if (alloc->reserved[cpu] == id) {
            alloc->reserved[cpu] = new_id;
            is_reserved = true;
            if (alloc->reserves_first)
                break;
        }
    }
    return is_reserved;
}

static uint64_t asid_new_context(struct asid_alloc *alloc, uint64_t id)
{
    uint32_t asid;

    if (id) {
        uint64_t candidate = alloc->generation | asid_of(id);

        if (asid_update_reserved(alloc, id, candidate) ||
            !asid_test_and_set(alloc, asid_of(id)))
            return candidate;
    }
    asid = asid_find_free(alloc, alloc->next_asid);
    if (asid == alloc->n_asids) {
        alloc->generation += UINT64_C(1) << ASID_GENERATION_SHIFT;
        alloc->rollovers++;
        asid_flush_context(alloc);
        /* More numbers than CPUs: one is free. */
        asid = asid_find_free(alloc, FIRST_ASID);
    }
    mmusim_assert(asid < alloc->n_asids);
    asid_test_and_set(alloc, asid);
    alloc->next_asid = asid;
    return alloc->generation | asid;
}

enum asid_switch mmusim__asid_switch(struct asid_alloc *alloc, uint32_t cpu,
                                     uint64_t *id)
{
    bool is_current = *id >> ASID_GENERATION_SHIFT ==
                      alloc->generation >> ASID_GENERATION_SHIFT;
    enum asid_switch how = ASID_SWITCH_SLOW;

    if (!alloc->n_asids)
        return ASID_SWITCH_FAST;
    if (alloc->active[cpu] && is_current) {
        alloc->active[cpu] = *id;
        return ASID_SWITCH_FAST;
    }
    if (!is_current)
        *id = asid_new_context(alloc, *id);
    if (cpu_mask_has(&alloc->flush_pending, cpu)) {
        cpu_mask_clear(&alloc->flush_pending, cpu);
        how = ASID_SWITCH_FLUSH;
    }
    alloc->active[cpu] = *id;
    mmusim_assert_valid(mmusim__asid_is_valid(alloc));
    return how;
}

mmusim_status_t mmusim__asid_init(struct asid_alloc *alloc, uint32_t bits,
                                  uint32_t n_cpus, struct arena *arena)
{
    *alloc = (struct asid_alloc){
        .n_asids = bits ? 1U << bits : 0,
        .n_cpus = n_cpus,
        .next_asid = FIRST_ASID,
        .generation = UINT64_C(1) << ASID_GENERATION_SHIFT,
    };
    if (!bits)
        return MMUSIM_OK;
    mmusim_assert(alloc->n_asids > n_cpus + 1);
    alloc->bitmap =
        mmusim__arena_alloc(arena, (alloc->n_asids + WORD_BITS - 1) / WORD_BITS,
                            sizeof(*alloc->bitmap));
    if (!alloc->bitmap)
        return MMUSIM_NOMEM;
    asid_clear_bitmap(alloc);
    return MMUSIM_OK;
}

void mmusim__asid_pair(struct asid_alloc *alloc)
{
    alloc->has_pairs = true;
    if (alloc->n_asids) {
        mmusim_assert(alloc->n_asids / 2 > alloc->n_cpus + 1);
        asid_clear_bitmap(alloc);
    }
}

static bool asid_is_taken(const struct asid_alloc *alloc, uint32_t asid)
{
    return alloc->bitmap[asid / WORD_BITS] >> asid % WORD_BITS & 1;
}

bool mmusim__asid_is_valid(const struct asid_alloc *alloc)
{
    uint64_t generation = alloc->generation >> ASID_GENERATION_SHIFT;

    for (uint32_t cpu = 0; cpu < alloc->n_cpus; cpu++) {
        uint64_t active = alloc->active[cpu];
        uint64_t reserved = alloc->reserved[cpu];

        if (active && (active >> ASID_GENERATION_SHIFT != generation ||
                       !asid_is_taken(alloc, asid_of(active))))
            return false;
        if (reserved && !asid_is_taken(alloc, asid_of(reserved)))
            return false;
    }
    return true;
}
