/* SPDX-License-Identifier: MIT */
/*
 * What each x86 invalidation does to each kind of cached entry, as a matrix.
 * The expected side is written again from Intel SDM vol. 3A 4.10.4.1 (rules
 * I4, I6, I9-I13 of docs/x86-rules.md): it knows pages, PCIDs and the G bit,
 * and nothing of invalidate requests, keys or arrays. FREE marks what the
 * manual leaves open.
 */
#include "coherence/x86_ops.h"
#include "support/small_system.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum verdict { KEPT, DROPPED, FREE };

enum { PCID = 1, OTHER_PCID = 2 };

/* The address that instructions name: inside, not at the start of, its pages.
 */
#define TARGET UINT64_C(0x00007f12345ab000)

/* ---- instructions ---- */

enum mnemonic {
    INVLPG,
    INVPCID_0,
    INVPCID_1,
    INVPCID_2,
    INVPCID_3,
    CR3_WITHOUT_PCIDE,
    CR3_LOAD,
    CR3_LOAD_NOFLUSH,
    CR4_PGE,
    PAGE_FAULT,
};

struct instruction {
    const char *name;
    enum mnemonic mnemonic;
    uint16_t pcid; /* operand; the current one is PCID */
};

static const struct instruction instructions[] = {
    {"INVLPG", INVLPG, PCID},
    {"INVPCID 0, current", INVPCID_0, PCID},
    {"INVPCID 0, other", INVPCID_0, OTHER_PCID},
    {"INVPCID 1, current", INVPCID_1, PCID},
    {"INVPCID 1, other", INVPCID_1, OTHER_PCID},
    {"INVPCID 2", INVPCID_2, 0},
    {"INVPCID 3", INVPCID_3, 0},
    {"MOV CR3, PCIDE=0", CR3_WITHOUT_PCIDE, 0},
    {"MOV CR3, current", CR3_LOAD, PCID},
    {"MOV CR3, other", CR3_LOAD, OTHER_PCID},
    {"MOV CR3 no flush, current", CR3_LOAD_NOFLUSH, PCID},
    {"MOV CR3 no flush, other", CR3_LOAD_NOFLUSH, OTHER_PCID},
    {"MOV CR4.PGE", CR4_PGE, 0},
    {"#PF", PAGE_FAULT, PCID},
};

static void issue(const struct instruction *instruction, struct mmu *mmu)
{
    enum miss_cause cause = MISS_OTHER;

    switch (instruction->mnemonic) {
    case INVLPG:
        mmusim__x86_invlpg(mmu, TARGET, cause);
        return;
    case INVPCID_0:
    case INVPCID_1:
    case INVPCID_2:
    case INVPCID_3:
        assert_true(mmusim__x86_invpcid(
            mmu, (enum invpcid_type)(instruction->mnemonic - INVPCID_0),
            instruction->pcid, TARGET, cause));
        return;
    case CR3_WITHOUT_PCIDE:
    case CR3_LOAD:
        mmusim__x86_mov_cr3(mmu, mmu->root, instruction->pcid, CR3_FLUSH,
                            cause);
        return;
    case CR3_LOAD_NOFLUSH:
        mmusim__x86_mov_cr3(mmu, mmu->root, instruction->pcid, CR3_NOFLUSH,
                            cause);
        return;
    case CR4_PGE:
        mmusim__x86_flush_everything(mmu, cause);
        return;
    case PAGE_FAULT:
        mmusim__x86_page_fault(mmu, TARGET);
        return;
    }
}

/* ---- kinds of entries ---- */

enum kind {
    LEAF,     /* an entry of its page's own size */
    FRAGMENT, /* 4K entries of a 2M or 1G page */
    POINTER,  /* in a paging-structure cache */
    WALK,     /* in flight; nothing of it read yet */
    WALK_END, /* in flight; its leaf has been read */
};

/* Where the entry's page, or what a pointer spans, lies. */
enum place {
    HERE,      /* TARGET is in the entry itself */
    SAME_PAGE, /* of the same page as TARGET, another part of it */
    ELSEWHERE, /* in another page */
};

