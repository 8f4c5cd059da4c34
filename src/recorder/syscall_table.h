/* SPDX-License-Identifier: MIT */
/*
 * Which system calls the recorder looks at, per architecture.
 * Sources: Linux arch/x86/entry/syscalls/syscall_64.tbl and
 * include/uapi/asm-generic/unistd.h (AArch64), Linux 6.1. Left out: clone3,
 * which QEMU 7.2 answers with ENOSYS (libraries then use clone); shmat, shmdt
 * (their pages are mapped at first touch).
 */
#ifndef MMUSIM_RECORDER_SYSCALL_TABLE_H
#define MMUSIM_RECORDER_SYSCALL_TABLE_H

#include <stdint.h>

enum call_kind {
    CALL_IGNORED,
    CALL_MMAP,
    CALL_MUNMAP,
    CALL_MPROTECT,
    CALL_MADVISE,
    CALL_MREMAP,
    CALL_BRK,
    CALL_CLONE,
    CALL_FORK,
    CALL_EXEC,
    CALL_EXIT,
    CALL_FUTEX,
    CALL_SLEEP, /* its duration is known: idle NS */
    CALL_WAIT,  /* may block */
    CALL_SEND,  /* may wake who waits for the descriptor; may block */
    CALL_WAKE,  /* may wake somebody */
    CALL_CLOSE, /* may close the recorder's own file */
    CALL_MARK,  /* prctl: may be a mark (mmusim/mark.h) */
};

enum { CALL_TABLE_SIZE = 512 };

/* CALL_TABLE_SIZE entries, by number; NULL: an unknown target_name. */
const uint8_t *mmusim__syscall_table_find(const char *target_name);

#endif
