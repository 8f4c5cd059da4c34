/* SPDX-License-Identifier: MIT */
/* Uses of cached translations, and what they are: see checker.h. */
#include "coherence/checker_parts.h"

#include <stdlib.h>
#include <string.h>

const char *mmusim__checker_verdict_name(enum checker_verdict verdict)
{
    static const char *const names[] = {
#define CHECKER_NAME(name, word, help) word,
        CHECKER_VERDICT_MAP(CHECKER_NAME)
#undef CHECKER_NAME
    };

    return names[verdict];
}

const char *mmusim__checker_verdict_help(enum checker_verdict verdict)
{
    static const char *const helps[] = {
#define CHECKER_HELP(name, word, help) help,
        CHECKER_VERDICT_MAP(CHECKER_HELP)
#undef CHECKER_HELP
    };

    return helps[verdict];
}

/* ---- life ---- */

struct checker *mmusim__checker_create(const struct checker_config *config)
{
    struct checker *checker = calloc(1, sizeof(*checker));

    if (!checker)
        return NULL;
    checker->config = *config;
    checker->version = 1;
    checker->cpus = calloc(config->n_cpus + (size_t) 1, sizeof(*checker->cpus));
    checker->reports =
        calloc(config->max_reports + (size_t) 1, sizeof(*checker->reports));
    if (checker->cpus && checker->reports)
        return checker;
    mmusim__checker_destroy(checker);
    return NULL;
}

static void checker_forget_reports(struct checker *checker)
{
    for (size_t i = 0; i < checker->n_reports; i++)
        free(checker->reports[i].text);
    checker->n_reports = 0;
}

void mmusim__checker_destroy(struct checker *checker)
{
    if (!checker)
        return;
    mmusim__checker_forget_all(checker);
    checker_forget_reports(checker);
    free(checker->reports);
    free(checker->cpus);
    free(checker);
}

void mmusim__checker_reset(struct checker *checker)
{
    mmusim__checker_forget_all(checker);
    checker_forget_reports(checker);
    memset(checker->counts, 0, sizeof(checker->counts));
    memset(checker->cpus, 0, checker->config.n_cpus * sizeof(*checker->cpus));
    checker->n_flushes = 0;
    checker->version = 1;
    checker->has_failed = false;
}

bool mmusim__checker_has_failed(const struct checker *checker)
{
    return checker->has_failed;
}

/* ---- stamps ---- */

uint64_t mmusim__checker_stamp(const struct checker *checker, uint64_t mm)
{
    return checker_space_number(mm) << CHECKER_VERSION_BITS | checker->version;
}

uint64_t mmusim__checker_stamp_at(uint64_t mm, uint64_t version)
{
    return checker_space_number(mm) << CHECKER_VERSION_BITS | version;
}

uint64_t mmusim__checker_stamp_span(void)
{
    return UINT64_C(1) << CHECKER_VERSION_BITS;
}

uint64_t mmusim__checker_version(const struct checker *checker)
{
    return checker->version;
}

uint64_t mmusim__checker_last_change(const struct checker *checker, uint64_t mm)
{
    const struct checker_space *space = mmusim__checker_space(checker, mm);

    return space ? space->last_change : 0;
}

bool mmusim__checker_may_be_stale(const struct checker *checker, uint64_t mm,
                                  uint64_t stamp)
{
    if (!stamp)
        return false;
    return checker_stamp_space(stamp) != checker_space_number(mm) ||
           checker_stamp_version(stamp) <
               mmusim__checker_last_change(checker, mm);
}

/* ---- one change and one use ---- */

/* Is what the change has withdrawn what the use wants? */
static bool checker_concerns(const struct checker_change *change,
                             const struct checker_use *use)
{
    if (change->kind == CHANGE_CLEAN) /* a clean entry asks the tables */
        return use->need == CHECKER_WRITE && (use->rights & CHECKER_DIRTY);
    return true;
}

static bool checker_is_freed_since(const struct checker_frame *frame,
                                   const struct checker_change *change)
{
    return !change->is_of_table && change->kind != CHANGE_CLEAN && frame &&
           frame->freed_version > change->version;
}

static bool checker_is_taken_since(const struct checker_frame *frame,
                                   const struct checker_change *change)
{
    return !change->is_of_table && frame &&
           frame->taken_version > change->version;
}

