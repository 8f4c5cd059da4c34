/* SPDX-License-Identifier: MIT */
/*
 * Lines -> records. Every message says what would be right; unknown words get
 * the nearest known one. A thread's stream ends with its `exit`.
 */
#include "trace/text_trace.h"

#include "core/diag.h"
#include "trace/import.h"
#include "trace/record_sys.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_WORDS_MAX = 12, TEXT_DEFAULT_ACCESS_BYTES = 8 };

struct text_thread {
    uint32_t tid;
    struct trace_stream *stream; /* NULL: it has exited */
};

struct text_reader {
    const char *name;
    struct trace_writer *writer;
    mmusim_diag_t *diag;
    uint32_t line;
    char *words[TEXT_WORDS_MAX];
    uint32_t n_words;
    struct text_thread *threads;
    uint32_t n_threads;
    uint32_t last_thread; /* of the line before */
    char name_buffer[TRACE_NAME_BYTES_MAX + 1];
};

static const char *const text_ops[] = {
#define TEXT_WORD(name, word) word,
    SYS_KIND_MAP(TEXT_WORD)
#undef TEXT_WORD
        "i",
    "r",
    "w",
    "n",
};

static const char *const text_advice[] = {
#define TEXT_ADVICE(name, word) word,
    MADVICE_MAP(TEXT_ADVICE)
#undef TEXT_ADVICE
};

static mmusim_status_t text_fail(struct text_reader *reader, const char *format,
                                 ...) MMUSIM_PRINTF(2, 3);
static mmusim_status_t text_fail(struct text_reader *reader, const char *format,
                                 ...)
{
    char text[400];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    mmusim__diag_set(reader->diag, MMUSIM_DAMAGED, "%s", text);
    mmusim__diag_at_line(reader->diag, reader->name, reader->line);
    return MMUSIM_DAMAGED;
}

/* Word index as a number; what: its name in the message. */
static mmusim_status_t text_number(struct text_reader *reader, uint32_t index,
                                   const char *what, uint64_t max,
                                   uint64_t *number)
{
    const char *word;
    char *end;

    if (index >= reader->n_words)
        return text_fail(reader, "%s is missing (a number, decimal or 0x)",
                         what);
    word = reader->words[index];
    errno = 0;
    *number = strtoull(word, &end, strncmp(word, "0x", 2) ? 10 : 16);
    if (word[0] < '0' || word[0] > '9' || *end || errno || *number > max)
        return text_fail(
            reader, "%s is '%.40s' (a number up to %" PRIu64 ", decimal or 0x)",
            what, word, max);
    return MMUSIM_OK;
}

static mmusim_status_t text_end(struct text_reader *reader, uint32_t n_words)
{
    if (reader->n_words > n_words)
        return text_fail(reader,
                         "'%.40s' is too much (the line is complete "
                         "before it)",
                         reader->words[n_words]);
    return MMUSIM_OK;
}

static mmusim_status_t text_unknown(struct text_reader *reader,
                                    const char *what, const char *word,
                                    const char *const *words, size_t n_words)
{
    const char *nearest = mmusim_nearest(word, words, n_words);

    if (*word == '\0')
        return text_fail(reader, "the %s is missing (see mmusim-trace(5))",
                         what);
    return text_fail(reader, "unknown %s '%.40s' (%s%s)", what, word,
                     nearest ? "nearest: " : "see mmusim-trace(5)",
                     nearest ? nearest : "");
}

/* ---- accesses ---- */

static mmusim_status_t text_check_span(struct text_reader *reader,
                                       uint64_t vaddr, uint64_t bytes)
{
    if (bytes == 0)
        return text_fail(reader, "a length of zero (at least 1)");
    if (!record_is_canonical(vaddr) || vaddr + (bytes - 1) < vaddr)
        return text_fail(reader,
                         "0x%" PRIx64 " is not canonical (bits 63 to 56 are "
                         "equal, and the end does not wrap)",
                         vaddr);
    return MMUSIM_OK;
}

static mmusim_status_t text_fetch(struct text_reader *reader,
                                  struct trace_stream *stream)
{
    uint64_t vaddr, count = 1, bytes;
    mmusim_status_t status =
        text_number(reader, 2, "the address", UINT64_MAX, &vaddr);

