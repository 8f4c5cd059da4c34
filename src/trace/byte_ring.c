/* SPDX-License-Identifier: MIT */
/*
 * A chunk is taken while its predecessor is still held, so that what is left
 * of that can be copied in front of it: of three chunks one is being filled.
 */
#include "trace/byte_ring.h"

#include "core/check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    /* guess: what the unpackers need is a few KiB; sanitizers need more */
    RING_STACK_BYTES = 256 << 10,
    RING_WAIT_NS = 100 * 1000 * 1000,
};

/* ---- filling ---- */

static void ring_fail(struct byte_ring *ring, struct byte_chunk *chunk,
                      mmusim_status_t status, const char *format, ...)
    MMUSIM_PRINTF(4, 5);
static void ring_fail(struct byte_ring *ring, struct byte_chunk *chunk,
                      mmusim_status_t status, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(chunk->wrong, sizeof(chunk->wrong), format, args);
    va_end(args);
    chunk->status = status;
    ring->is_done = true;
}

/* The only place where the thread may be cancelled: it may wait for a pipe for
 * ever, and holds nothing. */
static ssize_t ring_read(struct byte_ring *ring, uint8_t *bytes, size_t n)
{
    int before;
    ssize_t n_read;

    do {
        pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &before);
        n_read = read(ring->fd, bytes, n);
        pthread_setcancelstate(before, &before);
    } while (n_read < 0 && errno == EINTR);
    if (n_read > 0)
        ring->in_offset += (uint64_t) n_read;
    return n_read;
}

/* More packed bytes; false: there are none, or the chunk says why. */
static bool ring_read_in(struct byte_ring *ring, struct byte_chunk *chunk)
{
    ssize_t n = ring->is_fd_over ? 0 : ring_read(ring, ring->in, BYTE_IN);

    ring->in_at = ring->in;
    ring->n_in = n > 0 ? (size_t) n : 0;
    ring->is_fd_over = n <= 0;
    if (n < 0)
        ring_fail(ring, chunk, MMUSIM_UNREADABLE,
                  "cannot be read at offset %" PRIu64 ": %s", ring->in_offset,
                  strerror(errno));
    return n > 0;
}

static void ring_fill_plain(struct byte_ring *ring, struct byte_chunk *chunk)
{
    uint8_t *out = chunk->bytes + BYTE_CARRY;
    size_t n = ring->n_in < BYTE_CHUNK ? ring->n_in : BYTE_CHUNK;

    memcpy(out, ring->in_at, n);
    ring->in_at += n;
    ring->n_in -= n;
    ring->is_done = ring->n_in == 0 && ring->is_fd_over;
    while (n < BYTE_CHUNK && !ring->is_done && !(n && ring->is_pipe)) {
        ssize_t n_read = ring_read(ring, out + n, BYTE_CHUNK - n);

        if (n_read < 0)
            ring_fail(ring, chunk, MMUSIM_UNREADABLE,
                      "cannot be read at offset %" PRIu64 ": %s",
                      ring->in_offset, strerror(errno));
        ring->is_done = n_read <= 0;
        n += n_read > 0 ? (size_t) n_read : 0;
    }
    chunk->n_bytes = (uint32_t) n;
}

/* Offset of the next packed byte. */
static uint64_t ring_offset(const struct byte_ring *ring)
{
    return ring->in_offset - ring->n_in;
}

static void ring_fail_unpacking(struct byte_ring *ring,
                                struct byte_chunk *chunk,
                                enum byte_unpack_state state)
{
    const struct byte_packing *packing = ring->packing;

    if (state == BYTE_UNPACK_NOMEM)
        ring_fail(ring, chunk, MMUSIM_NOMEM, "out of memory");
    else if (state == BYTE_UNPACK_TOO_LARGE)
        ring_fail(ring, chunk, MMUSIM_UNSUPPORTED,
                  "unpacking takes more than 256 MiB (try: %s FILE | mmusim "
                  "... -)",
                  packing->tool);
    else
        ring_fail(ring, chunk, MMUSIM_DAMAGED,
                  "the %s data are damaged at packed offset %" PRIu64
                  " (--salvage keeps what comes before)",
                  packing->name, ring_offset(ring));
}

