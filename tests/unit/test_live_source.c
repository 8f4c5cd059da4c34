/* SPDX-License-Identifier: MIT */
/* A trace read while it is written: mmusim_live_source(). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/rng.h"
#include "support/machine_run.h"
#include "trace/trace_writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    BYTES_MAX = 1 << 20,
    ACCESSES = 20000,
    PAGES = 64,
    SMALL_BUFFER = 3000, /* bytes; the trace has some 100,000 */
    CUTS = 60,
    MUTATIONS = 400,
};

#define AREA UINT64_C(0x10000000)

/* What the main thread does while the other works: operation 3 is the other's,
 * or its own. */
enum manner { SLEEPS, UNMAPS };

struct bytes {
    uint8_t *at;
    size_t n;
};

static void put(struct trace_stream *stream, uint64_t number,
                const struct sys_op *op)
{
    const struct sys_op sync = {.kind = SYS_SYNC, .number = number};

    mmusim__trace_stream_sys(stream, &sync);
    mmusim__trace_stream_sys(stream, op);
}

static void put_accesses(struct trace_stream *stream, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        uint64_t vaddr = AREA + 4096 * (uint64_t) (i * i * 7 % PAGES) + i % 512;

        mmusim__trace_stream_fetch(stream, 0x400000 + 16 * (i % 256), 3, 12);
        mmusim__trace_stream_access(stream, i % 3 ? OP_LOAD : OP_STORE, vaddr,
                                    8, 0);
    }
}

static void put_worker(struct trace_stream *stream, enum manner manner)
{
    struct sys_op sync = {.kind = SYS_SYNC, .number = 2};

    mmusim__trace_stream_sys(stream, &sync);
    put_accesses(stream, ACCESSES);
    sync.number = 3;
    if (manner == SLEEPS)
        put(stream, 3, &(struct sys_op){.kind = SYS_SYSCALL});
    else
        mmusim__trace_stream_sys(stream, &sync);
    put_accesses(stream, ACCESSES);
    put(stream, 4, &(struct sys_op){.kind = SYS_EXIT});
    mmusim__trace_stream_end(stream, NULL);
}

/* Two threads; what the first does after the clone comes last. */
static void write_program(int fd, enum manner manner)
{
    const struct trace_writer_options options = {
        .is_live = true, .is_packed = true, .block_bytes = 1};
    struct trace_writer *writer;
    struct trace_stream *main_stream, *worker;

    assert_int_equal(
        mmusim__trace_writer_create_fd(fd, &options, &writer, NULL), MMUSIM_OK);
    main_stream = mmusim__trace_stream_begin(writer, 1);
    put(main_stream, 1,
        &(struct sys_op){.kind = SYS_MMAP,
                         .flags = SYS_PROT_READ | SYS_PROT_WRITE,
                         .vaddr = AREA,
                         .length_bytes = PAGES * 4096});
    put_accesses(main_stream, 100);
    worker = mmusim__trace_stream_begin(writer, 2);
    put(main_stream, 2, &(struct sys_op){.kind = SYS_CLONE, .number = 2});
    mmusim__trace_stream_flush(main_stream, NULL);
    put_worker(worker, manner);
    if (manner == SLEEPS) {
        mmusim__trace_stream_sys(main_stream,
                                 &(struct sys_op){.kind = SYS_IDLE});
        mmusim__trace_stream_sys(
            main_stream, &(struct sys_op){.kind = SYS_SYNC, .number = 4});
    } else {
        put(main_stream, 3,
            &(struct sys_op){
                .kind = SYS_MUNMAP, .vaddr = AREA, .length_bytes = 4096});
    }
    put_accesses(main_stream, 100);
    put(main_stream, 5, &(struct sys_op){.kind = SYS_EXIT});
    assert_int_equal(mmusim__trace_writer_close(writer, NULL), MMUSIM_OK);
}

static struct bytes make_bytes(enum manner manner)
{
    struct bytes bytes = {.at = malloc(BYTES_MAX)};
    FILE *file = tmpfile();

