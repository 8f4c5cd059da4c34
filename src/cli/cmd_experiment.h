/* SPDX-License-Identifier: MIT */
/* mmusim validate NAME: the published measurements as sub-commands. */
#ifndef MMUSIM_CLI_CMD_EXPERIMENT_H
#define MMUSIM_CLI_CMD_EXPERIMENT_H

#include "cli/cli.h"

enum { EXPERIMENT_COMMANDS_MAX = 15, EXPERIMENT_NAME_BYTES = 48 };

struct experiment_commands {
    struct cli_command commands[EXPERIMENT_COMMANDS_MAX];
    char names[EXPERIMENT_COMMANDS_MAX][EXPERIMENT_NAME_BYTES];
    size_t n;
};

/* Caller's storage; there is nothing to release. */
void experiment_commands_init(struct experiment_commands *self);

#endif
