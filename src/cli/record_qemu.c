/* SPDX-License-Identifier: MIT */
/*
 * QEMU with the recorder plugin: found, given its options, started.
 *
 * The plugin is also preloaded into QEMU (not into the program): it sees the
 * kill() with which QEMU passes on a fatal signal, and ends the trace first.
 */
#define _GNU_SOURCE
#include "cli/record_qemu.h"

#include "cli/cli.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef MMUSIM_LIBDIR
#define MMUSIM_LIBDIR "/usr/local/lib/mmusim"
#endif

#define RECORD_PLUGIN "mmusim-recorder.so"

enum { QEMU_ARGUMENTS = 16 };

static int record_try_plugin(struct record_qemu *qemu, const char *folder,
                             const char *below)
{
    int length = snprintf(qemu->plugin, sizeof(qemu->plugin), "%s%s/%s", folder,
                          below, RECORD_PLUGIN);

    return length < PATH_MAX && access(qemu->plugin, R_OK) == 0;
}

/* $MMUSIM_RECORDER, the build tree, the installed tree, also moved. */
static int record_find_plugin(struct record_qemu *qemu)
{
    const char *chosen = getenv("MMUSIM_RECORDER");
    char folder[PATH_MAX];

    if (chosen != NULL && chosen[0] != '\0') {
        if (realpath(chosen, qemu->plugin) != NULL)
            return CLI_OK;
        return cli_error(CLI_SYSTEM, "%s: $MMUSIM_RECORDER: %s: %s",
                         qemu->program.command, chosen, strerror(errno));
    }
    ssize_t length = readlink("/proc/self/exe", folder, sizeof(folder) - 1);
    if (length > 0) {
        folder[length] = '\0';
        strrchr(folder, '/')[0] = '\0';
        if (record_try_plugin(qemu, folder, "") ||
            record_try_plugin(qemu, folder, "/../lib/mmusim"))
            return CLI_OK;
    }
    if (record_try_plugin(qemu, MMUSIM_LIBDIR, ""))
        return CLI_OK;
    return cli_error(CLI_SYSTEM,
                     "%s: " RECORD_PLUGIN
                     " not found beside the tool nor in " MMUSIM_LIBDIR
                     " (set MMUSIM_RECORDER)",
                     qemu->program.command);
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

void record_qemu_set_output(struct record_qemu *qemu, const char *path,
                            const char *more)
{
    char *end = record_append_escaped(qemu->plugin_option, qemu->plugin);

    end = stpcpy(end, ",output=");
    end = record_append_escaped(end, path);
    stpcpy(end, more);
}

/* Our environment, with LD_PRELOAD replaced. NULL: out of memory. */
static int record_build_environment(struct record_qemu *qemu)
{
    static const char key[] = "LD_PRELOAD=";
    size_t n = 0;

    while (environ[n] != NULL)
        n++;
    qemu->environment = calloc(n + 2, sizeof(*qemu->environment));
    if (qemu->environment == NULL)
        return cli_error(CLI_SYSTEM, "%s: out of memory",
                         qemu->program.command);
    n = 0;
    for (char **entry = environ; *entry != NULL; entry++) {
        if (strncmp(*entry, key, sizeof(key) - 1) != 0)
            qemu->environment[n++] = *entry;
        else
            snprintf(qemu->program_preload, sizeof(qemu->program_preload), "%s",
                     *entry);
    }
    snprintf(qemu->preload, sizeof(qemu->preload), "%s%s", key, qemu->plugin);
    qemu->environment[n] = qemu->preload;
    return CLI_OK;
}

static char *record_word(const char *text)
{
    return (char *) (uintptr_t) text; /* argv is not const by tradition */
}

/* QEMU's own options; returns their number. */
static size_t record_build_options(struct record_qemu *qemu, const char *name,
                                   char **argv)
{
    size_t n = 0;

    argv[n++] = qemu->program.qemu;
    argv[n++] = record_word("-plugin");
    argv[n++] = qemu->plugin_option;
    if (qemu->program.libraries[0] != '\0') {
        argv[n++] = record_word("-L");
        argv[n++] = qemu->program.libraries;
    }
    if (qemu->program_preload[0] != '\0') {
        argv[n++] = record_word("-E");
        argv[n++] = qemu->program_preload;
    } else {
        argv[n++] = record_word("-U");
        argv[n++] = record_word("LD_PRELOAD");
    }
    argv[n++] = record_word("-0");
    argv[n++] = record_word(name);
    argv[n++] = qemu->program.path;
    return n;
}

static char **record_build_argv(struct record_qemu *qemu, char *const *program)
{
    size_t n_words = 0;

    while (program[n_words] != NULL)
        n_words++;
    char **argv = calloc(QEMU_ARGUMENTS + n_words, sizeof(*argv));
    if (argv == NULL)
        return NULL;
    size_t n = record_build_options(qemu, program[0], argv);
    for (size_t i = 1; i < n_words; i++)
        argv[n++] = program[i];
    return argv;
}

int record_qemu_spawn(struct record_qemu *qemu, char *const *program,
                      const sigset_t *mask, pid_t *child)
{
    posix_spawnattr_t attributes;
    char **argv = record_build_argv(qemu, program);

    if (argv == NULL)
        return ENOMEM;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, mask);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    int error = posix_spawn(child, qemu->program.qemu, NULL, &attributes, argv,
                            qemu->environment);
    posix_spawnattr_destroy(&attributes);
    free(argv);
    return error;
}

int record_qemu_prepare(struct record_qemu *qemu, const char *command,
                        const char *name)
{
    qemu->program.command = command;
    qemu->environment = NULL;
    int status = record_program_find(&qemu->program, name);
    if (status == CLI_OK)
        status = record_find_plugin(qemu);
    if (status == CLI_OK)
        status = record_build_environment(qemu);
    return status;
}

void record_qemu_fini(struct record_qemu *qemu)
{
    free(qemu->environment);
    qemu->environment = NULL;
}
