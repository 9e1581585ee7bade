#ifndef SUMS_H
#define SUMS_H

#include <stddef.h>
#include <stdint.h>

// The sum of how far each pixel of A is from that of B.
uint64_t distance(const uint8_t *A, const uint8_t *B, size_t Count);

// A checksum that must be taken in order.
uint32_t checksum(uint32_t Start, const uint8_t *Data, size_t Count);

#endif
