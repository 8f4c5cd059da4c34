/* SPDX-License-Identifier: MIT */
/*
 * Writing a native trace: threads hand in records in program order, the writer
 * cuts them into independent compressed blocks (trace_format.h) of one thread
 * each and appends the index when it is closed.
 *
 * One trace_writer per file; one trace_stream per thread. Streams of one
 * writer may be fed from different host threads at the same time: only
 * writing a finished block takes the writer's lock. A stream itself is used
 * by one host thread at a time.
 *
 * The file is written as PATH.part and renamed by close; abandon removes it
 * (keeps_part leaves the .part to the caller). Links are followed; a device or
 * a pipe is written in place.
 */
#ifndef MMUSIM_TRACE_TRACE_WRITER_H
#define MMUSIM_TRACE_TRACE_WRITER_H

#include "core/op.h"
#include "mmusim/status.h"

struct trace_writer;
struct trace_stream;

enum trace_codec { TRACE_CODEC_GZIP, TRACE_CODEC_ZSTD };

struct trace_writer_options {
    enum trace_codec codec;
    int level;       /* of the codec; 0: its default here */
    bool is_stored;  /* nothing is compressed (gzip only), level is ignored */
    bool keeps_part; /* close leaves PATH.part, the caller renames */
    /* Blocks at most this many unpacked bytes; 0: the format's 1 MiB. */
    uint32_t block_bytes;
    /* For a reader that follows (live_source.c). A block is closed when other
     * threads have written so many bytes since it was begun (0: the format's
     * 16 MiB), each thread is announced by a member of its own, and without
     * is_packed nothing is compressed. */
    bool is_live;
    bool is_packed;
    uint64_t open_bytes;
};

mmusim_status_t
mmusim__trace_writer_create(const char *path,
                            const struct trace_writer_options *o,
                            struct trace_writer **writer, mmusim_diag_t *diag);

/* Writes to fd, which stays the caller's, instead of a file of its own. */
mmusim_status_t
mmusim__trace_writer_create_fd(int fd, const struct trace_writer_options *o,
                               struct trace_writer **writer,
                               mmusim_diag_t *diag);

/* Begins a thread's stream. Order of calls = order of first appearance, which
 * decides the default CPU. NULL: out of memory. */
struct trace_stream *mmusim__trace_stream_begin(struct trace_writer *writer,
                                                uint32_t tid);

/* A fork or clone creates the thread. The writer finds out by itself where it
 * sees that record before the thread's last block is written. */
void mmusim__trace_stream_set_created(struct trace_stream *stream);

/* One record; the hot calls of the recorder. Errors are kept in the writer and
 * returned by the next flush, end or close. */
void mmusim__trace_stream_fetch(struct trace_stream *stream, uint64_t vaddr,
                                uint32_t instructions, uint32_t bytes);
void mmusim__trace_stream_access(struct trace_stream *stream,
                                 enum op_kind load_or_store, uint64_t vaddr,
                                 uint32_t bytes, uint32_t flags);
void mmusim__trace_stream_nomem(struct trace_stream *stream,
                                uint32_t instructions);
/* op is borrowed; op->name is copied. */
void mmusim__trace_stream_sys(struct trace_stream *stream,
                              const struct sys_op *op);

/* Writes the open block out, so that a crash loses nothing before this. */
mmusim_status_t mmusim__trace_stream_flush(struct trace_stream *stream,
                                           mmusim_diag_t *diag);
/*
 * Ends the file for now: flushes the stream, writes the n ops, and the index
 * behind them. unseal takes all of that back but the flush, and writing goes
 * on. Nothing else may be written in between; other streams' open blocks are
 * not in the file. MMUSIM_UNSUPPORTED: the file cannot be cut (a pipe), and
 * nothing is changed.
 */
struct trace_seal {
    uint64_t file_bytes;
    size_t n_index_bytes;
    uint64_t n_records;
    uint64_t n_packed_bytes;
    uint64_t first_record;
};
mmusim_status_t mmusim__trace_stream_seal(struct trace_stream *stream,
                                          const struct sys_op *ops, size_t n,
                                          struct trace_seal *seal,
                                          mmusim_diag_t *diag);
mmusim_status_t mmusim__trace_stream_unseal(struct trace_stream *stream,
                                            const struct trace_seal *seal,
                                            mmusim_diag_t *diag);

/* Flushes and frees the stream. */
mmusim_status_t mmusim__trace_stream_end(struct trace_stream *stream,
                                         mmusim_diag_t *diag);

/* Ends every open stream, writes the index, closes and renames. Frees the
 * writer in any case. */
mmusim_status_t mmusim__trace_writer_close(struct trace_writer *writer,
                                           mmusim_diag_t *diag);
/* Frees the writer and removes the unfinished file. NULL is legal. */
void mmusim__trace_writer_abandon(struct trace_writer *writer);

#endif
