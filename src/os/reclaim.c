/* SPDX-License-Identifier: MIT */
/* When memory is short: see reclaim.h. Watermarks, direct reclaim, kswapd. */
#include "os/reclaim.h"

#include "core/check.h"
#include "os/kernel_daemon.h"
#include "os/writeback.h"

#include <stdlib.h>

enum {
    RECLAIM_PRIORITY = 12,     /* DEF_PRIORITY, include/linux/mmzone.h */
    RECLAIM_MAX_FAILURES = 16, /* MAX_RECLAIM_RETRIES */
};

/* ---- watermarks ---- */

static uint64_t reclaim_sqrt(uint64_t n)
{
    uint64_t root = 0;

    for (uint64_t bit = UINT64_C(1) << 31; bit; bit >>= 1) {
        if ((root + bit) * (root + bit) <= n)
            root += bit;
    }
    return root;
}

struct watermarks mmusim__watermarks_of(uint64_t n_frames,
                                        uint32_t scale_factor)
{
    uint64_t kib = n_frames << (BASE_PAGE_SHIFT - 10);
    uint64_t min_kib = reclaim_sqrt(kib * 16);
    struct watermarks marks;
    uint64_t step;

    min_kib = max_u64(128, min_u64(min_kib, 65536));
    marks.min = min_kib >> (BASE_PAGE_SHIFT - 10);
    step = max_u64(marks.min / 4, n_frames * scale_factor / 10000);
    marks.low = marks.min + step;
    marks.high = marks.min + 2 * step;
    return marks;
}

uint64_t mmusim__reclaim_free_frames(const struct kernel *kernel)
{
    uint64_t in_use = mmusim__frames_in_use(kernel->frames);
    uint64_t n = kernel->reclaim->n_frames;

    return n > in_use ? n - in_use : 0;
}

/* ---- the lists' lock, for a full pagevec ---- */

struct drain_frame {
    struct kframe frame;
    struct reclaim *reclaim;
    struct lock_waiter waiter;
};

enum { DRAIN_LOCK, DRAIN_MOVE, DRAIN_UNLOCK };

static enum kstep drain_step(struct cpu *cpu, struct kframe *frame)
{
    struct drain_frame *drain = (struct drain_frame *) frame;
    struct reclaim *reclaim = drain->reclaim;
    struct lru_pending *pending = &reclaim->pending[cpu->id];
    uint32_t n;

    switch (frame->pc) {
    case DRAIN_LOCK:
        if (pending->n_pages < LRU_PAGEVEC)
            return KSTEP_DONE;
        frame->pc = DRAIN_MOVE;
        mmusim__lru_lock(cpu, &reclaim->lru, &drain->waiter);
        break;
    case DRAIN_MOVE:
        frame->pc = DRAIN_UNLOCK;
        n = mmusim__lru_drain(&reclaim->lru, pending);
        mmusim__cpu_busy(cpu, (uint64_t) n * cpu->system->cost.lru_move_cycles,
                         BUCKET_KERNEL);
        break;
    default:
        frame->pc = DRAIN_LOCK;
        mmusim__lru_unlock(cpu, &reclaim->lru);
        break;
    }
    return KSTEP_NEXT;
}

bool mmusim__reclaim_drain(struct cpu *cpu, struct kernel *kernel)
{
    struct reclaim *reclaim = kernel->reclaim;
    struct drain_frame *drain;

    if (reclaim->pending[cpu->id].n_pages < LRU_PAGEVEC)
        return false;
    drain = mmusim__cpu_push(cpu, drain_step, sizeof(*drain));
    drain->reclaim = reclaim;
    return true;
}

/* ---- shrink_zone(), do_try_to_free_pages() ---- */

struct reclaim_frame {
    struct kframe frame;
    struct kernel *kernel;
    enum reclaimer who;
    uint32_t priority;
    uint32_t n_wanted;
    uint32_t n_reclaimed;
    uint64_t targets[LRU_KINDS];
    uint32_t kind; /* the next list */
    bool has_aged; /* the active anonymous list, at the end of a round */
};

enum { RECLAIM_ROUND, RECLAIM_LISTS, RECLAIM_AGE, RECLAIM_AGAIN };

static bool reclaim_has_enough(const struct reclaim_frame *run)
{
    return run->n_reclaimed >= run->n_wanted;
}

