/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "export.h"

typedef struct export_options {
    const char **paths;
    size_t count;
    const char *tensorboard, *csv, *json;
} export_options;

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    export_options *options = state->input;
    switch (key) {
    case 't':
        options->tensorboard = argument;
        return 0;
    case 'c':
        options->csv = argument;
        return 0;
    case 'j':
        options->json = argument;
        return 0;
    case ARGP_KEY_ARGS:
        options->paths = (const char **)state->argv + state->next;
        options->count = (size_t)(state->argc - state->next);
        return 0;
    case ARGP_KEY_END:
        if (options->count == 0)
            argp_error(state, "name run folders, folders of seeds or studies");
        if (!options->tensorboard && !options->csv && !options->json)
            argp_error(state, "say as what: --tensorboard DIR, --csv FILE or --json FILE");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* ---- event files ---- */

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

/* ---- texts ---- */

static lam_status load_source(lam_context *context, export_source *source)
{
    struct stat info;
    if (stat(source->path, &info) != 0 || S_ISDIR(info.st_mode))
        return lam_run_set_load(context, source->path, &source->runs);
    lam_status status = lam_study_open(context, source->path, &source->study);
    return status == LAM_STATUS_OK ? lam_study_read(source->study, &source->view) : status;
}

static void free_sources(export_sources *sources)
{
    for (size_t i = 0; i < sources->count; i++) {
        lam_run_set_free(&sources->list[i].runs);
        lam_study_view_free(&sources->list[i].view);
        lam_study_close(&sources->list[i].study);
    }
    free(sources->list);
}

typedef lam_status text_function(const export_sources *sources, FILE *out);

/* Whole, or not at all. */
static lam_status save_text(const export_sources *sources, text_function *write,
                            const char *path)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    lam_status status = out ? write(sources, out) : LAM_STATUS_NO_MEMORY;
    if (out && fclose(out) != 0 && status == LAM_STATUS_OK)
        status = LAM_STATUS_NO_MEMORY;
    if (status == LAM_STATUS_OK && is_stdout(path))
        fwrite(text, 1, length, stdout);
    else if (status == LAM_STATUS_OK)
        status = lam_output_save(sources->context, path, text, length);
    free(text);
    return status;
}

static lam_status export_texts(lam_context *context, const export_options *options)
{
    export_sources sources = {context, calloc(options->count, sizeof *sources.list), 0};
    lam_status status = sources.list ? LAM_STATUS_OK : LAM_STATUS_NO_MEMORY;
    while (sources.count < options->count && status == LAM_STATUS_OK) {
        export_source *source = &sources.list[sources.count];
        source->path = options->paths[sources.count++];
        status = load_source(context, source);
    }
    if (status == LAM_STATUS_OK && options->csv)
        status = save_text(&sources, export_csv, options->csv);
    if (status == LAM_STATUS_OK && options->json)
        status = save_text(&sources, export_json, options->json);
    free_sources(&sources);
    return status;
}

int cmd_export(lam_context *context, int argc, char **argv)
{
    const struct argp_option own_options[] = {
        {"tensorboard", 't', "DIR", 0, "write event files for TensorBoard below DIR", 1},
        {"csv", 'c', "FILE", 0, "write a row for each measurement; `-' is stdout", 1},
        {"json", 'j', "FILE", 0,
         "write everything: recipes, records, measurements, rankings; `-' is stdout", 1},
        {0}};
    const struct argp argp = {
        .options = own_options,
        .parser = parse_option,
        .args_doc = "RUN|SEEDS|STUDY...",
        .doc = "Write what run folders, sets of seeds and studies hold for other programs. "
               "Exporting again replaces what was exported before and nothing else.\v"
               "Examples:\n"
               "  lamina export runs/a2-fig4-1 runs/a3-seeds --tensorboard events\n"
               "  lamina export study.db --tensorboard events && tensorboard --logdir events\n"
               "  lamina export runs/* --csv curves.csv\n"
               "  lamina export study.db --json - | jq .sources[0].ranking"};
    export_options options = {0};
    (void)argp_parse(&argp, argc, argv, 0, NULL, &options);
    lam_status status = LAM_STATUS_OK;
    if (options.tensorboard)
        status = export_events(context, &options);
    if (status == LAM_STATUS_OK && (options.csv || options.json))
        status = export_texts(context, &options);
    return status == LAM_STATUS_OK ? EXIT_SUCCESS : report_failure(context, status);
}
