/* SPDX-License-Identifier: MIT */
/* The machine: owns every unit, runs a source to its end. */
#ifndef MMUSIM_MACHINE_MACHINE_H
#define MMUSIM_MACHINE_MACHINE_H

#include "coherence/system.h"
#include "core/arena.h"
#include "core/rng.h"
#include "machine/core_unit.h"
#include "machine/machine_config.h"
#include "machine/marks.h"
#include "machine/regions.h"
#include "mmusim/machine.h"
#include "os/kernel.h"
#include "tlb/mem_model.h"

struct mmusim_machine {
    struct machine_config config;
    struct arena arena;
    struct system system;
    struct kernel kernel;
    struct mmu_shared shared;
    struct pt_format format;
    struct nested nested; /* of a guest */
    struct mem_model memory;
    struct translation_table *translations;
    struct marks marks;
    struct regions *regions; /* NULL: not asked for */
    struct rng *rngs;        /* one a CPU */
    struct core_unit *cores; /* by CPU id */
    struct thread_stream *streams;
    struct mmusim_source *source;
    bool is_returning;  /* late.c */
    uint64_t end_cycle; /* sim.cycles, once the run is over */
    uint64_t records_done;
    uint64_t total_records;
    uint64_t next_progress; /* records at which the caller hears of it */
    mmusim_progress_fn on_progress;
    void *progress_context;
    mmusim_flush_event_fn on_flush_event;
    void *flush_event_context;
    struct observers *observers; /* NULL: nobody observes */
    bool has_run;
};

/* mmusim_machine_create() from the typed configuration. */
mmusim_status_t mmusim__machine_create(const struct machine_config *config,
                                       mmusim_machine_t **machine,
                                       mmusim_diag_t *diag);

#endif