    if (!status && reader->n_words > 3)
        status = text_number(reader, 3, "the number of instructions",
                             UINT32_MAX, &count);
    bytes = 4 * count;
    if (!status && reader->n_words > 4)
        status = text_number(reader, 4, "the size", OP_MAX_BYTES, &bytes);
    if (!status && bytes > OP_MAX_BYTES)
        status = text_fail(reader, "too many instructions in one line (up to "
                                   "16777215 bytes)");
    if (!status)
        status = text_check_span(reader, vaddr, bytes);
    if (!status)
        status = text_end(reader, 5);
    if (!status)
        mmusim__trace_stream_fetch(stream, vaddr, (uint32_t) count,
                                   (uint32_t) bytes);
    return status;
}

static mmusim_status_t text_access(struct text_reader *reader,
                                   struct trace_stream *stream,
                                   enum op_kind kind)
{
    uint64_t vaddr, bytes = TEXT_DEFAULT_ACCESS_BYTES;
    bool is_dependent = false;
    mmusim_status_t status =
        text_number(reader, 2, "the address", UINT64_MAX, &vaddr);

    if (!status && reader->n_words > 3)
        status = text_number(reader, 3, "the size", OP_MAX_BYTES, &bytes);
    if (!status && reader->n_words > 4) {
        is_dependent = !strcmp(reader->words[4], "dep");
        if (!is_dependent)
            status = text_fail(reader, "'%.40s' after the size (only 'dep')",
                               reader->words[4]);
    }
    if (!status)
        status = text_check_span(reader, vaddr, bytes);
    if (!status)
        status = text_end(reader, 5);
    if (!status)
        mmusim__trace_stream_access(stream, kind, vaddr, (uint32_t) bytes,
                                    is_dependent ? (uint32_t) OP_FLAG_DEPENDENT
                                                 : 0);
    return status;
}

static mmusim_status_t text_nomem(struct text_reader *reader,
                                  struct trace_stream *stream)
{
    uint64_t count;
    mmusim_status_t status = text_number(
        reader, 2, "the number of instructions", UINT32_MAX, &count);

    if (!status)
        status = text_end(reader, 3);
    if (!status)
        mmusim__trace_stream_nomem(stream, (uint32_t) count);
    return status;
}

/* ---- OS operations ---- */

static int text_hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = c ? strchr(digits, c) : NULL;

    return found ? (int) (found - digits) : -1;
}

/* Undoes the %XX of a name; it has n_bytes as written. */
static mmusim_status_t text_name(struct text_reader *reader, const char *text,
                                 size_t n_bytes, const char **name)
{
    size_t n = 0;

    for (size_t i = 0; i < n_bytes; i++) {
        int c = (unsigned char) text[i];

        if (c == '%') {
            bool has_two = i + 2 < n_bytes;
            int high = has_two ? text_hex_digit(text[i + 1]) : -1;
            int low = has_two ? text_hex_digit(text[i + 2]) : -1;

            if (high < 0 || low < 0 || high + low == 0)
                return text_fail(reader, "a '%%' in a name (%%XX, two lower-"
                                         "case hexadecimal digits, not 00)");
            c = high * 16 + low;
            i += 2;
        }
        if (n == TRACE_NAME_BYTES_MAX)
            return text_fail(reader, "a name is too long (up to %d bytes)",
                             TRACE_NAME_BYTES_MAX);
        reader->name_buffer[n++] = (char) c;
    }
    if (n == 0)
        return text_fail(reader, "a name is empty (at least one byte)");
    reader->name_buffer[n] = '\0';
    *name = reader->name_buffer;
    return MMUSIM_OK;
}

static mmusim_status_t text_prot(struct text_reader *reader, uint32_t index,
                                 uint32_t *flags)
{
    const char *word = index < reader->n_words ? reader->words[index] : "";

    for (unsigned i = 0; i < 3; i++) {
        if (strlen(word) != 3 || (word[i] != "rwx"[i] && word[i] != '-'))
            return text_fail(reader, "protection is '%.40s' (like rw- or r-x)",
                             word);
        if (word[i] != '-')
            *flags |= 1u << i;
    }
    return MMUSIM_OK;
}

