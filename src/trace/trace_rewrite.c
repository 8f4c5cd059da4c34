/* SPDX-License-Identifier: MIT */
/* Thread after thread, so that one stream is open at a time. */
#include "trace/trace_rewrite.h"

#include "core/diag.h"
#include "trace/trace_handle.h"
#include "trace/trace_writer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- stamps ---- */

static int rewrite_compare(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *) left;
    uint64_t b = *(const uint64_t *) right;

    return a < b ? -1 : a > b;
}

void mmusim__rewrite_stamps_sort(struct rewrite_stamps *stamps)
{
    size_t n = 0;

    if (stamps->n)
        qsort(stamps->numbers, stamps->n, sizeof(*stamps->numbers),
              rewrite_compare);
    for (size_t i = 0; i < stamps->n; i++) {
        if (n == 0 || stamps->numbers[n - 1] != stamps->numbers[i])
            stamps->numbers[n++] = stamps->numbers[i];
    }
    stamps->n = n;
}

static uint64_t rewrite_stamp(const struct rewrite_stamps *stamps,
                              uint64_t number)
{
    size_t low = 0;
    size_t high = stamps->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (stamps->numbers[middle] <= number)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return 0;
    return stamps->to ? stamps->to[low - 1] : low;
}

/* ---- records ---- */

struct rewrite_walk {
    struct rewrite_thread *threads;
    size_t n_threads;
    struct rewrite_thread *thread;
    struct trace_stream *to;
    bool is_kernel; /* the thread's first record says so */
    uint64_t cpu;   /* of its last `on` before the range */
    bool has_cpu;
};

static uint64_t rewrite_tid(const struct rewrite_input *input, uint64_t tid)
{
    for (size_t i = 0; i < input->n_tids; i++) {
        if (input->tids[i].from == tid)
            return input->tids[i].to;
    }
    return tid;
}

static void rewrite_sys(struct rewrite_walk *walk, const struct sys_op *op)
{
    const struct rewrite_input *input = walk->thread->input;
    struct sys_op copy = *op;

    if (op->kind == SYS_SYNC)
        copy.number = rewrite_stamp(&input->stamps, op->number);
    else if (op->kind == SYS_FORK || op->kind == SYS_CLONE)
        copy.number = rewrite_tid(input, op->number);
    mmusim__trace_stream_sys(walk->to, &copy);
}

static void rewrite_add(struct rewrite_walk *walk, enum sys_kind kind,
                        uint64_t number)
{
    const struct sys_op op = {.kind = kind, .number = number};

    mmusim__trace_stream_sys(walk->to, &op);
    walk->thread->n_added++;
}

/* What the records before the range have left behind. */
static void rewrite_begin(struct rewrite_walk *walk)
{
    uint32_t self = (uint32_t) (walk->thread - walk->threads);

    if (walk->is_kernel)
        rewrite_add(walk, SYS_KTHREAD, 0);
    if (walk->has_cpu)
        rewrite_add(walk, SYS_ON, walk->cpu);
    for (size_t i = 0; i < walk->n_threads; i++) {
        if (walk->threads[i].parent == self)
            rewrite_add(walk, SYS_CLONE, walk->threads[i].tid);
    }
}

/* A record before the range. Images are for all that follows. */
static void rewrite_skip(struct rewrite_walk *walk,
                         const struct op_record *record,
                         const struct op_piece *piece)
{
    const struct sys_op *op;

    if (op_kind_of(record) != OP_SYS)
        return;
    op = &piece->sys[record->count];
    if (op->kind == SYS_IMAGE) {
        mmusim__trace_stream_sys(walk->to, op);
        walk->thread->n_added++;
    }
    walk->is_kernel = walk->is_kernel || op->kind == SYS_KTHREAD;
    if (op->kind == SYS_ON) {
        walk->cpu = op->number;
        walk->has_cpu = true;
    }
}