    assert_non_null(file);
    assert_non_null(bytes.at);
    write_program(fileno(file), manner);
    rewind(file);
    bytes.n = fread(bytes.at, 1, BYTES_MAX, file);
    assert_in_range(bytes.n, 10 * SMALL_BUFFER, BYTES_MAX - 1);
    fclose(file);
    return bytes;
}

/* What the source was, and what a machine made of it. */
struct live_run {
    struct machine_run run;
    mmusim_live_info_t info;
};

static void live_run(struct live_run *live, const uint8_t *bytes, size_t n,
                     const mmusim_live_options_t *options)
{
    struct machine_config config;
    mmusim_source_t *source;
    FILE *file = tmpfile();

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    rewind(file);
    memset(live, 0, sizeof(*live));
    run_config(&config, 4);
    run_build(&live->run, &config);
    live->run.status = mmusim_live_source(fileno(file), "pipe", options,
                                          &source, &live->run.diag);
    if (!live->run.status) {
        live->run.status =
            mmusim_machine_run(live->run.machine, source, &live->run.diag);
        (void) mmusim_live_drain(source, NULL);
        mmusim_live_info(source, &live->info);
        mmusim_source_destroy(source);
        assert_int_equal(
            mmusim_machine_stats(live->run.machine, &live->run.stats),
            MMUSIM_OK);
    }
    fclose(file);
}

static int keep(void *context, const void *bytes, size_t n)
{
    return fwrite(bytes, 1, n, context) != n;
}

/* The run of the copy, as a file. */
static void replay(struct machine_run *run, const char *path)
{
    struct machine_config config;
    mmusim_source_t *source;
    mmusim_trace_t *trace;

    run_config(&config, 4);
    memset(run, 0, sizeof(*run));
    run_build(run, &config);
    assert_int_equal(mmusim_trace_open(path, NULL, &trace, NULL), MMUSIM_OK);
    assert_true(mmusim_trace_is_complete(trace));
    assert_int_equal(mmusim_trace_source(trace, &source, NULL), MMUSIM_OK);
    assert_int_equal(mmusim_machine_run(run->machine, source, NULL), MMUSIM_OK);
    assert_int_equal(mmusim_machine_stats(run->machine, &run->stats),
                     MMUSIM_OK);
    mmusim_source_destroy(source);
    mmusim_trace_close(trace);
}

static void agree(enum manner manner, uint64_t buffer_bytes,
                  struct live_run *live)
{
    char path[] = "/tmp/mmusim-live-XXXXXX";
    FILE *copy = fdopen(mkstemp(path), "w");
    const mmusim_live_options_t options = {
        .buffer_bytes = buffer_bytes, .copy = keep, .context = copy};
    struct bytes bytes = make_bytes(manner);
    struct machine_run replayed;

    assert_non_null(copy);
    live_run(live, bytes.at, bytes.n, &options);
    fclose(copy);
    assert_int_equal(live->run.status, MMUSIM_OK);
    assert_true(live->info.is_complete);
    assert_int_equal(live->info.n_threads, 2);
    replay(&replayed, path);
    unlink(path);
    if (!run_stat(&live->run, "sim.order_broken"))
        run_assert_equal(&live->run, &replayed);
    run_fini(&replayed);
    free(bytes.at);
}

static void run_and_replay_of_its_copy_agree(void **state)
{
    struct live_run live;

    (void) state;
    agree(SLEEPS, 0, &live);
    assert_int_equal(live.info.n_late, 0);
    assert_int_equal(run_stat(&live.run, "sim.order_broken"), 0);
    assert_int_equal(run_stat(&live.run, "sim.accesses"), 2 * ACCESSES + 200);
    run_fini(&live.run);
}

static void a_sleep_beyond_the_buffer_changes_nothing(void **state)
{
    struct live_run live;

    (void) state;
    agree(SLEEPS, SMALL_BUFFER, &live);
    assert_int_equal(live.info.n_late, 1);
    assert_int_equal(run_stat(&live.run, "sim.order_broken"), 0);
    run_fini(&live.run);
}

