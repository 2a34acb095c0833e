/* SPDX-License-Identifier: Apache-2.0 */
#include "train/run_directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"
#include "base/strbuf.h"

#define LARGEST_TEXT_BYTES ((size_t)1 << 30)

static const char metrics_header[] =
    "step,epoch,learning_rate,train_loss,train_cost,train_accuracy,"
    "validation_loss,validation_cost,validation_accuracy\n";

static const char *const run_files[] = {LAM_RUN_RECORD,  LAM_RUN_METRICS,    LAM_RUN_MODEL,
                                        LAM_RUN_BEST,    LAM_RUN_CHECKPOINT, LAM_RUN_SUMMARY,
                                        LAM_RUN_PROGRESS};
enum { RUN_FILE_COUNT = sizeof run_files / sizeof run_files[0] };

struct lam_run_directory {
    lam_context *context;
    char *path;
    lam_strbuf file_path;
    int lock;    /* descriptor of the folder, locked; -1 while closed */
    int metrics; /* descriptor; -1 while closed */
};

static lam_status fail_write(const lam_run_directory *directory, const char *file, int error)
{
    return lam_fail(directory->context, LAM_STATUS_BAD_OUTPUT,
                    "%s/%s: cannot write: %s; choose another place with -o or free some space",
                    directory->path, file, strerror(error));
}

bool lam_run_is_snapshot(const char *file)
{
    int cycle = 0, length = 0;
    return sscanf(file, LAM_RUN_SNAPSHOT "%n", &cycle, &length) == 1 && length > 0 &&
           file[length] == '\0';
}

bool lam_run_is_model(const char *file)
{
    return strcmp(file, LAM_RUN_MODEL) == 0 || strcmp(file, LAM_RUN_BEST) == 0 ||
           lam_run_is_snapshot(file);
}

#define SEED_FOLDER "seed-%"

char *lam_run_name_folder(const char *home, uint64_t seed)
{
    char *path = NULL;
    return asprintf(&path, "%s/" SEED_FOLDER PRIu64, home, seed) < 0 ? NULL : path;
}

bool lam_run_parse_folder(const char *name, uint64_t *ret_seed)
{
    char again[32];
    uint64_t seed;
    if (sscanf(name, SEED_FOLDER SCNu64, &seed) != 1)
        return false;
    snprintf(again, sizeof again, SEED_FOLDER PRIu64, seed);
    *ret_seed = seed;
    return strcmp(again, name) == 0;
}

static void remove_snapshots(lam_run_directory *directory)
{
    DIR *folder = opendir(directory->path);
    for (const struct dirent *entry; folder && (entry = readdir(folder));)
        if (lam_run_is_snapshot(entry->d_name))
            lam_run_directory_remove(directory, entry->d_name);
    if (folder)
        closedir(folder);
}

/* Files of an earlier run: refused, removed or kept. */
static lam_status settle_old_files(lam_run_directory *directory, bool force, bool resume)
{
    for (int i = 0; i < RUN_FILE_COUNT && !resume; i++) {
        if (!lam_run_directory_has(directory, run_files[i]))
            continue;
        if (!force)
            return lam_fail(directory->context, LAM_STATUS_BAD_OUTPUT,
                            "%s already holds a run (%s); choose another place with -o, go on "
                            "with it (--resume) or replace it (--force)",
                            directory->path, run_files[i]);
        lam_run_directory_remove(directory, run_files[i]);
    }
    if (force)
        remove_snapshots(directory);
    return LAM_STATUS_OK;
}

/* One process at a time; the lock goes with the process, however it ends. */
static lam_status lock_folder(lam_run_directory *directory)
{
    directory->lock = open(directory->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory->lock >= 0 && flock(directory->lock, LOCK_EX | LOCK_NB) != 0 &&
        errno == EWOULDBLOCK)
        return lam_fail(directory->context, LAM_STATUS_BAD_OUTPUT,
                        "%s: another process is training into it; wait for it, or choose "
                        "another place with -o",
                        directory->path);
    return LAM_STATUS_OK; /* a file system without locks is no reason not to train */
}

lam_status lam_run_directory_open(lam_context *context, const char *path, bool force,
                                  bool resume, lam_run_directory **ret_directory)
{
    lam_status status = LAM_STATUS_OK;
    lam_run_directory *directory = calloc(1, sizeof *directory);
    if (!directory)
        return lam_fail_memory(context, path, sizeof *directory);
    directory->context = context;
    directory->lock = directory->metrics = -1;
    directory->path = strdup(path);
    if (!directory->path)
        LAM_TRY_GOTO(status, lam_fail_memory(context, path, strlen(path)));
    LAM_TRY_GOTO(status, lam_directory_create(context, path));
    LAM_TRY_GOTO(status, lock_folder(directory));
    LAM_TRY_GOTO(status, settle_old_files(directory, force, resume));
    *ret_directory = directory;
    return LAM_STATUS_OK;
fail:
    lam_run_directory_close(&directory);
    return status;
}

