/* SPDX-License-Identifier: MIT */
/* Reading litmus tests: locations, registers and values. */
#include "litmus/litmus_reader.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* ---- locations and values ---- */

/* Arm's page descriptor with herd's default attributes: valid, accessed,
 * writable, EL0 may use it, Normal memory, inner shareable. */
uint64_t mmusim__litmus_default_descriptor(uint32_t location)
{
    return (LITMUS_FRAME + location) << 12 | LITMUS_PTE_VALID |
           LITMUS_PTE_PAGE | LITMUS_PTE_AF | LITMUS_PTE_EL0 |
           LITMUS_PTE_SH_INNER | LITMUS_PTE_NG;
}

int mmusim__litmus_location(struct litmus_reader *reader, const char *name)
{
    struct litmus_test *test = reader->test;
    struct litmus_location *location;

    for (uint32_t i = 0; i < test->n_locations; i++) {
        if (!strcmp(test->locations[i].name, name))
            return (int) i;
    }
    if (test->n_locations == LITMUS_MAX_LOCATIONS ||
        strlen(name) >= LITMUS_NAME_BYTES) {
        mmusim__litmus_refuse(reader, reader->lexer.line,
                              "more than 32 locations, or a longer name");
        return -1;
    }
    location = &test->locations[test->n_locations];
    memcpy(location->name, name, strlen(name) + 1);
    location->descriptor = mmusim__litmus_default_descriptor(test->n_locations);
    location->element_bytes = 4;
    return (int) test->n_locations++;
}

/* NAME within parentheses: the "(" is the present word. */
static int value_in_parentheses(struct litmus_reader *reader)
{
    int location = -1;

    if (!mmusim__litmus_expect(reader, "("))
        return -1;
    if (!reader->lexer.is_name) {
        mmusim__litmus_expected(reader, "a location");
        return -1;
    }
    location = mmusim__litmus_location(reader, reader->lexer.word);
    mmusim__litmus_next(&reader->lexer);
    if (!mmusim__litmus_expect(reader, ")"))
        return -1;
    return location;
}

bool mmusim__litmus_pte_name(struct litmus_reader *reader, int *location)
{
    struct litmus_lexer *lexer = &reader->lexer;

    *location = -1;
    if (mmusim__litmus_accept(lexer, "PTE") ||
        mmusim__litmus_accept(lexer, "TTD")) {
        *location = value_in_parentheses(reader);
        return *location >= 0;
    }
    if ((strncmp(lexer->word, "pte_", 4) != 0 &&
         strncmp(lexer->word, "ttd_", 4) != 0) ||
        !lexer->word[4])
        return true;
    *location = mmusim__litmus_location(reader, lexer->word + 4);
    mmusim__litmus_next(lexer);
    return *location >= 0;
}

/* PA(x), phy_x: its frame. */
static bool value_frame(struct litmus_reader *reader, uint64_t *frame)
{
    struct litmus_lexer *lexer = &reader->lexer;
    int location = -1;

    if (mmusim__litmus_accept(lexer, "PA")) {
        location = value_in_parentheses(reader);
    } else if (!strncmp(lexer->word, "phy_", 4) && lexer->word[4]) {
        location = mmusim__litmus_location(reader, lexer->word + 4);
        mmusim__litmus_next(lexer);
    } else {
        return mmusim__litmus_expected(reader, "PA(x) or phy_x");
    }
    *frame = LITMUS_FRAME + (uint64_t) (uint32_t) location;
    return location >= 0;
}

