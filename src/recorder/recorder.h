/* SPDX-License-Identifier: MIT */
/*
 * State of the recorder, one per recorded process: the counter of operations,
 * the threads, the writer of the trace.
 *
 * Locks, in this order: layout (only around a call that changes mappings),
 * a thread's own lock, recorder.lock. A thread's fields are its own; others
 * touch them only when the process ends, under the thread's lock.
 *
 * Numbers: every operation takes the next value of n_operations once, and the
 * trace holds exactly one operation for it, directly after its `sync`.
 */
#ifndef MMUSIM_RECORDER_RECORDER_H
#define MMUSIM_RECORDER_RECORDER_H

#include "core/op.h"
#include "recorder/block_table.h"
#include "recorder/syscall_table.h"
#include "trace/trace_writer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

/* A system call between its two callbacks. */
struct recorder_call {
    enum call_kind kind;
    uint64_t args[6];
    uint64_t number;   /* of the operation; 0: none taken (yet) */
    bool holds_layout; /* releases recorder.layout at return */
    bool may_block;
    bool is_sealed;          /* execve: the trace is ended for now */
    long voluntary_switches; /* of the host thread, at entry */
    uint64_t entered_ns;
};

/* Return addresses of the calls under way, the innermost last; of a deep
 * recursion the outermost are forgotten. */
enum { CALL_STACK_ENTRIES = 256, CALL_STACK_MASK = CALL_STACK_ENTRIES - 1 };
struct recorder_stack {
    uint64_t returns[CALL_STACK_ENTRIES]; /* entry i at i % their number */
    uint32_t top;                         /* counts up, and wraps */
    uint32_t depth;                       /* at most CALL_STACK_ENTRIES */
};

struct recorder_thread {
    struct trace_stream *stream; /* NULL: writes nothing (any more) */
    uint64_t seen_number;        /* of the last `sync` written */
    /* An access that may still grow (plugin.c); 0 bytes: none. */
    uint64_t access_vaddr;
    const void *access_insn;
    uint32_t access_bytes;
    enum op_kind access_kind;
    uint64_t repeated_vaddr; /* x86 REP instruction just executed, or 0 */
    /* With lines: what of the present block is not yet written as fetched. */
    uint64_t rest_vaddr;
    uint32_t rest_bytes;
    uint32_t rest_instructions; /* 0: nothing */
    enum block_end left_by;     /* how the last block ended */
    uint64_t left_at;           /* and its end */
    struct recorder_stack stack;

    struct recorder_call call;
    uint64_t flushed_ns;
    uint64_t birth_number; /* of the clone that made it; 0: first thread */
    uint32_t host_tid;
    uint32_t tid;      /* in the trace */
    bool is_announced; /* the parent has written its clone record */
    bool has_entered;  /* the host thread knows it */
    bool has_ended;
    bool is_quiet; /* inside a call, or parked; under lock */
    bool is_held;  /* its lock is held by who stopped the threads */
    pthread_mutex_t lock;
    struct recorder_thread *next;
};

struct recorder {
    _Alignas(64) _Atomic uint64_t n_operations;
    _Alignas(64) pthread_mutex_t lock;
    pthread_rwlock_t layout;
    struct recorder_thread *threads;
    struct trace_writer *writer; /* NULL: closed, or never opened */
    const uint8_t *calls;        /* system calls of the guest's architecture */
    bool is_x86;                 /* else AArch64 */
    /* Fetches end at each instruction that touches memory, and operations
     * have their sites. */
    bool has_lines;
    bool has_images;                /* written to this trace */
    bool has_stack;                 /* the program's stack is known */
    uint64_t guest_base;            /* host address - guest address */
    _Atomic uint64_t program_break; /* 0: not yet known */
    uint8_t *tid_uses;              /* times a tid has been used */
    char *path;
    char *part; /* what is being written; NULL: path itself, in place */
    int fd;
    dev_t device; /* of the file behind fd */
    ino_t inode;
    struct trace_seal seal; /* while an execve is under way */
    _Atomic bool is_closed;
    bool is_live;   /* somebody reads at the other end of a pipe */
    bool is_packed; /* and wants it compressed */
    _Atomic bool is_stopping;
    bool is_child;   /* forked: its trace is path.PID */
    bool has_failed; /* said so on standard error */
    /* Shared with the tool that started us, set on failure; NULL: nobody
     * asks. */
    volatile char *failure;
};

