/* SPDX-License-Identifier: MIT */
/*
 * How long a read of physical memory takes: a fixed time, or a hierarchy of
 * tag-only caches: L1D and L2 of each logical CPU, an LLC of each socket,
 * DRAM. The time is that of the level that has the line (load to use), as
 * configured; it does not add up over the levels passed.
 *
 * A read fills every level above the one that has the line; nothing is
 * back-invalidated. A write to a page-table line (mem_write_line) raises the
 * line's version: copies of other CPUs and of other sockets' LLCs no longer
 * match, at a cost that does not grow with the CPUs.
 *
 * memory.pair_prefetch: a read that misses L2 brings the other line of its 128
 * bytes into L2 and LLC, as spatial prefetchers do (Intel SDM vol. 4, MSR 1A4H
 * bit 1), in no time. memory.l1d.fill_cycles: after an L2 hit its set of L1D
 * is busy for that long, and an L2 hit in the same set waits.
 *
 * Approximations: hardware threads of one core do not share L1D and L2.
 * Versions lie in a hashed table (2^18 buckets), so that a write now and then
 * makes an unrelated line stale too. A stale copy keeps its way until it is
 * the oldest. A line another socket wrote comes from DRAM, not by snoop. Data
 * lines have no versions: writes to data do not make other copies stale.
 */
#ifndef MMUSIM_TLB_MEM_MODEL_H
#define MMUSIM_TLB_MEM_MODEL_H

#include "tlb/mem_cache.h"
#include "tlb/mmu_config.h"

struct mem_topology {
    uint32_t n_sockets;
    uint32_t cores_per_socket;
    uint32_t threads_per_core;
};

/* Of one CPU. Levels the machine lacks count nothing. A read that misses the
 * LLC goes to DRAM: dram = of these, all; remote = those of another socket. */
struct mem_counters {
    uint64_t l1d_hits, l1d_misses;
    uint64_t l2_hits, l2_misses;
    uint64_t llc_hits, llc_misses;
    uint64_t dram_reads, remote_dram_reads;
};

struct mem_cpu {
    struct mem_cache l1d, l2;
    struct mem_counters counters;
    uint32_t socket;
    uint64_t filled_set;   /* of L1D, by the last L2 hit, */
    uint64_t filled_cycle; /* which takes until then */
};

struct mem_model {
    struct memory_config config;
    struct mem_cpu *cpus;   /* NULL under the fixed model */
    struct mem_cache *llcs; /* by socket */
    uint32_t *versions;     /* by hashed line */
    uint32_t n_cpus;
};

/* NULL if the caches are possible, else the reason; *key says which: "l1d",
 * "l2" or "llc". */
const char *mmusim__mem_refuses(const struct memory_config *config,
                                const char **key);

mmusim_status_t mmusim__mem_init(struct mem_model *model,
                                 const struct memory_config *config,
                                 const struct mem_topology *topology,
                                 struct arena *arena);

/* Reads a word of a page table. home_socket owns its frame. In global event
 * order: this looks at what other CPUs wrote. */
uint32_t mmusim__mem_read_cycles(struct mem_model *model, uint32_t cpu,
                                 uint64_t paddr, uint32_t home_socket);

/* A CPU has stored to a page table: its line is now in this CPU's caches and
 * its socket's LLC, and stale in all others. In global event order. */
void mmusim__mem_write_line(struct mem_model *model, uint32_t cpu,
                            uint64_t paddr);

/*
 * A data access in two parts, so that a core can run private hits ahead of
 * global order: private_hit looks at this CPU's L1D and L2 alone, and a miss
 * there changes and counts nothing; shared_read, in global order, then does
 * the rest and counts all of it. Under the fixed model every access hits, in
 * 0 cycles.
 */
bool mmusim__mem_private_hit(struct mem_model *model, uint32_t cpu,
                             uint64_t paddr, uint64_t now, uint32_t *cycles);
uint32_t mmusim__mem_shared_read(struct mem_model *model, uint32_t cpu,
                                 uint64_t paddr, uint32_t home_socket);

/* Zeros under the fixed model. */
struct mem_counters mmusim__mem_counters(const struct mem_model *model,
                                         uint32_t cpu);

#endif
