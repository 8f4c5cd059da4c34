/* SPDX-License-Identifier: MIT */
/* Words of a litmus test, with their lines. Comments (* ... *) are blanks. */
#ifndef MMUSIM_LITMUS_LITMUS_LEXER_H
#define MMUSIM_LITMUS_LITMUS_LEXER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LITMUS_WORD_BYTES = 64 };

struct litmus_lexer {
    const char *at;
    const char *end;
    uint32_t line;                /* of the present word */
    char word[LITMUS_WORD_BYTES]; /* "": the end */
    bool is_name, is_number;
    int64_t number;
};

/* Blanks out comments in place; false: one is not closed, *line is its. */
bool mmusim__litmus_strip_comments(char *text, size_t n_bytes, uint32_t *line);

void mmusim__litmus_lexer_init(struct litmus_lexer *lexer, const char *text,
                               const char *end, uint32_t line);
/* To the next word. */
void mmusim__litmus_next(struct litmus_lexer *lexer);
/* If the present word is this one, to the next; names ignore case. */
bool mmusim__litmus_accept(struct litmus_lexer *lexer, const char *word);
bool mmusim__litmus_is(const struct litmus_lexer *lexer, const char *word);

#endif
