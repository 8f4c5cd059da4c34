/* SPDX-License-Identifier: MIT */
/* The common members of a page's JSON. */
#include "cli/report_data.h"

#include "cli/config_yaml.h"
#include "cli/html_page.h"
#include "cli/replay_report.h"
#include "mmusim/mmusim.h"

#include <stdlib.h>
#include <string.h>

static void report_quote_word(const char *word, FILE *file)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyz"
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+-=:,@%";

    if (*word && strspn(word, plain) == strlen(word)) {
        fputs(word, file);
        return;
    }
    fputc('\'', file);
    for (; *word; word++) {
        if (*word == '\'')
            fputs("'\\''", file);
        else
            fputc(*word, file);
    }
    fputc('\'', file);
}

char *report_quote_command(const char *name, int argc, char *const *argv)
{
    char *text = NULL;
    size_t length = 0;
    FILE *file = open_memstream(&text, &length);

    if (!file)
        return NULL;
    fprintf(file, "mmusim %s", name);
    for (int i = 1; i < argc; i++) {
        fputc(' ', file);
        report_quote_word(argv[i], file);
    }
    if (!fclose(file))
        return text;
    free(text);
    return NULL;
}

/* The whole configuration as text; NULL: out of memory. */
static char *report_yaml(const mmusim_config_t *config)
{
    char *text = NULL;
    size_t length = 0;
    FILE *file = open_memstream(&text, &length);

    if (!file)
        return NULL;
    config_write_yaml(config, CONFIG_YAML_SOURCES, file);
    if (!fclose(file))
        return text;
    free(text);
    return NULL;
}

struct report_keys {
    FILE *file;
    const char *separator;
};

/* [key, value, unit, default, meaning, where the value comes from] */
static int report_write_key(void *context, const mmusim_config_item_t *item)
{
    const char *texts[] = {item->key,  item->value, item->unit,
                           item->dflt, item->help,  item->source};
    struct report_keys *keys = context;

    fputs(keys->separator, keys->file);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        fputs(i ? "," : "[", keys->file);
        html_json_text(texts[i], keys->file);
    }
    fputs("]", keys->file);
    keys->separator = ",\n";
    return 0;
}

static void report_write_buckets(FILE *file)
{
    fputs("\"buckets\":[", file);
    for (size_t i = 0; report_buckets[i]; i++) {
        fputs(i ? "," : "", file);
        html_json_text(report_buckets[i], file);
    }
    fputs("],\n\"waiting_buckets\":[", file);
    for (size_t i = 0, n = 0; report_buckets[i]; i++) {
        if (report_is_busy(report_buckets[i]))
            continue;
        fputs(n++ ? "," : "", file);
        html_json_text(report_buckets[i], file);
    }
    fputs("],\n", file);
}

bool report_data_write(const struct report_data *data, FILE *file)
{
    struct report_keys keys = {file, ""};
    char *yaml = report_yaml(data->config);

    if (!yaml)
        return false;
    fputs("{\"schema\":\"mmusim-report-1\",\n\"kind\":", file);
    html_json_text(data->kind, file);
    fputs(",\n\"version\":", file);
    html_json_text(mmusim_version(), file);
    fputs(",\n\"command\":", file);
    html_json_text(data->command, file);
    fputs(",\n\"config_yaml\":", file);
    html_json_text(yaml, file);
    fputs(",\n\"config\":[\n", file);
    mmusim_config_each(data->config, report_write_key, &keys);
    fputs("],\n", file);
    report_write_buckets(file);
    free(yaml);
    return true;
}
