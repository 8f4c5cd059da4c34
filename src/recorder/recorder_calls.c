/* SPDX-License-Identifier: MIT */
/*
 * System calls to operations and their order stamps.
 *
 * What takes away (munmap, mprotect, madvise, a shrinking brk, exit, a wake)
 * takes its number at entry, before the kernel can give the address to
 * somebody else; what gives (mmap, a growing brk, clone, fork) at return, when
 * the address is really free. A record is written at return, when success is
 * known; nothing else of the thread stands between.
 *
 * mmap over a mapping (MAP_FIXED) takes and gives in one step of the kernel:
 * the addresses are never free in between, so return is right for both.
 * mremap takes and gives different addresses: neither moment is right if
 * another call gets its old or gives it its new ones meanwhile. So mremap
 * alone runs while no other call changes the layout (recorder.layout).
 *
 * A call that took a number and failed, or a wake, is SYS_SYSCALL.
 * Sources: Linux 6.1 include/uapi/asm-generic/mman-common.h, futex.h, sched.h.
 */
#define _GNU_SOURCE
#include "recorder/recorder.h"

#include <linux/futex.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    FLUSH_INTERVAL_NS = 1000000000, /* a crash loses about this much at most */
    NAME_MAX_BYTES = 1024,
    SITES_MAX = 16, /* a call's stack in the trace */
};

static uint64_t call_now_ns(clockid_t clock)
{
    struct timespec now = {0};
    clock_gettime(clock, &now);
    return (uint64_t) now.tv_sec * 1000000000u + (uint64_t) now.tv_nsec;
}

static long call_voluntary_switches(void)
{
    struct rusage usage = {0};
    getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_nvcsw;
}

/* AArch64 ignores bits 63:56 of a user pointer (Arm ARM D8.8, TBI). */
static uint64_t call_untag(uint64_t vaddr)
{
    return recorder.is_x86 ? vaddr : vaddr & (UINT64_MAX >> 8);
}

static bool call_failed(int64_t result)
{
    return result < 0 && result >= -4095; /* MAX_ERRNO, include/linux/err.h */
}

static bool call_find_advice(uint64_t number, uint32_t *advice)
{
    static const struct {
        uint32_t number;
        enum madvice advice;
    } known[] = {
        {MADV_DONTNEED, MADVICE_DONTNEED},
        {MADV_FREE, MADVICE_FREE},
        {MADV_HUGEPAGE, MADVICE_HUGEPAGE},
        {MADV_NOHUGEPAGE, MADVICE_NOHUGEPAGE},
        {MADV_COLD, MADVICE_COLD},
        {MADV_PAGEOUT, MADVICE_PAGEOUT},
        {MADV_WILLNEED, MADVICE_WILLNEED},
        {MADV_MERGEABLE, MADVICE_MERGEABLE},
        {MADV_UNMERGEABLE, MADVICE_UNMERGEABLE},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i].number == number) {
            *advice = (uint32_t) known[i].advice;
            return true;
        }
    }
    return false;
}

/* Pipes, sockets and nameless files (eventfd): somebody may be waiting. */
static bool call_fd_can_wake(uint64_t fd)
{
    struct stat status;
    if (fstat((int) fd, &status) != 0)
        return false;
    return S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode) ||
           (status.st_mode & S_IFMT) == 0;
}

static bool call_is_futex_wait(const struct recorder_call *call)
{
    switch (call->args[1] & (uint64_t) FUTEX_CMD_MASK) {
    case FUTEX_WAIT:
    case FUTEX_WAIT_BITSET:
    case FUTEX_LOCK_PI:
    case FUTEX_LOCK_PI2:
    case FUTEX_WAIT_REQUEUE_PI:
        return true;
    default:
        return false;
    }
}

static bool call_is_fork(const struct recorder_call *call)
{
    /* QEMU turns vfork into fork. */
    return call->kind == CALL_FORK || (call->args[0] & CLONE_VM) == 0 ||
           (call->args[0] & CLONE_VFORK) != 0;
}

static bool call_shrinks_break(const struct recorder_call *call)
{
    return call->args[0] != 0 && call->args[0] < recorder.program_break;
}

