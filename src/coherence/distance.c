/* SPDX-License-Identifier: MIT */
/* How far apart two CPUs are: see distance.h. */
#include "coherence/distance.h"

static uint32_t distance_between(uint32_t a, uint32_t b)
{
    return a < b ? b - a : a - b;
}

static uint32_t links_of_ladder(uint32_t n_sockets, uint32_t a, uint32_t b)
{
    uint32_t n_columns = (n_sockets + 1) / 2;

    return distance_between(a % n_columns, b % n_columns) +
           distance_between(a / n_columns, b / n_columns);
}

uint32_t mmusim__socket_links_between(enum socket_links links,
                                      uint32_t n_sockets, uint32_t a,
                                      uint32_t b)
{
    uint32_t apart = distance_between(a, b);

    switch (links) {
    case LINKS_FULL:
        break;
    case LINKS_RING:
        return apart < n_sockets - apart ? apart : n_sockets - apart;
    case LINKS_LADDER:
        return links_of_ladder(n_sockets, a, b);
    case LINKS_CUBE:
        return (uint32_t) __builtin_popcount(a ^ b);
    }
    return apart != 0;
}

uint32_t mmusim__distance(const struct cpu *a, const struct cpu *b,
                          const struct distance_cycles *cycles)
{
    const struct system *system = a->system;
    uint32_t n_links;

    if (a->socket == b->socket)
        return a->core == b->core ? cycles->core : cycles->socket;
    n_links = mmusim__socket_links_between(system->links, system->n_sockets,
                                           a->socket, b->socket);
    return cycles->remote + (n_links - 1) * cycles->hop;
}
