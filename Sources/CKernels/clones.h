// One definition, several instruction sets: the loader picks the clone that the machine runs best.
// Contraction is off (see Package.swift), so that every clone gives the same bits.
// https://clang.llvm.org/docs/AttributeReference.html#target-clones
#pragma once
#if defined(__x86_64__) && defined(__linux__)
#define HL_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define HL_CLONES
#endif
#define HL_INLINE static inline __attribute__((always_inline))
/// For local arrays of sums: a vector that lies across two cache lines takes twice as long.
#define HL_ALIGNED __attribute__((aligned(64)))
