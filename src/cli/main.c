/* SPDX-License-Identifier: MIT */
/* The tool's entry: `mmusim COMMAND ...`, --help, --version. */
#include "cli/cli.h"

#include "mmusim/mmusim.h"

#include <stdio.h>
#include <string.h>

static const struct cli_command *const commands[] = {
    &cmd_replay,   &cmd_annotate, &cmd_advise, &cmd_sweep,
    &cmd_record,   &cmd_run,      &cmd_trace,  &cmd_config,
    &cmd_workload, &cmd_scenario, &cmd_litmus, &cmd_validate,
};

enum {
    N_COMMANDS = sizeof(commands) / sizeof(commands[0]),
};

static const char intro[] =
    "Usage: mmusim COMMAND ...\n"
    "\n"
    "mmusim replays a recorded or generated multithreaded program through a\n"
    "simulated multicore machine and says what its TLBs, page walks and TLB\n"
    "shootdowns cost, cycle by cycle.\n"
    "\n"
    "Commands:\n";

static const char outro[] =
    "\n"
    "First steps:\n"
    "  mmusim config list                         the machines there are\n"
    "  mmusim workload list                       programs that need no trace\n"
    "  mmusim replay workload:madvise             run one, print statistics\n"
    "  mmusim replay -m skylake-sp -s os.flush_ceiling=1 workload:madvise\n"
    "  mmusim sweep -p os.flush_ceiling=0..64 workload:madvise\n"
    "                                             which ceiling is best, and "
    "why\n"
    "  mmusim record -o my.mmt -- sort --parallel=4 FILE\n"
    "                                             record a program of your "
    "own\n"
    "  mmusim run -- ./program                    or run and simulate it at "
    "once\n"
    "\n"
    "Options:\n"
    "  -h, --help                print this and stop\n"
    "  -V, --version             print the version and stop\n"
    "\n"
    "Exit status: 0 success; 1 found what it looked for (violations, damage);\n"
    "2 usage or configuration; 3 input unreadable or damaged; 4 out of memory\n"
    "or another system failure; 130 interrupted.\n"
    "\n"
    "mmusim COMMAND --help says more about each.\n";

static void main_print_help(void)
{
    fputs(intro, stdout);
    for (size_t i = 0; i < N_COMMANDS; i++)
        printf("  %-10s %s\n", commands[i]->name, commands[i]->summary);
    fputs(outro, stdout);
}

static int main_unknown(const char *word)
{
    const char *names[N_COMMANDS];
    const char *nearest;

    for (size_t i = 0; i < N_COMMANDS; i++)
        names[i] = commands[i]->name;
    nearest = mmusim_nearest(word, names, N_COMMANDS);
    if (nearest)
        return cli_error(CLI_USAGE, "unknown command '%s' (nearest: %s)", word,
                         nearest);
    return cli_error(CLI_USAGE, "unknown command '%s' (see mmusim --help)",
                     word);
}

static int main_run(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : NULL;

    if (!word)
        return cli_error(CLI_USAGE, "which command? (see mmusim --help)");
    if (!strcmp(word, "--help") || !strcmp(word, "-h") ||
        (!strcmp(word, "help") && argc == 2)) {
        main_print_help();
        return CLI_OK;
    }
    if (!strcmp(word, "--version") || !strcmp(word, "-V")) {
        printf("mmusim %s\n", mmusim_version());
        return CLI_OK;
    }
    if (!strcmp(word, "help")) { /* mmusim help CMD = mmusim CMD --help */
        static char help[] = "--help";
        char *turned[] = {argv[0], argv[2], help, NULL};

        return main_run(3, turned);
    }
    for (size_t i = 0; i < N_COMMANDS; i++)
        if (!strcmp(word, commands[i]->name))
            return commands[i]->run(commands[i], argc - 1, argv + 1);
    return main_unknown(word);
}

int main(int argc, char **argv)
{
    int status = main_run(argc, argv);

    if ((fflush(stdout) || ferror(stdout)) && status == CLI_OK)
        return cli_error(CLI_SYSTEM, "standard output: cannot write");
    return status;
}