/* What a use is that has been ruled out. */
static enum checker_verdict
checker_ruled_out(const struct checker_change *change,
                  const struct checker_use *use)
{
    if (change->kind == CHANGE_CLEAN)
        return CHECKER_LOST_DIRTY;
    if (change->kind == CHANGE_RIGHTS &&
        change->lost & (use->need | CHECKER_USER))
        return CHECKER_STALE_PERM;
    return change->promised ? (enum checker_verdict) change->promised
                            : CHECKER_STALE_AFTER_COMPLETE;
}

static enum checker_verdict checker_judge(const struct checker *checker,
                                          const struct checker_change *change,
                                          const struct checker_use *use)
{
    const struct checker_frame *frame =
        mmusim__checker_frame(checker, change->pfn);

    if (checker_is_freed_since(frame, change))
        return CHECKER_UAF_PAGE;
    if (use->need == CHECKER_WRITE && checker_is_taken_since(frame, change))
        return CHECKER_LOST_DIRTY;
    if (change->uses_ruled_out & use->need)
        return checker_ruled_out(change, use);
    if (checker->config.has_order && use->at.cpu < 256 &&
        change->seen[use->at.cpu / 64] >> use->at.cpu % 64 & 1)
        return CHECKER_ORDER;
    return CHECKER_ALLOWED;
}

/* The gravest comes first. */
static uint32_t checker_rank(enum checker_verdict verdict)
{
    static const uint8_t ranks[CHECKER_VERDICT_COUNT] = {
        [CHECKER_FRESH] = 0,      [CHECKER_ALLOWED] = 1,
        [CHECKER_ORDER] = 2,      [CHECKER_STALE_AFTER_COMPLETE] = 3,
        [CHECKER_STALE_PERM] = 4, [CHECKER_LOST_DIRTY] = 5,
        [CHECKER_UAF_PAGE] = 6,   [CHECKER_UAF_TABLE] = 7,
    };

    return ranks[verdict];
}

/* The worst that the changes of a page say of a use; *change: which. */
static enum checker_verdict
checker_judge_page(const struct checker *checker, struct checker_page *page,
                   const struct checker_use *use,
                   const struct checker_change **worst)
{
    uint64_t version = checker_stamp_version(use->stamp);
    enum checker_verdict verdict = CHECKER_FRESH;

    for (struct checker_change *change = page->changes; change;
         change = change->older) {
        enum checker_verdict one;

        if (change->version <= version) {
            if (checker->config.has_order && use->at.cpu < 256)
                change->seen[use->at.cpu / 64] |= UINT64_C(1)
                                                  << use->at.cpu % 64;
            continue;
        }
        if (!checker_concerns(change, use))
            continue;
        one = checker_judge(checker, change, use);
        if (checker_rank(one) > checker_rank(verdict)) {
            verdict = one;
            *worst = change;
        }
    }
    return verdict;
}

static enum checker_verdict
checker_judge_sizes(const struct checker *checker,
                    const struct checker_use *use,
                    const struct checker_change **worst)
{
    const struct checker_space *space = mmusim__checker_space(checker, use->mm);
    enum checker_verdict verdict = CHECKER_FRESH;

    for (uint64_t rest = space ? space->shifts : 0; rest; rest &= rest - 1) {
        struct checker_page *page = mmusim__checker_page(
            checker, use->mm, use->vaddr, (uint32_t) __builtin_ctzll(rest));
        const struct checker_change *change = NULL;
        enum checker_verdict one;

        if (!page)
            continue;
        one = checker_judge_page(checker, page, use, &change);
        if (checker_rank(one) > checker_rank(verdict)) {
            verdict = one;
            *worst = change;
        }
    }
    return verdict;
}

/* ---- uses ---- */

static enum checker_verdict checker_conclude(struct checker *checker,
                                             const struct checker_found *found)
{
    checker->counts[found->verdict]++;
    if (found->verdict >= CHECKER_FIRST_VIOLATION)
        mmusim__checker_tell(checker, found);
    return found->verdict;
}

/* Of another address space, if the entry says so. */
static enum checker_verdict checker_judge_space(const struct checker_use *use)
{
    uint64_t owner = checker_stamp_space(use->stamp);

    if (owner == checker_space_number(use->mm))
        return CHECKER_FRESH;
    if (!(use->rights & CHECKER_GLOBAL))
        return CHECKER_WRONG_ASID;
    return owner ? CHECKER_GLOBAL_LEAK : CHECKER_FRESH;
}

