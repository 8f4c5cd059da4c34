/* SPDX-License-Identifier: MIT */
/* See random_program.h. */
#include "support/random_program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct gen_thread {
    bool is_live;
    uint32_t tid;
    struct model_mm *mm;
};

struct gen {
    struct random_program *out;
    struct program *program;
    struct process_model *model;
    struct rng rng;
    bool is_free;
    struct gen_thread threads[RANDOM_MAX_LIVE]; /* by slot */
    uint32_t n_live;
    uint32_t n_tids;
    uint64_t number;     /* of the last operation */
    uint32_t first, end; /* pages the present thread may use */
    /* Of each frame, the last round it was touched in, and the slot: two
     * threads that race for a page both have make the outcome uncertain. */
    uint64_t *touched;
    uint32_t touched_capacity;
    uint32_t forced_slot; /* of the next round; RANDOM_MAX_LIVE: none */
};

static uint32_t below(struct gen *gen, uint32_t bound)
{
    return mmusim__rng_below(&gen->rng, bound);
}

static uint32_t live_slot(struct gen *gen)
{
    uint32_t slot;

    do
        slot = below(gen, RANDOM_MAX_LIVE);
    while (!gen->threads[slot].is_live);
    return slot;
}

static void use_stripe(struct gen *gen, uint32_t slot)
{
    uint32_t width = MODEL_SMALL / RANDOM_MAX_LIVE;

    gen->first = gen->is_free ? slot * width : 0;
    gen->end = gen->is_free ? gen->first + width : MODEL_SMALL;
}

/* A range of small pages, now and then of huge ones. */
static bool pick_range(struct gen *gen, uint32_t *start, uint32_t *end)
{
    if (!gen->is_free && below(gen, 6) == 0) {
        *start = MODEL_SMALL + below(gen, MODEL_HUGE);
        *end = *start + 1 + below(gen, MODEL_PAGES - *start);
        return true;
    }
    *start = gen->first + below(gen, gen->end - gen->first);
    *end = *start + 1 + below(gen, below(gen, 4) ? 8 : 60);
    if (*end > gen->end)
        *end = gen->end;
    return false;
}

static uint64_t bytes_between(const struct gen *gen, uint32_t start,
                              uint32_t end)
{
    return (uint64_t) (end - start)
           << (model_is_huge(start) ? 21 : gen->out->page_shift);
}

static const char *prot_text(uint32_t prot)
{
    static const char *const texts[] = {"---", "r--", "-w-", "rw-",
                                        "--x", "r-x", "-wx", "rwx"};

    return texts[prot];
}

static uint32_t pick_prot(struct gen *gen)
{
    return below(gen, 3) ? SYS_PROT_READ | SYS_PROT_WRITE : below(gen, 8);
}

/* ---- operations ---- */

static void gen_mmap(struct gen *gen, const struct gen_thread *thread)
{
    struct model_page like = {.file = MODEL_NO_FILE, .prot = pick_prot(gen)};
    char file[32] = "";
    uint32_t start, end;
    bool is_huge = pick_range(gen, &start, &end);

    like.is_shared = below(gen, 3) == 0;
    if (!is_huge && below(gen, 3) == 0) {
        like.file = (int32_t) below(gen, MODEL_NAMED_FILES);
        like.file_page = below(gen, 20);
        snprintf(file, sizeof(file), " file:f%d@%u", (int) like.file,
                 (unsigned) like.file_page << gen->out->page_shift);
    }
    program_say(gen->program, "%u mmap %#llx %#llx %s%s%s%s", thread->tid,
                (unsigned long long) model_vaddr(start, gen->out->page_shift),
                (unsigned long long) bytes_between(gen, start, end),
                prot_text(like.prot), file, like.is_shared ? " shared" : "",
                is_huge ? " huge=2M" : "");
    model_mmap(gen->model, thread->mm, start, end, like);
}

static void gen_range(struct gen *gen, const struct gen_thread *thread,
                      const char *verb, const char *rest, uint32_t start,
                      uint32_t end)
{
    /* Off the page's start: lengths are rounded outwards. */
    uint32_t inset = model_is_huge(start) ? 0 : below(gen, 3);

    program_say(gen->program, "%u %s %#llx %#llx %s", thread->tid, verb,
                (unsigned long long) model_vaddr(start, gen->out->page_shift),
                (unsigned long long) bytes_between(gen, start, end) - inset,
                rest);
}

