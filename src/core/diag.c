/* SPDX-License-Identifier: MIT */
/* Status texts and diagnostics: see mmusim/status.h. */
#include "core/diag.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *mmusim_strerror(mmusim_status_t status)
{
    switch (status) {
#define MMUSIM_STATUS_TEXT(value, name, text)                                  \
    case MMUSIM_##name:                                                        \
        return text;
        MMUSIM_STATUS_MAP(MMUSIM_STATUS_TEXT)
#undef MMUSIM_STATUS_TEXT
    }
    return "unknown status";
}

static void diag_copy(char *to, size_t size, const char *from)
{
    size_t length = strlen(from);

    if (length >= size)
        length = size - 1;
    memcpy(to, from, length);
    to[length] = '\0';
}

mmusim_status_t mmusim__diag_set(mmusim_diag_t *diag, mmusim_status_t status,
                                 const char *format, ...)
{
    va_list args;

    if (!diag)
        return status;
    memset(diag, 0, sizeof(*diag));
    diag->status = status;
    va_start(args, format);
    vsnprintf(diag->text, sizeof(diag->text), format, args);
    va_end(args);
    return status;
}

void mmusim__diag_at_line(mmusim_diag_t *diag, const char *file, uint32_t line)
{
    if (!diag)
        return;
    diag_copy(diag->file, sizeof(diag->file), file);
    diag->line = line;
}

void mmusim__diag_at_block(mmusim_diag_t *diag, const char *file,
                           uint64_t block, uint64_t offset)
{
    if (!diag)
        return;
    diag_copy(diag->file, sizeof(diag->file), file);
    diag->has_offset = true;
    diag->block = block;
    diag->offset = offset;
}

void mmusim__diag_key(mmusim_diag_t *diag, const char *key)
{
    if (diag)
        diag_copy(diag->key, sizeof(diag->key), key);
}

size_t mmusim_diag_format(const mmusim_diag_t *diag, char *buffer,
                          size_t size_bytes)
{
    char place[64] = "";
    const char *separator = diag->file[0] ? ": " : "";
    int length;

    if (diag->line)
        snprintf(place, sizeof(place), ":%u", (unsigned) diag->line);
    else if (diag->has_offset)
        snprintf(place, sizeof(place), ": block %llu, offset %llu",
                 (unsigned long long) diag->block,
                 (unsigned long long) diag->offset);
    length = snprintf(buffer, size_bytes, "%s%s%s%s", diag->file, place,
                      separator, diag->text);
    return length < 0 ? 0 : (size_t) length;
}
