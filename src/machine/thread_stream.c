/* SPDX-License-Identifier: MIT */
/* A thread's place in its stream: see thread_stream.h. */
#include "machine/thread_stream.h"

mmusim_status_t mmusim__stream_fill(struct thread_stream *stream,
                                    mmusim_diag_t *diag)
{
    mmusim_status_t status;

    if (stream->has_ended || stream_has_record(stream))
        return MMUSIM_OK;
    if (stream->keeps_pc)
        (void) mmusim__stream_pc(stream);
    stream->pc_until = 0;
    stream->records_done += stream->piece.n_records;
    stream->piece.is_late = false;
    status = stream->source->ops->next(stream->source, stream->thread_index,
                                       &stream->piece, diag);
    stream->next = 0;
    stream->next_sys = 0;
    if (status)
        stream->piece.n_records = 0;
    if (!stream->piece.n_records && !stream->piece.is_late)
        stream->has_ended = true;
    return status;
}

uint64_t mmusim__stream_pc(struct thread_stream *stream)
{
    uint32_t end = stream->next + stream_has_record(stream);

    for (uint32_t i = end; i > stream->pc_until; i--) {
        const struct op_record *op = &stream->piece.records[i - 1];

        if (op_kind_of(op) == OP_FETCH) {
            stream->pc = op->vaddr + op_bytes_of(op) - 1;
            break;
        }
    }
    stream->pc_until = end;
    return stream->pc;
}

const struct sys_op *mmusim__stream_sys(const struct thread_stream *stream)
{
    if (!stream_has_record(stream) ||
        op_kind_of(&stream->piece.records[stream->next]) != OP_SYS)
        return NULL;
    return &stream->piece.sys[stream->piece.records[stream->next].count];
}

void mmusim__stream_skip(struct thread_stream *stream)
{
    if (mmusim__stream_sys(stream))
        stream->next_sys++;
    stream->next++;
}
