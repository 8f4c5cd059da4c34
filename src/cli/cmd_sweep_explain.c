/* SPDX-License-Identifier: MIT */
/* mmusim sweep explain: the replay command of a point. */
#include "cli/cli.h"
#include "cli/store_state.h"
#include "cli/sweep_store.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A word as the shell reads it back. */
static void explain_word(const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.,:=/+-";

    if (*word && strspn(word, plain) == strlen(word)) {
        printf(" %s", word);
        return;
    }
    fputs(" '", stdout);
    for (; *word; word++)
        printf(*word == '\'' ? "'\\''" : "%c", *word);
    putchar('\'');
}

static int explain_command(const struct sweep_store *store, size_t point)
{
    const struct store_plan *plan = &store->plan;
    struct store_place place = store_plan_place(plan, point);
    const struct store_source *source = &plan->sources[place.source];
    char *file =
        sweep_store_machine_file(store->dir, &plan->machines[place.machine]);
    char *path = file ? realpath(file, NULL) : NULL;

    free(file);
    if (!path)
        return cli_error(CLI_SYSTEM, "out of memory");
    fputs("mmusim replay -m", stdout);
    explain_word(path);
    free(path);
    for (size_t i = 0; i < plan->grid.n_axes; i++) {
        char *setting = NULL;
        size_t length;
        FILE *text = open_memstream(&setting, &length);

        if (!text)
            return cli_error(CLI_SYSTEM, "out of memory");
        fprintf(text, "%s=%s", plan->grid.axes[i].key,
                sweep_plan_value(&plan->grid, place.grid_point, i));
        if (!fclose(text)) {
            fputs(" -s", stdout);
            explain_word(setting);
        }
        free(setting);
    }
    if (plan->format) {
        fputs(" --from", stdout);
        explain_word(plan->format);
    }
    if (plan->salvages)
        fputs(" --salvage", stdout);
    explain_word(source->path ? source->path : source->name);
    putchar('\n');
    return 0;
}

/* What is known of the point, as comments behind the command. */
static int explain_state(const struct sweep_store *store, size_t point)
{
    const struct store_plan *plan = &store->plan;
    struct store_place place = store_plan_place(plan, point);
    struct store_state state;
    char text[512];
    int status = store_state_init(&state, plan);

    if (!status)
        status = store_state_add(&state, store->dir);
    if (status) {
        store_state_fini(&state);
        return status;
    }
    store_plan_describe(plan, point, text, sizeof(text));
    printf("# point %zu of 0..%zu: %s\n", point, plan->n_points - 1, text);
    printf("# machine %s, source %s, mmusim %s\n",
           plan->machines[place.machine].name, plan->sources[place.source].name,
           plan->version);
    if (state.status[point] == STORE_DONE)
        printf("# done, in %s\n", store_state_file(&state, point));
    else if (state.status[point] == STORE_FAILED)
        printf("# failed: %s\n", store_state_reason(&state, point));
    else
        printf("# open\n");
    store_state_fini(&state);
    return 0;
}

static int explain_main(const struct cli_command *self, int argc, char **argv)
{
    struct sweep_store store;
    uint64_t point = 0;
    int first;
    int status = cli_parse(self, argc, argv, NULL, NULL, &first);

    if (status >= 0)
        return status;
    if (argc - first != 2)
        return cli_error(CLI_USAGE, "sweep explain: which point of which "
                                    "store? (DIR POINT, from 0 on)");
    status = sweep_store_open(&store, argv[first]);
    if (status)
        return status;
    status = cli_number("POINT", argv[first + 1], 0, store.plan.n_points - 1, 0,
                        &point);
    if (!status)
        status = explain_command(&store, (size_t) point);
    if (!status)
        status = explain_state(&store, (size_t) point);
    sweep_store_close(&store);
    return status;
}

static const struct cli_option explain_options[] = {{0}};

const struct cli_command cmd_sweep_explain = {
    .name = "sweep explain",
    .usage = "DIR POINT",
    .summary = "the replay command of a point, to run it alone",
    .details = "POINT counts from 0 in the order of the plan, as `status` "
               "names failed\npoints and `merge` orders rows. The command "
               "gives the same statistics as the\npoint has.\n",
    .options = explain_options,
    .run = explain_main,
};
