/* SPDX-License-Identifier: MIT */
/*
 * Comparing the simulator with measurements: latency curves, the load-to-use
 * time of dependent loads over more and more memory, as many programs print
 * them (InstLatx64's and AIDA64's among them).
 */
#ifndef MMUSIM_VALIDATE_H
#define MMUSIM_VALIDATE_H

#include "mmusim/config.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mmusim_curves mmusim_curves_t;
typedef struct mmusim_latency mmusim_latency_t;

/*
 * Reads a CSV file of curves: a header that names the columns tlb_of, cpu,
 * size_KiB, pages_at_4KiB_stride, cycles_stride_64B and cycles_stride_4K, in
 * any order and beside others, then one row a point; a line that starts with
 * '#' is skipped. An empty latency is a point that was not measured. diag
 * names the line and what is expected there. The caller destroys.
 * Errors: MMUSIM_UNREADABLE, MMUSIM_DAMAGED, MMUSIM_NOMEM.
 */
MMUSIM_API mmusim_status_t mmusim_curves_load(const char *path,
                                              mmusim_curves_t **curves,
                                              mmusim_diag_t *diag);
/* NULL is legal. */
MMUSIM_API void mmusim_curves_destroy(mmusim_curves_t *curves);

/* The measurement of one CPU; texts live as long as the curves. */
typedef struct mmusim_curve {
    const char *tlb_of; /* machine whose TLBs this CPU has */
    const char *cpu;
    uint32_t line;   /* of its first row */
    size_t n_points; /* rows */
} mmusim_curve_t;

/* CPUs come in the order in which the file names them first. */
MMUSIM_API size_t mmusim_curves_count(const mmusim_curves_t *curves);
/* False past the end. */
MMUSIM_API bool mmusim_curves_at(const mmusim_curves_t *curves, size_t index,
                                 mmusim_curve_t *curve);

/*
 * Simulates the index-th CPU's points of one load a page. TLBs, walker,
 * paging-structure caches and the caches' organisation are those of config;
 * sizes and latencies of the data caches and of DRAM are fitted to the
 * measured column of 64-byte strides, and to nothing else.
 * Errors: MMUSIM_USAGE (no such index), those of a machine's creation and run.
 */
MMUSIM_API mmusim_status_t mmusim_latency_run(const mmusim_curves_t *curves,
                                              size_t index,
                                              const mmusim_config_t *config,
                                              mmusim_latency_t **latency,
                                              mmusim_diag_t *diag);
/* NULL is legal. */
MMUSIM_API void mmusim_latency_destroy(mmusim_latency_t *latency);

/* One point; latencies in thousandths of a cycle, 0: not measured. */
typedef struct mmusim_latency_point {
    uint64_t pages; /* of 4 KiB, one load each */
    uint64_t measured_milli;
    uint64_t simulated_milli;
    uint64_t measured_64b_milli; /* the same memory in steps of 64 bytes */
    uint64_t fitted_64b_milli;
    uint32_t l1_misses_permille; /* of the simulated loads */
    uint32_t walks_permille;
} mmusim_latency_point_t;
/* The index-th point; false past the end. */
MMUSIM_API bool mmusim_latency_point_at(const mmusim_latency_t *latency,
                                        size_t index,
                                        mmusim_latency_point_t *point);

/* A fitted level: "l1d", "l2", "llc" or "dram". */
typedef struct mmusim_latency_cache {
    const char *level;
    uint64_t size_bytes; /* 0: there is none, or DRAM */
    uint32_t ways;
    uint32_t cycles;
    const char *replacement; /* "lru" or "random" */
    uint32_t bypass_percent;
} mmusim_latency_cache_t;
/* The index-th cache; false past the end. */
MMUSIM_API bool mmusim_latency_cache_at(const mmusim_latency_t *latency,
                                        size_t index,
                                        mmusim_latency_cache_t *cache);

/*
 * A knee: a TLB level is full somewhere in (from, to] pages. The measured one
 * is the best place of a step in what the data caches do not explain; its
 * interval is wider where they change at the same time.
 */
typedef enum mmusim_knee_verdict {
    MMUSIM_KNEE_RIGHT,
    MMUSIM_KNEE_WRONG,
    MMUSIM_KNEE_UNSEEN /* the points do not show one, here or there */
} mmusim_knee_verdict_t;

