/* SPDX-License-Identifier: MIT */
/*
 * The reader of latency curves. Fields may be quoted (RFC 4180), but hold no
 * line breaks; lines may end in CR LF; columns are known by their names.
 */
#include "validate/curves.h"

#include "core/diag.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CURVE_LINE_BYTES = 4096,
    CURVE_FIELDS_MAX = 64,
    CURVE_CPUS_MAX = 10000,
    CURVE_ROWS_MAX = 1000000,
};

enum curve_column {
    COLUMN_TLB_OF,
    COLUMN_CPU,
    COLUMN_SIZE,
    COLUMN_PAGES,
    COLUMN_64B,
    COLUMN_4K,
    COLUMN_COUNT
};

static const char *const column_names[COLUMN_COUNT] = {
    [COLUMN_TLB_OF] = "tlb_of",         [COLUMN_CPU] = "cpu",
    [COLUMN_SIZE] = "size_KiB",         [COLUMN_PAGES] = "pages_at_4KiB_stride",
    [COLUMN_64B] = "cycles_stride_64B", [COLUMN_4K] = "cycles_stride_4K",
};

struct curve_reader {
    const char *path;
    FILE *stream;
    uint32_t line;
    uint32_t n_rows;
    char text[CURVE_LINE_BYTES];
    char *fields[CURVE_FIELDS_MAX];
    uint32_t n_fields;
    uint32_t n_expected;              /* fields of the header */
    uint32_t column_at[COLUMN_COUNT]; /* index of the field */
    mmusim_curves_t *curves;
    mmusim_diag_t *diag;
};

#define READER_REFUSE(reader, ...)                                             \
    reader_at_line(                                                            \
        reader, mmusim__diag_set((reader)->diag, MMUSIM_DAMAGED, __VA_ARGS__))

static mmusim_status_t reader_at_line(const struct curve_reader *reader,
                                      mmusim_status_t status)
{
    mmusim__diag_at_line(reader->diag, reader->path, reader->line);
    return status;
}

static mmusim_status_t reader_no_memory(const struct curve_reader *reader)
{
    return mmusim__diag_set(reader->diag, MMUSIM_NOMEM, "out of memory");
}

/* Takes one field off the text, in place; false: a quote is not closed. */
static bool reader_take_field(char **at, char **field)
{
    char *from = *at;
    char *to = *at;
    bool is_quoted = *from == '"';

    *field = to;
    from += is_quoted;
    while (*from && (is_quoted || *from != ',')) {
        if (is_quoted && *from == '"' && *++from != '"') {
            is_quoted = false;
            continue;
        }
        *to++ = *from++;
    }
    if (is_quoted)
        return false;
    *at = *from ? from + 1 : NULL;
    *to = '\0';
    return true;
}

static mmusim_status_t reader_split(struct curve_reader *reader)
{
    char *at = reader->text;

    reader->n_fields = 0;
    while (at) {
        if (reader->n_fields == CURVE_FIELDS_MAX)
            return READER_REFUSE(reader, "more than %d fields",
                                 CURVE_FIELDS_MAX);
        if (!reader_take_field(&at, &reader->fields[reader->n_fields]))
            return READER_REFUSE(reader, "a quoted field does not end (it must "
                                         "end on its line)");
        reader->n_fields++;
    }
    return MMUSIM_OK;
}

/* The next line that is neither empty nor a comment, split; at the end of the
 * file there are no fields. */
static mmusim_status_t reader_next(struct curve_reader *reader)
{
    reader->n_fields = 0;
    while (fgets(reader->text, sizeof(reader->text), reader->stream)) {
        size_t length = strlen(reader->text);

        reader->line++;
        if (length + 1 == sizeof(reader->text))
            return READER_REFUSE(reader,
                                 "a line of %zu bytes or more (not a table of "
                                 "curves)",
                                 length);
        /* a zero byte hides what follows it, the line's end as well */
        if (!length ||
            (reader->text[length - 1] != '\n' && !feof(reader->stream)))
            return READER_REFUSE(reader, "a zero byte (not a table of curves)");
        while (length && (reader->text[length - 1] == '\n' ||
                          reader->text[length - 1] == '\r'))
            reader->text[--length] = '\0';
        if (length && reader->text[0] != '#')
            return reader_split(reader);
    }
    if (ferror(reader->stream))
        return reader_at_line(
            reader, mmusim__diag_set(reader->diag, MMUSIM_UNREADABLE,
                                     "cannot be read: %s", strerror(errno)));
    return MMUSIM_OK;
}

