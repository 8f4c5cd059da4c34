/* SPDX-License-Identifier: MIT */
/*
 * A world for tests of the linux-4.6 protocol: CPU 0 issues; CPUs 1 and 2 run
 * the same mm, CPU 3 another; the rest are lazy in init_mm.
 */
#ifndef MMUSIM_TESTS_SUPPORT_LINUX_WORLD_H
#define MMUSIM_TESTS_SUPPORT_LINUX_WORLD_H

#include "support/small_system.h"

#define LINUX_VADDR UINT64_C(0x7f0000000000)

struct world {
    struct small_system *small;
    struct address_space mm, other;
};

/* What CPU 0 does. */
struct flush {
    struct address_space *mm;
    uint64_t start, n_pages; /* FLUSH_ALL_PAGES: end is "all" */
    uint64_t extra_bytes;
    bool is_hugetlb;
};

struct cpu *world_cpu(struct world *world, uint32_t id);
/* cmocka setup and teardown: *state is a struct world. */
int world_setup(void **state);
int world_teardown(void **state);
void world_fill(struct world *world, uint32_t id, uint64_t vaddr,
                uint32_t rights);
bool world_holds(struct world *world, uint32_t id, uint64_t vaddr);
/* Pages LINUX_VADDR ... of CPUs 0 to 3, and a global one after them. */
void world_fill_all(struct world *world, uint32_t n_pages);
/* How many of those pages a CPU still has. */
uint32_t world_held(struct world *world, uint32_t id, uint32_t n_pages);
void world_expect_reason(struct world *world, enum flush_reason reason,
                         uint64_t count, uint64_t full, uint64_t pages);
/* How many events of all reasons together. */
void world_expect_reasons(struct world *world, uint64_t count);
void world_expect_vmstat(struct world *world, uint64_t remote,
                         uint64_t received, uint64_t local_all,
                         uint64_t local_one);
/* What CPU 0 does; context is a struct flush. */
void world_mm_range(struct cpu *cpu, void *context);
void world_page(struct cpu *cpu, void *context);
void world_kernel_range(struct cpu *cpu, void *context);
void world_flush_tlb(struct cpu *cpu, void *context);
void world_flush_tlb_mm(struct cpu *cpu, void *context);
void world_flush_all(struct cpu *cpu, void *context);
/* CPU 0 does it, and all is run to the end. */
void world_run(struct world *world, small_act act, struct flush *flush);
void world_flush_own(struct world *world, uint64_t n_pages);
void world_make_lazy(struct world *world, uint32_t id);

#endif
