/* SPDX-License-Identifier: MIT */
/* Finding the members of a native trace, also in a damaged one. */
#include "trace/trace_file.h"

#include "core/check.h"
#include "core/diag.h"
#include "trace/codec.h"
#include "trace/trace_index.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FILE_PIPE_BYTES_MAX = 64 << 20, /* design.md, section 7 */
    FILE_CHUNK_BYTES = 1 << 16,
};

size_t mmusim__trace_file_read(const struct trace_file *file, void *buffer,
                               size_t n_bytes, uint64_t offset)
{
    size_t n_done = 0;

    if (offset >= file->n_bytes || offset < file->memory_offset)
        return 0;
    if (n_bytes > file->n_bytes - offset)
        n_bytes = (size_t) (file->n_bytes - offset);
    if (file->memory) {
        memcpy(buffer, file->memory + (offset - file->memory_offset), n_bytes);
        return n_bytes;
    }
    while (n_done < n_bytes) {
        ssize_t n = pread(file->fd, (uint8_t *) buffer + n_done,
                          n_bytes - n_done, (off_t) (offset + n_done));

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        n_done += (size_t) n;
    }
    return n_done;
}

char *mmusim__trace_file_copy_path(const char *path)
{
    size_t n_bytes = strlen(path) + 1;
    char *copy = malloc(n_bytes);

    return copy ? memcpy(copy, path, n_bytes) : NULL;
}

/* ---- opening ---- */

static mmusim_status_t file_fail(const struct trace_file *file,
                                 mmusim_status_t status, const char *text,
                                 mmusim_diag_t *diag)
{
    mmusim__diag_set(diag, status, "%s", text);
    mmusim__diag_at_line(diag, file->path, 0);
    return status;
}

static mmusim_status_t file_read_pipe(struct trace_file *file, int fd,
                                      const uint8_t *head, size_t n_head,
                                      mmusim_diag_t *diag)
{
    size_t room = 2 * FILE_CHUNK_BYTES;

    mmusim_assert(n_head < room);
    file->memory = malloc(room);
    if (file->memory && n_head)
        memcpy(file->memory, head, n_head);
    file->n_bytes = n_head;
    while (file->memory) {
        ssize_t n = read(fd, file->memory + file->n_bytes,
                         room - (size_t) file->n_bytes);
        uint8_t *memory;

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return file_fail(file, MMUSIM_UNREADABLE, strerror(errno), diag);
        if (n == 0)
            return MMUSIM_OK;
        file->n_bytes += (uint64_t) n;
        if (file->n_bytes < room)
            continue;
        if (room >= FILE_PIPE_BYTES_MAX)
            return file_fail(file, MMUSIM_UNREADABLE,
                             "more than 64 MiB come through a pipe (put the "
                             "trace into a file)",
                             diag);
        room *= 2;
        memory = realloc(file->memory, room);
        if (!memory)
            break;
        file->memory = memory;
    }
    return file_fail(file, MMUSIM_NOMEM, "out of memory", diag);
}

static mmusim_status_t file_open_bytes(struct trace_file *file,
                                       mmusim_diag_t *diag)
{
    bool is_stdin = !file->temporary && !strcmp(file->path, "-");
    struct stat info;
    mmusim_status_t status;

    if (file->temporary)
        file->fd = fileno(file->temporary);
    else if (is_stdin)
        file->fd = STDIN_FILENO;
    else
        file->fd = open(file->path, O_RDONLY | O_CLOEXEC);
    if (file->fd < 0 || fstat(file->fd, &info))
        return file_fail(file, MMUSIM_UNREADABLE, strerror(errno), diag);
    if (S_ISDIR(info.st_mode))
        return file_fail(file, MMUSIM_UNREADABLE,
                         "is a directory (a trace is a file)", diag);
    if (S_ISREG(info.st_mode) && !is_stdin) {
        file->n_bytes = (uint64_t) info.st_size;
        return MMUSIM_OK;
    }
    status = file_read_pipe(file, file->fd, NULL, 0, diag);
    if (!is_stdin)
        close(file->fd);
    file->fd = -1;
    return status;
}

