/* SPDX-License-Identifier: Apache-2.0 */
#include "data/split.h"

#define ALL_TRAIN_FILES ((1u << LAM_TRAIN_FILE_COUNT) - 1)

const char *lam_split_name(lam_split split)
{
    switch (split) {
    case LAM_SPLIT_TRAIN:
        return "train";
    case LAM_SPLIT_VALIDATION:
        return "validation";
    case LAM_SPLIT_TEST:
        return "test";
    case LAM_SPLIT_COUNT:
        break;
    }
    return "unknown split";
}

uint32_t lam_count_file_rows(uint32_t files)
{
    return (uint32_t)__builtin_popcount(files) * LAM_ROWS_PER_FILE;
}

static lam_status check_files(lam_context *context, const lam_data_options *options)
{
    if (options->train_files == 0)
        return lam_fail(context, LAM_STATUS_BAD_DATA,
                        "train_files is empty; name at least one of the files 1 .. %d",
                        LAM_TRAIN_FILE_COUNT);
    uint32_t unknown = (options->train_files | options->validation_files) & ~ALL_TRAIN_FILES;
    if (unknown)
        return lam_fail(context, LAM_STATUS_BAD_DATA,
                        "%s names file %d, but the training files are 1 .. %d",
                        options->train_files & unknown ? "train_files" : "validation_files",
                        __builtin_ctz(unknown) + 1, LAM_TRAIN_FILE_COUNT);
    uint32_t shared = options->train_files & options->validation_files;
    if (shared)
        return lam_fail(context, LAM_STATUS_BAD_DATA,
                        "file %d is in both train_files and validation_files; take it out of "
                        "one of them",
                        __builtin_ctz(shared) + 1);
    if (options->validation_files && options->validation_count)
        return lam_fail(context, LAM_STATUS_BAD_DATA,
                        "validation_files and validation_count (%u) are both set; keep one of "
                        "them",
                        options->validation_count);
    return LAM_STATUS_OK;
}

static lam_status check_counts(lam_context *context, const lam_data_options *options)
{
    uint32_t rows = lam_count_file_rows(options->train_files);
    if (options->validation_count >= rows)
        return lam_fail(context, LAM_STATUS_BAD_DATA,
                        "validation_count is %u, but the training files hold %u rows and at "
                        "least one must train; use a smaller validation_count or more "
                        "train_files",
                        options->validation_count, rows);
    uint32_t left = rows - options->validation_count;
    if (options->train_first > left)
        return lam_fail(context, LAM_STATUS_BAD_DATA,
                        "train_first is %u, but only %u rows are there to train; use a smaller "
                        "train_first or more train_files",
                        options->train_first, left);
    return LAM_STATUS_OK;
}

/** Appends rows [first, first + count) of the files of `files`, read one after another. */
static void add_split(lam_split_plan *plan, lam_split split, uint32_t files, uint32_t first,
                      uint32_t count)
{
    plan->ranges[split] = (lam_row_range){plan->row_count, count};
    plan->row_count += count;
    for (int file = 0; count > 0; file++) {
        if (!(files >> file & 1))
            continue;
        if (first >= LAM_ROWS_PER_FILE) {
            first -= LAM_ROWS_PER_FILE;
            continue;
        }
        uint32_t left = LAM_ROWS_PER_FILE - first;
        uint32_t taken = count < left ? count : left;
        plan->stretches[plan->stretch_count++] = (lam_stretch){file, first, taken};
        count -= taken;
        first = 0;
    }
}

lam_status lam_split_plan_make(lam_context *context, const lam_data_options *options,
                               lam_split_plan *ret_plan)
{
    LAM_TRY(check_files(context, options));
    LAM_TRY(check_counts(context, options));
    uint32_t train_files = options->train_files;
    uint32_t train_rows = lam_count_file_rows(train_files) - options->validation_count;
    lam_split_plan plan = {0};
    add_split(&plan, LAM_SPLIT_TRAIN, train_files, 0,
              options->train_first ? options->train_first : train_rows);
    if (options->validation_files)
        add_split(&plan, LAM_SPLIT_VALIDATION, options->validation_files, 0,
                  lam_count_file_rows(options->validation_files));
    else
        add_split(&plan, LAM_SPLIT_VALIDATION, train_files, train_rows,
                  options->validation_count);
    add_split(&plan, LAM_SPLIT_TEST, 1u << LAM_TEST_FILE, 0, LAM_ROWS_PER_FILE);
    *ret_plan = plan;
    return LAM_STATUS_OK;
}
