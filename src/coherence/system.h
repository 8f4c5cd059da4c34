/* SPDX-License-Identifier: MIT */
/*
 * What all CPUs of one machine share: the event queue, costs, the protocol,
 * system-wide counters. Owned by the machine.
 */
#ifndef MMUSIM_COHERENCE_SYSTEM_H
#define MMUSIM_COHERENCE_SYSTEM_H

#include "coherence/address_space.h"
#include "coherence/cost_config.h"
#include "coherence/cpu.h"
#include "coherence/fabric_config.h"
#include "coherence/inval_instruction.h"
#include "core/histogram.h"
#include "core/isa.h"

struct arena;
struct bbm;
struct check;
struct fabric_ops;
struct iommu;
struct protocol_ops;

/* tlb_flush trace reasons, in the kernel's order (include/trace/events/tlb.h,
 * 4.6; the last from 6.14 on). */
#define FLUSH_REASON_MAP(X)                                                    \
    X(ON_TASK_SWITCH, "flush_on_task_switch")                                  \
    X(REMOTE_SHOOTDOWN, "remote_shootdown")                                    \
    X(LOCAL_SHOOTDOWN, "local_shootdown")                                      \
    X(LOCAL_MM_SHOOTDOWN, "local_mm_shootdown")                                \
    X(REMOTE_SEND_IPI, "remote_send_ipi")                                      \
    X(REMOTE_WRONG_CPU, "remote_wrong_cpu")

enum flush_reason {
#define FLUSH_REASON_ENUM(name, word) FLUSH_##name,
    FLUSH_REASON_MAP(FLUSH_REASON_ENUM)
#undef FLUSH_REASON_ENUM
        FLUSH_REASON_COUNT
};

struct flush_reason_counters {
    uint64_t count; /* all events */
    uint64_t full;  /* those for all pages */
    uint64_t pages; /* sum over the others */
};

/* /proc/vmstat with CONFIG_DEBUG_TLBFLUSH. */
struct vmstat_counters {
    uint64_t nr_tlb_remote_flush;
    uint64_t nr_tlb_remote_flush_received;
    uint64_t nr_tlb_local_flush_all;
    uint64_t nr_tlb_local_flush_one;
};

struct shootdown_counters {
    uint64_t count; /* flushes that had to reach another CPU */
    uint64_t targets;
    uint64_t ipis_sent; /* interrupts raised at a CPU */
    uint64_t broadcasts;
    uint64_t deferred; /* to the return of a preempted virtual CPU */
    uint64_t completed;
    struct histogram latency_cycles; /* request to completion */
};

struct system {
    struct event_queue queue;
    bool is_reference; /* every event goes through the queue */
    bool has_stopped;  /* a failure: no CPU takes another step */
    mmusim_status_t status;
    mmusim_diag_t diag;

    struct arena *arena;
    struct cpu *cpus;
    uint32_t n_cpus;
    uint32_t acting_cpu; /* whose step is being taken */
    /* The CPU with the greatest number that has had a turn of class
     * EVENT_ACCESS at the cycle, the last with such turns. */
    uint32_t access_cpu;
    uint64_t access_cycle;
    struct flight *free_flights;
    struct broadcast_op *free_broadcasts;
    uint32_t n_sockets;
    enum socket_links links;
    const struct fabric_ops *fabric;   /* fabric.h */
    bool has_broadcast;                /* broadcast.h works here */
    struct broadcast_config broadcast; /* DVM, or INVLPGB */
    struct rar_config rar;
    struct virt_config virt;
    uint32_t free_rar_slots;
    struct cpu *first_rar_waiter, *last_rar_waiter; /* for a slot */
    struct ipi_config ipi;
    struct cost_config cost;
    bool has_invpcid;
    uint64_t jiffy_cycles; /* of os.hz */
    uint32_t jiffies_per_second;
    uint32_t global_asid_samples; /* os.global_asid_samples: a power of two */
    enum isa isa;
    struct arm_issuer arm; /* what the TLBIs of this machine can do */
    struct arm_errata arm_errata;
    bool has_pti;   /* os.pti */
    bool swaps_cr3; /* on x86: at every entry and return, pti.h */
    struct riscv_issuer riscv;
    struct iommu *iommu; /* NULL: no device */
    struct bbm *bbm;     /* arm_bbm.h; NULL: nobody watches */
    struct check *check; /* check_cpus.h; NULL: nobody checks */
    const struct protocol_ops *protocol;
    void *protocol_state; /* the protocol's own */
    uint64_t flush_ceiling_pages;
    bool has_flush_ceiling; /* given, not the protocol's own */
    bool has_batched_unmap; /* os.batched_unmap */
    struct address_space *init_mm;
    uint32_t min_delivery_cycles; /* least time from any event of a CPU to an
                                     interrupt it causes at another */

    /* Hears of every tlb_flush event, as it happens; NULL: nobody does. */
    void (*on_trace_flush)(void *context, enum flush_reason reason,
                           uint64_t pages);
    void *trace_flush_context;
    struct vmstat_counters vmstat;
    struct flush_reason_counters flush_reasons[FLUSH_REASON_COUNT];
    struct shootdown_counters shootdowns;
    uint64_t n_table_syncs; /* table_sync.h */
};

/* Pages argument of the tlb_flush trace event for "all". */
#define FLUSH_ALL_PAGES UINT64_MAX

static inline void system_trace_flush(struct system *system,
                                      enum flush_reason reason, uint64_t pages)
{
    struct flush_reason_counters *counters = &system->flush_reasons[reason];

    counters->count++;
    if (pages == FLUSH_ALL_PAGES)
        counters->full++;
    else
        counters->pages += pages;
    if (system->on_trace_flush)
        system->on_trace_flush(system->trace_flush_context, reason, pages);
}

/* Ends the run with a failure; the first one wins. */
static inline void system_fail(struct system *system, mmusim_status_t status)
{
    if (!system->has_stopped)
        system->status = status;
    system->has_stopped = true;
}

#endif
