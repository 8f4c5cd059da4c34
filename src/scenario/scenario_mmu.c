/* SPDX-License-Identifier: MIT */
/*
 * Translation on a scenario's CPU: the TLB, one cached upper level, walks of
 * memory. A walk sets Accessed, and Dirty when a store needs it, in memory at
 * once. A speculative fill needs Present and Accessed (x86: Linux 4.6
 * arch/x86 comment on speculative fills; Intel SDM 4.10.2.3).
 */
#include "scenario/scenario_witness.h"

#include <string.h>

struct mmu_walk {
    uint32_t cpu, address;
    bool is_speculative, writes;
};

/* Entries have one order, so that equal sets are equal bytes. */
static void mmu_sort(struct scenario_entry *entries)
{
    for (uint32_t i = 1; i < SCENARIO_TLB; i++) {
        for (uint32_t k = i; k > 0; k--) {
            struct scenario_entry swap = entries[k];

            if (memcmp(&entries[k - 1], &entries[k], sizeof(swap)) >= 0)
                break;
            entries[k] = entries[k - 1];
            entries[k - 1] = swap;
        }
    }
}

static void mmu_sort_uppers(struct scenario_upper *uppers)
{
    for (uint32_t i = 1; i < SCENARIO_WALK_CACHE; i++) {
        for (uint32_t k = i; k > 0; k--) {
            struct scenario_upper swap = uppers[k];

            if (memcmp(&uppers[k - 1], &uppers[k], sizeof(swap)) >= 0)
                break;
            uppers[k] = uppers[k - 1];
            uppers[k - 1] = swap;
        }
    }
}

/* The address space whose tables map the region: the kernel's are init_mm's. */
static uint32_t mmu_space(const struct scenario_run *run, uint32_t cpu,
                          uint32_t region)
{
    uint32_t root = run->world.cpus[cpu].root;

    return run->program->map.table[root][region] ? root : 0;
}

static bool mmu_matches(const struct scenario_run *run, uint32_t cpu,
                        const struct scenario_entry *entry, uint32_t address)
{
    if (!entry->is_valid || (!(entry->word & WORD_GLOBAL) &&
                             entry->asid != run->world.cpus[cpu].asid))
        return false;
    return entry->address == address ||
           (entry->word & WORD_HUGE &&
            entry->region == run->program->map.region[address]);
}

static struct scenario_entry *mmu_find(struct scenario_run *run, uint32_t cpu,
                                       uint32_t address)
{
    struct scenario_entry *found = NULL;

    for (uint32_t i = 0; i < SCENARIO_TLB; i++) {
        struct scenario_entry *entry = &run->world.cpus[cpu].tlb[i];

        if (!mmu_matches(run, cpu, entry, address))
            continue;
        if (found && ((found->word ^ entry->word) & WORD_HUGE))
            mmusim__scenario_violation(
                run, VERDICT_OVERLAP,
                "CPU %u's TLB holds a huge page's entry and a small page's "
                "entry for the same address.",
                cpu);
        found = found ? found : entry;
    }
    return found;
}

static struct scenario_upper *mmu_find_upper(struct scenario_run *run,
                                             uint32_t cpu, uint32_t region)
{
    struct scenario_cpu *self = &run->world.cpus[cpu];

    for (uint32_t i = 0; i < SCENARIO_WALK_CACHE; i++) {
        if (self->walk_cache[i].is_valid &&
            self->walk_cache[i].region == region &&
            self->walk_cache[i].asid == self->asid)
            return &self->walk_cache[i];
    }
    return NULL;
}

static void mmu_keep_upper(struct scenario_run *run, uint32_t cpu,
                           const struct scenario_upper *upper)
{
    struct scenario_upper *cache = run->world.cpus[cpu].walk_cache;

    cache[SCENARIO_WALK_CACHE - 1] = *upper;
    mmu_sort_uppers(cache);
}

static void mmu_keep(struct scenario_run *run, uint32_t cpu,
                     const struct scenario_entry *entry)
{
    struct scenario_entry *tlb = run->world.cpus[cpu].tlb;
    struct scenario_entry *other = mmu_find(run, cpu, entry->address);

    if (other && ((other->word ^ entry->word) & WORD_HUGE)) {
        mmusim__scenario_saw_overlap(run, cpu, other);
        mmusim__scenario_violation(
            run, VERDICT_OVERLAP,
            "CPU %u's TLB now holds a huge page's entry and a small page's "
            "entry for the same address: the one was still cached when the "
            "other became visible.",
            cpu);
    }
    tlb[SCENARIO_TLB - 1] = *entry;
    mmu_sort(tlb);
}

