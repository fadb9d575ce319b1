// bf16, the upper half of an f32: conversion, and the loops of hl_elementwise.h over flat arrays of `n` values of it.
// https://en.wikipedia.org/wiki/Bfloat16_floating-point_format
//
// Every result is computed in f32 and rounded once, to the nearest, ties to even; NaN stays NaN.
#pragma once
#include <stddef.h>
#include <stdint.h>

void hl_narrow(const float *x, uint16_t *out, size_t n);
void hl_widen_values(const uint16_t *x, float *out, size_t n);
void hl_add_narrow(const uint16_t *a, const uint16_t *b, uint16_t *out, size_t n);
void hl_scale_narrow(float alpha, const uint16_t *x, uint16_t *out, size_t n);
void hl_relu_narrow(const uint16_t *x, uint16_t *out, size_t n);
void hl_relu_backward_narrow(const uint16_t *y, const uint16_t *gradient, uint16_t *out, size_t n);