struct entry {
    enum kind kind;
    enum place place;
    uint32_t level; /* of the page, or of the table pointed to */
    uint16_t pcid;
    bool is_global;
};

static const char *const kind_names[] = {"leaf", "fragment", "pointer", "walk",
                                         "walk at its end"};
static const char *const place_names[] = {"here", "same page", "elsewhere"};

static uint64_t page_bytes(uint32_t level)
{
    return UINT64_C(1) << (12 + 9 * level);
}

static uint64_t entry_vaddr(const struct entry *entry)
{
    uint32_t span = entry->kind == POINTER ? entry->level + 1 : entry->level;

    switch (entry->place) {
    case HERE:
        return TARGET;
    case SAME_PAGE:
        return TARGET ^ page_bytes(entry->level - 1);
    case ELSEWHERE:
        break;
    }
    return TARGET ^ page_bytes(span);
}

/* ---- the manual ---- */

static bool covers_target(const struct entry *entry)
{
    return entry->place != ELSEWHERE;
}

/* TLB entries, 4.10.4.1; a page cached in parts goes with all its parts. */
static bool leaf_must_go(const struct instruction *i, const struct entry *entry)
{
    bool is_of_pcid = entry->pcid == i->pcid && !entry->is_global;

    switch (i->mnemonic) {
    case INVLPG:
        return covers_target(entry) && (is_of_pcid || entry->is_global);
    case INVPCID_0:
        return covers_target(entry) && is_of_pcid;
    case INVPCID_1:
    case CR3_LOAD:
        return is_of_pcid;
    case INVPCID_2:
    case CR4_PGE:
        return true;
    case INVPCID_3:
    case CR3_WITHOUT_PCIDE:
        return !entry->is_global;
    case CR3_LOAD_NOFLUSH:
        return false;
    case PAGE_FAULT: /* "will not recur": a global entry must not cause it */
        return covers_target(entry) && (is_of_pcid || entry->is_global);
    }
    return false;
}

static enum verdict pointer_verdict(const struct instruction *i,
                                    const struct entry *entry)
{
    bool is_of_pcid = entry->pcid == i->pcid;

    switch (i->mnemonic) {
    case INVLPG: /* whatever the address */
    case INVPCID_1:
    case CR3_LOAD:
        return is_of_pcid ? DROPPED : KEPT;
    case INVPCID_0: /* those used for the address; others may go */
        if (!is_of_pcid)
            return KEPT;
        return covers_target(entry) ? DROPPED : FREE;
    case INVPCID_2:
    case INVPCID_3:
    case CR4_PGE:
    case CR3_WITHOUT_PCIDE:
        return DROPPED;
    case CR3_LOAD_NOFLUSH:
        return KEPT;
    case PAGE_FAULT:
        return is_of_pcid && covers_target(entry) ? DROPPED : KEPT;
    }
    return FREE;
}

/* A walk holds pointers to tables and, at its end, the leaf: what would have
 * to be dropped if it were cached must not be entered. A leaf that it has yet
 * to read is read after the instruction: only the pointers count. */
static enum verdict walk_verdict(const struct instruction *i,
                                 const struct entry *entry)
{
    const struct entry pointer = {.place = HERE, .pcid = entry->pcid};
    struct entry leaf = *entry;

    if (leaf_must_go(i, &leaf) && entry->kind == WALK_END)
        return DROPPED;
    /* All of them share the root; #PF drops those used for its own page. */
    if (pointer_verdict(i, &pointer) == DROPPED &&
        (i->mnemonic != PAGE_FAULT || entry->place == HERE))
        return DROPPED;
    leaf.is_global = true; /* what it is, a walk may not tell before its end */
    return leaf_must_go(i, &leaf) || leaf_must_go(i, entry) ? FREE : KEPT;
}

