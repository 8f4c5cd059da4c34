/* SPDX-License-Identifier: MIT */
/*
 * Laws that hold between invalidate instructions whatever the table says of
 * each: what a narrower one drops, a wider one drops; a range drops what its
 * pages one by one drop; a fault or no effect has a reason and no request.
 */
#include "coherence/inval_instruction.h"
#include "core/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROUNDS = 20000, N_CONTEXTS = 24, N_KEYS = 48 };

static struct tlb_contexts *contexts;
static struct rng rng;

static uint32_t below(uint32_t bound)
{
    return mmusim__rng_below(&rng, bound);
}

/* A few of everything, so that operands and entries often meet. */
static const struct tlb_context *context_at(uint32_t i)
{
    static struct tlb_context context;

    context = (struct tlb_context){
        .regime = (enum tlb_regime)(i % REGIME_COUNT),
        .vmid = (uint16_t) (i / 3 % 3),
        .stage2_root = i / 9 % 2 ? 0x1000 : 0,
        .has_asid = true,
        .asid = (uint16_t) (1 + i % 2),
    };
    return &context;
}

static int setup(void **state)
{
    (void) state;
    mmusim__rng_init(&rng, 20260301, 0);
    contexts = mmusim__tlb_contexts_create();
    return !contexts;
}

static int teardown(void **state)
{
    (void) state;
    mmusim__tlb_contexts_destroy(contexts);
    return 0;
}

/* An entry near 1 GiB, at most 16 pages from it, of some size. */
static uint64_t random_key(bool *is_pointer)
{
    static const uint32_t orders[] = {0, 0, 0, 2, 4, 9, 18};
    struct tlb_context context = *context_at(below(N_CONTEXTS));
    struct tlb_context global = context;
    uint64_t vpn = (UINT64_C(1) << 18) + below(16);
    uint32_t order = orders[below(7)];
    uint16_t own = 0, of_globals = 0;

    global.has_asid = false;
    global.asid = 0;
    assert_true(mmusim__tlb_context_intern(contexts, &context, &own));
    assert_true(mmusim__tlb_context_intern(contexts, &global, &of_globals));
    *is_pointer = !below(4);
    if (*is_pointer && order < 9)
        order = 9;
    return tlb_key((vpn_t){vpn}, order, tlb_tags(own, of_globals),
                   !*is_pointer && !below(3));
}

static bool drops(const struct inval_request *request, uint64_t key,
                  bool is_pointer)
{
    for (uint32_t i = 0; i < request->n_invals; i++) {
        const struct inval *inval = &request->invals[i];

        if (is_pointer ? psc_entry_is_hit_by_inval(key, inval, contexts)
                       : tlb_entry_is_hit_by_inval(key, inval, contexts))
            return true;
    }
    return false;
}

static uint64_t random_vaddr(void)
{
    return ((UINT64_C(1) << 18) + below(16)) << 12;
}

static struct inval_issuer issuer_of(enum inval_isa isa)
{
    struct inval_issuer issuer = {.context = *context_at(3 * below(6))};

    switch (isa) {
    case INVAL_X86:
        issuer.x86 = (struct x86_issuer){.features = UINT32_MAX,
                                         .vaddr_bits = 48,
                                         .cr0 = X86_CR0_PG,
                                         .cr4 = X86_CR4_PGE | X86_CR4_PCIDE,
                                         .invlpgb_count_max = 7,
                                         .n_svm_asids = 8};
        break;
    case INVAL_ARMV8:
    case INVAL_ARMV7:
        issuer.arm = (struct arm_issuer){
            .features = UINT32_MAX, .el = 2, .asid_bits = 16};
        break;
    case INVAL_RISCV:
        issuer.riscv = (struct riscv_issuer){.features = UINT32_MAX,
                                             .mode = RISCV_S,
                                             .vaddr_bits = 48,
                                             .asid_bits = 16,
                                             .vmid_bits = 14,
                                             .hgatp_vmid = 1};
        break;
    case INVAL_ISA_COUNT:
        break;
    }
    return issuer;
}

static struct inval_request decode(enum inval_isa isa, const char *name,
                                   const struct inval_operands *operands,
                                   const struct inval_issuer *issuer)
{
    const struct inval_instruction *row = mmusim__inval_find(isa, name);
    struct inval_request request;

    assert_non_null(row);
    assert_int_equal(mmusim__inval_decode(row, operands, issuer, &request),
                     INVAL_LEGAL);
    return request;
}

/* The law itself; returns how many entries both, and only the wider, drop. */
struct meeting {
    uint64_t both, wider_only;
};

