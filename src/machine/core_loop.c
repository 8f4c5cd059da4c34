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

static const enum access_kind access_of[] = {
    [OP_FETCH] = ACCESS_FETCH,
    [OP_LOAD] = ACCESS_LOAD,
    [OP_STORE] = ACCESS_STORE,
};

/* The loop's registers. */
struct loop {
    struct core_unit *core;
    struct mmu *mmu;
    const struct core_limits *limits;
    uint64_t cycle; /* now, but for what is owed */
    uint64_t owed_cycles;
    uint64_t from_cycle;   /* where the last advance began */
    enum bucket bucket;    /* of that advance */
    uint32_t cpi_fraction; /* 1/65536 cycles carried */
    uint64_t instructions;
    uint64_t spent[BUCKET_COUNT]; /* all but BASE, last advance included */
    uint32_t rights[3];           /* needed, by access_kind */
    bool is_dependent;
    uint64_t missed_vpn; /* the fast path has just not found it in the L1 */
    /* The checker's log of uses, and how many it takes; NULL: nobody checks. */
    struct check_log *log;
    uint32_t log_room;
    uint32_t first; /* the record begun with: what it does now is this event */
    bool is_first;  /* it is the one in hand, on the slow path */
    /* Spans told of so far, and the last advance that is none of BASE, which is
     * told of when it is over. */
    bool is_observed;
    uint64_t observed_until;
    struct core_owed observed; /* its cycles: 0 if there is none */
    uint64_t observed_begin;
};

static uint16_t loop_need(enum access_kind kind)
{
    return kind == ACCESS_LOAD    ? CHECKER_READ
           : kind == ACCESS_STORE ? CHECKER_WRITE
                                  : CHECKER_EXEC;
}

/* The entry hit last is used at `cycle`. */
static MMUSIM_NOINLINE void loop_log_use(struct loop *loop,
                                         enum access_kind kind, uint64_t vaddr,
                                         tlb_data_t data, uint64_t cycle)
{
    const struct check_use use = {
        .cycle = cycle,
        .vaddr = vaddr,
        .stamp = mmusim__mmu_hit_stamp(loop->mmu, kind, vaddr),
        .need = loop_need(kind),
        .is_event = loop->is_first && cycle == loop->core->cpu->now,
        .rights = (uint32_t) data & (BASE_PAGE_BYTES - 1),
    };

    check_log_use(loop->log, &use);
    loop->log_room--;
}

/* Past the horizon: what comes after the advance that crossed it is owed. */
static MMUSIM_NOINLINE void loop_owe(struct loop *loop, uint64_t cycles,
                                     enum bucket bucket)
{
    struct core_unit *core = loop->core;

    if (!cycles)
        return;
    mmusim_assert(core->n_owed < CORE_MAX_OWED);
    loop->owed_cycles += cycles;
    core->owed[core->n_owed++] = (struct core_owed){cycles, bucket};
}

/* Tells of what is over: instructions, then an advance of another bucket. */
static MMUSIM_NOINLINE void loop_observe(struct loop *loop)
{
    struct cpu *cpu = loop->core->cpu;
    const struct core_owed *last = &loop->observed;
    uint64_t end = loop->observed_begin + last->cycles;

    if (!last->cycles)
        return;
    mmusim__observe_span(cpu, loop->observed_until, loop->observed_begin,
                         BUCKET_BASE);
    mmusim__observe_span(cpu, loop->observed_begin, end, last->bucket);
    loop->observed_until = end;
    loop->observed.cycles = 0;
}

/* Time passes that is not the instructions'. */
static inline void loop_advance(struct loop *loop, uint64_t cycles,
                                enum bucket bucket)
{
    if (MMUSIM_UNLIKELY(loop->cycle >= loop->limits->cycle)) {
        loop_owe(loop, cycles, bucket);
        return;
    }
    if (MMUSIM_UNLIKELY(loop->is_observed)) {
        loop_observe(loop);
        loop->observed = (struct core_owed){cycles, bucket};
        loop->observed_begin = loop->cycle;
    }
    loop->spent[bucket] += cycles;
    loop->from_cycle = loop->cycle;
    loop->bucket = bucket;
    loop->cycle += cycles;
}

static inline void loop_advance_instructions(struct loop *loop,
                                             uint32_t instructions)
{
    uint64_t q16 =
        loop->cpi_fraction + (uint64_t) instructions * loop->core->cpi_q16;

    loop->cpi_fraction = (uint32_t) (q16 & 0xffff);
    loop->instructions += instructions;
    if (MMUSIM_UNLIKELY(loop->cycle >= loop->limits->cycle)) {
        loop_owe(loop, q16 >> 16, BUCKET_BASE);
        return;
    }
    loop->from_cycle = loop->cycle;
    loop->bucket = BUCKET_BASE;
    loop->cycle += q16 >> 16;
}

