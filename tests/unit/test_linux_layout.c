/* SPDX-License-Identifier: MIT */
/*
 * The kernel's address maps against the tables of its documentation (v4.6
 * Documentation/x86/x86_64/mm.txt, mm.rst for five levels, arm64 memory.rst),
 * written here as first and last addresses, and the conversions against values
 * computed by hand from them.
 */
#include "mmusim/linux.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define GIB (UINT64_C(1) << 30)

static mmusim_linux_layout_t layout_of(const char *name)
{
    const mmusim_linux_memory_t memory = {0, 64 * GIB};
    mmusim_linux_layout_t layout;

    assert_int_equal(mmusim_linux_layout_init(name, &memory, &layout),
                     MMUSIM_OK);
    return layout;
}

static void expect_region(const mmusim_linux_region_t *region, uint64_t first,
                          uint64_t last)
{
    assert_int_equal(region->start, first);
    assert_int_equal(region->start + region->bytes - 1, last);
}

static void test_map_of_4_6(void **state)
{
    mmusim_linux_layout_t layout = layout_of("x86-64-4.6");

    (void) state;
    expect_region(&layout.direct, 0xffff880000000000, 0xffffc7ffffffffff);
    expect_region(&layout.vmalloc, 0xffffc90000000000, 0xffffe8ffffffffff);
    expect_region(&layout.vmemmap, 0xffffea0000000000, 0xffffeaffffffffff);
    expect_region(&layout.image, 0xffffffff80000000, 0xffffffff9fffffff);
    expect_region(&layout.modules, 0xffffffffa0000000, 0xffffffffff5fffff);
}

static void test_map_of_five_levels(void **state)
{
    mmusim_linux_layout_t layout = layout_of("x86-64-la57");

    (void) state;
    expect_region(&layout.direct, 0xff11000000000000, 0xff90ffffffffffff);
    expect_region(&layout.vmalloc, 0xffa0000000000000, 0xffd1ffffffffffff);
    expect_region(&layout.vmemmap, 0xffd4000000000000, 0xffd5ffffffffffff);
    assert_int_equal(layout_of("x86-64").direct.start, 0xffff888000000000);
}

static void test_maps_of_arm64(void **state)
{
    mmusim_linux_layout_t old = layout_of("arm64-4.6");
    mmusim_linux_layout_t mid = layout_of("arm64-6.8");
    mmusim_linux_layout_t new = layout_of("arm64-7.1");

    (void) state;
    expect_region(&old.modules, 0xffff000000000000, 0xffff000007ffffff);
    expect_region(&old.vmalloc, 0xffff000008000000, 0xffff7dffbffeffff);
    expect_region(&old.vmemmap, 0xffff7e0000000000, 0xffff7fffffffffff);
    expect_region(&old.direct, 0xffff800000000000, 0xffffffffffffffff);
    expect_region(&mid.direct, 0xffff000000000000, 0xffff7fffffffffff);
    expect_region(&mid.modules, 0xffff800000000000, 0xffff80007fffffff);
    expect_region(&mid.vmalloc, 0xffff800080000000, 0xfffffbffefffffff);
    expect_region(&mid.vmemmap, 0xfffffc0000000000, 0xfffffdffffffffff);
    expect_region(&new.vmalloc, 0xffff800080000000, 0xfffffdffbf7fffff);
    expect_region(&new.vmemmap, 0xfffffdffc0000000, 0xffffffffbfffffff);
}