static mmusim_status_t text_map_file(struct text_reader *reader,
                                     const char *word, struct sys_op *op)
{
    const char *name = word + strlen("file:");
    const char *at = strrchr(name, '@');
    size_t n_bytes = at ? (size_t) (at - name) : strlen(name);
    char *end = NULL;

    op->flags |= SYS_MAP_FILE;
    if (at) {
        errno = 0;
        op->file_offset =
            strtoull(at + 1, &end, strncmp(at + 1, "0x", 2) ? 10 : 16);
        if (at[1] < '0' || at[1] > '9' || *end || errno)
            return text_fail(reader, "the file's offset is '%.40s' (a number)",
                             at + 1);
    }
    return text_name(reader, name, n_bytes, &op->name);
}

static mmusim_status_t text_mmap_word(struct text_reader *reader,
                                      const char *word, struct sys_op *op)
{
    static const char *const words[] = {"anon", "shared", "huge=2M", "huge=1G",
                                        "file:"};

    if (!strncmp(word, "file:", strlen("file:")))
        return text_map_file(reader, word, op);
    if (!strcmp(word, "shared"))
        op->flags |= SYS_MAP_SHARED;
    else if (!strcmp(word, "huge=2M"))
        op->huge_order = PAGE_ORDER_2M;
    else if (!strcmp(word, "huge=1G"))
        op->huge_order = PAGE_ORDER_1G;
    else if (strcmp(word, "anon") != 0)
        return text_unknown(reader, "word of mmap", word, words, 5);
    return MMUSIM_OK;
}

/* A number in hexadecimal, all that is left of the word. */
static mmusim_status_t text_build(struct text_reader *reader, const char *text,
                                  uint64_t *build)
{
    size_t length = strlen(text);

    if (length == 0 || length > 16 ||
        strspn(text, "0123456789abcdef") != length)
        return text_fail(reader,
                         "build is '%.40s' (the first 16 digits of a build "
                         "id, lower case)",
                         text);
    *build = strtoull(text, NULL, 16);
    return MMUSIM_OK;
}

/* What an image is of, and what is known of that. */
static mmusim_status_t text_image_words(struct text_reader *reader,
                                        uint32_t *at, struct sys_op *op)
{
    static const char *const words[] = {"build=", "lines"};
    const char *word = *at < reader->n_words ? reader->words[(*at)++] : "";
    mmusim_status_t status;

    if (!strncmp(word, "file:", strlen("file:")))
        status = text_map_file(reader, word, op);
    else
        status = text_name(reader, word, strlen(word), &op->name);
    while (!status && *at < reader->n_words) {
        word = reader->words[(*at)++];
        if (!strncmp(word, words[0], strlen(words[0])))
            status = text_build(reader, word + strlen(words[0]), &op->number);
        else if (!strcmp(word, words[1]))
            op->flags |= SYS_IMAGE_LINES;
        else
            status = text_unknown(reader, "word of image", word, words, 2);
    }
    return status;
}

static mmusim_status_t text_advice_word(struct text_reader *reader,
                                        uint32_t index, struct sys_op *op)
{
    const char *word = index < reader->n_words ? reader->words[index] : "";

    for (op->advice = 0; op->advice < MADVICE_COUNT; op->advice++) {
        if (!strcmp(word, text_advice[op->advice]))
            return MMUSIM_OK;
    }
    return text_unknown(reader, "advice", word, text_advice, MADVICE_COUNT);
}

/* What the device does. */
static mmusim_status_t text_direction(struct text_reader *reader,
                                      uint32_t index, uint32_t *flags)
{
    static const char *const words[] = {"r", "w"};
    const char *word = index < reader->n_words ? reader->words[index] : "";

    if (strcmp(word, "r") != 0 && strcmp(word, "w") != 0)
        return text_unknown(reader, "direction of dma", word, words, 2);
    *flags = *word == 'w' ? SYS_PROT_WRITE : 0;
    return MMUSIM_OK;
}

/* What stands behind the numbers of the operation, from word *at on. */
static mmusim_status_t text_sys_words(struct text_reader *reader,
                                      struct sys_op *op, uint32_t *at)
{
    mmusim_status_t status = MMUSIM_OK;

