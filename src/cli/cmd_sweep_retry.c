/* SPDX-License-Identifier: MIT */
/* mmusim sweep retry: failed points become open again. */
#include "cli/cli.h"
#include "cli/store_state.h"
#include "cli/store_writer.h"
#include "cli/sweep_store.h"

#include <stdio.h>
#include <string.h>

static int retry_points(const struct sweep_store *store)
{
    struct store_state state;
    struct store_writer writer;
    size_t n = 0;
    int error;
    int status = store_state_init(&state, &store->plan);

    store_writer_init(&writer, store->dir, store->plan.id);
    if (!status)
        status = store_state_add(&state, store->dir);
    for (size_t i = 0; !status && i < store->plan.n_points; i++)
        if (state.status[i] == STORE_FAILED) {
            store_writer_reopen(&writer, i, state.failed[i]);
            n++;
        }
    error = status ? 0 : store_writer_flush(&writer);
    if (error)
        status = cli_error(CLI_SYSTEM, "%s: cannot write: %s", store->dir,
                           strerror(error));
    if (!status)
        printf("%zu points are open again\n", n);
    store_writer_fini(&writer);
    store_state_fini(&state);
    return status;
}

static int retry_main(const struct cli_command *self, int argc, char **argv)
{
    struct sweep_store store;
    int first;
    int status = cli_parse(self, argc, argv, NULL, NULL, &first);

    if (status >= 0)
        return status;
    if (argc - first != 1)
        return cli_error(CLI_USAGE, "sweep retry: which store? (one DIR)");
    status = sweep_store_open(&store, argv[first]);
    if (status)
        return status;
    status = retry_points(&store);
    sweep_store_close(&store);
    return status;
}

static const struct cli_option retry_options[] = {{0}};

const struct cli_command cmd_sweep_retry = {
    .name = "sweep retry",
    .usage = "DIR",
    .summary = "failed points are open again",
    .details = "The next run of the sweep, or `mmusim sweep work`, computes "
               "them.\n",
    .options = retry_options,
    .run = retry_main,
};
