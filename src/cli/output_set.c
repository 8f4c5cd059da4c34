/* SPDX-License-Identifier: MIT */
/* Several outputs at a time. */
#include "cli/output_set.h"

#include "cli/cli.h"

#include <string.h>

static struct output_slot *output_set_find(struct output_set *set,
                                           const char *option)
{
    for (size_t i = 0; i < set->n; i++) {
        if (!strcmp(set->slots[i].option, option))
            return &set->slots[i];
    }
    return NULL;
}

int output_set_add(struct output_set *set, const char *option, const char *path)
{
    struct output_slot *slot = output_set_find(set, option);

    if (slot) {
        slot->path = path;
        return 0;
    }
    if (set->n == OUTPUT_SET_MAX)
        return cli_error(CLI_USAGE, "%s: more than %d outputs", option,
                         OUTPUT_SET_MAX);
    set->slots[set->n++] = (struct output_slot){option, path, NULL};
    return 0;
}

const char *output_set_path(struct output_set *set, const char *option)
{
    const struct output_slot *slot = output_set_find(set, option);

    return slot ? slot->path : NULL;
}

static const char *output_set_name(const struct output_slot *slot)
{
    return slot->path ? slot->path : "-";
}

int output_set_check(const struct output_set *set, const char *command,
                     const char *input)
{
    int status = 0;

    for (size_t i = 0; !status && i < set->n; i++) {
        const char *name = output_set_name(&set->slots[i]);

        for (size_t j = 0; j < i; j++) {
            if (!strcmp(name, output_set_name(&set->slots[j])))
                return cli_error(CLI_USAGE,
                                 "%s: %s and %s name the same file (give each "
                                 "its own)",
                                 command, set->slots[i].option,
                                 set->slots[j].option);
        }
        status = cli_output_refuse_input(set->slots[i].path, input);
    }
    return status;
}

int output_set_open(struct output_set *set)
{
    for (size_t i = 0; i < set->n; i++) {
        int status;

        set->slots[i].output = cli_output_open(set->slots[i].path, &status);
        if (!set->slots[i].output)
            return output_set_end(set, status);
    }
    return 0;
}

FILE *output_set_stream(struct output_set *set, const char *option)
{
    const struct output_slot *slot = output_set_find(set, option);

    return slot && slot->output ? cli_output_stream(slot->output) : NULL;
}

void output_set_abandon(struct output_set *set, const char *option)
{
    struct output_slot *slot = output_set_find(set, option);

    if (!slot)
        return;
    cli_output_abandon(slot->output);
    slot->output = NULL;
}

int output_set_end(struct output_set *set, int status)
{
    for (size_t i = 0; i < set->n; i++) {
        struct cli_output *output = set->slots[i].output;

        set->slots[i].output = NULL;
        if (!output)
            continue;
        if (status)
            cli_output_abandon(output);
        else
            status = cli_output_close(output);
    }
    return status;
}
