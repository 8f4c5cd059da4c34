/* SPDX-License-Identifier: MIT */
/* Break-before-make: see arm_bbm.h. Broken descriptors are kept in a list until
 * they are clean; chains by address find one. */
#include "coherence/arm_bbm.h"

#include "core/cpu_mask.h"

#include <stdlib.h>

enum { BBM_FIRST = 64 };

/* A descriptor that was broken: what a TLB may still hold of it. */
struct bbm_pending {
    struct bbm_update update; /* old_word: the descriptor before the break */
    bool is_ordered;          /* the writer has executed a DSB since */
    bool is_invalidated;
    /* Who has issued a TLBI that names it, without a DSB yet: [nXS][outer]. */
    struct cpu_mask issuers[2][2];
    uint32_t next; /* of its chain: index + 1, 0: the last */
};

struct bbm {
    uint32_t feature_level;
    struct bbm_pending *pending;
    uint32_t *chains;   /* capacity of them: index + 1 of the first */
    size_t n, capacity; /* a power of two */
    uint64_t violations[BBM_REASON_COUNT];
    uint64_t omissions[BBM_OMISSION_COUNT];
    uint64_t n_observed; /* broken, and clean again */
};

/* ---- what needs it ---- */

/* Arm ARM DDI 0487 D8.3.2: AttrIndx[4:2] of stage 1, MemAttr[5:2] of stage 2;
 * nT, bit 16; nG, bit 11; SH[9:8], of which DS makes address bits. */
#define BBM_BIT_NT  (UINT64_C(1) << 16)
#define BBM_BIT_NG  (UINT64_C(1) << 11)
#define BBM_BIT_RUN (UINT64_C(1) << 52)
#define BBM_BIT_SH  (UINT64_C(3) << 8)

static uint64_t bbm_type_bits(const struct pt_format *format)
{
    return format->stage == PT_STAGE_2 ? UINT64_C(0x3c) : UINT64_C(0x1c);
}

static bool bbm_has_shareability(const struct pt_format *format)
{
    return format->paddr_bits < 52 || format->granule_order == 4;
}

/* May a TLB or a walk cache hold it? */
static bool bbm_is_cacheable(const struct pt_entry *entry)
{
    return entry->is_present && !entry->is_reserved &&
           (!entry->is_leaf || entry->is_accessed);
}

static enum bbm_reason bbm_size_reason(const struct bbm_update *update,
                                       bool old_is_leaf, uint32_t feature_level)
{
    uint64_t block = old_is_leaf ? update->old_word : update->new_word;

    if (feature_level >= 2 || (feature_level == 1 && block & BBM_BIT_NT))
        return BBM_NOT_NEEDED;
    return BBM_BLOCK_SIZE;
}

static enum bbm_reason bbm_leaf_reason(const struct bbm_update *update,
                                       const struct pt_entry *before,
                                       const struct pt_entry *after)
{
    uint64_t changed = update->old_word ^ update->new_word;
    bool is_written = (before->rights | after->rights) & TLB_WRITE;

    if (changed & bbm_type_bits(update->format))
        return BBM_MEMORY_TYPE;
    if (changed & BBM_BIT_SH && bbm_has_shareability(update->format))
        return BBM_SHAREABILITY;
    if (before->pfn.v != after->pfn.v &&
        (is_written || update->contents_differ))
        return BBM_OUTPUT_ADDRESS;
    if (update->format->stage == PT_STAGE_1 && changed & BBM_BIT_NG &&
        update->old_word & BBM_BIT_NG)
        return BBM_GLOBAL;
    return BBM_NOT_NEEDED;
}

enum bbm_reason mmusim__bbm_needed(const struct bbm_update *update,
                                   uint32_t feature_level)
{
    const struct pt_format *format = update->format;
    struct pt_entry before =
        format->decode(format, update->old_word, update->level);
    struct pt_entry after =
        format->decode(format, update->new_word, update->level);
    enum bbm_reason reason;

    if (!bbm_is_cacheable(&before) || !bbm_is_cacheable(&after))
        return BBM_NOT_NEEDED;
    if (before.is_leaf != after.is_leaf)
        return bbm_size_reason(update, before.is_leaf, feature_level);
    if (!before.is_leaf)
        return BBM_NOT_NEEDED;
    reason = bbm_leaf_reason(update, &before, &after);
    if (!reason && feature_level < 2 &&
        (update->old_word ^ update->new_word) & BBM_BIT_RUN)
        reason = BBM_CONTIGUOUS;
    return reason;
}

