/* SPDX-License-Identifier: MIT */
/* Programs as text: see program.h. */
#include "support/program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MAX_THREADS = 512, MAX_WORDS = 8 };

struct program_thread {
    struct source_thread head;
    struct op_record *records;
    uint32_t n_records, capacity;
    struct sys_op *sys;
    uint32_t n_sys, sys_capacity;
    bool has_fetched;
};

struct program {
    struct program_thread threads[MAX_THREADS];
    uint32_t n_threads;
    char **names;
    uint32_t n_names;
};

struct program *program_create(void)
{
    struct program *program = calloc(1, sizeof(*program));

    assert_non_null(program);
    return program;
}

void program_destroy(struct program *program)
{
    for (uint32_t i = 0; i < program->n_threads; i++) {
        free(program->threads[i].records);
        free(program->threads[i].sys);
    }
    for (uint32_t i = 0; i < program->n_names; i++)
        free(program->names[i]);
    free(program->names);
    free(program);
}

static struct program_thread *thread_of(struct program *program, uint32_t tid)
{
    for (uint32_t i = 0; i < program->n_threads; i++) {
        if (program->threads[i].head.tid == tid)
            return &program->threads[i];
    }
    assert_true(program->n_threads < MAX_THREADS);
    program->threads[program->n_threads].head.tid = tid;
    return &program->threads[program->n_threads++];
}

static void *grown(void *array, uint32_t n, uint32_t *capacity, size_t size)
{
    if (n < *capacity)
        return array;
    *capacity = *capacity ? *capacity * 2 : 16;
    array = realloc(array, *capacity * size);
    assert_non_null(array);
    return array;
}

static void add_record(struct program_thread *thread, struct op_record record)
{
    thread->records = grown(thread->records, thread->n_records,
                            &thread->capacity, sizeof(record));
    thread->records[thread->n_records++] = record;
}

void program_add_sys(struct program *program, uint32_t tid,
                     const struct sys_op *op)
{
    struct program_thread *thread = thread_of(program, tid);

    thread->sys = grown(thread->sys, thread->n_sys, &thread->sys_capacity,
                        sizeof(*thread->sys));
    thread->sys[thread->n_sys] = *op;
    add_record(thread,
               (struct op_record){0, thread->n_sys++, op_meta(OP_SYS, 0, 0)});
    if (op->kind == SYS_SYNC)
        thread->head.last_sync = max_u64(thread->head.last_sync, op->number);
}

static const char *keep_name(struct program *program, const char *name,
                             size_t length)
{
    char *copy = calloc(1, length + 1);

    program->names = realloc(program->names,
                             (program->n_names + 1) * sizeof(*program->names));
    assert_true(copy && program->names);
    memcpy(copy, name, length);
    program->names[program->n_names++] = copy;
    return copy;
}

/* ---- lines ---- */

static uint64_t number(const char *word)
{
    char *end;
    uint64_t value;

    assert_non_null(word);
    value = strtoull(word, &end, 0);
    if (*end)
        fail_msg("not a number: %s", word);
    return value;
}

static bool add_access(struct program *program, uint32_t tid, char **words)
{
    struct program_thread *thread = thread_of(program, tid);
    uint32_t bytes = words[2] ? (uint32_t) number(words[2]) : 1;
    struct op_record record = {0};

    if (!strcmp(words[0], "n")) {
        record.count = (uint32_t) number(words[1]);
        record.meta = op_meta(OP_NOMEM, 0, 0);
    } else if (!strcmp(words[0], "i")) {
        record.count = words[2] ? bytes : 1;
        bytes = words[2] && words[3] ? (uint32_t) number(words[3])
                                     : 4 * record.count;
        record.vaddr = number(words[1]);
        record.meta = op_meta(OP_FETCH, 0, bytes);
        thread->has_fetched = true;
    } else if (!strcmp(words[0], "r") || !strcmp(words[0], "w") ||
               !strcmp(words[0], "rd")) {
        record.vaddr = number(words[1]);
        record.count = !thread->has_fetched;
        record.meta =
            op_meta(words[0][0] == 'w' ? OP_STORE : OP_LOAD,
                    words[0][1] == 'd' ? OP_FLAG_DEPENDENT : 0, bytes);
    } else {
        return false;
    }
    add_record(thread, record);
    return true;
}

