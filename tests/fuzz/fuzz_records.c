/* SPDX-License-Identifier: MIT */
/* The record decoder on any bytes, as if every checksum had been right. */
#include "trace/record_decoder.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
    struct record_decoder *decoder = malloc(sizeof(*decoder));
    struct piece_buffer *piece = malloc(sizeof(*piece));
    uint8_t *bytes = calloc(1, n_bytes + RECORD_BYTES_MAX);
    const uint8_t *p = bytes;

    if (!decoder || !piece || !bytes)
        abort();
    if (n_bytes)
        memcpy(bytes, data, n_bytes);
    mmusim__record_decoder_reset(decoder, false);
    while (p && p < bytes + n_bytes) {
        piece_buffer_clear(piece);
        p = mmusim__record_decoder_run(decoder, p, bytes + n_bytes, piece);
        if (piece->n_records > PIECE_RECORDS || piece->n_sys > PIECE_SYS)
            abort();
    }
    free(bytes);
    free(piece);
    free(decoder);
    return 0;
}
