/* SPDX-License-Identifier: MIT */
/*
 * Several traces as one. Threads that nothing in the traces creates start with
 * the run, each in an address space of its own, so that processes stay apart.
 *
 * Of n traces, operation j of k stamped ones of a trace stands at (j + 1/2) / k
 * of the way: ordered by that, then by the traces' order, all are numbered 1,
 * 2, ... Each trace's own order stays, and with it every stamp's meaning.
 */
#include "core/diag.h"
#include "trace/trace_handle.h"
#include "trace/trace_rewrite.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct merge_input {
    struct rewrite_input rewrite;
    struct trace_survey survey;
    struct rewrite_tid *tids;
    size_t n_tids;
    size_t n_renamed;
    size_t n_numbered; /* stamps that have their number already */
    uint64_t n_records;
};

struct merge {
    struct merge_input *inputs;
    size_t n_inputs;
    struct rewrite_thread *threads;
    size_t n_threads;
    uint32_t *taken; /* thread numbers of the traces so far, ascending */
    size_t n_taken;
};

/* ---- thread numbers ---- */

static int merge_compare_tids(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *) left;
    uint32_t b = *(const uint32_t *) right;

    return a < b ? -1 : a > b;
}

static bool merge_has_tid(const struct merge *merge, uint32_t tid)
{
    return merge->n_taken && bsearch(&tid, merge->taken, merge->n_taken,
                                     sizeof(tid), merge_compare_tids);
}

/* All numbers that a trace knows, its threads' and those it creates, once
 * each, ascending, behind merge->taken. */
static mmusim_status_t merge_collect_tids(struct merge *merge,
                                          struct merge_input *input,
                                          mmusim_diag_t *diag)
{
    const struct trace_survey *survey = &input->survey;
    size_t n = survey->n_threads + survey->n_children;
    uint32_t *tids =
        realloc(merge->taken, (merge->n_taken + n + 1) * sizeof(*tids));

    if (tids)
        merge->taken = tids;
    input->tids = calloc(n + 1, sizeof(*input->tids));
    if (!tids || !input->tids)
        return mmusim__diag_set(diag, MMUSIM_NOMEM, "out of memory");
    tids += merge->n_taken;
    for (size_t i = 0; i < n; i++)
        tids[i] = i < survey->n_threads
                      ? survey->threads[i].tid
                      : survey->children[i - survey->n_threads];
    qsort(tids, n, sizeof(*tids), merge_compare_tids);
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || tids[i] != tids[i - 1])
            input->tids[input->n_tids++].from = tids[i];
    }
    return MMUSIM_OK;
}

/* Numbers that are taken become new ones, above all. */
static mmusim_status_t merge_name_threads(struct merge *merge,
                                          struct merge_input *input,
                                          mmusim_diag_t *diag)
{
    mmusim_status_t status = merge_collect_tids(merge, input, diag);
    uint32_t highest;

    if (status || input->n_tids == 0)
        return status;
    highest = input->tids[input->n_tids - 1].from;
    if (merge->n_taken && merge->taken[merge->n_taken - 1] > highest)
        highest = merge->taken[merge->n_taken - 1];
    for (size_t i = 0; i < input->n_tids; i++) {
        struct rewrite_tid *tid = &input->tids[i];

        tid->to = tid->from;
        if (!merge_has_tid(merge, tid->from))
            continue;
        if (highest == UINT32_MAX)
            return mmusim__diag_set(diag, MMUSIM_UNSUPPORTED,
                                    "no thread number is left for thread "
                                    "%" PRIu32,
                                    tid->from);
        tid->to = ++highest;
        input->n_renamed++;
    }
    for (size_t i = 0; i < input->n_tids; i++)
        merge->taken[merge->n_taken++] = input->tids[i].to;
    qsort(merge->taken, merge->n_taken, sizeof(*merge->taken),
          merge_compare_tids);
    input->rewrite.tids = input->tids;
    input->rewrite.n_tids = input->n_tids;
    return MMUSIM_OK;
}

static uint32_t merge_tid(const struct merge_input *input, uint32_t tid)
{
    for (size_t i = 0; i < input->n_tids; i++) {
        if (input->tids[i].from == tid)
            return input->tids[i].to;
    }
    return tid;
}

/* ---- order stamps ---- */

static mmusim_status_t merge_collect_stamps(struct merge_input *input,
                                            mmusim_diag_t *diag)
{
    struct rewrite_stamps *stamps = &input->rewrite.stamps;
    size_t room = 1;

    for (uint32_t i = 0; i < input->survey.n_threads; i++)
        room += input->survey.threads[i].n_stamps;
    stamps->numbers = calloc(room, sizeof(*stamps->numbers));
    stamps->to = calloc(room, sizeof(*stamps->to));
    if (!stamps->numbers || !stamps->to)
        return mmusim__diag_set(diag, MMUSIM_NOMEM, "out of memory");
    for (uint32_t i = 0; i < input->survey.n_threads; i++) {
        const struct survey_thread *thread = &input->survey.threads[i];

        for (size_t j = 0; j < thread->n_stamps; j++) {
            if (thread->stamps[j].is_own)
                stamps->numbers[stamps->n++] = thread->stamps[j].number;
        }
        input->n_records += thread->n_records;
    }
    mmusim__rewrite_stamps_sort(stamps);
    return MMUSIM_OK;
}

