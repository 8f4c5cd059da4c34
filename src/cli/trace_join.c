/* SPDX-License-Identifier: MIT */
/* mmusim trace cut and merge. */
#include "cli/trace_join.h"

#include "cli/cli.h"

#include <stdlib.h>

static void join_tell(void *context, const char *line)
{
    const struct trace_output *what = context;

    cli_note("%s: %s", what->path, line);
}

static void join_tell_input(void *context, const char *line)
{
    (void) context;
    cli_note("%s", line);
}

/* Errors that are not of a file are of the command line. */
static int join_diag(const struct trace_output *what, const mmusim_diag_t *diag)
{
    if (!diag->file[0] && diag->status == MMUSIM_USAGE)
        return cli_error(CLI_USAGE, "%s: %s", what->path, diag->text);
    return cli_diag(diag);
}

int trace_cut_write(const struct trace_output *what,
                    const mmusim_trace_cut_t *options)
{
    mmusim_trace_cut_t cut = *options;
    mmusim_trace_t *trace = NULL;
    mmusim_trace_t *made = NULL;
    mmusim_diag_t diag = {0};
    int status = trace_output_check(what);

    if (status)
        return status;
    if (mmusim_trace_open(what->path, &what->open, &trace, &diag))
        return cli_diag(&diag);
    cli_warn_incomplete(what->path, trace);
    cut.tell = join_tell;
    cut.context = (void *) (uintptr_t) what;
    if (mmusim_trace_cut(trace, &cut, &made, &diag))
        status = join_diag(what, &diag);
    mmusim_trace_close(trace);
    if (!status)
        status = trace_output_write_trace(what, made);
    mmusim_trace_close(made);
    return status;
}

static int join_open_all(const struct trace_output *what, char *const *paths,
                         size_t n, mmusim_trace_t **traces)
{
    for (size_t i = 0; i < n; i++) {
        struct trace_output input = *what;
        mmusim_diag_t diag = {0};
        int status;

        input.path = paths[i];
        status = trace_output_check(&input);
        if (status)
            return status;
        if (mmusim_trace_open(paths[i], &what->open, &traces[i], &diag))
            return cli_diag(&diag);
        cli_warn_incomplete(paths[i], traces[i]);
    }
    return 0;
}

int trace_merge_write(const struct trace_output *what,
                      const mmusim_trace_merge_t *options, char *const *paths,
                      size_t n)
{
    mmusim_trace_merge_t merge = *options;
    mmusim_trace_t **traces = calloc(n + 1, sizeof(mmusim_trace_t *));
    mmusim_trace_t *made = NULL;
    mmusim_diag_t diag = {0};
    int status;

    if (!traces)
        return cli_error(CLI_SYSTEM, "out of memory");
    merge.tell = join_tell_input;
    status = join_open_all(what, paths, n, traces);
    if (!status && mmusim_trace_merge(traces, n, &merge, &made, &diag))
        status = cli_diag(&diag);
    for (size_t i = 0; i < n; i++)
        mmusim_trace_close(traces[i]);
    free(traces);
    if (!status)
        status = trace_output_write_trace(what, made);
    mmusim_trace_close(made);
    return status;
}
