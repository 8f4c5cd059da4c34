/* SPDX-License-Identifier: MIT */
/* See racing_program.h. */
#include "support/racing_program.h"

#include "core/rng.h"

enum {
    RACING_PAGES = 12,      /* small ones that all use */
    RACING_MAX_FORKS = 6,   /* children in all */
    RACING_CHILD_STEPS = 6, /* operations of each */
};

#define RACING_BASE  UINT64_C(0x10000000)
#define RACING_OTHER UINT64_C(0x14000000) /* where mremap moves to */
#define RACING_FILE  UINT64_C(0x18000000)
#define RACING_BIG   UINT64_C(0x20000000)
#define RACING_LARGE UINT64_C(0x40000000)
#define RACING_THP   UINT64_C(0x48000000)

struct racing {
    struct program *program;
    const struct racing_limits *limits;
    struct rng rng;
    uint32_t n_tids;
    uint32_t n_forks;
};

static uint32_t below(struct racing *racing, uint32_t bound)
{
    return mmusim__rng_below(&racing->rng, bound);
}

/* An area that threads share, and how many small pages of it are used. */
static uint64_t racing_area(struct racing *racing, uint32_t *n_pages)
{
    uint32_t pick = below(racing, racing->limits->has_large ? 9 : 8);

    *n_pages = RACING_PAGES;
    if (racing->limits->has_thp && below(racing, 6) == 0) {
        *n_pages = 1024;
        return RACING_THP;
    }
    if (pick < 5)
        return RACING_BASE;
    if (pick < 6)
        return RACING_OTHER;
    if (pick < 8) {
        *n_pages = 8;
        return RACING_FILE;
    }
    *n_pages = 1024; /* two of 2M */
    return RACING_LARGE;
}

static void racing_access(struct racing *racing, uint32_t tid)
{
    uint32_t n_pages;
    uint64_t area = racing_area(racing, &n_pages);
    uint64_t vaddr;

    if (racing->limits->has_pressure && below(racing, 12) == 0) {
        area = RACING_BIG;
        n_pages = RACING_BIG_PAGES;
    }
    vaddr = area + ((uint64_t) below(racing, n_pages) << 12);

    program_say(racing->program, "%u i 0x400000 %u 16\n%u %s %#llx", tid,
                1 + below(racing, 3), tid, below(racing, 2) ? "w" : "r",
                (unsigned long long) vaddr + 8 * below(racing, 500));
}

static void racing_range(struct racing *racing, uint32_t tid, const char *verb,
                         const char *rest)
{
    uint32_t n_pages;
    uint64_t area = racing_area(racing, &n_pages);
    uint32_t first = below(racing, n_pages);
    uint32_t n = 1 + below(racing, below(racing, 4) ? 4 : 40);

    if (area == RACING_LARGE || (area == RACING_THP && below(racing, 2))) {
        first = below(racing, 2) * 512;
        n = 512;
    } else if (n > n_pages - first) {
        n = n_pages - first;
    }
    program_say(racing->program, "%u %s %#llx %#llx %s", tid, verb,
                (unsigned long long) area + ((uint64_t) first << 12),
                (unsigned long long) n << 12, rest);
}

static void racing_merge(struct racing *racing, uint32_t tid)
{
    if (racing->limits->has_thp)
        program_say(racing->program, "%u madvise %#llx 0x400000 mergeable", tid,
                    (unsigned long long) RACING_THP);
    program_say(racing->program, "%u madvise %#llx %#x mergeable", tid,
                (unsigned long long) RACING_BASE, RACING_PAGES << 12);
}

static void racing_map_all(struct racing *racing, uint32_t tid)
{
    if (racing->limits->has_thp)
        program_say(racing->program, "%u mmap %#llx 0x400000 rw-", tid,
                    (unsigned long long) RACING_THP);
    program_say(racing->program,
                "%u mmap %#llx %#x rw-\n"
                "%u mmap %#llx 0x8000 rw- file:f0 shared",
                tid, (unsigned long long) RACING_BASE, RACING_PAGES << 12, tid,
                (unsigned long long) RACING_FILE);
    if (racing->limits->has_pressure)
        program_say(racing->program, "%u mmap %#llx %#x rw- file:f1 shared",
                    tid, (unsigned long long) RACING_BIG,
                    RACING_BIG_PAGES << 12);
    if (racing->limits->has_large)
        program_say(racing->program, "%u mmap %#llx 0x400000 rw- huge=2M", tid,
                    (unsigned long long) RACING_LARGE);
    if (racing->limits->has_merging && below(racing, 4))
        racing_merge(racing, tid);
}

static void racing_mremap(struct racing *racing, uint32_t tid)
{
    bool is_back = below(racing, 2);
    uint64_t from = is_back ? RACING_OTHER : RACING_BASE;
    uint64_t to = is_back ? RACING_BASE : RACING_OTHER;
    uint32_t first = below(racing, RACING_PAGES - 4);

    from += (uint64_t) first << 12;
    to += (uint64_t) below(racing, RACING_PAGES - 4) << 12;
    program_say(racing->program, "%u mremap %#llx 0x4000 %#llx 0x4000", tid,
                (unsigned long long) from, (unsigned long long) to);
}

