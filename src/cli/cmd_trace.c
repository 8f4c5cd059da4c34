/* SPDX-License-Identifier: MIT */
/* mmusim trace: what a trace holds, whether it is whole, and other forms. */
#include "cli/cli.h"
#include "cli/trace_info.h"
#include "cli/trace_join.h"
#include "cli/trace_output.h"
#include "mmusim/trace.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TRACE_TIDS_MAX = 256 };

struct trace_arguments {
    mmusim_trace_options_t open;
    mmusim_trace_selection_t selection;
    uint32_t tids[TRACE_TIDS_MAX];
    const char *output;
    const char *to; /* one of trace_output_forms */
    uint64_t level;
    const char *path;
    struct trace_info_options info;
    mmusim_trace_cut_t cut;
    mmusim_trace_merge_t merge;
};

static int trace_add_tid(struct trace_arguments *arguments, const char *value)
{
    uint64_t tid;
    int status = cli_number("--thread", value, 0, UINT32_MAX, 0, &tid);

    if (status)
        return status;
    if (arguments->selection.n_tids == TRACE_TIDS_MAX)
        return cli_error(CLI_USAGE, "--thread: at most %d", TRACE_TIDS_MAX);
    arguments->tids[arguments->selection.n_tids++] = (uint32_t) tid;
    arguments->selection.tids = arguments->tids;
    return 0;
}

static int trace_option(void *context, const struct cli_option *option,
                        const char *value)
{
    struct trace_arguments *arguments = context;
    int choice;

    switch (option->letter) {
    case 'o':
        arguments->output = value;
        return 0;
    case 'f':
        arguments->open.format = value;
        return 0;
    case 's':
        arguments->open.salvages = true;
        return 0;
    case 't':
        choice = cli_choice("--to", value, trace_output_forms);
        arguments->to = choice < 0 ? NULL : trace_output_forms[choice];
        return choice < 0 ? CLI_USAGE : 0;
    case 'l':
        return cli_number("--level", value, 1, 19, 0, &arguments->level);
    case 'T':
        return trace_add_tid(arguments, value);
    case 'b':
        return cli_number("--begin", value, 0, UINT64_MAX / 2, 1,
                          &arguments->selection.first_record);
    default:
        return cli_number("--end", value, 1, UINT64_MAX / 2, 1,
                          &arguments->selection.end_record);
    }
}

/* A file may have such a name. */
static int trace_refuse_program(const struct cli_command *self,
                                const char *path)
{
    if (strncmp(path, "workload:", strlen("workload:")) != 0 ||
        !access(path, F_OK))
        return -1;
    return cli_error(CLI_USAGE,
                     "%s: takes a trace, not a generated program, as %s is "
                     "(replay and sweep take those)",
                     self->name, path);
}

static int trace_parse(const struct cli_command *self, int argc, char **argv,
                       int (*on_option)(void *context,
                                        const struct cli_option *option,
                                        const char *value),
                       struct trace_arguments *arguments)
{
    int first;
    int status = cli_parse(self, argc, argv, on_option, arguments, &first);

    if (status >= 0)
        return status;
    if (first + 1 != argc)
        return cli_error(CLI_USAGE,
                         "%s: takes one trace (see mmusim %s --help)",
                         self->name, self->name);
    arguments->path = argv[first];
    return trace_refuse_program(self, arguments->path);
}

static int trace_info_option(void *context, const struct cli_option *option,
                             const char *value)
{
    static const char *const forms[] = {"text", "json", NULL};
    struct trace_arguments *arguments = context;
    int choice;

    switch (option->letter) {
    case 'F':
        choice = cli_choice("--format", value, forms);
        arguments->info.is_json = choice == 1;
        return choice < 0 ? CLI_USAGE : 0;
    case 'r':
        return cli_number("--regions", value, 0, 1 << 20, 0,
                          &arguments->info.n_regions);
    case 'w':
        return cli_number("--windows", value, 1, 256, 0,
                          &arguments->info.n_windows);
    default:
        return trace_option(context, option, value);
    }
}

