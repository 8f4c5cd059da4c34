/* SPDX-License-Identifier: MIT */
/* Texts kept once each, until the pool goes. */
#ifndef MMUSIM_CLI_NAME_POOL_H
#define MMUSIM_CLI_NAME_POOL_H

struct name_pool;

/* NULL: out of memory. */
struct name_pool *name_pool_create(void);
void name_pool_destroy(struct name_pool *pool); /* NULL is legal */

/* The kept copy: equal texts give the same pointer. NULL: out of memory. */
const char *name_pool_keep(struct name_pool *pool, const char *text);

#endif
