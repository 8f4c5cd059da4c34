/* SPDX-License-Identifier: MIT */
/*
 * Words of real page tables, as kernels printed them in oopses and warnings
 * that were posted to public mailing lists, and what they must mean; and words
 * that this code must make, bit for bit. Each row says which kernel printed it.
 */
#include "support/format_list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum {
    R = TLB_READ,
    W = TLB_WRITE,
    X = TLB_EXEC,
    U = TLB_USER,
    D = TLB_DIRTY,
    G = TLB_GLOBAL,
    ABSENT = 1 << 20,
    RESERVED = 1 << 21,
    POINTER = 1 << 22,
    OLD = 1 << 23,
};

struct vector {
    uint64_t word;
    uint32_t level;
    uint32_t expected; /* rights of a leaf, or a flag above */
    uint64_t address;  /* of the page or the table */
};

static void check(const struct pt_options *options,
                  const struct vector *vectors, size_t n_vectors)
{
    struct pt_format format = format_of(options);

    for (size_t i = 0; i < n_vectors; i++) {
        const struct vector *vector = &vectors[i];
        struct pt_entry entry =
            format.decode(&format, vector->word, vector->level);
        uint32_t found =
            !entry.is_present   ? (uint32_t) ABSENT
            : entry.is_reserved ? (uint32_t) RESERVED
            : !entry.is_leaf    ? (uint32_t) POINTER
            : !entry.is_accessed
                ? (uint32_t) OLD
                : pt_leaf_rights(&format, PT_ALL_RIGHTS, entry.rights) |
                      (entry.rights & TLB_DIRTY);

        if (found != vector->expected)
            fail_msg("%s: %llx is %x", format.name,
                     (unsigned long long) vector->word, (unsigned) found);
        if (found == POINTER)
            assert_true(entry.table == vector->address);
        else if (found < ABSENT)
            assert_true(pfn_paddr(entry.pfn) == vector->address);
    }
}

#define CHECK(options, vectors)                                                \
    check(options, vectors, sizeof(vectors) / sizeof(vectors[0]))

static const struct pt_options v8_4k = {.isa = "armv8"};
static const struct pt_options v8_64k = {.isa = "armv8",
                                         .granule_bytes = 65536};

static void linux_on_armv8(void **state)
{
    static const struct vector small[] = {
        /* 5.19-rc6, Khadas VIM3L, "level 3 permission fault" of a kernel
         * access to a page of the user's: a user table, PXNTable. */
        {0x0800000001a7b003, 3, POINTER, 0x1a7b000},
        {0x0800000001913003, 1, POINTER, 0x1913000},
        {0x00e800000b9baf43, 0, R | W | U | D, 0xb9ba000},
        /* 5.2, LX2160A, 39 bits: a page that dma_alloc_coherent() mapped */
        {0x000000237fffb003, 1, POINTER, 0x237fffb000},
        {0x00e800236d62270f, 0, R | W | D | G, 0x236d622000},
        /* 7.0-rc4, linear map: UXNTable, PXNTable; a 2M section made invalid,
         * "level 2 translation fault" */
        {0x180000009fffe403, 2, POINTER, 0x9fffe000},
        {0x00e8000199600704, 1, ABSENT, 0},
        /* 6.10-rc1: a page that debug_pagealloc took away */
        {0x0068000046705406, 0, ABSENT, 0},
    };
    static const struct vector large[] = {
        /* 64K pages, Cavium ThunderX2; the kernel printed pfn 8023a */
        {0x000000176bae0003, 2, POINTER, 0x176bae0000},
        {0x000000174ad60003, 1, POINTER, 0x174ad60000},
        {0x00e80008023a0f53, 0, R | W | U | D, 0x8023a0000},
    };
    static const struct pt_options lpa2 = {.isa = "armv8", .vaddr_bits = 52};

    (void) state;
    CHECK(&v8_4k, small);
    CHECK(&v8_64k, large);
    /* The same kernel with 52 bits prints the same words below 256 TiB. */
    check(&lpa2, small, 2);
    check(&lpa2, &small[7], 1);
}

