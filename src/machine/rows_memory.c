/* SPDX-License-Identifier: MIT */
/*
 * Keys of memory that runs short: swap, watermarks, readahead, reclaim. What
 * reclaim costs is guessed part by part; no published figure splits it.
 */
#include "machine/machine_rows.h"
#include "machine/row_macros.h"

static const char *const rows_batched[] = {"protocol", "false", "true", NULL};

/* clang-format off */
const struct field_row mmusim__rows_memory[] = {
    WORD("os.batched_unmap", os.batched_unmap, rows_batched, "protocol",
         "whether reclaim flushes for many entries at once; protocol: as that "
         "kernel does",
         "Linux 4.3 to 4.6 mm/rmap.c on x86: yes"),
    U64("os.khugepaged_sleep_cycles", os.khugepaged_sleep_cycles, "cycles", 1,
        UINT64_C(1000000000000), "30000000000",
        "from one round of khugepaged over 8 places to the next",
        "Linux 4.6 mm/huge_memory.c scan_sleep_millisecs: 10 s, at 3 GHz"),
    BOOL("os.ksm.run", os.ksm.is_running, "false",
         "whether ksmd merges equal pages of areas with MADV_MERGEABLE",
         "Linux 4.6 mm/ksm.c ksm_run: 0"),
    U32("os.ksm.pages_to_scan", os.ksm.pages_to_scan, "pages", 1, 1000000000,
        "100", "pages that ksmd looks at before it sleeps",
        "Linux 4.6 mm/ksm.c ksm_thread_pages_to_scan"),
    U64("os.ksm.sleep_cycles", os.ksm.sleep_cycles, "cycles", 1,
        UINT64_C(1000000000000), "60000000", "how long ksmd sleeps then",
        "Linux 4.6 mm/ksm.c ksm_thread_sleep_millisecs: 20 ms, at 3 GHz"),
    U32("os.ksm.max_page_sharing", os.ksm.max_sharing, "entries", 2,
        1000000000, "256",
        "entries that may map one merged page, in kernels from 4.13 on",
        "Linux 4.20 mm/ksm.c ksm_max_page_sharing"),
    U32("os.ksm.duplicate_ppm", os.ksm.duplicate_ppm, "per million", 0,
        1000000, "500000",
        "pages, until they are written again, that are equal to others",
        "a choice, not a measurement: a trace has no contents"),
    U32("os.ksm.classes", os.ksm.n_classes, "contents", 0, 1000000000, "0",
        "different contents of such pages; 0: those of one address are equal "
        "in all address spaces",
        "a choice, not a measurement"),
    U32("os.ksm.volatile_ppm", os.ksm.volatile_ppm, "per million", 0, 1000000,
        "0", "pages that are different each time ksmd looks",
        "a choice, not a measurement"),
    CYCLES("cost.page_checksum_cycles", cost.page_checksum_cycles, "860",
           "ksmd's checksum of 4 KiB",
           "Linux, commit message of btrfs's xxhash: 860 cycles for 4096 "
           "bytes; jhash2, before 5.0, takes longer"),
    CYCLES("cost.page_compare_cycles", cost.page_compare_cycles, "1000",
           "comparing 4 KiB with an equal page",
           "guess, 8 bytes a cycle and the misses of two pages"),
    CYCLES("cost.ksm_tree_cycles", cost.ksm_tree_cycles, "200",
           "one step down a tree of ksmd's, past a page that differs early",
           "guess, a node and a page's first line out of cache"),
    BOOL("os.numa_balancing", os.has_numa_balancing, "false",
         "pages move to the node of the CPU that uses them",
         "a choice, not a measurement; Linux: true on several nodes"),
    U64("os.numa_scan_period_cycles", os.numa_scan_period_cycles, "cycles", 1,
        UINT64_C(1000000000000), "3000000000",
        "from one scan of an address space to the next",
        "Linux 4.6 kernel/sched/fair.c: 1000 ms, at 3 GHz"),
    U64("os.numa_scan_size", os.numa_scan_bytes, "bytes", 4096,
        UINT64_C(1) << 46, "256M", "bytes of an address space a scan",
        "Linux 4.6 kernel/sched/fair.c sysctl_numa_balancing_scan_size"),
    U64("os.swap", os.swap_bytes, "bytes", 0, UINT64_C(1) << 46, "0",
        "swap space; 0: anonymous memory is never reclaimed",
        "a choice, not a measurement"),
    U32("os.watermark_scale_factor", os.watermark_scale_factor, "1/10000", 0,
        3000, "10",
        "distance of the low and the high watermark, in parts of memory, "
        "where that is more than a quarter of min",
        "Linux 4.6 mm/page_alloc.c watermark_scale_factor"),
    U32("os.fault_around_pages", os.fault_around_pages, "pages", 1, 512, "1",
        "a read fault of a file maps the cached ones of so many pages around "
        "it, a power of two; 1: none (Linux: 16)",
        "a choice, not a measurement: Linux has 64 KiB, mm/memory.c"),
    U32("os.readahead_pages", os.readahead_pages, "pages", 1, 512, "1",
        "pages of a file that are read at once; 1: none (Linux: 32)",
        "a choice, not a measurement: Linux has 128 KiB, VM_MAX_READAHEAD"),
    CYCLES("cost.page_read_cycles", cost.page_read_cycles, "600",
           "the CPU's part of reading 4 KiB of a file",
           "guess, as page_zero_cycles and some"),
    CYCLES("cost.page_write_cycles", cost.page_write_cycles, "3000",
           "writing one file page back", "guess, 1 us of a block request"),
    CYCLES("cost.page_cache_cycles", cost.page_cache_cycles, "250",
           "one page into or out of a file's tree",
           "guess, tree_lock and a radix tree's path"),
    CYCLES("cost.swap_in_cycles", cost.swap_in_cycles, "15000",
           "reading 4 KiB from swap", "guess, 5 us: compressed memory"),
    CYCLES("cost.swap_out_cycles", cost.swap_out_cycles, "15000",
           "writing 4 KiB to swap", "guess, 5 us: compressed memory"),
    CYCLES("cost.lru_move_cycles", cost.lru_move_cycles, "60",
           "a page onto or off an LRU list, lru_lock held",
           "guess, two cache misses that overlap"),
    CYCLES("cost.reclaim_page_cycles", cost.reclaim_page_cycles, "300",
           "looking at one page of an LRU list, without its mappings",
           "guess, a page lock and its flags"),
    CYCLES("cost.rmap_walk_cycles", cost.rmap_walk_cycles, "200",
           "finding one entry that maps a page",
           "guess, a VMA and a page table out of cache"),
    CYCLES("cost.reclaim_round_cycles", cost.reclaim_round_cycles, "1500",
           "the fixed part of one round of reclaim", "guess"),
};
/* clang-format on */

const size_t mmusim__rows_memory_n =
    sizeof(mmusim__rows_memory) / sizeof(mmusim__rows_memory[0]);
