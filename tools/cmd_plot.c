/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plot.h"

typedef struct kind_about {
    const char *name;
    lam_plot_source source;
    bool needs_device;
    const char *purpose;
} kind_about;

static const kind_about kinds[LAM_PLOT_KIND_COUNT] = {
#define KIND_ABOUT(name, text, source, needs_device, purpose)                                  \
    {text, LAM_PLOT_SOURCE_##source, needs_device, purpose},
    LAM_PLOT_KIND_LIST(KIND_ABOUT)
#undef KIND_ABOUT
};

static const char *const source_names[] = {
    [LAM_PLOT_SOURCE_RUN] = "runs",
    [LAM_PLOT_SOURCE_RANGE] = "range tests",
    [LAM_PLOT_SOURCE_STUDY] = "studies",
    [LAM_PLOT_SOURCE_BENCH] = "benchmarks",
};

static const struct {
    const char *name;
    unsigned bit;
} formats[] = {
#define FORMAT_NAME(name, text, bit) {text, bit},
    LAM_FIGURE_FORMAT_LIST(FORMAT_NAME)
#undef FORMAT_NAME
};
enum { FORMAT_COUNT = sizeof formats / sizeof formats[0] };

/* ---- the command line ---- */

static lam_plot_kinds parse_kind(struct argp_state *state, const char *name)
{
    for (int kind = 0; kind < LAM_PLOT_KIND_COUNT; kind++)
        if (strcmp(name, kinds[kind].name) == 0)
            return LAM_PLOT_BIT(kind);
    argp_error(state, "--kind %s is unknown; legal: see lamina plot --help", name);
    return 0;
}

static unsigned parse_format(struct argp_state *state, const char *name)
{
    for (int i = 0; i < FORMAT_COUNT; i++)
        if (strcmp(name, formats[i].name) == 0)
            return formats[i].bit;
    argp_error(state, "--format %s is unknown; legal: svg, png, pdf, or several with commas",
               name);
    return 0;
}

static unsigned parse_names(struct argp_state *state, char *names,
                            unsigned (*parse_name)(struct argp_state *, const char *))
{
    unsigned set = 0;
    char *rest = NULL;
    for (char *name = strtok_r(names, ",", &rest); name; name = strtok_r(NULL, ",", &rest))
        set |= parse_name(state, name);
    return set;
}

static void add_path(path_list *list, const char *path)
{
    const char **grown = realloc(list->paths, (list->count + 1) * sizeof *grown);
    if (!grown) {
        fprintf(stderr, "lamina: %s\n", strerror(ENOMEM));
        exit(lam_status_exit_code(LAM_STATUS_NO_MEMORY));
    }
    list->paths = grown;
    list->paths[list->count++] = path;
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    plot_command *command = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        share_options(state, run_children, &command->common);
        return 0;
    case 'o':
        command->options.directory = argument;
        return 0;
    case 'F':
        command->options.formats |= parse_names(state, argument, parse_format);
        return 0;
    case 'k':
        command->wanted |= parse_names(state, argument, parse_kind);
        return 0;
    case 't':
        command->options.theme = parse_theme(state, argument);
        return 0;
    case 'm':
        command->model = argument;
        return 0;
    case ARGP_KEY_ARG:
        add_path(&command->paths, argument);
        return 0;
    case ARGP_KEY_END:
        if (command->paths.count == 0)
            argp_error(state, "name what to plot: run folders, range tests, studies or "
                              "benchmarks, e.g. runs/a2-fig4-1");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static lam_status sort_paths(lam_context *context, plot_command *command)
{
    for (size_t i = 0; i < command->paths.count; i++) {
        lam_plot_source source = LAM_PLOT_SOURCE_RUN;
        lam_status status = lam_plot_find_source(context, command->paths.paths[i], &source);
        if (status != LAM_STATUS_OK)
            return status;
        add_path(&command->of_source[source], command->paths.paths[i]);
    }
    return LAM_STATUS_OK;
}

static lam_plot_kinds find_device_kinds(void)
{
    lam_plot_kinds set = 0;
    for (int kind = 0; kind < LAM_PLOT_KIND_COUNT; kind++)
        if (kinds[kind].needs_device)
            set |= LAM_PLOT_BIT(kind);
    return set;
}

static lam_plot_kinds find_kinds_of(const plot_command *command)
{
    lam_plot_kinds set = 0;
    for (int kind = 0; kind < LAM_PLOT_KIND_COUNT; kind++)
        if (command->of_source[kinds[kind].source].count > 0)
            set |= LAM_PLOT_BIT(kind);
    return set;
}

static lam_plot_kinds find_chosen(const plot_command *command)
{
    return command->wanted != 0 ? command->wanted
                                : find_kinds_of(command) & ~find_device_kinds();
}

static void print_kinds(FILE *out, lam_plot_kinds set)
{
    for (int kind = 0; kind < LAM_PLOT_KIND_COUNT; kind++)
        if (set & LAM_PLOT_BIT(kind))
            fprintf(out, " %s", kinds[kind].name);
}

/* What was asked for by name must be to be had of some source. */
static bool check_kinds(const plot_command *command)
{
    lam_plot_kinds legal = find_kinds_of(command), missing = command->wanted & ~legal;
    if (missing == 0)
        return true;
    fputs("lamina: --kind", stderr);
    print_kinds(stderr, missing);
    fputs(": no path that was named has that; legal here:", stderr);
    print_kinds(stderr, legal);
    fputc('\n', stderr);
    return false;
}

/* ---- plotting ---- */

typedef lam_status plot_path(lam_context *context, const plot_command *command,
                             lam_plot_kinds kinds, const char *path, lam_figure_list *list);

static lam_status plot_weights(lam_context *context, const plot_command *command,
                               lam_plot_kinds chosen, const char *path, lam_figure_list *list)
{
    char folder[PATH_MAX];
    lam_recipe recipe;
    (void)chosen;
    lam_status status = find_plotted_run(context, path, folder, &recipe);
    if (status == LAM_STATUS_OK)
        status = lam_plot_weights(context, folder, command->model, &command->options, list);
    if (status != LAM_STATUS_BAD_MODEL || command->wanted != 0)
        return status;
    fprintf(stderr, "lamina: weights are left out: %s\n", lam_error_message(context));
    return LAM_STATUS_OK;
}

static lam_status plot_lr_range(lam_context *context, const plot_command *command,
                                lam_plot_kinds chosen, const char *path, lam_figure_list *list)
{
    (void)chosen;
    return lam_plot_lr_range(context, path, &command->options, list);
}

static lam_status plot_bench(lam_context *context, const plot_command *command,
                             lam_plot_kinds chosen, const char *path, lam_figure_list *list)
{
    return lam_plot_bench(context, path, chosen, &command->options, list);
}

/* Path by path; without a renderer, data and scripts are written for all. */
static lam_status plot_each(lam_context *context, const plot_command *command,
                            lam_plot_kinds chosen, const path_list *paths, plot_path *plot,
                            lam_figure_list *list)
{
    lam_status outcome = LAM_STATUS_OK;
    for (size_t i = 0; i < paths->count; i++) {
        lam_status status = plot(context, command, chosen, paths->paths[i], list);
        if (status != LAM_STATUS_OK)
            outcome = status;
        if (status != LAM_STATUS_OK && status != LAM_STATUS_NO_RENDERER)
            break;
    }
    return outcome;
}

static lam_status plot_kinds(lam_context *context, const plot_command *command,
                             lam_plot_kinds chosen, lam_plot_source source,
                             lam_figure_list *list)
{
    const path_list *paths = &command->of_source[source];
    const lam_figure_options *options = &command->options;
    switch (source) {
    case LAM_PLOT_SOURCE_RUN:
        if (chosen & find_device_kinds())
            return plot_networks(context, command, chosen, list);
        if (chosen & LAM_PLOT_BIT(LAM_PLOT_KIND_WEIGHTS))
            return plot_each(context, command, chosen, paths, plot_weights, list);
        return lam_plot_runs(context, paths->paths, paths->count, chosen, options, list);
    case LAM_PLOT_SOURCE_RANGE:
        return plot_each(context, command, chosen, paths, plot_lr_range, list);
    case LAM_PLOT_SOURCE_STUDY:
        return lam_plot_studies(context, paths->paths, paths->count, chosen, options, list);
    case LAM_PLOT_SOURCE_BENCH:
        return plot_each(context, command, chosen, paths, plot_bench, list);
    }
    return LAM_STATUS_OK;
}

/* Kinds that are plotted in one call: those that share what takes long, or a file that may hold
 * some of them. */
static lam_plot_kinds find_companions(int kind)
{
    lam_plot_kinds set = LAM_PLOT_BIT(kind);
    for (int other = 0; other < LAM_PLOT_KIND_COUNT; other++)
        if ((kinds[kind].needs_device && kinds[other].needs_device) ||
            (kinds[kind].source == LAM_PLOT_SOURCE_BENCH &&
             kinds[other].source == LAM_PLOT_SOURCE_BENCH))
            set |= LAM_PLOT_BIT(other);
    return set;
}

static void say_nothing_to_show(lam_plot_kinds set)
{
    for (int kind = 0; kind < LAM_PLOT_KIND_COUNT; kind++)
        if (set & LAM_PLOT_BIT(kind))
            fprintf(stderr, "lamina: %s: there is nothing to show (%s)\n", kinds[kind].name,
                    kinds[kind].purpose);
}

static lam_status plot_all(lam_context *context, const plot_command *command,
                           lam_figure_list *list)
{
    lam_plot_kinds left = find_chosen(command);
    lam_status outcome = LAM_STATUS_OK;
    for (int kind = 0; kind < LAM_PLOT_KIND_COUNT; kind++) {
        lam_plot_kinds together = find_companions(kind) & left;
        size_t before = list->count;
        if (!(left & LAM_PLOT_BIT(kind)))
            continue;
        left &= ~together;
        lam_status status = plot_kinds(context, command, together, kinds[kind].source, list);
        if (status != LAM_STATUS_OK)
            outcome = status;
        if (status != LAM_STATUS_OK && status != LAM_STATUS_NO_RENDERER)
            break;
        if (list->count == before && command->wanted != 0)
            say_nothing_to_show(together);
    }
    return outcome;
}

/* ---- what was made ---- */

static void add_file(json_t *files, const char *directory, const char *name, const char *suffix)
{
    char path[PATH_MAX + 128];
    snprintf(path, sizeof path, "%s/%s%s", directory, name, suffix);
    if (access(path, F_OK) == 0)
        json_array_append_new(files, json_string(path));
}

/* Pictures first, and how many they are. */
static json_t *list_files(const plot_command *command, const lam_figure *figure, bool is_drawn,
                          size_t *ret_pictures)
{
    const char *directory = command->options.directory;
    json_t *files = json_array();
    for (int i = 0; i < FORMAT_COUNT && is_drawn; i++) {
        char suffix[16];
        snprintf(suffix, sizeof suffix, ".%s", formats[i].name);
        if (command->options.formats & formats[i].bit)
            add_file(files, directory, figure->name, suffix);
    }
    *ret_pictures = json_array_size(files);
    add_file(files, directory, figure->name, ".tsv");
    add_file(files, directory, figure->name, "-drawn.tsv");
    add_file(files, directory, figure->name, ".gp");
    add_file(files, directory, figure->name, "-sheet.png");
    return files;
}

/* The pictures; where there are none, what they would be drawn from. */
static void print_files(const json_t *files, size_t pictures)
{
    size_t count = pictures > 0 ? pictures : json_array_size(files);
    for (size_t i = 0; i < count; i++)
        puts(json_string_value(json_array_get(files, i)));
}

static void print_figures(const plot_command *command, const lam_figure_list *list,
                          bool is_drawn)
{
    json_t *figures = json_array();
    for (size_t i = 0; i < list->count; i++) {
        const lam_figure *figure = &list->figures[i];
        size_t pictures = 0;
        json_t *files = list_files(command, figure, is_drawn, &pictures);
        if (!command->common.json)
            print_files(files, pictures);
        json_array_append_new(figures,
                              json_pack("{s:s, s:s, s:s, s:s, s:o}", "name", figure->name,
                                        "title", figure->title, "caption", figure->caption,
                                        "alt", figure->alt, "files", files));
    }
    if (command->common.json)
        (void)print_json(json_pack("{s:s, s:O}", "directory", command->options.directory,
                                   "figures", figures));
    json_decref(figures);
}

static int run(lam_context *context, plot_command *command)
{
    lam_figure_list list = {0};
    lam_status status = sort_paths(context, command);
    if (status != LAM_STATUS_OK)
        return report_failure(context, status);
    if (!check_kinds(command))
        return lam_status_exit_code(LAM_STATUS_BAD_ARGUMENT);
    status = plot_all(context, command, &list);
    print_figures(command, &list, status == LAM_STATUS_OK);
    if (status == LAM_STATUS_OK && list.count == 0)
        fprintf(stderr, "lamina: there is nothing to show yet\n");
    lam_figure_list_free(&list);
    return status == LAM_STATUS_OK ? EXIT_SUCCESS : report_failure(context, status);
}

/* Behind the options: every kind with what it shows. */
static char *describe_kinds(int key, const char *text, void *input)
{
    (void)input;
    if (key != ARGP_KEY_HELP_POST_DOC)
        return (char *)text;
    char *help = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&help, &bytes);
    if (!out)
        return (char *)text;
    for (int source = 0; source < SOURCE_COUNT; source++) {
        fprintf(out, "Kinds of %s:\n", source_names[source]);
        for (int kind = 0; kind < LAM_PLOT_KIND_COUNT; kind++)
            if (kinds[kind].source == (lam_plot_source)source)
                fprintf(out, "  %-14s %s%s\n", kinds[kind].name, kinds[kind].purpose,
                        kinds[kind].needs_device ? " (*)" : "");
    }
    fprintf(out, "(*) needs a device and the data, and is left out unless it is named.\n\n%s",
            text);
    fclose(out);
    return help;
}

int cmd_plot(lam_context *context, int argc, char **argv)
{
    const struct argp_option own_options[] = {
        {"output", 'o', "DIR", 0, "where figures go; default: figures", 0},
        {"format", 'F', "LIST", 0, "svg (default), png, pdf, or several with commas", 0},
        {"kind", 'k', "LIST", 0,
         "kinds of figures, with commas; default: all that need no device", 0},
        {"theme", 't', "THEME", 0, "light (default) or dark", 0},
        {"model", 'm', "WHICH", 0, model_help, 0},
        {0}};
    const struct argp argp = {
        .options = own_options,
        .parser = parse_option,
        .args_doc = "PATH...",
        .doc =
            "Draw figures of run folders, folders of seeds, range tests, studies and "
            "benchmarks, each with the data that it shows (.tsv) and the gnuplot script that "
            "draws it (.gp). Several runs are overlaid, of seeds the mean is shown with its "
            "deviation.\v"
            "Examples:\n"
            "  lamina plot runs/a2-fig4-1\n"
            "  lamina plot runs/a2-fig3-1 runs/a2-fig4-1 --format svg,png -o compared\n"
            "  lamina plot runs/seeds --kind curves,confusion --theme dark\n"
            "  lamina plot study.db bench.json --json",
        .children = run_children,
        .help_filter = describe_kinds};
    plot_command command = {.common = common_options_start(),
                            .options = {.directory = "figures"}};
    (void)argp_parse(&argp, argc, argv, 0, NULL, &command);
    if (command.options.formats == 0)
        command.options.formats = LAM_FIGURE_FORMAT_SVG;
    int exit_status = run(context, &command);
    common_options_free(&command.common);
    free(command.paths.paths);
    for (int source = 0; source < SOURCE_COUNT; source++)
        free(command.of_source[source].paths);
    return exit_status;
}
