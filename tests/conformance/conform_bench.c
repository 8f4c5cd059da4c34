/* SPDX-License-Identifier: MIT */
/* The bench of the conformance matrix: see conform.h. */
#include "conformance/conform_bench.h"

#include "coherence/broadcast.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const organisation_names[] = {"split", "fragments",
                                                 "walk cache"};

struct conform_case *conform_add(struct conform_list *list,
                                 const struct conform_machine *machine,
                                 const char *name, const char *note)
{
    struct conform_case *c;

    if (list->n == list->capacity) {
        list->capacity = list->capacity ? 2 * list->capacity : 256;
        list->cases =
            realloc(list->cases, list->capacity * sizeof(*list->cases));
        assert_non_null(list->cases);
    }
    c = &list->cases[list->n++];
    *c = (struct conform_case){.name = name, .note = note};
    c->issuer.context = machine->contexts[0];
    return c;
}

/* ---- the machine ---- */

static void bench_array(struct tlb_level_config *level,
                        const struct pt_format *format, bool small_only)
{
    struct tlb_array_config *array = &level->arrays[0];

    level->n_arrays = 1;
    *array = (struct tlb_array_config){
        .n_entries = 1024, .n_ways = 1024, .replacement = "lru"};
    for (uint32_t i = 0; i < format->n_levels; i++) {
        if (!format->levels[i].has_leaves || (small_only && array->n_orders))
            continue;
        array->orders[array->n_orders++] = (uint8_t) pt_level_order(format, i);
    }
}

static void bench_organise(struct small_options *options,
                           const struct pt_format *format,
                           enum organisation organisation)
{
    static const enum tlb_level levels[ORGANISATIONS][5] = {
        {TLB_L1I, TLB_L1D, TLB_L1S, TLB_L2, TLB_LEVEL_COUNT},
        {TLB_L1I, TLB_L1D, TLB_L2, TLB_LEVEL_COUNT},
        {TLB_L1I, TLB_L1D, TLB_L2I, TLB_L2D, TLB_LEVEL_COUNT},
    };
    const struct psc_config wide = {256, 256, 1};

    memset(options->tlb, 0, sizeof(options->tlb));
    for (const enum tlb_level *l = levels[organisation]; *l != TLB_LEVEL_COUNT;
         l++)
        bench_array(&options->tlb[*l], format,
                    organisation == FRAGMENTS && *l < TLB_L2);
    memset(&options->psc, 0, sizeof(options->psc));
    for (uint32_t i = 0; i < CONFIG_PSC_LEVELS; i++) {
        if (organisation == SPLIT && i + 1 < format->n_levels)
            options->psc.levels[i] = wide;
    }
    if (organisation == SPLIT)
        return;
    options->psc.cache = wide;
    strcpy(options->psc.kind,
           organisation == FRAGMENTS ? "page-directory" : "walk-cache");
}

static void bench_create(struct bench *bench)
{
    const struct conform_machine *machine = bench->machine;
    struct small_options options;

    small_options_init(&options);
    options.format = &bench->format;
    options.threads_per_core = 1;
    options.has_pcid = true;
    options.has_contexts = machine->has_contexts;
    options.walker.count = MMU_MAX_WALKERS;
    options.memory.fixed_cycles = WALK_CYCLES;
    options.stage2 = machine->stage2;
    if (machine->stage2.isa) {
        options.nested.is_populated = true;
        options.nested.page_order = (uint32_t) bench->format.granule_order;
        options.nested.tlb = (struct psc_config){256, 256, 1};
        options.nested.pointers = (struct psc_config){256, 256, 1};
    }
    options.broadcast.inner_domain = INNER_SOCKET;
    bench_organise(&options, &bench->format, bench->organisation);
    bench->small = small_create(&options);
    small_start(bench->small);
    small_drain(bench->small);
}

static const uint32_t cpu_of_place[PLACES] = {0, 1, 2};

struct cpu *conform_cpu(const struct bench *bench, enum conform_place place)
{
    return &bench->small->system.cpus[cpu_of_place[place]];
}

