/* SPDX-License-Identifier: MIT */
/* Keys to rows: see config_bind.h. */
#include "config/config_bind.h"

#include "core/diag.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One second at most: times its clock, at most 10 GHz, fits 64 bits. */
static const struct field_row config_ns_row = {
    .type = FIELD_NS,
    .unit = "ns",
    .max = UINT64_C(1000000000000),
    .scale = 1000,
};

const struct field_row *mmusim__config_ns_row(void)
{
    return &config_ns_row;
}

void mmusim__config_ns_key(const char *key, char *ns_key)
{
    size_t length = strlen(key);

    ns_key[0] = '\0';
    if (length > 6 && !strcmp(key + length - 6, "cycles"))
        snprintf(ns_key, MACHINE_KEY_BYTES, "%.*sns", (int) (length - 6), key);
}

bool mmusim__config_find(const char *key, struct machine_field *field,
                         size_t *index, bool *is_ns)
{
    size_t length = strlen(key);
    bool may_be_ns = length > 2 && !strcmp(key + length - 2, "ns");
    char ns_key[MACHINE_KEY_BYTES] = "";

    for (size_t i = 0; i < mmusim__machine_n_fields(); i++) {
        mmusim__machine_field_at(i, field);
        if (may_be_ns) /* a sweep sets keys by the thousand */
            mmusim__config_ns_key(field->key, ns_key);
        *is_ns = ns_key[0] && !strcmp(ns_key, key);
        *index = i;
        if (*is_ns || !strcmp(field->key, key))
            return true;
    }
    return false;
}

/* The level a key such as "tlb.l1d" names, or -1. */
static int config_level(const char *key)
{
    for (uint32_t i = 0; i < TLB_LEVEL_COUNT; i++) {
        if (!strncmp(key, "tlb.", 4) &&
            !strcmp(key + 4, mmusim__machine_level_name(i)))
            return (int) i;
    }
    return -1;
}

static mmusim_status_t config_refuse(const char *key, const char *reason,
                                     mmusim_diag_t *diag)
{
    mmusim__diag_set(diag, MMUSIM_CONFIG, "%s: %s", key, reason);
    mmusim__diag_key(diag, key);
    return MMUSIM_CONFIG;
}

/* Every key in the form that resembles `key`: times with _ns if it has it. */
static void config_names(const char *key, struct machine_field *fields,
                         const char **names)
{
    size_t length = strlen(key);
    bool is_ns = length > 2 && !strcmp(key + length - 2, "ns");

    for (size_t i = 0; i < mmusim__machine_n_fields(); i++) {
        char ns_key[MACHINE_KEY_BYTES];

        mmusim__machine_field_at(i, &fields[i]);
        mmusim__config_ns_key(fields[i].key, ns_key);
        if (is_ns && ns_key[0])
            strcpy(fields[i].key, ns_key);
        names[i] = fields[i].key;
    }
}

static mmusim_status_t config_unknown(const char *key, mmusim_diag_t *diag)
{
    const char *names[MACHINE_FIELDS_MAX];
    char reason[MACHINE_KEY_BYTES + 32] =
        "unknown key (see mmusim config keys)";
    struct machine_field *fields;
    const char *nearest;

    if (config_level(key) >= 0)
        return config_refuse(key, "must be a list of arrays, each a mapping",
                             diag);
    fields = calloc(MACHINE_FIELDS_MAX, sizeof(*fields));
    if (!fields)
        return mmusim__diag_set(diag, MMUSIM_NOMEM, "out of memory");
    config_names(key, fields, names);
    nearest = mmusim_nearest(key, names, mmusim__machine_n_fields());
    if (nearest)
        snprintf(reason, sizeof(reason), "unknown key (nearest: %s)", nearest);
    free(fields);
    return config_refuse(key, reason, diag);
}

/* A list replaces all of its level: its arrays start from the row defaults. */
static void config_reset_level(struct mmusim_config *config, uint32_t level,
                               uint32_t n_arrays)
{
    struct machine_field field;
    char reason[FIELD_TEXT_BYTES];

    for (size_t i = 0; i < mmusim__machine_n_fields(); i++) {
        mmusim__machine_field_at(i, &field);
        if (!field.is_array || field.level != level)
            continue;
        mmusim__field_parse(field.row, (char *) &config->raw + field.base,
                            field.row->dflt, reason);
        memset(&config->origins[i], 0, sizeof(config->origins[i]));
    }
    config->raw.tlb[level].n_arrays = n_arrays;
}