    if (op->kind == SYS_MMAP || op->kind == SYS_MPROTECT ||
        op->kind == SYS_IMAGE)
        status = text_prot(reader, (*at)++, &op->flags);
    if (op->kind == SYS_DMA)
        status = text_direction(reader, (*at)++, &op->flags);
    if (op->kind == SYS_MADVISE)
        status = text_advice_word(reader, (*at)++, op);
    while (op->kind == SYS_MMAP && !status && *at < reader->n_words)
        status = text_mmap_word(reader, reader->words[(*at)++], op);
    if (op->kind == SYS_IMAGE && !status)
        status = text_image_words(reader, at, op);
    if (op->kind == SYS_MARK) {
        const char *word = *at < reader->n_words ? reader->words[*at] : "";

        status = text_name(reader, word, strlen(word), &op->name);
        (*at)++;
    }
    return status;
}

static mmusim_status_t text_sys(struct text_reader *reader,
                                struct trace_stream *stream, enum sys_kind kind)
{
    static const struct {
        enum record_sys_field field;
        const char *name;
    } numbers[] = {{RECORD_SYS_VADDR, "the address"},
                   {RECORD_SYS_LENGTH, "the length"},
                   {RECORD_SYS_NEW_VADDR, "the new address"},
                   {RECORD_SYS_NEW_LENGTH, "the new length"},
                   {RECORD_SYS_NUMBER, "the number"}};
    struct sys_op op = {.kind = kind};
    uint64_t values[RECORD_SYS_FIELDS] = {0};
    uint32_t fields = mmusim__record_sys_fields(kind);
    uint32_t at = 2;
    mmusim_status_t status = MMUSIM_OK;
    const char *wrong;

    for (unsigned i = 0; !status && i < 5; i++) {
        bool is_absent = kind == SYS_IDLE && reader->n_words == 2;

        if (kind == SYS_IMAGE && numbers[i].field == RECORD_SYS_NUMBER)
            is_absent = true; /* a word: build= */
        if (fields >> numbers[i].field & 1 && !is_absent)
            status = text_number(reader, at++, numbers[i].name, UINT64_MAX,
                                 &values[numbers[i].field]);
    }
    record_sys_set(&op, values);
    if (!status)
        status = text_sys_words(reader, &op, &at);
    if (!status)
        status = text_end(reader, at);
    if (status)
        return status;
    wrong = mmusim__record_sys_check(&op);
    if (wrong)
        return text_fail(reader, "%s: %s (see mmusim-trace(5))", text_ops[kind],
                         wrong);
    mmusim__trace_stream_sys(stream, &op);
    return MMUSIM_OK;
}

/* ---- lines ---- */

static mmusim_status_t text_find_thread(struct text_reader *reader,
                                        uint32_t tid,
                                        struct text_thread **thread)
{
    struct text_thread *threads = reader->threads;
    uint32_t i = reader->last_thread;

    if (i >= reader->n_threads || threads[i].tid != tid)
        for (i = 0; i < reader->n_threads && threads[i].tid != tid; i++)
            continue;
    reader->last_thread = i;
    *thread = &threads[i];
    if (i < reader->n_threads)
        return threads[i].stream
                   ? MMUSIM_OK
                   : text_fail(reader,
                               "thread %" PRIu32 " has exited (a new "
                               "thread has a new number)",
                               tid);
    if (i == TEXT_THREADS_MAX)
        return text_fail(reader, "too many threads (up to %d)",
                         TEXT_THREADS_MAX);
    threads[i].tid = tid;
    threads[i].stream = mmusim__trace_stream_begin(reader->writer, tid);
    if (!threads[i].stream)
        return mmusim__diag_set(reader->diag, MMUSIM_NOMEM, "out of memory");
    reader->n_threads++;
    return MMUSIM_OK;
}

static void text_split(struct text_reader *reader, char *line)
{
    char *rest = NULL;
    char *word;

    line[strcspn(line, "#\n\r")] = '\0';
    reader->n_words = 0;
    for (word = strtok_r(line, " \t", &rest);
         word && reader->n_words < TEXT_WORDS_MAX;
         word = strtok_r(NULL, " \t", &rest))
        reader->words[reader->n_words++] = word;
}

