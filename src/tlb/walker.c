/* SPDX-License-Identifier: MIT */
/* Page walkers: see walker.h. */
#include "tlb/walker.h"

#include "core/arena.h"

static void walk_update_next_cycle(struct mmu *mmu)
{
    uint64_t next = CYCLE_NEVER;

    for (uint32_t i = 0; i < mmu->n_walkers; i++) {
        if (mmu->walks[i].is_active)
            next = min_u64(next, mmu->walks[i].event.key.cycle);
    }
    mmu->next_walk_cycle = next;
}

static void walk_schedule(struct walk *walk, uint64_t cycle)
{
    struct mmu *mmu = walk->mmu;

    mmusim__event_schedule(
        mmu->shared->queue, &walk->event,
        event_key(cycle, EVENT_WALK, mmu->cpu, mmu->walk_event_count++));
    walk_update_next_cycle(mmu);
}

static void walk_note_request(struct walk *walk, struct walk_request *request)
{
    walk->wants_store |= request->kind == ACCESS_STORE;
    walk->kinds |= 1U << request->kind;
}

static void walk_start(struct walk *walk, uint64_t vaddr,
                       enum walk_purpose purpose, uint64_t now)
{
    struct mmu *mmu = walk->mmu;

    walk->is_active = true;
    walk->is_poisoned = walk->fills_no_psc = walk->wants_store = false;
    walk->purpose = purpose;
    walk->has_given_up = false;
    walk->kinds = 0;
    walk->tags = mmu->tags;
    walk->vaddr = vaddr;
    walk->is_user = !(vaddr >> 63);
    walk->started_cycle = now;
    walk->n_pte_reads = 0;
    walk->fault = (struct walk_fault){.kind = WALK_FAULT_NONE};
    walk->order = walk->leaf_order = walk->run_order = 0;
    walk->translation_id = 0;
    walk->requests = NULL;
}

static void walk_go(struct walk *walk, uint64_t cycle)
{
    cycle += walk->mmu->shared->walker->start_cycles;
    walk_schedule(walk, cycle + mmusim__walk_begin(walk));
}

static void walk_start_for(struct walk *walk, struct walk_request *requests,
                           uint64_t now)
{
    struct mmu *mmu = walk->mmu;
    uint64_t cycle = now;

    if (requests->need == WALK_FOR_MISS)
        cycle += mmu->l2_of[requests->kind]->miss_probe_cycles +
                 mmu->tlb[TLB_L3].miss_probe_cycles;
    walk_start(walk, requests->vaddr, WALK_ON_DEMAND, now);
    walk->requests = requests;
    for (struct walk_request *r = requests; r; r = r->next)
        walk_note_request(walk, r);
    walk_go(walk, cycle);
}

static void walk_count_causes(struct walk *walk, uint64_t now)
{
    struct mmu *mmu = walk->mmu;
    const struct mmu_observer *observer = mmu->shared->observer;
    enum miss_cause cause =
        mmusim__miss_log_cause(mmu->log, walk->translation_id);

    for (struct walk_request *r = walk->requests; r; r = r->next) {
        if (r->counts_cause)
            mmu->causes[cause]++;
        if (r->counts_cause && observer)
            observer->on_miss(observer->context, mmu, r, cause, now);
        r->counts_cause = false;
    }
}

/* Nobody waits for it, nobody has lost what it does not bring. */
static void walk_conclude_ahead(struct walk *walk, struct mmu_fill *fill)
{
    struct mmu *mmu = walk->mmu;

    mmu->counters.poisoned += walk->is_poisoned;
    if (walk->is_poisoned || walk->has_given_up || walk->fault.kind)
        return;
    fill->kinds = 1U << ACCESS_LOAD;
    if (walk->purpose == WALK_TO_PREFETCH)
        mmusim__prefetch_fill(mmu, fill);
    else
        mmusim__mmu_fill(mmu, fill);
}

static enum walk_outcome walk_conclude(struct walk *walk, uint64_t now)
{
    struct mmu *mmu = walk->mmu;
    struct mmu_fill fill = {
        .vaddr = walk->vaddr,
        .order = walk->order,
        .tags = walk->tags,
        .data = walk->data,
        .translation_id = walk->translation_id,
        .kinds = walk->kinds,
        .run_order = walk->run_order,
        .run_ids = walk->run_ids,
        .stamp = walk->stamp,
        .page_order = walk->leaf_order > walk->order ? walk->leaf_order : 0,
    };

