/* SPDX-License-Identifier: MIT */
/* What the parts of the litmus reader share: see litmus_parse.c. */
#ifndef MMUSIM_LITMUS_LITMUS_READER_H
#define MMUSIM_LITMUS_LITMUS_READER_H

#include "litmus/litmus_lexer.h"
#include "litmus/litmus_test.h"

struct litmus_label {
    char name[LITMUS_NAME_BYTES];
    uint16_t thread;
    uint16_t at; /* instruction */
};

enum { LITMUS_MAX_LABELS = 128 };

struct litmus_reader {
    struct litmus_lexer lexer;
    struct litmus_test *test;
    mmusim_diag_t *diag;
    mmusim_status_t status; /* the first failure's */
    struct litmus_label labels[LITMUS_MAX_LABELS];
    uint32_t n_labels;
};

/* Says what is wrong at a line, once; always false. */
bool mmusim__litmus_fail(struct litmus_reader *reader, uint32_t line,
                         const char *what, const char *expected);
bool mmusim__litmus_refuse(struct litmus_reader *reader, uint32_t line,
                           const char *what);
/* At the present word: what was expected there. */
bool mmusim__litmus_expected(struct litmus_reader *reader,
                             const char *expected);
bool mmusim__litmus_expect(struct litmus_reader *reader, const char *word);

/* The location of a name, a new one if there is none; < 0: failed. */
int mmusim__litmus_location(struct litmus_reader *reader, const char *name);

/* A value at the present word. is_address: of a location. */
bool mmusim__litmus_value(struct litmus_reader *reader, uint64_t *value,
                          bool *is_address);

/* pte_x, PTE(x): the x, and past it; *location < 0: it is something else. */
bool mmusim__litmus_pte_name(struct litmus_reader *reader, int *location);

/* 0:X1, P0:W1: *is_register false: it is something else, nothing was read. */
bool mmusim__litmus_register(struct litmus_reader *reader, bool *is_register,
                             uint8_t *thread, uint8_t *reg, bool *is_word);

/* (oa:phy_x, af:0): behind the "(", onto the attributes that are there. */
bool mmusim__litmus_parse_descriptor(struct litmus_reader *reader,
                                     uint64_t *descriptor);
uint64_t mmusim__litmus_default_descriptor(uint32_t location);

/* The rows of code; at is behind the "}" of the initial state. Returns where
 * the condition begins, NULL: failed. */
const char *mmusim__litmus_parse_code(struct litmus_reader *reader,
                                      const char *at, const char *end,
                                      uint32_t *line);
/* locations, filter and the condition, by the lexer. */
bool mmusim__litmus_parse_condition(struct litmus_reader *reader);

#endif