mmusim_status_t mmusim__trace_file_open(struct trace_file *file,
                                        const char *path, FILE *temporary,
                                        mmusim_diag_t *diag)
{
    mmusim_status_t status;

    memset(file, 0, sizeof(*file));
    file->fd = -1;
    file->temporary = temporary;
    file->path = mmusim__trace_file_copy_path(path);
    if (file->path)
        status = file_open_bytes(file, diag);
    else
        status = mmusim__diag_set(diag, MMUSIM_NOMEM, "out of memory");
    if (!status && file->n_bytes == 0)
        status = file_fail(file, MMUSIM_DAMAGED, "is empty (no trace)", diag);
    if (status)
        mmusim__trace_file_close(file);
    return status;
}

mmusim_status_t mmusim__trace_file_open_pipe(struct trace_file *file,
                                             const char *path, int fd,
                                             const uint8_t *head, size_t n_head,
                                             mmusim_diag_t *diag)
{
    mmusim_status_t status;

    memset(file, 0, sizeof(*file));
    file->fd = -1;
    file->path = mmusim__trace_file_copy_path(path);
    if (!file->path)
        return mmusim__diag_set(diag, MMUSIM_NOMEM, "out of memory");
    status = file_read_pipe(file, fd, head, n_head, diag);
    if (status)
        mmusim__trace_file_close(file);
    return status;
}

bool mmusim__trace_file_has_header(const uint8_t *bytes, size_t n_bytes)
{
    for (size_t i = 0; i < n_bytes; i++) {
        const struct codec_ops *codec =
            bytes[i] == 0x1f || bytes[i] == 0x50
                ? mmusim__codec_of_header(bytes + i, n_bytes - i)
                : NULL;
        struct trace_field field;

        if (codec && mmusim__trace_field_get(bytes + i + codec->field_at,
                                             &field) != FIELD_DAMAGED)
            return true;
    }
    return false;
}

void mmusim__trace_file_close(struct trace_file *file)
{
    if (file->temporary)
        fclose(file->temporary);
    else if (file->fd >= 0 && (!file->path || strcmp(file->path, "-")))
        close(file->fd);
    free(file->memory);
    free(file->blocks);
    free(file->order);
    free(file->threads);
    free(file->path);
    memset(file, 0, sizeof(*file));
    file->fd = -1;
}

/* ---- members ---- */

struct file_scan {
    struct trace_file *file;
    const struct trace_damage_sink *sink;
    mmusim_diag_t *diag;
    uint64_t offset;
    uint32_t number;
    size_t room_blocks;
};

/* OK: goes on after a report. */
static mmusim_status_t scan_damage(struct file_scan *scan,
                                   mmusim_status_t status, const char *text)
{
    mmusim_diag_t diag;

    mmusim__diag_set(&diag, status, "%s", text);
    mmusim__diag_at_block(&diag, scan->file->path, scan->number, scan->offset);
    if (scan->sink && status == MMUSIM_DAMAGED) {
        scan->sink->report(scan->sink->context, &diag);
        return MMUSIM_OK;
    }
    if (scan->diag)
        *scan->diag = diag;
    return status;
}

/* The member at offset; text of what is wrong with it, or NULL. */
static const char *scan_header(const struct trace_file *file, uint64_t offset,
                               struct trace_block *block)
{
    uint8_t header[TRACE_HEADER_BYTES_MAX];
    size_t n = mmusim__trace_file_read(file, header, sizeof(header), offset);
    const struct codec_ops *codec = mmusim__codec_of_header(header, n);
    enum trace_field_state state;

