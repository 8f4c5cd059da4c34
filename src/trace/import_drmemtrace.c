/* SPDX-License-Identifier: MIT */
/*
 * DynamoRIO's drmemtrace: one file of a thread (plain, .gz, .zip, ...), or a
 * folder of them. The files of a folder are read one after the other, so
 * memory does not grow with their number; where they hold system calls, a
 * first pass finds their order (drmem_order.h).
 */
#include "trace/drmem_folder.h"
#include "trace/drmem_reader.h"
#include "trace/drmem_v2p.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { DRMEMTRACE_PROCESS, DRMEMTRACE_ORDER, DRMEMTRACE_CPUS };

static const struct import_option drmemtrace_options[] = {
    [DRMEMTRACE_PROCESS] = {"process", 0, UINT64_MAX, 0,
                            "read the threads of this process (0: the first)"},
    [DRMEMTRACE_ORDER] = {"order", 0, 1, 1,
                          "1: order stamps for system calls that map, by their "
                          "times"},
    [DRMEMTRACE_CPUS] = {"cpus", 0, 1, 1,
                         "1: threads run on the CPUs that were recorded"},
    {0},
};

/* ---- is it? ---- */

/* A header, then a marker or a thread: of 12 bytes each, or of 8. */
static enum import_match drmemtrace_probe_bytes(const uint8_t *bytes, size_t n)
{
    struct drmem_record head, next;

    if (n < 2 * DRMEM_RECORD_BYTES)
        return IMPORT_NO;
    head = drmem_record(bytes);
    next = drmem_record(bytes + DRMEM_RECORD_BYTES);
    if (head.type == DRMEM_HEADER && head.value < 256 &&
        (next.type == DRMEM_MARKER || next.type == DRMEM_THREAD))
        return IMPORT_SURE;
    /* the reader says what is wrong with these */
    next = drmem_record(bytes + 8);
    if (head.type == DRMEM_HEADER && (head.value & UINT32_MAX) < 256 &&
        (next.type == DRMEM_MARKER || next.type == DRMEM_THREAD))
        return IMPORT_LIKELY;
    return bytes[0] == 0 && bytes[1] == DRMEM_HEADER && bytes[12] == 0 &&
                   (bytes[13] == DRMEM_MARKER || bytes[13] == DRMEM_THREAD)
               ? IMPORT_LIKELY
               : IMPORT_NO;
}

static enum import_match drmemtrace_probe(const struct import_probe *probe)
{
    struct drmem_folder folder;
    enum import_match match = IMPORT_NO;

    if (probe->bytes)
        return drmemtrace_probe_bytes(probe->bytes, probe->n_bytes);
    if (mmusim__drmem_folder_open(&folder, probe->path) &&
        (folder.n_names || folder.unread))
        match = IMPORT_SURE;
    mmusim__drmem_folder_fini(&folder);
    return match;
}

/* ---- folders ---- */

struct drmemtrace {
    struct drmem drmem;
    struct drmem_folder folder;
    uint32_t *first; /* by file: the index of its first operation */
};

/* One file of the folder, through the same machine. */
static mmusim_status_t drmemtrace_file(struct drmemtrace *self, size_t index)
{
    struct import_run *run = self->drmem.run;
    const char *whole = run->path;
    char *path = mmusim__drmem_folder_path(&self->folder, index);
    mmusim_status_t status;

    if (!path)
        return mmusim__diag_set(run->diag, MMUSIM_NOMEM, "out of memory");
    run->path = path;
    status = mmusim__byte_stream_open(path, &run->stream, run->diag);
    if (!status) {
        run->stream->watch = run->watch;
        run->stream->watch_context = run->watch_context;
        status = mmusim__byte_stream_begin(run->stream, run->diag);
    }
    if (!status)
        status = mmusim__drmem_read_stream(&self->drmem);
    mmusim__byte_stream_close(run->stream);
    run->stream = NULL;
    run->path = whole;
    free(path);
    return status;
}

/* When all operations were. Damage is told by the second pass. */
static mmusim_status_t drmemtrace_collect(struct drmemtrace *self)
{
    struct import_run *run = self->drmem.run;
    struct drmem_order *order = &self->drmem.order;
    size_t n = self->folder.n_names;
    mmusim_diag_t ignored = {0};
    mmusim_diag_t *diag = run->diag;
    mmusim_status_t status = MMUSIM_OK;

    self->first = calloc(n, sizeof(*self->first));
    if (!self->first)
        return mmusim__diag_set(diag, MMUSIM_NOMEM, "out of memory");
    order->is_collecting = true;
    run->diag = &ignored;
    for (size_t i = 0; !status && i < n; i++) {
        self->first[i] = order->n_times;
        status = drmemtrace_file(self, i);
        if (status != MMUSIM_NOMEM && status != MMUSIM_INTERRUPTED)
            status = MMUSIM_OK;
    }
    run->diag = diag;
    self->drmem.counts = (struct drmem_counts){0};
    if (status)
        *diag = ignored;
    else if (!mmusim__drmem_order_sort(order))
        status = mmusim__diag_set(diag, MMUSIM_NOMEM, "out of memory");
    if (!status && order->is_given_up)
        mmusim__import_note(run->notes,
                            "more than %d system calls that map: there are no "
                            "order stamps",
                            DRMEM_ORDER_MAX);
    return status;
}

