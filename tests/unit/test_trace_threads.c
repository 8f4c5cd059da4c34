/* SPDX-License-Identifier: MIT */
/* Several host threads: streams of one writer, sources of one trace. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/source.h"
#include "mmusim/trace.h"
#include "support/synth_trace.h"
#include "support/temp_folder.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { N_THREADS = 4, N_RECORDS = 20000, SEED = 1 };

static struct temp_folder *folder;
static const char *path;
static mmusim_trace_t *trace;

struct job {
    pthread_t thread;
    struct trace_stream *stream;
    uint32_t index;
    const char *wrong; /* NULL: nothing; cmocka asserts in one thread only */
};

static void *feed(void *context)
{
    struct job *job = context;
    struct synth synth;

    synth_init(&synth, SEED, job->index, false);
    for (uint32_t i = 0; i < N_RECORDS; i++) {
        struct op_record record = synth_next(&synth);

        synth_write(job->stream, &record, &synth.sys);
        if (i == N_RECORDS / 2 && mmusim__trace_stream_flush(job->stream, NULL))
            job->wrong = "a flush failed";
    }
    if (mmusim__trace_stream_end(job->stream, NULL))
        job->wrong = "the end failed";
    return NULL;
}

static void run(struct job *jobs, void *(*work)(void *context))
{
    for (uint32_t i = 0; i < N_THREADS; i++) {
        jobs[i].index = i;
        assert_int_equal(pthread_create(&jobs[i].thread, NULL, work, &jobs[i]),
                         0);
    }
    for (uint32_t i = 0; i < N_THREADS; i++)
        pthread_join(jobs[i].thread, NULL);
    for (uint32_t i = 0; i < N_THREADS; i++) {
        if (jobs[i].wrong)
            fail_msg("thread %u: %s", i, jobs[i].wrong);
    }
}

/* What differs from synth's records, or NULL. */
static const char *compare(const struct op_piece *piece, struct synth *synth)
{
    for (uint32_t i = 0; i < piece->n_records; i++) {
        const struct op_record *got = &piece->records[i];
        struct op_record expected = synth_next(synth);

        if (got->meta != expected.meta)
            return "another kind of record";
        if (op_kind_of(got) != OP_SYS && got->vaddr != expected.vaddr)
            return "another address";
        if (op_kind_of(got) == OP_SYS &&
            piece->sys[got->count].vaddr != synth->sys.vaddr)
            return "another operation";
    }
    return NULL;
}

/* Every thread's records, each job beginning with another thread. */
static void *read_all(void *context)
{
    struct job *job = context;
    mmusim_source_t *source;
    struct op_piece piece;

    if (mmusim_trace_source(trace, &source, NULL)) {
        job->wrong = "no source";
        return NULL;
    }
    for (uint32_t t = 0; t < N_THREADS && !job->wrong; t++) {
        uint32_t index = (job->index + t) % N_THREADS;
        uint64_t n = 0;
        struct synth synth;

        synth_init(&synth, SEED, index, false);
        do {
            if (source->ops->next(source, index, &piece, NULL)) {
                job->wrong = "a piece cannot be read";
                break;
            }
            n += piece.n_records;
            job->wrong = compare(&piece, &synth);
        } while (piece.n_records && !job->wrong);
        if (!job->wrong && n != N_RECORDS)
            job->wrong = "not all records";
    }
    mmusim_source_destroy(source);
    return NULL;
}

static void read_shared(uint64_t cache_bytes)
{
    const mmusim_trace_options_t options = {.cache_bytes = cache_bytes};
    struct job jobs[N_THREADS] = {0};

    assert_int_equal(mmusim_trace_open(path, &options, &trace, NULL),
                     MMUSIM_OK);
    run(jobs, read_all);
    mmusim_trace_close(trace);
}

static int setup(void **state)
{
    const struct trace_writer_options options = {.block_bytes = 16384};
    struct job jobs[N_THREADS] = {0};
    struct trace_writer *writer;

    (void) state;
    if (temp_folder_create(&folder))
        return -1;
    path = temp_folder_write(folder, "t.mmt", "", 0);
    if (mmusim__trace_writer_create(path, &options, &writer, NULL))
        return -1;
    for (uint32_t i = 0; i < N_THREADS; i++)
        jobs[i].stream = mmusim__trace_stream_begin(writer, 100 + i);
    run(jobs, feed);
    return mmusim__trace_writer_close(writer, NULL);
}

static int teardown(void **state)
{
    (void) state;
    temp_folder_destroy(folder);
    return 0;
}

static void streams_of_one_writer_are_fed_by_several_threads(void **state)
{
    mmusim_trace_info_t info;
    uint64_t n_records;
    uint32_t tid;

    (void) state;
    assert_int_equal(mmusim_trace_open(path, NULL, &trace, NULL), MMUSIM_OK);
    assert_true(mmusim_trace_is_complete(trace));
    assert_int_equal(mmusim_trace_info(trace, &info, NULL), MMUSIM_OK);
    assert_true(info.n_blocks >= 2 * N_THREADS);
    for (uint32_t i = 0; i < N_THREADS; i++) {
        assert_true(mmusim_trace_thread(trace, i, &tid, &n_records));
        assert_int_equal(tid, 100 + i);
        assert_int_equal(n_records, N_RECORDS);
    }
    mmusim_trace_close(trace);
}

static void sources_without_a_cache_read_the_same(void **state)
{
    (void) state;
    read_shared(0);
}

static void sources_share_a_cache_with_room_for_all(void **state)
{
    (void) state;
    read_shared(64 << 20);
}

/* A few pieces of 16 KiB: all the time some are dropped while in use. */
static void sources_share_a_cache_that_is_too_small(void **state)
{
    (void) state;
    read_shared(100000);
    read_shared(1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_of_one_writer_are_fed_by_several_threads),
        cmocka_unit_test(sources_without_a_cache_read_the_same),
        cmocka_unit_test(sources_share_a_cache_with_room_for_all),
        cmocka_unit_test(sources_share_a_cache_that_is_too_small),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
