/* SPDX-License-Identifier: MIT */
/*
 * A core running user code: the records of the current thread, the accesses
 * that wait for walks, and how far it may run ahead of the others.
 *
 * Run-ahead: a core reaches another only through interrupts and broadcasts, and
 * every future step of any other CPU is an event in the queue. So nothing can
 * arrive here earlier than the queue's first event plus the least time from a
 * step to an arrival (system.min_delivery_cycles), nor earlier than a message
 * already on its way, nor than the CPU's next preemption (paravirt.h). Up to
 * there, hits touch nothing that others see, and run in a tight loop; misses,
 * faults and OS operations are events in global order.
 *
 * Threads of a core that share TLB arrays are a group: each runs ahead no
 * further than to the next event of the others, so that look-ups come in the
 * order of (cycle, CPU). A last level that cores share is looked up by an
 * event.
 *
 * Overlap: up to core.max_outstanding_walks accesses wait for walks while the
 * core goes on; it stalls when the oldest is core.window instructions behind
 * (an in-order core: 0). Hit times of lower TLBs and caches are exposed beyond
 * what the window covers, or in full for an access the next one depends on.
 */
#ifndef MMUSIM_MACHINE_CORE_UNIT_H
#define MMUSIM_MACHINE_CORE_UNIT_H

#include "coherence/check_cpus.h"
#include "coherence/cpu.h"
#include "core/rng.h"
#include "machine/machine_config.h"
#include "machine/thread_stream.h"
#include "os/kernel.h"
#include "os/page_fault.h"
#include "tlb/walker.h"

enum { CORE_MAX_PENDING = 64 };

enum pending_state {
    PENDING_FREE,
    PENDING_WALK,  /* a walker has it */
    PENDING_RETRY, /* look it up again: after a fault or a poisoned walk */
    PENDING_FAULT, /* raise a page fault */
    PENDING_IN_FAULT,
};

/* An access that has missed. */
struct pending_access {
    struct walk_request request;
    enum pending_state state;
    bool blocks;                  /* the core may not pass it */
    struct fault_outcome outcome; /* set by the fault handler */
    uint64_t instruction;         /* how many the core had done */
};

/* What the access loop has run into; handled as an event at that cycle. */
enum core_stop {
    STOP_LIMIT,   /* as far as it may go */
    STOP_RECORDS, /* the piece is used up */
    STOP_SYS,     /* an OS operation */
    STOP_MISS,    /* stopped_vaddr is in no TLB of the core's own */
    STOP_DIRTY,   /* a store hit a clean entry */
    STOP_RIGHTS,  /* the entry refuses the access */
    STOP_MEMORY,  /* a data access goes to a shared cache */
    STOP_WINDOW,  /* the window is full */
};

/* Look-ups that a TLB level has taken in a cycle; what is beyond its ports
 * waits for the next. */
struct core_port {
    uint32_t n; /* at most; 0: any number */
    uint32_t n_used;
    uint64_t cycle;
};

/* Time that a record takes after it has crossed the horizon: spent piece by
 * piece, since an interrupt may come in any of them. ports, L1, L2, memory,
 * base. */
enum { CORE_MAX_OWED = 8 };

struct core_owed {
    uint64_t cycles;
    enum bucket bucket;
};

struct core_counters {
    uint64_t accesses, fetches, instructions;
};

struct core_unit {
    struct cpu *cpu;
    struct kernel *kernel;
    struct mem_model *memory;
    struct marks *marks;
    const struct guest_config *guest;
    uint64_t clock_khz;
    /* Fixed by the machine. */
    uint32_t cpi_q16;
    uint32_t window;
    uint32_t max_pending;
    uint64_t window_cycles;
    uint32_t page_shift; /* of the smallest page */
    bool has_data_caches;
    bool has_l3;
    bool has_prefetcher;
    bool has_mshrs;
    /* Miss registers of each level (0: any number): where all are taken, a miss
     * waits until a walk ends; hits before it have gone on. */
    uint32_t mshrs[TLB_LEVEL_COUNT];
    bool has_ports; /* some level has a bound on its look-ups a cycle */
    struct core_port ports[TLB_LEVEL_COUNT];
    /* Speculative fills: how far apart on average, and the next one's
     * instruction; UINT64_MAX: none. */
    uint64_t speculation_distance;
    uint64_t speculation_at;
    struct rng rng;
    struct check *check;  /* NULL: nobody checks */
    bool needs_slow_path; /* L1 hits or data accesses take time */
    uint32_t l1_hit_cycles[ACCESS_KINDS];
    /* Running. */
    uint32_t cpi_fraction;
    struct core_owed owed[CORE_MAX_OWED]; /* oldest first */
    uint32_t n_owed;
    struct core_counters counters;
    struct pending_access pending[CORE_MAX_PENDING];
    uint64_t pending_mask; /* which of them are not PENDING_FREE */
    uint32_t n_pending;
    bool is_stalled;
    enum core_stop stop;
    uint64_t stopped_vaddr;
    enum access_kind stopped_kind;
    bool stopped_dependent;
    /* Notified of every piece used up. */
    void (*on_records)(void *context, uint64_t n_records);
    void *records_context;
};

/* Hangs the unit on its CPU; its other fields have been set. */
void mmusim__core_init(struct core_unit *core);
/* cpu->run_user. */
void mmusim__core_run(struct cpu *cpu);

/* The access loop (core_loop.c): runs the stream's records from cpu->now until
 * `limit_cycle`, `limit_instructions` more instructions or limit_records;
 * leaves the CPU BUSY until where it got, and core->stop says why. */
struct core_limits {
    uint64_t cycle;
    uint64_t instructions;
    uint32_t records;
};
void mmusim__core_loop(struct core_unit *core, struct thread_stream *stream,
                       const struct core_limits *limits);

/* Handles the SYS record in hand (core_sys.c). */
void mmusim__core_sys(struct core_unit *core, struct thread *thread,
                      struct thread_stream *stream);
/* A thread off its CPU (late.h) turns out to have slept: it is at `idle`. */
void mmusim__core_slept(struct core_unit *core, struct thread *thread,
                        struct thread_stream *stream);
/* The stream has ended: the thread exits. */
void mmusim__core_end_thread(struct core_unit *core);

#endif
