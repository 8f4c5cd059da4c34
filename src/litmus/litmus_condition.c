/* SPDX-License-Identifier: MIT */
/* Reading litmus tests: what is observed, and the condition on it. */
#include "litmus/litmus_reader.h"

#include <string.h>
#include <strings.h>

/* A condition of fuzzed bytes must not exhaust the stack. */
enum { MAX_DEPTH = 64 };

/* Each atom once. < 0: too many. */
static int condition_atom(struct litmus_reader *reader,
                          const struct litmus_atom *atom)
{
    struct litmus_test *test = reader->test;

    for (uint32_t i = 0; i < test->n_atoms; i++) {
        if (!memcmp(&test->atoms[i], atom, sizeof(*atom)))
            return (int) i;
    }
    if (test->n_atoms == LITMUS_MAX_OBSERVED) {
        mmusim__litmus_refuse(reader, reader->lexer.line,
                              "more than 32 locations observed");
        return -1;
    }
    test->atoms[test->n_atoms] = *atom;
    return (int) test->n_atoms++;
}

static bool condition_label(struct litmus_reader *reader,
                            struct litmus_atom *atom)
{
    struct litmus_lexer *lexer = &reader->lexer;

    for (uint32_t i = 0; i < reader->n_labels; i++) {
        const struct litmus_label *label = &reader->labels[i];

        if (label->thread == atom->thread &&
            !strcmp(label->name, lexer->word)) {
            memcpy(atom->label_name, label->name, sizeof(label->name));
            atom->label = label->at;
            atom->has_label = true;
            mmusim__litmus_next(lexer);
            return true;
        }
    }
    return mmusim__litmus_expected(reader, "a label of the thread");
}

/* MMU:Translation; at the first word. */
static bool condition_fault_type(struct litmus_reader *reader,
                                 struct litmus_atom *atom)
{
    static const struct {
        const char *name;
        enum litmus_fault fault;
    } types[] = {{"Translation", LITMUS_FAULT_TRANSLATION},
                 {"AccessFlag", LITMUS_FAULT_ACCESS_FLAG},
                 {"Permission", LITMUS_FAULT_PERMISSION}};
    struct litmus_lexer *lexer = &reader->lexer;

    if (!mmusim__litmus_accept(lexer, "MMU"))
        return mmusim__litmus_refuse(reader, lexer->line, lexer->word);
    if (!mmusim__litmus_expect(reader, ":"))
        return false;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (mmusim__litmus_accept(lexer, types[i].name)) {
            atom->fault = types[i].fault;
            return true;
        }
    }
    return mmusim__litmus_expected(reader,
                                   "Translation, AccessFlag or Permission");
}

/* P1:L0 */
static bool condition_fault_place(struct litmus_reader *reader,
                                  struct litmus_atom *atom)
{
    struct litmus_lexer *lexer = &reader->lexer;

    if ((lexer->word[0] != 'P' && lexer->word[0] != 'p') ||
        lexer->word[1] < '0' || lexer->word[1] > '9' || lexer->word[2] ||
        lexer->word[1] - '0' >= (int) reader->test->n_threads)
        return mmusim__litmus_expected(reader, "a thread: P0, P1, ...");
    atom->thread = (uint8_t) (lexer->word[1] - '0');
    mmusim__litmus_next(lexer);
    return !mmusim__litmus_accept(lexer, ":") || condition_label(reader, atom);
}

/* fault(P1:L0,x,MMU:Translation): at the "(". */
static bool condition_fault(struct litmus_reader *reader,
                            struct litmus_atom *atom)
{
    struct litmus_lexer *lexer = &reader->lexer;
    int location;

    atom->kind = LITMUS_ATOM_FAULT;
    if (!mmusim__litmus_expect(reader, "(") ||
        !condition_fault_place(reader, atom))
        return false;
    while (mmusim__litmus_accept(lexer, ",")) {
        if (mmusim__litmus_is(lexer, "MMU") || atom->has_location) {
            if (!condition_fault_type(reader, atom))
                return false;
            continue;
        }
        if (!lexer->is_name)
            return mmusim__litmus_expected(reader, "a location");
        if (!mmusim__litmus_pte_name(reader, &location))
            return false;
        atom->is_of_descriptor = location >= 0;
        if (location < 0) {
            location = mmusim__litmus_location(reader, lexer->word);
            mmusim__litmus_next(lexer);
        }
        if (location < 0)
            return false;
        atom->has_location = true;
        atom->location = (uint16_t) location;
    }
    return mmusim__litmus_expect(reader, ")");
}

/* x, [x], x[1], pte_x, [PTE(x)]: not a register. */
static bool condition_memory(struct litmus_reader *reader,
                             struct litmus_atom *atom)
{
    struct litmus_lexer *lexer = &reader->lexer;
    bool in_brackets = mmusim__litmus_accept(lexer, "[");
    int location;

