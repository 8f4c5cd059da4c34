/* SPDX-License-Identifier: MIT */
/*
 * Ctrl-C: the first SIGINT or SIGTERM asks for a clean stop, the second one
 * kills as usual.
 */
#include "cli/cli.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>

static atomic_int interrupt_count;

static void interrupt_on_signal(int number)
{
    (void) number;
    atomic_fetch_add_explicit(&interrupt_count, 1, memory_order_relaxed);
}

void cli_catch_interrupts(void)
{
    struct sigaction action;

    memset(&action, 0, sizeof(action));
    action.sa_handler = interrupt_on_signal;
    sigemptyset(&action.sa_mask);
    action.sa_flags = (int) SA_RESETHAND;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

int cli_is_interrupted(void)
{
    return atomic_load_explicit(&interrupt_count, memory_order_relaxed) > 0;
}
