/* SPDX-License-Identifier: MIT */
/*
 * Records of a drmemtrace stream, one by one. Threads take turns in it (type
 * THREAD), or it has one.
 *
 * What others did meanwhile is known to the timestamps: at each, a thread says
 * how many operations came before it (`sync`). A call that may block and its
 * next timestamp enclose a sleep: `idle`.
 * Chunks begin with the last timestamp and CPU again, which changes nothing.
 */
#include "trace/drmem_reader.h"

#include "trace/record_sys.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { DRMEM_IDLE_THREAD_BITS = 22 };

static mmusim_status_t drmem_fail(struct drmem *self, const char *text,
                                  uint64_t value)
{
    self->run->n_records = self->record;
    return mmusim__import_fail_at(
        self->run, byte_stream_offset(self->run->stream), text, value);
}

static mmusim_status_t drmem_nomem(struct drmem *self)
{
    return mmusim__diag_set(self->run->diag, MMUSIM_NOMEM, "out of memory");
}

/* ---- threads ---- */

/* A workload's ordinal stands in bits 63:48. */
static uint32_t drmem_tid(uint64_t number)
{
    return (uint32_t) (number + (number >> 48 << DRMEM_IDLE_THREAD_BITS));
}

static mmusim_status_t drmem_switch(struct drmem *self, uint64_t number)
{
    struct drmem_thread *thread;

    self->thread = NULL;
    if (number == UINT64_MAX) /* a core's idle thread */
        return MMUSIM_OK;
    for (uint32_t i = 0; i < self->n_threads; i++) {
        if (self->threads[i].number == number) {
            self->thread = &self->threads[i];
            return MMUSIM_OK;
        }
    }
    if (self->n_threads == DRMEM_THREADS_MAX)
        return drmem_fail(self, "more than %" PRIu64 " threads in one file",
                          DRMEM_THREADS_MAX);
    if (self->n_threads == self->max_threads) {
        uint32_t max = self->max_threads ? 2 * self->max_threads : 4;
        struct drmem_thread *grown =
            realloc(self->threads, max * sizeof(*grown));

        if (!grown)
            return drmem_nomem(self);
        self->threads = grown;
        self->max_threads = max;
    }
    thread = &self->threads[self->n_threads++];
    *thread = (struct drmem_thread){.number = number, .cpu = DRMEM_CPU_UNKNOWN};
    self->thread = thread;
    return MMUSIM_OK;
}

static bool drmem_is_taken(struct drmem *self)
{
    const struct drmem_thread *thread = self->thread;

    if (!thread)
        return false;
    if (!self->pid)
        self->pid = thread->pid;
    if (thread->pid == self->pid || !thread->pid)
        return true;
    self->counts.n_other_process++;
    return false;
}

static void drmem_sys(struct drmem *self, const struct sys_op *op)
{
    if (self->thread->stream)
        mmusim__trace_stream_sys(self->thread->stream, op);
}

static void drmem_number(struct drmem *self, enum sys_kind kind,
                         uint64_t number)
{
    const struct sys_op op = {.kind = kind, .number = number};

    drmem_sys(self, &op);
}

static void drmem_sync(struct drmem *self, uint64_t number)
{
    if (number <= self->thread->seen)
        return;
    self->thread->seen = number;
    drmem_number(self, SYS_SYNC, number);
}

/* The thread's stream; made when something is written to it. */
static mmusim_status_t drmem_begin_stream(struct drmem *self)
{
    struct drmem_thread *thread = self->thread;

    if (thread->stream || self->order.is_collecting)
        return MMUSIM_OK;
    thread->stream =
        mmusim__import_begin_thread(self->run, drmem_tid(thread->number));
    if (!thread->stream)
        return MMUSIM_NOMEM;
    if (self->has_cpus && thread->cpu != DRMEM_CPU_UNKNOWN)
        drmem_number(self, SYS_ON, thread->cpu);
    if (self->has_order)
        drmem_sync(self, mmusim__drmem_order_before(&self->order, thread->us));
    return MMUSIM_OK;
}

/* ---- operations ---- */

