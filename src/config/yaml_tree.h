/* SPDX-License-Identifier: MIT */
/*
 * A YAML file as a flat list of leaves in file order: key path, text, line,
 * trailing comment. Refuses what a configuration has no use for (anchors,
 * aliases, tags, several documents, depth) and bounds everything.
 */
#ifndef MMUSIM_CONFIG_YAML_TREE_H
#define MMUSIM_CONFIG_YAML_TREE_H

#include "mmusim/status.h"

enum {
    YAML_FILE_BYTES_MAX = 256 << 10,
    YAML_LEAVES_MAX = 512,
    YAML_DEPTH_MAX = 6,
    YAML_KEY_BYTES = 96,
    YAML_VALUE_BYTES = 192,
    YAML_COMMENT_BYTES = 160,
};

struct yaml_leaf {
    char key[YAML_KEY_BYTES]; /* "tlb.l1d.0.entries" */
    char value[YAML_VALUE_BYTES];
    char comment[YAML_COMMENT_BYTES]; /* behind the '#', or "" */
    uint32_t line;
    bool is_mapping;  /* value is empty; the members follow */
    bool is_sequence; /* of mappings, or empty; a sequence of scalars is a
                         leaf with value "[A, B]" */
};

struct yaml_tree {
    struct yaml_leaf *leaves;
    size_t n_leaves;
};

/* text need not be terminated. file is for messages. */
mmusim_status_t mmusim__yaml_parse(const char *text, size_t n_bytes,
                                   const char *file, struct yaml_tree *tree,
                                   mmusim_diag_t *diag);
mmusim_status_t mmusim__yaml_load(const char *file, struct yaml_tree *tree,
                                  mmusim_diag_t *diag);
void mmusim__yaml_fini(struct yaml_tree *tree);

#endif
