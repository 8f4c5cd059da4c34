/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "cli/slurm_merge.h"

#include "cli/cli.h"
#include "cli/sweep_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool merge_is_in_place(const char *output)
{
    struct stat status;

    return !output || !strcmp(output, "-") ||
           (!stat(output, &status) && !S_ISREG(status.st_mode));
}

int slurm_merge_write(struct sweep_merge *merge)
{
    char writer[128];
    char *target = NULL;
    char *own = NULL;
    int status = 0;

    if (merge_is_in_place(merge->output))
        return sweep_merge_write(merge);
    sweep_file_writer(writer, sizeof(writer));
    target = cli_output_target(merge->output);
    if (!target)
        return cli_error(CLI_SYSTEM, "%s: cannot write: %s", merge->output,
                         strerror(errno));
    if (asprintf(&own, "%s.%s", target, writer) < 0)
        status = cli_error(CLI_SYSTEM, "out of memory");
    if (!status) {
        merge->output = own;
        status = sweep_merge_write(merge);
    }
    if ((!status || status == CLI_FOUND) && rename(own, target)) {
        status = cli_error(CLI_SYSTEM, "%s: cannot write: %s", target,
                           strerror(errno));
        (void) unlink(own);
    }
    free(own);
    free(target);
    return status;
}
