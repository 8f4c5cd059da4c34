/* SPDX-License-Identifier: MIT */
/*
 * Traces and other sources of operations.
 *
 * A mmusim_trace_t is an opened trace: shared, read-only, usable by any number
 * of host threads. A mmusim_source_t is one run's view of it (or a workload
 * generator): each machine run takes a source of its own.
 */
#ifndef MMUSIM_TRACE_H
#define MMUSIM_TRACE_H

#include "mmusim/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mmusim_trace mmusim_trace_t;
typedef struct mmusim_source mmusim_source_t;

typedef struct mmusim_trace_options {
    /* NULL or "auto": told by content; else a name of
     * mmusim_trace_format_each, with options: "lackey,thread=2". */
    const char *format;
    /* Skip damaged blocks of a native trace, keep what comes before damage in
     * another, instead of failing. */
    bool salvages;
    /* Bytes of decoded pieces kept for other points of a sweep; 0: none. */
    uint64_t cache_bytes;
    /* Each source unpacks ahead in a thread of its own, for a single replay.
     * Not with a cache. Records and errors are the same either way; where no
     * thread can be had, the caller's unpacks. */
    bool uses_helper_thread;
    /* While another format than the native one is read: done and all bytes of
     * the file (all 0: unknown, a pipe), about ten times a second and more; not
     * 0 ends with MMUSIM_INTERRUPTED. NULL: none. */
    int (*watch)(void *context, uint64_t done_bytes, uint64_t all_bytes);
    void *watch_context;
} mmusim_trace_options_t;

/* A format that can be read, or an option of one. */
typedef struct mmusim_trace_format_item {
    const char *name;   /* for mmusim_trace_options_t.format */
    const char *option; /* NULL: the format itself */
    const char *help;   /* of the format: what writes it */
    uint64_t min;       /* of the option, as are these */
    uint64_t max;
    uint64_t dflt;
} mmusim_trace_format_item_t;

/* Each format, followed by its options; stops at what visit returns unless
 * that is 0, and returns it. */
MMUSIM_API int mmusim_trace_format_each(
    int (*visit)(void *context, const mmusim_trace_format_item_t *format),
    void *context);

/*
 * Opens the trace at path, or standard input for "-". options may be NULL.
 * Errors: MMUSIM_UNREADABLE, MMUSIM_DAMAGED (file, block, offset in diag),
 * MMUSIM_UNSUPPORTED, MMUSIM_NOMEM.
 */
MMUSIM_API mmusim_status_t
mmusim_trace_open(const char *path, const mmusim_trace_options_t *options,
                  mmusim_trace_t **trace, mmusim_diag_t *diag);
/* No source made from it may be in use. NULL is legal. */
MMUSIM_API void mmusim_trace_close(mmusim_trace_t *trace);

/* Whether the trace ends as its writer ended it. Without its index it was cut
 * short between two blocks, or its recorder was killed: what there is, is
 * whole, but more may have followed. */
MMUSIM_API bool mmusim_trace_is_complete(const mmusim_trace_t *trace);

/* What the trace was read as: a name of mmusim_trace_format_each; static. */
MMUSIM_API const char *mmusim_trace_format(const mmusim_trace_t *trace);
/* The file of a trace in another format than the native one: those of
 * mmusim_trace_info_t are of what it became. */
typedef struct mmusim_trace_foreign_file {
    const char
        *packing;   /* "gzip", "xz", ...; NULL: none, or a folder; static */
    uint64_t bytes; /* as packed; of a pipe what was read; 0: a folder */
} mmusim_trace_foreign_t;
/* False: the trace is a native one. */
MMUSIM_API bool mmusim_trace_foreign(const mmusim_trace_t *trace,
                                     mmusim_trace_foreign_t *foreign);
/* What reading another format has to say, the i-th line; NULL: no more. The
 * trace's. */
MMUSIM_API const char *mmusim_trace_note(const mmusim_trace_t *trace, size_t i);

/* A new view from the first record on. The trace must outlive it. */
MMUSIM_API mmusim_status_t mmusim_trace_source(mmusim_trace_t *trace,
                                               mmusim_source_t **source,
                                               mmusim_diag_t *diag);