    block->offset = offset;
    if (!codec && n < sizeof(header) && n + offset == file->n_bytes &&
        offset > 0)
        return "the file ends inside a block's header";
    if (!codec)
        return offset ? "a block's header is damaged"
                      : "is no native trace (wrong magic; see --from)";
    block->codec = codec == mmusim__codec_get(0) ? 0 : 1;
    state = mmusim__trace_field_get(header + codec->field_at, &block->field);
    if (state == FIELD_NEWER)
        return "was written by a newer version of the format (update mmusim)";
    if (state == FIELD_DAMAGED || block->field.kind == TRACE_MEMBER_THREAD)
        return "a block's header is damaged";
    if (block->field.packed_bytes >
        file->n_bytes - offset - codec->header_bytes)
        return "the file ends inside a block";
    return NULL;
}

/* The next offset after from where a good header lies, or the file's end. */
static uint64_t scan_find_header(const struct trace_file *file, uint64_t from)
{
    uint8_t *chunk = malloc(FILE_CHUNK_BYTES);
    struct trace_block block;

    while (chunk && from < file->n_bytes) {
        size_t n = mmusim__trace_file_read(file, chunk, FILE_CHUNK_BYTES, from);

        if (n == 0)
            break;
        for (size_t i = 0; i < n; i++) {
            if ((chunk[i] == 0x1f || chunk[i] == 0x50) &&
                !scan_header(file, from + i, &block)) {
                free(chunk);
                return from + i;
            }
        }
        from += n;
    }
    free(chunk);
    return file->n_bytes;
}

static mmusim_status_t scan_add_block(struct file_scan *scan,
                                      const struct trace_block *block)
{
    struct trace_file *file = scan->file;

    if (file->n_blocks == TRACE_BLOCKS_MAX ||
        block->field.ordinal >= TRACE_THREADS_MAX)
        return scan_damage(scan, MMUSIM_UNREADABLE,
                           "too many blocks or threads for this version");
    if (file->n_blocks == scan->room_blocks) {
        size_t room = scan->room_blocks ? 2 * scan->room_blocks : 64;
        struct trace_block *blocks =
            realloc(file->blocks, room * sizeof(*blocks));

        if (!blocks)
            return scan_damage(scan, MMUSIM_NOMEM, "out of memory");
        file->blocks = blocks;
        scan->room_blocks = room;
    }
    file->blocks[file->n_blocks++] = *block;
    return MMUSIM_OK;
}

static mmusim_status_t scan_index(struct file_scan *scan,
                                  const struct trace_block *member)
{
    struct trace_file *file = scan->file;
    size_t header = mmusim__codec_get(member->codec)->header_bytes;
    uint64_t start = scan->offset + header;
    const char *wrong;
    mmusim_status_t status;

    file->has_index = true;
    status = mmusim__trace_index_check(file, member, &wrong);
    if (member->field.n_records != file->n_blocks && status != MMUSIM_NOMEM)
        return scan_damage(scan, MMUSIM_DAMAGED,
                           "blocks are missing (the index knows more)");
    if (status)
        return scan_damage(scan, status, wrong);
    if (start + member->field.packed_bytes != file->n_bytes)
        return scan_damage(scan, MMUSIM_DAMAGED,
                           "there are bytes behind the index");
    return MMUSIM_OK;
}

static mmusim_status_t scan_member(struct file_scan *scan)
{
    struct trace_file *file = scan->file;
    struct trace_block block = {0};
    const char *wrong = scan_header(file, scan->offset, &block);
    mmusim_status_t status;

    if (wrong) {
        status = scan_damage(scan, MMUSIM_DAMAGED, wrong);
        scan->offset = scan_find_header(file, scan->offset + 1);
        scan->number++;
        return status;
    }
    block.number = scan->number;
    if (block.field.kind == TRACE_MEMBER_INDEX)
        status = scan_index(scan, &block);
    else
        status = scan_add_block(scan, &block);
    scan->offset +=
        mmusim__codec_get(block.codec)->header_bytes + block.field.packed_bytes;
    scan->number++;
    return status;
}

