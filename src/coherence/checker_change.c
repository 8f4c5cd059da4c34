/* SPDX-License-Identifier: MIT */
/* What the operating system does, as the checker keeps it: see checker.h. */
#include "coherence/checker_parts.h"

#include <stdlib.h>
#include <string.h>

enum { CHECKER_FIRST_SLOTS = 1024 };

static uint64_t change_hash(uint64_t value)
{
    value *= UINT64_C(0x9e3779b97f4a7c15); /* Fibonacci hashing */
    return value ^ value >> 32;
}

/* ---- address spaces ---- */

struct checker_space *mmusim__checker_space(const struct checker *checker,
                                            uint64_t mm)
{
    struct checker_space *space = checker->spaces[mm % CHECKER_SPACE_BUCKETS];

    while (space && space->mm != mm)
        space = space->next;
    return space;
}

static struct checker_space *change_make_space(struct checker *checker,
                                               uint64_t mm)
{
    struct checker_space *space = mmusim__checker_space(checker, mm);
    struct checker_space **bucket;

    if (space)
        return space;
    space = calloc(1, sizeof(*space));
    if (!space) {
        checker->has_failed = true;
        return NULL;
    }
    bucket = &checker->spaces[mm % CHECKER_SPACE_BUCKETS];
    space->mm = mm;
    space->next = *bucket;
    *bucket = space;
    return space;
}

/* ---- page records ---- */

static uint64_t change_page_hash(uint64_t mm, uint64_t number, uint32_t shift)
{
    return change_hash(number ^ change_hash(mm << 8 | shift));
}

struct checker_page *mmusim__checker_page(const struct checker *checker,
                                          uint64_t mm, uint64_t vaddr,
                                          uint32_t shift)
{
    uint64_t number = vaddr >> shift;
    struct checker_page *page;

    if (!checker->n_buckets)
        return NULL;
    page = checker->buckets[change_page_hash(mm, number, shift) &
                            (checker->n_buckets - 1)];
    while (page &&
           (page->number != number || page->mm != mm || page->shift != shift))
        page = page->next;
    return page;
}

static bool change_grow_pages(struct checker *checker)
{
    uint64_t n = checker->n_buckets ? checker->n_buckets * 2
                                    : (uint64_t) CHECKER_FIRST_SLOTS;
    struct checker_page **buckets = calloc(n, sizeof(struct checker_page *));

    if (!buckets)
        return false;
    for (uint64_t i = 0; i < checker->n_buckets; i++) {
        struct checker_page *page = checker->buckets[i];

        while (page) {
            struct checker_page *next = page->next;
            uint64_t hash =
                change_page_hash(page->mm, page->number, page->shift);

            page->next = buckets[hash & (n - 1)];
            buckets[hash & (n - 1)] = page;
            page = next;
        }
    }
    free(checker->buckets);
    checker->buckets = buckets;
    checker->n_buckets = n;
    return true;
}

static struct checker_page *change_make_page(struct checker *checker,
                                             struct checker_space *space,
                                             const struct checker_write *write)
{
    struct checker_page *page =
        mmusim__checker_page(checker, space->mm, write->vaddr, write->shift);
    struct checker_page **bucket;

    if (page)
        return page;
    if (checker->n_pages == checker->n_buckets && !change_grow_pages(checker))
        return NULL;
    page = calloc(1, sizeof(*page));
    if (!page)
        return NULL;
    page->mm = space->mm;
    page->number = write->vaddr >> write->shift;
    page->shift = write->shift;
    bucket =
        &checker
             ->buckets[change_page_hash(page->mm, page->number, page->shift) &
                       (checker->n_buckets - 1)];
    page->next = *bucket;
    *bucket = page;
    page->next_of_space = space->pages;
    space->pages = page;
    space->shifts |= UINT64_C(1) << write->shift;
    checker->n_pages++;
    return page;
}

/* ---- changes ---- */

/* Changes nobody lists any more go. */
static void change_release(struct checker_change *change)
{
    if (!change->page && !change->is_in_open_list)
        free(change);
}

/* The oldest goes, one that is closed if there is one. */
static void change_drop_one(struct checker_page *page)
{
    struct checker_change **victim = NULL;
    struct checker_change *change;

    for (struct checker_change **link = &page->changes; *link;
         link = &(*link)->older) {
        if (!victim || (*link)->uses_ruled_out == CHECKER_ANY_USE ||
            (*victim)->uses_ruled_out != CHECKER_ANY_USE)
            victim = link;
    }
    change = *victim;
    *victim = change->older;
    change->page = NULL;
    page->n_changes--;
    change_release(change);
}