const char *mmusim__bbm_reason_name(enum bbm_reason reason)
{
    static const char *const names[] = {
#define BBM_REASON_NAME(name, word) word,
        BBM_REASON_MAP(BBM_REASON_NAME)
#undef BBM_REASON_NAME
    };

    return names[reason];
}

/* ---- the list ---- */

struct bbm *mmusim__bbm_create(uint32_t feature_level)
{
    struct bbm *bbm = calloc(1, sizeof(*bbm));

    if (bbm)
        bbm->feature_level = feature_level;
    return bbm;
}

void mmusim__bbm_destroy(struct bbm *bbm)
{
    if (!bbm)
        return;
    free(bbm->pending);
    free(bbm->chains);
    free(bbm);
}

/* The link that leads, or would lead, to the descriptor. */
static uint32_t *bbm_link(const struct bbm *bbm, uint64_t entry_paddr)
{
    uint64_t hash = (entry_paddr >> 3) * UINT64_C(0x9e3779b97f4a7c15) >> 32;
    uint32_t *link = &bbm->chains[hash & (bbm->capacity - 1)];

    while (*link && bbm->pending[*link - 1].update.entry_paddr != entry_paddr)
        link = &bbm->pending[*link - 1].next;
    return link;
}

static struct bbm_pending *bbm_find(const struct bbm *bbm, uint64_t entry_paddr)
{
    uint32_t at = bbm->capacity ? *bbm_link(bbm, entry_paddr) : 0;

    return at ? &bbm->pending[at - 1] : NULL;
}

/* The last of the list takes its place. */
static void bbm_remove(struct bbm *bbm, struct bbm_pending *pending)
{
    struct bbm_pending *last = &bbm->pending[bbm->n - 1];

    *bbm_link(bbm, pending->update.entry_paddr) = pending->next;
    if (pending != last) {
        *bbm_link(bbm, last->update.entry_paddr) =
            (uint32_t) (pending - bbm->pending) + 1;
        *pending = *last;
    }
    bbm->n--;
}

static bool bbm_grow(struct bbm *bbm)
{
    size_t capacity = bbm->capacity ? 2 * bbm->capacity : BBM_FIRST;
    struct bbm_pending *pending =
        realloc(bbm->pending, capacity * sizeof(*pending));
    uint32_t *chains;

    if (!pending)
        return false;
    bbm->pending = pending;
    chains = calloc(capacity, sizeof(*chains));
    if (!chains)
        return false;
    free(bbm->chains);
    bbm->chains = chains;
    bbm->capacity = capacity;
    for (size_t i = 0; i < bbm->n; i++) {
        pending[i].next = 0;
        *bbm_link(bbm, pending[i].update.entry_paddr) = (uint32_t) i + 1;
    }
    return true;
}

static bool bbm_add(struct bbm *bbm, const struct bbm_update *update)
{
    uint32_t *link;

    if (bbm->n == bbm->capacity && !bbm_grow(bbm))
        return false;
    link = bbm_link(bbm, update->entry_paddr);
    bbm->pending[bbm->n] = (struct bbm_pending){.update = *update};
    *link = (uint32_t) ++bbm->n;
    return true;
}

/* ---- what was done ---- */

static enum bbm_omission bbm_omission_of(const struct bbm_pending *pending)
{
    if (!pending)
        return BBM_NOT_BROKEN;
    if (pending->is_invalidated)
        return BBM_NOT_COMPLETE;
    return pending->is_ordered ? BBM_NOT_INVALIDATED : BBM_NOT_ORDERED;
}

static bool bbm_word_is_cacheable(const struct bbm_update *update,
                                  uint64_t word)
{
    struct pt_entry entry =
        update->format->decode(update->format, word, update->level);

    return bbm_is_cacheable(&entry);
}

bool mmusim__bbm_write(struct bbm *bbm, const struct bbm_update *update,
                       struct bbm_verdict *verdict)
{
    struct bbm_pending *pending = bbm_find(bbm, update->entry_paddr);
    bool was_cacheable = bbm_word_is_cacheable(update, update->old_word);
    struct bbm_update since = *update;

