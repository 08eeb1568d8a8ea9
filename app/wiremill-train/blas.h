// SPDX-License-Identifier: BSD-3-Clause
// blas: make OpenBLAS fit for training. It reads its settings when it is loaded, before main().
#pragma once

/**
 * Start the program anew with the settings that OpenBLAS should have found; returns if it has them, or if that cannot
 * be done (training is then slower, not different in kind). Call first: before files are open and threads run.
 */
void blas_settle(char **argv);
