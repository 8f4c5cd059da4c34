/* SPDX-License-Identifier: MIT */
/* Bytes are collected, so that packers and write are called for many. */
#include "trace/byte_pack.h"

#include "core/diag.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#if defined(MMUSIM_HAS_LZMA)
#include <lzma.h>
#endif
#if defined(MMUSIM_HAS_ZSTD)
#include <zstd.h>
#endif

enum { PACK_IN_BYTES = 64 << 10, PACK_OUT_BYTES = 64 << 10 };

enum pack_end { PACK_GOES_ON, PACK_ENDS };

struct pack_buffers {
    const uint8_t *in;
    size_t n_in;
    uint8_t *out;
    size_t n_out;
};

enum pack_state { PACK_MORE, PACK_DONE, PACK_FAILED };

struct pack_ops {
    const char *name;
    const char *package;   /* Debian's, for a build that can do it */
    void *(*create)(void); /* NULL: not in this build */
    void (*destroy)(void *state);
    /* Moves the buffers on. DONE: all of in is taken and, at the end, out. */
    enum pack_state (*step)(void *state, struct pack_buffers *buffers,
                            enum pack_end end);
};

struct byte_packer {
    byte_write_fn write;
    void *context;
    const struct pack_ops *ops; /* NULL: none */
    void *state;
    bool has_failed;
    int error; /* errno of the write that failed */
    size_t n_in;
    uint8_t in[PACK_IN_BYTES];
    uint8_t out[PACK_OUT_BYTES];
};

/* ---- gzip ---- */

static void *pack_gzip_create(void)
{
    enum { WINDOW_BITS = 15 + 16, MEMORY_LEVEL = 8 }; /* 16: gzip's header */
    z_stream *z = calloc(1, sizeof(*z));

    if (z && deflateInit2(z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, WINDOW_BITS,
                          MEMORY_LEVEL, Z_DEFAULT_STRATEGY) == Z_OK)
        return z;
    free(z);
    return NULL;
}

static void pack_gzip_destroy(void *state)
{
    deflateEnd(state);
    free(state);
}

static enum pack_state pack_gzip_step(void *state, struct pack_buffers *buffers,
                                      enum pack_end end)
{
    z_stream *z = state;
    int result;

    z->next_in = (z_const Bytef *) buffers->in;
    z->avail_in = (uInt) buffers->n_in;
    z->next_out = buffers->out;
    z->avail_out = (uInt) buffers->n_out;
    result = deflate(z, end == PACK_ENDS ? Z_FINISH : Z_NO_FLUSH);
    buffers->in = z->next_in;
    buffers->n_in = z->avail_in;
    buffers->out = z->next_out;
    buffers->n_out = z->avail_out;
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
        return PACK_FAILED;
    if (end == PACK_ENDS)
        return result == Z_STREAM_END ? PACK_DONE : PACK_MORE;
    return buffers->n_in ? PACK_MORE : PACK_DONE;
}

/* ---- xz ---- */

#if defined(MMUSIM_HAS_LZMA)
static void *pack_xz_create(void)
{
    const lzma_stream fresh = LZMA_STREAM_INIT;
    lzma_stream *stream = malloc(sizeof(*stream));

    if (!stream)
        return NULL;
    *stream = fresh;
    if (lzma_easy_encoder(stream, LZMA_PRESET_DEFAULT, LZMA_CHECK_CRC64) ==
        LZMA_OK)
        return stream;
    free(stream);
    return NULL;
}

static void pack_xz_destroy(void *state)
{
    lzma_end(state);
    free(state);
}

static enum pack_state pack_xz_step(void *state, struct pack_buffers *buffers,
                                    enum pack_end end)
{
    lzma_stream *stream = state;
    lzma_ret result;

    stream->next_in = buffers->in;
    stream->avail_in = buffers->n_in;
    stream->next_out = buffers->out;
    stream->avail_out = buffers->n_out;
    result = lzma_code(stream, end == PACK_ENDS ? LZMA_FINISH : LZMA_RUN);
    buffers->in = stream->next_in;
    buffers->n_in = stream->avail_in;
    buffers->out = stream->next_out;
    buffers->n_out = stream->avail_out;
    if (result != LZMA_OK && result != LZMA_STREAM_END &&
        result != LZMA_BUF_ERROR)
        return PACK_FAILED;
    if (end == PACK_ENDS)
        return result == LZMA_STREAM_END ? PACK_DONE : PACK_MORE;
    return buffers->n_in ? PACK_MORE : PACK_DONE;
}
#else
#define pack_xz_create  NULL
#define pack_xz_destroy NULL
#define pack_xz_step    NULL
#endif

/* ---- zstd ---- */

#if defined(MMUSIM_HAS_ZSTD)
static void *pack_zstd_create(void)
{
    return ZSTD_createCCtx();
}

static void pack_zstd_destroy(void *state)
{
    ZSTD_freeCCtx(state);
}

