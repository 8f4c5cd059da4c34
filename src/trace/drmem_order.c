/* SPDX-License-Identifier: MIT */
/* Times -> numbers: see drmem_order.h. */
#include "trace/drmem_order.h"

#include <stdlib.h>

static int order_compare(const void *a, const void *b)
{
    const struct drmem_time *x = a;
    const struct drmem_time *y = b;

    if (x->us != y->us)
        return x->us < y->us ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

static bool order_collect(struct drmem_order *order, uint64_t us)
{
    if (order->n_times == DRMEM_ORDER_MAX) {
        order->is_given_up = true;
        return true;
    }
    if (order->n_times == order->max_times) {
        uint32_t max = order->max_times ? 2 * order->max_times : 256;
        struct drmem_time *grown =
            realloc(order->times, max * sizeof(*order->times));

        if (!grown)
            return false;
        order->times = grown;
        order->max_times = max;
    }
    order->times[order->n_times] = (struct drmem_time){us, order->n_times};
    order->n_times++;
    return true;
}

bool mmusim__drmem_order_take(struct drmem_order *order, uint64_t us,
                              uint64_t *number)
{
    *number = 0;
    if (order->is_collecting)
        return order_collect(order, us);
    if (order->is_given_up)
        return true;
    if (!order->is_sorted)
        *number = ++order->n_taken;
    else if (order->n_taken < order->n_times)
        *number = (uint64_t) order->ranks[order->n_taken++] + 1;
    return true;
}

bool mmusim__drmem_order_sort(struct drmem_order *order)
{
    order->is_collecting = false;
    if (order->is_given_up)
        return true;
    order->is_sorted = true;
    order->n_taken = 0;
    if (!order->n_times)
        return true;
    order->ranks = malloc(order->n_times * sizeof(*order->ranks));
    if (!order->ranks)
        return false;
    qsort(order->times, order->n_times, sizeof(*order->times), order_compare);
    for (uint32_t i = 0; i < order->n_times; i++)
        order->ranks[order->times[i].index] = i;
    return true;
}

uint64_t mmusim__drmem_order_before(const struct drmem_order *order,
                                    uint64_t us)
{
    uint32_t low = 0;
    uint32_t high = order->n_times;

    if (order->is_collecting || order->is_given_up)
        return 0;
    if (!order->is_sorted)
        return order->n_taken;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (order->times[middle].us < us)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void mmusim__drmem_order_fini(struct drmem_order *order)
{
    free(order->times);
    free(order->ranks);
}
