/* SPDX-License-Identifier: MIT */
/*
 * Miss causes: see miss_cause.h.
 *
 * A log is MISS_SEGMENTS hash tables of their own (linear probing, capacity of
 * any size), so that growing one piece copies little and the pieces do not
 * all grow at once. A cell is id in bits 63:32, the life's generation in 31:3
 * and the cause in 2:0; 0 is empty, as id 0 is none. A cell whose generation
 * is not the id's present one speaks of a dead translation.
 *
 * Bound: the generation has 29 bits and counts begin and end, so a cell is
 * mistaken for a later life only after exactly a multiple of 2^28 lives of its
 * number without the CPU touching it.
 */
#include "tlb/miss_cause.h"

#include "core/check.h"

#include <stdlib.h>

enum {
    MISS_SEGMENT_LOG2 = 6,
    MISS_SEGMENTS = 1 << MISS_SEGMENT_LOG2,
    MISS_FIRST_CELLS = 8,
    MISS_CAUSE_BITS = 3,
    MISS_FIRST_IDS = 1024, /* translations; grows by half */
};

/* generation: odd while the translation lives. */
struct translation {
    uint32_t generation;
    uint32_t next_free; /* id, 0: none */
};

struct translation_table {
    struct translation *translations; /* by id; [0] is not used */
    uint32_t n_ids;                   /* ids ever begun, plus 1 */
    uint32_t capacity;
    uint32_t free_list;
};

struct miss_segment {
    uint64_t *cells;
    uint32_t capacity;
    uint32_t n_used; /* cells not empty, of the living and the dead */
};

struct miss_log {
    const struct translation_table *table;
    struct miss_segment segments[MISS_SEGMENTS];
};

static bool translation_is_live(const struct translation_table *table,
                                uint32_t id)
{
    return id && id < table->n_ids && table->translations[id].generation & 1;
}

static bool translations_grow(struct translation_table *table)
{
    uint64_t capacity = table->capacity + (uint64_t) table->capacity / 2;
    struct translation *grown;

    capacity = min_u64(max_u64(capacity, MISS_FIRST_IDS), UINT32_MAX);
    if (capacity <= table->capacity)
        return false;
    grown = realloc(table->translations, capacity * sizeof(*grown));
    if (!grown)
        return false;
    table->translations = grown;
    table->capacity = (uint32_t) capacity;
    return true;
}

/* The cell of a living translation. */
static uint64_t miss_cell(const struct translation_table *table, uint32_t id,
                          enum miss_cause cause)
{
    uint32_t generation = table->translations[id].generation;

    return (uint64_t) id << 32 | (uint32_t) (generation << MISS_CAUSE_BITS) |
           (uint32_t) cause;
}

static bool miss_cell_is_live(const struct translation_table *table,
                              uint64_t cell)
{
    uint32_t id = (uint32_t) (cell >> 32);

    return cell && translation_is_live(table, id) &&
           (cell ^ miss_cell(table, id, 0)) >> MISS_CAUSE_BITS == 0;
}

static uint64_t miss_hash(uint32_t id)
{
    /* Fibonacci hashing: the multiplier is 2^64 / golden ratio. */
    return id * UINT64_C(0x9e3779b97f4a7c15);
}

static uint32_t miss_segment_index(uint32_t id)
{
    return (uint32_t) (miss_hash(id) >> (64 - MISS_SEGMENT_LOG2));
}

/* The id's cell, or the empty one where it belongs. */
static uint64_t *miss_cell_of(const struct miss_segment *segment, uint32_t id)
{
    uint64_t spread = (uint32_t) (miss_hash(id) >> (32 - MISS_SEGMENT_LOG2));
    uint32_t i = (uint32_t) (spread * segment->capacity >> 32);

    while (segment->cells[i] && segment->cells[i] >> 32 != id) {
        if (++i == segment->capacity)
            i = 0;
    }
    return &segment->cells[i];
}

static uint32_t miss_count_live(const struct translation_table *table,
                                const struct miss_segment *segment)
{
    uint32_t n_live = 0;

    for (uint32_t i = 0; i < segment->capacity; i++)
        n_live += miss_cell_is_live(table, segment->cells[i]);
    return n_live;
}

