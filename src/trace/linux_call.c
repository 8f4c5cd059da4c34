/* SPDX-License-Identifier: MIT */
/*
 * Linux's system calls that change mappings -> operations. Numbers: x86-64
 * arch/x86/entry/syscalls/syscall_64.tbl, AArch64
 * include/uapi/asm-generic/unistd.h; flags: include/uapi/linux/mman.h and
 * asm-generic/mman-common.h.
 */
#include "trace/linux_call.h"

#include "trace/record_sys.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    CALL_MAP_SHARED = 0x3, /* also SHARED_VALIDATE */
    CALL_MAP_ANONYMOUS = 0x20,
    CALL_MAP_HUGETLB = 0x40000,
    CALL_MAP_HUGE_SHIFT = 26,
    CALL_ERRNO_MAX = 4095,
};

static const struct {
    uint16_t numbers[2]; /* by enum linux_call_isa */
    uint8_t kind;        /* enum sys_kind */
    uint8_t n_args;
} call_kinds[] = {
    {{9, 222}, SYS_MMAP, 4},       {{10, 226}, SYS_MPROTECT, 3},
    {{11, 215}, SYS_MUNMAP, 2},    {{12, 214}, SYS_BRK, 0},
    {{25, 216}, SYS_MREMAP, 3},    {{28, 233}, SYS_MADVISE, 3},
    {{329, 288}, SYS_MPROTECT, 3}, /* pkey_mprotect */
};

static bool call_failed(uint64_t result)
{
    return result > UINT64_MAX - CALL_ERRNO_MAX;
}

static uint32_t call_protection(uint64_t prot)
{
    return (prot & 1 ? SYS_PROT_READ : 0U) | (prot & 2 ? SYS_PROT_WRITE : 0U) |
           (prot & 4 ? SYS_PROT_EXEC : 0U);
}

static bool call_mmap(const struct linux_call *call, uint64_t result,
                      char *name, struct sys_op *op)
{
    uint64_t flags = call->args[3];
    uint64_t huge = flags >> CALL_MAP_HUGE_SHIFT & 0x3f;

    op->vaddr = result;
    op->length_bytes = call->args[1];
    op->flags = call_protection(call->args[2]);
    if (flags & CALL_MAP_SHARED & 1)
        op->flags |= SYS_MAP_SHARED;
    if (flags & CALL_MAP_HUGETLB)
        op->huge_order = huge == 30 ? PAGE_ORDER_1G : PAGE_ORDER_2M;
    if (!(flags & CALL_MAP_ANONYMOUS) && call->n_args == LINUX_CALL_ARGS_MAX) {
        snprintf(name, LINUX_CALL_NAME_BYTES, "fd%" PRIu32,
                 (uint32_t) call->args[4]);
        op->flags |= SYS_MAP_FILE;
        op->name = name;
        op->file_offset = call->args[5];
    }
    /* Without raw results there is 1 for success, which is no address. */
    return result > 1;
}

static bool call_madvise(uint64_t advice, struct sys_op *op)
{
    static const struct {
        uint8_t number, advice;
    } known[] = {
        {3, MADVICE_WILLNEED},     {4, MADVICE_DONTNEED},
        {8, MADVICE_FREE},         {12, MADVICE_MERGEABLE},
        {13, MADVICE_UNMERGEABLE}, {14, MADVICE_HUGEPAGE},
        {15, MADVICE_NOHUGEPAGE},  {20, MADVICE_COLD},
        {21, MADVICE_PAGEOUT},
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i].number == advice) {
            op->advice = known[i].advice;
            return true;
        }
    }
    return false;
}

/* The fields of op->kind; false: it changed nothing. */
static bool call_fill(const struct linux_call *call, uint64_t result,
                      char *name, struct sys_op *op)
{
    op->vaddr = call->args[0];
    op->length_bytes = call->args[1];
    if (op->kind == SYS_MMAP)
        return call_mmap(call, result, name, op);
    if (op->kind == SYS_MADVISE)
        return call_madvise(call->args[2], op);
    if (op->kind == SYS_MPROTECT)
        op->flags = call_protection(call->args[2]);
    if (op->kind == SYS_BRK) {
        op->vaddr = result;
        op->length_bytes = 0;
    }
    if (op->kind == SYS_MREMAP) {
        op->new_vaddr = result;
        op->new_length_bytes = call->args[2];
    }
    return op->kind == SYS_MUNMAP || op->kind == SYS_MPROTECT || result > 1;
}

enum linux_call_when mmusim__linux_call_op(const struct linux_call *call,
                                           enum linux_call_isa isa,
                                           uint64_t result, char *name,
                                           struct sys_op *op)
{
    for (size_t i = 0; i < sizeof(call_kinds) / sizeof(call_kinds[0]); i++) {
        if (call_kinds[i].numbers[isa] != call->number ||
            call->n_args < call_kinds[i].n_args || call_failed(result))
            continue;
        *op = (struct sys_op){.kind = (enum sys_kind) call_kinds[i].kind};
        if (call_fill(call, result, name, op) && !mmusim__record_sys_check(op))
            return op->kind == SYS_MMAP || op->kind == SYS_BRK
                       ? LINUX_CALL_AT_END
                       : LINUX_CALL_AT_BEGIN;
    }
    *op = (struct sys_op){.kind = SYS_SYSCALL};
    return LINUX_CALL_AT_BEGIN;
}
