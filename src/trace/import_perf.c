/* SPDX-License-Identifier: MIT */
/*
 * Kernel trace events as text, of `perf script` and `trace-cmd report`: system
 * calls that map, context switches, TLB flushes. They become a trace of
 * operations without a program's memory references:
 *
 * - A call is an operation once its return is seen, numbered as mmusim's own
 *   recorder does: what takes addresses away at its begin, what gives at its
 *   end. A line's thread runs on the line's CPU.
 * - Between its events a thread computes, `instructions` a microsecond; from
 *   its switch away to its next event it sleeps.
 * - Pages that were there are touched just before they are taken away, or
 *   nothing would be flushed: as many as the call's tlb_flush events said. In a
 *   trace without those events: all, `touch` at most.
 *
 * Left out: processes but one, fork, what the kernel does by itself. A page
 * table goes when the last page that the trace knows of goes, often earlier
 * than in the program, and then more is flushed.
 */
#include "trace/import.h"
#include "trace/kernel_event.h"
#include "trace/linux_call.h"
#include "trace/record_sys.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PERF_PROCESS, PERF_INSTRUCTIONS, PERF_TOUCH };

enum { PERF_THREADS_MAX = 4096, PERF_REASONS = 6, PERF_PAGE = 4096 };

static const struct import_option perf_options[] = {
    [PERF_PROCESS] = {"process", 0, UINT32_MAX, 0,
                      "read the threads of this process (0: the first, where "
                      "lines say PID/TID)"},
    /* guess: about one a nanosecond */
    [PERF_INSTRUCTIONS] = {"instructions", 0, 1000000, 1000,
                           "computed in a microsecond between two events"},
    [PERF_TOUCH] = {"touch", 0, 1 << 20, 512,
                    "pages touched before a call takes them away, at most"},
    {0},
};

/* The calls, by the names of their events, and their x86-64 numbers; fields in
 * the order of the arguments, as the kernel's prototypes name them. */
static const struct perf_call {
    const char *name;
    uint32_t number;
    uint32_t n_needed; /* arguments without which it changes nothing here */
    const char *fields[LINUX_CALL_ARGS_MAX];
    bool touches; /* its first two arguments are a range that may be flushed */
} perf_calls[] = {
    {"mmap", 9, 4, {"addr", "len", "prot", "flags", "fd", "off"}, false},
    {"mprotect", 10, 3, {"start", "len", "prot"}, true},
    {"munmap", 11, 2, {"addr", "len"}, true},
    {"brk", 12, 0, {"brk"}, false},
    {"mremap",
     25,
     3,
     {"addr", "old_len", "new_len", "flags", "new_addr"},
     true},
    {"madvise", 28, 3, {"start", "len_in", "behavior"}, true},
};
enum { PERF_CALLS = sizeof(perf_calls) / sizeof(perf_calls[0]) };

struct perf_thread {
    uint32_t tid;
    uint32_t cpu;
    struct trace_stream *stream;
    uint64_t seen;                /* the last `sync` */
    uint64_t ns;                  /* of its last event */
    bool is_away;                 /* it has been switched away */
    const struct perf_call *call; /* under way; NULL: none */
    struct linux_call args;
    uint64_t number;      /* taken at its begin */
    uint64_t flush_pages; /* told of it; UINT64_MAX: all */
    bool has_flush;
};

struct perf {
    struct import_run *run;
    uint64_t pid;
    struct perf_thread *threads;
    uint32_t n_threads, max_threads;
    uint64_t n_operations;
    uint64_t last_ns;
    bool has_flushes; /* tlb_flush was recorded */
    uint64_t flushes[PERF_REASONS], full_flushes[PERF_REASONS];
    uint64_t n_interrupts, n_others, n_other_process, n_unmatched, n_bare;
};

/* ---- threads ---- */

