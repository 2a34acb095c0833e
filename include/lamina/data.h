/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Labelled images in host memory, split into training, validation and test rows.
 */
#ifndef LAMINA_DATA_H
#define LAMINA_DATA_H

#include <stdbool.h>
#include <stdint.h>

#include "lamina/context.h"

LAM_BEGIN_DECLS

/** CIFAR-10's geometry: 32 x 32 RGB, planar (all red, all green, all blue), row-major. */
#define LAM_IMAGE_SIDE 32
#define LAM_IMAGE_INPUTS 3072
#define LAM_CLASS_COUNT 10
#define LAM_TRAIN_FILE_COUNT 5
#define LAM_ROWS_PER_FILE 10000

/** X(name, name in recipes) */
#define LAM_DATA_SOURCE_LIST(X)                                                                \
    X(CIFAR10, "cifar10")                                                                      \
    X(SYNTHETIC, "synthetic")

typedef enum lam_data_source {
#define LAM_DATA_SOURCE_ENUM(name, text) LAM_DATA_SOURCE_##name,
    LAM_DATA_SOURCE_LIST(LAM_DATA_SOURCE_ENUM)
#undef LAM_DATA_SOURCE_ENUM
} lam_data_source;

/**
 * Which rows train and validate. The training files are read in the order of their numbers.
 * Either `validation_files` is non-zero, or the last `validation_count` rows of the training
 * files validate and do not train, or nothing validates. The test split is always the ten
 * thousand rows of the test file.
 */
typedef struct lam_data_options {
    lam_data_source source;
    uint32_t train_files;      /* bit n-1 stands for data_batch_n, n = 1 .. 5 */
    uint32_t validation_files; /* the same bits; must not overlap with train_files */
    uint32_t validation_count; /* rows; 0 when validation_files is used */
    uint32_t train_first;      /* keep only the first so many training rows; 0 keeps all */
} lam_data_options;

/** Rows of the files whose bits are set. */
LAM_API uint32_t lam_count_file_rows(uint32_t files);

typedef enum lam_split {
    LAM_SPLIT_TRAIN,
    LAM_SPLIT_VALIDATION,
    LAM_SPLIT_TEST,
    LAM_SPLIT_COUNT,
} lam_split;

/** "train", "validation" or "test". */
LAM_API const char *lam_split_name(lam_split split);

/** Rows [first, first + count) of a data set; the splits follow each other without gaps. */
typedef struct lam_row_range {
    uint32_t first;
    uint32_t count;
} lam_row_range;

typedef struct lam_dataset lam_dataset;

/**
 * Loads the rows that `options` names. `directory` holds CIFAR-10's binary files
 * (data_batch_1.bin .. data_batch_5.bin, test_batch.bin: 10,000 records of one label byte and
 * 3,072 pixel bytes); it is ignored for the synthetic source, which draws ten classes of
 * images from a counter-based generator: the same bytes on every machine.
 * Blocking. The caller owns the result.
 * Errors: BAD_DATA (a file is missing, truncated, too long, or holds a label above 9; a split
 * asks for more rows than there are, or overlaps), NO_MEMORY.
 */
LAM_API LAM_MUST_USE lam_status lam_dataset_load(lam_context *context,
                                                 const lam_data_options *options,
                                                 const char *directory,
                                                 lam_dataset **ret_dataset);

/** Frees the data set and sets the handle to NULL; accepts a pointer to NULL. */
LAM_API void lam_dataset_destroy(lam_dataset **dataset);

LAM_API lam_data_source lam_dataset_get_source(const lam_dataset *dataset);
LAM_API lam_row_range lam_dataset_get_split(const lam_dataset *dataset, lam_split split);

/** u8[rows, 3072], planar pixels of all splits; borrowed, aligned to 4096 bytes and followed
 * by zeros up to a multiple of 4096, so that a device may use the host's pages in place. */
LAM_API const uint8_t *lam_dataset_get_images(const lam_dataset *dataset);

/** u8[rows], 0 .. 9; borrowed, aligned and followed by zeros as the images are. */
LAM_API const uint8_t *lam_dataset_get_labels(const lam_dataset *dataset);

/** Rows of all splits together. */
LAM_API uint32_t lam_dataset_get_row_count(const lam_dataset *dataset);

/**
 * The z-score's statistics over the training split, f64[3072] each, of pixels / 255:
 * mean = sum(x) / n and standard deviation = sqrt(sum((x - mean)^2) / n), the latter replaced
 * by 1 where it is 0. Computed from exact integer sums. Borrowed.
 */
LAM_API const double *lam_dataset_get_mean(const lam_dataset *dataset);
LAM_API const double *lam_dataset_get_deviation(const lam_dataset *dataset);

/** CIFAR-10's name of class 0 .. 9 ("airplane" ..), "class 0" .. for the synthetic set. */
LAM_API const char *lam_dataset_get_class_name(const lam_dataset *dataset, int class_index);

LAM_END_DECLS

#endif
