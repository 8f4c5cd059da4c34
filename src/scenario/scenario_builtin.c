/* SPDX-License-Identifier: MIT */
/*
 * What each invalidation matches: Intel SDM vol. 3A 4.10.4.1 (INVLPG drops the
 * page's global entries, and every paging-structure-cache entry of the current
 * PCID), AMD APM vol. 3 (INVLPGB, TLBSYNC), Arm ARM D8.14 (TLBI; operations on
 * the last level keep the walk caches), RISC-V privileged ISA 4.2.1.
 */
#include "scenario/scenario_builtin.h"

#include <string.h>

#define STEP(word, what, min, max)                                             \
    {                                                                          \
        .name = word, .builtin = what, .min_args = min, .max_args = max,       \
        .is_step = true                                                        \
    }
#define DRAINING(word, what, min, max)                                         \
    {                                                                          \
        .name = word, .builtin = what, .min_args = min, .max_args = max,       \
        .is_step = true, .drains = true                                        \
    }
#define STEP_VALUE(word, what, min, max)                                       \
    {                                                                          \
        .name = word, .builtin = what, .min_args = min, .max_args = max,       \
        .is_step = true, .has_result = true                                    \
    }
#define INSIDE(word, what, min, max)                                           \
    {                                                                          \
        .name = word, .builtin = what, .min_args = min, .max_args = max        \
    }
#define VALUE(word, what, min, max)                                            \
    {                                                                          \
        .name = word, .builtin = what, .min_args = min, .max_args = max,       \
        .has_result = true                                                     \
    }

/*
 * An invalidation, by columns: its arguments; what of the TLB it drops; what
 * of the walk cache; what becomes of global entries (ANY_ASID: dropped, and so
 * are the pages of every ASID). The families differ in where it acts and in
 * whether the CPU's own stores are visible first.
 */
#define ARGS(n)       .min_args = n, .max_args = n
#define TAKES_NOTHING ARGS(0)
#define TAKES_ASID    ARGS(1), .asid_arg = 1
#define TAKES_ADDRESS ARGS(1), .address_arg = 1
#define TAKES_PAGE    ARGS(2), .asid_arg = 1, .address_arg = 2
#define TAKES_LEVEL   ARGS(3), .asid_arg = 1, .address_arg = 2, .level_arg = 3
#define TAKES_RANGE   ARGS(3), .asid_arg = 1, .address_arg = 2, .pages_arg = 3

#define GLOBALS_DROPPED  .spares_globals = false
#define GLOBALS_SPARED   .spares_globals = true
#define GLOBALS_ANY_ASID .any_asid = true

#define INVAL(word, family, arguments, what, uppers, globals)                  \
    {                                                                          \
        .name = word, .builtin = BUILTIN_FIRST_INVAL, .is_step = true, family, \
        TAKES_##arguments, .inval = {                                          \
            .scope = SCOPE_##what,                                             \
            .walks = WALKS_##uppers,                                           \
            GLOBALS_##globals                                                  \
        }                                                                      \
    }
#define INVAL_HERE(word, arguments, what, uppers, globals)                     \
    INVAL(word, .drains = false, arguments, what, uppers, globals)
#define INVAL_DRAINING(word, arguments, what, uppers, globals)                 \
    INVAL(word, .drains = true, arguments, what, uppers, globals)
#define INVAL_EVERYWHERE(word, arguments, what, uppers, globals)               \
    INVAL(word, .is_broadcast = true, arguments, what, uppers, globals)

