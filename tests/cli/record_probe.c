/* SPDX-License-Identifier: MIT */
/*
 * record_probe MODE: small programs with known behaviour for test_record.sh.
 * The page at MARKED_PAGE tells their accesses from everybody else's.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define MARKED_PAGE ((void *) 0x7e0000000)
enum { PAGE = 4096, LOADS = 1000, STORES = 300, REUSES = 200 };

static char *map_at(void *where, size_t size)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS;
    char *p = mmap(where, size, PROT_READ | PROT_WRITE,
                   where != NULL ? flags | MAP_FIXED : flags, -1, 0);
    if (p == MAP_FAILED)
        exit(9);
    return p;
}

/* LOADS loads of 8 bytes and STORES stores of 4 in the marked page. */
static void count(void)
{
    char *page = map_at(MARKED_PAGE, PAGE);
    volatile uint64_t *words = (volatile uint64_t *) page;
    volatile uint32_t *halves = (volatile uint32_t *) page;
    for (int i = 0; i < LOADS; i++)
        (void) words[i % 512];
    for (int i = 0; i < STORES; i++)
        halves[i % 1024] = 1;
}

/* Maps and unmaps the same few addresses again and again. */
static void *reuse(void *argument)
{
    for (int i = 0; i < REUSES; i++) {
        size_t size = (size_t) (1 + i % 7) * PAGE;
        char *p = map_at(NULL, size);
        memset(p, 1, size);
        if (i % 3 == 0) {
            p = mremap(p, size, 2 * size, MREMAP_MAYMOVE);
            if (p == MAP_FAILED)
                exit(9);
            size *= 2;
            p[size - 1] = 1;
        }
        munmap(p, size);
    }
    return argument;
}

static void run_threads(void)
{
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        if (pthread_create(&threads[i], NULL, reuse, NULL) != 0)
            exit(9);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
}

/* Three children: one ends, one becomes another program, one fails to. */
static void run_fork(void)
{
    for (int i = 0; i < 3; i++) {
        if (fork() != 0)
            continue;
        if (i == 1)
            execl("/bin/true", "true", NULL);
        if (i == 2)
            execl("/nonexistent", "nonexistent", NULL);
        _exit(0);
    }
    while (wait(NULL) > 0)
        continue;
}

/* A descriptor sweep, as daemons do: the recorder's file must survive it. */
static void close_all(void)
{
    for (int fd = 3; fd < 1024; fd++)
        close(fd);
    FILE *mine = tmpfile();
    count();
    if (mine == NULL || fputs("mine", mine) < 0 || fclose(mine) != 0)
        exit(9);
}

static void *crash(void *argument)
{
    count();
    *(volatile int *) 8 = 1;
    return argument;
}

static void crash_among_threads(void)
{
    pthread_t threads[2];
    pthread_create(&threads[0], NULL, reuse, NULL);
    pthread_create(&threads[1], NULL, crash, NULL);
    for (;;)
        pause();
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "";
    if (strcmp(mode, "count") == 0) {
        count();
    } else if (strcmp(mode, "threads") == 0) {
        run_threads();
    } else if (strcmp(mode, "fork") == 0) {
        run_fork();
    } else if (strcmp(mode, "exec") == 0) {
        execl("/bin/echo", "echo", "executed", NULL);
    } else if (strcmp(mode, "close") == 0) {
        close_all();
    } else if (strcmp(mode, "segv") == 0) {
        crash_among_threads();
    } else if (strcmp(mode, "status") == 0) {
        return 7;
    } else if (strcmp(mode, "kill") == 0) {
        count();
        for (int i = 0; i < 30; i++) /* blocks are written while it lives */
            usleep(50000);
        kill(getpid(), SIGKILL);
    } else if (strcmp(mode, "wait") == 0) {
        count();
        puts("ready");
        fflush(stdout);
        for (;;)
            pause();
    } else {
        return 8;
    }
    return 0;
}
