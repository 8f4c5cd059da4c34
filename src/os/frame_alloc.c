/* SPDX-License-Identifier: MIT */
/*
 * Physical frames: see frame_alloc.h.
 *
 * Each order has a list of freed blocks (last in, first out) and a range of
 * adjacent blocks never handed out since they were cut. A request takes from
 * the list, then from the range, then cuts a block of the next order into a
 * new range, then takes from what is left at the top of memory where the next
 * order's block does not fit. Blocks are not joined again: a machine whose
 * memory was handed out in small pieces has few large ones, as a fragmented
 * kernel has. Each node has lists and ranges of its own.
 *
 * Invariant: a block in a list or handed out has its record in a chunk.
 */
#include "os/frame_alloc.h"

#include "core/check.h"
#include "core/rng.h"

#include <stdlib.h>

enum {
    FRAME_CHUNK_LOG2 = 9, /* records a chunk: one 2M block's, 8 KiB */
    FRAME_CHUNK_FRAMES = 1 << FRAME_CHUNK_LOG2,
    FRAME_BATCH = 1 << 14, /* frames shuffled at a time */
    FRAME_PADDR_BITS = 52, /* Intel SDM vol. 3A 4.1.4: MAXPHYADDR <= 52 */
};

/* A block, kept at its first frame. */
struct frame {
    uint64_t next_free; /* pfn of the next in its list, 0: none */
    uint32_t n_refs;    /* 0: free */
    uint32_t kind;      /* index of the order last handed out here */
};

struct frame_range { /* [start, end) in frames, whole blocks of the order */
    uint64_t start;
    uint64_t end;
};

struct frame_kind {
    uint32_t order;
    uint64_t free_list; /* pfn, 0: empty */
    struct frame_range range;
    struct frame_range top;
};

/* One node's memory. */
struct frame_zone {
    struct frame_kind kinds[FRAME_MAX_KINDS]; /* orders ascend */
    uint64_t n_frames;
    uint64_t n_in_use;
    uint64_t colours[FRAME_MAX_COLOURS]; /* free lists of single frames */
};

struct frame_alloc {
    struct frame_zone *zones;
    uint32_t n_zones;
    uint64_t zone_frames; /* of each but the last */
    uint32_t n_kinds;
    struct frame **chunks;
    uint64_t n_chunks;  /* capacity of chunks[]; absent ones are NULL */
    uint32_t n_colours; /* 0: frames in order */
    struct rng rng;
    void (*on_free)(void *context, pfn_t pfn);
    void *on_free_context;
    frame_freed_fn on_freed; /* NULL: nobody wants to know */
    void *freed_context;
};

static struct frame *frame_find(const struct frame_alloc *frames, uint64_t pfn)
{
    uint64_t chunk = pfn >> FRAME_CHUNK_LOG2;

    if (chunk >= frames->n_chunks || !frames->chunks[chunk])
        return NULL;
    return &frames->chunks[chunk][pfn & (FRAME_CHUNK_FRAMES - 1)];
}

static bool frame_directory_grow(struct frame_alloc *frames, uint64_t chunk)
{
    uint64_t n_chunks = max_u64(chunk + 1, frames->n_chunks * 2);
    struct frame **chunks;

    chunks = realloc(frames->chunks, n_chunks * sizeof(struct frame *));
    if (!chunks)
        return false;
    for (uint64_t i = frames->n_chunks; i < n_chunks; i++)
        chunks[i] = NULL;
    frames->chunks = chunks;
    frames->n_chunks = n_chunks;
    return true;
}

/* Makes sure that the record of a frame exists. */
static bool frame_record(struct frame_alloc *frames, uint64_t pfn)
{
    uint64_t chunk = pfn >> FRAME_CHUNK_LOG2;

    if (chunk >= frames->n_chunks && !frame_directory_grow(frames, chunk))
        return false;
    if (!frames->chunks[chunk])
        frames->chunks[chunk] =
            calloc(FRAME_CHUNK_FRAMES, sizeof(struct frame));
    return frames->chunks[chunk] != NULL;
}

static mmusim_status_t frame_take_range(struct frame_alloc *frames,
                                        struct frame_range *range,
                                        uint32_t order, uint64_t *pfn)
{
    if (range->start == range->end)
        return MMUSIM_EXHAUSTED;
    if (!frame_record(frames, range->start))
        return MMUSIM_NOMEM;
    *pfn = range->start;
    range->start += UINT64_C(1) << order;
    return MMUSIM_OK;
}