static uint32_t prot_flags(const char *word)
{
    assert_true(word && strlen(word) == 3);
    return (word[0] == 'r' ? (uint32_t) SYS_PROT_READ : 0) |
           (word[1] == 'w' ? (uint32_t) SYS_PROT_WRITE : 0) |
           (word[2] == 'x' ? (uint32_t) SYS_PROT_EXEC : 0);
}

static void mmap_words(struct program *program, struct sys_op *op, char **words)
{
    op->flags = prot_flags(words[3]);
    for (uint32_t i = 4; i < MAX_WORDS && words[i]; i++) {
        const char *at = strchr(words[i], '@');

        if (!strncmp(words[i], "file:", 5)) {
            op->flags |= SYS_MAP_FILE;
            op->name = keep_name(program, words[i] + 5,
                                 at ? (size_t) (at - words[i]) - 5
                                    : strlen(words[i]) - 5);
            op->file_offset = at ? number(at + 1) : 0;
        } else if (!strcmp(words[i], "shared")) {
            op->flags |= SYS_MAP_SHARED;
        } else if (!strcmp(words[i], "huge=2M")) {
            op->huge_order = PAGE_ORDER_2M;
        } else if (!strcmp(words[i], "huge=1G")) {
            op->huge_order = PAGE_ORDER_1G;
        } else {
            assert_string_equal(words[i], "anon");
        }
    }
}

static uint32_t advice_of(const char *word)
{
    static const char *const advices[] = {
#define ADVICE_WORD(name, word) word,
        MADVICE_MAP(ADVICE_WORD)
#undef ADVICE_WORD
    };

    for (uint32_t i = 0; i < MADVICE_COUNT; i++) {
        if (!strcmp(word, advices[i]))
            return i;
    }
    fail_msg("no advice: %s", word);
    return 0;
}

static enum sys_kind kind_of(const char *word)
{
    static const char *const kinds[] = {
#define KIND_WORD(name, word) word,
        SYS_KIND_MAP(KIND_WORD)
#undef KIND_WORD
    };

    for (uint32_t i = 0; i < SYS_KIND_COUNT; i++) {
        if (!strcmp(word, kinds[i]))
            return (enum sys_kind) i;
    }
    fail_msg("no operation: %s", word);
    return SYS_KIND_COUNT;
}

static bool kind_has_range(enum sys_kind kind)
{
    return kind == SYS_MMAP || kind == SYS_MUNMAP || kind == SYS_MPROTECT ||
           kind == SYS_MREMAP || kind == SYS_MADVISE || kind == SYS_MIGRATE ||
           kind == SYS_RECLAIM || kind == SYS_DMA;
}

static void add_operation(struct program *program, uint32_t tid, char **words)
{
    struct sys_op op = {.kind = kind_of(words[0])};

    if (kind_has_range(op.kind)) {
        op.vaddr = number(words[1]);
        op.length_bytes = number(words[2]);
    } else if (op.kind == SYS_BRK) {
        op.vaddr = number(words[1]);
    } else if (op.kind == SYS_MARK) {
        op.name = keep_name(program, words[1], strlen(words[1]));
    } else if (words[1]) {
        op.number = number(words[1]);
    }
    if (op.kind == SYS_MMAP)
        mmap_words(program, &op, words);
    if (op.kind == SYS_MPROTECT)
        op.flags = prot_flags(words[3]);
    if (op.kind == SYS_DMA)
        op.flags = *words[3] == 'w' ? SYS_PROT_WRITE : 0;
    if (op.kind == SYS_MADVISE)
        op.advice = advice_of(words[3]);
    if (op.kind == SYS_MREMAP) {
        op.new_vaddr = number(words[3]);
        op.new_length_bytes = number(words[4]);
    }
    program_add_sys(program, tid, &op);
    if (op.kind == SYS_FORK || op.kind == SYS_CLONE)
        thread_of(program, (uint32_t) op.number)->head.is_created = true;
}

static void add_line(struct program *program, char *line)
{
    char *words[MAX_WORDS + 2] = {NULL};
    char *rest = line;
    uint32_t n = 0;

    for (char *word; n <= MAX_WORDS && (word = strtok_r(rest, " ", &rest));)
        words[n++] = word;
    if (!n)
        return;
    assert_true(n >= 2);
    if (!add_access(program, (uint32_t) number(words[0]), words + 1))
        add_operation(program, (uint32_t) number(words[0]), words + 1);
}