static enum pack_state pack_zstd_step(void *state, struct pack_buffers *buffers,
                                      enum pack_end end)
{
    ZSTD_inBuffer from = {buffers->in, buffers->n_in, 0};
    ZSTD_outBuffer to = {buffers->out, buffers->n_out, 0};
    size_t left = ZSTD_compressStream2(
        state, &to, &from, end == PACK_ENDS ? ZSTD_e_end : ZSTD_e_continue);

    buffers->in += from.pos;
    buffers->n_in -= from.pos;
    buffers->out += to.pos;
    buffers->n_out -= to.pos;
    if (ZSTD_isError(left))
        return PACK_FAILED;
    if (end == PACK_ENDS)
        return left == 0 ? PACK_DONE : PACK_MORE;
    return buffers->n_in ? PACK_MORE : PACK_DONE;
}
#else
#define pack_zstd_create  NULL
#define pack_zstd_destroy NULL
#define pack_zstd_step    NULL
#endif

static const struct pack_ops pack_table[] = {
    {"gzip", "zlib1g-dev", pack_gzip_create, pack_gzip_destroy, pack_gzip_step},
    {"xz", "liblzma-dev", pack_xz_create, pack_xz_destroy, pack_xz_step},
    {"zstd", "libzstd-dev", pack_zstd_create, pack_zstd_destroy,
     pack_zstd_step},
};

/* ---- the stream ---- */

static mmusim_status_t
pack_find(const char *packing, const struct pack_ops **ops, mmusim_diag_t *diag)
{
    *ops = NULL;
    if (!packing || !strcmp(packing, "none"))
        return MMUSIM_OK;
    for (size_t i = 0; i < sizeof(pack_table) / sizeof(pack_table[0]); i++) {
        if (!strcmp(packing, pack_table[i].name))
            *ops = &pack_table[i];
    }
    if (!*ops)
        return mmusim__diag_set(diag, MMUSIM_USAGE,
                                "unknown packing '%.40s' (gzip, xz or zstd)",
                                packing);
    if (!(*ops)->create)
        return mmusim__diag_set(diag, MMUSIM_UNSUPPORTED,
                                "this build has no %s (install %s and build "
                                "again, or leave it unpacked)",
                                packing, (*ops)->package);
    return MMUSIM_OK;
}

mmusim_status_t mmusim__byte_packer_create(const char *packing,
                                           byte_write_fn write, void *context,
                                           struct byte_packer **packer,
                                           mmusim_diag_t *diag)
{
    const struct pack_ops *ops;
    mmusim_status_t status = pack_find(packing, &ops, diag);
    struct byte_packer *self = status ? NULL : calloc(1, sizeof(*self));

    *packer = NULL;
    if (status)
        return status;
    if (self && ops && !(self->state = ops->create())) {
        free(self);
        self = NULL;
    }
    if (!self)
        return mmusim__diag_set(diag, MMUSIM_NOMEM, "out of memory");
    self->ops = ops;
    self->write = write;
    self->context = context;
    *packer = self;
    return MMUSIM_OK;
}

static void packer_write(struct byte_packer *packer, const uint8_t *bytes,
                         size_t n_bytes)
{
    if (packer->has_failed || n_bytes == 0)
        return;
    errno = 0;
    if (packer->write(packer->context, (const char *) bytes, n_bytes)) {
        packer->has_failed = true;
        packer->error = errno;
    }
}

/* Packs and writes what is collected. */
static void packer_drain(struct byte_packer *packer, enum pack_end end)
{
    struct pack_buffers buffers = {.in = packer->in, .n_in = packer->n_in};
    enum pack_state state = PACK_MORE;

    packer->n_in = 0;
    if (!packer->ops) {
        packer_write(packer, buffers.in, buffers.n_in);
        return;
    }
    while (state == PACK_MORE && !packer->has_failed) {
        buffers.out = packer->out;
        buffers.n_out = PACK_OUT_BYTES;
        state = packer->ops->step(packer->state, &buffers, end);
        packer_write(packer, packer->out, PACK_OUT_BYTES - buffers.n_out);
    }
    packer->has_failed = packer->has_failed || state == PACK_FAILED;
}

bool mmusim__byte_packer_put(struct byte_packer *packer, const void *bytes,
                             size_t n_bytes)
{
    const uint8_t *from = bytes;

    while (n_bytes && !packer->has_failed) {
        size_t n = PACK_IN_BYTES - packer->n_in;

        if (n > n_bytes)
            n = n_bytes;
        memcpy(packer->in + packer->n_in, from, n);
        packer->n_in += n;
        from += n;
        n_bytes -= n;
        if (packer->n_in == PACK_IN_BYTES)
            packer_drain(packer, PACK_GOES_ON);
    }
    return !packer->has_failed;
}

bool mmusim__byte_packer_finish(struct byte_packer *packer)
{
    packer_drain(packer, PACK_ENDS);
    errno = packer->error;
    return !packer->has_failed;
}

void mmusim__byte_packer_destroy(struct byte_packer *packer)
{
    if (packer && packer->ops)
        packer->ops->destroy(packer->state);
    free(packer);
}
