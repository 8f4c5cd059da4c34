/* SPDX-License-Identifier: MIT */
/* The table of regions: see region_report.h. */
#include "cli/region_report.h"

#include "cli/replay_report.h"

#include <stdlib.h>
#include <string.h>

enum {
    REGION_TEXT_BYTES = 224,
    REGION_NUMBER_BYTES = 28,
    REGION_NAME_WIDTH = 24, /* at least */
};

struct region_column {
    const char *title;
    int width;
    const char *parts[4]; /* statistics that are summed, ended by NULL */
};

static const struct region_column region_columns[] = {
    {"cycles", 15, {"sim.cycles"}},
    {"accesses", 14, {"sim.accesses"}},
    {"misses", 12, {"llt.misses"}},
    {"walk cycles", 14, {"cycles.walk"}},
    {"faults", 10, {"faults.minor", "faults.major", "faults.cow"}},
    {"flushes", 10, {"flush.local_full", "flush.received_full"}},
    {"shootdowns", 10, {"shootdown.count"}},
};

enum { REGION_COLUMNS = sizeof(region_columns) / sizeof(region_columns[0]) };

struct region_row {
    char name[REGION_TEXT_BYTES];
    uint64_t n;
    uint64_t values[REGION_COLUMNS];
};

/* "region.NAME.INDEX.sim.cycles": "region.NAME.INDEX." into scope, NAME into
 * name; false: another statistic. */
static bool region_parse(const char *statistic, char *scope, char *name)
{
    static const char begin[] = "region.", end[] = ".sim.cycles";
    size_t length = strlen(statistic);
    char *index;

    if (length >= REGION_TEXT_BYTES ||
        strncmp(statistic, begin, sizeof(begin) - 1) ||
        length < sizeof(end) - 1 ||
        strcmp(statistic + length - (sizeof(end) - 1), end))
        return false;
    memcpy(scope, statistic, length + 1);
    scope[length - (sizeof(end) - 1) + 1] = '\0';
    strcpy(name, statistic + sizeof(begin) - 1);
    name[strlen(name) - (sizeof(end) - 1)] = '\0';
    index = strrchr(name, '.');
    if (!index)
        return false;
    *index = '\0';
    return true;
}

static void region_add(const mmusim_stats_t *stats, const char *scope,
                       struct region_row *row)
{
    char statistic[REGION_TEXT_BYTES + 64];

    row->n++;
    for (size_t c = 0; c < REGION_COLUMNS; c++) {
        for (const char *const *part = region_columns[c].parts; *part; part++) {
            snprintf(statistic, sizeof(statistic), "%s%s", scope, *part);
            row->values[c] += report_value(stats, statistic);
        }
    }
}

/* The row of a name, made if need be; NULL: out of memory. */
static struct region_row *region_find(struct region_row **rows, size_t *n_rows,
                                      const char *name)
{
    struct region_row *grown;

    for (size_t i = 0; i < *n_rows; i++) {
        if (!strcmp((*rows)[i].name, name))
            return &(*rows)[i];
    }
    grown = realloc(*rows, (*n_rows + 1) * sizeof(*grown));
    if (!grown)
        return NULL;
    *rows = grown;
    grown = &grown[(*n_rows)++];
    memset(grown, 0, sizeof(*grown));
    strcpy(grown->name, name);
    return grown;
}

/* Of the column of names: the longest has to fit. */
static int region_name_width(const struct region_row *rows, size_t n_rows)
{
    size_t width = REGION_NAME_WIDTH;

    for (size_t i = 0; i < n_rows; i++) {
        size_t length = strlen(rows[i].name);

        width = length > width ? length : width;
    }
    return (int) width;
}

static void region_print_rows(FILE *file, const struct region_row *rows,
                              size_t n_rows)
{
    int width = region_name_width(rows, n_rows);
    char number[REGION_NUMBER_BYTES];

    fprintf(file, "\nRegions, from one mark to the next\n  %-*s %6s", width, "",
            "times");
    for (size_t c = 0; c < REGION_COLUMNS; c++)
        fprintf(file, " %*s", region_columns[c].width, region_columns[c].title);
    fputc('\n', file);
    for (size_t i = 0; i < n_rows; i++) {
        fprintf(file, "  %-*s %6s", width, rows[i].name,
                report_grouped(rows[i].n, number));
        for (size_t c = 0; c < REGION_COLUMNS; c++)
            fprintf(file, " %*s", region_columns[c].width,
                    report_grouped(rows[i].values[c], number));
        fputc('\n', file);
    }
}

void region_report_print(FILE *file, const mmusim_stats_t *stats)
{
    struct region_row *rows = NULL;
    size_t n_rows = 0;
    mmusim_stat_t stat;

    for (size_t i = 0; mmusim_stats_at(stats, i, &stat); i++) {
        char scope[REGION_TEXT_BYTES];
        char name[REGION_TEXT_BYTES];
        struct region_row *row;

        if (!region_parse(stat.name, scope, name))
            continue;
        row = region_find(&rows, &n_rows, name);
        if (row)
            region_add(stats, scope, row);
    }
    if (n_rows)
        region_print_rows(file, rows, n_rows);
    free(rows);
}
