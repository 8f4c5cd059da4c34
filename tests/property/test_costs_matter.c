/* SPDX-License-Identifier: MIT */
/*
 * No time is silently free: for each key that is a time there is a machine,
 * one of a few small ones, on which another value changes the statistics of a
 * program that does a little of everything. Keys without effect are listed,
 * and must have none.
 */
#include "mmusim/config.h"
#include "mmusim/machine.h"
#include "mmusim/stats.h"
#include "mmusim/trace.h"
#include "support/temp_folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
    TEXT_BYTES_MAX = 1 << 20,
    N_MACHINES = 23,
    N_SETTINGS = 16,
    MORE_CYCLES = 137,
    KEYS_MAX = 320,
    KEY_BYTES = 96,
};

/* Each topology has one distance between CPUs, or one that is the longest; a
 * key counts if a machine has it. */
static const struct {
    const char *family; /* for keys that begin so, tried first; NULL: for all */
    const char *settings[N_SETTINGS];
} machines[N_MACHINES] = {
    {"ipi.",
     {"topology.cores_per_socket=1", "topology.sockets=4",
      "topology.links=ring", "ipi.mode=xapic", "ipi.delivery=nmi"}},
    {"ipi.", {"topology.cores_per_socket=4", "os.protocol=linux-6.14"}},
    {"dvm.", {"topology.cores_per_socket=4", "fabric=dvm"}},
    {"dvm.",
     {"topology.cores_per_socket=1", "topology.threads_per_core=2",
      "fabric=dvm"}},
    {"dvm.",
     {"topology.cores_per_socket=1", "topology.sockets=4",
      "topology.links=ring", "fabric=dvm"}},
    {"invlpgb.", {"topology.cores_per_socket=4", "fabric=invlpgb"}},
    {"invlpgb.",
     {"topology.cores_per_socket=1", "topology.threads_per_core=2",
      "fabric=invlpgb"}},
    {"invlpgb.",
     {"topology.cores_per_socket=1", "topology.sockets=4",
      "topology.links=ring", "fabric=invlpgb"}},
    {"rar.", {"topology.cores_per_socket=4", "fabric=rar"}},
    {"virt.",
     {"topology.cores_per_socket=4", "virt.interrupts=exits",
      "virt.pv_flush=true", "virt.preempt_period_cycles=30000",
      "virt.preempt_cycles=30000"}},
    {"virt.", {"topology.cores_per_socket=4", "virt.interrupts=posted"}},
    {"virt.", {"topology.cores_per_socket=4", "virt.enabled=true"}},
    {"nested_", {"topology.cores_per_socket=4", "virt.enabled=true"}},
    {"cost.",
     {"topology.cores_per_socket=4", "os.protocol=linux-4.20",
      "os.timeslice_cycles=20000"}},
    {"cost.", {"topology.cores_per_socket=4", "isa=armv8"}},
    {"cost.", {"topology.cores_per_socket=4", "isa=riscv"}},
    {"cost.", /* with os.swap: runs say_pressure() */
     {"topology.cores_per_socket=2", "os.swap=32M", "os.memory=4M",
      "os.page_cache=cold", "os.readahead_pages=4"}},
    {"iommu.", /* runs say_devices() */
     {"topology.cores_per_socket=2", "iommu.devices=1"}},
    {NULL, /* runs say_equals() */
     {"topology.cores_per_socket=3", "os.ksm.run=true",
      "os.ksm.sleep_cycles=500", "os.ksm.pages_to_scan=1",
      "os.ksm.duplicate_ppm=1000000"}},
    {NULL,
     {"topology.cores_per_socket=4", "os.timeslice_cycles=20000",
      "page_table.levels=5", "psc.pml5e.entries=2", "os.flush_ceiling=16",
      "os.thp=always", "os.numa_balancing=true",
      "os.numa_scan_period_cycles=100000",
      "os.khugepaged_sleep_cycles=200000"}},
    {NULL,
     {"topology.cores_per_socket=4", "memory.model=hierarchy",
      "prefetch.policy=next-page", "memory.data=true", "memory.l1d.size=4K",
      "memory.l2.size=8K", "memory.llc.size=16K", "os.page_cache=cold",
      "os.flush_ceiling=16"}},
    {NULL,
     {"topology.cores_per_socket=1", "topology.threads_per_core=2",
      "x86.invpcid=false", "os.flush_ceiling=16", "tlb.l1d.0.smt=shared",
      "tlb.l3.0.entries=1024", "psc.kind=page-directory"}},
    {NULL,
     {"topology.cores_per_socket=1", "topology.sockets=2",
      "memory.model=hierarchy", "memory.llc.size=0", "memory.l2.size=0",
      "tlb.l1s.0.entries=16", "tlb.l2=[]", "tlb.l2i.0.entries=256",
      "tlb.l1i.0.entries=16", "tlb.l2d.0.entries=64"}},
};

