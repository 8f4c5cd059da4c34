/* SPDX-License-Identifier: MIT */
/* Tags of contexts, and which contexts an invalidate request reaches. */
#include "tlb/inval.h"
#include "tlb/tlb_array_inline.h"

#include "core/arena.h"
#include "core/rng.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct tlb_context el1(uint16_t vmid, uint16_t asid)
{
    return (struct tlb_context){.has_asid = true, .asid = asid, .vmid = vmid};
}

static void equal_contexts_have_one_tag_and_others_their_own(void **state)
{
    struct tlb_contexts *contexts = mmusim__tlb_contexts_create();

    (void) state;
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 5000; i++) {
            struct tlb_context context = el1((uint16_t) (i % 7), (uint16_t) i);
            uint16_t tag;

            assert_true(mmusim__tlb_context_intern(contexts, &context, &tag));
            assert_int_equal(tag, i);
            assert_int_equal(mmusim__tlb_context_at(contexts, tag)->vmid,
                             i % 7);
        }
    }
    assert_int_equal(mmusim__tlb_context_count(contexts), 5000);
    mmusim__tlb_contexts_destroy(contexts);
}

static void more_contexts_than_tags_are_refused(void **state)
{
    struct tlb_contexts *contexts = mmusim__tlb_contexts_create();
    struct tlb_context last = el1(1, 0);
    uint16_t tag = 7;

    (void) state;
    for (uint32_t i = 0; i < TLB_MAX_CONTEXTS; i++) {
        struct tlb_context context = el1(0, (uint16_t) i);

        assert_true(mmusim__tlb_context_intern(contexts, &context, &tag));
    }
    assert_false(mmusim__tlb_context_intern(contexts, &last, &tag));
    assert_false(mmusim__tlb_context_find(contexts, &last, &tag));
    mmusim__tlb_contexts_destroy(contexts);
}

/* One array that holds the same page for every context of a small world. */
struct world {
    struct tlb_contexts *contexts;
    struct arena arena;
    struct tlb_array array;
};

enum { WORLD_VMS = 3, WORLD_ASIDS = 3, WORLD_PAGE = 0x1234 };

static tlb_tags_t world_tags(struct world *world, const struct tlb_context *own)
{
    struct tlb_context globals = *own;
    uint16_t tag, global_tag;

    globals.has_asid = false;
    globals.asid = 0;
    assert_true(mmusim__tlb_context_intern(world->contexts, own, &tag));
    assert_true(
        mmusim__tlb_context_intern(world->contexts, &globals, &global_tag));
    return tlb_tags(tag, global_tag);
}

/* Calls visit for each context that an entry may have. */
static void world_for_each(struct world *world,
                           void (*visit)(struct world *world,
                                         const struct tlb_context *context,
                                         bool is_global, const void *argument),
                           const void *argument)
{
    for (uint32_t i = 0; i < REGIME_COUNT * WORLD_VMS * 2; i++) {
        struct tlb_context context = {
            .regime = (enum tlb_regime)(i % REGIME_COUNT),
            .vmid = (uint16_t) (i / REGIME_COUNT % WORLD_VMS),
            .thread = (uint8_t) (i / REGIME_COUNT / WORLD_VMS),
        };

        context.has_asid = context.regime == REGIME_EL1;
        for (uint16_t asid = 0; asid < (context.has_asid ? WORLD_ASIDS : 1);
             asid++) {
            context.asid = asid;
            visit(world, &context, false, argument);
        }
        if (context.has_asid)
            visit(world, &context, true, argument);
    }
}

static void world_insert(struct world *world, const struct tlb_context *context,
                         bool is_global, const void *argument)
{
    struct tlb_removed removed;

    (void) argument;
    mmusim__tlb_array_insert(
        &world->array,
        tlb_key((vpn_t){WORLD_PAGE}, 0, world_tags(world, context), is_global),
        0, 0, &removed);
}

static void world_fill(struct world *world)
{
    static const struct tlb_array_config config = {
        .n_entries = 128,
        .n_ways = 128,
        .n_orders = 1,
        .replacement = "lru",
    };

    world->contexts = mmusim__tlb_contexts_create();
    mmusim__arena_init(&world->arena);
    world->array = (struct tlb_array){0};
    assert_int_equal(
        mmusim__tlb_array_init(&world->array, &config, NULL, &world->arena),
        MMUSIM_OK);
    world->array.contexts = world->contexts;
    world_for_each(world, world_insert, NULL);
}

static void world_free(struct world *world)
{
    mmusim__arena_fini(&world->arena);
    mmusim__tlb_contexts_destroy(world->contexts);
}

