/* SPDX-License-Identifier: MIT */
/*
 * Break-before-make. Descriptors are literal words (Arm ARM DDI 0487 D8.3.2);
 * the sequences are those of herdtools7's catalogue/aarch64-BBM, whose verdicts
 * (flag Warning-BBM-expected or not) are asserted under the tests' names.
 */
#include "coherence/arm_bbm.h"
#include "support/format_list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* Level 3, 4K granule: page, AF, SH = inner, AttrIndx 0, AP[2] read-only. */
#define PAGE       UINT64_C(0x703)
#define READ_ONLY  (UINT64_C(1) << 7)
#define AF         (UINT64_C(1) << 10)
#define NG         (UINT64_C(1) << 11)
#define ATTR_1     (UINT64_C(1) << 2)
#define SH_OUTER   (UINT64_C(2) << 8)
#define SH         (UINT64_C(3) << 8)
#define CONTIGUOUS (UINT64_C(1) << 52)
#define NT         (UINT64_C(1) << 16)
#define BLOCK      UINT64_C(0x701)
#define TABLE      UINT64_C(0x3)
#define PA_X       UINT64_C(0x80000000)
#define PA_Y       UINT64_C(0x90000000)
#define VADDR      UINT64_C(0x40000000)

enum { WRITER = 0, OTHER = 1, ASID = 7 };

static struct pt_format format;
static struct bbm *bbm;

static int setup(void **state)
{
    struct pt_options options = {
        .isa = "armv8", .granule_bytes = 4096, .vaddr_bits = 48};

    (void) state;
    format = format_of(&options);
    bbm = mmusim__bbm_create(0);
    return !bbm;
}

static int teardown(void **state)
{
    (void) state;
    mmusim__bbm_destroy(bbm);
    return 0;
}

static struct bbm_update update_of(uint64_t old_word, uint64_t new_word)
{
    return (struct bbm_update){
        .format = &format,
        .cpu = WRITER,
        .entry_paddr = 0x1000,
        .vaddr = VADDR,
        .old_word = old_word,
        .new_word = new_word,
        .contents_differ = true,
        .context = {.regime = REGIME_EL1, .has_asid = true, .asid = ASID},
    };
}

static enum bbm_reason needed(uint64_t old_word, uint64_t new_word)
{
    struct bbm_update update = update_of(old_word, new_word);

    return mmusim__bbm_needed(&update, 0);
}

static enum bbm_omission store(uint64_t old_word, uint64_t new_word)
{
    struct bbm_update update = update_of(old_word, new_word);
    struct bbm_verdict verdict;

    assert_true(mmusim__bbm_write(bbm, &update, &verdict));
    return verdict.omission;
}

static void dsb(uint32_t cpu, const char *option)
{
    struct arm_dsb barrier;

    assert_true(mmusim__arm_dsb_find(option, &barrier));
    mmusim__bbm_dsb(bbm, cpu, &barrier);
}

static void tlbi(uint32_t cpu, const char *name, uint64_t vaddr, uint64_t asid)
{
    struct inval_issuer issuer = {
        .context = {.regime = REGIME_EL1, .has_asid = true},
        .arm = {.features = ARM_XS | ARM_OS, .el = 1, .asid_bits = 16}};
    struct inval_operands operands = {.reg = {vaddr >> 12 | asid << 48}};
    struct inval_request request;

    assert_int_equal(mmusim__inval_decode(mmusim__inval_find(INVAL_ARMV8, name),
                                          &operands, &issuer, &request),
                     INVAL_LEGAL);
    mmusim__bbm_tlbi(bbm, cpu, &request);
}

struct change {
    uint64_t before, after;
    enum bbm_reason reason;
};

static const struct change changes[] = {
    {PAGE | PA_X, PAGE | PA_X, BBM_NOT_NEEDED},
    {PAGE | PA_X, PAGE | PA_Y, BBM_OUTPUT_ADDRESS},
    {PAGE | PA_X, 0, BBM_NOT_NEEDED},
    {0, PAGE | PA_Y, BBM_NOT_NEEDED},
    {PAGE | PA_X, (PAGE | PA_Y) & ~AF, BBM_NOT_NEEDED},
    {(PAGE | PA_X) & ~AF, PAGE | PA_Y, BBM_NOT_NEEDED},
    {PAGE | PA_X, PAGE | PA_X | ATTR_1, BBM_MEMORY_TYPE},
    {PAGE | PA_X, ((PAGE | PA_X) & ~SH) | SH_OUTER, BBM_SHAREABILITY},
    {PAGE | PA_X, PAGE | PA_X | READ_ONLY, BBM_NOT_NEEDED},
    {PAGE | PA_X | READ_ONLY, PAGE | PA_X, BBM_NOT_NEEDED},
    {PAGE | PA_X | NG, PAGE | PA_X, BBM_GLOBAL},
    {PAGE | PA_X, PAGE | PA_X | NG, BBM_NOT_NEEDED},
    {PAGE | PA_X, PAGE | PA_X | CONTIGUOUS, BBM_CONTIGUOUS},
};

