// SPDX-License-Identifier: BSD-3-Clause
// tensor: the numbers that all tables share: the polynomial of exp() and the limits of its arguments.
//
// exp(x) = 2^n exp(r), n = rint(x / ln 2), r = x - n ln 2 in two steps (Cody, Waite: ln 2 = hi + lo, where n * hi is
// exact). exp(r) = 1 + r + c2 r^2 + ... + c6 r^6, |r| <= ln(2) / 2, by Horner's rule with fmaf(). The coefficients are
// a least-squares fit of the relative error at Chebyshev nodes, rounded to binary32 one after the other (each fit knows
// the rounded ones before it); the polynomial's own error is 3.8e-9, so rounding dominates: the whole is within 1 ulp.
// rint() is the addition of 1.5 * 2^23, whose low mantissa bits then are n.
#pragma once

#define WM_EXP_LOG2E 0x1.715476p+0f
#define WM_EXP_ROUND 0x1.8p+23f
#define WM_EXP_LN2_HI 0x1.62e4p-1f
#define WM_EXP_LN2_LO 0x1.7f7d1cp-20f
#define WM_EXP_C2 0x1.fffff8p-2f
#define WM_EXP_C3 0x1.55548cp-3f
#define WM_EXP_C4 0x1.555b8ep-5f
#define WM_EXP_C5 0x1.123d3ap-7f
#define WM_EXP_C6 0x1.685eecp-10f

// The range of arguments whose result is a normal number.
#define WM_EXP_MIN (-87.0f)
#define WM_EXP_MAX 88.0f

// Arguments of the activations' exp(): sigmoid and tanh have long reached their limits in binary32, and the product of
// two denominators is still far from overflow.
#define WM_ACT_MAX 40.0f