/* shrink_lruvec(): lists in turn, a cluster of each, until the targets are
 * through or there is enough. True: a frame has been pushed. */
static bool reclaim_next_list(struct cpu *cpu, struct reclaim_frame *run)
{
    const struct reclaim *reclaim = run->kernel->reclaim;
    struct shrink_request request = {
        .who = run->who,
        .n_reclaimed = &run->n_reclaimed,
    };

    if (run->kind == 0 && reclaim_has_enough(run))
        return false;
    for (uint32_t tried = 0; tried < LRU_KINDS; tried++) {
        enum lru_kind kind = (enum lru_kind) run->kind;
        uint64_t n = min_u64(run->targets[kind], RECLAIM_CLUSTER);

        run->kind = (run->kind + 1) % LRU_KINDS;
        run->targets[kind] -= n;
        if (!n || (lru_is_active(kind) &&
                   !mmusim__scan_inactive_is_low(reclaim, kind)))
            continue;
        request.kind = kind;
        request.n_to_scan = (uint32_t) n;
        mmusim__shrink_list(cpu, run->kernel, &request);
        return true;
    }
    return false;
}

/* Even if nothing was scanned, so that anonymous pages age. */
static void reclaim_age_anon(struct cpu *cpu, struct reclaim_frame *run)
{
    const struct shrink_request request = {
        .kind = LRU_ACTIVE_ANON,
        .n_to_scan = RECLAIM_CLUSTER,
        .who = run->who,
        .n_reclaimed = &run->n_reclaimed,
    };

    if (mmusim__scan_inactive_is_low(run->kernel->reclaim, LRU_ACTIVE_ANON))
        mmusim__shrink_list(cpu, run->kernel, &request);
}

static bool reclaim_is_over(const struct reclaim_frame *run)
{
    return run->who == RECLAIM_KSWAPD || reclaim_has_enough(run) ||
           !run->priority;
}

static void reclaim_note_result(const struct reclaim_frame *run)
{
    struct kernel_daemon *kswapd = &run->kernel->reclaim->kswapd;

    if (run->n_reclaimed)
        kswapd->n_failures = 0;
    if (run->who == RECLAIM_DIRECT)
        return;
    /* raise_priority of balance_pgdat() */
    if (reclaim_has_enough(run))
        return;
    if (kswapd->priority > 1) {
        kswapd->priority--;
        return;
    }
    kswapd->priority = RECLAIM_PRIORITY;
    kswapd->n_failures += !run->n_reclaimed;
}

static enum kstep reclaim_step(struct cpu *cpu, struct kframe *frame)
{
    struct reclaim_frame *run = (struct reclaim_frame *) frame;

    switch (frame->pc) {
    case RECLAIM_ROUND:
        frame->pc = RECLAIM_LISTS;
        run->kind = 0;
        mmusim__scan_targets(run->kernel->reclaim, run->priority, run->targets);
        mmusim__cpu_busy(cpu, cpu->system->cost.reclaim_round_cycles,
                         BUCKET_KERNEL);
        return KSTEP_NEXT;
    case RECLAIM_LISTS:
        if (!reclaim_next_list(cpu, run))
            frame->pc = RECLAIM_AGE;
        return KSTEP_NEXT;
    case RECLAIM_AGE:
        frame->pc = RECLAIM_AGAIN;
        reclaim_age_anon(cpu, run);
        return KSTEP_NEXT;
    default:
        if (!reclaim_is_over(run)) {
            run->priority--;
            frame->pc = RECLAIM_ROUND;
            return KSTEP_NEXT;
        }
        reclaim_note_result(run);
        return KSTEP_DONE;
    }
}

static void reclaim_push(struct cpu *cpu, struct kernel *kernel,
                         enum reclaimer who, uint32_t priority,
                         uint64_t n_wanted)
{
    struct reclaim_frame *run =
        mmusim__cpu_push(cpu, reclaim_step, sizeof(*run));

    run->kernel = kernel;
    run->who = who;
    run->priority = priority;
    run->n_wanted = (uint32_t) n_wanted;
}

/* ---- kswapd ---- */

/* Works round by round, and gives its CPU up between them if its slice is
 * over. */