static void an_operation_beyond_the_buffer_breaks_its_stamp(void **state)
{
    struct live_run live;

    (void) state;
    agree(UNMAPS, SMALL_BUFFER, &live);
    assert_int_equal(live.info.n_late, 1);
    assert_in_range(run_stat(&live.run, "sim.order_broken"), 1, 3);
    assert_int_equal(run_stat(&live.run, "sim.accesses"), 2 * ACCESSES + 200);
    run_fini(&live.run);
    agree(UNMAPS, 0, &live);
    assert_int_equal(run_stat(&live.run, "sim.order_broken"), 0);
    run_fini(&live.run);
}

static void a_pipe_may_end_anywhere(void **state)
{
    struct bytes bytes = make_bytes(SLEEPS);
    uint64_t n_before = 0;

    (void) state;
    for (size_t i = 0; i < CUTS; i++) {
        struct live_run live;
        uint64_t n;

        live_run(&live, bytes.at, bytes.n * i / CUTS, NULL);
        assert_int_equal(live.run.status, MMUSIM_OK);
        assert_false(live.info.is_complete);
        n = run_stat(&live.run, "sim.accesses");
        assert_true(n >= n_before);
        n_before = n;
        run_fini(&live.run);
    }
    assert_true(n_before > ACCESSES);
    free(bytes.at);
}

static void damage_is_told_with_its_block(void **state)
{
    struct bytes bytes = make_bytes(SLEEPS);
    struct rng rng;
    uint32_t n_told = 0;

    (void) state;
    mmusim__rng_init(&rng, 1, 0);
    for (int i = 0; i < MUTATIONS; i++) {
        size_t at = mmusim__rng_below(&rng, (uint32_t) bytes.n);
        uint8_t old = bytes.at[at];
        struct live_run live;

        bytes.at[at] ^= (uint8_t) (1 + mmusim__rng_below(&rng, 255));
        live_run(&live, bytes.at, bytes.n, NULL);
        if (live.run.status) {
            char text[512];

            assert_int_equal(live.run.status, MMUSIM_DAMAGED);
            mmusim_diag_format(&live.run.diag, text, sizeof(text));
            assert_non_null(strstr(text, "block"));
            n_told++;
        }
        run_fini(&live.run);
        bytes.at[at] = old;
    }
    assert_true(n_told > MUTATIONS / 2);
    free(bytes.at);
}

static void a_thread_that_nobody_announced_is_refused(void **state)
{
    static const uint8_t magic[] = {0x1f, 0x8b, 8, 4};
    struct bytes bytes = make_bytes(SLEEPS);
    struct live_run live;
    size_t at = 1;

    (void) state;
    while (memcmp(bytes.at + at, magic, sizeof(magic)) != 0)
        at++;
    live_run(&live, bytes.at + at, bytes.n - at, NULL);
    assert_int_equal(live.run.status, MMUSIM_DAMAGED);
    run_fini(&live.run);
    free(bytes.at);
}

static int refuse(void *context, const void *bytes, size_t n)
{
    (void) context;
    (void) bytes;
    return n > 0;
}

static void a_copy_that_cannot_be_kept_ends_the_run(void **state)
{
    const mmusim_live_options_t options = {.copy = refuse};
    struct bytes bytes = make_bytes(SLEEPS);
    struct live_run live;

    (void) state;
    live_run(&live, bytes.at, bytes.n, &options);
    assert_int_not_equal(live.run.status, MMUSIM_OK);
    run_fini(&live.run);
    free(bytes.at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(run_and_replay_of_its_copy_agree),
        cmocka_unit_test(a_sleep_beyond_the_buffer_changes_nothing),
        cmocka_unit_test(an_operation_beyond_the_buffer_breaks_its_stamp),
        cmocka_unit_test(a_pipe_may_end_anywhere),
        cmocka_unit_test(damage_is_told_with_its_block),
        cmocka_unit_test(a_thread_that_nobody_announced_is_refused),
        cmocka_unit_test(a_copy_that_cannot_be_kept_ends_the_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
