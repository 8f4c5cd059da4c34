/* SPDX-License-Identifier: MIT */
/* What a machine file may get wrong, and where the message points. */
#include "mmusim/config.h"
#include "support/temp_folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct refusal {
    const char *text; /* of machine.yaml */
    uint32_t line;
    const char *key;
    const char *reason;
};

static int setup(void **state)
{
    return temp_folder_create((struct temp_folder **) state);
}

static int teardown(void **state)
{
    temp_folder_destroy(*state);
    return 0;
}

static void assert_refused(struct temp_folder *folder,
                           const struct refusal *refusal)
{
    mmusim_config_t *config = NULL;
    mmusim_diag_t diag = {0};
    const char *path = temp_folder_write(folder, "machine.yaml", refusal->text,
                                         strlen(refusal->text));
    mmusim_status_t status = mmusim_config_load(path, NULL, &config, &diag);

    if (status != MMUSIM_CONFIG || config || diag.line != refusal->line ||
        strcmp(diag.file, path) != 0 || strcmp(diag.key, refusal->key) != 0 ||
        !strstr(diag.text, refusal->reason))
        fail_msg("%s\n gave %d, %s:%u, key %s: %s", refusal->text, status,
                 diag.file, diag.line, diag.key, diag.text);
}

static void assert_all_refused(struct temp_folder *folder,
                               const struct refusal *refusals, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_refused(folder, &refusals[i]);
}

#define ASSERT_ALL_REFUSED(state, refusals)                                    \
    assert_all_refused(*(state), refusals,                                     \
                       sizeof(refusals) / sizeof((refusals)[0]))

static void an_unknown_key_is_named_with_the_nearest(void **state)
{
    static const struct refusal refusals[] = {
        {"name: x\nclock_gzh: 3\n", 2, "clock_gzh", "nearest: clock_ghz"},
        {"psc:\n  pde:\n    entrys: 3\n", 3, "psc.pde.entrys",
         "nearest: psc.pde.entries"},
        {"tlb.l2:\n  - entries: 64\n    way: 4\n", 3, "tlb.l2.0.way",
         "nearest: tlb.l2.0.ways"},
        {"quite_another_thing_altogether: 1\n", 1,
         "quite_another_thing_altogether", "see mmusim config keys"},
        {"tlb.l9:\n  - entries: 64\n", 1, "tlb.l9", "unknown key"},
        {"ipi.sned_ns: 3\n", 1, "ipi.sned_ns", "nearest: ipi.send_ns"},
        {"cost: {}\n", 1, "cost", "an empty mapping"},
        {"cost.invlpg_cycles: {a: 1}\n", 1, "cost.invlpg_cycles.a",
         "unknown key"},
    };

    ASSERT_ALL_REFUSED(state, refusals);
}

static void a_wrong_type_says_what_is_allowed(void **state)
{
    static const struct refusal refusals[] = {
        {"\nclock_ghz: fast\n", 2, "clock_ghz", "0.001..10"},
        {"walker.count: 2.5\n", 1, "walker.count", "a number, 1..16"},
        {"walker.count: [2, 3]\n", 1, "walker.count", "'[2, 3]'"},
        {"walker.count:\n", 1, "walker.count", "a number, 1..16"},
        {"memory.data: yes\n", 1, "memory.data", "false|true"},
        {"memory.model: magic\n", 1, "memory.model", "fixed|hierarchy"},
        {"os.memory: 4T\n", 1, "os.memory", "1M..65536G"},
        {"tlb.l1d: 64\n", 1, "tlb.l1d", "a list of arrays"},
        {"tlb.l1d: [64, 32]\n", 1, "tlb.l1d", "a list of arrays"},
        {"walker.count:\n  - a: 1\n", 1, "walker.count", "unknown key"},
        {"tlb.l1d:\n  - entries: 64\n    page_sizes: [4K, 12K]\n", 3,
         "tlb.l1d.0.page_sizes", "[4K, 2M, 1G]"},
        {"tlb.l1d:\n  - entries: 64\n    replacement: mru\n", 3,
         "tlb.l1d.0.replacement", "lru|"},
        {"ipi.send_ns: many\n", 1, "ipi.send_ns", "0..1000000000"},
    };

    ASSERT_ALL_REFUSED(state, refusals);
}

static void a_value_out_of_range_says_the_range(void **state)
{
    static const struct refusal refusals[] = {
        {"name: x\ntopology.sockets: 0\n", 2, "topology.sockets", "1..256"},
        {"topology.sockets: 257\n", 1, "topology.sockets", "1..256"},
        {"topology.sockets: -1\n", 1, "topology.sockets", "1..256"},
        {"topology.sockets: 99999999999999999999999\n", 1, "topology.sockets",
         "1..256"},
        {"cost.invlpg_cycles: 1000000001\n", 1, "cost.invlpg_cycles",
         "0..1000000000"},
        {"page_table.levels: 6\n", 1, "page_table.levels", "0..5"},
        {"clock_ghz: 10\nipi.send_ns: 999999999\n", 2, "ipi.send_cycles",
         "in cycles"},
    };

    ASSERT_ALL_REFUSED(state, refusals);
}

