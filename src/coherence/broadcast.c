/* SPDX-License-Identifier: MIT */
/* Broadcast invalidations: see broadcast.h. */
#include "coherence/broadcast.h"

#include "coherence/distance.h"
#include "coherence/flight.h"
#include "coherence/inval_instruction.h"
#include "coherence/observers.h"
#include "core/arena.h"
#include "core/check.h"
#include "tlb/held_tags.h"

/* An operation on its way. The answers are gathered on the way back: only the
 * last of them is an event, at the cycle where all have come. */
struct broadcast_op {
    struct inval inval;
    bool has_other;
    struct inval other;
    enum miss_cause cause;
    enum broadcast_reach reach;
    struct cpu *issuer;
    uint64_t number;         /* among the issuer's */
    uint64_t shootdown;      /* the one it belongs to */
    uint64_t passed_by;      /* the barrier that did not wait; 0: none */
    uint32_t n_undelivered;  /* messages that have not arrived */
    uint64_t answered_cycle; /* when the answers so far are back */
    struct event complete;
    struct broadcast_op *next; /* of the issuer's, or free */
};

static const struct broadcast_config *broadcast_config(const struct cpu *cpu)
{
    return &cpu->system->broadcast;
}

void mmusim__broadcast_targets(const struct cpu *cpu,
                               enum broadcast_reach reach,
                               struct cpu_mask *targets)
{
    const struct broadcast_config *config = broadcast_config(cpu);
    const struct system *system = cpu->system;
    bool is_near = reach == REACH_INNER && config->inner_domain == INNER_SOCKET;

    *targets = (struct cpu_mask){{0}};
    if (reach == REACH_SELF || !config->reaches_others)
        return;
    for (uint32_t id = 0; id < system->n_cpus; id++) {
        if (id != cpu->id &&
            (!is_near || system->cpus[id].socket == cpu->socket))
            cpu_mask_set(targets, id);
    }
}

/* ---- an operation on its way ---- */

static struct broadcast_op *broadcast_op_take(struct system *system)
{
    struct broadcast_op *op = system->free_broadcasts;

    if (op) {
        system->free_broadcasts = op->next;
        return op;
    }
    op = mmusim__arena_alloc(system->arena, 1, sizeof(*op));
    if (!op)
        system_fail(system, MMUSIM_NOMEM);
    return op;
}

static void broadcast_op_free(struct broadcast_op *op)
{
    struct cpu_broadcast *own = &op->issuer->broadcast;
    struct system *system = op->issuer->system;
    struct broadcast_op **link = &own->ops;

    while (*link != op)
        link = &(*link)->next;
    *link = op->next;
    own->n_outstanding--;
    op->next = system->free_broadcasts;
    system->free_broadcasts = op;
}

static void broadcast_complete_fire(void *context, struct event *event)
{
    struct broadcast_op *op = context;
    struct cpu *issuer = op->issuer;

    broadcast_op_free(op);
    if (!issuer->broadcast.is_waiting)
        return;
    /* The frame looks again; it waits on if that was not what it needs. */
    issuer->broadcast.is_waiting = false;
    mmusim__cpu_wake(issuer, event->key.cycle, 0);
}

static struct distance_cycles
broadcast_latency(const struct broadcast_config *config)
{
    return (struct distance_cycles){
        config->latency_core_cycles, config->latency_socket_cycles,
        config->latency_remote_cycles, config->hop_cycles};
}

static bool broadcast_is_filtered(const struct cpu *target,
                                  const struct inval *inval)
{
    if (broadcast_config(target)->filter == FILTER_NONE)
        return false;
    return !(target->mmu.held_tags & held_tags_asked(inval));
}

static void broadcast_observe_arrival(const struct cpu *target,
                                      const struct broadcast_op *op,
                                      uint64_t now, uint64_t done)
{
    const struct broadcast_config *config = broadcast_config(target);
    const struct distance_cycles latency = broadcast_latency(config);
    const mmusim_ipi_event_t event = {
        .shootdown = op->shootdown,
        .from_cpu = op->issuer->id,
        .to_cpu = target->id,
        .sent_cycle = now - mmusim__distance(op->issuer, target, &latency),
        .delivered_cycle = now,
        .handler_begin_cycle = done > now ? done - config->slot_cycles : now,
        .handler_end_cycle = done,
    };

    mmusim__observe_ipi(target->observed->all, &event);
}

