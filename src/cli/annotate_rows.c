/* SPDX-License-Identifier: MIT */
/*
 * Counts by address to counts by name. Each view is built from one table of
 * the collector, so its sums are the table's.
 *
 * The site of a system call is the innermost frame of the program itself: not
 * of the C library and its kin, and, where a program is linked with them
 * statically, of a function whose source is known.
 */
#include "cli/annotate_rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const annotate_view_words[] = {"mapping", "function", "line",
                                           "site",    "thread",   NULL};

/* ---- places ---- */

static const char *rows_base(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash && slash[1] ? slash + 1 : path;
}

/* "[libc.so.6]": a function of which only the file is known. */
static const char *rows_bracketed(struct annotate_report *report,
                                  const char *path)
{
    char text[300];

    snprintf(text, sizeof(text), "[%.280s]", rows_base(path));
    return name_pool_keep(report->names, text);
}

/* 0: out of memory. */
static int rows_resolve(struct annotate_report *report, uint32_t code)
{
    const struct annotate_collector *collector = report->collector;
    struct annotate_place *place = &report->places[code];
    const struct annotate_object *object;
    struct symbol_place found;

    if (place->is_resolved)
        return 1;
    place->is_resolved = 1;
    place->function = "[unknown]";
    if (code == 0)
        return 1;
    object = &collector->objects[collector->by_code.keys.keys[code].a];
    place->offset = collector->by_code.keys.keys[code].b;
    place->function = object->name;
    if (!object->is_file)
        return 1;
    place->file = object->name;
    if (!symbols_find(report->symbols, object->name, object->build,
                      place->offset, &found))
        return 0;
    place->function =
        found.function ? found.function : rows_bracketed(report, object->name);
    place->outer = found.outer;
    place->line = found.line;
    if (found.source)
        place->source = name_pool_keep(report->names, found.source);
    return place->function && (place->source || !found.source);
}

static int rows_is_runtime(const char *file)
{
    static const char *const prefixes[] = {
        "libc.so",      "libc-",      "ld-linux", "ld-musl",
        "ld-2",         "libpthread", "libm.so",  "libdl.so",
        "libstdc++.so", "libc++",     "libgcc_s", "librt.so"};
    const char *base = rows_base(file);

    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        if (!strncmp(base, prefixes[i], strlen(prefixes[i])))
            return 1;
    }
    return 0;
}

uint32_t annotate_report_frames(
    const struct annotate_report *report, uint32_t chain,
    const struct annotate_place *frames[ANNOTATE_SITES_MAX + 1])
{
    const struct key_table *chains = &report->collector->chains;
    uint32_t n = 0;

    for (; chain && n <= ANNOTATE_SITES_MAX;
         chain = (uint32_t) chains->keys[chain].a)
        frames[n++] = &report->places[chains->keys[chain].b];
    return n;
}

/* The frame that stands for a chain of calls; NULL: it has none. */
static const struct annotate_place *
rows_choose_frame(const struct annotate_report *report, uint32_t chain)
{
    const struct annotate_place *frames[ANNOTATE_SITES_MAX + 1];
    uint32_t n = annotate_report_frames(report, chain, frames);

    for (uint32_t pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < n; i++) {
            const char *file = frames[i]->file;

            if (file && !rows_is_runtime(file) && (pass || frames[i]->line))
                return frames[i];
        }
    }
    return n ? frames[0] : NULL;
}

/* ---- rows ---- */

/* NULL: out of memory. */
static struct annotate_row *rows_at(struct annotate_rows *rows, uint32_t index)
{
    void *list = rows->rows;

    if (!annotate_reserve(&list, &rows->room, index, sizeof(*rows->rows)))
        return NULL;
    rows->rows = list;
    if (rows->n <= index)
        rows->n = index + 1;
    return &rows->rows[index];
}

static void rows_add(struct annotate_counts *to,
                     const struct annotate_counts *counts)
{
    for (unsigned i = 0; i < ANNOTATE_METRICS; i++)
        to->of[i] += counts->of[i];
}

static int rows_has_any(const struct annotate_counts *counts)
{
    for (unsigned i = 0; i < ANNOTATE_METRICS; i++) {
        if (counts->of[i])
            return 1;
    }
    return 0;
}

/* What makes two places one row of a view. */
struct place_keys {
    struct key_table lines; /* (source, line), or (file, offset) */
    struct key_table keys;  /* (function, file or line) */
};

static int place_keys_init(struct place_keys *keys)
{
    memset(keys, 0, sizeof(*keys));
    return key_table_init(&keys->lines, ANNOTATE_PLACES_MAX) &&
           key_table_init(&keys->keys, ANNOTATE_PLACES_MAX);
}

static void place_keys_fini(struct place_keys *keys)
{
    key_table_fini(&keys->lines);
    key_table_fini(&keys->keys);
}

static uint64_t rows_number_of(const char *text)
{
    return (uint64_t) (uintptr_t) text;
}

