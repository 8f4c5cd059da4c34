/* SPDX-License-Identifier: MIT */
/*
 * A plan as JSON. JSON of this kind is YAML, too, so libyaml reads it; a
 * field that is missing or of the wrong kind is an error that names it.
 */
#include "cli/store_plan.h"

#include "cli/json_out.h"
#include "cli/run_setup.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define STORE_PLAN_SCHEMA "mmusim-sweep-plan-1"

/* ---- writing ---- */

static void json_machines(const struct store_plan *plan, FILE *file)
{
    fputs("  \"machines\": [", file);
    for (size_t i = 0; i < plan->n_machines; i++) {
        fprintf(file, "%s\n    {\"name\": ", i ? "," : "");
        json_file_text(file, plan->machines[i].name);
        fprintf(file, ", \"config\": \"machines/%08" PRIx32 ".yaml\"}",
                plan->machines[i].crc);
    }
    fputs("\n  ],\n", file);
}

static void json_sources(const struct store_plan *plan, FILE *file)
{
    fputs("  \"sources\": [", file);
    for (size_t i = 0; i < plan->n_sources; i++) {
        const struct store_source *source = &plan->sources[i];

        fprintf(file, "%s\n    {\"name\": ", i ? "," : "");
        json_file_text(file, source->name);
        if (source->path) {
            fputs(", \"path\": ", file);
            json_file_text(file, source->path);
            fprintf(file,
                    ", \"bytes\": %" PRIu64 ", \"mtime_ns\": %" PRId64
                    ", \"crc32\": \"%08" PRIx32 "\"",
                    source->bytes, source->mtime_ns, source->crc);
        }
        fprintf(file, ", \"records\": %" PRIu64 "}", source->records);
    }
    fputs("\n  ],\n", file);
}

static void json_axes(const struct store_plan *plan, FILE *file)
{
    fputs("  \"axes\": [", file);
    for (size_t i = 0; i < plan->grid.n_axes; i++) {
        fprintf(file, "%s\n    {\"key\": ", i ? "," : "");
        json_file_text(file, plan->grid.axes[i].key);
        fputs(", \"values\": ", file);
        json_file_text(file, plan->axis_texts[i]);
        fprintf(file, ", \"n\": %zu}", plan->grid.axes[i].n_values);
    }
    fputs("\n  ],\n", file);
}

/* The seed is a key; it stands here, too, because people look for it. */
static void json_seed(const struct store_plan *plan, FILE *file)
{
    char seed[32] = "";

    if (plan->n_machines && plan->machines[0].config)
        (void) mmusim_config_get(plan->machines[0].config, "seed", seed,
                                 sizeof(seed));
    fprintf(file, "  \"seed\": ");
    json_file_text(file, seed);
    fputs(",\n", file);
}

bool store_plan_write(const struct store_plan *plan, char **text,
                      size_t *length)
{
    FILE *file = open_memstream(text, length);
    bool is_written;

    if (!file)
        return false;
    fputs("{\n  \"schema\": \"" STORE_PLAN_SCHEMA "\",\n", file);
    fprintf(file, "  \"id\": \"%016" PRIx64 "\",\n  \"version\": ", plan->id);
    json_file_text(file, plan->version);
    fputs(",\n", file);
    json_seed(plan, file);
    fputs("  \"from\": ", file);
    json_file_text(file, plan->format);
    fprintf(file,
            ",\n  \"salvage\": %s,\n  \"per_core\": %s,\n"
            "  \"points\": %zu,\n  \"block_points\": %zu,\n",
            plan->salvages ? "true" : "false",
            plan->is_per_core ? "true" : "false", plan->n_points,
            plan->block_points);
    json_machines(plan, file);
    json_sources(plan, file);
    json_axes(plan, file);
    fputs("  \"end\": true\n}\n", file);
    is_written = !ferror(file);
    if (fclose(file))
        is_written = false;
    if (!is_written) {
        free(*text);
        *text = NULL;
    }
    return is_written;
}

/* ---- reading ---- */

struct plan_reader {
    yaml_document_t document;
    struct store_plan *plan;
    char *error;
};