static void armv8_words_are_those_of_linux(void **state)
{
    struct pt_format format = format_of(&v8_4k);

    (void) state;
    assert_true(format.make_leaf(&format, (pfn_t){0xb9ba}, 0, R | W | U | D,
                                 true) == 0x00e800000b9baf43);
    /* PAGE_READONLY_EXEC: RDONLY, nG, PXN */
    assert_true(format.make_leaf(&format, (pfn_t){0xb9ba}, 0, R | X | U,
                                 true) == 0x002000000b9bafc3);
    /* PAGE_SHARED, clean: RDONLY and WRITE (DBM) */
    assert_true(format.make_leaf(&format, (pfn_t){0xb9ba}, 0, R | W | U,
                                 true) == 0x006800000b9bafc3);
    /* PAGE_KERNEL_ROX as a section */
    assert_true(format.make_leaf(&format, (pfn_t){0x9600}, 1, R | X | G,
                                 true) == 0x0040000009600781);
    assert_true(format.make_table(&format, 0x176bae000, 2) == 0x176bae003);
}

/* 52 bits: DDI 0487 D8.3. 4K and 16K with DS: address 51:50 in bits 9:8, 49:48
 * in place; 64K: 51:48 in bits 15:12. */
static void high_address_bits_move(void **state)
{
    static const struct pt_options ds[] = {
        {.isa = "armv8", .vaddr_bits = 52},
        {.isa = "armv8", .vaddr_bits = 52, .granule_bytes = 16384},
    };
    static const struct pt_options lpa = {
        .isa = "armv8", .vaddr_bits = 52, .granule_bytes = 65536};
    struct pt_format format;

    (void) state;
    for (int i = 0; i < 2; i++) {
        format = format_of(&ds[i]);
        assert_true(format.make_leaf(&format, (pfn_t){UINT64_C(0xf) << 36}, 0,
                                     R | W | U | D,
                                     true) == 0x00eb000000000f43);
        assert_true(format.make_table(&format, UINT64_C(0x6) << 48, 1) ==
                    0x0002000000000103);
    }
    format = format_of(&lpa);
    assert_true(format.make_leaf(&format, (pfn_t){UINT64_C(0xa0000) << 20}, 0,
                                 R | W | U | D, true) == 0x00e800000000af43);
    assert_true(format.make_table(&format, UINT64_C(0x6) << 48, 1) == 0x6003);
}

static void linux_on_armv7(void **state)
{
    static const struct pt_options options = {.isa = "armv7"};
    static const struct vector vectors[] = {
        /* 5.6-rc2 next, Exynos: a module's read-only data; pgd and ppte */
        {0x59344811, 1, POINTER, 0x59344800},
        {0x5903c65f, 0, R | G, 0x5903c000},
        /* a user's mapping of /dev/mem, read-only */
        {0x1e7ce831, 1, POINTER, 0x1e7ce800},
        {0x40000e33, 0, R | U, 0x40000000},
        /* 5.13.3, BeagleBone: ioremap() */
        {0x82c1d811, 1, POINTER, 0x82c1d800},
        {0x4a326453, 0, R | W | D | G, 0x4a326000},
        /* what *ppte shows of a page that is not there, or not young */
        {0x00000000, 0, ABSENT, 0},
    };
    struct pt_format format = format_of(&options);

    (void) state;
    CHECK(&options, vectors);
    assert_true(format.make_table(&format, 0x1e7ce800, 1) == 0x1e7ce831);
    assert_true(format.make_leaf(&format, (pfn_t){0x5903c}, 0, R | G, true) ==
                0x5903c65f);
    assert_true(format.make_leaf(&format, (pfn_t){0x12345}, 0,
                                 R | W | X | U | D, true) == 0x12345c7e);
}

/* DDI 0406C B3.5.1: a large page's XN is bit 15 and its TEX 14:12, where a
 * small page has bits 0 and 8:6; a supersection has no domain and bit 18 set.
 */
static void armv7_runs_have_their_bits_elsewhere(void **state)
{
    static const struct pt_options options = {.isa = "armv7"};
    struct pt_format format = format_of(&options);

    (void) state;
    assert_true(format.join(&format, 0x12345c7e, 0) == 0x12341c3d);
    assert_true(format.join(&format, 0x12345c7f, 0) == 0x12349c3d);
    assert_true(format.join(&format, 0x1230045e, 1) == 0x1204041e);
}

