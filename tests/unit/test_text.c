/* SPDX-License-Identifier: MIT */
/* Text traces: lines -> records -> lines, and every refusal. */
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

enum { TEXT_BYTES = 1 << 16 };

static struct temp_folder *folder;
static char printed[TEXT_BYTES];
static size_t n_printed;

static int setup(void **state)
{
    (void) state;
    return temp_folder_create(&folder);
}

static int teardown(void **state)
{
    (void) state;
    temp_folder_destroy(folder);
    return 0;
}

static mmusim_status_t open_text(const char *text, size_t n_bytes,
                                 mmusim_trace_t **trace, mmusim_diag_t *diag)
{
    static const mmusim_trace_options_t options = {.format = "text"};
    const char *path = temp_folder_write(folder, "t.txt", text, n_bytes);

    assert_non_null(path);
    memset(diag, 0, sizeof(*diag));
    return mmusim_trace_open(path, &options, trace, diag);
}

static int keep(void *context, const char *text, size_t length_bytes)
{
    (void) context;
    assert_true(n_printed + length_bytes < TEXT_BYTES);
    memcpy(printed + n_printed, text, length_bytes);
    n_printed += length_bytes;
    printed[n_printed] = '\0';
    return 0;
}

/* line is read without complaint, and printed is what comes back. */
static void check_line(const char *line, const char *expected)
{
    mmusim_trace_t *trace;
    mmusim_diag_t diag;

    n_printed = 0;
    if (open_text(line, strlen(line), &trace, &diag))
        fail_msg("'%s': %s", line, diag.text);
    assert_int_equal(mmusim_trace_cat(trace, NULL, keep, NULL, &diag),
                     MMUSIM_OK);
    mmusim_trace_close(trace);
    assert_string_equal(printed, expected);
}

/* In the form in which the writer puts them. */
static const char *const full_lines[] = {
    "1 i 0x400000 3 12\n",
    "4294967295 i 0xffffffffffffffff 4294967295 1\n",
    "1 r 0x0 1\n",
    "1 w 0xffffffffffffff 16777215 dep\n",
    "1 n 4294967295\n",
    "1 mmap 0x1000 4096 rw- anon\n",
    "1 mmap 0x1000 4096 --- anon shared huge=1G\n",
    "1 mmap 0x1000 4096 r-x file:/lib/a%20b%40%23%25@0 shared huge=2M\n",
    "1 mmap 0x1000 4096 rwx file:x@18446744073709551615\n",
    "1 munmap 0x0 18446744073709551615\n",
    "1 mprotect 0x1000 1 -w-\n",
    "1 mremap 0x1000 4096 0x5000 8192\n",
    "1 brk 0x555555554000\n",
    "1 madvise 0x1000 4096 dontneed\n",
    "1 madvise 0x1000 4096 free\n",
    "1 madvise 0x1000 4096 hugepage\n",
    "1 madvise 0x1000 4096 nohugepage\n",
    "1 madvise 0x1000 4096 cold\n",
    "1 madvise 0x1000 4096 pageout\n",
    "1 madvise 0x1000 4096 willneed\n",
    "1 madvise 0x1000 4096 mergeable\n",
    "1 madvise 0x1000 4096 unmergeable\n",
    "1 fork 4294967295\n",
    "1 clone 2\n",
    "1 exec\n",
    "1 exit\n",
    "1 on 18446744073709551615\n",
    "1 idle 1000\n",
    "1 kthread\n",
    "1 migrate 0x1000 4096\n",
    "1 reclaim 0x1000 4096\n",
    "1 mark phase%20one\n",
    "1 sync 18446744073709551615\n",
    "1 syscall\n",
    "1 dma 0x1000 4096 r\n",
    "1 dma 0x1000 4096 w\n",
    ("1 image 0x1000 4096 r-x file:/bin/a%20b@8192 build=00ff00ff00ff00ff "
     "lines\n"),
    "1 image 0x1000 4096 rw- [stack]\n",
    "1 image 0x1000 4096 rw- %66ile:no\n",
    "1 site 0x401000\n",
    "1 clearrefs\n",
};

static void each_operation_parses_and_prints_back(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof(full_lines) / sizeof(full_lines[0]); i++)
        check_line(full_lines[i], full_lines[i]);
}

static void every_operation_of_the_tool_is_among_them(void **state)
{
    const char *word;

    (void) state;
    for (uint32_t kind = 0; (word = mmusim_trace_operation_name(kind));
         kind++) {
        char wanted[64];
        bool is_there = false;

        snprintf(wanted, sizeof(wanted), "1 %s", word);
        for (size_t i = 0; i < sizeof(full_lines) / sizeof(full_lines[0]); i++)
            is_there |= !strncmp(full_lines[i], wanted, strlen(wanted)) &&
                        strchr(" \n", full_lines[i][strlen(wanted)]);
        if (!is_there)
            fail_msg("no line of %s", word);
    }
}