/* Between two members: zeros are padding, other bytes begin a member. */
static bool ring_begin_member(struct byte_ring *ring, struct byte_chunk *chunk)
{
    enum byte_unpack_state state;

    while (ring->n_in && *ring->in_at == 0) {
        ring->in_at++;
        ring->n_in--;
    }
    if (!ring->n_in)
        return true;
    if (*ring->in_at != ring->packing->magic[0]) {
        ring_fail_unpacking(ring, chunk, BYTE_UNPACK_DAMAGED);
        return false;
    }
    state = ring->packing->ops->begin(ring->unpacker);
    ring->has_member = state == BYTE_UNPACK_MORE;
    if (!ring->has_member)
        ring_fail_unpacking(ring, chunk, state);
    return ring->has_member;
}

static void ring_step(struct byte_ring *ring, struct byte_chunk *chunk,
                      uint8_t **out, size_t *n_out)
{
    const uint8_t *in = ring->in_at;
    size_t before = ring->n_in + *n_out;
    enum byte_unpack_state state =
        ring->packing->ops->step(ring->unpacker, &in, &ring->n_in, out, n_out);

    ring->in_at += in - ring->in_at;
    if (state == BYTE_UNPACK_END)
        ring->has_member = false;
    else if (state != BYTE_UNPACK_MORE)
        ring_fail_unpacking(ring, chunk, state);
    else if (ring->is_fd_over && ring->n_in + *n_out == before)
        ring_fail(ring, chunk, MMUSIM_DAMAGED,
                  "the %s data end too early, at packed offset %" PRIu64
                  " (the file is cut short; --salvage keeps what is there)",
                  ring->packing->name, ring->in_offset);
}

static void ring_fill_packed(struct byte_ring *ring, struct byte_chunk *chunk)
{
    uint8_t *out = chunk->bytes + BYTE_CARRY;
    size_t n_out = BYTE_CHUNK;

    while (n_out && !ring->is_done) {
        bool has_in = ring->n_in || ring_read_in(ring, chunk);

        if (!has_in && !ring->has_member)
            ring->is_done = true;
        else if (!ring->is_done && !ring->has_member)
            ring_begin_member(ring, chunk);
        else if (!ring->is_done)
            ring_step(ring, chunk, &out, &n_out);
    }
    chunk->n_bytes = (uint32_t) (BYTE_CHUNK - n_out);
}

static void ring_fill(struct byte_ring *ring, struct byte_chunk *chunk)
{
    chunk->status = MMUSIM_OK;
    if (ring->packing && !ring->unpacker &&
        !(ring->unpacker = ring->packing->ops->create())) {
        chunk->n_bytes = 0;
        ring_fail(ring, chunk, MMUSIM_NOMEM, "out of memory");
    } else if (ring->packing) {
        ring_fill_packed(ring, chunk);
    } else {
        ring_fill_plain(ring, chunk);
    }
    chunk->packed_offset = ring_offset(ring);
    chunk->is_last = ring->is_done;
}

/* ---- the thread ---- */

static void *ring_main(void *context)
{
    struct byte_ring *ring = context;
    int before;

    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    pthread_mutex_lock(&ring->lock);
    while (!ring->is_ending && !ring->is_done) {
        if (ring->n_full + ring->n_held == BYTE_CHUNKS) {
            pthread_cond_wait(&ring->has_room, &ring->lock);
            continue;
        }
        pthread_mutex_unlock(&ring->lock);
        ring_fill(ring, ring->chunks[ring->fill]);
        pthread_mutex_lock(&ring->lock);
        ring->fill = (ring->fill + 1) % BYTE_CHUNKS;
        ring->n_full++;
        pthread_cond_signal(&ring->has_filled);
    }
    pthread_mutex_unlock(&ring->lock);
    return NULL;
}