static mmusim_status_t drmem_write_op(struct drmem *self, uint64_t us)
{
    struct drmem_thread *thread = self->thread;
    uint64_t number = 0;

    thread->has_op = false;
    if (self->has_order && thread->op.kind != SYS_SYSCALL &&
        !mmusim__drmem_order_take(&self->order, us, &number))
        return drmem_nomem(self);
    if (number) {
        thread->seen = number;
        drmem_number(self, SYS_SYNC, number);
    }
    drmem_sys(self, &thread->op);
    return MMUSIM_OK;
}

/* What was under way is over: a call without a recorded result, an operation
 * that waited for a time. */
static mmusim_status_t drmem_settle(struct drmem *self)
{
    struct drmem_thread *thread = self->thread;
    mmusim_status_t status = drmem_begin_stream(self);

    if (!status && thread->call.state != DRMEM_CALL_NONE) {
        thread->call.state = DRMEM_CALL_NONE;
        drmem_number(self, SYS_SYSCALL, 0);
    }
    if (!status && thread->has_op)
        status = drmem_write_op(self, thread->us);
    return status;
}

static mmusim_status_t drmem_return(struct drmem *self, uint64_t result)
{
    struct drmem_thread *thread = self->thread;
    enum linux_call_when when;
    mmusim_status_t status;

    if (thread->call.state != DRMEM_CALL_RETURNS)
        return MMUSIM_OK; /* of a function that is no system call */
    thread->call.state = DRMEM_CALL_NONE;
    when = mmusim__linux_call_op(&thread->call.call, self->isa, result,
                                 thread->name, &thread->op);
    thread->has_op = true;
    if (when == LINUX_CALL_AT_END)
        return MMUSIM_OK;
    status = drmem_begin_stream(self);
    return status ? status : drmem_write_op(self, thread->call.begun_us);
}

static mmusim_status_t drmem_function(struct drmem *self, uint64_t id)
{
    struct drmem_thread *thread = self->thread;
    struct drmem_call *call = &thread->call;
    uint64_t number = id - DRMEM_SYSCALL_FUNC;
    mmusim_status_t status = MMUSIM_OK;

    if (id < DRMEM_SYSCALL_FUNC)
        return MMUSIM_OK;
    if (call->state == DRMEM_CALL_ARGS && call->call.number == number) {
        call->state = DRMEM_CALL_RETURNS;
        return MMUSIM_OK;
    }
    if (call->state != DRMEM_CALL_NUMBER || call->call.number != number)
        status = drmem_settle(self);
    *call = (struct drmem_call){.state = DRMEM_CALL_ARGS,
                                .call.number = number,
                                .begun_us = thread->us};
    return status;
}

static mmusim_status_t drmem_system_call(struct drmem *self, uint64_t number)
{
    mmusim_status_t status = drmem_settle(self);

    self->thread->may_block = false;
    self->thread->call = (struct drmem_call){.state = DRMEM_CALL_NUMBER,
                                             .call.number = number,
                                             .begun_us = self->thread->us};
    return status;
}

static mmusim_status_t drmem_timestamp(struct drmem *self, uint64_t us)
{
    struct drmem_thread *thread = self->thread;
    mmusim_status_t status = MMUSIM_OK;
    bool has_passed = us > thread->us;

    thread->us = us;
    if (thread->has_op) {
        status = drmem_begin_stream(self);
        if (!status)
            status = drmem_write_op(self, us);
    }
    if (!status && thread->stream && has_passed) {
        if (thread->may_block)
            drmem_number(self, SYS_IDLE, 0);
        thread->may_block = false;
        if (self->has_order)
            drmem_sync(self, mmusim__drmem_order_before(&self->order, us));
    }
    return status;
}

static void drmem_cpu(struct drmem *self, uint64_t value)
{
    uint64_t cpu = value & 0xfff; /* above: the node */

    if (value == DRMEM_CPU_UNKNOWN || cpu == self->thread->cpu)
        return;
    self->thread->cpu = cpu;
    if (self->has_cpus)
        drmem_number(self, SYS_ON, cpu);
}

/* ---- markers ---- */

