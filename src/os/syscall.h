/* SPDX-License-Identifier: MIT */
/*
 * OS operations of a trace as system calls: each is a frame of its own, a
 * sequence of events that takes the locks Linux 4.6 takes.
 */
#ifndef MMUSIM_OS_SYSCALL_H
#define MMUSIM_OS_SYSCALL_H

#include "os/kernel.h"

/* What every system call's frame begins with. */
struct sys_frame {
    struct kframe frame;
    struct kernel *kernel;
    struct thread *thread;
    struct mm *mm;    /* the thread's, or init_mm for a kernel thread */
    struct sys_op op; /* op.name is not valid any more: see file_id */
    struct lock_waiter waiter;
    uint64_t start; /* page-aligned range of the operation */
    uint64_t end;
    uint64_t cursor;
    uint32_t file_id; /* mmap of a file, or shared: see page_cache.h */
    uint32_t n_touched;
    bool has_changed;
};

/*
 * Begins the operation on the CPU's current thread: pushes its frame. Kinds
 * that are no system call (ON, IDLE, KTHREAD, MARK, SYNC) are the machine's.
 * False: this version does not model the operation.
 */
bool mmusim__syscall(struct cpu *cpu, struct kernel *kernel,
                     const struct sys_op *op);

/* Entry, exit and mmap_lock, as steps of any operation. */
void mmusim__sys_enter(struct cpu *cpu);
void mmusim__sys_exit(struct cpu *cpu, struct sys_frame *sys);
void mmusim__sys_lock_mm(struct cpu *cpu, struct sys_frame *sys,
                         enum lock_mode mode);
/* Is [start, end) not empty and in the half of the address space that is the
 * operation's address space? */
bool mmusim__sys_range_is_sound(const struct sys_frame *sys, uint64_t start,
                                uint64_t end);
/* The operation's edits are made: its order stamp is satisfied. */
void mmusim__sys_effect(struct cpu *cpu, struct kernel *kernel);

/* An operation: its frame begins with a struct sys_frame. */
struct sys_call {
    enum kstep (*step)(struct cpu *cpu, struct kframe *frame);
    size_t frame_bytes;
};

/* The operations, one file a group. */
extern const struct sys_call mmusim__sys_mmap, mmusim__sys_munmap,
    mmusim__sys_brk, mmusim__sys_mremap, mmusim__sys_madvise,
    mmusim__sys_mprotect, mmusim__sys_fork, mmusim__sys_clone, mmusim__sys_exec,
    mmusim__sys_exit_thread;

#endif