static void what_changes_says_whether_it_is_needed(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
        assert_int_equal(needed(changes[i].before, changes[i].after),
                         changes[i].reason);
}

static void sizes_and_runs_may_change_at_bbm_level_2(void **state)
{
    struct bbm_update size = update_of(BLOCK | PA_X, TABLE | PA_Y);
    struct bbm_update run = update_of(PAGE | PA_X, PAGE | PA_X | CONTIGUOUS);

    (void) state;
    size.level = 1;
    assert_int_equal(mmusim__bbm_needed(&size, 0), BBM_BLOCK_SIZE);
    assert_int_equal(mmusim__bbm_needed(&size, 1), BBM_BLOCK_SIZE);
    assert_int_equal(mmusim__bbm_needed(&size, 2), BBM_NOT_NEEDED);
    assert_int_equal(mmusim__bbm_needed(&run, 2), BBM_NOT_NEEDED);
    size.old_word |= NT;
    assert_int_equal(mmusim__bbm_needed(&size, 0), BBM_BLOCK_SIZE);
    assert_int_equal(mmusim__bbm_needed(&size, 1), BBM_NOT_NEEDED);
}

/* catalogue/aarch64-BBM: CoRR+PteOA.DB0, .DB0.val, .DB1.val */
static void herd_corr_pteoa_depends_on_contents_and_writability(void **state)
{
    struct bbm_update update =
        update_of(PAGE | PA_X | READ_ONLY, PAGE | PA_Y | READ_ONLY);

    (void) state;
    assert_int_equal(mmusim__bbm_needed(&update, 0), BBM_OUTPUT_ADDRESS);
    update.contents_differ = false;
    assert_int_equal(mmusim__bbm_needed(&update, 0), BBM_NOT_NEEDED);
    update.new_word &= ~READ_ONLY;
    assert_int_equal(mmusim__bbm_needed(&update, 0), BBM_OUTPUT_ADDRESS);
}

/* catalogue/aarch64-BBM: MP+tlbi-sync.ishsptev0pteoa.v1+pos */
static void herd_break_dsb_tlbi_dsb_make_is_observed(void **state)
{
    (void) state;
    assert_int_equal(store(PAGE | PA_X, 0), BBM_OBSERVED);
    assert_int_equal(mmusim__bbm_n_pending(bbm), 1);
    dsb(WRITER, "ISH");
    tlbi(WRITER, "VAAE1IS", VADDR, 0);
    dsb(WRITER, "ISH");
    assert_int_equal(mmusim__bbm_n_pending(bbm), 0);
    assert_int_equal(store(0, PAGE | PA_Y), BBM_OBSERVED);
    assert_int_equal(mmusim__bbm_violations(bbm, BBM_OUTPUT_ADDRESS), 0);
}

/* catalogue/aarch64-BBM: MP+tlbi-sync.ishspteaf0pteoa.af1+pos */
static void herd_clearing_af_breaks_as_well(void **state)
{
    (void) state;
    assert_int_equal(store(PAGE | PA_X, (PAGE | PA_X) & ~AF), BBM_OBSERVED);
    dsb(WRITER, "ISH");
    tlbi(WRITER, "VAAE1IS", VADDR, 0);
    dsb(WRITER, "ISH");
    assert_int_equal(store((PAGE | PA_X) & ~AF, PAGE | PA_Y), BBM_OBSERVED);
}

static void a_change_without_a_break_is_a_violation(void **state)
{
    (void) state;
    assert_int_equal(store(PAGE | PA_X, PAGE | PA_Y), BBM_NOT_BROKEN);
    assert_int_equal(mmusim__bbm_violations(bbm, BBM_OUTPUT_ADDRESS), 1);
    assert_string_equal(mmusim__bbm_reason_name(BBM_OUTPUT_ADDRESS),
                        "output address");
}

struct sequence {
    const char *first_dsb, *tlbi, *last_dsb;
    uint64_t vaddr, asid;
    uint32_t last_cpu;
    enum bbm_omission omission;
};