static mmusim_status_t drmem_file_type(struct drmem *self, uint64_t type)
{
    self->file_types |= type;
    self->isa = type & DRMEM_AARCH64 ? LINUX_CALL_AARCH64 : LINUX_CALL_X86_64;
    if (type & (DRMEM_ARM32 | DRMEM_X86_32))
        return mmusim__import_fail(self->run, MMUSIM_UNSUPPORTED,
                                   "is of a 32-bit program (only 64-bit "
                                   "programs' drmemtraces are read)");
    return MMUSIM_OK;
}

static mmusim_status_t drmem_version(struct drmem *self, uint64_t version)
{
    if (version <= DRMEM_VERSION_MAX)
        return MMUSIM_OK;
    return drmem_fail(self,
                      "drmemtrace of version %" PRIu64
                      " (up to 7 is read; a later one: ask for a trace of an "
                      "older DynamoRIO)",
                      version);
}

static mmusim_status_t drmem_thread_marker(struct drmem *self,
                                           const struct drmem_record *record)
{
    struct drmem_call *call = &self->thread->call;

    switch ((enum drmem_marker) record->size) {
    case DRMEM_TIMESTAMP:
        return drmem_timestamp(self, record->value);
    case DRMEM_CPU:
        drmem_cpu(self, record->value);
        return MMUSIM_OK;
    case DRMEM_SYSCALL:
        return drmem_system_call(self, record->value);
    case DRMEM_MAY_BLOCK:
        self->thread->may_block = true;
        return MMUSIM_OK;
    case DRMEM_FUNC_ID:
        return drmem_function(self, record->value);
    case DRMEM_FUNC_ARG:
        if (call->state == DRMEM_CALL_ARGS &&
            call->call.n_args < LINUX_CALL_ARGS_MAX)
            call->call.args[call->call.n_args++] = record->value;
        return MMUSIM_OK;
    case DRMEM_FUNC_RETURN:
        return drmem_return(self, record->value);
    case DRMEM_FILE_TYPE:
    case DRMEM_VERSION:
    case DRMEM_CORE_WAIT:
    case DRMEM_CORE_IDLE:
        break;
    }
    return MMUSIM_OK;
}

static mmusim_status_t drmem_marker(struct drmem *self,
                                    const struct drmem_record *record)
{
    if (record->size == DRMEM_FILE_TYPE)
        return drmem_file_type(self, record->value);
    if (record->size == DRMEM_VERSION)
        return drmem_version(self, record->value);
    if (record->size == DRMEM_CORE_IDLE || record->size == DRMEM_CORE_WAIT)
        self->counts.n_idle++;
    else if (drmem_is_taken(self))
        return drmem_thread_marker(self, record);
    return MMUSIM_OK;
}

/* ---- references ---- */

static mmusim_status_t drmem_reference(struct drmem *self,
                                       const struct drmem_record *record)
{
    uint64_t vaddr = record->value;
    uint32_t n_bytes = record->size ? record->size : 1;
    struct drmem_thread *thread = self->thread;
    mmusim_status_t status;

    if (thread->call.state != DRMEM_CALL_NONE || thread->has_op ||
        !thread->stream) {
        status = drmem_settle(self);
        if (status || self->order.is_collecting)
            return status;
    }
    if (self->isa == LINUX_CALL_AARCH64) /* the top byte may be a tag */
        vaddr = (vaddr & ((UINT64_C(1) << 56) - 1)) |
                (vaddr >> 55 & 1 ? UINT64_C(0xff) << 56 : 0);
    if (!record_is_canonical(vaddr) || vaddr + n_bytes < vaddr)
        return drmem_fail(self,
                          "0x%" PRIx64 " is no canonical address (bits 63 to "
                          "56 are equal)",
                          vaddr);
    if (record->type == DRMEM_LOAD || record->type == DRMEM_STORE)
        mmusim__trace_stream_access(
            thread->stream, record->type == DRMEM_STORE ? OP_STORE : OP_LOAD,
            vaddr, n_bytes, 0);
    else if (record->size)
        mmusim__trace_stream_fetch(thread->stream, vaddr, 1, n_bytes);
    else
        self->counts.n_pc_only++;
    return MMUSIM_OK;
}

/* ---- all records ---- */