/* ---- translations ---- */

static uint32_t rights_of(const struct bench *bench)
{
    return TLB_READ | TLB_WRITE | TLB_EXEC | TLB_USER | TLB_DIRTY |
           (bench->is_global ? TLB_GLOBAL : 0);
}

static void bench_map(struct bench *bench)
{
    const struct conform_target *target = &bench->target;
    struct small_system *small = bench->small;
    uint64_t bytes = UINT64_C(1) << (BASE_PAGE_SHIFT + target->order);
    bool is_32_bit = bench->format.vaddr_bits <= 32;
    uint64_t base = is_32_bit ? 0x40000000 : UINT64_C(0x1240000000);
    uint64_t far_bit = is_32_bit ? 0x40000000 : UINT64_C(1) << 35;

    bench->pages[0] = base;
    bench->pages[1] = base + bytes;
    bench->pages[2] = base ^ far_bit;
    for (uint32_t i = 0; i < ADDRESSES; i++) {
        bench->gpages[i] = is_32_bit ? UINT64_C(0x80000000) + i * bytes
                                     : UINT64_C(0x4000000000) + i * bytes;
        small_map(small, small->init_mm.root, bench->pages[i], target->level,
                  bench->format.make_leaf(
                      &bench->format,
                      (pfn_t){bench->gpages[i] >> BASE_PAGE_SHIFT},
                      target->level, rights_of(bench), true));
    }
    bench->target.vaddr = base + bytes / 2;
    bench->target.gpaddr = bench->gpages[0] + bytes / 2;
}

void conform_wipe(struct mmu *mmu)
{
    const struct inval everything = {
        .regimes = (1U << REGIME_COUNT) - 1,
        .hits_globals = true,
        .hits_nonglobals = true,
        .psc = INVAL_PSC_ALL,
    };

    mmusim__mmu_invalidate(mmu, &everything, MISS_OTHER);
}

void conform_load(const struct bench *bench, enum conform_place place,
                  const struct tlb_context *context)
{
    mmusim__mmu_set_context(&conform_cpu(bench, place)->mmu, context);
}

static void bench_walk(struct bench *bench, enum conform_place place,
                       enum access_kind kind, uint64_t vaddr)
{
    assert_int_equal(small_walk(bench->small, cpu_of_place[place], kind, vaddr),
                     WALK_FILLED);
}

/* Loads the first, the named and the last piece of the page; fetches and
 * stores, and of the other pages everything, in the middle. */
static void bench_plant(struct bench *bench, enum conform_place place)
{
    uint64_t bytes = UINT64_C(1) << (BASE_PAGE_SHIFT + bench->target.order);

    conform_wipe(&conform_cpu(bench, place)->mmu);
    for (uint32_t i = 0; i < bench->machine->n_contexts; i++) {
        conform_load(bench, place, &bench->machine->contexts[i]);
        for (uint32_t j = 0; j < ADDRESSES; j++) {
            for (uint32_t kind = 0; kind < ACCESS_KINDS; kind++)
                bench_walk(bench, place, (enum access_kind) kind,
                           bench->pages[j] + bytes / 2);
        }
        if (!bench->target.order)
            continue;
        bench_walk(bench, place, ACCESS_LOAD, bench->pages[0]);
        bench_walk(bench, place, ACCESS_LOAD, bench->pages[0] + bytes - 8);
    }
    bench->needs_planting[place] = false;
}

/* ---- what is there ---- */

static struct tlb_context context_of(const struct bench *bench, uint16_t tag)
{
    const struct tlb_contexts *contexts = bench->small->shared.contexts;

    if (contexts)
        return *mmusim__tlb_context_at(contexts, tag);
    return (struct tlb_context){.has_asid = true, .asid = tag};
}

/* A leaf's page as the tables have it: entries may be pieces. */
static void describe_leaf(const struct bench *bench,
                          struct conform_entry *entry)
{
    uint64_t pages = UINT64_C(1) << bench->target.order;

