/* SPDX-License-Identifier: MIT */
/*
 * The access loop: a core's private hits, from one event to the next. Nothing
 * here allocates, and nothing here is seen by another CPU: see core_unit.h.
 *
 * Cycles: a fetch is translated at the cycle where it stands, then its
 * instructions advance the clock; the accesses that follow happen there. The
 * last advance before a stop is left to the CPU as BUSY time, since an
 * interrupt may come in the middle of it.
 */
#include "machine/core_unit.h"

#include "coherence/system.h"
#include "tlb/mem_model.h"
#include "tlb/mmu_inline.h"

/* The loop's registers. */
struct loop {
    struct core_unit *core;
    struct mmu *mmu;
    const struct core_limits *limits;
    uint64_t cycle;      /* now */
    uint64_t from_cycle; /* where the advance in progress began */
    enum bucket bucket;  /* of that advance */
    uint64_t instructions;
    uint64_t spent[BUCKET_COUNT]; /* before from_cycle */
    uint32_t rights[3];           /* needed, by access_kind */
    bool is_dependent;
    uint64_t missed_vpn; /* the fast path has just not found it in the L1 */
};

/* Time passes; the time before is settled. */
static inline void loop_advance(struct loop *loop, uint64_t cycles,
                                enum bucket bucket)
{
    loop->spent[loop->bucket] += loop->cycle - loop->from_cycle;
    loop->from_cycle = loop->cycle;
    loop->bucket = bucket;
    loop->cycle += cycles;
}

static inline void loop_advance_instructions(struct loop *loop,
                                             uint32_t instructions)
{
    struct core_unit *core = loop->core;
    uint64_t q16 = core->cpi_fraction + (uint64_t) instructions * core->cpi_q16;

    core->cpi_fraction = (uint32_t) (q16 & 0xffff);
    loop->instructions += instructions;
    loop_advance(loop, q16 >> 16, BUCKET_BASE);
}

static inline bool loop_is_over(const struct loop *loop)
{
    return loop->cycle >= loop->limits->cycle;
}

/* What a hit of `cycles` costs beyond what the window hides. */
static uint64_t loop_exposed(const struct loop *loop, uint64_t cycles)
{
    uint64_t hidden = loop->is_dependent ? 0 : loop->core->window_cycles;

    return cycles > hidden ? cycles - hidden : 0;
}

static enum core_stop loop_stop(struct loop *loop, enum core_stop why,
                                enum access_kind kind, uint64_t vaddr)
{
    loop->core->stopped_kind = kind;
    loop->core->stopped_vaddr = vaddr;
    loop->core->stopped_dependent = loop->is_dependent;
    return why;
}

/* Does the entry permit the access? STOP_LIMIT means yes. */
static enum core_stop loop_check_rights(struct loop *loop,
                                        enum access_kind kind, uint64_t vaddr,
                                        tlb_data_t data)
{
    uint32_t needed = loop->rights[kind];

    if ((data & needed) != needed)
        return loop_stop(loop, STOP_RIGHTS, kind, vaddr);
    if (kind == ACCESS_STORE && !(data & TLB_DIRTY))
        return loop_stop(loop, STOP_DIRTY, kind, vaddr);
    return STOP_LIMIT;
}

/* The data access itself, through the caches. */
static enum core_stop loop_data(struct loop *loop, enum access_kind kind,
                                uint64_t vaddr)
{
    struct core_unit *core = loop->core;
    const struct mmu_last *last = mmu_last_of(loop->mmu, kind);
    uint64_t paddr =
        last->pfn << BASE_PAGE_SHIFT | (vaddr & (BASE_PAGE_BYTES - 1));
    uint32_t cycles;

    if (!mmusim__mem_private_hit(core->memory, core->cpu->id, paddr, &cycles))
        return loop_stop(loop, STOP_MEMORY, kind, vaddr);
    loop_advance(loop, loop_exposed(loop, cycles), BUCKET_MEMORY);
    return STOP_LIMIT;
}

