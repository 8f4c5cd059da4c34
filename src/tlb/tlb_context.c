/* SPDX-License-Identifier: MIT */
/* Tags of translation contexts, in a hash table with linear probing that is
 * never more than half full: see tlb_context.h. */
#include "tlb/tlb_context.h"

#include "core/check.h"

#include <stdlib.h>

enum { CONTEXTS_FIRST = 64 };

struct tlb_contexts {
    struct tlb_context *list; /* by tag */
    uint32_t n;
    uint32_t capacity; /* of list; a power of two */
    uint32_t *slots;   /* 2 * capacity of them: tag + 1; 0: free */
};

static uint64_t context_hash(const struct tlb_context *context)
{
    uint64_t word = (uint64_t) context->asid | (uint64_t) context->vmid << 16 |
                    (uint64_t) context->thread << 32 |
                    (uint64_t) context->regime << 40 |
                    (uint64_t) context->has_asid << 48;

    word ^= context->stage2_root * UINT64_C(0xbf58476d1ce4e5b9);
    word *= UINT64_C(0x9e3779b97f4a7c15);
    return word ^ word >> 29;
}

static bool context_is_equal(const struct tlb_context *a,
                             const struct tlb_context *b)
{
    return a->regime == b->regime && a->thread == b->thread &&
           a->has_asid == b->has_asid && a->asid == b->asid &&
           a->vmid == b->vmid && a->stage2_root == b->stage2_root;
}

/* The slot that has the context, or the free one where it would go. */
static uint32_t *context_slot(const struct tlb_contexts *contexts,
                              const struct tlb_context *context)
{
    uint32_t mask = 2 * contexts->capacity - 1;
    uint32_t i = (uint32_t) context_hash(context) & mask;

    while (contexts->slots[i] &&
           !context_is_equal(&contexts->list[contexts->slots[i] - 1], context))
        i = (i + 1) & mask;
    return &contexts->slots[i];
}

static bool contexts_resize(struct tlb_contexts *contexts, uint32_t capacity)
{
    struct tlb_context *list =
        realloc(contexts->list, capacity * sizeof(*list));
    uint32_t *slots;

    if (!list)
        return false;
    contexts->list = list;
    slots = calloc(2 * (size_t) capacity, sizeof(*slots));
    if (!slots)
        return false;
    free(contexts->slots);
    contexts->slots = slots;
    contexts->capacity = capacity;
    for (uint32_t tag = 0; tag < contexts->n; tag++)
        *context_slot(contexts, &list[tag]) = tag + 1;
    return true;
}

struct tlb_contexts *mmusim__tlb_contexts_create(void)
{
    struct tlb_contexts *contexts = calloc(1, sizeof(*contexts));

    if (contexts && !contexts_resize(contexts, CONTEXTS_FIRST)) {
        mmusim__tlb_contexts_destroy(contexts);
        return NULL;
    }
    return contexts;
}

void mmusim__tlb_contexts_destroy(struct tlb_contexts *contexts)
{
    if (!contexts)
        return;
    free(contexts->list);
    free(contexts->slots);
    free(contexts);
}

bool mmusim__tlb_context_intern(struct tlb_contexts *contexts,
                                const struct tlb_context *context,
                                uint16_t *tag)
{
    uint32_t *slot = context_slot(contexts, context);

    if (!*slot) {
        if (contexts->n == TLB_MAX_CONTEXTS)
            return false;
        if (contexts->n == contexts->capacity) {
            if (!contexts_resize(contexts, 2 * contexts->capacity))
                return false;
            slot = context_slot(contexts, context);
        }
        contexts->list[contexts->n++] = *context;
        *slot = contexts->n;
    }
    *tag = (uint16_t) (*slot - 1);
    return true;
}

bool mmusim__tlb_context_find(const struct tlb_contexts *contexts,
                              const struct tlb_context *context, uint16_t *tag)
{
    const uint32_t *slot = context_slot(contexts, context);

    if (!*slot)
        return false;
    *tag = (uint16_t) (*slot - 1);
    return true;
}

const struct tlb_context *
mmusim__tlb_context_at(const struct tlb_contexts *contexts, uint16_t tag)
{
    mmusim_assert(tag < contexts->n);
    return &contexts->list[tag];
}

uint32_t mmusim__tlb_context_count(const struct tlb_contexts *contexts)
{
    return contexts->n;
}
