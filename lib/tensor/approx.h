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

// For inference, whose states and weights have less bits: exp(a x) = 2^n 2^f, n = rint(a x log2(e)), 2^f = c0 + ... +
// c4 f^4 for |f| <= 1/2 by Horner's rule, fitted in the same way; relative error below 4e-6. FACTOR: a power of two.
#define WM_EXP2_C(FACTOR)                                                                                              \
	{                                                                                                              \
		0x1.ffffe4p-1f * (FACTOR), 0x1.62e0e2p-1f * (FACTOR), 0x1.ec084ep-3f * (FACTOR),                       \
			0x1.ca1282p-5f * (FACTOR), 0x1.393c8cp-7f * (FACTOR)                                           \
	}

// There exp()'s arguments are within 28, so that three denominators do not overflow.
#define WM_GATE_MAX 28.0f
#define WM_STATE_ONE 0x1p12f // 2^WM_STATE_BITS

// sample: exp(-15) 2^20 < 1 is weight 0.
#define WM_SAMPLE_MIN (-15.0f)
#define WM_SAMPLE_ONE 0x1p+20f
enum { WM_SAMPLE_N = 1024 };