/* Operations that stay in the core are those of an Armv7 without broadcast, for
 * which the program's addresses are too long; test_broadcast.c has their time.
 */
static const char *const without_effect[] = {"dvm.local_cycles",
                                             "dvm.sync_local_cycles"};

struct text {
    char *at;
    size_t used;
};

static void say(struct text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void say(struct text *text, const char *format, ...)
{
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(text->at + text->used, TEXT_BYTES_MAX - text->used, format,
                  args);
    va_end(args);
    assert_true(n > 0 && (size_t) n < TEXT_BYTES_MAX - text->used);
    text->used += (size_t) n;
}

static void say_maps(struct text *text)
{
    say(text, "1 mmap 0x10000000 0x400000 rw- anon\n"
              "1 mmap 0x20000000 0x40000 r-- file:lib@0\n"
              "1 mmap 0x40000000 0x40000000 rw- anon huge=2M\n"
              "1 mmap 0x10000000000 0x80000000 rw- anon huge=1G\n"
              "1 mmap 0x7f0000000000 0x10000 rw- anon\n"
              "1 mmap 0x500000 0x200000 rwx anon\n"
              "1 brk 0x900000\n1 brk 0x940000\n"
              "1 mmap 0xa00000 0x400000 rwx anon huge=2M\n"
              "1 mmap 0xa0000000 0x1000 rw- anon shared\n"
              "1 r 0xa0000000 8\n1 n 200\n1 w 0xa0000000 8\n"
              "1 clone 2\n1 clone 3\n1 clone 4\n1 clone 5\n");
}

/* A thread touches every array of the TLBs, both sides. */
static void say_touches(struct text *text, unsigned tid)
{
    for (unsigned page = 0; page < 300; page++) {
        say(text, "%u %c 0x%x 8\n%u n 30\n", tid, page % 3 ? 'r' : 'w',
            0x10000000 + page * 4096 + page % 64 * 64, tid);
        if (page % 2 == 0)
            say(text, "%u i 0x%x 20 80\n", tid, 0x500000 + page % 200 * 4096);
    }
    for (unsigned page = 0; page < 50; page++)
        say(text, "%u w 0x%x 8\n", tid, 0x40000000 + page * 0x200000);
    /* far enough apart that the first of each is not still being walked */
    for (unsigned round = 0; round < 3; round++)
        say(text,
            "%u w 0x40000000 8\n%u i 0xa00000 200\n%u w 0x7f0000000000 8\n"
            "%u r 0x20000000 8\n%u r 0x10000000000 8\n"
            "%u r 0x10040000000 8\n%u n 200\n",
            tid, tid, tid, tid, tid, tid, tid);
}

static void say_calls(struct text *text)
{
    say(text, "1 madvise 0x10000000 0x8000 dontneed\n1 r 0x10000000 8\n"
              "1 mprotect 0x10010000 0x4000 r--\n"
              "2 mprotect 0x10010000 0x4000 rw-\n1 w 0x10010000 8\n"
              "3 munmap 0x10200000 0x60000\n"
              "2 madvise 0x10080000 0x80000 dontneed\n"
              "1 migrate 0x10100000 0x10000\n2 idle 100000\n1 madvise "
              "0x10000000 0x8000 dontneed\n");
}

static void say_kernel(struct text *text)
{
    say(text, "6 kthread\n6 mmap 0xffffe90000000000 0x40000 rw- anon\n");
    for (unsigned page = 0; page < 64; page++)
        say(text, "6 w 0x%llx 8\n",
            0xffffe90000000000ULL + (unsigned long long) page * 4096);
    say(text, "6 munmap 0xffffe90000000000 0x40000\n");
}

static void say_processes(struct text *text)
{
    say(text, "1 mremap 0x10080000 0x10000 0x30000000 0x10000\n1 fork 7\n");
    for (unsigned page = 0; page < 40; page++)
        say(text, "1 w 0x%x 8\n7 w 0x%x 8\n", 0x10000000 + page * 4096,
            0x10000000 + page * 4096);
    say(text, "7 exec\n7 mmap 0x10000000 0x40000 rw- anon\n"
              "7 w 0x10000000 8\n");
    for (unsigned tid = 1; tid <= 7; tid++)
        say(text, "%u exit\n", tid);
}

/* More than 4 MiB of everything, so that reclaim has to choose. */
static void say_pressure(struct text *text)
{
    say(text, "1 mmap 0x10000000 0x300000 r-- file:big@0\n"
              "1 mmap 0x20000000 0x100000 rw- file:written@0 shared\n"
              "1 mmap 0x30000000 0x500000 rw- anon\n1 clone 2\n");
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned page = 0; page < 1200; page++)
            say(text, "1 w 0x%x 8\n1 n 50\n2 r 0x%x 8\n2 n 50\n2 w 0x%x 8\n",
                0x30000000 + page * 4096, 0x10000000 + page % 768 * 4096,
                0x20000000 + page % 256 * 4096);
    }
}