/* What changes no page that the program sees. */
static void gen_advice(struct gen *gen, const struct gen_thread *thread,
                       uint32_t start, uint32_t end)
{
    static const char *const advice[] = {"free", "hugepage", "nohugepage"};
    static const uint32_t flags[] = {0, MADVICE_HUGEPAGE, MADVICE_NOHUGEPAGE};
    bool is_wide = gen->out->page_shift > 12;
    uint32_t dice = is_wide ? below(gen, 6) : 0;

    if (dice && dice < 3 && !model_is_huge(start))
        model_advise(thread->mm, start, end, flags[dice]);
    if (dice < 3)
        gen_range(gen, thread, "madvise", advice[dice], start, end);
    else
        gen_range(gen, thread, "migrate", "", start, end);
}

static void gen_change(struct gen *gen, const struct gen_thread *thread)
{
    uint32_t prot = pick_prot(gen);
    uint32_t start, end;

    pick_range(gen, &start, &end);
    switch (below(gen, 4)) {
    case 0:
        gen_range(gen, thread, "munmap", "", start, end);
        model_munmap(gen->model, thread->mm, start, end);
        break;
    case 1:
        gen_range(gen, thread, "madvise", "dontneed", start, end);
        model_dontneed(gen->model, thread->mm, start, end);
        break;
    case 2:
        gen_advice(gen, thread, start, end);
        break;
    default:
        gen_range(gen, thread, "mprotect", prot_text(prot), start, end);
        model_mprotect(gen->model, thread->mm, start, end, prot);
    }
}

static void gen_mremap(struct gen *gen, const struct gen_thread *thread)
{
    uint32_t start, end, to, n, new_n;

    if (pick_range(gen, &start, &end) ||
        !model_is_one_area(thread->mm, start, end))
        return;
    n = end - start;
    new_n = 1 + below(gen, n + 4);
    to = below(gen, 2) ? start : gen->first + below(gen, gen->end - gen->first);
    if (to + new_n > gen->end ||
        (to != start && to < end && start < to + new_n))
        return;
    program_say(gen->program, "%u mremap %#llx %#llx %#llx %#llx", thread->tid,
                (unsigned long long) model_vaddr(start, gen->out->page_shift),
                (unsigned long long) bytes_between(gen, start, end),
                (unsigned long long) model_vaddr(to, gen->out->page_shift),
                (unsigned long long) bytes_between(gen, to, to + new_n));
    model_mremap(gen->model, thread->mm, start, n, to, new_n);
}

static bool mm_has_others(const struct gen *gen, const struct gen_thread *self)
{
    for (uint32_t i = 0; i < RANDOM_MAX_LIVE; i++) {
        const struct gen_thread *other = &gen->threads[i];

        if (other != self && other->is_live && other->mm == self->mm)
            return true;
    }
    return false;
}

static void gen_exit(struct gen *gen, struct gen_thread *thread)
{
    if (gen->n_live < 3)
        return;
    program_say(gen->program, "%u exit", thread->tid);
    thread->is_live = false;
    gen->n_live--;
    if (!mm_has_others(gen, thread))
        model_mm_destroy(gen->model, thread->mm);
}

static void gen_exec(struct gen *gen, struct gen_thread *thread)
{
    program_say(gen->program, "%u exec", thread->tid);
    if (!mm_has_others(gen, thread))
        model_mm_destroy(gen->model, thread->mm);
    thread->mm = model_mm_create();
}

static void gen_birth(struct gen *gen, const struct gen_thread *parent,
                      const char *verb)
{
    struct gen_thread *child = gen->threads;

    if (gen->n_live == RANDOM_MAX_LIVE || gen->n_tids == RANDOM_MAX_THREADS)
        return;
    while (child->is_live)
        child++;
    child->is_live = true;
    child->tid = ++gen->n_tids;
    child->mm =
        verb[0] == 'f' ? model_fork(gen->model, parent->mm) : parent->mm;
    gen->n_live++;
    program_say(gen->program, "%u %s %u", parent->tid, verb, child->tid);
}

static void gen_operation(struct gen *gen, struct gen_thread *thread)
{
    uint32_t dice = below(gen, gen->is_free ? 80 : 100);

    if (dice < 35)
        gen_mmap(gen, thread);
    else if (dice < 70)
        gen_change(gen, thread);
    else if (dice < 80)
        gen_mremap(gen, thread);
    else if (dice < 87)
        gen_birth(gen, thread, "fork");
    else if (dice < 94)
        gen_birth(gen, thread, "clone");
    else if (dice < 97)
        gen_exit(gen, thread);
    else
        gen_exec(gen, thread);
}