    if (walk->purpose != WALK_ON_DEMAND) {
        walk_conclude_ahead(walk, &fill);
        return WALK_FILLED;
    }
    walk_count_causes(walk, now);
    if (walk->is_poisoned) {
        mmu->counters.poisoned++;
        if (!mmusim__miss_log_removed(mmu->log, walk->translation_id,
                                      walk->poison_cause))
            mmu->has_failed = true;
        return WALK_POISONED;
    }
    if (walk->fault.kind)
        return WALK_FAULTED;
    mmusim__mmu_fill(mmu, &fill);
    return WALK_FILLED;
}

/* The requests at the head of the waiting line that want one page. */
static struct walk_request *walk_take_waiting(struct mmu *mmu)
{
    struct walk_request *first = mmu->queue_head;
    struct walk_request **link = &first->next;
    struct walk_request *tail = first;
    struct walk_request *rest = first->next;

    mmu->queue_head = mmu->queue_tail = NULL;
    *link = NULL;
    while (rest) {
        struct walk_request *request = rest;

        rest = rest->next;
        request->next = NULL;
        if (vpn_of(request->vaddr).v == vpn_of(first->vaddr).v) {
            tail->next = request;
            tail = request;
        } else if (mmu->queue_tail) {
            mmu->queue_tail->next = request;
            mmu->queue_tail = request;
        } else {
            mmu->queue_head = mmu->queue_tail = request;
        }
    }
    return first;
}

static void walk_end(struct walk *walk, uint64_t now)
{
    struct mmu *mmu = walk->mmu;
    enum walk_outcome outcome = walk_conclude(walk, now);
    const struct mmu_observer *observer = mmu->shared->observer;
    struct walk_request *request = walk->requests;
    const struct walk_fault fault = walk->fault; /* the walk may start anew */

    mmu->counters.cycles += now - walk->started_cycle;
    if (observer)
        observer->on_walk(observer->context, walk, now);
    walk->is_active = false;
    walk->requests = NULL;
    if (mmu->queue_head)
        walk_start_for(walk, walk_take_waiting(mmu), now);
    walk_update_next_cycle(mmu);
    while (request) {
        struct walk_request *next = request->next;

        request->next = NULL;
        request->fault = fault;
        mmu->on_answer(mmu->answer_context, request, outcome, now);
        request = next;
    }
}

static void walk_fire(void *context, struct event *event)
{
    struct walk *walk = context;
    uint64_t now = event->key.cycle;

    for (;;) {
        struct mmu *mmu = walk->mmu;
        uint64_t next;
        struct event_key key;

        next = now + mmusim__walk_step(walk);
        if (walk->phase == WALK_DONE && next == now) {
            walk_end(walk, now);
            return;
        }
        key = event_key(next, EVENT_WALK, mmu->cpu, mmu->walk_event_count);
        if (!event_queue_is_first(mmu->shared->queue, key)) {
            walk_schedule(walk, next);
            return;
        }
        /* Nothing comes before the next step: take it at once. */
        mmu->walk_event_count++;
        event->key = key;
        now = next;
    }
}

static struct walk *walk_in_flight(struct mmu *mmu, uint64_t vaddr)
{
    for (uint32_t i = 0; i < mmu->n_walkers; i++) {
        struct walk *walk = &mmu->walks[i];

        if (walk->is_active && !walk->is_poisoned && !walk->has_given_up &&
            walk->tags == mmu->tags && vpn_of(walk->vaddr).v == vpn_of(vaddr).v)
            return walk;
    }
    return NULL;
}

static struct walk *walk_free_one(struct mmu *mmu)
{
    for (uint32_t i = 0; i < mmu->n_walkers; i++) {
        if (!mmu->walks[i].is_active)
            return &mmu->walks[i];
    }
    return NULL;
}

static bool walk_is_waited_for(const struct mmu *mmu, uint64_t vaddr)
{
    for (const struct walk_request *r = mmu->queue_head; r; r = r->next) {
        if (vpn_of(r->vaddr).v == vpn_of(vaddr).v)
            return true;
    }
    return false;
}

static void walk_enqueue(struct mmu *mmu, struct walk_request *request)
{
    if (walk_is_waited_for(mmu, request->vaddr))
        mmu->counters.merged++;
    else
        mmu->counters.walks++;
    mmu->counters.waits++;
    if (mmu->queue_tail)
        mmu->queue_tail->next = request;
    else
        mmu->queue_head = request;
    mmu->queue_tail = request;
}

