/* SPDX-License-Identifier: MIT */
/* When memory is short: see reclaim.h. Watermarks, direct reclaim, kswapd. */
#include "os/reclaim.h"

#include "core/check.h"
#include "os/kernel_daemon.h"
#include "os/placement.h"
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

struct watermarks mmusim__watermarks_of(uint64_t n_frames, uint64_t n_all,
                                        uint32_t scale_factor)
{
    uint64_t kib = n_all << (BASE_PAGE_SHIFT - 10);
    uint64_t min_kib = reclaim_sqrt(kib * 16);
    struct watermarks marks;
    uint64_t step;

    min_kib = max_u64(128, min_u64(min_kib, 65536));
    marks.min = min_kib >> (BASE_PAGE_SHIFT - 10);
    if (n_frames < n_all)
        marks.min = marks.min * n_frames / n_all;
    step = max_u64(marks.min / 4, n_frames * scale_factor / 10000);
    marks.low = marks.min + step;
    marks.high = marks.min + 2 * step;
    return marks;
}

bool mmusim__reclaim_is_above(const struct kernel *kernel, uint32_t node,
                              enum watermark mark, uint64_t n_frames)
{
    const struct watermarks *marks;
    uint64_t n_wanted;

    if (!kernel->reclaim)
        return true;
    marks = &kernel->reclaim->nodes[node].marks;
    n_wanted = mark == WATERMARK_MIN   ? marks->min
               : mark == WATERMARK_LOW ? marks->low
                                       : marks->high;
    return mmusim__frames_free_on(kernel->frames, node) >= n_wanted + n_frames;
}

/* Has any node? */
static bool reclaim_any_above(const struct kernel *kernel, enum watermark mark,
                              uint64_t n_frames)
{
    for (uint32_t node = 0; node < kernel->reclaim->n_nodes; node++) {
        if (mmusim__reclaim_is_above(kernel, node, mark, n_frames))
            return true;
    }
    return false;
}

/* ---- shrink_zone(), do_try_to_free_pages() ---- */

struct reclaim_frame {
    struct kframe frame;
    struct kernel *kernel;
    enum reclaimer who;
    uint32_t first, rank,
        n_nodes; /* of a zonelist: the one in hand, how many */
    uint32_t priority;
    uint32_t n_wanted;
    uint32_t n_reclaimed; /* of all nodes */
    uint32_t n_before;    /* of the nodes before this one */
    uint64_t targets[LRU_KINDS];
    uint32_t kind; /* the next list */
    bool has_aged; /* the active anonymous list, at the end of a round */
};

enum { RECLAIM_ROUND, RECLAIM_LISTS, RECLAIM_AGE, RECLAIM_AGAIN };

static bool reclaim_has_enough(const struct reclaim_frame *run)
{
    return run->n_reclaimed >= run->n_wanted;
}

static uint32_t reclaim_node(const struct reclaim_frame *run)
{
    return placement_node(run->kernel, run->first, run->rank);
}

/* Does a node's part end before its targets are through? Direct reclaim scans
 * to the end at first: kswapd is not keeping up (scan_adjusted of
 * shrink_lruvec, 3.16 and later). */
static bool reclaim_stops_early(const struct reclaim_frame *run)
{
    return run->n_reclaimed - run->n_before >= run->n_wanted &&
           (run->who == RECLAIM_KSWAPD || run->priority < RECLAIM_PRIORITY);
}

/* shrink_lruvec(): lists in turn, a cluster of each, until the targets are
 * through or there is enough. True: a frame has been pushed. Linux asks whether
 * there is enough after every round of the four; this only after a round whose
 * last list, the active file pages, gave a cluster up: where it is short, all
 * targets are gone through. */
