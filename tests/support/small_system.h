/* SPDX-License-Identifier: MIT */
/*
 * A small machine for tests of src/tlb and src/coherence: some CPUs, page
 * tables written word by word, the 4.6 protocol, and no operating system. What
 * a CPU does is a script: be busy for some cycles, or call a function of the
 * test, which may push kernel frames or set the activity.
 *
 * After every event run by small_run*() two laws are checked: each CPU's
 * buckets sum to its clock, and no CPU waits with interrupts masked.
 */
#ifndef MMUSIM_TESTS_SUPPORT_SMALL_SYSTEM_H
#define MMUSIM_TESTS_SUPPORT_SMALL_SYSTEM_H

#include "coherence/linux_x86_classic.h"
#include "core/arena.h"
#include "core/rng.h"
#include "tlb/mem_model.h"
#include "tlb/walker.h"

enum { SMALL_MAX_STEPS = 96, SMALL_MAX_ANSWERS = 8 };

struct small_options {
    uint32_t n_sockets, cores_per_socket, threads_per_core;
    uint32_t n_levels; /* of x86-64 tables, where format is NULL */
    const struct pt_format *format;
    bool has_pcid;
    bool has_contexts; /* VMs and regimes have tags */
    bool is_reference;
    bool shares_tlbs; /* as tlb[].arrays[].smt says; all cores one l3 */
    bool has_cnp;
    const struct prefetch_config *prefetch;           /* NULL: none */
    const struct tlb_fill_ops *l2_policy, *l3_policy; /* NULL: Intel's */
    struct tlb_level_config tlb[TLB_LEVEL_COUNT];
    struct psc_options psc;
    /* A guest of these stage-2 tables (isa "x86-64"), VPID 1; isa NULL: no
     * guest. */
    struct pt_options stage2;
    struct nested_config nested;
    struct walker_config walker;
    struct memory_config memory;
    enum socket_links links;
    const struct protocol_ops *protocol; /* NULL: linux-4.6 */
    struct ipi_config ipi;
    struct broadcast_config broadcast;
    const char *fabric; /* NULL: ipi */
    struct rar_config rar;
    struct virt_config virt;
    struct cost_config cost;
};

typedef void (*small_act)(struct cpu *cpu, void *context);

struct small_step {
    small_act act; /* NULL: busy */
    void *context;
    uint64_t busy_cycles;
    enum bucket bucket;
};

struct small_cpu {
    struct small_step steps[SMALL_MAX_STEPS];
    uint32_t n_steps, next_step;
    /* The last answer of a walk, and how many there were. */
    enum walk_outcome outcome;
    uint64_t answered_cycle;
    uint32_t n_answers;
    uint64_t answer_cycles[SMALL_MAX_ANSWERS]; /* of the first ones */
    /* Free for the test: when a call acted here, how often. */
    uint64_t acted_cycle;
    uint32_t n_acts;
};

struct small_system {
    struct system system;
    struct small_options options;
    struct arena arena;
    struct mmu_shared shared;
    struct nested nested;
    struct mem_model memory;
    struct translation_table *translations;
    struct tlb_contexts *contexts; /* where TLBs are shared */
    struct rng rng;
    struct address_space init_mm;
    struct small_cpu *cpus;
    uint64_t next_frame;
};

/* Two sockets of two cores of two threads; every time a different prime. */
void small_options_init(struct small_options *options);
/* One fully associative LRU array in place of a level's. */
void small_options_tlb(struct small_options *options, enum tlb_level level,
                       uint32_t n_entries, uint32_t n_orders);

/* Asserts that memory is there. */
struct small_system *small_create(const struct small_options *options);
void small_destroy(struct small_system *small);

/* A frame that nothing else uses. */
pfn_t small_frame(struct small_system *small);
void small_space_init(struct small_system *small, struct address_space *space,
                      uint64_t id);
/* Puts a word in place at a level, with tables above as needed. Returns where
 * the word is. */
uint64_t small_map(struct small_system *small, pfn_t root, uint64_t vaddr,
                   uint32_t level, uint64_t word);
/* A user page, readable, writable, accessed and dirty. */
uint64_t small_map_user(struct small_system *small, pfn_t root, uint64_t vaddr,
                        uint32_t level);
/* The physical address of the entry of a level on the way to vaddr. */
uint64_t small_entry_paddr(const struct small_system *small, pfn_t root,
                           uint64_t vaddr, uint32_t level);

/* The CPU runs a user thread of an mm (no time passes). */
void small_run_mm(struct cpu *cpu, struct address_space *mm);

/* Adds to a CPU's script. */
void small_busy(struct small_system *small, uint32_t cpu, uint64_t cycles,
                enum bucket bucket);
void small_do(struct small_system *small, uint32_t cpu, small_act act,
              void *context);

/* Starts every CPU and runs until no event is left. */
void small_run(struct small_system *small);
void small_start(struct small_system *small);
/* Runs the events up to and at a cycle. */
void small_run_to(struct small_system *small, uint64_t cycle);
/* Runs what is in the queue; no CPU need have been started. */
void small_drain(struct small_system *small);
bool small_laws_hold(const struct small_system *small);
void small_clear_script(struct small_system *small, uint32_t cpu);

/* Asks one CPU's walkers and runs until the answer; returns how it ended. The
 * need is WALK_FOR_MISS. */
enum walk_outcome small_walk(struct small_system *small, uint32_t cpu,
                             enum access_kind kind, uint64_t vaddr);
/* The cycles that walk took. */
uint64_t small_walk_cycles(const struct small_system *small, uint32_t cpu);

#endif
