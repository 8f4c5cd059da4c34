/* SPDX-License-Identifier: MIT */
/*
 * Option parsing and --help from one table a command; messages and exit
 * statuses.
 */
#include "cli/cli.h"
#include "mmusim/trace.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    OPTIONS_MAX = 40,     /* of one command; asserted by a test */
    OPTION_INDEX_0 = 256, /* getopt values: beyond any letter */
    OPTION_HELP = 255,
    HELP_COLUMN = 28,
};

struct option_set {
    struct option longs[OPTIONS_MAX + 2];
    char letters[2 * OPTIONS_MAX + 8];
    size_t n;
};

int cli_exit_of(mmusim_status_t status)
{
    switch (status) {
    case MMUSIM_OK:
        return CLI_OK;
    case MMUSIM_USAGE:
    case MMUSIM_CONFIG:
    case MMUSIM_UNSUPPORTED:
        return CLI_USAGE;
    case MMUSIM_DAMAGED:
    case MMUSIM_UNREADABLE:
        return CLI_INPUT;
    case MMUSIM_SYSTEM:
    case MMUSIM_NOMEM:
    case MMUSIM_EXHAUSTED:
        return CLI_SYSTEM;
    case MMUSIM_INTERRUPTED:
        return CLI_INTERRUPTED;
    }
    return CLI_SYSTEM;
}

/* Bytes of the UTF-8 character at text that a terminal may get; 0: none begins
 * here, or it is a control character. Overlong forms, surrogates and what is
 * beyond U+10FFFF are none (RFC 3629, section 4). */
static size_t option_shown_bytes(const unsigned char *text)
{
    unsigned char least = 0x80, most = 0xbf; /* of the second byte */
    size_t n = text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;

    if (text[0] < 0x80)
        return text[0] >= ' ' && text[0] != 0x7f;
    if (text[0] < 0xc2 || text[0] > 0xf4)
        return 0;
    if (text[0] == 0xc2 || text[0] == 0xe0)
        least = 0xa0; /* U+0080 to U+009F are control characters */
    else if (text[0] == 0xf0)
        least = 0x90;
    else if (text[0] == 0xed)
        most = 0x9f;
    else if (text[0] == 0xf4)
        most = 0x8f;
    if (text[1] < least || text[1] > most)
        return 0;
    for (size_t i = 2; i < n; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    }
    return n;
}

/* One line of text whatever the user's names and files contain. */
static void option_print_message(char *text)
{
    for (char *c = text; *c;) {
        size_t n = option_shown_bytes((const unsigned char *) c);

        if (!n)
            *c = '?';
        c += n ? n : 1;
    }
    fprintf(stderr, "mmusim: %s\n", text);
}

int cli_error(enum cli_exit status, const char *format, ...)
{
    char text[2048];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    option_print_message(text);
    return (int) status;
}

void cli_note(const char *format, ...)
{
    char text[2048];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    option_print_message(text);
}

void cli_warn_incomplete(const char *path, const struct mmusim_trace *trace)
{
    const char *note;

    for (size_t i = 0; (note = mmusim_trace_note(trace, i)); i++)
        cli_note("%s: %s", path, note);
    if (mmusim_trace_is_complete(trace) ||
        strcmp(mmusim_trace_format(trace), "native") != 0)
        return;
    cli_note("%s: no index: the recording was cut short or truncated (what is "
             "there is used)",
             path);
}

int cli_diag(const mmusim_diag_t *diag)
{
    char text[1024];

    mmusim_diag_format(diag, text, sizeof(text));
    if (!text[0])
        snprintf(text, sizeof(text), "%s", mmusim_strerror(diag->status));
    option_print_message(text);
    return cli_exit_of(diag->status);
}

static void option_print(const struct cli_option *option)
{
    char left[80];
    int width;
    const char *help = option->help;

    width = snprintf(
        left, sizeof(left), "  %c%c%s --%s%s%s", option->letter ? '-' : ' ',
        option->letter ? option->letter : ' ', option->letter ? "," : " ",
        option->name, option->argument ? " " : "",
        option->argument ? option->argument : "");
    if (width >= HELP_COLUMN)
        printf("%s\n%*s", left, HELP_COLUMN, "");
    else
        printf("%-*s", HELP_COLUMN, left);
    for (; *help; help++) {
        putchar(*help);
        if (*help == '\n')
            printf("%*s", HELP_COLUMN, "");
    }
    putchar('\n');
}

