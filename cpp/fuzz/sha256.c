// SHA-256 (FIPS 180-4). Of all strong hashes the one that the rest of LLMCoop
// uses, so that a digest can be compared with that of an output on file.
#include "fuzzer.h"

#include <string.h>
#include <unistd.h>

enum { BlockBytes = 64, ChunkBytes = 1 << 14 };

static const uint32_t Rounds[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
    0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
    0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
    0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
    0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
    0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t rotate(uint32_t Word, unsigned Bits) {
  return Word >> Bits | Word << (32 - Bits);
}

static void addBlock(uint32_t *State, const uint8_t *Block) {
  uint32_t W[64], V[8];
  for (unsigned I = 0; I < 16; ++I, Block += 4)
    W[I] = (uint32_t)Block[0] << 24 | (uint32_t)Block[1] << 16 |
           (uint32_t)Block[2] << 8 | Block[3];
  for (unsigned I = 16; I < 64; ++I) {
    uint32_t A = W[I - 15], B = W[I - 2];
    W[I] = W[I - 16] + W[I - 7] + (rotate(A, 7) ^ rotate(A, 18) ^ A >> 3) +
           (rotate(B, 17) ^ rotate(B, 19) ^ B >> 10);
  }
  memcpy(V, State, sizeof V);
  for (unsigned I = 0; I < 64; ++I) {
    uint32_t A = V[0], E = V[4];
    uint32_t First = V[7] + (rotate(E, 6) ^ rotate(E, 11) ^ rotate(E, 25)) +
                     ((E & V[5]) ^ (~E & V[6])) + Rounds[I] + W[I];
    uint32_t Second = (rotate(A, 2) ^ rotate(A, 13) ^ rotate(A, 22)) +
                      ((A & V[1]) ^ (A & V[2]) ^ (V[1] & V[2]));
    memmove(V + 1, V, 7 * sizeof *V);
    V[4] += First;
    V[0] = First + Second;
  }
  for (unsigned I = 0; I < 8; ++I)
    State[I] += V[I];
}

void sha256OfFile(int File, uint8_t *Digest) {
  uint32_t State[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                       0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  uint8_t Chunk[ChunkBytes + 2 * BlockBytes];
  uint64_t Total = 0, Left = 0;
  for (;;) {
    ssize_t Read = pread(File, Chunk + Left, ChunkBytes, (off_t)Total);
    if (Read < 0)
      die("read an output");
    if (Read == 0)
      break;
    Total += (uint64_t)Read;
    Left += (uint64_t)Read;
    const uint8_t *At = Chunk;
    for (; Left >= BlockBytes; Left -= BlockBytes, At += BlockBytes)
      addBlock(State, At);
    memmove(Chunk, At, Left);
  }
  unsigned End = Left < BlockBytes - 8 ? BlockBytes : 2 * BlockBytes;
  memset(Chunk + Left, 0, End - Left);
  Chunk[Left] = 0x80;
  for (unsigned I = 0; I < 8; ++I)
    Chunk[End - 1 - I] = (uint8_t)(8 * Total >> 8 * I);
  for (unsigned I = 0; I < End; I += BlockBytes)
    addBlock(State, Chunk + I);
  for (unsigned I = 0; I < DigestBytes; ++I)
    Digest[I] = (uint8_t)(State[I / 4] >> (24 - 8 * (I % 4)));
}
