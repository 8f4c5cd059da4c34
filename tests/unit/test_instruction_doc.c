/* SPDX-License-Identifier: MIT */
/*
 * docs/invalidate-instructions.md is made from the tables of instructions: a
 * page that differs fails, and what it should be is written to
 * BUILD_DIR/invalidate-instructions.md.
 */
#include "coherence/inval_instruction.h"
#include "coherence/riscv_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ARM_FORMS = 6 };

static const char intro[] =
    "# Invalidate instructions\n\n"
    "Every instruction, event and call that drops cached translations, as "
    "the simulator knows it. This page is\nmade from the tables in "
    "`src/coherence/*_table.c` (`tests/unit/test_instruction_doc.c` "
    "compares them);\n`mmusim__inval_decode()` turns a row, operands and the "
    "state of the issuer into requests or a fault.\n\n"
    "- *pages*: what is named; a page of any size that holds an address "
    "named goes as a whole.\n"
    "- *ASID* (PCID), *VM* (VMID, VPID, SVM's ASID): whose entries: any, the "
    "issuer's current one, or the operand's.\n"
    "- *global*: do global entries go, too? Where pages are named, those of "
    "the pages, under any ASID.\n"
    "- *pointers*: entries of paging-structure or walk caches: kept; those "
    "that cover the address; all of the ASID; all.\n"
    "- *of*: which translations: the issuer's own regime (empty), EL1 (x86: "
    "linear and combined ones; RISC-V: a guest's\n  first stage), EL2 (a "
    "hypervisor's own), stage 2 (guest-physical).\n"
    "- *who* acts, and what the issuer waits for before all have (*done*).\n\n"
    "What a manual permits but does not require is not done, unless a note "
    "says so.\n";

static const char *const isa_titles[INVAL_ISA_COUNT] = {
    "## x86\n\n",
    "## Armv8-A\n\n"
    "Each TLBI is there for this PE, and with IS for the inner, with OS for "
    "the outer shareable domain (FEAT_TLBIOS);\nnXS forms (FEAT_XS) do not "
    "wait for XS accesses. A DSB completes those of its own PE: one of loads "
    "and stores whose\ndomain is at least the TLBI's; a DSB nXS only nXS "
    "forms. At EL2 with HCR_EL2.{E2H, TGE} = {1, 1} E1 forms mean\nEL2&0; EL2 "
    "forms have an ASID only with E2H.\n\n"
    "VA[55:12] in Xt[43:0], ASID in [63:48] (8 bits: the upper byte is "
    "ignored), TTL in [47:44]: a level hint of a wrong\ngranule or level "
    "invalidates nothing; a reserved one counts as none. Ranges: "
    "ASID[63:48] TG[47:46] SCALE[45:44]\nNUM[43:39] TTL[38:37] BADDR[36:0]: "
    "(NUM + 1) << (5 * SCALE + 1) granules from BADDR, in granules (with "
    "TCR.DS in 64 KiB);\nanother TG, or a BADDR that TTL's level does not "
    "align, invalidates nothing.\n\n"
    "Break-before-make is watched by `src/coherence/arm_bbm.h`: a change of a "
    "valid descriptor that needs it and was not\nbroken, ordered (DSB), "
    "invalidated for everybody (TLBI) and completed (DSB) first is a "
    "violation.\n\n",
    "## Armv7-A\n\n"
    "I and D forms act on both sides, as on a unified TLB. On a core that "
    "cannot broadcast IS forms act here.\n\n",
    "## RISC-V\n\n"
    "x0 is the register, not a value of 0. A virtual address that is not "
    "valid has no effect; bits of an ASID or VMID that\nare not implemented "
    "are ignored.\n\n",
};

static const char *word_of(int value, const char *const *words)
{
    return words[value];
}

static const char *regimes_of(const struct inval_instruction *row)
{
    static const char *const words[] = {
        "",        "EL1",          "EL2",          "EL1, EL2",
        "stage 2", "EL1, stage 2", "EL2, stage 2", "all"};

    return words[row->regimes & 7];
}

