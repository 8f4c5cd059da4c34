/* SPDX-License-Identifier: MIT */
/*
 * The program that `mmusim run` simulates: a child whose recorder writes into a
 * pipe. One at a time, since signals are the process's.
 *
 * Interrupts and SIGTERM: the first is the program's (from the terminal it has
 * it already), the second kills it. The pipe ends when the program does: its
 * other end is ours, too, so that the recorder can open it again.
 */
#ifndef MMUSIM_CLI_RUN_CHILD_H
#define MMUSIM_CLI_RUN_CHILD_H

#include "cli/record_qemu.h"

/* Starts the program, with the plugin's trace into a pipe whose end to be read
 * is *fd. 0, or an exit status after a message. */
int run_child_start(struct record_qemu *qemu, char *const *program,
                    const char *plugin_options, int *fd);
/* Waits for its end, reading what still comes; is_wanted: else it is told to
 * end. Returns its wait status. */
int run_child_finish(int is_wanted);
/* Interrupts so far. */
int run_child_interrupts(void);

#endif
