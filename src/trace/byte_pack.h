/* SPDX-License-Identifier: MIT */
/* Packing a stream of bytes as it is written: gzip, xz, zstd or not at all. */
#ifndef MMUSIM_TRACE_BYTE_PACK_H
#define MMUSIM_TRACE_BYTE_PACK_H

#include "mmusim/status.h"

struct byte_packer;

/* Takes packed bytes; 0 to go on. */
typedef int (*byte_write_fn)(void *context, const char *bytes, size_t n_bytes);

/* packing: "gzip", "xz", "zstd"; NULL or "none". */
mmusim_status_t mmusim__byte_packer_create(const char *packing,
                                           byte_write_fn write, void *context,
                                           struct byte_packer **packer,
                                           mmusim_diag_t *diag);
/* false: write has refused, or packing failed; what follows is dropped. */
bool mmusim__byte_packer_put(struct byte_packer *packer, const void *bytes,
                             size_t n_bytes);
/* Writes what is left. false: something before or this has failed. */
bool mmusim__byte_packer_finish(struct byte_packer *packer);
/* NULL is legal. */
void mmusim__byte_packer_destroy(struct byte_packer *packer);

#endif
