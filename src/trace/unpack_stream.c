/* SPDX-License-Identifier: MIT */
/* The codec's stream over a block, and what its header promised of it. */
#include "trace/unpack_stream.h"

#include "core/check.h"
#include "trace/crc32c.h"

#include <string.h>

void mmusim__unpack_stream_init(struct unpack_stream *stream,
                                const struct trace_file *file)
{
    stream->file = file;
    stream->block = NULL;
    stream->codec = NULL;
    stream->unpacker = NULL;
    stream->is_over = true;
}

void mmusim__unpack_stream_fini(struct unpack_stream *stream)
{
    if (stream->unpacker)
        stream->codec->unpacker_destroy(stream->unpacker);
    stream->unpacker = NULL;
}

void mmusim__unpack_stream_begin(struct unpack_stream *stream,
                                 const struct trace_block *block)
{
    stream->block = block;
    stream->raw_left = block->field.unpacked_bytes;
    stream->is_checked = false;
    stream->is_over = false;
}

static bool unpack_read_in(struct unpack_stream *stream)
{
    size_t wanted = (size_t) min_u64(stream->in_left, UNPACK_IN_BYTES);

    stream->in_at = stream->in;
    stream->n_in = mmusim__trace_file_read(stream->file, stream->in, wanted,
                                           stream->in_offset);
    stream->in_offset += stream->n_in;
    stream->in_left -= (uint32_t) stream->n_in;
    return stream->n_in == wanted;
}

static void unpack_rewind_in(struct unpack_stream *stream)
{
    stream->in_offset = stream->block->offset + stream->codec->header_bytes;
    stream->in_left = stream->block->field.packed_bytes;
    stream->n_in = 0;
}

static bool unpack_crc_is_good(struct unpack_stream *stream)
{
    uint32_t crc = 0;

    unpack_rewind_in(stream);
    while (stream->in_left) {
        if (!unpack_read_in(stream))
            return false;
        crc = mmusim__crc32c(crc, stream->in, stream->n_in);
    }
    return crc == stream->block->field.packed_crc;
}

static bool unpack_set_codec(struct unpack_stream *stream,
                             const struct codec_ops *codec)
{
    if (stream->codec != codec)
        mmusim__unpack_stream_fini(stream);
    stream->codec = codec;
    if (!stream->unpacker)
        stream->unpacker = codec->unpacker_create();
    return stream->unpacker != NULL;
}

static void unpack_fail(struct unpack_stream *stream, struct raw_chunk *chunk,
                        mmusim_status_t status, const char *wrong)
{
    chunk->status = status;
    chunk->wrong = wrong;
    stream->is_over = true;
}

static bool unpack_check(struct unpack_stream *stream, struct raw_chunk *chunk)
{
    const struct codec_ops *codec = mmusim__codec_get(stream->block->codec);

    if (!unpack_set_codec(stream, codec)) {
        unpack_fail(stream, chunk, MMUSIM_NOMEM, "out of memory");
        return false;
    }
    if (!unpack_crc_is_good(stream)) {
        unpack_fail(stream, chunk, MMUSIM_DAMAGED,
                    "the block's bytes are damaged");
        return false;
    }
    unpack_rewind_in(stream);
    codec->unpack_begin(stream->unpacker);
    stream->is_checked = true;
    return true;
}

/* One call of the codec; what is wrong, or NULL. */
static const char *unpack_step(struct unpack_stream *stream, uint8_t **out,
                               size_t *n_out)
{
    const uint8_t *start = *out;
    enum codec_state state;
    size_t before;
    uint32_t n_new;

    if (stream->n_in == 0 && stream->in_left && !unpack_read_in(stream))
        return "the file has shrunk";
    before = *n_out + stream->n_in;
    state = stream->codec->unpack(stream->unpacker, &stream->in_at,
                                  &stream->n_in, out, n_out);
    n_new = (uint32_t) (*out - start);
    if (state == CODEC_DAMAGED || n_new > stream->raw_left)
        return "the block does not unpack to what its header says";
    stream->raw_left -= n_new;
    if (state == CODEC_END) {
        stream->is_over = true;
        if (stream->raw_left != 0 ||
            stream->in_left + stream->n_in != stream->codec->trailer_bytes)
            return "the block does not unpack to what its header says";
    } else if (before == *n_out + stream->n_in && stream->in_left == 0) {
        return "the block's compressed data end too early";
    }
    return NULL;
}

void mmusim__unpack_stream_fill(struct unpack_stream *stream,
                                struct raw_chunk *chunk)
{
    uint8_t *out = chunk->bytes + CHUNK_START;
    size_t n_out = CHUNK_BYTES;
    const char *wrong = NULL;

    mmusim_assert(!stream->is_over);
    chunk->block = stream->block;
    chunk->status = MMUSIM_OK;
    chunk->wrong = NULL;
    chunk->is_last = false;
    chunk->n_bytes = 0;
    if (!stream->is_checked && !unpack_check(stream, chunk))
        return;
    while (!wrong && !stream->is_over && n_out)
        wrong = unpack_step(stream, &out, &n_out);
    chunk->n_bytes = (uint32_t) (CHUNK_BYTES - n_out);
    chunk->is_last = stream->is_over;
    memset(out, 0, RECORD_BYTES_MAX);
    if (wrong)
        unpack_fail(stream, chunk, MMUSIM_DAMAGED, wrong);
}