static enum verdict expected(const struct instruction *i,
                             const struct entry *entry)
{
    if (entry->kind == POINTER)
        return pointer_verdict(i, entry);
    if (entry->kind == WALK || entry->kind == WALK_END)
        return walk_verdict(i, entry);
    if (leaf_must_go(i, entry))
        return DROPPED;
    /* Once a page is cached in parts, more than it may go. */
    if (entry->kind == FRAGMENT && i->mnemonic != CR3_LOAD_NOFLUSH)
        return entry->place == ELSEWHERE &&
                       leaf_must_go(
                           i, &(struct entry){.place = HERE,
                                              .pcid = entry->pcid,
                                              .is_global = entry->is_global})
                   ? FREE
                   : KEPT;
    return KEPT;
}

/* ---- the machine ---- */

static struct small_system *make_machine(const struct instruction *i,
                                         const struct entry *entry)
{
    struct small_options options;
    struct small_system *small;
    struct mmu *mmu;

    small_options_init(&options);
    options.n_sockets = options.cores_per_socket = 1;
    options.threads_per_core = 1;
    options.has_pcid = i->mnemonic != CR3_WITHOUT_PCIDE;
    options.n_levels = 5;
    for (uint32_t level = 0; level <= TLB_L2; level++)
        small_options_tlb(&options, (enum tlb_level) level, 16,
                          entry->kind == FRAGMENT ? 1 : 3);
    small = small_create(&options);
    mmu = &small->system.cpus[0].mmu;
    mmusim__mmu_set_asid(mmu, options.has_pcid ? PCID : 0);
    return small;
}

static bool group_has(const struct tlb_group *group, const struct entry *entry)
{
    return mmusim__tlb_array_probe(group->arrays[0], vpn_of(entry_vaddr(entry)),
                                   entry->pcid) != TLB_NO_SLOT;
}

static bool leaf_is_there(const struct mmu *mmu, const struct entry *entry)
{
    bool in_l1d = group_has(&mmu->tlb[TLB_L1D], entry);

    assert_int_equal(group_has(&mmu->tlb[TLB_L1I], entry), in_l1d);
    assert_int_equal(group_has(&mmu->tlb[TLB_L2], entry), in_l1d);
    return in_l1d;
}

static void put_leaf(struct mmu *mmu, const struct entry *entry)
{
    const struct mmu_fill fill = {
        .vaddr = entry_vaddr(entry),
        .order = 9 * entry->level,
        .tags = entry->pcid,
        .data = tlb_data((pfn_t){UINT64_C(1) << 20},
                         TLB_READ | (entry->is_global ? TLB_GLOBAL : 0)),
        .kinds = 1U << ACCESS_LOAD | 1U << ACCESS_FETCH | 1U << ACCESS_STORE,
    };

    mmusim__mmu_fill(mmu, &fill);
}

static bool survives_as_leaf(const struct instruction *i, struct mmu *mmu,
                             const struct entry *entry)
{
    put_leaf(mmu, entry);
    if (entry->kind == FRAGMENT) { /* the part that has TARGET, too */
        struct entry here = *entry;

        here.place = HERE;
        put_leaf(mmu, &here);
    }
    assert_true(leaf_is_there(mmu, entry));
    issue(i, mmu);
    return leaf_is_there(mmu, entry);
}

static bool survives_as_pointer(const struct instruction *i, struct mmu *mmu,
                                const struct entry *entry)
{
    struct tlb_array *cache = mmu->psc.at[entry->level];
    vpn_t vpn = vpn_of(entry_vaddr(entry));
    struct tlb_removed removed;

    mmusim__tlb_array_insert(
        cache, tlb_key(vpn, 9 * (entry->level + 1), entry->pcid, false),
        tlb_data((pfn_t){5}, TLB_READ), 0, &removed);
    issue(i, mmu);
    return mmusim__tlb_array_probe(cache, vpn, entry->pcid) != TLB_NO_SLOT;
}

struct late_issue {
    const struct instruction *instruction;
    struct mmu *mmu;
};

static void issue_now(struct cpu *cpu, void *context)
{
    const struct late_issue *late = context;

    (void) cpu;
    issue(late->instruction, late->mmu);
}

/* Lets the walk begin, issues the instruction before the first read or after
 * the last, and looks how the walk ends. */
