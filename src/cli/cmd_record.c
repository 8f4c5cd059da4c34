/* SPDX-License-Identifier: MIT */
/*
 * `mmusim record`: runs a program under user-mode QEMU with the recorder
 * plugin, waits for it, and gives the trace its name, however the program
 * ended.
 */
#define _GNU_SOURCE
#include "cli/cli.h"
#include "cli/record_output.h"
#include "cli/record_qemu.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct record_run {
    const char *output_path;
    int is_quiet;
    int has_lines;
    char **program_argv; /* ends with NULL */
    struct record_qemu qemu;
    struct record_output output;
    int is_interrupted;
};

static int record_on_option(void *context, const struct cli_option *option,
                            const char *value)
{
    struct record_run *run = context;

    if (option->letter == 'o')
        run->output_path = value;
    else if (option->letter == 'q')
        run->is_quiet = 1;
    else
        run->has_lines = 1;
    return -1;
}

/* Ctrl-C reaches the program by itself; other signals are passed on. */
static int record_wait(struct record_run *run, const sigset_t *signals,
                       pid_t child)
{
    siginfo_t info;
    int status = 0;

    for (;;) {
        pid_t ended = waitpid(child, &status, WNOHANG);
        if (ended == child || (ended < 0 && errno != EINTR))
            return status;
        if (sigwaitinfo(signals, &info) < 0 || info.si_signo == SIGCHLD)
            continue;
        run->is_interrupted = 1;
        if (info.si_code != SI_KERNEL)
            kill(child, info.si_signo);
    }
}

static void record_tell(const struct record_run *run, int status)
{
    const char *name = run->program_argv[0];

    if (run->is_quiet || run->is_interrupted)
        return;
    if (WIFSIGNALED(status))
        fprintf(stderr, "mmusim: record: %s was killed by signal %d (%s)\n",
                name, WTERMSIG(status), strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status) != 0)
        fprintf(stderr, "mmusim: record: %s ended with status %d\n", name,
                WEXITSTATUS(status));
}

static int record_run_program(struct record_run *run)
{
    static const int numbers[] = {SIGCHLD, SIGINT, SIGTERM, SIGHUP};
    sigset_t signals, old_mask;
    pid_t child;

    sigemptyset(&signals);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        sigaddset(&signals, numbers[i]);
    signal(SIGCHLD, SIG_DFL); /* inherited SIG_IGN would lose the status */
    sigprocmask(SIG_BLOCK, &signals, &old_mask);
    int error =
        record_qemu_spawn(&run->qemu, run->program_argv, &old_mask, &child);
    if (error != 0) {
        sigprocmask(SIG_SETMASK, &old_mask, NULL);
        return cli_error(CLI_SYSTEM, "record: %s: %s", run->qemu.program.qemu,
                         strerror(error));
    }
    record_tell(run, record_wait(run, &signals, child));
    sigprocmask(SIG_SETMASK, &old_mask, NULL);
    int status = record_output_finish(&run->output);
    if (status == CLI_OK && run->is_interrupted)
        return CLI_INTERRUPTED;
    return status;
}

static int record_prepare(struct record_run *run)
{
    char options[128];
    int status =
        record_qemu_prepare(&run->qemu, "record", run->program_argv[0]);

    if (status == CLI_OK)
        status = record_output_prepare(&run->output, run->output_path,
                                       run->qemu.program.path);
    if (status == CLI_OK) {
        snprintf(options, sizeof(options), "%s%s", run->output.plugin_option,
                 run->has_lines ? ",lines=on" : "");
        record_qemu_set_output(&run->qemu, run->output.path, options);
    }
    return status;
}

static int record_run(const struct cli_command *self, int argc, char **argv)
{
    int first = argc;
    struct record_run *run = calloc(1, sizeof(*run));

    if (run == NULL)
        return cli_error(CLI_SYSTEM, "record: out of memory");
    int status = cli_parse(self, argc, argv, record_on_option, run, &first);
    if (status >= 0)
        goto done;
    if (run->output_path == NULL || strcmp(run->output_path, "-") == 0)
        status = cli_error(CLI_USAGE, "record: which file is to be written? "
                                      "(-o TRACE, not standard output)");
    else if (first >= argc)
        status = cli_error(CLI_USAGE, "record: which program? "
                                      "(mmusim record -o TRACE -- PROGRAM)");
    if (status >= 0)
        goto done;
    run->program_argv = argv + first;
    status = record_prepare(run);
    if (status == CLI_OK)
        status = record_run_program(run);
done:
    record_qemu_fini(&run->qemu);
    free(run);
    return status;
}

static const struct cli_option record_options[] = {
    {"output", 'o', "TRACE", "the trace to write (needed)"},
    {"lines", 0, NULL,
     "note which instruction makes each access, and who\ncalls the system: for "
     "mmusim annotate"},
    {"quiet", 'q', NULL, "do not tell how the program ended"},
    {NULL, 0, NULL, NULL},
};

const struct cli_command cmd_record = {
    .name = "record",
    .usage = "-o TRACE -- PROGRAM [ARGS...]",
    .summary = "record a program's accesses, mappings and threads",
    .details =
        "Runs PROGRAM, an x86-64 or AArch64 Linux program, under user-mode\n"
        "QEMU (Debian: apt install qemu-user) and writes what it does to\n"
        "TRACE. The trace is kept when the program crashes or is killed. A\n"
        "forked child goes to TRACE.PID; a successful execve ends its trace.\n"
        "\n"
        "The program's image and stack are mapped before recording begins:\n"
        "replay maps them at their first touch. With --lines each access\n"
        "belongs to its instruction, else to a block of some five.\n"
        "\n"
        "Environment: MMUSIM_RECORDER, the plugin's path; QEMU_LD_PREFIX, the\n"
        "libraries of another architecture (default /usr/aarch64-linux-gnu).\n"
        "\n"
        "Examples:\n"
        "  mmusim record -o sort.mmt -- sort --parallel=4 FILE\n"
        "  mmusim replay -m zen4 sort.mmt\n",
    .options = record_options,
    .run = record_run,
};
