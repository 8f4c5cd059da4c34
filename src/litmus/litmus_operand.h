/* SPDX-License-Identifier: MIT */
/* Operands of AArch64 instructions, from their text. */
#ifndef MMUSIM_LITMUS_LITMUS_OPERAND_H
#define MMUSIM_LITMUS_LITMUS_OPERAND_H

#include "litmus/litmus_instr.h"

struct litmus_operand {
    enum {
        OPERAND_REGISTER,
        OPERAND_NUMBER,
        OPERAND_WORD,
        OPERAND_MEMORY
    } kind;
    uint8_t reg;
    bool is_word;
    int64_t number;
    char word[32];
    /* [base, index, extend #shift] or [base, #number] */
    uint8_t base, index;
    bool index_is_word, index_is_signed;
    uint8_t shift;
};

enum { LITMUS_MAX_OPERANDS = 5 };

struct litmus_operands {
    struct litmus_operand at[LITMUS_MAX_OPERANDS];
    uint32_t n;
};

/* The next word: up to a blank, comma or bracket; those are words of one
 * character, blanks none. */
const char *mmusim__litmus_word(const char *text, char *word, size_t size);

/* All of them; false: they are none of AArch64's. */
bool mmusim__litmus_operands(const char *text,
                             struct litmus_operands *operands);

#endif