    if (!mmusim__litmus_pte_name(reader, &location))
        return false;
    atom->kind = location >= 0 ? LITMUS_ATOM_DESCRIPTOR : LITMUS_ATOM_MEMORY;
    if (location < 0) {
        if (!lexer->is_name)
            return mmusim__litmus_expected(reader, "a register or a location");
        location = mmusim__litmus_location(reader, lexer->word);
        if (location < 0)
            return false;
        mmusim__litmus_next(lexer);
    }
    atom->location = (uint16_t) location;
    if (!in_brackets && mmusim__litmus_accept(lexer, "[")) {
        uint32_t bytes = reader->test->locations[location].element_bytes;

        if (!lexer->is_number || lexer->number < 0 ||
            (lexer->number + 1) * bytes > LITMUS_CELL_BYTES)
            return mmusim__litmus_expected(reader, "an element's number");
        atom->offset = (uint16_t) (lexer->number * bytes);
        mmusim__litmus_next(lexer);
        in_brackets = true;
    }
    return !in_brackets || mmusim__litmus_expect(reader, "]");
}

static bool condition_location(struct litmus_reader *reader,
                               struct litmus_atom *atom)
{
    bool is_register;

    memset(atom, 0, sizeof(*atom)); /* compared as bytes */
    if (!mmusim__litmus_register(reader, &is_register, &atom->thread,
                                 &atom->reg, &atom->is_word))
        return false;
    if (!is_register)
        return condition_memory(reader, atom);
    atom->kind = LITMUS_ATOM_REGISTER;
    atom->is_word = false;
    if (atom->thread >= reader->test->n_threads)
        return mmusim__litmus_expected(reader, "a register of a thread");
    return true;
}

/* ---- the formula ---- */

static int condition_node(struct litmus_reader *reader,
                          enum litmus_node_kind kind, int a, int b)
{
    struct litmus_test *test = reader->test;

    if (a < 0 || b < 0)
        return -1;
    if (test->n_nodes == LITMUS_MAX_CONDITION) {
        mmusim__litmus_refuse(reader, reader->lexer.line,
                              "a condition of more than 256 parts");
        return -1;
    }
    test->nodes[test->n_nodes] = (struct litmus_node){
        .kind = kind, .a = (uint16_t) a, .b = (uint16_t) b};
    return (int) test->n_nodes++;
}

static int condition_or(struct litmus_reader *reader, uint32_t depth);

static int condition_equal(struct litmus_reader *reader)
{
    struct litmus_lexer *lexer = &reader->lexer;
    struct litmus_atom atom;
    bool is_address, is_unequal = false;
    uint64_t value;
    int at, node;

    memset(&atom, 0, sizeof(atom));
    if (mmusim__litmus_accept(lexer, "fault")) {
        if (!condition_fault(reader, &atom))
            return -1;
        return condition_node(reader, LITMUS_NODE_FAULT,
                              condition_atom(reader, &atom), 0);
    }
    if (!condition_location(reader, &atom))
        return -1;
    if (mmusim__litmus_accept(lexer, "<"))
        is_unequal = mmusim__litmus_expect(reader, ">");
    else if (mmusim__litmus_accept(lexer, "!"))
        is_unequal = mmusim__litmus_expect(reader, "=");
    else if (!mmusim__litmus_expect(reader, "="))
        return -1;
    if (!mmusim__litmus_value(reader, &value, &is_address))
        return -1;
    if (atom.kind == LITMUS_ATOM_DESCRIPTOR && !(value & LITMUS_PTE_FRAME) &&
        value)
        value |= (LITMUS_FRAME + atom.location) << BASE_PAGE_SHIFT;
    at = condition_atom(reader, &atom);
    node = condition_node(reader, LITMUS_NODE_EQUAL, at, 0);
    if (node >= 0) {
        reader->test->nodes[node].value = value;
        reader->test->nodes[node].is_unequal = is_unequal;
    }
    return node;
}

static int condition_primary(struct litmus_reader *reader, uint32_t depth)
{
    struct litmus_lexer *lexer = &reader->lexer;
    int node;

    if (depth > MAX_DEPTH) {
        mmusim__litmus_expected(reader, "fewer parentheses");
        return -1;
    }
    if (mmusim__litmus_accept(lexer, "~") ||
        mmusim__litmus_accept(lexer, "not"))
        return condition_node(reader, LITMUS_NODE_NOT,
                              condition_primary(reader, depth + 1), 0);
    if (mmusim__litmus_accept(lexer, "true"))
        return condition_node(reader, LITMUS_NODE_TRUE, 0, 0);
    if (!mmusim__litmus_accept(lexer, "("))
        return condition_equal(reader);
    node = condition_or(reader, depth + 1);
    return node >= 0 && mmusim__litmus_expect(reader, ")") ? node : -1;
}

