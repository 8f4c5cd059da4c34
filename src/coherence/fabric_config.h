/* SPDX-License-Identifier: MIT */
/* What carrying an invalidation by hardware costs: keys topology.links,
 * dvm.*, invlpgb.*, rar.* and virt.*; docs/fabrics.md. */
#ifndef MMUSIM_COHERENCE_FABRIC_CONFIG_H
#define MMUSIM_COHERENCE_FABRIC_CONFIG_H

#include "core/types.h"

/* How sockets are joined: how many links lie between two of them. */
enum socket_links {
    LINKS_FULL, /* every pair by a link of its own */
    LINKS_RING,
    LINKS_LADDER, /* two rows of sockets, links along and across */
    LINKS_CUBE,   /* socket numbers that differ in one bit are neighbours */
};

enum broadcast_filter {
    FILTER_NONE,  /* every core in reach pays for every message */
    FILTER_CLEAN, /* not a core that has begun no walk of the tag since its
                     last invalidation of everything */
};

enum inner_domain { INNER_MACHINE, INNER_SOCKET };

/* Address-carrying broadcasts: Arm DVM, AMD INVLPGB. In cycles. */
struct broadcast_config {
    bool reaches_others; /* false: a core without maintenance broadcast */
    enum inner_domain inner_domain;
    enum broadcast_filter filter;
    uint32_t max_outstanding; /* operations of one CPU on their way */
    uint32_t max_pages;       /* of one operation */
    uint32_t issue_cycles;    /* one operation leaves the CPU */
    uint32_t local_cycles;    /* one that acts on the CPU alone */
    uint32_t latency_core_cycles, latency_socket_cycles, latency_remote_cycles;
    uint32_t slot_cycles; /* taken from each core that a message reaches */
    uint32_t ack_core_cycles, ack_socket_cycles, ack_remote_cycles;
    uint32_t hop_cycles;        /* per link beyond the first, each way */
    uint32_t sync_cycles;       /* the barrier, once all is acknowledged */
    uint32_t sync_local_cycles; /* one that waits for local operations */
    uint32_t early_syncs_per_million; /* a flaw: barriers that wait for nothing
                                         but what an earlier one let pass */
};

/* What an Arm kernel does about a core that it knows to be wrong. */
struct arm_errata {
    enum arm_a15 {
        A15_NONE,
        A15_PARTIAL,   /* a dummy TLBIMVAIS and a DSB */
        A15_FULL,      /* and an interrupt to whoever runs the ASID */
    } a15;             /* 798181 */
    bool repeats_tlbi; /* ARM64_WORKAROUND_REPEAT_TLBI */
};

/* Who passes an interrupt to a virtual CPU. */
enum virt_interrupts {
    VIRT_NONE,   /* no virtual machine */
    VIRT_EXITS,  /* the hypervisor: every ICR write, delivery and EOI exits */
    VIRT_POSTED, /* an ICR write exits; delivery is a posted interrupt */
    VIRT_IPIV,   /* hardware on both sides: IPI virtualisation, AVIC */
};

/* A virtual machine's interrupts and its virtual CPUs. In cycles. */
struct virt_config {
    enum virt_interrupts interrupts;
    uint32_t icr_exit_cycles;  /* sender: exit, emulation, entry */
    uint32_t inject_cycles;    /* target: exit, injection, entry */
    uint32_t posted_cycles;    /* target: notification processing */
    uint32_t eoi_exit_cycles;  /* target, VIRT_EXITS */
    uint32_t halt_wake_cycles; /* an idle virtual CPU has halted */
    /* A virtual CPU that is not idle loses its CPU now and then. */
    uint64_t preempt_period_cycles; /* on the average; 0: never */
    uint64_t preempt_cycles;        /* for that long */
    bool has_pv_flush;        /* a preempted one flushes when it comes back */
    uint32_t pv_check_cycles; /* sender: looking at one virtual CPU's state */
    uint32_t pv_flush_cycles; /* the flush on coming back */
};

/* Intel Remote Action Request. In cycles. */
struct rar_config {
    uint32_t n_slots;        /* of the table of payloads */
    uint32_t payload_cycles; /* initiator: writing a payload */
    uint32_t action_cycles;  /* initiator: per target, its action byte */
    uint32_t handler_cycles; /* target: the microcode, without ... */
    uint32_t page_cycles;    /* ... each page of the payload ... */
    uint32_t full_cycles;    /* ... or everything */
    uint32_t max_pages;      /* of a payload; more is everything */
};

#endif
