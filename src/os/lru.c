/* SPDX-License-Identifier: MIT */
/* LRU lists and pagevecs: see lru.h. */
#include "os/lru.h"

#include "core/check.h"

void mmusim__lru_lock(struct cpu *cpu, struct lru *lru,
                      struct lock_waiter *waiter)
{
    mmusim_assert(!cpu->masks_interrupts);
    cpu->masks_interrupts = true;
    mmusim__lock_take(cpu, &lru->lock, waiter, LOCK_WRITE, BUCKET_KERNEL);
}

void mmusim__lru_unlock(struct cpu *cpu, struct lru *lru)
{
    mmusim__lock_release(cpu, &lru->lock, LOCK_WRITE);
    cpu->masks_interrupts = false;
}

void mmusim__lru_add_head(struct lru *lru, struct page *page)
{
    struct lru_list *list = &lru->lists[lru_kind_of(page)];

    mmusim_assert(!(page->flags & (PAGE_LRU | PAGE_PENDING)));
    page->flags |= PAGE_LRU;
    page->prev = NULL;
    page->next = list->head;
    if (list->head)
        list->head->prev = page;
    else
        list->tail = page;
    list->head = page;
    list->n_pages++;
}

void mmusim__lru_add_tail(struct lru *lru, struct page *page)
{
    struct lru_list *list = &lru->lists[lru_kind_of(page)];

    mmusim_assert(!(page->flags & (PAGE_LRU | PAGE_PENDING)));
    page->flags |= PAGE_LRU;
    page->next = NULL;
    page->prev = list->tail;
    if (list->tail)
        list->tail->next = page;
    else
        list->head = page;
    list->tail = page;
    list->n_pages++;
}

void mmusim__lru_remove(struct lru *lru, struct page *page)
{
    struct lru_list *list = &lru->lists[lru_kind_of(page)];

    mmusim_assert(page->flags & PAGE_LRU);
    page->flags &= (uint16_t) ~PAGE_LRU;
    if (page->prev)
        page->prev->next = page->next;
    else
        list->head = page->next;
    if (page->next)
        page->next->prev = page->prev;
    else
        list->tail = page->prev;
    page->next = page->prev = NULL;
    list->n_pages--;
}

/* ---- pagevecs ---- */

void mmusim__lru_defer(struct lru_pending *pending, struct page *page,
                       uint32_t cpu)
{
    mmusim_assert(!(page->flags & (PAGE_LRU | PAGE_PENDING)));
    page->flags |= PAGE_PENDING;
    page->pending_cpu = (uint16_t) cpu;
    page->next = NULL;
    page->prev = pending->tail;
    if (pending->tail)
        pending->tail->next = page;
    else
        pending->head = page;
    pending->tail = page;
    pending->n_pages++;
}

void mmusim__lru_forget(struct lru_pending *pending, struct page *page)
{
    mmusim_assert(page->flags & PAGE_PENDING);
    page->flags &= (uint16_t) ~PAGE_PENDING;
    if (page->prev)
        page->prev->next = page->next;
    else
        pending->head = page->next;
    if (page->next)
        page->next->prev = page->prev;
    else
        pending->tail = page->prev;
    page->next = page->prev = NULL;
    pending->n_pages--;
}

uint32_t mmusim__lru_drain(struct lru *lru, struct lru_pending *pending,
                           uint32_t n)
{
    struct page *page = pending->head;
    uint32_t n_moved = 0;

    for (; page && n; n--) {
        struct page *next = page->next;

        if (page->node == lru->node) {
            mmusim__lru_forget(pending, page);
            mmusim__lru_add_head(lru, page);
            n_moved++;
        }
        page = next;
    }
    return n_moved;
}

static bool lru_list_is_valid(const struct lru *lru, enum lru_kind kind)
{
    const struct lru_list *list = &lru->lists[kind];
    const struct page *prev = NULL;
    uint64_t n = 0;

    for (const struct page *page = list->head; page; page = page->next) {
        if (page->prev != prev || !(page->flags & PAGE_LRU) ||
            page->node != lru->node || lru_kind_of(page) != kind)
            return false;
        prev = page;
        n++;
    }
    return list->tail == prev && list->n_pages == n;
}

bool mmusim__lru_is_valid(const struct lru *lru)
{
    for (int kind = 0; kind < LRU_KINDS; kind++) {
        if (!lru_list_is_valid(lru, (enum lru_kind) kind))
            return false;
    }
    return true;
}