    if (entry->context.regime == REGIME_STAGE2)
        return; /* of the smallest pages */
    entry->level = bench->target.level;
    entry->has_pieces =
        bench->target.level &&
        (bench->organisation == FRAGMENTS || bench->machine->stage2.isa);
    for (uint32_t i = 0; i < ADDRESSES; i++) {
        uint64_t first = vpn_of(bench->pages[i]).v;

        if (entry->first >= first && entry->first < first + pages) {
            entry->first = first;
            entry->n_pages = pages;
        }
    }
}

static void note_slot(struct bench *bench, enum conform_place place,
                      const struct tlb_array *array, uint32_t slot, bool is_psc)
{
    uint64_t key = array->keys[slot];
    struct found *found = &bench->found[bench->n_found++];

    assert_true(bench->n_found < MAX_ENTRIES);
    *found = (struct found){.array = array, .key = key, .slot = slot};
    found->entry = (struct conform_entry){
        .kind = is_psc || tlb_key_is_table(key) ? POINTER : LEAF,
        .context = context_of(bench, tlb_key_tag(key)),
        .is_global = tlb_key_is_global(key),
        .first = tlb_key_vpn(key),
        .n_pages = UINT64_C(1) << tlb_key_order(key & ~TLB_KEY_TABLE),
        .place = place,
    };
    if (found->entry.kind == LEAF)
        describe_leaf(bench, &found->entry);
}

static void note_array(struct bench *bench, enum conform_place place,
                       const struct tlb_array *array, bool is_psc)
{
    uint32_t n_slots = (array->set_mask + 1) * array->n_ways;
    uint32_t n_left = array->n_valid;

    for (uint32_t i = 0; i < n_slots && n_left; i++) {
        if (!array->keys[i])
            continue;
        note_slot(bench, place, array, i, is_psc);
        n_left--;
    }
}

static void note_all(struct bench *bench)
{
    bench->n_found = 0;
    for (uint32_t p = 0; p < PLACES; p++) {
        enum conform_place place = (enum conform_place) p;
        const struct mmu *mmu = &conform_cpu(bench, place)->mmu;

        for (uint32_t level = 0; level < TLB_LEVEL_COUNT; level++) {
            for (uint32_t i = 0; i < mmu->tlb[level].n_arrays; i++)
                note_array(bench, place, mmu->tlb[level].arrays[i], false);
        }
        for (uint32_t i = 0; i < mmu->psc.n_own; i++)
            note_array(bench, place, &mmu->psc.own[i], true);
        if (!bench->machine->stage2.isa)
            continue;
        note_array(bench, place, &mmu->nested.tlb, false);
        for (uint32_t i = 0; i < mmu->nested.pointers.n_own; i++)
            note_array(bench, place, &mmu->nested.pointers.own[i], true);
    }
}

static bool still_there(const struct found *found)
{
    return found->array->keys[found->slot] == found->key;
}

/* ---- instructions ---- */

static void issue_broadcast(struct cpu *cpu, void *context)
{
    const struct issue *issue = context;

    mmusim__broadcast_instruction(cpu, &issue->request, MISS_OTHER);
}

static bool is_broadcast(const struct inval_request *request)
{
    return request->n_invals && request->reach != REACH_SELF &&
           !request->has_harts;
}

/* Firmware runs the fence on each hart of the list. */
void conform_issue_to_harts(struct bench *bench,
                            const struct inval_request *request)
{
    for (uint32_t p = 0; p < PLACES; p++) {
        uint64_t hart = cpu_of_place[p] - request->hart_mask_base;

        if (request->hart_mask_base == UINT64_MAX ||
            (hart < 64 && (request->hart_mask >> hart & 1)))
            mmusim__inval_apply(
                &conform_cpu(bench, (enum conform_place) p)->mmu, request,
                MISS_OTHER);
    }
}

static void issue_request(struct bench *bench, const struct conform_case *c,
                          struct issue *issue)
{
    struct cpu *cpu = conform_cpu(bench, ISSUER);

