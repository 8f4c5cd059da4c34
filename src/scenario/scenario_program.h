/* SPDX-License-Identifier: MIT */
/*
 * A scenario after reading: the names it declares, procedures and programs as
 * code of a small register machine, the initial state, and what is expected.
 *
 * Glossary. A cell is a word of memory that CPUs share: a kernel variable, an
 * entry of the last-level page tables (a leaf word), or an entry of the level
 * above (an upper word), which points to a table. A region is the part of an
 * address space that one upper word maps. A word's value is its flags and,
 * from bit 16 on, the number of the page or table it points to.
 */
#ifndef MMUSIM_SCENARIO_SCENARIO_PROGRAM_H
#define MMUSIM_SCENARIO_SCENARIO_PROGRAM_H

#include "mmusim/status.h"

enum {
    SCENARIO_CPUS = 4,
    SCENARIO_MMS = 5, /* with init_mm, number 0, which maps nothing */
    SCENARIO_REGIONS = 4,
    SCENARIO_TABLES = 8, /* number 0 is none */
    SCENARIO_TABLE_WORDS = 4,
    SCENARIO_PAGES = 16, /* number 0 is none */
    SCENARIO_ADDRESSES = 12,
    SCENARIO_VARIABLE_CELLS = 192,
    SCENARIO_LEAF_CELLS = SCENARIO_TABLES * SCENARIO_TABLE_WORDS,
    SCENARIO_UPPER_CELLS = SCENARIO_MMS * SCENARIO_REGIONS,
    SCENARIO_FIRST_LEAF = SCENARIO_VARIABLE_CELLS,
    SCENARIO_FIRST_UPPER = SCENARIO_FIRST_LEAF + SCENARIO_LEAF_CELLS,
    SCENARIO_CELLS = SCENARIO_FIRST_UPPER + SCENARIO_UPPER_CELLS,
    SCENARIO_VARIABLES = 64,
    SCENARIO_PROCS = 96,
    SCENARIO_NAMES = 400,
    SCENARIO_CODE = 6000,
    SCENARIO_LINES = 200,
    SCENARIO_REGISTERS = 24, /* of one procedure: locals and temporaries */
    SCENARIO_ARGUMENTS = 6,
    SCENARIO_NAME_BYTES = 40,
    SCENARIO_ALL = -1, /* every address, every address space */
};

enum scenario_word_bit {
    WORD_PRESENT = 1,
    WORD_WRITE = 2,
    WORD_DIRTY = 4,
    WORD_ACCESSED = 8,
    WORD_GLOBAL = 16,
    WORD_TABLE = 32,
    WORD_HUGE = 64,
    WORD_EXEC = 128,
    WORD_FLAGS = 0xffff,
    WORD_SHIFT = 16,
};

/* name in scenarios, name of the verdict in reports: design of the checker. */
#define SCENARIO_VERDICT_MAP(X)                                                \
    X(CLEAN, "clean")                                                          \
    X(STALE_AFTER_COMPLETE, "STALE_AFTER_COMPLETE")                            \
    X(STALE_PERM, "STALE_PERM")                                                \
    X(UAF_PAGE, "UAF_PAGE")                                                    \
    X(UAF_TABLE, "UAF_TABLE")                                                  \
    X(LOST_DIRTY, "LOST_DIRTY")                                                \
    X(WRONG_ASID, "WRONG_ASID")                                                \
    X(GLOBAL_LEAK, "GLOBAL_LEAK")                                              \
    X(OVERLAP, "OVERLAP")                                                      \
    X(SW_WALK, "SW_WALK")                                                      \
    X(ORDER, "ORDER")                                                          \
    X(STUCK, "STUCK") /* no CPU can go on */

enum scenario_verdict {
#define SCENARIO_VERDICT_ENUM(name, text) VERDICT_##name,
    SCENARIO_VERDICT_MAP(SCENARIO_VERDICT_ENUM)
#undef SCENARIO_VERDICT_ENUM
        SCENARIO_VERDICTS
};

