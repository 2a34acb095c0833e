/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/define_set.h"

#include <assert.h>
#include <string.h>

void lam_define_set_add(lam_define_set *set, const char *name, int value)
{
    assert(set->count < LAM_MAX_DEFINES);
    set->items[set->count++] = (lam_define){name, value};
}

int lam_define_set_get(const lam_define_set *set, const char *name)
{
    for (int i = 0; i < set->count; i++)
        if (strcmp(set->items[i].name, name) == 0)
            return set->items[i].value;
    assert(!"define is not in the set");
    return 0;
}

void lam_define_set_format(const lam_define_set *set, lam_strbuf *options)
{
    for (int i = 0; i < set->count; i++)
        lam_strbuf_append(options, " -D %s=%d", set->items[i].name, set->items[i].value);
}
