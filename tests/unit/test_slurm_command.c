/* SPDX-License-Identifier: MIT */
/* Running commands and judging their failures; the commands are scripts that
 * say what those of Slurm 22.05 said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/slurm_command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
    char dir[32];
    char *path; /* as it was */
    struct slurm_answer answer;
};

/* A folder at the front of $PATH, for commands. */
static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    char path[4096];

    strcpy(fixture->dir, "/tmp/test_slurm.XXXXXX");
    assert_non_null(mkdtemp(fixture->dir));
    fixture->path = strdup(getenv("PATH"));
    snprintf(path, sizeof(path), "%s:%s", fixture->dir, fixture->path);
    setenv("PATH", path, 1);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    char command[64];

    slurm_answer_fini(&fixture->answer);
    setenv("PATH", fixture->path, 1);
    free(fixture->path);
    snprintf(command, sizeof(command), "rm -r %s", fixture->dir);
    assert_int_equal(system(command), 0);
    free(fixture);
    return 0;
}

static void write_script(const struct fixture *fixture, const char *body)
{
    char path[64];
    FILE *file;

    snprintf(path, sizeof(path), "%s/sbatch", fixture->dir);
    file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "#!/bin/sh\n%s\n", body);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0755), 0);
}

static enum slurm_outcome run_script(struct fixture *fixture, const char *body)
{
    struct slurm_command command;

    write_script(fixture, body);
    slurm_command_init(&command, "sbatch");
    slurm_command_add(&command, "two words");
    slurm_answer_fini(&fixture->answer);
    return slurm_command_run(&command, &fixture->answer);
}

static void words_arrive_and_come_back(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(run_script(fixture, "printf '%s|' \"$@\"; echo noise >&2"),
                     SLURM_DONE);
    assert_string_equal(fixture->answer.text, "two words|");
    assert_string_equal(fixture->answer.error, "");
}

static void long_answers_are_whole(void **state)
{
    struct fixture *fixture = *state;
    size_t n = 0;

    assert_int_equal(run_script(fixture, "seq 300000; seq 300000 >&2"),
                     SLURM_DONE);
    for (const char *at = fixture->answer.text; *at; at++)
        n += *at == '\n';
    assert_int_equal(n, 300000);
}

static void failures_are_told_apart(void **state)
{
    static const struct {
        const char *words;
        enum slurm_outcome outcome;
        const char *error;
    } cases[] = {
        {"sbatch: error: invalid partition specified: x\n"
         "sbatch: error: Batch job submission failed: Invalid partition",
         SLURM_REFUSED, "invalid partition specified: x"},
        {"sbatch: error: Batch job submission failed: Invalid job array "
         "specification",
         SLURM_OVER_LIMIT,
         "Batch job submission failed: Invalid job array specification"},
        {"sbatch: error: AssocMaxSubmitJobLimit\nsbatch: error: Batch job "
         "submission failed: Job violates accounting/QOS policy (job submit "
         "limit, user's size and/or time limits)",
         SLURM_OVER_LIMIT, "AssocMaxSubmitJobLimit"},
        {"sbatch: error: Batch job submission failed: Unable to contact slurm "
         "controller (connect failure)",
         SLURM_UNREACHABLE,
         "Batch job submission failed: Unable to contact slurm controller "
         "(connect failure)"},
        {"slurm_load_jobs error: Socket timed out on send/recv operation",
         SLURM_UNREACHABLE, "Socket timed out on send/recv operation"},
        {"", SLURM_REFUSED, "exit status 3"},
    };
    struct fixture *fixture = *state;
    char body[512];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        snprintf(body, sizeof(body), "cat >&2 <<'EOF'\n%s\nEOF\nexit 3",
                 cases[i].words);
        assert_int_equal(run_script(fixture, body), cases[i].outcome);
        assert_string_equal(fixture->answer.error, cases[i].error);
    }
    assert_int_equal(run_script(fixture, "kill -9 $$"), SLURM_REFUSED);
    assert_string_equal(fixture->answer.error, "ended by signal 9");
}

static void a_command_that_is_not_there_is_missing(void **state)
{
    struct fixture *fixture = *state;
    struct slurm_command command;

    slurm_command_init(&command, "no-such-command-of-slurm");
    assert_int_equal(slurm_command_run(&command, &fixture->answer),
                     SLURM_MISSING);
}

static void too_many_words_are_refused(void **state)
{
    struct fixture *fixture = *state;
    struct slurm_command command;

    slurm_command_init(&command, "true");
    for (int i = 0; i < SLURM_ARGUMENTS_MAX; i++)
        slurm_command_add(&command, "x");
    assert_int_equal(slurm_command_run(&command, &fixture->answer),
                     SLURM_REFUSED);
}

static void an_absent_controller_is_asked_again(void **state)
{
    struct fixture *fixture = *state;
    struct slurm_command command;
    char body[256];

    snprintf(body, sizeof(body),
             "echo x >> %s/calls; [ $(wc -l < %s/calls) -ge 2 ] && exit 0\n"
             "echo 'error: Unable to contact slurm controller' >&2; exit 1",
             fixture->dir, fixture->dir);
    write_script(fixture, body);
    slurm_command_init(&command, "sbatch");
    assert_int_equal(slurm_command_retry(&command, 60, true, &fixture->answer),
                     SLURM_DONE);
    snprintf(body, sizeof(body), "%s/calls", fixture->dir);
    unlink(body);
    slurm_answer_fini(&fixture->answer);
    assert_int_equal(slurm_command_retry(&command, 0, true, &fixture->answer),
                     SLURM_UNREACHABLE);
}

static void pauses_grow_to_a_minute(void **state)
{
    uint64_t pause_s = 0, total_s = 0;

    (void) state;
    for (int i = 0; i < 7; i++)
        total_s += pause_s = slurm_next_pause_s(pause_s);
    assert_int_equal(total_s, 1 + 2 + 4 + 8 + 16 + 32 + 60);
    assert_int_equal(slurm_next_pause_s(pause_s), 60);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(words_arrive_and_come_back),
        TEST(long_answers_are_whole),
        TEST(failures_are_told_apart),
        TEST(a_command_that_is_not_there_is_missing),
        TEST(too_many_words_are_refused),
        TEST(an_absent_controller_is_asked_again),
        cmocka_unit_test(pauses_grow_to_a_minute),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
