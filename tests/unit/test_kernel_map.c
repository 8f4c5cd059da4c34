/* SPDX-License-Identifier: MIT */
/*
 * The kernel's own mappings on a whole machine: pages of which size they are,
 * that nobody faults on them, that nobody unmaps them, and that programs
 * without kernel threads do not notice them.
 */
#include "os/kernel_map.h"
#include "support/machine_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define DIRECT  UINT64_C(0xffff880000000000)
#define IMAGE   UINT64_C(0xffffffff80000000)
#define VMEMMAP UINT64_C(0xffffea0000000000)
#define VMALLOC UINT64_C(0xffffc90000000000)
#define GIB     (UINT64_C(1) << 30)

/* One core in order; an L1 that holds every size. */
static void kernel_config(struct machine_config *config)
{
    run_config(config, 1);
    config->core.window = 0;
    config->os.memory_bytes = 8 * GIB;
}

static uint64_t stat_of(const struct machine_config *config,
                        struct program *program, const char *name)
{
    struct machine_run run;
    uint64_t value;

    run_well(&run, config, program);
    run_assert_laws(&run);
    value = run_stat(&run, name);
    run_fini(&run);
    return value;
}

static struct program *kernel_thread(void)
{
    struct program *program = program_create();

    program_say(program, "1 kthread\n");
    return program;
}

static void direct_map_has_pages_of_1g(void **state)
{
    struct machine_config config;
    struct program *program = kernel_thread();

    (void) state;
    kernel_config(&config);
    for (uint32_t i = 0; i < 4; i++) {
        for (uint32_t j = 0; j < 4; j++)
            program_say(
                program, "1 r %#llx\n",
                (unsigned long long) (DIRECT + i * GIB + j * (GIB / 4)));
    }
    /* Four entries of the tables, four walks of two references. */
    assert_int_equal(stat_of(&config, program, "walker.walks"), 4);
    assert_int_equal(stat_of(&config, program, "faults.invalid"), 0);
    assert_int_equal(stat_of(&config, program, "faults.minor"), 0);
    assert_int_equal(stat_of(&config, program, "sim.implicit_pages"), 0);
    program_destroy(program);
}

static void image_and_struct_pages_have_pages_of_2m(void **state)
{
    struct machine_config config;
    struct program *program = kernel_thread();

    (void) state;
    kernel_config(&config);
    for (uint32_t i = 0; i < 8; i++) {
        /* 16 MiB of text: 8 pages; struct pages of 8 GiB: 128 MiB. */
        program_say(program, "1 i %#llx\n",
                    (unsigned long long) (IMAGE + i * (UINT64_C(1) << 21)));
        program_say(program, "1 r %#llx\n",
                    (unsigned long long) (VMEMMAP + i * (UINT64_C(1) << 24)));
        program_say(program, "1 r %#llx\n",
                    (unsigned long long) (VMEMMAP + i * (UINT64_C(1) << 24) +
                                          (UINT64_C(1) << 20)));
    }
    assert_int_equal(stat_of(&config, program, "walker.walks"), 16);
    assert_int_equal(stat_of(&config, program, "faults.invalid"), 0);
    assert_int_equal(stat_of(&config, program, "faults.minor"), 0);
    program_destroy(program);
}

/* No memory behind it; text is not written to, data is not run; and nobody
 * unmaps what boot has mapped. */
static void rights_and_bounds_hold(void **state)
{
    static const struct {
        const char *line;
        uint64_t vaddr;
    } cases[] = {
        {"r", DIRECT + 8 * GIB},
        {"i", DIRECT},
        {"w", IMAGE},
        {"i", IMAGE + (16 << 20)},
        {"r", IMAGE + (32 << 20)},
        {"r", VMEMMAP + (128 << 20)},
    };
    struct machine_config config;

    (void) state;
    kernel_config(&config);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct program *program = kernel_thread();

        program_say(program, "1 munmap %#llx 0x400000\n",
                    (unsigned long long) (cases[i].vaddr & ~0xfffULL));
        program_say(program, "1 mprotect %#llx 0x400000 rwx\n",
                    (unsigned long long) (cases[i].vaddr & ~0xfffULL));
        program_say(program, "1 %s %#llx\n", cases[i].line,
                    (unsigned long long) cases[i].vaddr);
        assert_int_equal(stat_of(&config, program, "faults.invalid"), 1);
        program_destroy(program);
    }
}

