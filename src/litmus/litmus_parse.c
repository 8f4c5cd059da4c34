/* SPDX-License-Identifier: MIT */
/*
 * Reading litmus tests: the header and the initial state. The code is read by
 * litmus_code.c, the condition by litmus_condition.c. Any bytes may come; what
 * is no test ends with a line number and what would be right.
 */
#include "core/diag.h"
#include "litmus/litmus_reader.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool mmusim__litmus_fail(struct litmus_reader *reader, uint32_t line,
                         const char *what, const char *expected)
{
    if (reader->status)
        return false;
    reader->status = mmusim__diag_set(reader->diag, MMUSIM_DAMAGED,
                                      "'%.40s': expected %s", what, expected);
    mmusim__diag_at_line(reader->diag, reader->test->file, line);
    return false;
}

bool mmusim__litmus_refuse(struct litmus_reader *reader, uint32_t line,
                           const char *what)
{
    if (reader->status)
        return false;
    reader->status = mmusim__diag_set(reader->diag, MMUSIM_UNSUPPORTED,
                                      "not supported: %.100s", what);
    mmusim__diag_at_line(reader->diag, reader->test->file, line);
    return false;
}

bool mmusim__litmus_expected(struct litmus_reader *reader, const char *expected)
{
    const char *word = reader->lexer.word;

    return mmusim__litmus_fail(reader, reader->lexer.line,
                               word[0] ? word : "end of the file", expected);
}

bool mmusim__litmus_expect(struct litmus_reader *reader, const char *word)
{
    char expected[LITMUS_WORD_BYTES + 2] = "'";

    if (mmusim__litmus_accept(&reader->lexer, word))
        return true;
    strncat(expected, word, sizeof(expected) - 3);
    strncat(expected, "'", 2);
    return mmusim__litmus_expected(reader, expected);
}

/* ---- the initial state ---- */

static bool parse_is_type(const char *word)
{
    static const char *const types[] = {"int",      "int32_t",  "uint32_t",
                                        "int64_t",  "uint64_t", "intptr_t",
                                        "pteval_t", "long",     "unsigned"};

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (!strcmp(word, types[i]))
            return true;
    }
    return false;
}

static void parse_store(struct litmus_location *location, uint32_t element,
                        uint64_t value)
{
    uint32_t bytes = location->element_bytes;

    if ((element + 1) * bytes <= LITMUS_CELL_BYTES)
        memcpy(&location->data[element * bytes], &value, bytes);
}

/* x[3]={0,0,0} or x[3]: at the number. */
static bool parse_array(struct litmus_reader *reader,
                        struct litmus_location *location)
{
    struct litmus_lexer *lexer = &reader->lexer;
    uint64_t value;
    bool is_address;
    uint32_t n = 0;

    if (!lexer->is_number || lexer->number < 1 ||
        lexer->number * location->element_bytes > LITMUS_CELL_BYTES)
        return mmusim__litmus_expected(reader, "1 to 16 elements");
    mmusim__litmus_next(lexer);
    if (!mmusim__litmus_expect(reader, "]"))
        return false;
    if (!mmusim__litmus_accept(lexer, "="))
        return true;
    if (!mmusim__litmus_expect(reader, "{"))
        return false;
    do {
        if (!mmusim__litmus_value(reader, &value, &is_address))
            return false;
        parse_store(location, n++, value);
    } while (mmusim__litmus_accept(lexer, ","));
    return mmusim__litmus_expect(reader, "}");
}

/* What is left of x=1, [x]=1, int x[2]={0,1}, x: at the name. */
static bool parse_location_init(struct litmus_reader *reader, bool is_long,
                                bool in_brackets)
{
    struct litmus_lexer *lexer = &reader->lexer;
    struct litmus_location *location;
    uint64_t value;
    bool is_address;
    int index;

    if (!lexer->is_name)
        return mmusim__litmus_expected(reader, "a location or a register");
    index = mmusim__litmus_location(reader, lexer->word);
    if (index < 0)
        return false;
    location = &reader->test->locations[index];
    if (is_long)
        location->element_bytes = 8;
    mmusim__litmus_next(lexer);
    if (in_brackets && !mmusim__litmus_expect(reader, "]"))
        return false;
    if (!in_brackets && mmusim__litmus_accept(lexer, "["))
        return parse_array(reader, location);
    if (!mmusim__litmus_accept(lexer, "="))
        return true;
    if (!mmusim__litmus_value(reader, &value, &is_address))
        return false;
    if (is_address)
        location->element_bytes = 8;
    parse_store(location, 0, value);
    return true;
}

