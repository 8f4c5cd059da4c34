/* SPDX-License-Identifier: MIT */
/* What the reader of litmus tests takes, and what it says of the rest. */
#include "litmus/litmus_test.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct litmus_test test;
static mmusim_diag_t diag;

static mmusim_status_t read_text(const char *text)
{
    memset(&diag, 0, sizeof(diag));
    return mmusim__litmus_parse("t.litmus", text, strlen(text), &test, &diag);
}

static void refuses(const char *text, uint32_t line, const char *what)
{
    assert_int_equal(read_text(text), MMUSIM_DAMAGED);
    assert_int_equal(diag.line, line);
    assert_string_equal(diag.file, "t.litmus");
    if (!strstr(diag.text, what))
        fail_msg("'%s' lacks '%s'", diag.text, what);
}

static void does_not_support(const char *code, const char *what)
{
    char text[256] = "AArch64 t\n{ }\n P0 ;\n ";

    strcat(strcat(text, code), " ;\nexists (0:X0=1)\n");
    assert_int_equal(read_text(text), MMUSIM_UNSUPPORTED);
    assert_int_equal(diag.line, 4);
    if (!strstr(diag.text, what))
        fail_msg("'%s' lacks '%s'", diag.text, what);
}

static void a_test_is_read_in_all_its_parts(void **state)
{
    (void) state;
    assert_int_equal(
        read_text("AArch64 name\n"
                  "Variant=vmsa,ETS2,skip\nTTHM=P1:HA\nEL0=P0\n"
                  "(* a comment (* in a comment *) { *)\n"
                  "{ int x=3; [y]=x; uint64_t a[2]={1,-1};\n"
                  "  [PTE(x)]=(oa:PA(y),af:0); 0:X1=pte_y; 1:W2=0x12; }\n"
                  " P0 | P1 | P1.F ;\n"
                  " L0: LDR W0,[X1,#4] | ISB | NOP ;\n"
                  " CBNZ W0,L0 | | ;\n"
                  "locations [0:X3; Fault(P1,x); a[1]]\n"
                  "~exists (0:X0=1 /\\ ~fault(P0:L0,x,MMU:Permission))"),
        MMUSIM_OK);
    assert_string_equal(test.name, "name");
    assert_true(test.has_ets2 && !test.has_ets3);
    assert_int_equal(test.handling, LITMUS_SKIP);
    assert_true(test.threads[1].has_ha && !test.threads[0].has_ha);
    assert_true(test.threads[0].is_el0 && !test.threads[1].is_el0);
    assert_int_equal(test.n_threads, 2);
    assert_int_equal(test.threads[0].n_main, 2);
    assert_int_equal(test.threads[1].n_main, 1);
    assert_int_equal(test.threads[1].n_code, 2);
    assert_int_equal(test.n_locations, 3);
    assert_int_equal(test.threads[0].registers[1], LITMUS_PTE_VADDR + 8);
    assert_int_equal(test.locations[1].element_bytes, 8);
    assert_int_equal(test.quantifier, LITMUS_NOT_EXISTS);
    assert_int_equal(test.n_atoms, 5);
}

/* Arm ARM D8.3: a page descriptor; the defaults are herd's. */
static void attributes_are_arms_bits(void **state)
{
    static const struct {
        const char *attributes;
        uint64_t set, clear;
    } rows[] = {{"oa:PA(x)", 0, 0},
                {"oa:PA(x),valid:0", 0, 1},
                {"oa:PA(x),af:0", 0, UINT64_C(1) << 10},
                {"oa:PA(x),db:0", UINT64_C(1) << 7, 0},
                {"oa:PA(x),dbm:1", UINT64_C(1) << 51, 0},
                {"oa:PA(x),el0:0", 0, UINT64_C(1) << 6}};

    (void) state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[256] = "AArch64 t\n{ x=1; [PTE(x)]=(";
        uint64_t plain =
            UINT64_C(0x80000) << 12 | 0x3 | 1 << 6 | 3 << 8 | 1 << 10 | 1 << 11;

        strcat(strcat(text, rows[i].attributes),
               "); }\n P0 ;\n NOP ;\nexists (x=1)");
        assert_int_equal(read_text(text), MMUSIM_OK);
        assert_int_equal(test.locations[0].descriptor,
                         (plain | rows[i].set) & ~rows[i].clear);
    }
}

