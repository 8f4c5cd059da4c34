/* SPDX-License-Identifier: MIT */
/* Which page-table formats there are: what is refused, with the key and what
 * is possible, and the shapes of those that are made. */
#include "support/format_list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define ISA(name) .isa = name
#define S2        .stage = PT_STAGE_2

static const struct {
    struct pt_options options;
    const char *key;
    const char *text;
} refusals[] = {
    {{ISA("vax")}, "isa", "no page tables"},
    {{ISA("x86-64"), .n_levels = 3}, "page_table.levels", "4 or 5"},
    {{ISA("x86-64"), .granule_bytes = 16384}, "page_table.granule", "4K"},
    {{ISA("x86-64"), .vaddr_bits = 39}, "page_table.vaddr_bits", "48"},
    {{ISA("x86-64"), .variant = "pae"}, "page_table.format", "usual"},
    {{ISA("x86-64"), .variant = "short", S2}, "page_table.format", "ept-no-ad"},
    {{ISA("i386"), .n_levels = 4}, "page_table.levels", "3 with pae"},
    {{ISA("i386"), .variant = "pae", .n_levels = 2},
     "page_table.levels",
     "3 levels"},
    {{ISA("i386"), .granule_bytes = 65536}, "page_table.granule", "4K"},
    {{ISA("i386"), .vaddr_bits = 48}, "page_table.vaddr_bits", "32"},
    {{ISA("i386"), S2}, "isa", "no page tables"},
    {{ISA("armv7"), .n_levels = 3}, "page_table.levels", "2 levels"},
    {{ISA("armv7"), .variant = "pse"}, "page_table.format", "lpae"},
    {{ISA("armv7"), .variant = "lpae", .n_levels = 4},
     "page_table.levels",
     "3 levels"},
    {{ISA("armv7"), .granule_bytes = 65536}, "page_table.granule", "4K"},
    {{ISA("armv7"), .vaddr_bits = 40}, "page_table.vaddr_bits", "32"},
    {{ISA("armv8"), .granule_bytes = 8192}, "page_table.granule", "16K"},
    {{ISA("armv8"), .vaddr_bits = 24}, "page_table.vaddr_bits", "25 to"},
    {{ISA("armv8"), .vaddr_bits = 53}, "page_table.vaddr_bits", "52"},
    {{ISA("armv8"), .vaddr_bits = 39, .n_levels = 4},
     "page_table.levels",
     "39 bits with this granule are translated by 3"},
    {{ISA("armv8"), .granule_bytes = 65536, .n_levels = 4},
     "page_table.levels",
     "48 bits with this granule are translated by 3"},
    {{ISA("armv8"), .vaddr_bits = 48, .n_levels = 9},
     "page_table.levels",
     "by 4"},
    {{ISA("riscv"), .vaddr_bits = 39, .n_levels = 5},
     "page_table.vaddr_bits",
     "39 bits with 3"},
    {{ISA("riscv"), .n_levels = 2}, "page_table.levels", "Sv39 of 3"},
    {{ISA("riscv"), .n_levels = 6}, "page_table.levels", "Sv57 of 5"},
    {{ISA("riscv"), .vaddr_bits = 40}, "page_table.vaddr_bits", "39 bits"},
    {{ISA("riscv"), .vaddr_bits = 12}, "page_table.vaddr_bits", "39 bits"},
    {{ISA("riscv"), .vaddr_bits = 39, S2},
     "page_table.vaddr_bits",
     "Sv39 of 3"},
    {{ISA("riscv"), .granule_bytes = 65536}, "page_table.granule", "4K"},
};

static void what_no_hardware_has_is_refused(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        struct pt_format format;
        mmusim_diag_t diag = {0};

        if (mmusim__pt_format_init(&format, &refusals[i].options, &diag) !=
                MMUSIM_CONFIG ||
            strcmp(diag.key, refusals[i].key) != 0 ||
            !strstr(diag.text, refusals[i].text))
            fail_msg("row %u: %s: %s", (unsigned) i, diag.key, diag.text);
        assert_int_equal(
            mmusim__pt_format_init(&format, &refusals[i].options, NULL),
            MMUSIM_CONFIG);
    }
}

struct shape {
    struct pt_options options;
    uint32_t n_levels, vaddr_bits;
    uint8_t top_bits;
    uint64_t leaf_orders; /* bit n: a leaf of order n */
};

#define ORDER(n) (UINT64_C(1) << (n))
#define SMALL    ORDER(0)
#define M2       ORDER(9)
#define G1       ORDER(18)