/* ---- accesses ---- */

static bool frame_is_contended(struct gen *gen, const struct model_page *page,
                               uint32_t slot)
{
    uint64_t mark = gen->number * RANDOM_MAX_LIVE + slot;
    uint64_t before;

    if (gen->is_free || !page->has_entry || !page->frame || page->is_shared)
        return false;
    if (gen->model->dropped[page->frame] == gen->number)
        return true;
    if (page->frame >= gen->touched_capacity) {
        uint32_t n = gen->touched_capacity;

        gen->touched_capacity = 2 * page->frame;
        gen->touched =
            realloc(gen->touched, gen->touched_capacity * sizeof(uint64_t));
        assert_non_null(gen->touched);
        memset(gen->touched + n, 0,
               (gen->touched_capacity - n) * sizeof(uint64_t));
    }
    before = gen->touched[page->frame];
    if (before / RANDOM_MAX_LIVE == gen->number && before != mark)
        return true;
    gen->touched[page->frame] = mark;
    return false;
}

static void gen_access(struct gen *gen, struct gen_thread *thread,
                       uint32_t index)
{
    struct model_page *page = &thread->mm->pages[index];
    uint64_t vaddr = model_vaddr(index, gen->out->page_shift);
    uint32_t dice = below(gen, 10);
    enum access_kind kind = dice < 5   ? ACCESS_LOAD
                            : dice < 9 ? ACCESS_STORE
                                       : ACCESS_FETCH;

    if (model_is_huge(index) && !page->is_mapped && !page->was_unmapped)
        return; /* a first touch there would map 4 KiB */
    vaddr += (uint64_t) below(gen, model_is_huge(index) ? 512 : 1) << 12;
    vaddr += below(gen, 4096) & ~3U;
    program_say(gen->program,
                kind == ACCESS_LOAD    ? "%u r %#llx"
                : kind == ACCESS_STORE ? "%u w %#llx"
                                       : "%u i %#llx",
                thread->tid, (unsigned long long) vaddr);
    model_access(gen->model, thread->mm, index, kind);
}

static void gen_accesses(struct gen *gen, uint32_t slot, uint32_t n)
{
    struct gen_thread *thread = &gen->threads[slot];

    if (below(gen, 40) == 0)
        program_say(gen->program, "%u on %u", thread->tid, below(gen, 8));
    if (below(gen, 40) == 0)
        program_say(gen->program, "%u idle %u", thread->tid, below(gen, 3000));
    for (uint32_t i = 0; i < n; i++) {
        uint32_t index = gen->first + below(gen, gen->end - gen->first);

        if (!gen->is_free && below(gen, 8) == 0)
            index = MODEL_SMALL + below(gen, MODEL_HUGE);
        if (!gen->is_free && (index + gen->number) % RANDOM_MAX_LIVE != slot)
            continue;
        if (frame_is_contended(gen, &thread->mm->pages[index], slot))
            continue;
        gen_access(gen, thread, index);
    }
}

/* ---- rounds ---- */

static void keep_mm(struct checkpoint *check, struct gen *gen, uint32_t slot)
{
    struct model_mm *copy = model_mm_create();

    *copy = *gen->threads[slot].mm;
    check->mms[check->n_mms] = copy;
    check->owners[check->n_mms++] =
        program_thread_index(gen->program, gen->threads[slot].tid);
}

static struct checkpoint *gen_checkpoint(struct gen *gen, uint32_t slot)
{
    struct random_program *out = gen->out;
    uint32_t tid = gen->threads[slot].tid;
    struct checkpoint *check;

    out->checkpoints = realloc(out->checkpoints, (out->n_checkpoints + 1) *
                                                     sizeof(*out->checkpoints));
    assert_non_null(out->checkpoints);
    check = &out->checkpoints[out->n_checkpoints++];
    memset(check, 0, sizeof(*check));
    check->thread_index = program_thread_index(gen->program, tid);
    check->record = program_next_record(gen->program, tid);
    check->first = gen->first;
    check->end = gen->is_free ? gen->end : MODEL_PAGES;
    return check;
}

/* Everybody syncs with operation `number`; who has made it need not. */
static void gen_syncs(struct gen *gen, uint32_t own_slot)
{
    for (uint32_t i = 0; i < RANDOM_MAX_LIVE; i++) {
        if (gen->threads[i].is_live && i != own_slot)
            program_say(gen->program, "%u sync %llu", gen->threads[i].tid,
                        (unsigned long long) gen->number);
    }
}

