/* SPDX-License-Identifier: MIT */
/*
 * What happens in a simulated machine, as it happens: where each CPU's time
 * goes, TLB misses, page walks, page faults, operations, flushes, shootdowns,
 * interrupts, marks. For tools that say where a cost comes from or draw it.
 *
 * Times are in cycles since the run began. Every function is called from the
 * thread that runs the machine. What a pointer names lives during the call
 * only, but for texts said to be static. An observer sees; it changes nothing:
 * the run's statistics are the same with and without. A machine without
 * observers spends nothing on them.
 *
 * Order: CPUs run ahead of each other. Of one CPU, on_span, on_enter and
 * on_leave are told in the order of their times, as are on_walk by their ends.
 * An event with a beginning and an end is told at its end; of those with a
 * scope (mmusim_scope_kind_t) just before on_leave.
 *
 * Sums: the spans of CPU N in a bucket sum to coreN.cycles.BUCKET; misses are
 * as many as llt.misses, by cause as miss.CAUSE; walks as walker.walks; faults
 * as faults.KIND; shootdowns as shootdown.completed, and their lengths are
 * shootdown.latency_cycles. That is so for a run that has ended by itself; one
 * that was interrupted leaves misses, walks and shootdowns that were under way
 * untold, though their beginning has been counted.
 */
#ifndef MMUSIM_OBSERVE_H
#define MMUSIM_OBSERVE_H

#include "mmusim/machine.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The innermost operation or page fault that a CPU is in. */
typedef struct mmusim_inside {
    const char *name;      /* "munmap", "fault"; static. NULL: user code, an
                              interrupt, or the kernel's own work */
    uint64_t vaddr;        /* of the operation or access */
    uint64_t length_bytes; /* 0 for a fault */
    uint64_t pc; /* of the instruction that asked for it; 0: unknown */
} mmusim_inside_t;

/* A stretch of one CPU's time in one bucket. The spans of a CPU cover its time
 * from 0 to sim.cycles without gaps; one ends where the bucket or the thread
 * changes or a scope begins or ends. */
typedef struct mmusim_span {
    uint64_t begin_cycle, end_cycle; /* [begin, end), never empty */
    uint32_t cpu;
    uint32_t tid;    /* 0: the idle thread, or a thread of the kernel's own */
    uint32_t bucket; /* index, in the order of mmusim-stats(7) */
    const char *bucket_name; /* as in coreN.cycles.BUCKET; static */
    mmusim_inside_t inside;
} mmusim_span_t;

/* What nests in a CPU's time. */
typedef enum mmusim_scope_kind {
    MMUSIM_SCOPE_OPERATION, /* a system call of the trace */
    MMUSIM_SCOPE_FAULT,     /* a page fault */
    MMUSIM_SCOPE_FLUSH,     /* a TLB flush that the kernel asks for, until it is
                               complete on all CPUs (or is left to a barrier) */
    MMUSIM_SCOPE_INTERRUPT, /* a handler of inter-processor interrupts */
} mmusim_scope_kind_t;

/* A CPU enters a scope, or leaves the one it has entered last. At the end of an
 * interrupted run, scopes still open are left without an event of their own. */
typedef struct mmusim_scope {
    mmusim_scope_kind_t kind;
    uint32_t cpu, tid;
    uint64_t cycle;
    const char *name; /* "munmap", "fault", "flush gather", "interrupt";
                         static */
    uint64_t vaddr, length_bytes; /* where it says something; else 0 */
} mmusim_scope_t;

#define MMUSIM_LENGTH_ALL UINT64_MAX /* of a flush: all of an address space */

typedef enum mmusim_access_kind {
    MMUSIM_ACCESS_LOAD,
    MMUSIM_ACCESS_STORE,
    MMUSIM_ACCESS_FETCH,
} mmusim_access_kind_t;

/* A demand translation found in no TLB; told when the walk it waited for has
 * ended, which is when its cause is known. */
typedef struct mmusim_miss_event {
    uint64_t begin_cycle; /* asked of the walkers */
    uint64_t end_cycle;   /* of the walk */
    uint64_t vaddr;
    /* Address of the last byte of the fetch record that the access belongs to,
     * which is inside the record's last instruction; 0: the thread has had no
     * fetch yet. */
    uint64_t pc;
    uint64_t space; /* the address space loaded; 0: the kernel's */
    uint32_t cpu, tid;
    mmusim_access_kind_t kind;
    const char *cause; /* as in coreN.miss.CAUSE; static */
} mmusim_miss_event_t;

/* A page walk. */
typedef struct mmusim_walk_event {
    uint64_t begin_cycle, end_cycle;
    uint64_t vaddr;
    uint64_t pc; /* of the first access that waited; 0: none, or unknown */
    uint32_t cpu, tid;
    uint32_t walker; /* of the CPU; one walker does one walk at a time */
    uint32_t n_pte_reads;
    const char *purpose; /* demand, dirty, replay, prefetch, speculate; static.
                            Of a walk for several: the first's */
    bool is_poisoned;    /* an invalidation came: nothing was filled */
    bool is_faulted;     /* nothing to fill was found */
} mmusim_walk_event_t;

/* A page fault. */
typedef struct mmusim_fault_event {
    uint64_t begin_cycle, end_cycle;
    uint64_t vaddr, pc, space;
    uint32_t cpu, tid;
    mmusim_access_kind_t access;
    const char *kind; /* as in coreN.faults.KIND; static */
} mmusim_fault_event_t;