static bool change_is_harmful(const struct checker_word *before,
                              const struct checker_word *after,
                              enum checker_change_kind *kind, uint32_t *lost)
{
    const uint32_t kept = CHECKER_ANY_USE | CHECKER_USER;

    *lost = 0;
    if (!before->is_present)
        return false;
    if (before->is_table) {
        *kind =
            after->is_present && !after->is_table ? CHANGE_SIZE : CHANGE_TABLE;
        return !after->is_present || !after->is_table ||
               after->pfn != before->pfn;
    }
    *kind = CHANGE_GONE;
    if (!after->is_present)
        return true;
    *kind = CHANGE_SIZE;
    if (after->is_table)
        return true;
    *kind = CHANGE_FRAME;
    if (after->pfn != before->pfn)
        return true;
    *lost = before->rights & ~after->rights & kept;
    *kind = CHANGE_RIGHTS;
    if (*lost)
        return true;
    *kind = CHANGE_CLEAN;
    *lost = before->rights & ~after->rights & CHECKER_DIRTY;
    return *lost != 0;
}

static void change_note_write(struct checker_page *page,
                              const struct checker_write *write)
{
    page->writes[page->n_writes++ % CHECKER_PAGE_WRITES] =
        (struct checker_page_write){write->at.cycle, write->at.cpu,
                                    write->before, write->after};
}

static void change_open(struct checker *checker, struct checker_space *space,
                        const struct checker_write *write,
                        enum checker_change_kind kind, uint32_t lost)
{
    struct checker_page *page = change_make_page(checker, space, write);
    struct checker_change *change = page ? calloc(1, sizeof(*change)) : NULL;

    if (!change) {
        checker->has_failed = true;
        return;
    }
    if (page->n_changes == CHECKER_PAGE_CHANGES)
        change_drop_one(page);
    *change = (struct checker_change){
        .older = page->changes,
        .next_open = space->open,
        .page = page,
        .version = ++checker->version,
        .cycle = write->at.cycle,
        .pfn = write->before.pfn,
        .cpu = write->at.cpu,
        .kind = (uint8_t) kind,
        .lost = (uint8_t) lost,
        .is_of_table = write->before.is_table,
        .is_in_open_list = true,
    };
    page->changes = change;
    page->n_changes++;
    space->open = change;
    space->last_change = change->version;
    change_note_write(page, write);
}

void mmusim__checker_write(struct checker *checker,
                           const struct checker_write *write)
{
    enum checker_change_kind kind;
    struct checker_space *space;
    struct checker_page *page;
    uint32_t lost;

    if (change_is_harmful(&write->before, &write->after, &kind, &lost)) {
        space = change_make_space(checker, write->mm);
        if (space)
            change_open(checker, space, write, kind, lost);
        return;
    }
    page = mmusim__checker_page(checker, write->mm, write->vaddr, write->shift);
    if (page)
        change_note_write(page, write);
}

/* ---- closing ---- */

struct change_closing {
    enum checker_closing how;
    struct checker_at at;
    uint64_t start, end;
    uint64_t version; /* changes up to this one */
    uint32_t uses;
    bool has_tables;
    bool is_of_own;
    enum checker_verdict verdict; /* of a promise */
    const char *promise;
};

/* Is who made it flushing it just now? */
static bool change_is_in_flush(const struct checker *checker,
                               const struct checker_change *change, uint64_t mm)
{
    uint64_t vaddr = change->page->number << change->page->shift;

    for (uint32_t i = 0; i < CHECKER_FLUSHES && i < checker->n_flushes; i++) {
        const struct checker_flush *flush = &checker->flushes[i];

        if (!flush->end_cycle && flush->mm == mm &&
            flush->at.cpu == change->cpu && flush->version >= change->version &&
            flush->start <= vaddr && vaddr < flush->end)
            return true;
    }
    return false;
}

/* Is it what the operation promises? It has looked at some entries long before
 * its version, and what others do to them since is theirs to promise or to
 * flush: rights are promised by those that take rights, and MADV_FREE does not
 * answer for a page that somebody is about to flush. */
static bool change_is_promised(const struct checker *checker,
                               const struct checker_change *change, uint64_t mm,
                               const struct change_closing *closing)
{
    if (closing->how != CLOSED_BY_PROMISE)
        return true;
    if (change->kind == CHANGE_RIGHTS)
        return closing->verdict == CHECKER_STALE_PERM;
    return closing->verdict != CHECKER_LOST_DIRTY ||
           change->kind == CHANGE_CLEAN ||
           !change_is_in_flush(checker, change, mm);
}

