/* SPDX-License-Identifier: MIT */
/*
 * The machine under a litmus test, made of the product's parts: Armv8-A page
 * tables in pt_memory, and for each PE a struct mmu with its TLBs,
 * paging-structure caches and walkers. Nothing here takes time by itself: the
 * run (litmus_run.c) says when a walk takes its next step and when an
 * invalidation arrives.
 */
#ifndef MMUSIM_LITMUS_LITMUS_WORLD_H
#define MMUSIM_LITMUS_LITMUS_WORLD_H

#include "coherence/inval_instruction.h"
#include "core/arena.h"
#include "core/event_queue.h"
#include "litmus/litmus_test.h"
#include "tlb/inval.h"
#include "tlb/mem_model.h"
#include "tlb/mmu.h"
#include "tlb/walker.h"

/* A machine that is wrong on purpose, so that tests can see that a Forbidden
 * outcome would be found. */
enum litmus_mutation {
    LITMUS_SOUND,
    LITMUS_TLBI_KEEPS_ENTRIES,  /* an invalidation leaves the TLBs alone */
    LITMUS_DSB_IGNORES_REMOTE,  /* DSB waits for this PE only */
    LITMUS_WALK_NOT_POISONED,   /* a walk in flight fills all the same */
    LITMUS_ACCESS_NOT_REPLAYED, /* an access keeps an invalidated translation */
    LITMUS_ISB_DOES_NOTHING,
    LITMUS_MUTATIONS
};

enum { LITMUS_SLOTS = 8 };

/* A walk that is asked for by an access, or by nobody (a prefetch). */
struct litmus_slot {
    struct walk_request request;
    bool is_busy;
    uint32_t serial; /* of the access; 0: nobody's */
};

struct litmus_world;

/* How a walk ended for a slot. */
struct litmus_answer {
    enum walk_outcome outcome;
    enum litmus_fault fault;
};

struct litmus_mmu {
    struct litmus_world *world;
    struct event_queue queue;
    struct event sentinel;
    struct walker_config walker;
    struct mmu_shared shared;
    struct mmu mmu;
    bool has_ha, has_hd;
    struct litmus_slot slots[LITMUS_SLOTS];
    void (*on_answer)(void *context, uint32_t pe, uint32_t slot,
                      const struct litmus_answer *answer);
    void *context;
    uint32_t pe;
};

struct litmus_world {
    struct arena arena;
    struct pt_memory *tables;
    struct translation_table *translations;
    struct mem_model memory;
    struct pt_format format;
    struct psc_options psc;
    uint64_t leaf_table; /* its address: of the locations' descriptors */
    enum litmus_mutation mutation;
    const struct litmus_test *test;
    uint8_t data[LITMUS_MAX_LOCATIONS][LITMUS_CELL_BYTES];
    uint32_t data_version[LITMUS_MAX_LOCATIONS];
    uint32_t pte_version[LITMUS_MAX_LOCATIONS];
    struct litmus_mmu mmus[LITMUS_MAX_THREADS];
};

struct litmus_world *mmusim__litmus_world_create(mmusim_status_t *status);
void mmusim__litmus_world_destroy(struct litmus_world *world);

/* Loads a test: per-PE features. Before reset. */
void mmusim__litmus_world_load(struct litmus_world *world,
                               const struct litmus_test *test);
/* The initial state: memory, tables, empty TLBs, no walks. */
void mmusim__litmus_world_reset(struct litmus_world *world);

/* Memory by physical address; version: changes with each write to it. */
uint64_t mmusim__litmus_read(const struct litmus_world *world, uint64_t paddr,
                             uint32_t bytes, uint32_t *version);
void mmusim__litmus_write(struct litmus_world *world, uint64_t paddr,
                          uint32_t bytes, uint64_t value);

/* The location whose page a virtual address lies in; < 0: none. */
int mmusim__litmus_location_of(const struct litmus_world *world,
                               uint64_t vaddr);
uint64_t mmusim__litmus_descriptor(const struct litmus_world *world,
                                   uint32_t location);

/* Is the page in the PE's TLBs? */
bool mmusim__litmus_probe(struct litmus_world *world, uint32_t pe,
                          enum access_kind kind, uint64_t vaddr,
                          tlb_data_t *data);

/* Would a walk for the access set the dirty state, as the descriptor is now?
 * (The access flag may be set by any walk at any time.) */
bool mmusim__litmus_walk_would_write(const struct litmus_world *world,
                                     uint32_t pe, enum access_kind kind,
                                     uint64_t vaddr);

/* Starts a walk for the access with the serial; false: no slot is free. */
bool mmusim__litmus_walk_start(struct litmus_world *world, uint32_t pe,
                               enum access_kind kind, enum walk_need need,
                               uint64_t vaddr, uint32_t serial);
/* Is there a slot for a walk of an address, and no walk of the same page whose
 * answer, a fault, is out already? An access that comes later must not share
 * it. */
bool mmusim__litmus_may_walk(const struct litmus_world *world, uint32_t pe,
                             uint64_t vaddr);

/* The walks in flight, index < n_walkers. */
bool mmusim__litmus_walk_is_active(const struct litmus_world *world,
                                   uint32_t pe, uint32_t walker);
/* Would its next step set the dirty state? */
bool mmusim__litmus_step_would_write(const struct litmus_world *world,
                                     uint32_t pe, uint32_t walker);
/* Up to the leaf's read, that read, the setting of its flags, the walk's end.
 * True: the step wrote the leaf. */
bool mmusim__litmus_walk_step(struct litmus_world *world, uint32_t pe,
                              uint32_t walker);
/* Makes it end without an answer; those who wait ask again. */
void mmusim__litmus_walk_abandon(struct litmus_world *world, uint32_t pe,
                                 uint32_t walker);

/* An invalidation acts on the PE's structures. */
void mmusim__litmus_invalidate(struct litmus_world *world, uint32_t pe,
                               const struct inval_request *tlbi);
/* The TLBs lose what a request names, as by replacement; walks go on. */
void mmusim__litmus_forget(struct litmus_world *world, uint32_t pe,
                           const struct inval *inval);
/* Everything of the PE; one page. */
struct inval mmusim__litmus_inval_all(void);
struct inval mmusim__litmus_inval_page(uint64_t vaddr);

#endif