static void kswapd_serve(struct cpu *cpu, struct thread *thread)
{
    struct kernel *kernel = thread->kernel;
    struct reclaim *reclaim = kernel->reclaim;
    struct kernel_daemon *kswapd = &reclaim->kswapd;

    if (mmusim__reclaim_free_frames(kernel) > reclaim->marks.high ||
        kswapd->n_failures >= RECLAIM_MAX_FAILURES) {
        kswapd->priority = RECLAIM_PRIORITY;
        mmusim__daemon_sleep(cpu, thread);
        return;
    }
    if (kswapd->priority == RECLAIM_PRIORITY)
        kernel->vm.pageoutrun++;
    reclaim_push(cpu, kernel, RECLAIM_KSWAPD, kswapd->priority,
                 max_u64(RECLAIM_CLUSTER, reclaim->marks.high));
}

/* Is there anything that reclaim could take? */
static bool reclaim_has_hope(const struct reclaim *reclaim)
{
    const struct lru_list *lists = reclaim->lru.lists;
    uint64_t n =
        lists[LRU_INACTIVE_FILE].n_pages + lists[LRU_ACTIVE_FILE].n_pages;

    if (reclaim->swap.n_used < reclaim->swap.n_slots)
        n += lists[LRU_INACTIVE_ANON].n_pages + lists[LRU_ACTIVE_ANON].n_pages;
    return n;
}

bool mmusim__reclaim_before(struct cpu *cpu, struct kernel *kernel,
                            uint64_t n_frames)
{
    struct reclaim *reclaim = kernel->reclaim;
    uint64_t n_free = mmusim__reclaim_free_frames(kernel);

    if (n_free >= reclaim->marks.low + n_frames || !reclaim_has_hope(reclaim))
        return false;
    kernel->now = cpu->now;
    if (reclaim->kswapd.n_failures < RECLAIM_MAX_FAILURES)
        mmusim__daemon_wake(kernel, &reclaim->kswapd);
    if (n_free >= reclaim->marks.min + n_frames)
        return false;
    kernel->vm.allocstall++;
    reclaim_push(cpu, kernel, RECLAIM_DIRECT, RECLAIM_PRIORITY,
                 RECLAIM_CLUSTER);
    return true;
}

/* ---- life ---- */

static mmusim_status_t reclaim_fill(struct kernel *kernel,
                                    struct reclaim *reclaim)
{
    uint32_t granule_order = kernel->format->granule_order;

    reclaim->kernel = kernel;
    reclaim->n_frames = kernel->config.memory_bytes >> BASE_PAGE_SHIFT;
    reclaim->marks = mmusim__watermarks_of(
        reclaim->n_frames, kernel->config.watermark_scale_factor);
    reclaim->swap.n_slots =
        kernel->config.swap_bytes >> (BASE_PAGE_SHIFT + granule_order);
    /* A 32-bit entry has room for 20 bits of slot. */
    if (kernel->format->word_log2 == 2)
        reclaim->swap.n_slots =
            min_u64(reclaim->swap.n_slots, UINT64_C(1) << 20);
    reclaim->pages = mmusim__pages_create(granule_order);
    reclaim->pending =
        calloc(kernel->system->n_cpus, sizeof(*reclaim->pending));
    mmusim__daemon_init(kernel, &reclaim->kswapd, kswapd_serve);
    reclaim->kswapd.priority = RECLAIM_PRIORITY;
    mmusim__daemon_init(kernel, &reclaim->flusher, mmusim__flusher_serve);
    return reclaim->pages && reclaim->pending ? MMUSIM_OK : MMUSIM_NOMEM;
}

mmusim_status_t mmusim__reclaim_init(struct kernel *kernel)
{
    kernel->reclaim = calloc(1, sizeof(*kernel->reclaim));
    if (!kernel->reclaim)
        return MMUSIM_NOMEM;
    return reclaim_fill(kernel, kernel->reclaim);
}

void mmusim__reclaim_fini(struct kernel *kernel)
{
    struct reclaim *reclaim = kernel->reclaim;

    if (!reclaim)
        return;
    mmusim__pages_destroy(reclaim->pages);
    mmusim__swap_fini(&reclaim->swap);
    mmusim__writeback_fini(&reclaim->dirty);
    free(reclaim->pending);
    free(reclaim);
    kernel->reclaim = NULL;
}
