/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "watch.h"

typedef struct watch_options {
    const char *path;
    double interval; /* seconds */
    bool once;
} watch_options;

typedef struct watcher {
    lam_context *context;
    const watch_options *options;
    lam_study *study; /* NULL for runs */
    screen screen;
    char change[1100]; /* of the last line that was printed */
} watcher;

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    watch_options *options = state->input;
    switch (key) {
    case 'i':
        options->interval = parse_number(state, "--interval", argument);
        return 0;
    case '1':
        options->once = true;
        return 0;
    case ARGP_KEY_ARG:
        if (options->path)
            argp_error(state, "one at a time");
        options->path = argument;
        return 0;
    case ARGP_KEY_END:
        if (!options->path)
            argp_error(state, "name what is to be watched: %s", state->root_argp->args_doc);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* ---- one look ---- */

static lam_status look(const watcher *w, watch_view *ret_view)
{
    if (!w->study)
        return load_watched_runs(w->context, w->options->path, ret_view);
    *ret_view = (watch_view){0};
    lam_status status = lam_study_read(w->study, &ret_view->study);
    if (status == LAM_STATUS_OK)
        ret_view->is_over = ret_view->study->is_over;
    return status;
}

static void free_view(watch_view *view)
{
    lam_run_set_free(&view->runs);
    lam_study_view_free(&view->study);
}

static void format_line(const watch_view *view, char *line, size_t bytes)
{
    if (view->study)
        format_study(view->study, line, bytes);
    else
        format_watched_runs(view, line, bytes);
}

static void print_page(const watcher *w, const watch_view *view, FILE *out)
{
    if (view->study)
        print_watched_study(w->context, view, &w->screen, out);
    else
        print_watched_runs(view, &w->screen, out);
}

/* ---- showing it ---- */

static void show_page(watcher *w, const watch_view *view)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    if (!out)
        return;
    print_page(w, view, out);
    if (w->screen.is_open)
        fprintf(out, "%sq quits%s", screen_style_text(&w->screen, SCREEN_STYLE_DIM),
                screen_style_text(&w->screen, SCREEN_STYLE_PLAIN));
    if (fclose(out) == 0 && w->screen.is_open)
        screen_draw(&w->screen, text);
    else if (text)
        screen_print(&w->screen, text);
    free(text);
}

static void show_line(const watch_view *view)
{
    char line[1024];
    format_line(view, line, sizeof line);
    puts(line);
    fflush(stdout);
}

static void show_change(watcher *w, const watch_view *view)
{
    char change[sizeof w->change];
    if (view->study)
        format_study_change(view, change, sizeof change);
    else
        format_runs_change(view, change, sizeof change);
    if (strcmp(change, w->change) == 0)
        return;
    snprintf(w->change, sizeof w->change, "%s", change);
    show_line(view);
}

/* ---- until it is over ---- */

static lam_status watch(watcher *w)
{
    bool goes_on = true;
    while (goes_on) {
        watch_view view;
        lam_status status = look(w, &view);
        if (status != LAM_STATUS_OK)
            return status;
        if (w->screen.is_open || w->options->once)
            show_page(w, &view);
        else
            show_change(w, &view);
        goes_on =
            !view.is_over && !w->options->once &&
            screen_wait(&w->screen, w->context, w->options->interval) != SCREEN_EVENT_QUIT;
        if (!goes_on && w->screen.is_open) { /* what stays on the terminal */
            screen_close(&w->screen);
            show_line(&view);
        }
        free_view(&view);
    }
    return LAM_STATUS_OK;
}

static int run(lam_context *context, const watch_options *options)
{
    struct stat info;
    watcher w = {.context = context, .options = options, .screen = screen_find()};
    lam_status status = LAM_STATUS_OK;
    if (stat(options->path, &info) == 0 && !S_ISDIR(info.st_mode))
        status = lam_study_open(context, options->path, &w.study);
    if (status == LAM_STATUS_OK && w.screen.is_terminal && !options->once)
        screen_open(&w.screen);
    if (status == LAM_STATUS_OK)
        status = watch(&w);
    screen_close(&w.screen);
    lam_study_close(&w.study);
    return status == LAM_STATUS_OK ? EXIT_SUCCESS : report_failure(context, status);
}

static int run_command(lam_context *context, int argc, char **argv, const char *arguments,
                       const char *help)
{
    const struct argp_option own_options[] = {
        {"interval", 'i', "S", 0, "seconds between looks; default: 2", 1},
        {"once", '1', 0, 0, "look once, and print the page", 1},
        {0}};
    const struct argp argp = {
        .options = own_options, .parser = parse_option, .args_doc = arguments, .doc = help};
    watch_options options = {.interval = 2};
    (void)argp_parse(&argp, argc, argv, 0, NULL, &options);
    return run(context, &options);
}

int cmd_watch(lam_context *context, int argc, char **argv)
{
    return run_command(
        context, argc, argv, "RUN|SEEDS|STUDY",
        "Follow what another process trains, until it is over: curves, the best so far, speed "
        "and time left. Where stdout is no terminal, a line for each measurement or trial.\v"
        "Examples:\n"
        "  lamina watch runs/a2-fig4-1\n"
        "  lamina watch study.db --interval 10\n"
        "  lamina watch runs/six --once");
}

int search_watch(lam_context *context, int argc, char **argv)
{
    return run_command(
        context, argc, argv, "STUDY",
        "Follow a study while others work on it, until it is over: trials by state, the best "
        "so far, speed and time left. Where stdout is no terminal, a line for each change.\v"
        "Example:\n"
        "  lamina search watch study.db --interval 10");
}
