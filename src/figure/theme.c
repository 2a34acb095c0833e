/* SPDX-License-Identifier: Apache-2.0 */
#include "figure/theme.h"

/* The scales are "viridis" of Smith, van der Walt and Firing, matplotlib 1.5, at eighths: as
 * even in colour as in grey. (gnuplot knows it by name from 6.0 on only.) Each theme leaves out
 * the end that its background swallows.
 *
 * Okabe and Ito's colours. Each theme starts with the blue that stands out best from its
 * background; yellow is darker on white, and what is black there is white on black. */
static const lam_theme_colors themes[] = {
    [LAM_THEME_LIGHT] = {"#ffffff",
                         "#1a1a1a",
                         "#595959",
                         "#a6a6a6",
                         "#dddddd",
                         {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9",
                          "#000000", "#a89b00"},
                         "0 '#440154', 1 '#472d7b', 2 '#3b528b', 3 '#2c728e', 4 '#21918c', "
                         "5 '#28ae80', 6 '#5ec962', 7 '#addc30'",
                         0.5},
    [LAM_THEME_DARK] = {"#16181d",
                        "#ececec",
                        "#b0b3b8",
                        "#63666d",
                        "#3a3d44",
                        {"#56b4e9", "#e8702a", "#00b386", "#d98cb8", "#e69f00", "#2f8fd0",
                         "#ffffff", "#f0e442"},
                        "2 '#3b528b', 3 '#2c728e', 4 '#21918c', 5 '#28ae80', 6 '#5ec962', "
                        "7 '#addc30', 8 '#fde725'",
                        0.27},
};

const lam_theme_colors *lam_theme_get_colors(lam_theme theme)
{
    return &themes[theme];
}
