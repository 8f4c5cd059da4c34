/* SPDX-License-Identifier: MIT */
/*
 * The conformance matrix: what every invalidate instruction does to every kind
 * of cached translation.
 *
 * The expected side (rules_<arch>.c) is written from the manuals a second
 * time: it reads raw operand registers and the issuer's state, and knows
 * translations as the manuals speak of them. It knows nothing of the
 * simulator's instruction table, its requests, its keys or its arrays. The
 * bench (conform_bench.c) makes the translations by walks, issues the
 * instruction as the machine does, and looks what is left.
 */
#ifndef MMUSIM_TESTS_CONFORMANCE_CONFORM_H
#define MMUSIM_TESTS_CONFORMANCE_CONFORM_H

#include "coherence/inval_instruction.h"
#include "tlb/pt_format.h"

enum conform_verdict {
    KEPT,    /* the manual does not name it, and what it does not name stays */
    DROPPED, /* the manual demands it */
    EITHER,  /* the manual leaves it open; the bench counts what is done */
};

enum conform_kind { LEAF, POINTER };

enum conform_place { ISSUER, INNER, OUTER, PLACES };

/* A cached translation, as a manual would describe it. */
struct conform_entry {
    enum conform_kind kind;
    struct tlb_context context; /* regime STAGE2: by guest-physical address */
    bool is_global;
    /* 4 KiB pages: of the page as the tables have it, however small the pieces
     * that a TLB holds; of all that a pointer leads to. */
    uint64_t first, n_pages;
    uint32_t level;  /* of the leaf, as pt_format.levels: 0 is the smallest */
    bool has_pieces; /* a TLB here may hold the page in pieces */
    enum conform_place place;
};

/* What is named: an address inside the page under test. */
struct conform_target {
    uint64_t vaddr;
    uint64_t gpaddr; /* what it translates to in the guest */
    uint32_t order;  /* of the page */
    uint32_t level;
    const struct pt_format *format;
};

struct conform_case {
    const char *name; /* as the table is asked for it */
    const char *note; /* of the variant */
    struct inval_operands operands;
    struct inval_issuer issuer;
    enum inval_outcome outcome;
    bool is_remote; /* RAR: acts on the target alone, by a message */
    uint64_t target_cr3;
    uint16_t target_asid;
};

struct conform_list {
    struct conform_case *cases;
    size_t n, capacity;
};

enum { CONFORM_MAX_CONTEXTS = 8 };

struct conform_machine {
    const char *name;
    enum inval_isa isa;
    struct pt_options format;
    struct pt_options stage2; /* isa NULL: no guest */
    bool has_contexts;        /* VMs and regimes; else ASIDs alone */
    struct tlb_context contexts[CONFORM_MAX_CONTEXTS]; /* [0]: the issuer's */
    uint32_t n_contexts;
    void (*add_cases)(const struct conform_machine *machine,
                      const struct conform_target *target,
                      struct conform_list *list);
    enum conform_verdict (*rule)(const struct conform_case *c,
                                 const struct conform_entry *entry,
                                 const struct conform_target *target);
};

struct conform_counts {
    uint64_t machines, instructions;
    uint64_t leaves, pointers, stage2, look_ups, walks;
    uint64_t kept, dropped;
    uint64_t either_kept, either_dropped;
    uint64_t wrong;
};

static inline uint64_t conform_cells(const struct conform_counts *counts)
{
    return counts->leaves + counts->pointers + counts->stage2 +
           counts->look_ups + counts->walks;
}

/* A zeroed case at the list's end, with the machine's issuer. */
struct conform_case *conform_add(struct conform_list *list,
                                 const struct conform_machine *machine,
                                 const char *name, const char *note);

/* Is one of the pages [first, first + n) in the entry? 4 KiB units. */
static inline bool conform_covers(const struct conform_entry *entry,
                                  uint64_t first, uint64_t n)
{
    return first < entry->first + entry->n_pages && entry->first < first + n;
}

/* Runs one case in `stride` of a machine: every page size, global and not, in
 * every organisation. Wrong cells are printed and counted. */
void conform_run(const struct conform_machine *machine, uint32_t stride,
                 struct conform_counts *counts);

extern const struct conform_machine conform_x86[];
extern const size_t conform_n_x86;
extern const struct conform_machine conform_armv8[];
extern const size_t conform_n_armv8;
extern const struct conform_machine conform_armv7[];
extern const size_t conform_n_armv7;
extern const struct conform_machine conform_riscv[];
extern const size_t conform_n_riscv;

#endif