static bool reclaim_next_list(struct cpu *cpu, struct reclaim_frame *run)
{
    const struct reclaim *reclaim = run->kernel->reclaim;
    struct shrink_request request = {
        .node = reclaim_node(run),
        .who = run->who,
        .n_reclaimed = &run->n_reclaimed,
    };

    if (run->kind == 0 && reclaim_stops_early(run))
        return false;
    for (uint32_t tried = 0; tried < LRU_KINDS; tried++) {
        enum lru_kind kind = (enum lru_kind) run->kind;
        uint64_t n = min_u64(run->targets[kind], RECLAIM_CLUSTER);

        run->kind = (run->kind + 1) % LRU_KINDS;
        run->targets[kind] -= n;
        if (!n || (lru_is_active(kind) &&
                   !mmusim__scan_inactive_is_low(reclaim, request.node, kind)))
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
        .node = reclaim_node(run),
        .kind = LRU_ACTIVE_ANON,
        .n_to_scan = RECLAIM_CLUSTER,
        .who = run->who,
        .n_reclaimed = &run->n_reclaimed,
    };

    if (mmusim__scan_inactive_is_low(run->kernel->reclaim, request.node,
                                     LRU_ACTIVE_ANON))
        mmusim__shrink_list(cpu, run->kernel, &request);
}

static bool reclaim_is_over(const struct reclaim_frame *run)
{
    return run->who == RECLAIM_KSWAPD || reclaim_has_enough(run) ||
           !run->priority;
}

