/* SPDX-License-Identifier: MIT */
/* YAML as a flat list of leaves; everything else of YAML is refused. */
#include "config/yaml_tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct yaml_leaf *find(const struct yaml_tree *tree,
                                    const char *key)
{
    for (size_t i = 0; i < tree->n_leaves; i++) {
        if (!strcmp(tree->leaves[i].key, key))
            return &tree->leaves[i];
    }
    fail_msg("no key %s", key);
    return NULL;
}

static void parse(const char *text, struct yaml_tree *tree)
{
    mmusim_diag_t diag = {0};

    if (mmusim__yaml_parse(text, strlen(text), "f", tree, &diag))
        fail_msg("%s:%u: %s", diag.file, diag.line, diag.text);
}

static void assert_refused_at(const char *text, size_t n_bytes, uint32_t line,
                              const char *reason)
{
    mmusim_diag_t diag = {0};
    struct yaml_tree tree;

    if (mmusim__yaml_parse(text, n_bytes, "f", &tree, &diag) != MMUSIM_CONFIG ||
        tree.leaves || diag.line != line || strcmp(diag.file, "f") != 0 ||
        !strstr(diag.text, reason))
        fail_msg("%.60s\n gave line %u: %s", text, diag.line, diag.text);
}

static void assert_refused(const char *text, uint32_t line, const char *reason)
{
    assert_refused_at(text, strlen(text), line, reason);
}

static void keys_nest_by_dots_with_lines_and_comments(void **state)
{
    struct yaml_tree tree;

    (void) state;
    parse("# head\na: 1 # guess\nb:\n  c: x # source: y\n"
          "l:\n  - e: 2\n    s: [4K, 2M] # both\n  - e: 'q # r'\n",
          &tree);
    assert_string_equal(find(&tree, "a")->comment, "guess");
    assert_int_equal(find(&tree, "b.c")->line, 4);
    assert_string_equal(find(&tree, "b.c")->comment, "source: y");
    assert_string_equal(find(&tree, "l.0.s")->value, "[4K, 2M]");
    assert_string_equal(find(&tree, "l.0.s")->comment, "both");
    assert_string_equal(find(&tree, "l.1.e")->value, "q # r");
    assert_string_equal(find(&tree, "l.1.e")->comment, "");
    assert_true(find(&tree, "l")->is_sequence);
    assert_true(find(&tree, "b")->is_mapping);
    mmusim__yaml_fini(&tree);
}

static void anchors_aliases_tags_and_documents_are_refused(void **state)
{
    (void) state;
    assert_refused("a: 1\nb: &x 2\n", 2, "anchors");
    assert_refused("a: &x {c: 1}\n", 1, "anchors");
    assert_refused("a: &x [1]\n", 1, "anchors");
    assert_refused("a: !!int 3\n", 1, "tags");
    assert_refused("a: 1\nb: *x\n", 2, "alias");
    assert_refused("a: 1\n---\nb: 2\n", 2, "one document");
    assert_refused("<<: {a: 1}\n<<: {a: 2}\n", 2, "given twice");
}

static void a_key_given_twice_is_refused_however_it_is_spelt(void **state)
{
    (void) state;
    assert_refused("a: 1\na: 2\n", 2, "a: the key is given twice");
    assert_refused("a:\n  b: 1\na.b: 2\n", 3, "a.b: the key is given twice");
    assert_refused("l:\n  - e: 1\nl.0.e: 2\n", 3, "l.0.e: the key is given");
}

static void depth_and_shape_are_bounded(void **state)
{
    (void) state;
    assert_refused("a: {b: {c: {d: {e: {f: {g: 1}}}}}}\n", 1, "too deeply");
    assert_refused("[[[[[[[[\n", 1, "a machine is a mapping");
    assert_refused("just text\n", 1, "a machine is a mapping");
    assert_refused("- a\n", 1, "a machine is a mapping");
    assert_refused("a: [1, {b: 2}]\n", 1, "a list is of words or of arrays");
    assert_refused("a: [{b: 2}, 1]\n", 1, "a list is of words or of arrays");
    assert_refused("a: 1\n? [b]\n: 2\n", 2, "a key must be a word");
    assert_refused("a: 1\n'': 2\n", 2, "empty");
}

static void bytes_that_are_no_text_are_refused_on_their_line(void **state)
{
    (void) state;
    assert_refused_at("a: 1\nb: \0\n", 10, 2, "");
    assert_refused_at("a: 1\nb: 2\nc: \xff\xfe\n", 16, 3, "UTF-8");
    assert_refused("a: 1\nb: \"\\0\"\n", 2, "NUL");
    assert_refused("a:\n\tb: 1\n", 2, "");
    assert_refused("a: \x01\n", 1, "");
    assert_refused("a: 1\nb: {\n", 3, "");
    assert_refused("a: 'open\n", 2, "");
}

static void long_texts_keys_and_lists_are_refused(void **state)
{
    char text[1024];

    (void) state;
    snprintf(text, sizeof(text), "a: %0300d\n", 1);
    assert_refused(text, 1, "too long");
    snprintf(text, sizeof(text), "a: 1\n%0300d: 1\n", 1);
    assert_refused(text, 2, "too long");
    snprintf(text, sizeof(text), "a: [%0120d, %0120d]\n", 1, 1);
    assert_refused(text, 1, "too long");
}

static void a_huge_file_or_too_many_keys_are_refused(void **state)
{
    size_t n_bytes = YAML_FILE_BYTES_MAX + 1;
    char *text = malloc(n_bytes);
    size_t used = 0;

    (void) state;
    assert_non_null(text);
    memset(text, '#', n_bytes);
    assert_refused_at(text, n_bytes, 1, "too large");
    for (uint32_t i = 0; i <= YAML_LEAVES_MAX; i++)
        used += (size_t) sprintf(text + used, "k%u: 1\n", i);
    assert_refused_at(text, used, YAML_LEAVES_MAX + 1, "too many keys");
    free(text);
}

static void an_empty_file_has_no_keys(void **state)
{
    struct yaml_tree tree;

    (void) state;
    parse("", &tree);
    assert_int_equal(tree.n_leaves, 0);
    mmusim__yaml_fini(&tree);
    parse("# nothing\n", &tree);
    assert_int_equal(tree.n_leaves, 0);
    mmusim__yaml_fini(&tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_nest_by_dots_with_lines_and_comments),
        cmocka_unit_test(anchors_aliases_tags_and_documents_are_refused),
        cmocka_unit_test(a_key_given_twice_is_refused_however_it_is_spelt),
        cmocka_unit_test(depth_and_shape_are_bounded),
        cmocka_unit_test(bytes_that_are_no_text_are_refused_on_their_line),
        cmocka_unit_test(long_texts_keys_and_lists_are_refused),
        cmocka_unit_test(a_huge_file_or_too_many_keys_are_refused),
        cmocka_unit_test(an_empty_file_has_no_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