static void test_conversions_of_4_6(void **state)
{
    mmusim_linux_layout_t layout = layout_of("x86-64-4.6");
    uint64_t value = 0;

    (void) state;
    assert_int_equal(mmusim_linux_va(&layout, 0, &value), MMUSIM_OK);
    assert_int_equal(value, 0xffff880000000000);
    assert_int_equal(mmusim_linux_phys_to_virt(&layout, 0x12345678, &value),
                     MMUSIM_OK);
    assert_int_equal(value, 0xffff880012345678);
    assert_int_equal(mmusim_linux_pa(&layout, 0xffff880012345678, &value),
                     MMUSIM_OK);
    assert_int_equal(value, 0x12345678);
    /* The image's addresses: from phys 0. */
    assert_int_equal(mmusim_linux_pa(&layout, 0xffffffff81000010, &value),
                     MMUSIM_OK);
    assert_int_equal(value, 0x1000010);
    assert_int_equal(
        mmusim_linux_virt_to_phys(&layout, 0xffffffff9fffffff, &value),
        MMUSIM_OK);
    assert_int_equal(value, 0x1fffffff);
    /* struct page: 64 bytes each. */
    assert_int_equal(mmusim_linux_pfn_to_page(&layout, 0x12345, &value),
                     MMUSIM_OK);
    assert_int_equal(value, 0xffffea000048d140);
    assert_int_equal(mmusim_linux_page_to_pfn(&layout, value, &value),
                     MMUSIM_OK);
    assert_int_equal(value, 0x12345);
    assert_int_equal(
        mmusim_linux_page_to_phys(&layout, 0xffffea000048d140, &value),
        MMUSIM_OK);
    assert_int_equal(value, 0x12345000);
    assert_int_equal(
        mmusim_linux_virt_to_page(&layout, 0xffff880012345678, &value),
        MMUSIM_OK);
    assert_int_equal(value, 0xffffea000048d140);
    assert_int_equal(
        mmusim_linux_virt_to_page(&layout, 0xffffffff81000000, &value),
        MMUSIM_OK);
    assert_int_equal(value, 0xffffea0000040000);
}

/* What the kernel has no answer to leaves the result alone. */
static void test_refusals(void **state)
{
    mmusim_linux_layout_t layout = layout_of("x86-64-4.6");
    mmusim_linux_layout_t arm = layout_of("arm64-6.8");
    const mmusim_linux_memory_t odd = {0, 4095};
    const mmusim_linux_memory_t large = {0, UINT64_C(65) << 40};
    uint64_t value = 7;

    (void) state;
    assert_int_equal(mmusim_linux_va(&layout, 64 * GIB, &value), MMUSIM_USAGE);
    assert_int_equal(mmusim_linux_pa(&layout, 0x7f0000000000, &value),
                     MMUSIM_USAGE);
    assert_int_equal(mmusim_linux_pa(&layout, 0xffffc90000000000, &value),
                     MMUSIM_USAGE);
    assert_int_equal(
        mmusim_linux_pa(&layout, 0xffff880000000000 + 64 * GIB, &value),
        MMUSIM_USAGE);
    assert_int_equal(
        mmusim_linux_page_to_pfn(&layout, 0xffffea0000000001, &value),
        MMUSIM_USAGE);
    assert_int_equal(
        mmusim_linux_page_to_phys(&layout, 0xffffc90000000000, &value),
        MMUSIM_USAGE);
    assert_int_equal(mmusim_linux_pfn_to_page(&layout, 64 * GIB >> 12, &value),
                     MMUSIM_USAGE);
    assert_int_equal(mmusim_linux_pfn_to_page(&layout, UINT64_MAX, &value),
                     MMUSIM_USAGE);
    assert_int_equal(value, 7);
    assert_int_equal(mmusim_linux_layout_init("x86-64-4.7", &odd, &layout),
                     MMUSIM_USAGE);
    assert_int_equal(mmusim_linux_layout_init("x86-64-4.6", &odd, &layout),
                     MMUSIM_USAGE);
    assert_int_equal(mmusim_linux_layout_init("x86-64-4.6", &large, &layout),
                     MMUSIM_USAGE);
    assert_false(mmusim_linux_virt_addr_valid(&layout, 0xffffffffa0000000));
    assert_false(mmusim_linux_virt_addr_valid(&layout, 0xffff87ffffffffff));
    assert_true(mmusim_linux_virt_addr_valid(&layout, 0xffff880000000000));
    assert_true(mmusim_linux_virt_addr_valid(&layout, 0xffffffff81000000));
    /* arm64: the image is no linear address. */
    assert_false(mmusim_linux_virt_addr_valid(&arm, 0xffff800080000000));
    assert_int_equal(mmusim_linux_pa(&arm, 0xffff800080000000, &value),
                     MMUSIM_OK);
}