typedef struct mmusim_latency_knee {
    const char *level; /* "l1d" or "l2" */
    uint64_t measured_from, measured_to;
    uint64_t simulated_from, simulated_to;
    mmusim_knee_verdict_t verdict;
} mmusim_latency_knee_t;
/* The index-th knee; false past the end. */
MMUSIM_API bool mmusim_latency_knee_at(const mmusim_latency_t *latency,
                                       size_t index,
                                       mmusim_latency_knee_t *knee);

/* Medians of |simulated - measured| / measured, in thousandths: of the points
 * of one load a page, and of the fitted column. */
MMUSIM_API uint64_t
mmusim_latency_median_permille(const mmusim_latency_t *latency);
MMUSIM_API uint64_t
mmusim_latency_fit_permille(const mmusim_latency_t *latency);

/*
 * Published measurements of kernels, run again: each is a workload on the
 * machine that it was measured on, beside the figures that were printed.
 */
typedef struct mmusim_experiment mmusim_experiment_t;

typedef struct mmusim_experiment_item {
    const char *name;   /* "flush-cost" */
    const char *help;   /* one line */
    const char *source; /* who measured, where it was printed */
} mmusim_experiment_item_t;

/* Visits all there are; a non-zero return of visit stops and is returned. */
MMUSIM_API int mmusim_experiment_each(
    int (*visit)(void *context, const mmusim_experiment_item_t *item),
    void *context);

typedef struct mmusim_experiment_options {
    const char *configs_folder; /* of the machines' files; NULL: none */
    /* KEY=VALUE for every machine; what is fitted is set afterwards. */
    const char *const *overrides;
    size_t n_overrides;
    /* Asked between two simulations: true stops, MMUSIM_INTERRUPTED. NULL:
     * never. */
    bool (*is_stopped)(void *context);
    void *context;
} mmusim_experiment_options_t;

/*
 * Runs one by its name; takes seconds. Errors: MMUSIM_USAGE (no such one: diag
 * names the nearest), MMUSIM_CONFIG, those of a machine's creation and run. The
 * caller destroys.
 */
MMUSIM_API mmusim_status_t mmusim_experiment_run(
    const char *name, const mmusim_experiment_options_t *options,
    mmusim_experiment_t **experiment, mmusim_diag_t *diag);
/* NULL is legal. */
MMUSIM_API void mmusim_experiment_destroy(mmusim_experiment_t *experiment);

/* The one that was run. */
MMUSIM_API void
mmusim_experiment_describe(const mmusim_experiment_t *experiment,
                           mmusim_experiment_item_t *item);

typedef enum mmusim_figure_kind {
    MMUSIM_FIGURE_FITTED,    /* a constant was set to give it */
    MMUSIM_FIGURE_PREDICTED, /* nothing was */
    MMUSIM_FIGURE_REMARK     /* told, not judged */
} mmusim_figure_kind_t;

/* One printed figure beside the simulated one, in thousandths of the unit.
 * Texts live as long as the experiment. */
typedef struct mmusim_figure {
    const char *label; /* "8 pages" */
    const char *unit;  /* "cycles" */
    uint64_t measured_milli;
    uint64_t simulated_milli;
    mmusim_figure_kind_t kind;
    /* A prediction may be wrong by so much; 0: judged by the median alone. */
    uint32_t limit_permille;
    const char *machine;  /* what `mmusim replay` needs to run it again */
    const char *settings; /* "KEY=VALUE ..." */
    const char *workload; /* "" for a figure of several runs */
} mmusim_figure_t;

/* False past the end. */
MMUSIM_API bool
mmusim_experiment_figure_at(const mmusim_experiment_t *experiment, size_t index,
                            mmusim_figure_t *figure);
/* What was fitted, what is known not to fit: a line each; NULL past the end. */
MMUSIM_API const char *
mmusim_experiment_note_at(const mmusim_experiment_t *experiment, size_t index);

/* Median of |simulated - measured| / measured of the predictions, and what it
 * may be; in thousandths, the second 0 if it is not judged. */
MMUSIM_API uint64_t
mmusim_experiment_median_permille(const mmusim_experiment_t *experiment);
MMUSIM_API uint64_t
mmusim_experiment_median_limit(const mmusim_experiment_t *experiment);
/* Every limit is kept. */
MMUSIM_API bool mmusim_experiment_agrees(const mmusim_experiment_t *experiment);

#ifdef __cplusplus
}
#endif
#endif
