/* SPDX-License-Identifier: MIT */
/* mmusim validate lru-file-mmap-read. */
#ifndef MMUSIM_CLI_CMD_VALIDATE_LRU_H
#define MMUSIM_CLI_CMD_VALIDATE_LRU_H

#include "cli/cli.h"

extern const struct cli_command cli_validate_lru;

#endif