/* A window that is exactly full is full: the core stalls before the next
 * record, whatever that is. */
static inline bool loop_is_over(const struct loop *loop)
{
    return loop->cycle >= loop->limits->cycle ||
           loop->instructions >= loop->limits->instructions ||
           (loop->log && !loop->log_room);
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
    const struct mmu_last *last = &loop->mmu->l1_of[kind]->last;
    uint64_t paddr =
        last->pfn << BASE_PAGE_SHIFT | (vaddr & (BASE_PAGE_BYTES - 1));
    uint32_t cycles;

    if (!mmusim__mem_private_hit(core->memory, core->cpu->id, paddr,
                                 loop->cycle + loop->owed_cycles, &cycles))
        return loop_stop(loop, STOP_MEMORY, kind, vaddr);
    loop_advance(loop, loop_exposed(loop, cycles), BUCKET_MEMORY);
    return STOP_LIMIT;
}

/* A look-up takes one of the level's ports, in the next cycle if need be. */
static MMUSIM_NOINLINE void loop_take_port(struct loop *loop,
                                           const struct tlb_group *level,
                                           enum bucket bucket)
{
    struct core_port *port = &loop->core->ports[level - loop->mmu->tlb];

    if (!port->n)
        return;
    if (port->cycle == loop->cycle + loop->owed_cycles &&
        port->n_used == port->n)
        loop_advance(loop, 1, bucket);
    if (port->cycle != loop->cycle + loop->owed_cycles)
        port->n_used = 0;
    port->cycle = loop->cycle + loop->owed_cycles;
    port->n_used++;
}

