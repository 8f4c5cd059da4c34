/* SPDX-License-Identifier: MIT */
/*
 * The typed whole of a machine's configuration: what the rows in
 * machine_rows.c fill and mmusim_machine_create() reads.
 *
 * Every time is in cycles here; `_ns` keys are converted once, rounded half
 * up, by mmusim__machine_config_finish().
 */
#ifndef MMUSIM_MACHINE_MACHINE_CONFIG_H
#define MMUSIM_MACHINE_MACHINE_CONFIG_H

#include "mmusim/status.h"
#include "tlb/tlb_array.h"

enum {
    CONFIG_NAME_BYTES = 64,
    CONFIG_MAX_ARRAYS = 4, /* arrays of one TLB level */
    CONFIG_PSC_LEVELS = 4, /* pde, pdpte, pml4e, pml5e */
};

enum tlb_level { /* index into machine_config.tlb */
    TLB_L1I,
    TLB_L1D,
    TLB_L2,
    TLB_LEVEL_COUNT
};

enum config_isa { ISA_X86_64 };
enum config_memory_model { MEMORY_FIXED, MEMORY_HIERARCHY };
enum config_order { ORDER_RECORDED, ORDER_RELAXED };
enum config_engine { ENGINE_RUN_AHEAD, ENGINE_REFERENCE };

struct tlb_level_config {
    uint32_t n_arrays;
    struct tlb_array_config arrays[CONFIG_MAX_ARRAYS];
};

struct psc_config {
    uint32_t n_entries; /* 0: the machine has none at this level */
    uint32_t n_ways;
    uint32_t hit_cycles;
};

struct cache_config {
    uint64_t size_bytes;
    uint32_t n_ways;
    uint32_t hit_cycles;
};

struct memory_config {
    enum config_memory_model model;
    uint32_t fixed_cycles; /* one page-table read */
    bool has_data;         /* data accesses go through the hierarchy too */
    struct cache_config l1d, l2, llc;
    uint32_t dram_cycles;
    uint32_t remote_dram_cycles; /* added when another socket owns the frame */
};

struct walker_config {
    uint32_t count;        /* walks at a time per logical CPU */
    uint32_t start_cycles; /* from the last-level miss to the first read */
    uint32_t dirty_cycles; /* setting D by a store to a clean entry */
};

struct core_config {
    uint32_t base_cpi_q16; /* cycles per instruction, 16.16 fixed point */
    uint32_t window;       /* instructions that may pass an unresolved walk */
    uint32_t max_outstanding_walks;
};

/* Inter-processor interrupts; all in cycles. */
struct ipi_config {
    uint32_t enqueue_cycles;     /* per target: call-single data and queue */
    uint32_t send_cycles;        /* per ICR write */
    uint32_t cluster_cpus;       /* CPUs one ICR write reaches; 1: one by one */
    uint32_t latency_core_cycles;   /* delivery, SMT sibling */
    uint32_t latency_socket_cycles; /* delivery, same socket */
    uint32_t latency_remote_cycles; /* delivery, other socket */
    uint32_t idle_exit_cycles;   /* added when the target is idle */
    uint32_t entry_cycles;       /* vector to handler, interrupts masked */
    uint32_t handler_cycles;     /* per request, besides the invalidations */
    uint32_t exit_cycles;        /* EOI and return */
    uint32_t ack_core_cycles;    /* the sender sees the request unlocked */
    uint32_t ack_socket_cycles;
    uint32_t ack_remote_cycles;
};

/* The kernel's work; all in cycles. */
struct cost_config {
    uint32_t syscall_entry_cycles;
    uint32_t syscall_exit_cycles;
    uint32_t fault_entry_cycles; /* exception entry, interrupts masked */
    uint32_t fault_exit_cycles;
    uint32_t fault_body_cycles;  /* handle_mm_fault without the rows below */
    uint32_t major_fault_cycles; /* reading a file page that is not cached */
    uint32_t vma_cycles;         /* find, split, link or unlink one VMA */
    uint32_t pte_set_cycles;
    uint32_t pte_clear_cycles;   /* per entry found present */
    uint32_t pte_scan_cycles;    /* per entry looked at */
    uint32_t table_alloc_cycles; /* page-table page: allocate and clear */
    uint32_t table_free_cycles;
    uint32_t page_alloc_cycles;
    uint32_t page_free_cycles;
    uint32_t page_zero_cycles;   /* per 4 KiB */
    uint32_t page_copy_cycles;   /* per 4 KiB */
    uint32_t invlpg_cycles;
    uint32_t invpcid_cycles;
    uint32_t cr3_write_cycles;   /* flushing MOV CR3 */
    uint32_t cr3_noflush_cycles;
    uint32_t global_flush_cycles; /* CR4.PGE off and on, or INVPCID type 2 */
    uint32_t flush_call_cycles;   /* flush_tlb_* without its invalidations */
    uint32_t context_switch_cycles; /* without the CR3 write; IRQs masked */
    uint32_t fork_cycles;         /* fixed part of fork */
    uint32_t clone_cycles;
    uint32_t exec_cycles;
    uint32_t lock_cycles;         /* an uncontended acquire */
    uint32_t lock_handover_cycles; /* from release to the next owner */
};

struct os_config {
    char protocol[32];
    uint64_t flush_ceiling_pages;
    uint64_t timeslice_cycles;
    uint64_t memory_bytes;
    bool has_strict_maps;
    bool has_cold_page_cache; /* first touch of a file page is major */
};

struct machine_config {
    char name[CONFIG_NAME_BYTES];
    enum config_isa isa;
    uint64_t clock_khz; /* clock_ghz * 1e6, rounded */
    uint32_t n_sockets;
    uint32_t cores_per_socket;
    uint32_t threads_per_core;
    struct core_config core;
    struct tlb_level_config tlb[TLB_LEVEL_COUNT];
    struct psc_config psc[CONFIG_PSC_LEVELS]; /* [0] = pde */
    struct walker_config walker;
    struct memory_config memory;
    struct ipi_config ipi;
    struct cost_config cost;
    uint32_t page_table_levels; /* 4 or 5 */
    bool has_invpcid;
    struct os_config os;
    enum config_order order;
    enum config_engine engine;
    uint64_t seed;
};

static inline uint32_t machine_config_cpus(const struct machine_config *config)
{
    return config->n_sockets * config->cores_per_socket *
           config->threads_per_core;
}

/* Every default, before any file is read. */
void mmusim__machine_config_init(struct machine_config *config);

/*
 * Cross-field rules (geometry, sizes the format lacks, CPU count, ...).
 * On failure diag names the key and what would be right.
 */
mmusim_status_t
mmusim__machine_config_check(const struct machine_config *config,
                             mmusim_diag_t *diag);

#endif
