/* SPDX-License-Identifier: MIT */
/*
 * The generators of small programs: each one's operations in order, as the
 * rules in its file's head say; and what holds of all of them. Programs are
 * written as text here, an operation a word, so that a wrong one can be read.
 */
#include "core/source.h"
#include "mmusim/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TEXT_BYTES = 4096 };

static mmusim_source_t *open_spec(const char *spec)
{
    mmusim_source_t *source = NULL;
    mmusim_diag_t diag = {0};

    if (mmusim_workload_source(spec, &source, &diag))
        fail_msg("%s: %s", spec, diag.text);
    return source;
}

static const char *sys_word(enum sys_kind kind)
{
    static const char *const words[] = {
#define SYS_WORD(name, word) word,
        SYS_KIND_MAP(SYS_WORD)
#undef SYS_WORD
    };

    return words[kind];
}

static void say_sys(const struct sys_op *op, char *text, size_t size)
{
    unsigned pages = (unsigned) (op->length_bytes / BASE_PAGE_BYTES);

    switch (op->kind) {
    case SYS_MMAP:
    case SYS_MUNMAP:
    case SYS_MADVISE:
    case SYS_MREMAP:
        snprintf(text, size, "%s:%u ", sys_word(op->kind), pages);
        break;
    case SYS_SYNC:
    case SYS_ON:
    case SYS_CLONE:
    case SYS_FORK:
        snprintf(text, size, "%s:%u ", sys_word(op->kind),
                 (unsigned) op->number);
        break;
    case SYS_MPROTECT:
    case SYS_BRK:
    case SYS_EXEC:
    case SYS_EXIT:
    case SYS_IDLE:
    case SYS_KTHREAD:
    case SYS_MIGRATE:
    case SYS_RECLAIM:
    case SYS_MARK:
    case SYS_SYSCALL:
    case SYS_DMA:
    case SYS_IMAGE:
    case SYS_SITE:
    case SYS_CLEARREFS:
    case SYS_KIND_COUNT:
        snprintf(text, size, "%s ", sys_word(op->kind));
        break;
    }
}

/* A thread's program: w and r with the page from 2 GiB on, "." for others. */
static void say_program(mmusim_source_t *source, uint32_t thread, char *text)
{
    struct op_piece piece;
    size_t used = 0;

    text[0] = '\0';
    for (;;) {
        assert_int_equal(source->ops->next(source, thread, &piece, NULL), 0);
        if (!piece.n_records)
            break;
        for (uint32_t i = 0; i < piece.n_records; i++) {
            const struct op_record *op = &piece.records[i];
            unsigned page = (unsigned) ((op->vaddr & 0x7fffffff) >> 12);

            assert_true(used + 64 < TEXT_BYTES);
            if (op_kind_of(op) == OP_SYS)
                say_sys(&piece.sys[op->count], text + used, 64);
            else if (op_kind_of(op) == OP_NOMEM)
                snprintf(text + used, 64, ". ");
            else
                snprintf(text + used, 64, "%c%u ",
                         op_kind_of(op) == OP_STORE ? 'w' : 'r', page);
            used += strlen(text + used);
        }
    }
    if (used)
        text[used - 1] = '\0';
}

struct program {
    const char *spec;
    uint32_t thread;
    uint64_t last_stamp;
    const char *text;
};

static void check_programs(const struct program *programs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        mmusim_source_t *source = open_spec(programs[i].spec);
        char text[TEXT_BYTES];

        say_program(source, programs[i].thread, text);
        assert_string_equal(text, programs[i].text);
        assert_int_equal(source->threads[programs[i].thread].last_sync,
                         programs[i].last_stamp);
        mmusim_source_destroy(source);
    }
}

#define CHECK(programs)                                                        \
    check_programs(programs, sizeof(programs) / sizeof((programs)[0]))