/* How a value is printed. */
enum scenario_type {
    TYPE_NUMBER,
    TYPE_MM,
    TYPE_CPU,
    TYPE_CPUS,
    TYPE_ADDRESS,
    TYPE_PAGE,
    TYPE_TABLE,
    TYPE_WORD,
};

enum scenario_arch { ARCH_X86, ARCH_ARM, ARCH_RISCV };

enum scenario_name_kind {
    NAME_NUMBER,
    NAME_DEFAULT, /* a number that a const above it replaces */
    NAME_MM,
    NAME_PAGE,
    NAME_TABLE,
    NAME_ADDRESS,
    NAME_VARIABLE,
    NAME_PROC,
};

struct scenario_name {
    char text[SCENARIO_NAME_BYTES];
    enum scenario_name_kind kind;
    int32_t value; /* or index */
};

struct scenario_variable {
    uint32_t name;
    uint32_t first_cell;
    uint32_t n_dims;
    uint32_t size[2];
    enum scenario_type index_type[2];
    enum scenario_type type;
    bool is_private; /* only the CPU of its first index uses it */
};

enum scenario_op {
    OP_END,
    /* within a CPU: no step of their own */
    OP_CONST,  /* to = imm */
    OP_MOVE,   /* to = args[0] */
    OP_BINARY, /* to = args[0] sub args[1] */
    OP_NOT,    /* to = !args[0] */
    OP_INVERT, /* to = ~args[0] */
    OP_JUMP,   /* to imm */
    OP_JUMP_ZERO,
    OP_CALL, /* procedure imm */
    OP_RETURN,
    OP_LABEL,
    OP_ATOMIC_BEGIN,
    OP_ATOMIC_END,
    OP_LINE,    /* the end of a line, imm: where the CPU's next one begins */
    OP_ADDRESS, /* to = the cell of variable imm at args */
    OP_LOAD_PRIVATE,
    OP_STORE_PRIVATE,
    OP_INSIDE, /* a builtin, imm, that is no step */
    /* steps */
    OP_LOAD,        /* to = [args[0]] */
    OP_STORE,       /* [args[0]] = args[1] */
    OP_READ_MODIFY, /* to = [args[0]], and it becomes what sub says */
    OP_LOCK,
    OP_UNLOCK,
    OP_AWAIT, /* up to imm; args[0]: has to become true */
    OP_IPI,   /* procedure imm, args[0]: CPUs */
    OP_BUILTIN,
};

enum scenario_binary {
    BINARY_ADD,
    BINARY_SUB,
    BINARY_MUL,
    BINARY_AND,
    BINARY_OR,
    BINARY_XOR,
    BINARY_SHL,
    BINARY_SHR,
    BINARY_EQ,
    BINARY_NE,
    BINARY_LT,
    BINARY_LE,
    BINARY_GT,
    BINARY_GE,
};

enum scenario_modify {
    MODIFY_ADD,
    MODIFY_OR,
    MODIFY_AND,
    MODIFY_EXCHANGE,
    MODIFY_COMPARE_EXCHANGE,
    MODIFY_RELAXED = 8, /* flag: no barrier where the ISA has such a form */
};

struct scenario_inst {
    uint8_t op;
    uint8_t sub;
    uint8_t to;
    uint8_t n_args;
    uint8_t args[SCENARIO_ARGUMENTS];
    uint8_t begins;     /* the first of a statement */
    uint8_t is_release; /* of OP_STORE */
    int32_t imm;
    uint32_t line; /* of the flat text */
};

struct scenario_proc {
    uint32_t name;
    uint32_t n_params;
    uint32_t n_locals;
    uint32_t first_inst, end_inst;
};

/* Lines that are no code: what hardware does while the written order runs. */
enum scenario_special {
    SPECIAL_NONE,
    SPECIAL_CONTINUE,
    SPECIAL_HOLD,    /* stores stay in the buffer */
    SPECIAL_DRAIN,   /* they become visible, count of them or (0) all */
    SPECIAL_DEFER,   /* interrupts and broadcasts are late */
    SPECIAL_DELIVER, /* they come now */
};

