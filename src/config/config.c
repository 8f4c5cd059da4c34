/* SPDX-License-Identifier: MIT */
/* The public configuration calls: see mmusim/config.h. */
#include "config/config_bind.h"

#include "core/diag.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef MMUSIM_DATADIR
#define MMUSIM_DATADIR "/usr/local/share/mmusim"
#endif

const struct machine_config *
mmusim__config_machine(const struct mmusim_config *config)
{
    return &config->machine;
}

mmusim_status_t mmusim_config_create(mmusim_config_t **config)
{
    *config = malloc(sizeof(**config));
    if (!*config)
        return MMUSIM_NOMEM;
    mmusim__config_init(*config);
    return MMUSIM_OK;
}

mmusim_status_t mmusim_config_copy(const mmusim_config_t *from,
                                   mmusim_config_t **copy)
{
    *copy = malloc(sizeof(**copy));
    if (!*copy)
        return MMUSIM_NOMEM;
    memcpy(*copy, from, sizeof(**copy));
    return MMUSIM_OK;
}

void mmusim_config_destroy(mmusim_config_t *config)
{
    free(config);
}

mmusim_status_t mmusim_config_set(mmusim_config_t *config, const char *key,
                                  const char *value, mmusim_diag_t *diag)
{
    mmusim_config_t *next;
    mmusim_status_t status = mmusim_config_copy(config, &next);
    size_t index;

    if (status)
        return mmusim__diag_set(diag, status, "out of memory");
    status = mmusim__config_bind_one(next, key, value, &index, diag);
    if (status) {
        mmusim__diag_at_line(diag, "command line", 0);
    } else {
        next->origins[index].file = CONFIG_FILES_MAX;
        strcpy(next->origins[index].source, "command line");
        status = mmusim__config_finish(next, diag);
    }
    if (!status)
        memcpy(config, next, sizeof(*config));
    free(next);
    return status;
}

static const char *config_origin_file(const mmusim_config_t *config,
                                      const struct config_origin *origin)
{
    return origin->file < CONFIG_FILES_MAX ? config->files[origin->file]
                                           : "command line";
}

/* Where a value whose key starts with the given text was set: on the command
 * line if one was, it came last. NULL: nowhere. */
static const struct config_origin *
config_find_origin(const mmusim_config_t *config, const char *key,
                   size_t length)
{
    const struct config_origin *found = NULL;

    for (size_t i = 0; i < mmusim__machine_n_fields(); i++) {
        const struct config_origin *origin = &config->origins[i];
        struct machine_field field;

        mmusim__machine_field_at(i, &field);
        if (!origin->is_set || strncmp(field.key, key, length) != 0)
            continue;
        if (origin->file == CONFIG_FILES_MAX)
            return origin;
        if (!found)
            found = origin;
    }
    return found;
}

mmusim_status_t mmusim_config_check(const mmusim_config_t *config,
                                    mmusim_diag_t *diag)
{
    mmusim_status_t status =
        mmusim__machine_config_check(&config->machine, diag);
    const struct config_origin *origin;
    const char *dot;

    if (!status || !diag || !diag->key[0])
        return status;
    origin = config_find_origin(config, diag->key, strlen(diag->key));
    dot = strrchr(diag->key, '.');
    if (!origin && dot) /* a neighbour, as sockets for cores_per_socket */
        origin = config_find_origin(config, diag->key,
                                    (size_t) (dot - diag->key) + 1);
    if (origin)
        mmusim__diag_at_line(diag, config_origin_file(config, origin),
                             origin->line);
    return status;
}

static void config_value(const mmusim_config_t *config, size_t index,
                         const struct machine_field *field, char *text)
{
    if (config->origins[index].is_ns)
        mmusim__field_print(mmusim__config_ns_row(),
                            &config->origins[index].ns_milli, text);
    else
        mmusim__field_print(field->row,
                            (const char *) &config->raw + field->base, text);
}

mmusim_status_t mmusim_config_get(const mmusim_config_t *config,
                                  const char *key, char *buffer,
                                  size_t size_bytes)
{
    struct machine_field field;
    char text[FIELD_TEXT_BYTES];
    size_t index;
    bool is_ns;

    if (!mmusim__config_find(key, &field, &index, &is_ns) ||
        (is_ns && !config->origins[index].is_ns) ||
        (field.is_array &&
         field.index >= config->raw.tlb[field.level].n_arrays))
        return MMUSIM_USAGE;
    if (is_ns)
        config_value(config, index, &field, text);
    else
        mmusim__field_print(field.row, (const char *) &config->raw + field.base,
                            text);
    snprintf(buffer, size_bytes, "%s", text);
    return MMUSIM_OK;
}