/* Does the call take its number now? */
static bool call_takes_at_entry(const struct recorder_call *call)
{
    uint32_t advice;
    switch (call->kind) {
    case CALL_MUNMAP:
    case CALL_MREMAP:
    case CALL_EXIT:
    case CALL_WAKE:
        return true;
    case CALL_MPROTECT:
        return call->args[1] != 0;
    case CALL_MADVISE:
        return call->args[1] != 0 && call_find_advice(call->args[2], &advice);
    case CALL_BRK:
        return call_shrinks_break(call);
    case CALL_FUTEX:
        return !call_is_futex_wait(call);
    case CALL_SEND:
        return call_fd_can_wake(call->args[0]);
    case CALL_IGNORED:
    case CALL_CLOSE:
    case CALL_EXEC:
    case CALL_MMAP:
    case CALL_CLONE:
    case CALL_FORK:
    case CALL_SLEEP:
    case CALL_WAIT:
    case CALL_MARK:
        return false;
    }
    return false;
}

static void call_lock_layout(struct recorder_call *call)
{
    if (call->kind == CALL_MREMAP)
        pthread_rwlock_wrlock(&recorder.layout);
    else if (call->kind == CALL_MMAP || call->kind == CALL_MUNMAP ||
             call->kind == CALL_BRK)
        pthread_rwlock_rdlock(&recorder.layout);
    else
        return;
    call->holds_layout = true;
}

static void call_watch_blocking(struct recorder_call *call)
{
    call->may_block = call->kind == CALL_WAIT || call->kind == CALL_SLEEP ||
                      call->kind == CALL_WAKE || call->kind == CALL_SEND ||
                      (call->kind == CALL_FUTEX && call_is_futex_wait(call));
    if (!call->may_block)
        return;
    call->voluntary_switches = call_voluntary_switches();
    call->entered_ns = call_now_ns(CLOCK_MONOTONIC);
}

static void call_flush_if_due(struct recorder_thread *t)
{
    uint64_t now_ns = call_now_ns(CLOCK_MONOTONIC_COARSE);
    if (t->stream == NULL || now_ns - t->flushed_ns < FLUSH_INTERVAL_NS)
        return;
    t->flushed_ns = now_ns;
    mmusim_diag_t diag;
    if (mmusim__trace_stream_flush(t->stream, &diag) != MMUSIM_OK)
        mmusim__recorder_report(&diag);
}

void mmusim__recorder_sync(struct recorder_thread *t, uint64_t number)
{
    if (t->stream == NULL || number == t->seen_number)
        return;
    recorder_block_end(t);
    t->seen_number = number;
    mmusim__trace_stream_sys(
        t->stream, &(struct sys_op){.kind = SYS_SYNC, .number = number});
}

/* Who called: the return addresses on the stack, from the innermost on. */
static void call_write_sites(struct recorder_thread *t)
{
    const struct recorder_stack *stack = &t->stack;
    uint32_t n = stack->depth < SITES_MAX ? stack->depth : SITES_MAX;
    for (uint32_t i = 1; i <= n && t->stream != NULL; i++)
        mmusim__trace_stream_sys(
            t->stream,
            &(struct sys_op){
                .kind = SYS_SITE,
                .vaddr = stack->returns[(stack->top - i) & CALL_STACK_MASK]});
}

static void call_write(struct recorder_thread *t, uint64_t number,
                       const struct sys_op *op)
{
    call_write_sites(t);
    mmusim__recorder_sync(t, number);
    if (t->stream != NULL)
        mmusim__trace_stream_sys(t->stream, op);
}

static void call_write_idle(struct recorder_thread *t, uint64_t ns)
{
    if (t->stream != NULL)
        mmusim__trace_stream_sys(
            t->stream, &(struct sys_op){.kind = SYS_IDLE, .number = ns});
}

static uint32_t call_protection(uint64_t prot)
{
    return ((prot & PROT_READ) != 0 ? SYS_PROT_READ : 0u) |
           ((prot & PROT_WRITE) != 0 ? SYS_PROT_WRITE : 0u) |
           ((prot & PROT_EXEC) != 0 ? SYS_PROT_EXEC : 0u);
}