static mmusim_status_t reader_header(struct curve_reader *reader)
{
    mmusim_status_t status = reader_next(reader);

    if (status)
        return status;
    if (!reader->n_fields)
        return READER_REFUSE(reader, "the file is empty (expected a header "
                                     "line with tlb_of,cpu,size_KiB,...)");
    reader->n_expected = reader->n_fields;
    for (uint32_t column = 0; column < COLUMN_COUNT; column++) {
        uint32_t at = 0;

        while (at < reader->n_fields &&
               strcmp(reader->fields[at], column_names[column]) != 0)
            at++;
        if (at == reader->n_fields)
            return READER_REFUSE(
                reader,
                "column %s is missing (the header must name tlb_of, cpu, "
                "size_KiB, pages_at_4KiB_stride, cycles_stride_64B and "
                "cycles_stride_4K)",
                column_names[column]);
        reader->column_at[column] = at;
    }
    return MMUSIM_OK;
}

static const char *reader_field(const struct curve_reader *reader,
                                enum curve_column column)
{
    return reader->fields[reader->column_at[column]];
}

static mmusim_status_t reader_whole(const struct curve_reader *reader,
                                    enum curve_column column, uint64_t max,
                                    uint64_t *number)
{
    const char *text = reader_field(reader, column);
    char *end;

    errno = 0;
    *number = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno || !*number ||
        *number > max)
        return READER_REFUSE(reader,
                             "%s: '%.40s' (expected a whole number from 1 to "
                             "%llu)",
                             column_names[column], text,
                             (unsigned long long) max);
    return MMUSIM_OK;
}

/* Decimal digits with at most one point: what strtod() takes depends on the
 * locale. */
static bool reader_parse_cycles(const char *text, double *cycles)
{
    double scale = 1;
    bool has_point = false;
    uint32_t n_digits = 0;

    *cycles = 0;
    for (; *text; text++) {
        if (*text == '.' && !has_point) {
            has_point = true;
            continue;
        }
        if (*text < '0' || *text > '9' || ++n_digits > 15)
            return false;
        *cycles = *cycles * 10 + (*text - '0');
        scale *= has_point ? 10 : 1;
    }
    *cycles /= scale;
    return n_digits > 0;
}

/* A latency; empty: 0. */
static mmusim_status_t reader_cycles(const struct curve_reader *reader,
                                     enum curve_column column, double *cycles)
{
    enum { CYCLES_MAX = 1000000 };
    const char *text = reader_field(reader, column);

    *cycles = 0;
    if (!*text)
        return MMUSIM_OK;
    if (!reader_parse_cycles(text, cycles) || *cycles < 0.5 ||
        *cycles > CYCLES_MAX)
        return READER_REFUSE(reader,
                             "%s: '%.40s' (expected a latency in cycles, 0.5 "
                             "to %d, or nothing)",
                             column_names[column], text, CYCLES_MAX);
    return MMUSIM_OK;
}

static char *reader_copy(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = malloc(size);

    if (copy)
        memcpy(copy, text, size);
    return copy;
}

/* The row's CPU, a new one if need be; NULL after a message. */
static struct curve *reader_curve(struct curve_reader *reader)
{
    const char *tlb_of = reader_field(reader, COLUMN_TLB_OF);
    const char *cpu = reader_field(reader, COLUMN_CPU);
    mmusim_curves_t *curves = reader->curves;
    struct curve *curve;

    for (size_t i = curves->n_curves; i-- > 0;) {
        curve = &curves->curves[i];
        if (!strcmp(curve->cpu, cpu) && !strcmp(curve->tlb_of, tlb_of))
            return curve;
    }
    if (!*tlb_of || !*cpu || curves->n_curves == CURVE_CPUS_MAX) {
        READER_REFUSE(reader, "%s",
                      !*tlb_of ? "tlb_of is empty (expected a machine's name)"
                      : !*cpu  ? "cpu is empty (expected the CPU's name)"
                               : "more than 10000 CPUs");
        return NULL;
    }
    if (curves->n_curves == curves->capacity) {
        size_t capacity = curves->capacity ? curves->capacity * 2 : 8;
        struct curve *grown =
            realloc(curves->curves, capacity * sizeof(*grown));

        if (!grown) {
            reader_no_memory(reader);
            return NULL;
        }
        curves->curves = grown;
        curves->capacity = capacity;
    }
    curve = &curves->curves[curves->n_curves++];
    *curve = (struct curve){.tlb_of = reader_copy(tlb_of),
                            .cpu = reader_copy(cpu),
                            .line = reader->line};
    if (curve->tlb_of && curve->cpu)
        return curve;
    reader_no_memory(reader);
    return NULL;
}

static mmusim_status_t reader_add_point(struct curve_reader *reader,
                                        const struct curve_point *point)
{
    struct curve *curve = reader_curve(reader);

    if (!curve)
        return reader->diag ? reader->diag->status : MMUSIM_DAMAGED;
    if (curve->n_points &&
        curve->points[curve->n_points - 1].size_kib >= point->size_kib)
        return READER_REFUSE(
            reader, "size_KiB %llu after %llu (the sizes of a CPU must ascend)",
            (unsigned long long) point->size_kib,
            (unsigned long long) curve->points[curve->n_points - 1].size_kib);
    if (curve->n_points == curve->capacity) {
        size_t capacity = curve->capacity ? curve->capacity * 2 : 32;
        struct curve_point *grown =
            realloc(curve->points, capacity * sizeof(*grown));

        if (!grown)
            return reader_no_memory(reader);
        curve->points = grown;
        curve->capacity = capacity;
    }
    curve->points[curve->n_points++] = *point;
    return MMUSIM_OK;
}

