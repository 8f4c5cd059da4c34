/* SPDX-License-Identifier: MIT */
/*
 * Machine configurations: load a YAML file, override single keys, read them
 * back. A configuration is an independent value; machines copy what they need.
 */
#ifndef MMUSIM_CONFIG_H
#define MMUSIM_CONFIG_H

#include "mmusim/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mmusim_config mmusim_config_t;

/*
 * Loads machine, which is a path to a YAML file (it contains a '/' or ends in
 * .yaml) or a name looked up as DIR/NAME.yaml in config_dir and then in the
 * installed configs/ folder (NULL: only there). `extends:` is followed, looked
 * up beside the file first. On success *config is the caller's, to be given to
 * mmusim_config_destroy(); on failure it is NULL and diag says file, line, key,
 * what is allowed and the nearest known key.
 * Errors: MMUSIM_CONFIG, MMUSIM_UNREADABLE, MMUSIM_NOMEM.
 */
MMUSIM_API mmusim_status_t mmusim_config_load(const char *machine,
                                              const char *config_dir,
                                              mmusim_config_t **config,
                                              mmusim_diag_t *diag);

/* A copy of the defaults, of a generic machine. */
MMUSIM_API mmusim_status_t mmusim_config_create(mmusim_config_t **config);
MMUSIM_API mmusim_status_t mmusim_config_copy(const mmusim_config_t *from,
                                              mmusim_config_t **copy);
MMUSIM_API void mmusim_config_destroy(mmusim_config_t *config);

/*
 * Sets one key, with the same checks as a file: key "os.flush_ceiling",
 * value "64"; arrays by place: "tlb.l1d.0.entries". On failure the
 * configuration is unchanged.
 */
MMUSIM_API mmusim_status_t mmusim_config_set(mmusim_config_t *config,
                                             const char *key, const char *value,
                                             mmusim_diag_t *diag);

/* Rules that involve several keys; mmusim_machine_create() applies them too. */
MMUSIM_API mmusim_status_t mmusim_config_check(const mmusim_config_t *config,
                                               mmusim_diag_t *diag);

/*
 * The effective value of a key as text into buffer (always terminated).
 * MMUSIM_USAGE if there is no such key.
 */
MMUSIM_API mmusim_status_t mmusim_config_get(const mmusim_config_t *config,
                                             const char *key, char *buffer,
                                             size_t size_bytes);

/* One key of a configuration, as `config show` and `config keys` print it.
 * Strings are valid during the callback only. */
typedef struct mmusim_config_item {
    const char *key;
    const char *value;  /* effective, in the unit below */
    const char *type;   /* "integer", "boolean", "word", ... */
    const char *unit;   /* "cycles", "ns", "pages", ... or "" */
    const char *range;  /* "1..65536", "lru|plru|fifo|random" or "" */
    const char *dflt;   /* default, as text */
    const char *help;   /* one sentence */
    const char *source; /* where the number comes from, or "guess...": the
                           comment beside the value in its file, or what the
                           default rests on; "" if the file does not say;
                           "command line" for an override */
    const char *file;   /* file that set it, "command line", or "": default */
    uint32_t line;
} mmusim_config_item_t;

/* Every key, in the documented order. A non-zero return of visit stops. */
MMUSIM_API int mmusim_config_each(
    const mmusim_config_t *config,
    int (*visit)(void *context, const mmusim_config_item_t *item),
    void *context);

/* Names of the machines in a folder (NULL: the installed one), sorted. */
MMUSIM_API mmusim_status_t mmusim_config_list(
    const char *config_dir,
    void (*visit)(void *context, const char *name, const char *summary),
    void *context, mmusim_diag_t *diag);

/* A kernel's protocol: a value of os.protocol. */
typedef struct mmusim_protocol {
    const char *name;
    const char *help;
    const char *bugs; /* of the corpus (docs/protocols) that it contains, as
                         "B01 B02"; "" if none */
    char isas[64];    /* instruction sets it runs on: "x86-64 i386" */
} mmusim_protocol_t;

/* The index-th protocol; false past the end. Texts are static. */
MMUSIM_API bool mmusim_protocol_at(size_t index, mmusim_protocol_t *protocol);

#ifdef __cplusplus
}
#endif
#endif
