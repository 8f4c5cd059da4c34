/* SPDX-License-Identifier: MIT */
/* What interrupts and the kernel's work cost: keys ipi.* and cost.*. */
#ifndef MMUSIM_COHERENCE_COST_CONFIG_H
#define MMUSIM_COHERENCE_COST_CONFIG_H

#include "core/types.h"

/* How one write of the interrupt command register addresses its targets. */
enum ipi_mode {
    IPI_CLUSTER,   /* x2APIC: the targets within one cluster */
    IPI_XAPIC,     /* one target, then waits for the delivery status */
    IPI_SHORTHAND, /* all but self when those are the targets; else CLUSTER */
};

enum ipi_delivery {
    IPI_FIXED, /* a vector: waits where interrupts are masked */
    IPI_NMI,   /* interrupts whatever is not an NMI handler itself */
};

/* Inter-processor interrupts; all in cycles. */
struct ipi_config {
    enum ipi_mode mode;
    enum ipi_delivery delivery;
    uint32_t look_cycles;    /* per target: should it be called at all? */
    uint32_t enqueue_cycles; /* per target: call-single data and queue ... */
    uint32_t enqueue_remote_cycles; /* ... of a target in another socket */
    uint32_t enqueue_hop_cycles;    /* per link beyond the first */
    uint32_t send_cycles;           /* per ICR write */
    uint32_t status_cycles; /* xAPIC: until the delivery status is idle */
    uint32_t cluster_cpus;  /* CPUs one ICR write reaches; 1: one by one */
    uint32_t latency_core_cycles;   /* delivery, SMT sibling */
    uint32_t latency_socket_cycles; /* delivery, same socket */
    uint32_t latency_remote_cycles; /* delivery, other socket */
    uint32_t hop_cycles;            /* per link beyond the first */
    uint32_t idle_exit_cycles;      /* added when the target is idle */
    uint32_t entry_cycles;          /* vector to handler, interrupts masked */
    uint32_t nmi_entry_cycles;      /* instead, for an NMI */
    uint32_t handler_cycles;        /* per request, besides the invalidations */
    uint32_t exit_cycles;           /* EOI and return */
    uint32_t ack_core_cycles;       /* the sender sees the request unlocked */
    uint32_t ack_socket_cycles;
    uint32_t ack_remote_cycles;
    uint32_t ack_hop_cycles;
};

/* The kernel's work; all in cycles. */
struct cost_config {
    uint32_t syscall_entry_cycles;
    uint32_t syscall_exit_cycles;
    uint32_t fault_entry_cycles; /* exception entry, interrupts masked */
    uint32_t fault_exit_cycles;
    uint32_t fault_body_cycles;  /* handle_mm_fault without the rows below */
    uint32_t major_fault_cycles; /* reading a file page that is not cached */
    uint32_t page_read_cycles;   /* the CPU's part of reading 4 KiB of a file */
    uint32_t page_write_cycles;  /* writing one file page back */
    uint32_t page_cache_cycles;  /* one page into or out of a file's tree */
    uint32_t swap_in_cycles;     /* reading 4 KiB from swap */
    uint32_t swap_out_cycles;    /* writing one page to swap */
    uint32_t lru_move_cycles;    /* a page onto or off a list, under the lock */
    uint32_t reclaim_page_cycles;  /* looking at a page of an LRU list, without
                                      its mappings */
    uint32_t rmap_walk_cycles;     /* finding one entry that maps a page */
    uint32_t reclaim_round_cycles; /* a round's fixed part: targets, zones */
    uint32_t vma_cycles;           /* find, split, link or unlink one VMA */
    uint32_t pte_set_cycles;
    uint32_t pte_clear_cycles;   /* per entry found present */
    uint32_t pte_scan_cycles;    /* per entry looked at */
    uint32_t table_alloc_cycles; /* page-table page: allocate and clear */
    uint32_t table_free_cycles;
    uint32_t page_alloc_cycles;
    uint32_t page_free_cycles;
    uint32_t page_zero_cycles;     /* per 4 KiB */
    uint32_t page_copy_cycles;     /* per 4 KiB */
    uint32_t migrate_page_cycles;  /* of a page or a huge one, without copy,
                                      entry and flush */
    uint32_t thp_split_cycles;     /* a huge mapping, without its entries */
    uint32_t page_checksum_cycles; /* of 4 KiB, for KSM */
    uint32_t page_compare_cycles;  /* two equal ones of 4 KiB, byte by byte */
    uint32_t ksm_tree_cycles;      /* a step down one of KSM's trees */
    uint32_t invlpg_cycles;
    uint32_t invpcid_cycles;
    uint32_t cr3_write_cycles; /* flushing MOV CR3 */
    uint32_t cr3_noflush_cycles;
    uint32_t global_flush_cycles; /* CR4.PGE off and on, or INVPCID type 2 */
    uint32_t barrier_cycles;      /* a DSB or ISB with nothing to wait for */
    uint32_t ttbr_write_cycles;   /* TTBR0, CONTEXTIDR and the ISB */
    uint32_t sfence_cycles;       /* one SFENCE.VMA */
    uint32_t satp_write_cycles;
    uint32_t sbi_call_cycles;       /* into the firmware and back, without the
                                       interrupts it sends */
    uint32_t flush_call_cycles;     /* flush_tlb_* without its invalidations */
    uint32_t context_switch_cycles; /* without the CR3 write; IRQs masked */
    uint32_t fork_cycles;           /* fixed part of fork */
    uint32_t clone_cycles;
    uint32_t exec_cycles;
    uint32_t lock_cycles;          /* an uncontended acquire */
    uint32_t lock_handover_cycles; /* from release to the next owner */
};

#endif