/* Cuts a block of the next order, found at pfn, for this kind's range. */
static void frame_cut(struct frame_zone *zone, uint32_t kind_index,
                      uint64_t pfn)
{
    struct frame_kind *kind = &zone->kinds[kind_index];
    uint64_t n_frames = UINT64_C(1) << zone->kinds[kind_index + 1].order;

    mmusim_assert(kind->range.start == kind->range.end);
    kind->range = (struct frame_range){pfn, pfn + n_frames};
}

static bool frame_take_list(struct frame_alloc *frames, struct frame_kind *kind,
                            uint64_t *pfn)
{
    if (!kind->free_list)
        return false;
    *pfn = kind->free_list;
    kind->free_list = frame_find(frames, *pfn)->next_free;
    return true;
}

/* A block without a reference; on failure nothing has changed. */
static mmusim_status_t frame_take(struct frame_alloc *frames,
                                  struct frame_zone *zone, uint32_t kind_index,
                                  uint64_t *pfn)
{
    struct frame_kind *kind = &zone->kinds[kind_index];
    uint32_t order = kind->order;
    mmusim_status_t status;

    if (frame_take_list(frames, kind, pfn))
        return MMUSIM_OK;
    status = frame_take_range(frames, &kind->range, order, pfn);
    if (status != MMUSIM_EXHAUSTED)
        return status;
    if (kind_index + 1 < frames->n_kinds) {
        status = frame_take(frames, zone, kind_index + 1, pfn);
        if (status == MMUSIM_OK) {
            frame_cut(zone, kind_index, *pfn);
            return frame_take_range(frames, &kind->range, order, pfn);
        }
        if (status != MMUSIM_EXHAUSTED)
            return status;
    }
    return frame_take_range(frames, &kind->top, order, pfn);
}

static uint32_t frame_order_of(const struct frame_alloc *frames,
                               uint32_t kind_index)
{
    return frames->zones[0].kinds[kind_index].order;
}

static struct frame_zone *frame_zone_of(const struct frame_alloc *frames,
                                        uint64_t pfn)
{
    uint64_t at = pfn / frames->zone_frames;

    return &frames->zones[min_u64(at, frames->n_zones - 1)];
}

static void frame_push_colour(struct frame_alloc *frames, uint64_t pfn)
{
    uint64_t page = pfn >> frame_order_of(frames, 0);
    uint64_t *head =
        &frame_zone_of(frames, pfn)->colours[page % frames->n_colours];

    frame_find(frames, pfn)->next_free = *head;
    *head = pfn;
}

/* The next frame of the colour, else of any; 0: none is free. */
static uint64_t frame_pop_colour(struct frame_alloc *frames,
                                 struct frame_zone *zone, uint64_t colour)
{
    for (uint32_t i = 0; i < frames->n_colours; i++) {
        uint64_t *head = &zone->colours[(colour + i) % frames->n_colours];
        uint64_t pfn = *head;

        if (!pfn)
            continue;
        *head = frame_find(frames, pfn)->next_free;
        return pfn;
    }
    return 0;
}

/* Takes a batch of frames, or what is left, and shuffles it into the lists
 * (Fisher and Yates). */
static mmusim_status_t frame_scatter_batch(struct frame_alloc *frames,
                                           struct frame_zone *zone)
{
    uint64_t *batch = malloc(FRAME_BATCH * sizeof(*batch));
    mmusim_status_t status = batch ? MMUSIM_OK : MMUSIM_NOMEM;
    uint32_t n = 0;

    while (status == MMUSIM_OK && n < FRAME_BATCH) {
        status = frame_take(frames, zone, 0, &batch[n]);
        n += status == MMUSIM_OK;
    }
    for (uint32_t left = n; left; left--) {
        uint32_t at = mmusim__rng_below(&frames->rng, left);

        frame_push_colour(frames, batch[at]);
        batch[at] = batch[left - 1];
    }
    free(batch);
    return n ? MMUSIM_OK : status;
}

