/* SPDX-License-Identifier: MIT */
/* Configurations: shipped machines, what they extend, single keys. */
#include "config/yaml_tree.h"
#include "machine/machine_config.h"
#include "mmusim/config.h"
#include "support/temp_folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int setup(void **state)
{
    return mmusim_config_create((mmusim_config_t **) state);
}

static int teardown(void **state)
{
    mmusim_config_destroy(*state);
    return 0;
}

static const char *shipped_folder(void)
{
    static char folder[1024];
    const char *tree = getenv("SOURCE_DIR");

    snprintf(folder, sizeof(folder), "%s/configs", tree ? tree : ".");
    return folder;
}

static mmusim_config_t *load(const char *machine, const char *folder)
{
    mmusim_config_t *config;
    mmusim_diag_t diag = {0};

    if (mmusim_config_load(machine, folder, &config, &diag))
        fail_msg("%s:%u: %s", diag.file, diag.line, diag.text);
    return config;
}

static void note_name(void *context, const char *name, const char *summary)
{
    char *names = context;

    (void) summary;
    strncat(names, name, 200 - strlen(names));
    strncat(names, " ", 200 - strlen(names));
}

static void machines_are_listed_by_name(void **state)
{
    struct temp_folder *folder;
    char names[256] = "";

    (void) state;
    assert_int_equal(temp_folder_create(&folder), 0);
    temp_folder_write(folder, "b.yaml", "", 0);
    temp_folder_write(folder, "a-2s.yaml", "", 0);
    temp_folder_write(folder, "a.yaml", "", 0);
    temp_folder_write(folder, "a.txt", "", 0);
    temp_folder_write(folder, ".yaml", "", 0);
    assert_int_equal(mmusim_config_list(folder->path, note_name, names, NULL),
                     0);
    assert_string_equal(names, "a a-2s b ");
    temp_folder_destroy(folder);
}

static void load_shipped(void *context, const char *name, const char *summary)
{
    uint32_t *n_machines = context;

    mmusim_config_destroy(load(name, shipped_folder()));
    if (!summary[0])
        fail_msg("%s has no first line that says what it is", name);
    (*n_machines)++;
}

static void every_shipped_machine_loads(void **state)
{
    uint32_t n_machines = 0;

    (void) state;
    assert_int_equal(
        mmusim_config_list(shipped_folder(), load_shipped, &n_machines, NULL),
        0);
    assert_true(n_machines >= 6);
}

/* Words such as `true` and `full` are values of hardware, too. */
static bool needs_source(const struct yaml_leaf *leaf)
{
    return !leaf->is_mapping && !leaf->is_sequence &&
           strcmp(leaf->key, "name") != 0 &&
           strcmp(leaf->key, "extends") != 0 &&
           strcmp(leaf->key, "memory.model") != 0;
}

static void check_sources(void *context, const char *name, const char *summary)
{
    uint32_t *n_values = context;
    struct yaml_tree tree;
    char path[1200];

    (void) summary;
    snprintf(path, sizeof(path), "%s/%s.yaml", shipped_folder(), name);
    assert_int_equal(mmusim__yaml_load(path, &tree, NULL), 0);
    for (size_t i = 0; i < tree.n_leaves; i++) {
        const struct yaml_leaf *leaf = &tree.leaves[i];
        bool has_source = !strncmp(leaf->comment, "source: ", 8) ||
                          !strncmp(leaf->comment, "guess", 5);

        if (needs_source(leaf) && !has_source)
            fail_msg("%s:%u: %s: %s has no source", path, leaf->line, leaf->key,
                     leaf->value);
        *n_values += needs_source(leaf);
    }
    mmusim__yaml_fini(&tree);
}

static void every_shipped_number_has_a_source_or_is_a_guess(void **state)
{
    uint32_t n_values = 0;

    (void) state;
    assert_int_equal(
        mmusim_config_list(shipped_folder(), check_sources, &n_values, NULL),
        0);
    assert_true(n_values > 200);
}

static int count_items(void *context, const mmusim_config_item_t *item)
{
    (void) item;
    (*(uint32_t *) context)++;
    return 0;
}

/* context: the defaults. */
static int compare_with_default(void *context, const mmusim_config_item_t *item)
{
    char value[256];

    assert_int_equal(mmusim_config_get(context, item->key, value, 256), 0);
    if (strcmp(value, item->value) != 0)
        fail_msg("%s: %s, by default %s", item->key, item->value, value);
    if (!strstr(item->file, "generic.yaml") || !item->line)
        fail_msg("generic.yaml does not give %s", item->key);
    return 0;
}

static void generic_spells_out_every_default(void **state)
{
    mmusim_config_t *generic = load("generic", shipped_folder());
    uint32_t n_items = 0, n_defaults = 0;

    mmusim_config_each(generic, compare_with_default, *state);
    mmusim_config_each(generic, count_items, &n_items);
    mmusim_config_each(*state, count_items, &n_defaults);
    assert_int_equal(n_items, n_defaults);
    mmusim_config_destroy(generic);
}

