/* SPDX-License-Identifier: MIT */
/* What cutting and merging need to know of a trace before: its order stamps,
 * who creates which thread, and marks. Takes 32 bytes a stamp. */
#ifndef MMUSIM_TRACE_TRACE_SURVEY_H
#define MMUSIM_TRACE_TRACE_SURVEY_H

#include "core/source.h"
#include "mmusim/trace.h"

/* Records that belong together: return addresses, stamp, operation; or a stamp
 * alone. */
struct survey_stamp {
    uint64_t first_record;
    uint64_t last_record;
    uint64_t number; /* 0: an operation without a stamp */
    bool is_own;     /* the operation is number `number` */
};

struct survey_thread {
    uint32_t tid;
    uint64_t n_records;
    struct survey_stamp *stamps;
    size_t n_stamps;
    uint32_t creator;       /* index; UINT32_MAX: starts with the run */
    uint64_t created_at;    /* the creator's record */
    uint64_t created_order; /* number of that operation; 0: unknown */
    bool is_clone;
    uint64_t begin_record; /* first with instruction begin_instructions */
    uint64_t end_record;
};

struct survey_query {
    const char *marks[2]; /* names to find, or NULL */
    uint64_t begin_instructions;
    uint64_t end_instructions; /* 0: none */
};

struct survey_place {
    bool is_found;
    uint32_t thread;
    uint64_t record;
};

struct trace_survey {
    struct survey_thread *threads;
    uint32_t n_threads;
    struct survey_place marks[2];
    uint32_t *children; /* tids that fork and clone name */
    size_t n_children;
};

/* Decodes the whole trace. fini in any case. */
mmusim_status_t mmusim__trace_survey_init(struct trace_survey *survey,
                                          mmusim_trace_t *trace,
                                          const struct survey_query *query,
                                          mmusim_diag_t *diag);
void mmusim__trace_survey_fini(struct trace_survey *survey);

#endif
