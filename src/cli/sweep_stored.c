/* SPDX-License-Identifier: MIT */
/* A sweep with a store, from the command line to the report. */
#include "cli/sweep_stored.h"

#include "cli/config_yaml.h"
#include "cli/slurm_view.h"
#include "cli/store_source.h"
#include "cli/sweep_file.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STORED_WAIT_MS = 1000 };

/* ---- options ---- */

int sweep_parse_shard(const char *text, struct sweep_selection *selection)
{
    char *end = NULL;
    unsigned long k = strtoul(text, &end, 10);
    unsigned long n = *end == '/' ? strtoul(end + 1, &end, 10) : 0;

    if (*end || text[0] < '0' || text[0] > '9' || k < 1 || k > n ||
        n > SWEEP_POINTS_MAX)
        return cli_error(CLI_USAGE,
                         "--shard: '%s' is not K/N with 1 <= K <= N, as in "
                         "2/5",
                         text);
    selection->shard = k - 1;
    selection->n_shards = n;
    return 0;
}

int sweep_limit_option(struct sweep_engine_options *engine,
                       const struct cli_option *option, const char *value)
{
    if (!strcmp(option->name, "memory"))
        return cli_number("--memory", value, 1 << 20, UINT64_MAX, 1,
                          &engine->memory_bytes);
    if (!strcmp(option->name, "time"))
        return cli_number("--time", value, 1, UINT32_MAX, 0, &engine->time_s);
    if (!strcmp(option->name, "patience"))
        return cli_number("--patience", value, 0, UINT32_MAX, 0,
                          &engine->patience_s);
    return -1;
}

int sweep_stored_machine(struct sweep_stored *stored, const char *name)
{
    const char **grown =
        realloc(stored->machines, (stored->n_machines + 1) * sizeof(*grown));

    if (!grown)
        return cli_error(CLI_SYSTEM, "out of memory");
    stored->machines = grown;
    grown[stored->n_machines++] = name;
    return 0;
}

static int stored_set_engine(struct sweep_stored *stored, const char *name)
{
    static const char *const engines[] = {"local", "slurm", NULL};
    int engine = cli_choice("--engine", name, engines);

    stored->is_on_slurm = engine == 1;
    return engine < 0 ? CLI_USAGE : 0;
}

int sweep_stored_option(struct sweep_stored *stored,
                        const struct cli_option *option, const char *value)
{
    int status = slurm_option(&stored->slurm, option, value);

    if (status >= 0)
        return status;
    if (!strcmp(option->name, "engine"))
        return stored_set_engine(stored, value);
    if (!strcmp(option->name, "store"))
        stored->dir = value;
    else if (!strcmp(option->name, "extend"))
        stored->extends = 1;
    else if (!strcmp(option->name, "wait"))
        stored->waits = 1;
    else if (!strcmp(option->name, "plan-only"))
        stored->only_plans = 1;
    else if (!strcmp(option->name, "dry-run"))
        stored->is_dry = 1;
    else if (!strcmp(option->name, "shard")) {
        stored->shard = value;
        return sweep_parse_shard(value, &stored->engine.selection);
    } else {
        return sweep_limit_option(&stored->engine, option, value);
    }
    return 0;
}

int sweep_stored_unused(const struct sweep_stored *stored)
{
    const char *option = stored->extends               ? "--extend"
                         : stored->waits               ? "--wait"
                         : stored->is_on_slurm         ? "--engine"
                         : stored->only_plans          ? "--plan-only"
                         : stored->shard               ? "--shard"
                         : stored->engine.memory_bytes ? "--memory"
                         : stored->engine.time_s       ? "--time"
                                                       : NULL;

    return option ? cli_error(CLI_USAGE, "sweep: %s needs --store DIR", option)
                  : 0;
}

size_t sweep_host_cpus(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);

    return n > 0 ? (size_t) n : 1;
}

/* ---- the plan ---- */