const struct scenario_builtin_row mmusim__scenario_builtins[] = {
    {.name = ""},
    STEP_VALUE("read", BUILTIN_READ, 1, 1),
    STEP("write", BUILTIN_WRITE, 1, 2),
    STEP("exec", BUILTIN_EXEC, 1, 1),
    STEP("fill", BUILTIN_FILL, 1, 1),
    DRAINING("mb", BUILTIN_MB, 0, 0),
    INSIDE("wmb", BUILTIN_WMB, 0, 0),
    INSIDE("rmb", BUILTIN_RMB, 0, 0),
    DRAINING("dsb", BUILTIN_DSB, 0, 0),
    DRAINING("dsb_st", BUILTIN_DSB_ST, 0, 0),
    DRAINING("dsb_early", BUILTIN_DSB_EARLY, 0, 0),
    INSIDE("isb", BUILTIN_ISB, 0, 0),
    DRAINING("tlbsync", BUILTIN_TLBSYNC, 0, 0),
    DRAINING("write_cr3", BUILTIN_WRITE_CR3, 1, 2),
    DRAINING("write_cr3_noflush", BUILTIN_WRITE_CR3_NOFLUSH, 2, 2),
    STEP("set_ttbr", BUILTIN_SET_TTBR, 2, 2),
    STEP("wait_acks", BUILTIN_WAIT_ACKS, 0, 0),
    STEP_VALUE("sw_table", BUILTIN_SW_TABLE, 2, 2),
    STEP_VALUE("sw_word", BUILTIN_SW_WORD, 1, 1),
    DRAINING("free_page", BUILTIN_FREE_PAGE, 1, 1),
    DRAINING("reuse_page", BUILTIN_REUSE_PAGE, 1, 2),
    DRAINING("alloc_page", BUILTIN_ALLOC_PAGE, 1, 1),
    STEP("take_page", BUILTIN_TAKE_PAGE, 1, 1),
    STEP("copy_page", BUILTIN_COPY_PAGE, 2, 2),
    DRAINING("free_table", BUILTIN_FREE_TABLE, 1, 1),
    DRAINING("reuse_table", BUILTIN_REUSE_TABLE, 1, 1),
    DRAINING("alloc_table", BUILTIN_ALLOC_TABLE, 1, 1),
    STEP("pause", BUILTIN_PAUSE, 0, 0),
    INSIDE("flush_begin", BUILTIN_FLUSH_BEGIN, 2, 2),
    INSIDE("flush_done", BUILTIN_FLUSH_DONE, 0, 0),
    INSIDE("promise_gone", BUILTIN_PROMISE_GONE, 2, 2),
    INSIDE("promise_readonly", BUILTIN_PROMISE_READONLY, 2, 2),
    INSIDE("promise_clean", BUILTIN_PROMISE_CLEAN, 2, 2),
    STEP("irq_off", BUILTIN_IRQ_OFF, 0, 0),
    INSIDE("irq_on", BUILTIN_IRQ_ON, 0, 0),
    VALUE("leaf", BUILTIN_LEAF, 2, 2),
    VALUE("table_word", BUILTIN_TABLE_WORD, 1, 1),
    VALUE("page_of", BUILTIN_PAGE_OF, 1, 1),
    VALUE("bit", BUILTIN_BIT, 1, 1),
    VALUE("root", BUILTIN_ROOT, 0, 0),
    VALUE("asid", BUILTIN_ASID, 0, 0),
    VALUE("page_number", BUILTIN_PAGE_NUMBER, 1, 1),
    INSIDE("check", BUILTIN_CHECK, 2, 2),
    VALUE("self", BUILTIN_SELF, 0, 0),
    /* x86, here */
    INVAL_DRAINING("invlpg", ADDRESS, PAGES, ASID, DROPPED),
    INVAL_DRAINING("invlpg_spares_globals", ADDRESS, PAGES, ASID, SPARED),
    INVAL_DRAINING("invpcid_page", PAGE, PAGES, ASID, SPARED),
    INVAL_DRAINING("invpcid", ASID, ASID, ASID, SPARED),
    INVAL_DRAINING("flush_nonglobal", NOTHING, EVERY, ALL, SPARED),
    INVAL_DRAINING("flush_everything", NOTHING, EVERY, ALL, DROPPED),
    /* x86, everywhere: complete with tlbsync */
    INVAL_EVERYWHERE("invlpgb", PAGE, PAGES, ASID, SPARED),
    INVAL_EVERYWHERE("invlpgb_asid", ASID, ASID, ASID, SPARED),
    INVAL_EVERYWHERE("invlpgb_all", NOTHING, EVERY, ALL, SPARED),
    INVAL_EVERYWHERE("invlpgb_everything", NOTHING, EVERY, ALL, DROPPED),
    /* Arm, everywhere: complete with the issuer's dsb */
    INVAL_EVERYWHERE("tlbi_va", PAGE, PAGES, PAGES, DROPPED),
    INVAL_EVERYWHERE("tlbi_leaf", PAGE, PAGES, KEPT, DROPPED),
    INVAL_EVERYWHERE("tlbi_level", LEVEL, PAGES, PAGES, DROPPED),
    INVAL_EVERYWHERE("tlbi_range", RANGE, PAGES, PAGES, DROPPED),
    INVAL_EVERYWHERE("tlbi_va_any_asid", ADDRESS, PAGES, PAGES, ANY_ASID),
    INVAL_EVERYWHERE("tlbi_asid", ASID, ASID, ASID, SPARED),
    INVAL_EVERYWHERE("tlbi_all", NOTHING, EVERY, ALL, DROPPED),
    /* Arm, here */
    INVAL_HERE("tlbi_va_local", PAGE, PAGES, PAGES, DROPPED),
    INVAL_HERE("tlbi_asid_local", ASID, ASID, ASID, SPARED),
    INVAL_HERE("tlbi_all_local", NOTHING, EVERY, ALL, DROPPED),
    /* RISC-V, here: orders the CPU's own stores before it */
    INVAL_DRAINING("sfence_page", PAGE, PAGES, PAGES, SPARED),
    INVAL_DRAINING("sfence_asid", ASID, ASID, ASID, SPARED),
    INVAL_DRAINING("sfence_all", NOTHING, EVERY, ALL, DROPPED),
};

const uint32_t mmusim__scenario_n_builtins =
    sizeof(mmusim__scenario_builtins) / sizeof(mmusim__scenario_builtins[0]);

uint32_t mmusim__scenario_builtin_find(const char *name)
{
    for (uint32_t i = 1; i < mmusim__scenario_n_builtins; i++) {
        if (!strcmp(mmusim__scenario_builtins[i].name, name))
            return i;
    }
    return 0;
}