static mmusim_status_t frame_take_scattered(struct frame_alloc *frames,
                                            struct frame_zone *zone,
                                            uint64_t vpn, uint64_t *pfn)
{
    uint64_t colour = (vpn >> frame_order_of(frames, 0)) % frames->n_colours;

    if (!zone->colours[colour]) {
        mmusim_status_t status = frame_scatter_batch(frames, zone);

        if (status == MMUSIM_NOMEM)
            return status;
    }
    *pfn = frame_pop_colour(frames, zone, colour);
    return *pfn ? MMUSIM_OK : MMUSIM_EXHAUSTED;
}

static uint32_t frame_kind_of(const struct frame_alloc *frames, uint32_t order)
{
    uint32_t kind_index = 0;

    while (kind_index < frames->n_kinds &&
           frame_order_of(frames, kind_index) != order)
        kind_index++;
    return kind_index;
}

/* Memory of [start, end): below, pieces before the first block of the next
 * order; above, pieces after its last one. */
static void frame_layout(struct frame_alloc *frames, struct frame_zone *zone,
                         uint64_t start, uint64_t end)
{
    uint64_t low = start;
    uint64_t high =
        max_u64(align_down(end, UINT64_C(1) << zone->kinds[0].order), low);

    for (uint32_t i = 0; i < frames->n_kinds; i++) {
        struct frame_kind *kind = &zone->kinds[i];
        uint64_t next_low = high;
        uint64_t next_high = high;

        if (i + 1 < frames->n_kinds) {
            uint64_t block = UINT64_C(1) << zone->kinds[i + 1].order;

            next_low = min_u64(align_up(low, block), high);
            next_high = max_u64(align_down(high, block), next_low);
        }
        kind->range = (struct frame_range){low, next_low};
        kind->top = (struct frame_range){next_high, high};
        low = next_low;
        high = next_high;
    }
}

/* Equal parts, of the largest blocks that a part can hold. */
static uint64_t frame_zone_frames(const struct frame_orders *orders,
                                  uint64_t end, uint32_t n_nodes)
{
    uint64_t part = end / n_nodes;

    for (uint32_t i = orders->n; i--;) {
        uint64_t block = UINT64_C(1) << orders->orders[i];

        if (part >= block)
            return align_down(part, block);
    }
    return UINT64_C(1) << orders->orders[0];
}

/* Frame 0 is not used, nor what shares its smallest block. */
static void frame_init_zones(struct frame_alloc *frames,
                             const struct frame_orders *orders, uint64_t end)
{
    for (uint32_t z = 0; z < frames->n_zones; z++) {
        struct frame_zone *zone = &frames->zones[z];
        uint64_t start = z * frames->zone_frames;
        bool is_last = z + 1 == frames->n_zones;
        uint64_t zone_end =
            is_last ? end : min_u64(end, (z + 1) * frames->zone_frames);

        zone->n_frames = zone_end > start ? zone_end - start : 0;
        for (uint32_t i = 0; i < orders->n; i++)
            zone->kinds[i].order = orders->orders[i];
        if (!z)
            start = UINT64_C(1) << orders->orders[0];
        frame_layout(frames, zone, start, zone_end);
    }
}

struct frame_alloc *mmusim__frame_alloc_create_nodes(
    uint64_t memory_bytes, const struct frame_orders *orders, uint32_t n_nodes)
{
    uint64_t limit_bytes = UINT64_C(1) << FRAME_PADDR_BITS;
    uint64_t end = min_u64(memory_bytes, limit_bytes) >> BASE_PAGE_SHIFT;
    struct frame_alloc *frames = calloc(1, sizeof(*frames));

    if (!frames)
        return NULL;
    frames->zones = calloc(n_nodes, sizeof(*frames->zones));
    if (!frames->zones) {
        free(frames);
        return NULL;
    }
    frames->n_zones = n_nodes;
    frames->n_kinds = orders->n;
    end = max_u64(end, 1);
    frames->zone_frames = frame_zone_frames(orders, end, n_nodes);
    frame_init_zones(frames, orders, end);
    return frames;
}

struct frame_alloc *
mmusim__frame_alloc_create(uint64_t memory_bytes,
                           const struct frame_orders *orders)
{
    return mmusim__frame_alloc_create_nodes(memory_bytes, orders, 1);
}

void mmusim__frame_alloc_destroy(struct frame_alloc *frames)
{
    if (!frames)
        return;
    for (uint64_t i = 0; i < frames->n_chunks; i++)
        free(frames->chunks[i]);
    free(frames->chunks);
    free(frames->zones);
    free(frames);
}