static const struct sequence sequences[] = {
    {"ISHST", "VAE1IS", "ISH", VADDR, ASID, WRITER, BBM_OBSERVED},
    {"ISHST", "VAE1OS", "OSH", VADDR, ASID, WRITER, BBM_OBSERVED},
    {"ISHST", "VALE1IS", "ISH", VADDR, ASID, WRITER, BBM_OBSERVED},
    {"ISHST", "ASIDE1IS", "ISH", VADDR, ASID, WRITER, BBM_OBSERVED},
    {"ISHST", "VAE1ISNXS", "ISHNXS", VADDR, ASID, WRITER, BBM_OBSERVED},
    {NULL, "VAE1IS", "ISH", VADDR, ASID, WRITER, BBM_NOT_INVALIDATED},
    {NULL, "VAE1IS", NULL, VADDR, ASID, WRITER, BBM_NOT_ORDERED},
    {"ISHLD", "VAE1IS", NULL, VADDR, ASID, WRITER, BBM_NOT_ORDERED},
    {"ISHST", NULL, "ISH", VADDR, ASID, WRITER, BBM_NOT_INVALIDATED},
    {"ISHST", "VAE1", "ISH", VADDR, ASID, WRITER, BBM_NOT_INVALIDATED},
    {"ISHST", "VAE1IS", "ISH", VADDR, 8, WRITER, BBM_NOT_INVALIDATED},
    {"ISHST", "VAE1IS", "ISH", VADDR + 4096, ASID, WRITER, BBM_NOT_INVALIDATED},
    {"ISHST", "VAE1IS", NULL, VADDR, ASID, WRITER, BBM_NOT_COMPLETE},
    {"ISHST", "VAE1IS", "ISHST", VADDR, ASID, WRITER, BBM_NOT_COMPLETE},
    {"ISHST", "VAE1IS", "NSH", VADDR, ASID, WRITER, BBM_NOT_COMPLETE},
    {"ISHST", "VAE1IS", "ISH", VADDR, ASID, OTHER, BBM_NOT_COMPLETE},
    {"ISHST", "VAE1IS", "ISHNXS", VADDR, ASID, WRITER, BBM_NOT_COMPLETE},
    {"ISHST", "VAE1OS", "ISH", VADDR, ASID, WRITER, BBM_NOT_COMPLETE},
};

static void every_step_left_out_is_named(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof(sequences) / sizeof(sequences[0]); i++) {
        const struct sequence *sequence = &sequences[i];

        store(PAGE | PA_X | NG, 0);
        if (sequence->first_dsb)
            dsb(WRITER, sequence->first_dsb);
        if (sequence->tlbi)
            tlbi(WRITER, sequence->tlbi, sequence->vaddr, sequence->asid);
        if (sequence->last_dsb)
            dsb(sequence->last_cpu, sequence->last_dsb);
        assert_int_equal(store(0, PAGE | PA_Y | NG), sequence->omission);
        assert_int_equal(mmusim__bbm_n_pending(bbm), 0);
    }
}

static void a_page_that_comes_back_as_it_was_needs_nothing(void **state)
{
    (void) state;
    store(PAGE | PA_X, 0);
    assert_int_equal(store(0, PAGE | PA_X), BBM_OBSERVED);
    /* but what was there may still be cached */
    store(PAGE | PA_X, 0);
    assert_int_equal(store(0, PAGE | PA_Y), BBM_NOT_ORDERED);
}

static void a_table_needs_a_tlbi_that_reaches_pointers(void **state)
{
    struct bbm_update broken = update_of(TABLE | PA_X, 0);
    struct bbm_update made = update_of(0, BLOCK | PA_Y);
    struct bbm_verdict verdict;

    (void) state;
    for (int leaf_only = 0; leaf_only < 2; leaf_only++) {
        broken.level = made.level = 1;
        mmusim__bbm_write(bbm, &broken, &verdict);
        dsb(WRITER, "ISHST");
        tlbi(WRITER, leaf_only ? "VALE1IS" : "VAE1IS", VADDR, ASID);
        dsb(WRITER, "ISH");
        mmusim__bbm_write(bbm, &made, &verdict);
        assert_int_equal(verdict.omission,
                         leaf_only ? BBM_NOT_INVALIDATED : BBM_OBSERVED);
    }
}

static void many_descriptors_may_be_broken_at_a_time(void **state)
{
    enum { PAGES = 500 };

    (void) state;
    for (uint64_t i = 0; i < PAGES; i++) {
        struct bbm_update update = update_of(PAGE | PA_X, 0);
        struct bbm_verdict verdict;

        update.entry_paddr += 8 * i;
        update.vaddr += 4096 * i;
        assert_true(mmusim__bbm_write(bbm, &update, &verdict));
    }
    assert_int_equal(mmusim__bbm_n_pending(bbm), PAGES);
    dsb(WRITER, "ISHST");
    tlbi(WRITER, "VAE1IS", VADDR + 4096, ASID);
    dsb(WRITER, "ISH");
    assert_int_equal(mmusim__bbm_n_pending(bbm), PAGES - 1);
    tlbi(WRITER, "VMALLE1IS", 0, 0);
    dsb(WRITER, "ISH");
    assert_int_equal(mmusim__bbm_n_pending(bbm), 0);
}

#define BBM_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BBM_TEST(what_changes_says_whether_it_is_needed),
        BBM_TEST(sizes_and_runs_may_change_at_bbm_level_2),
        BBM_TEST(herd_corr_pteoa_depends_on_contents_and_writability),
        BBM_TEST(herd_break_dsb_tlbi_dsb_make_is_observed),
        BBM_TEST(herd_clearing_af_breaks_as_well),
        BBM_TEST(a_change_without_a_break_is_a_violation),
        BBM_TEST(every_step_left_out_is_named),
        BBM_TEST(a_page_that_comes_back_as_it_was_needs_nothing),
        BBM_TEST(a_table_needs_a_tlbi_that_reaches_pointers),
        BBM_TEST(many_descriptors_may_be_broken_at_a_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
