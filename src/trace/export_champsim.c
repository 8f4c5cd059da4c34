/* SPDX-License-Identifier: MIT */
/*
 * ChampSim's records of 64 bytes (import_champsim.c): an instruction, and the
 * addresses it loads from and stores to. Registers stay 0; an instruction that
 * does not follow the one before makes that one a taken branch. An instruction
 * with more than four loads or two stores is written again. Of a fetch of
 * several instructions the accesses go to the first that have room.
 */
#include "trace/export.h"

#include <string.h>

enum {
    CHAMPSIM_BYTES = 64,
    CHAMPSIM_BRANCH_AT = 8,
    CHAMPSIM_TAKEN_AT = 9,
    CHAMPSIM_STORES_AT = 16,
    CHAMPSIM_LOADS_AT = 32,
    /* The longest x86 instruction: Intel SDM vol. 2A, 2.3.11. */
    CHAMPSIM_INSTRUCTION_BYTES_MAX = 15,
};

static void champsim_put_u64(uint8_t *bytes, uint64_t value)
{
    for (unsigned i = 0; i < 8; i++)
        bytes[i] = (uint8_t) (value >> (8 * i));
}

/* Writes the open instruction; next: where the following one is. */
static void champsim_write(struct export_run *run, uint64_t next)
{
    struct export_instruction *self = &run->instruction;
    uint8_t bytes[CHAMPSIM_BYTES] = {0};
    bool is_branch =
        next - self->vaddr > CHAMPSIM_INSTRUCTION_BYTES_MAX && self->is_open;

    if (!self->is_open)
        return;
    champsim_put_u64(bytes, self->vaddr);
    bytes[CHAMPSIM_BRANCH_AT] = is_branch;
    bytes[CHAMPSIM_TAKEN_AT] = is_branch;
    for (uint32_t i = 0; i < self->n_stores; i++)
        champsim_put_u64(bytes + CHAMPSIM_STORES_AT + 8 * i, self->stores[i]);
    for (uint32_t i = 0; i < self->n_loads; i++)
        champsim_put_u64(bytes + CHAMPSIM_LOADS_AT + 8 * i, self->loads[i]);
    mmusim__byte_packer_put(run->packer, bytes, sizeof(bytes));
    self->n_loads = 0;
    self->n_stores = 0;
}

/* Writes the open instruction and goes to the next one of its fetch. */
static void champsim_advance(struct export_run *run)
{
    struct export_instruction *self = &run->instruction;
    uint64_t vaddr;
    uint32_t bytes;

    export_part(&self->fetch, self->n_parts, ++self->part, &vaddr, &bytes);
    champsim_write(run, vaddr);
    self->vaddr = vaddr;
}

static void champsim_fetch(struct export_run *run,
                           const struct op_record *record)
{
    struct export_instruction *self = &run->instruction;

    while (self->is_open && self->part + 1 < self->n_parts)
        champsim_advance(run);
    champsim_write(run, record->vaddr);
    self->is_open = true;
    self->fetch = *record;
    self->vaddr = record->vaddr;
    self->part = 0;
    self->n_parts = export_parts(run, record);
}

static void champsim_access(struct export_run *run,
                            const struct op_record *record)
{
    struct export_instruction *self = &run->instruction;
    bool is_load = op_kind_of(record) == OP_LOAD;

    if (record->vaddr == 0 || !self->is_open) {
        run->losses.n_zeros += record->vaddr == 0;
        run->losses.n_early += record->vaddr != 0;
        return;
    }
    if (is_load ? self->n_loads == EXPORT_LOADS_MAX
                : self->n_stores == EXPORT_STORES_MAX) {
        if (self->part + 1 < self->n_parts) {
            champsim_advance(run);
        } else {
            champsim_write(run, self->vaddr);
            run->losses.n_repeated++;
        }
    }
    run->losses.n_reordered += is_load && self->n_stores;
    if (is_load)
        self->loads[self->n_loads++] = record->vaddr;
    else
        self->stores[self->n_stores++] = record->vaddr;
    run->losses.has_no_sizes |= op_bytes_of(record) > 1;
}

static void champsim_put(struct export_run *run, const struct op_record *record)
{
    switch (op_kind_of(record)) {
    case OP_FETCH:
        champsim_fetch(run, record);
        break;
    case OP_LOAD:
    case OP_STORE:
        champsim_access(run, record);
        break;
    case OP_NOMEM:
        run->losses.n_nomem += record->count;
        break;
    case OP_SYS:
        break;
    }
}

static void champsim_end(struct export_run *run)
{
    while (run->instruction.is_open &&
           run->instruction.part + 1 < run->instruction.n_parts)
        champsim_advance(run);
    champsim_write(run, run->instruction.vaddr);
}

extern const struct export_ops mmusim__export_champsim;
const struct export_ops mmusim__export_champsim = {
    .name = "champsim",
    .what = "one thread's instructions with their addresses, for ChampSim",
    .put = champsim_put,
    .end = champsim_end,
};
