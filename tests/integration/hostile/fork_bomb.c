// Every process makes two more until there is no room for another.
#include <unistd.h>

int main(void) {
  for (;;)
    fork();
}