static void mmap_micro_has_two_stamps_a_round(void **state)
{
    static const struct program programs[] = {
        {"mmap-micro,threads=2,pages=2,rounds=2", 0, 4,
         "on:0 mmap:1 w2 clone:2 clone:3 mark sync:1 mmap:2 sync:2 munmap:2 "
         "sync:3 "
         "mmap:2 sync:4 munmap:2 mark exit"},
        {"mmap-micro,threads=2,pages=2,rounds=2", 2, 4,
         "on:1 idle sync:1 w0 w1 idle sync:3 w0 w1 sync:4 . exit"},
        {"mmap-micro,threads=1,rounds=2,madvise=1,sleep=0", 0, 4,
         "on:0 mmap:1 w1 clone:2 mark sync:1 mmap:1 sync:2 madvise:1 sync:3 "
         "syscall "
         "sync:4 madvise:1 mark exit"},
        {"mmap-micro,threads=1,rounds=2,madvise=1,sleep=0", 1, 4,
         "on:0 sync:1 w0 sync:3 w0 sync:4 . exit"}};

    (void) state;
    CHECK(programs);
}

static void madvise_threads_give_each_page_back_by_itself(void **state)
{
    static const struct program programs[] = {
        {"madvise-threads,threads=2,pages=2,passes=2", 0, 0,
         "mmap:4 clone:2 mark w0 madvise:1 w1 madvise:1 w0 madvise:1 w1 "
         "madvise:1 mark exit"},
        {"madvise-threads,threads=2,pages=2,passes=1", 1, 0,
         "w2 madvise:1 w3 madvise:1 exit"},
        {"madvise-threads,threads=2,active=1,pages=2,passes=1,reads=2", 1, 0,
         ". r2 . r3 . r2 . r3 . r2 exit"}};

    (void) state;
    CHECK(programs);
}

static void processes_give_the_cpu_up_between_turns(void **state)
{
    static const struct program programs[] = {
        {"context-switch,processes=3,pages=2,rounds=2", 0, 0,
         "on:0 fork:2 fork:3 mmap:2 w0 w1 mark idle r0 r1 idle r0 r1 mark "
         "exit"},
        {"context-switch,processes=3,pages=2,rounds=1,sweeps=2,cpus=2", 1, 0,
         "on:1 mmap:2 w2 w3 idle r2 r3 r2 r3 exit"},
        {"context-switch,processes=2,pages=2,rounds=1,same=1", 1, 0,
         "on:0 mmap:2 w0 w1 idle r0 r1 exit"},
        {"context-switch,processes=2,pages=2,rounds=1,threads=1", 1, 0,
         "on:0 mmap:2 w2 w3 idle r2 r3 exit"},
        {"context-switch,processes=1,pages=1,rounds=1", 0, 0,
         "on:0 mmap:1 w0 mark idle r0 mark exit"}};

    (void) state;
    CHECK(programs);
}

static void equal_processes_advise_read_and_write(void **state)
{
    static const char ksm[] =
        "ksm,processes=2,pages=2,writes=1,reads=3,work=0,unmerge=1";
    static const struct program programs[] = {
        {ksm, 0, 0,
         "on:0 fork:2 mmap:2 madvise:2 w0 w1 mark r0 r1 r0 mark w0 r0 r1 r0 "
         "mark madvise:2 exit"},
        {ksm, 1, 0,
         "on:1 mmap:2 madvise:2 w0 w1 r0 r1 r0 w0 r0 r1 r0 madvise:2 exit"}};

    (void) state;
    CHECK(programs);
}

static void a_parent_waits_for_each_child(void **state)
{
    static const char cow[] =
        "fork-cow,pages=3,rounds=2,child=2,parent=1,threads=1,reads=1,work=0";
    static const struct program programs[] = {
        {cow, 0, 4,
         "on:0 mmap:3 w0 w1 w2 clone:2 mark sync:1 fork:3 w0 sync:2 . sync:3 "
         "fork:4 w0 sync:4 . mark exit"},
        {cow, 1, 0, "r0 r1 exit"},
        {cow, 2, 2, "on:2 w1 w2 sync:2 exit"},
        {cow, 3, 4, "on:2 w1 w2 sync:4 exit"}};

    (void) state;
    CHECK(programs);
}

