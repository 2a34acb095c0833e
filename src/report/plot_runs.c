/* SPDX-License-Identifier: Apache-2.0 */
#include "report/plot_runs.h"

#include <stdlib.h>
#include <string.h>

#include "lamina/plot.h"

/* ---- what the paths are called ---- */

#define LABEL_CHARACTERS 44

static size_t trim_slashes(const char *path)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    return length;
}

/* The last `parts` parts of a path, or all of it. */
static const char *find_tail(const char *path, size_t parts)
{
    size_t first = trim_slashes(path);
    for (; first > 0; first--)
        if (path[first - 1] == '/' && first < trim_slashes(path) && --parts == 0)
            break;
    return path + first;
}

static void copy_tail(const char *path, size_t parts, char *ret_text, size_t bytes)
{
    const char *tail = find_tail(path, parts);
    lam_plot_write(ret_text, bytes, "%.*s", (int)trim_slashes(tail), tail);
}

void lam_plot_name_place(const char *path, char *ret_name, size_t bytes)
{
    copy_tail(path, 1, ret_name, bytes);
}

static bool have_same_tail(const char *a, const char *b, size_t parts)
{
    const char *first = find_tail(a, parts), *second = find_tail(b, parts);
    size_t length = trim_slashes(first);
    return length == trim_slashes(second) && memcmp(first, second, length) == 0;
}

/* As few parts as tell every path from the others; all where they are the same. */
static size_t count_telling_parts(const lam_plotted_run *runs, size_t count)
{
    for (size_t parts = 1; parts < sizeof runs->set.path / 2; parts++) {
        bool tells = true;
        for (size_t i = 0; tells && i < count; i++)
            for (size_t k = 0; tells && k < i; k++)
                tells = !have_same_tail(runs[i].set.path, runs[k].set.path, parts);
        if (tells)
            return parts;
    }
    return 1;
}

static bool has_own_name(const lam_plotted_run *runs, size_t count, size_t index)
{
    for (size_t i = 0; i < count; i++)
        if (i != index && strcmp(runs[i].set.name, runs[index].set.name) == 0)
            return false;
    return true;
}

/* The recipe's name where no other path has it, else where it is. */
static void label_runs(lam_plotted_run *runs, size_t count)
{
    size_t parts = count_telling_parts(runs, count);
    for (size_t i = 0; i < count; i++) {
        lam_plotted_run *run = &runs[i];
        char tail[sizeof run->set.path];
        copy_tail(run->set.path, parts, tail, sizeof tail);
        lam_plot_shorten(has_own_name(runs, count, i) ? run->set.name : tail, LABEL_CHARACTERS,
                         run->label, sizeof run->label);
    }
}

/* ---- the whole ---- */

static bool was_named_before(const char *const *paths, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (strcmp(paths[i], paths[index]) == 0)
            return true;
    return false;
}

/* Those that come before a failure are the caller's to free, too. */
static lam_status load_runs(lam_context *context, const char *const *paths, size_t count,
                            lam_plotted_run *runs, size_t *loaded)
{
    for (size_t i = 0; i < count; i++) {
        if (was_named_before(paths, i))
            continue;
        LAM_TRY(lam_run_set_load(context, paths[i], &runs[*loaded].set));
        ++*loaded;
    }
    label_runs(runs, *loaded);
    return LAM_STATUS_OK;
}

static lam_status plot_curves(lam_plotter *plotter, const lam_plotted_run *runs, size_t count)
{
    for (size_t first = 0; first < count; first += LAM_PLOT_OVERLAID) {
        size_t left = count - first;
        LAM_TRY(lam_plot_curves(plotter, runs + first,
                                left < LAM_PLOT_OVERLAID ? left : LAM_PLOT_OVERLAID));
    }
    return LAM_STATUS_OK;
}

lam_status lam_plot_runs(lam_context *context, const char *const *paths, size_t count,
                         lam_plot_kinds kinds, const lam_figure_options *options,
                         lam_figure_list *list)
{
    size_t loaded = 0;
    lam_plotter plotter = lam_plotter_start(context, options, list);
    lam_plotted_run *runs = calloc(count + 1, sizeof *runs);
    if (!runs)
        return lam_fail_memory(context, "runs", count * sizeof *runs);
    lam_status status = load_runs(context, paths, count, runs, &loaded);
    if (status == LAM_STATUS_OK && kinds & LAM_PLOT_BIT(LAM_PLOT_KIND_CURVES))
        status = plot_curves(&plotter, runs, loaded);
    if (status == LAM_STATUS_OK && kinds & LAM_PLOT_BIT(LAM_PLOT_KIND_SENSITIVITY))
        status = lam_plot_sensitivity(&plotter, runs, loaded);
    for (size_t i = 0; i < loaded; i++)
        lam_run_set_free(&runs[i].set);
    free(runs);
    return lam_plotter_finish(&plotter, status);
}