static int config_visit(const mmusim_config_t *config, size_t index,
                        const struct machine_field *field,
                        int (*visit)(void *context,
                                     const mmusim_config_item_t *item),
                        void *context)
{
    const struct config_origin *origin = &config->origins[index];
    const struct field_row *row =
        origin->is_ns ? mmusim__config_ns_row() : field->row;
    char value[FIELD_TEXT_BYTES], range[FIELD_TEXT_BYTES];
    char ns_key[MACHINE_KEY_BYTES];
    mmusim_config_item_t item = {.line = origin->line};

    config_value(config, index, field, value);
    mmusim__field_range(row, range);
    mmusim__config_ns_key(field->key, ns_key);
    item.key = origin->is_ns ? ns_key : field->key;
    item.value = value;
    item.type = mmusim__field_type_name(field->row->type);
    item.unit = row->unit;
    item.range = range;
    item.dflt = mmusim__machine_default(field, &item.source);
    if (field->is_array && config->has_list[field->level]) {
        item.dflt = field->row->dflt;
        item.source = field->row->source;
    }
    item.help = field->row->help;
    item.file = "";
    if (origin->is_set) {
        item.source = origin->source;
        item.file = config_origin_file(config, origin);
    }
    return visit(context, &item);
}

int mmusim_config_each(const mmusim_config_t *config,
                       int (*visit)(void *context,
                                    const mmusim_config_item_t *item),
                       void *context)
{
    for (size_t i = 0; i < mmusim__machine_n_fields(); i++) {
        struct machine_field field;
        int stop;

        mmusim__machine_field_at(i, &field);
        if (field.is_array &&
            field.index >= config->raw.tlb[field.level].n_arrays)
            continue;
        stop = config_visit(config, i, &field, visit, context);
        if (stop)
            return stop;
    }
    return 0;
}

/* folder_length bytes of folder, a name and an ending, as the path of a file
 * that exists. */
static bool config_try(const char *folder, size_t folder_length,
                       const char *name, const char *ending, char *path)
{
    int n = snprintf(path, CONFIG_FILE_BYTES, "%.*s%s%s", (int) folder_length,
                     folder, name, ending);

    return n > 0 && n < CONFIG_FILE_BYTES && !access(path, F_OK);
}

/* Finds machine beside the file `beside`, in the folder or in the installed
 * one; path has CONFIG_FILE_BYTES. A path that was asked for need not exist:
 * opening it will tell. */
static bool config_path(const char *machine, const char *beside,
                        const char *folder, char *path)
{
    static const char installed[] = MMUSIM_DATADIR "/configs/";
    size_t length = strlen(machine);
    bool is_path = strchr(machine, '/') ||
                   (length > 5 && !strcmp(machine + length - 5, ".yaml"));
    const char *slash = beside ? strrchr(beside, '/') : NULL;
    char with_slash[CONFIG_FILE_BYTES + 1];
    int n;

    if (beside && machine[0] != '/' &&
        config_try(beside, slash ? (size_t) (slash - beside) + 1 : 0, machine,
                   is_path ? "" : ".yaml", path))
        return true;
    if (is_path) {
        n = snprintf(path, CONFIG_FILE_BYTES, "%s", machine);
        return n > 0 && n < CONFIG_FILE_BYTES;
    }
    if (folder) {
        n = snprintf(with_slash, sizeof(with_slash), "%s/", folder);
        if (n > 0 && (size_t) n < sizeof(with_slash) &&
            config_try(with_slash, (size_t) n, machine, ".yaml", path))
            return true;
    }
    return config_try(installed, sizeof(installed) - 1, machine, ".yaml", path);
}

static const struct yaml_leaf *config_extends(const struct yaml_tree *tree)
{
    for (size_t i = 0; i < tree->n_leaves; i++) {
        if (!strcmp(tree->leaves[i].key, "extends"))
            return &tree->leaves[i];
    }
    return NULL;
}

/* Loads a file after what it extends. The depth of the chain is bounded by
 * files, which also ends cycles. */
