/* SPDX-License-Identifier: MIT */
/* What Slurm's commands answer, and the files of a round, there and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/slurm_queue.h"
#include "cli/slurm_script.h"
#include "cli/slurm_site.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { N_CHUNKS = 7, ARRAY_TASKS = 3 };

/* Chunks of ten points, five apart, in arrays of three, three and one. */
static void make_round(struct slurm_round *round)
{
    struct slurm_chunks chunks = {.n = N_CHUNKS};

    chunks.chunks = calloc(N_CHUNKS, sizeof(*chunks.chunks));
    for (size_t i = 0; i < N_CHUNKS; i++)
        chunks.chunks[i] = (struct slurm_chunk){i * 15, i * 15 + 9, 60};
    assert_true(slurm_round_init(round, 1, 0xabc, &chunks, ARRAY_TASKS));
    round->is_submitted = true;
}

static int setup(void **state)
{
    struct slurm_rounds *rounds = calloc(1, sizeof(*rounds));

    rounds->rounds = calloc(1, sizeof(*rounds->rounds));
    rounds->n = 1;
    make_round(&rounds->rounds[0]);
    *state = rounds;
    return 0;
}

static int teardown(void **state)
{
    slurm_rounds_fini(*state);
    free(*state);
    return 0;
}

/* squeue's lines, "@" standing for the name of the round. */
static void read_queue(struct slurm_queue *queue,
                       const struct slurm_rounds *rounds, const char *except,
                       const char *lines)
{
    char text[2048] = "";

    for (; *lines; lines++) {
        size_t length = strlen(text);

        if (*lines == '@')
            strcat(text, rounds->rounds[0].name);
        else
            snprintf(text + length, sizeof(text) - length, "%c", *lines);
    }
    assert_true(slurm_queue_read(queue, rounds, except, text));
}

static void arrays_are_cut_from_the_chunks(void **state)
{
    const struct slurm_rounds *rounds = *state;
    const struct slurm_round *round = &rounds->rounds[0];

    assert_int_equal(round->n_arrays, 3);
    assert_int_equal(round->arrays[1].first_chunk, 3);
    assert_int_equal(round->arrays[1].n_chunks, 3);
    assert_int_equal(round->arrays[2].first_chunk, 6);
    assert_int_equal(round->arrays[2].n_chunks, 1);
}

static void a_round_is_read_as_it_was_written(void **state)
{
    struct slurm_rounds *rounds = *state;
    struct slurm_round *round = &rounds->rounds[0];
    struct slurm_round read = {.number = 1};
    char *text, *chunks, *again;

    strcpy(round->arrays[1].job, "4711");
    strcpy(round->finish_job, "4712");
    text = slurm_round_write(round);
    chunks = slurm_round_write_chunks(round);
    assert_true(slurm_round_read(&read, text, chunks));
    again = slurm_round_write(&read);
    assert_string_equal(again, text);
    assert_string_equal(read.arrays[1].job, "4711");
    assert_string_equal(read.arrays[0].job, "");
    assert_memory_equal(&read.chunks[6].first_point,
                        &round->chunks[6].first_point, 2 * sizeof(size_t));
    free(again);
    free(text);
    free(chunks);
    slurm_round_fini(&read);
}

static void every_cut_round_is_refused_or_harmless(void **state)
{
    const struct slurm_rounds *rounds = *state;
    char *text = slurm_round_write(&rounds->rounds[0]);
    char *chunks = slurm_round_write_chunks(&rounds->rounds[0]);

    for (size_t length = strlen(chunks); length-- > 0;) {
        struct slurm_round read = {.number = 1};

        chunks[length] = '\0';
        /* fewer chunks than the arrays have */
        if (length < strlen("0..9\n15..24\n30..39\n45..54\n60..69\n75..84\n"))
            assert_false(slurm_round_read(&read, text, chunks));
        slurm_round_fini(&read);
    }
    for (size_t length = strlen(text); length-- > 0;) {
        struct slurm_round read = {.number = 1};

        text[length] = '\0';
        (void) slurm_round_read(&read, text, "0..9\n");
        slurm_round_fini(&read);
    }
    free(text);
    free(chunks);
}