void cli_print_help(const struct cli_command *command)
{
    static const struct cli_option help = {"help", 'h', NULL,
                                           "print this and stop"};

    printf("Usage: mmusim %s%s%s\n\n%s\n", command->name,
           command->usage[0] ? " " : "", command->usage, command->summary);
    printf("\nOptions:\n");
    for (const struct cli_option *o = command->options; o && o->name; o++)
        option_print(o);
    option_print(&help);
    if (command->details && command->details[0])
        printf("\n%s%s", command->details,
               command->details[strlen(command->details) - 1] == '\n' ? ""
                                                                      : "\n");
}

static void option_set_add(struct option_set *set, const char *name,
                           char letter, int has_argument, int value)
{
    size_t length = strlen(set->letters);

    set->longs[set->n++] = (struct option){
        name, has_argument ? required_argument : no_argument, NULL, value};
    if (letter)
        snprintf(set->letters + length, sizeof(set->letters) - length, "%c%s",
                 letter, has_argument ? ":" : "");
}

static void option_set_init(struct option_set *set,
                            const struct cli_command *command)
{
    int stops = strstr(command->usage, "-- PROGRAM") != NULL;

    memset(set, 0, sizeof(*set));
    snprintf(set->letters, sizeof(set->letters), stops ? "+:" : ":");
    for (size_t i = 0;
         command->options && command->options[i].name && i < OPTIONS_MAX; i++)
        option_set_add(
            set, command->options[i].name, command->options[i].letter,
            command->options[i].argument != NULL, OPTION_INDEX_0 + (int) i);
    option_set_add(set, "help", 'h', 0, OPTION_HELP);
}

static int option_unknown(const struct cli_command *command,
                          const struct option_set *set, const char *word)
{
    const char *names[OPTIONS_MAX + 1];
    char name[128];
    const char *nearest;

    if (optopt > 0 && optopt < OPTION_HELP)
        return cli_error(CLI_USAGE,
                         "%s: unknown option -%c (see mmusim %s "
                         "--help)",
                         command->name, optopt, command->name);
    snprintf(name, sizeof(name), "%s", word + 2);
    name[strcspn(name, "=")] = '\0';
    for (size_t i = 0; i < set->n; i++) {
        names[i] = set->longs[i].name;
        if (!strcmp(names[i], name))
            return cli_error(CLI_USAGE, "%s: option --%s takes no argument",
                             command->name, name);
    }
    nearest = mmusim_nearest(name, names, set->n);
    if (nearest)
        return cli_error(CLI_USAGE, "%s: unknown option --%s (nearest: --%s)",
                         command->name, name, nearest);
    return cli_error(CLI_USAGE,
                     "%s: unknown option --%s (see mmusim %s "
                     "--help)",
                     command->name, name, command->name);
}

/* The row that a value returned by getopt_long stands for; NULL: none. */
static const struct cli_option *option_row(const struct cli_command *command,
                                           int value)
{
    if (value >= OPTION_INDEX_0)
        return &command->options[value - OPTION_INDEX_0];
    for (const struct cli_option *o = command->options; o && o->name; o++)
        if (o->letter && o->letter == value)
            return o;
    return NULL;
}

int cli_parse(const struct cli_command *command, int argc, char **argv,
              int (*on_option)(void *context, const struct cli_option *option,
                               const char *value),
              void *context, int *first_operand)
{
    struct option_set set;
    int value;

    option_set_init(&set, command);
    opterr = 0;
    optind = 0; /* glibc: start afresh, whatever ran before */
    while ((value = getopt_long(argc, argv, set.letters, set.longs, NULL)) !=
           -1) {
        const struct cli_option *row;
        int status;

        if (value == OPTION_HELP || value == 'h') {
            cli_print_help(command);
            return CLI_OK;
        }
        if (value == '?')
            return option_unknown(command, &set, argv[optind - 1]);
        if (value == ':')
            return cli_error(CLI_USAGE, "%s: option %s needs an argument",
                             command->name, argv[optind - 1]);
        row = option_row(command, value);
        if (!row)
            return cli_error(CLI_USAGE, "%s: unknown option", command->name);
        status = on_option(context, row, row->argument ? optarg : NULL);
        if (status > 0)
            return status;
    }
    *first_operand = optind;
    return -1;
}