static void an_impossible_geometry_points_at_the_array(void **state)
{
    static const struct refusal refusals[] = {
        {"tlb.l2:\n  - entries: 1023\n    ways: 8\n", 2, "tlb.l2.0", "ways"},
        {"tlb.l2:\n  - entries: 64\n    ways: 4\n    index: skewed\n"
         "    replacement: plru\n",
         2, "tlb.l2.0", "lru, nru or random"},
        {"tlb.l2:\n  - entries: 32\n    ways: 8\n    index: skewed\n", 2,
         "tlb.l2.0", "hash of its own"},
        {"tlb.l2:\n  - entries: 64\n    ways: 8\n"
         "    ways_by_size: [4K:3]\n",
         2, "tlb.l2.0", "must divide ways"},
        {"tlb.l2:\n  - entries: 64\n    ways: 8\n"
         "    ways_by_size: [4K:4-8]\n",
         2, "tlb.l2.0", "must lie within"},
        {"tlb.l2:\n  - entries: 64\n    ways: 8\n"
         "    ways_by_size: [2M:4]\n",
         2, "tlb.l2.0", "page_sizes does not"},
        {"tlb.l2:\n  - entries: 64\n    ways: 8\n    probe_cycles: 2\n", 2,
         "tlb.l2.0", "several page_sizes"},
        {"tlb.l1d:\n  - entries: 64\n    page_sizes: [4K, 2M]\n"
         "    probe_cycles: 2\n",
         2, "tlb.l1d.0", "all page sizes at once"},
        {"tlb.l2:\n  - entries: 64\n    ways: 8\n"
         "    replacement: plru12\n",
         2, "tlb.l2.0", "12 ways"},
        {"tlb.l2:\n  - entries: 96\n    ways: 4\n", 2, "tlb.l2.0", "power"},
        {"tlb.l1d:\n  - entries: 64\n    page_sizes: [2M]\n", 2, "tlb.l1d",
         "holds the smallest page"},
        {"tlb.l3:\n  - entries: 64\ntlb.l3.cores: 3\n", 3, "tlb.l3.cores",
         "must divide topology.cores_per_socket"},
        {"tlb.l3:\n  - entries: 64\n    smt: shared\n", 2, "tlb.l3.0",
         "it must be private"},
        {"topology.threads_per_core: 3\ntlb.l2:\n  - entries: 64\n"
         "    ways: 4\n    smt: partitioned\n",
         3, "tlb.l2.0", "divide by topology.threads_per_core"},
        {"walker.coalesce_pages: 16\n", 1, "walker.coalesce_pages",
         "0, 2, 4 ... 8"},
        {"walker.coalesce_pages: 3\n", 1, "walker.coalesce_pages",
         "0, 2, 4 ... 8"},
        {"tlb.cnp: true\n", 1, "tlb.cnp", "FEAT_TTCNP"},
        {"tlb.l1d:\n  - entries: 8\n  - entries: 8\n    hit_cycles: 1\n", 3,
         "tlb.l1d.1", "one hit time"},
        {"topology.sockets: 64\ntopology.cores_per_socket: 5\n", 2,
         "topology.cores_per_socket", "1..256"},
        {"topology.sockets: 128\n", 1, "topology.cores_per_socket", "1..256"},
        {"memory.l2.ways: 7\n", 1, "memory.l2.size", "multiple of 64"},
        {"memory.data: true\n", 1, "memory.data", "hierarchy"},
        {"psc.pde.entries: 10\npsc.pde.ways: 3\n", 1, "psc.pde", "ways"},
        {"tlb.l1d:\n  - {entries: 1}\n  - {entries: 1}\n  - {entries: 1}\n"
         "  - {entries: 1}\n  - {entries: 1}\n",
         1, "tlb.l1d", "5 arrays (at most 4)"},
        {"tlb.l2i:\n  - entries: 16\n", 2, "tlb.l2", "tlb.l2: [] takes"},
        {"tlb:\n  l2d:\n    - entries: 16\n", 3, "tlb.l2", "l2i and l2d in"},
        {"tlb.l1s:\n  - entries: 16\n    page_sizes: [2M]\n", 2, "tlb.l1s",
         "holds the smallest page"},
    };

    ASSERT_ALL_REFUSED(state, refusals);
}

