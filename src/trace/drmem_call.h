/* SPDX-License-Identifier: MIT */
/*
 * System calls that drmemtrace recorded with -record_syscall: a function's
 * number, its arguments, the number again, the result. Calls of which there is
 * only the number cost their entry and exit (SYS_SYSCALL).
 */
#ifndef MMUSIM_TRACE_DRMEM_CALL_H
#define MMUSIM_TRACE_DRMEM_CALL_H

#include "core/op.h"

enum { DRMEM_ARGS_MAX = 6, DRMEM_NAME_BYTES = 32 };

enum drmem_isa { DRMEM_ISA_X86_64, DRMEM_ISA_AARCH64 };

enum drmem_call_state {
    DRMEM_CALL_NONE,
    DRMEM_CALL_NUMBER, /* a call without arguments so far */
    DRMEM_CALL_ARGS,
    DRMEM_CALL_RETURNS,
};

struct drmem_call {
    enum drmem_call_state state;
    uint64_t number;
    uint64_t args[DRMEM_ARGS_MAX];
    uint32_t n_args;
    uint64_t begun_us;
};

/* When an operation takes its number, of its begin and end: what takes
 * addresses away does so before anybody else may be given them. */
enum drmem_when { DRMEM_AT_BEGIN, DRMEM_AT_END };

/*
 * The operation that a call with this result was; its kind is SYS_SYSCALL if
 * it changed nothing, or failed. name: DRMEM_NAME_BYTES, for a mapped file.
 */
enum drmem_when mmusim__drmem_call_op(const struct drmem_call *call,
                                      enum drmem_isa isa, uint64_t result,
                                      char *name, struct sys_op *op);

#endif