int cli_key_value(const char *option, const char *text, char **key,
                  const char **value)
{
    const char *equals = strchr(text, '=');

    if (!equals || equals == text)
        return cli_error(CLI_USAGE, "%s: '%s' is not KEY=VALUE", option, text);
    *key = strndup(text, (size_t) (equals - text));
    if (!*key)
        return cli_error(CLI_SYSTEM, "out of memory");
    *value = equals + 1;
    return 0;
}

/* The factor of a size suffix, 0 if it is none. */
static uint64_t option_factor(const char *suffix)
{
    static const char letters[] = "KMG";
    const char *found;

    if (!suffix[0])
        return 1;
    found = strchr(letters, suffix[0] & ~0x20);
    if (!found || !*found || suffix[1])
        return 0;
    return UINT64_C(1) << 10 * (found - letters + 1);
}

int cli_number(const char *option, const char *text, uint64_t min, uint64_t max,
               int has_suffix, uint64_t *number)
{
    char *end = NULL;
    unsigned long long value = 0;
    uint64_t factor = 0;
    int is_hex = !strncmp(text, "0x", 2);

    errno = 0;
    if (text[0] >= '0' && text[0] <= '9')
        value = strtoull(text, &end, is_hex ? 16 : 10);
    if (end && !errno)
        factor = has_suffix ? option_factor(end) : !*end;
    if (!factor || value > UINT64_MAX / factor || value * factor < min ||
        value * factor > max)
        return cli_error(CLI_USAGE,
                         "%s: '%s' is not a number from %llu to "
                         "%llu%s",
                         option, text, (unsigned long long) min,
                         (unsigned long long) max,
                         has_suffix ? " (K, M, G allowed)" : "");
    *number = value * factor;
    return 0;
}

int cli_choice(const char *option, const char *text, const char *const *names)
{
    char allowed[256] = "";
    const char *nearest;
    size_t n = 0;

    for (; names[n]; n++) {
        size_t length = strlen(allowed);

        if (!strcmp(names[n], text))
            return (int) n;
        snprintf(allowed + length, sizeof(allowed) - length, "%s%s",
                 n ? ", " : "", names[n]);
    }
    nearest = mmusim_nearest(text, names, n);
    cli_error(CLI_USAGE, "%s: '%s' is not one of %s%s%s%s", option, text,
              allowed, nearest ? " (nearest: " : "", nearest ? nearest : "",
              nearest ? ")" : "");
    return -1;
}

static const char *option_sub_word(const struct cli_command *sub)
{
    const char *space = strchr(sub->name, ' ');

    return space ? space + 1 : sub->name;
}

static void option_print_subs(const struct cli_command *self,
                              const struct cli_command *const *subs,
                              size_t n_subs)
{
    int width = 10;

    for (size_t i = 0; i < n_subs; i++) {
        int length = (int) strlen(option_sub_word(subs[i]));

        width = length > width ? length : width;
    }
    printf("Usage: mmusim %s COMMAND ...\n\n%s\n\nCommands:\n", self->name,
           self->summary);
    for (size_t i = 0; i < n_subs; i++)
        printf("  %-*s %s\n", width, option_sub_word(subs[i]),
               subs[i]->summary);
    if (self->details && self->details[0])
        printf("\n%s\n", self->details);
    printf("\nmmusim %s COMMAND --help says more.\n", self->name);
}

int cli_run_sub(const struct cli_command *self,
                const struct cli_command *const *subs, size_t n_subs, int argc,
                char **argv)
{
    const char *names[OPTIONS_MAX];
    const char *nearest;
    size_t n_names = 0;

    if (argc < 2)
        return cli_error(CLI_USAGE, "%s: which one? (see mmusim %s --help)",
                         self->name, self->name);
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
        option_print_subs(self, subs, n_subs);
        return CLI_OK;
    }
    for (size_t i = 0; i < n_subs && i < OPTIONS_MAX; i++) {
        names[n_names++] = option_sub_word(subs[i]);
        if (!strcmp(argv[1], option_sub_word(subs[i])))
            return subs[i]->run(subs[i], argc - 1, argv + 1);
    }
    nearest = mmusim_nearest(argv[1], names, n_names);
    return cli_error(CLI_USAGE, "%s: unknown command '%s' (%s%s%s)", self->name,
                     argv[1], nearest ? "nearest: " : "see mmusim ",
                     nearest ? nearest : self->name, nearest ? "" : " --help");
}
