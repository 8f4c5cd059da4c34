/* SPDX-License-Identifier: MIT */
/* Life of an embedded machine, and its time: see embed.h. */
#include "machine/embed.h"

#include "core/diag.h"

#include <stdlib.h>

/* ---- calls ---- */

static mmusim_status_t embed_no_memory(mmusim_diag_t *diag)
{
    return mmusim__diag_set(diag, MMUSIM_NOMEM, "out of memory");
}

static bool embed_lacks_memory(struct mmusim_embed *embed)
{
    const struct system *system = &embed->machine->system;
    bool is_short = system->queue.has_failed || system->has_stopped ||
                    system->shootdowns.latency_cycles.has_failed;

    for (uint32_t i = 0; i < system->n_cpus; i++)
        is_short |= system->cpus[i].mmu.has_failed;
    embed->is_out_of_memory |= is_short;
    return embed->is_out_of_memory;
}

mmusim_status_t mmusim__embed_begin(struct mmusim_embed *embed,
                                    mmusim_diag_t *diag)
{
    if (embed->is_busy)
        return mmusim__diag_set(diag, MMUSIM_USAGE,
                                "a callback may not call back");
    if (embed->is_out_of_memory)
        return embed_no_memory(diag);
    embed->is_busy = true;
    return MMUSIM_OK;
}

mmusim_status_t mmusim__embed_end(struct mmusim_embed *embed,
                                  mmusim_status_t status, mmusim_diag_t *diag)
{
    embed->is_busy = false;
    if (embed_lacks_memory(embed))
        status = embed_no_memory(diag);
    if (!embed->failure.has_failed)
        return status;
    embed->failure.has_failed = false;
    if (status == MMUSIM_OK || status == MMUSIM_SYSTEM) {
        status = MMUSIM_SYSTEM;
        if (diag)
            *diag = embed->failure.diag;
    }
    return status;
}

bool mmusim__embed_step(struct mmusim_embed *embed)
{
    struct event *event = mmusim__event_pop(&embed->machine->system.queue);

    if (!event)
        return false;
    embed->machine->kernel.now = event->key.cycle;
    event->fire(event->context, event);
    return true;
}

static void embed_stop(void *context, struct event *event)
{
    (void) context;
    (void) event;
}

/* A walk takes its next steps at once if it is alone in the queue: the event
 * behind `now` keeps it from passing. */
static void embed_run_until(struct mmusim_embed *embed, uint64_t now)
{
    struct event_queue *queue = &embed->machine->system.queue;

    if (event_queue_next_cycle(queue) > now)
        return;
    mmusim__event_schedule(queue, &embed->stop,
                           event_key(now + 1, EVENT_DELIVERY, 0, 0));
    while (queue->n_events && event_queue_next_cycle(queue) <= now)
        mmusim__embed_step(embed);
    mmusim__event_cancel(queue, &embed->stop);
}

mmusim_status_t mmusim__embed_begin_at(struct mmusim_embed *embed,
                                       uint32_t core, uint64_t now,
                                       mmusim_diag_t *diag)
{
    mmusim_status_t status = mmusim__embed_begin(embed, diag);

    if (status)
        return status;
    embed->is_busy = false;
    if (core >= embed->machine->system.n_cpus)
        return mmusim__diag_set(diag, MMUSIM_USAGE, "no core %u (there are %u)",
                                (unsigned) core,
                                (unsigned) embed->machine->system.n_cpus);
    if (now < embed->cores[core].now || now < embed->advanced)
        return mmusim__diag_set(diag, MMUSIM_USAGE,
                                "cycle %llu of core %u is over (now is %llu)",
                                (unsigned long long) now, (unsigned) core,
                                (unsigned long long) max_u64(
                                    embed->cores[core].now, embed->advanced));
    if (now > MMUSIM_EMBED_LAST_CYCLE)
        return mmusim__diag_set(diag, MMUSIM_USAGE, "time ends at 2^62 cycles");
    embed->is_busy = true;
    embed->cores[core].now = now;
    embed_run_until(embed, now);
    return MMUSIM_OK;
}

mmusim_status_t mmusim_embed_advance(mmusim_embed_t *embed, uint64_t now,
                                     mmusim_diag_t *diag)
{
    mmusim_status_t status = mmusim__embed_begin(embed, diag);

    if (status)
        return status;
    if (now < embed->advanced || now > MMUSIM_EMBED_LAST_CYCLE) {
        status = mmusim__diag_set(diag, MMUSIM_USAGE,
                                  "cycle %llu is over, or after 2^62",
                                  (unsigned long long) now);
    } else {
        embed->advanced = now;
        embed_run_until(embed, now);
    }
    return mmusim__embed_end(embed, status, diag);
}

uint64_t mmusim_embed_next_cycle(const mmusim_embed_t *embed)
{
    return event_queue_next_cycle(&embed->machine->system.queue);
}

uint32_t mmusim_embed_cores(const mmusim_embed_t *embed)
{
    return embed->machine->system.n_cpus;
}

/* ---- life ---- */

