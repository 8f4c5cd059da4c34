/* SPDX-License-Identifier: MIT */
/* libyaml's events flattened: see yaml_tree.h. libyaml drops comments, so they
 * are read from the text behind the value. */
#include "config/yaml_tree.h"

#include "core/diag.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct yaml_frame {
    size_t key_length; /* of the path this frame is at */
    bool is_sequence;
    bool wants_key;
    uint32_t index; /* next element of a sequence */
    size_t leaf;
    uint32_t n_scalars;
};

struct yaml_reader {
    const char *text;
    size_t n_bytes;
    const char *file;
    mmusim_diag_t *diag;
    struct yaml_tree tree;
    struct yaml_frame frames[YAML_DEPTH_MAX];
    size_t depth;
    uint32_t n_documents;
    size_t key_line;     /* of the last key */
    const char *seen_at; /* begin of line seen_line, or NULL: none is left */
    size_t seen_line;
    char path[YAML_KEY_BYTES];
};

static mmusim_status_t yaml_wrong(struct yaml_reader *reader, size_t line,
                                  const char *reason)
{
    mmusim__diag_set(reader->diag, MMUSIM_CONFIG, "%s", reason);
    mmusim__diag_at_line(reader->diag, reader->file, (uint32_t) line + 1);
    return MMUSIM_CONFIG;
}

/* Where a line begins, or NULL. Lines are asked for in rising order, so each
 * search goes on where the last one ended. */
static const char *yaml_line_at(struct yaml_reader *reader, size_t line)
{
    const char *end = reader->text + reader->n_bytes;

    for (; reader->seen_line < line && reader->seen_at; reader->seen_line++) {
        reader->seen_at =
            memchr(reader->seen_at, '\n', (size_t) (end - reader->seen_at));
        if (reader->seen_at)
            reader->seen_at++;
    }
    return reader->seen_at;
}

/* The comment at the end of a line, searched from a column on. */
static void yaml_comment(struct yaml_reader *reader, yaml_mark_t mark,
                         char *comment)
{
    const char *at = yaml_line_at(reader, mark.line);
    const char *end = reader->text + reader->n_bytes;
    size_t length = 0;

    for (size_t i = 0; at && i < mark.column && at < end; i++)
        at++;
    while (at && at < end && *at != '\n' && !(*at == '#' && at[-1] == ' '))
        at++;
    if (!at || at >= end || *at != '#')
        return;
    for (at++; at < end && *at == ' '; at++)
        ;
    while (at < end && *at != '\n' && *at != '\r' &&
           length < YAML_COMMENT_BYTES - 1)
        comment[length++] = *at++;
    while (length && comment[length - 1] == ' ')
        length--;
    comment[length] = '\0';
}

static mmusim_status_t yaml_add(struct yaml_reader *reader,
                                const yaml_event_t *event,
                                struct yaml_leaf **added)
{
    bool is_element = reader->frames[reader->depth - 1].is_sequence;
    size_t line = is_element ? event->start_mark.line : reader->key_line;
    struct yaml_leaf *leaf;

    if (reader->tree.n_leaves == YAML_LEAVES_MAX)
        return yaml_wrong(reader, line, "too many keys (at most 512)");
    for (size_t i = 0; i < reader->tree.n_leaves; i++) {
        char reason[YAML_KEY_BYTES + 32];

        if (strcmp(reader->tree.leaves[i].key, reader->path) != 0)
            continue;
        snprintf(reason, sizeof(reason), "%s: the key is given twice",
                 reader->path);
        return yaml_wrong(reader, line, reason);
    }
    leaf = &reader->tree.leaves[reader->tree.n_leaves++];
    memset(leaf, 0, sizeof(*leaf));
    strcpy(leaf->key, reader->path);
    leaf->line = (uint32_t) line + 1;
    *added = leaf;
    return MMUSIM_OK;
}

/* Puts a name behind the path of the innermost frame. */
static mmusim_status_t yaml_enter(struct yaml_reader *reader, const char *name,
                                  size_t line)
{
    size_t length = reader->frames[reader->depth - 1].key_length;
    int n = snprintf(reader->path + length, YAML_KEY_BYTES - length, "%s%s",
                     length ? "." : "", name);

    if (n < 0 || (size_t) n >= YAML_KEY_BYTES - length || !*name)
        return yaml_wrong(reader, line, "the key is empty or too long");
    return MMUSIM_OK;
}

