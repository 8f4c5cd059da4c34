/* SPDX-License-Identifier: MIT */
/* Making and opening stores. */
#include "cli/sweep_store.h"

#include "cli/cli.h"
#include "cli/config_yaml.h"
#include "cli/store_extend.h"
#include "cli/sweep_file.h"
#include "mmusim/mmusim.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STORE_PLAN_BYTES_MAX = 1 << 28 };

static int store_no_memory(void)
{
    return cli_error(CLI_SYSTEM, "out of memory");
}

char *sweep_store_machine_file(const char *dir,
                               const struct store_machine *machine)
{
    return sweep_file_path(dir, "machines/%08" PRIx32 ".yaml", machine->crc);
}

int sweep_store_read_plan(const char *dir, const char *name,
                          struct store_plan *plan)
{
    char error[SWEEP_ERROR_BYTES];
    char *path = sweep_file_path(dir, "%s", name);
    char *text = NULL;
    size_t length;
    int failed =
        path ? sweep_file_get(path, STORE_PLAN_BYTES_MAX, &text, &length)
             : ENOMEM;
    int status = 0;

    memset(plan, 0, sizeof(*plan));
    if (failed == ENOENT || failed == ENOTDIR)
        status = cli_error(CLI_INPUT,
                           "%s: no store of a sweep: there is no %s (mmusim "
                           "sweep --store %s ... makes one)",
                           dir, name, dir);
    else if (failed)
        status = cli_error(CLI_INPUT, "%s/%s: %s", dir, name, strerror(failed));
    else if (!store_plan_read(plan, text, length, error))
        status = cli_error(CLI_INPUT, "%s/%s: %s", dir, name, error);
    free(text);
    free(path);
    return status;
}

/* The configuration that the plan means, not what its file became since. */
static int store_load_machine(const char *dir, struct store_machine *machine)
{
    char *path = sweep_store_machine_file(dir, machine);
    char *text = NULL;
    size_t length = 0;
    mmusim_diag_t diag = {0};
    int failed =
        path ? sweep_file_get(path, STORE_PLAN_BYTES_MAX, &text, &length)
             : ENOMEM;
    int status = 0;

    if (failed)
        status = cli_error(CLI_INPUT, "%s: %s (it is part of the plan)",
                           path ? path : dir, strerror(failed));
    else if (sweep_crc(text, length) != machine->crc)
        status = cli_error(CLI_INPUT,
                           "%s: changed by hand or damaged (its CRC-32 is "
                           "%08" PRIx32 ")",
                           path, sweep_crc(text, length));
    else if (mmusim_config_load(path, NULL, &machine->config, &diag))
        status = cli_diag(&diag);
    free(text);
    free(path);
    return status;
}

int sweep_store_open(struct sweep_store *store, const char *dir)
{
    int status;

    memset(store, 0, sizeof(*store));
    status = sweep_store_read_plan(dir, "plan.json", &store->plan);
    if (status)
        return status;
    store->dir = strdup(dir);
    if (!store->dir)
        status = store_no_memory();
    for (size_t i = 0; !status && i < store->plan.n_machines; i++)
        status = store_load_machine(dir, &store->plan.machines[i]);
    if (status)
        sweep_store_close(store);
    return status;
}

int sweep_store_open_same(struct sweep_store *store, const char *dir)
{
    int status = sweep_store_open(store, dir);

    if (status || !strcmp(store->plan.version, mmusim_version()))
        return status;
    status = cli_error(CLI_USAGE,
                       "%s: planned by mmusim %s, this is %s: results of two "
                       "versions do not mix",
                       dir, store->plan.version, mmusim_version());
    sweep_store_close(store);
    return status;
}

void sweep_store_close(struct sweep_store *store)
{
    store_plan_fini(&store->plan);
    free(store->dir);
    store->dir = NULL;
}

/* ---- making one ---- */

static int store_cannot_write(const char *path, int error)
{
    return cli_error(CLI_SYSTEM, "%s: cannot write: %s", path, strerror(error));
}

static int store_make_folders(const char *dir)
{
    static const char *const names[] = {"machines", "plans", "results",
                                        "leases"};
    int error = sweep_file_folder(dir);

    if (error)
        return store_cannot_write(dir, error);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char *path = sweep_file_path(dir, "%s", names[i]);

        error = path ? sweep_file_folder(path) : ENOMEM;
        free(path);
        if (error)
            return store_cannot_write(dir, error);
    }
    return 0;
}

