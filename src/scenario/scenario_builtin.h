/* SPDX-License-Identifier: MIT */
/* The words of the language that act on a CPU's hardware or tell the checker
 * something: one table of name, arguments and meaning. */
#ifndef MMUSIM_SCENARIO_SCENARIO_BUILTIN_H
#define MMUSIM_SCENARIO_SCENARIO_BUILTIN_H

#include "scenario/scenario_world.h"

enum scenario_builtin {
    BUILTIN_NONE,
    BUILTIN_READ,
    BUILTIN_WRITE,
    BUILTIN_EXEC,
    BUILTIN_FILL,
    BUILTIN_MB,
    BUILTIN_WMB,
    BUILTIN_RMB,
    BUILTIN_DSB,
    BUILTIN_DSB_ST,
    BUILTIN_DSB_EARLY,
    BUILTIN_ISB,
    BUILTIN_TLBSYNC,
    BUILTIN_WRITE_CR3,
    BUILTIN_WRITE_CR3_NOFLUSH,
    BUILTIN_SET_TTBR,
    BUILTIN_WAIT_ACKS,
    BUILTIN_SW_TABLE,
    BUILTIN_SW_WORD,
    BUILTIN_FREE_PAGE,
    BUILTIN_REUSE_PAGE,
    BUILTIN_ALLOC_PAGE,
    BUILTIN_TAKE_PAGE,
    BUILTIN_COPY_PAGE,
    BUILTIN_FREE_TABLE,
    BUILTIN_REUSE_TABLE,
    BUILTIN_ALLOC_TABLE,
    BUILTIN_PAUSE,
    /* no steps of their own */
    BUILTIN_FLUSH_BEGIN,
    BUILTIN_FLUSH_DONE,
    BUILTIN_PROMISE_GONE,
    BUILTIN_PROMISE_READONLY,
    BUILTIN_PROMISE_CLEAN,
    BUILTIN_IRQ_OFF,
    BUILTIN_IRQ_ON,
    BUILTIN_LEAF,
    BUILTIN_TABLE_WORD,
    BUILTIN_PAGE_OF,
    BUILTIN_BIT,
    BUILTIN_ROOT,
    BUILTIN_ASID,
    BUILTIN_PAGE_NUMBER,
    BUILTIN_CHECK,
    BUILTIN_SELF,
    /* invalidations: rows with an inval */
    BUILTIN_FIRST_INVAL,
};

struct scenario_builtin_row {
    const char *name;
    uint8_t builtin;
    uint8_t min_args, max_args;
    bool is_step, has_result;
    bool drains; /* waits until the CPU's own stores are visible */
    bool is_broadcast;
    /* of invalidations: which argument is what; 0: none, else its number */
    uint8_t asid_arg, address_arg, pages_arg, level_arg;
    struct scenario_inval inval;
};

/* Row numbers are what code holds; row 0 is nothing. */
extern const struct scenario_builtin_row mmusim__scenario_builtins[];
extern const uint32_t mmusim__scenario_n_builtins;

/* The row's number; 0: no such word. */
uint32_t mmusim__scenario_builtin_find(const char *name);

#endif