void program_say(struct program *program, const char *format, ...)
{
    char text[4096];
    char *rest = text;
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    assert_true(length >= 0 && (size_t) length < sizeof(text));
    for (char *line; (line = strtok_r(rest, "\n", &rest));)
        add_line(program, line);
}

uint32_t program_threads(const struct program *program)
{
    return program->n_threads;
}

uint64_t program_records(const struct program *program)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < program->n_threads; i++)
        n += program->threads[i].n_records;
    return n;
}

uint32_t program_thread_index(const struct program *program, uint32_t tid)
{
    for (uint32_t i = 0; i < program->n_threads; i++) {
        if (program->threads[i].head.tid == tid)
            return i;
    }
    fail_msg("no thread %u", (unsigned) tid);
    return 0;
}

uint64_t program_next_record(const struct program *program, uint32_t tid)
{
    return program->threads[program_thread_index(program, tid)].n_records;
}

/* ---- the source ---- */

struct cursor {
    uint32_t next, next_sys;
    struct op_record *buffer;
};

struct view {
    struct mmusim_source source; /* first */
    const struct program *program;
    struct program_view view;
    struct source_thread *heads;
    struct cursor cursors[MAX_THREADS];
};

/* A slice of the stream; its operations are numbered from the slice on. */
static void view_slice(struct view *view, uint32_t index, uint32_t n,
                       struct op_piece *piece)
{
    const struct program_thread *thread = &view->program->threads[index];
    struct cursor *cursor = &view->cursors[index];

    piece->records = cursor->buffer;
    piece->n_records = n;
    piece->sys = n ? thread->sys + cursor->next_sys : NULL;
    piece->first_record = cursor->next;
    for (uint32_t i = 0; i < n; i++) {
        struct op_record *record = &cursor->buffer[i];

        *record = thread->records[cursor->next + i];
        if (op_kind_of(record) == OP_SYS)
            record->count = piece->n_sys++;
        else
            piece->instructions += record->count;
    }
    cursor->next += n;
    cursor->next_sys += piece->n_sys;
}

static mmusim_status_t view_next(struct mmusim_source *source, uint32_t index,
                                 struct op_piece *piece, mmusim_diag_t *diag)
{
    struct view *view = (struct view *) source;
    const struct program_thread *thread = &view->program->threads[index];
    struct cursor *cursor = &view->cursors[index];
    uint32_t n = thread->n_records - cursor->next;

    (void) diag;
    if (view->view.on_next)
        view->view.on_next(view->view.context, index, cursor->next);
    if (view->view.piece_records && n > view->view.piece_records)
        n = view->view.piece_records;
    memset(piece, 0, sizeof(*piece));
    view_slice(view, index, n, piece);
    return MMUSIM_OK;
}

static void view_destroy(struct mmusim_source *source)
{
    struct view *view = (struct view *) source;

    for (uint32_t i = 0; i < source->n_threads; i++)
        free(view->cursors[i].buffer);
    free(view->heads);
    free(view);
}

static const struct source_ops view_ops = {.next = view_next,
                                           .destroy = view_destroy};

struct mmusim_source *program_source(const struct program *program,
                                     const struct program_view *options)
{
    struct view *view = calloc(1, sizeof(*view));

    assert_non_null(view);
    view->program = program;
    if (options)
        view->view = *options;
    view->heads = calloc(program->n_threads + 1, sizeof(*view->heads));
    assert_non_null(view->heads);
    for (uint32_t i = 0; i < program->n_threads; i++) {
        uint32_t n = program->threads[i].n_records;

        if (view->view.piece_records && n > view->view.piece_records)
            n = view->view.piece_records;
        view->heads[i] = program->threads[i].head;
        view->cursors[i].buffer = calloc(n + 1, sizeof(struct op_record));
        assert_non_null(view->cursors[i].buffer);
    }
    view->source =
        (struct mmusim_source){.ops = &view_ops,
                               .name = "program",
                               .n_threads = program->n_threads,
                               .threads = view->heads,
                               .total_records = program_records(program)};
    return &view->source;
}
