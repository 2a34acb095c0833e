/* SPDX-License-Identifier: Apache-2.0 */
#include "lamina/ensemble.h"

#include <dirent.h>
#include <errno.h>
#include <nettle/sha2.h>
#include <stdlib.h>
#include <string.h>

#include "train/predict.h"
#include "train/run_directory.h"

/* What the members say of one split, added up. */
typedef struct split_sums {
    bool differs;                       /* members have other rows, or none */
    uint8_t digest[SHA256_DIGEST_SIZE]; /* of its images and labels */
    lam_predictions *sums;              /* the first member's, with all probabilities added */
    uint32_t *ballots;                  /* [rows, LAM_CLASS_COUNT] */
} split_sums;

struct lam_ensemble {
    lam_context *context;
    lam_device *device;
    lam_gemm gemm;
    lam_ensemble_member *members;
    size_t member_count;
    split_sums splits[LAM_SPLIT_COUNT];
};

lam_status lam_ensemble_create(lam_device *device, lam_gemm gemm, lam_ensemble **ret_ensemble)
{
    lam_context *context = lam_device_get_context(device);
    LAM_TRY(lam_self_test(device, gemm));
    lam_ensemble *ensemble = calloc(1, sizeof *ensemble);
    if (!ensemble)
        return lam_fail_memory(context, "an ensemble", sizeof *ensemble);
    ensemble->context = context;
    ensemble->device = device;
    ensemble->gemm = gemm;
    ensemble->splits[LAM_SPLIT_TRAIN].differs = true; /* nobody asks for it */
    *ret_ensemble = ensemble;
    return LAM_STATUS_OK;
}

static void free_member(lam_ensemble_member *member)
{
    free(member->directory);
    free(member->model);
}

void lam_ensemble_destroy(lam_ensemble **ensemble)
{
    if (!*ensemble)
        return;
    for (size_t i = 0; i < (*ensemble)->member_count; i++)
        free_member(&(*ensemble)->members[i]);
    for (int split = 0; split < LAM_SPLIT_COUNT; split++) {
        lam_predictions_destroy(&(*ensemble)->splits[split].sums);
        free((*ensemble)->splits[split].ballots);
    }
    free((*ensemble)->members);
    free(*ensemble);
    *ensemble = NULL;
}

static void digest_rows(const lam_dataset *dataset, lam_row_range range,
                        uint8_t digest[SHA256_DIGEST_SIZE])
{
    struct sha256_ctx hash;
    sha256_init(&hash);
    sha256_update(&hash, range.count, lam_dataset_get_labels(dataset) + range.first);
    sha256_update(&hash, (size_t)range.count * LAM_IMAGE_INPUTS,
                  lam_dataset_get_images(dataset) + (size_t)range.first * LAM_IMAGE_INPUTS);
    sha256_digest(&hash, SHA256_DIGEST_SIZE, digest);
}

/* The first member's rows are those that later members are held to. */
static lam_status match_rows(lam_ensemble *ensemble, const lam_dataset *dataset,
                             lam_split split, const char *directory)
{
    split_sums *sums = &ensemble->splits[split];
    lam_row_range range = lam_dataset_get_split(dataset, split);
    uint8_t digest[SHA256_DIGEST_SIZE];
    digest_rows(dataset, range, digest);
    if (ensemble->member_count == 0)
        memcpy(sums->digest, digest, sizeof digest);
    if (range.count == 0 || memcmp(digest, sums->digest, sizeof digest) != 0)
        sums->differs = true;
    if (sums->differs && split == LAM_SPLIT_TEST)
        return lam_fail(ensemble->context, LAM_STATUS_BAD_DATA,
                        "%s: its test images are not those of %s; an ensemble needs runs on "
                        "the same data (data.source in their recipes, --data)",
                        directory, ensemble->members[0].directory);
    return LAM_STATUS_OK;
}

/* Takes the first member's predictions to add the others' to; frees those. */
static lam_status add_to_sums(lam_context *context, split_sums *sums,
                              lam_predictions *predictions)
{
    size_t count = (size_t)predictions->rows * LAM_CLASS_COUNT;
    if (!sums->ballots)
        sums->ballots = calloc(count, sizeof *sums->ballots);
    if (!sums->ballots) {
        lam_predictions_destroy(&predictions);
        return lam_fail_memory(context, "votes", count * sizeof *sums->ballots);
    }
    for (size_t i = 0; i < predictions->rows; i++)
        sums->ballots[i * LAM_CLASS_COUNT + predictions->classes[i]]++;
    if (!sums->sums) {
        sums->sums = predictions;
        return LAM_STATUS_OK;
    }
    for (size_t i = 0; i < count; i++)
        sums->sums->probabilities[i] += predictions->probabilities[i];
    lam_predictions_destroy(&predictions);
    return LAM_STATUS_OK;
}

/* Each member's own accuracy counts, also on rows that others lack. */
static lam_status predict_splits(lam_ensemble *ensemble, lam_session *session,
                                 const lam_recipe *recipe, lam_ensemble_member *member)
{
    for (int split = LAM_SPLIT_VALIDATION; split <= LAM_SPLIT_TEST; split++) {
        lam_predictions *predictions = NULL;
        if (lam_dataset_get_split(session->workshop->dataset, (lam_split)split).count == 0)
            continue;
        LAM_TRY(lam_session_predict(session, recipe, (lam_split)split, &predictions));
        member->has_split[split] = true;
        member->accuracy[split] = predictions->accuracy;
        if (ensemble->splits[split].differs)
            lam_predictions_destroy(&predictions);
        else
            LAM_TRY(add_to_sums(ensemble->context, &ensemble->splits[split], predictions));
    }
    return LAM_STATUS_OK;
}