/* Every file is read, also after a damaged one, which --salvage then cuts. */
static mmusim_status_t drmemtrace_files(struct drmemtrace *self)
{
    struct import_run *run = self->drmem.run;
    mmusim_diag_t later = {0};
    mmusim_diag_t *diag = run->diag;
    mmusim_status_t status = MMUSIM_OK;
    uint64_t n_records = 0;

    for (size_t i = 0; i < self->folder.n_names; i++) {
        mmusim_status_t result;

        if (self->first)
            self->drmem.order.n_taken = self->first[i];
        result = drmemtrace_file(self, i);
        n_records += self->drmem.record;
        if (result && result != MMUSIM_DAMAGED && status)
            *diag = later;
        if (result && result != MMUSIM_DAMAGED)
            return result;
        if (result && !status) {
            status = result;
            run->diag = &later;
        }
    }
    run->diag = diag;
    run->n_records = n_records;
    return status;
}

/* v2p.textproto lies in the folder, or in aux/ beside trace/. */
static mmusim_status_t drmemtrace_v2p(struct drmemtrace *self)
{
    static const char *const places[] = {
        "%s/v2p.textproto", "%s/aux/v2p.textproto", "%s/trace/v2p.textproto"};
    struct import_run *run = self->drmem.run;
    size_t n_path = strlen(run->path) + 32;
    char *path = malloc(n_path);
    struct drmem_v2p v2p;
    struct stat info;
    mmusim_status_t status = MMUSIM_OK;

    if (!path)
        return mmusim__diag_set(run->diag, MMUSIM_NOMEM, "out of memory");
    for (size_t i = 0; !status && i < 3; i++) {
        snprintf(path, n_path, places[i], run->path);
        if (stat(path, &info) || !S_ISREG(info.st_mode))
            continue;
        status = mmusim__drmem_v2p_read(path, &v2p, run->diag);
        if (!status)
            mmusim__import_note(run->notes,
                                "v2p.textproto: %" PRIu64 " pages of %" PRIu64
                                " bytes; not used, frames are mmusim's own",
                                v2p.n_pages, v2p.page_bytes);
        break;
    }
    free(path);
    return status;
}

static mmusim_status_t drmemtrace_folder(struct drmemtrace *self)
{
    struct import_run *run = self->drmem.run;
    mmusim_status_t status;

    if (!mmusim__drmem_folder_open(&self->folder, run->path))
        return mmusim__import_fail(run, MMUSIM_UNREADABLE, "%s",
                                   strerror(errno));
    if (self->folder.unread)
        return mmusim__import_fail(
            run, MMUSIM_UNSUPPORTED,
            "holds %s, whose packing is not read (record with -compress gzip "
            "or zip; raw files: run raw2trace)",
            self->folder.unread);
    if (!self->folder.n_names)
        return mmusim__import_fail(
            run, MMUSIM_DAMAGED,
            "is a folder without drmemtrace files "
            "(*.zip, *.gz, *.trace, in it or in trace/)");
    status = drmemtrace_v2p(self);
    if (!status && self->drmem.has_order && self->folder.n_names > 1)
        status = drmemtrace_collect(self);
    if (!status && self->drmem.file_types & DRMEM_CORE_SHARDED &&
        self->folder.n_names > 1)
        status = mmusim__import_fail(
            run, MMUSIM_UNSUPPORTED,
            "has a file for each core, not for each thread (core-sharded; "
            "give the thread-sharded trace it was made from)");
    return status ? status : drmemtrace_files(self);
}

/* ---- reading ---- */

static void drmemtrace_tell(const struct drmem *drmem)
{
    const struct drmem_counts *counts = &drmem->counts;
    struct import_notes *notes = drmem->run->notes;

    if (counts->n_other_process)
        mmusim__import_note(notes,
                            "%" PRIu64
                            " records of other processes than %" PRIu64
                            " were passed over (--from "
                            "drmemtrace,process=PID reads another)",
                            counts->n_other_process, drmem->pid);
    if (counts->n_prefetches)
        mmusim__import_note(notes, "%" PRIu64 " prefetches were passed over",
                            counts->n_prefetches);
    if (counts->n_idle)
        mmusim__import_note(notes,
                            "%" PRIu64 " marks of idle cores were passed over",
                            counts->n_idle);
    if (counts->n_pc_only || drmem->file_types & DRMEM_FILTERED)
        mmusim__import_note(notes,
                            "the trace is filtered: %" PRIu64 " instructions "
                            "are known by address only, others are missing",
                            counts->n_pc_only);
    if (drmem->file_types & DRMEM_FETCH_ONLY)
        mmusim__import_note(notes, "the trace has instructions only");
}

static mmusim_status_t drmemtrace_read(struct import_run *run)
{
    struct drmemtrace self = {
        .drmem = {.run = run,
                  .pid = run->values[DRMEMTRACE_PROCESS],
                  .has_order = run->values[DRMEMTRACE_ORDER] != 0,
                  .has_cpus = run->values[DRMEMTRACE_CPUS] != 0},
    };
    mmusim_status_t status;

    if (run->stream) {
        status = mmusim__drmem_read_stream(&self.drmem);
        run->n_records = self.drmem.record;
    } else {
        status = drmemtrace_folder(&self);
    }
    drmemtrace_tell(&self.drmem);
    mmusim__drmem_folder_fini(&self.folder);
    mmusim__drmem_fini(&self.drmem);
    free(self.first);
    return status;
}

extern const struct import_ops mmusim__import_drmemtrace;
const struct import_ops mmusim__import_drmemtrace = {
    .name = "drmemtrace",
    .what = "DynamoRIO's drmemtrace: a thread's file, or a folder of them",
    .options = drmemtrace_options,
    .is_many_threads = true,
    .probe = drmemtrace_probe,
    .read = drmemtrace_read,
};
