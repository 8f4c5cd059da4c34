/* SPDX-License-Identifier: MIT */
/*
 * A world for tests of the x86 protocols with generations: 8 CPUs with PCIDs;
 * 0, 1 and 2 run one mm, 3 another; the rest has init_mm loaded.
 */
#ifndef MMUSIM_TESTS_SUPPORT_TLBGEN_WORLD_H
#define MMUSIM_TESTS_SUPPORT_TLBGEN_WORLD_H

#include "coherence/flush.h"
#include "coherence/x86_tlbgen.h"
#include "support/small_system.h"

#define GEN_VADDR UINT64_C(0x7f0000000000)

enum { GEN_SPACES = 10 };

struct gen_world {
    struct small_system *small;
    struct address_space mm[GEN_SPACES]; /* [0] and [1] run at first */
    bool has_begun;                      /* the CPUs have been started */
};

struct gen_world *gen_create(const char *protocol, bool has_pcid);
/* The same on a machine whose times the caller has set. */
struct gen_world *gen_create_with(struct small_options *options,
                                  const char *protocol);
void gen_destroy(struct gen_world *world);

struct cpu *gen_cpu(struct gen_world *world, uint32_t id);
struct tlbgen_cpu *gen_state(struct gen_world *world, uint32_t id);
/* The CPU switches at once to a user thread of an mm, or to a kernel thread. */
void gen_run(struct gen_world *world, uint32_t id, struct address_space *mm);
void gen_idle(struct gen_world *world, uint32_t id);
/* Zeroes the counters. */
void gen_forget(struct gen_world *world);

/* n_pages from GEN_VADDR on, of the PCID that the CPU has loaded. */
void gen_fill(struct gen_world *world, uint32_t id, uint32_t n_pages);
uint32_t gen_held(struct gen_world *world, uint32_t id, uint32_t n_pages);

/* CPU 0 flushes: n_pages from GEN_VADDR (FLUSH_ALL_PAGES: all) as a gather
 * does, with page tables or without. Runs until all is done. */
void gen_gather(struct gen_world *world, struct address_space *mm,
                uint64_t n_pages, bool frees_tables);
void gen_page(struct gen_world *world, struct address_space *mm);
void gen_do(struct gen_world *world, small_act act, void *context);

void gen_expect_vmstat(struct gen_world *world, uint64_t remote,
                       uint64_t received, uint64_t local_all,
                       uint64_t local_one);
void gen_expect_reason(struct gen_world *world, enum flush_reason reason,
                       uint64_t count, uint64_t full, uint64_t pages);
/* Events of all reasons together. */
void gen_expect_events(struct gen_world *world, uint64_t count);

#endif
