/* SPDX-License-Identifier: MIT */
/*
 * The two predicates of tlb/inval.h, over every combination of a small world,
 * against rules written again from the manual: Intel SDM vol. 3A 4.10.4.1,
 * with 4.10.2.3-4 and 4.10.3. The expected side knows pages, not keys.
 */
#include "tlb/inval.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* A cached translation as the manual speaks of it. */
struct cached {
    uint64_t first_page;
    uint64_t n_pages;
    uint16_t pcid;
    bool is_global;
};

static const uint64_t first_pages[] = {
    0, 1, 511, 512, 513, 1024, 262143, 262144,
    /* both sides of the 48-bit hole, and the last page of all */
    0x7ffffffff, 0xfffff800000000 & 0x1fffffffffff, 0x1fffffffffff};
static const uint32_t orders[] = {0, 9, 18};
static const uint16_t pcids[] = {0, 1, 4095};

enum {
    N_PAGES = sizeof(first_pages) / sizeof(first_pages[0]),
    N_ORDERS = sizeof(orders) / sizeof(orders[0]),
    N_PCIDS = sizeof(pcids) / sizeof(pcids[0]),
};

typedef void (*pair_check)(uint64_t key, const struct cached *cached,
                           uint64_t page, uint16_t pcid);

/* Every cached leaf against every page and PCID an instruction may name. */
static void for_all_pairs(pair_check check)
{
    for (uint32_t i = 0; i < N_PAGES * N_ORDERS * N_PCIDS * 2; i++) {
        uint32_t order = orders[i / N_PAGES % N_ORDERS];
        uint64_t first = first_pages[i % N_PAGES] >> order << order;
        struct cached cached = {
            .first_page = first,
            .n_pages = UINT64_C(1) << order,
            .pcid = pcids[i / N_PAGES / N_ORDERS % N_PCIDS],
            .is_global = i >= N_PAGES * N_ORDERS * N_PCIDS,
        };
        uint64_t key =
            tlb_key((vpn_t){first}, order, cached.pcid, cached.is_global);

        for (uint32_t j = 0; j < N_PAGES * N_PCIDS; j++)
            check(key, &cached, first_pages[j % N_PAGES], pcids[j / N_PAGES]);
    }
}

static bool translates(const struct cached *cached, uint64_t page)
{
    return page >= cached->first_page &&
           page < cached->first_page + cached->n_pages;
}

/* Requests as coherence makes them of the instructions. */
static struct inval invlpg(uint64_t page, uint16_t pcid)
{
    return (struct inval){.has_range = true,
                          .vpn = {page},
                          .n_pages = 1,
                          .has_asid = true,
                          .asid = pcid,
                          .hits_globals = true,
                          .hits_nonglobals = true,
                          .psc = INVAL_PSC_ASID};
}

static struct inval invpcid(int type, uint64_t page, uint16_t pcid)
{
    struct inval inval = invlpg(page, pcid);

    inval.has_range = type == 0;
    inval.has_asid = type < 2;
    inval.hits_globals = type == 2;
    inval.psc = type < 2 ? INVAL_PSC_ASID : INVAL_PSC_ALL;
    return inval;
}

static void check_invlpg(uint64_t key, const struct cached *cached,
                         uint64_t page, uint16_t pcid)
{
    struct inval inval = invlpg(page, pcid);
    bool goes =
        translates(cached, page) && (cached->is_global || cached->pcid == pcid);

    assert_int_equal(tlb_entry_is_hit_by_inval(key, &inval, NULL), goes);
    if (!cached->is_global)
        assert_int_equal(psc_entry_is_hit_by_inval(key, &inval, NULL),
                         cached->pcid == pcid);
}

/* I9: the page in the current PCID, global ones in any; I6: PSC entries are
 * never global, and all of the PCID go, whatever their address. */
static void invlpg_drops_the_page_and_all_psc_entries_of_the_pcid(void **state)
{
    (void) state;
    for_all_pairs(check_invlpg);
}

static void check_invpcid(uint64_t key, const struct cached *cached,
                          uint64_t page, uint16_t pcid)
{
    bool is_own = cached->pcid == pcid;
    const bool goes[] = {
        !cached->is_global && is_own && translates(cached, page),
        !cached->is_global && is_own,
        true,
        !cached->is_global,
    };
    const bool psc_goes[] = {is_own, is_own, true, true};

    for (int type = 0; type < 4; type++) {
        struct inval inval = invpcid(type, page, pcid);

        assert_int_equal(tlb_entry_is_hit_by_inval(key, &inval, NULL),
                         goes[type]);
        if (!cached->is_global)
            assert_int_equal(psc_entry_is_hit_by_inval(key, &inval, NULL),
                             psc_goes[type]);
    }
}

/* I10. */
static void invpcid_drops_what_its_type_says(void **state)
{
    (void) state;
    for_all_pairs(check_invpcid);
}

static void check_mov_cr3(uint64_t key, const struct cached *cached,
                          uint64_t page, uint16_t pcid)
{
    /* Bit 63 clear: as INVPCID 1 on the PCID loaded. */
    struct inval inval = invpcid(1, page, pcid);
    bool goes = !cached->is_global && cached->pcid == pcid;

    assert_int_equal(tlb_entry_is_hit_by_inval(key, &inval, NULL), goes);
    if (!cached->is_global)
        assert_int_equal(psc_entry_is_hit_by_inval(key, &inval, NULL), goes);
}

