// One definition, several instruction sets: the loader picks the clone that the machine runs best.
// Contraction is off (see Package.swift), so that every clone gives the same bits.
#pragma once
#if defined(__x86_64__) && defined(__linux__)
#define HL_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define HL_CLONES
#endif
#define HL_INLINE static inline __attribute__((always_inline))
