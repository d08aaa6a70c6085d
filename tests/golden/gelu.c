/* Forward and backward passes in C: gelu.
 *
 * Arrays are contiguous, their rows one after the other; results are written and nothing is allocated. A name
 * that ends with _f takes float, one with _d double. Compile with
 *
 *     cc -std=c99 -O3 -march=native -fno-math-errno -fno-trapping-math -ffp-contract=fast -fopenmp-simd -c
 *         file.c
 *
 * and with -fopenmp in the place of -fopenmp-simd where threads are wanted.
 *
 * gelu: Gaussian error linear unit
 *     Phi = 1/2 + erf(x/sqrt(2))/2
 *     y = Phi*x
 *     Source: Hendrycks and Gimpel, Gaussian error linear units, arXiv 1606.08415, 2016
 */

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The bits of a number, and the number of these bits. */
static inline uint32_t bits_f(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float number_f(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* exp(x) = 2^n (1 + r + r^2 E(r)) with x = n log(2) + r; the last bits of shifted are n. */
static inline float exp_f(float x)
{
    const float clamped = x < -104.0f ? -104.0f : x > 89.0f ? 89.0f : x;
    const float shifted = clamped * 1.44269504f + 12582912.0f;
    const float n = shifted - 12582912.0f;
    const float r = (clamped - n * 0.693359375f) - n * -2.12194440e-4f;
    const uint32_t power = bits_f(shifted) - UINT32_C(0x4B400000) + 300;
    const uint32_t half = power >> 1;
    const float first = number_f((half - 150 + 127) << 23);
    const float second = number_f((power - half - 150 + 127) << 23);
    float value = 0.0013926927f;
    value = value * r + 0.008363774f;
    value = value * r + 0.04166655f;
    value = value * r + 0.16666573f;
    value = value * r + 0.5f;
    return (1.0f + (r + r * r * value)) * first * second;
}

/* erf(x) = x A(x^2) / B(x^2) up to 4, where it is 1 in float. */
static inline float erf_f(float x)
{
    const float size = fabsf(x);
    const float a = size > 4.0f ? 4.0f : size;
    const float u = a * a;
    float above = 0.0002303811f;
    float below = -1.12210337e-07f;
    above = above * u + 0.00358113273f;
    above = above * u + 0.0514985715f;
    above = above * u + 0.189719061f;
    above = above * u + 1.12837914f;
    below = below * u + 2.31595276e-05f;
    below = below * u + 0.00105381377f;
    below = below * u + 0.0144266244f;
    below = below * u + 0.112799712f;
    below = below * u + 0.501466568f;
    below = below * u + 1.0f;
    const float value = a * above / below;
    return copysignf(value > 1.0f ? 1.0f : value, x);
}

/* (1 + erf(x/sqrt(2)))/2, the distribution function of the standard normal distribution. */
static inline float normal_cdf_f(float x)
{
    return 0.5f * erf_f(x * 0.707106781186547524f) + 0.5f;
}

/* Forward pass of gelu.
 *
 * Gaussian error linear unit.
 *
 * Phi = 1/2 + erf(x/sqrt(2))/2
 * y = Phi*x
 *
 * Args:
 *     x: any shape
 *
 * Returns:
 *     y: any shape
 *
 * n: how many entries each array has.
 */
void gelu_forward_f(ptrdiff_t n, const float *restrict x, float *restrict y)
{
#pragma omp parallel for simd
    for (ptrdiff_t i = 0; i < n; i++)
        y[i] = x[i] * normal_cdf_f(x[i]);
}

/* Backward pass of gelu.
 *
 * Gaussian error linear unit.
 *
 * Phi = 1/2 + erf(x/sqrt(2))/2
 * y = Phi*x
 *
 * Gradients of a loss, given that of the output:
 *
 * dx = dy*(2*Phi + sqrt(2/pi)*x*exp(-x**2/2))/2
 *
 * Args:
 *     dy: any shape, the gradient of the loss with respect to y
 *     x: any shape
 *
 * Returns:
 *     dx: the shape of x
 *
 * n: how many entries each array has.
 */
void gelu_backward_f(ptrdiff_t n, const float *restrict dy, const float *restrict x, float *restrict dx)
{
#pragma omp parallel for simd
    for (ptrdiff_t i = 0; i < n; i++)
        dx[i] = dy[i] * (normal_cdf_f(x[i]) + x[i] * exp_f(-0.5f * (x[i] * x[i])) * 0.3989423f);
}

/* The bits of a number, and the number of these bits. */
static inline uint64_t bits_d(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline double number_d(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* exp(x) = 2^n (1 + r + r^2 E(r)) with x = n log(2) + r; the last bits of shifted are n. */
static inline double exp_d(double x)
{
    const double clamped = x < -750.0 ? -750.0 : x > 710.0 ? 710.0 : x;
    const double shifted = clamped * 1.4426950408889634 + 6755399441055744.0;
    const double n = shifted - 6755399441055744.0;
    const double r = (clamped - n * 0.693147180369123816490) - n * 1.90821492927058770002e-10;
    const uint64_t power = bits_d(shifted) - UINT64_C(0x4338000000000000) + 2200;
    const uint64_t half = power >> 1;
    const double first = number_d((half - 1100 + 1023) << 52);
    const double second = number_d((power - half - 1100 + 1023) << 52);
    double value = 2.0915442297780116e-09;
    value = value * r + 2.5106274733573296e-08;
    value = value * r + 2.75572718102198e-07;
    value = value * r + 2.755725283351691e-06;
    value = value * r + 2.4801587327007187e-05;
    value = value * r + 0.00019841269876864356;
    value = value * r + 0.0013888888888883327;
    value = value * r + 0.008333333333325544;
    value = value * r + 0.04166666666666667;
    value = value * r + 0.1666666666666667;
    value = value * r + 0.5;
    return (1.0 + (r + r * r * value)) * first * second;
}

/* erf(x): x P(x^2) up to 1, and 1 - exp(-x^2) Q((x - 3)/(x + 3)) beyond. */
static inline double erf_d(double x)
{
    const double size = fabs(x);
    const double u = x * x;
    const double a = size > 6.0 ? 6.0 : size;
    const double t = (a - 3.0) / (a + 3.0);
    double near = -7.795898827002142e-10;
    double far = 3.381355142042904e-09;
    near = near * u + 1.3720064546777686e-08;
    near = near * u + -1.6208483801871705e-07;
    near = near * u + 1.6447424703317362e-06;
    near = near * u + -1.492473690741966e-05;
    near = near * u + 0.00012055294904839707;
    near = near * u + -0.0008548325975389692;
    near = near * u + 0.0052239776071164225;
    near = near * u + -0.02686617064323777;
    near = near * u + 0.11283791670945006;
    near = near * u + -0.37612638903183543;
    near = near * u + 1.1283791670955126;
    far = far * t + 1.2755818949624478e-06;
    far = far * t + 2.0135111426447427e-06;
    far = far * t + -8.00978093907608e-06;
    far = far * t + -1.2845780030775907e-05;
    far = far * t + 6.406279226046039e-05;
    far = far * t + 4.525434558991009e-05;
    far = far * t + -0.0005970624964924544;
    far = far * t + 0.0007077464666941425;
    far = far * t + 0.004269136356961225;
    far = far * t + -0.024392499318915004;
    far = far * t + 0.07166583719747308;
    far = far * t + -0.15011593650077898;
    far = far * t + 0.24560380171233487;
    far = far * t + -0.3262335600430372;
    far = far * t + 0.17900115118138996;
    return size <= 1.0 ? x * near : copysign(1.0 - exp_d(-a * a) * far, x);
}

/* (1 + erf(x/sqrt(2)))/2, the distribution function of the standard normal distribution. */
static inline double normal_cdf_d(double x)
{
    return 0.5 * erf_d(x * 0.707106781186547524) + 0.5;
}

/* gelu_forward_f in double. */
void gelu_forward_d(ptrdiff_t n, const double *restrict x, double *restrict y)
{
#pragma omp parallel for simd
    for (ptrdiff_t i = 0; i < n; i++)
        y[i] = x[i] * normal_cdf_d(x[i]);
}

/* gelu_backward_f in double. */
void gelu_backward_d(ptrdiff_t n, const double *restrict dy, const double *restrict x, double *restrict dx)
{
#pragma omp parallel for simd
    for (ptrdiff_t i = 0; i < n; i++) {
        const double t1 = normal_cdf_d(x[i]) + x[i] * exp_d(-0.5 * (x[i] * x[i])) * 0.3989422804014327;
        dx[i] = dy[i] * t1;
    }
}