    if (c->is_remote) {
        struct mmu *target = &conform_cpu(bench, INNER)->mmu;
        pfn_t root = target->root;

        mmusim__mmu_set_asid(target, c->target_asid);
        target->root = (pfn_t){c->target_cr3 >> BASE_PAGE_SHIFT};
        mmusim__inval_apply(target, &issue->request, MISS_OTHER);
        target->root = root;
    } else if (issue->request.has_harts) {
        conform_issue_to_harts(bench, &issue->request);
    } else if (is_broadcast(&issue->request)) {
        small_clear_script(bench->small, 0);
        small_do(bench->small, 0, issue_broadcast, issue);
        mmusim__cpu_wake(cpu, cpu->now, 0);
        small_drain(bench->small);
    } else {
        mmusim__inval_apply(&cpu->mmu, &issue->request, MISS_OTHER);
    }
}

bool conform_decode(const struct bench *bench, const struct conform_case *c,
                    struct issue *issue)
{
    const struct inval_instruction *row =
        mmusim__inval_find(bench->machine->isa, c->name);
    enum inval_outcome outcome;

    if (!row) {
        print_error("%s: no row of that name\n", c->name);
        return false;
    }
    outcome =
        mmusim__inval_decode(row, &c->operands, &c->issuer, &issue->request);
    if (outcome == c->outcome)
        return true;
    if (bench->counts->wrong < MAX_WRONG)
        print_error("%s %s: outcome %d, not %d (%s)\n", c->name, c->note,
                    outcome, c->outcome,
                    issue->request.why ? issue->request.why : "");
    return false;
}

/* ---- verdicts ---- */

void conform_wrong(const struct bench *bench, const struct conform_case *c,
                   const struct conform_entry *entry, const char *what)
{
    static const char *const places[] = {"issuer", "inner", "outer"};
    const struct tlb_context *context = &entry->context;

    if (bench->counts->wrong++ >= MAX_WRONG)
        return;
    print_error(
        "%s, %s, %s%s: %s: %s %s%s regime %d vmid %u asid %u root %llx "
        "pages %llx+%llx (named %llx, order %u), %s\n",
        bench->machine->name, organisation_names[bench->organisation], c->name,
        c->note, what, entry->kind == LEAF ? "leaf" : "pointer",
        entry->is_global ? "global " : "", context->has_asid ? "" : "(no asid)",
        context->regime, context->vmid, context->asid,
        (unsigned long long) context->stage2_root,
        (unsigned long long) entry->first, (unsigned long long) entry->n_pages,
        (unsigned long long) vpn_of(bench->target.vaddr).v, bench->target.order,
        places[entry->place]);
}

enum conform_verdict conform_verdict_of(const struct bench *bench,
                                        const struct conform_case *c,
                                        const struct conform_entry *entry)
{
    if (c->outcome != INVAL_LEGAL)
        return KEPT;
    return bench->machine->rule(c, entry, &bench->target);
}

static void judge(struct bench *bench, const struct conform_case *c,
                  const struct found *found)
{
    struct conform_counts *counts = bench->counts;
    enum conform_verdict verdict = conform_verdict_of(bench, c, &found->entry);
    bool is_kept = still_there(found);

    if (found->entry.context.regime == REGIME_STAGE2)
        counts->stage2++;
    else if (found->entry.kind == LEAF)
        counts->leaves++;
    else
        counts->pointers++;
    if (!is_kept)
        bench->needs_planting[found->entry.place] = true;
    if (verdict == EITHER) {
        (*(is_kept ? &counts->either_kept : &counts->either_dropped))++;
        return;
    }
    (*(verdict == KEPT ? &counts->kept : &counts->dropped))++;
    if (is_kept != (verdict == KEPT))
        conform_wrong(bench, c, &found->entry,
                      is_kept ? "still there" : "gone");
}

