/* SPDX-License-Identifier: MIT */
/*
 * Random calls on embedded machines of every architecture, over tables of
 * their own and over a host's whose words are random: every call returns a
 * status, every access has an end. Two at a time, on two host threads: they
 * know nothing of each other, and the same seed gives the same results.
 */
#include "core/rng.h"
#include "support/embed_fixture.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

enum { CORES = 4, CALLS = 3000, MAX_STEP = 300 };

struct player {
    mmusim_embed_t *embed;
    struct rng rng, words;
    bool has_host;
    uint64_t now;
    uint64_t digest; /* of everything that came back */
    uint64_t n_submitted, n_polled;
};

static uint64_t draw(struct player *player, uint64_t n)
{
    return mmusim__rng_next(&player->rng) % n;
}

static void note(struct player *player, uint64_t value)
{
    player->digest = (player->digest ^ value) * UINT64_C(0x100000001b3);
}

/* Often a table below 64 MiB, sometimes anything. */
static int random_word(void *context, uint64_t paddr, uint32_t bytes,
                       uint64_t *word)
{
    struct player *player = context;
    uint64_t drawn = mmusim__rng_next(&player->words);

    (void) paddr;
    *word = (drawn >> 60 < 12) ? (drawn & 0x3ffff67) | 7 : drawn;
    if (bytes == 4)
        *word &= UINT32_MAX;
    return drawn >> 52 == 1;
}

static uint64_t random_vaddr(struct player *player)
{
    if (!draw(player, 20))
        return mmusim__rng_next(&player->rng);
    return EMBED_VADDR + draw(player, 24 * 4096);
}

static void play_access(struct player *player, uint32_t core)
{
    const mmusim_embed_access_t access = {
        core, player->now, random_vaddr(player),
        (mmusim_embed_kind_t) draw(player, 3), player->n_submitted};
    mmusim_embed_translation_t t = {0};

    if (draw(player, 2)) {
        note(player, (uint64_t) mmusim_embed_translate(player->embed, &access,
                                                       &t, NULL));
        note(player, t.paddr + t.ready_cycle + (uint64_t) t.found);
        return;
    }
    player->n_submitted +=
        mmusim_embed_submit(player->embed, &access, NULL) == MMUSIM_OK;
}

static void play_poll(struct player *player)
{
    mmusim_embed_translation_t t = {0};
    bool has_result;

    note(player,
         (uint64_t) mmusim_embed_poll(player->embed, &has_result, &t, NULL));
    player->n_polled += has_result;
    note(player, t.paddr + t.ready_cycle + t.tag);
}

static void play_tables(struct player *player)
{
    const mmusim_embed_page_t page = {
        (uint32_t) draw(player, 3), random_vaddr(player) & ~UINT64_C(4095),
        draw(player, 1 << 20) << 12, draw(player, 5) ? 4096 : 2 << 20,
        (uint32_t) draw(player, 16)};

    switch (draw(player, 3)) {
    case 0:
        note(player, (uint64_t) mmusim_embed_map(player->embed, &page, NULL));
        return;
    case 1:
        note(player, (uint64_t) mmusim_embed_unmap(player->embed, page.space,
                                                   page.vaddr, NULL));
        return;
    default:
        note(player,
             (uint64_t) mmusim_embed_protect(player->embed, &page, NULL));
    }
}

static void play_switch(struct player *player, uint32_t core)
{
    const mmusim_embed_context_t to = {
        .core = core,
        .now = player->now,
        .space = (uint32_t) draw(player, 3),
        .root = draw(player, 64) << 12,
        .asid = (uint16_t) draw(player, 4),
        .keeps_entries = draw(player, 2),
    };

    note(player,
         (uint64_t) mmusim_embed_switch(player->embed, &to, NULL, NULL));
}