/* What a machine's file in the store will have: its sum is its name. */
static int stored_sum(struct store_machine *machine)
{
    char *text = NULL;
    size_t length = 0;
    FILE *file = open_memstream(&text, &length);

    if (file)
        config_write_yaml(machine->config, CONFIG_YAML_BARE, file);
    if (!file || fclose(file)) {
        free(text);
        return cli_error(CLI_SYSTEM, "out of memory");
    }
    machine->crc = sweep_crc(text, length);
    free(text);
    return 0;
}

/* Every value is tried on the machine before the first run. */
static int stored_try_values(const struct sweep_stored *stored,
                             const mmusim_config_t *config)
{
    mmusim_config_t *copy = NULL;
    int status = 0;

    if (mmusim_config_copy(config, &copy))
        return cli_error(CLI_SYSTEM, "out of memory");
    for (size_t i = 0; !status && i < stored->grid->n_axes; i++) {
        const struct sweep_axis *axis = &stored->grid->axes[i];

        for (size_t j = 0; !status && j < axis->n_values; j++)
            status = run_set_key(copy, axis->key, axis->values[j]);
    }
    mmusim_config_destroy(copy);
    return status;
}

static int stored_plan_machines(const struct sweep_stored *stored,
                                struct store_plan *plan)
{
    struct run_setup setup = *stored->setup;
    size_t n = stored->n_machines ? stored->n_machines : 1;
    int status = 0;

    if (n > STORE_MACHINES_MAX)
        return cli_error(CLI_USAGE, "sweep: more than %d machines",
                         STORE_MACHINES_MAX);
    plan->machines = calloc(n, sizeof(*plan->machines));
    if (!plan->machines)
        return cli_error(CLI_SYSTEM, "out of memory");
    for (size_t i = 0; !status && i < n; i++) {
        struct store_machine *machine = &plan->machines[plan->n_machines++];

        if (stored->n_machines)
            setup.machine = stored->machines[i];
        machine->name = strdup(setup.machine);
        status = machine->name ? run_load_config(&setup, &machine->config)
                               : cli_error(CLI_SYSTEM, "out of memory");
        if (!status)
            status = stored_try_values(stored, machine->config);
        if (!status)
            status = stored_sum(machine);
        for (size_t j = 0; !status && j < i; j++)
            if (!strcmp(plan->machines[j].name, machine->name))
                status = cli_error(CLI_USAGE, "sweep: -m %s is given twice",
                                   machine->name);
    }
    return status;
}

static int stored_plan_sources(const struct sweep_stored *stored,
                               struct store_plan *plan)
{
    int status = 0;

    if (stored->n_sources > STORE_SOURCES_MAX)
        return cli_error(CLI_USAGE, "sweep: more than %d sources",
                         STORE_SOURCES_MAX);
    plan->sources = calloc(stored->n_sources, sizeof(*plan->sources));
    if (!plan->sources)
        return cli_error(CLI_SYSTEM, "out of memory");
    for (size_t i = 0; !status && i < stored->n_sources; i++) {
        struct store_source *source = &plan->sources[plan->n_sources++];

        source->name = strdup(stored->sources[i]);
        status = source->name ? store_source_look(source, stored->setup)
                              : cli_error(CLI_SYSTEM, "out of memory");
        for (size_t j = 0; !status && j < i; j++)
            if (!strcmp(plan->sources[j].name, source->name))
                status = cli_error(CLI_USAGE, "sweep: %s is given twice",
                                   source->name);
    }
    return status;
}

