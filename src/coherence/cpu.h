/* SPDX-License-Identifier: MIT */
/*
 * A logical CPU as the kernel sees it: what it is doing, its interrupts, its
 * kernel stack of frames, and the address space it has loaded.
 *
 * A CPU is in one *activity*: READY to take its next step, BUSY until a cycle,
 * or WAITING for somebody else's event. Kernel code is a stack of *frames*:
 * each is an explicit state machine whose step() does one event's work and
 * says how it goes on. An interrupt pushes the handler's frame on top and
 * keeps the interrupted activity in it; when the handler is done, a BUSY
 * activity goes on with the cycles it had left, a WAITING one looks whether it
 * was woken meanwhile. With no frame, the CPU runs user code (run_user, set by
 * the machine).
 *
 * Hardware may take the CPU for a while without its software knowing (a
 * broadcast's snoop slot, a hypervisor): the activity stands still, and goes on
 * later by as much.
 *
 * Invariants: cycles[] sum to now; BUSY: busy_until >= stolen_until; a step
 * that leaves the CPU BUSY or WAITING has named the bucket; nothing WAITS for
 * acknowledgements with interrupts masked.
 */
#ifndef MMUSIM_COHERENCE_CPU_H
#define MMUSIM_COHERENCE_CPU_H

#include "coherence/bucket.h"
#include "core/check.h"
#include "core/cpu_mask.h"
#include "core/event_queue.h"
#include "core/rng.h"
#include "tlb/mmu.h"

struct address_space;
struct cpu;
struct kframe;
struct system;
struct ipi_call;
struct flight;
struct broadcast_op;
struct observed_cpu;

enum cpu_mode { CPU_READY, CPU_BUSY, CPU_WAITING };

struct cpu_activity {
    enum cpu_mode mode;
    enum bucket bucket;
    uint64_t busy_until; /* BUSY; WAITING and woken: the delay, in cycles */
    bool is_woken;       /* WAITING, and the event has come */
};

enum kstep {             /* how a frame goes on */
             KSTEP_NEXT, /* the activity has been set (cpu_busy, cpu_wait), or a
                            frame has been pushed; call step() again after that
                          */
             KSTEP_DONE, /* pop this frame */
};

/* Frames embed this as their first member; cpu_push() makes them. */
struct kframe {
    enum kstep (*step)(struct cpu *cpu, struct kframe *frame);
    struct kframe *below;
    uint32_t size_bytes;
    uint32_t pc; /* the frame's own state; 0 at first */
};

enum tlb_state { TLB_STATE_OK, TLB_STATE_LAZY };

struct flush_counters {
    uint64_t local_full, local_pages, received_full, received_pages;
};

/* A CPU's broadcasts (broadcast.c). */
struct cpu_broadcast {
    struct broadcast_op *ops; /* not complete, any order */
    uint32_t n_outstanding;
    uint64_t n_issued;       /* number of the next one */
    bool is_waiting;         /* for one of them to complete */
    uint64_t started_cycle;  /* of the first since the last sync */
    bool has_begun;          /* started_cycle has been set in advance */
    uint64_t shootdown;      /* number of the one that is under way */
    uint64_t n_syncs;        /* barriers begun */
    struct rng rng;          /* of barriers that end too early */
    struct cpu_mask reached; /* by those */
};

/* What a hypervisor does to a CPU (paravirt.c). */
struct virtual_cpu {
    struct event event;     /* the next preemption, or the end of this one */
    uint64_t next_cycle;    /* of the event; the CPU may not run past it */
    uint64_t planned_cycle; /* of the last preemption drawn */
    bool is_preempted;
    bool has_flush; /* to be done at the return */
    uint64_t n_preemptions;
    struct rng rng;
};

/* struct tlbflush_unmap_batch: who may hold entries that reclaim on this CPU
 * has cleared and not flushed. */
struct unmap_batch {
    struct cpu_mask cpus;
    bool is_pending;
};

struct cpu {
    uint32_t id;
    uint32_t core;
    uint32_t socket;
    uint32_t apic_id; /* thread, core and socket, each in bits of its own */
    struct system *system;
    struct mmu mmu;
    struct observed_cpu *observed; /* observers.h; NULL: nobody observes */

    uint64_t now; /* every cycle before it is accounted for */
    uint64_t cycles[BUCKET_COUNT];
    struct cpu_activity activity;
    /* Until then hardware has the CPU, and the activity stands still; those
     * cycles go to stolen_bucket. No step is taken before. */
    uint64_t stolen_until;
    enum bucket stolen_bucket;
    struct event run_event;
    uint64_t event_counts[EVENT_ACCESS + 1];

