// Connects to a port of the host, by every address that could be it.
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int Count, char **Arguments) {
  const char *Hosts[] = {"127.0.0.1", "0.0.0.0", "10.0.2.2", "172.17.0.1"};
  for (int I = 0; Count > 1 && I < 4; ++I) {
    struct sockaddr_in Address = {
        .sin_family = AF_INET,
        .sin_port = htons((unsigned short)atoi(Arguments[1]))};
    inet_pton(AF_INET, Hosts[I], &Address.sin_addr);
    int Socket = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(Socket, (struct sockaddr *)&Address, sizeof Address) == 0)
      printf("connected to %s\n", Hosts[I]);
    close(Socket);
  }
  return 0;
}
