/* SPDX-License-Identifier: MIT */
/* See scenario_witness.h. Addresses and frames are made up: a region is 2 MiB,
 * pages are frames from 0x1000 on, tables from 0x2000 on. */
#include "scenario/scenario_witness.h"

#include "coherence/checker.h"

#include <string.h>

enum {
    WITNESS_PAGE_SHIFT = 12,
    WITNESS_REGION_SHIFT = 21,
    WITNESS_FIRST_PAGE = 0x1000,
    WITNESS_FIRST_TABLE = 0x2000,
    WITNESS_OF_WALKS = 0x10000, /* added to the cell: the walk cache's stamp */
};

mmusim_status_t mmusim__scenario_witness_init(struct scenario_witness *witness,
                                              uint32_t n_cpus)
{
    const struct checker_config config = {.n_cpus = n_cpus, .max_reports = 1};

    memset(witness, 0, sizeof(*witness));
    witness->checker = mmusim__checker_create(&config);
    return witness->checker ? MMUSIM_OK : MMUSIM_NOMEM;
}

void mmusim__scenario_witness_fini(struct scenario_witness *witness)
{
    if (witness->checker)
        mmusim__checker_destroy(witness->checker);
    witness->checker = NULL;
}

void mmusim__scenario_witness_begin(struct scenario_witness *witness)
{
    if (witness)
        witness->cycle = 0;
}

enum scenario_verdict
mmusim__scenario_witness_verdict(const struct scenario_witness *witness)
{
    const struct checker_report *report =
        mmusim__checker_report(witness->checker, 0);
    const char *name;

    if (!report)
        return VERDICT_CLEAN;
    name = mmusim__checker_verdict_name(report->verdict);
    for (int i = 1; i < SCENARIO_VERDICTS; i++) {
        if (!strcmp(name,
                    mmusim__scenario_verdict_name((enum scenario_verdict) i)))
            return (enum scenario_verdict) i;
    }
    return VERDICT_CLEAN;
}

const char *
mmusim__scenario_witness_text(const struct scenario_witness *witness)
{
    const struct checker_report *report =
        mmusim__checker_report(witness->checker, 0);

    return report ? report->text : NULL;
}

/* ---- what is where ---- */

static struct checker_at witness_at(struct scenario_run *run, uint32_t cpu)
{
    return (struct checker_at){run->witness->cycle, cpu};
}

static uint64_t witness_region(uint32_t region)
{
    return (uint64_t) (region + 1) << WITNESS_REGION_SHIFT;
}

static uint64_t witness_vaddr(const struct scenario_run *run, uint32_t address)
{
    const struct scenario_map *map = &run->program->map;

    return witness_region(map->region[address]) | (uint64_t) map->index[address]
                                                      << WITNESS_PAGE_SHIFT;
}

static uint32_t witness_rights(int32_t word)
{
    return CHECKER_READ | CHECKER_USER |
           (word & WORD_WRITE ? (uint32_t) CHECKER_WRITE : 0u) |
           (word & WORD_EXEC ? (uint32_t) CHECKER_EXEC : 0u) |
           (word & WORD_DIRTY ? (uint32_t) CHECKER_DIRTY : 0u) |
           (word & WORD_GLOBAL ? (uint32_t) CHECKER_GLOBAL : 0u);
}

static struct checker_word witness_word(int32_t word)
{
    bool is_table = word & WORD_TABLE;

    return (struct checker_word){
        .is_present = word & WORD_PRESENT,
        .is_table = is_table,
        .pfn = is_table ? WITNESS_FIRST_TABLE + scenario_table_of(word)
                        : WITNESS_FIRST_PAGE + scenario_page_of(word),
        .rights = is_table ? 0 : witness_rights(word),
    };
}

/* From and to which address a span goes; to 0: everything. */
static void witness_range(const struct scenario_run *run, int32_t address,
                          uint64_t *start, uint64_t *end)
{
    *start = 0;
    *end = CHECKER_END_ALL;
    if (address < 0)
        return;
    *start = witness_vaddr(run, (uint32_t) address);
    *end = *start + (UINT64_C(1) << WITNESS_PAGE_SHIFT);
}

