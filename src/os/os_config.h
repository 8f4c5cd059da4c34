/* SPDX-License-Identifier: MIT */
/* The simulated kernel's settings: keys os.*. */
#ifndef MMUSIM_OS_OS_CONFIG_H
#define MMUSIM_OS_OS_CONFIG_H

#include "core/types.h"

enum thp_mode { THP_NEVER, THP_MADVISE, THP_ALWAYS };
enum node_policy { NODE_LOCAL, NODE_INTERLEAVE };
enum thread_placement { PLACE_CORES, PLACE_SPREAD, PLACE_PAIRS };

/* os.kernel_map; from KERNEL_MAP_NAMED on, mmusim_linux_layout_name_at(). */
enum { KERNEL_MAP_AUTO, KERNEL_MAP_NONE, KERNEL_MAP_NAMED };

enum batched_unmap { BATCHED_BY_PROTOCOL, BATCHED_OFF, BATCHED_ON };

/* os.ksm.* */
struct ksm_config {
    bool is_running;
    uint32_t pages_to_scan; /* a round */
    uint64_t sleep_cycles;  /* between rounds */
    uint32_t max_sharing;   /* entries of a merged page */
    /* What is in pages (page_contents.h). */
    uint32_t duplicate_ppm, volatile_ppm;
    uint32_t n_classes;
};

struct os_config {
    char protocol[32];
    bool has_pti;
    bool has_protocol; /* given, not the instruction set's usual one */
    uint64_t flush_ceiling_pages;
    bool has_flush_ceiling; /* given, not the protocol's own */
    uint64_t timeslice_cycles;
    uint64_t memory_bytes;
    enum thp_mode thp;
    uint64_t khugepaged_sleep_cycles;
    struct ksm_config ksm;
    bool has_numa_balancing;
    uint64_t numa_scan_period_cycles;
    uint64_t numa_scan_bytes;
    enum node_policy node_policy;
    enum thread_placement thread_placement;
    uint64_t seed; /* the machine's: key seed */
    uint32_t n_exec_arg_pages;
    uint32_t gather_failures_per_million; /* of pages for an mmu_gather */
    uint32_t n_frame_colours; /* 0: frames in order (frame_alloc.h) */
    enum batched_unmap batched_unmap;
    uint64_t swap_bytes;             /* 0: none */
    uint32_t watermark_scale_factor; /* in 1/10000 of memory */
    uint32_t fault_around_pages;     /* 1: only the page that faults */
    uint32_t readahead_pages;        /* 1: only the page that is missing */
    uint32_t hz;                     /* jiffies per second */
    uint32_t global_asid_samples_log2;
    bool has_pcid; /* x86: the kernel uses them where there are any */
    bool has_strict_maps;
    uint32_t kernel_map;
    uint64_t vmap_lazy_pages;
    bool has_cold_page_cache; /* first touch of a file page is major */
};

#endif
