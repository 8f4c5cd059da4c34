/* SPDX-License-Identifier: MIT */
/*
 * A mmusim_stats_t: rows in the order they were added, their names in one
 * growing pool, and an index sorted by name made by finish.
 *
 * Invariants after finish: n_sorted == n_rows; no two rows of one name.
 */
#include "core/stats_set.h"

#include "core/check.h"

#include <stdlib.h>
#include <string.h>

struct stats_row {
    uint64_t value;
    size_t name_offset; /* in the pool */
    const char *unit;
    const char *help;
    bool is_milli;
};

struct stats_index {
    const char *name;
    size_t row;
};

struct mmusim_stats {
    struct stats_row *rows;
    size_t n_rows;
    size_t max_rows;
    char *pool;
    size_t pool_bytes;
    size_t max_pool_bytes;
    struct stats_index *sorted;
    size_t n_sorted;
    bool has_failed;
};

mmusim_status_t mmusim__stats_create(mmusim_stats_t **stats)
{
    *stats = calloc(1, sizeof(**stats));
    return *stats ? MMUSIM_OK : MMUSIM_NOMEM;
}

void mmusim_stats_destroy(mmusim_stats_t *stats)
{
    if (!stats)
        return;
    free(stats->rows);
    free(stats->pool);
    free(stats->sorted);
    free(stats);
}

/* Room for one more row and length more bytes of names; false: no memory. */
static bool stats_grow(mmusim_stats_t *stats, size_t length)
{
    if (stats->n_rows == stats->max_rows) {
        size_t n = stats->max_rows ? 2 * stats->max_rows : 256;
        struct stats_row *rows = realloc(stats->rows, n * sizeof(*rows));

        if (!rows)
            return false;
        stats->rows = rows;
        stats->max_rows = n;
    }
    if (length > stats->max_pool_bytes - stats->pool_bytes) {
        size_t n = 2 * stats->max_pool_bytes + length + 4096;
        char *pool = realloc(stats->pool, n);

        if (!pool)
            return false;
        stats->pool = pool;
        stats->max_pool_bytes = n;
    }
    return true;
}

static void stats_add_row(mmusim_stats_t *stats, const char *name,
                          struct stats_row row)
{
    size_t length = strlen(name) + 1;

    mmusim_assert(!stats->sorted);
    if (stats->has_failed || !stats_grow(stats, length)) {
        stats->has_failed = true;
        return;
    }
    row.name_offset = stats->pool_bytes;
    memcpy(stats->pool + stats->pool_bytes, name, length);
    stats->pool_bytes += length;
    stats->rows[stats->n_rows++] = row;
}

void mmusim__stats_add(mmusim_stats_t *stats, const char *name, uint64_t value,
                       const char *unit, const char *help)
{
    stats_add_row(
        stats, name,
        (struct stats_row){.value = value, .unit = unit, .help = help});
}

void mmusim__stats_add_milli(mmusim_stats_t *stats, const char *name,
                             uint64_t thousandths, const char *unit,
                             const char *help)
{
    stats_add_row(stats, name,
                  (struct stats_row){.value = thousandths,
                                     .unit = unit,
                                     .help = help,
                                     .is_milli = true});
}

static int stats_compare(const void *a, const void *b)
{
    const struct stats_index *left = a;
    const struct stats_index *right = b;

    return strcmp(left->name, right->name);
}

mmusim_status_t mmusim__stats_finish(mmusim_stats_t *stats)
{
    if (stats->has_failed)
        return MMUSIM_NOMEM;
    stats->sorted = calloc(stats->n_rows + 1, sizeof(*stats->sorted));
    if (!stats->sorted)
        return MMUSIM_NOMEM;
    for (size_t i = 0; i < stats->n_rows; i++)
        stats->sorted[i] =
            (struct stats_index){stats->pool + stats->rows[i].name_offset, i};
    stats->n_sorted = stats->n_rows;
    qsort(stats->sorted, stats->n_sorted, sizeof(*stats->sorted),
          stats_compare);
    for (size_t i = 1; i < stats->n_sorted; i++)
        mmusim_assert(
            strcmp(stats->sorted[i - 1].name, stats->sorted[i].name) != 0);
    return MMUSIM_OK;
}

size_t mmusim_stats_count(const mmusim_stats_t *stats)
{
    return stats->n_rows;
}

bool mmusim_stats_at(const mmusim_stats_t *stats, size_t index,
                     mmusim_stat_t *stat)
{
    const struct stats_row *row;

    if (index >= stats->n_rows)
        return false;
    row = &stats->rows[index];
    *stat = (mmusim_stat_t){.name = stats->pool + row->name_offset,
                            .value = row->value,
                            .is_milli = row->is_milli,
                            .unit = row->unit,
                            .help = row->help};
    return true;
}

bool mmusim_stats_find(const mmusim_stats_t *stats, const char *name,
                       mmusim_stat_t *stat)
{
    struct stats_index key = {name, 0};
    const struct stats_index *found;

    if (!stats->n_sorted)
        return false;
    found = bsearch(&key, stats->sorted, stats->n_sorted, sizeof(key),
                    stats_compare);
    return found && mmusim_stats_at(stats, found->row, stat);
}
