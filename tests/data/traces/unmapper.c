/* SPDX-License-Identifier: MIT */
/* Three threads that map, drop, protect and unmap 1, 21 and 41 pages. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char *volatile shared;
static void *work(void *arg)
{
    size_t pages = (size_t) arg;
    for (int i = 0; i < 6; i++) {
        char *p = mmap(NULL, pages * 4096, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        memset(p, 1, pages * 4096);
        madvise(p, 4096, MADV_DONTNEED);
        mprotect(p, 4096, PROT_READ);
        munmap(p, pages * 4096);
        usleep(200);
    }
    return NULL;
}
int main(void)
{
    pthread_t t[3];
    for (size_t i = 0; i < 3; i++)
        pthread_create(&t[i], NULL, work, (void *) (1 + i * 20));
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    return 0;
}
