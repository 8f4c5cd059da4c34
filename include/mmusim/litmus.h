/* SPDX-License-Identifier: MIT */
/*
 * Litmus tests: small programs for several AArch64 PEs that edit page tables,
 * invalidate TLBs and observe what happens, in herd's format (herdtools7,
 * catalogue/aarch64-VMSA). Each is run many times on a machine made of this
 * library's page tables, TLBs, walkers and invalidations, in orders drawn from
 * a seed; the outcomes are counted. docs/litmus.md says what may happen.
 */
#ifndef MMUSIM_LITMUS_H
#define MMUSIM_LITMUS_H

#include "mmusim/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A test with the outcomes of its runs. */
typedef struct mmusim_litmus mmusim_litmus_t;

/* What the memory model says of a test's proposition. */
typedef enum mmusim_litmus_verdict {
    MMUSIM_LITMUS_UNKNOWN,
    MMUSIM_LITMUS_ALLOWED,   /* it may hold */
    MMUSIM_LITMUS_FORBIDDEN, /* it never holds */
    MMUSIM_LITMUS_REQUIRED,  /* it always holds */
} mmusim_litmus_verdict_t;

typedef struct mmusim_litmus_options {
    uint64_t schedules; /* runs; 0: 10000 */
    uint64_t seed;
    /* Asked between runs, from the caller's thread; may be NULL. Not 0: stop,
     * with MMUSIM_INTERRUPTED. */
    int (*stop)(void *context);
    void *stop_context;
} mmusim_litmus_options_t;

/* What the runs of one test gave. */
typedef struct mmusim_litmus_summary {
    const char *name;       /* in the file's first line; lives as the test */
    const char *quantifier; /* "exists", "~exists", "forall"; static */
    mmusim_litmus_verdict_t implied; /* by the quantifier: Allowed, Forbidden,
                                        Required */
    uint32_t n_threads;
    size_t n_outcomes;
    uint64_t runs;     /* that count: ended, and pass the test's filter */
    uint64_t positive; /* of these: the proposition held */
    uint64_t cut;      /* a loop took too many turns; not counted */
    uint64_t stuck;    /* no step was possible: this library is wrong */
} mmusim_litmus_summary_t;

/*
 * Reads and runs a test. options may be NULL. On success *litmus is the
 * caller's to destroy. MMUSIM_UNREADABLE: the file; MMUSIM_DAMAGED: it is no
 * litmus test, diag says where and what is expected; MMUSIM_UNSUPPORTED: it
 * has an instruction or a value that is not modelled. The outcomes depend on
 * the text, the seed and the number of schedules only.
 */
MMUSIM_API mmusim_status_t
mmusim_litmus_run(const char *path, const mmusim_litmus_options_t *options,
                  mmusim_litmus_t **litmus, mmusim_diag_t *diag);
/* The same of text in memory; file is for messages. */
MMUSIM_API mmusim_status_t
mmusim_litmus_run_text(const char *file, const char *text, size_t size_bytes,
                       const mmusim_litmus_options_t *options,
                       mmusim_litmus_t **litmus, mmusim_diag_t *diag);
/* NULL is legal. */
MMUSIM_API void mmusim_litmus_destroy(mmusim_litmus_t *litmus);
/* Fills summary with what the runs gave. */
MMUSIM_API void mmusim_litmus_summarize(const mmusim_litmus_t *litmus,
                                        mmusim_litmus_summary_t *summary);
/* The i-th outcome, most frequent first, as text ("1:X2=1; fault(P1:L0,x);"),
 * always terminated; *holds: the proposition does. Returns the length the
 * whole text has. */
MMUSIM_API size_t mmusim_litmus_outcome(const mmusim_litmus_t *litmus, size_t i,
                                        char *text, size_t size_bytes,
                                        uint64_t *count, int *holds);

/* ---- verdicts ---- */

/* A list of verdicts: kinds.tsv (file, name, verdict) or herd's kinds.txt
 * (name, kind). */
typedef struct mmusim_litmus_kinds mmusim_litmus_kinds_t;
/* Reads a list; on success *kinds is the caller's to close. */
MMUSIM_API mmusim_status_t mmusim_litmus_kinds_open(
    const char *path, mmusim_litmus_kinds_t **kinds, mmusim_diag_t *diag);
/* NULL is legal. */
MMUSIM_API void mmusim_litmus_kinds_close(mmusim_litmus_kinds_t *kinds);
/* By the file's name without folders, where the list has files, then by the
 * test's. UNKNOWN: neither is listed. kinds may be NULL. */
MMUSIM_API mmusim_litmus_verdict_t mmusim_litmus_kinds_find(
    const mmusim_litmus_kinds_t *kinds, const char *path, const char *name);

#ifdef __cplusplus
}
#endif
#endif
