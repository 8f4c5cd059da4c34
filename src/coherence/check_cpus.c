/* SPDX-License-Identifier: MIT */
/* The checker on a machine: see check_cpus.h. */
#include "coherence/check_cpus.h"

#include "core/check.h"
#include "tlb/pt_format.h"

#include <stdlib.h>
#include <string.h>

/* ---- uses ---- */

/* The address space whose tables map an address while mm is loaded. */
static uint64_t check_owner(const struct check *check, uint64_t mm,
                            uint64_t vaddr)
{
    return pt_is_upper(check->format, vaddr) ? 0 : mm;
}

static void check_judge(struct check *check, uint32_t cpu,
                        const struct check_use *logged, uint64_t last_change)
{
    struct check_log *log = &check->logs[cpu];
    uint64_t vpn = logged->vaddr >> BASE_PAGE_SHIFT;
    struct check_memo *memo = &log->memos[vpn & (CHECK_MEMOS - 1)];
    const struct checker_use use = {
        .at = {logged->cycle, cpu},
        .mm = check_owner(check, log->mm, logged->vaddr),
        .vaddr = logged->vaddr,
        .need = logged->need,
        .stamp = logged->stamp,
        .rights = logged->rights,
        .is_kernel = check->system->cpus[cpu].is_kernel_thread,
    };

    if (memo->vpn == vpn && memo->stamp == logged->stamp &&
        memo->version >= last_change)
        return;
    if (mmusim__checker_use(check->checker, &use) == CHECKER_FRESH)
        *memo = (struct check_memo){vpn, logged->stamp, last_change};
}

/* Is a CPU's use before what happens now, at a cycle? Those of that cycle are
 * if a CPU behind this one has had its turn to access: what it has begun goes
 * on in the same cycle where it takes no time, with events of other classes. */
static bool check_is_past(const struct check *check, uint32_t cpu,
                          const struct check_use *use, uint64_t cycle)
{
    const struct system *system = check->system;

    if (use->cycle != cycle)
        return use->cycle < cycle;
    return use->is_event || cpu == system->acting_cpu ||
           (system->access_cycle == cycle && cpu < system->access_cpu);
}

/* Judges a CPU's uses before a cycle, and its events of it so far. */
static void check_settle_cpu(struct check *check, uint32_t cpu, uint64_t cycle)
{
    struct check_log *log = &check->logs[cpu];
    uint64_t mms[2] = {log->mm, 0};
    uint64_t changes[2];
    uint64_t fresh[2]; /* the least stamp that cannot be stale */
    uint64_t n_fresh[2];

    if (log->first == log->end ||
        !check_is_past(check, cpu, &log->uses[log->first], cycle))
        return;
    for (uint32_t i = 0; i < 2; i++) {
        changes[i] = mmusim__checker_last_change(check->checker, mms[i]);
        fresh[i] = mmusim__checker_stamp_at(mms[i], changes[i]);
        n_fresh[i] = mmusim__checker_stamp_span() - changes[i];
    }
    for (; log->first < log->end; log->first++) {
        const struct check_use *use = &log->uses[log->first];
        uint32_t half = pt_is_upper(check->format, use->vaddr);

        if (!check_is_past(check, cpu, use, cycle))
            break;
        check->n_uses++;
        if (use->stamp - fresh[half] >= n_fresh[half])
            check_judge(check, cpu, use, changes[half]);
    }
    if (log->first == log->end)
        log->first = log->end = 0;
}

void mmusim__check_settle(struct check *check, uint64_t cycle)
{
    for (uint32_t cpu = 0; cpu < check->system->n_cpus; cpu++)
        check_settle_cpu(check, cpu, cycle);
}

/* What is left moves to the front. */
static void check_log_pack(struct check_log *log)
{
    uint32_t n = log->end - log->first;

    memmove(log->uses, log->uses + log->first, n * sizeof(*log->uses));
    log->first = 0;
    log->end = n;
}

uint32_t mmusim__check_make_room(struct check *check, uint32_t cpu,
                                 uint64_t now)
{
    struct check_log *log = &check->logs[cpu];
    uint64_t mm = check->system->cpus[cpu].loaded->id;

    if (log->mm != mm) {
        check_settle_cpu(check, cpu, CYCLE_NEVER);
        log->mm = mm;
    }
    if (log->end > CHECK_LOG_USES / 2) {
        check_settle_cpu(check, cpu, now);
        check_log_pack(log);
    }
    /* So many at one cycle: they count as they come. */
    if (log->end == CHECK_LOG_USES)
        check_settle_cpu(check, cpu, CYCLE_NEVER);
    return CHECK_LOG_USES - log->end;
}

/* ---- what the hardware does ---- */

static uint64_t check_on_begin(void *context, uint32_t cpu, uint64_t vaddr,
                               uint64_t *owner)
{
    const struct check *check = context;

    *owner = check_owner(check, check->system->cpus[cpu].loaded->id, vaddr);
    return mmusim__checker_stamp(check->checker, *owner);
}

/* log2 of what a pointer to a table of a level translates; the OS may write
 * several as one. */
static uint32_t check_table_shift(const struct pt_format *format,
                                  uint32_t level)
{
    const struct pt_level *at = &format->levels[level];

    return (uint32_t) at->shift + at->bits + at->joint_log2;
}

static uint64_t check_on_read(void *context, uint32_t cpu,
                              const struct walk_seen *seen)
{
    struct check *check = context;
    const struct checker_walk walk = {
        .at = {seen->cycle, cpu},
        .mm = seen->owner,
        .vaddr = seen->vaddr,
        .table_pfn = seen->table >> BASE_PAGE_SHIFT,
        .shift = check_table_shift(check->format, seen->level),
        .stamp = seen->stamp,
        .is_lazy = check->system->cpus[cpu].is_kernel_thread,
    };

    mmusim__checker_walk(check->checker, &walk);
    return mmusim__checker_stamp(check->checker, seen->owner);
}

