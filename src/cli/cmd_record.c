/* SPDX-License-Identifier: MIT */
/*
 * `mmusim record`: runs a program under user-mode QEMU with the recorder
 * plugin, waits for it, and gives the trace its name, however the program
 * ended.
 *
 * The plugin is also preloaded into QEMU (not into the program): it sees the
 * kill() with which QEMU passes on a fatal signal, and ends the trace first.
 */
#define _GNU_SOURCE
#include "cli/cli.h"
#include "cli/record_output.h"
#include "cli/record_program.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef MMUSIM_LIBDIR
#define MMUSIM_LIBDIR "/usr/local/lib/mmusim"
#endif

#define RECORD_PLUGIN "mmusim-recorder.so"

enum {
    QEMU_ARGUMENTS = 16,
    PLUGIN_OPTION_BYTES = 4 * PATH_MAX, /* every comma may be doubled */
};

struct record_run {
    const char *output_path;
    int is_quiet;
    int has_lines;
    char **program_argv; /* ends with NULL */
    struct record_program program;
    struct record_output output;
    char plugin[PATH_MAX];
    char plugin_option[PLUGIN_OPTION_BYTES];
    char preload[PATH_MAX + 16];
    char program_preload[PATH_MAX + 16];
    char **environment;
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

static int record_try_plugin(struct record_run *run, const char *folder,
                             const char *below)
{
    int length = snprintf(run->plugin, sizeof(run->plugin), "%s%s/%s", folder,
                          below, RECORD_PLUGIN);

    return length < PATH_MAX && access(run->plugin, R_OK) == 0;
}

/* $MMUSIM_RECORDER, the build tree, the installed tree, also moved. */
static int record_find_plugin(struct record_run *run)
{
    const char *chosen = getenv("MMUSIM_RECORDER");
    char folder[PATH_MAX];

    if (chosen != NULL && chosen[0] != '\0') {
        if (realpath(chosen, run->plugin) != NULL)
            return CLI_OK;
        return cli_error(CLI_SYSTEM, "record: $MMUSIM_RECORDER: %s: %s", chosen,
                         strerror(errno));
    }
    ssize_t length = readlink("/proc/self/exe", folder, sizeof(folder) - 1);
    if (length > 0) {
        folder[length] = '\0';
        strrchr(folder, '/')[0] = '\0';
        if (record_try_plugin(run, folder, "") ||
            record_try_plugin(run, folder, "/../lib/mmusim"))
            return CLI_OK;
    }
    if (record_try_plugin(run, MMUSIM_LIBDIR, ""))
        return CLI_OK;
    return cli_error(CLI_SYSTEM,
                     "record: " RECORD_PLUGIN " not found beside the tool nor "
                     "in " MMUSIM_LIBDIR " (set MMUSIM_RECORDER)");
}

/* QEMU splits option values at commas; a doubled one is literal. */
static char *record_append_escaped(char *to, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == ',')
            *to++ = ',';
        *to++ = *text;
    }
    *to = '\0';
    return to;
}

static void record_build_option(struct record_run *run)
{
    char *end = record_append_escaped(run->plugin_option, run->plugin);

    end = stpcpy(end, ",output=");
    end = record_append_escaped(end, run->output.path);
    if (run->has_lines)
        stpcpy(end, ",lines=on");
}

/* Our environment, with LD_PRELOAD replaced. NULL: out of memory. */
static int record_build_environment(struct record_run *run)
{
    static const char key[] = "LD_PRELOAD=";
    size_t n = 0;

    while (environ[n] != NULL)
        n++;
    run->environment = calloc(n + 2, sizeof(*run->environment));
    if (run->environment == NULL)
        return cli_error(CLI_SYSTEM, "record: out of memory");
    n = 0;
    for (char **entry = environ; *entry != NULL; entry++) {
        if (strncmp(*entry, key, sizeof(key) - 1) != 0)
            run->environment[n++] = *entry;
        else
            snprintf(run->program_preload, sizeof(run->program_preload), "%s",
                     *entry);
    }
    snprintf(run->preload, sizeof(run->preload), "%s%s", key, run->plugin);
    run->environment[n] = run->preload;
    return CLI_OK;
}

static char *record_word(const char *text)
{
    return (char *) (uintptr_t) text; /* argv is not const by tradition */
}

/* QEMU's own options; returns their number. */
static size_t record_build_options(struct record_run *run, char **argv)
{
    size_t n = 0;

    argv[n++] = run->program.qemu;
    argv[n++] = record_word("-plugin");
    argv[n++] = run->plugin_option;
    if (run->program.libraries[0] != '\0') {
        argv[n++] = record_word("-L");
        argv[n++] = run->program.libraries;
    }
    if (run->program_preload[0] != '\0') {
        argv[n++] = record_word("-E");
        argv[n++] = run->program_preload;
    } else {
        argv[n++] = record_word("-U");
        argv[n++] = record_word("LD_PRELOAD");
    }
    argv[n++] = record_word("-0");
    argv[n++] = run->program_argv[0];
    argv[n++] = run->program.path;
    return n;
}

static char **record_build_argv(struct record_run *run)
{
    size_t n_words = 0;

    while (run->program_argv[n_words] != NULL)
        n_words++;
    char **argv = calloc(QEMU_ARGUMENTS + n_words, sizeof(*argv));
    if (argv == NULL)
        return NULL;
    size_t n = record_build_options(run, argv);
    for (size_t i = 1; i < n_words; i++)
        argv[n++] = run->program_argv[i];
    return argv;
}

/* Starts QEMU with the signal mask we were started with. */
static int record_spawn(struct record_run *run, const sigset_t *mask,
                        pid_t *child)
{
    posix_spawnattr_t attributes;
    char **argv = record_build_argv(run);

    if (argv == NULL)
        return ENOMEM;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, mask);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    int error = posix_spawn(child, run->program.qemu, NULL, &attributes, argv,
                            run->environment);
    posix_spawnattr_destroy(&attributes);
    free(argv);
    return error;
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
    int error = record_spawn(run, &old_mask, &child);
    if (error != 0) {
        sigprocmask(SIG_SETMASK, &old_mask, NULL);
        return cli_error(CLI_SYSTEM, "record: %s: %s", run->program.qemu,
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
    int status = record_program_find(&run->program, run->program_argv[0]);

    if (status == CLI_OK)
        status = record_output_prepare(&run->output, run->output_path,
                                       run->program.path);
    if (status == CLI_OK)
        status = record_find_plugin(run);
    if (status == CLI_OK)
        status = record_build_environment(run);
    if (status == CLI_OK)
        record_build_option(run);
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
    free(run->environment);
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
