/* SPDX-License-Identifier: MIT */
/* One pass over a trace, thread after thread. */
#include "trace/trace_survey.h"

#include "core/diag.h"

#include <stdlib.h>
#include <string.h>

struct survey_walk {
    struct trace_survey *survey;
    const struct survey_query *query;
    struct survey_thread *thread;
    uint32_t index;
    uint64_t instructions;
    uint64_t order;   /* the pending stamp's number; 0: none */
    uint64_t group;   /* first record of a pending group */
    bool is_in_group; /* return addresses or a stamp came right before */
    uint64_t n_seen[2];
    bool is_out_of_memory;
};

/* Stamps and operations whose numbers count (core_sys.c numbers the same). */
static bool survey_is_numbered(enum sys_kind kind)
{
    return kind != SYS_SYNC && kind != SYS_MARK && kind != SYS_IDLE &&
           kind != SYS_ON && kind != SYS_KTHREAD && kind != SYS_IMAGE &&
           kind != SYS_SITE;
}

static void survey_add_stamp(struct survey_walk *walk, uint64_t last,
                             bool is_own)
{
    struct survey_thread *thread = walk->thread;
    size_t n = thread->n_stamps;
    struct survey_stamp *stamps = thread->stamps;

    if ((n & (n - 1)) == 0)
        stamps = realloc(stamps, (n ? 2 * n : 1) * sizeof(*stamps));
    if (!stamps) {
        walk->is_out_of_memory = true;
        return;
    }
    thread->stamps = stamps;
    stamps[thread->n_stamps++] =
        (struct survey_stamp){walk->group, last, walk->order, is_own};
}

/* The group ends before this record: a stamp that numbers nothing. */
static void survey_end_group(struct survey_walk *walk, uint64_t record)
{
    if (walk->is_in_group && walk->order)
        survey_add_stamp(walk, record - 1, false);
    walk->is_in_group = false;
    walk->order = 0;
}

static void survey_note_child(struct survey_walk *walk, const struct sys_op *op,
                              uint64_t record)
{
    struct trace_survey *survey = walk->survey;
    size_t n = survey->n_children;
    uint32_t *children = survey->children;

    if ((n & (n - 1)) == 0)
        children = realloc(children, (n ? 2 * n : 1) * sizeof(*children));
    if (!children) {
        walk->is_out_of_memory = true;
        return;
    }
    survey->children = children;
    children[survey->n_children++] = (uint32_t) op->number;
    for (uint32_t i = 0; i < survey->n_threads; i++) {
        struct survey_thread *child = &survey->threads[i];

        if (child->tid != op->number || child == walk->thread ||
            child->creator != UINT32_MAX)
            continue;
        child->creator = walk->index;
        child->created_at = record;
        child->created_order = walk->order;
        child->is_clone = op->kind == SYS_CLONE;
    }
}

/* Whether the n-th mark called name is the one: "NAME" or "NAME.INDEX". */
static bool survey_is_mark(const char *wanted, const char *name, uint64_t n)
{
    size_t length = strlen(name);
    char *end;

    if (strncmp(wanted, name, length) != 0)
        return false;
    if (wanted[length] == '\0')
        return n == 0;
    return wanted[length] == '.' && wanted[length + 1] >= '0' &&
           wanted[length + 1] <= '9' &&
           strtoull(wanted + length + 1, &end, 10) == n && *end == '\0';
}

static bool survey_can_be(const char *wanted, const char *name)
{
    size_t length = strlen(name);

    return strncmp(wanted, name, length) == 0 &&
           (wanted[length] == '\0' || wanted[length] == '.');
}

static void survey_note_mark(struct survey_walk *walk, const char *name,
                             uint64_t record)
{
    for (uint32_t i = 0; i < 2; i++) {
        const char *wanted = walk->query->marks[i];
        struct survey_place *place = &walk->survey->marks[i];

        if (!wanted || !survey_can_be(wanted, name))
            continue;
        if (!place->is_found && survey_is_mark(wanted, name, walk->n_seen[i]))
            *place = (struct survey_place){true, walk->index, record};
        walk->n_seen[i]++;
    }
}

