/* SPDX-License-Identifier: MIT */
/*
 * Status codes and the diagnostic that travels with a failure.
 *
 * Every fallible call returns a status: 0 on success, negative on failure.
 * Calls that read what a user wrote (files, keys, traces) also fill a
 * mmusim_diag_t that says where the fault is and what would be right.
 */
#ifndef MMUSIM_STATUS_H
#define MMUSIM_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32)
#define MMUSIM_API
#else
#define MMUSIM_API __attribute__((visibility("default")))
#endif

/* value, name, text: one row a status; values never change once released. */
#define MMUSIM_STATUS_MAP(X)                                                   \
    X(0, OK, "success")                                                        \
    X(-1, USAGE, "wrong use of a call, an option or a key")                    \
    X(-2, CONFIG, "configuration is wrong")                                    \
    X(-3, DAMAGED, "input is damaged or of an unknown kind")                   \
    X(-4, UNREADABLE, "input cannot be opened or read")                        \
    X(-5, SYSTEM, "the system refused a write or a resource")                  \
    X(-6, NOMEM, "out of memory")                                              \
    X(-7, INTERRUPTED, "interrupted")                                          \
    X(-8, EXHAUSTED, "the simulated machine ran out of a resource")            \
    X(-9, UNSUPPORTED, "not supported in this version or build")

typedef enum {
#define MMUSIM_STATUS_ENUM(value, name, text) MMUSIM_##name = (value),
    MMUSIM_STATUS_MAP(MMUSIM_STATUS_ENUM)
#undef MMUSIM_STATUS_ENUM
} mmusim_status_t;

/*
 * Where and why a call failed. The caller owns it; a call that succeeds
 * leaves it untouched, and NULL is accepted wherever one is asked for.
 * Fields that do not apply are empty or 0 (line, offset: see has_offset).
 */
typedef struct mmusim_diag {
    mmusim_status_t status;
    uint32_t line;   /* 1-based line of a text file; 0: none */
    bool has_offset; /* block and offset below are meaningful */
    uint64_t block;  /* number of the trace member, 0-based */
    uint64_t offset; /* byte offset in the file */
    char file[256];  /* path as the user gave it */
    char key[96];    /* configuration key concerned */
    char text[512];  /* what is wrong (what would be right) */
} mmusim_diag_t;

/* The fixed English text of a status; never NULL. */
MMUSIM_API const char *mmusim_strerror(mmusim_status_t status);

/*
 * Writes "FILE:LINE: TEXT" (parts that do not apply left out) into buffer,
 * always terminated. Returns the length the whole text has.
 */
MMUSIM_API size_t mmusim_diag_format(const mmusim_diag_t *diag, char *buffer,
                                     size_t size_bytes);

/*
 * For messages: the name among n_names that a user most likely meant by word
 * (least edit distance, at most a third of the word's length plus one), or
 * NULL if none is near. The pointer is the one in names.
 */
MMUSIM_API const char *mmusim_nearest(const char *word,
                                      const char *const *names, size_t n_names);

#ifdef __cplusplus
}
#endif
#endif