static void check_on_two_sizes(void *context, uint32_t cpu, uint64_t vaddr,
                               uint64_t stamp)
{
    struct check *check = context;
    const struct cpu *self = &check->system->cpus[cpu];
    const struct checker_overlap overlap = {
        .at = {self->now, cpu},
        .mm = check_owner(check, self->loaded->id, vaddr),
        .vaddr = vaddr,
        .older_stamp = stamp,
    };

    mmusim__checker_overlap(check->checker, &overlap);
}

static void check_on_invalidated(void *context, uint32_t cpu,
                                 const struct inval *inval)
{
    struct check *check = context;
    uint64_t start = inval->vpn.v << BASE_PAGE_SHIFT;
    const struct checker_event event = {
        .kind = CHECKER_EV_INVAL,
        .cycle = check->system->cpus[cpu].now,
        .mm = check->system->cpus[cpu].loaded->id,
        .start = inval->has_range ? start : 0,
        .end = inval->has_range ? start + (inval->n_pages << BASE_PAGE_SHIFT)
                                : CHECKER_END_ALL,
    };

    if (!inval->is_fault)
        mmusim__checker_note(check->checker, cpu, &event);
}

void mmusim__check_switched(struct check *check, const struct cpu *cpu)
{
    const struct checker_event event = {
        .kind = cpu->is_kernel_thread ? CHECKER_EV_LAZY : CHECKER_EV_SWITCH,
        .cycle = cpu->now,
        .mm = cpu->loaded->id,
        .detail = cpu->mmu.context.asid,
    };

    mmusim__checker_note(check->checker, cpu->id, &event);
}

/* ---- what the kernel does ---- */

struct checker_at mmusim__check_now(const struct check *check)
{
    uint32_t cpu = check->system->acting_cpu;

    return (struct checker_at){check->system->cpus[cpu].now, cpu};
}

struct check_flush_frame {
    struct kframe frame;
    uint64_t number;
};

static enum kstep check_flush_step(struct cpu *cpu, struct kframe *frame)
{
    const struct check_flush_frame *flush =
        (const struct check_flush_frame *) frame;
    struct check *check = cpu->system->check;

    mmusim__check_settle(check, cpu->now);
    mmusim__checker_flush_end(check->checker, flush->number,
                              (struct checker_at){cpu->now, cpu->id});
    return KSTEP_DONE;
}

void mmusim__check_flush(struct cpu *cpu, const struct checker_flush *flush)
{
    struct check *check = cpu->system->check;
    struct check_flush_frame *frame;

    if (!check)
        return;
    frame = mmusim__cpu_push(cpu, check_flush_step, sizeof(*frame));
    frame->number = mmusim__checker_flush_begin(check->checker, flush);
}

void mmusim__check_batch_add(struct cpu *cpu, uint64_t mm)
{
    struct check_batch *batch = &cpu->system->check->logs[cpu->id].batch;

    for (uint32_t i = 0; i < batch->n; i++) {
        if (batch->mms[i] == mm)
            return;
    }
    /* One too many is not said to be complete: nothing wrong is reported. */
    if (batch->n < CHECK_BATCH_SPACES)
        batch->mms[batch->n++] = mm;
}

void mmusim__check_batch_flush(struct cpu *cpu)
{
    struct check_batch *batch = &cpu->system->check->logs[cpu->id].batch;

    for (uint32_t i = 0; i < batch->n; i++) {
        const struct checker_flush flush = {
            .at = {cpu->now, cpu->id},
            .mm = batch->mms[i],
            .end = CHECKER_END_ALL,
            .is_of_own = true,
        };

        mmusim__check_flush(cpu, &flush);
    }
    batch->n = 0;
}

/* ---- life ---- */

void mmusim__check_destroy(struct check *check)
{
    if (!check)
        return;
    for (uint32_t i = 0; check->logs && i < check->system->n_cpus; i++) {
        free(check->logs[i].uses);
        free(check->logs[i].memos);
    }
    free(check->logs);
    mmusim__checker_destroy(check->checker);
    free(check);
}

static bool check_make_logs(struct check *check)
{
    bool is_made;

    check->logs = calloc(check->system->n_cpus, sizeof(*check->logs));
    is_made = check->logs;
    for (uint32_t i = 0; is_made && i < check->system->n_cpus; i++) {
        struct check_log *log = &check->logs[i];

        log->uses = calloc(CHECK_LOG_USES, sizeof(*log->uses));
        log->memos = calloc(CHECK_MEMOS, sizeof(*log->memos));
        is_made = log->uses && log->memos;
    }
    return is_made;
}

struct check *mmusim__check_create(struct system *system,
                                   const struct pt_format *format,
                                   uint32_t max_reports)
{
    const struct checker_config config = {.n_cpus = system->n_cpus,
                                          .max_reports = max_reports};
    struct check *check = calloc(1, sizeof(*check));

    if (!check)
        return NULL;
    check->system = system;
    check->format = format;
    check->watch = (struct mmu_watch){
        .context = check,
        .begin = check_on_begin,
        .read = check_on_read,
        .two_sizes = check_on_two_sizes,
        .invalidated = check_on_invalidated,
    };
    check->checker = mmusim__checker_create(&config);
    if (check->checker && check_make_logs(check))
        return check;
    mmusim__check_destroy(check);
    return NULL;
}
