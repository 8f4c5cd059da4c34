/* SPDX-License-Identifier: MIT */
/* v2p.textproto, the physical addresses beside a drmemtrace folder. */
#ifndef MMUSIM_TRACE_DRMEM_V2P_H
#define MMUSIM_TRACE_DRMEM_V2P_H

#include "mmusim/status.h"

struct drmem_v2p {
    uint64_t page_bytes; /* one for the whole file; 0: not said */
    uint64_t n_pages;
};

/* Reads the file at path. Errors: that it cannot be read; MMUSIM_DAMAGED with
 * the line. */
mmusim_status_t mmusim__drmem_v2p_read(const char *path, struct drmem_v2p *v2p,
                                       mmusim_diag_t *diag);

#endif
