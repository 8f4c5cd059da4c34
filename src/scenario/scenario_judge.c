/* SPDX-License-Identifier: MIT */
/*
 * The marks on cached entries and what using a marked entry means. A change of
 * a page-table word opens what it takes from each entry made from the older
 * word; a flush declared complete closes what was open, or on its way in the
 * issuer's store buffer, when the flush began; an operation that returns
 * closes what it promises; freeing a page or table closes all.
 */
#include "scenario/scenario_witness.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void mmusim__scenario_violation(struct scenario_run *run,
                                enum scenario_verdict verdict,
                                const char *format, ...)
{
    va_list args;

    if (run->verdict)
        return;
    run->verdict = verdict;
    if (!run->is_traced)
        return;
    va_start(args, format);
    vsnprintf(run->why, sizeof(run->why), format, args);
    va_end(args);
}

/* ---- changes ---- */

static uint32_t judge_leaf_loss(int32_t held, int32_t now)
{
    int32_t lost = held & ~now;
    uint32_t loss = 0;

    if (!(now & WORD_PRESENT) || held >> WORD_SHIFT != now >> WORD_SHIFT ||
        ((held ^ now) & (WORD_HUGE | WORD_TABLE)))
        return LOSS_ALL;
    if (lost & WORD_WRITE)
        loss |= LOSS_WRITE;
    if (lost & WORD_DIRTY)
        loss |= LOSS_CLEAN;
    if (lost & WORD_EXEC)
        loss |= LOSS_EXEC;
    return loss;
}

/* losses: what is promised; of these, lost has been taken. Once a flush is
 * complete no older entry may be used, for whatever; but a clean one asks the
 * tables before it stores. */
static void judge_close(struct scenario_marks *marks, uint32_t lost,
                        uint32_t losses)
{
    marks->closed |= (uint8_t) (lost & losses);
    if (losses == LOSS_ALL && lost & ~(uint32_t) LOSS_CLEAN)
        marks->closed |= LOSS_ANY_USE;
}

static void judge_mark(struct scenario_marks *marks, uint32_t loss,
                       const struct scenario_store *store, uint32_t writer)
{
    marks->open |= (uint8_t) loss;
    if (!store)
        return;
    if (store->is_covered)
        marks->covered[writer] |= (uint8_t) loss;
    judge_close(marks, loss, store->closed);
}

static bool judge_points_elsewhere(int32_t upper, uint32_t table)
{
    return !(upper & WORD_TABLE) || scenario_table_of(upper) != table;
}

static void judge_change_at(struct scenario_cpu *cpu, uint32_t cell,
                            int32_t value, const struct scenario_store *store,
                            uint32_t writer)
{
    for (uint32_t i = 0; i < SCENARIO_TLB; i++) {
        struct scenario_entry *entry = &cpu->tlb[i];

        if (!entry->is_valid)
            continue;
        if (entry->cell == cell)
            judge_mark(&entry->marks, judge_leaf_loss(entry->word, value),
                       store, writer);
        else if (entry->upper_cell == cell &&
                 judge_points_elsewhere(
                     value, (entry->cell - (uint32_t) SCENARIO_FIRST_LEAF) /
                                SCENARIO_TABLE_WORDS))
            judge_mark(&entry->marks, LOSS_ALL, store, writer);
    }
    for (uint32_t i = 0; i < SCENARIO_WALK_CACHE; i++) {
        struct scenario_upper *upper = &cpu->walk_cache[i];

        if (upper->is_valid && upper->cell == cell &&
            judge_points_elsewhere(value, upper->table))
            judge_mark(&upper->marks, LOSS_ALL, store, writer);
    }
}

void mmusim__scenario_changed(struct scenario_run *run, uint32_t cell,
                              int32_t value, const struct scenario_store *store,
                              uint32_t writer)
{
    if (cell < SCENARIO_FIRST_LEAF)
        return;
    mmusim__scenario_saw_write(run, cell, value, store, writer);
    for (uint32_t c = 0; c < run->program->n_cpus; c++)
        judge_change_at(&run->world.cpus[c], cell, value, store, writer);
}

/* ---- flushes and promises ---- */

struct judge_span {
    int32_t mm, address;
    uint32_t region;
};

static struct judge_span judge_span(const struct scenario_run *run, int32_t mm,
                                    int32_t address)
{
    struct judge_span span = {mm, address, 0};

    if (address >= 0)
        span.region = run->program->map.region[address];
    return span;
}

static bool judge_covers(const struct judge_span *span,
                         const struct scenario_entry *entry)
{
    if (!entry->is_valid || (span->mm != SCENARIO_ALL && entry->mm != span->mm))
        return false;
    return span->address == SCENARIO_ALL || entry->address == span->address ||
           (entry->word & WORD_HUGE && entry->region == span->region);
}

static bool judge_covers_upper(const struct judge_span *span,
                               const struct scenario_upper *upper)
{
    return upper->is_valid &&
           (span->mm == SCENARIO_ALL || upper->mm == span->mm) &&
           (span->address == SCENARIO_ALL || upper->region == span->region);
}

