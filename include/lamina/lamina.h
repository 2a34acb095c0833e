/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * All of the public interface.
 */
#ifndef LAMINA_LAMINA_H
#define LAMINA_LAMINA_H

#include "lamina/bench.h"
#include "lamina/context.h"
#include "lamina/data.h"
#include "lamina/device.h"
#include "lamina/ensemble.h"
#include "lamina/event_log.h"
#include "lamina/figure.h"
#include "lamina/gemm.h"
#include "lamina/gradient_check.h"
#include "lamina/lr_range.h"
#include "lamina/network.h"
#include "lamina/output.h"
#include "lamina/plot.h"
#include "lamina/predict.h"
#include "lamina/preview.h"
#include "lamina/recipe.h"
#include "lamina/remote.h"
#include "lamina/report.h"
#include "lamina/reproduce.h"
#include "lamina/run_history.h"
#include "lamina/schedule.h"
#include "lamina/search.h"
#include "lamina/space.h"
#include "lamina/statistics.h"
#include "lamina/status.h"
#include "lamina/study.h"
#include "lamina/trace.h"
#include "lamina/train.h"
#include "lamina/tune.h"
#include "lamina/version.h"

#endif