static void broadcast_arrive(struct cpu *target, void *cargo, uint64_t now)
{
    struct broadcast_op *op = cargo;
    struct cpu *issuer = op->issuer;
    const struct broadcast_config *config = broadcast_config(target);
    const struct distance_cycles answer = {
        config->ack_core_cycles, config->ack_socket_cycles,
        config->ack_remote_cycles, config->hop_cycles};
    uint64_t done = now;

    if (target->vcpu.is_preempted) /* another runs there */
        done = now + config->slot_cycles;
    else if (op->has_other || !broadcast_is_filtered(target, &op->inval))
        done = mmusim__cpu_steal(target, now, config->slot_cycles,
                                 BUCKET_IPI_HANDLER);
    if (target->observed)
        broadcast_observe_arrival(target, op, now, done);
    mmusim__mmu_invalidate(&target->mmu, &op->inval, op->cause);
    if (op->has_other)
        mmusim__mmu_invalidate(&target->mmu, &op->other, op->cause);
    if (op->inval.has_range)
        target->flushes.received_pages += op->inval.n_pages;
    else
        target->flushes.received_full++;
    op->answered_cycle = max_u64(
        op->answered_cycle, done + mmusim__distance(target, issuer, &answer));
    if (--op->n_undelivered)
        return;
    mmusim__event_schedule(&issuer->system->queue, &op->complete,
                           event_key(op->answered_cycle, EVENT_ACK, issuer->id,
                                     issuer->event_counts[EVENT_ACK]++));
}

/* ---- issuing ---- */

struct broadcast_issue_frame {
    struct kframe frame;
    struct broadcast_request request; /* its inval is the next operation's */
    struct cpu_mask targets;
    uint32_t n_targets;
};

static void broadcast_note_reached(struct cpu *cpu,
                                   const struct cpu_mask *targets)
{
    struct cpu_broadcast *own = &cpu->broadcast;
    struct shootdown_counters *counters = &cpu->system->shootdowns;
    uint32_t n_before = cpu_mask_count(&own->reached);

    if (!n_before) {
        if (!own->has_begun)
            own->started_cycle = cpu->now;
        own->shootdown = ++counters->count;
    }
    for (uint32_t i = 0; i < MAX_CPUS / 64; i++)
        own->reached.words[i] |= targets->words[i];
    counters->targets += cpu_mask_count(&own->reached) - n_before;
    counters->broadcasts++;
}

static void broadcast_send(struct cpu *cpu,
                           const struct broadcast_issue_frame *issue)
{
    const struct broadcast_config *config = broadcast_config(cpu);
    const struct distance_cycles latency = broadcast_latency(config);
    struct system *system = cpu->system;
    struct broadcast_op *op = broadcast_op_take(system);
    uint64_t sent_cycle = cpu->now + config->issue_cycles;

    if (!op)
        return;
    *op = (struct broadcast_op){
        .inval = issue->request.inval,
        .has_other = issue->request.has_other,
        .other = issue->request.other,
        .cause = issue->request.cause,
        .reach = issue->request.reach,
        .issuer = cpu,
        .number = cpu->broadcast.n_issued++,
        .n_undelivered = issue->n_targets,
        .next = cpu->broadcast.ops,
    };
    event_init(&op->complete, broadcast_complete_fire, op);
    cpu->broadcast.ops = op;
    cpu->broadcast.n_outstanding++;
    broadcast_note_reached(cpu, &issue->targets);
    op->shootdown = cpu->broadcast.shootdown;
    for (uint32_t id = cpu_mask_next(&issue->targets, 0); id < MAX_CPUS;
         id = cpu_mask_next(&issue->targets, id + 1)) {
        struct cpu *target = &system->cpus[id];

        if (!mmusim__flight_send(cpu, target,
                                 sent_cycle +
                                     mmusim__distance(cpu, target, &latency),
                                 broadcast_arrive, op))
            return;
    }
}