static void the_second_maker_of_a_round_is_told(void **state)
{
    struct slurm_rounds *rounds = *state;
    char dir[] = "/tmp/test_slurm.XXXXXX";
    struct slurm_round_file file = {"array-0.sh", strdup("#!/bin/sh\n")};
    struct slurm_rounds read;
    char command[64];

    assert_non_null(mkdtemp(dir));
    assert_int_equal(slurm_rounds_load(dir, &read), 0);
    assert_int_equal(read.n, 0);
    assert_int_equal(slurm_round_place(dir, &rounds->rounds[0], &file, 1), 0);
    rounds->rounds[0].name[8] ^= 1; /* somebody else's */
    assert_int_equal(slurm_round_place(dir, &rounds->rounds[0], &file, 1),
                     EEXIST);
    assert_int_equal(slurm_rounds_load(dir, &read), 0);
    assert_int_equal(read.n, 1);
    assert_string_not_equal(read.rounds[0].name, rounds->rounds[0].name);
    slurm_rounds_fini(&read);
    free(file.text);
    snprintf(command, sizeof(command), "rm -r %s", dir);
    assert_int_equal(system(command), 0);
}

static void tasks_of_the_queue_are_points(void **state)
{
    const struct slurm_rounds *rounds = *state;
    struct slurm_queue queue;
    bool are_queued[N_CHUNKS * 15] = {false};
    size_t n = 0;

    read_queue(&queue, rounds, NULL,
               "CLUSTER: alpha\n"
               "11|1|RUNNING|@.0|None\n"
               "12|2|PENDING|@.1|Priority\n"
               "13|N/A|COMPLETING|@.2|None\n"
               "14|N/A|PENDING|@.end|Dependency\n"
               "15|0|RUNNING|somebody-elses|None\n"
               "16|0|RUNNING|@x.0|None\n");
    slurm_queue_mark(&queue, rounds, 0xabc, are_queued,
                     sizeof(are_queued) / sizeof(are_queued[0]));
    for (size_t i = 0; i < sizeof(are_queued) / sizeof(are_queued[0]); i++) {
        size_t chunk = i / 15;
        bool is_in = i % 15 < 10 && (chunk == 1 || chunk == 5 || chunk == 6);

        assert_int_equal(are_queued[i], is_in);
        n += is_in;
    }
    assert_int_equal(n, 30);
    assert_int_equal(queue.n_running, 2);
    assert_int_equal(queue.n_waiting, 1);
    assert_string_equal(queue.jobs, "11:12:13");
    assert_string_equal(queue.finish_jobs, "14");
    assert_string_equal(queue.reason, "Priority");
    slurm_queue_fini(&queue);
}

static void points_of_another_plan_are_not_queued(void **state)
{
    struct slurm_queue queue;
    bool are_queued[10] = {false};

    read_queue(&queue, *state, NULL, "11|0|RUNNING|@.0|None\n");
    slurm_queue_mark(&queue, *state, 0xdef, are_queued, 10);
    for (size_t i = 0; i < 10; i++)
        assert_false(are_queued[i]);
    slurm_queue_fini(&queue);
}

static void the_asking_job_does_not_count(void **state)
{
    struct slurm_queue queue;

    read_queue(&queue, *state, "14", "14|N/A|RUNNING|@.end|None\n");
    assert_null(queue.finish_jobs);
    slurm_queue_fini(&queue);
}

static void held_tasks_are_noticed(void **state)
{
    struct slurm_queue queue;

    read_queue(&queue, *state, NULL,
               "11|0|PENDING|@.0|Resources\n"
               "11|1|PENDING|@.0|launch failed requeued held\n"
               "11|2|PENDING|@.0|JobHeldUser\n");
    assert_int_equal(queue.n_held, 2);
    assert_int_equal(queue.n_waiting, 3);
    assert_string_equal(queue.reason, "JobHeldUser");
    slurm_queue_fini(&queue);
}

