/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool.h"

static const struct {
    const char *name;
    tool_command *run;
    const char *purpose;
} commands[] = {
    {"devices", cmd_devices, "list the OpenCL devices of this machine"},
    {"train", cmd_train, "train a recipe into a run folder"},
    {"evaluate", cmd_evaluate, "measure the model of a run folder"},
    {"predict", cmd_predict, "write the class of each image, and how probable each class is"},
    {"ensemble", cmd_ensemble, "ask several trained networks together"},
    {"watch", cmd_watch, "follow a run, a set of seeds or a study that others train"},
    {"plot", cmd_plot, "draw figures of runs, range tests, studies and benchmarks"},
    {"report", cmd_report, "write a page on runs and studies, with tables and figures"},
    {"export", cmd_export, "write runs and studies for TensorBoard, as CSV or as JSON"},
    {"preview", cmd_preview, "draw what a recipe's augmentation does to images"},
    {"check-gradients", cmd_check_gradients, "hold gradients against finite differences"},
    {"bench", cmd_bench, "measure the device, its products and whole networks"},
    {"tune", cmd_tune, "measure the fastest ways to multiply, ahead of time"},
    {"lambda-search", cmd_lambda_search, "find lambda: coarse, fine, and the final training"},
    {"search", cmd_search, "search for any hyper-parameters, in a study that survives"},
    {"lr-range", cmd_lr_range, "find bounds for a recipe's learning rates"},
    {"reproduce", cmd_reproduce, "run the published experiments again, and judge the outcome"},
    {"recipe", cmd_recipe, "check a recipe, or explain the keys of recipes"},
    {"schedule", cmd_schedule, "tabulate the learning rates of a recipe"},
};
enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

static lam_context *stoppable;

/* A thread takes SIGINT and SIGTERM: blocked everywhere else, they neither cut calls short nor
 * reach the handlers that compilers inside OpenCL drivers install, nor their child processes.
 */
static void *await_stop_signal(void *signals)
{
    int signal_number = 0;
    while (sigwait(signals, &signal_number) == 0)
        lam_context_request_stop(stoppable);
    return NULL;
}

static void watch_stop_signals(void)
{
    static sigset_t signals;
    pthread_t thread;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    if (pthread_create(&thread, NULL, await_stop_signal, &signals) == 0)
        pthread_detach(thread);
    else /* then the signals do what they do by default */
        pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
}

static void print_help(FILE *out)
{
    fprintf(out, "Usage: lamina COMMAND [OPTION...]\n"
                 "Train neural networks on any OpenCL device.\n\n");
    for (int i = 0; i < COMMAND_COUNT; i++)
        fprintf(out, "  %-16s %s\n", commands[i].name, commands[i].purpose);
    fprintf(out, "\n`lamina COMMAND --help' explains a command, `lamina --version' prints the\n"
                 "version.\n\n"
                 "Examples:\n"
                 "  lamina devices\n"
                 "  lamina train results/a2-fig4/recipe.yaml --data synthetic\n");
}

static void log_message(void *user, lam_log_level level, const char *message)
{
    (void)user;
    if (level == LAM_LOG_LEVEL_WARNING)
        fprintf(stderr, "lamina: warning: %s\n", message);
}

static int run_command(tool_command *command, const char *name, int argc, char **argv)
{
    lam_status status = lam_context_create(&stoppable);
    if (status != LAM_STATUS_OK) {
        fprintf(stderr, "lamina: %s\n", lam_status_text(status));
        return lam_status_exit_code(status);
    }
    lam_context_set_log(stoppable, log_message, NULL);
    watch_stop_signals();
    char title[64];
    snprintf(title, sizeof title, "lamina %s", name);
    argv[0] = title;
    return command(stoppable, argc,
                   argv); /* the context lives as long as the watching thread */
}

/* Results that did not reach their reader are a failure, however the program ends. */
static void close_stdout(void)
{
    bool failed = ferror(stdout) != 0;
    if (fclose(stdout) == 0 && !failed)
        return;
    fprintf(stderr,
            "lamina: stdout: cannot write: %s; free some space or choose another place\n",
            errno ? strerror(errno) : "output error");
    _exit(lam_status_exit_code(LAM_STATUS_BAD_OUTPUT));
}

int main(int argc, char **argv)
{
    atexit(close_stdout);
    argp_err_exit_status = lam_status_exit_code(LAM_STATUS_BAD_ARGUMENT);
    if (argc < 2) {
        print_help(stderr);
        return argp_err_exit_status;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("lamina %s\n", lam_version());
        return EXIT_SUCCESS;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return EXIT_SUCCESS;
    }
    for (int i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return run_command(commands[i].run, commands[i].name, argc - 1, argv + 1);
    fprintf(stderr, "lamina: there is no command `%s'; see: lamina --help\n", argv[1]);
    return argp_err_exit_status;
}
