/* SPDX-License-Identifier: MIT */
/* A machine with the checker on: see machine_check.h. */
#include "machine/machine_check.h"

#include "core/stats_set.h"
#include "os/check_hooks.h"

#include <stdio.h>

enum { CHECK_NAME_BYTES = 64 };

mmusim_status_t mmusim__machine_check_init(struct mmusim_machine *machine)
{
    struct system *system = &machine->system;

    if (!machine->config.checker.is_enabled)
        return MMUSIM_OK;
    system->check = mmusim__check_create(system, &machine->format,
                                         machine->config.checker.max_reports);
    if (!system->check)
        return MMUSIM_NOMEM;
    machine->shared.watch = &system->check->watch;
    return MMUSIM_OK;
}

void mmusim__machine_check_kernel(struct mmusim_machine *machine)
{
    if (machine->system.check)
        mmusim__check_frames(&machine->kernel);
}

mmusim_status_t mmusim__machine_check_cpu(struct mmusim_machine *machine,
                                          uint32_t id)
{
    if (!machine->system.check)
        return MMUSIM_OK;
    machine->cores[id].check = machine->system.check;
    return mmusim__mmu_watch(&machine->system.cpus[id].mmu, &machine->arena);
}

void mmusim__machine_check_end(struct mmusim_machine *machine)
{
    struct check *check = machine->system.check;

    if (!check)
        return;
    mmusim__check_settle(check, CYCLE_NEVER);
    if (mmusim__checker_has_failed(check->checker))
        system_fail(&machine->system, MMUSIM_NOMEM);
}

void mmusim__machine_check_stats(const struct mmusim_machine *machine,
                                 mmusim_stats_t *stats)
{
    const struct check *check = machine->system.check;
    char name[CHECK_NAME_BYTES];

    if (!check)
        return;
    mmusim__stats_add(stats, "checker.allowed_stale_hits",
                      mmusim__checker_count(check->checker, CHECKER_ALLOWED),
                      "uses",
                      "of stale translations before their flush was complete");
    mmusim__stats_add(stats, "checker.uses", check->n_uses, "uses",
                      "of translations that were judged");
    mmusim__stats_add(stats, "checker.violations",
                      mmusim__checker_violations(check->checker), "uses",
                      "of translations that had been ruled out");
    for (enum checker_verdict i = CHECKER_FIRST_VIOLATION;
         i < CHECKER_VERDICT_COUNT; i++) {
        snprintf(name, sizeof(name), "checker.violations.%s",
                 mmusim__checker_verdict_name(i));
        mmusim__stats_add(stats, name, mmusim__checker_count(check->checker, i),
                          "uses", mmusim__checker_verdict_help(i));
    }
}

uint64_t mmusim_machine_violations(const mmusim_machine_t *machine)
{
    const struct check *check = machine->system.check;

    return check ? mmusim__checker_violations(check->checker) : 0;
}

bool mmusim_machine_violation_at(const mmusim_machine_t *machine, size_t index,
                                 mmusim_violation_t *violation)
{
    const struct check *check = machine->system.check;
    const struct checker_report *report =
        check ? mmusim__checker_report(check->checker, index) : NULL;

    if (!report)
        return false;
    *violation = (mmusim_violation_t){
        .verdict = mmusim__checker_verdict_name(report->verdict),
        .text = report->text ? report->text : "",
        .cycle = report->at.cycle,
        .vaddr = report->vaddr,
        .cpu = report->at.cpu,
        .n_uses = report->n_uses,
    };
    return true;
}
