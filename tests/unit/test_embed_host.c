/* SPDX-License-Identifier: MIT */
/*
 * An embedded machine over a host's own page tables and memory: x86-64 words
 * by Intel SDM vol. 3A figure 4-11, and callbacks that misbehave.
 */
#include "support/embed_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { WORDS = 512, TABLES = 5 };

#define ROOT     UINT64_C(0x1000)
#define PRESENT  UINT64_C(0x7) /* P, R/W, U/S */
#define ACCESSED UINT64_C(0x20)
#define DIRTY    UINT64_C(0x40)

struct host {
    mmusim_embed_t *embed;
    uint64_t words[TABLES][WORDS]; /* from ROOT on */
    uint64_t cycles;
    uint32_t n_reads, n_writes, n_timed;
    uint64_t last_now;
    uint32_t last_bytes;
    int fails;      /* read_pte returns this */
    int time_fails; /* read_cycles */
    bool calls_back;
    mmusim_status_t called_back;
};

static int host_read(void *context, uint64_t paddr, uint32_t bytes,
                     uint64_t *word)
{
    struct host *host = context;
    uint64_t table = paddr / 4096 - 1;

    host->n_reads++;
    host->last_bytes = bytes;
    if (host->calls_back)
        host->called_back = mmusim_embed_advance(host->embed, 1 << 20, NULL);
    if (host->fails || paddr < ROOT || table >= TABLES)
        return host->fails ? host->fails : 5;
    *word = host->words[table][paddr % 4096 / 8];
    return 0;
}

static int host_write(void *context, uint64_t paddr, uint32_t bytes,
                      uint64_t word)
{
    struct host *host = context;

    host->n_writes += bytes == 8;
    host->words[paddr / 4096 - 1][paddr % 4096 / 8] = word;
    return 0;
}

static int host_cycles(void *context, uint32_t core, uint64_t paddr,
                       uint64_t now, uint64_t *cycles)
{
    struct host *host = context;

    (void) paddr;
    host->n_timed += core == 0;
    assert_true(now >= host->last_now);
    host->last_now = now;
    *cycles = host->cycles;
    return host->time_fails;
}

static struct host host;

static int setup_with(bool has_write, bool has_cycles)
{
    mmusim_embed_host_t calls = {.context = &host,
                                 .read_pte = host_read,
                                 .write_pte = has_write ? host_write : NULL,
                                 .read_cycles =
                                     has_cycles ? host_cycles : NULL};
    const mmusim_embed_context_t to = {.root = ROOT};

    host = (struct host){.cycles = 10};
    for (uint64_t i = 0; i < 3; i++)
        host.words[i][0] = (ROOT + (i + 1) * 4096) | PRESENT;
    host.words[3][1] = 0xabc000 | PRESENT; /* maps 0x1000 */
    host.embed = embed_build(1, NULL, &calls);
    assert_int_equal(mmusim_embed_switch(host.embed, &to, NULL, NULL),
                     MMUSIM_OK);
    return 0;
}

static int setup(void **state)
{
    (void) state;
    return setup_with(true, true);
}

static int teardown(void **state)
{
    (void) state;
    mmusim_embed_destroy(host.embed);
    return 0;
}

static void a_walk_reads_the_hosts_tables(void **state)
{
    mmusim_embed_translation_t t =
        embed_look(host.embed, 0, 0, 0x1234, MMUSIM_EMBED_LOAD);

    (void) state;
    assert_int_equal(t.fault, MMUSIM_EMBED_NO_FAULT);
    assert_int_equal(t.paddr, 0xabc234);
    assert_int_equal(host.last_bytes, 8);
    assert_int_equal(embed_stat(host.embed, "walker.pte_reads"), 4);
    assert_int_equal(host.n_timed, 4);
}

static void accessed_and_dirty_are_written_as_x86_does(void **state)
{
    (void) state;
    embed_look(host.embed, 0, 0, 0x1000, MMUSIM_EMBED_LOAD);
    for (uint32_t i = 0; i < 3; i++)
        assert_true(host.words[i][0] & ACCESSED);
    assert_true(host.words[3][1] & ACCESSED);
    assert_false(host.words[3][1] & DIRTY);
    assert_int_equal(host.n_writes, 4);
    embed_look(host.embed, 0, 9000, 0x1000, MMUSIM_EMBED_STORE);
    assert_int_equal(host.words[3][1], 0xabc000 | PRESENT | ACCESSED | DIRTY);
    assert_int_equal(host.n_writes, 5);
}

static void without_write_the_host_sets_them_itself(void **state)
{
    mmusim_embed_translation_t t;

    teardown(state);
    setup_with(false, true);
    t = embed_look(host.embed, 0, 0, 0x1000, MMUSIM_EMBED_STORE);
    assert_int_equal(t.fault, MMUSIM_EMBED_NO_FAULT);
    assert_int_equal(host.words[3][1], 0xabc000 | PRESENT);
    t = embed_look(host.embed, 0, 9000, 0x1000, MMUSIM_EMBED_STORE);
    assert_int_equal(t.found, MMUSIM_EMBED_L1);
}

static void the_hosts_memory_sets_the_walks_time(void **state)
{
    uint64_t first =
        embed_look(host.embed, 0, 0, 0x1000, MMUSIM_EMBED_LOAD).ready_cycle;
    uint64_t second;

    teardown(state);
    setup(state);
    host.cycles = 1010;
    second =
        embed_look(host.embed, 0, 0, 0x1000, MMUSIM_EMBED_LOAD).ready_cycle;
    assert_int_equal(second - first, 4 * 1000);
}