static void parts_move_on_from_phase_to_phase(void **state)
{
    static const char balance[] =
        "numa-balance,threads=2,pages=2,phases=2,accesses=3,work=0,stride=3";
    static const struct program programs[] = {
        {balance, 0, 0,
         "on:0 mmap:4 w0 w1 w2 w3 clone:2 mark w0 r1 r0 r3 w2 r3 mark exit"},
        {balance, 1, 0, "on:3 w2 r3 r2 r1 w0 r1 exit"}};

    (void) state;
    CHECK(programs);
}

static void a_child_executes_a_program(void **state)
{
    static const char exec[] = "exec-stack,rounds=2,pages=2";
    static const struct program programs[] = {
        {exec, 0, 4,
         "on:0 mark sync:1 fork:2 sync:2 . sync:3 fork:3 sync:4 . mark exit"},
        {exec, 2, 4, "on:1 exec mmap:2 w0 w1 sync:4 exit"},
        {"exec-stack,rounds=1,pages=0", 1, 2, "on:1 exec sync:2 exit"}};

    (void) state;
    CHECK(programs);
}

static void workers_map_a_file_for_every_request(void **state)
{
    static const struct program programs[] = {
        {"apache-like,threads=2,pages=2,requests=2", 0, 0,
         "clone:2 mark mmap:2 r0 r1 . munmap:2 mmap:2 r0 r1 . munmap:2 mark "
         "exit"},
        {"apache-like,threads=2,pages=2,requests=1,work=0", 1, 0,
         "mmap:2 r2 r3 munmap:2 exit"}};

    (void) state;
    CHECK(programs);
}

static void kernel_threads_share_a_mapping(void **state)
{
    static const struct program programs[] = {
        {"kernel-map,threads=1,pages=2,rounds=2", 0, 4,
         "kthread mark sync:1 mmap:2 w0 w1 sync:2 munmap:2 sync:3 mmap:2 w3 "
         "w4 sync:4 munmap:2 mark exit"},
        {"kernel-map,threads=1,pages=2,rounds=2", 1, 4,
         "kthread sync:1 r0 r1 sync:3 r3 r4 sync:4 . exit"}};
    mmusim_source_t *source = open_spec("kernel-map");

    (void) state;
    assert_false(source->threads[1].is_created);
    mmusim_source_destroy(source);
    CHECK(programs);
}

/* ---- what holds of all ---- */

static const char *const all[] = {
    "mmap-micro",
    "mmap-micro,threads=255,rounds=3,sleep=0",
    "mmap-micro,pages=9000,rounds=2,madvise=1",
    "madvise-threads",
    "madvise-threads,threads=1,pages=4097,passes=1",
    "madvise-threads,threads=256,active=1,pages=1,work=0",
    "context-switch",
    "context-switch,processes=256,pages=1,cpus=3",
    "context-switch,processes=2,pages=5000,rounds=3,threads=1",
    "context-switch,processes=1",
    "fork-cow",
    "fork-cow,threads=0,rounds=4096,child=0,parent=0",
    "fork-cow,pages=9000,parent=9000,rounds=2,reads=0",
    "exec-stack",
    "exec-stack,pages=0,rounds=4096",
    "exec-stack,pages=9000,rounds=1",
    "apache-like",
    "apache-like,threads=1,pages=9000,work=0,requests=2",
    "lru-file-mmap-read,scale=1M",
    "lru-file-mmap-read,readers=256,scale=1M,times=1,work=0",
    "numa-balance",
    "numa-balance,threads=1,pages=9000,phases=3,accesses=7,work=0",
    "ksm",
    "ksm,processes=1,pages=9000,writes=0,reads=5,work=0",
    "ksm,processes=256,pages=1,writes=1,reads=1,unmerge=1",
    "kernel-map",
    "kernel-map,threads=0,pages=9000,rounds=2"};