/* Reads the leaf at a cell; false: it does not permit the access. */
static bool mmu_leaf(struct scenario_run *run, const struct mmu_walk *walk,
                     uint32_t cell, struct scenario_entry *entry)
{
    int32_t word = run->world.cells[cell];

    if (!(word & WORD_PRESENT) || (walk->writes && !(word & WORD_WRITE)) ||
        (walk->is_speculative && !(word & WORD_ACCESSED)))
        return false;
    if (!walk->is_speculative)
        word |= WORD_ACCESSED;
    if (walk->writes)
        word |= WORD_DIRTY;
    if (word != run->world.cells[cell])
        mmusim__scenario_write(run, cell, word);
    entry->cell = (uint16_t) cell;
    entry->word = word;
    entry->is_gone = run->world.page_is_free[scenario_page_of(word)];
    return true;
}

/* The upper entry: cached, or from memory and then cached. */
static bool mmu_upper(struct scenario_run *run, const struct mmu_walk *walk,
                      struct scenario_upper *upper, int32_t *word)
{
    uint32_t region = run->program->map.region[walk->address];
    uint32_t mm = mmu_space(run, walk->cpu, region);
    uint32_t cell = SCENARIO_FIRST_UPPER + mm * SCENARIO_REGIONS + region;
    struct scenario_upper *cached = mmu_find_upper(run, walk->cpu, region);

    if (cached) {
        *upper = *cached;
        *word =
            (int32_t) cached->table << WORD_SHIFT | WORD_TABLE | WORD_PRESENT;
        return true;
    }
    *word = run->world.cells[cell];
    *upper = (struct scenario_upper){
        .cell = (uint16_t) cell,
        .is_valid = 1,
        .region = (uint8_t) region,
        .mm = (uint8_t) mm,
        .asid = run->world.cpus[walk->cpu].asid,
        .table = (uint8_t) scenario_table_of(*word),
    };
    mmusim__scenario_saw_upper(run, walk->cpu, upper);
    if (!(*word & WORD_PRESENT))
        return false;
    if (*word & WORD_TABLE)
        mmu_keep_upper(run, walk->cpu, upper);
    return true;
}

static bool mmu_walk(struct scenario_run *run, const struct mmu_walk *walk,
                     struct scenario_entry *entry)
{
    struct scenario_upper upper;
    uint32_t cell;
    int32_t word;

    if (!mmu_upper(run, walk, &upper, &word))
        return false;
    *entry = (struct scenario_entry){
        .upper_cell = upper.cell,
        .is_valid = 1,
        .address = (uint8_t) walk->address,
        .mm = upper.mm,
        .asid = upper.asid,
        .region = upper.region,
        .marks = upper.marks,
    };
    if (!(word & WORD_TABLE)) {
        entry->upper_cell = 0;
        cell = upper.cell;
    } else {
        mmusim__scenario_judge_walk(run, walk->cpu, &upper, walk->address);
        cell = SCENARIO_FIRST_LEAF +
               (uint32_t) upper.table * SCENARIO_TABLE_WORDS +
               run->program->map.index[walk->address];
    }
    if (!mmu_leaf(run, walk, cell, entry))
        return false;
    mmusim__scenario_saw_fill(run, walk->cpu, entry);
    mmu_keep(run, walk->cpu, entry);
    return true;
}

static bool mmu_permits(const struct scenario_entry *entry,
                        enum scenario_access access)
{
    const int32_t needs = WORD_WRITE | WORD_DIRTY;

    return access != ACCESS_WRITES || (entry->word & needs) == needs;
}

static void mmu_note(struct scenario_run *run, int32_t address,
                     const struct scenario_entry *entry, const char *how,
                     enum scenario_access access)
{
    static const char *const verbs[] = {"read", "write", "exec"};

    if (!run->is_traced)
        return;
    mmusim__scenario_note(
        run, "%s %s: %s %s%s", verbs[access],
        mmusim__scenario_value(run->program, TYPE_ADDRESS, address).text, how,
        entry
            ? mmusim__scenario_value(run->program, TYPE_WORD, entry->word).text
            : "",
        entry && (entry->marks.open || entry->is_gone) ? " (old)" : "");
}

