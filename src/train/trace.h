/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The device's side of a trace. Both accept a NULL trace and do nothing then.
 */
#ifndef LAM_TRAIN_TRACE_H
#define LAM_TRAIN_TRACE_H

#include "device/device.h"
#include "lamina/trace.h"

/** Times the device's launches from here on. A trace sees one device, once. Blocking. */
LAM_MUST_USE lam_status lam_trace_start_device(lam_trace *trace, lam_device *device);

/** Takes over what was timed. Blocking. Does nothing where no device was started. */
LAM_MUST_USE lam_status lam_trace_stop_device(lam_trace *trace);

#endif