/* Its name is its content's sum: whoever wrote it wrote the same. */
static int store_put_machine(const char *dir,
                             const struct store_machine *machine)
{
    char *path = sweep_store_machine_file(dir, machine);
    char *text = NULL;
    size_t length = 0;
    FILE *file = open_memstream(&text, &length);
    int error = ENOMEM;

    if (file && path) {
        config_write_yaml(machine->config, CONFIG_YAML_BARE, file);
        error = ferror(file) ? ENOMEM : 0;
    }
    if (file && fclose(file))
        error = ENOMEM;
    if (!error)
        error = sweep_file_put(path, SWEEP_FILE_REPLACE, text, length);
    free(text);
    free(path);
    return error ? store_cannot_write(dir, error) : 0;
}

/* 0, EEXIST without a message, or an exit status after one. */
static int store_put_plan(const char *dir, const struct store_plan *plan,
                          enum sweep_file_place place)
{
    struct store_plan copy;
    char problem[SWEEP_ERROR_BYTES];
    char *path = sweep_file_path(dir, "plan.json");
    char *kept = sweep_file_path(dir, "plans/%016" PRIx64 ".json", plan->id);
    char *text = NULL;
    size_t length;
    int error = 0;
    int status = 0;

    if (!path || !kept || !store_plan_write(plan, &text, &length))
        status = store_no_memory();
    else if (!store_plan_read(&copy, text, length, problem))
        status = cli_error(CLI_USAGE,
                           "%s: this plan cannot be kept: %s (is a name not "
                           "UTF-8?)",
                           dir, problem);
    else
        store_plan_fini(&copy);
    if (!status)
        error = sweep_file_put(kept, SWEEP_FILE_REPLACE, text, length);
    if (!status && !error)
        error = sweep_file_put(path, place, text, length);
    free(text);
    free(kept);
    free(path);
    if (error == EEXIST)
        return EEXIST;
    return error ? store_cannot_write(dir, error) : status;
}

static int store_write(const char *dir, const struct store_plan *plan,
                       enum sweep_file_place place)
{
    int status = store_make_folders(dir);

    for (size_t i = 0; !status && i < plan->n_machines; i++)
        status = store_put_machine(dir, &plan->machines[i]);
    return status ? status : store_put_plan(dir, plan, place);
}

/* The folder has a plan already: the same, one to extend, or another. */
static int store_compare(struct sweep_store *store, struct store_plan *plan,
                         enum store_extend extend)
{
    const char *dir = store->dir;
    struct sweep_store old;
    char error[SWEEP_ERROR_BYTES];
    int status = sweep_store_open(&old, dir);

    if (status)
        return status;
    if (old.plan.id != plan->id && extend == STORE_MAY_EXTEND) {
        if (!store_plan_extend(plan, &old.plan, error))
            status = cli_error(CLI_USAGE, "%s: --extend: %s", dir, error);
        else if (old.plan.id != plan->id)
            status = store_write(dir, plan, SWEEP_FILE_REPLACE);
    } else if (old.plan.id != plan->id) {
        size_t n = store_tell_differences(dir, &old.plan, plan);

        status = cli_error(CLI_USAGE,
                           "%s: another sweep is planned there: %zu "
                           "difference%s (--extend adds machines, sources "
                           "and values; else choose another folder)",
                           dir, n, n == 1 ? "" : "s");
    }
    sweep_store_close(&old);
    return status;
}

int sweep_store_begin(struct sweep_store *store, const char *dir,
                      struct store_plan *plan, enum store_extend extend)
{
    char *path = sweep_file_path(dir, "plan.json");
    int status = path ? EEXIST : store_no_memory();

    memset(store, 0, sizeof(*store));
    store->dir = strdup(dir);
    if (!store->dir)
        status = store_no_memory();
    if (path && store->dir && access(path, F_OK))
        status = store_write(dir, plan, SWEEP_FILE_NEW);
    if (status == EEXIST)
        status = store_compare(store, plan, extend);
    free(path);
    store->plan = *plan;
    memset(plan, 0, sizeof(*plan));
    if (status)
        sweep_store_close(store);
    return status;
}
