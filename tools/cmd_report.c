/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool.h"

enum { OPTION_FORMAT = 256, OPTION_THEME, OPTION_NO_DEVICE, OPTION_KEEP_FIGURES };

typedef struct report_command {
    common_options common;
    lam_report_options options;
    bool has_format, no_device;
    const char **paths; /* [path_count], borrowed from argv */
    size_t path_count;
} report_command;

static const struct argp_child children[] = {
    {&device_argp, 0, NULL, 0}, {&data_argp, 0, NULL, 0}, {&json_argp, 0, NULL, 0}, {0}};

static const char *const format_texts[] = {
#define FORMAT_TEXT(name, text) text,
    LAM_PAGE_FORMAT_LIST(FORMAT_TEXT)
#undef FORMAT_TEXT
};

enum { FORMAT_COUNT = sizeof format_texts / sizeof *format_texts };

/* FORMAT_COUNT where it is none. */
static size_t find_format(const char *text)
{
    size_t i = 0;
    while (i < FORMAT_COUNT && strcmp(format_texts[i], text) != 0)
        i++;
    return i;
}

static void parse_format(const struct argp_state *state, report_command *command,
                         const char *text)
{
    size_t format = find_format(text);
    if (format == FORMAT_COUNT)
        argp_error(state, "--format %s is unknown; legal: html, md", text);
    command->options.format = (lam_page_format)format;
    command->has_format = true;
}

static void settle_format(struct argp_state *state, report_command *command)
{
    const char *output = command->options.output, *slash = strrchr(output, '/');
    const char *name = slash ? slash + 1 : output, *dot = strrchr(name, '.');
    size_t format = find_format(dot ? dot + 1 : "");
    if (is_stdout(output))
        argp_error(state, "-o -: a page with figures is no text for stdout; name a file");
    if (command->has_format)
        return;
    if (format == FORMAT_COUNT)
        argp_error(state, "-o %s: neither .html nor .md; add --format html or --format md",
                   output);
    command->options.format = (lam_page_format)format;
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    report_command *command = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        share_options(state, children, &command->common);
        return 0;
    case 'o':
        command->options.output = argument;
        return 0;
    case 'T':
        command->options.title = argument;
        return 0;
    case OPTION_FORMAT:
        parse_format(state, command, argument);
        return 0;
    case OPTION_THEME:
        command->options.theme = parse_theme(state, argument);
        return 0;
    case OPTION_NO_DEVICE:
        command->no_device = true;
        return 0;
    case OPTION_KEEP_FIGURES:
        command->options.keeps_figures = true;
        return 0;
    case ARGP_KEY_ARGS:
        command->paths = (const char **)state->argv + state->next;
        command->path_count = (size_t)(state->argc - state->next);
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "PATH is missing: a run folder, a set of seeds, a study, or a folder "
                          "that holds such");
        return 0;
    case ARGP_KEY_END:
        settle_format(state, command);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void show_progress(void *user, const char *what)
{
    (void)user;
    fprintf(stderr, "\r\033[K%.*s", get_terminal_columns() - 1, what);
}

/* Pictures that need a device are worth a warning, not the page. */
static lam_device *try_device(lam_context *context, report_command *command, char note[600])
{
    lam_device *device = NULL;
    command->common.tune = "off"; /* a look at ten thousand images is sooner over */
    if (command->no_device) {
        snprintf(note, 600, "--no-device was given");
    } else if (open_device(context, &command->common, &device) != LAM_STATUS_OK) {
        snprintf(note, 600, "%s", lam_error_message(context));
        fprintf(stderr,
                "lamina: warning: no device: %s; the page goes without what networks "
                "say of images\n",
                note);
    }
    command->options.no_device_note = note;
    return device;
}

static int print_result(const report_command *command, const lam_figure_list *figures)
{
    if (!command->common.json) {
        printf("%s\n", command->options.output);
        return EXIT_SUCCESS;
    }
    json_t *list = json_array();
    for (size_t i = 0; i < figures->count; i++)
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:s}", "name", figures->figures[i].name, "title",
                            figures->figures[i].title, "caption", figures->figures[i].caption));
    return print_json(
        json_pack("{s:s, s:o}", "report", command->options.output, "figures", list));
}

static int write_report(lam_context *context, report_command *command, lam_report *report)
{
    char note[600] = "";
    lam_figure_list figures = {0};
    lam_device *device =
        lam_report_needs_device(report) ? try_device(context, command, note) : NULL;
    const char *data = command->common.data;
    command->options.device = device;
    command->options.data_directory = data && strcmp(data, "synthetic") != 0 ? data : NULL;
    command->options.progress = isatty(STDERR_FILENO) ? show_progress : NULL;
    lam_status status = lam_report_write(report, &command->options, &figures);
    if (command->options.progress)
        fputs("\r\033[K", stderr);
    int exit_status = status == LAM_STATUS_OK ? EXIT_SUCCESS : report_failure(context, status);
    if (status == LAM_STATUS_OK || status == LAM_STATUS_NO_RENDERER) {
        int printed = print_result(command, &figures);
        exit_status = exit_status ? exit_status : printed;
    }
    lam_figure_list_free(&figures);
    if (device)
        lam_device_close(&device);
    return exit_status;
}

static int run(lam_context *context, report_command *command)
{
    lam_report *report = NULL;
    lam_status status = lam_report_open(context, command->paths, command->path_count, &report);
    int exit_status = status == LAM_STATUS_OK ? write_report(context, command, report)
                                              : report_failure(context, status);
    lam_report_close(&report);
    return exit_status;
}

int cmd_report(lam_context *context, int argc, char **argv)
{
    static const struct argp_option own_options[] = {
        {"output", 'o', "FILE", 0, "the page; default: report.html", 1},
        {"format", OPTION_FORMAT, "html|md", 0, "default: by the suffix of the page", 1},
        {"title", 'T', "TEXT", 0, "default: the names of what it tells of", 1},
        {"theme", OPTION_THEME, "light|dark", 0,
         "of the figures; the page itself follows its reader's; default: light", 1},
        {"no-device", OPTION_NO_DEVICE, 0, 0,
         "open no device: without figures of what networks say of images", 1},
        {"keep-figures", OPTION_KEEP_FIGURES, 0, 0,
         "keep the files of the figures, too, in <page>-figures (always kept with md)", 1},
        {0}};
    static const struct argp argp = {
        .options = own_options,
        .parser = parse_option,
        .args_doc = "PATH...",
        .doc =
            "Write a page on runs, sets of seeds, studies, range tests and benchmarks: results "
            "in tables, figures, settings, and the commands that make them again.\v"
            "Each PATH is what `lamina plot' takes, or a folder that holds such: of "
            "lambda-search, or of several runs. An HTML page is one file that needs no network "
            "and nothing else; a Markdown page links to its figures in <page>-figures. Data "
            "and device are for what networks say of the test images; by default the data is "
            "where each run had it. Without gnuplot the page has its tables, the exit status "
            "is 14, and data and scripts of the figures are kept.\n\n"
            "Examples:\n"
            "  lamina report runs/a2-fig4-1\n"
            "  lamina report runs/a3-3layer-seeds runs/a3-3layer-bn-seeds -o compared.html\n"
            "  lamina report lambda -o results.md --title 'The search for lambda'\n"
            "  lamina report study.db --json",
        .children = children};
    report_command command = {.common = common_options_start(),
                              .options = {.output = "report.html"}};
    (void)argp_parse(&argp, argc, argv, 0, NULL, &command);
    int exit_status = run(context, &command);
    common_options_free(&command.common);
    return exit_status;
}