/* One translation outside the fast path. STOP_LIMIT: done. */
static MMUSIM_NOINLINE enum core_stop
loop_translate(struct loop *loop, enum access_kind kind, uint64_t vaddr)
{
    struct mmu *mmu = loop->mmu;
    struct tlb_group *l1 = mmu_l1_of(mmu, kind);
    struct mmu_last *last = mmu_last_of(mmu, kind);
    uint32_t l1_cycles = kind == ACCESS_FETCH ? loop->core->l1i_hit_cycles
                                              : loop->core->l1d_hit_cycles;
    uint64_t vpn = vpn_of(vaddr).v;
    enum core_stop stop;
    tlb_data_t data;
    uint32_t l2_cycles;

    l1->accesses++;
    if (l1_cycles)
        loop_advance(loop, loop_exposed(loop, l1_cycles), BUCKET_L1_TLB);
    if (vpn == loop->missed_vpn || !mmu_l1_lookup(mmu, l1, last, vpn)) {
        loop->missed_vpn = UINT64_MAX;
        l1->misses++;
        if (!mmusim__mmu_l2_lookup(mmu, kind, vaddr, &data, &l2_cycles))
            return loop_stop(loop, STOP_MISS, kind, vaddr);
        loop_advance(loop, loop_exposed(loop, l2_cycles), BUCKET_L2_TLB);
    } else {
        data = last->data;
    }
    stop = loop_check_rights(loop, kind, vaddr, data);
    if (stop == STOP_LIMIT && loop->core->has_data_caches &&
        kind != ACCESS_FETCH)
        stop = loop_data(loop, kind, vaddr);
    return stop;
}

/* The pages of a record from the first not yet done. */
static enum core_stop loop_pages(struct loop *loop,
                                 struct thread_stream *stream,
                                 const struct op_record *op,
                                 enum access_kind kind)
{
    uint64_t first = vpn_of(op->vaddr).v;
    uint64_t n_pages = vpn_of(op->vaddr + op_bytes_of(op) - 1).v - first + 1;

    loop->is_dependent = op_flags_of(op) & OP_FLAG_DEPENDENT;
    while (stream->pages_done < n_pages) {
        uint64_t vaddr = stream->pages_done
                             ? (first + stream->pages_done) << BASE_PAGE_SHIFT
                             : op->vaddr;
        enum core_stop stop = loop_translate(loop, kind, vaddr);

        stream->pages_done++;
        if (stop != STOP_LIMIT || loop_is_over(loop))
            return stop;
    }
    return STOP_LIMIT;
}

/* The instructions of a record, as many as the window takes. True: all. */
static bool loop_instructions(struct loop *loop, struct thread_stream *stream,
                              const struct op_record *op)
{
    uint64_t room = loop->limits->instructions - loop->instructions;
    uint32_t count = op->count;

    if (stream->has_begun_advance)
        count = stream->instructions_left;
    stream->has_begun_advance = true;
    if (count > room) {
        stream->instructions_left = count - (uint32_t) room;
        loop_advance_instructions(loop, (uint32_t) room);
        return false;
    }
    stream->instructions_left = 0;
    loop_advance_instructions(loop, count);
    return true;
}

/* A record in full, or the rest of one that was interrupted. STOP_LIMIT with
 * the record still in hand: the cycle limit, or the window's. */
static MMUSIM_NOINLINE enum core_stop
loop_slow_record(struct loop *loop, struct thread_stream *stream,
                 const struct op_record *op)
{
    static const enum access_kind kinds[] = {
        [OP_FETCH] = ACCESS_FETCH,
        [OP_LOAD] = ACCESS_LOAD,
        [OP_STORE] = ACCESS_STORE,
    };
    enum op_kind kind = op_kind_of(op);
    bool is_first_time = !stream->pages_done && !stream->has_begun_advance;

    if (kind == OP_SYS)
        return STOP_SYS;
    if (is_first_time) {
        loop->core->counters.accesses += kind == OP_LOAD || kind == OP_STORE;
        loop->core->counters.fetches += kind == OP_FETCH;
    }
    if (kind != OP_NOMEM && !stream->has_begun_advance) {
        uint64_t last_page = vpn_of(op->vaddr + op_bytes_of(op) - 1).v;
        enum core_stop stop = loop_pages(loop, stream, op, kinds[kind]);

        if (stop != STOP_LIMIT)
            return stop;
        if (vpn_of(op->vaddr).v + stream->pages_done <= last_page)
            return STOP_LIMIT;
    }
    if (!loop_instructions(loop, stream, op))
        return STOP_WINDOW;
    stream->pages_done = 0;
    stream->has_begun_advance = false;
    stream->next++;
    return STOP_LIMIT;
}