/* A workload generator: spec is "NAME" or "NAME,key=value,..." */
MMUSIM_API mmusim_status_t mmusim_workload_source(const char *spec,
                                                  mmusim_source_t **source,
                                                  mmusim_diag_t *diag);

/* Whether spec names a generator: it starts with "workload:". */
MMUSIM_API bool mmusim_is_workload(const char *spec);

/* One generator, or one parameter of a generator (name and default set). */
typedef struct mmusim_workload_item {
    const char *workload;
    const char *parameter; /* NULL: the generator itself */
    const char *dflt;
    const char *range;
    const char *help;
} mmusim_workload_item_t;
/* Every generator, then its parameters, until visit returns not 0: that. */
MMUSIM_API int mmusim_workload_each(
    int (*visit)(void *context, const mmusim_workload_item_t *item),
    void *context);

/* NULL is legal. */
MMUSIM_API void mmusim_source_destroy(mmusim_source_t *source);

/* ---- a trace while it is being written ---- */

/* Zeroes are the defaults; grows at the end only. */
typedef struct mmusim_live_options {
    /* Bytes of the trace kept in memory while one thread's records are waited
     * for; 0: 64 MiB. When they are full, the machine goes on without that
     * thread: order stamps that are then broken count in sim.order_broken. */
    uint64_t buffer_bytes;
    /* Hears every byte that belongs into a trace file, in order; not 0: the
     * run fails. NULL: nobody does. */
    int (*copy)(void *context, const void *bytes, size_t n_bytes);
    void *context;
    /* The copy's file, for the message when copy fails (errno says why);
     * borrowed until the source is destroyed. NULL: it has no name. */
    const char *copy_name;
} mmusim_live_options_t;

/* What has come so far. */
typedef struct mmusim_live_counts {
    uint64_t n_bytes;
    uint64_t n_records;
    uint64_t n_forks; /* children, none of which is followed */
    uint64_t n_late;  /* times that a thread was not waited for any longer */
    uint32_t n_threads;
    bool is_complete; /* the trace was ended as it should */
} mmusim_live_info_t;

/*
 * The trace that the recorder's plugin writes, with its option live, at the
 * other end of a pipe. fd stays the caller's and is read until the trace's end
 * or the pipe's; name is for messages (copied), options may be NULL. Waits for
 * the first thread; signals do not end the waiting, the pipe's end does.
 */
MMUSIM_API mmusim_status_t mmusim_live_source(
    int fd, const char *name, const mmusim_live_options_t *options,
    mmusim_source_t **source, mmusim_diag_t *diag);
/* After the run: takes the rest of the trace, for options.copy alone. source is
 * one of mmusim_live_source(). */
MMUSIM_API mmusim_status_t mmusim_live_drain(mmusim_source_t *source,
                                             mmusim_diag_t *diag);
MMUSIM_API void mmusim_live_info(const mmusim_source_t *source,
                                 mmusim_live_info_t *info);

/* ---- looking into traces, and changing their form ---- */

/* Greatest mmusim_trace_info_t.pages: it stands for itself and all above. */
#define MMUSIM_TRACE_PAGES_MAX 2097152

/* What a trace holds; all records are decoded to find out. */
typedef struct mmusim_trace_counts {
    const char *codec; /* "gzip", "zstd" or "mixed"; static */
    uint32_t version;  /* of the native format */
    uint32_t n_threads;
    uint32_t n_blocks;
    bool has_index; /* false: cut short, or its recorder was killed */
    uint64_t packed_bytes;
    uint64_t unpacked_bytes;
    uint64_t records;
    uint64_t fetches;
    uint64_t loads;
    uint64_t stores;
    uint64_t instructions;
    uint64_t operations;        /* OS operations, order stamps among them */
    uint64_t operations_of[32]; /* by kind: mmusim_trace_operation_name */
    /* 4 KiB pages that fetches, loads and stores touch, by address: those of
     * different processes are not told apart. Of a record at most 16 count,
     * of all at most MMUSIM_TRACE_PAGES_MAX. */
    uint64_t pages;
    /* By kind: 4 KiB pages in the operations' ranges, rounded outwards; in all
     * of them and in the largest. The old range of mremap. */
    uint64_t operation_pages_of[32];
    uint64_t largest_pages_of[32];
} mmusim_trace_info_t;
/* Reads the whole trace and counts; on failure info is untouched. */
MMUSIM_API mmusim_status_t mmusim_trace_info(mmusim_trace_t *trace,
                                             mmusim_trace_info_t *info,
                                             mmusim_diag_t *diag);