static lam_status predict_member(lam_ensemble *ensemble, const lam_recipe *recipe,
                                 const lam_dataset *dataset, const char *path,
                                 lam_ensemble_member *member)
{
    lam_session *session = NULL;
    for (int split = LAM_SPLIT_VALIDATION; split <= LAM_SPLIT_TEST; split++)
        LAM_TRY(match_rows(ensemble, dataset, (lam_split)split, member->directory));
    lam_status status =
        lam_session_open(ensemble->device, recipe, dataset, ensemble->gemm, path, &session);
    if (status == LAM_STATUS_OK)
        status = predict_splits(ensemble, session, recipe, member);
    lam_session_destroy(&session);
    return status;
}

lam_status lam_ensemble_add(lam_ensemble *ensemble, const lam_recipe *recipe,
                            const lam_dataset *dataset, const char *directory,
                            const char *model)
{
    lam_context *context = ensemble->context;
    if (lam_stop_requested(context))
        return lam_fail(context, LAM_STATUS_INTERRUPTED, "interrupted");
    lam_ensemble_member *grown =
        realloc(ensemble->members, (ensemble->member_count + 1) * sizeof *ensemble->members);
    if (!grown)
        return lam_fail_memory(context, "an ensemble", sizeof *grown);
    ensemble->members = grown;
    char *path = NULL;
    LAM_TRY(lam_run_find_model(context, directory, model, &path));
    lam_ensemble_member member = {.directory = strdup(directory),
                                  .model = strdup(path + strlen(directory) + 1)};
    lam_status status = member.directory && member.model
                            ? predict_member(ensemble, recipe, dataset, path, &member)
                            : lam_fail_memory(context, directory, strlen(directory));
    free(path);
    if (status != LAM_STATUS_OK) {
        free_member(&member);
        return status;
    }
    ensemble->members[ensemble->member_count++] = member;
    return LAM_STATUS_OK;
}

static int is_snapshot(const struct dirent *entry)
{
    return lam_run_is_snapshot(entry->d_name);
}

lam_status lam_ensemble_add_snapshots(lam_ensemble *ensemble, const lam_recipe *recipe,
                                      const lam_dataset *dataset, const char *directory)
{
    struct dirent **entries = NULL;
    lam_status status = LAM_STATUS_OK;
    int count = scandir(directory, &entries, is_snapshot, versionsort);
    if (count < 0)
        return lam_fail(ensemble->context, LAM_STATUS_BAD_MODEL, "%s: cannot read: %s",
                        directory, strerror(errno));
    if (count == 0)
        status = lam_fail(ensemble->context, LAM_STATUS_BAD_MODEL,
                          "%s holds no snapshot-1.safetensors and so on; train with "
                          "`snapshots: true', or ask without --snapshots",
                          directory);
    for (int i = 0; i < count; i++) {
        if (status == LAM_STATUS_OK)
            status = lam_ensemble_add(ensemble, recipe, dataset, directory, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return status;
}

size_t lam_ensemble_get_member_count(const lam_ensemble *ensemble)
{
    return ensemble->member_count;
}

const lam_ensemble_member *lam_ensemble_get_member(const lam_ensemble *ensemble, size_t index)
{
    return &ensemble->members[index];
}

bool lam_ensemble_has_split(const lam_ensemble *ensemble, lam_split split)
{
    return ensemble->member_count > 0 && !ensemble->splits[split].differs;
}

static uint8_t count_ballots(const uint32_t *ballots, const double *probabilities)
{
    uint8_t winner = 0;
    for (uint8_t c = 1; c < LAM_CLASS_COUNT; c++)
        if (ballots[c] > ballots[winner] ||
            (ballots[c] == ballots[winner] && probabilities[c] > probabilities[winner]))
            winner = c;
    return winner;
}

lam_status lam_ensemble_combine(const lam_ensemble *ensemble, lam_split split,
                                lam_predictions **ret_predictions)
{
    const split_sums *sums = &ensemble->splits[split];
    lam_predictions *combined = NULL;
    LAM_TRY(lam_predictions_copy(ensemble->context, sums->sums, &combined));
    combined->votes = malloc(combined->rows);
    if (!combined->votes) {
        lam_predictions_destroy(&combined);
        return lam_fail_memory(ensemble->context, "votes", sums->sums->rows);
    }
    for (size_t i = 0; i < combined->rows; i++) {
        double *row = combined->probabilities + i * LAM_CLASS_COUNT;
        for (int c = 0; c < LAM_CLASS_COUNT; c++)
            row[c] /= (double)ensemble->member_count;
        combined->classes[i] = lam_find_greatest_class(row);
        combined->votes[i] = count_ballots(sums->ballots + i * LAM_CLASS_COUNT, row);
    }
    combined->accuracy = lam_predictions_get_accuracy(combined, combined->classes);
    combined->vote_accuracy = lam_predictions_get_accuracy(combined, combined->votes);
    *ret_predictions = combined;
    return LAM_STATUS_OK;
}