/* One operation: here at once, then to the others. */
static void broadcast_issue_one(struct cpu *cpu,
                                struct broadcast_issue_frame *issue)
{
    const struct broadcast_config *config = broadcast_config(cpu);
    struct broadcast_request *request = &issue->request;
    struct inval *inval = &request->inval;

    if (request->n_pages_total)
        inval->n_pages = min_u64(inval->n_pages, request->n_pages_total);
    mmusim__mmu_invalidate(&cpu->mmu, inval, request->cause);
    if (request->has_other)
        mmusim__mmu_invalidate(&cpu->mmu, &request->other, request->cause);
    if (issue->n_targets) {
        broadcast_send(cpu, issue);
        mmusim__cpu_busy(cpu, config->issue_cycles, BUCKET_IPI_SEND);
    } else {
        mmusim__cpu_busy(cpu, config->local_cycles, BUCKET_FLUSH_LOCAL);
    }
    if (request->n_pages_total)
        request->n_pages_total -= inval->n_pages;
    inval->vpn.v += request->step_pages ? request->step_pages
                                        : inval->n_pages << inval->stride_order;
    request->n_ops--;
}

static enum kstep broadcast_issue_step(struct cpu *cpu, struct kframe *frame)
{
    struct broadcast_issue_frame *issue =
        (struct broadcast_issue_frame *) frame;

    if (!issue->request.n_ops)
        return KSTEP_DONE;
    if (issue->n_targets && cpu->broadcast.n_outstanding >=
                                broadcast_config(cpu)->max_outstanding) {
        cpu->broadcast.is_waiting = true;
        mmusim__cpu_wait(cpu, BUCKET_IPI_WAIT);
    } else {
        broadcast_issue_one(cpu, issue);
    }
    return KSTEP_NEXT;
}

void mmusim__broadcast_issue(struct cpu *cpu,
                             const struct broadcast_request *request)
{
    struct broadcast_issue_frame *issue =
        mmusim__cpu_push(cpu, broadcast_issue_step, sizeof(*issue));

    mmusim_assert(request->inval.has_range || request->n_ops <= 1);
    issue->request = *request;
    mmusim__broadcast_targets(cpu, request->reach, &issue->targets);
    issue->n_targets = cpu_mask_count(&issue->targets);
}

void mmusim__broadcast_inval(struct cpu *cpu, const struct inval *inval,
                             enum broadcast_reach reach, enum miss_cause cause)
{
    uint64_t max_pages = broadcast_config(cpu)->max_pages;
    struct broadcast_request request = {
        .inval = *inval, .cause = cause, .reach = reach, .n_ops = 1};

    if (inval->has_range) {
        request.n_ops = (inval->n_pages + max_pages - 1) / max_pages;
        request.n_pages_total = inval->n_pages;
        request.inval.n_pages = max_pages;
    }
    mmusim__broadcast_issue(cpu, &request);
}

void mmusim__broadcast_instruction(struct cpu *cpu,
                                   const struct inval_request *request,
                                   enum miss_cause cause)
{
    struct broadcast_request operation = {.cause = cause,
                                          .reach = request->reach,
                                          .n_ops = request->n_invals > 0};

    if (request->n_invals > 0)
        operation.inval = request->invals[0];
    if (request->n_invals > 1) {
        operation.has_other = true;
        operation.other = request->invals[1];
    }
    mmusim__broadcast_issue(cpu, &operation);
}

/* ---- sync ---- */

struct broadcast_sync_frame {
    struct kframe frame;
    enum broadcast_reach reach;
    uint64_t n_issued; /* those before are waited for */
    uint64_t number;   /* among the CPU's, from 1 */
};

enum { SYNC_WAIT, SYNC_FINISH };

