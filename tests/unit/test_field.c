/* SPDX-License-Identifier: MIT */
/* Parameter rows: texts are exact, every value prints as what reads back. */
#include "core/field.h"
#include "core/rng.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { RANDOM_ROUNDS = 20000, SEED = 11 };

static const char *const words[] = {"off", "on", NULL};

struct values {
    uint32_t u32;
    uint64_t u64;
    uint64_t wide;
    uint32_t q16;
    bool truth;
    char text[8];
    struct field_sizes sizes;
    struct field_counts counts;
};

#define AT(field) offsetof(struct values, field)
static const struct field_row u32_row = {
    .type = FIELD_U32, .offset = AT(u32), .unit = "", .min = 2, .max = 9};
static const struct field_row size_row = {
    .type = FIELD_U64, .offset = AT(u64), .unit = "bytes", .max = UINT64_MAX};
static const struct field_row ns_row = {.type = FIELD_NS,
                                        .offset = AT(wide),
                                        .unit = "ns",
                                        .max = UINT64_C(1000000000000),
                                        .scale = 1000};
static const struct field_row q16_row = {.type = FIELD_FIXED,
                                         .offset = AT(q16),
                                         .unit = "",
                                         .min = 1,
                                         .max = 100 * 65536,
                                         .scale = 65536};
static const struct field_row word_row = {
    .type = FIELD_WORD, .offset = AT(u32), .unit = "", .words = words};
static const struct field_row only_row = {
    .type = FIELD_ONLY, .unit = "", .words = words};
static const struct field_row bool_row = {
    .type = FIELD_BOOL, .offset = AT(truth), .unit = ""};
static const struct field_row text_row = {
    .type = FIELD_STRING, .offset = AT(text), .unit = "", .max = 8};
static const struct field_row ways_row = {
    .type = FIELD_WAYS, .offset = AT(u32), .unit = "", .min = 1, .max = 64};
static const struct field_row sizes_row = {
    .type = FIELD_SIZES, .offset = AT(sizes), .unit = ""};

static const struct field_row counts_row = {
    .type = FIELD_COUNTS, .offset = AT(counts), .unit = ""};

static void assert_reads(const struct field_row *row, const char *text,
                         const char *printed)
{
    struct values values = {0};
    char reason[FIELD_TEXT_BYTES], again[FIELD_TEXT_BYTES];

    if (!mmusim__field_parse(row, &values, text, reason))
        fail_msg("%s: %s", text, reason);
    mmusim__field_print(row, &values, again);
    assert_string_equal(again, printed);
}

/* What is refused leaves the value alone and says what is allowed. */
static void assert_refused(const struct field_row *row, const char *text,
                           const char *allowed)
{
    struct values values, before;
    char reason[FIELD_TEXT_BYTES];

    memset(&values, 0x55, sizeof(values));
    before = values;
    if (mmusim__field_parse(row, &values, text, reason))
        fail_msg("'%s' was taken", text);
    if (!strstr(reason, allowed))
        fail_msg("'%s': %s", text, reason);
    assert_memory_equal(&values, &before, sizeof(values));
}

static void numbers_are_whole_decimal_or_hexadecimal(void **state)
{
    (void) state;
    assert_reads(&u32_row, "2", "2");
    assert_reads(&u32_row, "0x9", "9");
    assert_reads(&u32_row, "007", "7");
    assert_refused(&u32_row, "1", "2..9");
    assert_refused(&u32_row, "10", "2..9");
    assert_refused(&u32_row, "", "2..9");
    assert_refused(&u32_row, " 3", "2..9");
    assert_refused(&u32_row, "3 ", "2..9");
    assert_refused(&u32_row, "3K", "2..9");
    assert_refused(&u32_row, "+3", "2..9");
    assert_refused(&u32_row, "0x", "2..9");
    assert_refused(&u32_row, "18446744073709551619", "2..9"); /* 2^64 + 3 */
}

static void sizes_take_a_suffix_and_must_fit(void **state)
{
    (void) state;
    assert_reads(&size_row, "4096", "4K");
    assert_reads(&size_row, "3G", "3G");
    assert_reads(&size_row, "1025", "1025");
    assert_reads(&size_row, "18446744073709551615", "18446744073709551615");
    assert_refused(&size_row, "18446744073709551616", "a number");
    assert_refused(&size_row, "17179869184G", "a number"); /* 2^64 */
    assert_refused(&size_row, "1k", "a number");
    assert_refused(&size_row, "1KB", "a number");
}

static void decimals_are_exact_and_round_half_up(void **state)
{
    uint64_t value;

    (void) state;
    assert_reads(&ns_row, "0.0005", "0.001");
    assert_reads(&ns_row, "0.00049999", "0");
    assert_reads(&ns_row, "12.5", "12.5");
    assert_reads(&q16_row, "0.5", "0.5");
    assert_reads(&q16_row, "0.333", "0.333");
    assert_refused(&ns_row, "0x5", "a number");
    assert_refused(&ns_row, "1.", "a number");
    assert_refused(&ns_row, ".5", "a number");
    assert_refused(&ns_row, "1e3", "a number");
    assert_refused(&q16_row, "0", "..100");
    assert_true(mmusim__field_decimal("2.4", 1000000, &value));
    assert_int_equal(value, 2400000);
}

static void words_are_exact_and_future_ones_say_so(void **state)
{
    (void) state;
    assert_reads(&word_row, "on", "on");
    assert_refused(&word_row, "On", "off|on");
    assert_reads(&only_row, "off", "off");
    assert_refused(&only_row, "on", "not modelled in this version");
    assert_refused(&only_row, "maybe", "off");
    assert_reads(&bool_row, "true", "true");
    assert_refused(&bool_row, "1", "false|true");
}