    if (pending && pending->update.context.asid != update->context.asid) {
        bbm_remove(bbm, pending);
        pending = NULL;
    }
    verdict->reason = mmusim__bbm_needed(update, bbm->feature_level);
    verdict->omission = verdict->reason ? BBM_NOT_BROKEN : BBM_OBSERVED;
    if (!verdict->reason && pending) {
        since.old_word = pending->update.old_word;
        verdict->reason = mmusim__bbm_needed(&since, bbm->feature_level);
        if (verdict->reason)
            verdict->omission = bbm_omission_of(pending);
    }
    if (verdict->omission) {
        bbm->violations[verdict->reason]++;
        bbm->omissions[verdict->omission]++;
        if (pending)
            bbm_remove(bbm, pending);
        return true;
    }
    if (!was_cacheable || bbm_word_is_cacheable(update, update->new_word))
        return true;
    if (!pending)
        return bbm_add(bbm, update);
    /* broken again */
    *pending = (struct bbm_pending){.update = *update, .next = pending->next};
    return true;
}

/* Does the request drop what a TLB or walk cache may hold of the descriptor,
 * in every PE? */
static bool bbm_is_named(const struct bbm_pending *pending,
                         const struct inval_request *request)
{
    const struct bbm_update *update = &pending->update;
    const struct tlb_context *context = &update->context;
    struct pt_entry entry =
        update->format->decode(update->format, update->old_word, update->level);
    uint64_t key =
        tlb_key(vpn_of(update->vaddr),
                entry.is_leaf ? entry.order
                              : pt_level_order(update->format, update->level),
                tlb_tags(context->asid, 0), entry.rights & TLB_GLOBAL);

    for (uint32_t i = 0; i < request->n_invals; i++) {
        const struct inval *inval = &request->invals[i];

        if (inval_is_for(inval, context) &&
            (entry.is_leaf ? tlb_entry_is_hit_by_inval(key, inval, NULL)
                           : psc_entry_is_hit_by_inval(key, inval, NULL)))
            return true;
    }
    return false;
}

void mmusim__bbm_tlbi(struct bbm *bbm, uint32_t cpu,
                      const struct inval_request *request)
{
    if (request->reach == REACH_SELF)
        return;
    for (size_t i = 0; i < bbm->n; i++) {
        struct bbm_pending *pending = &bbm->pending[i];

        if (!pending->is_ordered || !bbm_is_named(pending, request))
            continue;
        pending->is_invalidated = true;
        cpu_mask_set(
            &pending->issuers[request->is_nxs][request->reach != REACH_INNER],
            cpu);
    }
}

/* Does a DSB of the CPU complete a TLBI that names the descriptor? */
static bool bbm_is_completed(const struct bbm_pending *pending, uint32_t cpu,
                             const struct arm_dsb *dsb)
{
    for (uint32_t i = 0; i < 4; i++) {
        struct inval_request request = {.completion = COMPLETE_AT_DSB,
                                        .is_nxs = i & 1,
                                        .reach =
                                            i & 2 ? REACH_OUTER : REACH_INNER};

        if (cpu_mask_has(&pending->issuers[i & 1][i >> 1], cpu) &&
            mmusim__arm_dsb_completes(dsb, &request))
            return true;
    }
    return false;
}

/* A DSB for stores orders the writer's break; one that completes a TLBI makes
 * the descriptor clean. */
void mmusim__bbm_dsb(struct bbm *bbm, uint32_t cpu, const struct arm_dsb *dsb)
{
    bool orders = dsb->types != ARM_LOADS && dsb->domain >= REACH_INNER;

    for (size_t i = bbm->n; i > 0; i--) {
        struct bbm_pending *pending = &bbm->pending[i - 1];

        if (pending->update.cpu == cpu && orders)
            pending->is_ordered = true;
        if (bbm_is_completed(pending, cpu, dsb)) {
            bbm_remove(bbm, pending);
            bbm->n_observed++;
        }
    }
}

void mmusim__bbm_forget(struct bbm *bbm, uint64_t paddr, uint64_t bytes)
{
    for (size_t i = bbm->n; i > 0; i--) {
        if (bbm->pending[i - 1].update.entry_paddr - paddr < bytes)
            bbm_remove(bbm, &bbm->pending[i - 1]);
    }
}

uint64_t mmusim__bbm_violations(const struct bbm *bbm, enum bbm_reason reason)
{
    return bbm->violations[reason];
}

uint64_t mmusim__bbm_omissions(const struct bbm *bbm,
                               enum bbm_omission omission)
{
    return bbm->omissions[omission];
}

uint64_t mmusim__bbm_observed(const struct bbm *bbm)
{
    return bbm->n_observed;
}

size_t mmusim__bbm_n_pending(const struct bbm *bbm)
{
    return bbm->n;
}