/* Are the operations issued before it, of at most its reach? */
static bool broadcast_is_complete(const struct cpu *cpu,
                                  const struct broadcast_sync_frame *sync)
{
    for (const struct broadcast_op *op = cpu->broadcast.ops; op;
         op = op->next) {
        if (op->number < sync->n_issued && op->reach <= sync->reach &&
            op->passed_by != sync->number)
            return false;
    }
    return true;
}

/* A flawed CPU's barrier lets pass what no earlier one has. */
static void broadcast_let_pass(struct cpu *cpu, uint64_t number)
{
    uint32_t flaws = broadcast_config(cpu)->early_syncs_per_million;

    if (!flaws || mmusim__rng_below(&cpu->broadcast.rng, 1000000) >= flaws)
        return;
    for (struct broadcast_op *op = cpu->broadcast.ops; op; op = op->next) {
        if (!op->passed_by)
            op->passed_by = number;
    }
}

/* Does the issuer believe that nothing is outstanding? */
static bool broadcast_is_over(const struct cpu_broadcast *own)
{
    for (const struct broadcast_op *op = own->ops; op; op = op->next) {
        if (!op->passed_by)
            return false;
    }
    return true;
}

static void broadcast_finish(struct cpu *cpu)
{
    struct cpu_broadcast *own = &cpu->broadcast;
    struct shootdown_counters *counters = &cpu->system->shootdowns;
    const struct observed_shootdown done = {own->shootdown, own->started_cycle,
                                            cpu_mask_count(&own->reached)};

    if (!done.n_targets || !broadcast_is_over(own))
        return;
    counters->completed++;
    mmusim__histogram_add(&counters->latency_cycles,
                          cpu->now - own->started_cycle);
    if (cpu->observed)
        mmusim__observe_shootdown(cpu, &done);
    own->reached = (struct cpu_mask){{0}};
    own->has_begun = false;
}

void mmusim__broadcast_begin(struct cpu *cpu)
{
    cpu->broadcast.has_begun = true;
    cpu->broadcast.started_cycle = cpu->now;
}

static enum kstep broadcast_sync_step(struct cpu *cpu, struct kframe *frame)
{
    struct broadcast_sync_frame *sync = (struct broadcast_sync_frame *) frame;
    const struct broadcast_config *config = broadcast_config(cpu);

    if (frame->pc == SYNC_FINISH) {
        if (sync->reach != REACH_SELF)
            broadcast_finish(cpu);
        return KSTEP_DONE;
    }
    if (sync->reach == REACH_SELF) {
        mmusim__cpu_busy(cpu, config->sync_local_cycles, BUCKET_FLUSH_LOCAL);
    } else if (broadcast_is_complete(cpu, sync)) {
        mmusim__cpu_busy(cpu, config->sync_cycles, BUCKET_IPI_WAIT);
    } else {
        cpu->broadcast.is_waiting = true;
        mmusim__cpu_wait(cpu, BUCKET_IPI_WAIT);
        return KSTEP_NEXT;
    }
    frame->pc = SYNC_FINISH;
    return KSTEP_NEXT;
}

void mmusim__broadcast_sync(struct cpu *cpu, enum broadcast_reach reach)
{
    struct broadcast_sync_frame *sync =
        mmusim__cpu_push(cpu, broadcast_sync_step, sizeof(*sync));

    sync->reach = reach;
    sync->n_issued = cpu->broadcast.n_issued;
    sync->number = ++cpu->broadcast.n_syncs;
    if (reach != REACH_SELF)
        broadcast_let_pass(cpu, sync->number);
}

enum { RNG_STREAM_SYNC = 0x53594e43 }; /* by CPU from there on */

void mmusim__broadcast_init(struct cpu *cpu, uint64_t seed)
{
    mmusim__rng_init(&cpu->broadcast.rng, seed, RNG_STREAM_SYNC + cpu->id);
}

uint32_t mmusim__broadcast_min_delivery_cycles(const struct system *system)
{
    const struct broadcast_config *config = &system->broadcast;
    const struct distance_cycles latency = broadcast_latency(config);

    return config->issue_cycles + distance_least(&latency);
}