static bool change_is_covered(const struct checker_change *change,
                              const struct change_closing *closing)
{
    uint64_t first = change->page->number << change->page->shift;
    uint64_t last = first + ((UINT64_C(1) << change->page->shift) - 1);

    return change->version <= closing->version && closing->start <= last &&
           (closing->end == CHECKER_END_ALL || closing->end > first) &&
           (!closing->is_of_own || change->cpu == closing->at.cpu) &&
           (closing->has_tables || !change->is_of_table);
}

static void change_rule_out(struct checker_change *change,
                            const struct change_closing *closing)
{
    if (!(closing->uses & ~(uint32_t) change->uses_ruled_out))
        return;
    change->uses_ruled_out |= (uint8_t) closing->uses;
    change->closing = (uint8_t) closing->how;
    change->promised = (uint8_t) closing->verdict;
    change->closed_by_cpu = closing->at.cpu;
    change->closed_cycle = closing->at.cycle;
    change->promise = closing->promise;
}

static void change_close(const struct checker *checker,
                         struct checker_space *space,
                         const struct change_closing *closing)
{
    struct checker_change **link = &space->open;

    while (*link) {
        struct checker_change *change = *link;

        if (change->page && change_is_covered(change, closing) &&
            change_is_promised(checker, change, space->mm, closing))
            change_rule_out(change, closing);
        if (change->page && change->uses_ruled_out != CHECKER_ANY_USE) {
            link = &change->next_open;
            continue;
        }
        *link = change->next_open;
        change->is_in_open_list = false;
        change_release(change);
    }
}

static void change_close_in(struct checker *checker, uint64_t mm,
                            bool is_all_mms,
                            const struct change_closing *closing)
{
    struct checker_space *space;

    if (!is_all_mms) {
        space = mmusim__checker_space(checker, mm);
        if (space)
            change_close(checker, space, closing);
        return;
    }
    for (uint32_t i = 0; i < CHECKER_SPACE_BUCKETS; i++) {
        for (space = checker->spaces[i]; space; space = space->next)
            change_close(checker, space, closing);
    }
}

uint64_t mmusim__checker_flush_begin(struct checker *checker,
                                     const struct checker_flush *flush)
{
    uint64_t number = checker->n_flushes++;
    struct checker_flush *kept = &checker->flushes[number % CHECKER_FLUSHES];

    *kept = *flush;
    kept->version = checker->version;
    kept->end_cycle = 0;
    return number;
}

void mmusim__checker_flush_end(struct checker *checker, uint64_t flush_number,
                               struct checker_at at)
{
    struct checker_flush *flush =
        &checker->flushes[flush_number % CHECKER_FLUSHES];
    struct change_closing closing = {
        .how = CLOSED_BY_FLUSH,
        .at = at,
        .start = flush->start,
        .end = flush->end,
        .version = flush->version,
        .uses = CHECKER_ANY_USE,
        .has_tables = flush->has_tables,
        .is_of_own = flush->is_of_own,
    };

    /* Written over: so many flushes were begun meanwhile. */
    if (flush_number + CHECKER_FLUSHES < checker->n_flushes)
        return;
    flush->end_cycle = at.cycle;
    change_close_in(checker, flush->mm, flush->is_all_mms, &closing);
}

void mmusim__checker_promise(struct checker *checker,
                             const struct checker_promise *promise)
{
    const struct change_closing closing = {
        .how = CLOSED_BY_PROMISE,
        .at = promise->at,
        .start = promise->start,
        .end = promise->end,
        .version = promise->version,
        .uses = promise->uses,
        .verdict = promise->verdict,
        .promise = promise->what,
    };

    change_close_in(checker, promise->mm, false, &closing);
}

/* ---- frames ---- */

static struct checker_frame *change_frame_slot(const struct checker *checker,
                                               uint64_t pfn)
{
    uint64_t mask = checker->n_frame_slots - 1;
    uint64_t i = change_hash(pfn) & mask;

    while (checker->frames[i].pfn && checker->frames[i].pfn != pfn + 1)
        i = (i + 1) & mask;
    return &checker->frames[i];
}