static void what_is_left_out_has_its_default(void **state)
{
    static const struct {
        const char *line, *printed;
    } rows[] = {
        {"1 i 4096", "1 i 0x1000 1 4\n"},
        {"1 i 0x1000 3\n", "1 i 0x1000 3 12\n"},
        {"1 r 0x1000\n", "1 r 0x1000 8\n"},
        {"\t1   w 0x10\t4\r\n", "1 w 0x10 4\n"},
        {"# comment\n\n  \n1 idle # now\n", "1 idle 0\n"},
        {"1 mmap 0x1000 1 r--\n", "1 mmap 0x1000 1 r-- anon\n"},
        {"1 mmap 0x1000 1 r-- file:a@0x10\n",
         "1 mmap 0x1000 1 r-- file:a@16\n"},
        {"1 mmap 0x1000 1 r-- file:%61\n", "1 mmap 0x1000 1 r-- file:a@0\n"},
    };

    (void) state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check_line(rows[i].line, rows[i].printed);
}

static void a_name_of_the_greatest_length_prints_back(void **state)
{
    char line[4096] = "1 mark ";
    size_t n = strlen(line);

    (void) state;
    for (unsigned i = 0; i < 1023; i++, n += 3)
        memcpy(line + n, "%01", 3);
    memcpy(line + n, "\n", 2);
    check_line(line, line);
}

/* The text's line is refused; its message has both words. */
static void check_refusal(const char *text, size_t n_bytes, uint32_t line,
                          const char *wrong, const char *right)
{
    mmusim_trace_t *trace = NULL;
    mmusim_diag_t diag;

    if (!open_text(text, n_bytes, &trace, &diag))
        fail_msg("'%.60s' is not refused", text);
    assert_null(trace);
    assert_int_equal(diag.status, MMUSIM_DAMAGED);
    if (!strstr(diag.text, wrong) || !strstr(diag.text, right))
        fail_msg("'%.60s': %s", text, diag.text);
    assert_int_equal(diag.line, line);
    assert_non_null(strstr(diag.file, "t.txt"));
}