/* arm64 memory that begins at 1 GiB: the linear map begins with it, too. */
static void test_memory_that_begins_later(void **state)
{
    const mmusim_linux_memory_t memory = {GIB, 4 * GIB};
    mmusim_linux_layout_t layout;
    uint64_t value = 0;

    (void) state;
    assert_int_equal(mmusim_linux_layout_init("arm64-6.8", &memory, &layout),
                     MMUSIM_OK);
    assert_int_equal(mmusim_linux_va(&layout, GIB + 5, &value), MMUSIM_OK);
    assert_int_equal(value, 0xffff000000000005);
    assert_int_equal(mmusim_linux_pfn_to_page(&layout, GIB >> 12, &value),
                     MMUSIM_OK);
    assert_int_equal(value, 0xfffffc0000000000);
    assert_false(mmusim_linux_pfn_valid(&layout, (GIB >> 12) - 1));
    assert_int_equal(mmusim_linux_layout_init("x86-64", &memory, &layout),
                     MMUSIM_OK);
    assert_int_equal(mmusim_linux_va(&layout, GIB + 5, &value), MMUSIM_OK);
    assert_int_equal(value, 0xffff888040000005);
}

static void test_every_frame_of_every_map(void **state)
{
    const char *name;

    (void) state;
    for (size_t i = 0; (name = mmusim_linux_layout_name_at(i)); i++) {
        mmusim_linux_layout_t layout = layout_of(name);

        for (uint64_t pfn = 0; pfn < 64 * GIB >> 12; pfn += 4093) {
            uint64_t page = 0;
            uint64_t vaddr = 0;
            uint64_t back = 0;

            assert_int_equal(mmusim_linux_va(&layout, pfn << 12, &vaddr), 0);
            assert_int_equal(mmusim_linux_virt_to_page(&layout, vaddr, &page),
                             0);
            assert_int_equal(mmusim_linux_page_to_pfn(&layout, page, &back), 0);
            assert_int_equal(back, pfn);
            assert_int_equal(mmusim_linux_virt_to_phys(&layout, vaddr, &back),
                             0);
            assert_int_equal(back, pfn << 12);
            assert_true(mmusim_linux_virt_addr_valid(&layout, vaddr));
        }
        assert_false(mmusim_linux_pfn_valid(&layout, 64 * GIB >> 12));
    }
    assert_int_equal(strcmp(mmusim_linux_layout_name_at(0), "x86-64-4.6"), 0);
}

static void test_pte_same(void **state)
{
    mmusim_linux_layout_t x86 = layout_of("x86-64-4.6");
    mmusim_linux_layout_t arm = layout_of("arm64-4.6");

    (void) state;
    assert_true(mmusim_linux_pte_same(&x86, 0x67, 0x67));
    assert_false(mmusim_linux_pte_same(&x86, 0x67, 0x27)); /* D differs */
    /* PTE_RDONLY, of present entries only. */
    assert_true(mmusim_linux_pte_same(&arm, 0x83, 0x03));
    assert_false(mmusim_linux_pte_same(&arm, 0x80, 0x00));
    assert_false(mmusim_linux_pte_same(&arm, 0x83, 0x03 | UINT64_C(1) << 55));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_map_of_4_6),
        cmocka_unit_test(test_map_of_five_levels),
        cmocka_unit_test(test_maps_of_arm64),
        cmocka_unit_test(test_conversions_of_4_6),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_memory_that_begins_later),
        cmocka_unit_test(test_every_frame_of_every_map),
        cmocka_unit_test(test_pte_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
