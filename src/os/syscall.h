/* SPDX-License-Identifier: MIT */
/*
 * OS operations of a trace as system calls: each is a frame of its own, a
 * sequence of events that takes the locks Linux 4.6 takes.
 */
#ifndef MMUSIM_OS_SYSCALL_H
#define MMUSIM_OS_SYSCALL_H

#include "os/kernel.h"

enum sys_lock { SYS_LOCK_NONE, SYS_LOCK_READ, SYS_LOCK_WRITE };

enum sys_body {            /* how an operation's body goes on */
                SYS_AGAIN, /* the activity has been set, or a frame pushed: call
                              again */
                SYS_LEAVE, /* done after that; give mmap_lock up and leave the
                              kernel */
                SYS_GONE,  /* the thread does not return */
};

struct sys_frame;

/* An operation. Entry, mmap_lock, the charge for the areas touched and exit are
 * the same for all (syscall.c); body is what lies between. It keeps its place
 * in sys_frame.step, 0 at first. */
struct sys_call {
    enum sys_lock lock;
    enum sys_body (*body)(struct cpu *cpu, struct sys_frame *sys);
    size_t frame_bytes; /* the frame begins with a struct sys_frame */
};

/* What every operation's frame begins with. */
struct sys_frame {
    struct kframe frame;
    const struct sys_call *call;
    uint32_t step; /* of the body */
    struct kernel *kernel;
    struct thread *thread;
    struct mm *mm;    /* the thread's, or init_mm for a kernel thread */
    struct sys_op op; /* op.name is not valid any more: see file_id */
    struct lock_waiter waiter;
    uint64_t start; /* page-aligned range of the operation */
    uint64_t end;
    uint64_t cursor;
    bool is_device;   /* mmap of /dev/NAME */
    uint32_t file_id; /* mmap of a file, or shared: see page_cache.h */
    uint32_t n_touched;
    bool has_changed;
    bool is_refused; /* the kernel would return an error: nothing is promised */
};

/*
 * Begins the operation on the CPU's current thread: pushes its frame. Kinds
 * that are no system call (ON, IDLE, KTHREAD, MARK, SYNC) are the machine's.
 * False: this version does not model the operation.
 */
bool mmusim__syscall(struct cpu *cpu, struct kernel *kernel,
                     const struct sys_op *op);

/* The operation's edits are made: its order stamp is satisfied. */
void mmusim__sys_effect(struct cpu *cpu, struct kernel *kernel);

/* ---- for the operations ---- */

/* Does the range lie in the half of the address space that the caller may
 * change? */
bool mmusim__sys_range_is_sound(const struct sys_frame *sys, uint64_t start,
                                uint64_t end);
/* A failed edit: one that the kernel would refuse too is only reported, memory
 * that is short ends the run. */
bool mmusim__sys_fails(struct sys_frame *sys, mmusim_status_t status);
/* VM_READ|WRITE|EXEC of the operation. */
uint32_t mmusim__sys_vm_rights(const struct sys_op *op);
/* The next area from sys->cursor on with a part in the range; NULL: none. */
const struct vm_area *mmusim__sys_next_area(const struct sys_frame *sys);
/* No first touch there any more, until something is mapped again. */
void mmusim__sys_note_unmapped(struct sys_frame *sys, uint64_t start,
                               uint64_t end);
/* Links an area where nothing is mapped. */
void mmusim__sys_insert_area(struct sys_frame *sys, const struct vm_area *area);

/* The operations, one file a group. */
extern const struct sys_call mmusim__sys_mmap, mmusim__sys_dma,
    mmusim__sys_munmap, mmusim__sys_brk, mmusim__sys_mremap,
    mmusim__sys_madvise, mmusim__sys_madvise_flags, mmusim__sys_madvise_merging,
    mmusim__sys_mprotect, mmusim__sys_fork, mmusim__sys_clone, mmusim__sys_exec,
    mmusim__sys_exit_thread, mmusim__sys_migrate, mmusim__sys_pageout,
    mmusim__sys_clear_refs, mmusim__sys_clear_refs_alone;

#endif