/* What is left of pte_x=(...) or [PTE(x)]=(...): at the "=". */
static bool parse_descriptor_init(struct litmus_reader *reader, int location)
{
    struct litmus_lexer *lexer = &reader->lexer;
    uint64_t *descriptor = &reader->test->locations[location].descriptor;
    bool is_address;

    if (!mmusim__litmus_expect(reader, "="))
        return false;
    if (mmusim__litmus_accept(lexer, "(")) {
        *descriptor = mmusim__litmus_default_descriptor((uint32_t) location);
        return mmusim__litmus_parse_descriptor(reader, descriptor);
    }
    return mmusim__litmus_value(reader, descriptor, &is_address);
}

static bool parse_register_init(struct litmus_reader *reader, uint8_t thread,
                                uint8_t reg, bool is_word)
{
    uint64_t value = 0;
    bool is_address;

    if (mmusim__litmus_accept(&reader->lexer, "=") &&
        !mmusim__litmus_value(reader, &value, &is_address))
        return false;
    reader->test->threads[thread].registers[reg] =
        is_word ? value & UINT32_MAX : value;
    return true;
}

static bool parse_init_one(struct litmus_reader *reader)
{
    struct litmus_lexer *lexer = &reader->lexer;
    bool is_long = false, is_register, is_word = false, in_brackets;
    uint8_t thread = 0, reg = 0;
    int location;

    while (parse_is_type(lexer->word)) {
        is_long |= strcmp(lexer->word, "int") != 0 &&
                   strcmp(lexer->word, "unsigned") != 0 &&
                   !strstr(lexer->word, "32");
        mmusim__litmus_next(lexer);
    }
    is_long |= mmusim__litmus_accept(lexer, "*");
    in_brackets = mmusim__litmus_accept(lexer, "[");
    if (!mmusim__litmus_register(reader, &is_register, &thread, &reg, &is_word))
        return false;
    if (is_register)
        return parse_register_init(reader, thread, reg, is_word);
    if (!mmusim__litmus_pte_name(reader, &location))
        return false;
    if (location < 0)
        return parse_location_init(reader, is_long, in_brackets);
    if (in_brackets && !mmusim__litmus_expect(reader, "]"))
        return false;
    return parse_descriptor_init(reader, location);
}

static bool parse_init(struct litmus_reader *reader)
{
    struct litmus_lexer *lexer = &reader->lexer;

    if (!mmusim__litmus_expect(reader, "{"))
        return false;
    while (!mmusim__litmus_is(lexer, "}")) {
        if (mmusim__litmus_accept(lexer, ";"))
            continue;
        if (!parse_init_one(reader))
            return false;
        if (!mmusim__litmus_is(lexer, "}") && !mmusim__litmus_is(lexer, ";"))
            return mmusim__litmus_expected(reader, "';' or '}'");
    }
    return true; /* behind the "}" is lexer->at */
}

/* ---- the header ---- */

static bool parse_variant(struct litmus_reader *reader, const char *word,
                          uint32_t line)
{
    static const struct {
        const char *name;
        enum litmus_handling handling;
    } handlings[] = {
        {"fatal", LITMUS_FATAL},     {"precise", LITMUS_FATAL},
        {"handled", LITMUS_HANDLED}, {"imprecise", LITMUS_HANDLED},
        {"skip", LITMUS_SKIP},       {"faultToNext", LITMUS_SKIP},
    };
    char refused[LITMUS_WORD_BYTES + 16] = "Variant=";

    for (size_t i = 0; i < sizeof(handlings) / sizeof(handlings[0]); i++) {
        if (!strcasecmp(word, handlings[i].name)) {
            reader->test->handling = handlings[i].handling;
            return true;
        }
    }
    if (!strcasecmp(word, "ets2") || !strcasecmp(word, "ets3")) {
        reader->test->has_ets2 = true;
        reader->test->has_ets3 |= word[3] == '3';
        return true;
    }
    if (!strcasecmp(word, "vmsa") || !strcasecmp(word, "kvm"))
        return true;
    strncat(refused, word, LITMUS_WORD_BYTES);
    return mmusim__litmus_refuse(reader, line, refused);
}

/* "P0:HA", "HD", "P0": of one thread or of all. */
static bool parse_per_thread(struct litmus_reader *reader, const char *key,
                             const char *word, uint32_t line)
{
    uint32_t first = 0, end = LITMUS_MAX_THREADS;
    bool is_el0 = !strcasecmp(key, "EL0");

    if (word[0] == 'P' && isdigit((unsigned char) word[1])) {
        first = (uint32_t) (word[1] - '0') % LITMUS_MAX_THREADS;
        end = first + 1;
        word += 2;
        if (*word == ':')
            word++;
    }
    for (uint32_t i = first; i < end; i++) {
        struct litmus_thread *thread = &reader->test->threads[i];

        if (is_el0 && !*word)
            thread->is_el0 = true;
        else if (!is_el0 && !strcasecmp(word, "HA"))
            thread->has_ha = true;
        else if (!is_el0 && !strcasecmp(word, "HD"))
            thread->has_ha = thread->has_hd = true; /* HD needs HA: D8.5.2 */
        else if (strcasecmp(word, "SW") != 0)
            return mmusim__litmus_fail(reader, line, word,
                                       "P0:HA, P0:HD, HA, HD or P0");
    }
    return true;
}