/* Whether a's next operation stands before b's: (j + 1/2) / k. */
static bool merge_is_before(const struct merge_input *a,
                            const struct merge_input *b)
{
    double at_a = ((double) a->n_numbered + 0.5) / (double) a->rewrite.stamps.n;
    double at_b = ((double) b->n_numbered + 0.5) / (double) b->rewrite.stamps.n;

    return at_a < at_b;
}

static void merge_number(struct merge *merge)
{
    uint64_t number = 0;

    for (;;) {
        struct merge_input *next = NULL;

        for (size_t i = 0; i < merge->n_inputs; i++) {
            struct merge_input *input = &merge->inputs[i];

            if (input->n_numbered < input->rewrite.stamps.n &&
                (!next || merge_is_before(input, next)))
                next = input;
        }
        if (!next)
            return;
        next->rewrite.stamps.to[next->n_numbered++] = ++number;
    }
}

/* ---- all ---- */

static mmusim_status_t merge_read(struct merge *merge,
                                  mmusim_trace_t *const *traces,
                                  mmusim_diag_t *diag)
{
    static const struct survey_query nothing = {0};
    mmusim_status_t status = MMUSIM_OK;

    for (size_t i = 0; !status && i < merge->n_inputs; i++) {
        struct merge_input *input = &merge->inputs[i];

        input->rewrite.trace = traces[i];
        status = mmusim__trace_survey_init(&input->survey, traces[i], &nothing,
                                           diag);
        if (!status)
            status = merge_name_threads(merge, input, diag);
        if (!status)
            status = merge_collect_stamps(input, diag);
        merge->n_threads += input->survey.n_threads;
    }
    return status;
}

static mmusim_status_t merge_list_threads(struct merge *merge,
                                          bool is_same_process,
                                          mmusim_diag_t *diag)
{
    struct rewrite_thread *thread;

    merge->threads = calloc(merge->n_threads + 1, sizeof(*merge->threads));
    if (!merge->threads)
        return mmusim__diag_set(diag, MMUSIM_NOMEM, "out of memory");
    thread = merge->threads;
    for (size_t i = 0; i < merge->n_inputs; i++) {
        const struct merge_input *input = &merge->inputs[i];

        for (uint32_t j = 0; j < input->survey.n_threads; j++, thread++) {
            const struct survey_thread *from = &input->survey.threads[j];

            *thread = (struct rewrite_thread){
                .input = &input->rewrite,
                .index = j,
                .tid = merge_tid(input, from->tid),
                .end_record = UINT64_MAX,
                .is_created = from->creator != UINT32_MAX,
                .parent = UINT32_MAX};
            if (is_same_process && i > 0 && !thread->is_created)
                thread->parent = 0;
        }
    }
    return MMUSIM_OK;
}

static void merge_tell(const struct merge *merge,
                       const mmusim_trace_merge_t *options)
{
    for (size_t i = 0; i < merge->n_inputs; i++) {
        const struct merge_input *input = &merge->inputs[i];
        char line[512];

        snprintf(line, sizeof(line),
                 "%.256s: %" PRIu64 " records of %" PRIu32
                 " threads, %zu renumbered, %zu operations in order, %s",
                 input->rewrite.trace->file.path, input->n_records,
                 input->survey.n_threads, input->n_renamed,
                 input->rewrite.stamps.n,
                 !options->is_same_process ? "its own address space"
                 : i ? "the address space of the first trace"
                     : "the address space of all");
        options->tell(options->context, line);
    }
}

static void merge_fini(struct merge *merge)
{
    for (size_t i = 0; merge->inputs && i < merge->n_inputs; i++) {
        struct merge_input *input = &merge->inputs[i];

        mmusim__trace_survey_fini(&input->survey);
        free(input->tids);
        free(input->rewrite.stamps.numbers);
        free(input->rewrite.stamps.to);
    }
    free(merge->inputs);
    free(merge->threads);
    free(merge->taken);
}

mmusim_status_t mmusim_trace_merge(mmusim_trace_t *const *traces, size_t n,
                                   const mmusim_trace_merge_t *options,
                                   mmusim_trace_t **made, mmusim_diag_t *diag)
{
    static const mmusim_trace_merge_t none = {0};
    struct merge merge = {.n_inputs = n};
    mmusim_status_t status;

    options = options ? options : &none;
    merge.inputs = calloc(n + 1, sizeof(*merge.inputs));
    if (!merge.inputs)
        return mmusim__diag_set(diag, MMUSIM_NOMEM, "out of memory");
    status = merge_read(&merge, traces, diag);
    if (!status)
        status = merge_list_threads(&merge, options->is_same_process, diag);
    if (!status) {
        merge_number(&merge);
        status = mmusim__trace_rewrite(merge.threads, merge.n_threads,
                                       traces[0]->file.path, made, diag);
    }
    if (!status && options->tell)
        merge_tell(&merge, options);
    merge_fini(&merge);
    return status;
}
