/* SPDX-License-Identifier: MIT */
/* Walks in flight when an instruction comes: see conform_bench.h. */
#include "conformance/conform_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct flying {
    struct walk_request request;
    struct conform_entry entry;
    enum walk_outcome outcome;
    bool is_answered;
};

static void on_flown(void *context, struct walk_request *request,
                     enum walk_outcome outcome, uint64_t now)
{
    struct flying *flying = (struct flying *) request;

    (void) context;
    (void) now;
    flying->outcome = outcome;
    flying->is_answered = true;
}

static uint32_t take_off(struct bench *bench, struct flying *flying)
{
    struct mmu *mmu = &conform_cpu(bench, ISSUER)->mmu;
    uint32_t n = 0;

    conform_wipe(mmu);
    for (uint32_t i = 0; i < bench->machine->n_contexts; i++) {
        conform_load(bench, ISSUER, &bench->machine->contexts[i]);
        for (uint32_t j = 0; j < ADDRESSES; j++) {
            struct flying *f = &flying[n++];

            *f = (struct flying){
                .request = {.vaddr = bench->pages[j] + 8},
                .entry = {.context = bench->machine->contexts[i],
                          .is_global = bench->is_global,
                          .first = vpn_of(bench->pages[j]).v,
                          .n_pages = UINT64_C(1) << bench->target.order,
                          .level = bench->target.level}};
            mmusim__walk_ask(mmu, &f->request, 0);
        }
    }
    conform_load(bench, ISSUER, &bench->machine->contexts[0]);
    return n;
}

/* What a walk holds after some reads: a pointer to the table it has reached,
 * as if that were cached, or the leaf. */
static struct conform_entry held_by(const struct bench *bench,
                                    const struct conform_entry *page,
                                    uint32_t n_reads)
{
    const struct pt_format *format = &bench->format;
    struct conform_entry held = *page;
    uint32_t level = format->n_levels - 1 - n_reads;
    uint32_t order;

    if (n_reads == format->n_levels - bench->target.level)
        return held;
    order = pt_span_order(format, level);
    held.kind = POINTER;
    held.is_global = false;
    held.first = align_down(page->first, UINT64_C(1) << order);
    held.n_pages = UINT64_C(1) << order;
    return held;
}

/* The pointer that the leaf was read by; where it was read at the root, one
 * that the instruction would have dropped if there were one. */
static struct conform_entry pointer_of(const struct bench *bench,
                                       const struct conform_entry *page,
                                       uint32_t n_reads)
{
    struct conform_entry pointer = *page;

    if (n_reads > 1)
        return held_by(bench, page, n_reads - 1);
    pointer.kind = POINTER;
    pointer.is_global = false;
    return pointer;
}

/* Would the instruction leave all that the walk may bring, and the pointer it
 * got the leaf by? It need not know yet how large the page is, or that it is
 * global. */
static bool is_untouched(const struct bench *bench,
                         const struct conform_case *c,
                         const struct conform_entry *page,
                         const struct conform_entry *held,
                         const struct conform_entry *last)
{
    for (uint32_t i = 0; i < 4; i++) {
        struct conform_entry known = *page;

        known.is_global = i % 2;
        if (i / 2) {
            known.level = 0;
            known.n_pages = UINT64_C(1) << bench->format.granule_order;
        }
        if (conform_verdict_of(bench, c, &known) != KEPT)
            return false;
    }
    return conform_verdict_of(bench, c, held) == KEPT &&
           conform_verdict_of(bench, c, last) == KEPT;
}

/* After n_reads reads of every walk. What must go may not be filled, nor what
 * is read behind a pointer that must go; what the instruction does not name is
 * not disturbed. A leaf that is read later is new. */
static void run_walks(struct bench *bench, const struct conform_case *c,
                      uint32_t n_reads)
{
    static struct flying flying[MMU_MAX_WALKERS];
    struct mmu *mmu = &conform_cpu(bench, ISSUER)->mmu;
    struct small_system *small = bench->small;
    bool is_leaf_read = n_reads == bench->format.n_levels - bench->target.level;
    struct issue issue;
    uint32_t n = take_off(bench, flying);

    small_run_to(small, small->options.walker.start_cycles +
                            (n_reads - 1) * (uint64_t) WALK_CYCLES + 50);
    if (conform_decode(bench, c, &issue)) {
        if (issue.request.has_harts)
            conform_issue_to_harts(bench, &issue.request);
        else
            mmusim__inval_apply(mmu, &issue.request, MISS_OTHER);
    }
    small_drain(small);
    for (uint32_t i = 0; i < n; i++) {
        const struct conform_entry *page = &flying[i].entry;
        const struct conform_entry held = held_by(bench, page, n_reads);
        const struct conform_entry last =
            is_leaf_read ? pointer_of(bench, page, n_reads) : held;
        bool is_filled = flying[i].outcome == WALK_FILLED;

        assert_true(flying[i].is_answered);
        bench->counts->walks++;
        if (is_filled && conform_verdict_of(bench, c, &held) == DROPPED)
            conform_wrong(bench, c, page, "a walk fills it");
        else if (!is_filled && is_untouched(bench, c, page, &held, &last))
            conform_wrong(bench, c, page, "a walk is poisoned");
    }
    for (uint32_t p = 0; p < PLACES; p++)
        bench->needs_planting[p] = true;
}

void conform_run_walks(struct bench *bench, const struct conform_list *list)
{
    struct mmu *mmu = &conform_cpu(bench, ISSUER)->mmu;
    void (*on_answer)(void *, struct walk_request *, enum walk_outcome,
                      uint64_t) = mmu->on_answer;
    uint32_t n_reads = bench->format.n_levels - bench->target.level;

    if (bench->machine->stage2.isa)
        return; /* tests/unit/test_nested_walk.c */
    mmu->on_answer = on_flown;
    for (size_t i = 0; i < list->n; i++) {
        for (uint32_t n = 1; n <= n_reads; n++) {
            if (!list->cases[i].is_remote && conform_is_sampled(bench, i + n))
                run_walks(bench, &list->cases[i], n);
        }
    }
    mmu->on_answer = on_answer;
}