enum checker_verdict mmusim__checker_use(struct checker *checker,
                                         const struct checker_use *use)
{
    const struct checker_change *change = NULL;
    struct checker_found found = {
        .at = use->at,
        .mm = use->mm,
        .vaddr = use->vaddr,
        .stamp = use->stamp,
        .need = use->need,
        .is_kernel = use->is_kernel,
    };

    if (!use->stamp)
        return CHECKER_FRESH;
    found.verdict = checker_judge_space(use);
    if (found.verdict == CHECKER_FRESH)
        found.verdict = checker_judge_sizes(checker, use, &change);
    if (found.verdict == CHECKER_FRESH)
        return CHECKER_FRESH;
    if (found.verdict >= CHECKER_FIRST_VIOLATION &&
        (use->rights & CHECKER_GLOBAL))
        found.verdict = CHECKER_GLOBAL_LEAK;
    found.change = change;
    found.pfn = change ? change->pfn : 0;
    return checker_conclude(checker, &found);
}

/* ---- walks ---- */

/* The pointer was withdrawn, and that had been said to be over. */
static const struct checker_change *
checker_withdrawn(const struct checker *checker,
                  const struct checker_walk *walk)
{
    const struct checker_page *page =
        mmusim__checker_page(checker, walk->mm, walk->vaddr, walk->shift);
    const struct checker_change *change = page ? page->changes : NULL;

    for (; change; change = change->older) {
        if (change->is_of_table &&
            change->version > checker_stamp_version(walk->stamp) &&
            change->closing == CLOSED_BY_FLUSH)
            return change;
    }
    return NULL;
}

enum checker_verdict mmusim__checker_walk(struct checker *checker,
                                          const struct checker_walk *walk)
{
    const struct checker_frame *frame =
        mmusim__checker_frame(checker, walk->table_pfn);
    struct checker_found found = {
        .at = walk->at,
        .mm = walk->mm,
        .vaddr = walk->vaddr,
        .stamp = walk->stamp,
        .is_kernel = walk->is_software,
        .pfn = walk->table_pfn,
    };

    if (!walk->stamp)
        return CHECKER_FRESH;
    if (frame && frame->freed_version > checker_stamp_version(walk->stamp))
        found.verdict = walk->is_software ? CHECKER_SW_WALK : CHECKER_UAF_TABLE;
    else if (checker_stamp_space(walk->stamp) != checker_space_number(walk->mm))
        found.verdict = CHECKER_WRONG_ASID;
    else if (!walk->is_lazy && !walk->is_software)
        found.change = checker_withdrawn(checker, walk);
    if (found.change)
        found.verdict = CHECKER_STALE_AFTER_COMPLETE;
    if (found.verdict == CHECKER_FRESH)
        return CHECKER_FRESH;
    return checker_conclude(checker, &found);
}

enum checker_verdict
mmusim__checker_overlap(struct checker *checker,
                        const struct checker_overlap *overlap)
{
    const struct checker_use use = {
        .at = overlap->at,
        .mm = overlap->mm,
        .vaddr = overlap->vaddr,
        .need = CHECKER_READ,
        .stamp = overlap->older_stamp,
    };
    struct checker_found found = {
        .verdict = CHECKER_OVERLAP,
        .at = overlap->at,
        .mm = overlap->mm,
        .vaddr = overlap->vaddr,
        .stamp = overlap->older_stamp,
    };

    if (!use.stamp ||
        checker_judge_sizes(checker, &use, &found.change) == CHECKER_FRESH)
        return CHECKER_FRESH;
    found.pfn = found.change->pfn;
    return checker_conclude(checker, &found);
}

/* ---- results ---- */

uint64_t mmusim__checker_count(const struct checker *checker,
                               enum checker_verdict verdict)
{
    return checker->counts[verdict];
}

uint64_t mmusim__checker_violations(const struct checker *checker)
{
    uint64_t sum = 0;

    for (uint32_t i = CHECKER_FIRST_VIOLATION; i < CHECKER_VERDICT_COUNT; i++)
        sum += checker->counts[i];
    return sum;
}

const struct checker_report *
mmusim__checker_report(const struct checker *checker, size_t index)
{
    return index < checker->n_reports ? &checker->reports[index] : NULL;
}
