/* SPDX-License-Identifier: MIT */
/* mmusim sweep cancel: removes a store's jobs from Slurm's queue. */
#include "cli/cli.h"
#include "cli/slurm_cancel.h"
#include "cli/sweep_store.h"

#include <stdio.h>

static int cancel_main(const struct cli_command *self, int argc, char **argv)
{
    struct sweep_store store;
    size_t n_tasks = 0;
    int first;
    int status = cli_parse(self, argc, argv, NULL, NULL, &first);

    if (status >= 0)
        return status;
    if (argc - first != 1)
        return cli_error(CLI_USAGE, "sweep cancel: which store? (one DIR)");
    status = sweep_store_open(&store, argv[first]);
    if (status)
        return status;
    status = slurm_cancel_all(store.dir, &n_tasks);
    sweep_store_close(&store);
    if (!status && n_tasks)
        printf("cancelled %zu tasks; what they had finished is kept\n",
               n_tasks);
    else if (!status)
        printf("no task is in the queue\n");
    return status;
}

static const struct cli_option cancel_options[] = {{0}};

const struct cli_command cmd_sweep_cancel = {
    .name = "sweep cancel",
    .usage = "DIR",
    .summary = "remove a store's jobs from Slurm's queue",
    .details = "Results stay. The command that started the sweep submits the "
               "rest again.\n",
    .options = cancel_options,
    .run = cancel_main,
};
