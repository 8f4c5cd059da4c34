/* SPDX-License-Identifier: MIT */
/*
 * gnuplot as a child process: its script comes from an unnamed file, its figure
 * goes straight into the output's descriptor, what it complains of is told in
 * one line. User settings (~/.gnuplot) are left out, so that the same data give
 * the same bytes.
 */
#include "cli/gnuplot.h"

#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

struct gnuplot_format {
    const char *suffix;
    const char *terminal;
};

static const struct gnuplot_format gnuplot_formats[] = {
    {".svg", "svg size 760,460 noenhanced font 'Helvetica,13' "
             "background 'white' linewidth 1.2"},
    {".png", "pngcairo size 1520,920 noenhanced font 'Helvetica,13' "
             "background 'white' fontscale 2 linewidth 2.4 pointscale 2"},
};

static const char *gnuplot_terminal(const char *path)
{
    size_t length = strlen(path);

    for (size_t i = 0; i < sizeof(gnuplot_formats) / sizeof(gnuplot_formats[0]);
         i++) {
        size_t n = strlen(gnuplot_formats[i].suffix);

        if (length > n && !strcmp(path + length - n, gnuplot_formats[i].suffix))
            return gnuplot_formats[i].terminal;
    }
    return NULL;
}

/* Runs gnuplot with these three descriptors (< 0: nothing): its wait status,
 * or -1 with errno set if there is no such program. */
static int gnuplot_run(const char *argument, int in, int out, int err)
{
    const int fds[] = {in, out, err};
    char *arguments[] = {(char *) (uintptr_t) "gnuplot",
                         (char *) (uintptr_t) argument, NULL};
    posix_spawn_file_actions_t actions;
    int status = 0;
    int error;
    pid_t child;

    posix_spawn_file_actions_init(&actions);
    for (int i = 0; i < 3; i++) {
        if (fds[i] >= 0)
            posix_spawn_file_actions_adddup2(&actions, fds[i], i);
        else
            posix_spawn_file_actions_addopen(&actions, i, "/dev/null",
                                             i ? O_WRONLY : O_RDONLY, 0);
    }
    error = posix_spawnp(&child, "gnuplot", &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error) {
        errno = error;
        return -1;
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

int gnuplot_check(const char *command, const char *path)
{
    if (!gnuplot_terminal(path))
        return cli_error(CLI_USAGE,
                         "%s: --plot: '%s' does not end in .svg or .png",
                         command, path);
    if (gnuplot_run("--version", -1, -1, -1) != 0)
        return cli_error(CLI_USAGE,
                         "%s: --plot needs gnuplot, which is not there "
                         "(Debian and Ubuntu: apt-get install gnuplot-nox; "
                         "--report does without)",
                         command);
    return 0;
}

FILE *gnuplot_begin(const char *path)
{
    FILE *script = tmpfile();

    if (!script) {
        cli_error(CLI_SYSTEM, "cannot make a temporary file: %s",
                  strerror(errno));
        return NULL;
    }
    fprintf(script,
            "set terminal %s\n"
            "set encoding utf8\n"
            "set border 3 lc rgb '#56616d'\n"
            "set tics nomirror textcolor rgb '#1c232b'\n"
            "set grid ytics lc rgb '#d5dbe1' lt 1\n",
            gnuplot_terminal(path));
    return script;
}

/* Between single quotes nothing is special but the quote itself. */
void gnuplot_text(const char *text, FILE *script)
{
    fputc('\'', script);
    for (; *text; text++) {
        if (*text == '\'')
            fputs("''", script);
        else
            fputc((unsigned char) *text < ' ' ? '?' : *text, script);
    }
    fputc('\'', script);
}

void gnuplot_title(const char *source, const char *machine, FILE *script)
{
    fputs("set title ", script);
    gnuplot_text(source, script);
    fputs(".' on '.", script);
    gnuplot_text(machine, script);
    fputc('\n', script);
}

/* The first line of what it said. */
static int gnuplot_tell(FILE *said)
{
    char line[256] = "";

    rewind(said);
    while (fgets(line, sizeof(line), said) && line[0] == '\n')
        ;
    line[strcspn(line, "\n")] = '\0';
    return cli_error(CLI_SYSTEM, "gnuplot cannot draw the figure: %s",
                     line[0] ? line : "it says nothing");
}

static void gnuplot_copy(FILE *drawn, FILE *out)
{
    char bytes[4096];
    size_t n;

    rewind(drawn);
    while ((n = fread(bytes, 1, sizeof(bytes), drawn)) > 0)
        fwrite(bytes, 1, n, out); /* closing out tells what went wrong */
}

int gnuplot_end(FILE *script, FILE *out)
{
    FILE *said = tmpfile();
    FILE *drawn = tmpfile();
    int status = 0;

    if (fflush(script) || !said || !drawn) {
        status = cli_error(CLI_SYSTEM, "cannot write the figure's script: %s",
                           strerror(errno));
    } else {
        rewind(script);
        if (gnuplot_run("-d", fileno(script), fileno(drawn), fileno(said)) != 0)
            status = gnuplot_tell(said);
        else
            gnuplot_copy(drawn, out);
    }
    if (said)
        fclose(said);
    if (drawn)
        fclose(drawn);
    fclose(script);
    return status;
}

const char *gnuplot_bucket_color(const char *bucket)
{
    static const struct {
        const char *bucket;
        const char *color;
    } colors[] = {
        {"base", "#8d99a6"},        {"memory", "#5d6b7a"},
        {"l1_tlb", "#bdeef8"},      {"l2_tlb", "#7cc4ee"},
        {"l3_tlb", "#3f9bd1"},      {"walk", "#0072b2"},
        {"fault", "#e69f00"},       {"kernel", "#f8e56c"},
        {"lock", "#553519"},        {"switch", "#553baa"},
        {"flush_local", "#dba78e"}, {"ipi_send", "#d55e00"},
        {"ipi_wait", "#9e2a0f"},    {"ipi_handler", "#dbbacb"},
    };

    for (size_t i = 0; i < sizeof(colors) / sizeof(colors[0]); i++)
        if (!strcmp(colors[i].bucket, bucket))
            return colors[i].color;
    return "#56616d";
}