static int condition_and(struct litmus_reader *reader, uint32_t depth)
{
    int node = condition_primary(reader, depth);

    while (node >= 0 && mmusim__litmus_accept(&reader->lexer, "/\\"))
        node = condition_node(reader, LITMUS_NODE_AND, node,
                              condition_primary(reader, depth));
    return node;
}

static int condition_or(struct litmus_reader *reader, uint32_t depth)
{
    int node = condition_and(reader, depth);

    while (node >= 0 && mmusim__litmus_accept(&reader->lexer, "\\/"))
        node = condition_node(reader, LITMUS_NODE_OR, node,
                              condition_and(reader, depth));
    if (node >= 0 && mmusim__litmus_accept(&reader->lexer, "=>"))
        node = condition_node(reader, LITMUS_NODE_OR,
                              condition_node(reader, LITMUS_NODE_NOT, node, 0),
                              condition_or(reader, depth + 1));
    return node;
}

/* locations [0:X1; x; Fault(P0,x);] */
static bool condition_locations(struct litmus_reader *reader)
{
    struct litmus_lexer *lexer = &reader->lexer;
    struct litmus_atom atom;

    if (!mmusim__litmus_expect(reader, "["))
        return false;
    while (!mmusim__litmus_accept(lexer, "]")) {
        if (mmusim__litmus_accept(lexer, ";"))
            continue;
        memset(&atom, 0, sizeof(atom));
        if (mmusim__litmus_accept(lexer, "fault")
                ? !condition_fault(reader, &atom)
                : !condition_location(reader, &atom))
            return false;
        if (condition_atom(reader, &atom) < 0)
            return false;
    }
    return true;
}

static bool condition_quantifier(struct litmus_reader *reader)
{
    struct litmus_lexer *lexer = &reader->lexer;

    if (mmusim__litmus_accept(lexer, "exists"))
        reader->test->quantifier = LITMUS_EXISTS;
    else if (mmusim__litmus_accept(lexer, "forall"))
        reader->test->quantifier = LITMUS_FORALL;
    else if (mmusim__litmus_accept(lexer, "~") &&
             mmusim__litmus_accept(lexer, "exists"))
        reader->test->quantifier = LITMUS_NOT_EXISTS;
    else
        return mmusim__litmus_expected(reader, "exists, ~exists or forall");
    return true;
}

bool mmusim__litmus_parse_condition(struct litmus_reader *reader)
{
    struct litmus_lexer *lexer = &reader->lexer;
    int node;

    while (mmusim__litmus_accept(lexer, "locations")) {
        if (!condition_locations(reader))
            return false;
    }
    if (mmusim__litmus_accept(lexer, "filter")) {
        node = condition_or(reader, 0);
        if (node < 0)
            return false;
        reader->test->has_filter = true;
        reader->test->filter = (uint16_t) node;
    }
    if (!lexer->word[0]) { /* no condition: every outcome will do */
        node = condition_node(reader, LITMUS_NODE_TRUE, 0, 0);
        reader->test->root = (uint16_t) node;
        return node >= 0;
    }
    if (!condition_quantifier(reader))
        return false;
    node = condition_or(reader, 0);
    if (node < 0)
        return false;
    reader->test->root = (uint16_t) node;
    mmusim__litmus_accept(lexer, ";");
    return !lexer->word[0] ||
           mmusim__litmus_expected(reader, "the end of the condition");
}

/* ---- evaluation ---- */

/* A condition's number is signed; memory and registers may be of 32 bits. */
static bool condition_equals(const struct litmus_test *test,
                             const struct litmus_node *node, uint64_t value)
{
    const struct litmus_atom *atom = &test->atoms[node->a];

    if (atom->kind == LITMUS_ATOM_MEMORY &&
        test->locations[atom->location].element_bytes == 4)
        return (uint32_t) value == (uint32_t) node->value;
    if (node->value >> 32 == UINT32_MAX) /* a negative number in Wn */
        return value == node->value || value == (uint32_t) node->value;
    return value == node->value;
}

bool mmusim__litmus_holds(const struct litmus_test *test, uint16_t node,
                          const uint64_t *values)
{
    const struct litmus_node *at = &test->nodes[node];

    switch (at->kind) {
    case LITMUS_NODE_TRUE:
        return true;
    case LITMUS_NODE_EQUAL:
        return condition_equals(test, at, values[at->a]) != at->is_unequal;
    case LITMUS_NODE_FAULT:
        return values[at->a];
    case LITMUS_NODE_NOT:
        return !mmusim__litmus_holds(test, at->a, values);
    case LITMUS_NODE_AND:
        return mmusim__litmus_holds(test, at->a, values) &&
               mmusim__litmus_holds(test, at->b, values);
    case LITMUS_NODE_OR:
        return mmusim__litmus_holds(test, at->a, values) ||
               mmusim__litmus_holds(test, at->b, values);
    }
    return false;
}