static int stored_plan(struct sweep_stored *stored, struct store_plan *plan)
{
    const char *format = stored->setup->trace_options.format;
    int status;

    memset(plan, 0, sizeof(*plan));
    sweep_plan_init(&plan->grid);
    plan->version = strdup(mmusim_version());
    plan->format = format ? strdup(format) : NULL;
    plan->salvages = stored->setup->trace_options.salvages;
    plan->is_per_core = stored->is_per_core;
    status = stored_plan_machines(stored, plan);
    if (!status)
        status = stored_plan_sources(stored, plan);
    plan->grid = *stored->grid; /* takes it over */
    sweep_plan_init(stored->grid);
    for (size_t i = 0; i < plan->grid.n_axes; i++) {
        plan->axis_texts[i] = strdup(stored->axis_texts[i]);
        if (!status && !plan->axis_texts[i])
            status = cli_error(CLI_SYSTEM, "out of memory");
    }
    if (!status && (!plan->version || (format && !plan->format)))
        status = cli_error(CLI_SYSTEM, "out of memory");
    if (!status && !store_plan_finish(plan))
        status = cli_error(CLI_USAGE,
                           "sweep: machines, sources and values make more "
                           "than %d points",
                           SWEEP_POINTS_MAX);
    return status;
}

/* ---- running ---- */

/* One run at a time: its lease. */
static int stored_begin_run(const struct sweep_stored *stored,
                            const struct lease_owner *owner, const char *name)
{
    struct lease_owner holder;
    bool has_told = false;

    for (;;) {
        switch (lease_take(stored->dir, name, owner, &holder)) {
        case LEASE_TAKEN:
            return 0;
        case LEASE_FAILED:
            return cli_error(CLI_SYSTEM, "%s/leases: cannot write: %s",
                             stored->dir, strerror(errno));
        case LEASE_HELD:
            break;
        }
        if (!stored->waits)
            return cli_error(CLI_SYSTEM,
                             "%s: %s has been computing this on %s (process "
                             "%ld) since %s (--wait waits for that; mmusim "
                             "sweep status %s tells how far it is)",
                             stored->dir, holder.user, holder.host, holder.pid,
                             holder.since, stored->dir);
        if (!has_told)
            cli_error(CLI_OK, "%s: waiting for %s on %s (process %ld)",
                      stored->dir, holder.user, holder.host, holder.pid);
        has_told = true;
        if (cli_is_interrupted())
            return CLI_INTERRUPTED;
        poll(NULL, 0, STORED_WAIT_MS);
    }
}

int sweep_tell_failed(const struct sweep_store *store,
                      const struct store_state *state,
                      const struct sweep_selection *selection)
{
    size_t n = 0;

    for (size_t i = selection->first; i < selection->end; i++)
        n += state->status[i] == STORE_FAILED &&
             store_plan_block_of(&store->plan, i) % selection->n_shards ==
                 selection->shard;
    if (!n)
        return 0;
    return cli_error(CLI_SYSTEM,
                     "%s: %zu of %zu points failed (mmusim sweep status %s "
                     "says why; sweep retry %s opens them again; sweep merge "
                     "--partial does without them)",
                     store->dir, n, store->plan.n_points, store->dir,
                     store->dir);
}

/* A shard has no whole to report. */
static int stored_report(struct sweep_stored *stored,
                         const struct sweep_store *store,
                         struct store_state *state)
{
    int status = sweep_tell_failed(store, state, &stored->engine.selection);

    if (status || stored->shard)
        return status;
    stored->merge.plan = &store->plan;
    stored->merge.state = state;
    return sweep_merge_write(&stored->merge);
}

static int stored_compute(struct sweep_stored *stored,
                          const struct sweep_store *store,
                          const struct lease_owner *owner, const char *lease)
{
    struct store_state state;
    int status = stored_begin_run(stored, owner, lease);

    if (status)
        return status;
    stored->engine.lease = lease;
    stored->engine.selection.end = store->plan.n_points;
    if (!stored->shard)
        stored->engine.selection.n_shards = 1;
    status = store_state_init(&state, &store->plan);
    if (!status)
        status = store_state_add(&state, stored->dir);
    if (!status)
        status = sweep_engine_run(store, &state, &stored->engine);
    lease_drop(stored->dir, lease, owner);
    if (!status)
        status = store_state_refresh(&state);
    if (!status)
        status = stored_report(stored, store, &state);
    store_state_fini(&state);
    return status;
}

