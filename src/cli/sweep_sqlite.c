/* SPDX-License-Identifier: MIT */
/*
 * Points as an SQLite database: table points, a row a point, a column a
 * statistic; tables machines, config and sources beside it. SQLite writes in
 * place, so the database is made as FILE.part and renamed.
 */
#define _GNU_SOURCE
#include "cli/sweep_merge.h"

#include "cli/run_setup.h"
#include "cli/sweep_columns.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MMUSIM_HAS_SQLITE

int sweep_merge_sqlite(struct sweep_merge *merge)
{
    (void) merge;
    return cli_error(CLI_USAGE,
                     "--format sqlite: this build has no SQLite (install "
                     "libsqlite3-dev and build again, or choose csv)");
}

#else

#include <sqlite3.h>

struct merge_database {
    sqlite3 *db;
    const char *path;
    int status;
};

static void database_check(struct merge_database *base, int result)
{
    if (base->status || result == SQLITE_OK || result == SQLITE_DONE ||
        result == SQLITE_ROW)
        return;
    base->status = cli_error(CLI_SYSTEM, "%s: SQLite: %s", base->path,
                             sqlite3_errmsg(base->db));
}

static void database_do(struct merge_database *base, const char *sql)
{
    if (!base->status)
        database_check(base, sqlite3_exec(base->db, sql, NULL, NULL, NULL));
}

static sqlite3_stmt *database_prepare(struct merge_database *base,
                                      const char *sql)
{
    sqlite3_stmt *statement = NULL;

    if (!base->status)
        database_check(base,
                       sqlite3_prepare_v2(base->db, sql, -1, &statement, NULL));
    return statement;
}

static void database_step(struct merge_database *base, sqlite3_stmt *statement)
{
    if (base->status)
        return;
    database_check(base, sqlite3_step(statement));
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
}

static void database_text(sqlite3_stmt *statement, int column, const char *text)
{
    sqlite3_bind_text(statement, column, text, -1, SQLITE_TRANSIENT);
}

/* Whole numbers as such, also in the columns of keys. */
static void database_value(sqlite3_stmt *statement, int column,
                           const char *text)
{
    char *end;
    long long number;

    errno = 0;
    number = strtoll(text, &end, 10);
    if (*text && !*end && !errno)
        sqlite3_bind_int64(statement, column, number);
    else
        database_text(statement, column, text);
}

static void database_put_name(FILE *file, const char *name)
{
    fputs(", \"", file);
    for (; *name; name++) {
        if (*name == '"')
            fputc('"', file);
        fputc(*name, file);
    }
    fputc('"', file);
}

/* "CREATE TABLE points (...)" or "INSERT INTO points VALUES (?, ...)". */
static char *database_points_sql(const struct sweep_rows *rows,
                                 const struct sweep_columns *table,
                                 bool is_insert)
{
    size_t n = 2 + rows->plan->n_axes + table->n;
    char *sql = NULL;
    size_t length;
    FILE *file = open_memstream(&sql, &length);

    if (!file)
        return NULL;
    if (is_insert) {
        fputs("INSERT INTO points VALUES (?", file);
        for (size_t i = 0; i < n; i++)
            fputs(",?", file);
    } else {
        fputs("CREATE TABLE points (point INTEGER PRIMARY KEY, machine TEXT, "
              "source TEXT",
              file);
        for (size_t i = 0; i < rows->plan->n_axes; i++)
            database_put_name(file, rows->plan->axes[i].key);
        for (size_t i = 0; i < table->n; i++)
            database_put_name(file, table->columns[i].name);
    }
    fputs(")", file);
    if (fclose(file)) {
        free(sql);
        sql = NULL;
    }
    return sql;
}

static void database_point(const struct sweep_merge *merge, size_t point,
                           struct sweep_columns *table,
                           const struct sweep_row *row, sqlite3_stmt *statement)
{
    const struct store_plan *plan = merge->plan;
    struct store_place place = store_plan_place(plan, point);
    int column = 1;

    sqlite3_bind_int64(statement, column++, (sqlite3_int64) point);
    database_text(statement, column++, plan->machines[place.machine].name);
    database_text(statement, column++, plan->sources[place.source].name);
    for (size_t i = 0; i < plan->grid.n_axes; i++)
        database_value(statement, column++,
                       sweep_plan_value(&plan->grid, place.grid_point, i));
    sweep_columns_place(table, row);
    for (size_t i = 0; i < table->n; i++, column++) {
        size_t at = table->cell[i];
        uint64_t value = at == SIZE_MAX ? 0 : row->values[at];
        char text[32];

        if (at == SIZE_MAX)
            continue;
        snprintf(text, sizeof(text), "%" PRIu64, value);
        if (row->schema->is_milli[at])
            sqlite3_bind_double(statement, column, (double) value / 1000.0);
        else
            database_value(statement, column, text);
    }
}

static void database_check_columns(struct merge_database *base, size_t n)
{
    int most = sqlite3_limit(base->db, SQLITE_LIMIT_COLUMN, -1);

    if (n > (size_t) most)
        base->status = cli_error(CLI_USAGE,
                                 "--format sqlite: %zu columns, and SQLite "
                                 "takes %d (plan without --per-core, or choose "
                                 "csv)",
                                 n, most);
}

