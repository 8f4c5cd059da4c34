/* SPDX-License-Identifier: MIT */
/* What an observer (mmusim/observe.h) is told of small programs. */
#include "coherence/bucket.h"
#include "mmusim/observe.h"
#include "support/machine_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct noted {
    mmusim_miss_event_t misses[64];
    uint32_t n_misses;
    mmusim_fault_event_t faults[64];
    uint32_t n_faults;
    mmusim_operation_event_t operations[64];
    char file[64]; /* of the last operation that had one */
    uint32_t n_operations;
    mmusim_mark_event_t marks[8];
    uint32_t n_marks;
    mmusim_shootdown_event_t shootdown;
    mmusim_ipi_event_t ipis[8];
    uint32_t n_ipis;
    uint64_t end, waited_inside_munmap;
    uint32_t n_open;
};

static void note_miss(void *context, const mmusim_miss_event_t *event)
{
    struct noted *noted = context;

    assert_true(noted->n_misses < 64);
    noted->misses[noted->n_misses++] = *event;
}

static void note_fault(void *context, const mmusim_fault_event_t *event)
{
    struct noted *noted = context;

    assert_true(noted->n_faults < 64);
    noted->faults[noted->n_faults++] = *event;
}

static void note_operation(void *context, const mmusim_operation_event_t *event)
{
    struct noted *noted = context;

    assert_true(noted->n_operations < 64);
    noted->operations[noted->n_operations++] = *event;
    if (event->file)
        snprintf(noted->file, sizeof(noted->file), "%s", event->file);
}

static void note_mark(void *context, const mmusim_mark_event_t *event)
{
    struct noted *noted = context;

    assert_true(noted->n_marks < 8);
    noted->marks[noted->n_marks++] = *event;
}

static void note_shootdown(void *context, const mmusim_shootdown_event_t *event)
{
    struct noted *noted = context;

    if (event->inside.name && !strcmp(event->inside.name, "munmap"))
        noted->shootdown = *event;
}

static void note_ipi(void *context, const mmusim_ipi_event_t *event)
{
    struct noted *noted = context;

    assert_true(noted->n_ipis < 8);
    noted->ipis[noted->n_ipis++] = *event;
}

static void note_span(void *context, const mmusim_span_t *span)
{
    struct noted *noted = context;

    noted->end = span->end_cycle;
    if (span->bucket == BUCKET_IPI_WAIT && span->inside.name &&
        !strcmp(span->inside.name, "munmap"))
        noted->waited_inside_munmap += span->end_cycle - span->begin_cycle;
}

static void note_enter(void *context, const mmusim_scope_t *scope)
{
    (void) scope;
    ((struct noted *) context)->n_open++;
}

static void note_leave(void *context, const mmusim_scope_t *scope)
{
    (void) scope;
    ((struct noted *) context)->n_open--;
}

struct note_fixture {
    struct run_fixture *at;
    struct noted noted;
};

static int note_setup(void **state)
{
    struct note_fixture *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    fixture->at = run_fixture_create(3);
    *state = fixture;
    return 0;
}

static int note_teardown(void **state)
{
    struct note_fixture *fixture = *state;

    run_fixture_destroy(fixture->at);
    free(fixture);
    return 0;
}

static void note_attach(struct note_fixture *fixture)
{
    const mmusim_observer_t observer = {
        .context = &fixture->noted,
        .on_span = note_span,
        .on_enter = note_enter,
        .on_leave = note_leave,
        .on_miss = note_miss,
        .on_fault = note_fault,
        .on_operation = note_operation,
        .on_shootdown = note_shootdown,
        .on_ipi = note_ipi,
        .on_mark = note_mark,
    };

    run_build(&fixture->at->run, &fixture->at->config);
    assert_int_equal(
        mmusim_machine_observe(fixture->at->run.machine, &observer), MMUSIM_OK);
}

static void note_run(struct note_fixture *fixture, uint32_t piece_records)
{
    const struct program_view view = {.piece_records = piece_records};

    note_attach(fixture);
    run_start(&fixture->at->run, fixture->at->program, &view);
    run_assert_laws(&fixture->at->run);
}

static const mmusim_miss_event_t *miss_at(const struct noted *noted,
                                          uint64_t vaddr)
{
    for (uint32_t i = 0; i < noted->n_misses; i++) {
        if (noted->misses[i].vaddr == vaddr)
            return &noted->misses[i];
    }
    fail_msg("no miss at %#llx", (unsigned long long) vaddr);
    return NULL;
}

static void
a_miss_names_the_last_byte_of_its_fetch_in_pieces_of_any_size(void **state)
{
    struct note_fixture *fixture = *state;
    const struct noted *noted = &fixture->noted;

    program_say(fixture->at->program,
                "1 r 0x7000000\n"
                "1 i 0x400100 4 16\n1 n 3\n1 n 3\n1 w 0x5000000\n"
                "1 i 0x400200 2 6\n1 r 0x6000008\n"
                "1 munmap 0x5000000 0x1000\n");
    note_run(fixture, 1);
    assert_int_equal(miss_at(noted, 0x7000000)->pc, 0);
    assert_int_equal(miss_at(noted, 0x400100)->pc, 0x40010f);
    assert_int_equal(miss_at(noted, 0x5000000)->pc, 0x40010f);
    assert_int_equal(miss_at(noted, 0x6000008)->pc, 0x400205);
    assert_int_equal(miss_at(noted, 0x5000000)->kind, MMUSIM_ACCESS_STORE);
    assert_string_equal(miss_at(noted, 0x5000000)->cause, "cold");
    assert_int_equal(noted->faults[2].pc, 0x40010f);
    assert_int_equal(noted->faults[2].vaddr, 0x5000000);
    assert_string_equal(noted->faults[2].kind, "minor");
    assert_string_equal(noted->operations[0].name, "munmap");
    assert_int_equal(noted->operations[0].pc, 0x400205);
}

