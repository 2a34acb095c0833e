/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * JSON that benchmarks leave.
 */
#ifndef LAM_REPORT_BENCH_DOCUMENT_H
#define LAM_REPORT_BENCH_DOCUMENT_H

#include <jansson.h>

#include "report/plotter.h"

typedef struct lam_bench_document {
    lam_context *context;
    const char *path;
    json_t *json;
    char name[128]; /* of the file, without folder and suffix, shortened */
    char stem[128]; /* the same for names of figures, not shortened */
} lam_bench_document;

/** Errors: BAD_DATA (missing or no JSON object). lam_bench_document_close() it. */
LAM_MUST_USE lam_status lam_bench_document_open(lam_context *context, const char *path,
                                                lam_bench_document *ret_document);
void lam_bench_document_close(lam_bench_document *document);

/** An array of the document, borrowed; NULL where there is none or an empty one. */
const json_t *lam_bench_document_get_rows(const lam_bench_document *document, const char *key);

/** BAD_DATA: what of the file is missing. */
LAM_MUST_USE lam_status lam_bench_document_reject(const lam_bench_document *document,
                                                  const char *missing);

/** Device, program, date and command as far as the document has them, as sentences. */
void lam_bench_document_describe(const lam_bench_document *document, const lam_plotter *plotter,
                                 const char *kind, const char *what, const char *note,
                                 lam_figure *figure);

/** A number of an object; NaN for none. */
double lam_json_get_number(const json_t *object, const char *key);
/** A text of an object; "" for none. */
const char *lam_json_get_text(const json_t *object, const char *key);

#endif
