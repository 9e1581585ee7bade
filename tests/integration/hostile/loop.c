// Runs for ever.
int main(void) {
  for (volatile unsigned long N = 0;; ++N)
    ;
}