/* Threads of the kernel have no address space of their own. */
static bool perf_is_kernel(const struct kernel_event *event)
{
    static const char *const names[] = {"swapper",    "<idle>",    "kworker/",
                                        "ksoftirqd/", "rcu_",      "migration/",
                                        "kswapd",     "kcompactd", "khugepaged",
                                        "ksmd",       "kthreadd"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (!strncmp(event->comm, names[i], strlen(names[i])))
            return true;
    }
    return event->tid == 0;
}

static struct perf_thread *perf_find(struct perf *self, uint32_t tid)
{
    for (uint32_t i = 0; i < self->n_threads; i++) {
        if (self->threads[i].tid == tid)
            return &self->threads[i];
    }
    return NULL;
}

static mmusim_status_t perf_add(struct perf *self,
                                const struct kernel_event *event,
                                struct perf_thread **thread)
{
    if (self->n_threads == PERF_THREADS_MAX)
        return mmusim__import_fail_at(self->run,
                                      byte_stream_offset(self->run->stream),
                                      "more than %d threads", PERF_THREADS_MAX);
    if (self->n_threads == self->max_threads) {
        uint32_t max = self->max_threads ? 2 * self->max_threads : 16;
        struct perf_thread *grown =
            realloc(self->threads, max * sizeof(*grown));

        if (!grown)
            return mmusim__diag_set(self->run->diag, MMUSIM_NOMEM,
                                    "out of memory");
        self->threads = grown;
        self->max_threads = max;
    }
    *thread = &self->threads[self->n_threads];
    **thread = (struct perf_thread){
        .tid = event->tid, .cpu = UINT32_MAX, .ns = event->ns};
    (*thread)->stream = mmusim__import_begin_thread(self->run, event->tid);
    self->n_threads += (*thread)->stream != NULL;
    return (*thread)->stream ? MMUSIM_OK : MMUSIM_NOMEM;
}

static void perf_number(struct perf_thread *thread, enum sys_kind kind,
                        uint64_t number)
{
    const struct sys_op op = {.kind = kind, .number = number};

    mmusim__trace_stream_sys(thread->stream, &op);
}

static void perf_compute(const struct perf *self, struct perf_thread *thread,
                         uint64_t ns)
{
    uint64_t rate = self->run->values[PERF_INSTRUCTIONS];
    uint64_t n = ns / 1000 * rate + ns % 1000 * rate / 1000;

    while (n) {
        uint32_t part = n > UINT32_MAX / 2 ? UINT32_MAX / 2 : (uint32_t) n;

        mmusim__trace_stream_nomem(thread->stream, part);
        n -= part;
    }
}

/* Time has passed for a thread whose next event this is. */
static void perf_catch_up(struct perf *self, struct perf_thread *thread,
                          const struct kernel_event *event)
{
    uint64_t passed = event->ns - thread->ns;

    if (thread->cpu != event->cpu) {
        perf_number(thread, SYS_ON, event->cpu);
        thread->cpu = event->cpu;
    }
    if (thread->is_away)
        perf_number(thread, SYS_IDLE, passed);
    else if (!thread->call)
        perf_compute(self, thread, passed);
    thread->is_away = false;
    thread->ns = event->ns;
    /* Not inside a call that has its number: it cannot wait for itself. */
    if (self->n_operations > thread->seen && !thread->call) {
        thread->seen = self->n_operations;
        perf_number(thread, SYS_SYNC, thread->seen);
    }
}

/* ---- calls ---- */

static void perf_touch(const struct perf *self, struct perf_thread *thread)
{
    uint64_t start = thread->args.args[0] & ~(uint64_t) (PERF_PAGE - 1);
    uint64_t n = (thread->args.args[1] + PERF_PAGE - 1) / PERF_PAGE;
    uint64_t max = self->run->values[PERF_TOUCH];

    if (!thread->call->touches || (self->has_flushes && !thread->has_flush))
        return;
    if (self->has_flushes && n > thread->flush_pages)
        n = thread->flush_pages;
    if (n > max)
        n = max;
    if (!record_is_canonical(start) ||
        !record_is_canonical(start + n * PERF_PAGE))
        return;
    for (uint64_t i = 0; i < n; i++)
        mmusim__trace_stream_access(thread->stream, OP_LOAD,
                                    start + i * PERF_PAGE, 8, 0);
}

