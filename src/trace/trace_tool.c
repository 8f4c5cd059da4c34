/* SPDX-License-Identifier: MIT */
/*
 * What `mmusim trace` does: goes through all blocks in the order of the file,
 * and counts, checks, prints or rewrites their records.
 */
#include "core/diag.h"
#include "trace/page_set.h"
#include "trace/text_trace.h"
#include "trace/trace_handle.h"
#include "trace/trace_selection.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Called for each piece of each block. */
typedef mmusim_status_t (*tool_visit)(void *context,
                                      const struct piece_stream *stream,
                                      mmusim_diag_t *diag);

static mmusim_status_t tool_walk_block(struct piece_stream *stream,
                                       const struct trace_block *block,
                                       tool_visit visit, void *context,
                                       mmusim_diag_t *diag)
{
    mmusim_status_t status = MMUSIM_OK;

    mmusim__piece_stream_open(stream, block, NULL);
    while (!status) {
        status = mmusim__piece_stream_next(stream, diag);
        if (status || stream->piece.n_records == 0)
            break;
        status = visit(context, stream, diag);
    }
    return status;
}

/* sink: where damage goes that is skipped; NULL: it ends the walk. */
static mmusim_status_t tool_walk(const struct trace_file *file,
                                 const struct trace_damage_sink *sink,
                                 tool_visit visit, void *context,
                                 mmusim_diag_t *diag)
{
    struct piece_stream *stream = mmusim__piece_stream_create(file, NULL);
    mmusim_status_t status = MMUSIM_OK;

    if (!stream)
        return mmusim__diag_set(diag, MMUSIM_NOMEM, "out of memory");
    for (uint32_t i = 0; !status && i < file->n_blocks; i++) {
        mmusim_diag_t damage = {0};

        status =
            tool_walk_block(stream, &file->blocks[i], visit, context, &damage);
        if (status == MMUSIM_DAMAGED && sink) {
            sink->report(sink->context, &damage);
            status = MMUSIM_OK;
        } else if (status && diag) {
            *diag = damage;
        }
    }
    mmusim__piece_stream_destroy(stream);
    return status;
}

static void tool_ignore_damage(void *context, const mmusim_diag_t *diag)
{
    (void) context;
    (void) diag;
}

static const struct trace_damage_sink tool_ignoring_sink = {tool_ignore_damage,
                                                            NULL};

static mmusim_status_t tool_walk_trace(const struct mmusim_trace *trace,
                                       tool_visit visit, void *context,
                                       mmusim_diag_t *diag)
{
    return tool_walk(&trace->file, trace->salvages ? &tool_ignoring_sink : NULL,
                     visit, context, diag);
}

/* ---- info ---- */

enum {
    TOOL_PAGE_SHIFT = 12,
    /* A few bytes of a trace may name 16 MiB: what one record and all of them
     * can take is bounded. The set then has 32 MiB, 48 while it grows. */
    TOOL_RECORD_PAGES_MAX = 16,
};

struct tool_counts {
    mmusim_trace_info_t info;
    struct page_set pages;
};

/* Pages of a range that does not wrap, rounded outwards. */
static uint64_t tool_pages_of(uint64_t vaddr, uint64_t bytes)
{
    return ((vaddr + (bytes - 1)) >> TOOL_PAGE_SHIFT) -
           (vaddr >> TOOL_PAGE_SHIFT) + 1;
}

static bool tool_touch(struct page_set *pages, const struct op_record *record)
{
    uint64_t first = record->vaddr >> TOOL_PAGE_SHIFT;
    uint64_t n = tool_pages_of(record->vaddr, op_bytes_of(record));

    n = min_u64(n, TOOL_RECORD_PAGES_MAX);
    for (uint64_t i = 0; i < n && pages->n_pages < MMUSIM_TRACE_PAGES_MAX;
         i++) {
        if (!mmusim__page_set_add(pages, first + i))
            return false;
    }
    return true;
}

static void tool_count_operation(mmusim_trace_info_t *info,
                                 const struct sys_op *op)
{
    uint64_t n_pages = 0;

    if (op->length_bytes)
        n_pages = tool_pages_of(op->vaddr, op->length_bytes);
    info->operations++;
    info->operations_of[op->kind]++;
    info->operation_pages_of[op->kind] += n_pages;
    info->largest_pages_of[op->kind] =
        max_u64(info->largest_pages_of[op->kind], n_pages);
}