static mmusim_status_t drmem_begin_file(struct drmem *self,
                                        const struct drmem_record *record)
{
    if (record->type != DRMEM_HEADER)
        return drmem_fail(self,
                          "begins with a record of type %" PRIu64
                          " (drmemtrace begins with 25, its header; is it of "
                          "another byte order?)",
                          record->type);
    if (record->value > UINT8_MAX && (uint32_t) record->value <= UINT8_MAX)
        return mmusim__import_fail(
            self->run, MMUSIM_UNSUPPORTED,
            "has records of 8 bytes: it is of a 32-bit build of DynamoRIO "
            "(only 64-bit ones are read)");
    self->has_begun = true;
    return drmem_version(self, record->value);
}

static mmusim_status_t drmem_structure(struct drmem *self,
                                       const struct drmem_record *record)
{
    switch (record->type) {
    case DRMEM_THREAD:
        return drmem_switch(self, record->value);
    case DRMEM_PID:
        if (self->thread)
            self->thread->pid = record->value;
        return MMUSIM_OK;
    case DRMEM_FOOTER:
        self->has_footer = true;
        return MMUSIM_OK;
    case DRMEM_BUNDLE:
    case DRMEM_INVALID:
        return drmem_fail(self,
                          "a record of type %" PRIu64
                          ", which files do not have (raw and online traces "
                          "are not read: run raw2trace)",
                          record->type);
    default:
        if (record->type > DRMEM_INVALID)
            return drmem_fail(self, "there is no record of type %" PRIu64,
                              record->type);
        self->counts.n_prefetches += drmem_is_prefetch(record->type);
        return MMUSIM_OK; /* encodings, cache flushes, headers, thread exits */
    }
}

static mmusim_status_t drmem_take(struct drmem *self, const uint8_t *bytes)
{
    const struct drmem_record record = drmem_record(bytes);

    if (!self->has_begun)
        return drmem_begin_file(self, &record);
    if (record.type == DRMEM_LOAD || record.type == DRMEM_STORE ||
        drmem_is_fetch(record.type))
        return drmem_is_taken(self) ? drmem_reference(self, &record)
                                    : MMUSIM_OK;
    if (record.type == DRMEM_MARKER)
        return drmem_marker(self, &record);
    return drmem_structure(self, &record);
}

static mmusim_status_t drmem_window(struct drmem *self)
{
    struct byte_stream *stream = self->run->stream;
    mmusim_status_t status = MMUSIM_OK;

    while (!status && byte_stream_left(stream) >= DRMEM_RECORD_BYTES) {
        status = drmem_take(self, stream->at);
        if (!status) {
            stream->at += DRMEM_RECORD_BYTES;
            self->record++;
        }
    }
    return status;
}

/* Whole files end with a record that says so. */
static mmusim_status_t drmem_check_end(struct drmem *self)
{
    size_t left = byte_stream_left(self->run->stream);

    if (left)
        return drmem_fail(self,
                          "the file ends inside a record, after %" PRIu64
                          " of 12 bytes (it is cut short)",
                          left);
    return self->has_footer
               ? MMUSIM_OK
               : drmem_fail(self,
                            "the file ends without its footer (it is cut "
                            "short; --salvage keeps what is there)",
                            0);
}

/* What threads had under way; frees their streams. */
static mmusim_status_t drmem_end_threads(struct drmem *self,
                                         mmusim_status_t status)
{
    for (uint32_t i = 0; i < self->n_threads; i++) {
        self->thread = &self->threads[i];
        if (!status && self->thread->has_op)
            status = drmem_settle(self);
        if (!status && self->thread->stream)
            status =
                mmusim__trace_stream_end(self->thread->stream, self->run->diag);
    }
    self->n_threads = 0;
    self->thread = NULL;
    return status;
}

mmusim_status_t mmusim__drmem_read_stream(struct drmem *self)
{
    struct byte_stream *stream = self->run->stream;
    mmusim_status_t status;

    self->has_begun = false;
    self->has_footer = false;
    self->record = 0;
    status = drmem_window(self);
    while (!status && !stream->is_over) {
        status = mmusim__byte_stream_more(stream, self->run->diag);
        if (!status)
            status = drmem_window(self);
    }
    if (!status)
        status = drmem_check_end(self);
    return drmem_end_threads(self, status);
}

void mmusim__drmem_fini(struct drmem *self)
{
    free(self->threads);
    mmusim__drmem_order_fini(&self->order);
}