static void play_flush(struct player *player, uint32_t core)
{
    static const char *const names[] = {
        "INVLPG",    "INVPCID", "MOV CR3", "INVLPGB",   "VAE1IS",
        "VMALLE1IS", "RVAE1IS", "ASIDE1",  "TLBIALLIS", "SFENCE.VMA",
        "#PF",       "VALE1OS", "NO SUCH"};
    uint32_t cores[2] = {(uint32_t) draw(player, CORES),
                         (uint32_t) draw(player, CORES + 1)};
    const mmusim_embed_flush_t flush = {core,
                                        player->now,
                                        cores,
                                        2,
                                        random_vaddr(player) & ~UINT64_C(4095),
                                        draw(player, 3) << 12};
    mmusim_embed_instruction_t inst = {
        .core = core,
        .now = player->now,
        .name = names[draw(player, sizeof(names) / sizeof(names[0]))],
        .is_x0 = {draw(player, 2), draw(player, 2)},
        .sync = (mmusim_embed_sync_t) draw(player, 2),
    };
    mmusim_embed_effect_t effect = {0};
    uint64_t done = 0;

    for (uint32_t i = 0; i < 5; i++)
        inst.reg[i] = draw(player, 2) ? draw(player, 4) : random_vaddr(player);
    if (draw(player, 4))
        note(player, (uint64_t) mmusim_embed_invalidate(player->embed, &inst,
                                                        &effect, NULL));
    else
        note(player, (uint64_t) mmusim_embed_shootdown(player->embed, &flush,
                                                       &done, NULL));
    note(player, done + effect.done_cycle);
}

static void play_once(struct player *player)
{
    uint32_t core = (uint32_t) draw(player, CORES + (draw(player, 50) == 0));

    switch (draw(player, 10)) {
    case 0:
        play_tables(player);
        return;
    case 1:
        play_switch(player, core);
        return;
    case 2:
        play_flush(player, core);
        return;
    case 3:
        player->now += draw(player, MAX_STEP);
        note(player,
             (uint64_t) mmusim_embed_advance(player->embed, player->now, NULL));
        return;
    case 4:
    case 5:
        play_poll(player);
        return;
    default:
        play_access(player, core);
    }
}

/* Every access that was taken comes back. */
static void play_to_the_end(struct player *player)
{
    player->now += UINT64_C(100000000);
    mmusim_embed_advance(player->embed, player->now, NULL);
    for (uint64_t left = player->n_submitted - player->n_polled; left; left--)
        play_poll(player);
}

static void *play(void *context)
{
    struct player *player = context;

    for (uint32_t i = 0; i < CALLS; i++)
        play_once(player);
    play_to_the_end(player);
    return NULL;
}

static void player_init(struct player *player, const char *const *settings,
                        uint64_t seed, bool has_host)
{
    const mmusim_embed_host_t host = {.context = player,
                                      .read_pte = random_word};

    *player = (struct player){.has_host = has_host};
    mmusim__rng_init(&player->rng, seed, 1);
    mmusim__rng_init(&player->words, seed, 2);
    player->embed = embed_build(CORES, settings, has_host ? &host : NULL);
    if (has_host)
        return;
    embed_make_space(player->embed, 16);
    embed_make_space(player->embed, 4);
}

/* The same player twice, at the same time. */
static void play_twice(const char *const *settings, uint64_t seed,
                       bool has_host)
{
    struct player players[2];
    pthread_t threads[2];

    for (uint32_t i = 0; i < 2; i++) {
        player_init(&players[i], settings, seed, has_host);
        assert_int_equal(pthread_create(&threads[i], NULL, play, &players[i]),
                         0);
    }
    for (uint32_t i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    if (players[0].digest != players[1].digest)
        fail_msg("two machines differ, seed %u", (unsigned) seed);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(players[i].n_polled, players[i].n_submitted);
        mmusim_embed_destroy(players[i].embed);
    }
}

static void any_calls_end_and_repeat(void **state)
{
    static const char *const machines[][3] = {
        {NULL},
        {"i486", NULL},
        {"neoverse-n1", NULL},
        {"cortex-a9", NULL},
        {"sifive-p550", NULL},
        {"zen4", "fabric=invlpgb", NULL},
        {"fabric=rar", NULL},
        {"prefetch.policy=stride", NULL},
        {"skylake-sp", "walker.count=1", NULL},
    };

    (void) state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++)
            play_twice(machines[i], seed, seed % 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_calls_end_and_repeat),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
