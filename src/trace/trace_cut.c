/* SPDX-License-Identifier: MIT */
/*
 * A part of a trace that can be run by itself.
 *
 * A mark in thread A lies between two of A's order stamps. In another thread
 * all behind a stamp not after the first of them is later than what that one
 * names, all before a stamp after it is earlier than what that one names: the
 * place is between these, by the fraction of A's records between its two.
 */
#include "core/diag.h"
#include "trace/trace_handle.h"
#include "trace/trace_rewrite.h"
#include "trace/trace_selection.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct cut_range {
    uint64_t first;
    uint64_t end;
};

struct cut {
    const mmusim_trace_cut_t *options;
    struct trace_survey survey;
    struct cut_range *ranges; /* by thread of the trace; empty: left out */
    struct rewrite_input input;
    struct rewrite_thread *threads;
    size_t n_threads;
};

/* ---- where ---- */

/* The records between which the order stamps put what is behind stamp number
 * order and before the next. */
static struct cut_range cut_between(const struct survey_thread *thread,
                                    uint64_t order)
{
    struct cut_range range = {0, thread->n_records};

    for (size_t i = 0; i < thread->n_stamps; i++) {
        const struct survey_stamp *stamp = &thread->stamps[i];

        if (!stamp->number)
            continue;
        if (stamp->number > order) {
            range.end = stamp->first_record;
            break;
        }
        range.first = stamp->last_record + 1;
    }
    return range;
}

/* The last order stamp before a record. */
static uint64_t cut_order_at(const struct survey_thread *thread,
                             uint64_t record)
{
    uint64_t order = 0;

    for (size_t i = 0;
         i < thread->n_stamps && thread->stamps[i].last_record < record; i++) {
        if (thread->stamps[i].number)
            order = thread->stamps[i].number;
    }
    return order;
}

/* Where thread was when another was at the mark. */
static uint64_t cut_place(const struct trace_survey *survey, uint32_t index,
                          const struct survey_place *mark)
{
    const struct survey_thread *thread = &survey->threads[index];
    const struct survey_thread *marked = &survey->threads[mark->thread];
    uint64_t order = cut_order_at(marked, mark->record);
    struct cut_range from = cut_between(marked, order);
    struct cut_range to = cut_between(thread, order);
    double part = 0;

    if (index == mark->thread)
        return mark->record;
    if (thread->created_order > order ||
        (thread->creator == mark->thread && thread->created_at > mark->record))
        return 0;
    /* Stamps that go back, or come twice, are no bounds. */
    if (mark->record >= from.first && mark->record < from.end)
        part = (double) (mark->record - from.first) /
               (double) (from.end - from.first);
    return to.first + (uint64_t) ((double) (to.end - to.first) * part);
}

/* A bound does not part an operation from its stamp and return addresses. */
static uint64_t cut_align(const struct survey_thread *thread, uint64_t record)
{
    for (size_t i = 0; i < thread->n_stamps; i++) {
        if (thread->stamps[i].first_record < record &&
            record <= thread->stamps[i].last_record)
            return thread->stamps[i].first_record;
    }
    return record;
}

static struct cut_range cut_range_of(const struct cut *cut, uint32_t index)
{
    static const mmusim_trace_selection_t everything = {0};
    const mmusim_trace_cut_t *options = cut->options;
    const mmusim_trace_selection_t *selection =
        options->selection ? options->selection : &everything;
    const struct survey_thread *thread = &cut->survey.threads[index];
    const struct survey_place *marks = cut->survey.marks;
    struct cut_range range = {selection->first_record, thread->n_records};

    if (!mmusim__trace_selection_has(selection, thread->tid))
        return (struct cut_range){0, 0};
    if (selection->end_record)
        range.end = min_u64(range.end, selection->end_record);
    range.first = max_u64(range.first, thread->begin_record);
    if (options->end_instructions)
        range.end = min_u64(range.end, thread->end_record);
    if (options->from_mark)
        range.first =
            max_u64(range.first, cut_place(&cut->survey, index, &marks[0]));
    if (options->to_mark)
        range.end =
            min_u64(range.end, cut_place(&cut->survey, index, &marks[1]));
    range.first = cut_align(thread, range.first);
    range.end = cut_align(thread, range.end);
    return range;
}

static bool cut_has_record(const struct cut *cut, uint32_t index,
                           uint64_t record)
{
    return record >= cut->ranges[index].first &&
           record < cut->ranges[index].end;
}

/* ---- what stays ---- */

static mmusim_status_t cut_keep_stamps(struct cut *cut, mmusim_diag_t *diag)
{
    struct rewrite_stamps *kept = &cut->input.stamps;
    size_t room = 1;

    for (uint32_t i = 0; i < cut->survey.n_threads; i++)
        room += cut->survey.threads[i].n_stamps;
    kept->numbers = calloc(room, sizeof(*kept->numbers));
    if (!kept->numbers)
        return mmusim__diag_set(diag, MMUSIM_NOMEM, "out of memory");
    for (uint32_t i = 0; i < cut->survey.n_threads; i++) {
        const struct survey_thread *thread = &cut->survey.threads[i];

        for (size_t j = 0; j < thread->n_stamps; j++) {
            if (thread->stamps[j].is_own &&
                cut_has_record(cut, i, thread->stamps[j].last_record))
                kept->numbers[kept->n++] = thread->stamps[j].number;
        }
    }
    mmusim__rewrite_stamps_sort(kept);
    return MMUSIM_OK;
}

