/* SPDX-License-Identifier: MIT */
/* Traces when memory is short: a status, no leak, no crash, whichever
 * allocation fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/source.h"
#include "mmusim/trace.h"
#include "support/failing_malloc.h"
#include "support/temp_folder.h"
#include "trace/trace_writer.h"

#include <stdio.h>
#include <string.h>

enum { FAILURES_MAX = 200 /* more than any of the actions allocates */ };

struct world {
    struct temp_folder *folder;
    const char *text;
    const char *native;
    const char *out;
    const char *packed; /* lackey's, in gzip */
};

/* Gives OK when memory is there; releases all it has taken. */
typedef mmusim_status_t (*action_fn)(const struct world *world);

static mmusim_status_t read_with(const char *path,
                                 const mmusim_trace_options_t *options)
{
    mmusim_diag_t diag = {0};
    mmusim_trace_t *trace;
    mmusim_source_t *source = NULL;
    struct op_piece piece = {0};
    mmusim_status_t status = mmusim_trace_open(path, options, &trace, &diag);

    if (status)
        return status;
    status = mmusim_trace_source(trace, &source, &diag);
    for (uint32_t t = 0; !status && t < source->n_threads; t++) {
        do {
            status = source->ops->next(source, t, &piece, &diag);
        } while (!status && piece.n_records);
    }
    mmusim_source_destroy(source);
    mmusim_trace_close(trace);
    return status;
}

static mmusim_status_t read_packed(const struct world *world)
{
    return read_with(world->packed, NULL);
}

static int swallow(void *context, const char *bytes, size_t n_bytes)
{
    (void) bytes;
    *(size_t *) context += n_bytes;
    return 0;
}

static mmusim_status_t export_packed(const struct world *world)
{
    size_t n_bytes = 0;
    mmusim_diag_t diag = {0};
    const uint32_t tid = 1;
    const mmusim_trace_selection_t selection = {.tids = &tid, .n_tids = 1};
    mmusim_trace_target_t to = {.format = "champsim",
                                .packing = "gzip",
                                .selection = &selection,
                                .write = swallow,
                                .context = &n_bytes};
    mmusim_trace_t *trace;
    mmusim_status_t status =
        mmusim_trace_open(world->native, NULL, &trace, &diag);

    if (status)
        return status;
    status = mmusim_trace_export(trace, &to, &diag);
    mmusim_trace_close(trace);
    assert_int_equal(n_bytes > 0, status == MMUSIM_OK);
    return status;
}

static mmusim_status_t convert_packed(const struct world *world)
{
    const mmusim_trace_conversion_t conversion = {.from = world->packed,
                                                  .to = world->out};

    return mmusim_trace_convert_file(&conversion, NULL);
}

static mmusim_status_t read_native(const struct world *world)
{
    return read_with(world->native, NULL);
}

static mmusim_status_t read_text(const struct world *world)
{
    return read_with(world->text, NULL);
}

static mmusim_status_t read_cached(const struct world *world)
{
    const mmusim_trace_options_t options = {.cache_bytes = 1};

    return read_with(world->native, &options);
}

static mmusim_status_t convert(const struct world *world)
{
    mmusim_diag_t diag = {0};
    mmusim_trace_t *trace;
    mmusim_status_t status =
        mmusim_trace_open(world->native, NULL, &trace, &diag);

    if (status)
        return status;
    status = mmusim_trace_convert(trace, NULL, world->out, "gzip", 0, &diag);
    mmusim_trace_close(trace);
    return status;
}

static void count_damage(void *context, const mmusim_diag_t *diag)
{
    (void) diag;
    ++*(unsigned *) context;
}

static mmusim_status_t verify_file(const char *path)
{
    uint64_t n_damaged = 0;
    unsigned n_told = 0;
    mmusim_status_t status =
        mmusim_trace_verify(path, count_damage, &n_told, &n_damaged, NULL);

    assert_int_equal(n_told, 0);
    return status;
}

static mmusim_status_t verify(const struct world *world)
{
    return verify_file(world->native);
}