/* Holds an entry exactly if the rule, written out once more, spares it. */
static void world_check(struct world *world, const struct tlb_context *context,
                        bool is_global, const void *argument)
{
    const struct inval *inval = argument;
    uint64_t key =
        tlb_key((vpn_t){WORLD_PAGE}, 0, world_tags(world, context), is_global);
    bool goes = context->thread == inval->thread;

    if (context->regime == REGIME_EL2)
        goes = goes && inval->regimes & (1U << REGIME_EL2);
    if (context->regime == REGIME_STAGE2)
        goes = goes && inval->regimes & (1U << REGIME_STAGE2);
    if (context->regime == REGIME_EL1)
        goes = goes && (!inval->regimes || inval->regimes & 1U);
    if (inval->has_vmid && context->regime != REGIME_EL2)
        goes = goes && context->vmid == inval->vmid;
    if (inval->has_asid && context->regime == REGIME_EL1 && !is_global)
        goes = goes && context->asid == inval->asid;
    goes = goes && (is_global ? inval->hits_globals : inval->hits_nonglobals);
    assert_int_equal(tlb_array_find(&world->array, 0, key) == TLB_NO_SLOT,
                     goes);
}

static void a_request_reaches_the_contexts_it_names_and_no_other(void **state)
{
    (void) state;
    for (uint32_t i = 0; i < 8U * 2 * 2 * 2 * 2 * 2 * 2; i++) {
        struct world world;
        struct inval inval = {
            .regimes = (uint8_t) (i & 7),
            .has_vmid = i >> 3 & 1,
            .vmid = 1,
            .has_asid = i >> 4 & 1,
            .asid = 2,
            .has_range = i >> 5 & 1,
            .vpn = {WORLD_PAGE},
            .n_pages = 1,
            .hits_globals = i >> 6 & 1,
            .hits_nonglobals = i >> 7 & 1,
            .has_stage2_root = i >> 8 & 1,
            .thread = 1,
        };

        world_fill(&world);
        mmusim__tlb_array_invalidate(&world.array, &inval, false, NULL, NULL);
        world_for_each(&world, world_check, &inval);
        world_free(&world);
    }
}

static void a_stride_names_every_nth_page_only(void **state)
{
    struct inval inval = {.has_range = true,
                          .vpn = {0x1000},
                          .n_pages = 3,
                          .stride_order = PAGE_ORDER_2M,
                          .hits_nonglobals = true};

    (void) state;
    for (uint64_t vpn = 0xe00; vpn < 0x1800; vpn++) {
        bool is_named = vpn == 0x1000 || vpn == 0x1200 || vpn == 0x1400;
        uint64_t small = tlb_key((vpn_t){vpn}, 0, 0, false);
        uint64_t large = tlb_key((vpn_t){vpn}, PAGE_ORDER_2M, 0, false);

        assert_int_equal(tlb_entry_is_hit_by_inval(small, &inval, NULL),
                         is_named);
        assert_int_equal(tlb_entry_is_hit_by_inval(large, &inval, NULL),
                         vpn >= 0x1000 && vpn < 0x1600);
    }
}

static void a_wrong_level_hint_invalidates_nothing(void **state)
{
    struct inval inval = {.has_range = true,
                          .vpn = {0x200},
                          .n_pages = 1,
                          .has_order = true,
                          .order = PAGE_ORDER_2M,
                          .hits_nonglobals = true};

    (void) state;
    assert_false(tlb_entry_is_hit_by_inval(tlb_key((vpn_t){0x200}, 0, 0, false),
                                           &inval, NULL));
    assert_true(tlb_entry_is_hit_by_inval(
        tlb_key((vpn_t){0x200}, PAGE_ORDER_2M, 0, false), &inval, NULL));
}

static void a_table_pointer_follows_the_rule_of_its_kind(void **state)
{
    uint64_t table =
        tlb_key((vpn_t){0x200}, PAGE_ORDER_2M, 5, false) | TLB_KEY_TABLE;
    struct inval inval = {.has_range = true,
                          .vpn = {0x999999},
                          .n_pages = 1,
                          .has_asid = true,
                          .asid = 5,
                          .hits_nonglobals = true};

    (void) state;
    assert_int_equal(tlb_key_vpn(table), 0x200);
    assert_int_equal(tlb_key_order(table), PAGE_ORDER_2M);
    assert_false(tlb_entry_is_hit_by_inval(table, &inval, NULL));
    inval.psc = INVAL_PSC_ASID;
    assert_true(tlb_entry_is_hit_by_inval(table, &inval, NULL));
    inval.psc = INVAL_PSC_ADDRESS;
    assert_false(tlb_entry_is_hit_by_inval(table, &inval, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_contexts_have_one_tag_and_others_their_own),
        cmocka_unit_test(more_contexts_than_tags_are_refused),
        cmocka_unit_test(a_request_reaches_the_contexts_it_names_and_no_other),
        cmocka_unit_test(a_stride_names_every_nth_page_only),
        cmocka_unit_test(a_wrong_level_hint_invalidates_nothing),
        cmocka_unit_test(a_table_pointer_follows_the_rule_of_its_kind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
