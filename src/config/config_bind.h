/* SPDX-License-Identifier: MIT */
/* Keys to rows to a configuration; where each value came from. */
#ifndef MMUSIM_CONFIG_CONFIG_BIND_H
#define MMUSIM_CONFIG_CONFIG_BIND_H

#include "config/yaml_tree.h"
#include "machine/machine_rows.h"
#include "mmusim/config.h"

enum { CONFIG_FILES_MAX = 9, CONFIG_FILE_BYTES = 256 };

struct config_origin {
    bool is_set;
    bool is_ns;        /* given in time: converted whenever the clock moves */
    uint64_t ns_milli; /* thousandths of a nanosecond */
    uint32_t file;     /* index into files; CONFIG_FILES_MAX: command line */
    uint32_t line;
    char source[YAML_COMMENT_BYTES];
};

struct mmusim_config {
    struct machine_config raw;     /* ways 0: full */
    struct machine_config machine; /* raw, finished */
    uint32_t n_files;
    char files[CONFIG_FILES_MAX][CONFIG_FILE_BYTES];
    bool has_list[TLB_LEVEL_COUNT]; /* a file gave the level's arrays */
    struct config_origin origins[MACHINE_FIELDS_MAX];
};

void mmusim__config_init(struct mmusim_config *config);
/* Binds a file's leaves, `extends` left out. Converts nothing yet. */
mmusim_status_t mmusim__config_bind(struct mmusim_config *config,
                                    const struct yaml_tree *tree, uint32_t file,
                                    mmusim_diag_t *diag);
mmusim_status_t mmusim__config_bind_one(struct mmusim_config *config,
                                        const char *key, const char *value,
                                        size_t *index, mmusim_diag_t *diag);
/* Converts times and fills in machine. */
mmusim_status_t mmusim__config_finish(struct mmusim_config *config,
                                      mmusim_diag_t *diag);
/* False if there is no such key; is_ns: it is the `_ns` form. */
bool mmusim__config_find(const char *key, struct machine_field *field,
                         size_t *index, bool *is_ns);
/* The key as it was given: `_ns` if so. */
void mmusim__config_ns_key(const char *key, char *ns_key);
/* Row of the `_ns` form of a time. */
const struct field_row *mmusim__config_ns_row(void);

#endif