/* Every CPU waits for its first flush. */
static void embed_start_cpus(struct mmusim_embed *embed)
{
    struct system *system = &embed->machine->system;

    for (uint32_t i = 0; i < system->n_cpus; i++) {
        struct cpu *cpu = &system->cpus[i];

        embed->cores[i].embed = embed;
        cpu->is_idle = cpu->is_kernel_thread = false;
        cpu->user = &embed->cores[i];
        cpu->run_user = mmusim__embed_run;
        cpu->mmu.on_answer = mmusim__embed_on_answer;
        cpu->mmu.answer_context = &embed->cores[i];
        cpu->mmu.has_asids = system->isa == ISA_X86_64;
        mmusim__cpu_start(cpu);
    }
    while (mmusim__embed_step(embed))
        continue;
}

static mmusim_status_t embed_check(const struct machine_config *config,
                                   mmusim_diag_t *diag)
{
    const char *key = config->guest.is_enabled ? "virt.enabled"
                      : config->virt.preempt_period_cycles
                          ? "virt.preempt_period_cycles"
                          : NULL;

    if (!key)
        return MMUSIM_OK;
    mmusim__diag_set(diag, MMUSIM_UNSUPPORTED,
                     "%s: an embedded machine is no guest", key);
    mmusim__diag_key(diag, key);
    return MMUSIM_UNSUPPORTED;
}

static mmusim_status_t embed_init(struct mmusim_embed *embed,
                                  const mmusim_config_t *config,
                                  const mmusim_embed_host_t *host,
                                  mmusim_diag_t *diag)
{
    mmusim_status_t status =
        mmusim_machine_create(config, &embed->machine, diag);

    if (!status)
        status = embed_check(&embed->machine->config, diag);
    if (status)
        return status;
    embed->cores = calloc(embed->machine->system.n_cpus, sizeof(*embed->cores));
    if (!embed->cores)
        return embed_no_memory(diag);
    status = mmusim__embed_init_host(embed, host, diag);
    if (status)
        return status;
    event_init(&embed->stop, embed_stop, embed);
    embed_start_cpus(embed);
    return embed_lacks_memory(embed) ? embed_no_memory(diag) : MMUSIM_OK;
}

mmusim_status_t mmusim_embed_create(const mmusim_config_t *config,
                                    const mmusim_embed_host_t *host,
                                    mmusim_embed_t **embed_out,
                                    mmusim_diag_t *diag)
{
    struct mmusim_embed *embed = calloc(1, sizeof(*embed));
    mmusim_status_t status;

    *embed_out = NULL;
    if (!embed)
        return embed_no_memory(diag);
    status = embed_init(embed, config, host, diag);
    if (status) {
        mmusim_embed_destroy(embed);
        return status;
    }
    *embed_out = embed;
    return MMUSIM_OK;
}

void mmusim_embed_destroy(mmusim_embed_t *embed)
{
    if (!embed)
        return;
    if (embed->own_tables)
        embed->machine->shared.tables = embed->own_tables;
    mmusim_machine_destroy(embed->machine);
    mmusim__pt_memory_destroy(embed->host_tables);
    free(embed->spaces);
    free(embed->cores);
    free(embed);
}

/* ---- statistics ---- */

/* Cycles that a broadcast has taken and that are not accounted for yet. */
static uint64_t embed_owed(const struct cpu *cpu)
{
    return cpu->stolen_until > cpu->now ? cpu->stolen_until - cpu->now : 0;
}

uint64_t mmusim_embed_stolen_cycles(const mmusim_embed_t *embed, uint32_t core)
{
    const struct system *system = &embed->machine->system;

    if (core >= system->n_cpus)
        return 0;
    return system->cpus[core].cycles[BUCKET_IPI_HANDLER] +
           embed_owed(&system->cpus[core]);
}

/* A CPU that waits is idle until the end. */
static void embed_close(struct cpu *cpu, uint64_t end)
{
    uint64_t owed = embed_owed(cpu);

    cpu->cycles[cpu->stolen_bucket] += owed;
    cpu->cycles[BUCKET_IDLE] += end - cpu->now - owed;
}

static void embed_reopen(struct cpu *cpu, uint64_t end)
{
    uint64_t owed = embed_owed(cpu);

    cpu->cycles[cpu->stolen_bucket] -= owed;
    cpu->cycles[BUCKET_IDLE] -= end - cpu->now - owed;
}

mmusim_status_t mmusim_embed_stats(mmusim_embed_t *embed,
                                   mmusim_stats_t **stats)
{
    struct mmusim_machine *machine = embed->machine;
    struct system *system = &machine->system;
    uint64_t end = embed->advanced;
    mmusim_status_t status = mmusim__embed_begin(embed, NULL);

    *stats = NULL;
    if (status)
        return status;
    for (uint32_t i = 0; i < system->n_cpus; i++) {
        const struct cpu *cpu = &system->cpus[i];

        end = max_u64(end, max_u64(cpu->now, cpu->stolen_until));
        end = max_u64(end, embed->cores[i].now);
    }
    for (uint32_t i = 0; i < system->n_cpus; i++)
        embed_close(&system->cpus[i], end);
    machine->end_cycle = end;
    status = mmusim_machine_stats(machine, stats);
    for (uint32_t i = 0; i < system->n_cpus; i++)
        embed_reopen(&system->cpus[i], end);
    return mmusim__embed_end(embed, status, NULL);
}
