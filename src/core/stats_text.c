/* SPDX-License-Identifier: MIT */
/*
 * Statistics as JSON (RFC 8259) and CSV (RFC 4180), through a callback: the
 * library itself opens no file.
 */
#include "mmusim/stats.h"

#include <stdio.h>
#include <string.h>

/* A sink that remembers a failure, so that writers need not check each piece.
 */
struct text_sink {
    mmusim_write_fn write;
    void *context;
    bool has_failed;
};

static void text_put_n(struct text_sink *sink, const char *text, size_t length)
{
    if (!sink->has_failed && length && sink->write(sink->context, text, length))
        sink->has_failed = true;
}

static void text_put(struct text_sink *sink, const char *text)
{
    text_put_n(sink, text, strlen(text));
}

static mmusim_status_t text_status(const struct text_sink *sink)
{
    return sink->has_failed ? MMUSIM_SYSTEM : MMUSIM_OK;
}

/* Bytes of the UTF-8 sequence that text starts with, 0 if it is not one
 * (Unicode 15, table 3-7: no overlong forms, no surrogates). */
static size_t text_utf8_length(const unsigned char *text)
{
    unsigned char first = text[0];
    unsigned char low = 0x80, high = 0xbf;
    size_t length;

    if (first < 0x80)
        return 1;
    if (first < 0xc2 || first > 0xf4)
        return 0;
    length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (first == 0xe0)
        low = 0xa0;
    else if (first == 0xf0)
        low = 0x90;
    else if (first == 0xed)
        high = 0x9f;
    else if (first == 0xf4)
        high = 0x8f;
    for (size_t i = 1; i < length; i++, low = 0x80, high = 0xbf)
        if (text[i] < low || text[i] > high)
            return 0;
    return length;
}

static void text_put_json(struct text_sink *sink, const char *text)
{
    text_put(sink, "\"");
    while (*text) {
        size_t length = text_utf8_length((const unsigned char *) text);
        char escape[8];

        if (!length) {
            text_put(sink, "\\ufffd");
            length = 1;
        } else if ((unsigned char) *text < ' ' || *text == 0x7f) {
            snprintf(escape, sizeof(escape), "\\u%04x", (unsigned) *text);
            text_put(sink, escape);
        } else {
            if (*text == '"' || *text == '\\')
                text_put(sink, "\\");
            text_put_n(sink, text, length);
        }
        text += length;
    }
    text_put(sink, "\"");
}

static void text_put_stat(struct text_sink *sink, const mmusim_stat_t *stat)
{
    char number[40];
    unsigned long long value = stat->value;

    if (stat->is_milli)
        snprintf(number, sizeof(number), "%llu.%03llu", value / 1000,
                 value % 1000);
    else
        snprintf(number, sizeof(number), "%llu", value);
    text_put(sink, number);
}

static size_t text_digits(const char *text)
{
    return strspn(text, "0123456789");
}

/* Whether text may stand in JSON as it is: a number or a boolean. */
static bool text_is_json_literal(const char *text)
{
    size_t n;

    if (!strcmp(text, "true") || !strcmp(text, "false"))
        return true;
    text += *text == '-';
    n = text_digits(text);
    if (!n || (n > 1 && text[0] == '0'))
        return false;
    text += n;
    if (!*text)
        return true;
    return *text == '.' && text[1] && !text[1 + text_digits(text + 1)];
}

static void text_put_keys(struct text_sink *sink, const mmusim_stats_run_t *run)
{
    text_put(sink, "{");
    for (size_t i = 0; i < run->n_keys; i++) {
        const mmusim_stats_key_t *key = &run->keys[i];

        text_put(sink, i ? ",\n    " : "\n    ");
        text_put_json(sink, key->key);
        text_put(sink, ": ");
        if (!key->is_text && text_is_json_literal(key->value))
            text_put(sink, key->value);
        else
            text_put_json(sink, key->value);
    }
    text_put(sink, "\n  }");
}

