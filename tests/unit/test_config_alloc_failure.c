/* SPDX-License-Identifier: MIT */
/* Configurations when memory is short: a status, no leak, no crash, whichever
 * allocation fails. */
#include "mmusim/config.h"
#include "support/failing_malloc.h"
#include "support/temp_folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum {
    FAILURES_MAX = 100, /* more than any of the actions allocates */
};

struct world {
    struct temp_folder *folder;
    const char *path;
};

/* What it should give when memory is there; releases all it has taken. */
typedef mmusim_status_t (*action_fn)(const struct world *world);

static int setup(void **state)
{
    static const char base[] = "clock_ghz: 2\ntlb.l2:\n  - entries: 64\n";
    static const char top[] = "extends: base\nipi.send_ns: 4\n";
    static struct world world;

    if (temp_folder_create(&world.folder))
        return -1;
    temp_folder_write(world.folder, "base.yaml", base, sizeof(base) - 1);
    world.path =
        temp_folder_write(world.folder, "top.yaml", top, sizeof(top) - 1);
    *state = &world;
    return world.path ? 0 : -1;
}

static int teardown(void **state)
{
    temp_folder_destroy(((struct world *) *state)->folder);
    return 0;
}

static void fail_each_allocation(const struct world *world, action_fn action,
                                 mmusim_status_t expected)
{
    for (uint32_t n = 0; n < FAILURES_MAX; n++) {
        uint64_t before = failing_malloc_live_blocks();
        mmusim_status_t status;
        bool has_failed;

        failing_malloc_after(n);
        status = action(world);
        has_failed = failing_malloc_stop();
        assert_int_equal(status, has_failed ? MMUSIM_NOMEM : expected);
        assert_int_equal(failing_malloc_live_blocks(), before);
        if (!has_failed) {
            assert_true(n > 0); /* the action did allocate */
            return;
        }
    }
    fail_msg("the action never ends");
}

static mmusim_status_t load(const struct world *world)
{
    mmusim_config_t *config = NULL;
    mmusim_status_t status =
        mmusim_config_load(world->path, NULL, &config, NULL);

    assert_true((status == MMUSIM_OK) == (config != NULL));
    mmusim_config_destroy(config);
    return status;
}

static mmusim_status_t copy_and_set(const struct world *world)
{
    mmusim_config_t *config = NULL, *copy = NULL;
    mmusim_status_t status = mmusim_config_create(&config);

    (void) world;
    if (!status)
        status = mmusim_config_copy(config, &copy);
    if (!status)
        status = mmusim_config_set(copy, "walker.count", "3", NULL);
    mmusim_config_destroy(copy);
    mmusim_config_destroy(config);
    return status;
}

static mmusim_status_t set_an_unknown_key(const struct world *world)
{
    mmusim_config_t *config = NULL;
    mmusim_status_t status = mmusim_config_create(&config);

    (void) world;
    if (!status)
        status = mmusim_config_set(config, "walker.cuont", "3", NULL);
    mmusim_config_destroy(config);
    return status;
}

static void a_load_without_memory_gives_nothing_and_leaks_nothing(void **state)
{
    fail_each_allocation(*state, load, MMUSIM_OK);
}

static void a_set_without_memory_leaks_nothing(void **state)
{
    fail_each_allocation(*state, copy_and_set, MMUSIM_OK);
    fail_each_allocation(*state, set_an_unknown_key, MMUSIM_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_load_without_memory_gives_nothing_and_leaks_nothing),
        cmocka_unit_test(a_set_without_memory_leaks_nothing),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
