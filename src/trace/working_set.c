/* SPDX-License-Identifier: MIT */
/*
 * Distinct pages of every window of a run, exactly and in one pass, however
 * long the run is: windows get longer as it goes on.
 *
 * Windows of level l are 2^l units of WS_UNIT accesses. A page knows the last
 * unit that touched it, so a touch in unit c after one in unit p is the page's
 * first in its window on exactly those levels where p >> l != c >> l: those up
 * to the highest bit in which p and c differ. Each level above the finest one
 * in use counts along; when the finest has too many windows it is dropped.
 *
 * Invariant: counts of level l, window w are right for every l >= finest.
 */
#include "core/diag.h"
#include "core/source.h"
#include "mmusim/trace.h"

#include <stdlib.h>
#include <string.h>

enum {
    WS_UNIT_LOG2 = 10,     /* about a piece of records */
    WS_WINDOWS_MAX = 256,  /* enough for a curve as wide as a screen */
    WS_LEVELS = 54,        /* units fit into 64 - WS_UNIT_LOG2 bits */
    WS_FIRST_SLOTS = 1024, /* a power of two */
    WS_PAGE_SHIFT = 12,
    WS_RECORD_PAGES_MAX = 16, /* as mmusim_trace_info_t counts */
};

struct ws_slot {
    uint64_t key;       /* page number + 1; 0: empty */
    uint64_t last_unit; /* that touched it */
};

struct mmusim_working_set {
    struct ws_slot *slots; /* at most three quarters are taken */
    uint64_t n_slots;
    uint64_t n_pages;
    uint64_t n_accesses;
    uint32_t finest; /* level in use */
    bool is_cut;     /* a page found no room: counts are lower bounds */
    uint64_t pages[WS_LEVELS][WS_WINDOWS_MAX];
    uint64_t new_pages[WS_WINDOWS_MAX]; /* of the finest level */
};

/* Hands on what another source gives, and counts. */
struct ws_source {
    struct mmusim_source base; /* first member */
    struct mmusim_source *inner;
    struct mmusim_working_set *set;
};

static struct ws_slot *ws_find(struct ws_slot *slots, uint64_t n_slots,
                               uint64_t key)
{
    /* 2^64 / golden ratio; the high bits mix best */
    uint64_t i = (key * 0x9e3779b97f4a7c15 >> 32) & (n_slots - 1);

    while (slots[i].key && slots[i].key != key)
        i = (i + 1) & (n_slots - 1);
    return &slots[i];
}

static bool ws_grow(struct mmusim_working_set *set)
{
    uint64_t n_slots = 2 * set->n_slots;
    struct ws_slot *slots = calloc(n_slots, sizeof(*slots));

    if (!slots)
        return false;
    for (uint64_t i = 0; i < set->n_slots; i++) {
        if (set->slots[i].key)
            *ws_find(slots, n_slots, set->slots[i].key) = set->slots[i];
    }
    free(set->slots);
    set->slots = slots;
    set->n_slots = n_slots;
    return true;
}

/* The finest level's windows are joined in pairs. */
static void ws_coarsen(struct mmusim_working_set *set)
{
    uint64_t *pages = set->new_pages;

    set->finest++;
    for (size_t i = 0; i < WS_WINDOWS_MAX / 2; i++)
        pages[i] = pages[2 * i] + pages[2 * i + 1];
    memset(pages + WS_WINDOWS_MAX / 2, 0, WS_WINDOWS_MAX / 2 * sizeof(*pages));
}

/* The page's first touch in its window on all levels below n_levels. */
static void ws_count(struct mmusim_working_set *set, uint64_t unit,
                     uint32_t n_levels)
{
    for (uint32_t level = set->finest; level < n_levels; level++)
        set->pages[level][unit >> level]++;
}

static void ws_touch_new(struct mmusim_working_set *set, uint64_t key,
                         uint64_t unit)
{
    if (set->n_pages >= MMUSIM_TRACE_PAGES_MAX ||
        (set->n_pages >= set->n_slots / 4 * 3 && !ws_grow(set))) {
        set->is_cut = true;
        return;
    }
    *ws_find(set->slots, set->n_slots, key) = (struct ws_slot){key, unit};
    set->n_pages++;
    set->new_pages[unit >> set->finest]++;
    ws_count(set, unit, WS_LEVELS);
}

static void ws_touch(struct mmusim_working_set *set, uint64_t page,
                     uint64_t unit)
{
    struct ws_slot *slot = ws_find(set->slots, set->n_slots, page + 1);
    uint64_t differs = slot->last_unit ^ unit;

    if (!slot->key) {
        ws_touch_new(set, page + 1, unit);
        return;
    }
    if (differs >> set->finest == 0)
        return;
    ws_count(set, unit, 64 - (uint32_t) __builtin_clzll(differs));
    slot->last_unit = unit;
}

