/* SPDX-License-Identifier: MIT */
/* How far apart two CPUs are, for whatever travels between them. */
#ifndef MMUSIM_COHERENCE_DISTANCE_H
#define MMUSIM_COHERENCE_DISTANCE_H

#include "coherence/system.h"

/* A latency by distance. */
struct distance_cycles {
    uint32_t core;   /* to the other thread of the core */
    uint32_t socket; /* within the socket */
    uint32_t remote; /* to a neighbouring socket */
    uint32_t hop;    /* per link beyond the first */
};

/* Links between two sockets of a machine, 0 for the same socket. */
uint32_t mmusim__socket_links_between(enum socket_links links,
                                      uint32_t n_sockets, uint32_t a,
                                      uint32_t b);

uint32_t mmusim__distance(const struct cpu *a, const struct cpu *b,
                          const struct distance_cycles *cycles);

/* The least of them. */
static inline uint32_t distance_least(const struct distance_cycles *cycles)
{
    uint32_t least = cycles->core;

    if (cycles->socket < least)
        least = cycles->socket;
    return cycles->remote < least ? cycles->remote : least;
}

#endif