mmusim_status_t mmusim_stats_write_config(const mmusim_stats_run_t *run,
                                          mmusim_write_fn write, void *context)
{
    struct text_sink sink = {write, context, false};

    text_put_keys(&sink, run);
    return text_status(&sink);
}

mmusim_status_t mmusim_stats_write_json(const mmusim_stats_t *stats,
                                        const mmusim_stats_run_t *run,
                                        mmusim_write_fn write, void *context)
{
    struct text_sink sink = {write, context, false};
    mmusim_stat_t stat;

    text_put(&sink, "{\n  \"schema\": \"mmusim-stats-1\",\n  \"machine\": ");
    text_put_json(&sink, run->machine);
    text_put(&sink, ",\n  \"source\": ");
    text_put_json(&sink, run->source);
    text_put(&sink, ",\n  \"config\": ");
    text_put_keys(&sink, run);
    text_put(&sink, ",\n  \"stats\": {");
    for (size_t i = 0; mmusim_stats_at(stats, i, &stat); i++) {
        text_put(&sink, i ? ",\n    " : "\n    ");
        text_put_json(&sink, stat.name);
        text_put(&sink, ": ");
        text_put_stat(&sink, &stat);
    }
    text_put(&sink, "\n  }\n}\n");
    return text_status(&sink);
}

/* Whether text starts with "coreN." */
static bool text_starts_with_core(const char *text)
{
    size_t n;

    if (strncmp(text, "core", 4) != 0)
        return false;
    n = text_digits(text + 4);
    return n && text[4 + n] == '.';
}

bool mmusim_stats_is_per_core(const char *name)
{
    if (text_starts_with_core(name))
        return true;
    if (strncmp(name, "mark.", 5) != 0)
        return false;
    for (const char *dot = strchr(name, '.'); dot; dot = strchr(dot + 1, '.'))
        if (text_starts_with_core(dot + 1))
            return true;
    return false;
}

static void text_put_csv(struct text_sink *sink, const char *text)
{
    if (!text[strcspn(text, ",\"\r\n")]) {
        text_put(sink, text);
        return;
    }
    text_put(sink, "\"");
    while (*text) {
        size_t plain = strcspn(text, "\"");

        text_put_n(sink, text, plain);
        text += plain;
        if (*text) {
            text_put(sink, "\"\"");
            text++;
        }
    }
    text_put(sink, "\"");
}

mmusim_status_t mmusim_stats_write_csv(const mmusim_stats_t *stats,
                                       mmusim_stats_detail_t detail,
                                       mmusim_write_fn write, void *context)
{
    struct text_sink sink = {write, context, false};
    mmusim_stat_t stat;

    text_put(&sink, "name,value,unit\n");
    for (size_t i = 0; mmusim_stats_at(stats, i, &stat); i++) {
        if (detail == MMUSIM_STATS_SUMS && mmusim_stats_is_per_core(stat.name))
            continue;
        text_put_csv(&sink, stat.name);
        text_put(&sink, ",");
        text_put_stat(&sink, &stat);
        text_put(&sink, ",");
        text_put_csv(&sink, stat.unit);
        text_put(&sink, "\n");
    }
    return text_status(&sink);
}

mmusim_status_t mmusim_write_json_text(const char *text, mmusim_write_fn write,
                                       void *context)
{
    struct text_sink sink = {write, context, false};

    text_put_json(&sink, text);
    return text_status(&sink);
}

mmusim_status_t mmusim_write_csv_text(const char *text, mmusim_write_fn write,
                                      void *context)
{
    struct text_sink sink = {write, context, false};

    text_put_csv(&sink, text);
    return text_status(&sink);
}

mmusim_status_t mmusim_write_stat(const mmusim_stat_t *stat,
                                  mmusim_write_fn write, void *context)
{
    struct text_sink sink = {write, context, false};

    text_put_stat(&sink, stat);
    return text_status(&sink);
}