static void reclaim_note_result(const struct reclaim_frame *run)
{
    struct reclaim *reclaim = run->kernel->reclaim;
    struct kernel_daemon *kswapd = &reclaim->nodes[run->first].kswapd;

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

/* The next node of the zonelist; false: all have been shrunk. */
static bool reclaim_next_node(struct reclaim_frame *run)
{
    struct reclaim_node *node = &run->kernel->reclaim->nodes[reclaim_node(run)];

    if (run->n_reclaimed > run->n_before)
        node->kswapd.n_failures = 0;
    run->n_before = run->n_reclaimed;
    run->rank++;
    if (run->rank < run->n_nodes)
        return true;
    run->rank = 0;
    return false;
}

static enum kstep reclaim_step(struct cpu *cpu, struct kframe *frame)
{
    struct reclaim_frame *run = (struct reclaim_frame *) frame;

    switch (frame->pc) {
    case RECLAIM_ROUND:
        frame->pc = RECLAIM_LISTS;
        run->kind = 0;
        mmusim__scan_targets(run->kernel->reclaim, reclaim_node(run),
                             run->priority, run->targets);
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
        if (reclaim_next_node(run)) {
            frame->pc = RECLAIM_ROUND;
            return KSTEP_NEXT;
        }
        if (!reclaim_is_over(run)) {
            run->priority--;
            frame->pc = RECLAIM_ROUND;
            return KSTEP_NEXT;
        }
        reclaim_note_result(run);
        return KSTEP_DONE;
    }
}

static struct reclaim_frame *reclaim_push(struct cpu *cpu,
                                          struct kernel *kernel,
                                          enum reclaimer who, uint32_t first)
{
    struct reclaim_frame *run =
        mmusim__cpu_push(cpu, reclaim_step, sizeof(*run));

    run->kernel = kernel;
    run->who = who;
    run->first = first;
    run->n_nodes = 1;
    run->priority = RECLAIM_PRIORITY;
    run->n_wanted = RECLAIM_CLUSTER;
    return run;
}

/* ---- kswapd ---- */

/* Works round by round, and gives its CPU up between them if its slice is
 * over. */
static void kswapd_serve(struct cpu *cpu, struct thread *thread)
{
    struct kernel_daemon *kswapd = (struct kernel_daemon *) thread;
    struct kernel *kernel = thread->kernel;
    const struct reclaim_node *node = &kernel->reclaim->nodes[kswapd->node];
    struct reclaim_frame *run;

    if (mmusim__reclaim_is_above(kernel, kswapd->node, WATERMARK_HIGH, 1) ||
        kswapd->n_failures >= RECLAIM_MAX_FAILURES) {
        kswapd->priority = RECLAIM_PRIORITY;
        mmusim__daemon_sleep(cpu, thread);
        return;
    }
    if (kswapd->priority == RECLAIM_PRIORITY)
        kernel->vm.pageoutrun++;
    run = reclaim_push(cpu, kernel, RECLAIM_KSWAPD, kswapd->node);
    run->priority = kswapd->priority;
    run->n_wanted = (uint32_t) max_u64(RECLAIM_CLUSTER, node->marks.high);
}

/* wake_all_kswapds(), wakeup_kswapd(): those whose node is below its high
 * watermark. */
static void reclaim_wake(struct kernel *kernel)
{
    struct reclaim *reclaim = kernel->reclaim;

    for (uint32_t i = 0; i < reclaim->n_nodes; i++) {
        struct kernel_daemon *kswapd = &reclaim->nodes[i].kswapd;

        if (kswapd->n_failures < RECLAIM_MAX_FAILURES &&
            !mmusim__reclaim_is_above(kernel, i, WATERMARK_HIGH, 1))
            mmusim__daemon_wake(kernel, kswapd);
    }
}

/* Is there anything that reclaim could take? */
static bool reclaim_has_hope(const struct reclaim *reclaim)
{
    bool has_swap = reclaim->swap.n_used < reclaim->swap.n_slots;

    for (uint32_t i = 0; i < reclaim->n_nodes; i++) {
        const struct lru_list *lists = reclaim->nodes[i].lru.lists;

        if (lists[LRU_INACTIVE_FILE].n_pages || lists[LRU_ACTIVE_FILE].n_pages)
            return true;
        if (has_swap && (lists[LRU_INACTIVE_ANON].n_pages ||
                         lists[LRU_ACTIVE_ANON].n_pages))
            return true;
    }
    return false;
}

bool mmusim__reclaim_before(struct cpu *cpu, struct kernel *kernel,
                            uint64_t n_frames)
{
    struct reclaim *reclaim = kernel->reclaim;
    struct reclaim_frame *run;

    if (reclaim_any_above(kernel, WATERMARK_LOW, n_frames) ||
        !reclaim_has_hope(reclaim))
        return false;
    kernel->now = cpu->now;
    reclaim_wake(kernel);
    if (reclaim_any_above(kernel, WATERMARK_MIN, n_frames))
        return false;
    kernel->vm.allocstall++;
    run = reclaim_push(cpu, kernel, RECLAIM_DIRECT,
                       mmusim__placement_local(kernel));
    run->n_nodes = reclaim->n_nodes;
    return true;
}

/* ---- life ---- */

static bool reclaim_make_nodes(struct kernel *kernel, struct reclaim *reclaim)
{
    uint32_t n_nodes = mmusim__frame_nodes(kernel->frames);

    reclaim->nodes = calloc(n_nodes, sizeof(*reclaim->nodes));
    if (!reclaim->nodes)
        return false;
    reclaim->n_nodes = n_nodes;
    for (uint32_t i = 0; i < n_nodes; i++) {
        struct reclaim_node *node = &reclaim->nodes[i];

        node->n_frames = mmusim__frames_of_node(kernel->frames, i);
        node->lru.node = i;
        node->marks =
            mmusim__watermarks_of(node->n_frames, reclaim->n_frames,
                                  kernel->config.watermark_scale_factor);
        mmusim__daemon_init(kernel, &node->kswapd, kswapd_serve);
        node->kswapd.priority = RECLAIM_PRIORITY;
        node->kswapd.node = i;
        node->kswapd.is_bound = n_nodes > 1;
    }
    return true;
}

static mmusim_status_t reclaim_fill(struct kernel *kernel,
                                    struct reclaim *reclaim)
{
    uint32_t granule_order = kernel->format->granule_order;

    reclaim->kernel = kernel;
    reclaim->n_frames = kernel->config.memory_bytes >> BASE_PAGE_SHIFT;
    reclaim->swap.n_slots =
        kernel->config.swap_bytes >> (BASE_PAGE_SHIFT + granule_order);
    /* A 32-bit entry has room for 20 bits of slot. */
    if (kernel->format->word_log2 == 2)
        reclaim->swap.n_slots =
            min_u64(reclaim->swap.n_slots, UINT64_C(1) << 20);
    reclaim->pages = mmusim__pages_create(granule_order);
    reclaim->pending =
        calloc(kernel->system->n_cpus, sizeof(*reclaim->pending));
    mmusim__daemon_init(kernel, &reclaim->flusher, mmusim__flusher_serve);
    return reclaim->pages && reclaim->pending &&
                   reclaim_make_nodes(kernel, reclaim)
               ? MMUSIM_OK
               : MMUSIM_NOMEM;
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
    free(reclaim->nodes);
    free(reclaim);
    kernel->reclaim = NULL;
}