/* The first field of the level, whose origin says where it was emptied. */
static size_t config_empty_level(struct mmusim_config *config, uint32_t level)
{
    struct machine_field field;
    size_t i = 0;

    config_reset_level(config, level, 0);
    config->has_list[level] = true;
    do
        mmusim__machine_field_at(i++, &field);
    while (!field.is_array || field.level != level);
    return i - 1;
}

mmusim_status_t mmusim__config_bind_one(struct mmusim_config *config,
                                        const char *key, const char *value,
                                        size_t *index, mmusim_diag_t *diag)
{
    struct machine_field field;
    char reason[FIELD_TEXT_BYTES];
    struct config_origin *origin;
    uint64_t ns_milli = 0;
    bool is_ns, is_fine;

    if (config_level(key) >= 0 && !strcmp(value, "[]")) {
        *index = config_empty_level(config, (uint32_t) config_level(key));
        return MMUSIM_OK;
    }
    if (!mmusim__config_find(key, &field, index, &is_ns))
        return config_unknown(key, diag);
    /* An array of a level that has none: the first. */
    if (field.is_array && !field.index &&
        !config->raw.tlb[field.level].n_arrays)
        config->raw.tlb[field.level].n_arrays = 1;
    if (field.is_array &&
        field.index >= config->raw.tlb[field.level].n_arrays) {
        mmusim__diag_set(diag, MMUSIM_CONFIG, "%s: the level has %u arrays",
                         key, config->raw.tlb[field.level].n_arrays);
        mmusim__diag_key(diag, key);
        return MMUSIM_CONFIG;
    }
    if (is_ns)
        is_fine = mmusim__field_parse(&config_ns_row, &ns_milli, value, reason);
    else
        is_fine = mmusim__field_parse(
            field.row, (char *) &config->raw + field.base, value, reason);
    if (!is_fine)
        return config_refuse(key, reason, diag);
    origin = &config->origins[*index];
    memset(origin, 0, sizeof(*origin));
    origin->is_set = true;
    origin->is_ns = is_ns;
    origin->ns_milli = ns_milli;
    return MMUSIM_OK;
}

/* Members stand behind their mapping. */
static bool config_has_members(const struct yaml_tree *tree,
                               const struct yaml_leaf *leaf)
{
    const struct yaml_leaf *next = leaf + 1;
    size_t length = strlen(leaf->key);

    return next < tree->leaves + tree->n_leaves &&
           !strncmp(next->key, leaf->key, length) && next->key[length] == '.';
}

/* Arrays of the list `key`: mappings named key.INDEX. */
static uint32_t config_count(const struct yaml_tree *tree, const char *key)
{
    size_t length = strlen(key);
    uint32_t n = 0;

    for (size_t i = 0; i < tree->n_leaves; i++) {
        const struct yaml_leaf *leaf = &tree->leaves[i];

        n += leaf->is_mapping && !strncmp(leaf->key, key, length) &&
             leaf->key[length] == '.' && !strchr(leaf->key + length + 1, '.');
    }
    return n;
}

/* A list of arrays, or what has no place for a list. */
static mmusim_status_t config_bind_list(struct mmusim_config *config,
                                        const struct yaml_tree *tree,
                                        const struct yaml_leaf *leaf,
                                        mmusim_diag_t *diag)
{
    int level = config_level(leaf->key);
    uint32_t n = config_count(tree, leaf->key);
    char reason[48];

    if (level < 0)
        return config_unknown(leaf->key, diag);
    if (n > CONFIG_MAX_ARRAYS) {
        snprintf(reason, sizeof(reason), "%u arrays (at most %d)", n,
                 CONFIG_MAX_ARRAYS);
        return config_refuse(leaf->key, reason, diag);
    }
    config_reset_level(config, (uint32_t) level, n);
    config->has_list[level] = true;
    return MMUSIM_OK;
}

static void config_set_origin(struct config_origin *origin,
                              const struct yaml_leaf *leaf, uint32_t file)
{
    static const char head[] = "source: ";
    size_t skipped =
        strncmp(leaf->comment, head, sizeof(head) - 1) ? 0 : sizeof(head) - 1;

    origin->file = file;
    origin->line = leaf->line;
    snprintf(origin->source, sizeof(origin->source), "%s",
             leaf->comment + skipped);
}

