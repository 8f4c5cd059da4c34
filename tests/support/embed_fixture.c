/* SPDX-License-Identifier: MIT */
/* See embed_fixture.h. */
#include "support/embed_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void embed_set(mmusim_config_t *config, const char *key,
                      const char *value)
{
    mmusim_diag_t diag = {0};

    if (mmusim_config_set(config, key, value, &diag))
        fail_msg("%s=%s: %s", key, value, diag.text);
}

static mmusim_config_t *embed_load(const char *machine)
{
    const char *source = getenv("SOURCE_DIR");
    mmusim_config_t *config = NULL;
    mmusim_diag_t diag = {0};
    char path[1024];

    snprintf(path, sizeof(path), "%s/configs/%s.yaml", source ? source : ".",
             machine);
    if (mmusim_config_load(path, NULL, &config, &diag))
        fail_msg("%s: %s", path, diag.text);
    return config;
}

mmusim_config_t *embed_config(uint32_t n_cores, const char *const *settings)
{
    mmusim_config_t *config = NULL;
    char text[128];

    if (settings && *settings && !strchr(*settings, '='))
        config = embed_load(*settings++);
    else
        assert_int_equal(mmusim_config_create(&config), MMUSIM_OK);
    embed_set(config, "topology.sockets", "1");
    embed_set(config, "topology.threads_per_core", "1");
    snprintf(text, sizeof(text), "%u", (unsigned) n_cores);
    embed_set(config, "topology.cores_per_socket", text);
    for (; settings && *settings; settings++) {
        char *value;

        snprintf(text, sizeof(text), "%s", *settings);
        value = strchr(text, '=');
        *value = '\0';
        embed_set(config, text, value + 1);
    }
    return config;
}

mmusim_embed_t *embed_build(uint32_t n_cores, const char *const *settings,
                            const mmusim_embed_host_t *host)
{
    mmusim_config_t *config = embed_config(n_cores, settings);
    mmusim_embed_t *embed = NULL;
    mmusim_diag_t diag = {0};

    if (mmusim_embed_create(config, host, &embed, &diag))
        fail_msg("%s", diag.text);
    mmusim_config_destroy(config);
    return embed;
}

uint32_t embed_make_space(mmusim_embed_t *embed, uint32_t n_pages)
{
    uint32_t space = 0;

    assert_int_equal(mmusim_embed_space_create(embed, &space, NULL), MMUSIM_OK);
    for (uint32_t i = 0; i < n_pages; i++) {
        const mmusim_embed_page_t page = {
            .space = space,
            .vaddr = EMBED_VADDR + i * UINT64_C(4096),
            .paddr = EMBED_PADDR + i * UINT64_C(4096),
            .page_bytes = 4096,
            .rights = MMUSIM_EMBED_USER | MMUSIM_EMBED_WRITE,
        };

        assert_int_equal(mmusim_embed_map(embed, &page, NULL), MMUSIM_OK);
    }
    return space;
}

void embed_load_all(mmusim_embed_t *embed, uint32_t space)
{
    for (uint32_t core = 0; core < mmusim_embed_cores(embed); core++) {
        const mmusim_embed_context_t to = {.core = core, .space = space};

        assert_int_equal(mmusim_embed_switch(embed, &to, NULL, NULL),
                         MMUSIM_OK);
    }
}

mmusim_embed_translation_t embed_look(mmusim_embed_t *embed, uint32_t core,
                                      uint64_t now, uint64_t vaddr,
                                      mmusim_embed_kind_t kind)
{
    const mmusim_embed_access_t access = {core, now, vaddr, kind, 0};
    mmusim_embed_translation_t result = {0};
    mmusim_diag_t diag = {0};

    if (mmusim_embed_translate(embed, &access, &result, &diag))
        fail_msg("%s", diag.text);
    return result;
}

uint64_t embed_stat(mmusim_embed_t *embed, const char *name)
{
    mmusim_stats_t *stats = NULL;
    mmusim_stat_t stat = {0};

    assert_int_equal(mmusim_embed_stats(embed, &stats), MMUSIM_OK);
    if (!mmusim_stats_find(stats, name, &stat))
        fail_msg("no statistic %s", name);
    mmusim_stats_destroy(stats);
    return stat.value;
}
