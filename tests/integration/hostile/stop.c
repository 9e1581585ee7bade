// Stops itself, so that it neither runs nor ends.
#include <signal.h>

int main(void) { return raise(SIGSTOP); }
