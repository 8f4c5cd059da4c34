/* SPDX-License-Identifier: MIT */
/* What the kernel counts of its memory, under the names of Linux's
 * /proc/vmstat (mm/vmstat.c): enum suffix, name, unit, help. */
#ifndef MMUSIM_OS_VM_COUNTERS_H
#define MMUSIM_OS_VM_COUNTERS_H

#include <stdint.h>

#define VM_COUNTER_MAP(X)                                                      \
    X(numa_local, "blocks", "allocated on the node of the CPU that asked")     \
    X(numa_other, "blocks", "allocated on another node")

struct vm_counters {
#define VM_COUNTER_FIELD(name, unit, help) uint64_t name;
    VM_COUNTER_MAP(VM_COUNTER_FIELD)
#undef VM_COUNTER_FIELD
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