    struct kframe *top;
    unsigned char *stack; /* CPU_STACK_BYTES */
    uint32_t stack_used_bytes;

    /* Interrupts (ipi.c). */
    bool masks_interrupts;
    bool is_in_handler;
    bool has_interrupt;                       /* raised and not yet taken */
    struct ipi_call *calls_head, *calls_tail; /* call-single queue */
    uint64_t queue_free_cycle;    /* the queue's line is another sender's */
    uint64_t next_delivery_cycle; /* earliest message on its way */
    struct flight *flights;       /* messages on their way here */
    struct ipi_call *calls;       /* this CPU's call to each other CPU */
    struct cpu_broadcast broadcast;
    struct cpu *next_rar_waiter;
    struct virtual_cpu vcpu;

    /* Address space: CR3, and what the kernel keeps beside it. */
    struct address_space *loaded;    /* whose tables CR3 names */
    struct address_space *active_mm; /* cpu_tlbstate.active_mm */
    enum tlb_state tlb_state;
    bool is_kernel_thread; /* current->mm == NULL */
    bool is_idle;          /* in the idle thread */
    uint32_t task_id;      /* current->pid */

    uint32_t entry_cycles; /* of entering the kernel, still to be spent */

    struct flush_counters flushes;
    struct unmap_batch unmap_batch;

    /* Set by the machine: runs user code from `now`; sets the activity, or
     * pushes a frame. Its events are of class EVENT_ACCESS, also where an OS
     * operation begins: how far a CPU has looked ahead names no class. */
    void (*run_user)(struct cpu *cpu);
    void *user; /* the machine's own */
};

enum { CPU_STACK_BYTES = 4352 };

/* The CPU's activity from now on. cycles may be 0. */
void mmusim__cpu_busy(struct cpu *cpu, uint64_t cycles, enum bucket bucket);
void mmusim__cpu_wait(struct cpu *cpu, enum bucket bucket);

/* What a WAITING CPU waits for has come, at the queue's present cycle `now`; it
 * goes on delay_cycles later (still charged to the wait's bucket). Right also
 * if an interrupt handler is running on top. */
void mmusim__cpu_wake(struct cpu *cpu, uint64_t now, uint64_t delay_cycles);

/* Pushes a zeroed frame; never fails (the stack's depth is bounded by the
 * kernel's own call depth; asserted). */
void *mmusim__cpu_push(struct cpu *cpu,
                       enum kstep (*step)(struct cpu *cpu,
                                          struct kframe *frame),
                       size_t size_bytes);

/* An interrupt is raised at `now`: taken at once unless masked. */
void mmusim__cpu_interrupt(struct cpu *cpu, uint64_t now);

/* Hardware takes the CPU for some cycles from `now`, or from the end of what it
 * has taken already: the activity goes on that much later. Returns the end. */
uint64_t mmusim__cpu_steal(struct cpu *cpu, uint64_t now, uint64_t cycles,
                           enum bucket bucket);

struct cpu_layout {
    uint32_t n_sockets, cores_per_socket, threads_per_core;
};

/* Sets where a CPU is, by its id: first the first hardware thread of every
 * core, socket by socket, then the second threads. */
void mmusim__cpu_place(struct cpu *cpu, const struct cpu_layout *layout);

/* Starts a CPU that has never run, at cycle 0. */
void mmusim__cpu_start(struct cpu *cpu);

/* Is the CPU's own next event, at this key, the first of all? Then it may go
 * on without queueing it. Never in the reference engine. */
bool mmusim__cpu_goes_first(struct cpu *cpu, uint64_t cycle,
                            enum event_class class);

/* observers.h, declared here for cpu_account(). */
void mmusim__observe_span(struct cpu *cpu, uint64_t begin, uint64_t end,
                          enum bucket bucket);

/* Accounts the cycles up to `cycle` to a bucket, those stolen to theirs. */
static inline void cpu_account(struct cpu *cpu, uint64_t cycle,
                               enum bucket bucket)
{
    mmusim_assert(cycle >= cpu->now);
    if (cpu->stolen_until > cpu->now) {
        uint64_t until = min_u64(cycle, cpu->stolen_until);

        if (MMUSIM_UNLIKELY(cpu->observed))
            mmusim__observe_span(cpu, cpu->now, until, cpu->stolen_bucket);
        cpu->cycles[cpu->stolen_bucket] += until - cpu->now;
        cpu->now = until;
    }
    if (MMUSIM_UNLIKELY(cpu->observed))
        mmusim__observe_span(cpu, cpu->now, cycle, bucket);
    cpu->cycles[bucket] += cycle - cpu->now;
    cpu->now = cycle;
}

#endif