static void texts_are_bounded_and_have_no_control_characters(void **state)
{
    (void) state;
    assert_reads(&text_row, "seven c", "seven c");
    assert_refused(&text_row, "eight ch", "1..7");
    assert_refused(&text_row, "", "1..7");
    assert_refused(&text_row, "a\nb", "control");
}

static void ways_are_a_number_or_full(void **state)
{
    (void) state;
    assert_reads(&ways_row, "full", "full");
    assert_reads(&ways_row, "4", "4");
    assert_refused(&ways_row, "0", "full");
    assert_refused(&ways_row, "65", "full");
}

static void lists_of_sizes_ascend(void **state)
{
    (void) state;
    assert_reads(&sizes_row, "[4K, 2M]", "[4K, 2M]");
    assert_reads(&sizes_row, "4K,2M,1G", "[4K, 2M, 1G]");
    assert_reads(&sizes_row, "[ 1G ]", "[1G]");
    assert_refused(&sizes_row, "[2M, 4K]", "[4K, 2M, 1G]");
    assert_refused(&sizes_row, "[4K, 4K]", "[4K, 2M, 1G]");
    assert_refused(&sizes_row, "[]", "[4K, 2M, 1G]");
    assert_refused(&sizes_row, "[4K", "[4K, 2M, 1G]");
    assert_refused(&sizes_row, "4K]", "[4K, 2M, 1G]");
    assert_refused(&sizes_row, "[4K,]", "[4K, 2M, 1G]");
    assert_refused(&sizes_row, "[2K]", "[4K, 2M, 1G]");
    assert_refused(&sizes_row, "[12K]", "[4K, 2M, 1G]");
    assert_refused(&sizes_row, "[4k]", "[4K, 2M, 1G]");
    assert_refused(&sizes_row, "[9999G]", "[4K, 2M, 1G]");
    assert_reads(&sizes_row, "[4K, 64K, 1M, 16M]", "[4K, 64K, 1M, 16M]");
    assert_reads(&sizes_row, "[16K, 32M, 64G, 4T]", "[16K, 32M, 64G, 4T]");
    assert_reads(&sizes_row, "[4K, 1024K]", "[4K, 1M]");
}

static void counts_by_size_ascend_too(void **state)
{
    static const char allowed[] = "all|[4K:N, 2M:FIRST-LAST]";

    (void) state;
    assert_reads(&counts_row, "all", "all");
    assert_reads(&counts_row, "[4K:8, 2M:6]", "[4K:8, 2M:6]");
    assert_reads(&counts_row, "2M: 3,1G:4", "[2M:3, 1G:4]");
    assert_reads(&counts_row, "[ 4K:65534 ]", "[4K:65534]");
    assert_reads(&counts_row, "[2M:0-7, 1G:8-15]", "[2M:0-7, 1G:8-15]");
    assert_reads(&counts_row, "[4K:0-65534]", "[4K:0-65534]");
    assert_refused(&counts_row, "[4K:7-3]", allowed);
    assert_refused(&counts_row, "[4K:7-]", allowed);
    assert_refused(&counts_row, "[4K:-7]", allowed);
    assert_refused(&counts_row, "[4K:0-65535]", allowed);
    assert_refused(&counts_row, "[2M:6, 4K:8]", allowed);
    assert_refused(&counts_row, "[4K:8, 4K:8]", allowed);
    assert_refused(&counts_row, "[4K:65535]", allowed);
    assert_refused(&counts_row, "[4K]", allowed);
    assert_refused(&counts_row, "[4K:]", allowed);
    assert_refused(&counts_row, "[4K:8", allowed);
    assert_refused(&counts_row, "4K:8]", allowed);
    assert_refused(&counts_row, "[4K:8,]", allowed);
    assert_refused(&counts_row, "[]", allowed);
    assert_refused(&counts_row, "[12K:8]", allowed);
    assert_refused(&counts_row, "", allowed);
    assert_refused(&counts_row, "any", allowed);
}

static void assert_prints_back(const struct field_row *row,
                               const struct values *values)
{
    struct values again = {0};
    char text[FIELD_TEXT_BYTES], reason[FIELD_TEXT_BYTES];

    mmusim__field_print(row, values, text);
    if (!mmusim__field_parse(row, &again, text, reason))
        fail_msg("seed %d: %s: %s", SEED, text, reason);
    if (again.u64 != values->u64 || again.wide != values->wide ||
        again.q16 != values->q16)
        fail_msg("seed %d: %s is something else", SEED, text);
}

static void every_number_prints_as_what_reads_back(void **state)
{
    struct rng rng;

    (void) state;
    mmusim__rng_init(&rng, SEED, 0);
    for (uint32_t i = 0; i < RANDOM_ROUNDS; i++) {
        uint64_t random = mmusim__rng_next(&rng);
        struct values size = {.u64 = random >> (random & 63)};
        struct values ns = {.wide = random % (ns_row.max + 1)};
        struct values q16 = {.q16 = (uint32_t) (1 + random % q16_row.max)};

        assert_prints_back(&size_row, &size);
        assert_prints_back(&ns_row, &ns);
        assert_prints_back(&q16_row, &q16);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_whole_decimal_or_hexadecimal),
        cmocka_unit_test(sizes_take_a_suffix_and_must_fit),
        cmocka_unit_test(decimals_are_exact_and_round_half_up),
        cmocka_unit_test(words_are_exact_and_future_ones_say_so),
        cmocka_unit_test(texts_are_bounded_and_have_no_control_characters),
        cmocka_unit_test(ways_are_a_number_or_full),
        cmocka_unit_test(lists_of_sizes_ascend),
        cmocka_unit_test(counts_by_size_ascend_too),
        cmocka_unit_test(every_number_prints_as_what_reads_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