static mmusim_status_t perf_enter(struct perf *self, struct perf_thread *thread,
                                  const struct perf_call *call,
                                  const struct kernel_event *event)
{
    struct linux_call *args = &thread->args;

    *args = (struct linux_call){.number = call->number};
    for (; args->n_args < LINUX_CALL_ARGS_MAX && call->fields[args->n_args];
         args->n_args++) {
        const char *field = call->fields[args->n_args];
        enum kernel_event_field found =
            mmusim__kernel_event_field(event, field, &args->args[args->n_args]);

        if (found == KERNEL_FIELD_WRONG)
            return mmusim__import_fail_at(self->run,
                                          byte_stream_offset(self->run->stream),
                                          "%s of %s is no number in '%.60s'",
                                          field, event->name, event->fields);
        if (found == KERNEL_FIELD_ABSENT) {
            self->n_bare += args->n_args < call->n_needed;
            break;
        }
    }
    thread->call = call;
    thread->has_flush = false;
    thread->flush_pages = 0;
    thread->number = call->touches ? ++self->n_operations : 0;
    return MMUSIM_OK;
}

static mmusim_status_t perf_exit(struct perf *self, struct perf_thread *thread,
                                 const struct perf_call *call,
                                 const struct kernel_event *event)
{
    char name[LINUX_CALL_NAME_BYTES];
    struct sys_op op;
    uint64_t result;
    char *end;

    if (thread->call != call) {
        self->n_unmatched++; /* its begin is not in the trace */
        return MMUSIM_OK;
    }
    result = strtoull(event->fields, &end, 0);
    if (end == event->fields || *end)
        return mmusim__import_fail_at(
            self->run, byte_stream_offset(self->run->stream),
            "'%.40s' is no result (a number)", event->fields);
    (void) mmusim__linux_call_op(&thread->args, LINUX_CALL_X86_64, result, name,
                                 &op);
    if (op.kind != SYS_SYSCALL)
        perf_touch(self, thread);
    if (!thread->number && op.kind != SYS_SYSCALL)
        thread->number = ++self->n_operations;
    if (thread->number) {
        thread->seen = thread->number;
        perf_number(thread, SYS_SYNC, thread->number);
    }
    mmusim__trace_stream_sys(thread->stream, &op);
    thread->call = NULL;
    return MMUSIM_OK;
}

static mmusim_status_t perf_system_call(struct perf *self,
                                        struct perf_thread *thread,
                                        const struct kernel_event *event)
{
    bool is_enter = !strncmp(event->name, "sys_enter_", 10);
    const char *name = event->name + (is_enter ? 10 : 9);

    for (size_t i = 0; i < PERF_CALLS; i++) {
        if (strcmp(perf_calls[i].name, name) != 0)
            continue;
        if (!is_enter)
            return perf_exit(self, thread, &perf_calls[i], event);
        return perf_enter(self, thread, &perf_calls[i], event);
    }
    self->n_others++;
    return MMUSIM_OK;
}

/* ---- other events ---- */

static mmusim_status_t perf_flush(struct perf *self,
                                  const struct kernel_event *event)
{
    struct perf_thread *thread = perf_find(self, event->tid);
    const char *open = strrchr(event->fields, '(');
    uint64_t pages;
    unsigned long reason = open ? strtoul(open + 1, NULL, 10) : PERF_REASONS;

    if (mmusim__kernel_event_field(event, "pages", &pages) != KERNEL_FIELD ||
        reason >= PERF_REASONS)
        return mmusim__import_fail_at(
            self->run, byte_stream_offset(self->run->stream),
            "'%.60s' is no tlb_flush (pages:N reason:TEXT (0 to 5))",
            event->fields);
    self->has_flushes = true;
    self->flushes[reason]++;
    self->full_flushes[reason] += pages == UINT64_MAX;
    /* 1, remote shootdown, is somebody else's */
    if (thread && thread->call && reason != 1) {
        thread->has_flush = true;
        if (pages > thread->flush_pages)
            thread->flush_pages = pages;
    }
    return MMUSIM_OK;
}