/* An access within one page that hits its L1 entry with the rights it needs. */
static inline bool loop_fast_access(struct loop *loop,
                                    const struct op_record *op,
                                    enum access_kind kind)
{
    struct mmu *mmu = loop->mmu;
    struct mmu_last *last = mmu_last_of(mmu, kind);
    uint32_t needed =
        loop->rights[kind] | (kind == ACCESS_STORE ? (uint32_t) TLB_DIRTY : 0);
    uint32_t offset = (uint32_t) op->vaddr & (BASE_PAGE_BYTES - 1);
    uint64_t vpn = vpn_of(op->vaddr).v;

    if (offset + op_bytes_of(op) > BASE_PAGE_BYTES)
        return false;
    if (!mmu_l1_lookup(mmu, mmu_l1_of(mmu, kind), last, vpn)) {
        loop->missed_vpn = vpn;
        return false;
    }
    return (last->data & needed) == needed;
}

/* Runs records while they are plain hits. */
static enum core_stop loop_run(struct loop *loop, struct thread_stream *stream)
{
    const struct op_record *records = stream->piece.records;
    uint32_t end = stream->piece.n_records;
    bool is_slow = loop->core->needs_slow_path;
    uint64_t n_data = 0;
    uint64_t n_fetches = 0;
    enum core_stop stop = STOP_LIMIT;

    if (end - stream->next > loop->limits->records)
        end = stream->next + loop->limits->records;
    while (stop == STOP_LIMIT && !loop_is_over(loop) && stream->next < end) {
        const struct op_record *op = &records[stream->next];
        enum op_kind kind = op_kind_of(op);
        bool is_plain =
            !is_slow && !stream->pages_done && !stream->has_begun_advance &&
            op->count <= loop->limits->instructions - loop->instructions;

        if (kind == OP_FETCH && is_plain &&
            loop_fast_access(loop, op, ACCESS_FETCH)) {
            n_fetches++;
        } else if (kind == OP_LOAD && is_plain &&
                   loop_fast_access(loop, op, ACCESS_LOAD)) {
            n_data++;
        } else if (kind == OP_STORE && is_plain &&
                   loop_fast_access(loop, op, ACCESS_STORE)) {
            n_data++;
        } else {
            stop = loop_slow_record(loop, stream, op);
            continue;
        }
        if (op->count)
            loop_advance_instructions(loop, op->count);
        stream->next++;
    }
    loop->core->counters.accesses += n_data;
    loop->core->counters.fetches += n_fetches;
    loop->mmu->l1d.accesses += n_data;
    loop->mmu->l1i.accesses += n_fetches;
    return stop;
}

static void loop_settle(struct loop *loop)
{
    struct cpu *cpu = loop->core->cpu;

    for (uint32_t i = 0; i < BUCKET_COUNT; i++)
        cpu->cycles[i] += loop->spent[i];
    cpu->now = loop->from_cycle;
    mmusim__cpu_busy(cpu, loop->cycle - loop->from_cycle, loop->bucket);
    loop->core->counters.instructions += loop->instructions;
}

void mmusim__core_loop(struct core_unit *core, struct thread_stream *stream,
                       const struct core_limits *limits)
{
    struct cpu *cpu = core->cpu;
    bool is_user = !cpu->is_kernel_thread;
    struct loop loop = {
        .core = core,
        .mmu = &cpu->mmu,
        .limits = limits,
        .cycle = cpu->now,
        .from_cycle = cpu->now,
        .bucket = BUCKET_BASE,
        .missed_vpn = UINT64_MAX,
    };
    enum core_stop stop;

    for (uint32_t kind = ACCESS_LOAD; kind <= ACCESS_FETCH; kind++)
        loop.rights[kind] = mmu_rights_needed((enum access_kind) kind, is_user);
    stop = loop_run(&loop, stream);
    if (stop == STOP_LIMIT && !stream_has_record(stream))
        stop = STOP_RECORDS;
    core->stop = stop;
    loop_settle(&loop);
}
