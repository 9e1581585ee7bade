// The processor, as code sees it that asks which one it runs on (target_clones,
// __builtin_cpu_supports): not better than LEVEL. Linked before the compiler's
// own runtime, it takes the place of the answer there, so that what is meant
// for lesser processors runs too. The layout is that of libgcc and compiler-rt.

#ifndef LEVEL
#error "LEVEL: 1 to 3, for x86-64, x86-64-v2 and x86-64-v3"
#endif

#define JOIN(A, B) A##B
#define MARK(LEVEL) JOIN(llmcoop_processor_, LEVEL)

// Bits of features, over __cpu_features and then __cpu_features2.
enum {
  CMOV = 0,
  MMX = 1,
  POPCNT = 2,
  SSE = 3,
  SSE2 = 4,
  SSE3 = 5,
  SSSE3 = 6,
  SSE4_1 = 7,
  SSE4_2 = 8,
  AVX = 9,
  AVX2 = 10,
  FMA = 14,
  BMI = 16,
  BMI2 = 17,
  X86_64 = 95,
  X86_64_V2 = 96,
  X86_64_V3 = 97
};

#define BIT(FEATURE, WORD)                                                     \
  ((FEATURE) / 32 == (WORD) ? 1u << (FEATURE) % 32 : 0u)
#define OF_1(WORD)                                                             \
  (BIT(CMOV, WORD) | BIT(MMX, WORD) | BIT(SSE, WORD) | BIT(SSE2, WORD) |       \
   BIT(X86_64, WORD))
#define OF_2(WORD)                                                             \
  (OF_1(WORD) | BIT(POPCNT, WORD) | BIT(SSE3, WORD) | BIT(SSSE3, WORD) |       \
   BIT(SSE4_1, WORD) | BIT(SSE4_2, WORD) | BIT(X86_64_V2, WORD))
#define OF_3(WORD)                                                             \
  (OF_2(WORD) | BIT(AVX, WORD) | BIT(AVX2, WORD) | BIT(FMA, WORD) |            \
   BIT(BMI, WORD) | BIT(BMI2, WORD) | BIT(X86_64_V3, WORD))
#define FEATURES(LEVEL, WORD) JOIN(OF_, LEVEL)(WORD)

int MARK(LEVEL);

struct {
  unsigned Vendor, Type, Subtype, Features;
} __cpu_model = {0, 0, 0, FEATURES(LEVEL, 0)};

unsigned __cpu_features2[4] = {FEATURES(LEVEL, 1), FEATURES(LEVEL, 2),
                               FEATURES(LEVEL, 3), FEATURES(LEVEL, 4)};

int __cpu_indicator_init(void) { return 0; }