static mmusim_status_t tool_count(void *context,
                                  const struct piece_stream *stream,
                                  mmusim_diag_t *diag)
{
    struct tool_counts *counts = context;
    mmusim_trace_info_t *info = &counts->info;
    const struct piece_buffer *piece = &stream->piece;

    for (uint32_t i = 0; i < piece->n_records; i++) {
        enum op_kind kind = op_kind_of(&piece->records[i]);

        info->fetches += kind == OP_FETCH;
        info->loads += kind == OP_LOAD;
        info->stores += kind == OP_STORE;
        if (kind <= OP_STORE && !tool_touch(&counts->pages, &piece->records[i]))
            return mmusim__diag_set(diag, MMUSIM_NOMEM, "out of memory");
    }
    for (uint32_t i = 0; i < piece->n_sys; i++)
        tool_count_operation(info, &piece->sys[i]);
    info->records += piece->n_records;
    info->instructions += piece->instructions;
    return MMUSIM_OK;
}

mmusim_status_t mmusim_trace_info(mmusim_trace_t *trace,
                                  mmusim_trace_info_t *info,
                                  mmusim_diag_t *diag)
{
    const struct trace_file *file = &trace->file;
    struct tool_counts counts = {0};
    mmusim_trace_info_t *counted = &counts.info;
    unsigned codecs = 0;
    mmusim_status_t status = tool_walk_trace(trace, tool_count, &counts, diag);

    counted->pages = counts.pages.n_pages;
    mmusim__page_set_fini(&counts.pages);
    if (status)
        return status;
    for (uint32_t i = 0; i < file->n_blocks; i++) {
        codecs |= 1u << file->blocks[i].codec;
        counted->unpacked_bytes += file->blocks[i].field.unpacked_bytes;
        if (counted->version < file->blocks[i].field.version)
            counted->version = file->blocks[i].field.version;
    }
    counted->codec = codecs == 3 ? "mixed" : codecs == 2 ? "zstd" : "gzip";
    counted->n_threads = file->n_threads;
    counted->n_blocks = file->n_blocks;
    counted->has_index = file->has_index;
    counted->packed_bytes = file->n_bytes;
    *info = *counted;
    return MMUSIM_OK;
}

const char *mmusim_trace_operation_name(uint32_t kind)
{
    static const char *const words[] = {
#define TOOL_WORD(name, word) word,
        SYS_KIND_MAP(TOOL_WORD)
#undef TOOL_WORD
    };

    return kind < SYS_KIND_COUNT ? words[kind] : NULL;
}

bool mmusim_trace_thread(const mmusim_trace_t *trace, uint32_t i, uint32_t *tid,
                         uint64_t *records)
{
    if (i >= trace->file.n_threads)
        return false;
    *tid = trace->file.threads[i].tid;
    *records = trace->file.threads[i].n_records;
    return true;
}

/* ---- verify ---- */

struct tool_verify {
    void (*report)(void *context, const mmusim_diag_t *diag);
    void *context;
    uint64_t n_damaged;
};

static void tool_report(void *context, const mmusim_diag_t *diag)
{
    struct tool_verify *verify = context;

    verify->n_damaged++;
    verify->report(verify->context, diag);
}

static mmusim_status_t tool_visit_nothing(void *context,
                                          const struct piece_stream *stream,
                                          mmusim_diag_t *diag)
{
    (void) context;
    (void) stream;
    (void) diag;
    return MMUSIM_OK;
}

mmusim_status_t mmusim__trace_verify_file(
    struct trace_file *file,
    void (*report)(void *context, const mmusim_diag_t *diag), void *context,
    uint64_t *n_damaged, mmusim_diag_t *diag)
{
    struct tool_verify verify = {report, context, 0};
    const struct trace_damage_sink sink = {tool_report, &verify};
    mmusim_status_t status = mmusim__trace_file_scan(file, &sink, diag);

    if (!status)
        status = tool_walk(file, &sink, tool_visit_nothing, NULL, diag);
    if (!status && !file->has_index) {
        mmusim_diag_t missing;

        mmusim__diag_set(&missing, MMUSIM_DAMAGED,
                         "there is no index (the file is cut short, or its "
                         "recorder was killed)");
        mmusim__diag_at_block(&missing, file->path, file->n_blocks,
                              file->n_bytes);
        tool_report(&verify, &missing);
    }
    *n_damaged = verify.n_damaged;
    mmusim__trace_file_close(file);
    return status;
}

