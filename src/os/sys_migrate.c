/* SPDX-License-Identifier: MIT */
/*
 * `migrate`: every page of the range moves to another frame, on the node of the
 * CPU that asks; like move_pages(2) for its own pages, and like compaction on a
 * machine with one node. mmap_lock for reading.
 */
#include "os/migrate.h"
#include "os/syscall.h"

static enum sys_body migrate_body(struct cpu *cpu, struct sys_frame *sys)
{
    const struct migrate_request request = {
        .mm = sys->mm,
        .start = sys->start,
        .end = sys->end,
        .node = cpu->socket,
        .moves_local = true,
    };

    if (sys->step++ || sys->mm == &sys->kernel->init_mm ||
        !mmusim__sys_range_is_sound(sys, sys->start, sys->end))
        return SYS_LEAVE;
    mmusim__migrate(cpu, sys->kernel, &request);
    return SYS_AGAIN;
}

const struct sys_call mmusim__sys_migrate = {
    SYS_LOCK_READ,
    migrate_body,
    sizeof(struct sys_frame),
};