void lam_run_directory_close(lam_run_directory **directory)
{
    if (!*directory)
        return;
    if ((*directory)->metrics >= 0)
        close((*directory)->metrics);
    if ((*directory)->lock >= 0)
        close((*directory)->lock);
    lam_strbuf_free(&(*directory)->file_path);
    free((*directory)->path);
    free(*directory);
    *directory = NULL;
}

lam_status lam_run_directory_discard(lam_context *context, const char *path)
{
    lam_run_directory *directory = NULL;
    if (!lam_run_record_exists(path))
        return LAM_STATUS_OK;
    LAM_TRY(lam_run_directory_open(context, path, true, false, &directory));
    lam_run_directory_close(&directory);
    rmdir(path); /* refuses where somebody keeps more in it */
    return LAM_STATUS_OK;
}

const char *lam_run_directory_get_folder(const lam_run_directory *directory)
{
    return directory->path;
}

const char *lam_run_directory_get_path(lam_run_directory *directory, const char *file)
{
    lam_strbuf_free(&directory->file_path);
    lam_strbuf_append(&directory->file_path, "%s/%s", directory->path, file);
    return lam_strbuf_text(&directory->file_path);
}

bool lam_run_directory_has(lam_run_directory *directory, const char *file)
{
    return access(lam_run_directory_get_path(directory, file), F_OK) == 0;
}

void lam_run_directory_remove(lam_run_directory *directory, const char *file)
{
    unlink(lam_run_directory_get_path(directory, file));
}

/* The header and every complete row whose first column is at most `last_step`. */
static void keep_rows(lam_strbuf *kept, const char *text, int64_t last_step)
{
    const char *line = strchr(text, '\n');
    lam_strbuf_append(kept, "%s", metrics_header);
    while (line && *++line) {
        const char *end = strchr(line, '\n');
        if (!end || strtoll(line, NULL, 10) > last_step)
            break;
        lam_strbuf_append_bytes(kept, line, (size_t)(end - line) + 1);
        line = end;
    }
}

lam_status lam_run_directory_start_metrics(lam_run_directory *directory, int64_t last_step)
{
    const char *path = lam_run_directory_get_path(directory, LAM_RUN_METRICS);
    lam_strbuf kept = {0};
    if (last_step >= 0) {
        char *text = NULL;
        size_t length = 0;
        LAM_TRY(lam_file_read(directory->context, path, LARGEST_TEXT_BYTES,
                              LAM_STATUS_BAD_MODEL, &text, &length));
        keep_rows(&kept, text, last_step);
        free(text);
    } else {
        lam_strbuf_append(&kept, "%s", metrics_header);
    }
    lam_status status = kept.failed
                            ? lam_fail_memory(directory->context, path, kept.length)
                            : lam_file_write(directory->context, path, kept.text, kept.length);
    lam_strbuf_free(&kept);
    if (status != LAM_STATUS_OK)
        return status;
    directory->metrics = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    return directory->metrics >= 0 ? LAM_STATUS_OK
                                   : fail_write(directory, LAM_RUN_METRICS, errno);
}

static void append_metrics(lam_strbuf *row, const lam_metrics *metrics, bool present)
{
    if (present)
        lam_strbuf_append(row, ",%.9g,%.9g,%.9g", metrics->loss, metrics->cost,
                          metrics->accuracy);
    else
        lam_strbuf_append(row, ",,,");
}

lam_status lam_run_directory_append(lam_run_directory *directory,
                                    const lam_measurement *measurement)
{
    lam_strbuf row = {0};
    lam_strbuf_append(&row, "%" PRId64 ",%.9g,%.9g", measurement->step, measurement->epoch,
                      measurement->learning_rate);
    append_metrics(&row, &measurement->train, true);
    append_metrics(&row, &measurement->validation, measurement->has_validation);
    lam_strbuf_append(&row, "\n");
    lam_status status = LAM_STATUS_OK;
    if (row.failed) {
        status = lam_fail_memory(directory->context, "a measurement", row.length);
    } else {
        ssize_t written = write(directory->metrics, row.text, row.length);
        if (written != (ssize_t)row.length)
            status = fail_write(directory, LAM_RUN_METRICS, written < 0 ? errno : ENOSPC);
    }
    lam_strbuf_free(&row);
    return status;
}

/* The number of a cell that ends with `separator`; NaN of an empty one. NULL when it is none,
 * else behind the separator. */
static const char *parse_cell(const char *text, char separator, double *ret_value)
{
    char *end = NULL;
    *ret_value = NAN;
    if (*text == separator) /* else strtod() would go on behind the line's end */
        return text + 1;
    *ret_value = strtod(text, &end);
    return end > text && *end == separator ? end + 1 : NULL;
}

