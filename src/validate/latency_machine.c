/* SPDX-License-Identifier: MIT */
/* What a fit needs to know of a machine: see latency_machine.h. */
#include "validate/latency_machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LATENCY_ARRAYS_MAX = 16 };

const char *const mmusim__latency_levels[FIT_LEVELS] = {"l1d", "l2", "llc",
                                                        "dram"};

uint64_t mmusim__latency_get(const mmusim_config_t *config, const char *key)
{
    char text[LATENCY_TEXT_BYTES];
    uint64_t number;
    char *end;

    if (mmusim_config_get(config, key, text, sizeof(text)))
        return 0;
    number = strtoull(text, &end, 10);
    switch (*end) {
    case 'K':
        return number << 10;
    case 'M':
        return number << 20;
    case 'G':
        return number << 30;
    default:
        return number;
    }
}

static uint64_t latency_get_of(const mmusim_config_t *config,
                               const char *format, const char *level,
                               const char *field)
{
    char key[LATENCY_TEXT_BYTES];

    snprintf(key, sizeof(key), "%s.%s.%s", format, level, field);
    return mmusim__latency_get(config, key);
}

static bool latency_is(const mmusim_config_t *config, const char *key,
                       const char *value)
{
    char text[LATENCY_TEXT_BYTES];

    return !mmusim_config_get(config, key, text, sizeof(text)) &&
           !strcmp(text, value);
}

/* Entries of a TLB level's arrays that hold 4K pages; the time of a hit in the
 * first of them. */
static uint32_t latency_tlb_pages(const mmusim_config_t *config,
                                  const char *level, double *hit_cycles)
{
    uint32_t pages = 0;

    for (uint32_t i = 0; i < LATENCY_ARRAYS_MAX; i++) {
        char prefix[LATENCY_TEXT_BYTES];
        char sizes[LATENCY_TEXT_BYTES];
        char key[2 * LATENCY_TEXT_BYTES];

        snprintf(prefix, sizeof(prefix), "tlb.%s.%u", level, i);
        snprintf(key, sizeof(key), "%s.page_sizes", prefix);
        if (mmusim_config_get(config, key, sizes, sizeof(sizes)))
            break;
        if (!strstr(sizes, "[4K"))
            continue;
        if (!pages) {
            snprintf(key, sizeof(key), "%s.hit_cycles", prefix);
            *hit_cycles = (double) mmusim__latency_get(config, key);
        }
        snprintf(key, sizeof(key), "%s.entries", prefix);
        pages += (uint32_t) mmusim__latency_get(config, key);
    }
    return pages;
}

static void latency_read_caches(const mmusim_config_t *config,
                                struct fit_machine *machine)
{
    for (uint32_t i = 0; i < FIT_DRAM; i++) {
        const char *level = mmusim__latency_levels[i];
        char key[LATENCY_TEXT_BYTES];

        snprintf(key, sizeof(key), "memory.%s.replacement", level);
        machine->caches[i] = (struct fit_cache){
            .size_bytes = latency_get_of(config, "memory", level, "size"),
            .n_ways =
                (uint32_t) latency_get_of(config, "memory", level, "ways"),
            .hash_from_bit = (uint32_t) latency_get_of(config, "memory", level,
                                                       "hash_from_bit"),
            .is_random = latency_is(config, key, "random"),
            .bypass_percent = (uint32_t) latency_get_of(config, "memory", level,
                                                        "bypass_percent"),
            .cycles =
                (uint32_t) latency_get_of(config, "memory", level, "cycles"),
        };
    }
    machine->caches[FIT_DRAM].cycles =
        (uint32_t) mmusim__latency_get(config, "memory.dram_cycles");
    machine->has_pair_prefetch =
        latency_is(config, "memory.pair_prefetch", "true");
}

void mmusim__latency_read_machine(const mmusim_config_t *config,
                                  struct fit_machine *machine)
{
    double l1_cycles = 0;

    latency_read_caches(config, machine);
    machine->l1_pages = latency_tlb_pages(config, "l1d", &l1_cycles);
    machine->l2_pages =
        latency_tlb_pages(config, "l2d", &machine->l2_tlb_cycles);
    if (!machine->l2_pages)
        machine->l2_pages =
            latency_tlb_pages(config, "l2", &machine->l2_tlb_cycles);
    machine->window_pages =
        (machine->l2_pages ? machine->l2_pages : machine->l1_pages) / 2;
    if (!machine->window_pages)
        machine->window_pages = 1;
    machine->walk_cycles =
        (double) mmusim__latency_get(config, "walker.start_cycles") +
        machine->caches[FIT_L1D].cycles;
}