static mmusim_status_t text_line(struct text_reader *reader)
{
    const char *word = reader->n_words > 1 ? reader->words[1] : "";
    struct text_thread *thread = NULL;
    uint64_t tid;
    uint32_t op = 0;
    mmusim_status_t status =
        text_number(reader, 0, "the thread", UINT32_MAX, &tid);
    const uint32_t n_ops = sizeof(text_ops) / sizeof(text_ops[0]);

    if (status)
        return status;
    while (op < n_ops && strcmp(word, text_ops[op]) != 0)
        op++;
    if (op == n_ops)
        return text_unknown(reader, "operation", word, text_ops, n_ops);
    status = text_find_thread(reader, (uint32_t) tid, &thread);
    if (status)
        return status;
    if (word[1] == '\0' && word[0] == 'i')
        return text_fetch(reader, thread->stream);
    if (word[1] == '\0' && word[0] == 'n')
        return text_nomem(reader, thread->stream);
    if (word[1] == '\0')
        return text_access(reader, thread->stream,
                           word[0] == 'r' ? OP_LOAD : OP_STORE);
    status = text_sys(reader, thread->stream, (enum sys_kind) op);
    if (!status && op == SYS_EXIT) {
        status = mmusim__trace_stream_end(thread->stream, reader->diag);
        thread->stream = NULL;
    }
    return status;
}

/* A line with a zero byte or above the limit is an error. */
static mmusim_status_t text_next_line(struct text_reader *reader,
                                      struct byte_stream *stream, char **line)
{
    size_t length;
    mmusim_status_t status =
        mmusim__byte_stream_line(stream, line, &length, reader->diag);

    if (status || !*line)
        return status;
    reader->line++;
    if (length > TEXT_LINE_BYTES_MAX || memchr(*line, '\0', length))
        return text_fail(reader,
                         "no text, or a line too long (up to %d "
                         "bytes)",
                         TEXT_LINE_BYTES_MAX);
    return MMUSIM_OK;
}

static mmusim_status_t text_read(struct import_run *run)
{
    struct text_reader reader = {
        .name = run->path, .writer = run->writer, .diag = run->diag};
    mmusim_status_t status = MMUSIM_OK;
    char *line;

    reader.threads = calloc(TEXT_THREADS_MAX + 1, sizeof(*reader.threads));
    if (!reader.threads)
        return mmusim__diag_set(run->diag, MMUSIM_NOMEM, "out of memory");
    while (!status) {
        status = text_next_line(&reader, run->stream, &line);
        if (status || !line)
            break;
        text_split(&reader, line);
        if (reader.n_words) {
            run->n_records++;
            status = text_line(&reader);
        }
    }
    if (!status && reader.n_threads == 0)
        status = text_fail(&reader, "there is no record (is this a trace?)");
    free(reader.threads);
    return status;
}

/* A comment or a number comes first; a second word that is an operation makes
 * it sure, one that is a number makes it another format. */
static enum import_match text_probe(const struct import_probe *probe)
{
    const uint8_t *p = probe->bytes;
    const uint8_t *end = p ? p + probe->n_bytes : p;
    bool has_comment = false;
    char word[32] = "";
    size_t n = 0;

    while (p < end && (*p == '#' || (*p && strchr(" \t\r\n", *p)))) {
        has_comment = has_comment || *p == '#';
        if (*p == '#')
            p = memchr(p, '\n', (size_t) (end - p));
        if (!p)
            return IMPORT_LIKELY;
        p++;
    }
    if (p == end)
        return has_comment || (p && probe->is_whole) ? IMPORT_LIKELY
                                                     : IMPORT_NO;
    if (*p < '0' || *p > '9')
        return has_comment ? IMPORT_LIKELY : IMPORT_NO;
    while (p<end && * p> ' ')
        p++;
    while (p < end && (*p == ' ' || *p == '\t'))
        p++;
    while (p<end && * p> ' ' && n + 1 < sizeof(word))
        word[n++] = (char) *p++;
    for (size_t i = 0; i < sizeof(text_ops) / sizeof(text_ops[0]); i++) {
        if (!strcmp(word, text_ops[i]))
            return IMPORT_SURE;
    }
    return word[strspn(word, "0123456789abcdefABCDEFxX")] ? IMPORT_LIKELY
                                                          : IMPORT_NO;
}

extern const struct import_ops mmusim__import_text;
const struct import_ops mmusim__import_text = {
    .name = "text",
    .what = "one record a line, TID OP ARGS (mmusim-trace(5))",
    .is_many_threads = true,
    .probe = text_probe,
    .read = text_read,
};
