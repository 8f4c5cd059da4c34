/* SPDX-License-Identifier: MIT */
/* Telling observers: see observers.h. */
#include "coherence/observers.h"

#include "coherence/system.h"

#include <stdlib.h>
#include <string.h>

/* tell_MEMBER(): calls a member of every observer that has it. */
#define OBSERVED_MAP(X)                                                        \
    X(span, mmusim_span_t)                                                     \
    X(enter, mmusim_scope_t)                                                   \
    X(leave, mmusim_scope_t)                                                   \
    X(miss, mmusim_miss_event_t)                                               \
    X(walk, mmusim_walk_event_t)                                               \
    X(fault, mmusim_fault_event_t)                                             \
    X(operation, mmusim_operation_event_t)                                     \
    X(flush_call, mmusim_flush_call_event_t)                                   \
    X(shootdown, mmusim_shootdown_event_t)                                     \
    X(ipi, mmusim_ipi_event_t)                                                 \
    X(mark, mmusim_mark_event_t)                                               \
    X(image, mmusim_image_event_t)                                             \
    X(site, mmusim_site_event_t)

#define OBSERVED_TELL(member, type)                                            \
    static void tell_##member(const struct observers *observers,               \
                              const type *event)                               \
    {                                                                          \
        for (uint32_t i = 0; i < observers->n; i++) {                          \
            const mmusim_observer_t *observer = &observers->list[i];           \
                                                                               \
            if (observer->on_##member)                                         \
                observer->on_##member(observer->context, event);               \
        }                                                                      \
    }
OBSERVED_MAP(OBSERVED_TELL)
#undef OBSERVED_TELL

static const char *const bucket_names[BUCKET_COUNT] = {
#define BUCKET_NAME(name, word, help) [BUCKET_##name] = word,
    BUCKET_MAP(BUCKET_NAME)
#undef BUCKET_NAME
};

/* ---- where a CPU is ---- */

static struct observed_scope *observed_top(struct observed_cpu *observed)
{
    if (!observed->depth || observed->depth > OBSERVED_MAX_DEPTH)
        return NULL;
    return &observed->scopes[observed->depth - 1];
}

static mmusim_inside_t observed_inside(const struct observed_cpu *observed)
{
    uint32_t i = observed->depth;

    if (i > OBSERVED_MAX_DEPTH)
        i = OBSERVED_MAX_DEPTH;
    while (i-- > 0) {
        const struct observed_scope *at = &observed->scopes[i];

        if (at->scope.kind == MMUSIM_SCOPE_INTERRUPT)
            break;
        if (at->scope.kind != MMUSIM_SCOPE_FLUSH)
            return (mmusim_inside_t){at->scope.name, at->scope.vaddr,
                                     at->scope.length_bytes, at->pc};
    }
    return (mmusim_inside_t){.name = NULL};
}

static uint64_t observed_space(const struct cpu *cpu)
{
    return cpu->is_kernel_thread ? 0 : cpu->active_mm->id;
}

/* ---- spans ---- */

static void observed_end_span(struct cpu *cpu)
{
    struct observed_cpu *observed = cpu->observed;
    mmusim_span_t span;

    if (observed->span_begin == observed->span_end)
        return;
    span = (mmusim_span_t){
        .begin_cycle = observed->span_begin,
        .end_cycle = observed->span_end,
        .cpu = cpu->id,
        .tid = observed->span_tid,
        .bucket = observed->span_bucket,
        .bucket_name = bucket_names[observed->span_bucket],
        .inside = observed_inside(observed),
    };
    observed->span_begin = observed->span_end;
    tell_span(observed->all, &span);
}

void mmusim__observe_span(struct cpu *cpu, uint64_t begin, uint64_t end,
                          enum bucket bucket)
{
    struct observed_cpu *observed = cpu->observed;

    if (begin == end)
        return;
    mmusim_assert(begin == observed->span_end);
    if (bucket != observed->span_bucket || cpu->task_id != observed->span_tid)
        observed_end_span(cpu);
    observed->span_bucket = bucket;
    observed->span_tid = cpu->task_id;
    observed->span_end = end;
}

/* ---- scopes ---- */

struct observed_scope *mmusim__observe_enter(struct cpu *cpu,
                                             const mmusim_scope_t *what)
{
    struct observed_cpu *observed = cpu->observed;
    struct observed_scope *entered;

    observed_end_span(cpu);
    observed->depth++;
    entered = observed_top(observed);
    if (!entered)
        return NULL;
    *entered = (struct observed_scope){.scope = *what, .pc = observed->pc};
    entered->scope.cpu = cpu->id;
    entered->scope.tid = cpu->task_id;
    entered->scope.cycle = cpu->now;
    entered->space = observed_space(cpu);
    tell_enter(observed->all, &entered->scope);
    return entered;
}

struct observed_scope *mmusim__observe_innermost(struct cpu *cpu)
{
    return observed_top(cpu->observed);
}

void mmusim__observe_leave(struct cpu *cpu)
{
    struct observed_cpu *observed = cpu->observed;
    struct observed_scope *left = observed_top(observed);
    mmusim_scope_t scope;

    mmusim_assert(observed->depth > 0);
    observed_end_span(cpu);
    if (left) {
        scope = left->scope;
        scope.cycle = cpu->now;
        tell_leave(observed->all, &scope);
        free(left->text);
        left->text = NULL;
    }
    observed->depth--;
}

void mmusim__observe_flush_end(struct cpu *cpu)
{
    const struct observed_scope *left = mmusim__observe_innermost(cpu);

    if (left) {
        const mmusim_flush_call_event_t event = {
            .begin_cycle = left->scope.cycle,
            .end_cycle = cpu->now,
            .vaddr = left->scope.vaddr,
            .length_bytes = left->scope.length_bytes,
            .space = left->space,
            .cpu = cpu->id,
            .tid = left->scope.tid,
            .name = left->scope.name,
            .inside = observed_inside(cpu->observed),
        };

        observed_end_span(cpu);
        tell_flush_call(cpu->observed->all, &event);
    }
    mmusim__observe_leave(cpu);
}

void mmusim__observe_fault_end(struct cpu *cpu, enum access_kind access,
                               const char *kind)
{
    const struct observed_scope *left = mmusim__observe_innermost(cpu);

    if (left) {
        const mmusim_fault_event_t event = {
            .begin_cycle = left->scope.cycle,
            .end_cycle = cpu->now,
            .vaddr = left->scope.vaddr,
            .pc = left->pc,
            .space = left->space,
            .cpu = cpu->id,
            .tid = left->scope.tid,
            .access = (mmusim_access_kind_t) access,
            .kind = kind,
        };

        observed_end_span(cpu);
        tell_fault(cpu->observed->all, &event);
    }
    mmusim__observe_leave(cpu);
}

void mmusim__observe_operation_end(struct cpu *cpu,
                                   mmusim_operation_event_t *event)
{
    const struct observed_scope *left = mmusim__observe_innermost(cpu);

    if (left) {
        event->begin_cycle = left->scope.cycle;
        event->end_cycle = cpu->now;
        event->pc = left->pc;
        event->space = left->space;
        event->file = left->text;
        event->name = left->scope.name;
        event->cpu = cpu->id;
        event->tid = left->scope.tid;
        observed_end_span(cpu);
        tell_operation(cpu->observed->all, event);
    }
    mmusim__observe_leave(cpu);
}

/* ---- events ---- */

void mmusim__observe_shootdown(struct cpu *cpu,
                               const struct observed_shootdown *shootdown)
{
    struct observed_cpu *observed = cpu->observed;
    const struct observed_scope *flush = observed_top(observed);
    mmusim_shootdown_event_t event = {
        .id = shootdown->id,
        .begin_cycle = shootdown->begin_cycle,
        .end_cycle = cpu->now,
        .cpu = cpu->id,
        .tid = cpu->task_id,
        .n_targets = shootdown->n_targets,
        .inside = observed_inside(observed),
    };

    if (flush && flush->scope.kind == MMUSIM_SCOPE_FLUSH) {
        event.vaddr = flush->scope.vaddr;
        event.length_bytes = flush->scope.length_bytes;
    }
    tell_shootdown(observed->all, &event);
}

void mmusim__observe_ipi(const struct observers *observers,
                         const mmusim_ipi_event_t *event)
{
    tell_ipi(observers, event);
}

void mmusim__observe_mark(struct cpu *cpu, const char *name, uint32_t index)
{
    const mmusim_mark_event_t event = {
        .cycle = cpu->now,
        .cpu = cpu->id,
        .tid = cpu->task_id,
        .index = index,
        .name = name,
    };

    tell_mark(cpu->observed->all, &event);
}

void mmusim__observe_image(struct cpu *cpu, const struct sys_op *op)
{
    const mmusim_image_event_t event = {
        .cycle = cpu->now,
        .space = observed_space(cpu),
        .vaddr = op->vaddr,
        .length_bytes = op->length_bytes,
        .file_offset = op->file_offset,
        .build = op->number,
        .name = op->name,
        .cpu = cpu->id,
        .tid = cpu->task_id,
        .is_file = (op->flags & SYS_MAP_FILE) != 0,
        .is_readable = (op->flags & SYS_PROT_READ) != 0,
        .is_writable = (op->flags & SYS_PROT_WRITE) != 0,
        .is_executable = (op->flags & SYS_PROT_EXEC) != 0,
        .has_lines = (op->flags & SYS_IMAGE_LINES) != 0,
    };

    tell_image(cpu->observed->all, &event);
}

void mmusim__observe_site(struct cpu *cpu, uint64_t vaddr)
{
    const mmusim_site_event_t event = {
        .cycle = cpu->now,
        .vaddr = vaddr,
        .cpu = cpu->id,
        .tid = cpu->task_id,
    };

    tell_site(cpu->observed->all, &event);
}

/* ---- walks ---- */

static void observe_miss(void *context, const struct mmu *mmu,
                         const struct walk_request *request,
                         enum miss_cause cause, uint64_t now)
{
    static const char *const causes[MISS_CAUSE_COUNT] = {
#define MISS_CAUSE_WORD(name, word, help) [MISS_##name] = word,
        MISS_CAUSE_MAP(MISS_CAUSE_WORD)
#undef MISS_CAUSE_WORD
    };
    const struct observers *observers = context;
    const struct cpu *cpu = &observers->system->cpus[mmu->cpu];
    const mmusim_miss_event_t event = {
        .begin_cycle = request->asked_cycle,
        .end_cycle = now,
        .vaddr = request->vaddr,
        .pc = request->pc,
        .space = observed_space(cpu),
        .cpu = cpu->id,
        .tid = cpu->task_id,
        .kind = (mmusim_access_kind_t) request->kind,
        .cause = causes[cause],
    };

    tell_miss(observers, &event);
}

static const char *observed_purpose(const struct walk *walk)
{
    static const char *const needs[] = {
        [WALK_FOR_MISS] = "demand",
        [WALK_FOR_DIRTY] = "dirty",
        [WALK_FOR_REPLAY] = "replay",
    };

    switch (walk->purpose) {
    case WALK_ON_DEMAND:
        break;
    case WALK_TO_PREFETCH:
        return "prefetch";
    case WALK_TO_SPECULATE:
        return "speculate";
    }
    return walk->requests ? needs[walk->requests->need] : "demand";
}

static void observe_walk(void *context, const struct walk *walk, uint64_t now)
{
    const struct observers *observers = context;
    const struct cpu *cpu = &observers->system->cpus[walk->mmu->cpu];
    const mmusim_walk_event_t event = {
        .begin_cycle = walk->started_cycle,
        .end_cycle = now,
        .vaddr = walk->vaddr,
        .pc = walk->requests ? walk->requests->pc : 0,
        .cpu = cpu->id,
        .tid = cpu->task_id,
        .walker = (uint32_t) (walk - walk->mmu->walks),
        .n_pte_reads = walk->n_pte_reads,
        .purpose = observed_purpose(walk),
        .is_poisoned = walk->is_poisoned,
        .is_faulted = walk->fault.kind != WALK_FAULT_NONE || walk->has_given_up,
    };

    tell_walk(observers, &event);
}

/* ---- a run ---- */

struct observers *mmusim__observers_create(struct system *system)
{
    struct observers *observers = calloc(1, sizeof(*observers));

    if (!observers)
        return NULL;
    observers->cpus = calloc(system->n_cpus, sizeof(*observers->cpus));
    if (!observers->cpus) {
        free(observers);
        return NULL;
    }
    observers->system = system;
    observers->n_cpus = system->n_cpus;
    observers->mmu = (struct mmu_observer){
        .context = observers,
        .on_miss = observe_miss,
        .on_walk = observe_walk,
    };
    for (uint32_t i = 0; i < system->n_cpus; i++) {
        observers->cpus[i].all = observers;
        system->cpus[i].observed = &observers->cpus[i];
    }
    return observers;
}

void mmusim__observers_destroy(struct observers *observers)
{
    if (!observers)
        return;
    for (uint32_t i = 0; i < observers->n_cpus; i++) {
        for (uint32_t k = 0; k < OBSERVED_MAX_DEPTH; k++)
            free(observers->cpus[i].scopes[k].text);
    }
    free(observers->cpus);
    free(observers->list);
    free(observers);
}

bool mmusim__observers_add(struct observers *observers,
                           const mmusim_observer_t *observer)
{
    mmusim_observer_t *grown =
        realloc(observers->list, (observers->n + 1) * sizeof(*observers->list));

    if (!grown)
        return false;
    observers->list = grown;
    grown[observers->n++] = *observer;
    return true;
}

void mmusim__observers_end(struct observers *observers)
{
    for (uint32_t i = 0; i < observers->n_cpus; i++) {
        struct cpu *cpu = &observers->system->cpus[i];

        observed_end_span(cpu);
        while (cpu->observed->depth)
            mmusim__observe_leave(cpu);
    }
}