static void check_subset(const struct inval_request *narrow,
                         const struct inval_request *wide,
                         struct meeting *meeting)
{
    for (int i = 0; i < N_KEYS; i++) {
        bool is_pointer;
        uint64_t key = random_key(&is_pointer);
        bool by_narrow = drops(narrow, key, is_pointer);
        bool by_wide = drops(wide, key, is_pointer);

        if (by_narrow && !by_wide)
            fail_msg("%s drops %#llx, %s does not", narrow->row->name,
                     (unsigned long long) key, wide->row->name);
        meeting->both += by_narrow;
        meeting->wider_only += by_wide && !by_narrow;
    }
}

static const char *const arm_pairs[][2] = {
    {"VALE1", "VAE1"},         {"VALE1", "VAALE1"},     {"VAALE1", "VAAE1"},
    {"VAE1", "VAAE1"},         {"VAAE1", "VMALLE1"},    {"ASIDE1", "VMALLE1"},
    {"VMALLE1", "VMALLS12E1"}, {"VMALLS12E1", "ALLE1"}, {"IPAS2LE1", "IPAS2E1"},
    {"IPAS2E1", "VMALLS12E1"}, {"VALE2", "VAE2"},       {"VAE2", "ALLE2"},
};

static void narrower_tlbi_drop_what_wider_ones_drop(void **state)
{
    size_t n_pairs = sizeof(arm_pairs) / sizeof(arm_pairs[0]);

    (void) state;
    for (size_t pair = 0; pair < n_pairs; pair++) {
        struct meeting meeting = {0};

        for (int round = 0; round < ROUNDS / 10; round++) {
            struct inval_issuer issuer = issuer_of(INVAL_ARMV8);
            struct inval_operands operands = {
                .reg = {random_vaddr() >> 12 | (uint64_t) (1 + below(2))
                                                   << 48}};
            struct inval_request narrow =
                decode(INVAL_ARMV8, arm_pairs[pair][0], &operands, &issuer);
            struct inval_request wide =
                decode(INVAL_ARMV8, arm_pairs[pair][1], &operands, &issuer);

            check_subset(&narrow, &wide, &meeting);
        }
        assert_true(meeting.both && meeting.wider_only);
    }
}

static void fences_with_more_operands_drop_less(void **state)
{
    static const char *const names[] = {"SFENCE.VMA", "SINVAL.VMA",
                                        "HFENCE.VVMA", "HFENCE.GVMA"};

    (void) state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct meeting meeting = {0};

        for (int round = 0; round < ROUNDS / 10; round++) {
            struct inval_issuer issuer = issuer_of(INVAL_RISCV);
            uint64_t address = random_vaddr() >> (i == 3 ? 2 : 0);
            struct inval_operands operands = {.reg = {address, 1 + below(2)},
                                              .is_x0 = {below(2), below(2)}};
            struct inval_request narrow =
                decode(INVAL_RISCV, names[i], &operands, &issuer);
            struct inval_request wide;

            operands.is_x0[below(2)] = true;
            wide = decode(INVAL_RISCV, names[i], &operands, &issuer);
            check_subset(&narrow, &wide, &meeting);
        }
        assert_true(meeting.both && meeting.wider_only);
    }
}

static const uint8_t invpcid_pairs[][2] = {{0, 1}, {1, 3}, {3, 2}};
static const uint8_t invvpid_pairs[][2] = {{0, 1}, {3, 1}, {1, 2}};

static void check_types(const char *name, const uint8_t (*pairs)[2], int n)
{
    for (int pair = 0; pair < n; pair++) {
        struct meeting meeting = {0};

        for (int round = 0; round < ROUNDS / 10; round++) {
            struct inval_issuer issuer = issuer_of(INVAL_X86);
            struct inval_operands operands = {
                .reg = {pairs[pair][0], 1 + below(2), random_vaddr()}};
            struct inval_request narrow =
                decode(INVAL_X86, name, &operands, &issuer);
            struct inval_request wide;

            operands.reg[0] = pairs[pair][1];
            wide = decode(INVAL_X86, name, &operands, &issuer);
            check_subset(&narrow, &wide, &meeting);
        }
        assert_true(meeting.both && meeting.wider_only);
    }
}

static void narrower_types_drop_what_wider_ones_drop(void **state)
{
    (void) state;
    check_types("INVPCID", invpcid_pairs, 3);
    check_types("INVVPID", invvpid_pairs, 3);
}

