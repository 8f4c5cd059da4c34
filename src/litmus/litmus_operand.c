/* SPDX-License-Identifier: MIT */
/* Operands of AArch64 instructions, from their text. */
#include "litmus/litmus_operand.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* "X12", "WZR". */
static bool operand_register(const char *word, uint8_t *reg, bool *is_word)
{
    char *end;
    long number;

    if (toupper((unsigned char) word[0]) != 'X' &&
        toupper((unsigned char) word[0]) != 'W')
        return false;
    *is_word = toupper((unsigned char) word[0]) == 'W';
    if (!strcasecmp(word + 1, "zr")) {
        *reg = LITMUS_ZERO;
        return true;
    }
    if (!isdigit((unsigned char) word[1]))
        return false;
    number = strtol(word + 1, &end, 10);
    if (*end || number > 30)
        return false;
    *reg = (uint8_t) number;
    return true;
}

static bool operand_number(const char *word, int64_t *number)
{
    char *end;

    if (*word == '#')
        word++;
    if (!isdigit((unsigned char) *word) && *word != '-')
        return false;
    *number = (int64_t) strtoll(word, &end, 0);
    return end != word && !*end;
}

/* The next word: up to a blank, comma or bracket; those are words of one
 * character, blanks none. */
const char *mmusim__litmus_word(const char *text, char *word, size_t size)
{
    size_t n = 0;

    while (isspace((unsigned char) *text))
        text++;
    if (*text && strchr(",[]!", *text)) {
        word[0] = *text++;
        word[1] = 0;
        return text;
    }
    while (*text && !isspace((unsigned char) *text) && !strchr(",[]!", *text)) {
        if (n + 1 < size)
            word[n++] = *text;
        text++;
    }
    word[n] = 0;
    return text;
}

/* What follows the index: SXTW, UXTW #2, LSL #3. */
static const char *operand_extend(const char *text,
                                  struct litmus_operand *operand)
{
    char word[32];
    int64_t shift;

    text = mmusim__litmus_word(text, word, sizeof(word));
    if (!strcasecmp(word, "SXTW"))
        operand->index_is_signed = true;
    else if (strcasecmp(word, "UXTW") != 0 && strcasecmp(word, "LSL") != 0 &&
             strcasecmp(word, "SXTX") != 0)
        return NULL;
    text = mmusim__litmus_word(text, word, sizeof(word));
    if (!strcmp(word, "]"))
        return text;
    if (!operand_number(word, &shift) || shift < 0 || shift > 4)
        return NULL;
    operand->shift = (uint8_t) shift;
    text = mmusim__litmus_word(text, word, sizeof(word));
    return strcmp(word, "]") ? NULL : text;
}

/* After the "[". NULL: not an address. */
static const char *operand_address(const char *text,
                                   struct litmus_operand *operand)
{
    char word[32];
    bool is_word;

    operand->kind = OPERAND_MEMORY;
    operand->index = LITMUS_NO_REGISTER;
    text = mmusim__litmus_word(text, word, sizeof(word));
    if (!operand_register(word, &operand->base, &is_word) || is_word)
        return NULL;
    text = mmusim__litmus_word(text, word, sizeof(word));
    if (!strcmp(word, "]"))
        return text;
    if (strcmp(word, ",") != 0)
        return NULL;
    text = mmusim__litmus_word(text, word, sizeof(word));
    if (operand_number(word, &operand->number)) {
        text = mmusim__litmus_word(text, word, sizeof(word));
        return strcmp(word, "]") ? NULL : text;
    }
    if (!operand_register(word, &operand->index, &operand->index_is_word))
        return NULL;
    text = mmusim__litmus_word(text, word, sizeof(word));
    if (!strcmp(word, "]"))
        return text;
    return strcmp(word, ",") ? NULL : operand_extend(text, operand);
}

/* "LSL #2": the number after the word, if there is one. */
static const char *operand_amount(const char *text,
                                  struct litmus_operand *operand)
{
    char word[32];
    int64_t shift;
    const char *rest = mmusim__litmus_word(text, word, sizeof(word));

    if (!operand_number(word, &shift) || shift < 0 || shift > 63)
        return text;
    operand->shift = (uint8_t) shift;
    return rest;
}

static const char *operand_read(const char *text,
                                struct litmus_operand *operand)
{
    char word[32];

    memset(operand, 0, sizeof(*operand));
    text = mmusim__litmus_word(text, word, sizeof(word));
    if (!strcmp(word, "["))
        return operand_address(text, operand);
    if (operand_register(word, &operand->reg, &operand->is_word)) {
        operand->kind = OPERAND_REGISTER;
    } else if (operand_number(word, &operand->number)) {
        operand->kind = OPERAND_NUMBER;
    } else if (isalpha((unsigned char) word[0]) || word[0] == '_' ||
               word[0] == '.') {
        operand->kind = OPERAND_WORD;
        memcpy(operand->word, word, sizeof(operand->word));
        return operand_amount(text, operand);
    } else {
        return NULL;
    }
    return text;
}

bool mmusim__litmus_operands(const char *text, struct litmus_operands *operands)
{
    char word[32];

    operands->n = 0;
    for (;;) {
        const char *rest = mmusim__litmus_word(text, word, sizeof(word));

        if (!word[0])
            return true;
        if (operands->n) {
            if (strcmp(word, ",") != 0)
                return false;
            text = rest;
        }
        if (operands->n == LITMUS_MAX_OPERANDS)
            return false;
        text = operand_read(text, &operands->at[operands->n]);
        if (!text)
            return false;
        operands->n++;
    }
}