static uint32_t place_key(struct place_keys *keys, enum annotate_view view,
                          const struct annotate_place *place)
{
    uint32_t line;

    if (view == ANNOTATE_BY_FUNCTION)
        return key_table_get(&keys->keys, rows_number_of(place->function),
                             rows_number_of(place->file));
    line = place->line
               ? key_table_get(&keys->lines, rows_number_of(place->source),
                               place->line)
               : key_table_get(&keys->lines, ~rows_number_of(place->file),
                               place->offset);
    if (line == KEY_TABLE_NO_MEMORY)
        return line;
    return key_table_get(&keys->keys, rows_number_of(place->function), line);
}

static int rows_of_mappings(struct annotate_report *report)
{
    const struct annotate_table *table = &report->collector->by_object;
    struct annotate_rows *rows = &report->views[ANNOTATE_BY_MAPPING];

    for (uint32_t i = 0; i < table->keys.n; i++) {
        struct annotate_row *row;

        if (!rows_has_any(&table->counts[i]))
            continue;
        row = rows_at(rows, rows->n);
        if (!row)
            return 0;
        row->name = report->collector->objects[table->keys.keys[i].a].name;
        if (i == 0 || !row->name)
            row->name = "[others]";
        row->counts = table->counts[i];
        rows_add(&report->totals, &row->counts);
    }
    return 1;
}

/* 0: out of memory. */
static int rows_add_place(struct annotate_rows *rows, struct place_keys *keys,
                          enum annotate_view view,
                          const struct annotate_place *place,
                          const struct annotate_counts *counts)
{
    uint32_t index = place_key(keys, view, place);
    struct annotate_row *row =
        index == KEY_TABLE_NO_MEMORY ? NULL : rows_at(rows, index);

    if (!row)
        return 0;
    row->place = *place;
    if (view == ANNOTATE_BY_FUNCTION)
        row->place.line = 0;
    if (index == 0)
        row->place = (struct annotate_place){.function = "[others]"};
    rows_add(&row->counts, counts);
    return 1;
}

/* A fault's counts are the code's; a system call's are its caller's. */
static const char *rows_operation(const struct annotate_report *report,
                                  uint32_t call)
{
    const struct key *key = &report->collector->by_call.keys.keys[call];
    const char *name = (const char *) (uintptr_t) key->a;

    return call && name && strcmp(name, "fault") != 0 ? name : NULL;
}

static int rows_of_code(struct annotate_report *report, enum annotate_view view)
{
    const struct annotate_table *codes = &report->collector->by_code;
    const struct annotate_table *calls = &report->collector->by_call;
    struct annotate_rows *rows = &report->views[view];
    struct place_keys keys;
    int is_good = place_keys_init(&keys);

    for (uint32_t i = 0; is_good && i < codes->keys.n; i++) {
        if (rows_has_any(&codes->counts[i]))
            is_good = rows_add_place(rows, &keys, view, &report->places[i],
                                     &codes->counts[i]);
    }
    for (uint32_t i = 0; is_good && i < calls->keys.n; i++) {
        uint32_t chain = (uint32_t) calls->keys.keys[i].b;
        const struct annotate_place *place = rows_choose_frame(report, chain);

        if (rows_operation(report, i))
            is_good = rows_add_place(rows, &keys, view,
                                     place ? place : &report->places[0],
                                     &calls->counts[i]);
    }
    place_keys_fini(&keys);
    return is_good;
}

static int rows_add_call(struct annotate_report *report,
                         struct place_keys *places, struct key_table *calls,
                         uint32_t call)
{
    const struct annotate_table *table = &report->collector->by_call;
    struct annotate_rows *rows = &report->views[ANNOTATE_BY_SITE];
    const struct annotate_counts *counts = &table->counts[call];
    const char *name = (const char *) (uintptr_t) table->keys.keys[call].a;
    uint32_t chain = (uint32_t) table->keys.keys[call].b;
    const struct annotate_place *place = rows_choose_frame(report, chain);
    uint32_t key = place ? place_key(places, ANNOTATE_BY_LINE, place) : 0;
    struct annotate_row *row = NULL;

    if (key != KEY_TABLE_NO_MEMORY)
        key = key_table_get(calls, rows_number_of(name), key);
    if (key != KEY_TABLE_NO_MEMORY)
        row = rows_at(rows, key);
    if (!row)
        return 0;
    row->name = !name                    ? "(user code)"
                : !strcmp(name, "fault") ? "page fault"
                                         : name;
    if (place)
        row->place = *place;
    if (!row->chain ||
        counts->of[ANNOTATE_OPERATION_CYCLES] > row->chain_cycles) {
        row->chain = chain;
        row->chain_cycles = counts->of[ANNOTATE_OPERATION_CYCLES];
    }
    rows_add(&row->counts, counts);
    return 1;
}

static int rows_of_calls(struct annotate_report *report)
{
    const struct annotate_table *table = &report->collector->by_call;
    struct key_table calls = {0};
    struct place_keys places;
    int is_good =
        place_keys_init(&places) && key_table_init(&calls, ANNOTATE_PLACES_MAX);

    for (uint32_t i = 0; is_good && i < table->keys.n; i++) {
        if (rows_has_any(&table->counts[i]))
            is_good = rows_add_call(report, &places, &calls, i);
    }
    key_table_fini(&calls);
    place_keys_fini(&places);
    return is_good;
}