static void rewrite_record(struct rewrite_walk *walk,
                           const struct op_record *record,
                           const struct op_piece *piece)
{
    switch (op_kind_of(record)) {
    case OP_FETCH:
        mmusim__trace_stream_fetch(walk->to, record->vaddr, record->count,
                                   op_bytes_of(record));
        break;
    case OP_LOAD:
    case OP_STORE:
        mmusim__trace_stream_access(walk->to, op_kind_of(record), record->vaddr,
                                    op_bytes_of(record), op_flags_of(record));
        break;
    case OP_NOMEM:
        mmusim__trace_stream_nomem(walk->to, record->count);
        break;
    case OP_SYS:
        rewrite_sys(walk, &piece->sys[record->count]);
        break;
    }
}

static void rewrite_piece(struct rewrite_walk *walk,
                          const struct op_piece *piece)
{
    const struct rewrite_thread *thread = walk->thread;

    for (uint32_t i = 0; i < piece->n_records; i++) {
        uint64_t number = piece->first_record + i;

        if (number < thread->first_record) {
            rewrite_skip(walk, &piece->records[i], piece);
            continue;
        }
        if (number >= thread->end_record)
            break;
        if (number == thread->first_record)
            rewrite_begin(walk);
        rewrite_record(walk, &piece->records[i], piece);
    }
}

static mmusim_status_t rewrite_thread(struct rewrite_walk *walk,
                                      struct trace_writer *writer,
                                      mmusim_source_t *source,
                                      mmusim_diag_t *diag)
{
    struct rewrite_thread *thread = walk->thread;
    mmusim_status_t status = MMUSIM_OK;
    bool has_more = true;

    walk->is_kernel = false;
    walk->has_cpu = false;
    walk->to = mmusim__trace_stream_begin(writer, thread->tid);
    if (!walk->to)
        return mmusim__diag_set(diag, MMUSIM_NOMEM, "out of memory");
    if (thread->is_created || thread->parent != UINT32_MAX)
        mmusim__trace_stream_set_created(walk->to);
    while (!status && has_more) {
        struct op_piece piece;

        status = source->ops->next(source, thread->index, &piece, diag);
        has_more = !status && piece.n_records &&
                   piece.first_record < thread->end_record;
        if (has_more)
            rewrite_piece(walk, &piece);
    }
    if (source->ops->release)
        source->ops->release(source, thread->index);
    return status ? status : mmusim__trace_stream_end(walk->to, diag);
}

static mmusim_status_t rewrite_all(struct rewrite_walk *walk,
                                   struct trace_writer *writer,
                                   mmusim_diag_t *diag)
{
    mmusim_source_t *source = NULL;
    const mmusim_trace_t *trace = NULL;
    mmusim_status_t status = MMUSIM_OK;

    for (size_t i = 0; !status && i < walk->n_threads; i++) {
        walk->thread = &walk->threads[i];
        if (walk->thread->input->trace != trace) {
            mmusim_source_destroy(source);
            source = NULL;
            trace = walk->thread->input->trace;
            status =
                mmusim_trace_source(walk->thread->input->trace, &source, diag);
        }
        if (!status)
            status = rewrite_thread(walk, writer, source, diag);
    }
    mmusim_source_destroy(source);
    return status;
}

mmusim_status_t mmusim__trace_rewrite(struct rewrite_thread *threads, size_t n,
                                      const char *path, mmusim_trace_t **made,
                                      mmusim_diag_t *diag)
{
    const struct trace_writer_options options = {.level = 1};
    struct rewrite_walk walk = {.threads = threads, .n_threads = n};
    struct trace_writer *writer;
    FILE *out = tmpfile();
    mmusim_status_t status;

    if (!out)
        return mmusim__diag_set(diag, MMUSIM_SYSTEM, "no temporary file: %s",
                                strerror(errno));
    status =
        mmusim__trace_writer_create_fd(fileno(out), &options, &writer, diag);
    if (!status) {
        status = rewrite_all(&walk, writer, diag);
        if (!status)
            status = mmusim__trace_writer_close(writer, diag);
        else
            mmusim__trace_writer_abandon(writer);
    }
    if (!status)
        return mmusim__trace_open_written(out, path, made, diag);
    fclose(out);
    return status;
}