static int trace_info(const struct cli_command *self, int argc, char **argv)
{
    struct trace_arguments arguments = {
        .info = {.n_regions = TRACE_INFO_DEFAULT,
                 .n_windows = TRACE_INFO_DEFAULT}};
    mmusim_trace_t *trace;
    mmusim_diag_t diag = {0};
    int status = trace_parse(self, argc, argv, trace_info_option, &arguments);

    if (status >= 0)
        return status;
    if (mmusim_trace_open(arguments.path, &arguments.open, &trace, &diag))
        return cli_diag(&diag);
    cli_warn_incomplete(arguments.path, trace);
    status = trace_info_print(trace, arguments.path, &arguments.info);
    mmusim_trace_close(trace);
    return status;
}

static void trace_print_damage(void *context, const mmusim_diag_t *diag)
{
    char text[1024];

    (void) context;
    mmusim_diag_format(diag, text, sizeof(text));
    printf("%s\n", text);
}

static int trace_verify(const struct cli_command *self, int argc, char **argv)
{
    struct trace_arguments arguments = {0};
    mmusim_diag_t diag = {0};
    uint64_t n_damaged = 0;
    int status = trace_parse(self, argc, argv, trace_option, &arguments);

    if (status >= 0)
        return status;
    if (mmusim_trace_verify_as(arguments.path, &arguments.open,
                               trace_print_damage, NULL, &n_damaged, &diag))
        return cli_diag(&diag);
    return n_damaged ? CLI_FOUND : CLI_OK;
}

static int trace_write(const struct cli_command *self,
                       const struct trace_arguments *arguments, const char *to)
{
    const struct trace_output what = {.command = self->name,
                                      .path = arguments->path,
                                      .output = arguments->output,
                                      .to = to,
                                      .level = (int) arguments->level,
                                      .open = arguments->open,
                                      .selection = &arguments->selection};

    return trace_output_write(&what);
}

static int trace_cat(const struct cli_command *self, int argc, char **argv)
{
    struct trace_arguments arguments = {0};
    int status = trace_parse(self, argc, argv, trace_option, &arguments);

    return status >= 0 ? status : trace_write(self, &arguments, "text");
}

static int trace_convert(const struct cli_command *self, int argc, char **argv)
{
    struct trace_arguments arguments = {.to = "gzip"};
    int status = trace_parse(self, argc, argv, trace_option, &arguments);

    return status >= 0 ? status : trace_write(self, &arguments, arguments.to);
}

static int trace_cut_option(void *context, const struct cli_option *option,
                            const char *value)
{
    struct trace_arguments *arguments = context;

    switch (option->letter) {
    case 'B':
        return cli_number("--begin-instructions", value, 0, UINT64_MAX / 2, 1,
                          &arguments->cut.begin_instructions);
    case 'E':
        return cli_number("--end-instructions", value, 1, UINT64_MAX / 2, 1,
                          &arguments->cut.end_instructions);
    case 'm':
        arguments->cut.from_mark = value;
        return 0;
    case 'M':
        arguments->cut.to_mark = value;
        return 0;
    case 'p':
        arguments->merge.is_same_process = true;
        return 0;
    default:
        return trace_option(context, option, value);
    }
}

static struct trace_output
trace_output_of(const struct cli_command *self,
                const struct trace_arguments *arguments)
{
    return (struct trace_output){.command = self->name,
                                 .path = arguments->path,
                                 .output = arguments->output,
                                 .to = arguments->to,
                                 .level = (int) arguments->level,
                                 .open = arguments->open};
}

static int trace_cut(const struct cli_command *self, int argc, char **argv)
{
    struct trace_arguments arguments = {.to = "gzip"};
    int status = trace_parse(self, argc, argv, trace_cut_option, &arguments);
    struct trace_output what;

    if (status >= 0)
        return status;
    arguments.cut.selection = &arguments.selection;
    what = trace_output_of(self, &arguments);
    return trace_cut_write(&what, &arguments.cut);
}

