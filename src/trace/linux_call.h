/* SPDX-License-Identifier: MIT */
/*
 * Linux's system calls as other tools record them, a number, arguments and a
 * result: which operation each was.
 */
#ifndef MMUSIM_TRACE_LINUX_CALL_H
#define MMUSIM_TRACE_LINUX_CALL_H

#include "core/op.h"

enum { LINUX_CALL_ARGS_MAX = 6, LINUX_CALL_NAME_BYTES = 32 };

enum linux_call_isa { LINUX_CALL_X86_64, LINUX_CALL_AARCH64 };

struct linux_call {
    uint64_t number;
    uint64_t args[LINUX_CALL_ARGS_MAX];
    uint32_t n_args;
};

/* When an operation takes its number, of its begin and end: what takes
 * addresses away does so before anybody else may be given them. */
enum linux_call_when { LINUX_CALL_AT_BEGIN, LINUX_CALL_AT_END };

/*
 * The operation that a call with this result was; its kind is SYS_SYSCALL if
 * it changed nothing, or failed. name: LINUX_CALL_NAME_BYTES, for a mapped
 * file.
 */
enum linux_call_when mmusim__linux_call_op(const struct linux_call *call,
                                           enum linux_call_isa isa,
                                           uint64_t result, char *name,
                                           struct sys_op *op);

#endif
