/* SPDX-License-Identifier: MIT */
/*
 * Reading a scenario: text with its included files in place (scenario_source),
 * tokens (scenario_lexer), names, expressions and statements turned to code,
 * and declarations. The first error stops all: the token becomes the end.
 */
#ifndef MMUSIM_SCENARIO_SCENARIO_READER_H
#define MMUSIM_SCENARIO_SCENARIO_READER_H

#include "scenario/scenario_builtin.h"
#include "scenario/scenario_program.h"

enum scenario_token_kind {
    TOKEN_END,
    TOKEN_NEWLINE,
    TOKEN_NAME,
    TOKEN_NUMBER,
    TOKEN_PUNCTUATION,
};

struct scenario_token {
    enum scenario_token_kind kind;
    char text[SCENARIO_NAME_BYTES]; /* what it is called; cut if longer */
    int32_t number;
    uint32_t line;
};

/* The locals of a procedure or of a CPU's program. */
struct scenario_scope {
    char locals[SCENARIO_REGISTERS][SCENARIO_NAME_BYTES];
    uint32_t n_locals;
};

struct scenario_reader {
    struct scenario_program *program;
    mmusim_diag_t *diag;
    mmusim_status_t status;
    const char *at, *end;
    uint32_t line;
    uint32_t depth; /* of parentheses, in which lines may end */
    struct scenario_token token;
    struct scenario_scope *scope; /* NULL: only constants */
    struct scenario_scope mains[SCENARIO_CPUS];
    uint32_t n_temporaries;
    uint32_t nesting;
    bool begins; /* the next instruction is a statement's first */
    bool has_program_line;
};

/* ---- scenario_source.c ---- */
mmusim_status_t mmusim__scenario_flatten(struct scenario_program *program,
                                         const char *file, const char *text,
                                         size_t n_bytes, const char *library,
                                         mmusim_diag_t *diag);
mmusim_status_t mmusim__scenario_read_file(const char *path, char **text,
                                           size_t *n_bytes,
                                           mmusim_diag_t *diag);

/* ---- scenario_lexer.c ---- */
void mmusim__scenario_next(struct scenario_reader *reader);
/* Notes the first error, at a line of the flat text. */
void mmusim__scenario_fail(struct scenario_reader *reader, uint32_t line,
                           const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* "expected WHAT, not TOKEN". */
void mmusim__scenario_expected(struct scenario_reader *reader,
                               const char *what);
bool mmusim__scenario_is(const struct scenario_reader *reader,
                         const char *text);
/* Takes the token if it is that. */
bool mmusim__scenario_take(struct scenario_reader *reader, const char *text);
void mmusim__scenario_need(struct scenario_reader *reader, const char *text);
/* The name that stands here goes to name; false after an error. */
bool mmusim__scenario_need_name(struct scenario_reader *reader,
                                const char *what, char *name);
void mmusim__scenario_end_line(struct scenario_reader *reader);
void mmusim__scenario_skip_lines(struct scenario_reader *reader);

/* ---- scenario_names.c ---- */
const struct scenario_name *
mmusim__scenario_find(const struct scenario_program *program, const char *text);
/* NULL after an error: the name is taken, or there are too many. */
struct scenario_name *mmusim__scenario_add(struct scenario_reader *reader,
                                           const char *text,
                                           enum scenario_name_kind kind,
                                           int32_t value);
void mmusim__scenario_unknown(struct scenario_reader *reader, const char *what,
                              const char *name);
void mmusim__scenario_add_own_names(struct scenario_reader *reader);
/* An address, declared by its first use here; < 0 after an error. */
int32_t mmusim__scenario_address(struct scenario_reader *reader,
                                 const char *name);

/* ---- scenario_expression.c ---- */
/* Code that leaves the value in the returned register. */
uint32_t mmusim__scenario_expression(struct scenario_reader *reader);
/* One without code: numbers and names. */
int32_t mmusim__scenario_constant(struct scenario_reader *reader);
struct scenario_inst *mmusim__scenario_emit(struct scenario_reader *reader,
                                            enum scenario_op op);
uint32_t mmusim__scenario_temporary(struct scenario_reader *reader);
/* Reads [i][j] and leaves the cell in the register; private: so it is. */
uint32_t mmusim__scenario_cell_of(struct scenario_reader *reader,
                                  const struct scenario_name *name,
                                  bool *is_private);
/* (a, b): the registers; returns how many. */
uint32_t mmusim__scenario_arguments(struct scenario_reader *reader,
                                    uint8_t *registers, uint32_t first);
/* A call of a builtin, a procedure or an atomic, its name just taken; the
 * register of its value. */
uint32_t mmusim__scenario_call(struct scenario_reader *reader,
                               const char *name);
bool mmusim__scenario_is_atomic(const char *name);

/* ---- scenario_statement.c ---- */
/* Statements up to the end of the line or, between braces, the block. */
void mmusim__scenario_statements(struct scenario_reader *reader);
void mmusim__scenario_block(struct scenario_reader *reader);
/* A label's number; it is made by its first use. */
int32_t mmusim__scenario_label(struct scenario_reader *reader,
                               const char *name);

/* ---- scenario_declare.c ---- */
/* true: the token began a declaration, which has been read. */
bool mmusim__scenario_declaration(struct scenario_reader *reader);

#endif