static int trace_merge(const struct cli_command *self, int argc, char **argv)
{
    struct trace_arguments arguments = {.to = "gzip"};
    int first;
    int status =
        cli_parse(self, argc, argv, trace_cut_option, &arguments, &first);
    struct trace_output what;

    if (status >= 0)
        return status;
    if (first >= argc)
        return cli_error(CLI_USAGE, "%s: takes traces (see mmusim %s --help)",
                         self->name, self->name);
    what = trace_output_of(self, &arguments);
    return trace_merge_write(&what, &arguments.merge, argv + first,
                             (size_t) (argc - first));
}

static int trace_print_format(void *context,
                              const mmusim_trace_format_item_t *item)
{
    (void) context;
    if (!item->option)
        printf("%-20s  %s\n", item->name, item->help);
    else
        printf("    %-16s  %s; %" PRIu64 " to %" PRIu64 ", default %" PRIu64
               "\n",
               item->option, item->help, item->min, item->max, item->dflt);
    return 0;
}

static int trace_formats(const struct cli_command *self, int argc, char **argv)
{
    int first;
    int status = cli_parse(self, argc, argv, NULL, NULL, &first);

    if (status >= 0)
        return status;
    if (first != argc)
        return cli_error(CLI_USAGE, "%s: takes no argument", self->name);
    mmusim_trace_format_each(trace_print_format, NULL);
    return 0;
}

#define TRACE_FROM_OPTION                                                      \
    {                                                                          \
        "from", 'f', "FORMAT",                                                 \
            "of the trace, instead of by content; options may follow:\n"       \
            "lackey,thread=2 (`mmusim trace formats` lists all)"               \
    }
#define TRACE_OPEN_OPTIONS                                                     \
    TRACE_FROM_OPTION,                                                         \
    {                                                                          \
        "salvage", 's', NULL,                                                  \
            "skip damaged blocks; of other formats, keep what comes\n"         \
            "before damage"                                                    \
    }
#define TRACE_OUTPUT_OPTION                                                    \
    {                                                                          \
        "output", 'o', "FILE",                                                 \
            "where to write (default for text: standard output)"               \
    }
#define TRACE_SELECTION_OPTIONS                                                \
    {"thread", 'T', "TID", "only this thread; may be repeated"},               \
        {"begin", 'b', "N", "from record N of each thread on, from 0"},        \
    {                                                                          \
        "end", 'e', "N", "up to before record N of each thread"                \
    }
#define TRACE_FORM_OPTIONS                                                     \
    {"to", 't', "FORM",                                                        \
     "native, packed by gzip (default) or zstd; text; lackey or\n"             \
     "champsim (one thread), packed if FILE ends in .gz, .xz or\n.zst"},       \
    {                                                                          \
        "level", 'l', "N", "of compression"                                    \
    }

static const struct cli_option trace_info_options[] = {
    TRACE_OPEN_OPTIONS,
    {"format", 'F', "FORMAT", "text (default) or json"},
    {"regions", 'r', "N",
     "list the N busiest MiB of addresses (default 16; of json\nall)"},
    {"windows", 'w', "N",
     "at most N windows of the working set (default 20; of json\n256)"},
    {0}};
static const struct cli_option trace_verify_options[] = {TRACE_FROM_OPTION,
                                                         {0}};
static const struct cli_option trace_cat_options[] = {
    TRACE_OPEN_OPTIONS, TRACE_OUTPUT_OPTION, TRACE_SELECTION_OPTIONS, {0}};
static const struct cli_option trace_convert_options[] = {
    TRACE_OPEN_OPTIONS,
    TRACE_OUTPUT_OPTION,
    TRACE_FORM_OPTIONS,
    {"thread", 'T', "TID", "only this thread; may be repeated"},
    {0}};
static const struct cli_option trace_formats_options[] = {{0}};
static const struct cli_option trace_cut_options[] = {
    TRACE_OPEN_OPTIONS,
    TRACE_OUTPUT_OPTION,
    TRACE_FORM_OPTIONS,
    TRACE_SELECTION_OPTIONS,
    {"begin-instructions", 'B', "N",
     "from instruction N of each thread on, from 0 (K, M, G)"},
    {"end-instructions", 'E', "N", "up to before instruction N of each thread"},
    {"from-mark", 'm', "MARK", "from the mark NAME or NAME.INDEX on"},
    {"to-mark", 'M', "MARK", "up to before this mark"},
    {0}};