static void racing_steps(struct racing *racing, uint32_t tid, uint32_t n_steps,
                         bool is_child);

static void racing_fork(struct racing *racing, uint32_t tid, bool is_child)
{
    uint32_t child;

    if (is_child || racing->n_forks == RACING_MAX_FORKS)
        return;
    racing->n_forks++;
    child = ++racing->n_tids;
    program_say(racing->program, "%u fork %u", tid, child);
    racing_steps(racing, child, RACING_CHILD_STEPS, true);
    if (below(racing, 3) == 0)
        program_say(racing->program, "%u exec", child);
    program_say(racing->program, "%u exit", child);
}

static void racing_advise_merging(struct racing *racing, uint32_t tid)
{
    uint32_t pick = below(racing, 4);

    if (pick == 0)
        racing_range(racing, tid, "madvise", "unmergeable");
    else if (pick == 1)
        racing_range(racing, tid, "madvise", "mergeable");
    else
        program_say(racing->program, "%u clearrefs", tid);
}

/* What only some programs do. */
static void racing_rare(struct racing *racing, uint32_t tid)
{
    uint32_t pick = below(racing, racing->limits->has_merging ? 9 : 6);

    if (pick > 5) {
        racing_advise_merging(racing, tid);
        return;
    }
    if (pick == 5 && racing->limits->has_devices)
        racing_range(racing, tid, "dma", below(racing, 2) ? "w" : "r");
    else if (pick == 4)
        racing_range(racing, tid, "reclaim", "");
    else if (pick > 1)
        racing_range(racing, tid, "migrate", "");
    else
        racing_range(racing, tid, "madvise", pick ? "cold" : "pageout");
}

enum racing_op {
    RACE_MUNMAP,
    RACE_MAP,
    RACE_PROTECT,
    RACE_ALLOW,
    RACE_DONTNEED,
    RACE_FREE,
    RACE_MREMAP,
    RACE_FORK,
    RACE_MOVE,
    RACE_IDLE,
    RACE_RARE,
};

static void racing_do(struct racing *racing, uint32_t tid, enum racing_op op,
                      bool is_child)
{
    static const char *const rights[] = {"r--", "r--", "rwx", "---"};

    switch (op) {
    case RACE_RARE:
        racing_rare(racing, tid);
        return;
    case RACE_MUNMAP:
        racing_range(racing, tid, "munmap", "");
        return;
    case RACE_MAP:
        racing_map_all(racing, tid);
        return;
    case RACE_PROTECT:
        racing_range(racing, tid, "mprotect", rights[below(racing, 4)]);
        return;
    case RACE_ALLOW:
        racing_range(racing, tid, "mprotect", "rw-");
        return;
    case RACE_DONTNEED:
        racing_range(racing, tid, "madvise", "dontneed");
        return;
    case RACE_FREE:
        racing_range(racing, tid, "madvise", "free");
        return;
    case RACE_MREMAP:
        racing_mremap(racing, tid);
        return;
    case RACE_FORK:
        racing_fork(racing, tid, is_child);
        return;
    case RACE_MOVE:
        program_say(racing->program, "%u on %u", tid, below(racing, 4));
        return;
    case RACE_IDLE:
        program_say(racing->program, "%u idle %u", tid, below(racing, 3000));
        return;
    }
}

/* What takes pages away is not so frequent that all is spent on faults. */
static void racing_operation(struct racing *racing, uint32_t tid, bool is_child)
{
    static const enum racing_op ops[] = {
        RACE_MUNMAP,   RACE_MAP,   RACE_MAP,   RACE_PROTECT,  RACE_PROTECT,
        RACE_ALLOW,    RACE_ALLOW, RACE_ALLOW, RACE_DONTNEED, RACE_DONTNEED,
        RACE_DONTNEED, RACE_FREE,  RACE_FREE,  RACE_MREMAP,   RACE_FORK,
        RACE_MOVE,     RACE_IDLE,
    };
    uint32_t n_ops = sizeof(ops) / sizeof(*ops);

    if (racing->limits->has_moves && below(racing, 4) == 0) {
        racing_do(racing, tid, RACE_RARE, is_child);
        return;
    }
    racing_do(racing, tid, ops[below(racing, n_ops)], is_child);
}

static void racing_steps(struct racing *racing, uint32_t tid, uint32_t n_steps,
                         bool is_child)
{
    for (uint32_t step = 0; step < n_steps; step++) {
        /* Now and then long enough to see a whole flush go by. */
        uint32_t n_accesses = below(racing, below(racing, 4) ? 40 : 800);

        for (uint32_t i = 0; i < n_accesses; i++)
            racing_access(racing, tid);
        racing_operation(racing, tid, is_child);
    }
}

struct program *racing_program(const struct racing_limits *limits,
                               uint64_t seed)
{
    struct racing racing = {
        .program = program_create(),
        .limits = limits,
        .n_tids = limits->n_threads,
    };

    mmusim__rng_init(&racing.rng, seed, 7);
    racing_map_all(&racing, 1);
    for (uint32_t tid = 2; tid <= limits->n_threads; tid++)
        program_say(racing.program, "1 clone %u", tid);
    for (uint32_t tid = 1; tid <= limits->n_threads; tid++)
        racing_steps(&racing, tid, limits->n_steps, false);
    return racing.program;
}