static bool judge_covers_cell(const struct scenario_run *run,
                              const struct judge_span *span, uint32_t cell)
{
    const struct scenario_map *map = &run->program->map;

    if (cell < SCENARIO_FIRST_LEAF)
        return false;
    if (cell >= SCENARIO_FIRST_UPPER) {
        uint32_t at = cell - SCENARIO_FIRST_UPPER;

        return (span->mm == SCENARIO_ALL ||
                at / SCENARIO_REGIONS == (uint32_t) span->mm) &&
               (span->address == SCENARIO_ALL ||
                at % SCENARIO_REGIONS == span->region);
    }
    cell -= SCENARIO_FIRST_LEAF;
    if (span->address != SCENARIO_ALL &&
        map->index[span->address] != cell % SCENARIO_TABLE_WORDS)
        return false;
    if (span->mm == SCENARIO_ALL)
        return true;
    for (uint32_t r = 0; r < SCENARIO_REGIONS; r++) {
        if (map->table[span->mm][r] == cell / SCENARIO_TABLE_WORDS)
            return span->address == SCENARIO_ALL || r == span->region;
    }
    return false;
}

void mmusim__scenario_flush_begin(struct scenario_run *run, uint32_t cpu,
                                  int32_t mm, int32_t address)
{
    struct judge_span span = judge_span(run, mm, address);
    struct scenario_cpu *self = &run->world.cpus[cpu];

    mmusim__scenario_saw_flush_begin(run, cpu, mm, address);
    self->is_flushing = 1;
    self->flush_mm = mm;
    self->flush_address = address;
    for (uint32_t i = 0; i < self->n_stores; i++) {
        if (judge_covers_cell(run, &span, self->buffer[i].cell))
            self->buffer[i].is_covered = 1;
    }
    for (uint32_t c = 0; c < run->program->n_cpus; c++) {
        struct scenario_cpu *other = &run->world.cpus[c];

        for (uint32_t i = 0; i < SCENARIO_TLB; i++) {
            if (judge_covers(&span, &other->tlb[i]))
                other->tlb[i].marks.covered[cpu] = other->tlb[i].marks.open;
        }
        for (uint32_t i = 0; i < SCENARIO_WALK_CACHE; i++) {
            struct scenario_upper *upper = &other->walk_cache[i];

            if (judge_covers_upper(&span, upper))
                upper->marks.covered[cpu] = upper->marks.open;
        }
    }
}

void mmusim__scenario_flush_done(struct scenario_run *run, uint32_t cpu)
{
    struct scenario_cpu *self = &run->world.cpus[cpu];

    mmusim__scenario_saw_flush_done(run, cpu);
    for (uint32_t i = 0; i < self->n_stores; i++) {
        if (self->buffer[i].is_covered)
            self->buffer[i].closed = LOSS_ALL;
        self->buffer[i].is_covered = 0;
    }
    for (uint32_t c = 0; c < run->program->n_cpus; c++) {
        struct scenario_cpu *other = &run->world.cpus[c];

        for (uint32_t i = 0; i < SCENARIO_TLB; i++) {
            struct scenario_marks *marks = &other->tlb[i].marks;

            judge_close(marks, marks->covered[cpu], LOSS_ALL);
            marks->covered[cpu] = 0;
        }
        for (uint32_t i = 0; i < SCENARIO_WALK_CACHE; i++) {
            struct scenario_marks *marks = &other->walk_cache[i].marks;

            judge_close(marks, marks->covered[cpu], LOSS_ALL);
            marks->covered[cpu] = 0;
        }
    }
    self->is_flushing = 0;
    self->flush_mm = 0;
    self->flush_address = 0;
}

void mmusim__scenario_promise(struct scenario_run *run, uint32_t cpu,
                              int32_t mm, int32_t address, uint32_t losses)
{
    struct judge_span span = judge_span(run, mm, address);
    struct scenario_cpu *self = &run->world.cpus[cpu];

    mmusim__scenario_saw_promise(run, cpu, mm, address, losses);
    for (uint32_t i = 0; i < self->n_stores; i++) {
        if (judge_covers_cell(run, &span, self->buffer[i].cell))
            self->buffer[i].closed |= (uint8_t) losses;
    }
    for (uint32_t c = 0; c < run->program->n_cpus; c++) {
        for (uint32_t i = 0; i < SCENARIO_TLB; i++) {
            struct scenario_entry *entry = &run->world.cpus[c].tlb[i];

            if (judge_covers(&span, entry))
                judge_close(&entry->marks, entry->marks.open, losses);
        }
    }
}

void mmusim__scenario_page_freed(struct scenario_run *run, uint32_t page)
{
    mmusim__scenario_saw_page_freed(run, page);
    for (uint32_t c = 0; c < run->program->n_cpus; c++) {
        for (uint32_t i = 0; i < SCENARIO_TLB; i++) {
            struct scenario_entry *entry = &run->world.cpus[c].tlb[i];

            if (entry->is_valid && scenario_page_of(entry->word) == page)
                entry->is_gone = 1;
        }
    }
}

