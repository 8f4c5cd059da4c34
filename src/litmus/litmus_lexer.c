/* SPDX-License-Identifier: MIT */
/* See litmus_lexer.h. */
#include "litmus/litmus_lexer.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool mmusim__litmus_strip_comments(char *text, size_t n_bytes, uint32_t *line)
{
    uint32_t depth = 0;
    uint32_t at_line = 1;

    for (size_t i = 0; i < n_bytes; i++) {
        bool opens = text[i] == '(' && i + 1 < n_bytes && text[i + 1] == '*';
        bool closes =
            depth && text[i] == '*' && i + 1 < n_bytes && text[i + 1] == ')';

        if (text[i] == '\n') {
            at_line++;
            continue;
        }
        if (opens && !depth++)
            *line = at_line;
        if (closes)
            depth--;
        if (opens || closes)
            text[i++] = ' ';
        if (opens || closes || depth)
            text[i] = ' ';
    }
    return !depth;
}

void mmusim__litmus_lexer_init(struct litmus_lexer *lexer, const char *text,
                               const char *end, uint32_t line)
{
    memset(lexer, 0, sizeof(*lexer));
    lexer->at = text;
    lexer->end = end;
    lexer->line = line;
    mmusim__litmus_next(lexer);
}

static bool lexer_name_byte(char c)
{
    return isalnum((unsigned char) c) || c == '_' || c == '.';
}

static size_t lexer_length(const struct litmus_lexer *lexer)
{
    static const char *const doubles[] = {"/\\", "\\/", "=>"};
    const char *at = lexer->at;
    size_t n = (size_t) (lexer->end - at);
    size_t length = 0;

    while (length < n && lexer_name_byte(at[length]))
        length++;
    if (length)
        return length;
    if (n > 1 && at[0] == '-' && isdigit((unsigned char) at[1])) {
        for (length = 1; length < n && lexer_name_byte(at[length]);)
            length++;
        return length;
    }
    for (size_t i = 0; i < sizeof(doubles) / sizeof(doubles[0]); i++) {
        if (n > 1 && !strncmp(at, doubles[i], 2))
            return 2;
    }
    return n ? 1 : 0;
}

void mmusim__litmus_next(struct litmus_lexer *lexer)
{
    size_t length;
    char *end;

    while (lexer->at < lexer->end && isspace((unsigned char) *lexer->at)) {
        lexer->line += *lexer->at == '\n';
        lexer->at++;
    }
    length = lexer_length(lexer);
    if (length >= LITMUS_WORD_BYTES)
        length = LITMUS_WORD_BYTES - 1; /* the rest is a word that is wrong */
    memcpy(lexer->word, lexer->at, length);
    lexer->word[length] = 0;
    lexer->at += length;
    lexer->is_name =
        isalpha((unsigned char) lexer->word[0]) || lexer->word[0] == '_';
    lexer->number = (int64_t) strtoull(lexer->word, &end, 0);
    lexer->is_number = !lexer->is_name && end != lexer->word && !*end;
}

bool mmusim__litmus_is(const struct litmus_lexer *lexer, const char *word)
{
    return word[0] && !strcasecmp(lexer->word, word);
}

bool mmusim__litmus_accept(struct litmus_lexer *lexer, const char *word)
{
    if (!mmusim__litmus_is(lexer, word))
        return false;
    mmusim__litmus_next(lexer);
    return true;
}