/* The word of an operation in text traces; NULL: no such kind. */
MMUSIM_API const char *mmusim_trace_operation_name(uint32_t kind);
/* The i-th thread's number and records; false: there is none. */
MMUSIM_API bool mmusim_trace_thread(const mmusim_trace_t *trace, uint32_t i,
                                    uint32_t *tid, uint64_t *records);

/*
 * Checks every byte of the trace at path. In a native one it goes on after
 * damage; report is called for each damaged place, and a file without an index
 * counts as one. Another format is read to its first damage. *n_damaged is
 * their number; a file of no known format is one damaged place. Fails only if
 * nothing can be read.
 */
MMUSIM_API mmusim_status_t mmusim_trace_verify(
    const char *path, void (*report)(void *context, const mmusim_diag_t *diag),
    void *context, uint64_t *n_damaged, mmusim_diag_t *diag);
/* The same with a format, and with a watch as in mmusim_trace_open; of the
 * options no other counts. options may be NULL. */
MMUSIM_API mmusim_status_t
mmusim_trace_verify_as(const char *path, const mmusim_trace_options_t *options,
                       void (*report)(void *context, const mmusim_diag_t *diag),
                       void *context, uint64_t *n_damaged, mmusim_diag_t *diag);

/* Which records; zeroes mean all. */
typedef struct mmusim_trace_selection {
    const uint32_t *tids; /* n_tids thread numbers; 0: every thread */
    size_t n_tids;
    uint64_t first_record; /* in each thread, from 0 */
    uint64_t end_record;   /* exclusive; 0: to the end */
} mmusim_trace_selection_t;

/*
 * The records as lines of text, to write(context, text, length), which
 * returns 0 to go on; anything else ends with MMUSIM_SYSTEM. selection may be
 * NULL. Blocks come in the order of the file.
 */
MMUSIM_API mmusim_status_t mmusim_trace_cat(
    mmusim_trace_t *trace, const mmusim_trace_selection_t *selection,
    int (*write)(void *context, const char *text, size_t length_bytes),
    void *context, mmusim_diag_t *diag);

/* Another format to write a trace in. */
typedef struct mmusim_trace_target {
    const char *format;  /* "text", "lackey" or "champsim" */
    const char *packing; /* "gzip", "xz", "zstd"; NULL: none */
    /* NULL: everything. Formats other than text hold one thread. */
    const mmusim_trace_selection_t *selection;
    /* Takes bytes; returns 0 to go on, anything else ends with MMUSIM_SYSTEM.
     * Called for many bytes at a time. */
    int (*write)(void *context, const char *bytes, size_t n_bytes);
    void *context;
    /* Filled in: one line that says what the format cannot hold; "": it holds
     * all. */
    char note[768];
} mmusim_trace_target_t;

/*
 * Writes the trace. Errors: MMUSIM_USAGE (unknown format, more than one
 * thread), MMUSIM_UNSUPPORTED (packing not in this build), MMUSIM_SYSTEM, and
 * those of reading the trace.
 */
MMUSIM_API mmusim_status_t mmusim_trace_export(mmusim_trace_t *trace,
                                               mmusim_trace_target_t *to,
                                               mmusim_diag_t *diag);

/*
 * The records as a native trace at path, written as PATH.part and renamed.
 * codec: "gzip" or "zstd"; level 0: the default. selection may be NULL.
 */
MMUSIM_API mmusim_status_t mmusim_trace_convert(
    mmusim_trace_t *trace, const mmusim_trace_selection_t *selection,
    const char *path, const char *codec, int level, mmusim_diag_t *diag);

/* A file into a native one: what mmusim_trace_open and mmusim_trace_convert
 * take. */
typedef struct mmusim_trace_conversion {
    const char *from;                          /* path, "-": standard input */
    const mmusim_trace_options_t *options;     /* NULL: defaults */
    const mmusim_trace_selection_t *selection; /* NULL: everything */
    const char *to;
    const char *codec;
    int level;
    /* Hears what importing has to say, line by line, and whether a native trace
     * has no index; NULL: nobody does. */
    void (*tell)(void *context, const char *line);
    void *context;
} mmusim_trace_conversion_t;

