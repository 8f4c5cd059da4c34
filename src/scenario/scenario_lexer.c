/* SPDX-License-Identifier: MIT */
/* Tokens of a scenario. A line's end is one, except between parentheses. */
#include "scenario/scenario_reader.h"

#include "core/diag.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void mmusim__scenario_fail(struct scenario_reader *reader, uint32_t line,
                           const char *format, ...)
{
    char text[400];
    uint32_t source_line;
    const char *file;
    va_list args;

    if (reader->status)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    file = mmusim__scenario_source(reader->program, line, &source_line);
    reader->status = mmusim__diag_set(reader->diag, MMUSIM_DAMAGED, "%s", text);
    mmusim__diag_at_line(reader->diag, file, source_line);
    reader->at = reader->end;
    reader->token = (struct scenario_token){.kind = TOKEN_END};
}

static void lexer_copy(struct scenario_reader *reader, size_t length)
{
    size_t n =
        length < SCENARIO_NAME_BYTES - 1 ? length : SCENARIO_NAME_BYTES - 1;

    memcpy(reader->token.text, reader->at, n);
    reader->token.text[n] = 0;
    reader->at += length;
}

static bool lexer_is_name(char c)
{
    return isalnum((unsigned char) c) || c == '_' || c == '.';
}

static void lexer_number(struct scenario_reader *reader)
{
    size_t length = 0;
    char *stop;
    long long number;

    while (reader->at + length < reader->end &&
           isalnum((unsigned char) reader->at[length]))
        length++;
    if (length > 11) {
        mmusim__scenario_fail(reader, reader->line, "a number of 32 bits");
        return;
    }
    reader->token.kind = TOKEN_NUMBER;
    lexer_copy(reader, length);
    number = strtoll(reader->token.text, &stop, 0);
    if (*stop || number > UINT32_MAX)
        mmusim__scenario_fail(reader, reader->line,
                              "'%s' is no number (decimal or 0x, 32 bits)",
                              reader->token.text);
    reader->token.number = (int32_t) (uint32_t) number;
}

static void lexer_punctuation(struct scenario_reader *reader)
{
    static const char *const doubles[] = {
        "->", "==", "!=", "<=", ">=", "<<", ">>",
        "&&", "||", "+=", "-=", "|=", "&="};
    size_t length = 1;

    if (!strchr("{}()[],;:=<>!&|^~+-*", *reader->at) || !*reader->at) {
        mmusim__scenario_fail(reader, reader->line,
                              isprint((unsigned char) *reader->at)
                                  ? "'%c' means nothing here"
                                  : "byte %d means nothing here",
                              (unsigned char) *reader->at);
        return;
    }
    for (size_t i = 0; i < sizeof(doubles) / sizeof(doubles[0]); i++) {
        if (reader->end - reader->at >= 2 &&
            !strncmp(doubles[i], reader->at, 2))
            length = 2;
    }
    reader->token.kind = TOKEN_PUNCTUATION;
    if (strchr("([", *reader->at))
        reader->depth++;
    if (strchr(")]", *reader->at) && reader->depth)
        reader->depth--;
    lexer_copy(reader, length);
}

static void lexer_skip_blank(struct scenario_reader *reader)
{
    while (reader->at < reader->end) {
        if (*reader->at == '#') {
            while (reader->at < reader->end && *reader->at != '\n')
                reader->at++;
        } else if (*reader->at == '\n' && reader->depth) {
            reader->line++;
            reader->at++;
        } else if (*reader->at == ' ' || *reader->at == '\t' ||
                   *reader->at == '\r') {
            reader->at++;
        } else {
            return;
        }
    }
}

void mmusim__scenario_next(struct scenario_reader *reader)
{
    if (reader->status)
        return;
    lexer_skip_blank(reader);
    reader->token = (struct scenario_token){.line = reader->line};
    if (reader->at == reader->end) {
        reader->token.kind = TOKEN_END;
    } else if (*reader->at == '\n') {
        reader->token.kind = TOKEN_NEWLINE;
        reader->at++;
        reader->line++;
    } else if (isdigit((unsigned char) *reader->at)) {
        lexer_number(reader);
    } else if (lexer_is_name(*reader->at)) {
        size_t length = 0;

        while (reader->at + length < reader->end &&
               lexer_is_name(reader->at[length]))
            length++;
        if (length >= SCENARIO_NAME_BYTES)
            mmusim__scenario_fail(reader, reader->line,
                                  "a name has at most %d letters",
                                  SCENARIO_NAME_BYTES - 1);
        reader->token.kind = TOKEN_NAME;
        lexer_copy(reader, length);
        if (reader->status)
            reader->token.kind = TOKEN_END;
    } else {
        lexer_punctuation(reader);
    }
}

void mmusim__scenario_expected(struct scenario_reader *reader, const char *what)
{
    const struct scenario_token *token = &reader->token;

    mmusim__scenario_fail(
        reader, token->line ? token->line : reader->line,
        "expected %s, not %s%s%s", what,
        token->kind == TOKEN_END       ? "the end of the file"
        : token->kind == TOKEN_NEWLINE ? "the end of the line"
                                       : "'",
        token->text,
        token->kind == TOKEN_END || token->kind == TOKEN_NEWLINE ? "" : "'");
}

bool mmusim__scenario_is(const struct scenario_reader *reader, const char *text)
{
    return (reader->token.kind == TOKEN_NAME ||
            reader->token.kind == TOKEN_PUNCTUATION) &&
           !strcmp(reader->token.text, text);
}

bool mmusim__scenario_take(struct scenario_reader *reader, const char *text)
{
    if (!mmusim__scenario_is(reader, text))
        return false;
    mmusim__scenario_next(reader);
    return true;
}

void mmusim__scenario_need(struct scenario_reader *reader, const char *text)
{
    char what[16];

    if (mmusim__scenario_take(reader, text))
        return;
    snprintf(what, sizeof(what), "'%s'", text);
    mmusim__scenario_expected(reader, what);
}

bool mmusim__scenario_need_name(struct scenario_reader *reader,
                                const char *what, char *name)
{
    name[0] = 0;
    if (reader->token.kind != TOKEN_NAME) {
        mmusim__scenario_expected(reader, what);
        return false;
    }
    memcpy(name, reader->token.text, SCENARIO_NAME_BYTES);
    mmusim__scenario_next(reader);
    return true;
}

void mmusim__scenario_end_line(struct scenario_reader *reader)
{
    if (reader->token.kind == TOKEN_END)
        return;
    if (reader->token.kind != TOKEN_NEWLINE)
        mmusim__scenario_expected(reader, "the end of the line");
    mmusim__scenario_next(reader);
}

void mmusim__scenario_skip_lines(struct scenario_reader *reader)
{
    while (reader->token.kind == TOKEN_NEWLINE ||
           mmusim__scenario_is(reader, ";"))
        mmusim__scenario_next(reader);
}