/* ---- stamps ---- */

static struct witness_stamp *witness_stamp(struct scenario_witness *witness,
                                           uint32_t cpu, uint32_t cell,
                                           uint32_t asid)
{
    uint32_t n = witness->n_stamps[cpu];
    struct witness_stamp *stamps = witness->stamps[cpu];
    struct witness_stamp *stamp;

    for (uint32_t i = 0; i < n && i < WITNESS_STAMPS; i++) {
        if (stamps[i].cell == cell && stamps[i].asid == asid)
            return &stamps[i];
    }
    stamp = &stamps[n % WITNESS_STAMPS];
    witness->n_stamps[cpu]++;
    *stamp = (struct witness_stamp){0, cell, asid};
    return stamp;
}

void mmusim__scenario_saw_upper(struct scenario_run *run, uint32_t cpu,
                                const struct scenario_upper *upper)
{
    if (run->witness)
        witness_stamp(run->witness, cpu, upper->cell + WITNESS_OF_WALKS,
                      upper->asid)
            ->stamp = mmusim__checker_stamp(run->witness->checker, upper->mm);
}

/* Through a pointer that has been withdrawn the entry is as old as that. */
void mmusim__scenario_saw_fill(struct scenario_run *run, uint32_t cpu,
                               const struct scenario_entry *entry)
{
    struct witness_stamp *stamp;

    if (!run->witness)
        return;
    stamp = witness_stamp(run->witness, cpu, entry->cell, entry->asid);
    stamp->stamp = mmusim__checker_stamp(run->witness->checker, entry->mm);
    if (entry->marks.open && entry->upper_cell)
        stamp->stamp =
            witness_stamp(run->witness, cpu, entry->upper_cell, entry->asid)
                ->stamp;
}

/* ---- changes ---- */

static void witness_close(struct scenario_run *run, uint32_t cpu, uint32_t mm,
                          uint64_t vaddr, uint32_t shift, uint32_t losses)
{
    struct checker_promise promise = {
        .at = witness_at(run, cpu),
        .what = "the operation",
        .mm = mm,
        .start = vaddr,
        .end = vaddr + (UINT64_C(1) << shift),
        .version = mmusim__checker_version(run->witness->checker),
        .uses = CHECKER_ANY_USE,
    };

    if (!(losses & LOSS_REMAP)) {
        promise.uses = CHECKER_WRITE;
        promise.verdict =
            losses & LOSS_WRITE ? CHECKER_STALE_PERM : CHECKER_LOST_DIRTY;
    }
    mmusim__checker_promise(run->witness->checker, &promise);
}

/* A table is pointed to no more: so none of its pages is mapped. */
static void witness_write_leaves(struct scenario_run *run, uint32_t mm,
                                 int32_t upper, uint32_t writer, uint64_t vaddr)
{
    uint32_t first =
        SCENARIO_FIRST_LEAF + scenario_table_of(upper) * SCENARIO_TABLE_WORDS;

    for (uint32_t i = 0; upper & WORD_TABLE && i < SCENARIO_TABLE_WORDS; i++) {
        const struct checker_write write = {
            .at = witness_at(run, writer),
            .mm = mm,
            .vaddr = vaddr + ((uint64_t) i << WITNESS_PAGE_SHIFT),
            .shift = WITNESS_PAGE_SHIFT,
            .before = witness_word(run->world.cells[first + i]),
        };

        mmusim__checker_write(run->witness->checker, &write);
    }
}

static void witness_write(struct scenario_run *run, uint32_t mm, uint32_t cell,
                          int32_t value, const struct scenario_store *store,
                          uint32_t writer, uint64_t vaddr)
{
    uint32_t shift =
        cell < SCENARIO_FIRST_UPPER ? WITNESS_PAGE_SHIFT : WITNESS_REGION_SHIFT;
    const struct checker_write write = {
        .at = witness_at(run, writer),
        .mm = mm,
        .vaddr = vaddr,
        .shift = shift,
        .before = witness_word(run->world.cells[cell]),
        .after = witness_word(value),
    };

    mmusim__checker_write(run->witness->checker, &write);
    if (cell >= SCENARIO_FIRST_UPPER &&
        (!write.after.is_table || write.after.pfn != write.before.pfn))
        witness_write_leaves(run, mm, run->world.cells[cell], writer, vaddr);
    if (store && store->closed)
        witness_close(run, writer, mm, vaddr, shift, store->closed);
    else if (store && store->is_covered &&
             run->witness->n_late[writer] < SCENARIO_BUFFER)
        run->witness->late[writer][run->witness->n_late[writer]++] =
            mm << 16 | cell;
}