static mmusim_status_t reader_row(struct curve_reader *reader)
{
    struct curve_point point = {.line = reader->line};
    uint64_t pages;
    mmusim_status_t status;

    if (reader->n_fields != reader->n_expected)
        return READER_REFUSE(reader, "%u fields (the header has %u)",
                             reader->n_fields, reader->n_expected);
    if (++reader->n_rows > CURVE_ROWS_MAX)
        return READER_REFUSE(reader, "more than %d rows", CURVE_ROWS_MAX);
    status = reader_whole(reader, COLUMN_SIZE, CURVE_KIB_MAX, &point.size_kib);
    if (!status)
        status = reader_whole(reader, COLUMN_PAGES, CURVE_KIB_MAX / 4, &pages);
    if (!status)
        status = reader_cycles(reader, COLUMN_64B, &point.cycles_64b);
    if (!status)
        status = reader_cycles(reader, COLUMN_4K, &point.cycles_4k);
    if (status)
        return status;
    if (pages * 4 != point.size_kib)
        return READER_REFUSE(reader,
                             "pages_at_4KiB_stride is %llu (%llu KiB are %llu "
                             "pages and %llu KiB)",
                             (unsigned long long) pages,
                             (unsigned long long) point.size_kib,
                             (unsigned long long) point.size_kib / 4,
                             (unsigned long long) point.size_kib % 4);
    return reader_add_point(reader, &point);
}

/* Whether each CPU has the points that a fit and a comparison need. */
static mmusim_status_t reader_check(struct curve_reader *reader)
{
    if (!reader->curves->n_curves)
        return READER_REFUSE(reader, "no row after the header (expected one "
                                     "for each point)");
    for (size_t i = 0; i < reader->curves->n_curves; i++) {
        const struct curve *curve = &reader->curves->curves[i];
        size_t n_64b = 0, n_4k = 0;

        for (size_t k = 0; k < curve->n_points; k++) {
            n_64b += curve->points[k].cycles_64b > 0;
            n_4k += curve->points[k].cycles_4k > 0;
        }
        reader->line = curve->line;
        if (n_64b < CURVE_POINTS_MIN || n_4k < CURVE_POINTS_MIN)
            return READER_REFUSE(
                reader,
                "'%.60s' has %zu points of 64-byte and %zu of 4-KiB stride (at "
                "least %d of each are needed)",
                curve->cpu, n_64b, n_4k, CURVE_POINTS_MIN);
    }
    return MMUSIM_OK;
}

static mmusim_status_t reader_run(struct curve_reader *reader)
{
    mmusim_status_t status = reader_header(reader);

    while (!status) {
        status = reader_next(reader);
        if (!status && !reader->n_fields)
            return reader_check(reader);
        if (!status)
            status = reader_row(reader);
    }
    return status;
}

mmusim_status_t mmusim_curves_load(const char *path, mmusim_curves_t **curves,
                                   mmusim_diag_t *diag)
{
    mmusim_diag_t unwanted;
    struct curve_reader *reader = calloc(1, sizeof(*reader));
    mmusim_status_t status = MMUSIM_NOMEM;

    *curves = NULL;
    if (!reader)
        return mmusim__diag_set(diag, MMUSIM_NOMEM, "out of memory");
    reader->path = path;
    reader->diag = diag ? diag : &unwanted;
    reader->curves = calloc(1, sizeof(*reader->curves));
    reader->stream = fopen(path, "rb");
    if (!reader->stream) {
        status = mmusim__diag_set(diag, MMUSIM_UNREADABLE,
                                  "cannot be opened: %s", strerror(errno));
        mmusim__diag_at_line(diag, path, 0);
    } else if (reader->curves) {
        status = reader_run(reader);
    } else {
        status = reader_no_memory(reader);
    }
    if (reader->stream)
        fclose(reader->stream);
    if (status)
        mmusim_curves_destroy(reader->curves);
    else
        *curves = reader->curves;
    free(reader);
    return status;
}

void mmusim_curves_destroy(mmusim_curves_t *curves)
{
    if (!curves)
        return;
    for (size_t i = 0; i < curves->n_curves; i++) {
        free(curves->curves[i].tlb_of);
        free(curves->curves[i].cpu);
        free(curves->curves[i].points);
    }
    free(curves->curves);
    free(curves);
}

size_t mmusim_curves_count(const mmusim_curves_t *curves)
{
    return curves->n_curves;
}

bool mmusim_curves_at(const mmusim_curves_t *curves, size_t index,
                      mmusim_curve_t *curve)
{
    const struct curve *at;

    if (index >= curves->n_curves)
        return false;
    at = &curves->curves[index];
    *curve = (mmusim_curve_t){at->tlb_of, at->cpu, at->line, at->n_points};
    return true;
}