static void ws_access(struct mmusim_working_set *set,
                      const struct op_record *record)
{
    uint64_t unit = set->n_accesses >> WS_UNIT_LOG2;
    uint64_t first = record->vaddr >> WS_PAGE_SHIFT;
    uint64_t last = record->vaddr + (op_bytes_of(record) - 1);

    if (unit >> set->finest == WS_WINDOWS_MAX)
        ws_coarsen(set);
    last = min_u64(last >> WS_PAGE_SHIFT, first + WS_RECORD_PAGES_MAX - 1);
    for (uint64_t page = first; page <= last; page++)
        ws_touch(set, page, unit);
    set->n_accesses++;
}

static mmusim_status_t ws_next(struct mmusim_source *source,
                               uint32_t thread_index, struct op_piece *piece,
                               mmusim_diag_t *diag)
{
    struct ws_source *self = (struct ws_source *) source;
    mmusim_status_t status =
        self->inner->ops->next(self->inner, thread_index, piece, diag);

    self->base.n_threads = self->inner->n_threads; /* they may grow */
    for (uint32_t i = 0; !status && i < piece->n_records; i++) {
        if (op_kind_of(&piece->records[i]) <= OP_STORE)
            ws_access(self->set, &piece->records[i]);
    }
    return status;
}

static void ws_release(struct mmusim_source *source, uint32_t thread_index)
{
    struct ws_source *self = (struct ws_source *) source;

    if (self->inner->ops->release)
        self->inner->ops->release(self->inner, thread_index);
}

static bool ws_is_ready(const struct mmusim_source *source,
                        uint32_t thread_index)
{
    const struct ws_source *self = (const struct ws_source *) source;

    return self->inner->ops->is_ready(self->inner, thread_index);
}

static mmusim_status_t ws_await(struct mmusim_source *source,
                                enum source_patience patience, bool *has_come,
                                mmusim_diag_t *diag)
{
    struct ws_source *self = (struct ws_source *) source;
    mmusim_status_t status =
        self->inner->ops->await(self->inner, patience, has_come, diag);

    self->base.n_threads = self->inner->n_threads;
    return status;
}

static void ws_destroy_source(struct mmusim_source *source)
{
    free(source);
}

mmusim_status_t mmusim_working_set_create(mmusim_working_set_t **set)
{
    struct mmusim_working_set *made = calloc(1, sizeof(*made));

    if (!made)
        return MMUSIM_NOMEM;
    made->n_slots = WS_FIRST_SLOTS;
    made->slots = calloc(made->n_slots, sizeof(*made->slots));
    if (!made->slots) {
        free(made);
        return MMUSIM_NOMEM;
    }
    *set = made;
    return MMUSIM_OK;
}

void mmusim_working_set_destroy(mmusim_working_set_t *set)
{
    if (!set)
        return;
    free(set->slots);
    free(set);
}

mmusim_status_t mmusim_working_set_source(mmusim_working_set_t *set,
                                          mmusim_source_t *inner,
                                          mmusim_source_t **source,
                                          mmusim_diag_t *diag)
{
    static const struct source_ops ops = {
        .next = ws_next,
        .release = ws_release,
        .is_ready = ws_is_ready,
        .await = ws_await,
        .destroy = ws_destroy_source,
    };
    struct ws_source *made = calloc(1, sizeof(*made));

    if (!made)
        return mmusim__diag_set(diag, MMUSIM_NOMEM, "out of memory");
    made->base = *inner;
    made->base.ops = &ops;
    made->inner = inner;
    made->set = set;
    *source = &made->base;
    return MMUSIM_OK;
}

/* A window of a level at or above the finest one. */
static bool ws_window_at(const struct mmusim_working_set *set, uint32_t level,
                         size_t index, mmusim_working_set_window_t *window)
{
    uint32_t shift = WS_UNIT_LOG2 + level;
    uint32_t joined_log2 = level - set->finest;
    uint64_t first;
    uint64_t new_pages = 0;

    if (index >= (size_t) WS_WINDOWS_MAX >> joined_log2)
        return false;
    first = (uint64_t) index << shift;
    if (first >= set->n_accesses)
        return false;
    for (size_t i = index << joined_log2; i < (index + 1) << joined_log2; i++)
        new_pages += set->new_pages[i];
    *window = (mmusim_working_set_window_t){
        .first_access = first,
        .n_accesses = min_u64(set->n_accesses - first, UINT64_C(1) << shift),
        .pages = set->pages[level][index],
        .new_pages = new_pages,
    };
    return true;
}

bool mmusim_working_set_at(const mmusim_working_set_t *set, size_t index,
                           mmusim_working_set_window_t *window)
{
    return ws_window_at(set, set->finest, index, window);
}

bool mmusim_working_set_at_most(const mmusim_working_set_t *set,
                                size_t max_windows, size_t index,
                                mmusim_working_set_window_t *window)
{
    uint64_t last_unit = set->n_accesses ? set->n_accesses - 1 : 0;
    uint32_t level = set->finest;

    last_unit >>= WS_UNIT_LOG2;
    while (last_unit >> level >= max_u64(max_windows, 1))
        level++;
    return ws_window_at(set, level, index, window);
}

bool mmusim_working_set_is_cut(const mmusim_working_set_t *set)
{
    return set->is_cut;
}