/* Where a space maps the cell; false: it does not. */
static bool witness_place(const struct scenario_run *run, uint32_t mm,
                          uint32_t cell, uint64_t *vaddr)
{
    const struct scenario_map *map = &run->program->map;

    for (uint32_t r = 0; r < SCENARIO_REGIONS; r++) {
        uint32_t upper = SCENARIO_FIRST_UPPER + mm * SCENARIO_REGIONS + r;
        uint32_t leaf = cell - SCENARIO_FIRST_LEAF;

        *vaddr = witness_region(r);
        if (cell == upper)
            return true;
        if (cell >= SCENARIO_FIRST_UPPER || !map->table[mm][r])
            continue;
        *vaddr |= (uint64_t) (leaf % SCENARIO_TABLE_WORDS)
                  << WITNESS_PAGE_SHIFT;
        if (scenario_table_of(run->world.cells[upper]) ==
                leaf / SCENARIO_TABLE_WORDS ||
            map->table[mm][r] == leaf / SCENARIO_TABLE_WORDS)
            return true;
    }
    return false;
}

void mmusim__scenario_saw_write(struct scenario_run *run, uint32_t cell,
                                int32_t value,
                                const struct scenario_store *store,
                                uint32_t writer)
{
    uint64_t vaddr;

    if (!run->witness)
        return;
    for (uint32_t mm = 0; mm < run->program->n_mms; mm++) {
        if (witness_place(run, mm, cell, &vaddr))
            witness_write(run, mm, cell, value, store, writer, vaddr);
    }
}

void mmusim__scenario_saw_flush_begin(struct scenario_run *run, uint32_t cpu,
                                      int32_t mm, int32_t address)
{
    struct checker_flush flush = {
        .mm = mm < 0 ? 0 : (uint64_t) mm,
        .is_all_mms = mm < 0,
        .has_tables = true,
    };

    if (!run->witness)
        return;
    flush.at = witness_at(run, cpu);
    witness_range(run, address, &flush.start, &flush.end);
    run->witness->flush[cpu] =
        mmusim__checker_flush_begin(run->witness->checker, &flush);
    run->witness->n_late[cpu] = 0;
}

void mmusim__scenario_saw_flush_done(struct scenario_run *run, uint32_t cpu)
{
    struct scenario_witness *witness = run->witness;

    if (!witness || !run->world.cpus[cpu].is_flushing)
        return;
    mmusim__checker_flush_end(witness->checker, witness->flush[cpu],
                              witness_at(run, cpu));
    for (uint32_t i = 0; i < witness->n_late[cpu]; i++) {
        uint32_t cell = witness->late[cpu][i] & 0xffff;
        uint32_t mm = witness->late[cpu][i] >> 16;
        uint64_t vaddr;

        if (witness_place(run, mm, cell, &vaddr))
            witness_close(run, cpu, mm, vaddr,
                          cell < SCENARIO_FIRST_UPPER ? WITNESS_PAGE_SHIFT
                                                      : WITNESS_REGION_SHIFT,
                          LOSS_ALL);
    }
    witness->n_late[cpu] = 0;
}

void mmusim__scenario_saw_promise(struct scenario_run *run, uint32_t cpu,
                                  int32_t mm, int32_t address, uint32_t losses)
{
    if (!run->witness)
        return;
    for (uint32_t m = 0; m < run->program->n_mms; m++) {
        if (mm != SCENARIO_ALL && m != (uint32_t) mm)
            continue;
        if (address < 0)
            witness_close(run, cpu, m, 0, 40, losses);
        else
            witness_close(run, cpu, m, witness_vaddr(run, (uint32_t) address),
                          WITNESS_PAGE_SHIFT, losses);
    }
}