static mmusim_status_t verify_packed(const struct world *world)
{
    return verify_file(world->packed);
}

static int write_file(void *context, const char *bytes, size_t n_bytes)
{
    return fwrite(bytes, 1, n_bytes, context) != n_bytes;
}

static mmusim_status_t make_packed(const struct world *world)
{
    const uint32_t tid = 1;
    const mmusim_trace_selection_t selection = {.tids = &tid, .n_tids = 1};
    mmusim_trace_target_t to = {.format = "lackey",
                                .packing = "gzip",
                                .selection = &selection,
                                .write = write_file};
    FILE *file = fopen(world->packed, "wb");
    mmusim_trace_t *trace;
    mmusim_status_t status =
        mmusim_trace_open(world->native, NULL, &trace, NULL);

    to.context = file;
    if (!status && file)
        status = mmusim_trace_export(trace, &to, NULL);
    if (file)
        fclose(file);
    mmusim_trace_close(trace);
    return status;
}

static int setup(void **state)
{
    static const char text[] = "1 i 0x400000 4\n1 mmap 0x1000 4096 rw- file:x\n"
                               "1 clone 2\n2 r 0x1000\n1 mark m\n1 exit\n";
    static struct world world;
    mmusim_trace_t *trace;
    mmusim_status_t status;

    *state = &world;
    if (temp_folder_create(&world.folder))
        return -1;
    world.text =
        temp_folder_write(world.folder, "t.txt", text, sizeof(text) - 1);
    world.native = temp_folder_write(world.folder, "t.mmt", "", 0);
    world.out = temp_folder_write(world.folder, "o.mmt", "", 0);
    world.packed = temp_folder_write(world.folder, "l.gz", "", 0);
    if (mmusim_trace_open(world.text, NULL, &trace, NULL))
        return -1;
    status = mmusim_trace_convert(trace, NULL, world.native, "gzip", 0, NULL);
    mmusim_trace_close(trace);
    if (!status)
        status = make_packed(&world);
    return status ? -1 : 0;
}

static int teardown(void **state)
{
    temp_folder_destroy(((struct world *) *state)->folder);
    return 0;
}

static void fail_each_allocation(const struct world *world, action_fn action)
{
    for (uint32_t n = 0; n < FAILURES_MAX; n++) {
        uint64_t before = failing_malloc_live_blocks();
        mmusim_status_t status;
        bool has_failed;

        failing_malloc_after(n);
        status = action(world);
        has_failed = failing_malloc_stop();
        assert_int_equal(status, has_failed ? MMUSIM_NOMEM : MMUSIM_OK);
        assert_int_equal(failing_malloc_live_blocks(), before);
        if (!has_failed) {
            assert_true(n > 0);
            return;
        }
    }
    fail_msg("still failing after %d allocations", FAILURES_MAX);
}

static void reading_a_native_trace_fails_with_a_status(void **state)
{
    fail_each_allocation(*state, read_native);
}

static void reading_through_a_cache_fails_with_a_status(void **state)
{
    fail_each_allocation(*state, read_cached);
}

static void reading_text_fails_with_a_status(void **state)
{
    fail_each_allocation(*state, read_text);
}

static void converting_fails_with_a_status(void **state)
{
    fail_each_allocation(*state, convert);
}

static void verifying_fails_with_a_status(void **state)
{
    fail_each_allocation(*state, verify);
}

static void importing_fails_with_a_status(void **state)
{
    fail_each_allocation(*state, read_packed);
    fail_each_allocation(*state, convert_packed);
    fail_each_allocation(*state, verify_packed);
}

static void exporting_fails_with_a_status(void **state)
{
    fail_each_allocation(*state, export_packed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reading_a_native_trace_fails_with_a_status),
        cmocka_unit_test(reading_through_a_cache_fails_with_a_status),
        cmocka_unit_test(reading_text_fails_with_a_status),
        cmocka_unit_test(converting_fails_with_a_status),
        cmocka_unit_test(verifying_fails_with_a_status),
        cmocka_unit_test(importing_fails_with_a_status),
        cmocka_unit_test(exporting_fails_with_a_status),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
