/* SPDX-License-Identifier: MIT */
/*
 * Pointer chase: one thread, dependent loads round and round over N places,
 * one stride apart, in order or in a seeded random order: over all of them, or
 * block by block. One round of stores comes first, so that every page is
 * there, then the rounds that warm, then the loads between the marks `chase`
 * and `chase-end`.
 *
 * The random order is a permutation computed place by place (a four-round
 * Feistel network over the next even power of two, walked until it falls
 * inside; Black and Rogaway, "Ciphers with Arbitrary Finite Domains", 2002),
 * so that memory does not grow with N.
 */
#include "trace/workload.h"

enum {
    CHASE_PAGES,
    CHASE_ROUNDS,
    CHASE_ACCESSES,
    CHASE_STRIDE,
    CHASE_HUGE,
    CHASE_RANDOM,
    CHASE_STAGGER,
    CHASE_SEED,
    CHASE_BLOCK,
    CHASE_WARM_ROUNDS,
};

enum chase_phase {
    CHASE_MAP,
    CHASE_TOUCH,
    CHASE_WARM,
    CHASE_MARK,
    CHASE_LOOP,
    CHASE_MARK_END,
    CHASE_EXIT,
    CHASE_END
};

/* 1 GiB aligned, in the user half; 2 GiB fit on 32-bit machines, too. */
#define CHASE_BASE UINT64_C(0x40000000)
#define CHASE_2M   (UINT64_C(1) << 21)
#define CHASE_1G   (UINT64_C(1) << 30)

static const struct workload_param chase_params[] = {
    {"pages", 1, UINT64_C(1) << 26, 1024, "places visited, one stride apart"},
    {"rounds", 1, UINT64_C(1) << 40, 100, "times each place is loaded"},
    {"accesses", 0, UINT64_C(1) << 40, 0,
     "loads in all; 0: rounds times pages"},
    {"stride", 0, UINT64_C(1) << 30, 0,
     "bytes between places, a multiple of 8; 0: the page size"},
    {"huge", 0, UINT64_C(1) << 30, 0, "page size: 0 (4K), 2M or 1G"},
    {"random", 0, 1, 0, "1: places in random order, the same each round"},
    {"stagger", 0, 1, 1, "1: each page's access is in another cache line"},
    {"seed", 0, UINT64_MAX, 1, "of the random order"},
    {"block", 0, UINT64_C(1) << 26, 0,
     "places shuffled at a time, block after block; 0: all"},
    {"warm", 0, UINT64_C(1) << 20, 0, "rounds of loads before the mark"},
    {0},
};

static uint64_t chase_stride(const uint64_t *values)
{
    if (values[CHASE_STRIDE])
        return values[CHASE_STRIDE];
    return values[CHASE_HUGE] ? values[CHASE_HUGE] : BASE_PAGE_BYTES;
}

static uint64_t chase_accesses(const uint64_t *values)
{
    if (values[CHASE_ACCESSES])
        return values[CHASE_ACCESSES];
    return values[CHASE_PAGES] * values[CHASE_ROUNDS];
}

static const char *chase_check(const uint64_t *values)
{
    uint64_t huge = values[CHASE_HUGE];

    if (huge && huge != CHASE_2M && huge != CHASE_1G)
        return "huge is a page size: 0, 2M or 1G";
    if (values[CHASE_STRIDE] % 8)
        return "stride must be a multiple of 8 bytes";
    if (chase_stride(values) > (UINT64_C(1) << 45) / values[CHASE_PAGES])
        return "pages times stride must be at most 32768G";
    if (values[CHASE_ROUNDS] + values[CHASE_WARM_ROUNDS] >
        (UINT64_C(1) << 48) / values[CHASE_PAGES])
        return "rounds times pages must be at most 2^48";
    return NULL;
}

static uint32_t chase_count_threads(const uint64_t *values)
{
    (void) values;
    return 1;
}