static void gen_round(struct gen *gen)
{
    uint32_t slot =
        gen->forced_slot < RANDOM_MAX_LIVE ? gen->forced_slot : live_slot(gen);
    uint64_t n_before;

    gen->model->round = ++gen->number;
    use_stripe(gen, slot);
    program_say(gen->program, "%u sync %llu", gen->threads[slot].tid,
                (unsigned long long) gen->number);
    n_before = program_next_record(gen->program, gen->threads[slot].tid);
    if (gen->forced_slot == RANDOM_MAX_LIVE && below(gen, 12) == 0) {
        struct checkpoint *check;

        program_say(gen->program, "%u syscall", gen->threads[slot].tid);
        gen_syncs(gen, slot);
        check = gen_checkpoint(gen, slot);
        for (uint32_t i = 0; i < RANDOM_MAX_LIVE; i++) {
            if (gen->threads[i].is_live)
                keep_mm(check, gen, i);
        }
        gen->forced_slot = slot;
        return;
    }
    gen->forced_slot = RANDOM_MAX_LIVE;
    gen_operation(gen, &gen->threads[slot]);
    if (program_next_record(gen->program, gen->threads[slot].tid) == n_before)
        program_say(gen->program, "%u syscall", gen->threads[slot].tid);
    gen_syncs(gen, slot);
    for (uint32_t i = 0; i < RANDOM_MAX_LIVE; i++) {
        if (gen->threads[i].is_live)
            gen_accesses(gen, i, 40);
    }
}

static void gen_stamped(struct gen *gen, uint32_t n_rounds)
{
    for (uint32_t round = 0; round < n_rounds; round++)
        gen_round(gen);
    /* The exits come after everything else. */
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t slot = live_slot(gen);

        gen->number++;
        program_say(gen->program, "%u sync %llu\n%u syscall",
                    gen->threads[slot].tid, (unsigned long long) gen->number,
                    gen->threads[slot].tid);
        gen_syncs(gen, slot);
    }
}

static void gen_free(struct gen *gen, uint32_t n_rounds)
{
    while (gen->n_live < RANDOM_MAX_LIVE)
        gen_birth(gen, &gen->threads[0], "clone");
    for (uint32_t round = 0; round < n_rounds; round++) {
        uint32_t slot = below(gen, RANDOM_MAX_LIVE);

        use_stripe(gen, slot);
        gen_operation(gen, &gen->threads[slot]);
        gen_accesses(gen, slot, 8);
    }
    for (uint32_t slot = 0; slot < RANDOM_MAX_LIVE; slot++) {
        use_stripe(gen, slot);
        program_say(gen->program, "%u syscall", gen->threads[slot].tid);
        keep_mm(gen_checkpoint(gen, slot), gen, slot);
    }
}

void random_program_init(struct random_program *random, enum random_kind kind,
                         uint64_t seed, uint32_t n_rounds)
{
    random_program_init_wide(random, kind, seed, n_rounds, 12);
}

void random_program_init_wide(struct random_program *random,
                              enum random_kind kind, uint64_t seed,
                              uint32_t n_rounds, uint32_t page_shift)
{
    struct gen gen = {.out = random, .is_free = kind == RANDOM_FREE};

    memset(random, 0, sizeof(*random));
    random->page_shift = page_shift;
    gen.program = random->program = program_create();
    gen.model = &random->model;
    gen.forced_slot = RANDOM_MAX_LIVE;
    gen.n_live = gen.n_tids = 1;
    model_init(gen.model);
    mmusim__rng_init(&gen.rng, seed, 0);
    gen.threads[0] = (struct gen_thread){true, 1, model_mm_create()};
    if (gen.is_free)
        gen_free(&gen, n_rounds);
    else
        gen_stamped(&gen, n_rounds);
    free(gen.touched);
    for (uint32_t i = 0; i < RANDOM_MAX_LIVE; i++) {
        bool was_live = gen.threads[i].is_live;

        gen.threads[i].is_live = false;
        if (was_live && !mm_has_others(&gen, &gen.threads[i]))
            model_mm_destroy(gen.model, gen.threads[i].mm);
    }
}

void random_program_fini(struct random_program *random)
{
    for (uint32_t i = 0; i < random->n_checkpoints; i++) {
        for (uint32_t j = 0; j < random->checkpoints[i].n_mms; j++)
            free(random->checkpoints[i].mms[j]);
    }
    free(random->checkpoints);
    program_destroy(random->program);
    model_fini(&random->model);
}
