/* SPDX-License-Identifier: MIT */
/*
 * CSV and JSON of one machine and one source are those of a sweep without a
 * store; of several, each row says which. Rows are read as they are written,
 * so that memory does not grow with the points.
 */
#include "cli/sweep_merge.h"

#include "cli/json_out.h"
#include "cli/run_setup.h"
#include "cli/sweep_report.h"

#include <stdlib.h>
#include <string.h>

enum { MERGE_REPORTS_MAX = 20 /* for reading; longer goes into CSV */ };

/* ---- rows ---- */

static struct sweep_schema *merge_schema(void *context, size_t point)
{
    const struct sweep_merge *merge = context;
    const struct store_state *state = merge->state;

    return state->status[point] == STORE_DONE
               ? state->schemas[state->names[point]]
               : NULL;
}

static struct sweep_schema *merge_schemas(void *context)
{
    const struct sweep_merge *merge = context;
    const struct store_state *state = merge->state;

    return state->n_schemas ? state->schemas[state->n_schemas - 1] : NULL;
}

static int merge_row(void *context, size_t point, struct sweep_row *row)
{
    struct sweep_merge *merge = context;
    struct sweep_schema *schema = merge_schema(merge, point);

    if (merge->n_values < schema->n + 1) {
        uint64_t *grown =
            realloc(merge->values, (schema->n + 1) * sizeof(*grown));

        if (!grown)
            return cli_error(CLI_SYSTEM, "out of memory");
        merge->values = grown;
        merge->n_values = schema->n + 1;
    }
    *row = (struct sweep_row){schema, merge->values};
    return store_state_values(merge->state, point, merge->values);
}

static const char *merge_head(void *context, size_t point, size_t i)
{
    const struct sweep_merge *merge = context;
    struct store_place place = store_plan_place(merge->plan, point);

    if (!i && merge->plan->n_machines > 1)
        return merge->plan->machines[place.machine].name;
    return merge->plan->sources[place.source].name;
}

struct sweep_rows sweep_merge_rows(struct sweep_merge *merge)
{
    struct sweep_rows rows = {.plan = &merge->plan->grid,
                              .n = merge->plan->n_points,
                              .context = merge,
                              .head = merge_head,
                              .schema = merge_schema,
                              .schemas = merge_schemas,
                              .row = merge_row};

    if (merge->plan->n_machines > 1)
        rows.heads[rows.n_heads++] = "machine";
    if (merge->plan->n_sources > 1)
        rows.heads[rows.n_heads++] = "source";
    return rows;
}

/* ---- json ---- */

static int merge_json_config(const struct store_machine *machine, FILE *file)
{
    struct run_keys keys;
    int status = run_keys_init(&keys, machine->config);
    mmusim_stats_run_t run = {machine->name, "", keys.keys, keys.n};

    if (!status)
        (void) mmusim_stats_write_config(&run, run_write_file, file);
    run_keys_fini(&keys);
    return status;
}

/* One machine's fields, or of several a list. */
static int merge_json_machines(const struct store_plan *plan, FILE *file)
{
    int status = 0;

    if (plan->n_machines == 1) {
        fputs("  ", file);
        json_file_member(file, "machine", plan->machines[0].name);
        return 0;
    }
    fputs("  \"machines\": [", file);
    for (size_t i = 0; !status && i < plan->n_machines; i++) {
        fprintf(file, "%s\n    {\"machine\": ", i ? "," : "");
        json_file_text(file, plan->machines[i].name);
        fputs(", \"config\": ", file);
        status = merge_json_config(&plan->machines[i], file);
        fputc('}', file);
    }
    fputs("\n  ]", file);
    return status;
}

static void merge_json_sources(const struct store_plan *plan, FILE *file)
{
    if (plan->n_sources == 1) {
        fputs(",\n  ", file);
        json_file_member(file, "source", plan->sources[0].name);
        return;
    }
    fputs(",\n  \"sources\": [", file);
    for (size_t i = 0; i < plan->n_sources; i++) {
        fputs(i ? ", " : "", file);
        json_file_text(file, plan->sources[i].name);
    }
    fputc(']', file);
}