/* A hash of half the bits, for one round of the network. */
static uint64_t chase_mix(uint64_t half, uint64_t round, uint64_t seed)
{
    uint64_t z = half + seed * UINT64_C(0x9e3779b97f4a7c15) +
                 round * UINT64_C(0xd1b54a32d192ed03);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static uint64_t chase_permute(uint64_t place, uint64_t n, uint64_t seed)
{
    unsigned half_bits = 1;
    uint64_t mask;

    while (half_bits < 31 && n > UINT64_C(1) << 2 * half_bits)
        half_bits++;
    mask = (UINT64_C(1) << half_bits) - 1;
    do { /* ends: a permutation comes back inside after < 4n steps */
        uint64_t left = place >> half_bits;
        uint64_t right = place & mask;

        for (uint64_t round = 0; round < 4; round++) {
            uint64_t next = left ^ (chase_mix(right, round, seed) & mask);

            left = right;
            right = next;
        }
        place = left << half_bits | right;
    } while (place >= n);
    return place;
}

static uint64_t chase_shuffle(const uint64_t *values, uint64_t place)
{
    uint64_t n = values[CHASE_PAGES];
    uint64_t size = values[CHASE_BLOCK] ? values[CHASE_BLOCK] : n;
    uint64_t block = place / size;
    uint64_t start = block * size;

    return start + chase_permute(place - start, min_u64(size, n - start),
                                 values[CHASE_SEED] + block);
}

static uint64_t chase_vaddr(const uint64_t *values, uint64_t place,
                            uint64_t stride)
{
    uint64_t vaddr;

    if (values[CHASE_RANDOM])
        place = chase_shuffle(values, place);
    vaddr = CHASE_BASE + place * stride;
    if (values[CHASE_STAGGER] && stride >= BASE_PAGE_BYTES &&
        stride % BASE_PAGE_BYTES == 0)
        vaddr += workload_stagger(place);
    return vaddr;
}

static void chase_map(struct workload_thread *thread)
{
    const uint64_t *values = thread->values;
    uint64_t huge = values[CHASE_HUGE];
    uint64_t length = chase_stride(values) * values[CHASE_PAGES];

    workload_emit_sys(
        thread,
        (struct sys_op){.kind = SYS_MMAP,
                        .flags = SYS_PROT_READ | SYS_PROT_WRITE,
                        .huge_order = huge == CHASE_2M   ? PAGE_ORDER_2M
                                      : huge == CHASE_1G ? PAGE_ORDER_1G
                                                         : PAGE_ORDER_4K,
                        .vaddr = CHASE_BASE,
                        .length_bytes =
                            align_up(length, huge ? huge : BASE_PAGE_BYTES)});
}

/* position counts accesses; round is the place of the next one. */
static bool chase_access(struct workload_thread *thread, enum op_kind kind,
                         uint32_t flags, uint64_t n)
{
    const uint64_t *values = thread->values;
    uint64_t stride = chase_stride(values);

    while (thread->position < n && workload_has_room(thread)) {
        uint64_t vaddr = chase_vaddr(values, thread->round, stride);

        workload_emit(thread, kind, flags, vaddr, 1);
        thread->position++;
        if (++thread->round == values[CHASE_PAGES])
            thread->round = 0;
    }
    return thread->position == n;
}

static void chase_mark(struct workload_thread *thread, const char *name)
{
    workload_emit_sys(thread, (struct sys_op){.kind = SYS_MARK, .name = name});
}

static uint64_t chase_warm_loads(const uint64_t *values)
{
    return values[CHASE_WARM_ROUNDS] * values[CHASE_PAGES];
}

static bool chase_step(struct workload_thread *thread)
{
    const uint64_t *values = thread->values;
    bool is_done = true;

    switch ((enum chase_phase) thread->phase) {
    case CHASE_MAP:
        chase_map(thread);
        break;
    case CHASE_TOUCH:
        is_done = chase_access(thread, OP_STORE, 0, values[CHASE_PAGES]);
        break;
    case CHASE_WARM:
        is_done = chase_access(thread, OP_LOAD, OP_FLAG_DEPENDENT,
                               chase_warm_loads(values));
        break;
    case CHASE_MARK:
        chase_mark(thread, "chase");
        break;
    case CHASE_LOOP:
        is_done = chase_access(thread, OP_LOAD, OP_FLAG_DEPENDENT,
                               chase_accesses(values));
        break;
    case CHASE_MARK_END:
        chase_mark(thread, "chase-end");
        break;
    case CHASE_EXIT:
        workload_emit_sys(thread, (struct sys_op){.kind = SYS_EXIT});
        break;
    case CHASE_END:
        return false;
    }
    if (is_done) {
        thread->phase++;
        thread->position = 0;
        thread->round = 0;
    }
    return true;
}

static uint64_t chase_count_quiet(const struct workload_thread *thread)
{
    if (thread->phase == CHASE_TOUCH)
        return thread->values[CHASE_PAGES] - thread->position +
               chase_warm_loads(thread->values);
    if (thread->phase == CHASE_WARM)
        return chase_warm_loads(thread->values) - thread->position;
    if (thread->phase == CHASE_LOOP)
        return chase_accesses(thread->values) - thread->position;
    return 0;
}

static uint64_t chase_count_records(const uint64_t *values,
                                    uint32_t thread_index)
{
    (void) thread_index;
    return 4 + values[CHASE_PAGES] + chase_warm_loads(values) +
           chase_accesses(values);
}

extern const struct workload_ops mmusim__workload_chase;
const struct workload_ops mmusim__workload_chase = {
    .name = "chase",
    .help = "dependent loads over many pages: what a TLB miss costs",
    .params = chase_params,
    .check = chase_check,
    .count_threads = chase_count_threads,
    .step = chase_step,
    .count_quiet = chase_count_quiet,
    .count_records = chase_count_records,
};