void mmusim__scenario_saw_page_freed(struct scenario_run *run, uint32_t page)
{
    if (run->witness)
        mmusim__checker_freed(run->witness->checker, witness_at(run, 0),
                              WITNESS_FIRST_PAGE + page, 1);
}

void mmusim__scenario_saw_page_taken(struct scenario_run *run, uint32_t page)
{
    if (run->witness)
        mmusim__checker_contents_taken(run->witness->checker,
                                       witness_at(run, 0),
                                       WITNESS_FIRST_PAGE + page);
}

void mmusim__scenario_saw_table_freed(struct scenario_run *run, uint32_t table)
{
    if (run->witness)
        mmusim__checker_freed(run->witness->checker, witness_at(run, 0),
                              WITNESS_FIRST_TABLE + table, 1);
}

/* ---- uses ---- */

void mmusim__scenario_saw_walk(struct scenario_run *run, uint32_t cpu,
                               const struct scenario_upper *upper,
                               uint32_t address)
{
    struct checker_walk walk = {
        .mm = upper->mm,
        .table_pfn = WITNESS_FIRST_TABLE + upper->table,
        .shift = WITNESS_REGION_SHIFT,
        .is_lazy = true, /* what a withdrawn pointer led to is judged if used */
    };

    if (!run->witness)
        return;
    walk.at = witness_at(run, cpu);
    walk.vaddr = witness_vaddr(run, address);
    walk.stamp = witness_stamp(run->witness, cpu,
                               upper->cell + WITNESS_OF_WALKS, upper->asid)
                     ->stamp;
    mmusim__checker_walk(run->witness->checker, &walk);
}

void mmusim__scenario_saw_use(struct scenario_run *run, uint32_t cpu,
                              const struct scenario_entry *entry, uint32_t mm,
                              enum scenario_access access)
{
    static const uint32_t needs[] = {CHECKER_READ, CHECKER_WRITE, CHECKER_EXEC};
    struct checker_use use = {
        .mm = entry->word & WORD_GLOBAL ? entry->mm : mm,
        .need = needs[access],
        .rights = witness_rights(entry->word),
    };

    if (!run->witness)
        return;
    use.at = witness_at(run, cpu);
    use.vaddr = entry->word & WORD_HUGE ? witness_region(entry->region)
                                        : witness_vaddr(run, entry->address);
    use.stamp =
        witness_stamp(run->witness, cpu, entry->cell, entry->asid)->stamp;
    mmusim__checker_use(run->witness->checker, &use);
}

void mmusim__scenario_saw_overlap(struct scenario_run *run, uint32_t cpu,
                                  const struct scenario_entry *older)
{
    struct checker_overlap overlap = {.mm = older->mm};

    if (!run->witness)
        return;
    overlap.at = witness_at(run, cpu);
    overlap.vaddr = witness_vaddr(run, older->address);
    overlap.older_stamp =
        witness_stamp(run->witness, cpu, older->cell, older->asid)->stamp;
    mmusim__checker_overlap(run->witness->checker, &overlap);
}

void mmusim__scenario_saw_software_table(struct scenario_run *run, uint32_t cpu,
                                         uint32_t mm)
{
    if (!run->witness)
        return;
    run->witness->software_mm[cpu] = mm;
    run->witness->software_stamp[cpu] =
        mmusim__checker_stamp(run->witness->checker, mm);
}

void mmusim__scenario_saw_software_word(struct scenario_run *run, uint32_t cpu,
                                        uint32_t address)
{
    struct checker_walk walk = {.shift = WITNESS_REGION_SHIFT,
                                .is_software = true};

    if (!run->witness)
        return;
    walk.at = witness_at(run, cpu);
    walk.mm = run->witness->software_mm[cpu];
    walk.vaddr = witness_vaddr(run, address);
    walk.table_pfn = WITNESS_FIRST_TABLE + run->world.cpus[cpu].software_table;
    walk.stamp = run->witness->software_stamp[cpu];
    mmusim__checker_walk(run->witness->checker, &walk);
}
