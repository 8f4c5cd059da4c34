/* SPDX-License-Identifier: MIT */
/* The sizes that blocks of frames have: see frame_alloc.h. */
#include "core/check.h"
#include "os/frame_alloc.h"

const struct frame_orders mmusim__frame_orders_usual = {
    3, {PAGE_ORDER_4K, PAGE_ORDER_2M, PAGE_ORDER_1G}};

void mmusim__frame_orders_add(struct frame_orders *orders, uint32_t order)
{
    uint32_t at = 0;

    while (at < orders->n && orders->orders[at] < order)
        at++;
    if (at < orders->n && orders->orders[at] == order)
        return;
    mmusim_assert(orders->n < FRAME_MAX_KINDS);
    for (uint32_t i = orders->n++; i > at; i--)
        orders->orders[i] = orders->orders[i - 1];
    orders->orders[at] = (uint8_t) order;
}