static mmusim_status_t yaml_element(struct yaml_reader *reader, size_t line)
{
    struct yaml_frame *frame =
        reader->depth ? &reader->frames[reader->depth - 1] : NULL;
    char name[16];

    if (!frame)
        return MMUSIM_OK;
    if (!frame->is_sequence) {
        if (frame->wants_key)
            return yaml_wrong(reader, line, "a key must be a word");
        frame->wants_key = true;
        return MMUSIM_OK;
    }
    if (frame->n_scalars)
        return yaml_wrong(reader, line, "a list is of words or of arrays");
    snprintf(name, sizeof(name), "%u", frame->index++);
    return yaml_enter(reader, name, line);
}

static mmusim_status_t yaml_open(struct yaml_reader *reader,
                                 const yaml_event_t *event, bool is_sequence)
{
    size_t line = event->start_mark.line;
    mmusim_status_t status = yaml_element(reader, line);
    struct yaml_frame *frame;
    struct yaml_leaf *leaf;

    if (status)
        return status;
    if (reader->depth == YAML_DEPTH_MAX)
        return yaml_wrong(reader, line, "nested too deeply (at most 6)");
    if (!reader->depth && is_sequence)
        return yaml_wrong(reader, line, "a machine is a mapping of keys");
    frame = &reader->frames[reader->depth];
    memset(frame, 0, sizeof(*frame));
    frame->is_sequence = is_sequence;
    frame->wants_key = !is_sequence;
    frame->key_length = reader->depth ? strlen(reader->path) : 0;
    if (reader->depth) {
        status = yaml_add(reader, event, &leaf);
        if (status)
            return status;
        leaf->is_sequence = is_sequence;
        leaf->is_mapping = !is_sequence;
        frame->leaf = reader->tree.n_leaves - 1;
    }
    reader->depth++;
    return MMUSIM_OK;
}

static void yaml_close(struct yaml_reader *reader, const yaml_event_t *event)
{
    struct yaml_frame *frame = &reader->frames[--reader->depth];

    reader->path[frame->key_length] = '\0';
    if (frame->is_sequence && frame->n_scalars) {
        struct yaml_leaf *leaf = &reader->tree.leaves[frame->leaf];

        strcat(leaf->value, "]");
        yaml_comment(reader, event->end_mark, leaf->comment);
    }
}

static mmusim_status_t yaml_list_item(struct yaml_reader *reader,
                                      struct yaml_frame *frame,
                                      const char *value, size_t line)
{
    struct yaml_leaf *leaf = &reader->tree.leaves[frame->leaf];
    size_t used = strlen(leaf->value);

    if (frame->index)
        return yaml_wrong(reader, line, "a list is of words or of arrays");
    if (used + strlen(value) + 4 > YAML_VALUE_BYTES)
        return yaml_wrong(reader, line, "the list is too long");
    snprintf(leaf->value + used, YAML_VALUE_BYTES - used, "%s%s",
             frame->n_scalars++ ? ", " : "[", value);
    leaf->is_sequence = false;
    return MMUSIM_OK;
}

static mmusim_status_t yaml_scalar(struct yaml_reader *reader,
                                   const yaml_event_t *event)
{
    const char *value = (const char *) event->data.scalar.value;
    size_t length = event->data.scalar.length, line = event->start_mark.line;
    struct yaml_frame *frame;
    struct yaml_leaf *leaf;
    mmusim_status_t status;

    if (!reader->depth)
        return yaml_wrong(reader, line, "a machine is a mapping of keys");
    if (event->data.scalar.anchor || event->data.scalar.tag)
        return yaml_wrong(reader, line, "anchors and tags are not allowed");
    if (length != strlen(value) || length >= YAML_VALUE_BYTES)
        return yaml_wrong(reader, line, "the text is too long or has a NUL");
    frame = &reader->frames[reader->depth - 1];
    if (frame->is_sequence)
        return yaml_list_item(reader, frame, value, line);
    if (frame->wants_key) {
        frame->wants_key = false;
        reader->key_line = line;
        return yaml_enter(reader, value, line);
    }
    frame->wants_key = true;
    status = yaml_add(reader, event, &leaf);
    if (status)
        return status;
    strcpy(leaf->value, value);
    yaml_comment(reader, event->end_mark, leaf->comment);
    return MMUSIM_OK;
}