/* One "KEY=VALUE, VALUE" line; others are for people. */
static bool parse_header_line(struct litmus_reader *reader, char *line_text,
                              uint32_t line)
{
    char *equals = strchr(line_text, '=');
    char *rest;
    char *key = strtok_r(line_text, " \t=", &rest);
    bool is_variant, is_per_thread;

    if (!equals || !key)
        return true;
    is_variant = !strcasecmp(key, "Variant");
    is_per_thread = !strcasecmp(key, "TTHM") || !strcasecmp(key, "EL0");
    if (!is_variant && !is_per_thread)
        return true;
    for (char *word = strtok_r(NULL, " \t\r,=", &rest); word;
         word = strtok_r(NULL, " \t\r,=", &rest)) {
        if (is_variant ? !parse_variant(reader, word, line)
                       : !parse_per_thread(reader, key, word, line))
            return false;
    }
    return true;
}

/* Up to the "{"; returns its place, NULL: failed. */
static const char *parse_header(struct litmus_reader *reader, const char *text,
                                const char *end, uint32_t *line)
{
    char line_text[256];
    const char *at = text;

    for (*line = 1; at < end; ++*line) {
        const char *newline = memchr(at, '\n', (size_t) (end - at));
        size_t length = (size_t) ((newline ? newline : end) - at);
        const char *blanks = at;

        while (blanks < at + length && isspace((unsigned char) *blanks))
            blanks++;
        if (blanks < at + length && *blanks == '{')
            return blanks;
        if (length >= sizeof(line_text))
            length = sizeof(line_text) - 1;
        memcpy(line_text, at, length);
        line_text[length] = 0;
        if (*line > 1 && !parse_header_line(reader, line_text, *line))
            return NULL;
        at = newline ? newline + 1 : end;
    }
    mmusim__litmus_fail(reader, *line, "end of the file",
                        "'{' and the initial state");
    return NULL;
}

static bool parse_first_line(struct litmus_reader *reader, const char *text)
{
    char word[16] = "";
    size_t n = strcspn(text, " \t\r\n");
    size_t length;

    memcpy(word, text, n < sizeof(word) - 1 ? n : sizeof(word) - 1);
    if (strcmp(word, "AArch64") != 0)
        return mmusim__litmus_fail(reader, 1, word, "AArch64 and a name");
    text += n;
    text += strspn(text, " \t");
    length = strcspn(text, " \t\r\n");
    if (!length || length >= sizeof(reader->test->name))
        return mmusim__litmus_fail(reader, 1, "", "the name of the test");
    memcpy(reader->test->name, text, length);
    return true;
}

static mmusim_status_t parse_text(struct litmus_reader *reader, char *text,
                                  size_t n_bytes)
{
    uint32_t line = 0;
    const char *end = text + n_bytes;
    const char *at;

    if (!parse_first_line(reader, text))
        return reader->status;
    at = parse_header(reader, text, end, &line);
    if (!at)
        return reader->status;
    mmusim__litmus_lexer_init(&reader->lexer, at, end, line);
    if (!parse_init(reader))
        return reader->status;
    line = reader->lexer.line;
    at = mmusim__litmus_parse_code(reader, reader->lexer.at, end, &line);
    if (!at)
        return reader->status;
    mmusim__litmus_lexer_init(&reader->lexer, at, end, line);
    mmusim__litmus_parse_condition(reader);
    return reader->status;
}

mmusim_status_t mmusim__litmus_parse(const char *file, const char *text,
                                     size_t n_bytes, struct litmus_test *test,
                                     mmusim_diag_t *diag)
{
    struct litmus_reader *reader = calloc(1, sizeof(*reader));
    char *copy = malloc(n_bytes + 1);
    mmusim_status_t status = MMUSIM_NOMEM;
    uint32_t line = 1;

    memset(test, 0, sizeof(*test));
    strncat(test->file, file, sizeof(test->file) - 1);
    if (!reader || !copy) {
        mmusim__diag_set(diag, status, "%s", mmusim_strerror(status));
        goto done;
    }
    reader->test = test;
    reader->diag = diag;
    memcpy(copy, text, n_bytes);
    copy[n_bytes] = 0;
    for (size_t i = 0; i < n_bytes; i++) {
        if (!copy[i])
            copy[i] = '?'; /* no text has it */
    }
    if (mmusim__litmus_strip_comments(copy, n_bytes, &line))
        status = parse_text(reader, copy, n_bytes);
    else
        mmusim__litmus_fail(reader, line, "(*", "its end, '*)'");
    status = reader->status;
done:
    free(copy);
    free(reader);
    return status;
}
