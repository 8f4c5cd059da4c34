/* SPDX-License-Identifier: MIT */
/* mmusim trace convert, cut and cat: from any format into one of ours or
 * another, packed as the output's name says. */
#include "cli/trace_output.h"

#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

const char *const trace_output_forms[] = {
    "gzip", "zstd", "native", "text", "lackey", "champsim", NULL};

/* ---- while it is read ---- */

static int output_watch(void *context, uint64_t done_bytes, uint64_t all_bytes)
{
    cli_progress_update(context, done_bytes, all_bytes, 0);
    return cli_is_interrupted();
}

static void output_tell(void *context, const char *line)
{
    const struct trace_output *what = context;

    cli_note("%s: %s", what->path, line);
}

/* ---- native ---- */

bool trace_output_is_native(const struct trace_output *what)
{
    return !strcmp(what->to, "gzip") || !strcmp(what->to, "zstd") ||
           !strcmp(what->to, "native");
}

int trace_output_check(const struct trace_output *what)
{
    if (trace_output_is_native(what) &&
        (!what->output || !strcmp(what->output, "-")))
        return cli_error(CLI_USAGE,
                         "%s: -o FILE is missing (a native trace "
                         "goes into a file)",
                         what->command);
    return cli_output_refuse_input(what->output, what->path);
}

static const char *output_codec(const struct trace_output *what)
{
    return strcmp(what->to, "native") ? what->to : "gzip";
}

static int output_native(const struct trace_output *what,
                         const mmusim_trace_options_t *open)
{
    const mmusim_trace_conversion_t conversion = {
        .from = what->path,
        .options = open,
        .selection = what->selection,
        .to = what->output,
        .codec = output_codec(what),
        .level = what->level,
        .tell = output_tell,
        .context = (void *) (uintptr_t) what};
    mmusim_diag_t diag = {0};

    if (mmusim_trace_convert_file(&conversion, &diag))
        return cli_diag(&diag);
    return 0;
}

/* ---- other formats ---- */

static int output_write_bytes(void *context, const char *bytes, size_t n_bytes)
{
    return cli_is_interrupted() ||
           fwrite(bytes, 1, n_bytes, context) != n_bytes;
}

static const char *output_packing(const char *path)
{
    static const struct {
        const char *suffix;
        const char *packing;
    } rows[] = {{".gz", "gzip"}, {".xz", "xz"}, {".zst", "zstd"}};
    const char *dot = path ? strrchr(path, '.') : NULL;

    for (size_t i = 0; dot && i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (!strcmp(dot, rows[i].suffix))
            return rows[i].packing;
    }
    return NULL;
}

static int output_foreign(const struct trace_output *what,
                          mmusim_trace_t *trace)
{
    mmusim_trace_target_t to = {.format = what->to,
                                .packing = output_packing(what->output),
                                .selection = what->selection,
                                .write = output_write_bytes};
    mmusim_diag_t diag = {0};
    int status = 0;
    struct cli_output *output = cli_output_open(what->output, &status);

    if (!output)
        return status;
    to.context = cli_output_stream(output);
    if (mmusim_trace_export(trace, &to, &diag)) {
        cli_output_abandon(output);
        if (cli_is_interrupted())
            return CLI_INTERRUPTED;
        if (!diag.file[0] && diag.status == MMUSIM_USAGE)
            return cli_error(CLI_USAGE, "%s: %s", what->path, diag.text);
        if (!diag.file[0] && diag.status == MMUSIM_SYSTEM)
            return cli_error(CLI_SYSTEM, "%s: %s",
                             what->output ? what->output : "standard output",
                             diag.text);
        return cli_diag(&diag);
    }
    status = cli_output_close(output);
    if (!status && to.note[0])
        cli_note("%s: %s", what->output ? what->output : "-", to.note);
    return status;
}

static int output_open(const struct trace_output *what,
                       const mmusim_trace_options_t *open)
{
    mmusim_diag_t diag = {0};
    mmusim_trace_t *trace;
    int status;

    if (mmusim_trace_open(what->path, open, &trace, &diag))
        return cli_diag(&diag);
    cli_warn_incomplete(what->path, trace);
    status = output_foreign(what, trace);
    mmusim_trace_close(trace);
    return status;
}

int trace_output_write_trace(const struct trace_output *what,
                             mmusim_trace_t *trace)
{
    mmusim_diag_t diag = {0};

    cli_catch_interrupts();
    if (!trace_output_is_native(what))
        return output_foreign(what, trace);
    if (mmusim_trace_convert(trace, what->selection, what->output,
                             output_codec(what), what->level, &diag))
        return cli_diag(&diag);
    return 0;
}

int trace_output_write(const struct trace_output *what)
{
    mmusim_trace_options_t open = what->open;
    struct cli_progress *progress;
    int status = trace_output_check(what);

    if (status)
        return status;
    cli_catch_interrupts();
    progress = cli_progress_begin("reading", 0);
    open.watch = output_watch;
    open.watch_context = progress;
    status = trace_output_is_native(what) ? output_native(what, &open)
                                          : output_open(what, &open);
    cli_progress_end(progress);
    return status;
}