static int rows_of_threads(struct annotate_report *report)
{
    const struct annotate_table *table = &report->collector->by_thread;
    struct annotate_rows *rows = &report->views[ANNOTATE_BY_THREAD];

    for (uint32_t i = 0; i < table->keys.n; i++) {
        struct annotate_row *row;

        if (!rows_has_any(&table->counts[i]))
            continue;
        row = rows_at(rows, rows->n);
        if (!row)
            return 0;
        row->tid = (uint32_t) table->keys.keys[i].a;
        row->counts = table->counts[i];
    }
    return 1;
}

/* Rows that only hold a key's place go. */
static void rows_compact(struct annotate_rows *rows)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < rows->n; i++) {
        if (rows_has_any(&rows->rows[i].counts))
            rows->rows[n++] = rows->rows[i];
    }
    rows->n = n;
}

/* ---- the report ---- */

/* Code that has counts, and code in chains of calls. */
static int report_resolve(struct annotate_report *report)
{
    const struct annotate_collector *collector = report->collector;
    int is_good = 1;

    for (uint32_t i = 0; is_good && i < collector->by_code.keys.n; i++) {
        if (i == 0 || rows_has_any(&collector->by_code.counts[i]))
            is_good = rows_resolve(report, i);
    }
    for (uint32_t i = 1; is_good && i < collector->chains.n; i++)
        is_good = rows_resolve(report, (uint32_t) collector->chains.keys[i].b);
    return is_good;
}

int annotate_report_init(struct annotate_report *report,
                         const struct annotate_collector *collector)
{
    memset(report, 0, sizeof(*report));
    report->collector = collector;
    report->symbols = symbols_create();
    report->names = name_pool_create();
    report->places = calloc(collector->by_code.keys.n, sizeof(*report->places));
    if (!report->symbols || !report->names || !report->places ||
        !report_resolve(report) || !rows_of_mappings(report) ||
        !rows_of_code(report, ANNOTATE_BY_FUNCTION) ||
        !rows_of_code(report, ANNOTATE_BY_LINE) || !rows_of_calls(report) ||
        !rows_of_threads(report))
        return 0;
    for (unsigned i = 0; i < ANNOTATE_VIEWS; i++)
        rows_compact(&report->views[i]);
    return 1;
}

void annotate_report_fini(struct annotate_report *report)
{
    for (unsigned i = 0; i < ANNOTATE_VIEWS; i++)
        free(report->views[i].rows);
    free(report->places);
    name_pool_destroy(report->names);
    symbols_destroy(report->symbols);
}

enum annotate_metric
annotate_report_metric(const struct annotate_report *report,
                       enum annotate_view view)
{
    if (view != ANNOTATE_BY_SITE)
        return ANNOTATE_MISSES;
    return report->totals.of[ANNOTATE_SHOOTDOWN_WAIT]
               ? ANNOTATE_SHOOTDOWN_WAIT
               : ANNOTATE_OPERATION_CYCLES;
}

static int rows_compare_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "");
}

static int rows_compare_place(const struct annotate_row *a,
                              const struct annotate_row *b)
{
    int order = rows_compare_text(a->name, b->name);

    if (!order)
        order = rows_compare_text(a->place.function, b->place.function);
    if (!order)
        order = rows_compare_text(a->place.source, b->place.source);
    if (!order)
        order = rows_compare_text(a->place.file, b->place.file);
    if (!order && a->place.line != b->place.line)
        order = a->place.line < b->place.line ? -1 : 1;
    if (!order && a->place.offset != b->place.offset)
        order = a->place.offset < b->place.offset ? -1 : 1;
    if (!order && a->tid != b->tid)
        order = a->tid < b->tid ? -1 : 1;
    return order;
}

/* qsort() has no context: the metric to sort by comes first in a copy. */
struct sortable {
    struct annotate_row row;
    uint64_t value;
};

static int rows_compare(const void *left, const void *right)
{
    const struct sortable *a = left, *b = right;

    if (a->value != b->value)
        return a->value > b->value ? -1 : 1;
    for (unsigned i = 0; i < ANNOTATE_METRICS; i++) {
        if (a->row.counts.of[i] != b->row.counts.of[i])
            return a->row.counts.of[i] > b->row.counts.of[i] ? -1 : 1;
    }
    return rows_compare_place(&a->row, &b->row);
}

int annotate_report_sort(struct annotate_report *report,
                         enum annotate_view view, enum annotate_metric metric)
{
    struct annotate_rows *rows = &report->views[view];
    struct sortable *copy = malloc((rows->n + 1) * sizeof(*copy));

    if (!copy)
        return 0;
    for (uint32_t i = 0; i < rows->n; i++)
        copy[i] =
            (struct sortable){rows->rows[i], rows->rows[i].counts.of[metric]};
    qsort(copy, rows->n, sizeof(*copy), rows_compare);
    for (uint32_t i = 0; i < rows->n; i++)
        rows->rows[i] = copy[i].row;
    free(copy);
    return 1;
}
