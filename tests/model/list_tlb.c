/* SPDX-License-Identifier: MIT */
#include "model/list_tlb.h"

#include <stdlib.h>

struct list_tlb *list_tlb_create(enum list_policy policy, uint32_t n_sets,
                                 uint32_t n_ways, enum list_index index)
{
    struct list_tlb *tlb = calloc(1, sizeof(*tlb));

    tlb->policy = policy;
    tlb->index = index;
    tlb->n_sets = n_sets;
    tlb->n_ways = n_ways;
    tlb->sets = calloc(n_sets, sizeof(*tlb->sets));
    for (uint32_t i = 0; i < n_sets; i++) {
        tlb->sets[i].ways = calloc(n_ways, sizeof(struct list_entry));
        tlb->sets[i].turns = calloc(n_ways, sizeof(uint32_t));
        tlb->sets[i].points_right = calloc(n_ways, sizeof(bool));
        tlb->sets[i].is_used = calloc(n_ways, sizeof(bool));
        tlb->sets[i].distance = calloc(n_ways, sizeof(int));
        tlb->sets[i].used_at = calloc(n_ways, sizeof(uint64_t));
    }
    return tlb;
}

void list_tlb_destroy(struct list_tlb *tlb)
{
    for (uint32_t i = 0; i < tlb->n_sets; i++) {
        free(tlb->sets[i].ways);
        free(tlb->sets[i].turns);
        free(tlb->sets[i].points_right);
        free(tlb->sets[i].is_used);
        free(tlb->sets[i].distance);
        free(tlb->sets[i].used_at);
    }
    free(tlb->sets);
    free(tlb);
}

/* One step of the skewing shift: digits move down, the new top one is 1 if the
 * old top and bottom ones differ. */
static uint64_t list_shift_around(uint64_t digits, uint64_t n_sets)
{
    bool top = digits >= n_sets / 2, bottom = digits % 2;

    return digits / 2 + (top != bottom ? n_sets / 2 : 0);
}

/* The set of a page number in one way. */
static uint64_t list_hash(const struct list_tlb *tlb, uint64_t page,
                          uint32_t way)
{
    uint64_t first = page % tlb->n_sets, second = page / tlb->n_sets;
    uint64_t others = 0;

    if (tlb->n_sets == 1)
        return 0;
    for (uint64_t rest = second; rest; rest /= tlb->n_sets)
        others ^= rest % tlb->n_sets;
    switch (tlb->index) {
    case LIST_BITS:
        return first;
    case LIST_XOR:
        return first ^ second % tlb->n_sets;
    case LIST_FOLD:
        return first ^ others;
    case LIST_SKEWED:
        break;
    }
    for (uint32_t i = 0; i < way; i++)
        first = list_shift_around(first, tlb->n_sets);
    return first ^ others;
}

static bool list_is_whole_sets(const struct list_tlb *tlb)
{
    for (uint32_t order = 0; order < 64; order++) {
        if (tlb->ways_by_order[order])
            return false;
    }
    return tlb->index != LIST_SKEWED;
}

/* Where the page would lie in that way; NULL: not in that way at all. */
static struct list_set *list_set_of(struct list_tlb *tlb, uint64_t vpn,
                                    uint32_t order, uint32_t way)
{
    uint64_t page = vpn / (UINT64_C(1) << order);
    uint32_t n_ways = tlb->ways_by_order[order];

    if (tlb->first_by_order[order]) {
        uint32_t first = tlb->first_by_order[order] - 1;

        if (way < first || way >= first + n_ways)
            return NULL;
    } else if (n_ways) {
        uint64_t n_runs = tlb->n_ways / n_ways;

        if (way / n_ways != page / tlb->n_sets % n_runs)
            return NULL;
    }
    return &tlb->sets[list_hash(tlb, page, way)];
}

static void list_remove_turn(struct list_set *set, uint32_t way)
{
    uint32_t n_kept = 0;

    for (uint32_t i = 0; i < set->n_turns; i++) {
        if (set->turns[i] != way)
            set->turns[n_kept++] = set->turns[i];
    }
    set->n_turns = n_kept;
}

static void list_append_turn(struct list_set *set, uint32_t way)
{
    list_remove_turn(set, way);
    set->turns[set->n_turns++] = way;
}

/* A tree over n ways has n - 1 nodes: the root, the left half's, the right
 * half's. Everything on the way points to the other half. */
static void list_plru_use(bool *nodes, uint32_t n, uint32_t way)
{
    if (n == 1)
        return;
    nodes[0] = way < n / 2;
    if (way < n / 2)
        list_plru_use(nodes + 1, n / 2, way);
    else
        list_plru_use(nodes + n / 2, n / 2, way - n / 2);
}