static void survey_add_sys(struct survey_walk *walk, const struct sys_op *op,
                           uint64_t record)
{
    if (op->kind == SYS_SITE || op->kind == SYS_SYNC) {
        if (!walk->is_in_group || walk->order) {
            survey_end_group(walk, record);
            walk->group = record;
        }
        walk->is_in_group = true;
        walk->order = op->kind == SYS_SYNC ? op->number : 0;
        return;
    }
    if (op->kind == SYS_FORK || op->kind == SYS_CLONE)
        survey_note_child(walk, op, record);
    if (op->kind == SYS_MARK)
        survey_note_mark(walk, op->name, record);
    if (survey_is_numbered(op->kind) && walk->is_in_group) {
        survey_add_stamp(walk, record, walk->order != 0);
        walk->is_in_group = false;
    }
    survey_end_group(walk, record);
}

/* Accesses stay with the fetch that makes them. */
static void survey_add_instructions(struct survey_walk *walk,
                                    const struct op_record *op, uint64_t record)
{
    struct survey_thread *thread = walk->thread;
    enum op_kind kind = op_kind_of(op);
    bool follows = (kind == OP_LOAD || kind == OP_STORE) && op->count == 0;
    uint64_t at = walk->instructions;

    if (at < walk->query->begin_instructions ||
        (follows && thread->begin_record == record))
        thread->begin_record = record + 1;
    if (at < walk->query->end_instructions ||
        (follows && thread->end_record == record))
        thread->end_record = record + 1;
    if (kind != OP_SYS)
        walk->instructions += op->count;
}

static mmusim_status_t survey_walk_thread(struct survey_walk *walk,
                                          struct mmusim_source *source,
                                          mmusim_diag_t *diag)
{
    mmusim_status_t status = MMUSIM_OK;
    uint64_t n_records = 0;

    walk->instructions = 0;
    walk->is_in_group = false;
    walk->order = 0;
    while (!status) {
        struct op_piece piece;

        status = source->ops->next(source, walk->index, &piece, diag);
        if (status || piece.n_records == 0)
            break;
        for (uint32_t i = 0; i < piece.n_records; i++) {
            const struct op_record *record = &piece.records[i];
            uint64_t number = piece.first_record + i;
            bool is_sys = op_kind_of(record) == OP_SYS;

            if (is_sys)
                survey_add_sys(walk, &piece.sys[record->count], number);
            else
                survey_end_group(walk, number);
            survey_add_instructions(walk, record, number);
        }
        n_records = piece.first_record + piece.n_records;
        if (walk->is_out_of_memory)
            status = mmusim__diag_set(diag, MMUSIM_NOMEM, "out of memory");
    }
    survey_end_group(walk, n_records);
    walk->thread->n_records = n_records;
    if (source->ops->release)
        source->ops->release(source, walk->index);
    return status;
}

static mmusim_status_t survey_walk_all(struct survey_walk *walk,
                                       struct mmusim_source *source,
                                       mmusim_diag_t *diag)
{
    struct trace_survey *survey = walk->survey;
    mmusim_status_t status = MMUSIM_OK;

    survey->threads = calloc(source->n_threads + 1, sizeof(*survey->threads));
    if (!survey->threads)
        return mmusim__diag_set(diag, MMUSIM_NOMEM, "out of memory");
    survey->n_threads = source->n_threads;
    for (uint32_t i = 0; i < survey->n_threads; i++) {
        survey->threads[i].tid = source->threads[i].tid;
        survey->threads[i].creator = UINT32_MAX;
    }
    for (uint32_t i = 0; !status && i < survey->n_threads; i++) {
        walk->index = i;
        walk->thread = &survey->threads[i];
        status = survey_walk_thread(walk, source, diag);
    }
    return status;
}

mmusim_status_t mmusim__trace_survey_init(struct trace_survey *survey,
                                          mmusim_trace_t *trace,
                                          const struct survey_query *query,
                                          mmusim_diag_t *diag)
{
    struct survey_walk walk = {.survey = survey, .query = query};
    mmusim_source_t *source;
    mmusim_status_t status;

    memset(survey, 0, sizeof(*survey));
    status = mmusim_trace_source(trace, &source, diag);
    if (status)
        return status;
    status = survey_walk_all(&walk, source, diag);
    mmusim_source_destroy(source);
    return status;
}

void mmusim__trace_survey_fini(struct trace_survey *survey)
{
    for (uint32_t i = 0; survey->threads && i < survey->n_threads; i++)
        free(survey->threads[i].stamps);
    free(survey->threads);
    free(survey->children);
    memset(survey, 0, sizeof(*survey));
}
