/* SPDX-License-Identifier: MIT */
/* The machine's arena: see arena.h. Large pieces get a chunk of their own. */
#include "core/arena.h"

#include <stdlib.h>

enum {
    ARENA_ALIGN = 64,            /* a host cache line */
    ARENA_CHUNK_BYTES = 1 << 18, /* few chunks, little waste */
};

struct arena_chunk {
    struct arena_chunk *next;
    size_t used_bytes;
    size_t size_bytes;
    unsigned char *memory; /* ARENA_ALIGN-aligned, zeroed */
    void *allocation;
};

void mmusim__arena_init(struct arena *arena)
{
    arena->chunks = NULL;
    arena->allocated_bytes = 0;
    arena->fail_after = -1;
}

void mmusim__arena_fini(struct arena *arena)
{
    while (arena->chunks) {
        struct arena_chunk *chunk = arena->chunks;

        arena->chunks = chunk->next;
        free(chunk->allocation);
        free(chunk);
    }
    arena->allocated_bytes = 0;
}

static struct arena_chunk *arena_chunk_create(size_t size_bytes)
{
    struct arena_chunk *chunk = calloc(1, sizeof(*chunk));
    uintptr_t address;

    if (!chunk)
        return NULL;
    chunk->allocation = calloc(1, size_bytes + ARENA_ALIGN);
    if (!chunk->allocation) {
        free(chunk);
        return NULL;
    }
    address = (uintptr_t) chunk->allocation;
    chunk->memory = (unsigned char *) chunk->allocation +
                    (ARENA_ALIGN - address % ARENA_ALIGN) % ARENA_ALIGN;
    chunk->size_bytes = size_bytes;
    return chunk;
}

static struct arena_chunk *arena_chunk_for(struct arena *arena, size_t bytes)
{
    struct arena_chunk *head = arena->chunks;
    struct arena_chunk *chunk;

    if (head && head->size_bytes - head->used_bytes >= bytes)
        return head;
    if (bytes >= ARENA_CHUNK_BYTES / 4) {
        chunk = arena_chunk_create(bytes);
        if (!chunk)
            return NULL;
        /* Behind the head, which may still have room for small pieces. */
        chunk->next = head ? head->next : NULL;
        if (head)
            head->next = chunk;
        else
            arena->chunks = chunk;
        return chunk;
    }
    chunk = arena_chunk_create(ARENA_CHUNK_BYTES);
    if (!chunk)
        return NULL;
    chunk->next = head;
    arena->chunks = chunk;
    return chunk;
}

void *mmusim__arena_alloc(struct arena *arena, size_t n, size_t size)
{
    struct arena_chunk *chunk;
    size_t bytes;
    void *memory;

    if (arena->fail_after == 0)
        return NULL;
    if (arena->fail_after > 0)
        arena->fail_after--;
    if (size && n > (SIZE_MAX - 2 * ARENA_ALIGN) / size)
        return NULL;
    bytes = (n * size + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
    if (!bytes)
        bytes = ARENA_ALIGN;
    chunk = arena_chunk_for(arena, bytes);
    if (!chunk)
        return NULL;
    memory = chunk->memory + chunk->used_bytes;
    chunk->used_bytes += bytes;
    arena->allocated_bytes += bytes;
    return memory;
}