static uint32_t list_plru_victim(const bool *nodes, uint32_t n)
{
    if (n == 1)
        return 0;
    if (!nodes[0])
        return list_plru_victim(nodes + 1, n / 2);
    return n / 2 + list_plru_victim(nodes + n / 2, n / 2);
}

/* Uses of one entry in a row are one use. */
static void list_srrip_use(struct list_tlb *tlb, struct list_set *set,
                           uint32_t way, bool is_fill)
{
    bool is_again = tlb->last_set == set && tlb->last_way == way;

    tlb->last_set = set;
    tlb->last_way = way;
    if (is_fill)
        set->distance[way] = 2;
    else if (!is_again)
        set->distance[way] = 0;
}

static uint32_t list_srrip_victim(struct list_set *set, uint32_t n_ways)
{
    for (;;) {
        for (uint32_t way = 0; way < n_ways; way++) {
            if (set->distance[way] == 3)
                return way;
        }
        for (uint32_t way = 0; way < n_ways; way++)
            set->distance[way]++;
    }
}

static uint32_t list_nru_victim(struct list_set *set, uint32_t n_ways)
{
    for (uint32_t way = 0; way < n_ways; way++) {
        if (!set->is_used[way])
            return way;
    }
    for (uint32_t way = 0; way < n_ways; way++)
        set->is_used[way] = false;
    return 0;
}

static void list_use(struct list_tlb *tlb, struct list_set *set, uint32_t way,
                     bool is_fill)
{
    set->used_at[way] = ++tlb->now;
    if (tlb->policy == LIST_LRU)
        list_append_turn(set, way);
    if (tlb->policy == LIST_PLRU)
        list_plru_use(set->points_right, tlb->n_ways, way);
    if (tlb->policy == LIST_PLRU12) {
        set->last_group = way / 4;
        list_plru_use(set->points_right + 4 * (way / 4), 4, way % 4);
    }
    if (tlb->policy == LIST_NRU)
        set->is_used[way] = true;
    if (tlb->policy == LIST_SRRIP)
        list_srrip_use(tlb, set, way, is_fill);
    if (tlb->policy == LIST_FIFO && is_fill)
        list_append_turn(set, way);
}

static uint32_t list_victim(struct list_tlb *tlb, struct list_set *set)
{
    uint32_t group = (set->last_group + 1) % 3;

    switch (tlb->policy) {
    case LIST_RANDOM:
        return mmusim__rng_below(&tlb->rng, tlb->n_ways);
    case LIST_PLRU:
        return list_plru_victim(set->points_right, tlb->n_ways);
    case LIST_PLRU12:
        return 4 * group + list_plru_victim(set->points_right + 4 * group, 4);
    case LIST_NRU:
        return list_nru_victim(set, tlb->n_ways);
    case LIST_SRRIP:
        return list_srrip_victim(set, tlb->n_ways);
    case LIST_LRU:
    case LIST_FIFO:
        return set->turns[0];
    }
    return 0;
}

static bool list_translates(const struct list_entry *entry, uint64_t vpn,
                            uint16_t asid)
{
    return entry->is_valid && vpn >= entry->vpn &&
           vpn - entry->vpn < UINT64_C(1) << entry->order &&
           (entry->is_global || entry->asid == asid);
}

/* Small pages go before large ones, own entries before global ones. */
static bool list_is_better(const struct list_entry *a,
                           const struct list_entry *b)
{
    return !b || a->order < b->order ||
           (a->order == b->order && b->is_global && !a->is_global);
}

const struct list_entry *list_tlb_lookup(struct list_tlb *tlb, uint64_t vpn,
                                         uint16_t asid)
{
    const struct list_entry *best = NULL;
    struct list_set *best_set = NULL;
    uint64_t page = vpn % (UINT64_C(1) << 45);

    for (uint32_t i = 0; i < tlb->n_sets; i++) {
        for (uint32_t way = 0; way < tlb->n_ways; way++) {
            const struct list_entry *entry = &tlb->sets[i].ways[way];

            if (!list_translates(entry, page, asid) ||
                !list_is_better(entry, best))
                continue;
            best = entry;
            best_set = &tlb->sets[i];
        }
    }
    if (best)
        list_use(tlb, best_set, (uint32_t) (best - best_set->ways), false);
    return best;
}

static bool list_is_same(const struct list_entry *a, const struct list_entry *b)
{
    return a->is_valid && a->vpn == b->vpn && a->order == b->order &&
           a->is_global == b->is_global && (a->is_global || a->asid == b->asid);
}

