/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "tool.h"

typedef struct export_options {
    const char **paths;
    size_t count;
    const char *tensorboard;
} export_options;

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    export_options *options = state->input;
    switch (key) {
    case 't':
        options->tensorboard = argument;
        return 0;
    case ARGP_KEY_ARGS:
        options->paths = (const char **)state->argv + state->next;
        options->count = (size_t)(state->argc - state->next);
        return 0;
    case ARGP_KEY_END:
        if (options->count == 0)
            argp_error(state, "name run folders, folders of seeds or studies");
        if (!options->tensorboard)
            argp_error(state, "say as what: --tensorboard DIR");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static lam_status export_events(lam_context *context, const export_options *options)
{
    size_t files = 0;
    lam_status status = lam_event_log_export(context, options->paths, options->count,
                                             options->tensorboard, &files);
    if (status == LAM_STATUS_OK)
        fprintf(stderr, "%zu event file%s in %s; see: tensorboard --logdir %s\n", files,
                files == 1 ? "" : "s", options->tensorboard, options->tensorboard);
    return status;
}

int cmd_export(lam_context *context, int argc, char **argv)
{
    const struct argp_option own_options[] = {
        {"tensorboard", 't', "DIR", 0, "write event files for TensorBoard below DIR", 1}, {0}};
    const struct argp argp = {
        .options = own_options,
        .parser = parse_option,
        .args_doc = "RUN|SEEDS|STUDY...",
        .doc = "Write what run folders, sets of seeds and studies hold for other programs. "
               "Exporting again replaces what was exported before and nothing else.\v"
               "Examples:\n"
               "  lamina export runs/a2-fig4-1 runs/a3-seeds --tensorboard events\n"
               "  lamina export study.db --tensorboard events && tensorboard --logdir events"};
    export_options options = {0};
    (void)argp_parse(&argp, argc, argv, 0, NULL, &options);
    lam_status status = export_events(context, &options);
    return status == LAM_STATUS_OK ? EXIT_SUCCESS : report_failure(context, status);
}