/* INVLPGB: a field that is valid, globals spared, last level only: less. */
static void flags_of_invlpgb_narrow_or_widen(void **state)
{
    static const uint64_t narrowing[] = {1, 2, 4, 16};
    static const uint64_t widening[] = {8, 32};
    struct meeting meeting = {0};

    (void) state;
    for (int round = 0; round < ROUNDS; round++) {
        struct inval_issuer issuer = issuer_of(INVAL_X86);
        uint64_t flags = below(64);
        bool is_narrowing = below(2);
        uint64_t bit = is_narrowing ? narrowing[below(4)] : widening[below(2)];
        uint64_t edx = (uint64_t) (1 + below(2)) << 16 | below(3);
        struct inval_operands operands = {
            .reg = {random_vaddr() | (flags & ~bit), below(8), edx}};
        struct inval_request clear =
            decode(INVAL_X86, "INVLPGB", &operands, &issuer);
        struct inval_request set;

        operands.reg[0] |= bit;
        set = decode(INVAL_X86, "INVLPGB", &operands, &issuer);
        check_subset(is_narrowing ? &set : &clear, is_narrowing ? &clear : &set,
                     &meeting);
    }
    assert_true(meeting.both && meeting.wider_only);
}

/* ---- ranges ---- */

static bool one_of_them_drops(const struct inval_request *requests, uint32_t n,
                              uint64_t key, bool is_pointer)
{
    for (uint32_t i = 0; i < n; i++) {
        if (drops(&requests[i], key, is_pointer))
            return true;
    }
    return false;
}

static uint64_t check_range(const struct inval_request *range,
                            const struct inval_request *pages, uint32_t n)
{
    uint64_t n_dropped = 0;

    for (int i = 0; i < N_KEYS; i++) {
        bool is_pointer;
        uint64_t key = random_key(&is_pointer);
        bool by_range = drops(range, key, is_pointer);

        assert_int_equal(by_range,
                         one_of_them_drops(pages, n, key, is_pointer));
        n_dropped += by_range;
    }
    return n_dropped;
}

static void a_tlbi_range_is_its_pages_one_by_one(void **state)
{
    uint64_t n_dropped = 0;

    (void) state;
    for (int round = 0; round < ROUNDS / 4; round++) {
        struct inval_issuer issuer = issuer_of(INVAL_ARMV8);
        uint64_t num = below(4), asid = 1 + below(2);
        uint64_t vpn = random_vaddr() >> 12;
        struct inval_operands operands = {
            .reg = {vpn | num << 39 | UINT64_C(1) << 46 | asid << 48}};
        struct inval_request range =
            decode(INVAL_ARMV8, "RVAE1IS", &operands, &issuer);
        struct inval_request pages[8];
        uint32_t n = (uint32_t) (num + 1) * 2;

        for (uint32_t i = 0; i < n; i++) {
            operands.reg[0] = (vpn + i) | asid << 48;
            pages[i] = decode(INVAL_ARMV8, "VAE1IS", &operands, &issuer);
        }
        n_dropped += check_range(&range, pages, n);
    }
    assert_true(n_dropped);
}

static void a_count_of_invlpgb_is_its_pages_one_by_one(void **state)
{
    uint64_t n_dropped = 0;

    (void) state;
    for (int round = 0; round < ROUNDS / 4; round++) {
        struct inval_issuer issuer = issuer_of(INVAL_X86);
        uint64_t vaddr = random_vaddr(), count = below(8);
        uint64_t is_2m = below(2), flags = 1 | below(32);
        uint64_t edx = (uint64_t) (1 + below(2)) << 16 | below(3);
        struct inval_operands operands = {
            .reg = {vaddr | flags, is_2m << 31 | count, edx}};
        struct inval_request range =
            decode(INVAL_X86, "INVLPGB", &operands, &issuer);
        struct inval_request pages[8];

        for (uint64_t i = 0; i <= count; i++) {
            operands.reg[0] = (vaddr + (i << (is_2m ? 21 : 12))) | flags;
            operands.reg[1] = 0;
            pages[i] = decode(INVAL_X86, "INVLPGB", &operands, &issuer);
        }
        n_dropped += check_range(&range, pages, (uint32_t) count + 1);
    }
    assert_true(n_dropped);
}

