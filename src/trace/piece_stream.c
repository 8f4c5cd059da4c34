/* SPDX-License-Identifier: MIT */
/* A block as a stream of pieces, out of chunks of raw bytes. */
#include "trace/piece_stream.h"

#include "core/diag.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct piece_stream *mmusim__piece_stream_create(const struct trace_file *file,
                                                 struct unpack_helper *helper)
{
    struct piece_stream *stream = malloc(sizeof(*stream));

    if (!stream)
        return NULL;
    if (!mmusim__unpack_ahead_init(&stream->ahead, file, helper)) {
        free(stream);
        return NULL;
    }
    stream->file = file;
    stream->block = NULL;
    return stream;
}

void mmusim__piece_stream_destroy(struct piece_stream *stream)
{
    if (!stream)
        return;
    mmusim__unpack_ahead_fini(&stream->ahead);
    free(stream);
}

static mmusim_status_t stream_fail(struct piece_stream *stream,
                                   mmusim_status_t status, const char *what,
                                   mmusim_diag_t *diag)
{
    const struct trace_block *block = stream->block;
    uint64_t record =
        block->field.first_record + stream->n_records + stream->piece.n_records;

    stream->block = NULL;
    if (status == MMUSIM_NOMEM)
        return mmusim__diag_set(diag, status, "%s", what);
    mmusim__diag_set(diag, status,
                     "%s (record %" PRIu64 " of thread %" PRIu32 ")", what,
                     record, block->field.tid);
    mmusim__diag_at_block(diag, stream->file->path, block->number,
                          block->offset);
    return status;
}

void mmusim__piece_stream_open(struct piece_stream *stream,
                               const struct trace_block *block,
                               const struct trace_block *following)
{
    stream->block = block;
    stream->next_piece = 0;
    stream->n_records = 0;
    stream->instructions = 0;
    stream->has_unpacked = false;
    stream->chunk = NULL;
    stream->raw_at = stream->ahead.chunks[0].bytes + CHUNK_START;
    stream->raw_end = stream->raw_at;
    piece_buffer_clear(&stream->piece);
    mmusim__record_decoder_reset(&stream->decoder,
                                 block->field.flags & TRACE_FLAG_HAD_FETCH);
    mmusim__unpack_ahead_begin(&stream->ahead, block, following);
}

/* Takes the next chunk; the bytes not decoded yet go before it. */
static mmusim_status_t stream_fill(struct piece_stream *stream,
                                   const char **wrong)
{
    size_t n_kept = (size_t) (stream->raw_end - stream->raw_at);
    struct raw_chunk *chunk = mmusim__unpack_ahead_take(&stream->ahead);
    uint8_t *start = chunk->bytes + CHUNK_START - n_kept;

    memcpy(start, stream->raw_at, n_kept);
    if (stream->chunk)
        mmusim__unpack_ahead_release(&stream->ahead, stream->chunk);
    stream->chunk = chunk;
    stream->raw_at = start;
    stream->raw_end = chunk->bytes + CHUNK_START + chunk->n_bytes;
    stream->has_unpacked = chunk->is_last;
    *wrong = chunk->wrong;
    return chunk->status;
}

static const char *stream_decode(struct piece_stream *stream)
{
    const uint8_t *p = stream->raw_at;
    const uint8_t *limit = stream->raw_end;

    if (!stream->has_unpacked)
        limit -= RECORD_BYTES_MAX;
    p = mmusim__record_decoder_run(&stream->decoder, p, limit, &stream->piece);
    if (!p)
        return stream->decoder.error;
    if (p > stream->raw_end)
        return "the block ends inside a record";
    stream->raw_at += p - stream->raw_at;
    return NULL;
}

/* What the header tells of the block's first operation must be so. */
static const char *stream_check_piece(const struct piece_stream *stream,
                                      bool is_end)
{
    const struct trace_field *field = &stream->block->field;
    const struct piece_buffer *piece = &stream->piece;
    uint32_t n_records = stream->n_records + piece->n_records;
    uint64_t instructions = stream->instructions + piece->instructions;

    if (n_records > field->n_records ||
        (is_end && n_records < field->n_records))
        return "the block has not as many records as its header says";
    if (field->quiet_records == TRACE_QUIET_ALL)
        return piece->n_sys ||
                       (is_end && instructions != field->quiet_instructions)
                   ? "the block's header hides an operation"
                   : NULL;
    if (stream->n_records > field->quiet_records ||
        n_records <= field->quiet_records)
        return stream->n_records <= field->quiet_records && piece->n_sys
                   ? "the block's header hides an operation"
                   : NULL;
    if (piece->n_sys == 0 ||
        stream->n_records + piece->sys[0].record_index !=
            field->quiet_records ||
        stream->instructions + piece->sys[0].instructions_before !=
            field->quiet_instructions)
        return "the block's header hides an operation";
    return NULL;
}

static bool stream_has_more(const struct piece_stream *stream)
{
    return !stream->has_unpacked || stream->raw_at < stream->raw_end;
}

mmusim_status_t mmusim__piece_stream_next(struct piece_stream *stream,
                                          mmusim_diag_t *diag)
{
    struct piece_buffer *piece = &stream->piece;
    mmusim_status_t status = MMUSIM_OK;
    const char *wrong = NULL;

    stream->n_records += piece->n_records;
    stream->instructions += piece->instructions;
    piece_buffer_clear(piece);
    while (!wrong && !piece_buffer_is_full(piece) && stream_has_more(stream)) {
        if (!stream->has_unpacked &&
            stream->raw_end - stream->raw_at <= RECORD_BYTES_MAX)
            status = stream_fill(stream, &wrong);
        if (!wrong && stream_has_more(stream))
            wrong = stream_decode(stream);
    }
    if (!wrong)
        wrong = stream_check_piece(stream, !stream_has_more(stream));
    if (wrong)
        return stream_fail(stream, status ? status : MMUSIM_DAMAGED, wrong,
                           diag);
    stream->next_piece++;
    return MMUSIM_OK;
}

uint64_t mmusim__piece_stream_quiet(const struct piece_stream *stream)
{
    const struct trace_field *field = &stream->block->field;
    uint32_t n_records = stream->n_records + stream->piece.n_records;
    uint64_t instructions = stream->instructions + stream->piece.instructions;

    if (n_records > field->quiet_records ||
        instructions > field->quiet_instructions)
        return 0;
    return field->quiet_instructions - instructions;
}