static void a_format_that_the_architecture_lacks_is_refused(void **state)
{
    static const struct refusal refusals[] = {
        {"page_table.levels: 3\n", 1, "page_table.levels", "4 or 5 levels"},
        {"page_table.granule: 64K\n", 1, "page_table.granule", "page is 4K"},
        {"page_table.granule: 8K\n", 1, "page_table.granule", "4K|16K|64K"},
        {"page_table.format: lpae\n", 1, "page_table.format", "one of usual"},
        {"page_table.vaddr_bits: 39\n", 1, "page_table.vaddr_bits",
         "48 bits with 4 levels"},
        {"name: x\npage_table.levels: 4\npage_table.vaddr_bits: 57\n", 3,
         "page_table.vaddr_bits", "57 with 5"},
    };

    ASSERT_ALL_REFUSED(state, refusals);
}

static void page_table_isolation_is_refused_where_there_is_none(void **state)
{
    static const struct refusal refusals[] = {
        {"os.pti: true\n", 1, "os.pti", "linux-4.6 has no page-table isola"},
        {"os.pti: true\nos.protocol: ideal\n", 1, "os.pti", "ideal has no"},
        {"isa: riscv\nos.pti: true\n", 2, "os.pti", "only isa armv8"},
    };

    ASSERT_ALL_REFUSED(state, refusals);
}

static void an_override_is_checked_like_a_file(void **state)
{
    static const char *const pairs[][3] = {
        {"os.flush_cieling", "3", "nearest: os.flush_ceiling"},
        {"os.flush_ceiling", "-1", "0.."},
        {"os.flush_ceiling", "", "a number"},
        {"os.flush_ceiling", "0x", "a number"},
        {"tlb.l1d.3.entries", "4", "the level has 3 arrays"},
        {"tlb.l1d", "4", "a list of arrays"},
        {"tlb.l1d.0.page_sizes", "[2M, 4K]", "[4K, 2M, 1G]"},
        {"tlb.l1d.0.page_sizes", "[4K", "[4K, 2M, 1G]"},
        {"tlb.l3.1.entries", "4", "the level has 0 arrays"},
        {"name", "a\nb", "control"},
        {"extends", "zen4", "unknown key"},
    };
    mmusim_config_t *config;

    (void) state;
    assert_int_equal(mmusim_config_create(&config), 0);
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        mmusim_diag_t diag = {0};

        if (mmusim_config_set(config, pairs[i][0], pairs[i][1], &diag) !=
                MMUSIM_CONFIG ||
            strcmp(diag.file, "command line") != 0 ||
            strcmp(diag.key, pairs[i][0]) != 0 ||
            !strstr(diag.text, pairs[i][2]))
            fail_msg("%s=%s: %s", pairs[i][0], pairs[i][1], diag.text);
    }
    mmusim_config_destroy(config);
}

static void a_rule_that_an_override_breaks_points_at_it(void **state)
{
    static const char text[] = "tlb.l2:\n  - entries: 64\n    ways: 4\n";
    const char *path =
        temp_folder_write(*state, "machine.yaml", text, strlen(text));
    mmusim_config_t *config;
    mmusim_diag_t diag = {0};

    assert_int_equal(mmusim_config_load(path, NULL, &config, NULL), 0);
    assert_int_equal(mmusim_config_set(config, "tlb.l2.0.ways", "5", NULL), 0);
    assert_int_equal(mmusim_config_check(config, &diag), MMUSIM_CONFIG);
    assert_string_equal(diag.file, "command line");
    assert_string_equal(diag.key, "tlb.l2.0");
    mmusim_config_destroy(config);
}

static void a_missing_or_unreadable_machine_says_so(void **state)
{
    struct temp_folder *folder = *state;
    mmusim_config_t *config;
    mmusim_diag_t diag = {0};

    assert_int_equal(mmusim_config_load("zen5", folder->path, &config, &diag),
                     MMUSIM_CONFIG);
    assert_non_null(strstr(diag.text, "no machine 'zen5'"));
    assert_int_equal(mmusim_config_load("/no/such.yaml", NULL, &config, &diag),
                     MMUSIM_UNREADABLE);
    assert_string_equal(diag.file, "/no/such.yaml");
    assert_int_equal(mmusim_config_load(folder->path, NULL, &config, &diag),
                     MMUSIM_UNREADABLE); /* a directory */
    assert_null(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unknown_key_is_named_with_the_nearest),
        cmocka_unit_test(a_wrong_type_says_what_is_allowed),
        cmocka_unit_test(a_value_out_of_range_says_the_range),
        cmocka_unit_test(an_impossible_geometry_points_at_the_array),
        cmocka_unit_test(a_format_that_the_architecture_lacks_is_refused),
        cmocka_unit_test(page_table_isolation_is_refused_where_there_is_none),
        cmocka_unit_test(an_override_is_checked_like_a_file),
        cmocka_unit_test(a_rule_that_an_override_breaks_points_at_it),
        cmocka_unit_test(a_missing_or_unreadable_machine_says_so),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