/* A block that was given or taken as one is known by its first frame. */
const struct checker_frame *mmusim__checker_frame(const struct checker *checker,
                                                  uint64_t pfn)
{
    static const uint32_t orders[] = {PAGE_ORDER_4K, PAGE_ORDER_2M,
                                      PAGE_ORDER_1G};

    for (size_t i = 0;
         checker->n_frames && i < sizeof(orders) / sizeof(*orders); i++) {
        uint64_t first = align_down(pfn, UINT64_C(1) << orders[i]);
        const struct checker_frame *frame = change_frame_slot(checker, first);

        if (frame->pfn && pfn - first < frame->n_frames)
            return frame;
    }
    return NULL;
}

/* At most half of the slots are taken. */
static bool change_grow_frames(struct checker *checker)
{
    struct checker_frame *old = checker->frames;
    uint64_t n_old = checker->n_frame_slots;

    checker->n_frame_slots = n_old ? n_old * 2 : (uint64_t) CHECKER_FIRST_SLOTS;
    checker->frames = calloc(checker->n_frame_slots, sizeof(*old));
    if (!checker->frames) {
        checker->frames = old;
        checker->n_frame_slots = n_old;
        return false;
    }
    for (uint64_t i = 0; i < n_old; i++) {
        if (old[i].pfn)
            *change_frame_slot(checker, old[i].pfn - 1) = old[i];
    }
    free(old);
    return true;
}

static struct checker_frame *change_make_frame(struct checker *checker,
                                               uint64_t pfn)
{
    struct checker_frame *frame;

    if (2 * checker->n_frames >= checker->n_frame_slots &&
        !change_grow_frames(checker)) {
        checker->has_failed = true;
        return NULL;
    }
    frame = change_frame_slot(checker, pfn);
    checker->n_frames += !frame->pfn;
    frame->pfn = pfn + 1;
    return frame;
}

void mmusim__checker_freed(struct checker *checker, struct checker_at at,
                           uint64_t pfn, uint64_t n_frames)
{
    struct checker_frame *frame = change_make_frame(checker, pfn);

    if (!frame)
        return;
    frame->n_frames = n_frames;
    frame->freed_version = ++checker->version;
    frame->freed_cycle = at.cycle;
    frame->freed_cpu = at.cpu;
}

void mmusim__checker_contents_taken(struct checker *checker,
                                    struct checker_at at, uint64_t pfn)
{
    struct checker_frame *frame = change_make_frame(checker, pfn);

    if (!frame)
        return;
    frame->n_frames = max_u64(frame->n_frames, 1);
    frame->taken_version = ++checker->version;
    frame->taken_cycle = at.cycle;
    frame->taken_cpu = at.cpu;
}

/* ---- the end ---- */

static void change_forget_page(struct checker_page *page)
{
    while (page->changes) {
        struct checker_change *change = page->changes;

        page->changes = change->older;
        change->page = NULL;
        change_release(change);
    }
    free(page);
}

static void change_forget_space(struct checker_space *space)
{
    while (space->pages) {
        struct checker_page *page = space->pages;

        space->pages = page->next_of_space;
        change_forget_page(page);
    }
    while (space->open) {
        struct checker_change *change = space->open;

        space->open = change->next_open;
        free(change);
    }
    free(space);
}

static void change_unlink_page(struct checker *checker,
                               const struct checker_page *page)
{
    uint64_t hash = change_page_hash(page->mm, page->number, page->shift);
    struct checker_page **link =
        &checker->buckets[hash & (checker->n_buckets - 1)];

    while (*link != page)
        link = &(*link)->next;
    *link = page->next;
    checker->n_pages--;
}

void mmusim__checker_mm_end(struct checker *checker, uint64_t mm)
{
    struct checker_space **link = &checker->spaces[mm % CHECKER_SPACE_BUCKETS];
    struct checker_space *space;

    while (*link && (*link)->mm != mm)
        link = &(*link)->next;
    space = *link;
    if (!space)
        return;
    *link = space->next;
    for (const struct checker_page *page = space->pages; page;
         page = page->next_of_space)
        change_unlink_page(checker, page);
    change_forget_space(space);
}

void mmusim__checker_forget_all(struct checker *checker)
{
    for (uint32_t i = 0; i < CHECKER_SPACE_BUCKETS; i++) {
        while (checker->spaces[i]) {
            struct checker_space *space = checker->spaces[i];

            checker->spaces[i] = space->next;
            change_forget_space(space);
        }
    }
    free(checker->buckets);
    free(checker->frames);
    checker->buckets = NULL;
    checker->frames = NULL;
    checker->n_buckets = checker->n_pages = 0;
    checker->n_frame_slots = checker->n_frames = 0;
}