/* A new table 2/3 full with the living cells of the old one. */
static bool miss_segment_grow(const struct translation_table *table,
                              struct miss_segment *segment)
{
    struct miss_segment grown = {0};
    uint64_t n_cells;

    n_cells = miss_count_live(table, segment);
    n_cells = max_u64(n_cells + n_cells / 2, MISS_FIRST_CELLS);
    if (n_cells > UINT32_MAX)
        return false;
    grown.capacity = (uint32_t) n_cells;
    grown.cells = calloc(grown.capacity, sizeof(*grown.cells));
    if (!grown.cells)
        return false;
    for (uint32_t i = 0; i < segment->capacity; i++) {
        uint64_t cell = segment->cells[i];

        if (!miss_cell_is_live(table, cell))
            continue;
        *miss_cell_of(&grown, (uint32_t) (cell >> 32)) = cell;
        grown.n_used++;
    }
    free(segment->cells);
    *segment = grown;
    return true;
}

static bool miss_segment_is_full(const struct miss_segment *segment)
{
    return segment->n_used >= segment->capacity - segment->capacity / 8;
}

static bool miss_log_set(struct miss_log *log, uint32_t id,
                         enum miss_cause cause)
{
    struct miss_segment *segment = &log->segments[miss_segment_index(id)];
    uint64_t *cell = segment->capacity ? miss_cell_of(segment, id) : NULL;

    if (!cell || !*cell) {
        if (miss_segment_is_full(segment)) {
            if (!miss_segment_grow(log->table, segment))
                return false;
        }
        cell = miss_cell_of(segment, id);
        segment->n_used++;
    }
    *cell = miss_cell(log->table, id, cause);
    return true;
}

struct translation_table *mmusim__translations_create(void)
{
    struct translation_table *table = calloc(1, sizeof(*table));

    if (table)
        table->n_ids = 1;
    return table;
}

void mmusim__translations_destroy(struct translation_table *table)
{
    if (!table)
        return;
    free(table->translations);
    free(table);
}

uint32_t mmusim__translation_begin(struct translation_table *table)
{
    uint32_t id = table->free_list;

    if (id) {
        table->free_list = table->translations[id].next_free;
        table->translations[id].generation++;
        return id;
    }
    if (table->n_ids >= table->capacity && !translations_grow(table))
        return 0;
    id = table->n_ids++;
    table->translations[id] = (struct translation){.generation = 1};
    return id;
}

void mmusim__translation_end(struct translation_table *table, uint32_t id)
{
    if (!translation_is_live(table, id))
        return;
    table->translations[id].generation++;
    table->translations[id].next_free = table->free_list;
    table->free_list = id;
}

struct miss_log *mmusim__miss_log_create(const struct translation_table *table)
{
    struct miss_log *log = calloc(1, sizeof(*log));

    if (log)
        log->table = table;
    return log;
}

void mmusim__miss_log_destroy(struct miss_log *log)
{
    if (!log)
        return;
    for (uint32_t i = 0; i < MISS_SEGMENTS; i++)
        free(log->segments[i].cells);
    free(log);
}

bool mmusim__miss_log_filled(struct miss_log *log, uint32_t id)
{
    return mmusim__miss_log_removed(log, id, MISS_CAPACITY);
}

bool mmusim__miss_log_removed(struct miss_log *log, uint32_t id,
                              enum miss_cause cause)
{
    mmusim_assert(cause > MISS_COLD && cause < MISS_CAUSE_COUNT);
    if (!translation_is_live(log->table, id))
        return true;
    return miss_log_set(log, id, cause);
}

enum miss_cause mmusim__miss_log_cause(const struct miss_log *log, uint32_t id)
{
    const struct miss_segment *segment = &log->segments[miss_segment_index(id)];
    uint64_t cell;

    if (!segment->capacity || !translation_is_live(log->table, id))
        return MISS_COLD;
    cell = *miss_cell_of(segment, id);
    if (!miss_cell_is_live(log->table, cell))
        return MISS_COLD;
    return (enum miss_cause)(cell & ((1 << MISS_CAUSE_BITS) - 1));
}