static int check_item(void *context, const mmusim_config_item_t *item)
{
    (void) context;
    if (!item->key[0] || !item->value[0] || !item->type[0] || !item->help[0] ||
        !item->dflt[0])
        fail_msg("%s: something is empty", item->key);
    if (strcmp(item->value, item->dflt) != 0)
        fail_msg("%s: %s, not %s", item->key, item->value, item->dflt);
    if (!item->source[0] || item->file[0] || item->line)
        fail_msg("%s: a default must have a source and no place", item->key);
    return 0;
}

static void every_default_has_a_source(void **state)
{
    mmusim_config_each(*state, check_item, NULL);
}

struct wanted {
    const char *key, *value, *source, *file;
    uint32_t line;
    bool is_found;
};

static int compare_item(void *context, const mmusim_config_item_t *item)
{
    struct wanted *wanted = context;

    if (strcmp(item->key, wanted->key) != 0)
        return 0;
    assert_string_equal(item->value, wanted->value);
    assert_string_equal(item->source, wanted->source);
    assert_non_null(strstr(item->file, wanted->file));
    assert_int_equal(item->line, wanted->line);
    wanted->is_found = true;
    return 1;
}

static void assert_item(const mmusim_config_t *config, const char *key,
                        const char *value, const char *source, const char *file,
                        uint32_t line)
{
    struct wanted wanted = {key, value, source, file, line, false};

    mmusim_config_each(config, compare_item, &wanted);
    if (!wanted.is_found)
        fail_msg("no key %s", key);
}

static const char *write_file(struct temp_folder *folder, const char *name,
                              const char *text)
{
    return temp_folder_write(folder, name, text, strlen(text));
}

static void
a_file_keeps_what_it_does_not_name_of_the_one_it_extends(void **state)
{
    struct temp_folder *folder;
    mmusim_config_t *config;
    const char *path;

    (void) state;
    assert_int_equal(temp_folder_create(&folder), 0);
    write_file(folder, "base.yaml",
               "clock_ghz: 2 # source: b\nos.flush_ceiling: 7 # guess, b\n"
               "tlb.l2:\n  - entries: 64\n    ways: 4 # source: b\n"
               "ipi.send_ns: 100\n");
    write_file(folder, "middle.yaml", "extends: base\nwalker.count: 3\n");
    path = write_file(folder, "top.yaml",
                      "extends: middle\nclock_ghz: 4 # source: t\n"
                      "tlb.l2.0.entries: 128 # guess\n");
    config = load(path, NULL);
    assert_item(config, "clock_ghz", "4", "t", "top.yaml", 2);
    assert_item(config, "os.flush_ceiling", "7", "guess, b", "base.yaml", 2);
    assert_item(config, "walker.count", "3", "", "middle.yaml", 2);
    assert_item(config, "tlb.l2.0.entries", "128", "guess", "top.yaml", 3);
    assert_item(config, "tlb.l2.0.ways", "4", "b", "base.yaml", 5);
    assert_item(config, "ipi.send_ns", "100", "", "base.yaml", 6);
    assert_int_equal(mmusim__config_machine(config)->ipi.send_cycles, 400);
    assert_int_equal(mmusim_config_set(config, "walker.count", "5", NULL), 0);
    assert_item(config, "walker.count", "5", "command line", "command line", 0);
    mmusim_config_destroy(config);
    temp_folder_destroy(folder);
}

static void a_list_replaces_all_arrays_of_its_level(void **state)
{
    struct temp_folder *folder;
    mmusim_config_t *config;

    (void) state;
    assert_int_equal(temp_folder_create(&folder), 0);
    config = load(write_file(folder, "m.yaml",
                             "extends: generic\ntlb.l1d:\n  - entries: 8\n"),
                  shipped_folder());
    assert_int_equal(mmusim__config_machine(config)->tlb[TLB_L1D].n_arrays, 1);
    assert_item(config, "tlb.l1d.0.ways", "full", "guess", "", 0);
    assert_int_equal(mmusim__config_machine(config)->tlb[TLB_L2].n_arrays, 1);
    mmusim_config_destroy(config);
    temp_folder_destroy(folder);
}

static void extends_by_path_is_looked_up_beside_the_file(void **state)
{
    struct temp_folder *folder;
    mmusim_config_t *config;

    (void) state;
    assert_int_equal(temp_folder_create(&folder), 0);
    write_file(folder, "base.yaml", "walker.count: 7\n");
    config = load(write_file(folder, "a.yaml", "extends: base.yaml\n"), NULL);
    assert_item(config, "walker.count", "7", "", "base.yaml", 1);
    mmusim_config_destroy(config);
    config = load(write_file(folder, "b.yaml", "extends: ./base.yaml\n"), NULL);
    assert_item(config, "walker.count", "7", "", "base.yaml", 1);
    mmusim_config_destroy(config);
    temp_folder_destroy(folder);
}