void mmusim__byte_ring_start(struct byte_ring *ring)
{
    pthread_attr_t attributes;

    if (ring->has_thread || ring->is_done || pthread_attr_init(&attributes))
        return;
    pthread_attr_setstacksize(&attributes, RING_STACK_BYTES);
    ring->has_thread =
        !pthread_create(&ring->thread, &attributes, ring_main, ring);
    pthread_attr_destroy(&attributes);
}

/* ---- the caller's side ---- */

/* Under the lock. */
static bool ring_wait(struct byte_ring *ring, int (*wait)(void *context),
                      void *context)
{
    while (!ring->n_full) {
        struct timespec until;

        if (wait && wait(context))
            return false;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += RING_WAIT_NS;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&ring->has_filled, &ring->lock, &until);
    }
    return true;
}

struct byte_chunk *mmusim__byte_ring_take(struct byte_ring *ring,
                                          int (*wait)(void *context),
                                          void *context)
{
    struct byte_chunk *chunk = ring->chunks[ring->take];

    pthread_mutex_lock(&ring->lock);
    if (!ring->has_thread) {
        mmusim_assert(!ring->is_done);
        ring_fill(ring, chunk);
        ring->fill = (ring->fill + 1) % BYTE_CHUNKS;
        ring->n_full++;
    } else if (!ring_wait(ring, wait, context)) {
        chunk = NULL;
    }
    if (chunk) {
        ring->take = (ring->take + 1) % BYTE_CHUNKS;
        ring->n_full--;
        ring->n_held++;
    }
    pthread_mutex_unlock(&ring->lock);
    return chunk;
}

void mmusim__byte_ring_release(struct byte_ring *ring)
{
    pthread_mutex_lock(&ring->lock);
    ring->n_held--;
    pthread_cond_signal(&ring->has_room);
    pthread_mutex_unlock(&ring->lock);
}

struct byte_ring *mmusim__byte_ring_create(int fd, bool owns_fd)
{
    struct byte_ring *ring = calloc(1, sizeof(*ring));
    bool has_chunks = ring != NULL;

    for (unsigned i = 0; has_chunks && i < BYTE_CHUNKS; i++) {
        ring->chunks[i] = malloc(sizeof(*ring->chunks[i]));
        has_chunks = ring->chunks[i] != NULL;
    }
    if (!has_chunks) {
        for (unsigned i = 0; ring && i < BYTE_CHUNKS; i++)
            free(ring->chunks[i]);
        free(ring);
        return NULL;
    }
    ring->fd = fd;
    ring->owns_fd = owns_fd;
    pthread_mutex_init(&ring->lock, NULL);
    pthread_cond_init(&ring->has_filled, NULL);
    pthread_cond_init(&ring->has_room, NULL);
    return ring;
}

static void ring_end_thread(struct byte_ring *ring)
{
    pthread_mutex_lock(&ring->lock);
    ring->is_ending = true;
    pthread_cond_signal(&ring->has_room);
    pthread_mutex_unlock(&ring->lock);
    pthread_cancel(ring->thread);
    pthread_join(ring->thread, NULL);
}

void mmusim__byte_ring_destroy(struct byte_ring *ring)
{
    if (ring->has_thread)
        ring_end_thread(ring);
    if (ring->unpacker)
        ring->packing->ops->destroy(ring->unpacker);
    if (ring->owns_fd)
        close(ring->fd);
    pthread_cond_destroy(&ring->has_room);
    pthread_cond_destroy(&ring->has_filled);
    pthread_mutex_destroy(&ring->lock);
    for (unsigned i = 0; i < BYTE_CHUNKS; i++)
        free(ring->chunks[i]);
    free(ring);
}

int mmusim__byte_ring_read_head(struct byte_ring *ring)
{
    const size_t wanted = ring->is_pipe ? BYTE_HEAD : BYTE_IN;

    ring->in_at = ring->in;
    while (ring->n_in < wanted && !ring->is_fd_over) {
        ssize_t n =
            ring_read(ring, ring->in + ring->n_in, BYTE_IN - ring->n_in);

        if (n < 0)
            return errno;
        ring->is_fd_over = n == 0;
        ring->n_in += (size_t) n;
    }
    return 0;
}
