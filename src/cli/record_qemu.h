/* SPDX-License-Identifier: MIT */
/* QEMU with the recorder plugin, as `mmusim record` and `mmusim run` start it.
 */
#ifndef MMUSIM_CLI_RECORD_QEMU_H
#define MMUSIM_CLI_RECORD_QEMU_H

#include "cli/record_program.h"

#include <signal.h>
#include <sys/types.h>

enum { PLUGIN_OPTION_BYTES = 4 * PATH_MAX }; /* every comma may be doubled */

struct record_qemu {
    struct record_program program;
    char plugin[PATH_MAX];
    char plugin_option[PLUGIN_OPTION_BYTES];
    char preload[PATH_MAX + 16];
    char program_preload[PATH_MAX + 16];
    char **environment;
};

/* Finds program, QEMU and plugin; 0, or the exit status after a message that
 * begins with the command's name. fini() is due either way. */
int record_qemu_prepare(struct record_qemu *qemu, const char *command,
                        const char *name);
/* Where the trace goes; more: further options of the plugin, ",key=value". */
void record_qemu_set_output(struct record_qemu *qemu, const char *path,
                            const char *more);
/* Starts the program (a list that ends with NULL) with a signal mask; 0, or
 * errno. */
int record_qemu_spawn(struct record_qemu *qemu, char *const *program,
                      const sigset_t *mask, pid_t *child);
void record_qemu_fini(struct record_qemu *qemu);

#endif