/* As those two calls, but without a temporary file in between if the format has
 * one thread and nothing is selected. */
MMUSIM_API mmusim_status_t mmusim_trace_convert_file(
    const mmusim_trace_conversion_t *conversion, mmusim_diag_t *diag);

/* ---- the working set ---- */

/*
 * How many pages a run touches, window by window: fetches, loads and stores in
 * the order in which a machine takes them from the source (in pieces of a few
 * thousand records a thread). Exact, in one pass, for runs of any length:
 * windows are of one length, 1024 accesses times a power of two, chosen such
 * that there are at most 256. Addresses of different processes are not told
 * apart; of one record at most 16 pages count.
 */
typedef struct mmusim_working_set mmusim_working_set_t;

typedef struct mmusim_working_set_window {
    uint64_t first_access; /* its number in the run, from 0 */
    uint64_t n_accesses;   /* fewer than in the others: the last window */
    uint64_t pages;        /* of 4 KiB, touched in the window */
    uint64_t new_pages;    /* of these, never touched before it */
} mmusim_working_set_window_t;
/* An empty set, the caller's to destroy. MMUSIM_NOMEM. */
MMUSIM_API mmusim_status_t
mmusim_working_set_create(mmusim_working_set_t **set);
/* No source made for it may be in use. NULL is legal. */
MMUSIM_API void mmusim_working_set_destroy(mmusim_working_set_t *set);

/*
 * A source that hands on what inner gives and counts it into set. inner and
 * set must outlive it; the machine runs it instead of inner. Costs a look-up an
 * access. Errors: MMUSIM_NOMEM.
 */
MMUSIM_API mmusim_status_t mmusim_working_set_source(mmusim_working_set_t *set,
                                                     mmusim_source_t *inner,
                                                     mmusim_source_t **source,
                                                     mmusim_diag_t *diag);

/* The index-th window; false past the end. */
MMUSIM_API bool mmusim_working_set_at(const mmusim_working_set_t *set,
                                      size_t index,
                                      mmusim_working_set_window_t *window);
/* Whether pages were left out, which makes all counts lower bounds: there were
 * more than MMUSIM_TRACE_PAGES_MAX, or memory was short. */
MMUSIM_API bool mmusim_working_set_is_cut(const mmusim_working_set_t *set);
/* As mmusim_working_set_at with windows joined in pairs until at most
 * max_windows (at least 1) are left: of the joined windows, too, each page
 * counts once. */
MMUSIM_API bool mmusim_working_set_at_most(const mmusim_working_set_t *set,
                                           size_t max_windows, size_t index,
                                           mmusim_working_set_window_t *window);

/* ---- where and when a trace touches memory ---- */

/*
 * What a trace holds besides counts: its regions, marks and images, and its
 * working set. Threads are gone through in turn, some thousand records of each
 * at a time, a created one from its fork or clone on. Bounded memory (below 128
 * MiB): what finds no room is counted in mmusim_trace_left_out_t.
 */
typedef struct mmusim_trace_profile mmusim_trace_profile_t;

/* A MiB of addresses; those of different processes are not told apart. */
typedef struct mmusim_trace_region {
    uint64_t vaddr;
    uint64_t pages;   /* of 4 KiB, touched; of one record at most 16 count */
    uint64_t fetches; /* that begin here, as loads and stores do */
    uint64_t loads;
    uint64_t stores;
} mmusim_trace_region_t;

/* All marks of a name. */
typedef struct mmusim_trace_mark {
    const char *name; /* the profile's */
    uint64_t count;
    uint64_t record; /* of the first one: its number in its thread, from 0 */
    uint32_t tid;    /* of the first one: its thread */
} mmusim_trace_mark_t;

/* An image record. */
typedef struct mmusim_trace_image {
    const char *name; /* the profile's; a file's, or such as "[stack]" */
    uint64_t vaddr;
    uint64_t length_bytes;
    uint64_t file_offset;
    uint64_t build_id; /* its first 8 bytes, big-endian; 0: unknown */
    uint32_t tid;      /* who says so */
    bool is_file;
} mmusim_trace_image_t;

