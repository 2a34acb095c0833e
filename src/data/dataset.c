/* SPDX-License-Identifier: Apache-2.0 */
#include "lamina/data.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "data/normalization.h"
#include "data/source.h"
#include "data/split.h"

/* A page: lets an OpenCL device that shares the host's memory use the rows in place. */
#define ALIGNMENT_BYTES 4096

struct lam_dataset {
    lam_data_source source;
    lam_row_range splits[LAM_SPLIT_COUNT];
    uint32_t row_count;
    uint8_t *images; /* u8[row_count, 3072] */
    uint8_t *labels; /* u8[row_count] */
    double mean[LAM_IMAGE_INPUTS];
    double deviation[LAM_IMAGE_INPUTS];
};

/** Whole aligned pages, the bytes past `count` zeroed; NULL when memory is exhausted. */
static uint8_t *allocate_pages(size_t count)
{
    size_t padded = lam_round_up(count, ALIGNMENT_BYTES);
    uint8_t *bytes = aligned_alloc(ALIGNMENT_BYTES, padded);
    if (bytes)
        memset(bytes + count, 0, padded - count);
    return bytes;
}

static lam_status allocate_dataset(lam_context *context, lam_data_source source,
                                   const lam_split_plan *plan, lam_dataset **ret_dataset)
{
    size_t image_bytes = (size_t)plan->row_count * LAM_IMAGE_INPUTS;
    lam_dataset *dataset = calloc(1, sizeof *dataset);
    if (dataset) {
        dataset->source = source;
        memcpy(dataset->splits, plan->ranges, sizeof dataset->splits);
        dataset->row_count = plan->row_count;
        dataset->images = allocate_pages(image_bytes);
        dataset->labels = allocate_pages(plan->row_count);
    }
    if (!dataset || !dataset->images || !dataset->labels) {
        lam_dataset_destroy(&dataset);
        return lam_fail_memory(context, "the data set", image_bytes + plan->row_count);
    }
    *ret_dataset = dataset;
    return LAM_STATUS_OK;
}

static lam_status fill_rows(lam_context *context, const char *directory,
                            const lam_split_plan *plan, lam_dataset *dataset)
{
    uint8_t *images = dataset->images;
    uint8_t *labels = dataset->labels;
    for (int i = 0; i < plan->stretch_count; i++) {
        lam_stretch stretch = plan->stretches[i];
        if (dataset->source == LAM_DATA_SOURCE_SYNTHETIC)
            lam_synthetic_draw(stretch, images, labels);
        else
            LAM_TRY(lam_cifar10_read(context, directory, stretch, images, labels));
        images += (size_t)stretch.count * LAM_IMAGE_INPUTS;
        labels += stretch.count;
    }
    return LAM_STATUS_OK;
}

lam_status lam_dataset_load(lam_context *context, const lam_data_options *options,
                            const char *directory, lam_dataset **ret_dataset)
{
    lam_data_source source = options->source;
    if (source != LAM_DATA_SOURCE_CIFAR10 && source != LAM_DATA_SOURCE_SYNTHETIC)
        return lam_fail(context, LAM_STATUS_BAD_DATA, "%d is no known data source",
                        (int)source);
    lam_split_plan plan;
    LAM_TRY(lam_split_plan_make(context, options, &plan));
    lam_dataset *dataset = NULL;
    LAM_TRY(allocate_dataset(context, source, &plan, &dataset));
    lam_status status = fill_rows(context, directory, &plan, dataset);
    if (status != LAM_STATUS_OK) {
        lam_dataset_destroy(&dataset);
        return status;
    }
    lam_normalization_measure(dataset->images, dataset->splits[LAM_SPLIT_TRAIN].count,
                              dataset->mean, dataset->deviation);
    *ret_dataset = dataset;
    return LAM_STATUS_OK;
}

void lam_dataset_destroy(lam_dataset **dataset)
{
    if (!*dataset)
        return;
    free((*dataset)->images);
    free((*dataset)->labels);
    free(*dataset);
    *dataset = NULL;
}

lam_data_source lam_dataset_get_source(const lam_dataset *dataset)
{
    return dataset->source;
}

lam_row_range lam_dataset_get_split(const lam_dataset *dataset, lam_split split)
{
    if ((unsigned)split >= LAM_SPLIT_COUNT)
        return (lam_row_range){dataset->row_count, 0};
    return dataset->splits[split];
}

const uint8_t *lam_dataset_get_images(const lam_dataset *dataset)
{
    return dataset->images;
}

const uint8_t *lam_dataset_get_labels(const lam_dataset *dataset)
{
    return dataset->labels;
}

uint32_t lam_dataset_get_row_count(const lam_dataset *dataset)
{
    return dataset->row_count;
}

const double *lam_dataset_get_mean(const lam_dataset *dataset)
{
    return dataset->mean;
}

const double *lam_dataset_get_deviation(const lam_dataset *dataset)
{
    return dataset->deviation;
}

const char *lam_dataset_get_class_name(const lam_dataset *dataset, int class_index)
{
    if (class_index < 0 || class_index >= LAM_CLASS_COUNT)
        return "unknown class";
    return dataset->source == LAM_DATA_SOURCE_SYNTHETIC ? lam_synthetic_class_name(class_index)
                                                        : lam_cifar10_class_name(class_index);
}
