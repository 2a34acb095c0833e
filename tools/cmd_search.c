/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "search.h"

static const struct {
    const char *name;
    tool_command *run;
    const char *purpose;
} commands[] = {
    {"new", search_new, "make a study of a recipe and the values to try"},
    {"run", search_run, "train what waits; from as many processes as you like"},
    {"resume", search_run, "the same: what was cut off goes on where it was"},
    {"status", search_status, "how far a study is"},
    {"watch", search_watch, "follow a study that others work on"},
    {"best", search_best, "the best configurations, with what can be said of them"},
    {"refine", search_refine, "make a new study in the range of the best"},
    {"retry", search_retry, "let failed trials wait again"},
    {"retrain", search_retrain, "train the best configuration into run folders"},
    {"merge", search_merge, "take over what other files of a study finished"},
    {"export", search_export, "write all trials as CSV or JSON"},
    {"bench", search_bench, "measure models per second against networks side by side"},
};
enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

static void print_help(FILE *out)
{
    fprintf(out, "Usage: lamina search COMMAND [OPTION...]\n"
                 "Search for hyper-parameters. A study is one SQLite file; any number of\n"
                 "processes may work on it, and be killed at any time.\n\n");
    for (int i = 0; i < COMMAND_COUNT; i++)
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].purpose);
    fprintf(out, "\n`lamina search COMMAND --help' explains a command.\n\n"
                 "Examples:\n"
                 "  lamina search new study.db results/a2-search/recipe.yaml \\\n"
                 "      -P l2=log:1e-5..1e-1 --trials 20 --seeds 3\n"
                 "  lamina search run study.db\n"
                 "  lamina search best study.db\n"
                 "  lamina search refine study.db -o fine.db --within 1se --trials 20\n");
}

int cmd_search(lam_context *context, int argc, char **argv)
{
    char title[48];
    if (argc < 2) {
        print_help(stderr);
        return lam_status_exit_code(LAM_STATUS_BAD_ARGUMENT);
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return EXIT_SUCCESS;
    }
    for (int i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(argv[1], commands[i].name) == 0) {
            snprintf(title, sizeof title, "lamina search %s", commands[i].name);
            argv[1] = title;
            return commands[i].run(context, argc - 1, argv + 1);
        }
    fprintf(stderr, "lamina: there is no `lamina search %s'; see: lamina search --help\n",
            argv[1]);
    return lam_status_exit_code(LAM_STATUS_BAD_ARGUMENT);
}
