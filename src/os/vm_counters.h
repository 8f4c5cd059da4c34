/* SPDX-License-Identifier: MIT */
/* What the kernel counts of its memory, under the names of Linux's
 * /proc/vmstat (mm/vmstat.c): enum suffix, name, unit, help. */
#ifndef MMUSIM_OS_VM_COUNTERS_H
#define MMUSIM_OS_VM_COUNTERS_H

#include <stdint.h>

#define VM_COUNTER_MAP(X)                                                      \
    X(numa_local, "blocks", "allocated on the node of the CPU that asked")     \
    X(numa_other, "blocks", "allocated on another node")                       \
    X(numa_pte_updates, "pages", "whose entries were made to give a hint")     \
    X(numa_huge_pte_updates, "entries", "those of huge pages")                 \
    X(numa_hint_faults, "faults", "on them")                                   \
    X(numa_hint_faults_local, "faults", "by CPUs of the page's node")          \
    X(pgmigrate_success, "pages", "moved to other frames")                     \
    X(pgmigrate_fail, "pages", "that could not be moved")                      \
    X(numa_pages_migrated, "pages", "moved to the node of who used them")      \
    X(thp_fault_alloc, "pages", "huge pages mapped by faults")                 \
    X(thp_fault_fallback, "faults", "that found no free huge page")            \
    X(thp_zero_page_alloc, "pages", "the huge zero page made")                 \
    X(thp_collapse_alloc, "pages", "huge pages made of small ones")            \
    X(thp_collapse_alloc_failed, "places", "for want of a huge page")          \
    X(thp_split_page, "pages", "huge pages taken to pieces")                   \
    X(thp_split_pmd, "mappings", "of huge pages split")                        \
    X(pgscan_kswapd, "pages", "of inactive lists, looked at by kswapd")        \
    X(pgscan_direct, "pages",                                                  \
      "of inactive lists, looked at by direct reclaim")                        \
    X(pgsteal_kswapd, "pages", "freed by kswapd")                              \
    X(pgsteal_direct, "pages", "freed by direct reclaim")                      \
    X(pgrefill, "pages", "of active lists, looked at")                         \
    X(pgactivate, "pages", "moved to an active list")                          \
    X(pgdeactivate, "pages", "moved to an inactive list")                      \
    X(allocstall, "reclaims", "direct ones begun")                             \
    X(pageoutrun, "rounds", "of kswapd")                                       \
    X(pgmajfault, "faults", "that read a page from a device")                  \
    X(pswpin, "pages", "read from swap")                                       \
    X(pswpout, "pages", "written to swap")                                     \
    X(pglazyfreed, "pages", "of MADV_FREE, dropped by reclaim")                \
    X(nr_dirtied, "pages", "of files, that became dirty")                      \
    X(nr_written, "pages", "of files, written back")                           \
    X(nr_vmscan_immediate_reclaim, "pages",                                    \
      "dirty ones that reclaim met and left to the flusher")                   \
    X(cow_ksm, "pages", "merged ones copied for a store, or to be unmerged")

struct vm_counters {
#define VM_COUNTER_FIELD(name, unit, help) uint64_t name;
    VM_COUNTER_MAP(VM_COUNTER_FIELD)
#undef VM_COUNTER_FIELD
};

/* Of ksmd, where it runs: those of /sys/kernel/mm/ksm, then ours. */
#define KSM_COUNTER_MAP(X)                                                     \
    X(pages_shared, "pages", "merged ones in use, as ksmd knows")              \
    X(pages_sharing, "entries", "that map them, beyond one each")              \
    X(pages_sharing_max, "entries", "the most there were at a time")           \
    X(pages_unshared, "pages", "without an equal, and stable")                 \
    X(pages_scanned, "pages", "looked at")                                     \
    X(full_scans, "scans", "of all mergeable memory")                          \
    X(merged, "pages", "given up for an equal one")                            \
    X(write_protected, "entries", "made read-only and clean, with a flush")    \
    X(unflushed, "entries", "read-only and clean already: without a flush")    \
    X(refused, "merges", "given up: the page was busy, or had changed")        \
    X(unmerged, "pages", "copied because they were not to be merged any more")

struct ksm_counters {
#define KSM_COUNTER_FIELD(name, unit, help) uint64_t name;
    KSM_COUNTER_MAP(KSM_COUNTER_FIELD)
#undef KSM_COUNTER_FIELD
};

/* Of mmu_gathers. */
#define GATHER_COUNTER_MAP(X)                                                  \
    X(flushes, "flushes", "that mmu_gathers asked for")                        \
    X(early, "flushes",                                                        \
      "of them before the end: slots full, dirty file pages")                  \
    X(areas, "flushes", "of them at the end of an area")                       \
    X(nested, "flushes",                                                       \
      "of all, because another gather of the address space was in flight")

struct gather_counters {
#define GATHER_COUNTER_FIELD(name, unit, help) uint64_t name;
    GATHER_COUNTER_MAP(GATHER_COUNTER_FIELD)
#undef GATHER_COUNTER_FIELD
};

#endif