/* The thread that has begun the process of a thread. */
static uint32_t cut_process(const struct trace_survey *survey, uint32_t index)
{
    for (uint32_t i = 0; i < survey->n_threads; i++) {
        if (survey->threads[index].creator == UINT32_MAX ||
            !survey->threads[index].is_clone)
            break;
        index = survey->threads[index].creator;
    }
    return index;
}

static void cut_keep_thread(struct cut *cut, uint32_t index)
{
    const struct survey_thread *thread = &cut->survey.threads[index];
    struct rewrite_thread made = {.input = &cut->input,
                                  .index = index,
                                  .tid = thread->tid,
                                  .first_record = cut->ranges[index].first,
                                  .end_record = cut->ranges[index].end,
                                  .parent = UINT32_MAX};
    uint32_t process = cut_process(&cut->survey, index);

    made.is_created = thread->creator != UINT32_MAX &&
                      cut_has_record(cut, thread->creator, thread->created_at);
    for (uint32_t i = 0; !made.is_created && i < cut->n_threads; i++) {
        const struct rewrite_thread *other = &cut->threads[i];

        if (other->is_created || other->parent != UINT32_MAX ||
            cut_process(&cut->survey, other->index) != process)
            continue;
        made.parent = i;
        break;
    }
    cut->threads[cut->n_threads++] = made;
}

static mmusim_status_t cut_choose(struct cut *cut, mmusim_diag_t *diag)
{
    uint32_t n = cut->survey.n_threads;

    cut->ranges = calloc(n + 1, sizeof(*cut->ranges));
    cut->threads = calloc(n + 1, sizeof(*cut->threads));
    if (!cut->ranges || !cut->threads)
        return mmusim__diag_set(diag, MMUSIM_NOMEM, "out of memory");
    for (uint32_t i = 0; i < n; i++)
        cut->ranges[i] = cut_range_of(cut, i);
    for (uint32_t i = 0; i < n; i++) {
        if (cut->ranges[i].first < cut->ranges[i].end)
            cut_keep_thread(cut, i);
    }
    if (cut->n_threads == 0)
        return mmusim__diag_set(diag, MMUSIM_USAGE,
                                "the cut has no record: no thread has any "
                                "between its bounds");
    return cut_keep_stamps(cut, diag);
}

static mmusim_status_t cut_check_marks(const struct cut *cut,
                                       mmusim_diag_t *diag)
{
    const char *names[2] = {cut->options->from_mark, cut->options->to_mark};

    for (uint32_t i = 0; i < 2; i++) {
        if (names[i] && !cut->survey.marks[i].is_found)
            return mmusim__diag_set(diag, MMUSIM_USAGE,
                                    "there is no mark '%s' (NAME or "
                                    "NAME.INDEX, as `mmusim trace info` lists "
                                    "them)",
                                    names[i]);
    }
    return MMUSIM_OK;
}

static void cut_tell(const struct cut *cut)
{
    uint64_t n_records = 0;
    uint64_t n_added = 0;
    char line[160];

    for (size_t i = 0; i < cut->n_threads; i++) {
        n_records += cut->threads[i].end_record - cut->threads[i].first_record;
        n_added += cut->threads[i].n_added;
    }
    snprintf(line, sizeof(line),
             "kept %" PRIu64 " records of %zu threads, added %" PRIu64
             " that repeat what was before (clone, on, image)",
             n_records, cut->n_threads, n_added);
    cut->options->tell(cut->options->context, line);
}

static mmusim_status_t cut_run(struct cut *cut, mmusim_trace_t *trace,
                               mmusim_trace_t **made, mmusim_diag_t *diag)
{
    const mmusim_trace_cut_t *options = cut->options;
    const struct survey_query query = {
        .marks = {options->from_mark, options->to_mark},
        .begin_instructions = options->begin_instructions,
        .end_instructions = options->end_instructions};
    mmusim_status_t status =
        mmusim__trace_selection_check(options->selection, trace, diag);

    if (!status)
        status = mmusim__trace_survey_init(&cut->survey, trace, &query, diag);
    if (!status)
        status = cut_check_marks(cut, diag);
    if (!status)
        status = cut_choose(cut, diag);
    if (!status)
        status = mmusim__trace_rewrite(cut->threads, cut->n_threads,
                                       trace->file.path, made, diag);
    if (!status && options->tell)
        cut_tell(cut);
    return status;
}

mmusim_status_t mmusim_trace_cut(mmusim_trace_t *trace,
                                 const mmusim_trace_cut_t *options,
                                 mmusim_trace_t **made, mmusim_diag_t *diag)
{
    struct cut cut = {.options = options, .input = {.trace = trace}};
    mmusim_status_t status = cut_run(&cut, trace, made, diag);

    mmusim__trace_survey_fini(&cut.survey);
    free(cut.input.stamps.numbers);
    free(cut.ranges);
    free(cut.threads);
    return status;
}
