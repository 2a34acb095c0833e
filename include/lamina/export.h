/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Symbol visibility and compiler hints shared by the public headers.
 */
#ifndef LAMINA_EXPORT_H
#define LAMINA_EXPORT_H

#if defined(__GNUC__)
#define LAM_API __attribute__((visibility("default")))
#define LAM_MUST_USE __attribute__((warn_unused_result))
#define LAM_PRINTF(format_index, first_index)                                                  \
    __attribute__((format(printf, format_index, first_index)))
#else
#define LAM_API
#define LAM_MUST_USE
#define LAM_PRINTF(format_index, first_index)
#endif

#ifdef __cplusplus
#define LAM_BEGIN_DECLS extern "C" {
#define LAM_END_DECLS }
#else
#define LAM_BEGIN_DECLS
#define LAM_END_DECLS
#endif

#endif