/* Whatever way a look-up takes, it must not find what had to go. */
static void judge_look_ups(struct bench *bench, const struct conform_case *c)
{
    for (uint32_t i = 0; i < bench->machine->n_contexts; i++) {
        struct conform_entry entry = {
            .context = bench->machine->contexts[i],
            .is_global = bench->is_global,
            .first = vpn_of(bench->pages[0]).v,
            .n_pages = UINT64_C(1) << bench->target.order,
            .level = bench->target.level,
        };

        for (uint32_t p = 0; p < PLACES; p++) {
            tlb_data_t data;

            entry.place = (enum conform_place) p;
            if (conform_verdict_of(bench, c, &entry) != DROPPED)
                continue;
            conform_load(bench, entry.place, &entry.context);
            for (uint32_t kind = 0; kind < ACCESS_KINDS; kind++) {
                bench->counts->look_ups++;
                if (mmusim__mmu_probe(&conform_cpu(bench, entry.place)->mmu,
                                      (enum access_kind) kind,
                                      bench->target.vaddr, &data))
                    conform_wrong(bench, c, &entry, "a look-up finds it");
            }
        }
    }
}

/* Others run in the last context, so that a scope that is not the sender's
 * shows. */
static void bench_load_for_issue(struct bench *bench)
{
    const struct conform_machine *machine = bench->machine;

    conform_load(bench, ISSUER, &machine->contexts[0]);
    for (uint32_t p = INNER; p < PLACES; p++)
        conform_load(bench, (enum conform_place) p,
                     &machine->contexts[machine->n_contexts - 1]);
}

static void run_case(struct bench *bench, const struct conform_case *c)
{
    struct issue issue;

    if (!conform_decode(bench, c, &issue)) {
        bench->counts->wrong++;
        return;
    }
    for (uint32_t p = 0; p < PLACES; p++) {
        if (bench->needs_planting[p])
            bench_plant(bench, (enum conform_place) p);
    }
    note_all(bench);
    bench_load_for_issue(bench);
    issue_request(bench, c, &issue);
    for (size_t i = 0; i < bench->n_found; i++)
        judge(bench, c, &bench->found[i]);
    judge_look_ups(bench, c);
    bench->counts->instructions++;
}

/* ---- all of it ---- */

/* One case in `stride`, another one on every machine. */
bool conform_is_sampled(const struct bench *bench, size_t i)
{
    return (i + bench->counts->machines) % bench->stride == 0;
}

static void run_bench(struct bench *bench)
{
    struct conform_list list = {0};

    bench_create(bench);
    bench_map(bench);
    for (uint32_t p = 0; p < PLACES; p++)
        bench->needs_planting[p] = true;
    bench->machine->add_cases(bench->machine, &bench->target, &list);
    for (size_t i = 0; i < list.n; i++) {
        if (conform_is_sampled(bench, i))
            run_case(bench, &list.cases[i]);
    }
    if (bench->organisation == SPLIT)
        conform_run_walks(bench, &list);
    free(list.cases);
    small_destroy(bench->small);
    bench->counts->machines++;
}

void conform_run(const struct conform_machine *machine, uint32_t stride,
                 struct conform_counts *counts)
{
    struct bench bench = {
        .machine = machine, .counts = counts, .stride = stride};

    assert_int_equal(
        mmusim__pt_format_init(&bench.format, &machine->format, NULL),
        MMUSIM_OK);
    bench.found = calloc(MAX_ENTRIES, sizeof(*bench.found));
    assert_non_null(bench.found);
    for (uint32_t level = 0; level < bench.format.n_levels; level++) {
        if (!bench.format.levels[level].has_leaves ||
            pt_level_order(&bench.format, level) > 18)
            continue;
        for (uint32_t i = 0; i < 2 * ORGANISATIONS; i++) {
            bench.organisation = (enum organisation)(i / 2);
            bench.is_global = i % 2;
            bench.target = (struct conform_target){
                .order = pt_level_order(&bench.format, level),
                .level = level,
                .format = &bench.format};
            run_bench(&bench);
        }
    }
    free(bench.found);
}