static const struct {
    const char *line, *wrong, *right;
} refusals[] = {
    {"x", "the thread is 'x'", "a number up to 4294967295"},
    {"4294967296 r 1", "the thread is '4294967296'", "a number up to"},
    {"-1 r 1", "the thread is '-1'", "decimal or 0x"},
    {"1", "the operation is missing", "see mmusim-trace(5)"},
    {"1 munmp 1 1", "unknown operation 'munmp'", "nearest: munmap"},
    {"1 exot", "unknown operation 'exot'", "nearest: ex"},
    {"1 r", "the address is missing", "a number"},
    {"1 r 12q", "the address is '12q'", "decimal or 0x"},
    {"1 r 0x", "the address is '0x'", "decimal or 0x"},
    {"1 r 18446744073709551616", "the address is '18446", "up to"},
    {"1 r 0x1000 0", "a length of zero", "at least 1"},
    {"1 r 0x1000 16777216", "the size is '16777216'", "up to 16777215"},
    {"1 r 0x1000 8 deep", "'deep' after the size", "only 'dep'"},
    {"1 r 0x1000 8 dep 1", "'1' is too much", "complete before"},
    {"1 w 0x100000000000000", "not canonical", "bits 63 to 56"},
    {"1 w 0xffffffffffffffff 2", "not canonical", "does not wrap"},
    {"1 i 0x1000 0", "a length of zero", "at least 1"},
    {"1 i 0x1000 4194304", "too many instructions", "16777215"},
    {"1 i 0x1000 4294967296", "number of instructions is", "up to"},
    {"1 i 0x1000 1 4 1", "'1' is too much", "complete"},
    {"1 i 0x8000000000000000", "not canonical", "bits"},
    {"1 n", "the number of instructions is missing", "a number"},
    {"1 n 4294967296", "the number of instructions is '42", "up to"},
    {"1 n 1 1", "'1' is too much", "complete"},
    {"1 mmap 0x1000 4096", "protection is ''", "like rw- or r-x"},
    {"1 mmap 0x1000 4096 wr-", "protection is 'wr-'", "like rw-"},
    {"1 mmap 0x1000 4096 rw", "protection is 'rw'", "like rw-"},
    {"1 mmap 0x1000 0 rw-", "a length of zero", "see mmusim-trace(5)"},
    {"1 mmap 0x1000 1 rw- anom", "unknown word of mmap 'anom'",
     "nearest: anon"},
    {"1 mmap 0x1000 1 rw- huge=4M", "unknown word of mmap", "nearest: huge=2M"},
    {"1 mmap 0x1000 1 rw- file:", "a name is empty", "at least one"},
    {"1 mmap 0x1000 1 rw- file:a@", "the file's offset is ''", "a number"},
    {"1 mmap 0x1000 1 rw- file:a@q", "the file's offset is 'q'", "a number"},
    {"1 mmap 0x1000 1 rw- file:%2", "a '%' in a name", "%XX"},
    {"1 mmap 0x1000 1 rw- file:%2G", "a '%' in a name", "lower-case"},
    {"1 mmap 0x1000 1 rw- file:%00", "a '%' in a name", "not 00"},
    {"1 munmap 0x1000", "the length is missing", "a number"},
    {"1 munmap 0x1000 0", "a length of zero", "mmusim-trace"},
    {"1 munmap 0x0100000000000000 1", "range that cannot be", "munmap"},
    {"1 munmap 0xfffffffffffff000 0x1001", "range that cannot be", "munmap"},
    {"1 mprotect 0x1000 1 rwz", "protection is 'rwz'", "like rw-"},
    {"1 mremap 0x1000 1 0x2000", "the new length is missing", "a number"},
    {"1 mremap 0x1000 1 0x2000 0", "a length of zero", "mremap"},
    {"1 brk", "the address is missing", "a number"},
    {"1 image 0x1000 1 r-x", "a name is empty", "at least one"},
    {"1 image 0x1000 1 r-x f build=xyz", "build is 'xyz'", "16 digits"},
    {"1 image 0x1000 1 r-x f build=", "build is ''", "16 digits"},
    {"1 image 0x1000 1 r-x f line", "unknown word of image 'line'",
     "nearest: lines"},
    {"1 image 0x1000 0 r-x f", "a length of zero", "image"},
    {"1 site 0x8000000000000000", "non-canonical", "site"},
    {"1 site", "the address is missing", "a number"},
    {"1 brk 0x8000000000000000", "non-canonical", "brk"},
    {"1 madvise 0x1000 1", "the advice is missing", "mmusim-trace(5)"},
    {"1 madvise 0x1000 1 wilneed", "unknown advice", "nearest: willneed"},
    {"1 fork 4294967296", "above 32 bits", "fork"},
    {"1 clone", "the number is missing", "a number"},
    {"1 exit now", "'now' is too much", "complete"},
    {"1 idle soon", "the number is 'soon'", "decimal"},
    {"1 mark", "a name is empty", "at least one"},
    {"1 mark a b", "'b' is too much", "complete"},
    {"1 sync", "the number is missing", "a number"},
    {"1 syscall 1", "'1' is too much", "complete"},
};

static void every_refusal_says_line_and_what_would_be_right(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        char text[256];
        int n = snprintf(text, sizeof(text), "# one\n1 r 0x1000\n%s\n1 n 1\n",
                         refusals[i].line);

        check_refusal(text, (size_t) n, 3, refusals[i].wrong,
                      refusals[i].right);
    }
}

static void whole_texts_that_cannot_be_are_refused(void **state)
{
    static char text[1 << 14];
    size_t n;

    (void) state;
    check_refusal("# nothing\n", 10, 1, "there is no record", "a trace?");
    check_refusal("1 exit\n1 n 1\n", 13, 2, "has exited", "new number");
    check_refusal("1 n 1\n\0\n", 8, 2, "no text", "8190");
    memset(text, ' ', sizeof(text));
    check_refusal(text, sizeof(text), 1, "a line too long", "8190");
    n = (size_t) sprintf(text, "1 mark ");
    memset(text + n, 'a', 1024);
    check_refusal(text, n + 1024, 1, "a name is too long", "up to 1023");
}

static void a_line_of_the_greatest_length_is_read(void **state)
{
    char text[8192];

    (void) state;
    memset(text, ' ', sizeof(text));
    memcpy(text, "1 n 7", 5);
    text[8190] = '\n';
    text[8191] = '\0';
    check_line(text, "1 n 7\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_operation_parses_and_prints_back),
        cmocka_unit_test(every_operation_of_the_tool_is_among_them),
        cmocka_unit_test(what_is_left_out_has_its_default),
        cmocka_unit_test(a_name_of_the_greatest_length_prints_back),
        cmocka_unit_test(every_refusal_says_line_and_what_would_be_right),
        cmocka_unit_test(whole_texts_that_cannot_be_are_refused),
        cmocka_unit_test(a_line_of_the_greatest_length_is_read),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