static const struct shape shapes[] = {
    {{ISA("x86-64")}, 4, 48, 9, SMALL | M2 | G1},
    {{ISA("x86-64"), .vaddr_bits = 57}, 5, 57, 9, SMALL | M2 | G1},
    {{ISA("x86-64"), S2}, 4, 48, 9, SMALL | M2 | G1},
    {{ISA("i386")}, 2, 32, 10, SMALL | ORDER(10)},
    {{ISA("i386"), .variant = "plain"}, 2, 32, 10, SMALL},
    {{ISA("i386"), .variant = "pae"}, 3, 32, 2, SMALL | M2},
    {{ISA("armv7")}, 2, 32, 12, SMALL | ORDER(8)},
    {{ISA("armv7"), .variant = "lpae"}, 3, 32, 2, SMALL | M2 | G1},
    {{ISA("armv7"), S2}, 3, 40, 10, SMALL | M2 | G1},
    {{ISA("riscv"), .n_levels = 3}, 3, 39, 9, SMALL | M2 | G1},
    {{ISA("riscv")}, 4, 48, 9, SMALL | M2 | G1 | ORDER(27)},
    {{ISA("riscv"), .vaddr_bits = 41, S2}, 3, 41, 11, SMALL | M2 | G1},
    /* arch/arm64/Kconfig, CONFIG_ARM64_VA_BITS and CONFIG_PGTABLE_LEVELS */
    {{ISA("armv8")}, 4, 48, 9, SMALL | M2 | G1},
    {{ISA("armv8"), .n_levels = 3}, 3, 39, 9, SMALL | M2 | G1},
    {{ISA("armv8"), .vaddr_bits = 52}, 5, 52, 4, SMALL | M2 | G1 | ORDER(27)},
    {{ISA("armv8"), .granule_bytes = 16384, .vaddr_bits = 36},
     2,
     36,
     11,
     ORDER(2) | ORDER(13)},
    {{ISA("armv8"), .granule_bytes = 16384, .n_levels = 3},
     3,
     47,
     11,
     ORDER(2) | ORDER(13)},
    {{ISA("armv8"), .granule_bytes = 16384}, 4, 48, 1, ORDER(2) | ORDER(13)},
    {{ISA("armv8"), .granule_bytes = 16384, .vaddr_bits = 52},
     4,
     52,
     5,
     ORDER(2) | ORDER(13) | ORDER(24)},
    {{ISA("armv8"), .granule_bytes = 65536, .n_levels = 2},
     2,
     42,
     13,
     ORDER(4) | ORDER(17)},
    {{ISA("armv8"), .granule_bytes = 65536}, 3, 48, 6, ORDER(4) | ORDER(17)},
    {{ISA("armv8"), .granule_bytes = 65536, .vaddr_bits = 52},
     3,
     52,
     10,
     ORDER(4) | ORDER(17) | ORDER(30)},
    /* KVM: 40 bits begin with two tables side by side */
    {{ISA("armv8"), .vaddr_bits = 40, S2}, 3, 40, 10, SMALL | M2 | G1},
    {{ISA("armv8"), .vaddr_bits = 40, .n_levels = 4, S2},
     4,
     40,
     1,
     SMALL | M2 | G1},
    {{ISA("armv8"), .vaddr_bits = 43, S2}, 3, 43, 13, SMALL | M2 | G1},
    {{ISA("armv8"), .vaddr_bits = 44, S2}, 4, 44, 5, SMALL | M2 | G1},
};

static void shapes_are_the_manuals(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        struct pt_format format = format_of(&shapes[i].options);
        uint64_t orders = 0;

        for (uint32_t level = 0; level < format.n_levels; level++) {
            if (format.levels[level].has_leaves)
                orders |= ORDER(pt_level_order(&format, level));
        }
        if (format.n_levels != shapes[i].n_levels ||
            format.vaddr_bits != shapes[i].vaddr_bits ||
            format.levels[format.n_levels - 1].bits != shapes[i].top_bits ||
            orders != shapes[i].leaf_orders)
            fail_msg("row %u, %s: %u levels, %u bits, top %u, orders %llx",
                     (unsigned) i, format.name, (unsigned) format.n_levels,
                     (unsigned) format.vaddr_bits,
                     (unsigned) format.levels[format.n_levels - 1].bits,
                     (unsigned long long) orders);
    }
}

/* Sizes of runs: Linux's contpte_addr and CONT_{PTE,PMD}_SIZE by granule,
 * Documentation/arch/arm64/hugetlbpage.rst. */
static void runs_are_those_of_linux(void **state)
{
    static const struct {
        struct pt_options options;
        uint32_t level;
        uint64_t bytes;
    } runs[] = {
        {{ISA("armv8")}, 0, UINT64_C(64) << 10},
        {{ISA("armv8")}, 1, UINT64_C(32) << 20},
        {{ISA("armv8"), .granule_bytes = 16384}, 0, UINT64_C(2) << 20},
        {{ISA("armv8"), .granule_bytes = 16384}, 1, UINT64_C(1) << 30},
        {{ISA("armv8"), .granule_bytes = 65536}, 0, UINT64_C(2) << 20},
        {{ISA("armv8"), .granule_bytes = 65536}, 1, UINT64_C(16) << 30},
        {{ISA("armv7")}, 0, UINT64_C(64) << 10},
        {{ISA("armv7")}, 1, UINT64_C(16) << 20},
        {{ISA("riscv")}, 0, UINT64_C(64) << 10},
    };

    (void) state;
    for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
        struct pt_format format = format_of(&runs[i].options);
        const struct pt_level *at = &format.levels[runs[i].level];

        assert_true(UINT64_C(1) << (at->shift + at->run_log2) == runs[i].bytes);
    }
}

static void the_level_of_a_page_size_is_found(void **state)
{
    struct pt_format format = format_of(&(struct pt_options){ISA("armv8")});

    (void) state;
    assert_int_equal(pt_leaf_level(&format, 9), 1);
    assert_int_equal(pt_leaf_level(&format, 18), 2);
    assert_int_equal(pt_leaf_level(&format, 27), PT_MAX_LEVELS);
    assert_int_equal(pt_leaf_level(&format, 4), PT_MAX_LEVELS);
    assert_int_equal(pt_half_bits(&format), 48);
    format = format_of(&(struct pt_options){ISA("x86-64")});
    assert_int_equal(pt_half_bits(&format), 47);
    format = format_of(&(struct pt_options){ISA("i386")});
    assert_int_equal(pt_half_bits(&format), 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_no_hardware_has_is_refused),
        cmocka_unit_test(shapes_are_the_manuals),
        cmocka_unit_test(runs_are_those_of_linux),
        cmocka_unit_test(the_level_of_a_page_size_is_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