extern struct recorder recorder;
/* Initial-exec: one load instead of a call; 8 bytes of the loader's spare. */
extern _Thread_local struct recorder_thread *recorder_self
    __attribute__((tls_model("initial-exec")));

/* recorder_process.c: the life of the process */
/* path: the file whose first byte tells that the trace has failed. */
void mmusim__recorder_share_failure(const char *path);
/* 0, or -1 after a message on standard error. */
int mmusim__recorder_open(const char *path);
void mmusim__recorder_close(void);
/* Opens a forked child's trace at its first event. Under recorder.lock. */
bool mmusim__recorder_is_open(void);
/* After the program closed or replaced descriptors. */
void mmusim__recorder_repair_fd(void);
/* Gives a finished file its name, or removes one that failed. */
void mmusim__recorder_name_file(bool is_good);
void mmusim__recorder_report(const mmusim_diag_t *diag);

/* recorder_live.c: what threads inside calls have written is passed on */
void mmusim__recorder_live_begin(void);

/* recorder_stop.c: halting the other threads */
/* Takes an operation's number and halts the others. False: not all could be
 * held; the streams of those without is_held must be left alone. */
bool mmusim__recorder_stop(struct recorder_thread *self, uint64_t *number);
void mmusim__recorder_resume(void);
/* What a thread does while recorder.is_stopping. */
void mmusim__recorder_park(struct recorder_thread *t);

/* recorder_exec.c: an execve ends the trace, or fails and takes it back */
void mmusim__recorder_exec_enter(struct recorder_thread *t);
void mmusim__recorder_exec_failed(struct recorder_thread *t);

/* recorder_thread.c: the life of a thread */
/* The calling thread's state, made at its first event; NULL: closed, or out
 * of memory. */
struct recorder_thread *mmusim__recorder_enter(void);
/* Number and trace tid of the clone that made host_tid, for its parent. */
uint64_t mmusim__recorder_announce(uint32_t host_tid, uint32_t *tid);
/* Writes what is pending and `exit`; ends the stream. Under t->lock. */
void mmusim__recorder_thread_finish(struct recorder_thread *t);
void mmusim__recorder_thread_init_key(void);
/* In a forked child: the calling thread's state belongs to the parent. */
void mmusim__recorder_thread_forget(void);

/* recorder_mark.c: a `mark` record; name: MMUSIM_MARK_BYTES, in words. */
void mmusim__recorder_mark(struct recorder_thread *t, const uint64_t *name);

/* recorder_calls.c: system calls to records. Both take t->lock. */
void mmusim__recorder_call_enter(struct recorder_thread *t, enum call_kind kind,
                                 const uint64_t args[6]);
void mmusim__recorder_call_return(struct recorder_thread *t, int64_t result);
/* The process ends inside the call: every number taken gets its operation. */
void mmusim__recorder_call_cut(struct recorder_thread *t);

/* recorder_images.c: what is mapped where. All but begin may be called by any
 * thread. */
/* Before the first fetch of a trace, which is at pc. */
void mmusim__recorder_images_begin(struct recorder_thread *t, uint64_t pc);
/* The first access of all goes to vaddr, on the stack. */
void mmusim__recorder_images_stack(struct recorder_thread *t, uint64_t vaddr);
/* After the record of a mmap with these arguments. */
void mmusim__recorder_images_note(struct recorder_thread *t,
                                  const struct sys_op *op,
                                  const uint64_t args[6]);
void mmusim__recorder_images_forget(uint64_t vaddr, uint64_t n_bytes);
/* In a forked child. */
void mmusim__recorder_images_fork(void);

static inline uint64_t recorder_take_number(void)
{
    return atomic_fetch_add(&recorder.n_operations, 1) + 1;
}

static inline void recorder_access_end(struct recorder_thread *t)
{
    if (t->access_bytes == 0 || t->stream == NULL)
        return;
    mmusim__trace_stream_access(t->stream, t->access_kind, t->access_vaddr,
                                t->access_bytes, 0);
    t->access_bytes = 0;
}

/* Writes what is pending of the present block. */
static inline void recorder_block_end(struct recorder_thread *t)
{
    recorder_access_end(t);
    if (t->rest_instructions != 0 && t->stream != NULL)
        mmusim__trace_stream_fetch(t->stream, t->rest_vaddr,
                                   t->rest_instructions, t->rest_bytes);
    t->rest_instructions = 0;
}

/* `sync number`, unless it is the last one written. */
void mmusim__recorder_sync(struct recorder_thread *t, uint64_t number);

#endif