static bool survives_as_walk(const struct instruction *i,
                             struct small_system *small,
                             const struct entry *entry)
{
    const struct small_options *options = &small->options;
    struct mmu *mmu = &small->system.cpus[0].mmu;
    uint16_t current = mmu->context.asid;
    struct walk_request request = {.vaddr = entry_vaddr(entry)};
    struct late_issue late = {i, mmu};
    uint64_t end = options->walker.start_cycles +
                   (5 - entry->level) * (uint64_t) options->memory.fixed_cycles;
    uint64_t paddr =
        small_map_user(small, mmu->root, request.vaddr, entry->level);

    if (entry->is_global) /* bit 8 */
        mmusim__pt_write(small->shared.tables, paddr,
                         mmusim__pt_read(small->shared.tables, paddr) | 0x100);
    mmusim__mmu_set_asid(mmu, entry->pcid);
    mmusim__walk_ask(mmu, &request, 0);
    mmusim__mmu_set_asid(mmu, current);
    small_busy(small, 0, entry->kind == WALK ? 1 : end - 1, BUCKET_BASE);
    small_do(small, 0, issue_now, &late);
    small_run(small);
    assert_int_equal(small->cpus[0].n_answers, 1);
    assert_int_equal(small->cpus[0].answered_cycle, end);
    assert_int_equal(group_has(&mmu->tlb[TLB_L1D], entry),
                     small->cpus[0].outcome == WALK_FILLED);
    assert_int_equal(group_has(&mmu->tlb[TLB_L2], entry),
                     small->cpus[0].outcome == WALK_FILLED);
    return small->cpus[0].outcome == WALK_FILLED;
}

static bool survives(const struct instruction *i, const struct entry *entry)
{
    struct small_system *small = make_machine(i, entry);
    struct mmu *mmu = &small->system.cpus[0].mmu;
    bool result;

    if (entry->kind == POINTER)
        result = survives_as_pointer(i, mmu, entry);
    else if (entry->kind == LEAF || entry->kind == FRAGMENT)
        result = survives_as_leaf(i, mmu, entry);
    else
        result = survives_as_walk(i, small, entry);
    small_destroy(small);
    return result;
}

/* ---- the matrix ---- */

/* Does the combination exist? */
static bool exists(const struct instruction *i, const struct entry *entry)
{
    if ((entry->pcid == 0) != (i->mnemonic == CR3_WITHOUT_PCIDE))
        return false;
    switch (entry->kind) {
    case LEAF:
        return entry->level < 3 && entry->place != SAME_PAGE;
    case FRAGMENT:
        return entry->level > 0 && entry->level < 3;
    case POINTER:
        return !entry->is_global && entry->place != SAME_PAGE;
    case WALK:
    case WALK_END:
        return entry->level < 3 && (entry->level || entry->place != SAME_PAGE);
    }
    return false;
}

struct tally {
    uint32_t n_cells, n_free, n_wrong;
};

static void check_cell(const struct instruction *i, const struct entry *entry,
                       struct tally *tally)
{
    enum verdict verdict = expected(i, entry);
    bool is_kept = survives(i, entry);

    tally->n_cells++;
    tally->n_free += verdict == FREE;
    if (verdict == FREE || is_kept == (verdict == KEPT))
        return;
    tally->n_wrong++;
    print_error("%s: %s, %s, level %u, PCID %u%s was %s\n", i->name,
                kind_names[entry->kind], place_names[entry->place],
                entry->level, entry->pcid, entry->is_global ? ", global" : "",
                is_kept ? "kept" : "dropped");
}

static void check_instruction(const struct instruction *i, struct tally *tally)
{
    enum { N = 5 * 3 * 4 * 3 * 2 };

    for (uint32_t n = 0; n < N; n++) {
        const struct entry entry = {
            .kind = (enum kind)(n % 5),
            .place = (enum place)(n / 5 % 3),
            .level = n / 15 % 4,
            .pcid = (uint16_t) (n / 60 % 3),
            .is_global = n / 180,
        };

        if (exists(i, &entry))
            check_cell(i, &entry, tally);
    }
}