static void say_devices(struct text *text)
{
    say(text, "1 mmap 0x10000000 0x20000 rw- anon\n1 w 0x10000000 8\n"
              "1 dma 0x10000000 0x8000 w\n1 dma 0x10000000 0x8000 r\n"
              "1 munmap 0x10002000 0x2000\n1 exit\n");
}

/* Two processes with the same pages, which are merged, and written again. */
static void say_equals(struct text *text)
{
    for (unsigned tid = 1; tid <= 2; tid++)
        say(text,
            "%u mmap 0x10000000 0x20000 rw- anon\n"
            "%u madvise 0x10000000 0x20000 mergeable\n",
            tid, tid);
    for (unsigned step = 0; step < 2000; step++) {
        unsigned vaddr = 0x10000000 + step / 50 % 32 * 4096;

        say(text, "1 w 0x%x 8\n1 n 2000\n2 w 0x%x 8\n2 n 2000\n", vaddr, vaddr);
    }
}

struct world {
    struct temp_folder *folder;
    mmusim_trace_t *trace, *pressure, *devices, *equals;
    mmusim_config_t *configs[N_MACHINES];
    mmusim_stats_t *stats[N_MACHINES];
};

static bool has(const mmusim_config_t *config, const char *key)
{
    char value[64];

    return !mmusim_config_get(config, key, value, sizeof(value)) &&
           strcmp(value, "0") != 0;
}

static bool is_true(const mmusim_config_t *config, const char *key)
{
    char value[64];

    return !mmusim_config_get(config, key, value, sizeof(value)) &&
           !strcmp(value, "true");
}

static mmusim_trace_t *trace_for(const struct world *world,
                                 const mmusim_config_t *config)
{
    if (has(config, "iommu.devices"))
        return world->devices;
    if (is_true(config, "os.ksm.run"))
        return world->equals;
    return has(config, "os.swap") ? world->pressure : world->trace;
}

static mmusim_stats_t *run(struct world *world, const mmusim_config_t *config)
{
    mmusim_diag_t diag = {0};
    mmusim_machine_t *machine = NULL;
    mmusim_source_t *source = NULL;
    mmusim_stats_t *stats = NULL;

    if (mmusim_machine_create(config, &machine, &diag) ||
        mmusim_trace_source(trace_for(world, config), &source, &diag) ||
        mmusim_machine_run(machine, source, &diag) ||
        mmusim_machine_stats(machine, &stats))
        fail_msg("%s: %s", diag.key, diag.text);
    mmusim_source_destroy(source);
    mmusim_machine_destroy(machine);
    return stats;
}

static mmusim_config_t *configure(const char *const *settings)
{
    mmusim_config_t *config;

    assert_int_equal(mmusim_config_create(&config), 0);
    /* Small: builds that check every entry at each step spend half as long. */
    assert_int_equal(mmusim_config_set(config, "tlb.l2.0.entries", "64", NULL),
                     0);
    for (size_t i = 0; i < N_SETTINGS && settings[i]; i++) {
        char key[KEY_BYTES];
        const char *value = strchr(settings[i], '=');

        snprintf(key, sizeof(key), "%.*s", (int) (value - settings[i]),
                 settings[i]);
        assert_int_equal(mmusim_config_set(config, key, value + 1, NULL), 0);
    }
    return config;
}

static mmusim_trace_t *open_program(struct world *world, const char *name,
                                    void (*say_it)(struct text *text))
{
    struct text text = {malloc(TEXT_BYTES_MAX), 0};
    mmusim_trace_t *trace = NULL;
    mmusim_diag_t diag = {0};
    const char *path;

    if (!text.at)
        return NULL;
    say_it(&text);
    path = temp_folder_write(world->folder, name, text.at, text.used);
    if (!path || mmusim_trace_open(path, NULL, &trace, &diag))
        print_error("%s:%u: %s\n", diag.file, diag.line, diag.text);
    free(text.at);
    return trace;
}

static void say_all(struct text *text)
{
    say_maps(text);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned tid = 1; tid <= 5; tid++)
            say_touches(text, tid);
        say_calls(text);
    }
    say_kernel(text);
    say_processes(text);
}

