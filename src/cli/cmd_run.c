/* SPDX-License-Identifier: MIT */
/*
 * mmusim run: a program runs under user-mode QEMU, as under `mmusim record`,
 * and is simulated at the same time: the recorder's blocks come through a pipe.
 */
#define _GNU_SOURCE
#include "cli/cmd_replay.h"
#include "cli/replay_report.h"
#include "cli/run_child.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

struct run_command {
    struct replay replay;
    struct replay_live live;
    struct record_qemu qemu;
    char **program; /* ends with NULL */
    char *name;     /* its words */
    mmusim_live_options_t options;
    int wait_status;
    int has_ended; /* wait_status is known */
    int has_lines;
};

static const char run_record_out[] = "--record";

static const struct cli_option run_options[] = {
    RUN_MACHINE_OPTIONS,
    REPLAY_OPTIONS,
    {"record", 0, "TRACE", "keep the trace, too"},
    {"buffer", 0, "BYTES",
     "how much of the trace to hold while one thread is\nwaited for (default: "
     "64M)"},
    {"lines", 0, NULL,
     "note which instruction makes each access, and who\ncalls the system, as "
     "record --lines does"},
    {"quiet", 'q', NULL, "do not tell how the program ended"},
    {0},
};

static int run_on_option(void *context, const struct cli_option *option,
                         const char *value)
{
    struct run_command *run = context;

    if (!strcmp(option->name, "record") && !strcmp(value, "-"))
        return cli_error(CLI_USAGE, "run: --record needs a file (standard "
                                    "output is the program's)");
    if (!strcmp(option->name, "record"))
        return output_set_add(&run->replay.outputs, run_record_out, value);
    if (!strcmp(option->name, "buffer"))
        return cli_number("--buffer", value, 1 << 16, UINT64_C(1) << 40, 1,
                          &run->options.buffer_bytes);
    if (!strcmp(option->name, "lines")) {
        run->has_lines = 1;
        return 0;
    }
    return replay_option(&run->replay, option, value);
}

/* ---- the program ---- */

static int run_copy(void *context, const void *bytes, size_t n_bytes)
{
    return fwrite(bytes, 1, n_bytes, context) != n_bytes;
}

static mmusim_source_t *run_open(void *context, int *exit_status)
{
    struct run_command *run = context;
    FILE *record = output_set_stream(&run->replay.outputs, run_record_out);
    mmusim_source_t *source = NULL;
    mmusim_diag_t diag = {0};
    char options[64];
    int fd = -1;

    snprintf(options, sizeof(options), ",live=%s%s",
             record ? "packed" : "plain", run->has_lines ? ",lines=on" : "");
    *exit_status = run_child_start(&run->qemu, run->program, options, &fd);
    if (*exit_status)
        return NULL;
    if (record) {
        run->options.copy = run_copy;
        run->options.context = record;
        run->options.copy_name =
            output_set_path(&run->replay.outputs, run_record_out);
    }
    if (!mmusim_live_source(fd, run->name, &run->options, &source, &diag))
        return source;
    *exit_status = cli_diag(&diag);
    run->wait_status = run_child_finish(0);
    return NULL;
}

static void run_tell_program(const struct run_command *run)
{
    int status = run->wait_status;

    if (run_child_interrupts())
        return;
    if (WIFSIGNALED(status))
        fprintf(stderr, "mmusim: run: %s was killed by signal %d (%s)\n",
                run->program[0], WTERMSIG(status), strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status))
        fprintf(stderr, "mmusim: run: %s ended with status %d\n",
                run->program[0], WEXITSTATUS(status));
}

static void run_tell(const struct run_command *run,
                     const mmusim_live_info_t *info)
{
    run_tell_program(run);
    if (info->n_forks)
        fprintf(stderr,
                "mmusim: run: %llu forked children were not simulated (mmusim "
                "record writes a trace of each)\n",
                (unsigned long long) info->n_forks);
    if (!info->is_complete && !WIFSIGNALED(run->wait_status))
        fprintf(stderr,
                "mmusim: run: %s became another program, which was not "
                "simulated, or lost its recorder\n",
                run->program[0]);
}

