/* SPDX-License-Identifier: MIT */
/* A thread's place in its stream of records. */
#ifndef MMUSIM_MACHINE_THREAD_STREAM_H
#define MMUSIM_MACHINE_THREAD_STREAM_H

#include "core/source.h"

struct thread_stream {
    struct mmusim_source *source;
    uint32_t thread_index;
    struct op_piece piece;
    uint32_t next;              /* record to run, or being run */
    uint32_t pages_done;        /* of it: translated already */
    uint32_t instructions_left; /* of it, when has_begun_advance */
    bool has_begun_advance;
    uint32_t next_sys; /* index in piece.sys */
    bool has_ended;
    uint64_t records_done; /* in earlier pieces */
    uint64_t away_cycle;   /* when its records were not there (late.h) */
    /* For observers: last byte of the last fetch record up to pc_until. */
    bool keeps_pc; /* also beyond the end of a piece */
    uint64_t pc;
    uint32_t pc_until;
};

/* Makes sure that piece.records[next] exists, or has_ended is true, or
 * piece.is_late. */
mmusim_status_t mmusim__stream_fill(struct thread_stream *stream,
                                    mmusim_diag_t *diag);
/* The operation at the record in hand if that is a SYS record, else NULL. */
const struct sys_op *mmusim__stream_sys(const struct thread_stream *stream);
/* Steps over the record in hand. */
void mmusim__stream_skip(struct thread_stream *stream);

/* Last byte of the fetch record that the record in hand is, or belongs to; 0:
 * there is none. Looks only at records that it has not looked at. */
uint64_t mmusim__stream_pc(struct thread_stream *stream);

static inline bool stream_has_record(const struct thread_stream *stream)
{
    return stream->next < stream->piece.n_records;
}

#endif