/* One translation outside the fast path. STOP_LIMIT: done. */
static MMUSIM_NOINLINE enum core_stop
loop_translate(struct loop *loop, enum access_kind kind, uint64_t vaddr)
{
    struct mmu *mmu = loop->mmu;
    struct mmu_l1 *l1 = mmu->l1_of[kind];
    uint32_t l1_cycles = loop->core->l1_hit_cycles[kind];
    uint64_t vpn = vpn_of(vaddr).v;
    uint64_t began = loop->cycle + loop->owed_cycles;
    enum core_stop stop;
    tlb_data_t data;
    uint32_t l2_cycles;

    l1->group->accesses++;
    if (MMUSIM_UNLIKELY(loop->core->has_ports))
        loop_take_port(loop, l1->group, BUCKET_L1_TLB);
    if (l1_cycles)
        loop_advance(loop, loop_exposed(loop, l1_cycles), BUCKET_L1_TLB);
    if (vpn == loop->missed_vpn || !mmu_l1_lookup(mmu, l1, vpn)) {
        loop->missed_vpn = UINT64_MAX;
        l1->group->misses++;
        if (MMUSIM_UNLIKELY(loop->core->has_ports))
            loop_take_port(loop, mmu->l2_of[kind], BUCKET_L2_TLB);
        if (!mmusim__mmu_l2_lookup(mmu, kind, vaddr, &data, &l2_cycles))
            return loop_stop(loop, STOP_MISS, kind, vaddr);
        loop_advance(loop, loop_exposed(loop, l2_cycles), BUCKET_L2_TLB);
    } else {
        data = l1->last.data;
    }
    stop = loop_check_rights(loop, kind, vaddr, data);
    if (MMUSIM_UNLIKELY(loop->log) && stop == STOP_LIMIT)
        loop_log_use(loop, kind, vaddr, data, began);
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
    uint32_t shift = loop->core->page_shift;
    uint64_t first = op->vaddr >> shift;
    uint64_t n_pages = ((op->vaddr + op_bytes_of(op) - 1) >> shift) - first + 1;

    loop->is_dependent = op_flags_of(op) & OP_FLAG_DEPENDENT;
    while (stream->pages_done < n_pages) {
        uint64_t vaddr = stream->pages_done
                             ? (first + stream->pages_done) << shift
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
    enum op_kind kind = op_kind_of(op);
    bool is_first_time = !stream->pages_done && !stream->has_begun_advance;

    if (kind == OP_SYS)
        return STOP_SYS;
    if (is_first_time) {
        loop->core->counters.accesses += kind == OP_LOAD || kind == OP_STORE;
        loop->core->counters.fetches += kind == OP_FETCH;
    }
    if (kind != OP_NOMEM && !stream->has_begun_advance) {
        uint32_t shift = loop->core->page_shift;
        uint64_t last_page = (op->vaddr + op_bytes_of(op) - 1) >> shift;
        enum core_stop stop = loop_pages(loop, stream, op, access_of[kind]);

        if (stop != STOP_LIMIT)
            return stop;
        if ((op->vaddr >> shift) + stream->pages_done <= last_page)
            return STOP_LIMIT;
    }
    if (!loop_instructions(loop, stream, op))
        return STOP_WINDOW;
    stream->pages_done = 0;
    stream->has_begun_advance = false;
    stream->next++;
    return STOP_LIMIT;
}

/* What the fast path needs to know of a kind of record; by op_kind. */
struct loop_kind {
    struct mmu_l1 *l1;
    uint32_t needed; /* rights, and a set Dirty bit for a store */
    uint64_t n_hits;
    /* Checked: the page logged last, in this run of hits. */
    uint64_t logged_vpn;
    struct check_use logged;
};

static void loop_kind_init(struct loop_kind *kind, const struct loop *loop,
                           enum access_kind access)
{
    kind->l1 = loop->mmu->l1_of[access];
    kind->needed = loop->rights[access];
    if (access == ACCESS_STORE)
        kind->needed |= TLB_DIRTY;
    kind->n_hits = 0;
    kind->logged.need = loop_need(access);
}

/* Logs a hit of the fast path: within one run of hits nothing is filled, so a
 * page's entry stays the same. */
static void loop_log_hit(struct loop *loop, struct loop_kind *kind,
                         enum access_kind access, uint64_t vaddr,
                         uint64_t cycle, bool is_event)
{
    uint64_t vpn = vpn_of(vaddr).v;

    if (kind->logged_vpn != vpn) {
        kind->logged_vpn = vpn;
        kind->logged.rights =
            (uint32_t) kind->l1->last.data & (BASE_PAGE_BYTES - 1);
        kind->logged.stamp = mmusim__mmu_hit_stamp(loop->mmu, access, vaddr);
    }
    kind->logged.cycle = cycle;
    kind->logged.is_event = is_event;
    kind->logged.vaddr = vaddr;
    check_log_use(loop->log, &kind->logged);
    loop->log_room--;
}

static MMUSIM_NOINLINE bool loop_look_up(struct loop *loop,
                                         struct loop_kind *kind, uint64_t vpn)
{
    if (mmu_l1_lookup(loop->mmu, kind->l1, vpn))
        return true;
    loop->missed_vpn = vpn;
    return false;
}

/* An access within one page that hits its L1 entry with the rights it needs. */
static inline bool loop_is_hit(struct loop *loop, struct loop_kind *kind,
                               const struct op_record *op)
{
    uint32_t offset = (uint32_t) op->vaddr & (BASE_PAGE_BYTES - 1);
    uint64_t vpn = vpn_of(op->vaddr).v;

    if (MMUSIM_UNLIKELY(offset + op_bytes_of(op) > BASE_PAGE_BYTES))
        return false;
    if (kind->l1->last.vpn != vpn && !loop_look_up(loop, kind, vpn))
        return false;
    return (kind->l1->last.data & kind->needed) == kind->needed;
}

/* Runs plain hits until something else comes up: then the record in hand is
 * for loop_slow_record(), or the limits are reached. */
static MMUSIM_INLINE void loop_run_hits_of(struct loop *loop,
                                           struct thread_stream *stream,
                                           struct loop_kind *kinds,
                                           uint32_t end, bool is_checked)
{
    const struct op_record *records = stream->piece.records;
    const uint64_t limit = loop->limits->cycle;
    const uint64_t room = loop->limits->instructions - loop->instructions;
    const uint64_t cpi_q16 = loop->core->cpi_q16;
    uint64_t cycle = loop->cycle;
    uint64_t from_cycle = loop->from_cycle;
    uint64_t fraction = loop->cpi_fraction;
    uint64_t instructions = 0;
    uint32_t i = stream->next;

    for (; i < end && cycle < limit; i++) {
        const struct op_record *op = &records[i];
        enum op_kind kind = op_kind_of(op);

        /* what fills the window, exactly or not, is for the slow path */
        if (kind == OP_SYS || op->count >= room - instructions)
            break;
        if (kind <= OP_STORE) {
            if (!loop_is_hit(loop, &kinds[kind], op))
                break;
            kinds[kind].n_hits++;
            if (is_checked)
                loop_log_hit(loop, &kinds[kind], access_of[kind], op->vaddr,
                             cycle,
                             i == loop->first && cycle == loop->core->cpu->now);
        }
        if (!op->count)
            continue;
        fraction += op->count * cpi_q16;
        instructions += op->count;
        from_cycle = cycle;
        cycle += fraction >> 16;
        fraction &= 0xffff;
    }
    if (instructions)
        loop->bucket = BUCKET_BASE;
    loop->cycle = cycle;
    loop->from_cycle = from_cycle;
    loop->cpi_fraction = (uint32_t) fraction;
    loop->instructions += instructions;
    stream->next = i;
}

static void loop_run_hits(struct loop *loop, struct thread_stream *stream,
                          struct loop_kind *kinds, uint32_t end)
{
    loop_run_hits_of(loop, stream, kinds, end, false);
}

static MMUSIM_NOINLINE void loop_run_checked_hits(struct loop *loop,
                                                  struct thread_stream *stream,
                                                  struct loop_kind *kinds,
                                                  uint32_t end)
{
    if (end - stream->next > loop->log_room)
        end = stream->next + loop->log_room;
    for (enum op_kind kind = OP_FETCH; kind <= OP_STORE; kind++)
        kinds[kind].logged_vpn = UINT64_MAX;
    loop_run_hits_of(loop, stream, kinds, end, true);
}

/* Runs records up to the limits, or to what must be an event. */
static enum core_stop loop_run(struct loop *loop, struct thread_stream *stream)
{
    uint32_t end = stream->piece.n_records;
    struct core_unit *core = loop->core;
    enum core_stop stop = STOP_LIMIT;
    struct loop_kind kinds[OP_STORE + 1];

    loop_kind_init(&kinds[OP_FETCH], loop, ACCESS_FETCH);
    loop_kind_init(&kinds[OP_LOAD], loop, ACCESS_LOAD);
    loop_kind_init(&kinds[OP_STORE], loop, ACCESS_STORE);
    if (end - stream->next > loop->limits->records)
        end = stream->next + loop->limits->records;
    while (stop == STOP_LIMIT && !loop_is_over(loop) && stream->next < end) {
        bool is_resumed = stream->pages_done || stream->has_begun_advance;

        if (!is_resumed && !core->needs_slow_path && loop->log)
            loop_run_checked_hits(loop, stream, kinds, end);
        else if (!is_resumed && !core->needs_slow_path)
            loop_run_hits(loop, stream, kinds, end);
        loop->is_first = stream->next == loop->first;
        if (!loop_is_over(loop) && stream->next < end)
            stop = loop_slow_record(loop, stream,
                                    &stream->piece.records[stream->next]);
    }
    core->counters.fetches += kinds[OP_FETCH].n_hits;
    core->counters.accesses += kinds[OP_LOAD].n_hits + kinds[OP_STORE].n_hits;
    for (enum op_kind kind = OP_FETCH; kind <= OP_STORE; kind++)
        kinds[kind].l1->group->accesses += kinds[kind].n_hits;
    return stop;
}

/* The last advance becomes the CPU's BUSY time; the rest is settled. */
static void loop_settle(struct loop *loop)
{
    struct cpu *cpu = loop->core->cpu;
    uint64_t last = loop->cycle - loop->from_cycle;
    uint64_t base = loop->from_cycle - cpu->now;

    if (loop->is_observed) {
        if (loop->observed_begin + loop->observed.cycles <= loop->from_cycle)
            loop_observe(loop);
        mmusim__observe_span(cpu, loop->observed_until, loop->from_cycle,
                             BUCKET_BASE);
    }
    if (loop->bucket != BUCKET_BASE)
        loop->spent[loop->bucket] -= last;
    for (uint32_t i = 0; i < BUCKET_COUNT; i++) {
        cpu->cycles[i] += loop->spent[i];
        base -= loop->spent[i];
    }
    cpu->cycles[BUCKET_BASE] += base;
    cpu->now = loop->from_cycle;
    mmusim__cpu_busy(cpu, last, loop->bucket);
    loop->core->counters.instructions += loop->instructions;
    loop->core->cpi_fraction = loop->cpi_fraction;
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
        .cpi_fraction = core->cpi_fraction,
        .missed_vpn = UINT64_MAX,
        .first = stream->next,
        .is_observed = cpu->observed,
        .observed_until = cpu->now,
    };
    enum core_stop stop;

    if (MMUSIM_UNLIKELY(core->check)) {
        loop.log = &core->check->logs[cpu->id];
        loop.log_room = mmusim__check_make_room(core->check, cpu->id, cpu->now);
    }
    mmu_take_turn(&cpu->mmu);
    for (uint32_t kind = ACCESS_LOAD; kind <= ACCESS_FETCH; kind++)
        loop.rights[kind] = mmu_rights_needed((enum access_kind) kind, is_user);
    stop = loop_run(&loop, stream);
    if (stop == STOP_LIMIT && !stream_has_record(stream))
        stop = STOP_RECORDS;
    core->stop = stop;
    loop_settle(&loop);
}