static void what_is_wrong_is_said_with_its_line(void **state)
{
    (void) state;
    refuses("X86 t\n{ }\n", 1, "AArch64");
    refuses("AArch64 t\nno brace\n", 3, "'{'");
    refuses("AArch64 t\n{ x==1; }\n", 2, "expected a number");
    refuses("AArch64 t\n{ [PTE(x)]=(oa:PA(x),foo:1); }\n", 2, "oa, valid");
    refuses("AArch64 t\n{ [PTE(x)]=(af:2); }\n", 2, "0 or 1");
    refuses("AArch64 t\n{ }\n P0\n NOP ;\nexists (x=1)", 3, "';'");
    refuses("AArch64 t\n{ }\n P1 ;\n NOP ;\nexists (x=1)", 3, "in order");
    refuses("AArch64 t\n{ }\n P0 ;\n LDR W0 ;\nexists (x=1)", 4, "operands");
    refuses("AArch64 t\n{ }\n P0 ;\n B L9 ;\nexists (x=1)", 4, "a label");
    refuses("AArch64 t\n{ }\n P0 ;\n NOP | NOP ;\nexists (x=1)", 4, "cells");
    refuses("AArch64 t\n{ }\n P0 ;\n NOP ;\nexists (x=1", 5, "')'");
    refuses("AArch64 t\n{ }\n P0 ;\n NOP ;\nexists (fault(P3))", 5, "thread");
    refuses("AArch64 t\n{ }\n P0 ;\n NOP ;\nexists x=1\ny", 6, "the end");
    refuses("AArch64 t\n(* { }\n", 2, "'*)'");
    refuses("", 1, "AArch64");
}

static void instructions_that_are_not_modelled_are_named(void **state)
{
    (void) state;
    does_not_support("SVC #0", "not supported: SVC #0");
    does_not_support("LDP X0,X1,[X2]", "not supported: LDP");
    does_not_support("TLBI ALLE2IS", "not supported: TLBI ALLE2IS");
    does_not_support("MSR TTBR0_EL1,X1", "not supported: MSR TTBR0_EL1");
}

static void a_condition_binds_as_in_herd(void **state)
{
    static const struct {
        const char *text;
        bool expected; /* with 0:X0 = 1, 0:X1 = 2 */
    } rows[] = {
        {"0:X0=1 /\\ 0:X1=2", true},
        {"0:X0=0 /\\ 0:X1=0 \\/ 0:X0=1", true},
        {"0:X0=1 \\/ 0:X0=0 /\\ 0:X1=0", true},
        {"(0:X0=1 \\/ 0:X0=0) /\\ 0:X1=0", false},
        {"~0:X0=1 \\/ 0:X1=0", false},
        {"not (0:X0=0) /\\ 0:X1<>0", true},
        {"0:X0=0 => 0:X1=9", true},
        {"0:X0=1 => 0:X1=9", false},
        {"true", true},
    };

    (void) state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[256] = "AArch64 t\n{ }\n P0 ;\n NOP ;\n"
                         "locations [0:X0; 0:X1]\nexists ";
        uint64_t values[LITMUS_MAX_OBSERVED] = {1, 2};

        assert_int_equal(read_text(strcat(text, rows[i].text)), MMUSIM_OK);
        if (mmusim__litmus_holds(&test, test.root, values) != rows[i].expected)
            fail_msg("%s", rows[i].text);
    }
}

static void arithmetic_is_aarch64s(void **state)
{
    static const struct {
        const char *text;
        uint64_t a, b, value, nzcv;
    } rows[] = {
        {"ADD X0,X1,X2", 5, 7, 12, 0},
        {"SUB W0,W1,W2", 5, 7, 0xfffffffe, 8},
        {"CMP W1,W2", 7, 7, 0, 6},
        {"CMP X1,X2", UINT64_C(1) << 63, 1, (UINT64_C(1) << 63) - 1, 3},
        {"LSR X0,X1,X2", 0x40001000, 12, 0x40001, 0},
        {"BIC W0,W1,W2", 0xff, 0x0f, 0xf0, 0},
        {"EOR W0,W1,W2", 6, 6, 0, 4},
        {"UBFX X0,X1,#7,#1", 0x80, 7, 1, 0},
    };

    (void) state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct litmus_instr instr;
        struct litmus_alu_result result;

        assert_null(mmusim__litmus_decode(rows[i].text, &instr));
        result = mmusim__litmus_compute(&instr, rows[i].a, rows[i].b);
        assert_int_equal(result.value, rows[i].value);
        if (instr.sets_flags)
            assert_int_equal(result.nzcv, rows[i].nzcv);
    }
}

/* Arm ARM C1.2.4, table C1-1: which NZCV each condition wants. */
static void conditions_are_aarch64s(void **state)
{
    (void) state;
    for (uint64_t nzcv = 0; nzcv < 16; nzcv++) {
        bool n = nzcv & 8, z = nzcv & 4, c = nzcv & 2, v = nzcv & 1;
        bool expected[] = {
            z,   !z,      c,       !c,     n,      !n,           v,
            !v,  c && !z, !c || z, n == v, n != v, !z && n == v, z || n != v,
            true};

        for (uint8_t cond = 0; cond < 15; cond++)
            assert_int_equal(mmusim__litmus_condition(cond, nzcv),
                             expected[cond]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_test_is_read_in_all_its_parts),
        cmocka_unit_test(attributes_are_arms_bits),
        cmocka_unit_test(what_is_wrong_is_said_with_its_line),
        cmocka_unit_test(instructions_that_are_not_modelled_are_named),
        cmocka_unit_test(a_condition_binds_as_in_herd),
        cmocka_unit_test(arithmetic_is_aarch64s),
        cmocka_unit_test(conditions_are_aarch64s),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