static void a_round_in_the_making_is_as_good_as_queued(void **state)
{
    struct slurm_rounds *rounds = *state;
    struct slurm_queue queue;

    rounds->rounds[0].is_submitted = false; /* and this process lives */
    read_queue(&queue, rounds, NULL, "");
    assert_int_equal(queue.n_tasks, N_CHUNKS);
    slurm_queue_fini(&queue);
    rounds->rounds[0].pid = 0x3fffffff; /* above any pid_max */
    read_queue(&queue, rounds, NULL, "");
    assert_int_equal(queue.n_tasks, 0);
    slurm_queue_fini(&queue);
}

static void limits_are_read_from_the_site(void **state)
{
    struct slurm_site site;
    bool has_accounts;

    (void) state;
    assert_true(slurm_site_read_config(
        &site,
        "Configuration data as of 2026-01-01T00:00:00\n"
        "AccountingStorageType   = accounting_storage/slurmdbd\n"
        "ClusterName             = alpha\n"
        "MaxArraySize            = 201\nMaxJobCount             = 5000\n"
        "SLURM_VERSION           = 22.05.8\n",
        &has_accounts));
    assert_true(has_accounts);
    assert_int_equal(site.max_array_tasks, 201);
    assert_int_equal(site.max_tasks, 5000 / 2 - 2);
    slurm_site_read_limits(&site, "|\n300|1000\n||\n");
    assert_int_equal(site.max_tasks, 298);
    slurm_site_read_limits(&site, "1|\n");
    assert_int_equal(site.max_tasks, 1);
    assert_false(
        slurm_site_read_config(&site, "bash: scontrol\n", &has_accounts));
    assert_int_equal(site.max_array_tasks, 1001);
}

static void a_script_quotes_what_it_is_given(void **state)
{
    const struct slurm_rounds *rounds = *state;
    const char *const option = "--comment=it's";
    const struct slurm_job job = {.dir = "/a b/100%/it's",
                                  .tool = "/x/mmusim",
                                  .cwd = "/c",
                                  .chunk_s = 600,
                                  .cpus = 2,
                                  .options = &option,
                                  .n_options = 1};
    char *text = slurm_script_array(&job, &rounds->rounds[0], 1, 1200);

    assert_non_null(strstr(text, "--output=\"/a b/100%%/it's/slurm/0001/"));
    assert_non_null(strstr(text, "work '/a b/100%/it'\\''s' --points"));
    assert_non_null(strstr(text, "#SBATCH --array=0-2\n"));
    assert_non_null(strstr(text, "{SLURM_ARRAY_TASK_ID:-0} + 4))"));
    /* 4 times 1200 s on 2 CPUs, and 10 minutes */
    assert_non_null(strstr(text, "#SBATCH --time=50\n"));
    free(text);
    text = slurm_script_finish(&job, &rounds->rounds[0]);
    assert_non_null(strstr(text, "--slurm-option='--comment=it'\\''s'"));
    free(text);
}

static void options_that_undo_ours_are_refused(void **state)
{
    static const char *const bad[] = {
        "--array=1-2", "-a1", "--wait",           "-J",
        "partition",   "-",   "--cpus-per-task=2"};
    static const char *const good[] = {"--partition=x", "-px", "--mem=2G",
                                       "--array-x", "--time=10"};
    struct slurm_job job = {.dir = "/d", .cwd = "/c", .n_options = 1};

    (void) state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        job.options = &bad[i];
        assert_int_equal(slurm_job_check(&job), 2);
    }
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        job.options = &good[i];
        assert_int_equal(slurm_job_check(&job), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(arrays_are_cut_from_the_chunks, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_round_is_read_as_it_was_written,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(every_cut_round_is_refused_or_harmless,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(the_second_maker_of_a_round_is_told,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(tasks_of_the_queue_are_points, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(points_of_another_plan_are_not_queued,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(the_asking_job_does_not_count, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(held_tasks_are_noticed, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            a_round_in_the_making_is_as_good_as_queued, setup, teardown),
        cmocka_unit_test(limits_are_read_from_the_site),
        cmocka_unit_test_setup_teardown(a_script_quotes_what_it_is_given, setup,
                                        teardown),
        cmocka_unit_test(options_that_undo_ours_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
