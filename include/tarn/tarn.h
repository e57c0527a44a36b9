/* Tarn: arrays and language models. */
#ifndef TARN_TARN_H
#define TARN_TARN_H

#include "tarn/error.h"
#include "tarn/array.h"
#include "tarn/ops.h"
#include "tarn/index.h"
#include "tarn/fft.h"
#include "tarn/linalg.h"
#include "tarn/random.h"
#include "tarn/transform.h"
#include "tarn/export.h"
#include "tarn/nn.h"
#include "tarn/optim.h"
#include "tarn/train.h"
#include "tarn/device.h"
#include "tarn/device_kernel.h"
#include "tarn/memory.h"
#include "tarn/io.h"
#include "tarn/print.h"
#include "tarn/tokenizer.h"
#include "tarn/template.h"
#include "tarn/lm.h"

#endif