static void write_row(FILE *out, const struct inval_instruction *row)
{
    static const char *const pages[] = {"all", "one", "range"};
    static const char *const whose[] = {"any", "current", "operand"};
    static const char *const globals[] = {"kept", "go"};
    static const char *const psc[] = {"kept", "of the ASID", "of the address",
                                      "all"};
    static const char *const reach[] = {"self", "inner", "outer", "all"};
    static const char *const done[] = {"at once",    "DSB",
                                       "TLBSYNC",    "SFENCE.INVAL.IR",
                                       "the return", "action bytes"};

    fprintf(out, "| %s%s%s ", row->name, row->variant ? ": " : "",
            row->variant ? row->variant : "");
    if (row->has_no_effect_on_tlb ||
        (row->isa == INVAL_RISCV && row->operand == RISCV_OF_SBI))
        fprintf(out, "| - | - | - | - | - | - ");
    else
        fprintf(out, "| %s | %s | %s | %s | %s | %s ",
                word_of((int) row->pages, pages),
                word_of((int) row->asid, whose),
                word_of((int) row->vmid, whose),
                word_of((int) row->globals, globals),
                word_of((int) row->psc, psc), regimes_of(row));
    fprintf(out, "| %s | %s | %s | %s |\n", word_of((int) row->reach, reach),
            word_of((int) row->completion, done), row->source,
            row->note ? row->note : "");
}

/* The five other forms of an Armv8 row are the row, but for how far and XS. */
static void check_arm_forms(const struct inval_instruction *row)
{
    static const char *const suffixes[ARM_FORMS] = {"",    "IS",    "OS",
                                                    "NXS", "ISNXS", "OSNXS"};

    for (int i = 0; i < ARM_FORMS; i++) {
        const struct inval_instruction *form = row + i;
        char name[32];

        snprintf(name, sizeof(name), "%s%s", row->name, suffixes[i]);
        assert_string_equal(form->name, name);
        assert_int_equal(form->operand, row->operand);
        assert_int_equal(form->regimes, row->regimes);
        assert_int_equal(form->pages, row->pages);
        assert_int_equal(form->asid, row->asid);
        assert_int_equal(form->vmid, row->vmid);
        assert_int_equal(form->globals, row->globals);
        assert_int_equal(form->psc, row->psc);
        assert_int_equal(form->reach, i % 3);
        assert_int_equal(form->is_nxs, i >= 3);
        assert_int_equal(form->needs & ~row->needs,
                         (i % 3 == 2 ? ARM_OS : 0) | (i >= 3 ? ARM_XS : 0));
    }
}

static void write_isa(FILE *out, enum inval_isa isa)
{
    size_t step = isa == INVAL_ARMV8 ? ARM_FORMS : 1;
    const struct inval_instruction *row;

    fprintf(out,
            "\n%s| instruction | pages | ASID | VM | global | pointers | of | "
            "who | done | source | |\n"
            "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- "
            "|\n",
            isa_titles[isa]);
    for (size_t i = 0; (row = mmusim__inval_row_at(isa, i)); i += step) {
        if (isa == INVAL_ARMV8)
            check_arm_forms(row);
        write_row(out, row);
    }
}

static char *page_from_tables(void)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    fputs(intro, out);
    for (int isa = 0; isa < INVAL_ISA_COUNT; isa++)
        write_isa(out, (enum inval_isa) isa);
    fclose(out);
    return text;
}

static FILE *open_below(const char *variable, const char *file,
                        const char *mode)
{
    const char *folder = getenv(variable);
    char path[4096];

    snprintf(path, sizeof(path), "%s/%s", folder ? folder : ".", file);
    return fopen(path, mode);
}

static bool file_is(FILE *file, const char *text)
{
    for (const char *c = text; *c; c++) {
        if (getc(file) != (unsigned char) *c)
            return false;
    }
    return getc(file) == EOF;
}

static void the_page_says_what_the_tables_say(void **state)
{
    char *text = page_from_tables();
    FILE *page =
        open_below("SOURCE_DIR", "docs/invalidate-instructions.md", "r");
    bool is_same = page && file_is(page, text);
    FILE *made =
        is_same ? NULL
                : open_below("BUILD_DIR", "invalidate-instructions.md", "w");

    (void) state;
    if (page)
        fclose(page);
    if (made) {
        fputs(text, made);
        fclose(made);
    }
    free(text);
    assert_true(is_same);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_says_what_the_tables_say),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