void mmusim__frame_alloc_scatter(struct frame_alloc *frames, uint32_t n_colours,
                                 uint64_t seed)
{
    enum { FRAME_STREAM = 0x6672616d };

    mmusim_assert(n_colours <= FRAME_MAX_COLOURS);
    frames->n_colours = n_colours;
    mmusim__rng_init(&frames->rng, seed, FRAME_STREAM);
}

static void frame_hand_out(struct frame_alloc *frames, uint32_t kind_index,
                           uint64_t taken)
{
    struct frame *frame = frame_find(frames, taken);

    mmusim_assert(frame->n_refs == 0);
    frame->n_refs = 1;
    frame->kind = kind_index;
    frame_zone_of(frames, taken)->n_in_use +=
        UINT64_C(1) << frame_order_of(frames, kind_index);
}

/* From one node. */
static mmusim_status_t frame_take_at(struct frame_alloc *frames,
                                     struct frame_zone *zone,
                                     uint32_t kind_index,
                                     const struct frame_wish *wish,
                                     uint64_t *taken)
{
    mmusim_status_t status;

    if (wish->is_for_page && !kind_index && frames->n_colours)
        return frame_take_scattered(frames, zone, wish->vpn.v, taken);
    status = frame_take(frames, zone, kind_index, taken);
    if (status == MMUSIM_EXHAUSTED && !kind_index && frames->n_colours)
        status = frame_take_scattered(frames, zone, 0, taken);
    return status;
}

mmusim_status_t mmusim__frame_get_wish(struct frame_alloc *frames,
                                       const struct frame_wish *wish,
                                       pfn_t *pfn)
{
    uint32_t kind_index = frame_kind_of(frames, wish->order);
    mmusim_status_t status = MMUSIM_EXHAUSTED;
    uint64_t taken = 0;

    if (kind_index == frames->n_kinds)
        return MMUSIM_USAGE;
    for (uint32_t i = 0; i < frames->n_zones && status == MMUSIM_EXHAUSTED;
         i++) {
        uint32_t node = (wish->node + i) % frames->n_zones;

        if (i && wish->is_bound)
            break;
        status = frame_take_at(frames, &frames->zones[node], kind_index, wish,
                               &taken);
    }
    if (status != MMUSIM_OK)
        return status;
    frame_hand_out(frames, kind_index, taken);
    *pfn = (pfn_t){taken};
    return MMUSIM_OK;
}

mmusim_status_t mmusim__frame_get(struct frame_alloc *frames, uint32_t order,
                                  pfn_t *pfn)
{
    const struct frame_wish wish = {.order = order};

    return mmusim__frame_get_wish(frames, &wish, pfn);
}

mmusim_status_t mmusim__frame_get_for(struct frame_alloc *frames,
                                      uint32_t order, vpn_t vpn, pfn_t *pfn)
{
    const struct frame_wish wish = {
        .order = order, .vpn = vpn, .is_for_page = true};

    return mmusim__frame_get_wish(frames, &wish, pfn);
}

uint32_t mmusim__frame_node(const struct frame_alloc *frames, pfn_t pfn)
{
    return (uint32_t) (frame_zone_of(frames, pfn.v) - frames->zones);
}

void mmusim__frame_alloc_on_free(struct frame_alloc *frames,
                                 void (*fn)(void *context, pfn_t pfn),
                                 void *context)
{
    frames->on_free = fn;
    frames->on_free_context = context;
}

void mmusim__frame_ref(struct frame_alloc *frames, pfn_t pfn)
{
    struct frame *frame = frame_find(frames, pfn.v);

    mmusim_assert(frame && frame->n_refs > 0);
    if (frame && frame->n_refs)
        frame->n_refs++;
}

bool mmusim__frame_unref(struct frame_alloc *frames, pfn_t pfn)
{
    struct frame *frame = frame_find(frames, pfn.v);
    struct frame_zone *zone = frame_zone_of(frames, pfn.v);
    struct frame_kind *kind;

    mmusim_assert(frame && frame->n_refs > 0);
    if (!frame || !frame->n_refs || --frame->n_refs)
        return false;
    if (frames->on_free)
        frames->on_free(frames->on_free_context, pfn);
    if (frames->on_freed)
        frames->on_freed(frames->freed_context, pfn,
                         frame_order_of(frames, frame->kind));
    zone->n_in_use -= UINT64_C(1) << frame_order_of(frames, frame->kind);
    if (frames->n_colours && !frame->kind) {
        frame_push_colour(frames, pfn.v);
        return true;
    }
    kind = &zone->kinds[frame->kind];
    frame->next_free = kind->free_list;
    kind->free_list = pfn.v;
    return true;
}