static mmusim_status_t yaml_event(struct yaml_reader *reader,
                                  const yaml_event_t *event)
{
    size_t line = event->start_mark.line;

    switch ((int) event->type) {
    case YAML_ALIAS_EVENT:
        return yaml_wrong(reader, line, "aliases are not allowed");
    case YAML_DOCUMENT_START_EVENT:
        if (reader->n_documents++)
            return yaml_wrong(reader, line, "only one document is allowed");
        return MMUSIM_OK;
    case YAML_SCALAR_EVENT:
        return yaml_scalar(reader, event);
    case YAML_MAPPING_START_EVENT:
        if (event->data.mapping_start.anchor || event->data.mapping_start.tag)
            return yaml_wrong(reader, line, "anchors and tags are not allowed");
        return yaml_open(reader, event, false);
    case YAML_SEQUENCE_START_EVENT:
        if (event->data.sequence_start.anchor || event->data.sequence_start.tag)
            return yaml_wrong(reader, line, "anchors and tags are not allowed");
        return yaml_open(reader, event, true);
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        yaml_close(reader, event);
        return MMUSIM_OK;
    default:
        return MMUSIM_OK;
    }
}

/* libyaml places what is not UTF-8 by its offset alone. */
static size_t yaml_problem_line(const struct yaml_reader *reader,
                                const yaml_parser_t *parser)
{
    size_t line = 0;

    if (parser->error != YAML_READER_ERROR)
        return parser->problem_mark.line;
    for (size_t i = 0; i < parser->problem_offset && i < reader->n_bytes; i++)
        line += reader->text[i] == '\n';
    return line;
}

static mmusim_status_t yaml_run(struct yaml_reader *reader,
                                yaml_parser_t *parser)
{
    mmusim_status_t status = MMUSIM_OK;
    bool is_end = false;

    while (!status && !is_end) {
        yaml_event_t event;

        if (!yaml_parser_parse(parser, &event)) {
            if (parser->error == YAML_MEMORY_ERROR)
                return mmusim__diag_set(reader->diag, MMUSIM_NOMEM,
                                        "out of memory");
            return yaml_wrong(reader, yaml_problem_line(reader, parser),
                              parser->problem ? parser->problem : "no YAML");
        }
        is_end = event.type == YAML_STREAM_END_EVENT;
        status = yaml_event(reader, &event);
        yaml_event_delete(&event);
    }
    return status;
}

mmusim_status_t mmusim__yaml_parse(const char *text, size_t n_bytes,
                                   const char *file, struct yaml_tree *tree,
                                   mmusim_diag_t *diag)
{
    struct yaml_reader reader = {.text = text,
                                 .n_bytes = n_bytes,
                                 .file = file,
                                 .diag = diag,
                                 .seen_at = text};
    yaml_parser_t parser;
    mmusim_status_t status;

    memset(tree, 0, sizeof(*tree));
    if (n_bytes > YAML_FILE_BYTES_MAX)
        return yaml_wrong(&reader, 0, "the file is too large (at most 256K)");
    reader.tree.leaves = malloc(YAML_LEAVES_MAX * sizeof(struct yaml_leaf));
    if (!reader.tree.leaves || !yaml_parser_initialize(&parser)) {
        free(reader.tree.leaves);
        return mmusim__diag_set(diag, MMUSIM_NOMEM, "out of memory");
    }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *) text,
                                 n_bytes);
    status = yaml_run(&reader, &parser);
    yaml_parser_delete(&parser);
    if (status)
        mmusim__yaml_fini(&reader.tree);
    else
        *tree = reader.tree;
    return status;
}

mmusim_status_t mmusim__yaml_load(const char *file, struct yaml_tree *tree,
                                  mmusim_diag_t *diag)
{
    FILE *stream = fopen(file, "rb");
    char *text = stream ? malloc(YAML_FILE_BYTES_MAX + 1) : NULL;
    mmusim_status_t status;
    size_t n_bytes;

    memset(tree, 0, sizeof(*tree));
    if (!stream) {
        status = mmusim__diag_set(diag, MMUSIM_UNREADABLE, "cannot open: %s",
                                  strerror(errno));
        mmusim__diag_at_line(diag, file, 0);
        return status;
    }
    if (!text) {
        fclose(stream);
        return mmusim__diag_set(diag, MMUSIM_NOMEM, "out of memory");
    }
    n_bytes = fread(text, 1, YAML_FILE_BYTES_MAX + 1, stream);
    if (ferror(stream)) {
        status = mmusim__diag_set(diag, MMUSIM_UNREADABLE, "cannot read");
        mmusim__diag_at_line(diag, file, 0);
    } else {
        status = mmusim__yaml_parse(text, n_bytes, file, tree, diag);
    }
    fclose(stream);
    free(text);
    return status;
}

void mmusim__yaml_fini(struct yaml_tree *tree)
{
    free(tree->leaves);
    memset(tree, 0, sizeof(*tree));
}