static bool reader_fail(struct plan_reader *reader, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The first error is the one that is told. */
static bool reader_fail(struct plan_reader *reader, const char *format, ...)
{
    va_list args;

    if (reader->error[0])
        return false;
    va_start(args, format);
    vsnprintf(reader->error, SWEEP_ERROR_BYTES, format, args);
    va_end(args);
    return false;
}

static yaml_node_t *reader_find(struct plan_reader *reader, yaml_node_t *map,
                                const char *key)
{
    if (map->type != YAML_MAPPING_NODE)
        return NULL;
    for (yaml_node_pair_t *pair = map->data.mapping.pairs.start;
         pair < map->data.mapping.pairs.top; pair++) {
        yaml_node_t *name =
            yaml_document_get_node(&reader->document, pair->key);

        if (name->type == YAML_SCALAR_NODE &&
            !strcmp((const char *) name->data.scalar.value, key))
            return yaml_document_get_node(&reader->document, pair->value);
    }
    return NULL;
}

/* A scalar's text; NULL after an error. */
static const char *reader_text(struct plan_reader *reader, yaml_node_t *map,
                               const char *key)
{
    yaml_node_t *node = reader_find(reader, map, key);

    if (node && node->type == YAML_SCALAR_NODE &&
        strlen((const char *) node->data.scalar.value) ==
            node->data.scalar.length)
        return (const char *) node->data.scalar.value;
    reader_fail(reader, "\"%s\" is missing or no text", key);
    return NULL;
}

static uint64_t reader_number(struct plan_reader *reader, yaml_node_t *map,
                              const char *key, int base)
{
    const char *text = reader_text(reader, map, key);
    unsigned long long number = 0;
    char *end = NULL;

    errno = 0;
    if (text)
        number = strtoull(text, &end, base);
    if (text && (errno || end == text || *end))
        reader_fail(reader, "\"%s\" is '%.40s', no number", key, text);
    return number;
}

static char *reader_copy(struct plan_reader *reader, yaml_node_t *map,
                         const char *key)
{
    const char *text = reader_text(reader, map, key);
    char *copy = text ? strdup(text) : NULL;

    if (text && !copy)
        reader_fail(reader, "out of memory");
    return copy;
}

/* The index-th entry of a list; NULL past its end. */
static yaml_node_t *reader_at(struct plan_reader *reader, yaml_node_t *list,
                              size_t index)
{
    yaml_node_item_t *item = list->data.sequence.items.start + index;

    return item < list->data.sequence.items.top
               ? yaml_document_get_node(&reader->document, *item)
               : NULL;
}

static yaml_node_t *reader_list(struct plan_reader *reader, yaml_node_t *map,
                                const char *key, size_t max, size_t *n)
{
    yaml_node_t *node = reader_find(reader, map, key);

    *n = 0;
    if (!node || node->type != YAML_SEQUENCE_NODE) {
        reader_fail(reader, "\"%s\" is missing or no list", key);
        return NULL;
    }
    *n = (size_t) (node->data.sequence.items.top -
                   node->data.sequence.items.start);
    if (!*n || *n > max) {
        reader_fail(reader, "\"%s\" has %zu entries (1 to %zu)", key, *n, max);
        return NULL;
    }
    return node;
}

static void reader_machines(struct plan_reader *reader, yaml_node_t *root)
{
    struct store_plan *plan = reader->plan;
    size_t n;
    yaml_node_t *list =
        reader_list(reader, root, "machines", STORE_MACHINES_MAX, &n);

    plan->machines = list ? calloc(n, sizeof(*plan->machines)) : NULL;
    if (list && !plan->machines)
        reader_fail(reader, "out of memory");
    for (size_t i = 0; plan->machines && i < n; i++) {
        struct store_machine *machine = &plan->machines[plan->n_machines++];
        yaml_node_t *node = reader_at(reader, list, i);
        const char *file = reader_text(reader, node, "config");

        machine->name = reader_copy(reader, node, "name");
        if (file &&
            sscanf(file, "machines/%8" SCNx32 ".yaml", &machine->crc) != 1)
            reader_fail(reader,
                        "\"config\" is '%.40s', not "
                        "machines/XXXXXXXX.yaml",
                        file);
    }
}

static void reader_source(struct plan_reader *reader, yaml_node_t *node,
                          struct store_source *source)
{
    source->name = reader_copy(reader, node, "name");
    source->records = reader_number(reader, node, "records", 10);
    if (!source->name || mmusim_is_workload(source->name))
        return;
    source->path = reader_copy(reader, node, "path");
    source->bytes = reader_number(reader, node, "bytes", 10);
    source->mtime_ns = (int64_t) reader_number(reader, node, "mtime_ns", 10);
    source->crc = (uint32_t) reader_number(reader, node, "crc32", 16);
}

static void reader_sources(struct plan_reader *reader, yaml_node_t *root)
{
    struct store_plan *plan = reader->plan;
    size_t n;
    yaml_node_t *list =
        reader_list(reader, root, "sources", STORE_SOURCES_MAX, &n);

    plan->sources = list ? calloc(n, sizeof(*plan->sources)) : NULL;
    if (list && !plan->sources)
        reader_fail(reader, "out of memory");
    for (size_t i = 0; plan->sources && i < n; i++)
        reader_source(reader, reader_at(reader, list, i),
                      &plan->sources[plan->n_sources++]);
}

static void reader_axes(struct plan_reader *reader, yaml_node_t *root)
{
    struct store_plan *plan = reader->plan;
    size_t n;
    yaml_node_t *list = reader_list(reader, root, "axes", SWEEP_AXES_MAX, &n);

    for (size_t i = 0; list && !reader->error[0] && i < n; i++) {
        yaml_node_t *node = reader_at(reader, list, i);
        const char *key = reader_text(reader, node, "key");
        const char *values = reader_text(reader, node, "values");
        size_t size = key && values ? strlen(key) + strlen(values) + 2 : 0;
        char *both = size ? malloc(size) : NULL;

        plan->axis_texts[i] = values ? strdup(values) : NULL;
        if (!both || !plan->axis_texts[i]) {
            reader_fail(reader, "out of memory");
        } else {
            snprintf(both, size, "%s=%s", key, values);
            sweep_plan_add(&plan->grid, both, reader->error);
        }
        free(both);
    }
}

static bool reader_bool(struct plan_reader *reader, yaml_node_t *map,
                        const char *key)
{
    const char *text = reader_text(reader, map, key);

    if (text && strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
        reader_fail(reader, "\"%s\" is '%.40s' (true or false)", key, text);
    return text && !strcmp(text, "true");
}

static bool reader_root(struct plan_reader *reader, yaml_node_t *root)
{
    struct store_plan *plan = reader->plan;
    const char *schema = reader_text(reader, root, "schema");
    const char *format;
    uint64_t id;

    if (schema && strcmp(schema, STORE_PLAN_SCHEMA) != 0)
        return reader_fail(
            reader, "\"schema\" is '%.40s', not " STORE_PLAN_SCHEMA, schema);
    plan->version = reader_copy(reader, root, "version");
    format = reader_text(reader, root, "from");
    if (format && strcmp(format, "null") != 0)
        plan->format = strdup(format);
    plan->salvages = reader_bool(reader, root, "salvage");
    plan->is_per_core = reader_bool(reader, root, "per_core");
    id = reader_number(reader, root, "id", 16);
    reader_machines(reader, root);
    reader_sources(reader, root);
    reader_axes(reader, root);
    if (reader->error[0])
        return false;
    if (!store_plan_finish(plan))
        return reader_fail(reader, "more than %d points", SWEEP_POINTS_MAX);
    if (plan->id != id)
        return reader_fail(reader,
                           "changed by hand or damaged: its \"id\" is "
                           "%016" PRIx64 ", its content %016" PRIx64,
                           id, plan->id);
    return true;
}

bool store_plan_read(struct store_plan *plan, const char *text, size_t length,
                     char error[SWEEP_ERROR_BYTES])
{
    struct plan_reader reader = {.plan = plan, .error = error};
    yaml_parser_t parser;
    yaml_node_t *root;
    bool is_right = false;

    memset(plan, 0, sizeof(*plan));
    sweep_plan_init(&plan->grid);
    error[0] = '\0';
    if (!yaml_parser_initialize(&parser))
        return reader_fail(&reader, "out of memory");
    yaml_parser_set_input_string(&parser, (const unsigned char *) text, length);
    if (!yaml_parser_load(&parser, &reader.document)) {
        reader_fail(&reader, "line %zu: no JSON: %s",
                    parser.problem_mark.line + 1,
                    parser.problem ? parser.problem : "unreadable");
    } else {
        root = yaml_document_get_root_node(&reader.document);
        is_right =
            root ? reader_root(&reader, root) : reader_fail(&reader, "empty");
        yaml_document_delete(&reader.document);
    }
    yaml_parser_delete(&parser);
    if (!is_right)
        store_plan_fini(plan);
    return is_right;
}