static void linux_on_armv7_lpae(void **state)
{
    static const struct pt_options options = {.isa = "armv7",
                                              .variant = "lpae"};
    static const struct vector vectors[] = {
        /* 6.15-rc5, Versatile Express: L_PGD_SWAPPER is bit 55 */
        {0x0080000080005003, 2, POINTER, 0x80005000},
        {0x43d6d003, 2, POINTER, 0x43d6d000},
    };

    (void) state;
    CHECK(&options, vectors);
}

static void linux_on_riscv(void **state)
{
    static const struct pt_options options = {.isa = "riscv", .n_levels = 5};
    static const struct vector vectors[] = {
        /* 6.15, 57 bits: pgd, p4d, pud, pmd */
        {0x407e8801, 4, POINTER, 0x101fa2000},
        {0x406a9001, 3, POINTER, 0x101aa4000},
        {0x407ad001, 1, POINTER, 0x101eb4000},
        {0x11fffd401, 3, POINTER, 0x47fff5000},
    };
    struct pt_format format = format_of(&options);

    (void) state;
    CHECK(&options, vectors);
    assert_true(format.make_table(&format, 0x101fa2000, 4) == 0x407e8801);
    /* PAGE_SHARED with A and D; PAGE_READ_EXEC: _PAGE_* of
     * arch/riscv/include/asm/pgtable-bits.h */
    assert_true(format.make_leaf(&format, (pfn_t){0x80200}, 0, R | W | U | D,
                                 true) == 0x200800d7);
    assert_true(format.make_leaf(&format, (pfn_t){0x80200}, 1, R | X | U,
                                 true) == 0x2008005b);
    /* Svnapot: bit 63, ppn[3:0] = 1000 */
    assert_true(format.join(&format, 0x200814d7, 0) == 0x80000000200820d7);
}

static void linux_on_i386(void **state)
{
    static const struct pt_options options = {.isa = "i386"};
    static const struct vector vectors[] = {
        {0x03d7b063, 1, POINTER, 0x3d7b000}, /* 6.3-rc7, a laptop */
        {0x0370a062, 0, ABSENT, 0},          /* its debug_pagealloc */
        {0x00490067, 1, POINTER, 0x490000},  /* 2.6.16-rc2 */
    };
    struct pt_format format = format_of(&options);

    (void) state;
    CHECK(&options, vectors);
    assert_true(format.make_table(&format, 0x490000, 1) == 0x00490067);
    /* _PAGE_KERNEL | _PAGE_PSE, global: 0x1e3 */
    assert_true(format.make_leaf(&format, (pfn_t){0x400}, 1, R | W | X | D | G,
                                 true) == 0x004001e3);
}

static void kvm_on_ept(void **state)
{
    static const struct pt_options options = {.isa = "x86-64",
                                              .stage = PT_STAGE_2};
    static const struct vector vectors[] = {
        /* November 2020, Ice Lake, get_mmio_spte(): levels 4, 3 and 2; the
         * last is an MMIO one, "reserved bits": W and X without R */
        {0xfcd210107, 3, POINTER, 0xfcd210000},
        {0x1004c40107, 2, POINTER, 0x1004c40000},
        {0x1004c41107, 1, POINTER, 0x1004c41000},
        {0x1db00000000b83b6, 0, RESERVED, 0},
        /* 5.4, walk_shadow_page_get_mmio_spte(): bit 52 is KVM's */
        {0x1000007abb7007, 3, POINTER, 0x7abb7000},
        {0x1000005d48fc76, 0, RESERVED, 0},
        /* not printed: a page of KVM's, with its bits 11 and 57 */
        {0x0200000077a00b77, 0, R | W | X | U | D, 0x77a00000},
    };
    struct pt_format format = format_of(&options);

    (void) state;
    CHECK(&options, vectors);
    assert_true(format.make_table(&format, 0xfcd210000, 3) == 0xfcd210107);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linux_on_armv8),
        cmocka_unit_test(armv8_words_are_those_of_linux),
        cmocka_unit_test(high_address_bits_move),
        cmocka_unit_test(linux_on_armv7),
        cmocka_unit_test(armv7_runs_have_their_bits_elsewhere),
        cmocka_unit_test(linux_on_armv7_lpae),
        cmocka_unit_test(linux_on_riscv),
        cmocka_unit_test(linux_on_i386),
        cmocka_unit_test(kvm_on_ept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
