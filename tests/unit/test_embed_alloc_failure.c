/* SPDX-License-Identifier: MIT */
/* Host memory that ends at any moment of an embedded machine's life: a status,
 * and nothing leaked. */
#include "support/embed_fixture.h"
#include "support/failing_malloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static mmusim_status_t live(mmusim_embed_t *embed)
{
    static const uint32_t cores[] = {0, 1};
    mmusim_embed_page_t page = {0, EMBED_VADDR, EMBED_PADDR, 4096,
                                MMUSIM_EMBED_USER};
    mmusim_embed_access_t access = {0, 0, EMBED_VADDR, MMUSIM_EMBED_LOAD, 0};
    const mmusim_embed_flush_t flush = {.cores = cores, .n_cores = 2};
    mmusim_embed_context_t to = {0};
    mmusim_embed_translation_t t;
    mmusim_stats_t *stats = NULL;
    mmusim_status_t status;

    status = mmusim_embed_space_create(embed, &page.space, NULL);
    to.space = page.space;
    if (!status)
        status = mmusim_embed_map(embed, &page, NULL);
    if (!status)
        status = mmusim_embed_switch(embed, &to, NULL, NULL);
    if (!status)
        status = mmusim_embed_translate(embed, &access, &t, NULL);
    if (!status)
        status = mmusim_embed_submit(embed, &access, NULL);
    if (!status)
        status = mmusim_embed_shootdown(embed, &flush, NULL, NULL);
    if (!status)
        status = mmusim_embed_stats(embed, &stats);
    mmusim_stats_destroy(stats);
    return status;
}

static int never_called(void *context, uint64_t paddr, uint32_t bytes,
                        uint64_t *word)
{
    (void) context;
    (void) paddr;
    (void) bytes;
    (void) word;
    return 1;
}

/* True: an allocation failed. */
static bool live_with_failure(const mmusim_config_t *config,
                              const mmusim_embed_host_t *host, uint32_t n)
{
    mmusim_embed_t *embed = NULL;
    mmusim_status_t status;
    bool has_failed;

    failing_malloc_after(n);
    status = mmusim_embed_create(config, host, &embed, NULL);
    assert_true(!status == !!embed);
    if (!status && !host)
        status = live(embed);
    has_failed = failing_malloc_stop();
    assert_int_equal(status, has_failed ? MMUSIM_NOMEM : MMUSIM_OK);
    mmusim_embed_destroy(embed);
    return has_failed;
}

static void live_with_failures(const mmusim_embed_host_t *host)
{
    mmusim_config_t *config = embed_config(2, NULL);
    uint64_t n_blocks = failing_malloc_live_blocks();
    uint32_t n = 0;

    while (live_with_failure(config, host, n)) {
        if (failing_malloc_live_blocks() != n_blocks)
            fail_msg("a leak when allocation %u fails", (unsigned) n);
        n++;
    }
    assert_true(n > 20);
    assert_int_equal(failing_malloc_live_blocks(), n_blocks);
    mmusim_config_destroy(config);
}

static void every_allocation_may_fail(void **state)
{
    const mmusim_embed_host_t host = {.read_pte = never_called};

    (void) state;
    live_with_failures(NULL);
    live_with_failures(&host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
