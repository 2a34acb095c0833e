/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "search_mpi.h"

/* In place of search_mpi.c where there is no MPI. */

bool search_mpi_is_built(void)
{
    return false;
}

lam_status search_mpi_start(search_ranks *ret_ranks)
{
    *ret_ranks = (search_ranks){.size = 1, .share = {0, 1}};
    fputs("lamina: this program was built without MPI; install it (apt-get install "
          "libopenmpi-dev openmpi-bin) and build anew: meson setup --reconfigure -Dmpi=enabled "
          "build && ninja -C build\n",
          stderr);
    return LAM_STATUS_BAD_ARGUMENT;
}

void search_mpi_serve(lam_context *context, const lam_search_keeper *keeper,
                      void (*tick)(void *user), void *user)
{
    (void)context, (void)keeper, (void)tick, (void)user;
}

char *search_mpi_exchange(void *user, const char *request, char (*ret_problem)[256])
{
    (void)user, (void)request;
    snprintf(*ret_problem, sizeof *ret_problem, "built without MPI");
    return NULL;
}

void search_mpi_end(int exit_status)
{
    (void)exit_status;
}