bool mmusim__scenario_access(struct scenario_run *run, uint32_t cpu,
                             int32_t address, enum scenario_access access,
                             int32_t *data)
{
    struct mmu_walk walk = {.cpu = cpu,
                            .address = (uint32_t) address,
                            .writes = access == ACCESS_WRITES};
    struct scenario_entry *found = mmu_find(run, cpu, walk.address);
    const char *how = "TLB hit,";
    struct scenario_entry entry;

    if (found && mmu_permits(found, access)) {
        entry = *found;
    } else {
        if (found)
            memset(found, 0, sizeof(*found)); /* #PF or a new dirty walk */
        mmu_sort(run->world.cpus[cpu].tlb);
        how = "walk finds";
        if (!mmu_walk(run, &walk, &entry)) {
            mmu_note(run, address, NULL, "page fault", access);
            return false;
        }
    }
    mmu_note(run, address, &entry, how, access);
    if (entry.mm != mmu_space(run, cpu, entry.region) &&
        !(entry.word & WORD_GLOBAL))
        mmusim__scenario_violation(
            run, VERDICT_WRONG_ASID,
            "CPU %u runs %s but hits an entry of %s: both have number %u in "
            "the TLB.",
            cpu,
            mmusim__scenario_value(run->program, TYPE_MM,
                                   run->world.cpus[cpu].root)
                .text,
            mmusim__scenario_value(run->program, TYPE_MM, entry.mm).text,
            entry.asid);
    mmusim__scenario_saw_use(run, cpu, &entry,
                             mmu_space(run, cpu, entry.region), access);
    mmusim__scenario_judge_use(run, cpu, &entry, access);
    if (access == ACCESS_WRITES)
        run->world.data[scenario_page_of(entry.word)] = *data;
    else
        *data = run->world.data[scenario_page_of(entry.word)];
    return true;
}

/* ---- fills that nobody asked for ---- */

static bool mmu_has(const struct scenario_run *run, uint32_t cpu,
                    uint32_t address, int32_t word)
{
    for (uint32_t i = 0; i < SCENARIO_TLB; i++) {
        const struct scenario_entry *entry = &run->world.cpus[cpu].tlb[i];

        if (mmu_matches(run, cpu, entry, address) &&
            !((entry->word ^ word) & WORD_HUGE))
            return true;
    }
    return false;
}

bool mmusim__scenario_may_fill(const struct scenario_run *run, uint32_t cpu,
                               uint32_t address)
{
    const struct scenario_cpu *self = &run->world.cpus[cpu];
    const struct scenario_map *map = &run->program->map;
    uint32_t region = map->region[address];
    uint32_t mm = mmu_space(run, cpu, region);
    int32_t upper =
        run->world.cells[SCENARIO_FIRST_UPPER + mm * SCENARIO_REGIONS + region];
    bool is_cached = false;
    int32_t word;

    for (uint32_t i = 0; i < SCENARIO_WALK_CACHE && !is_cached; i++) {
        const struct scenario_upper *cached = &self->walk_cache[i];

        if (!cached->is_valid || cached->region != region ||
            cached->asid != self->asid)
            continue;
        is_cached = true;
        upper =
            (int32_t) cached->table << WORD_SHIFT | WORD_TABLE | WORD_PRESENT;
        if (cached->is_gone)
            return true;
    }
    if (!(upper & WORD_PRESENT))
        return false;
    if (!(upper & WORD_TABLE))
        return upper & WORD_ACCESSED && !mmu_has(run, cpu, address, upper);
    if (!is_cached || run->world.table_is_free[scenario_table_of(upper)])
        return true;
    word = run->world.cells[SCENARIO_FIRST_LEAF +
                            scenario_table_of(upper) * SCENARIO_TABLE_WORDS +
                            map->index[address]];
    return word & WORD_PRESENT && word & WORD_ACCESSED &&
           !mmu_has(run, cpu, address, word);
}

void mmusim__scenario_fill(struct scenario_run *run, uint32_t cpu,
                           uint32_t address)
{
    struct mmu_walk walk = {
        .cpu = cpu, .address = address, .is_speculative = true};
    struct scenario_entry entry;
    bool is_filled = mmu_walk(run, &walk, &entry);

    if (!run->is_traced)
        return;
    mmusim__scenario_note(
        run, "speculative walk of %s: %s",
        mmusim__scenario_value(run->program, TYPE_ADDRESS, (int32_t) address)
            .text,
        is_filled
            ? mmusim__scenario_value(run->program, TYPE_WORD, entry.word).text
            : "no leaf (an upper entry is cached)");
}
