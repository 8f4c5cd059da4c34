/* SPDX-License-Identifier: MIT */
/* Finding the commands on a store. */
#include "cli/sweep_subs.h"

#include "cli/cli.h"
#include "mmusim/trace.h"

#include <string.h>
#include <unistd.h>

static const struct cli_command *const sweep_subs[] = {
    &cmd_sweep_status, &cmd_sweep_merge,  &cmd_sweep_retry,  &cmd_sweep_explain,
    &cmd_sweep_work,   &cmd_sweep_finish, &cmd_sweep_cancel,
};

enum { N_SWEEP_SUBS = sizeof(sweep_subs) / sizeof(sweep_subs[0]) };

static const char *sub_word(const struct cli_command *sub)
{
    return strchr(sub->name, ' ') + 1;
}

/* A source stands first, too; it is there, or names a workload. */
static bool sub_is_slip(const char *word, const char **nearest)
{
    const char *words[N_SWEEP_SUBS];

    if (*word == '-' || mmusim_is_workload(word) || !access(word, F_OK))
        return false;
    for (size_t i = 0; i < N_SWEEP_SUBS; i++)
        words[i] = sub_word(sweep_subs[i]);
    *nearest = mmusim_nearest(word, words, N_SWEEP_SUBS);
    return *nearest != NULL;
}

bool sweep_run_sub(int argc, char **argv, int *status)
{
    const char *nearest;

    if (argc < 2)
        return false;
    for (size_t i = 0; i < N_SWEEP_SUBS; i++)
        if (!strcmp(argv[1], sub_word(sweep_subs[i]))) {
            *status = sweep_subs[i]->run(sweep_subs[i], argc - 1, argv + 1);
            return true;
        }
    if (!sub_is_slip(argv[1], &nearest))
        return false;
    *status = cli_error(CLI_USAGE,
                        "sweep: '%s' is no file and no command (nearest: %s)",
                        argv[1], nearest);
    return true;
}