/* vmalloc is mapped and unmapped by the thread, with 4 KiB global pages. */
static void vmalloc_is_the_threads_own(void **state)
{
    struct machine_config config;
    struct program *program = kernel_thread();

    (void) state;
    kernel_config(&config);
    config.os.vmap_lazy_pages = 0;
    program_say(program, "1 mmap %#llx 0x4000 rw-\n",
                (unsigned long long) VMALLOC);
    for (uint32_t i = 0; i < 4; i++)
        program_say(program, "1 w %#llx\n",
                    (unsigned long long) (VMALLOC + i * 4096));
    program_say(program, "1 munmap %#llx 0x4000\n",
                (unsigned long long) VMALLOC);
    program_say(program, "1 r %#llx\n", (unsigned long long) VMALLOC);
    assert_int_equal(stat_of(&config, program, "faults.minor"), 4);
    assert_int_equal(stat_of(&config, program, "faults.invalid"), 1);
    program_destroy(program);
}

/* Maps, writes and unmaps n_areas of four pages, each where the last one was
 * not, or all at one place. */
static struct program *vmalloc_rounds(uint32_t n_areas, uint64_t step)
{
    struct program *program = kernel_thread();

    for (uint32_t i = 0; i < n_areas; i++) {
        unsigned long long base = VMALLOC + i * step;

        program_say(program,
                    "1 mmap %#llx 0x4000 rw-\n1 w %#llx\n1 w %#llx\n"
                    "1 munmap %#llx 0x4000\n",
                    base, base, base + 0x3000, base);
    }
    return program;
}

/* lazy_max_pages() of one CPU is the key's value; 4 pages an area. */
static void vfree_leaves_the_flush_to_a_purge(void **state)
{
    static const struct {
        uint64_t lazy_pages, step, purges, flushes;
    } cases[] = {
        {8192, 0x5000, 0, 0}, /* all wait */
        {20, 0x5000, 1, 1},   /* the sixth is one too many: 24 > 20 */
        {8, 0x5000, 3, 3},    /* every third: 12 > 8 */
        {8192, 0, 9, 9},      /* wanted again, but the first time */
        {0, 0x5000, 0, 10},   /* each flushes */
    };

    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct machine_config config;
        struct program *program = vmalloc_rounds(10, cases[i].step);
        uint64_t base;

        kernel_config(&config);
        config.os.vmap_lazy_pages = cases[i].lazy_pages;
        assert_int_equal(stat_of(&config, program, "vmalloc.purges"),
                         cases[i].purges);
        base = stat_of(&config, program, "core0.flush.local_pages") +
               stat_of(&config, program, "core0.flush.local_full");
        assert_true(cases[i].flushes ? base >= cases[i].flushes : base == 0);
        assert_int_equal(stat_of(&config, program, "faults.invalid"), 0);
        program_destroy(program);
    }
}

/* Layouts by architecture and version, and those that do not fit. */
static void layouts_follow_the_machine(void **state)
{
    static const struct {
        const char *protocol;
        enum isa isa;
        uint32_t n_levels;
        uint64_t direct;
    } cases[] = {
        {"linux-4.6", ISA_X86_64, 4, DIRECT},
        {"linux-4.6", ISA_X86_64, 5, UINT64_C(0xff11000000000000)},
        {"linux-arm64-4.20", ISA_ARMV8, 4, UINT64_C(0xffff800000000000)},
        {"linux-arm64-6.8", ISA_ARMV8, 4, UINT64_C(0xffff000000000000)},
        {"linux-arm64-7.1", ISA_ARMV8, 4, UINT64_C(0xffff000000000000)},
    };

    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct machine_config config;
        struct program *program = kernel_thread();
        uint64_t page = cases[i].direct + (GIB + (UINT64_C(5) << 21));

        kernel_config(&config);
        config.isa = cases[i].isa;
        config.page_table.n_levels = cases[i].n_levels;
        config.os.has_protocol = true;
        strcpy(config.os.protocol, cases[i].protocol);
        mmusim__machine_config_usual(&config);
        mmusim__machine_config_finish(&config);
        program_say(program, "1 r %#llx\n", (unsigned long long) page);
        assert_int_equal(stat_of(&config, program, "faults.minor"), 0);
        assert_int_equal(stat_of(&config, program, "faults.invalid"), 0);
        assert_int_equal(stat_of(&config, program, "sim.implicit_pages"), 0);
        config.os.kernel_map = KERNEL_MAP_NONE;
        assert_int_equal(stat_of(&config, program, "sim.implicit_pages"), 1);
        program_destroy(program);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(direct_map_has_pages_of_1g),
        cmocka_unit_test(image_and_struct_pages_have_pages_of_2m),
        cmocka_unit_test(rights_and_bounds_hold),
        cmocka_unit_test(vmalloc_is_the_threads_own),
        cmocka_unit_test(vfree_leaves_the_flush_to_a_purge),
        cmocka_unit_test(layouts_follow_the_machine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