static void every_instruction_drops_what_the_manual_says(void **state)
{
    struct tally tally = {0};

    (void) state;
    for (size_t i = 0; i < sizeof(instructions) / sizeof(instructions[0]); i++)
        check_instruction(&instructions[i], &tally);
    print_message("%u cells, %u of them left open by the manual\n",
                  tally.n_cells, tally.n_free);
    assert_int_equal(tally.n_wrong, 0);
    assert_true(tally.n_cells > 800);
}

/* ---- what the matrix does not hold ---- */

static void invpcid_of_a_pcid_without_pcide_is_a_fault(void **state)
{
    struct small_options options;
    struct small_system *small;
    struct mmu *mmu;

    (void) state;
    small_options_init(&options);
    small = small_create(&options);
    mmu = &small->system.cpus[0].mmu;
    assert_false(
        mmusim__x86_invpcid(mmu, INVPCID_ADDRESS, 1, TARGET, MISS_OTHER));
    assert_false(
        mmusim__x86_invpcid(mmu, INVPCID_CONTEXT, 1, TARGET, MISS_OTHER));
    assert_true(
        mmusim__x86_invpcid(mmu, INVPCID_CONTEXT, 0, TARGET, MISS_OTHER));
    assert_true(mmusim__x86_invpcid(mmu, INVPCID_ALL, 1, TARGET, MISS_OTHER));
    small_destroy(small);
}

static void mov_cr3_loads_the_root_and_the_pcid(void **state)
{
    struct small_options options;
    struct small_system *small;
    struct mmu *mmu;

    (void) state;
    small_options_init(&options);
    options.has_pcid = true;
    small = small_create(&options);
    mmu = &small->system.cpus[0].mmu;
    mmusim__x86_mov_cr3(mmu, (pfn_t){99}, 7, CR3_NOFLUSH, MISS_SWITCH);
    assert_int_equal(mmu->root.v, 99);
    assert_int_equal(mmu->context.asid, 7);
    small_destroy(small);
}

/* A fault of a stale global entry would come again for ever. */
static void regress_a_page_fault_drops_the_global_entry_it_met(void **state)
{
    const struct entry entry = {.pcid = PCID, .is_global = true};

    (void) state;
    assert_false(survives(&instructions[13], &entry));
}

/* Bit 63 means nothing while CR4.PCIDE = 0: Linux never sets it there. */
static void without_pcide_every_cr3_load_flushes(void **state)
{
    const struct entry entry = {.kind = LEAF, .pcid = 0};
    const struct instruction i = {.mnemonic = CR3_WITHOUT_PCIDE};
    struct small_system *small = make_machine(&i, &entry);
    struct mmu *mmu = &small->system.cpus[0].mmu;

    (void) state;
    put_leaf(mmu, &entry);
    mmusim__x86_mov_cr3(mmu, mmu->root, 0, CR3_NOFLUSH, MISS_SWITCH);
    assert_false(leaf_is_there(mmu, &entry));
    small_destroy(small);
}

/* I14 allows more; each logical CPU has TLBs of its own. */
static void the_other_hardware_thread_keeps_its_entries(void **state)
{
    const struct entry entry = {.kind = LEAF, .pcid = 0};
    struct small_options options;
    struct small_system *small;
    struct cpu *cpus;

    (void) state;
    small_options_init(&options);
    small = small_create(&options);
    cpus = small->system.cpus;
    assert_int_equal(cpus[0].core, cpus[4].core);
    put_leaf(&cpus[0].mmu, &entry);
    put_leaf(&cpus[4].mmu, &entry);
    mmusim__x86_flush_everything(&cpus[0].mmu, MISS_OTHER);
    assert_false(leaf_is_there(&cpus[0].mmu, &entry));
    assert_true(leaf_is_there(&cpus[4].mmu, &entry));
    small_destroy(small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_instruction_drops_what_the_manual_says),
        cmocka_unit_test(invpcid_of_a_pcid_without_pcide_is_a_fault),
        cmocka_unit_test(mov_cr3_loads_the_root_and_the_pcid),
        cmocka_unit_test(without_pcide_every_cr3_load_flushes),
        cmocka_unit_test(the_other_hardware_thread_keeps_its_entries),
        cmocka_unit_test(regress_a_page_fault_drops_the_global_entry_it_met),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