static void an_operation_tells_what_its_record_said(void **state)
{
    struct note_fixture *fixture = *state;
    const struct noted *noted = &fixture->noted;

    program_say(fixture->at->program,
                "1 mmap 0x5000000 0x3000 r-x file:/lib/x.so@0x2000 shared\n"
                "1 mremap 0x5000000 0x3000 0x9000000 0x4000\n"
                "1 madvise 0x9000000 0x1000 dontneed\n"
                "1 mark here\n1 mark here\n1 fork 7\n7 exit\n");
    note_run(fixture, 0);
    assert_string_equal(noted->operations[0].name, "mmap");
    assert_string_equal(noted->file, "/lib/x.so");
    assert_int_equal(noted->operations[0].file_offset, 0x2000);
    assert_int_equal(noted->operations[0].length_bytes, 0x3000);
    assert_true(noted->operations[0].is_readable);
    assert_false(noted->operations[0].is_writable);
    assert_true(noted->operations[0].is_executable);
    assert_true(noted->operations[0].is_shared);
    assert_int_equal(noted->operations[1].new_vaddr, 0x9000000);
    assert_int_equal(noted->operations[1].new_length_bytes, 0x4000);
    assert_string_equal(noted->operations[2].advice, "dontneed");
    assert_int_equal(noted->operations[3].child_tid, 7);
    assert_int_equal(noted->n_marks, 2);
    assert_int_equal(noted->marks[1].index, 1);
    assert_string_equal(noted->marks[1].name, "here");
}

static void a_shootdown_names_its_cause_and_its_targets(void **state)
{
    struct note_fixture *fixture = *state;
    const struct noted *noted = &fixture->noted;
    const mmusim_shootdown_event_t *shootdown = &noted->shootdown;

    program_say(fixture->at->program,
                "1 mmap 0x5000000 0x2000 rw-\n1 w 0x5000000\n"
                "1 clone 2\n1 clone 3\n"
                "2 w 0x5000000\n2 n 100000\n3 w 0x5001000\n3 n 100000\n"
                "1 n 20000\n1 munmap 0x5000000 0x2000\n");
    note_run(fixture, 0);
    assert_int_equal(shootdown->id, 1);
    assert_int_equal(shootdown->n_targets, 2);
    assert_true(shootdown->vaddr <= 0x5000000);
    assert_true(shootdown->vaddr + shootdown->length_bytes >= 0x5002000);
    assert_string_equal(shootdown->inside.name, "munmap");
    assert_int_equal(noted->n_ipis, 2);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(noted->ipis[i].shootdown, 1);
        assert_int_equal(noted->ipis[i].from_cpu, 0);
        assert_true(noted->ipis[i].sent_cycle > shootdown->begin_cycle);
        assert_true(noted->ipis[i].handler_end_cycle < shootdown->end_cycle);
    }
    assert_true(noted->waited_inside_munmap > 0);
    assert_int_equal(noted->waited_inside_munmap,
                     run_core_stat(&fixture->at->run, 0, "cycles.ipi_wait"));
}

static int stop_at_once(void *context, const mmusim_progress_t *progress)
{
    (void) context;
    (void) progress;
    return 1;
}

static void an_interrupted_run_leaves_every_scope(void **state)
{
    struct note_fixture *fixture = *state;
    const struct noted *noted = &fixture->noted;
    struct machine_run *run = &fixture->at->run;

    for (uint32_t i = 0; i < 300000; i++)
        program_say(fixture->at->program, "2 n 1\n");
    program_say(fixture->at->program, "1 mmap 0x5000000 0x40000000 rw-\n"
                                      "1 munmap 0x5000000 0x40000000\n");
    note_attach(fixture);
    mmusim_machine_on_progress(run->machine, stop_at_once, NULL);
    run_start(run, fixture->at->program, NULL);
    assert_int_equal(run->status, MMUSIM_INTERRUPTED);
    assert_int_equal(noted->n_open, 0);
    assert_int_equal(noted->end, run_stat(run, "sim.cycles"));
}

static void two_observers_hear_the_same(void **state)
{
    struct note_fixture *fixture = *state;
    struct noted other = {.n_misses = 0};
    const mmusim_observer_t observer = {.context = &other,
                                        .on_miss = note_miss};

    program_say(fixture->at->program, "1 r 0x7000000\n1 w 0x8000000\n");
    note_attach(fixture);
    assert_int_equal(
        mmusim_machine_observe(fixture->at->run.machine, &observer), MMUSIM_OK);
    run_start(&fixture->at->run, fixture->at->program, NULL);
    assert_int_equal(other.n_misses, 2);
    assert_int_equal(fixture->noted.n_misses, 2);
    assert_int_equal(
        mmusim_machine_observe(fixture->at->run.machine, &observer),
        MMUSIM_USAGE);
}

#define NOTE_TEST(test)                                                        \
    cmocka_unit_test_setup_teardown(test, note_setup, note_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        NOTE_TEST(
            a_miss_names_the_last_byte_of_its_fetch_in_pieces_of_any_size),
        NOTE_TEST(an_operation_tells_what_its_record_said),
        NOTE_TEST(a_shootdown_names_its_cause_and_its_targets),
        NOTE_TEST(an_interrupted_run_leaves_every_scope),
        NOTE_TEST(two_observers_hear_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