/* The file's path, or "unknown". */
static void call_name_file(uint64_t fd, char name[NAME_MAX_BYTES])
{
    char link[64];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", (int) fd);
    ssize_t length = readlink(link, name, NAME_MAX_BYTES - 1);
    if (length <= 0)
        length = snprintf(name, NAME_MAX_BYTES, "unknown");
    name[length] = '\0';
}

static uint32_t call_huge_order(uint64_t flags)
{
    if ((flags & MAP_HUGETLB) == 0)
        return 0;
    uint64_t shift = flags >> 26 & 0x3f; /* MAP_HUGE_SHIFT, MAP_HUGE_MASK */
    return shift == 30 ? PAGE_ORDER_1G : PAGE_ORDER_2M;
}

static void call_write_mmap(struct recorder_thread *t, uint64_t vaddr)
{
    const uint64_t *args = t->call.args;
    char name[NAME_MAX_BYTES];
    struct sys_op op = {.kind = SYS_MMAP,
                        .flags = call_protection(args[2]),
                        .huge_order = call_huge_order(args[3]),
                        .vaddr = vaddr,
                        .length_bytes = args[1]};
    if ((args[3] & MAP_SHARED) != 0) /* also in MAP_SHARED_VALIDATE */
        op.flags |= SYS_MAP_SHARED;
    if ((args[3] & MAP_ANONYMOUS) == 0) {
        call_name_file(args[4], name);
        op.flags |= SYS_MAP_FILE;
        op.name = name;
        op.file_offset = args[5];
    }
    call_write(t, recorder_take_number(), &op);
    mmusim__recorder_images_note(t, &op, args);
}

static void call_write_break(struct recorder_thread *t, uint64_t new_break)
{
    uint64_t old_break = atomic_exchange(&recorder.program_break, new_break);
    uint64_t number = t->call.number;
    struct sys_op op = {.kind = SYS_BRK, .vaddr = new_break};
    if (new_break == old_break)
        op = (struct sys_op){.kind = SYS_SYSCALL};
    else if (number == 0)
        number = recorder_take_number();
    if (number != 0)
        call_write(t, number, &op);
}

static struct sys_op call_mremap_op(const uint64_t *args, uint64_t vaddr)
{
    if (args[1] == 0) /* a second view of a shared mapping */
        return (struct sys_op){.kind = SYS_MMAP,
                               .flags = SYS_PROT_READ | SYS_PROT_WRITE |
                                        SYS_MAP_SHARED,
                               .vaddr = vaddr,
                               .length_bytes = args[2]};
    return (struct sys_op){.kind = SYS_MREMAP,
                           .vaddr = call_untag(args[0]),
                           .length_bytes = args[1],
                           .new_vaddr = vaddr,
                           .new_length_bytes = args[2]};
}

static void call_write_child(struct recorder_thread *t, uint32_t child)
{
    struct sys_op op = {.kind = SYS_FORK, .number = child};
    uint64_t number;
    if (call_is_fork(&t->call)) {
        number = recorder_take_number();
    } else {
        uint32_t tid;
        number = mmusim__recorder_announce(child, &tid);
        op = (struct sys_op){.kind = SYS_CLONE, .number = tid};
    }
    if (number != 0)
        call_write(t, number, &op);
    /* The reader must not meet the child's records and wait for its birth. */
    if (recorder.is_live && t->stream != NULL)
        mmusim__trace_stream_flush(t->stream, NULL);
}

/* The operation of a successful call that took its number at entry. */
static struct sys_op call_taken_op(const struct recorder_call *call,
                                   int64_t result)
{
    struct sys_op op = {.kind = SYS_SYSCALL};
    const uint64_t *args = call->args;
    if (call->kind == CALL_MREMAP)
        return call_mremap_op(args, (uint64_t) result);
    if (call->kind == CALL_MUNMAP) {
        op.kind = SYS_MUNMAP;
    } else if (call->kind == CALL_MPROTECT) {
        op.kind = SYS_MPROTECT;
        op.flags = call_protection(args[2]);
    } else if (call->kind == CALL_MADVISE) {
        op.kind = SYS_MADVISE;
        call_find_advice(args[2], &op.advice);
    } else {
        return op;
    }
    op.vaddr = call_untag(args[0]);
    op.length_bytes = args[1];
    return op;
}