static mmusim_status_t config_load_file(mmusim_config_t *config,
                                        const char *path, const char *folder,
                                        mmusim_diag_t *diag)
{
    char base[CONFIG_FILE_BYTES];
    struct yaml_tree tree;
    uint32_t file = config->n_files;
    mmusim_status_t status = mmusim__yaml_load(path, &tree, diag);
    const struct yaml_leaf *extends;

    if (status)
        return status;
    snprintf(config->files[config->n_files++], CONFIG_FILE_BYTES, "%s", path);
    extends = config_extends(&tree);
    if (extends) {
        if (!config_path(extends->value, path, folder, base))
            status =
                mmusim__diag_set(diag, MMUSIM_CONFIG,
                                 "extends: no machine '%s'", extends->value);
        else if (config->n_files == CONFIG_FILES_MAX)
            status = mmusim__diag_set(diag, MMUSIM_CONFIG,
                                      "extends: a cycle, or more than %d files",
                                      CONFIG_FILES_MAX);
        if (status)
            mmusim__diag_at_line(diag, path, extends->line);
        else
            status = config_load_file(config, base, folder, diag);
    }
    if (!status)
        status = mmusim__config_bind(config, &tree, file, diag);
    mmusim__yaml_fini(&tree);
    return status;
}

mmusim_status_t mmusim_config_load(const char *machine, const char *config_dir,
                                   mmusim_config_t **config,
                                   mmusim_diag_t *diag)
{
    char path[CONFIG_FILE_BYTES];
    mmusim_config_t *loaded;
    mmusim_status_t status;

    *config = NULL;
    if (!config_path(machine, NULL, config_dir, path))
        return mmusim__diag_set(diag, MMUSIM_CONFIG,
                                "no machine '%.100s' (see mmusim config list)",
                                machine);
    status = mmusim_config_create(&loaded);
    if (status)
        return mmusim__diag_set(diag, status, "out of memory");
    status = config_load_file(loaded, path, config_dir, diag);
    if (!status)
        status = mmusim__config_finish(loaded, diag);
    if (!status)
        status = mmusim_config_check(loaded, diag);
    if (status)
        mmusim_config_destroy(loaded);
    else
        *config = loaded;
    return status;
}

static int config_is_yaml(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);

    return length > 5 && entry->d_name[0] != '.' &&
           !strcmp(entry->d_name + length - 5, ".yaml");
}

/* By name without the ending: x before x-2s. */
static int config_by_name(const struct dirent **a, const struct dirent **b)
{
    size_t n_a = strlen((*a)->d_name) - 5, n_b = strlen((*b)->d_name) - 5;
    int order = memcmp((*a)->d_name, (*b)->d_name, n_a < n_b ? n_a : n_b);

    return order ? order : (n_a > n_b) - (n_a < n_b);
}

/* The first line of the file, if it is a comment. */
static void config_summary(const char *folder, const char *name, char *text,
                           int size)
{
    char path[1024];
    FILE *stream;

    text[0] = '\0';
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    stream = fopen(path, "rb");
    if (!stream)
        return;
    if (!fgets(text, size, stream) || strncmp(text, "# ", 2) != 0)
        text[0] = '\0';
    text[strcspn(text, "\n")] = '\0';
    fclose(stream);
}

mmusim_status_t mmusim_config_list(const char *config_dir,
                                   void (*visit)(void *context,
                                                 const char *name,
                                                 const char *summary),
                                   void *context, mmusim_diag_t *diag)
{
    const char *folder = config_dir ? config_dir : MMUSIM_DATADIR "/configs";
    struct dirent **entries;
    int n = scandir(folder, &entries, config_is_yaml, config_by_name);
    mmusim_status_t status;

    if (n < 0) {
        status = mmusim__diag_set(diag, MMUSIM_UNREADABLE, "cannot read");
        mmusim__diag_at_line(diag, folder, 0);
        return status;
    }
    for (int i = 0; i < n; i++) {
        char summary[160];

        config_summary(folder, entries[i]->d_name, summary, sizeof(summary));
        entries[i]->d_name[strlen(entries[i]->d_name) - 5] = '\0';
        visit(context, entries[i]->d_name, summary[0] ? summary + 2 : "");
        free(entries[i]);
    }
    free(entries);
    return MMUSIM_OK;
}
