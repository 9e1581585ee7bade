#include "sums.h"

uint64_t distance(const uint8_t *A, const uint8_t *B, size_t Count) {
  uint64_t Sum = 0;
  for (size_t I = 0; I < Count; ++I) {
    int32_t Difference = A[I] - B[I];
    Sum += (uint32_t)(Difference * Difference);
  }
  return Sum;
}

uint32_t checksum(uint32_t Start, const uint8_t *Data, size_t Count) {
  uint32_t Value = Start;
  for (size_t I = 0; I < Count; ++I)
    Value = (Value << 5 | Value >> 27) ^ Data[I];
  return Value;
}