static int setup(void **state)
{
    static struct world world;

    if (temp_folder_create(&world.folder))
        return -1;
    world.trace = open_program(&world, "all.txt", say_all);
    world.pressure = open_program(&world, "pressure.txt", say_pressure);
    world.devices = open_program(&world, "devices.txt", say_devices);
    world.equals = open_program(&world, "equals.txt", say_equals);
    if (!world.trace || !world.pressure || !world.devices || !world.equals)
        return -1;
    for (size_t i = 0; i < N_MACHINES; i++) {
        world.configs[i] = configure(machines[i].settings);
        world.stats[i] = run(&world, world.configs[i]);
    }
    *state = &world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;

    for (size_t i = 0; i < N_MACHINES; i++) {
        mmusim_stats_destroy(world->stats[i]);
        mmusim_config_destroy(world->configs[i]);
    }
    mmusim_trace_close(world->trace);
    mmusim_trace_close(world->pressure);
    mmusim_trace_close(world->devices);
    mmusim_trace_close(world->equals);
    temp_folder_destroy(world->folder);
    return 0;
}

static bool are_equal(const mmusim_stats_t *a, const mmusim_stats_t *b)
{
    size_t n = mmusim_stats_count(a);

    if (n != mmusim_stats_count(b))
        return false;
    for (size_t i = 0; i < n; i++) {
        mmusim_stat_t one, other;

        mmusim_stats_at(a, i, &one);
        mmusim_stats_at(b, i, &other);
        if (one.value != other.value)
            return false;
    }
    return true;
}

/* Whether another value of the key is refused or changes what comes out. */
static bool matters_on(struct world *world, size_t index, const char *key)
{
    mmusim_config_t *config;
    mmusim_stats_t *stats;
    char value[64];
    bool is_equal;

    if (mmusim_config_get(world->configs[index], key, value, sizeof(value)))
        return false;
    snprintf(value, sizeof(value), "%llu",
             strtoull(value, NULL, 10) + MORE_CYCLES);
    assert_int_equal(mmusim_config_copy(world->configs[index], &config), 0);
    assert_int_equal(mmusim_config_set(config, key, value, NULL), 0);
    if (mmusim_config_check(config, NULL)) {
        mmusim_config_destroy(config);
        return true;
    }
    stats = run(world, config);
    is_equal = are_equal(stats, world->stats[index]);
    mmusim_stats_destroy(stats);
    mmusim_config_destroy(config);
    return !is_equal;
}

static bool is_family(size_t index, const char *key)
{
    const char *family = machines[index].family;

    return family && !strncmp(family, key, strlen(family));
}

/* On one of the machines made for keys like it, or on one of the others. */
static bool matters(struct world *world, const char *key)
{
    for (size_t i = 0; i < N_MACHINES; i++) {
        if (is_family(i, key) && matters_on(world, i, key))
            return true;
    }
    for (size_t i = 0; i < N_MACHINES; i++) {
        if (!machines[i].family && matters_on(world, i, key))
            return true;
    }
    return false;
}

struct keys {
    char names[KEYS_MAX][KEY_BYTES];
    size_t n;
};

static int collect_time(void *context, const mmusim_config_item_t *item)
{
    struct keys *keys = context;

    for (size_t i = 0; i < keys->n; i++) {
        if (!strcmp(keys->names[i], item->key))
            return 0;
    }
    if (!strcmp(item->unit, "cycles")) {
        assert_true(keys->n < KEYS_MAX);
        snprintf(keys->names[keys->n++], KEY_BYTES, "%s", item->key);
    }
    return 0;
}

static bool should_matter(const char *key)
{
    for (size_t i = 0; i < sizeof(without_effect) / sizeof(without_effect[0]);
         i++) {
        if (!strcmp(without_effect[i], key))
            return false;
    }
    return true;
}

static void each_time_changes_what_comes_out(void **state)
{
    struct world *world = *state;
    struct keys keys = {.n = 0};
    uint32_t n_wrong = 0;

    for (size_t i = 0; i < N_MACHINES; i++)
        mmusim_config_each(world->configs[i], collect_time, &keys);
    assert_true(keys.n > 50);
    for (size_t i = 0; i < keys.n; i++) {
        bool has_effect = matters(world, keys.names[i]);

        if (has_effect == should_matter(keys.names[i]))
            continue;
        print_error("%s %s\n", keys.names[i],
                    has_effect ? "has an effect after all" : "has no effect");
        n_wrong++;
    }
    assert_int_equal(n_wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_time_changes_what_comes_out),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
