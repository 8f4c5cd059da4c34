/* SPDX-License-Identifier: MIT */
/*
 * The lines that valgrind's lackey would write (import_lackey.c). A load that
 * a store to the same bytes follows at once is a modify, as lackey itself
 * takes it (lackey/lk_main.c, addEvent_Dw).
 */
#include "trace/export.h"

#include <inttypes.h>
#include <stdio.h>

static void lackey_line(struct export_run *run, const char *kind,
                        uint64_t vaddr, uint32_t bytes)
{
    char line[64];
    int n = snprintf(line, sizeof(line), "%s %08" PRIx64 ",%" PRIu32 "\n", kind,
                     vaddr, bytes);

    mmusim__byte_packer_put(run->packer, line, (size_t) n);
}

/* Writes the load that might have been a modify. */
static void lackey_settle(struct export_run *run)
{
    struct export_instruction *self = &run->instruction;

    if (self->has_pending)
        lackey_line(run, " L", self->pending.vaddr,
                    op_bytes_of(&self->pending));
    self->has_pending = false;
}

static void lackey_fetch(struct export_run *run, const struct op_record *record)
{
    uint32_t n = export_parts(run, record);

    for (uint32_t i = 0; i < n; i++) {
        uint64_t vaddr;
        uint32_t bytes;

        export_part(record, n, i, &vaddr, &bytes);
        lackey_line(run, "I ", vaddr, bytes);
    }
}

static void lackey_store(struct export_run *run, const struct op_record *record)
{
    struct export_instruction *self = &run->instruction;
    bool is_modify = self->has_pending &&
                     self->pending.vaddr == record->vaddr &&
                     op_bytes_of(&self->pending) == op_bytes_of(record);

    if (is_modify)
        self->has_pending = false;
    lackey_settle(run);
    lackey_line(run, is_modify ? " M" : " S", record->vaddr,
                op_bytes_of(record));
}

static void lackey_put(struct export_run *run, const struct op_record *record)
{
    switch (op_kind_of(record)) {
    case OP_FETCH:
        lackey_settle(run);
        lackey_fetch(run, record);
        break;
    case OP_LOAD:
        lackey_settle(run);
        run->instruction.pending = *record;
        run->instruction.has_pending = true;
        break;
    case OP_STORE:
        lackey_store(run, record);
        break;
    case OP_NOMEM:
        run->losses.n_nomem += record->count;
        break;
    case OP_SYS:
        break;
    }
}

extern const struct export_ops mmusim__export_lackey;
const struct export_ops mmusim__export_lackey = {
    .name = "lackey",
    .what = "one thread's fetches, loads and stores, as valgrind's lackey",
    .put = lackey_put,
    .end = lackey_settle,
};