static mmusim_status_t config_bind_leaf(struct mmusim_config *config,
                                        const struct yaml_tree *tree,
                                        const struct yaml_leaf *leaf,
                                        uint32_t file, mmusim_diag_t *diag)
{
    mmusim_status_t status;
    size_t index;

    if (!strcmp(leaf->key, "extends"))
        return MMUSIM_OK;
    if (leaf->is_mapping && !config_has_members(tree, leaf))
        return config_refuse(leaf->key, "an empty mapping", diag);
    if (leaf->is_mapping)
        return MMUSIM_OK;
    if (leaf->is_sequence)
        return config_bind_list(config, tree, leaf, diag);
    status =
        mmusim__config_bind_one(config, leaf->key, leaf->value, &index, diag);
    if (!status)
        config_set_origin(&config->origins[index], leaf, file);
    return status;
}

mmusim_status_t mmusim__config_bind(struct mmusim_config *config,
                                    const struct yaml_tree *tree, uint32_t file,
                                    mmusim_diag_t *diag)
{
    for (size_t i = 0; i < tree->n_leaves; i++) {
        const struct yaml_leaf *leaf = &tree->leaves[i];
        mmusim_status_t status =
            config_bind_leaf(config, tree, leaf, file, diag);

        if (status) {
            mmusim__diag_at_line(diag, config->files[file], leaf->line);
            return status;
        }
    }
    return MMUSIM_OK;
}

/* Has a file or the command line given the key? */
static bool config_is_set(const struct mmusim_config *config, const char *key)
{
    struct machine_field field;
    size_t index;
    bool is_ns;

    return mmusim__config_find(key, &field, &index, &is_ns) &&
           config->origins[index].is_set;
}

mmusim_status_t mmusim__config_finish(struct mmusim_config *config,
                                      mmusim_diag_t *diag)
{
    struct machine_field field;

    for (size_t i = 0; i < mmusim__machine_n_fields(); i++) {
        const struct config_origin *origin = &config->origins[i];
        char text[32], reason[FIELD_TEXT_BYTES];
        uint64_t product = origin->ns_milli * config->raw.clock_khz;

        if (!origin->is_ns)
            continue;
        mmusim__machine_field_at(i, &field);
        snprintf(text, sizeof(text), "%llu",
                 (unsigned long long) (product / 1000000000 +
                                       (product % 1000000000 >= 500000000)));
        if (mmusim__field_parse(field.row, (char *) &config->raw + field.base,
                                text, reason))
            continue;
        mmusim__diag_set(diag, MMUSIM_CONFIG, "%s: in cycles, %s", field.key,
                         reason);
        mmusim__diag_key(diag, field.key);
        mmusim__diag_at_line(diag,
                             origin->file < CONFIG_FILES_MAX
                                 ? config->files[origin->file]
                                 : "command line",
                             origin->line);
        return MMUSIM_CONFIG;
    }
    config->raw.os.has_protocol = config_is_set(config, "os.protocol");
    config->raw.os.has_flush_ceiling =
        config_is_set(config, "os.flush_ceiling");
    config->raw.has_fabric = config_is_set(config, "fabric");
    mmusim__machine_config_usual(&config->raw);
    config->machine = config->raw;
    mmusim__machine_config_finish(&config->machine);
    return MMUSIM_OK;
}

void mmusim__config_init(struct mmusim_config *config)
{
    const struct machine_default *at = mmusim__machine_default_arrays();
    size_t index;

    memset(config, 0, sizeof(*config));
    mmusim__machine_config_init(&config->raw);
    for (uint32_t i = 0; i < TLB_LEVEL_COUNT; i++)
        config_reset_level(config, i, config->raw.tlb[i].n_arrays);
    for (uint32_t i = 0; i < CONFIG_PSC_LEVELS; i++)
        config->raw.psc.levels[i].n_ways = 0;
    config->raw.psc.cache.n_ways = 0;
    config->raw.guest.nested.pointers.n_ways = 0;
    for (; at->key; at++)
        mmusim__config_bind_one(config, at->key, at->value, &index, NULL);
    memset(config->origins, 0, sizeof(config->origins));
    mmusim__config_finish(config, NULL);
}