void mmusim__scenario_page_taken(struct scenario_run *run, uint32_t page)
{
    mmusim__scenario_saw_page_taken(run, page);
    for (uint32_t c = 0; c < run->program->n_cpus; c++) {
        for (uint32_t i = 0; i < SCENARIO_TLB; i++) {
            struct scenario_entry *entry = &run->world.cpus[c].tlb[i];

            if (entry->is_valid && entry->marks.open &&
                scenario_page_of(entry->word) == page)
                entry->marks.closed |= LOSS_TAKEN;
        }
    }
}

void mmusim__scenario_table_freed(struct scenario_run *run, uint32_t table)
{
    mmusim__scenario_saw_table_freed(run, table);
    for (uint32_t c = 0; c < run->program->n_cpus; c++) {
        struct scenario_cpu *cpu = &run->world.cpus[c];

        for (uint32_t i = 0; i < SCENARIO_WALK_CACHE; i++) {
            if (cpu->walk_cache[i].is_valid &&
                cpu->walk_cache[i].table == table)
                cpu->walk_cache[i].is_gone = 1;
        }
        if (cpu->software_table == table)
            cpu->software_gone = 1;
    }
}

/* ---- uses ---- */

static const char *judge_name(const struct scenario_run *run, uint32_t address,
                              struct scenario_text *text)
{
    *text =
        mmusim__scenario_value(run->program, TYPE_ADDRESS, (int32_t) address);
    return text->text;
}

static enum scenario_verdict judge_entry(const struct scenario_entry *entry,
                                         enum scenario_access access)
{
    const struct scenario_marks *marks = &entry->marks;
    bool writes = access == ACCESS_WRITES;

    if (entry->is_gone)
        return VERDICT_UAF_PAGE;
    if (writes && marks->closed & LOSS_TAKEN)
        return VERDICT_LOST_DIRTY;
    if (marks->closed & LOSS_REMAP)
        return VERDICT_STALE_AFTER_COMPLETE;
    if ((writes && marks->closed & LOSS_WRITE) ||
        (access == ACCESS_EXECUTES && marks->closed & LOSS_EXEC))
        return VERDICT_STALE_PERM;
    if (writes && marks->closed & LOSS_CLEAN)
        return VERDICT_LOST_DIRTY;
    if (marks->closed & LOSS_ANY_USE)
        return VERDICT_STALE_AFTER_COMPLETE;
    return VERDICT_CLEAN;
}

static const char *judge_reason(enum scenario_verdict verdict)
{
    switch ((int) verdict) {
    case VERDICT_UAF_PAGE:
        return "that page has been freed since, and may belong to somebody "
               "else by now";
    case VERDICT_GLOBAL_LEAK:
        return "the mapping is gone and its flush was declared complete, but "
               "this entry is global and survived";
    case VERDICT_STALE_PERM:
        return "that right was taken away, and an operation that promises so "
               "has returned or its flush was declared complete";
    case VERDICT_LOST_DIRTY:
        return "the page's content has been taken as final (clean, copied or "
               "being written back), so this store will be lost";
    default:
        return "the mapping is gone, and an operation that promises so has "
               "returned or its flush was declared complete";
    }
}

void mmusim__scenario_judge_use(struct scenario_run *run, uint32_t cpu,
                                const struct scenario_entry *entry,
                                enum scenario_access access)
{
    static const char *const verbs[] = {"reads", "writes", "executes"};
    enum scenario_verdict verdict = judge_entry(entry, access);
    struct scenario_text name;

    if (verdict && entry->word & WORD_GLOBAL)
        verdict = VERDICT_GLOBAL_LEAK;
    if (!verdict) {
        run->n_allowed_stale += entry->marks.open != 0;
        return;
    }
    if (!run->is_traced) {
        run->verdict = run->verdict ? run->verdict : verdict;
        return;
    }
    mmusim__scenario_violation(
        run, verdict, "CPU %u %s %s through a TLB entry that says %s; %s.", cpu,
        verbs[access], judge_name(run, entry->address, &name),
        mmusim__scenario_value(run->program, TYPE_WORD, entry->word).text,
        judge_reason(verdict));
}

void mmusim__scenario_judge_walk(struct scenario_run *run, uint32_t cpu,
                                 const struct scenario_upper *upper,
                                 uint32_t address)
{
    struct scenario_text name;

    mmusim__scenario_saw_walk(run, cpu, upper, address);
    if (!upper->is_gone && !run->world.table_is_free[upper->table])
        return;
    mmusim__scenario_violation(
        run, VERDICT_UAF_TABLE,
        "CPU %u's page walk for %s reads page table %s, which has been freed "
        "since and may hold anything by now%s.",
        cpu, judge_name(run, address, &name),
        mmusim__scenario_value(run->program, TYPE_TABLE, upper->table).text,
        upper->is_gone ? " (its walk cache still points there)" : "");
}