/* ---- selections ---- */

static bool tool_is_selected(const mmusim_trace_selection_t *selection,
                             uint32_t tid, uint64_t record)
{
    return mmusim__trace_selection_has(selection, tid) &&
           record >= selection->first_record &&
           (selection->end_record == 0 || record < selection->end_record);
}

/* ---- cat ---- */

struct tool_cat {
    const mmusim_trace_selection_t *selection;
    int (*write)(void *context, const char *text, size_t length_bytes);
    void *context;
    bool is_first_pass; /* each thread's first record, in order of threads */
};

static mmusim_status_t tool_cat_piece(void *context,
                                      const struct piece_stream *stream,
                                      mmusim_diag_t *diag)
{
    const struct tool_cat *cat = context;
    const struct piece_buffer *piece = &stream->piece;
    const struct trace_field *field = &stream->block->field;
    uint64_t first = field->first_record + stream->n_records;
    char line[TEXT_RECORD_BYTES_MAX];

    for (uint32_t i = 0; i < piece->n_records; i++) {
        const struct op_record *record = &piece->records[i];
        const struct sys_op *sys = NULL;
        size_t length;

        if (!tool_is_selected(cat->selection, field->tid, first + i) ||
            cat->is_first_pass != (first + i == cat->selection->first_record))
            continue;
        if (op_kind_of(record) == OP_SYS)
            sys = &piece->sys[record->count];
        length = mmusim__text_write(field->tid, record, sys, line);
        if (cat->write(cat->context, line, length))
            return mmusim__diag_set(diag, MMUSIM_SYSTEM, "cannot write: %s",
                                    strerror(errno));
    }
    return MMUSIM_OK;
}

/* Threads must appear in their order, whatever the order of their blocks. */
static mmusim_status_t tool_cat_first(const struct mmusim_trace *trace,
                                      struct tool_cat *cat, mmusim_diag_t *diag)
{
    struct piece_stream *stream =
        mmusim__piece_stream_create(&trace->file, NULL);
    mmusim_status_t status = MMUSIM_OK;

    if (!stream)
        return mmusim__diag_set(diag, MMUSIM_NOMEM, "out of memory");
    cat->is_first_pass = true;
    for (uint32_t i = 0; !status && i < trace->file.n_threads; i++) {
        uint64_t wanted = cat->selection->first_record;

        for (uint32_t j = 0; !status && j < trace->file.threads[i].n_blocks;
             j++) {
            const struct trace_block *block = trace_block_of(trace, i, j);

            if (wanted < block->field.first_record ||
                wanted - block->field.first_record >= block->field.n_records)
                continue;
            status = tool_walk_block(stream, block, tool_cat_piece, cat, diag);
            if (status == MMUSIM_DAMAGED && trace->salvages)
                status = MMUSIM_OK;
        }
    }
    cat->is_first_pass = false;
    mmusim__piece_stream_destroy(stream);
    return status;
}

static const mmusim_trace_selection_t tool_everything = {0};

mmusim_status_t mmusim_trace_cat(mmusim_trace_t *trace,
                                 const mmusim_trace_selection_t *selection,
                                 int (*write)(void *context, const char *text,
                                              size_t length_bytes),
                                 void *context, mmusim_diag_t *diag)
{
    struct tool_cat cat = {selection ? selection : &tool_everything, write,
                           context, false};
    mmusim_status_t status =
        mmusim__trace_selection_check(selection, trace, diag);

    if (!status)
        status = tool_cat_first(trace, &cat, diag);
    if (!status)
        status = tool_walk_trace(trace, tool_cat_piece, &cat, diag);
    return status;
}

/* ---- convert ---- */

struct tool_convert {
    const mmusim_trace_selection_t *selection;
    struct trace_writer *writer;
    struct trace_stream *to; /* of the thread that is copied now */
    struct piece_stream *from;
    const struct mmusim_trace *trace;
};