static void a_remote_fence_is_its_local_fences(void **state)
{
    uint64_t n_dropped = 0;

    (void) state;
    for (int round = 0; round < ROUNDS / 4; round++) {
        struct inval_issuer issuer = issuer_of(INVAL_RISCV);
        uint64_t vaddr = random_vaddr(), n = 1 + below(8);
        uint64_t asid = 1 + below(2);
        bool has_asid = below(2);
        struct inval_operands operands = {.reg = {1, 0, vaddr, n << 12, asid}};
        struct inval_request range =
            decode(INVAL_RISCV,
                   has_asid ? "remote_sfence_vma_asid" : "remote_sfence_vma",
                   &operands, &issuer);
        struct inval_request pages[8];

        for (uint64_t i = 0; i < n; i++) {
            operands = (struct inval_operands){.reg = {vaddr + (i << 12), asid},
                                               .is_x0 = {false, !has_asid}};
            pages[i] = decode(INVAL_RISCV, "SFENCE.VMA", &operands, &issuer);
        }
        n_dropped += check_range(&range, pages, (uint32_t) n);
    }
    assert_true(n_dropped);
}

/* ---- anything at all ---- */

static uint64_t random_register(void)
{
    switch (below(4)) {
    case 0:
        return below(8);
    case 1:
        return random_vaddr() | below(64);
    case 2:
        return mmusim__rng_next(&rng) >> below(64);
    default:
        return mmusim__rng_next(&rng);
    }
}

static struct inval_issuer random_issuer(enum inval_isa isa)
{
    struct inval_issuer issuer = issuer_of(isa);
    uint32_t features = (uint32_t) mmusim__rng_next(&rng);

    if (isa == INVAL_X86) {
        issuer.x86.features |= features;
        issuer.x86.cpl = (uint8_t) (below(8) ? 0 : 3);
        issuer.x86.is_guest = !below(4);
        issuer.x86.may_invlpgb = below(2);
        issuer.x86.efer = below(2) ? X86_EFER_TCE : 0;
    } else if (isa == INVAL_RISCV) {
        issuer.riscv.mode = (enum riscv_mode) below(5);
        issuer.riscv.is_trapped = !below(4);
        issuer.riscv.vaddr_bits = below(2) ? 39 : 32;
    } else {
        issuer.arm.features = below(4) ? UINT32_MAX : features;
        issuer.arm.el = (uint8_t) below(3);
        issuer.arm.is_e2h = below(2);
        issuer.arm.is_tge = below(2);
        issuer.arm.is_trapped = !below(4);
        issuer.arm.has_ds = below(2);
        issuer.arm.granule_order[0] = (uint8_t) (2 * below(3));
        issuer.arm.granule_order[1] = (uint8_t) (2 * below(3));
        issuer.arm.stage2_granule_order = (uint8_t) (2 * below(3));
    }
    return issuer;
}

static void check_request(enum inval_outcome outcome,
                          const struct inval_request *request)
{
    assert_in_range(outcome, INVAL_LEGAL, INVAL_TRAPPED);
    assert_non_null(request->row);
    assert_true(request->n_invals <= INVAL_MAX_PARTS);
    assert_true(!outcome || !request->n_invals);
    assert_true(request->n_invals || request->why);
    for (uint32_t i = 0; i < request->n_invals; i++) {
        const struct inval *inval = &request->invals[i];

        assert_true(inval->hits_nonglobals && inval->regimes);
        assert_true(!inval->has_range || inval->n_pages);
    }
}

static void any_operand_gives_a_request_or_a_reason(void **state)
{
    uint64_t n_legal = 0, n_refused = 0;

    (void) state;
    for (int i = 0; i < INVAL_ISA_COUNT; i++) {
        enum inval_isa isa = (enum inval_isa) i;
        const struct inval_instruction *row;

        for (size_t at = 0; (row = mmusim__inval_row_at(isa, at)); at++) {
            for (int round = 0; round < ROUNDS / 20; round++) {
                struct inval_issuer issuer = random_issuer(isa);
                struct inval_operands operands = {
                    .reg = {random_register(), random_register(),
                            random_register(), random_register(),
                            random_register()},
                    .is_x0 = {below(2), below(2)}};
                struct inval_request request;
                enum inval_outcome outcome =
                    mmusim__inval_decode(row, &operands, &issuer, &request);

                check_request(outcome, &request);
                n_legal += !outcome;
                n_refused += outcome != INVAL_LEGAL;
            }
        }
    }
    assert_true(n_legal > ROUNDS && n_refused > ROUNDS);
}

#define LAW(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAW(narrower_tlbi_drop_what_wider_ones_drop),
        LAW(fences_with_more_operands_drop_less),
        LAW(narrower_types_drop_what_wider_ones_drop),
        LAW(flags_of_invlpgb_narrow_or_widen),
        LAW(a_tlbi_range_is_its_pages_one_by_one),
        LAW(a_count_of_invlpgb_is_its_pages_one_by_one),
        LAW(a_remote_fence_is_its_local_fences),
        LAW(any_operand_gives_a_request_or_a_reason),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