/* attrs:(Normal,iNC,oNC): only told apart. */
static bool value_memory_type(struct litmus_reader *reader,
                              uint64_t *descriptor)
{
    struct litmus_lexer *lexer = &reader->lexer;
    uint64_t index = 0;

    if (!mmusim__litmus_expect(reader, "("))
        return false;
    while (lexer->word[0] && !mmusim__litmus_is(lexer, ")")) {
        if (mmusim__litmus_is(lexer, "Device"))
            index |= 4;
        else if (mmusim__litmus_is(lexer, "iNC") ||
                 mmusim__litmus_is(lexer, "nGRE"))
            index |= 1;
        else if (mmusim__litmus_is(lexer, "oNC") ||
                 mmusim__litmus_is(lexer, "GRE"))
            index |= 2;
        mmusim__litmus_next(lexer);
    }
    *descriptor |= index << LITMUS_PTE_ATTR_SHIFT;
    return mmusim__litmus_expect(reader, ")");
}

static void value_set_bit(uint64_t *word, uint64_t bit, bool is_set)
{
    *word = is_set ? *word | bit : *word & ~bit;
}

static bool value_attribute(struct litmus_reader *reader, uint64_t *descriptor)
{
    struct litmus_lexer *lexer = &reader->lexer;
    char name[LITMUS_WORD_BYTES];
    uint32_t line = lexer->line;
    uint64_t frame;

    memcpy(name, lexer->word, sizeof(name));
    mmusim__litmus_next(lexer);
    if (!mmusim__litmus_expect(reader, ":"))
        return false;
    if (!strcmp(name, "oa")) {
        if (!value_frame(reader, &frame))
            return false;
        *descriptor = (*descriptor & ~LITMUS_PTE_FRAME) | frame << 12;
        return true;
    }
    if (!strcmp(name, "attrs"))
        return value_memory_type(reader, descriptor);
    if (!lexer->is_number || lexer->number < 0 || lexer->number > 1)
        return mmusim__litmus_expected(reader, "0 or 1");
    if (!strcmp(name, "valid"))
        value_set_bit(descriptor, LITMUS_PTE_VALID, lexer->number);
    else if (!strcmp(name, "af"))
        value_set_bit(descriptor, LITMUS_PTE_AF, lexer->number);
    else if (!strcmp(name, "db"))
        value_set_bit(descriptor, LITMUS_PTE_READ_ONLY, !lexer->number);
    else if (!strcmp(name, "dbm"))
        value_set_bit(descriptor, LITMUS_PTE_DBM, lexer->number);
    else if (!strcmp(name, "el0"))
        value_set_bit(descriptor, LITMUS_PTE_EL0, lexer->number);
    else
        return mmusim__litmus_fail(reader, line, name,
                                   "oa, valid, af, db, dbm, el0 or attrs");
    mmusim__litmus_next(lexer);
    return true;
}

/* (oa:phy_x, af:0): behind the "(". Without oa: frame 0 (herd has none). */
bool mmusim__litmus_parse_descriptor(struct litmus_reader *reader,
                                     uint64_t *descriptor)
{
    do {
        if (!value_attribute(reader, descriptor))
            return false;
    } while (mmusim__litmus_accept(&reader->lexer, ","));
    return mmusim__litmus_expect(reader, ")");
}

/* label:"P1:L0": at the first ":". */
static bool value_label_value(struct litmus_reader *reader, uint64_t *value)
{
    struct litmus_lexer *lexer = &reader->lexer;
    uint16_t thread;

    if (!mmusim__litmus_expect(reader, ":") ||
        !mmusim__litmus_expect(reader, "\""))
        return false;
    thread = (uint16_t) (lexer->word[0] && lexer->word[1] ? lexer->word[1] - '0'
                                                          : 0);
    mmusim__litmus_next(lexer);
    if (!mmusim__litmus_expect(reader, ":"))
        return false;
    for (uint32_t i = 0; i < reader->n_labels; i++) {
        const struct litmus_label *label = &reader->labels[i];

        if (label->thread == thread && !strcmp(label->name, lexer->word)) {
            *value = litmus_code_address(thread, label->at);
            mmusim__litmus_next(lexer);
            return mmusim__litmus_expect(reader, "\"");
        }
    }
    if (!reader->n_labels)
        return mmusim__litmus_refuse(reader, lexer->line,
                                     "labels in the initial state");
    return mmusim__litmus_expected(reader, "a label of the thread");
}

