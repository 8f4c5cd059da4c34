/* SPDX-License-Identifier: MIT */
/*
 * Where and when a trace touches memory: goes through its threads in turn, a
 * piece of each, as far as they have been created.
 */
#include "core/diag.h"
#include "core/source.h"
#include "mmusim/trace.h"
#include "trace/region_map.h"

#include <stdlib.h>
#include <string.h>

/* Names have up to 1023 bytes: 8 MiB. */
enum { PROFILE_NAMES_MAX = 4096 };

struct mmusim_trace_profile {
    struct region_map regions;
    mmusim_working_set_t *working_set;
    mmusim_trace_mark_t *marks;
    size_t n_marks;
    mmusim_trace_image_t *images;
    size_t n_images;
    mmusim_trace_left_out_t left_out;
};

enum profile_state { PROFILE_UNBORN, PROFILE_RUNS, PROFILE_ENDED };

struct profile_walk {
    struct mmusim_trace_profile *profile;
    struct mmusim_source *source;
    uint8_t *states; /* enum profile_state, of each thread */
    uint32_t n_live;
};

/* Room for one more; the array grows by powers of two. */
static bool profile_make_room(void **array, size_t n, size_t item_bytes)
{
    void *made;

    if (n & (n - 1) && n)
        return true;
    made = realloc(*array, (n ? 2 * n : 1) * item_bytes);
    if (!made)
        return false;
    *array = made;
    return true;
}

static bool profile_add_mark(struct mmusim_trace_profile *profile,
                             const char *name, uint32_t tid, uint64_t record)
{
    void *array = profile->marks;
    char *copy;

    for (size_t i = 0; i < profile->n_marks; i++) {
        if (!strcmp(profile->marks[i].name, name)) {
            profile->marks[i].count++;
            return true;
        }
    }
    if (profile->n_marks == PROFILE_NAMES_MAX) {
        profile->left_out.marks++;
        return true;
    }
    if (!profile_make_room(&array, profile->n_marks, sizeof(*profile->marks)))
        return false;
    profile->marks = array;
    copy = strdup(name);
    if (!copy)
        return false;
    profile->marks[profile->n_marks++] = (mmusim_trace_mark_t){
        .name = copy, .count = 1, .record = record, .tid = tid};
    return true;
}

static bool profile_add_image(struct mmusim_trace_profile *profile,
                              const struct sys_op *op, uint32_t tid)
{
    void *array = profile->images;
    char *copy;

    if (profile->n_images == PROFILE_NAMES_MAX) {
        profile->left_out.images++;
        return true;
    }
    if (!profile_make_room(&array, profile->n_images, sizeof(*profile->images)))
        return false;
    profile->images = array;
    copy = strdup(op->name);
    if (!copy)
        return false;
    profile->images[profile->n_images++] =
        (mmusim_trace_image_t){.name = copy,
                               .vaddr = op->vaddr,
                               .length_bytes = op->length_bytes,
                               .file_offset = op->file_offset,
                               .build_id = op->number,
                               .tid = tid,
                               .is_file = (op->flags & SYS_MAP_FILE) != 0};
    return true;
}

/* The thread that a fork or clone names begins. */
static void profile_begin_thread(struct profile_walk *walk, uint64_t tid)
{
    for (uint32_t i = 0; i < walk->source->n_threads; i++) {
        if (walk->source->threads[i].tid != tid ||
            walk->states[i] != PROFILE_UNBORN)
            continue;
        walk->states[i] = PROFILE_RUNS;
        walk->n_live++;
    }
}

static bool profile_add_sys(struct profile_walk *walk, const struct sys_op *op,
                            uint32_t tid, uint64_t record)
{
    if (op->kind == SYS_FORK || op->kind == SYS_CLONE)
        profile_begin_thread(walk, op->number);
    if (op->kind == SYS_MARK)
        return profile_add_mark(walk->profile, op->name, tid, record);
    if (op->kind == SYS_IMAGE)
        return profile_add_image(walk->profile, op, tid);
    return true;
}

static mmusim_status_t profile_add_piece(struct profile_walk *walk,
                                         uint32_t index, mmusim_diag_t *diag)
{
    uint32_t tid = walk->source->threads[index].tid;
    struct op_piece piece;
    mmusim_status_t status =
        walk->source->ops->next(walk->source, index, &piece, diag);
    bool has_room = true;

    if (!status && piece.n_records == 0) {
        walk->states[index] = PROFILE_ENDED;
        walk->n_live--;
        if (walk->source->ops->release)
            walk->source->ops->release(walk->source, index);
        return MMUSIM_OK;
    }
    for (uint32_t i = 0; !status && has_room && i < piece.n_records; i++) {
        const struct op_record *record = &piece.records[i];

        if (op_kind_of(record) == OP_SYS)
            has_room = profile_add_sys(walk, &piece.sys[record->count], tid,
                                       piece.first_record + i);
        else if (op_kind_of(record) <= OP_STORE)
            has_room = mmusim__region_map_add(&walk->profile->regions, record);
    }
    if (!has_room)
        return mmusim__diag_set(diag, MMUSIM_NOMEM, "out of memory");
    return status;
}

