/* SPDX-License-Identifier: MIT */
/*
 * Broadcasts, the slow way: one cycle after the other, every message looked at
 * in every cycle. Written from the rules in docs/fabrics.md, not from the code;
 * nothing is scheduled, nothing is rearranged. Latencies are at least 1.
 */
#ifndef MMUSIM_TESTS_MODEL_BROADCAST_MODEL_H
#define MMUSIM_TESTS_MODEL_BROADCAST_MODEL_H

#include <stdbool.h>
#include <stdint.h>

enum { MODEL_CPUS = 8, MODEL_ACTIONS = 24, MODEL_MESSAGES = 8192 };

enum model_action_kind { MODEL_WORK, MODEL_ISSUE, MODEL_SYNC };

struct model_action {
    enum model_action_kind kind;
    uint32_t cycles; /* of work */
    uint32_t n_ops;  /* to issue */
    bool is_near;    /* to the socket only */
};

struct model_costs {
    uint32_t issue, slot, sync, max_outstanding;
    uint32_t way[MODEL_CPUS][MODEL_CPUS];    /* of a message */
    uint32_t answer[MODEL_CPUS][MODEL_CPUS]; /* of its answer: [from][to] */
    uint32_t socket[MODEL_CPUS];
};

/* What a CPU has done. */
struct model_times {
    uint64_t work, issuing, waiting, stolen;
    uint64_t finished[MODEL_ACTIONS]; /* cycle at which each action was over */
};

void broadcast_model_run(const struct model_costs *costs,
                         struct model_action actions[MODEL_CPUS][MODEL_ACTIONS],
                         struct model_times times[MODEL_CPUS]);

#endif
