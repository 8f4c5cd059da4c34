/* SPDX-License-Identifier: MIT */
/* Option values, tables and exit statuses of the tool. */
#include "cli/cli.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct cli_option options[] = {
    {"machine", 'm', "MACHINE", "a word"},
    {"quiet", 'q', NULL, "a flag"},
    {"long-only", 0, "X", "no letter"},
    {0},
};

static const struct cli_command plain = {
    .name = "test", .usage = "SOURCE", .summary = "s", .options = options};
static const struct cli_command stops = {.name = "test",
                                         .usage = "-o TRACE -- PROGRAM",
                                         .summary = "s",
                                         .options = options};

struct seen {
    char text[128];
    int status; /* to return */
};

static int see(void *context, const struct cli_option *option,
               const char *value)
{
    struct seen *seen = context;

    strcat(seen->text, option->name);
    strcat(seen->text, value ? "=" : "");
    strcat(seen->text, value ? value : "");
    strcat(seen->text, " ");
    return seen->status;
}

/* Parses the words; the operands end up behind the options that were seen. */
static int parse(const struct cli_command *command, struct seen *seen,
                 char **argv)
{
    int argc = 0;
    int first = 0;
    int status;

    while (argv[argc])
        argc++;
    status = cli_parse(command, argc, argv, see, seen, &first);
    for (int i = first; status < 0 && i < argc; i++) {
        strcat(seen->text, "| ");
        strcat(seen->text, argv[i]);
        strcat(seen->text, " ");
    }
    return status;
}

#define ARGV(...)                                                              \
    (char *[])                                                                 \
    {                                                                          \
        (char[]){"test"}, __VA_ARGS__, NULL                                    \
    }
#define WORD(text)                                                             \
    (char[])                                                                   \
    {                                                                          \
        text                                                                   \
    }

static void options_are_told_in_order_in_every_spelling(void **state)
{
    struct seen seen = {0};

    (void) state;
    assert_true(parse(&plain, &seen,
                      ARGV(WORD("-ma"), WORD("-q"), WORD("--machine=b"),
                           WORD("--long-only"), WORD("c"), WORD("-qm"),
                           WORD("d"))) < 0);
    assert_string_equal(seen.text, "machine=a quiet machine=b long-only=c "
                                   "quiet machine=d ");
}

static void operands_may_stand_between_options(void **state)
{
    struct seen seen = {0};

    (void) state;
    assert_true(parse(&plain, &seen,
                      ARGV(WORD("x"), WORD("-q"), WORD("--"), WORD("-m"))) < 0);
    assert_string_equal(seen.text, "quiet | x | -m ");
}

static void a_program_keeps_its_own_options(void **state)
{
    struct seen seen = {0};

    (void) state;
    assert_true(
        parse(&stops, &seen, ARGV(WORD("-q"), WORD("sort"), WORD("-m"))) < 0);
    assert_string_equal(seen.text, "quiet | sort | -m ");
}

static void a_refused_option_stops_with_its_status(void **state)
{
    struct seen seen = {.status = CLI_SYSTEM};

    (void) state;
    assert_int_equal(parse(&plain, &seen, ARGV(WORD("-q"), WORD("-q"))),
                     CLI_SYSTEM);
    assert_string_equal(seen.text, "quiet ");
}

static void wrong_options_are_usage_errors(void **state)
{
    struct seen seen = {0};

    (void) state;
    assert_int_equal(parse(&plain, &seen, ARGV(WORD("-Z"))), CLI_USAGE);
    assert_int_equal(parse(&plain, &seen, ARGV(WORD("--machien=x"))),
                     CLI_USAGE);
    assert_int_equal(parse(&plain, &seen, ARGV(WORD("--zzz=1"))), CLI_USAGE);
    assert_int_equal(parse(&plain, &seen, ARGV(WORD("-m"))), CLI_USAGE);
    assert_int_equal(parse(&plain, &seen, ARGV(WORD("--quiet=1"))), CLI_USAGE);
}

static void numbers_have_bounds_and_suffixes(void **state)
{
    static const char *const wrong[] = {"",
                                        "-1",
                                        "x",
                                        "1x",
                                        "0x",
                                        "1.5",
                                        " 1",
                                        "1K",
                                        "11",
                                        "0",
                                        "99999999999999999999999"};
    uint64_t number = 0;

    (void) state;
    assert_int_equal(cli_number("-j", "10", 1, 10, 0, &number), 0);
    assert_int_equal(number, 10);
    assert_int_equal(cli_number("-j", "0xA", 1, 10, 0, &number), 0);
    assert_int_equal(number, 10);
    assert_int_equal(cli_number("-c", "3m", 0, UINT64_MAX, 1, &number), 0);
    assert_int_equal(number, 3 << 20);
    assert_int_equal(
        cli_number("-c", "17179869184G", 0, UINT64_MAX, 1, &number), CLI_USAGE);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(cli_number("-j", wrong[i], 1, 10, 0, &number),
                         CLI_USAGE);
}

static void key_and_value_are_cut_at_the_first_equals(void **state)
{
    const char *value;
    char *key;

    (void) state;
    assert_int_equal(cli_key_value("-s", "a.b=c=d", &key, &value), 0);
    assert_string_equal(key, "a.b");
    assert_string_equal(value, "c=d");
    free(key);
    assert_int_equal(cli_key_value("-s", "a.b", &key, &value), CLI_USAGE);
    assert_int_equal(cli_key_value("-s", "=b", &key, &value), CLI_USAGE);
}

static void every_status_has_the_documented_exit_status(void **state)
{
    (void) state;
    assert_int_equal(cli_exit_of(MMUSIM_OK), 0);
    assert_int_equal(cli_exit_of(MMUSIM_USAGE), 2);
    assert_int_equal(cli_exit_of(MMUSIM_CONFIG), 2);
    assert_int_equal(cli_exit_of(MMUSIM_DAMAGED), 3);
    assert_int_equal(cli_exit_of(MMUSIM_UNREADABLE), 3);
    assert_int_equal(cli_exit_of(MMUSIM_SYSTEM), 4);
    assert_int_equal(cli_exit_of(MMUSIM_NOMEM), 4);
    assert_int_equal(cli_exit_of(MMUSIM_INTERRUPTED), 130);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_told_in_order_in_every_spelling),
        cmocka_unit_test(operands_may_stand_between_options),
        cmocka_unit_test(a_program_keeps_its_own_options),
        cmocka_unit_test(a_refused_option_stops_with_its_status),
        cmocka_unit_test(wrong_options_are_usage_errors),
        cmocka_unit_test(numbers_have_bounds_and_suffixes),
        cmocka_unit_test(key_and_value_are_cut_at_the_first_equals),
        cmocka_unit_test(every_status_has_the_documented_exit_status),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
