/* SPDX-License-Identifier: MIT */
/*
 * Chunks of unpacked bytes in the order of the file: filled by a thread of
 * the ring's own, once it is started, else when one is asked for.
 */
#ifndef MMUSIM_TRACE_BYTE_RING_H
#define MMUSIM_TRACE_BYTE_RING_H

#include "core/diag.h"
#include "trace/byte_stream.h"

#include <pthread.h>

enum { BYTE_CHUNKS = 3, BYTE_WRONG_BYTES = 256, BYTE_HEAD = 4 << 10 };

struct byte_chunk {
    uint32_t n_bytes;
    uint64_t packed_offset;       /* where reading is when the chunk is full */
    mmusim_status_t status;       /* not OK: behind these bytes comes damage */
    char wrong[BYTE_WRONG_BYTES]; /* what to tell then */
    bool is_last;
    /* BYTE_CARRY of room, then the bytes, then BYTE_PAD. */
    uint8_t bytes[BYTE_CARRY + BYTE_CHUNK + BYTE_PAD];
};

struct byte_ring {
    int fd;
    bool owns_fd;
    bool is_pipe; /* what is there is handed on: more may be long in coming */
    const struct byte_packing *packing;
    void *unpacker;
    bool has_member; /* the unpacker is inside one */
    bool is_fd_over;
    bool is_done; /* the last chunk is filled */
    uint8_t *in_at;
    size_t n_in;
    uint64_t in_offset; /* in the file, behind what is in `in` */
    uint8_t in[BYTE_IN];
    /* The ring. */
    struct byte_chunk *chunks[BYTE_CHUNKS];
    unsigned take;
    unsigned fill;
    unsigned n_full; /* filled and not taken */
    unsigned n_held; /* taken and not given back: up to 2 */
    bool has_thread;
    bool is_ending;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t has_filled;
    pthread_cond_t has_room;
};

/* fd is taken if owns_fd. NULL: out of memory; then fd is not taken. */
struct byte_ring *mmusim__byte_ring_create(int fd, bool owns_fd);
/* Ends the thread, also one that waits for a pipe. */
void mmusim__byte_ring_destroy(struct byte_ring *ring);

/* Reads the file's first bytes into in, all that fit; of a pipe at least
 * BYTE_HEAD. 0, or an errno. */
int mmusim__byte_ring_read_head(struct byte_ring *ring);

/* Lets a thread fill from now on. No thread to be had is no failure. */
void mmusim__byte_ring_start(struct byte_ring *ring);

/* The next chunk; wait (NULL: none) is called about ten times a second while
 * there is none, and ends waiting (NULL is returned) unless it returns 0. Not
 * after the last one. Up to two are held. */
struct byte_chunk *mmusim__byte_ring_take(struct byte_ring *ring,
                                          int (*wait)(void *context),
                                          void *context);
/* Gives the oldest chunk held back. */
void mmusim__byte_ring_release(struct byte_ring *ring);

#endif
