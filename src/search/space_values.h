/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Values of parameters: as coordinates in [0, 1), as text, and counted.
 *
 * Samplers think in coordinates. INT, CHOICE and GRID share [0, 1) evenly among their values;
 * a LOG range with a zero besides gives the zero the first LAM_ZERO_SHARE.
 */
#ifndef LAM_SEARCH_SPACE_VALUES_H
#define LAM_SEARCH_SPACE_VALUES_H

#include "lamina/space.h"

#define LAM_ZERO_SHARE 0.1

/** The shortest text that reads back to the same finite double. */
void lam_number_format(double value, char ret_text[LAM_PARAMETER_VALUE_BYTES]);

/** The place of a text among the values of a CHOICE or GRID; -1 for none. */
int lam_parameter_find_value(const lam_parameter *parameter, const char *text);

/** Whether a parameter has a range of real numbers. */
bool lam_parameter_is_real(const lam_parameter *parameter);

/** The value at `share` = 0 .. 1 of a range on its scale, its ends met exactly, and the share
 * of a value; a zero besides is no part of the range. */
double lam_parameter_interpolate(const lam_parameter *parameter, double share);
double lam_parameter_get_share(const lam_parameter *parameter, double value);

/** The text of the value at coordinate `unit`. */
void lam_parameter_format_value(const lam_parameter *parameter, double unit,
                                char ret_text[LAM_PARAMETER_VALUE_BYTES]);

/** What tells the value at coordinate `unit` from others: of CHOICE and GRID its place, never
 * negative. */
int64_t lam_parameter_identify(const lam_parameter *parameter, double unit);

/** How many different values a parameter has; INT64_MAX for a range of real numbers. */
int64_t lam_parameter_count_values(const lam_parameter *parameter);

/** The coordinate of a value: the middle of its share where it has one. False where the
 * parameter has no such value. */
bool lam_parameter_find_unit(const lam_parameter *parameter, const char *text,
                             double *ret_unit);

/** Values of a grid, the zero besides included; 0 where a range lacks their number. */
int64_t lam_parameter_count_grid(const lam_parameter *parameter);

/** Grid value number `index`, ascending in a range. */
void lam_parameter_format_grid(const lam_parameter *parameter, int64_t index,
                               char ret_text[LAM_PARAMETER_VALUE_BYTES]);

#endif
