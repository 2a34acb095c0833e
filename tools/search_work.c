/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "search.h"
#include "search_mpi.h"

/* Reading the study for a line of progress is cheap, but not free; a file wants fewer lines
 * than a terminal redraws one. */
#define REFRESH_SECONDS 1.0
#define LOG_SECONDS 10.0
#define REFRESH_SHARE 0.005 /* of the time, at most, goes into reading large studies */

enum { OPTION_LEASE = 704, OPTION_FAILURES, OPTION_FAIL_FAST };

static error_t parse_work_option(int key, char *argument, struct argp_state *state)
{
    work_options *options = state->input;
    switch (key) {
    case 'p':
        options->population = (size_t)parse_whole(state, "--population", argument, 1, 100000);
        return 0;
    case OPTION_LEASE:
        options->lease_seconds = parse_number(state, "--lease", argument);
        return 0;
    case OPTION_FAILURES:
        options->max_consecutive_failures =
            (int)parse_whole(state, "--max-consecutive-failures", argument, 1, 1000000);
        return 0;
    case OPTION_FAIL_FAST:
        options->fail_fast = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option work_option_list[] = {
    {"population", 'p', "P", 0,
     "networks trained side by side at most; default: as many as train most models per "
     "second, measured once for the study and device",
     2},
    {"lease", OPTION_LEASE, "S", 0,
     "seconds without a sign of life after which other workers take trials over; default: 60",
     2},
    {"max-consecutive-failures", OPTION_FAILURES, "N", 0,
     "stop after N trials in a row that failed; default: 10", 2},
    {"fail-fast", OPTION_FAIL_FAST, 0, 0, "stop at the first trial that fails", 2},
    {0}};

const struct argp work_argp = {.options = work_option_list, .parser = parse_work_option};

/* ---- progress ---- */

/* One for all seats: the line on the terminal is one. */
typedef struct work_view {
    pthread_mutex_t lock;
    const char *path;
    bool is_terminal, drawn;
    double due; /* when `line` is to be made again */
    char line[512];
} work_view;

/* A seat at work: a device with a thread, and its connection to the study. */
typedef struct work_seat {
    const device_seat *seat;
    const common_options *common;
    const work_options *options;
    const lam_dataset *dataset;
    const char *path;
    work_view *view;
    lam_study *study; /* NULL where it is remote */
    pthread_t thread;
    bool has_thread;
    lam_status status;
} work_seat;

static double get_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void refresh(work_view *view, lam_study *study)
{
    lam_study_view *picture = NULL;
    if (lam_study_read(study, &picture) != LAM_STATUS_OK)
        return;
    format_study(picture, view->line, sizeof view->line);
    lam_study_view_free(&picture);
}

static void end_line(work_view *view)
{
    if (view->drawn)
        fputc('\n', stderr);
    view->drawn = false;
}

static void show_wave(work_view *view, lam_study *study, const lam_progress *wave)
{
    double start = get_seconds();
    if (start < view->due || !study)
        return;
    refresh(view, study);
    double least = view->is_terminal ? REFRESH_SECONDS : LOG_SECONDS;
    double rest = (get_seconds() - start) / REFRESH_SHARE;
    view->due = start + (rest > least ? rest : least);
    if (view->is_terminal)
        fprintf(stderr, "\r\033[K%.*s", get_terminal_columns() - 1, view->line);
    else
        fprintf(stderr, "%s; %d side by side at step %" PRId64 "/%" PRId64 "\n", view->line,
                wave->networks, wave->step, wave->total_steps);
    view->drawn = view->is_terminal;
}

static void show_progress(void *user, const lam_search_progress *progress)
{
    work_seat *seat = user;
    work_view *view = seat->view;
    pthread_mutex_lock(&view->lock);
    if (progress->speed) {
        end_line(view);
        fprintf(stderr, "%zu side by side: %.3g models/s\n", progress->speed->members,
                progress->speed->models_per_second);
    } else {
        show_wave(view, seat->study, &progress->training);
    }
    pthread_mutex_unlock(&view->lock);
}

/* ---- the work ---- */

/* The study's file, or the way to rank 0, which has it. */
typedef struct study_link {
    lam_study *study;
    lam_remote_keeper *remote;
} study_link;

static lam_status open_link(lam_context *context, const char *path, const work_options *options,
                            study_link *ret_link)
{
    *ret_link = (study_link){NULL, NULL};
    if (options->ranks.rank > 0)
        return lam_remote_keeper_create(context, search_mpi_exchange, NULL, &ret_link->remote);
    return lam_study_open(context, path, &ret_link->study);
}

static void close_link(study_link *link)
{
    lam_remote_keeper_destroy(&link->remote);
    lam_study_close(&link->study);
}

static lam_search_keeper get_keeper(const study_link *link)
{
    return link->remote ? lam_remote_keeper_get_keeper(link->remote)
                        : lam_study_get_keeper(link->study);
}

/* The study says whose rows it is about; the options, where they are. */
static lam_status load_data(lam_context *context, const common_options *common,
                            const lam_study_plan *plan, lam_dataset **ret_dataset)
{
    const lam_data_options *rows = &plan->recipe.data;
    lam_recipe recipe = plan->recipe;
    const char *data = settle_data(common, &recipe);
    return lam_dataset_load(
        context, rows, rows->source == LAM_DATA_SOURCE_SYNTHETIC ? NULL : data, ret_dataset);
}

static lam_status work(work_seat *seat)
{
    char waves[PATH_MAX];
    study_link link;
    lam_status status = open_link(seat->seat->context, seat->path, seat->options, &link);
    if (status != LAM_STATUS_OK)
        return status;
    snprintf(waves, sizeof waves, "%s.waves", seat->path);
    const lam_search_keeper keeper = get_keeper(&link);
    seat->study = link.study;
    const lam_search_options settings = {.wave_directory = waves,
                                         .gemm = seat->common->gemm,
                                         .population = seat->options->population,
                                         .lease_seconds = seat->options->lease_seconds,
                                         .max_consecutive_failures =
                                             seat->options->max_consecutive_failures,
                                         .fail_fast = seat->options->fail_fast,
                                         .progress = seat->common->quiet ? NULL : show_progress,
                                         .progress_user = seat};
    status = lam_search_work(seat->seat->device, &keeper, seat->dataset, &settings);
    seat->study = NULL;
    close_link(&link);
    return status;
}

static void *run_thread(void *user)
{
    work_seat *seat = user;
    seat->status = work(seat);
    return NULL;
}

/* Each seat works in a thread of its own, while this one serves the other ranks, if there are
 * any. A seat's failure is said. */
static lam_status work_seats(lam_context *context, const lam_search_keeper *keeper,
                             work_seat *seats, size_t count)
{
    lam_status status = LAM_STATUS_OK;
    for (size_t i = 0; i < count; i++)
        seats[i].has_thread =
            pthread_create(&seats[i].thread, NULL, run_thread, &seats[i]) == 0;
    search_mpi_serve(context, keeper, NULL, NULL);
    for (size_t i = 0; i < count; i++)
        if (seats[i].has_thread)
            pthread_join(seats[i].thread, NULL);
        else
            (void)run_thread(&seats[i]);
    for (size_t i = 0; i < count; i++) {
        if (seats[i].status == LAM_STATUS_OK)
            continue;
        end_line(seats[i].view);
        if (status != LAM_STATUS_INTERRUPTED || seats[i].status != status)
            report_failure(seats[i].seat->context, seats[i].status);
        status = seats[i].status;
    }
    return status;
}

static lam_status work_with_data(lam_context *context, const lam_search_keeper *keeper,
                                 const device_set *devices, const work_seat *all)
{
    work_view view = {.lock = PTHREAD_MUTEX_INITIALIZER,
                      .path = all->path,
                      .is_terminal = isatty(STDERR_FILENO)};
    work_seat *seats = calloc(devices->count + 1, sizeof *seats);
    if (!seats) {
        fputs("lamina: memory is exhausted; name fewer devices\n", stderr);
        return LAM_STATUS_NO_MEMORY;
    }
    for (size_t i = 0; i < devices->count; i++) {
        seats[i] = *all;
        seats[i].seat = &devices->seats[i];
        seats[i].view = &view;
    }
    lam_status status = work_seats(context, keeper, seats, devices->count);
    end_line(&view);
    free(seats);
    return status;
}

lam_status work_on_study(lam_context *context, const device_set *devices,
                         const common_options *common, const char *path,
                         const work_options *options)
{
    study_link link;
    lam_search_keeper keeper = {0};
    lam_dataset *dataset = NULL;
    lam_status status = open_link(context, path, options, &link);
    if (status == LAM_STATUS_OK) {
        keeper = get_keeper(&link);
        status = load_data(context, common, keeper.get_plan(keeper.user), &dataset);
    }
    if (status == LAM_STATUS_OK) {
        const work_seat all = {
            .common = common, .options = options, .dataset = dataset, .path = path};
        status = work_with_data(context, &keeper, devices, &all);
    } else {
        report_failure(context, status);
    }
    lam_dataset_destroy(&dataset);
    close_link(&link);
    return status;
}
