/* SPDX-License-Identifier: MIT */
/* A whole text file in memory. */
#ifndef MMUSIM_LITMUS_LITMUS_FILE_H
#define MMUSIM_LITMUS_LITMUS_FILE_H

#include "mmusim/status.h"

/* *text is the caller's to free, with a 0 behind its n_bytes. */
mmusim_status_t mmusim__litmus_read_file(const char *path, char **text,
                                         size_t *n_bytes, mmusim_diag_t *diag);

#endif