static bool value_name_value(struct litmus_reader *reader, uint64_t *value,
                             bool *is_address)
{
    int location;

    if (!strncmp(reader->lexer.word, "phy_", 4) ||
        mmusim__litmus_is(&reader->lexer, "PA")) {
        if (!value_frame(reader, value))
            return false;
        *value <<= 12;
        return true;
    }
    if (mmusim__litmus_accept(&reader->lexer, "label"))
        return value_label_value(reader, value);
    if (!mmusim__litmus_pte_name(reader, &location))
        return false;
    *is_address = true;
    if (location >= 0) {
        *value = LITMUS_PTE_VADDR + 8 * (uint64_t) (uint32_t) location;
        return true;
    }
    location = mmusim__litmus_location(reader, reader->lexer.word);
    if (location < 0)
        return false;
    *value = LITMUS_VADDR + ((uint64_t) (uint32_t) location << 12);
    mmusim__litmus_next(&reader->lexer);
    if (mmusim__litmus_is(&reader->lexer, ":"))
        return mmusim__litmus_refuse(reader, reader->lexer.line,
                                     "tagged addresses");
    return true;
}

bool mmusim__litmus_value(struct litmus_reader *reader, uint64_t *value,
                          bool *is_address)
{
    struct litmus_lexer *lexer = &reader->lexer;

    *is_address = false;
    if (lexer->is_number) {
        *value = (uint64_t) lexer->number;
        mmusim__litmus_next(lexer);
        return true;
    }
    if (mmusim__litmus_accept(lexer, "(")) {
        *value = mmusim__litmus_default_descriptor(0) & ~LITMUS_PTE_FRAME;
        return mmusim__litmus_parse_descriptor(reader, value);
    }
    mmusim__litmus_accept(lexer, "&");
    if (lexer->is_name)
        return value_name_value(reader, value, is_address);
    return mmusim__litmus_expected(reader, "a number, a location or (oa:...)");
}

/* ---- registers ---- */

static bool value_register_name(const char *word, uint8_t *reg, bool *is_word)
{
    char *end;
    unsigned long number;

    if (!word[0] || !strchr("XxWw", word[0]) ||
        !isdigit((unsigned char) word[1]))
        return false;
    number = strtoul(word + 1, &end, 10);
    if (*end || number > 30)
        return false;
    *is_word = toupper((unsigned char) word[0]) == 'W';
    *reg = (uint8_t) number;
    return true;
}

/* "0" or "P0" in front of ":"; false: neither. */
static bool value_thread_name(const struct litmus_lexer *lexer,
                              uint64_t *thread)
{
    const char *digits = lexer->word;
    char *end;

    if (*digits == 'P' || *digits == 'p')
        digits++;
    if (!isdigit((unsigned char) *digits))
        return false;
    *thread = strtoul(digits, &end, 10);
    return !*end;
}

bool mmusim__litmus_register(struct litmus_reader *reader, bool *is_register,
                             uint8_t *thread, uint8_t *reg, bool *is_word)
{
    struct litmus_lexer *lexer = &reader->lexer;
    uint64_t number;

    *is_register = value_thread_name(lexer, &number) &&
                   lexer->at < lexer->end && *lexer->at == ':';
    if (!*is_register)
        return true;
    if (number >= LITMUS_MAX_THREADS)
        return mmusim__litmus_refuse(reader, lexer->line,
                                     "more than 8 threads");
    *thread = (uint8_t) number;
    mmusim__litmus_next(lexer);
    mmusim__litmus_next(lexer);
    if (!value_register_name(lexer->word, reg, is_word))
        return mmusim__litmus_refuse(reader, lexer->line,
                                     "a register that is not X0-X30 or W0-W30");
    mmusim__litmus_next(lexer);
    return true;
}