static void call_write_wait(struct recorder_thread *t)
{
    const struct recorder_call *call = &t->call;
    if (!call->may_block ||
        call_voluntary_switches() == call->voluntary_switches)
        return; /* it did not wait */
    uint64_t ns = 0;
    if (call->kind == CALL_SLEEP)
        ns = call_now_ns(CLOCK_MONOTONIC) - call->entered_ns;
    call_write_idle(t, ns);
    mmusim__recorder_sync(t, recorder.n_operations);
}

static void call_write_result(struct recorder_thread *t, int64_t result)
{
    const struct recorder_call *call = &t->call;
    if (call->kind == CALL_BRK) {
        call_write_break(t, (uint64_t) result);
    } else if (call_failed(result) || call->kind == CALL_EXIT) {
        if (call->number != 0)
            call_write(t, call->number, &(struct sys_op){.kind = SYS_SYSCALL});
    } else if (call->number != 0) {
        struct sys_op op = call_taken_op(call, result);
        if (op.kind == SYS_MUNMAP)
            mmusim__recorder_images_forget(op.vaddr, op.length_bytes);
        call_write(t, call->number, &op);
    } else if (call->kind == CALL_MMAP) {
        call_write_mmap(t, (uint64_t) result);
    } else if ((call->kind == CALL_CLONE || call->kind == CALL_FORK) &&
               result > 0) {
        call_write_child(t, (uint32_t) result);
    }
    call_write_wait(t);
}

void mmusim__recorder_call_enter(struct recorder_thread *t, enum call_kind kind,
                                 const uint64_t args[6])
{
    struct recorder_call call = {.kind = kind};
    for (size_t i = 0; i < 6; i++)
        call.args[i] = args[i];
    call_lock_layout(&call);
    pthread_mutex_lock(&t->lock);
    recorder_block_end(t);
    call_flush_if_due(t);
    if (t->stream != NULL && call_takes_at_entry(&call))
        call.number = recorder_take_number();
    call_watch_blocking(&call);
    t->call = call;
    if (kind == CALL_EXEC && t->stream != NULL)
        mmusim__recorder_exec_enter(t);
    t->is_quiet = true;
    pthread_mutex_unlock(&t->lock);
}

void mmusim__recorder_call_return(struct recorder_thread *t, int64_t result)
{
    pthread_mutex_lock(&t->lock);
    t->is_quiet = false;
    bool holds_layout = t->call.holds_layout;
    if (t->call.kind == CALL_EXEC && t->stream != NULL)
        mmusim__recorder_exec_failed(t);
    else if (t->call.kind == CALL_CLOSE)
        mmusim__recorder_repair_fd();
    if (t->stream != NULL)
        call_write_result(t, result);
    t->call = (struct recorder_call){.kind = CALL_IGNORED};
    pthread_mutex_unlock(&t->lock);
    if (holds_layout)
        pthread_rwlock_unlock(&recorder.layout);
}

/* A child has begun, its parent was still inside clone. */
static void call_write_unannounced(struct recorder_thread *t)
{
    struct recorder_thread *child = recorder.threads;
    while (child != NULL && child->is_announced)
        child = child->next;
    if (child == NULL)
        return;
    child->is_announced = true;
    call_write(t, child->birth_number,
               &(struct sys_op){.kind = SYS_CLONE, .number = child->tid});
}

void mmusim__recorder_call_cut(struct recorder_thread *t)
{
    if (t->call.number != 0)
        call_write(t, t->call.number, &(struct sys_op){.kind = SYS_SYSCALL});
    else if (t->call.may_block)
        call_write_idle(t, 0);
    else if (t->call.kind == CALL_CLONE && !call_is_fork(&t->call))
        call_write_unannounced(t);
}
