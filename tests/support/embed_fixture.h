/* SPDX-License-Identifier: MIT */
/* An embedded machine for tests, and calls that must succeed. */
#ifndef MMUSIM_TESTS_SUPPORT_EMBED_FIXTURE_H
#define MMUSIM_TESTS_SUPPORT_EMBED_FIXTURE_H

#include "mmusim/mmusim.h"

#define EMBED_VADDR UINT64_C(0x400000)
#define EMBED_PADDR UINT64_C(0x10000000)

/* A machine with that many cores: the default one, or that of configs/ which
 * the first setting names; the others are "KEY=VALUE". NULL at the end or as a
 * whole. Fails the test if there is an error. */
mmusim_config_t *embed_config(uint32_t n_cores, const char *const *settings);
mmusim_embed_t *embed_build(uint32_t n_cores, const char *const *settings,
                            const mmusim_embed_host_t *host);

/* One more space, with n_pages of 4 KiB at EMBED_VADDR, user, writable. */
uint32_t embed_make_space(mmusim_embed_t *embed, uint32_t n_pages);
void embed_load_all(mmusim_embed_t *embed, uint32_t space);

mmusim_embed_translation_t embed_look(mmusim_embed_t *embed, uint32_t core,
                                      uint64_t now, uint64_t vaddr,
                                      mmusim_embed_kind_t kind);
uint64_t embed_stat(mmusim_embed_t *embed, const char *name);

#endif