static void run_close(void *context, mmusim_source_t *source,
                      mmusim_status_t status)
{
    struct run_command *run = context;
    mmusim_live_info_t info;

    /* What is wrong with the trace shows in is_complete. */
    if (!status)
        (void) mmusim_live_drain(source, NULL);
    run->wait_status = run_child_finish(status == MMUSIM_OK);
    run->has_ended = 1;
    mmusim_live_info(source, &info);
    if (!run->replay.is_quiet && (!status || status == MMUSIM_INTERRUPTED))
        run_tell(run, &info);
}

static int run_is_interrupted(void)
{
    return run_child_interrupts() > 1; /* the first is the program's */
}

/* The program's own status, where nothing else is to be said. */
static int run_exit_status(const struct run_command *run, int status)
{
    if (status || !run->has_ended)
        return status;
    if (run_child_interrupts())
        return CLI_INTERRUPTED;
    if (WIFSIGNALED(run->wait_status))
        return 128 + WTERMSIG(run->wait_status);
    return WEXITSTATUS(run->wait_status);
}

/* ---- the command ---- */

static char *run_join_words(char *const *words)
{
    size_t size = 1;
    char *joined, *end;

    for (size_t i = 0; words[i]; i++)
        size += strlen(words[i]) + 1;
    joined = malloc(size);
    if (!joined)
        return NULL;
    end = joined;
    *end = '\0';
    for (size_t i = 0; words[i]; i++) {
        if (i)
            *end++ = ' ';
        end = stpcpy(end, words[i]);
    }
    return joined;
}

/* No output may be the program itself. */
static int run_check_outputs(const struct run_command *run)
{
    const struct output_set *outputs = &run->replay.outputs;
    int status = 0;

    for (size_t i = 0; !status && i < outputs->n; i++)
        status = cli_output_refuse_input(outputs->slots[i].path,
                                         run->qemu.program.path);
    return status;
}

static int run_execute(struct run_command *run)
{
    int status = record_qemu_prepare(&run->qemu, "run", run->program[0]);

    if (!status)
        status = run_check_outputs(run);
    if (!status)
        status = replay_execute(&run->replay, "run");
    return run_exit_status(run, status);
}

static int run_main(const struct cli_command *self, int argc, char **argv)
{
    struct run_command *run = calloc(1, sizeof(*run));
    int first = argc;
    int status;

    if (!run)
        return cli_error(CLI_SYSTEM, "run: out of memory");
    run->live =
        (struct replay_live){run, run_open, run_close, run_is_interrupted};
    run->replay.live = &run->live;
    status = replay_init(&run->replay, argc, argv);
    if (!status)
        status = cli_parse(self, argc, argv, run_on_option, run, &first);
    if (status < 0 && first >= argc)
        status = cli_error(CLI_USAGE, "run: which program? (mmusim run -- "
                                      "PROGRAM [ARGS...])");
    if (status < 0) {
        run->program = argv + first;
        run->name = run_join_words(run->program);
        run->replay.setup.source = run->name;
        status = run->name ? run_execute(run)
                           : cli_error(CLI_SYSTEM, "run: out of memory");
    }
    replay_fini(&run->replay);
    record_qemu_fini(&run->qemu);
    free(run->name);
    free(run);
    return status;
}

const struct cli_command cmd_run = {
    .name = "run",
    .usage = "[-m MACHINE] [-s KEY=VALUE]... [--format text|json|csv] "
             "[-o FILE] -- PROGRAM [ARGS...]",
    .summary = "run a program and simulate it at the same time",
    .details =
        "Runs PROGRAM, an x86-64 or AArch64 Linux program, under user-mode\n"
        "QEMU (Debian: apt install qemu-user), as `mmusim record` does, and\n"
        "simulates what it does as it does it: no trace is written. Standard\n"
        "input, output and error are the program's own; the statistics go to\n"
        "standard error, when the program has ended, or to FILE (-o - is\n"
        "standard output). Ctrl-C ends the program and prints what was\n"
        "simulated; a second one does so at once. Forked children are not\n"
        "simulated.\n"
        "\n"
        "Exit status: the program's (128 + N if signal N killed it); else as\n"
        "`mmusim --help` says, 130 if interrupted.\n"
        "\n"
        "Examples:\n"
        "  mmusim run -- ./program\n"
        "  mmusim run -m skylake-sp --format json -o out.json -- sort FILE\n"
        "  mmusim run --record my.mmt -- ./program     keep the trace, too\n",
    .options = run_options,
    .run = run_main,
};