static void a_read_that_fails_is_an_error_and_no_more(void **state)
{
    mmusim_embed_access_t access = {0, 0, 0x1000, MMUSIM_EMBED_LOAD, 0};
    mmusim_embed_translation_t t;
    mmusim_diag_t diag = {0};

    (void) state;
    host.fails = 7;
    assert_int_equal(mmusim_embed_translate(host.embed, &access, &t, &diag),
                     MMUSIM_SYSTEM);
    assert_non_null(strstr(diag.text, "read_pte at 0x1000 failed with 7"));
    host.fails = 0;
    assert_int_equal(
        embed_look(host.embed, 0, 9000, 0x1000, MMUSIM_EMBED_LOAD).fault,
        MMUSIM_EMBED_NO_FAULT);
}

static void a_time_that_fails_or_is_absurd_is_an_error(void **state)
{
    mmusim_embed_access_t access = {0, 0, 0x1000, MMUSIM_EMBED_LOAD, 0};
    mmusim_embed_translation_t t;

    (void) state;
    host.time_fails = 1;
    assert_int_equal(mmusim_embed_translate(host.embed, &access, &t, NULL),
                     MMUSIM_SYSTEM);
    host.time_fails = 0;
    host.cycles = UINT64_C(1) << 40;
    access.now = 1 << 20;
    access.vaddr = 0x2000;
    assert_int_equal(mmusim_embed_translate(host.embed, &access, &t, NULL),
                     MMUSIM_SYSTEM);
}

static void a_callback_that_calls_back_is_refused(void **state)
{
    (void) state;
    host.calls_back = true;
    embed_look(host.embed, 0, 0, 0x1000, MMUSIM_EMBED_LOAD);
    assert_int_equal(host.called_back, MMUSIM_USAGE);
}

static void a_table_that_points_to_itself_ends_with_the_levels(void **state)
{
    mmusim_embed_translation_t t;

    (void) state;
    host.words[0][0] = ROOT | PRESENT;
    t = embed_look(host.embed, 0, 0, 0x10, MMUSIM_EMBED_LOAD);
    assert_int_equal(t.fault, MMUSIM_EMBED_NO_FAULT);
    assert_int_equal(t.paddr, ROOT + 0x10); /* the table itself */
    assert_int_equal(embed_stat(host.embed, "walker.pte_reads"), 4);
}

static void
a_table_in_a_frame_that_is_none_is_the_callbacks_to_refuse(void **state)
{
    mmusim_embed_access_t access = {0, 0, 0x1000, MMUSIM_EMBED_LOAD, 0};
    mmusim_embed_translation_t t;

    (void) state;
    host.words[1][0] = UINT64_C(0xffffffffff000) | PRESENT;
    assert_int_equal(mmusim_embed_translate(host.embed, &access, &t, NULL),
                     MMUSIM_SYSTEM);
}

static void roots_that_cannot_be_are_refused(void **state)
{
    mmusim_embed_context_t to = {.root = ROOT + 8};

    (void) state;
    assert_int_equal(mmusim_embed_switch(host.embed, &to, NULL, NULL),
                     MMUSIM_USAGE);
    to.root = UINT64_C(1) << 52;
    assert_int_equal(mmusim_embed_switch(host.embed, &to, NULL, NULL),
                     MMUSIM_USAGE);
    to.root = ROOT;
    to.kernel_root = 1;
    assert_int_equal(mmusim_embed_switch(host.embed, &to, NULL, NULL),
                     MMUSIM_USAGE);
}

static void own_tables_are_the_other_mode(void **state)
{
    const mmusim_embed_page_t page = {1, 0, 0, 4096, 0};
    uint32_t space;

    (void) state;
    assert_int_equal(mmusim_embed_space_create(host.embed, &space, NULL),
                     MMUSIM_USAGE);
    assert_int_equal(mmusim_embed_map(host.embed, &page, NULL), MMUSIM_USAGE);
    assert_int_equal(mmusim_embed_unmap(host.embed, 0, 0, NULL), MMUSIM_USAGE);
}

static void a_submitted_walk_reports_its_failure(void **state)
{
    mmusim_embed_access_t access = {0, 0, 0x1000, MMUSIM_EMBED_LOAD, 3};
    mmusim_embed_translation_t t;
    bool has_result;

    (void) state;
    host.fails = 7;
    assert_int_equal(mmusim_embed_submit(host.embed, &access, NULL), MMUSIM_OK);
    assert_int_equal(mmusim_embed_advance(host.embed, 10000, NULL),
                     MMUSIM_SYSTEM);
    assert_int_equal(mmusim_embed_poll(host.embed, &has_result, &t, NULL),
                     MMUSIM_SYSTEM);
    assert_true(has_result);
    assert_int_equal(t.tag, 3);
}

#define HOST_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOST_TEST(a_walk_reads_the_hosts_tables),
        HOST_TEST(accessed_and_dirty_are_written_as_x86_does),
        HOST_TEST(without_write_the_host_sets_them_itself),
        HOST_TEST(the_hosts_memory_sets_the_walks_time),
        HOST_TEST(a_read_that_fails_is_an_error_and_no_more),
        HOST_TEST(a_time_that_fails_or_is_absurd_is_an_error),
        HOST_TEST(a_callback_that_calls_back_is_refused),
        HOST_TEST(a_table_that_points_to_itself_ends_with_the_levels),
        HOST_TEST(a_table_in_a_frame_that_is_none_is_the_callbacks_to_refuse),
        HOST_TEST(roots_that_cannot_be_are_refused),
        HOST_TEST(own_tables_are_the_other_mode),
        HOST_TEST(a_submitted_walk_reports_its_failure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
