/* SPDX-License-Identifier: MIT */
/*
 * A block as a stream of pieces. The packed bytes are read twice: once for
 * their checksum, so that nothing is used unchecked, once to unpack them.
 */
#include "trace/piece_stream.h"

#include "core/diag.h"
#include "trace/crc32c.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct piece_stream *mmusim__piece_stream_create(const struct trace_file *file)
{
    struct piece_stream *stream = malloc(sizeof(*stream));

    if (!stream)
        return NULL;
    stream->file = file;
    stream->codec = NULL;
    stream->unpacker = NULL;
    stream->block = NULL;
    return stream;
}

void mmusim__piece_stream_destroy(struct piece_stream *stream)
{
    if (!stream)
        return;
    if (stream->unpacker)
        stream->codec->unpacker_destroy(stream->unpacker);
    free(stream);
}

static mmusim_status_t stream_fail(const struct piece_stream *stream,
                                   mmusim_diag_t *diag, const char *what)
{
    const struct trace_block *block = stream->block;
    uint64_t record =
        block->field.first_record + stream->n_records + stream->piece.n_records;

    mmusim__diag_set(diag, MMUSIM_DAMAGED,
                     "%s (record %" PRIu64 " of thread %" PRIu32 ")", what,
                     record, block->field.tid);
    mmusim__diag_at_block(diag, stream->file->path, block->number,
                          block->offset);
    return MMUSIM_DAMAGED;
}

static bool stream_read_in(struct piece_stream *stream)
{
    size_t wanted = (size_t) min_u64(stream->in_left, STREAM_IN_BYTES);

    stream->in_at = stream->in;
    stream->n_in = mmusim__trace_file_read(stream->file, stream->in, wanted,
                                           stream->in_offset);
    stream->in_offset += stream->n_in;
    stream->in_left -= (uint32_t) stream->n_in;
    return stream->n_in == wanted;
}

static void stream_rewind_in(struct piece_stream *stream)
{
    stream->in_offset = stream->block->offset + stream->codec->header_bytes;
    stream->in_left = stream->block->field.packed_bytes;
    stream->n_in = 0;
}

static bool stream_crc_is_good(struct piece_stream *stream)
{
    uint32_t crc = 0;

    stream_rewind_in(stream);
    while (stream->in_left) {
        if (!stream_read_in(stream))
            return false;
        crc = mmusim__crc32c(crc, stream->in, stream->n_in);
    }
    return crc == stream->block->field.packed_crc;
}

static bool stream_set_codec(struct piece_stream *stream,
                             const struct codec_ops *codec)
{
    if (stream->codec != codec && stream->unpacker) {
        stream->codec->unpacker_destroy(stream->unpacker);
        stream->unpacker = NULL;
    }
    stream->codec = codec;
    if (!stream->unpacker)
        stream->unpacker = codec->unpacker_create();
    return stream->unpacker != NULL;
}

mmusim_status_t mmusim__piece_stream_open(struct piece_stream *stream,
                                          const struct trace_block *block,
                                          mmusim_diag_t *diag)
{
    stream->block = NULL;
    if (!stream_set_codec(stream, mmusim__codec_get(block->codec)))
        return mmusim__diag_set(diag, MMUSIM_NOMEM, "out of memory");
    stream->block = block;
    stream->next_piece = 0;
    stream->n_records = 0;
    stream->instructions = 0;
    stream->has_unpacked = false;
    stream->raw_left = block->field.unpacked_bytes;
    stream->raw_at = stream->raw + RECORD_BYTES_MAX;
    stream->raw_end = stream->raw_at;
    piece_buffer_clear(&stream->piece);
    mmusim__record_decoder_reset(&stream->decoder,
                                 block->field.flags & TRACE_FLAG_HAD_FETCH);
    if (!stream_crc_is_good(stream))
        return stream_fail(stream, diag, "the block's bytes are damaged");
    stream_rewind_in(stream);
    stream->codec->unpack_begin(stream->unpacker);
    return MMUSIM_OK;
}

/* Unpacks until the buffer is full or the block has ended. */
static const char *stream_unpack(struct piece_stream *stream)
{
    uint8_t *limit = stream->raw + RECORD_BYTES_MAX + STREAM_RAW_BYTES;

    while (!stream->has_unpacked && stream->raw_end < limit) {
        size_t n_out = (size_t) (limit - stream->raw_end);
        size_t before = n_out + stream->n_in;
        uint32_t n_new;
        uint8_t *start = stream->raw_end;
        enum codec_state state;

        if (stream->n_in == 0 && stream->in_left && !stream_read_in(stream))
            return "the file has shrunk";
        before = n_out + stream->n_in;
        state = stream->codec->unpack(stream->unpacker, &stream->in_at,
                                      &stream->n_in, &stream->raw_end, &n_out);
        n_new = (uint32_t) (stream->raw_end - start);
        if (state == CODEC_DAMAGED || n_new > stream->raw_left)
            return "the block does not unpack to what its header says";
        stream->raw_left -= n_new;
        stream->has_unpacked = state == CODEC_END;
        if (!stream->has_unpacked && before == n_out + stream->n_in &&
            stream->in_left == 0)
            return "the block's compressed data end too early";
    }
    if (stream->has_unpacked &&
        (stream->raw_left != 0 ||
         stream->in_left + stream->n_in != stream->codec->trailer_bytes))
        return "the block does not unpack to what its header says";
    return NULL;
}

/* Keeps the bytes not decoded yet, and adds to them. */
static const char *stream_fill(struct piece_stream *stream)
{
    size_t n_kept = (size_t) (stream->raw_end - stream->raw_at);
    uint8_t *start = stream->raw + RECORD_BYTES_MAX - n_kept;
    const char *wrong;

    memmove(start, stream->raw_at, n_kept);
    stream->raw_at = start;
    stream->raw_end = start + n_kept;
    wrong = stream_unpack(stream);
    memset(stream->raw_end, 0, RECORD_BYTES_MAX);
    return wrong;
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
    const char *wrong = NULL;

    stream->n_records += piece->n_records;
    stream->instructions += piece->instructions;
    piece_buffer_clear(piece);
    while (!wrong && !piece_buffer_is_full(piece) && stream_has_more(stream)) {
        if (!stream->has_unpacked &&
            stream->raw_end - stream->raw_at <= RECORD_BYTES_MAX)
            wrong = stream_fill(stream);
        if (!wrong && stream_has_more(stream))
            wrong = stream_decode(stream);
    }
    if (!wrong)
        wrong = stream_check_piece(stream, !stream_has_more(stream));
    if (wrong)
        return stream_fail(stream, diag, wrong);
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
