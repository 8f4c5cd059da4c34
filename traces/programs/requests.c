/* SPDX-License-Identifier: MIT */
/*
 * requests [N]: a queue, four workers, and an arena for each request: mapped,
 * filled with a search tree, looked up together with a shared dictionary, and
 * unmapped. Threads wait on futexes, mappings come and go at all sizes.
 * Recorded, built for AArch64, as traces/requests-arm64.mmt.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

enum {
    N_WORKERS = 4,
    DEFAULT_REQUESTS = 240,
    PAGE = 4096,
    DICTIONARY_WORDS = 64 * PAGE / 8,
    LOOKUPS = 400,
    MAX_NODES = 1200,
};

struct node {
    uint64_t key;
    struct node *child[2];
    char payload[232]; /* 256 bytes a node: 16 on a page */
};

static pthread_mutex_t queue_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t queue_filled = PTHREAD_COND_INITIALIZER;
static int n_queued, n_taken, n_requests;
static uint64_t *dictionary;

static uint64_t mix(uint64_t x)
{
    x ^= x >> 31;
    x *= 0x9e3779b97f4a7c15u;
    return x ^ x >> 29;
}

static int take_request(void)
{
    pthread_mutex_lock(&queue_lock);
    while (n_taken == n_queued && n_queued < n_requests)
        pthread_cond_wait(&queue_filled, &queue_lock);
    int request = n_taken < n_queued ? n_taken++ : -1;
    pthread_mutex_unlock(&queue_lock);
    return request;
}

static void insert(struct node **root, struct node *node)
{
    while (*root != NULL)
        root = &(*root)->child[node->key > (*root)->key];
    *root = node;
}

static uint64_t look_up(const struct node *node, uint64_t key)
{
    uint64_t depth = 0;
    for (; node != NULL && node->key != key; depth++)
        node = node->child[key > node->key];
    return depth + dictionary[key % DICTIONARY_WORDS];
}

static uint64_t serve(int request)
{
    uint64_t seed = mix((uint64_t) request + 1);
    size_t n_nodes = 1 + seed % MAX_NODES;
    size_t size = n_nodes * sizeof(struct node);
    struct node *arena = mmap(NULL, size, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (arena == MAP_FAILED)
        exit(1);
    struct node *root = NULL;
    for (size_t i = 0; i < n_nodes; i++) {
        arena[i].key = mix(seed + i);
        insert(&root, &arena[i]);
    }
    uint64_t sum = 0;
    for (size_t i = 0; i < LOOKUPS; i++)
        sum += look_up(root, mix(seed + i));
    munmap(arena, size);
    return sum;
}

static void *work(void *argument)
{
    uint64_t *sum = argument;
    for (int request; (request = take_request()) >= 0;)
        *sum += serve(request);
    return NULL;
}

static void put_requests(void)
{
    for (int i = 0; i < n_requests; i++) {
        pthread_mutex_lock(&queue_lock);
        n_queued++;
        pthread_cond_signal(&queue_filled);
        pthread_mutex_unlock(&queue_lock);
    }
    pthread_cond_broadcast(&queue_filled);
}

int main(int argc, char **argv)
{
    pthread_t workers[N_WORKERS];
    static uint64_t sums[N_WORKERS];
    n_requests = argc > 1 ? atoi(argv[1]) : DEFAULT_REQUESTS;
    dictionary = calloc(DICTIONARY_WORDS, sizeof(*dictionary));
    if (dictionary == NULL)
        return 1;
    for (int i = 0; i < N_WORKERS; i++) {
        if (pthread_create(&workers[i], NULL, work, &sums[i]) != 0)
            return 1;
    }
    put_requests();
    for (int i = 0; i < N_WORKERS; i++)
        pthread_join(workers[i], NULL);
    free(dictionary);
    return 0;
}
