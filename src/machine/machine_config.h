/* SPDX-License-Identifier: MIT */
/*
 * The typed whole of a machine's configuration: what the rows in
 * machine_rows.c fill and mmusim_machine_create() reads.
 *
 * Every time is in cycles here; `_ns` keys are converted once, rounded half
 * up, by src/config/.
 */
#ifndef MMUSIM_MACHINE_MACHINE_CONFIG_H
#define MMUSIM_MACHINE_MACHINE_CONFIG_H

#include "coherence/cost_config.h"
#include "coherence/fabric_config.h"
#include "coherence/iommu.h"
#include "core/isa.h"
#include "mmusim/status.h"
#include "os/os_config.h"
#include "tlb/mmu_config.h"
#include "tlb/nested.h"
#include "tlb/prefetch_config.h"
#include "tlb/pt_format.h"

enum {
    CONFIG_NAME_BYTES = 64,
    CONFIG_FABRIC_BYTES = 16,
};

enum config_order { ORDER_RECORDED, ORDER_RELAXED };
enum config_engine { ENGINE_RUN_AHEAD, ENGINE_REFERENCE };

struct core_config {
    uint32_t base_cpi_q16; /* cycles per instruction, 16.16 fixed point */
    uint32_t window;       /* instructions that may pass an unresolved walk */
    uint32_t max_outstanding_walks;
};

/* page_table.format */
#define CONFIG_FORMAT_MAP(X)                                                   \
    X(USUAL, "usual")                                                          \
    X(SHORT, "short")                                                          \
    X(LPAE, "lpae")                                                            \
    X(PLAIN, "plain")                                                          \
    X(PSE, "pse")                                                              \
    X(PAE, "pae")

enum config_format {
#define CONFIG_FORMAT_ENUM(name, word) FORMAT_##name,
    CONFIG_FORMAT_MAP(CONFIG_FORMAT_ENUM)
#undef CONFIG_FORMAT_ENUM
};
enum config_granule { GRANULE_4K, GRANULE_16K, GRANULE_64K };

struct page_table_config {
    uint32_t n_levels; /* 0: the usual number */
    enum config_granule granule;
    enum config_format format;
    uint32_t vaddr_bits; /* 0: the usual number */
};

/* Tables of the second stage: value and word. */
#define CONFIG_STAGE2_MAP(X)                                                   \
    X(USUAL, "usual")                                                          \
    X(EPT, "ept")                                                              \
    X(EPT_NO_AD, "ept-no-ad")                                                  \
    X(NPT, "npt")

enum config_stage2 {
#define CONFIG_STAGE2_ENUM(name, word) STAGE2_##name,
    CONFIG_STAGE2_MAP(CONFIG_STAGE2_ENUM)
#undef CONFIG_STAGE2_ENUM
};

/* Sizes of the blocks that back a guest: value, word, order. */
#define CONFIG_BLOCK_MAP(X)                                                    \
    X(4K, "4K", 0)                                                             \
    X(16K, "16K", 2)                                                           \
    X(64K, "64K", 4)                                                           \
    X(2M, "2M", 9)                                                             \
    X(32M, "32M", 13)                                                          \
    X(512M, "512M", 17)                                                        \
    X(1G, "1G", 18)

enum config_block {
#define CONFIG_BLOCK_ENUM(name, word, order) BLOCK_##name,
    CONFIG_BLOCK_MAP(CONFIG_BLOCK_ENUM)
#undef CONFIG_BLOCK_ENUM
};

/* A machine that runs as one guest: hypervisor.h. */
struct guest_config {
    bool is_enabled;
    enum config_stage2 format;
    enum config_block block;
    struct nested_config nested; /* page_order follows from block */
    uint32_t exit_cycles;
    uint32_t fault_cycles;
};

struct arm_config {
    uint32_t asid_bits; /* 8 or 16 */
    bool has_ranges;    /* FEAT_TLBIRANGE */
    bool has_ttl;       /* FEAT_TTL */
    bool watches_bbm;   /* coherence/arm_bbm.h */
    uint32_t bbm_level; /* FEAT_BBM */
    enum arm_a15 erratum_798181;
    bool repeats_tlbi;
};

struct checker_settings {
    bool is_enabled; /* coherence/check_cpus.h */
    uint32_t max_reports;
};

struct riscv_config {
    uint32_t asid_bits; /* 0 to 16 */
};

struct speculation_config {
    uint32_t fills_per_million; /* instructions; 0: none */
};

struct machine_config {
    char name[CONFIG_NAME_BYTES];
    enum isa isa;
    uint64_t clock_khz; /* clock_ghz * 1e6, rounded */
    uint32_t n_sockets;
    uint32_t cores_per_socket;
    uint32_t threads_per_core;
    struct core_config core;
    struct tlb_level_config tlb[TLB_LEVEL_COUNT];
    struct tlb_sharing_config tlb_sharing;
    struct tlb_fill_config tlb_fill;
    struct tlb_limits_config tlb_limits[TLB_L2 + 1]; /* [TLB_L2]: of l2i and l2d
                                                        each, too */
    struct psc_options psc;
    struct walker_config walker;
    struct prefetch_config prefetch;
    struct speculation_config speculation;
    struct memory_config memory;
    enum socket_links links;
    struct ipi_config ipi;
    bool has_fabric; /* given, not the instruction set's usual one */
    char fabric[CONFIG_FABRIC_BYTES]; /* coherence/fabric.h */
    struct broadcast_config dvm, invlpgb;
    struct rar_config rar;
    struct virt_config virt;
    struct iommu_config iommu;
    struct guest_config guest;
    struct cost_config cost;
    struct page_table_config page_table;
    struct arm_config arm;
    struct checker_settings checker;
    struct riscv_config riscv;
    bool has_invpcid;
    bool has_pcid;
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

/* Cores of a socket that share one last-level TLB. */
static inline uint32_t machine_config_l3_cores(const struct machine_config *c)
{
    return c->tlb_sharing.l3_cores ? c->tlb_sharing.l3_cores
                                   : c->cores_per_socket;
}

/* Every default, before any file is read. */
void mmusim__machine_config_init(struct machine_config *config);

/* Puts what is usual on the instruction set where nothing has been given: the
 * protocol and its ceiling, what carries flushes, the tables' shape. */
void mmusim__machine_config_usual(struct machine_config *config);

/* Where ways are `full` (0), puts the number of entries. */
void mmusim__machine_config_finish(struct machine_config *config);

/*
 * Cross-field rules (geometry, sizes the format lacks, CPU count, ...).
 * On failure diag names the key and what would be right.
 */
mmusim_status_t
mmusim__machine_config_check(const struct machine_config *config,
                             mmusim_diag_t *diag);

/* Which page-table format the machine has, for mmusim__pt_format_init(). */
struct pt_options
mmusim__machine_config_format(const struct machine_config *config);

/* The second stage's, where the machine is a guest. */
struct pt_options
mmusim__machine_config_stage2(const struct machine_config *config);

struct mmusim_config;

/* What a configuration amounts to; borrowed from it, every rule checked by
 * mmusim__machine_config_check() alone. Defined by src/config/. */
const struct machine_config *
mmusim__config_machine(const struct mmusim_config *config);

#endif
