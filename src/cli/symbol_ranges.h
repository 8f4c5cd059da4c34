/* SPDX-License-Identifier: MIT */
/* The functions of one DWARF compilation unit, by address: inlined ones lie
 * inside others, and the innermost counts. */
#ifndef MMUSIM_CLI_SYMBOL_RANGES_H
#define MMUSIM_CLI_SYMBOL_RANGES_H

#ifdef MMUSIM_HAS_DW

#include <elfutils/libdw.h>
#include <stddef.h>
#include <stdint.h>

/* [start, end) belongs to the function of die; ranges do not overlap. */
struct symbol_range {
    uint64_t start;
    uint64_t end;
    uint32_t function; /* index into functions */
};

struct symbol_function {
    Dwarf_Die die;
    uint32_t outer;   /* the function it is in; itself: none */
    const char *name; /* the caller's to find out and to keep */
};

struct symbol_ranges {
    struct symbol_range *ranges; /* by address */
    size_t n_ranges;
    struct symbol_function *functions;
    size_t n_functions;
};

/* 0: out of memory. A damaged unit gives what could be read of it. */
int symbol_ranges_init(struct symbol_ranges *ranges, Dwarf_Die *unit);
void symbol_ranges_fini(struct symbol_ranges *ranges);

/* The innermost function at vaddr, or NULL. */
struct symbol_function *symbol_ranges_find(const struct symbol_ranges *ranges,
                                           uint64_t vaddr);
/* The function that is not inlined around it; itself: it is not. */
struct symbol_function *symbol_ranges_outer(const struct symbol_ranges *ranges,
                                            struct symbol_function *function);

#endif
#endif