static void database_points(struct merge_database *base,
                            struct sweep_merge *merge)
{
    struct sweep_rows rows = sweep_merge_rows(merge);
    struct sweep_columns table;
    sqlite3_stmt *statement = NULL;
    char *create = NULL, *insert = NULL;

    base->status = sweep_rows_columns(&rows, &table);
    if (!base->status) {
        create = database_points_sql(&rows, &table, false);
        insert = database_points_sql(&rows, &table, true);
        if (!create || !insert)
            base->status = cli_error(CLI_SYSTEM, "out of memory");
    }
    if (!base->status)
        database_check_columns(base, 3 + rows.plan->n_axes + table.n);
    if (!base->status)
        database_do(base, create);
    if (!base->status)
        statement = database_prepare(base, insert);
    for (size_t i = 0; !base->status && i < rows.n; i++) {
        struct sweep_row row;

        if (!rows.schema(rows.context, i))
            continue;
        base->status = rows.row(rows.context, i, &row);
        if (base->status)
            break;
        database_point(merge, i, &table, &row, statement);
        database_step(base, statement);
    }
    sqlite3_finalize(statement);
    free(create);
    free(insert);
    sweep_columns_fini(&table, rows.schemas(rows.context));
}

static void database_config(struct merge_database *base,
                            const struct store_machine *machine,
                            sqlite3_stmt *statement)
{
    struct run_keys keys;

    base->status = run_keys_init(&keys, machine->config);
    for (size_t i = 0; !base->status && i < keys.n; i++) {
        database_text(statement, 1, machine->name);
        database_text(statement, 2, keys.keys[i].key);
        database_value(statement, 3, keys.keys[i].value);
        database_step(base, statement);
    }
    run_keys_fini(&keys);
}

static void database_plan(struct merge_database *base,
                          const struct store_plan *plan)
{
    sqlite3_stmt *statement;
    char text[32];

    database_do(base,
                "CREATE TABLE config (machine TEXT, key TEXT, value);"
                "CREATE TABLE sources (source TEXT, bytes INTEGER, crc32 TEXT,"
                " records INTEGER)");
    statement = database_prepare(base, "INSERT INTO config VALUES (?, ?, ?)");
    for (size_t i = 0; !base->status && i < plan->n_machines; i++)
        database_config(base, &plan->machines[i], statement);
    sqlite3_finalize(statement);
    statement =
        database_prepare(base, "INSERT INTO sources VALUES (?, ?, ?, ?)");
    for (size_t i = 0; !base->status && i < plan->n_sources; i++) {
        const struct store_source *source = &plan->sources[i];

        database_text(statement, 1, source->name);
        if (source->path) {
            snprintf(text, sizeof(text), "%08" PRIx32, source->crc);
            sqlite3_bind_int64(statement, 2, (sqlite3_int64) source->bytes);
            database_text(statement, 3, text);
        }
        sqlite3_bind_int64(statement, 4, (sqlite3_int64) source->records);
        database_step(base, statement);
    }
    sqlite3_finalize(statement);
}

static int database_write(struct sweep_merge *merge, const char *part)
{
    struct merge_database base = {.path = merge->output};

    if (sqlite3_open(part, &base.db))
        base.status = cli_error(CLI_SYSTEM, "%s: SQLite: %s", part,
                                sqlite3_errmsg(base.db));
    database_do(&base, "PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF;"
                       "BEGIN");
    if (!base.status)
        database_points(&base, merge);
    if (!base.status)
        database_plan(&base, merge->plan);
    database_do(&base, "COMMIT");
    sqlite3_close(base.db);
    return base.status;
}

/* SQLite seeks and reads back: no device, no pipe. */
static int database_refuse(const char *path)
{
    struct stat old;

    if (stat(path, &old) || S_ISREG(old.st_mode))
        return 0;
    return cli_error(CLI_SYSTEM,
                     "%s: cannot write: a database must be a regular file "
                     "(choose another name for -o, or csv)",
                     path);
}

static int database_replace(struct sweep_merge *merge, const char *target)
{
    char *part;
    int status;

    if (asprintf(&part, "%s.part", target) < 0)
        return cli_error(CLI_SYSTEM, "out of memory");
    unlink(part);
    status = database_write(merge, part);
    if (!status && rename(part, target))
        status = cli_error(CLI_SYSTEM, "%s: cannot write: %s", merge->output,
                           strerror(errno));
    if (status)
        unlink(part);
    free(part);
    return status;
}

int sweep_merge_sqlite(struct sweep_merge *merge)
{
    char *target;
    int status;

    if (!merge->output || !strcmp(merge->output, "-"))
        return cli_error(CLI_USAGE, "--format sqlite: into which file? (-o)");
    status = database_refuse(merge->output);
    if (status)
        return status;
    target = cli_output_target(merge->output);
    if (!target)
        return cli_error(CLI_SYSTEM, "%s: cannot write: %s", merge->output,
                         strerror(errno));
    status = database_replace(merge, target);
    free(target);
    return status;
}

#endif
