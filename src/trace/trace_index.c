/* SPDX-License-Identifier: MIT */
/* The index is unpacked as a stream and compared byte by byte with what it
 * would be for the blocks that are there. */
#include "trace/trace_index.h"

#include "trace/unpack_stream.h"

#include <stdlib.h>
#include <string.h>

struct index_check {
    struct unpack_stream stream;
    struct raw_chunk chunk;
    uint32_t n_blocks; /* compared so far */
    uint32_t n_bytes;  /* of the next block's field */
    uint8_t field[TRACE_FIELD_BYTES];
};

static bool index_compare(struct index_check *check,
                          const struct trace_file *file)
{
    const uint8_t *bytes = check->chunk.bytes + CHUNK_START;

    for (uint32_t i = 0; i < check->chunk.n_bytes; i++) {
        if (check->n_blocks == file->n_blocks)
            return false;
        if (check->n_bytes == 0)
            mmusim__trace_field_put(&file->blocks[check->n_blocks].field,
                                    check->field);
        if (bytes[i] != check->field[check->n_bytes++])
            return false;
        if (check->n_bytes == TRACE_FIELD_BYTES) {
            check->n_bytes = 0;
            check->n_blocks++;
        }
    }
    return true;
}

static mmusim_status_t index_check(struct index_check *check,
                                   const struct trace_file *file,
                                   const struct trace_block *index,
                                   const char **wrong)
{
    mmusim__unpack_stream_begin(&check->stream, index);
    while (!check->stream.is_over) {
        mmusim__unpack_stream_fill(&check->stream, &check->chunk);
        if (check->chunk.status) {
            *wrong = check->chunk.status == MMUSIM_NOMEM
                         ? "out of memory"
                         : "the index is damaged";
            return check->chunk.status;
        }
        /* an index above 1 MiB is left empty */
        if (index->field.unpacked_bytes && !index_compare(check, file)) {
            *wrong = "the index tells of other blocks than there are";
            return MMUSIM_DAMAGED;
        }
    }
    return MMUSIM_OK;
}

mmusim_status_t mmusim__trace_index_check(const struct trace_file *file,
                                          const struct trace_block *index,
                                          const char **wrong)
{
    struct index_check *check = malloc(sizeof(*check));
    mmusim_status_t status;

    *wrong = "out of memory";
    if (!check)
        return MMUSIM_NOMEM;
    check->n_blocks = 0;
    check->n_bytes = 0;
    mmusim__unpack_stream_init(&check->stream, file);
    status = index_check(check, file, index, wrong);
    mmusim__unpack_stream_fini(&check->stream);
    free(check);
    return status;
}
