/* SPDX-License-Identifier: Apache-2.0 */
#include "lamina/bench.h"

lam_network_floor lam_network_time_get_floor(const lam_network_time *time,
                                             const lam_device_limits *limits)
{
    lam_network_floor floor = {
        .operations_seconds = 1e-9 * time->operations_per_step / limits->fma_gflops,
        .bytes_seconds = 1e-9 * time->bytes_per_step / limits->copy_gbytes,
        .launches_seconds = 1e-6 * (double)time->launches_per_step * limits->launch_us,
    };
    floor.total_seconds = floor.launches_seconds;
    floor.total_seconds += floor.operations_seconds > floor.bytes_seconds
                               ? floor.operations_seconds
                               : floor.bytes_seconds;
    return floor;
}
