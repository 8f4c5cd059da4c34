/* SPDX-License-Identifier: MIT */
/* Filling a mmusim_diag_t: the library's only way to say what went wrong. */
#ifndef MMUSIM_CORE_DIAG_H
#define MMUSIM_CORE_DIAG_H

#include "mmusim/status.h"

#if defined(__GNUC__)
#define MMUSIM_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define MMUSIM_PRINTF(fmt, args)
#endif

/*
 * Sets status and text, clears every other field, and returns status, so
 * that a failing function can `return mmusim__diag_set(diag, ...)`.
 * diag may be NULL.
 */
mmusim_status_t mmusim__diag_set(mmusim_diag_t *diag, mmusim_status_t status,
                                 const char *format, ...) MMUSIM_PRINTF(3, 4);

/* Adds a place to a diagnostic already set; both accept NULL. */
void mmusim__diag_at_line(mmusim_diag_t *diag, const char *file, uint32_t line);
void mmusim__diag_at_block(mmusim_diag_t *diag, const char *file,
                           uint64_t block, uint64_t offset);
void mmusim__diag_key(mmusim_diag_t *diag, const char *key);

#endif
