/* SPDX-License-Identifier: MIT */
/* Records -> lines, always in the same form: all sizes given, addresses in
 * hexadecimal, everything else decimal. */
#include "trace/text_trace.h"

#include "trace/record_sys.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const sys_words[] = {
#define SYS_WORD(name, word) word,
    SYS_KIND_MAP(SYS_WORD)
#undef SYS_WORD
};

static const char *const advice_words[] = {
#define ADVICE_WORD(name, word) word,
    MADVICE_MAP(ADVICE_WORD)
#undef ADVICE_WORD
};

/* Bytes that would end a word are written as %XX. */
static size_t text_put_name(char *buffer, const char *name)
{
    static const char digits[] = "0123456789abcdef";
    char *p = buffer;

    for (size_t i = 0; name[i] && i < TRACE_NAME_BYTES_MAX; i++) {
        unsigned char c = (unsigned char) name[i];

        if (c > ' ' && c != 127 && !strchr("%#@", c)) {
            *p++ = (char) c;
            continue;
        }
        *p++ = '%';
        *p++ = digits[c >> 4];
        *p++ = digits[c & 15];
    }
    *p = '\0';
    return (size_t) (p - buffer);
}

static size_t text_put_prot(char *buffer, uint32_t flags)
{
    return (size_t) sprintf(
        buffer, " %c%c%c", flags & SYS_PROT_READ ? 'r' : '-',
        flags & SYS_PROT_WRITE ? 'w' : '-', flags & SYS_PROT_EXEC ? 'x' : '-');
}

static size_t text_put_mmap(char *buffer, const struct sys_op *op)
{
    char *p = buffer + text_put_prot(buffer, op->flags);

    if (op->flags & SYS_MAP_FILE) {
        p += sprintf(p, " file:");
        p += text_put_name(p, op->name);
        p += sprintf(p, "@%" PRIu64, op->file_offset);
    } else {
        p += sprintf(p, " anon");
    }
    if (op->flags & SYS_MAP_SHARED)
        p += sprintf(p, " shared");
    if (op->huge_order)
        p += sprintf(p, " huge=%s",
                     op->huge_order == PAGE_ORDER_2M ? "2M" : "1G");
    return (size_t) (p - buffer);
}

static size_t text_put_image(char *buffer, const struct sys_op *op)
{
    static const char file[] = "file:";
    const char *name = op->name;
    char *p = buffer + text_put_prot(buffer, op->flags);

    *p++ = ' ';
    if (op->flags & SYS_MAP_FILE)
        p += sprintf(p, "%s", file);
    else if (!strncmp(name, file, sizeof(file) - 1))
        p += sprintf(p, "%%%02x", *name++); /* no file, but named like one */
    p += text_put_name(p, name);
    if (op->flags & SYS_MAP_FILE)
        p += sprintf(p, "@%" PRIu64, op->file_offset);
    if (op->number)
        p += sprintf(p, " build=%016" PRIx64, op->number);
    if (op->flags & SYS_IMAGE_LINES)
        p += sprintf(p, " lines");
    return (size_t) (p - buffer);
}

static size_t text_put_sys(char *buffer, const struct sys_op *op)
{
    uint32_t fields = mmusim__record_sys_fields(op->kind);
    char *p = buffer + sprintf(buffer, " %s", sys_words[op->kind]);

    if (fields >> RECORD_SYS_VADDR & 1)
        p += sprintf(p, " 0x%" PRIx64, op->vaddr);
    if (fields >> RECORD_SYS_LENGTH & 1)
        p += sprintf(p, " %" PRIu64, op->length_bytes);
    if (fields >> RECORD_SYS_NEW_VADDR & 1)
        p += sprintf(p, " 0x%" PRIx64 " %" PRIu64, op->new_vaddr,
                     op->new_length_bytes);
    if (fields >> RECORD_SYS_NUMBER & 1 && op->kind != SYS_IMAGE)
        p += sprintf(p, " %" PRIu64, op->number);
    if (op->kind == SYS_MMAP)
        p += text_put_mmap(p, op);
    if (op->kind == SYS_IMAGE)
        p += text_put_image(p, op);
    if (op->kind == SYS_MPROTECT)
        p += text_put_prot(p, op->flags);
    if (op->kind == SYS_DMA)
        p += sprintf(p, op->flags == SYS_PROT_WRITE ? " w" : " r");
    if (op->kind == SYS_MADVISE)
        p += sprintf(p, " %s", advice_words[op->advice]);
    if (op->kind == SYS_MARK) {
        *p++ = ' ';
        p += text_put_name(p, op->name);
    }
    return (size_t) (p - buffer);
}

size_t mmusim__text_write(uint32_t tid, const struct op_record *record,
                          const struct sys_op *sys, char *buffer)
{
    char *p = buffer + sprintf(buffer, "%" PRIu32, tid);
    uint32_t bytes = op_bytes_of(record);

    switch (op_kind_of(record)) {
    case OP_FETCH:
        p += sprintf(p, " i 0x%" PRIx64 " %" PRIu32 " %" PRIu32, record->vaddr,
                     record->count, bytes);
        break;
    case OP_LOAD:
    case OP_STORE:
        p += sprintf(p, " %c 0x%" PRIx64 " %" PRIu32 "%s",
                     op_kind_of(record) == OP_LOAD ? 'r' : 'w', record->vaddr,
                     bytes,
                     op_flags_of(record) & OP_FLAG_DEPENDENT ? " dep" : "");
        break;
    case OP_NOMEM:
        p += sprintf(p, " n %" PRIu32, record->count);
        break;
    case OP_SYS:
        p += text_put_sys(p, sys);
        break;
    }
    *p++ = '\n';
    *p = '\0';
    return (size_t) (p - buffer);
}