void mmusim__walk_ask(struct mmu *mmu, struct walk_request *request,
                      uint64_t now)
{
    struct walk *walk = walk_in_flight(mmu, request->vaddr);

    request->next = NULL;
    request->asked_cycle = now;
    request->counts_cause = request->need == WALK_FOR_MISS;
    mmu->llt_misses += request->need == WALK_FOR_MISS;
    mmu->counters.dirty_walks += request->need == WALK_FOR_DIRTY;
    mmu->counters.replays += request->need == WALK_FOR_REPLAY;
    if (walk) {
        struct walk_request **end = &walk->requests;

        mmu->counters.merged++;
        while (*end)
            end = &(*end)->next;
        *end = request;
        walk->purpose = WALK_ON_DEMAND;
        walk_note_request(walk, request);
        return;
    }
    walk = walk_free_one(mmu);
    if (!walk) {
        walk_enqueue(mmu, request);
        return;
    }
    mmu->counters.walks++;
    walk_start_for(walk, request, now);
}

bool mmusim__walk_ahead(struct mmu *mmu, uint64_t vaddr,
                        enum walk_purpose purpose, uint64_t now)
{
    struct walk *walk = walk_free_one(mmu);

    if (!walk || mmu->queue_head || walk_in_flight(mmu, vaddr))
        return false;
    mmu->counters.walks++;
    mmu->counters.prefetches++;
    walk_start(walk, vaddr, purpose, now);
    walk_go(walk, now);
    return true;
}

/* Would the invalidation drop the leaf that the walk is going to enter? Its
 * size is known once it has been read; before, what is read will be fresh. That
 * it is global is not known until the fill: either rule. */
static bool walk_leaf_is_hit(const struct walk *walk, const struct inval *inval)
{
    vpn_t vpn = vpn_of(walk->vaddr);
    uint32_t order = walk->run_order ? walk->run_order : walk->leaf_order;

    if (tlb_entry_is_hit_by_inval(tlb_key(vpn, order, walk->tags, false), inval,
                                  walk->mmu->shared->contexts))
        return true;
    return inval->hits_globals &&
           tlb_entry_is_hit_by_inval(tlb_key(vpn, order, walk->tags, true),
                                     inval, walk->mmu->shared->contexts);
}

/* Would it drop the pointer to the table that the walk has reached? */
static bool walk_table_is_hit(const struct walk *walk,
                              const struct inval *inval)
{
    const struct mmu_shared *shared = walk->mmu->shared;
    uint32_t order = pt_span_order(shared->format, walk->one.level);
    bool is_in_use = !walk->is_at_root && walk->phase != WALK_LEAF &&
                     walk->phase != WALK_DONE;

    /* The root is a register; and who has the leaf needs no pointer. */
    if (!is_in_use && inval->psc == INVAL_PSC_ADDRESS)
        return false;
    return psc_entry_is_hit_by_inval(
        tlb_key(vpn_of(walk->vaddr), order, walk->tags, false), inval,
        shared->contexts);
}

void mmusim__walks_poison(struct mmu *mmu, const struct inval *inval,
                          enum miss_cause cause)
{
    for (uint32_t i = 0; i < mmu->n_walkers; i++) {
        struct walk *walk = &mmu->walks[i];
        bool is_table_hit;

        if (!walk->is_active || walk->is_poisoned)
            continue;
        is_table_hit = walk_table_is_hit(walk, inval);
        if (inval->is_fault) {
            walk->fills_no_psc |= is_table_hit;
            is_table_hit = false;
        }
        /* What is read in a table, behind a pointer that is dropped, may be as
         * old as the pointer: a freed table, a large page under another. */
        if (!walk_leaf_is_hit(walk, inval) && !is_table_hit &&
            !mmusim__walk_stage2_is_hit(walk, inval))
            continue;
        walk->is_poisoned = true;
        walk->poison_cause = cause;
    }
}

mmusim_status_t mmusim__walkers_init(struct mmu *mmu, uint32_t n_walkers,
                                     struct arena *arena)
{
    mmu->walks = mmusim__arena_alloc(arena, n_walkers, sizeof(*mmu->walks));
    if (!mmu->walks)
        return MMUSIM_NOMEM;
    mmu->n_walkers = n_walkers;
    mmu->next_walk_cycle = CYCLE_NEVER;
    for (uint32_t i = 0; i < n_walkers; i++) {
        event_init(&mmu->walks[i].event, walk_fire, &mmu->walks[i]);
        mmu->walks[i].mmu = mmu;
    }
    return MMUSIM_OK;
}