/* Pulls a thread's records to the end; returns a hash of them. */
static uint64_t hash_thread(mmusim_source_t *source, uint32_t thread,
                            uint64_t *n_records)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    struct op_piece piece;

    for (;;) {
        assert_int_equal(source->ops->next(source, thread, &piece, NULL), 0);
        if (!piece.n_records)
            return hash;
        *n_records += piece.n_records;
        for (uint32_t i = 0; i < piece.n_records; i++) {
            const struct op_record *op = &piece.records[i];
            const struct sys_op *sys =
                op_kind_of(op) == OP_SYS ? &piece.sys[op->count] : NULL;

            hash = (hash ^ op->vaddr ^ op->meta) * UINT64_C(0x100000001b3);
            if (!sys) {
                assert_true(op->vaddr || op_kind_of(op) == OP_NOMEM);
                continue;
            }
            assert_int_equal(sys->record_index, i);
            assert_true(sys->kind != SYS_SYNC ||
                        sys->number <= source->threads[thread].last_sync);
            hash = (hash ^ sys->vaddr ^ sys->length_bytes ^ sys->number) *
                   UINT64_C(0x100000001b3);
        }
    }
}

static void threads_have_the_promised_records(void **state)
{
    (void) state;
    for (size_t s = 0; s < sizeof(all) / sizeof(all[0]); s++) {
        mmusim_source_t *source = open_spec(all[s]);
        uint64_t n = 0;

        for (uint32_t t = 0; t < source->n_threads; t++)
            hash_thread(source, t, &n);
        if (n != source->total_records)
            fail_msg("%s: %llu records, not %llu", all[s],
                     (unsigned long long) n,
                     (unsigned long long) source->total_records);
        mmusim_source_destroy(source);
    }
}

static void programs_do_not_depend_on_how_they_are_pulled(void **state)
{
    (void) state;
    for (size_t s = 0; s < sizeof(all) / sizeof(all[0]); s++) {
        mmusim_source_t *one = open_spec(all[s]);
        mmusim_source_t *two = open_spec(all[s]);
        uint64_t first = 0, second = 0, n = 0;

        for (uint32_t t = 0; t < one->n_threads; t++)
            first += hash_thread(one, t, &n) * (t + 1);
        for (uint32_t t = two->n_threads; t-- > 0;)
            second += hash_thread(two, t, &n) * (t + 1);
        assert_true(first == second);
        mmusim_source_destroy(one);
        mmusim_source_destroy(two);
    }
}

static void wrong_parameters_say_what_would_be_right(void **state)
{
    static const char *const rows[][2] = {
        {"mmap-mikro", "nearest: mmap-micro"},
        {"mmap-micro,threads=256", "1 to 255"},
        {"mmap-micro,sleeps=0", "nearest: sleep"},
        {"madvise-threads,threads=2,active=3", "not more"},
        {"madvise-threads,passes=0", "from 1"},
        {"context-switch,process=3", "nearest: processes"},
        {"context-switch,threads=2", "0 to 1"},
        {"context-switch,threads=1,same=1", "cannot have the same"},
        {"fork-cow,child=257", "not more"},
        {"fork-cow,rounds=5000", "1 to 4096"},
        {"exec-stack,round=8", "nearest: rounds"},
        {"apache-lik", "nearest: apache-like"},
        {"apache-like,request=1", "nearest: requests"},
        {"ksm,writes=257", "not more"},
        {"ksm,process=1", "nearest: processes"},
        {"kernel-map,page=1", "nearest: pages"}};

    (void) state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        mmusim_source_t *source;
        mmusim_diag_t diag = {0};

        assert_int_equal(mmusim_workload_source(rows[i][0], &source, &diag),
                         MMUSIM_USAGE);
        if (!strstr(diag.text, rows[i][1]))
            fail_msg("%s: '%s' lacks '%s'", rows[i][0], diag.text, rows[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mmap_micro_has_two_stamps_a_round),
        cmocka_unit_test(madvise_threads_give_each_page_back_by_itself),
        cmocka_unit_test(processes_give_the_cpu_up_between_turns),
        cmocka_unit_test(equal_processes_advise_read_and_write),
        cmocka_unit_test(a_parent_waits_for_each_child),
        cmocka_unit_test(parts_move_on_from_phase_to_phase),
        cmocka_unit_test(a_child_executes_a_program),
        cmocka_unit_test(workers_map_a_file_for_every_request),
        cmocka_unit_test(kernel_threads_share_a_mapping),
        cmocka_unit_test(threads_have_the_promised_records),
        cmocka_unit_test(programs_do_not_depend_on_how_they_are_pulled),
        cmocka_unit_test(wrong_parameters_say_what_would_be_right),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
