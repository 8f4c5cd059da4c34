/* SPDX-License-Identifier: MIT */
/* A key a line; the arrays of a TLB level become a list. */
#include "cli/config_yaml.h"

#include <ctype.h>
#include <string.h>

enum { CONFIG_N_LEVELS = 7 };

struct config_yaml {
    FILE *file;
    enum config_yaml_form form;
    char index; /* of the array being printed, as a digit */
    int has_level[CONFIG_N_LEVELS];
};

static const char *const config_levels[CONFIG_N_LEVELS] = {
    "tlb.l1i", "tlb.l1d", "tlb.l1s", "tlb.l2", "tlb.l2i", "tlb.l2d", "tlb.l3"};

/* A key of an array opens its list or its array where that is new; returns
 * what is left of the key. */
static const char *config_yaml_array(struct config_yaml *yaml, const char *key,
                                     const char **head)
{
    for (int i = 0; i < CONFIG_N_LEVELS; i++) {
        size_t length = strlen(config_levels[i]);
        int is_first = !yaml->has_level[i];

        if (strncmp(key, config_levels[i], length) != 0 || key[length] != '.' ||
            !isdigit((unsigned char) key[length + 1]))
            continue;
        if (is_first)
            fprintf(yaml->file, "%s:\n", config_levels[i]);
        *head = is_first || yaml->index != key[length + 1] ? "  - " : "    ";
        yaml->has_level[i] = 1;
        yaml->index = key[length + 1];
        return key + length + 3;
    }
    return key;
}

/* Text that YAML would not read as it stands goes between quotes. */
static void config_yaml_text(const char *value, FILE *file)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.+-";

    if (strspn(value, plain) == strlen(value) && *value != '-') {
        fputs(value, file);
        return;
    }
    fputc('\'', file);
    for (; *value; value++)
        fprintf(file, *value == '\'' ? "''" : "%c", *value);
    fputc('\'', file);
}

static int config_yaml_item(void *context, const mmusim_config_item_t *item)
{
    struct config_yaml *yaml = context;
    const char *head = "";
    const char *key = config_yaml_array(yaml, item->key, &head);
    int is_guess = !strncmp(item->source, "guess", 5);

    fprintf(yaml->file, "%s%s: ", head, key);
    if (strcmp(item->type, "text") != 0)
        fputs(item->value, yaml->file);
    else
        config_yaml_text(item->value, yaml->file);
    if (item->source[0] && yaml->form == CONFIG_YAML_SOURCES)
        fprintf(yaml->file, " # %s%s",
                is_guess ? "" : "source: ", item->source);
    fputc('\n', yaml->file);
    return 0;
}

void config_write_yaml(const mmusim_config_t *config,
                       enum config_yaml_form form, FILE *file)
{
    struct config_yaml yaml = {.file = file, .form = form};

    mmusim_config_each(config, config_yaml_item, &yaml);
    for (int i = 0; i < CONFIG_N_LEVELS; i++)
        if (!yaml.has_level[i])
            fprintf(file, "%s: []\n", config_levels[i]);
}
