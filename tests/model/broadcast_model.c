/* SPDX-License-Identifier: MIT */
/* Broadcasts, cycle by cycle: see broadcast_model.h. */
#include "model/broadcast_model.h"

#include <stdlib.h>
#include <string.h>

/* One operation's part for one CPU. */
struct message {
    uint32_t from, to, op;
    uint64_t arrives, answered;
    bool has_arrived;
};

struct stepped_cpu {
    uint32_t next_action, ops_left;
    uint32_t stolen_left, busy_left;
    bool is_issuing, is_syncing; /* what busy_left is for */
    uint32_t n_ops;              /* issued so far */
    bool has_begun;
};

struct world {
    const struct model_costs *costs;
    struct model_action (*actions)[MODEL_ACTIONS];
    struct model_times *times;
    struct stepped_cpu cpus[MODEL_CPUS];
    struct message messages[MODEL_MESSAGES];
    uint32_t n_messages;
    uint64_t now;
};

/* Messages lie in the order of their sending: CPU by CPU in a cycle. */
static void arrivals(struct world *world)
{
    for (uint32_t from = 0; from < MODEL_CPUS; from++) {
        for (uint32_t i = 0; i < world->n_messages; i++) {
            struct message *m = &world->messages[i];
            struct stepped_cpu *target = &world->cpus[m->to];

            if (m->from != from || m->arrives != world->now)
                continue;
            m->has_arrived = true;
            target->stolen_left += world->costs->slot;
            m->answered = world->now + target->stolen_left +
                          world->costs->answer[m->to][m->from];
        }
    }
}

/* Operations of a CPU that have a message not yet answered. */
static uint32_t outstanding(const struct world *world, uint32_t cpu)
{
    uint32_t n = 0, last = UINT32_MAX;

    for (uint32_t i = 0; i < world->n_messages; i++) {
        const struct message *m = &world->messages[i];

        if (m->from != cpu || m->op == last ||
            (m->has_arrived && m->answered <= world->now))
            continue;
        last = m->op;
        n++;
    }
    return n;
}

static void send(struct world *world, uint32_t from, bool is_near)
{
    const struct model_costs *costs = world->costs;

    for (uint32_t to = 0; to < MODEL_CPUS; to++) {
        if (to == from || (is_near && costs->socket[to] != costs->socket[from]))
            continue;
        world->messages[world->n_messages++] = (struct message){
            .from = from,
            .to = to,
            .op = world->cpus[from].n_ops,
            .arrives = world->now + costs->issue + costs->way[from][to],
        };
    }
    world->cpus[from].n_ops++;
}

static void end_action(struct world *world, uint32_t id)
{
    struct stepped_cpu *cpu = &world->cpus[id];

    world->times[id].finished[cpu->next_action++] = world->now;
    cpu->has_begun = cpu->is_issuing = cpu->is_syncing = false;
}

/* False: it waits, or is busy now. */
static bool step(struct world *world, uint32_t id)
{
    struct stepped_cpu *cpu = &world->cpus[id];
    const struct model_action *action = &world->actions[id][cpu->next_action];

    if (action->kind == MODEL_WORK && !cpu->has_begun) {
        cpu->busy_left = action->cycles;
        cpu->has_begun = true;
        return !cpu->busy_left;
    }
    if (action->kind == MODEL_ISSUE && !cpu->has_begun) {
        cpu->ops_left = action->n_ops;
        cpu->has_begun = true;
        return true;
    }
    if (action->kind == MODEL_ISSUE && cpu->ops_left) {
        if (outstanding(world, id) >= world->costs->max_outstanding)
            return false;
        send(world, id, action->is_near);
        cpu->ops_left--;
        cpu->busy_left = world->costs->issue;
        cpu->is_issuing = true;
        return !cpu->busy_left;
    }
    if (action->kind == MODEL_SYNC && !cpu->is_syncing) {
        if (outstanding(world, id))
            return false;
        cpu->is_syncing = true;
        cpu->busy_left = world->costs->sync;
        return !cpu->busy_left;
    }
    end_action(world, id);
    return true;
}

static void pass_cycle(struct world *world, uint32_t id)
{
    struct stepped_cpu *cpu = &world->cpus[id];
    struct model_times *times = &world->times[id];

    if (cpu->stolen_left) {
        cpu->stolen_left--;
        times->stolen++;
    } else if (cpu->busy_left) {
        cpu->busy_left--;
        if (cpu->is_issuing)
            times->issuing++;
        else if (cpu->is_syncing)
            times->waiting++;
        else
            times->work++;
    } else if (cpu->next_action < MODEL_ACTIONS) {
        times->waiting++;
    }
}

static bool is_over(const struct world *world)
{
    for (uint32_t id = 0; id < MODEL_CPUS; id++) {
        if (world->cpus[id].next_action < MODEL_ACTIONS ||
            world->cpus[id].stolen_left || outstanding(world, id))
            return false;
    }
    return true;
}

void broadcast_model_run(const struct model_costs *costs,
                         struct model_action actions[MODEL_CPUS][MODEL_ACTIONS],
                         struct model_times times[MODEL_CPUS])
{
    struct world *world = calloc(1, sizeof(*world));

    if (!world)
        abort();
    memset(times, 0, MODEL_CPUS * sizeof(*times));
    world->costs = costs;
    world->actions = actions;
    world->times = times;
    for (; !is_over(world); world->now++) {
        arrivals(world);
        for (uint32_t id = 0; id < MODEL_CPUS; id++) {
            struct stepped_cpu *cpu = &world->cpus[id];

            while (!cpu->stolen_left && !cpu->busy_left &&
                   cpu->next_action < MODEL_ACTIONS && step(world, id)) {
            }
            pass_cycle(world, id);
        }
    }
    free(world);
}
