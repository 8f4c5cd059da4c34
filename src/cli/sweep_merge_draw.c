/* SPDX-License-Identifier: MIT */
/*
 * The points of a store as those of a sweep without one: the keys "machine" and
 * "source" come first, if there are several.
 */
#include "cli/sweep_merge_draw.h"

#include "cli/run_setup.h"
#include "cli/sweep_html.h"
#include "cli/sweep_plot.h"

#include <stdlib.h>
#include <string.h>

enum { DRAW_NAMES_BYTES = 512 };

static const char draw_report_out[] = "--report";
static const char draw_plot_out[] = "--plot";

/* A store's sweep in the form of the others. */
struct draw_sweep {
    struct sweep_merge *merge;
    struct sweep_plan plan; /* borrows the store's keys and values */
    struct sweep_result result;
    char *machine_names[STORE_MACHINES_MAX];
    char *source_names[STORE_SOURCES_MAX];
    char machines[DRAW_NAMES_BYTES];
    char sources[DRAW_NAMES_BYTES];
};

int merge_draw_option(struct merge_draw *draw, const char *option,
                      const char *path)
{
    if (!strcmp(option, "report"))
        return output_set_add(&draw->outputs, draw_report_out, path);
    if (!strcmp(option, "plot"))
        return output_set_add(&draw->outputs, draw_plot_out, path);
    return -1;
}

bool merge_draw_is_wanted(const struct merge_draw *draw)
{
    return draw->outputs.n != 0;
}

void merge_draw_fini(struct merge_draw *draw)
{
    html_page_free(&draw->page);
}

static void draw_join(char *text, const char *name)
{
    size_t length = strlen(text);

    snprintf(text + length, DRAW_NAMES_BYTES - length, "%s%s",
             length ? ", " : "", name);
}

static void draw_add_axis(struct sweep_plan *plan, const char *key,
                          char **values, size_t n)
{
    plan->axes[plan->n_axes++] = (struct sweep_axis){
        .key = (char *) (uintptr_t) key, .values = values, .n_values = n};
}

static int draw_make_plan(struct draw_sweep *draw)
{
    const struct store_plan *store = draw->merge->plan;
    size_t n_axes =
        store->grid.n_axes + (store->n_machines > 1) + (store->n_sources > 1);

    if (n_axes > SWEEP_AXES_MAX)
        return cli_error(CLI_USAGE, "sweep merge: more than %d keys",
                         SWEEP_AXES_MAX);
    for (size_t i = 0; i < store->n_machines; i++) {
        draw->machine_names[i] = store->machines[i].name;
        draw_join(draw->machines, store->machines[i].name);
    }
    for (size_t i = 0; i < store->n_sources; i++) {
        draw->source_names[i] = store->sources[i].name;
        draw_join(draw->sources, store->sources[i].name);
    }
    if (store->n_machines > 1)
        draw_add_axis(&draw->plan, "machine", draw->machine_names,
                      store->n_machines);
    if (store->n_sources > 1)
        draw_add_axis(&draw->plan, "source", draw->source_names,
                      store->n_sources);
    for (size_t i = 0; i < store->grid.n_axes; i++)
        draw->plan.axes[draw->plan.n_axes++] = store->grid.axes[i];
    draw->plan.n_points = store->n_points;
    return 0;
}

/* The point's number in the plan made above. */
static size_t draw_point(const struct store_plan *store, size_t point)
{
    struct store_place place = store_plan_place(store, point);

    return (place.machine * store->n_sources + place.source) *
               store->grid.n_points +
           place.grid_point;
}

/* Fills the result; how many points there are. */
static int draw_read(struct draw_sweep *draw, size_t *n_done)
{
    struct sweep_rows rows = sweep_merge_rows(draw->merge);
    int status = 0;

    if (!sweep_result_init(&draw->result, rows.n, draw->merge->metric,
                           MMUSIM_STATS_SUMS))
        return cli_error(CLI_SYSTEM, "out of memory");
    for (size_t i = 0; !status && i < rows.n; i++) {
        mmusim_diag_t diag = {0};
        struct sweep_row row;

        if (!rows.schema(rows.context, i))
            continue;
        ++*n_done;
        status = rows.row(rows.context, i, &row);
        if (!status &&
            sweep_result_put(&draw->result, draw_point(draw->merge->plan, i),
                             &row, &diag))
            status = cli_diag(&diag);
    }
    return status;
}

static int draw_files(struct merge_draw *outputs, const struct draw_sweep *draw,
                      const struct sweep_report *report)
{
    FILE *page = output_set_stream(&outputs->outputs, draw_report_out);
    FILE *plot = output_set_stream(&outputs->outputs, draw_plot_out);
    struct sweep_html html = {
        {"sweep", outputs->command, draw->merge->plan->machines[0].config},
        report};

    if (page && !sweep_html_write(&outputs->page, &html, page))
        return cli_error(CLI_SYSTEM, "out of memory");
    if (!plot)
        return 0;
    return sweep_plot_write(
        report, output_set_path(&outputs->outputs, draw_plot_out), plot);
}

static int draw_report(struct merge_draw *outputs, struct draw_sweep *draw)
{
    const struct store_plan *store = draw->merge->plan;
    char default_text[DRAW_NAMES_BYTES];
    struct sweep_rows rows = sweep_merge_rows(draw->merge);
    struct run_keys keys;
    int status = run_keys_init(&keys, store->machines[0].config);
    struct sweep_report report = {
        .plan = &draw->plan,
        .result = &draw->result,
        .run = {draw->machines, draw->sources, keys.keys, keys.n},
        .default_text = default_text,
    };

    if (status)
        return status;
    draw->result.schemas = rows.schemas(rows.context); /* borrowed */
    /* of several machines or sources, none is */
    report.default_row =
        sweep_find_default(&draw->plan, store->machines[0].config, default_text,
                           sizeof(default_text));
    status = draw_files(outputs, draw, &report);
    draw->result.schemas = NULL;
    run_keys_fini(&keys);
    return status;
}

/* What is needed is looked for before anything is read. */
static int draw_prepare(struct merge_draw *outputs, struct draw_sweep *draw)
{
    const char *plot = output_set_path(&outputs->outputs, draw_plot_out);
    int status = output_set_check(&outputs->outputs, "sweep merge", NULL);

    if (!status)
        status = draw_make_plan(draw);
    if (!status && plot)
        status = sweep_plot_check(&draw->plan, plot);
    if (status || !output_set_path(&outputs->outputs, draw_report_out))
        return status;
    status = sweep_html_check(&draw->plan);
    return status ? status : html_page_load(&outputs->page);
}

int merge_draw_write(struct merge_draw *outputs, struct sweep_merge *merge)
{
    struct draw_sweep *draw;
    size_t n_done = 0;
    int status;

    if (!merge_draw_is_wanted(outputs))
        return 0;
    draw = calloc(1, sizeof(*draw));
    if (!draw)
        return cli_error(CLI_SYSTEM, "out of memory");
    draw->merge = merge;
    status = draw_prepare(outputs, draw);
    if (!status)
        status = output_set_open(&outputs->outputs);
    if (!status) {
        status = draw_read(draw, &n_done);
        if (!status && !n_done)
            status = cli_error(CLI_INPUT, "sweep merge: no point has finished");
        if (!status)
            status = draw_report(outputs, draw);
        status = output_set_end(&outputs->outputs, status);
    }
    sweep_result_fini(&draw->result);
    free(merge->values);
    merge->values = NULL;
    merge->n_values = 0;
    free(draw);
    return status;
}
