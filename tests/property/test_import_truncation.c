/* SPDX-License-Identifier: MIT */
/*
 * Traces in other formats, cut at every offset: the message names the file,
 * salvage keeps what came before the cut, and of a longer file not less.
 * IMPORT_FULL=1 cuts the large samples at every offset, too, not at a share.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mmusim/trace.h"
#include "support/temp_folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLE_BYTES_MAX = 1 << 16, CUTS = 200 };

static uint8_t sample[SAMPLE_BYTES_MAX];

static size_t load(const char *name)
{
    const char *root = getenv("SOURCE_DIR");
    char path[4096];
    FILE *file;
    size_t n_bytes;

    if (!root)
        skip();
    snprintf(path, sizeof(path), "%s/tests/%s", root, name);
    file = fopen(path, "rb");
    assert_non_null(file);
    n_bytes = fread(sample, 1, sizeof(sample), file);
    fclose(file);
    assert_in_range(n_bytes, 1, sizeof(sample) - 1);
    return n_bytes;
}

/* Records that the first n_bytes give with salvage; 0: refused. */
static uint64_t records_of_cut(struct temp_folder *folder, size_t n_bytes,
                               const char *format)
{
    mmusim_trace_options_t options = {.format = format};
    const char *path =
        temp_folder_write(folder, "cut", (const char *) sample, n_bytes);
    mmusim_trace_t *trace;
    mmusim_trace_info_t info = {0};
    mmusim_diag_t diag = {0};
    mmusim_status_t status = mmusim_trace_open(path, &options, &trace, &diag);

    if (status) {
        assert_int_equal(status, MMUSIM_DAMAGED);
        assert_string_equal(diag.file, path);
        assert_true(strlen(diag.text) > 10);
    }
    mmusim_trace_close(trace);
    options.salvages = true;
    if (mmusim_trace_open(path, &options, &trace, &diag))
        return 0;
    assert_int_equal(mmusim_trace_info(trace, &info, &diag), MMUSIM_OK);
    assert_int_equal(mmusim_trace_is_complete(trace), status == MMUSIM_OK);
    assert_true(status == MMUSIM_OK || mmusim_trace_note(trace, 0));
    mmusim_trace_close(trace);
    return info.records;
}

static void check_cuts(const char *name, const char *format)
{
    struct temp_folder *folder;
    size_t n_bytes = load(name);
    size_t step = getenv("IMPORT_FULL") ? 1 : n_bytes / CUTS + 1;
    uint64_t before = 0;

    assert_int_equal(temp_folder_create(&folder), 0);
    for (size_t n = 1; n <= n_bytes; n += step) {
        uint64_t n_records = records_of_cut(folder, n, format);

        /* a line that is cut may still be a record ("1 0"), or not ("1 0x") */
        if (n_records + 1 < before)
            fail_msg("%s: %zu bytes give less than fewer did", name, n);
        before = n_records;
    }
    assert_true(before > 20);
    temp_folder_destroy(folder);
}

#define CUTS_OF(test, name, format)                                            \
    static void test(void **state)                                             \
    {                                                                          \
        (void) state;                                                          \
        check_cuts(name, format);                                              \
    }

CUTS_OF(lackey, "fuzz/corpus_import/lackey", "lackey")
CUTS_OF(champsim, "fuzz/corpus_import/champsim", "champsim")
CUTS_OF(cloudsuite, "fuzz/corpus_import/cloudsuite", "champsim-cloudsuite")
CUTS_OF(din, "fuzz/corpus_import/din", "din")
CUTS_OF(gem5, "fuzz/corpus_import/gem5", "gem5")
CUTS_OF(packed_lackey, "data/traces/tiny_sort.lackey.gz", "lackey")
CUTS_OF(packed_champsim, "data/traces/loop.champsim.xz", "champsim")
CUTS_OF(packed_gem5, "data/traces/loop.ptrc.gz", "gem5")

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lackey),
        cmocka_unit_test(champsim),
        cmocka_unit_test(cloudsuite),
        cmocka_unit_test(din),
        cmocka_unit_test(gem5),
        cmocka_unit_test(packed_lackey),
        cmocka_unit_test(packed_champsim),
        cmocka_unit_test(packed_gem5),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