static void assert_extends_refused(const char *path, const char *file,
                                   uint32_t line, const char *reason)
{
    mmusim_config_t *config;
    mmusim_diag_t diag = {0};

    assert_int_equal(mmusim_config_load(path, NULL, &config, &diag),
                     MMUSIM_CONFIG);
    if (!strstr(diag.file, file) || diag.line != line ||
        !strstr(diag.text, reason))
        fail_msg("%s:%u: %s", diag.file, diag.line, diag.text);
}

static void extends_of_itself_of_nothing_or_too_deep_is_refused(void **state)
{
    struct temp_folder *folder;
    const char *path;

    (void) state;
    assert_int_equal(temp_folder_create(&folder), 0);
    path = write_file(folder, "self.yaml", "name: x\nextends: self\n");
    assert_extends_refused(path, "self.yaml", 2, "cycle");
    path = write_file(folder, "a.yaml", "extends: b\n");
    write_file(folder, "b.yaml", "extends: a\n");
    assert_extends_refused(path, ".yaml", 1, "cycle");
    path = write_file(folder, "c.yaml", "\n\nextends: nobody\n");
    assert_extends_refused(path, "c.yaml", 3, "no machine 'nobody'");
    path = write_file(folder, "d.yaml", "extends: [a]\n");
    assert_extends_refused(path, "d.yaml", 1, "no machine");
    path = write_file(folder, "e.yaml", "extends: wrong\n");
    write_file(folder, "wrong.yaml", "name: x\nwalker.count: 0\n");
    assert_extends_refused(path, "wrong.yaml", 2, "walker.count");
    temp_folder_destroy(folder);
}

static void an_unknown_key_names_the_nearest(void **state)
{
    mmusim_diag_t diag = {0};

    assert_int_equal(mmusim_config_set(*state, "os.flush_cieling", "3", &diag),
                     MMUSIM_CONFIG);
    assert_non_null(strstr(diag.text, "nearest: os.flush_ceiling"));
    assert_string_equal(diag.file, "command line");
}

static void times_in_ns_follow_the_clock_in_any_order(void **state)
{
    const struct machine_config *machine = mmusim__config_machine(*state);

    assert_int_equal(
        mmusim_config_set(*state, "ipi.latency_socket_ns", "500", NULL), 0);
    assert_int_equal(machine->ipi.latency_socket_cycles, 1500);
    assert_int_equal(mmusim_config_set(*state, "clock_ghz", "2.001", NULL), 0);
    assert_int_equal(machine->ipi.latency_socket_cycles, 1001);
}

static void times_in_ns_round_half_up(void **state)
{
    const struct machine_config *machine = mmusim__config_machine(*state);
    static const char *const pairs[][2] = {
        {"0.499", "0"}, {"0.5", "1"}, {"2.5", "3"}, {"12.25", "12"}};

    assert_int_equal(mmusim_config_set(*state, "clock_ghz", "1", NULL), 0);
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        assert_int_equal(
            mmusim_config_set(*state, "ipi.send_ns", pairs[i][0], NULL), 0);
        assert_int_equal(machine->ipi.send_cycles, atoi(pairs[i][1]));
    }
}

static void entries_that_ways_do_not_divide_are_refused(void **state)
{
    mmusim_diag_t diag = {0};

    assert_int_equal(
        mmusim_config_set(*state, "tlb.l2.0.entries", "1023", NULL), 0);
    assert_int_equal(mmusim_config_check(*state, &diag), MMUSIM_CONFIG);
    assert_string_equal(diag.key, "tlb.l2.0");
}

static void every_value_sets_back_to_itself(void **state)
{
    static const char *const keys[] = {"clock_ghz",           "core.base_cpi",
                                       "os.memory",           "tlb.l1d.0.ways",
                                       "tlb.l1i.1.ways",      "os.page_cache",
                                       "tlb.l2.0.page_sizes", "isa"};

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        char text[256], again[256];

        assert_int_equal(mmusim_config_get(*state, keys[i], text, 256), 0);
        assert_int_equal(mmusim_config_set(*state, keys[i], text, NULL), 0);
        assert_int_equal(mmusim_config_get(*state, keys[i], again, 256), 0);
        assert_string_equal(text, again);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(machines_are_listed_by_name),
        cmocka_unit_test(every_shipped_machine_loads),
        cmocka_unit_test(every_shipped_number_has_a_source_or_is_a_guess),
        cmocka_unit_test_setup_teardown(generic_spells_out_every_default, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(every_default_has_a_source, setup,
                                        teardown),
        cmocka_unit_test(
            a_file_keeps_what_it_does_not_name_of_the_one_it_extends),
        cmocka_unit_test(extends_by_path_is_looked_up_beside_the_file),
        cmocka_unit_test(a_list_replaces_all_arrays_of_its_level),
        cmocka_unit_test(extends_of_itself_of_nothing_or_too_deep_is_refused),
        cmocka_unit_test_setup_teardown(an_unknown_key_names_the_nearest, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            times_in_ns_follow_the_clock_in_any_order, setup, teardown),
        cmocka_unit_test_setup_teardown(times_in_ns_round_half_up, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            entries_that_ways_do_not_divide_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(every_value_sets_back_to_itself, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