void mmusim__frame_alloc_on_freed(struct frame_alloc *frames, frame_freed_fn fn,
                                  void *context)
{
    frames->on_freed = fn;
    frames->freed_context = context;
}

uint32_t mmusim__frame_refs(const struct frame_alloc *frames, pfn_t pfn)
{
    const struct frame *frame = frame_find(frames, pfn.v);

    return frame ? frame->n_refs : 0;
}

uint32_t mmusim__frame_order(const struct frame_alloc *frames, pfn_t pfn)
{
    const struct frame *frame = frame_find(frames, pfn.v);

    return frame ? frame_order_of(frames, frame->kind) : 0;
}

uint64_t mmusim__frames_in_use(const struct frame_alloc *frames)
{
    uint64_t n = 0;

    for (uint32_t z = 0; z < frames->n_zones; z++)
        n += frames->zones[z].n_in_use;
    return n;
}

uint32_t mmusim__frame_nodes(const struct frame_alloc *frames)
{
    return frames->n_zones;
}

uint64_t mmusim__frames_of_node(const struct frame_alloc *frames, uint32_t node)
{
    return frames->zones[node].n_frames;
}

uint64_t mmusim__frames_free_on(const struct frame_alloc *frames, uint32_t node)
{
    return frames->zones[node].n_frames - frames->zones[node].n_in_use;
}

/* ---- large blocks and their pieces ---- */

mmusim_status_t mmusim__frame_split(struct frame_alloc *frames, pfn_t pfn)
{
    const struct frame *head = frame_find(frames, pfn.v);
    uint64_t step = UINT64_C(1) << frame_order_of(frames, 0);
    uint64_t end = pfn.v + (UINT64_C(1) << mmusim__frame_order(frames, pfn));
    uint32_t n_refs = head->n_refs;

    mmusim_assert(n_refs > 0);
    for (uint64_t at = pfn.v; at < end; at += FRAME_CHUNK_FRAMES) {
        if (!frame_record(frames, at))
            return MMUSIM_NOMEM;
    }
    for (uint64_t at = pfn.v; at < end; at += step)
        *frame_find(frames, at) = (struct frame){.n_refs = n_refs};
    return MMUSIM_OK;
}

/* Is [pfn, pfn + 2^order) made of smaller blocks? */
static bool frame_is_in_pieces(const struct frame_alloc *frames, pfn_t pfn,
                               uint32_t order)
{
    return mmusim__frame_order(frames, pfn) < order;
}

void mmusim__frame_ref_span(struct frame_alloc *frames, pfn_t pfn,
                            uint32_t order)
{
    uint64_t end = pfn.v + (UINT64_C(1) << order);

    if (!frame_is_in_pieces(frames, pfn, order)) {
        mmusim__frame_ref(frames, pfn);
        return;
    }
    for (; pfn.v < end; pfn.v += UINT64_C(1) << frame_order_of(frames, 0))
        mmusim__frame_ref(frames, pfn);
}

void mmusim__frame_unref_span(struct frame_alloc *frames, pfn_t pfn,
                              uint32_t order)
{
    uint64_t end = pfn.v + (UINT64_C(1) << order);

    if (!frame_is_in_pieces(frames, pfn, order)) {
        mmusim__frame_unref(frames, pfn);
        return;
    }
    for (; pfn.v < end; pfn.v += UINT64_C(1) << frame_order_of(frames, 0))
        mmusim__frame_unref(frames, pfn);
}

uint32_t mmusim__frame_refs_span(const struct frame_alloc *frames, pfn_t pfn,
                                 uint32_t order)
{
    uint64_t end = pfn.v + (UINT64_C(1) << order);
    uint32_t most = mmusim__frame_refs(frames, pfn);

    if (!frame_is_in_pieces(frames, pfn, order))
        return most;
    for (; pfn.v < end; pfn.v += UINT64_C(1) << frame_order_of(frames, 0)) {
        uint32_t n_refs = mmusim__frame_refs(frames, pfn);

        most = n_refs > most ? n_refs : most;
    }
    return most;
}