/* `CPU: statements` in the order in which they are written. */
struct scenario_line {
    uint8_t cpu;
    uint8_t is_setup;
    uint8_t special, count;
    uint32_t first_inst, end_inst;
    int32_t until; /* a label's number, or < 0 */
    uint32_t line;
};

enum scenario_move_kind {
    MOVE_STEP,   /* the CPU's next step */
    MOVE_DRAIN,  /* store number arg of its buffer becomes visible */
    MOVE_IPI,    /* it takes the interrupt that CPU arg sent */
    MOVE_FILL,   /* it fills its TLB with address arg, unasked */
    MOVE_ARRIVE, /* broadcast number arg2 of CPU arg acts on it */
    MOVE_KINDS
};

struct scenario_move {
    uint8_t kind, cpu, arg, arg2;
};

/* An initial mapping, to look words up by. */
struct scenario_map {
    uint8_t table[SCENARIO_MMS][SCENARIO_REGIONS]; /* 0: none */
    uint8_t region[SCENARIO_ADDRESSES];
    uint8_t index[SCENARIO_ADDRESSES];
    bool has_region[SCENARIO_ADDRESSES];
    uint8_t n_indices[SCENARIO_REGIONS];
};

struct scenario_expectation {
    bool is_given;
    uint32_t allowed; /* bits of verdicts */
    uint32_t line;
};

struct scenario_program {
    enum scenario_arch arch;
    uint32_t n_cpus;
    struct scenario_name names[SCENARIO_NAMES];
    uint32_t n_names;
    uint32_t n_mms, n_pages, n_tables, n_addresses, n_regions, n_labels;
    struct scenario_variable variables[SCENARIO_VARIABLES];
    uint32_t n_variables, n_cells;
    struct scenario_proc procs[SCENARIO_PROCS];
    uint32_t n_procs;
    struct scenario_inst code[SCENARIO_CODE];
    uint32_t n_code;
    uint32_t entry[SCENARIO_CPUS]; /* where each CPU begins */
    struct scenario_line lines[SCENARIO_LINES];
    uint32_t n_lines;
    int32_t initial[SCENARIO_CELLS];
    struct scenario_map map;
    int32_t page_number[SCENARIO_ADDRESSES];
    int32_t data[SCENARIO_PAGES];
    uint8_t root[SCENARIO_CPUS], asid[SCENARIO_CPUS];
    uint16_t speculates[SCENARIO_CPUS]; /* bits of addresses */
    struct scenario_expectation expect_run, expect_explore;
    struct scenario_move *moves; /* `schedule`, in a replay file */
    uint32_t n_moves;
    bool has_schedule;
    /* the text with included files in place; its lines' files and numbers */
    char *text;
    size_t n_bytes;
    struct scenario_source {
        uint32_t file, line;
    } * sources;
    uint32_t n_sources;
    char files[16][256];
    uint32_t n_files;
};

const char *mmusim__scenario_verdict_name(enum scenario_verdict verdict);

/* The folder of included files may be NULL. Takes nothing; on success the
 * program is the caller's to destroy. */
mmusim_status_t mmusim__scenario_parse(const char *file, const char *text,
                                       size_t n_bytes, const char *library,
                                       struct scenario_program **program,
                                       mmusim_diag_t *diag);
void mmusim__scenario_program_destroy(struct scenario_program *program);

/* Where a line of the flat text comes from; "" and 0 if nowhere. */
const char *mmusim__scenario_source(const struct scenario_program *program,
                                    uint32_t flat_line, uint32_t *line);
/* The text of a line of the flat text without blanks at its ends. */
size_t mmusim__scenario_line_text(const struct scenario_program *program,
                                  uint32_t flat_line, char *text, size_t size);

#endif