/* I11. */
static void mov_cr3_keeps_globals_and_other_pcids(void **state)
{
    (void) state;
    for_all_pairs(check_mov_cr3);
}

static void check_page_fault(uint64_t key, const struct cached *cached,
                             uint64_t page, uint16_t pcid)
{
    struct inval inval = invlpg(page, pcid);
    bool is_used = translates(cached, page) && cached->pcid == pcid;

    inval.psc = INVAL_PSC_ADDRESS;
    assert_int_equal(tlb_entry_is_hit_by_inval(key, &inval, NULL),
                     is_used ||
                         (cached->is_global && translates(cached, page)));
    if (!cached->is_global)
        assert_int_equal(psc_entry_is_hit_by_inval(key, &inval, NULL), is_used);
}

/* I13. */
static void page_fault_drops_only_psc_entries_of_the_address(void **state)
{
    (void) state;
    for_all_pairs(check_page_fault);
}

/* Does any page of the entry lie in the range? By counting them out. */
static bool shares_a_page(const struct cached *cached, uint64_t vpn,
                          uint64_t n_pages)
{
    for (uint64_t i = 0; i < n_pages; i++) {
        if (translates(cached, vpn + i))
            return true;
    }
    return false;
}

/* I4: part of a page is the whole of it. */
static void range_drops_each_page_it_touches_as_a_whole(void **state)
{
    static const uint64_t starts[] = {0, 1, 500, 511, 512, 1023, 1024, 3000};
    static const uint64_t lengths[] = {1, 2, 11, 12, 13, 512, 513, 1100};

    (void) state;
    for (uint32_t i = 0; i < 8 * 8 * 4 * 2; i++) {
        struct inval inval = invlpg(starts[i % 8], 0);
        uint32_t order = i < 256 ? 0 : 9;
        uint64_t first = 512 * (uint64_t) (i / 64 % 4);
        struct cached cached = {first, UINT64_C(1) << order, 0, false};
        uint64_t key = tlb_key((vpn_t){first}, order, 0, false);

        inval.n_pages = lengths[i / 8 % 8];
        assert_int_equal(tlb_entry_is_hit_by_inval(key, &inval, NULL),
                         shares_a_page(&cached, inval.vpn.v, inval.n_pages));
    }
}

/* All combinations of flags; the entry is page 5 of asid 7. */
static void each_flag_means_what_it_says(void **state)
{
    (void) state;
    for (uint32_t bits = 0; bits < 128; bits++) {
        bool is_global = bits & 1, is_right_page = bits & 32;
        bool is_right_asid = bits & 64;
        struct inval inval = {
            .has_range = bits & 2,
            .has_asid = bits & 4,
            .hits_globals = bits & 8,
            .hits_nonglobals = bits & 16,
            .vpn = {is_right_page ? 5 : 6},
            .n_pages = 1,
            .asid = is_right_asid ? 7 : 8,
        };
        uint64_t key = tlb_key((vpn_t){5}, 0, 7, is_global);
        bool goes = is_global ? inval.hits_globals : inval.hits_nonglobals;

        if (inval.has_range && !is_right_page)
            goes = false;
        if (inval.has_asid && !is_right_asid && !is_global)
            goes = false;
        assert_int_equal(tlb_entry_is_hit_by_inval(key, &inval, NULL), goes);
        assert_false(psc_entry_is_hit_by_inval(key, &inval, NULL)); /* KEEP */
    }
}

static void key_gives_back_what_it_was_made_of(void **state)
{
    (void) state;
    for (uint32_t i = 0; i < N_PAGES * 37 * N_PCIDS; i++) {
        uint32_t order = i / N_PAGES % 37;
        uint64_t first = first_pages[i % N_PAGES] >> order << order;
        uint16_t pcid = pcids[i / N_PAGES / 37];
        uint64_t own = tlb_key((vpn_t){first}, order, pcid, false);
        uint64_t global = tlb_key((vpn_t){first}, order, pcid, true);

        assert_true(own && global && own != global);
        assert_int_equal(tlb_key_order(own), order);
        assert_int_equal(tlb_key_vpn(own), first);
        assert_int_equal(tlb_key_tag(own), pcid);
        assert_int_equal(tlb_key_vpn(global), first);
        assert_int_equal(tlb_key_tag(global), 0);
        assert_true(tlb_key_is_global(global) && !tlb_key_is_global(own));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(key_gives_back_what_it_was_made_of),
        cmocka_unit_test(each_flag_means_what_it_says),
        cmocka_unit_test(range_drops_each_page_it_touches_as_a_whole),
        cmocka_unit_test(invlpg_drops_the_page_and_all_psc_entries_of_the_pcid),
        cmocka_unit_test(invpcid_drops_what_its_type_says),
        cmocka_unit_test(mov_cr3_keeps_globals_and_other_pcids),
        cmocka_unit_test(page_fault_drops_only_psc_entries_of_the_address),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
