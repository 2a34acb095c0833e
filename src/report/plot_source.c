/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "lamina/lr_range.h"
#include "lamina/plot.h"
#include "train/run_directory.h"

static lam_status fail_source(lam_context *context, const char *path, const char *problem)
{
    return lam_fail(context, LAM_STATUS_BAD_ARGUMENT,
                    "%s: %s; name the folder of a run or of a set of seeds (lamina train), the "
                    "folder or table of a range test (lamina lr-range), a study (lamina search "
                    "new), or the JSON of a benchmark (lamina bench --json)",
                    path, problem);
}

static bool has_file(const char *folder, const char *name)
{
    char path[4096];
    int length = snprintf(path, sizeof path, "%s/%s", folder, name);
    return length < (int)sizeof path && access(path, F_OK) == 0;
}

static bool has_seeds(const char *folder)
{
    bool found = false;
    DIR *home = opendir(folder);
    for (const struct dirent *entry; home && !found && (entry = readdir(home));) {
        uint64_t seed;
        char record[300];
        snprintf(record, sizeof record, "%s/" LAM_RUN_RECORD, entry->d_name);
        found = lam_run_parse_folder(entry->d_name, &seed) && has_file(folder, record);
    }
    if (home)
        closedir(home);
    return found;
}

static lam_status find_in_folder(lam_context *context, const char *path,
                                 lam_plot_source *ret_source)
{
    if (lam_run_record_exists(path) || has_seeds(path))
        *ret_source = LAM_PLOT_SOURCE_RUN;
    else if (has_file(path, LAM_LR_RANGE_FILE))
        *ret_source = LAM_PLOT_SOURCE_RANGE;
    else
        return fail_source(context, path, "a folder without anything to plot");
    return LAM_STATUS_OK;
}

/* By how the file begins. */
static lam_status find_in_file(lam_context *context, const char *path,
                               lam_plot_source *ret_source)
{
    static const char study_magic[] = "SQLite format 3";
    static const char table_magic[] = "step,learning_rate,loss,smoothed_loss";
    char start[64] = "";
    FILE *file = fopen(path, "rb");
    if (!file)
        return fail_source(context, path, "cannot be read");
    size_t length = fread(start, 1, sizeof start - 1, file);
    fclose(file);
    start[length] = '\0';
    const char *text = start + strspn(start, " \t\r\n");
    if (strncmp(start, study_magic, sizeof study_magic - 1) == 0)
        *ret_source = LAM_PLOT_SOURCE_STUDY;
    else if (strncmp(start, table_magic, sizeof table_magic - 1) == 0)
        *ret_source = LAM_PLOT_SOURCE_RANGE;
    else if (*text == '{' || *text == '[')
        *ret_source = LAM_PLOT_SOURCE_BENCH;
    else
        return fail_source(context, path, "a file of nothing that can be plotted");
    return LAM_STATUS_OK;
}

lam_status lam_plot_find_source(lam_context *context, const char *path,
                                lam_plot_source *ret_source)
{
    struct stat about;
    if (stat(path, &about) != 0)
        return fail_source(context, path, "there is no such file or folder");
    return S_ISDIR(about.st_mode) ? find_in_folder(context, path, ret_source)
                                  : find_in_file(context, path, ret_source);
}
