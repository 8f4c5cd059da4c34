/* SPDX-License-Identifier: MIT */
/*
 * A ring of chunks per stream: some are decoded while a helper thread, one for
 * all streams of a source, unpacks others, and when a block is at its end, the
 * start of the following one. Without a helper a chunk is unpacked when it is
 * asked for. The chunks are the same either way.
 *
 * The rings of a helper's streams share HELPER_BYTES, but each has two chunks
 * at least; without a helper it has two.
 *
 * Only one thread takes chunks; the helper's lock guards all but the stream
 * and the chunk that is being filled, which are the helper's while is_running.
 */
#ifndef MMUSIM_TRACE_UNPACK_AHEAD_H
#define MMUSIM_TRACE_UNPACK_AHEAD_H

#include "trace/unpack_stream.h"

struct unpack_helper;

enum { HELPER_BYTES = 1 << 20, AHEAD_CHUNKS_MAX = 32 };

/* n_streams: at most, at a time. NULL: there is no thread to be had; streams
 * do without. */
struct unpack_helper *mmusim__unpack_helper_create(uint32_t n_streams);
/* Ends the thread. Its streams are finished or never used again. NULL is
 * legal. */
void mmusim__unpack_helper_destroy(struct unpack_helper *helper);

struct unpack_ahead {
    struct unpack_helper *helper; /* or NULL */
    struct unpack_ahead *next;    /* in the helper's queue */
    bool is_queued;
    bool is_running;
    bool is_following; /* unpacks a block that nobody has begun yet */
    const struct trace_block *following;
    unsigned fill; /* the chunk to fill next */
    unsigned take; /* the chunk to take next */
    unsigned n_empty;
    unsigned n_chunks;
    struct raw_chunk *chunks;
    struct unpack_stream stream;
};

/* false: out of memory, and nothing is to be finished. */
bool mmusim__unpack_ahead_init(struct unpack_ahead *ahead,
                               const struct trace_file *file,
                               struct unpack_helper *helper);
void mmusim__unpack_ahead_fini(struct unpack_ahead *ahead);

/* Chunks of block come now, and probably those of following (NULL: nothing)
 * after them. Chunks taken before are gone. */
void mmusim__unpack_ahead_begin(struct unpack_ahead *ahead,
                                const struct trace_block *block,
                                const struct trace_block *following);
/* The block's next chunk, until release; not behind its last one. Up to two
 * are held. */
struct raw_chunk *mmusim__unpack_ahead_take(struct unpack_ahead *ahead);
/* Gives the older chunk back. */
void mmusim__unpack_ahead_release(struct unpack_ahead *ahead,
                                  struct raw_chunk *chunk);

#endif
