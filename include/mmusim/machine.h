/* SPDX-License-Identifier: MIT */
/*
 * A simulated machine: built from a configuration, run over one source, then
 * asked for its statistics. No global state: machines on different host
 * threads do not know of each other.
 */
#ifndef MMUSIM_MACHINE_H
#define MMUSIM_MACHINE_H

#include "mmusim/config.h"
#include "mmusim/stats.h"
#include "mmusim/trace.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mmusim_machine mmusim_machine_t;

/*
 * Builds a machine. config is copied. Errors: MMUSIM_CONFIG (the key is in
 * diag), MMUSIM_NOMEM.
 */
MMUSIM_API mmusim_status_t mmusim_machine_create(const mmusim_config_t *config,
                                                 mmusim_machine_t **machine,
                                                 mmusim_diag_t *diag);
/* NULL is legal. */
MMUSIM_API void mmusim_machine_destroy(mmusim_machine_t *machine);

/* How far a run is. */
typedef struct mmusim_progress {
    uint64_t records;       /* of all threads, replayed */
    uint64_t total_records; /* 0: unknown */
    uint64_t accesses;
    uint64_t cycles; /* simulated */
} mmusim_progress_t;

/*
 * Called from the running thread every few hundred thousand records. A non-zero
 * return stops the run, which then returns MMUSIM_INTERRUPTED.
 */
typedef int (*mmusim_progress_fn)(void *context,
                                  const mmusim_progress_t *progress);
MMUSIM_API void mmusim_machine_on_progress(mmusim_machine_t *machine,
                                           mmusim_progress_fn fn,
                                           void *context);

/* A tlb:tlb_flush event of the simulated kernel. */
typedef struct mmusim_flush_event {
    uint64_t cycle;
    uint64_t time_ns; /* the same, rounded down */
    uint64_t pages;   /* MMUSIM_FLUSH_ALL: all */
    uint32_t cpu;
    uint32_t tid;            /* running there; 0: the idle thread */
    uint32_t reason;         /* the kernel's number of it */
    const char *reason_text; /* as that version prints it; static */
} mmusim_flush_event_t;

#define MMUSIM_FLUSH_ALL UINT64_MAX

/* Called from the running thread at every tlb_flush event, in the order of
 * their times. */
typedef void (*mmusim_flush_event_fn)(void *context,
                                      const mmusim_flush_event_t *event);
MMUSIM_API void mmusim_machine_on_flush_event(mmusim_machine_t *machine,
                                              mmusim_flush_event_fn fn,
                                              void *context);
/* The event as a line of `perf script`, without the line's end: written into
 * buffer, always terminated. Returns the length the whole text has. */
MMUSIM_API size_t mmusim_flush_event_format(const mmusim_flush_event_t *event,
                                            char *buffer, size_t size_bytes);

/*
 * Asks for statistics per region: what happens from one `mark` record of the
 * source to the next, of whatever thread, or to the end. Before the run; they
 * are then part of its statistics, region.NAME.INDEX.STATISTIC, in the order of
 * the marks, and sum to the run's. MMUSIM_USAGE: it has run. MMUSIM_NOMEM.
 */
MMUSIM_API mmusim_status_t
mmusim_machine_attach_marks(mmusim_machine_t *machine);

/*
 * Runs the source to its end; once per machine. The source is borrowed and is
 * used up. Errors: those of the source, MMUSIM_EXHAUSTED (simulated memory),
 * MMUSIM_NOMEM, MMUSIM_INTERRUPTED, MMUSIM_UNSUPPORTED (the record is named).
 */
MMUSIM_API mmusim_status_t mmusim_machine_run(mmusim_machine_t *machine,
                                              mmusim_source_t *source,
                                              mmusim_diag_t *diag);

/* The statistics of a finished (or interrupted) run; the caller destroys. */
MMUSIM_API mmusim_status_t mmusim_machine_stats(const mmusim_machine_t *machine,
                                                mmusim_stats_t **stats);

/*
 * The distribution behind shootdown.latency_cycles.*: visit gets each latency
 * that occurred and the number of shootdowns that took it, in rising order.
 * Errors: MMUSIM_NOMEM (nothing was visited).
 */
MMUSIM_API mmusim_status_t mmusim_machine_shootdown_latencies(
    const mmusim_machine_t *machine,
    void (*visit)(void *context, uint64_t latency_cycles, uint64_t n),
    void *context);

/*
 * A use of a cached translation that the operating system had ruled out: the
 * first of its kind at a place. Only with the key checker.enabled; see
 * docs/checker.md for the verdicts and what they rest on.
 */
typedef struct mmusim_violation {
    const char *verdict; /* "STALE_PERM", ... */
    const char *text;    /* lines: what was used, why it was ruled out, the
                            page-table writes, flushes and CPUs involved */
    uint64_t cycle;
    uint64_t vaddr;
    uint32_t cpu;
    uint64_t n_uses; /* this one, and the same again */
} mmusim_violation_t;

/* All uses that were violations, after the run; 0 also if nobody checked. */
MMUSIM_API uint64_t mmusim_machine_violations(const mmusim_machine_t *machine);
/*
 * The index-th violation told in full, of at most checker.reports; false past
 * the end. The texts are the machine's.
 */
MMUSIM_API bool mmusim_machine_violation_at(const mmusim_machine_t *machine,
                                            size_t index,
                                            mmusim_violation_t *violation);

#ifdef __cplusplus
}
#endif
#endif
