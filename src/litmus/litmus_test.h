/* SPDX-License-Identifier: MIT */
/*
 * A litmus test in herd's format, AArch64 with page tables, as the reader
 * (litmus_parse.c) leaves it for the machine (litmus_run.c).
 *
 * Every value is a 64-bit number: the virtual address of a location, that of
 * its leaf descriptor (pte_x), a descriptor, or an integer. The addresses are
 * such that a value tells what it is (litmus_print.c).
 *
 * Format: herdtools7, doc/herd.tex and lib/LexSplit, AArch64Parser (commit
 * 5feffe4e8); attribute defaults: lib/AArch64PteVal.ml.
 */
#ifndef MMUSIM_LITMUS_LITMUS_TEST_H
#define MMUSIM_LITMUS_LITMUS_TEST_H

#include "core/types.h"
#include "litmus/litmus_instr.h"
#include "mmusim/status.h"

enum {
    LITMUS_MAX_THREADS = 8,
    LITMUS_MAX_CODE = 96, /* instructions of a thread and its handler */
    LITMUS_MAX_LOCATIONS = 32,
    LITMUS_MAX_INITS = 256,
    LITMUS_MAX_CONDITION = 256, /* nodes */
    LITMUS_MAX_OBSERVED = 32,
    LITMUS_NAME_BYTES = 32,
    LITMUS_CELL_BYTES = 128, /* of one location's data */
};

/* Where things lie: guesses that only must not collide, also not when a TLBI
 * is given an address that was not shifted. */
#define LITMUS_VADDR      UINT64_C(0x40000000) /* location i: + i pages */
#define LITMUS_PTE_VADDR  UINT64_C(0x50000000) /* descriptor i: + 8 i */
#define LITMUS_CODE_VADDR UINT64_C(0x60000000) /* thread i: + 64K i */
#define LITMUS_FRAME      UINT64_C(0x80000)    /* location i: + i */

/* Armv8-A stage 1 page descriptor, Arm ARM D8.3.1.2, D8.5. */
#define LITMUS_PTE_VALID      (UINT64_C(1) << 0)
#define LITMUS_PTE_PAGE       (UINT64_C(1) << 1)
#define LITMUS_PTE_ATTR_SHIFT 2
#define LITMUS_PTE_EL0        (UINT64_C(1) << 6) /* AP[1] */
#define LITMUS_PTE_READ_ONLY                                                   \
    (UINT64_C(1) << 7) /* AP[2]; herd: db is its not                           \
                        */
#define LITMUS_PTE_SH_INNER (UINT64_C(3) << 8)
#define LITMUS_PTE_AF       (UINT64_C(1) << 10)
#define LITMUS_PTE_NG       (UINT64_C(1) << 11)
#define LITMUS_PTE_DBM      (UINT64_C(1) << 51)
#define LITMUS_PTE_FRAME    UINT64_C(0x0000fffffffff000)

/* Of an instruction, for ADR and ELR_EL1. */
static inline uint64_t litmus_code_address(uint32_t thread, uint32_t pc)
{
    return LITMUS_CODE_VADDR + (uint64_t) thread * 65536 + pc * UINT64_C(4);
}

struct litmus_location {
    char name[LITMUS_NAME_BYTES];
    uint64_t descriptor; /* at the start */
    uint8_t data[LITMUS_CELL_BYTES];
    uint8_t element_bytes; /* 4 or 8: what a condition on it compares */
};

enum litmus_fault {
    LITMUS_NO_FAULT,
    LITMUS_FAULT_TRANSLATION,
    LITMUS_FAULT_ACCESS_FLAG,
    LITMUS_FAULT_PERMISSION,
};

/* What a thread does after a fault without a handler of its own. */
enum litmus_handling {
    LITMUS_FATAL,   /* it ends (herd: fatal, precise) */
    LITMUS_HANDLED, /* the instruction again (handled, imprecise) */
    LITMUS_SKIP,    /* the next instruction (skip, faultToNext) */
};

struct litmus_thread {
    struct litmus_instr code[LITMUS_MAX_CODE];
    uint32_t n_main; /* its own instructions */
    uint32_t n_code; /* and those of its fault handler, which follow */
    uint64_t registers[LITMUS_N_REGISTERS];
    bool is_el0;
    bool has_ha, has_hd; /* hardware sets the access flag; the dirty state */
};

/* What a condition or a location list looks at. */
enum litmus_atom_kind {
    LITMUS_ATOM_REGISTER,
    LITMUS_ATOM_MEMORY,
    LITMUS_ATOM_DESCRIPTOR,
    LITMUS_ATOM_FAULT,
};

struct litmus_atom {
    enum litmus_atom_kind kind;
    uint8_t thread;
    uint8_t reg;
    bool is_word; /* Wn */
    uint16_t location;
    uint16_t offset; /* bytes, of an array element */
    /* Of a fault: label and location may be any. */
    bool has_label, has_location;
    bool is_of_descriptor; /* the fault's location is PTE(x) */
    uint16_t label;        /* index of the instruction in the thread */
    char label_name[LITMUS_NAME_BYTES];
    enum litmus_fault fault; /* LITMUS_NO_FAULT: any */
};

enum litmus_node_kind {
    LITMUS_NODE_TRUE,
    LITMUS_NODE_EQUAL, /* atom (index a) = value */
    LITMUS_NODE_FAULT, /* atom (index a) */
    LITMUS_NODE_NOT,
    LITMUS_NODE_AND,
    LITMUS_NODE_OR,
};

struct litmus_node {
    enum litmus_node_kind kind;
    uint16_t a, b;
    uint64_t value;
    bool is_unequal;
};

enum litmus_quantifier { LITMUS_EXISTS, LITMUS_NOT_EXISTS, LITMUS_FORALL };

struct litmus_test {
    char name[128];
    char file[256];
    uint32_t n_threads;
    struct litmus_thread threads[LITMUS_MAX_THREADS];
    uint32_t n_locations;
    struct litmus_location locations[LITMUS_MAX_LOCATIONS];
    enum litmus_handling handling;
    bool has_ets2, has_ets3;

    enum litmus_quantifier quantifier;
    struct litmus_node nodes[LITMUS_MAX_CONDITION];
    uint32_t n_nodes;
    uint16_t root;
    bool has_filter;
    uint16_t filter;
    struct litmus_atom atoms[LITMUS_MAX_OBSERVED]; /* each once */
    uint32_t n_atoms;
};

/* Reads a test; text need not end with 0. Status DAMAGED: not a test of this
 * format; UNSUPPORTED: one that this machine does not run; diag says what and
 * where. */
mmusim_status_t mmusim__litmus_parse(const char *file, const char *text,
                                     size_t n_bytes, struct litmus_test *test,
                                     mmusim_diag_t *diag);

/* The value of each atom at the end of a run. */
bool mmusim__litmus_holds(const struct litmus_test *test, uint16_t node,
                          const uint64_t *values);

/* The atom's and the value's text as herd prints them: "1:X2=(oa:phy_x)". */
void mmusim__litmus_print_atom(const struct litmus_test *test,
                               const struct litmus_atom *atom, uint64_t value,
                               char *text, size_t size_bytes);

#endif
