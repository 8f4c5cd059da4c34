/* SPDX-License-Identifier: MIT */
/*
 * Stores wait in their CPU's buffer until they become visible: on x86 in
 * order (TSO), elsewhere in any order of different cells, except that stores
 * before a barrier go first and a store-release goes last (RVWMO; Arm ARM
 * B2.3). A CPU's loads see its own stores; walks see memory.
 */
#include "scenario/scenario_world.h"

int32_t mmusim__scenario_load(const struct scenario_run *run, uint32_t cpu,
                              uint32_t cell)
{
    const struct scenario_cpu *self = &run->world.cpus[cpu];

    for (uint32_t i = self->n_stores; i-- > 0;) {
        if (self->buffer[i].cell == cell)
            return self->buffer[i].value;
    }
    return run->world.cells[cell];
}

void mmusim__scenario_store(struct scenario_run *run, uint32_t cpu,
                            uint32_t cell, int32_t value, bool is_release)
{
    struct scenario_cpu *self = &run->world.cpus[cpu];

    self->buffer[self->n_stores++] = (struct scenario_store){
        .value = value,
        .cell = (uint16_t) cell,
        .epoch = self->epoch,
        .is_release = is_release,
    };
}

void mmusim__scenario_write(struct scenario_run *run, uint32_t cell,
                            int32_t value)
{
    mmusim__scenario_changed(run, cell, value, NULL, 0);
    run->world.cells[cell] = value;
}

bool mmusim__scenario_may_drain(const struct scenario_run *run, uint32_t cpu,
                                uint32_t index)
{
    const struct scenario_cpu *self = &run->world.cpus[cpu];
    const struct scenario_store *store = &self->buffer[index];

    if (index >= self->n_stores)
        return false;
    if (run->program->arch == ARCH_X86 || store->is_release)
        return index == 0;
    for (uint32_t i = 0; i < index; i++) {
        if (self->buffer[i].cell == store->cell ||
            self->buffer[i].epoch < store->epoch)
            return false;
    }
    return true;
}

void mmusim__scenario_drain(struct scenario_run *run, uint32_t cpu,
                            uint32_t index)
{
    struct scenario_cpu *self = &run->world.cpus[cpu];
    struct scenario_store store = self->buffer[index];

    self->n_stores--;
    for (uint32_t i = index; i < self->n_stores; i++)
        self->buffer[i] = self->buffer[i + 1];
    self->buffer[self->n_stores] = (struct scenario_store){0};
    if (!self->n_stores)
        self->epoch = 0;
    mmusim__scenario_changed(run, store.cell, store.value, &store, cpu);
    run->world.cells[store.cell] = store.value;
}