/* What found no room; 0: everything did. */
typedef struct mmusim_trace_left_out {
    uint64_t accesses; /* outside the kept regions */
    uint64_t marks;
    uint64_t images;
} mmusim_trace_left_out_t;

/* Decodes the trace once more. Errors: those of reading it, MMUSIM_NOMEM. */
MMUSIM_API mmusim_status_t mmusim_trace_profile_create(
    mmusim_trace_t *trace, mmusim_trace_profile_t **profile,
    mmusim_diag_t *diag);
/* NULL is legal. */
MMUSIM_API void mmusim_trace_profile_destroy(mmusim_trace_profile_t *profile);

/* The index-th region: most fetches, loads and stores first, then by address;
 * mark: by name's first appearance; image: as they come. False: no more. */
MMUSIM_API bool mmusim_trace_region_at(const mmusim_trace_profile_t *profile,
                                       size_t index,
                                       mmusim_trace_region_t *region);
MMUSIM_API bool mmusim_trace_mark_at(const mmusim_trace_profile_t *profile,
                                     size_t index, mmusim_trace_mark_t *mark);
MMUSIM_API bool mmusim_trace_image_at(const mmusim_trace_profile_t *profile,
                                      size_t index,
                                      mmusim_trace_image_t *image);
MMUSIM_API void
mmusim_trace_profile_left_out(const mmusim_trace_profile_t *profile,
                              mmusim_trace_left_out_t *left_out);
/* The profile's. */
MMUSIM_API const mmusim_working_set_t *
mmusim_trace_profile_working_set(const mmusim_trace_profile_t *profile);

/* ---- parts of traces, and several as one ---- */

/* What mmusim_trace_cut keeps; zeroes mean all. Each bound that is set narrows
 * the cut. A bound between a system call's return addresses, its order stamp
 * and its operation moves before them. */
typedef struct mmusim_trace_cut_options {
    const mmusim_trace_selection_t *selection; /* NULL: everything */
    /* In each thread: from the record with this instruction on, counted from
     * 0, up to before the one with that; 0: to the end. */
    uint64_t begin_instructions;
    uint64_t end_instructions;
    /*
     * From a mark on, up to before another: "NAME", its first record, or
     * "NAME.INDEX", from 0, thread by thread. Other threads are cut where they
     * were then, as far as order stamps tell; between two stamps by the
     * fraction of records. NULL: none.
     */
    const char *from_mark;
    const char *to_mark;
    /* Hears in a line what was done; NULL: nobody does. */
    void (*tell)(void *context, const char *line);
    void *context;
} mmusim_trace_cut_t;

/*
 * A trace of its own, in a temporary file, for mmusim_trace_convert and the
 * rest. Order stamps are numbered anew; threads of a process whose creation was
 * cut away are cloned by its first thread when it begins; `on` and `kthread`
 * are repeated. Mappings made before the cut are not: pages there appear when
 * they are touched, as those of a program's start do. trace must not be closed
 * before the call returns. Errors: MMUSIM_USAGE (no such mark, nothing left),
 * those of reading, MMUSIM_SYSTEM, MMUSIM_NOMEM.
 */
MMUSIM_API mmusim_status_t mmusim_trace_cut(mmusim_trace_t *trace,
                                            const mmusim_trace_cut_t *cut,
                                            mmusim_trace_t **made,
                                            mmusim_diag_t *diag);

typedef struct mmusim_trace_merge_options {
    /* The first thread of the first trace clones those that start with the
     * others; else each keeps address spaces of its own. */
    bool is_same_process;
    /* Hears a line a trace; NULL: nobody does. */
    void (*tell)(void *context, const char *line);
    void *context;
} mmusim_trace_merge_t;

/*
 * n traces as one, in a temporary file: threads in order of the traces, numbers
 * that are taken already replaced by free ones, order stamps numbered anew such
 * that the operations of each trace are spread evenly over those of all.
 * options may be NULL. Errors: as mmusim_trace_cut.
 */
MMUSIM_API mmusim_status_t
mmusim_trace_merge(mmusim_trace_t *const *traces, size_t n,
                   const mmusim_trace_merge_t *options, mmusim_trace_t **made,
                   mmusim_diag_t *diag);

#ifdef __cplusplus
}
#endif
#endif