/* What is asked for of engines that cannot do it. */
static int stored_check_engine(const struct sweep_stored *stored)
{
    if (stored->is_on_slurm && stored->shard)
        return cli_error(CLI_USAGE, "sweep: --shard is for other batch "
                                    "systems; --engine slurm makes its own "
                                    "parts (--chunk-time)");
    if (stored->is_on_slurm)
        return 0;
    if (stored->is_dry)
        return cli_error(CLI_USAGE, "sweep: --dry-run is for --engine slurm");
    if (stored->slurm.n_options || stored->slurm.chunk_s ||
        stored->slurm.max_running)
        return cli_error(CLI_USAGE, "sweep: --slurm-option, --chunk-time and "
                                    "--max-running are for --engine slurm");
    return 0;
}

static bool stored_is_there(const struct sweep_stored *stored)
{
    char *path = sweep_file_path(stored->dir, "plan.json");
    bool is_there = path && !access(path, F_OK);

    free(path);
    return is_there;
}

/* Where there is no Slurm a new store would be of no use. One that is there
 * may need nothing more from it. */
static int stored_ask_site(struct sweep_stored *stored)
{
    int status;

    if (!stored->is_on_slurm || stored->is_dry || stored->only_plans ||
        stored_is_there(stored))
        return 0;
    status = slurm_site_ask(&stored->site, SLURM_PATIENCE_S,
                            stored->engine.is_quiet, SLURM_MUST_BE_THERE);
    stored->knows_site = !status;
    return status;
}

/* Takes the plan. A dry run leaves no store behind. */
static int stored_begin_store(const struct sweep_stored *stored,
                              struct store_plan *plan,
                              struct sweep_store *store)
{
    if (stored->is_dry && !stored_is_there(stored)) {
        store->dir = strdup(stored->dir);
        store->plan = *plan;
        return store->dir ? 0 : cli_error(CLI_SYSTEM, "out of memory");
    }
    return sweep_store_begin(store, stored->dir, plan,
                             stored->extends && !stored->is_dry
                                 ? STORE_MAY_EXTEND
                                 : STORE_SAME_PLAN);
}

/* By worker processes of this host. */
static int stored_run_locally(struct sweep_stored *stored,
                              const struct sweep_store *store)
{
    const struct sweep_selection *selection = &stored->engine.selection;
    struct lease_owner owner;
    char lease[LEASE_NAME_BYTES] = "run";

    if (stored->shard)
        snprintf(lease, sizeof(lease), "run-%zu-of-%zu", selection->shard + 1,
                 selection->n_shards);
    lease_owner_init(&owner, store->dir);
    owner.n_workers = stored->engine.n_workers;
    return stored_compute(stored, store, &owner, lease);
}

int sweep_stored_run(struct sweep_stored *stored)
{
    struct sweep_store store;
    struct store_plan plan;
    int status = stored_plan(stored, &plan);

    if (!status)
        status = stored_check_engine(stored);
    for (size_t i = 0; !status && i < plan.n_sources; i++)
        status = cli_output_refuse_input(
            stored->merge.output,
            plan.sources[i].path ? plan.sources[i].path : "-");
    cli_catch_interrupts();
    if (!status)
        status = stored_ask_site(stored);
    if (status) {
        store_plan_fini(&plan);
        return status;
    }
    status = stored_begin_store(stored, &plan, &store);
    if (status)
        return status;
    if (stored->only_plans)
        printf("%s: %zu points planned, in blocks of %zu\n", store.dir,
               store.plan.n_points, store.plan.block_points);
    else if (stored->is_on_slurm)
        status = sweep_stored_on_slurm(stored, &store);
    else
        status = stored_run_locally(stored, &store);
    sweep_store_close(&store);
    return status;
}