/* ---- threads ---- */

static int block_compare(const void *a, const void *b)
{
    const struct trace_block *x = *(const struct trace_block *const *) a;
    const struct trace_block *y = *(const struct trace_block *const *) b;

    if (x->field.ordinal != y->field.ordinal)
        return x->field.ordinal < y->field.ordinal ? -1 : 1;
    if (x->field.first_record != y->field.first_record)
        return x->field.first_record < y->field.first_record ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

static mmusim_status_t scan_sort(struct file_scan *scan)
{
    struct trace_file *file = scan->file;
    size_t n = file->n_blocks;
    const struct trace_block **sorted = calloc(n + 1, sizeof(*sorted));

    file->order = calloc(n + 1, sizeof(*file->order));
    if (!sorted || !file->order) {
        free(sorted);
        return mmusim__diag_set(scan->diag, MMUSIM_NOMEM, "out of memory");
    }
    for (size_t i = 0; i < n; i++)
        sorted[i] = &file->blocks[i];
    qsort(sorted, n, sizeof(*sorted), block_compare);
    for (size_t i = 0; i < n; i++)
        file->order[i] = (uint32_t) (sorted[i] - file->blocks);
    free(sorted);
    return MMUSIM_OK;
}

static const char *thread_add_block(struct trace_thread *thread,
                                    const struct trace_field *field)
{
    uint64_t expected = thread->n_records;

    thread->n_blocks++;
    thread->n_records = field->first_record + field->n_records;
    if (field->last_sync > thread->last_sync)
        thread->last_sync = field->last_sync;
    if (field->flags & TRACE_FLAG_CREATED)
        thread->is_created = true;
    if (field->tid != thread->tid)
        return "two threads share an ordinal";
    if (field->first_record > expected)
        return "records before this block are missing";
    if (field->first_record < expected)
        return "the block's records are there twice";
    return NULL;
}

static mmusim_status_t scan_threads(struct file_scan *scan)
{
    struct trace_file *file = scan->file;
    uint32_t n_threads = 0;
    mmusim_status_t status = MMUSIM_OK;

    for (uint32_t i = 0; i < file->n_blocks; i++)
        n_threads +=
            i == 0 || file->blocks[file->order[i]].field.ordinal !=
                          file->blocks[file->order[i - 1]].field.ordinal;
    file->threads = calloc(n_threads + 1, sizeof(*file->threads));
    if (!file->threads)
        return mmusim__diag_set(scan->diag, MMUSIM_NOMEM, "out of memory");
    for (uint32_t i = 0; !status && i < file->n_blocks; i++) {
        const struct trace_block *block = &file->blocks[file->order[i]];
        struct trace_thread *thread;
        const char *wrong;

        if (i == 0 || block->field.ordinal !=
                          file->blocks[file->order[i - 1]].field.ordinal)
            file->threads[file->n_threads++] = (struct trace_thread){
                .tid = block->field.tid, .first_block = i};
        thread = &file->threads[file->n_threads - 1];
        wrong = thread_add_block(thread, &block->field);
        file->n_records += block->field.n_records;
        scan->number = block->number;
        scan->offset = block->offset;
        if (wrong)
            status = scan_damage(scan, MMUSIM_DAMAGED, wrong);
    }
    return status;
}

mmusim_status_t mmusim__trace_file_scan(struct trace_file *file,
                                        const struct trace_damage_sink *sink,
                                        mmusim_diag_t *diag)
{
    struct file_scan scan = {.file = file, .sink = sink, .diag = diag};
    mmusim_status_t status = MMUSIM_OK;

    while (!status && scan.offset < file->n_bytes)
        status = scan_member(&scan);
    if (!status)
        status = scan_sort(&scan);
    if (!status)
        status = scan_threads(&scan);
    return status;
}