/* Created threads whose creator never comes begin when nobody else is left. */
static void profile_begin_orphans(struct profile_walk *walk)
{
    for (uint32_t i = 0; i < walk->source->n_threads; i++)
        profile_begin_thread(walk, walk->source->threads[i].tid);
}

static mmusim_status_t profile_walk_all(struct profile_walk *walk,
                                        mmusim_diag_t *diag)
{
    mmusim_status_t status = MMUSIM_OK;

    for (uint32_t i = 0; i < walk->source->n_threads; i++) {
        if (!walk->source->threads[i].is_created)
            profile_begin_thread(walk, walk->source->threads[i].tid);
    }
    if (!walk->n_live)
        profile_begin_orphans(walk);
    while (!status && walk->n_live) {
        for (uint32_t i = 0; !status && i < walk->source->n_threads; i++) {
            if (walk->states[i] == PROFILE_RUNS)
                status = profile_add_piece(walk, i, diag);
        }
        if (!walk->n_live)
            profile_begin_orphans(walk);
    }
    return status;
}

static mmusim_status_t profile_fill(struct mmusim_trace_profile *profile,
                                    struct mmusim_source *source,
                                    mmusim_diag_t *diag)
{
    struct profile_walk walk = {.profile = profile, .source = source};
    mmusim_status_t status;

    walk.states = calloc(source->n_threads, sizeof(*walk.states));
    if (!walk.states)
        return mmusim__diag_set(diag, MMUSIM_NOMEM, "out of memory");
    status = profile_walk_all(&walk, diag);
    free(walk.states);
    profile->left_out.accesses = profile->regions.n_left_out;
    mmusim__region_map_sort(&profile->regions);
    return status;
}

static mmusim_status_t profile_run(struct mmusim_trace_profile *profile,
                                   mmusim_trace_t *trace, mmusim_diag_t *diag)
{
    mmusim_source_t *counted = NULL;
    mmusim_source_t *source;
    mmusim_status_t status = mmusim_trace_source(trace, &source, diag);

    if (status)
        return status;
    status =
        mmusim_working_set_source(profile->working_set, source, &counted, diag);
    if (!status)
        status = profile_fill(profile, counted, diag);
    mmusim_source_destroy(counted);
    mmusim_source_destroy(source);
    return status;
}

mmusim_status_t mmusim_trace_profile_create(mmusim_trace_t *trace,
                                            mmusim_trace_profile_t **profile,
                                            mmusim_diag_t *diag)
{
    struct mmusim_trace_profile *made = calloc(1, sizeof(*made));
    mmusim_status_t status;

    if (!made || mmusim_working_set_create(&made->working_set)) {
        free(made);
        return mmusim__diag_set(diag, MMUSIM_NOMEM, "out of memory");
    }
    status = profile_run(made, trace, diag);
    if (status) {
        mmusim_trace_profile_destroy(made);
        return status;
    }
    *profile = made;
    return MMUSIM_OK;
}

void mmusim_trace_profile_destroy(mmusim_trace_profile_t *profile)
{
    if (!profile)
        return;
    for (size_t i = 0; i < profile->n_marks; i++)
        free((void *) (uintptr_t) profile->marks[i].name);
    for (size_t i = 0; i < profile->n_images; i++)
        free((void *) (uintptr_t) profile->images[i].name);
    free(profile->marks);
    free(profile->images);
    mmusim__region_map_fini(&profile->regions);
    mmusim_working_set_destroy(profile->working_set);
    free(profile);
}

bool mmusim_trace_region_at(const mmusim_trace_profile_t *profile, size_t index,
                            mmusim_trace_region_t *region)
{
    const struct region *from;

    if (index >= profile->regions.n_regions)
        return false;
    from = &profile->regions.slots[index];
    *region = (mmusim_trace_region_t){.vaddr = (from->key - 1) << REGION_SHIFT,
                                      .pages = region_pages(from),
                                      .fetches = from->n_of[OP_FETCH],
                                      .loads = from->n_of[OP_LOAD],
                                      .stores = from->n_of[OP_STORE]};
    return true;
}

bool mmusim_trace_mark_at(const mmusim_trace_profile_t *profile, size_t index,
                          mmusim_trace_mark_t *mark)
{
    if (index >= profile->n_marks)
        return false;
    *mark = profile->marks[index];
    return true;
}

bool mmusim_trace_image_at(const mmusim_trace_profile_t *profile, size_t index,
                           mmusim_trace_image_t *image)
{
    if (index >= profile->n_images)
        return false;
    *image = profile->images[index];
    return true;
}

void mmusim_trace_profile_left_out(const mmusim_trace_profile_t *profile,
                                   mmusim_trace_left_out_t *left_out)
{
    *left_out = profile->left_out;
}

const mmusim_working_set_t *
mmusim_trace_profile_working_set(const mmusim_trace_profile_t *profile)
{
    return profile->working_set;
}