/* The victim where a page may only lie in some slots, one a way. */
static uint32_t list_victim_among(struct list_tlb *tlb, uint64_t vpn,
                                  uint32_t order)
{
    uint32_t ways[128] = {0}, n = 0, best = 0;
    struct list_set *sets[128];

    for (uint32_t way = 0; way < tlb->n_ways; way++) {
        sets[n] = list_set_of(tlb, vpn, order, way);
        if (sets[n])
            ways[n++] = way;
    }
    if (tlb->policy == LIST_RANDOM)
        return ways[mmusim__rng_below(&tlb->rng, n)];
    if (tlb->policy == LIST_LRU) {
        for (uint32_t i = 1; i < n; i++) {
            if (sets[i]->used_at[ways[i]] < sets[best]->used_at[ways[best]])
                best = i;
        }
        return ways[best];
    }
    while (best < n && sets[best]->is_used[ways[best]]) /* NRU */
        best++;
    if (best < n)
        return ways[best];
    for (uint32_t i = 0; i < n; i++)
        sets[i]->is_used[ways[i]] = false;
    return ways[0];
}

/* The way of the same page; n_ways: there is none. */
static uint32_t list_way_of(struct list_tlb *tlb,
                            const struct list_entry *entry)
{
    uint32_t way = 0;

    for (; way < tlb->n_ways; way++) {
        struct list_set *set = list_set_of(tlb, entry->vpn, entry->order, way);

        if (set && list_is_same(&set->ways[way], entry))
            break;
    }
    return way;
}

static uint32_t list_way_to_fill(struct list_tlb *tlb,
                                 const struct list_entry *entry)
{
    for (uint32_t way = 0; way < tlb->n_ways; way++) {
        struct list_set *set = list_set_of(tlb, entry->vpn, entry->order, way);

        if (set && !set->ways[way].is_valid)
            return way;
    }
    if (!list_is_whole_sets(tlb))
        return list_victim_among(tlb, entry->vpn, entry->order);
    return list_victim(tlb, list_set_of(tlb, entry->vpn, entry->order, 0));
}

struct list_entry list_tlb_insert(struct list_tlb *tlb, struct list_entry entry,
                                  bool *is_update)
{
    struct list_entry old;
    struct list_set *set;
    uint32_t way;

    if (!entry.is_global)
        list_tlb_use_context(tlb, entry.asid);
    entry.is_valid = true;
    way = list_way_of(tlb, &entry);
    *is_update = way < tlb->n_ways;
    if (!*is_update)
        way = list_way_to_fill(tlb, &entry);
    set = list_set_of(tlb, entry.vpn, entry.order, way);
    list_use(tlb, set, way, !*is_update);
    old = set->ways[way];
    set->ways[way] = entry;
    return old;
}

static void list_lose(struct list_tlb *tlb, uint16_t asid)
{
    for (uint32_t i = 0; i < tlb->n_sets; i++) {
        for (uint32_t way = 0; way < tlb->n_ways; way++) {
            struct list_entry *entry = &tlb->sets[i].ways[way];

            if (!entry->is_valid || entry->is_global || entry->asid != asid)
                continue;
            tlb->lost_ids += entry->id;
            entry->is_valid = false;
            list_remove_turn(&tlb->sets[i], way);
        }
    }
}

void list_tlb_use_context(struct list_tlb *tlb, uint16_t asid)
{
    uint16_t old[16];
    uint32_t n_old = tlb->n_held;

    if (!tlb->max_held)
        return;
    for (uint32_t i = 0; i < n_old; i++)
        old[i] = tlb->held[i];
    tlb->held[0] = asid;
    tlb->n_held = 1;
    for (uint32_t i = 0; i < n_old; i++) {
        if (old[i] == asid)
            continue;
        if (tlb->n_held == tlb->max_held)
            list_lose(tlb, old[i]);
        else
            tlb->held[tlb->n_held++] = old[i];
    }
}

static bool list_must_go(const struct list_entry *entry,
                         const struct list_request *request)
{
    uint64_t end = entry->vpn + (UINT64_C(1) << entry->order);

    if (!entry->is_valid)
        return false;
    if (entry->is_global && !request->hits_globals)
        return false;
    if (!entry->is_global && !request->hits_nonglobals)
        return false;
    if (!entry->is_global && request->has_asid && entry->asid != request->asid)
        return false;
    return !request->has_range ||
           !(request->vpn + request->n_pages <= entry->vpn ||
             end <= request->vpn);
}

uint32_t list_tlb_invalidate(struct list_tlb *tlb,
                             const struct list_request *request,
                             uint64_t *id_sum)
{
    uint32_t n_removed = 0;

    *id_sum = 0;
    for (uint32_t i = 0; i < tlb->n_sets; i++) {
        struct list_set *set = &tlb->sets[i];

        for (uint32_t way = 0; way < tlb->n_ways; way++) {
            if (!list_must_go(&set->ways[way], request))
                continue;
            *id_sum += set->ways[way].id;
            set->ways[way].is_valid = false;
            list_remove_turn(set, way);
            n_removed++;
        }
    }
    return n_removed;
}