static mmusim_status_t perf_event(struct perf *self,
                                  const struct kernel_event *event)
{
    struct perf_thread *thread;
    mmusim_status_t status;

    if (!strcmp(event->name, "tlb_flush")) {
        status = perf_flush(self, event);
        if (status)
            return status;
    }
    self->n_interrupts += !strncmp(event->name, "call_function", 13) &&
                          strstr(event->name, "entry");
    if (perf_is_kernel(event))
        return MMUSIM_OK;
    if (event->pid && !self->pid)
        self->pid = event->pid;
    if (event->pid && event->pid != self->pid) {
        self->n_other_process++;
        return MMUSIM_OK;
    }
    thread = perf_find(self, event->tid);
    if (!thread && (status = perf_add(self, event, &thread)))
        return status;
    if (event->ns < thread->ns)
        return mmusim__import_fail_at(
            self->run, byte_stream_offset(self->run->stream),
            "the time of thread %" PRIu32 " goes backwards (events come in "
            "the order of time)",
            event->tid);
    perf_catch_up(self, thread, event);
    if (!strncmp(event->name, "sys_e", 5))
        return perf_system_call(self, thread, event);
    if (!strcmp(event->name, "sched_switch"))
        thread->is_away = true;
    return MMUSIM_OK;
}

/* ---- lines ---- */

static mmusim_status_t perf_line(struct perf *self, char *line, uint64_t offset)
{
    struct kernel_event event;
    char shown[80];

    strncpy(shown, line, sizeof(shown) - 1);
    shown[sizeof(shown) - 1] = '\0';
    switch (mmusim__kernel_event_parse(line, &event)) {
    case KERNEL_EVENT_OTHER:
        return MMUSIM_OK;
    case KERNEL_EVENT_WRONG:
        return mmusim__import_fail_at(
            self->run, offset,
            "'%.60s' is no line of perf script (COMM PID [CPU] SECONDS: "
            "SYSTEM:EVENT: FIELDS) or trace-cmd report",
            shown);
    case KERNEL_EVENT:
        break;
    }
    self->run->n_records++;
    return perf_event(self, &event);
}

static mmusim_status_t perf_lines(struct perf *self)
{
    struct import_run *run = self->run;
    mmusim_status_t status = MMUSIM_OK;

    while (!status) {
        uint64_t offset = byte_stream_offset(run->stream);
        char *line = NULL;
        size_t length;

        status =
            mmusim__byte_stream_line(run->stream, &line, &length, run->diag);
        if (status || !line)
            break;
        run->line++;
        if (length >= BYTE_CARRY || memchr(line, '\0', length))
            return mmusim__import_fail_at(run, offset,
                                          "no text, or a line too long");
        if (byte_stream_offset(run->stream) == offset + length)
            return mmusim__import_fail_at(
                run, offset,
                "the last line has no end (the file is cut short; "
                "--salvage keeps what is there)");
        status = perf_line(self, line, offset);
    }
    return status;
}

/* Numbers that are taken get their operation. */
static void perf_finish(struct perf *self)
{
    for (uint32_t i = 0; i < self->n_threads; i++) {
        struct perf_thread *thread = &self->threads[i];

        if (!thread->call || !thread->number)
            continue;
        perf_number(thread, SYS_SYNC, thread->number);
        perf_number(thread, SYS_SYSCALL, 0);
    }
}

