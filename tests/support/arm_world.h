/* SPDX-License-Identifier: MIT */
/*
 * A world for tests of Arm's kernels: a small machine of Armv8 (or Armv7) on
 * which CPUs 0, 1 and 2 run one address space and CPU 3 another; CPU 0 acts.
 * Nothing but the protocol, its broadcasts and TLBs.
 */
#ifndef MMUSIM_TESTS_SUPPORT_ARM_WORLD_H
#define MMUSIM_TESTS_SUPPORT_ARM_WORLD_H

#include "coherence/flush.h"
#include "support/small_system.h"

#define ARM_VADDR UINT64_C(0x40000000)

struct arm_world {
    struct small_system *small;
    struct pt_format format;
    struct address_space mm, other;
};

struct arm_world_options {
    const char *kernel;
    uint32_t features; /* enum arm_feature */
    uint32_t granule_bytes;
    uint64_t ceiling; /* 0: the kernel's own */
    bool cannot_broadcast;
    bool has_pti;
};

struct arm_world *arm_world_create(const struct arm_world_options *options);
void arm_world_destroy(struct arm_world *world);

struct cpu *arm_cpu(struct arm_world *world, uint32_t id);
/* An entry of CPU's loaded space; order: of the page. */
void arm_fill(struct arm_world *world, uint32_t id, uint64_t vaddr,
              uint32_t order);
bool arm_holds(struct arm_world *world, uint32_t id, uint64_t vaddr,
               uint32_t order);
/* A pointer to a table of a level (0: of pages). */
void arm_fill_pointer(struct arm_world *world, uint32_t id, uint64_t vaddr,
                      uint32_t level);
bool arm_holds_pointer(struct arm_world *world, uint32_t id, uint64_t vaddr,
                       uint32_t level);

/* What a CPU does next; run it by small_run(). */
enum arm_deed {
    ARM_FLUSH_RANGE,
    ARM_FLUSH_GATHER,
    ARM_FLUSH_PAGE,
    ARM_FLUSH_KERNEL,
    ARM_FLUSH_ALL,
    ARM_UPGRADE,
    ARM_SPURIOUS,
    ARM_BATCH_ADD,
    ARM_BATCH_FLUSH,
    ARM_BATCH_PENDING,
};

struct arm_order {
    struct arm_world *world;
    enum arm_deed deed;
    struct flush_span span;
    uint32_t order; /* of the page */
};

void arm_do(struct arm_order *order, uint32_t id);
/* CPU 0 does it alone, to the end. */
void arm_run(struct arm_world *world, enum arm_deed deed,
             const struct flush_span *span);

/* Operations sent so far. */
uint64_t arm_n_ops(const struct arm_world *world);

#endif