static const char *parse_metrics(const char *text, char separator, lam_metrics *metrics)
{
    text = parse_cell(text, ',', &metrics->loss);
    text = text ? parse_cell(text, ',', &metrics->cost) : NULL;
    return text ? parse_cell(text, separator, &metrics->accuracy) : NULL;
}

/* A row as lam_run_directory_append() writes it. */
bool lam_run_metrics_parse(const char *row, lam_measurement *ret_measurement)
{
    static const char no_validation[] = ",,\n";
    char *end = NULL;
    lam_measurement m = {.step = strtoll(row, &end, 10)};
    if (end == row || *end != ',')
        return false;
    const char *text = parse_cell(end + 1, ',', &m.epoch);
    text = text ? parse_cell(text, ',', &m.learning_rate) : NULL;
    text = text ? parse_metrics(text, ',', &m.train) : NULL;
    m.has_validation = text && strncmp(text, no_validation, sizeof no_validation - 1) != 0;
    text = text ? parse_metrics(text, '\n', &m.validation) : NULL;
    *ret_measurement = m;
    return text != NULL;
}

static size_t count_lines(const char *text)
{
    size_t count = 0;
    while ((text = strchr(text, '\n'))) {
        count++;
        text++;
    }
    return count;
}

static lam_status parse_rows(lam_context *context, const char *path, const char *text,
                             lam_measurement **ret_measurements, size_t *ret_count)
{
    size_t lines = count_lines(text), rows = lines > 1 ? lines - 1 : 0;
    lam_measurement *measurements = calloc(rows + 1, sizeof *measurements);
    if (!measurements)
        return lam_fail_memory(context, path, rows * sizeof *measurements);
    for (size_t i = 0; i < rows; i++) {
        text = strchr(text, '\n') + 1;
        if (lam_run_metrics_parse(text, &measurements[i]) &&
            (i == 0 || measurements[i].step > measurements[i - 1].step))
            continue;
        free(measurements);
        return lam_fail(context, LAM_STATUS_BAD_MODEL,
                        "%s:%zu: not the next measurement of a run; mend or remove the line, "
                        "or train again",
                        path, i + 2);
    }
    *ret_measurements = measurements;
    *ret_count = rows;
    return LAM_STATUS_OK;
}

lam_status lam_run_metrics_load(lam_context *context, const char *directory,
                                lam_measurement **ret_measurements, size_t *ret_count)
{
    char *text = NULL, *path = NULL;
    size_t length = 0;
    if (asprintf(&path, "%s/" LAM_RUN_METRICS, directory) < 0)
        return lam_fail_memory(context, LAM_RUN_METRICS, 0);
    lam_status status = LAM_STATUS_OK;
    if (access(path, F_OK) == 0)
        status = lam_file_read(context, path, LARGEST_TEXT_BYTES, LAM_STATUS_BAD_MODEL, &text,
                               &length);
    if (status == LAM_STATUS_OK)
        status = parse_rows(context, path, text ? text : "", ret_measurements, ret_count);
    free(text);
    free(path);
    return status;
}

lam_status lam_run_directory_write_json(lam_run_directory *directory, const char *file,
                                        const json_t *json)
{
    char *text = json_dumps(json, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    if (!text)
        return lam_fail_memory(directory->context, file, 0);
    lam_status status = lam_file_write(
        directory->context, lam_run_directory_get_path(directory, file), text, strlen(text));
    free(text);
    return status;
}

bool lam_run_record_exists(const char *directory)
{
    lam_strbuf path = {0};
    lam_strbuf_append(&path, "%s/%s", directory, LAM_RUN_RECORD);
    bool exists = access(lam_strbuf_text(&path), F_OK) == 0;
    lam_strbuf_free(&path);
    return exists;
}

lam_status lam_run_record_load(lam_context *context, const char *directory, json_t **ret_record)
{
    lam_strbuf path = {0};
    char *text = NULL;
    size_t length = 0;
    lam_strbuf_append(&path, "%s/%s", directory, LAM_RUN_RECORD);
    lam_status status = lam_file_read(context, lam_strbuf_text(&path), LARGEST_TEXT_BYTES,
                                      LAM_STATUS_BAD_MODEL, &text, &length);
    if (status == LAM_STATUS_OK) {
        json_error_t error;
        json_t *record = json_loadb(text, length, 0, &error);
        if (json_is_object(record)) {
            *ret_record = record;
        } else {
            json_decref(record);
            status = lam_fail(context, LAM_STATUS_BAD_MODEL,
                              "%s:%d: not a run record: %s; train again", path.text, error.line,
                              record ? "it is no JSON object" : error.text);
        }
    }
    free(text);
    lam_strbuf_free(&path);
    return status;
}