static void perf_tell(const struct perf *self)
{
    static const char *const words[PERF_REASONS] = {
        "flush on task switch", "remote shootdown", "local shootdown",
        "local mm shootdown",   "remote send ipi",  "remote wrong cpu"};
    struct import_notes *notes = self->run->notes;
    char text[IMPORT_NOTE_BYTES] = "";
    size_t length = 0;

    for (unsigned i = 0; i < PERF_REASONS; i++) {
        if (self->flushes[i] && length < sizeof(text))
            length += (size_t) snprintf(
                text + length, sizeof(text) - length,
                "%s%s %" PRIu64 " (%" PRIu64 " full)", length ? ", " : "",
                words[i], self->flushes[i], self->full_flushes[i]);
    }
    if (length)
        mmusim__import_note(notes, "recorded tlb_flush: %s", text);
    if (self->n_interrupts)
        mmusim__import_note(notes,
                            "recorded call_function interrupts: %" PRIu64,
                            self->n_interrupts);
    if (self->n_other_process)
        mmusim__import_note(notes,
                            "%" PRIu64
                            " events of other processes than %" PRIu64
                            " were passed over",
                            self->n_other_process, self->pid);
    if (self->n_bare)
        mmusim__import_note(notes,
                            "%" PRIu64 " calls lack arguments and change "
                            "nothing (print all fields of the events)",
                            self->n_bare);
    if (self->n_unmatched)
        mmusim__import_note(notes,
                            "%" PRIu64 " returns of calls whose begin is not "
                            "in the trace were passed over",
                            self->n_unmatched);
}

static mmusim_status_t perf_read(struct import_run *run)
{
    struct perf self = {.run = run, .pid = run->values[PERF_PROCESS]};
    mmusim_status_t status = perf_lines(&self);

    if (!status && !self.n_threads)
        status = mmusim__import_fail_at(
            run, 0,
            "there is no event of a program (record syscalls:sys_*_munmap, "
            "sched:sched_switch, tlb:tlb_flush)");
    perf_finish(&self);
    perf_tell(&self);
    free(self.threads);
    return status;
}

/* ---- is it? ---- */

/* The first event says which tool wrote it. */
static enum import_match perf_probe_as(const struct import_probe *probe,
                                       enum kernel_event_tool tool)
{
    const uint8_t *p = probe->bytes;
    const uint8_t *end = p ? p + probe->n_bytes : NULL;

    while (p < end) {
        const uint8_t *next = memchr(p, '\n', (size_t) (end - p));
        size_t length = (size_t) ((next ? next : end) - p);
        char line[512] = "";
        struct kernel_event event;

        memcpy(line, p, length < sizeof(line) ? length : sizeof(line) - 1);
        p += length + 1;
        switch (mmusim__kernel_event_parse(line, &event)) {
        case KERNEL_EVENT:
            return event.tool == tool ? IMPORT_SURE : IMPORT_NO;
        case KERNEL_EVENT_WRONG:
            return IMPORT_NO;
        case KERNEL_EVENT_OTHER:
            break;
        }
    }
    return IMPORT_NO;
}

static enum import_match perf_probe(const struct import_probe *probe)
{
    return perf_probe_as(probe, KERNEL_EVENT_PERF);
}

static enum import_match trace_cmd_probe(const struct import_probe *probe)
{
    return perf_probe_as(probe, KERNEL_EVENT_TRACE_CMD);
}

extern const struct import_ops mmusim__import_perf;
const struct import_ops mmusim__import_perf = {
    .name = "perf",
    .what = "perf script: system calls that map, switches, tlb_flush",
    .options = perf_options,
    .is_many_threads = true,
    .probe = perf_probe,
    .read = perf_read,
};

extern const struct import_ops mmusim__import_trace_cmd;
const struct import_ops mmusim__import_trace_cmd = {
    .name = "trace-cmd",
    .what = "trace-cmd report: the same events",
    .options = perf_options,
    .is_many_threads = true,
    .probe = trace_cmd_probe,
    .read = perf_read,
};