static const struct cli_option trace_merge_options[] = {
    TRACE_OPEN_OPTIONS,
    TRACE_OUTPUT_OPTION,
    TRACE_FORM_OPTIONS,
    {"same-process", 'p', NULL,
     "the traces are of one process: one address space"},
    {0}};

static const struct cli_command trace_info_command = {
    .name = "trace info",
    .usage = "TRACE",
    .summary = "what a trace holds, and where and when it touches memory",
    .details = "Counts, operations by kind and size, threads, pages touched in "
               "each MiB\n"
               "of addresses, the working set over time, marks and images.\n"
               "  mmusim trace info --format json app.mmt | jq '.regions[0]'\n",
    .options = trace_info_options,
    .run = trace_info,
};

static const struct cli_command trace_verify_command = {
    .name = "trace verify",
    .usage = "[--from FORMAT] TRACE",
    .summary = "check every byte; name each damaged block",
    .details = "Exit status 1: there is damage.\n",
    .options = trace_verify_options,
    .run = trace_verify,
};

static const struct cli_command trace_cat_command = {
    .name = "trace cat",
    .usage = "[-o FILE] TRACE",
    .summary = "print the records as text",
    .details = "",
    .options = trace_cat_options,
    .run = trace_cat,
};

static const struct cli_command trace_convert_command = {
    .name = "trace convert",
    .usage = "[--to FORM] [-o FILE] TRACE",
    .summary = "from any format to ours, from ours to others",
    .details =
        "TRACE is told by its content, packed by gzip, xz, zstd or bzip2 or "
        "not.\nWhat a format cannot hold is told in one line.\n"
        "  mmusim trace convert -o app.mmt app.lackey.gz\n"
        "  mmusim trace convert --to champsim --thread 1 -o app.champsim.xz "
        "app.mmt\n",
    .options = trace_convert_options,
    .run = trace_convert,
};

static const struct cli_command trace_formats_command = {
    .name = "trace formats",
    .usage = "",
    .summary = "list the formats that can be read, and their options",
    .details = "Options stand behind the name: --from champsim,thread=2\n",
    .options = trace_formats_options,
    .run = trace_formats,
};

static const struct cli_command trace_cut_command = {
    .name = "trace cut",
    .usage = "[--thread TID]... [--begin N] [--end N] [--from-mark MARK] "
             "[--to-mark MARK] -o FILE TRACE",
    .summary = "keep some threads, or a part: by records, time or marks",
    .details =
        "What comes out can be replayed: order stamps are numbered anew, and\n"
        "threads whose creation was cut away are created when it begins. "
        "Pages\n"
        "of mappings made before appear when they are touched.\n"
        "A trace has no clock: its time is each thread's count of "
        "instructions.\n"
        "  mmusim trace cut --from-mark phase --to-mark phase.1 -o one.mmt "
        "app.mmt\n",
    .options = trace_cut_options,
    .run = trace_cut,
};

static const struct cli_command trace_merge_command = {
    .name = "trace merge",
    .usage = "[--same-process] -o FILE TRACE...",
    .summary = "several traces as one: programs that run at the same time",
    .details =
        "Each trace keeps its own address spaces. Thread numbers that are "
        "taken\nbecome free ones; operations are interleaved evenly.\n"
        "  mmusim trace merge -o both.mmt sort.mmt server.mmt\n",
    .options = trace_merge_options,
    .run = trace_merge,
};

static int trace_main(const struct cli_command *self, int argc, char **argv)
{
    static const struct cli_command *const subs[] = {
        &trace_info_command,    &trace_verify_command, &trace_cat_command,
        &trace_convert_command, &trace_cut_command,    &trace_merge_command,
        &trace_formats_command};

    return cli_run_sub(self, subs, sizeof(subs) / sizeof(subs[0]), argc, argv);
}

const struct cli_command cmd_trace = {
    .name = "trace",
    .usage = "info|verify|cat|convert|cut|merge|formats ...",
    .summary = "look into traces and change their form",
    .details = "",
    .run = trace_main,
};
