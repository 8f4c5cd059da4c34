/* SPDX-License-Identifier: MIT */
/*
 * From a place in an executable file to what its programmer calls it: function,
 * source file and line, by DWARF (inlined functions are seen, a separate debug
 * file is found as gdb finds it), else by the symbol table. C++ names are
 * demangled. Without libdw in this build nothing is known of any place.
 *
 * Files are opened when they are first asked for, and stay open. A file that is
 * missing, damaged or not the recorded one is told once, on standard error, and
 * then knows nothing. No network is asked.
 */
#ifndef MMUSIM_CLI_SYMBOLS_H
#define MMUSIM_CLI_SYMBOLS_H

#include <stdint.h>

struct symbols;

/* What is not known is NULL or 0. The texts live as long as the symbols. */
struct symbol_place {
    const char *function;
    const char *outer;  /* that the function is inlined into there */
    const char *source; /* the file's path as the compiler had it */
    uint32_t line;
};

/* NULL: out of memory. */
struct symbols *symbols_create(void);
void symbols_destroy(struct symbols *symbols); /* NULL is legal */

/*
 * What lies at file_offset of the file at path. build: the first bytes of its
 * build id as a big-endian number, or 0: any. Returns 0 if memory is short.
 */
int symbols_find(struct symbols *symbols, const char *path, uint64_t build,
                 uint64_t file_offset, struct symbol_place *place);

/* Whether this build has libdw. */
int symbols_are_available(void);

#endif
