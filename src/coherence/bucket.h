/* SPDX-License-Identifier: MIT */
/* Where a CPU's cycles go: every cycle is in exactly one bucket, that of the
 * innermost activity, and the buckets sum to the CPU's cycles. */
#ifndef MMUSIM_COHERENCE_BUCKET_H
#define MMUSIM_COHERENCE_BUCKET_H

#define BUCKET_MAP(X)                                                          \
    X(BASE, "base", "instructions at core.base_cpi")                           \
    X(MEMORY, "memory", "data-access time beyond base")                        \
    X(L1_TLB, "l1_tlb", "exposed L1 TLB hit time")                             \
    X(L2_TLB, "l2_tlb", "exposed L2 TLB hit time")                             \
    X(L3_TLB, "l3_tlb", "exposed last-level TLB hit time")                     \
    X(WALK, "walk", "stalled on page walks")                                   \
    X(FAULT, "fault", "page faults")                                           \
    X(KERNEL, "kernel", "system calls, VMA and page-table work")               \
    X(LOCK, "lock", "waiting for kernel locks")                                \
    X(FLUSH_LOCAL, "flush_local", "invalidating the CPU's own TLB")            \
    X(IPI_SEND, "ipi_send", "queueing and sending flush requests")             \
    X(IPI_WAIT, "ipi_wait", "waiting for remote completion")                   \
    X(IPI_HANDLER, "ipi_handler", "time stolen by received requests")          \
    X(SWITCH, "switch", "context switches")                                    \
    X(IDLE, "idle", "nothing to run, or blocked")                              \
    X(ORDER, "order", "waiting for the trace's recorded order")

enum bucket {
#define BUCKET_ENUM(name, word, help) BUCKET_##name,
    BUCKET_MAP(BUCKET_ENUM)
#undef BUCKET_ENUM
        BUCKET_COUNT
};

#endif