/* A system call record. Addresses and lengths are the record's own. */
typedef struct mmusim_operation_event {
    uint64_t begin_cycle, end_cycle;
    uint64_t pc;    /* see mmusim_miss_event_t */
    uint64_t space; /* that it worked on; for fork the parent's */
    uint64_t vaddr, length_bytes;
    uint64_t new_vaddr, new_length_bytes; /* mremap */
    uint64_t file_offset;                 /* mmap of a file */
    const char *name;   /* the record's word in a text trace; static */
    const char *advice; /* madvise: its word; else NULL. Static */
    const char *file;   /* mmap of a file: its name; else NULL */
    uint32_t cpu, tid;
    uint32_t child_tid; /* fork and clone; else 0 */
    /* mmap and mprotect */
    bool is_readable;
    bool is_writable;
    bool is_executable;
    bool is_shared;
    bool is_refused; /* the kernel returns an error */
} mmusim_operation_event_t;

/* A flush: one call of the kernel's flush_tlb_*(), on one CPU or many. */
typedef struct mmusim_flush_call_event {
    uint64_t begin_cycle, end_cycle;
    uint64_t vaddr, length_bytes; /* MMUSIM_LENGTH_ALL: all */
    uint64_t space;               /* 0: the kernel's, or all */
    uint32_t cpu, tid;
    const char *name; /* as in mmusim_scope_t */
    mmusim_inside_t inside;
} mmusim_flush_call_event_t;

/* A request that had to reach other CPUs. A broadcast's begins with the first
 * operation after a barrier and ends with the next barrier: the CPU may do
 * something else in between. */
typedef struct mmusim_shootdown_event {
    uint64_t id; /* from 1, in the order in which they begin */
    uint64_t begin_cycle, end_cycle;
    uint64_t vaddr, length_bytes; /* of the flush it belongs to */
    uint32_t cpu, tid;
    uint32_t n_targets;
    mmusim_inside_t inside; /* where it ended */
} mmusim_shootdown_event_t;

/* One CPU's request to another: by interrupt, broadcast or remote action. Told
 * when the end of its handling is known, which may lie ahead of the CPU. */
typedef struct mmusim_ipi_event {
    uint64_t shootdown; /* its id; 0: of none */
    uint32_t from_cpu, to_cpu;
    uint64_t sent_cycle;          /* has left the sender */
    uint64_t delivered_cycle;     /* is at the target */
    uint64_t handler_begin_cycle; /* of this request, not of the interrupt */
    uint64_t handler_end_cycle;
} mmusim_ipi_event_t;

/* A `mark NAME` record. */
typedef struct mmusim_mark_event {
    uint64_t cycle;
    uint32_t cpu, tid;
    uint32_t index; /* among the marks of its name, from 0; UINT32_MAX: there
                       are too many to tell */
    const char *name;
} mmusim_mark_event_t;

/* An `image` record: a mapping that exists already; costs no time. */
typedef struct mmusim_image_event {
    uint64_t cycle;
    uint64_t space; /* the address space it is in */
    uint64_t vaddr, length_bytes;
    uint64_t file_offset; /* of a file */
    uint64_t build;       /* first 8 bytes of the file's build id, the first in
                             the highest bits; 0: unknown */
    const char *name;     /* of the file, or "[stack]" and such */
    uint32_t cpu, tid;
    bool is_file;
    bool is_readable;
    bool is_writable;
    bool is_executable;
    /* Each fetch of the trace ends with the instruction that makes the accesses
     * behind it: pc is precise. */
    bool has_lines;
} mmusim_image_event_t;

/* A `site` record: a return address of the thread's next operation. Several
 * come in a row, the innermost first; costs no time. */
typedef struct mmusim_site_event {
    uint64_t cycle;
    uint64_t vaddr;
    uint32_t cpu, tid;
} mmusim_site_event_t;

/*
 * What a caller wants to hear; members that are NULL are not called.
 * Initialise with {0}: members may be added at the end.
 */
typedef struct mmusim_observer {
    void *context; /* first argument of every call */
    void (*on_span)(void *context, const mmusim_span_t *span);
    void (*on_enter)(void *context, const mmusim_scope_t *scope);
    void (*on_leave)(void *context, const mmusim_scope_t *scope);
    void (*on_miss)(void *context, const mmusim_miss_event_t *event);
    void (*on_walk)(void *context, const mmusim_walk_event_t *event);
    void (*on_fault)(void *context, const mmusim_fault_event_t *event);
    void (*on_operation)(void *context, const mmusim_operation_event_t *event);
    void (*on_flush_call)(void *context,
                          const mmusim_flush_call_event_t *event);
    void (*on_shootdown)(void *context, const mmusim_shootdown_event_t *event);
    void (*on_ipi)(void *context, const mmusim_ipi_event_t *event);
    void (*on_mark)(void *context, const mmusim_mark_event_t *event);
    void (*on_image)(void *context, const mmusim_image_event_t *event);
    void (*on_site)(void *context, const mmusim_site_event_t *event);
} mmusim_observer_t;

/*
 * Adds an observer, before the run; several are told in the order in which they
 * were added. The structure is copied, its context borrowed until the machine
 * is destroyed. Errors: MMUSIM_NOMEM; MMUSIM_USAGE after the run has begun.
 */
MMUSIM_API mmusim_status_t mmusim_machine_observe(
    mmusim_machine_t *machine, const mmusim_observer_t *observer);

/* The machine's CPUs and the cycles of one microsecond times 1000 (its clock
 * in kHz), for tools that convert times. */
MMUSIM_API uint32_t mmusim_machine_cpus(const mmusim_machine_t *machine);
MMUSIM_API uint64_t mmusim_machine_clock_khz(const mmusim_machine_t *machine);

#ifdef __cplusplus
}
#endif
#endif