static void tool_copy_record(struct trace_stream *stream,
                             const struct op_record *record,
                             const struct piece_buffer *piece)
{
    switch (op_kind_of(record)) {
    case OP_FETCH:
        mmusim__trace_stream_fetch(stream, record->vaddr, record->count,
                                   op_bytes_of(record));
        break;
    case OP_LOAD:
    case OP_STORE:
        mmusim__trace_stream_access(stream, op_kind_of(record), record->vaddr,
                                    op_bytes_of(record), op_flags_of(record));
        break;
    case OP_NOMEM:
        mmusim__trace_stream_nomem(stream, record->count);
        break;
    case OP_SYS:
        mmusim__trace_stream_sys(stream, &piece->sys[record->count]);
        break;
    }
}

static mmusim_status_t tool_convert_piece(void *context,
                                          const struct piece_stream *stream,
                                          mmusim_diag_t *diag)
{
    const struct tool_convert *convert = context;
    const struct trace_field *field = &stream->block->field;
    uint64_t first = field->first_record + stream->n_records;

    (void) diag;
    for (uint32_t i = 0; i < stream->piece.n_records; i++) {
        if (tool_is_selected(convert->selection, field->tid, first + i))
            tool_copy_record(convert->to, &stream->piece.records[i],
                             &stream->piece);
    }
    return MMUSIM_OK;
}

static mmusim_status_t tool_convert_thread(struct tool_convert *convert,
                                           uint32_t index, mmusim_diag_t *diag)
{
    const struct trace_thread *thread = &convert->trace->file.threads[index];
    mmusim_trace_selection_t any = *convert->selection;
    bool has_all = any.n_tids == 0 && !any.first_record && !any.end_record;
    mmusim_status_t status = MMUSIM_OK;

    any.first_record = 0;
    any.end_record = 0;
    if (!tool_is_selected(&any, thread->tid, 0))
        return MMUSIM_OK;
    convert->to = mmusim__trace_stream_begin(convert->writer, thread->tid);
    if (!convert->to)
        return mmusim__diag_set(diag, MMUSIM_NOMEM, "out of memory");
    /* A cut may leave the creator out: then it starts with the run. */
    if (has_all && thread->is_created)
        mmusim__trace_stream_set_created(convert->to);
    for (uint32_t i = 0; !status && i < thread->n_blocks; i++) {
        status = tool_walk_block(convert->from,
                                 trace_block_of(convert->trace, index, i),
                                 tool_convert_piece, convert, diag);
        if (status == MMUSIM_DAMAGED && convert->trace->salvages)
            status = MMUSIM_OK;
    }
    return status ? status : mmusim__trace_stream_end(convert->to, diag);
}

/* Thread after thread: one stream is open at a time, and the same records give
 * the same file, however their blocks were mixed before. */
static mmusim_status_t tool_convert_all(struct tool_convert *convert,
                                        mmusim_diag_t *diag)
{
    const struct trace_file *file = &convert->trace->file;
    mmusim_status_t status = MMUSIM_OK;

    convert->from = mmusim__piece_stream_create(file, NULL);
    if (!convert->from)
        return mmusim__diag_set(diag, MMUSIM_NOMEM, "out of memory");
    for (uint32_t i = 0; !status && i < file->n_threads; i++)
        status = tool_convert_thread(convert, i, diag);
    mmusim__piece_stream_destroy(convert->from);
    return status;
}

mmusim_status_t mmusim_trace_convert(mmusim_trace_t *trace,
                                     const mmusim_trace_selection_t *selection,
                                     const char *path, const char *codec,
                                     int level, mmusim_diag_t *diag)
{
    const struct trace_writer_options options = {
        .codec = codec && !strcmp(codec, "zstd") ? TRACE_CODEC_ZSTD
                                                 : TRACE_CODEC_GZIP,
        .level = level};
    struct tool_convert convert = {
        .selection = selection ? selection : &tool_everything, .trace = trace};
    mmusim_status_t status =
        mmusim__trace_selection_check(selection, trace, diag);

    if (!status)
        status =
            mmusim__trace_writer_create(path, &options, &convert.writer, diag);
    if (status)
        return status;
    status = tool_convert_all(&convert, diag);
    if (!status)
        return mmusim__trace_writer_close(convert.writer, diag);
    mmusim__trace_writer_abandon(convert.writer);
    return status;
}