static int merge_json(struct sweep_merge *merge, FILE *file)
{
    struct sweep_rows rows = sweep_merge_rows(merge);
    const struct store_plan *plan = merge->plan;
    int status;

    fputs("{\n  \"schema\": \"mmusim-sweep-1\",\n", file);
    status = merge_json_machines(plan, file);
    merge_json_sources(plan, file);
    if (!status && plan->n_machines == 1) {
        fputs(",\n  \"config\": ", file);
        status = merge_json_config(&plan->machines[0], file);
    }
    fputs(",\n  \"points\": ", file);
    if (!status)
        status = sweep_rows_json(&rows, file);
    fputs("\n}\n", file);
    return status;
}

/* ---- text ---- */

/* The report of one machine and source, as a sweep without a store has it. */
static int merge_text_segment(struct sweep_merge *merge, size_t segment,
                              FILE *file)
{
    const struct store_plan *plan = merge->plan;
    size_t n = plan->grid.n_points;
    size_t first = segment * n;
    struct store_place place = store_plan_place(plan, first);
    struct sweep_result result;
    struct sweep_report report = {
        .plan = &plan->grid,
        .result = &result,
        .run = {plan->machines[place.machine].name,
                plan->sources[place.source].name, NULL, 0},
        .style = merge->style,
    };
    char text[SWEEP_DEFAULT_BYTES];
    int status = 0;

    report.default_text = text;
    report.default_row = sweep_find_default(
        &plan->grid, plan->machines[place.machine].config, text, sizeof(text));
    if (!sweep_result_init(&result, n, merge->metric, MMUSIM_STATS_SUMS))
        status = cli_error(CLI_SYSTEM, "out of memory");
    for (size_t i = 0; !status && i < n; i++) {
        mmusim_diag_t diag = {0};
        struct sweep_row row;

        if (!merge_schema(merge, first + i))
            continue;
        status = merge_row(merge, first + i, &row);
        if (!status && sweep_result_put(&result, i, &row, &diag))
            status = cli_diag(&diag);
    }
    if (!status)
        sweep_print_text(&report, file);
    sweep_result_fini(&result);
    return status;
}

static int merge_text(struct sweep_merge *merge, FILE *file)
{
    size_t n = store_plan_segments(merge->plan);
    int status = 0;

    for (size_t i = 0; !status && i < n && i < MERGE_REPORTS_MAX; i++) {
        if (i)
            fputc('\n', file);
        status = merge_text_segment(merge, i, file);
    }
    if (!status && n > MERGE_REPORTS_MAX)
        fprintf(file,
                "\n... and %zu more pairs of machine and source (--format csv "
                "has all)\n",
                n - MERGE_REPORTS_MAX);
    return status;
}

/* ---- the file ---- */

static int merge_stream(struct sweep_merge *merge)
{
    int status, failed;
    struct cli_output *output = cli_output_open(merge->output, &status);
    struct sweep_rows rows = sweep_merge_rows(merge);
    FILE *file;

    if (!output)
        return status;
    file = cli_output_stream(output);
    if (merge->format == MERGE_CSV)
        status = sweep_rows_csv(&rows, file);
    else if (merge->format == MERGE_JSON)
        status = merge_json(merge, file);
    else
        status = merge_text(merge, file);
    if (status) {
        cli_output_abandon(output);
        return status;
    }
    failed = cli_output_close(output);
    return failed ? failed : status;
}

/* Has the checker found anything in a finished point? */
static int merge_look_for_violations(struct sweep_merge *merge)
{
    for (size_t i = 0; i < merge->plan->n_points; i++) {
        struct sweep_schema *schema = merge_schema(merge, i);
        struct sweep_row row;
        int status;

        for (size_t j = 0; schema && j < schema->n; j++) {
            if (strcmp(schema->names[j], "checker.violations") != 0)
                continue;
            status = merge_row(merge, i, &row);
            if (status)
                return status;
            if (row.values[j])
                return CLI_FOUND;
        }
    }
    return 0;
}

int sweep_merge_write(struct sweep_merge *merge)
{
    int status = merge->format == MERGE_SQLITE ? sweep_merge_sqlite(merge)
                                               : merge_stream(merge);

    if (!status)
        status = merge_look_for_violations(merge);
    free(merge->values);
    merge->values = NULL;
    merge->n_values = 0;
    return status;
}
