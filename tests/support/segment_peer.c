/*
 * A segment peer, version 1, both roles. It shares nothing with the library
 * under test. What the specification leaves open is as in the program in the
 * wild: after a 0 the same question is answered again, not those before it.
 *
 *   segment_peer client PORT [fault=N ...] [-- MESSAGE ...]
 *   segment_peer server [fault=N ...]
 *
 * A fault is a thing done wrong the first N times. Everything that happens is
 * one line on stdout.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

enum { BLOCK = 256, HEADER = 13, LIMIT = 65535, RESENDS = 3, SECONDS = 60 };

/* ---- faults -------------------------------------------------------------- */

static int fault_count;
static char **fault_list;

/* What the command line says of a fault. */
static int fault(const char *name, int otherwise) {
  size_t length = strlen(name);
  for (int i = 0; i < fault_count; i++)
    if (!strncmp(fault_list[i], name, length) && fault_list[i][length] == '=')
      return atoi(fault_list[i] + length + 1);
  return otherwise;
}

/* ---- bytes --------------------------------------------------------------- */

struct header {
  unsigned version, ack, syn, seq, bufsize, checksum, length;
};

static void put(uint8_t *at, unsigned value) {
  at[0] = (uint8_t)(value & 0xff);
  at[1] = (uint8_t)(value >> 8 & 0xff);
}

static unsigned get(const uint8_t *at) { return at[0] | (unsigned)at[1] << 8; }

static void pack(uint8_t *at, const struct header *h) {
  at[0] = (uint8_t)h->version;
  put(at + 1, h->ack);
  put(at + 3, h->syn);
  put(at + 5, h->seq);
  put(at + 7, h->bufsize);
  put(at + 9, h->checksum);
  put(at + 11, h->length);
}

static struct header unpack(const uint8_t *at) {
  struct header h = {at[0],       get(at + 1), get(at + 3), get(at + 5),
                     get(at + 7), get(at + 9), get(at + 11)};
  return h;
}

/* RFC 1071 over little-endian words. */
static unsigned checksum(const uint8_t *bytes, size_t length) {
  uint32_t sum = 0;
  for (size_t i = 0; i + 1 < length; i += 2) {
    sum += get(bytes + i);
    sum = (sum & 0xffff) + (sum >> 16);
  }
  if (length % 2) sum += bytes[length - 1];
  sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}

/* ---- the socket ---------------------------------------------------------- */

static void say(const char *what, int number) {
  printf("%s %d\n", what, number);
  fflush(stdout);
}

static void fail(const char *step) {
  printf("failed %s\n", step);
  fflush(stdout);
  exit(1);
}

static void send_all(int fd, const uint8_t *bytes, size_t length) {
  while (length > 0) {
    ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
    if (sent <= 0) fail("send");
    bytes += sent;
    length -= (size_t)sent;
  }
}

/* Reads exactly a block where a block is due; 0 at the end of the stream. */
static int receive_all(int fd, uint8_t *bytes, size_t length) {
  while (length > 0) {
    ssize_t got = recv(fd, bytes, length, 0);
    if (got <= 0) return 0;
    bytes += got;
    length -= (size_t)got;
  }
  return 1;
}

static void send_status(int fd, int right) {
  uint8_t block[BLOCK] = {0};
  block[0] = right ? '1' : '0';
  send_all(fd, block, BLOCK);
}

static int receive_status(int fd, const char *step) {
  uint8_t block[BLOCK];
  if (!receive_all(fd, block, BLOCK)) fail(step);
  if (block[0] != '0' && block[0] != '1') fail(step);
  for (int i = 1; i < BLOCK; i++)
    if (block[i] != 0) fail(step);
  return block[0] == '1';
}

static void send_header(int fd, struct header h) {
  uint8_t block[BLOCK] = {0};
  pack(block, &h);
  send_all(fd, block, BLOCK);
}

static struct header receive_header(int fd, const char *step) {
  uint8_t block[BLOCK];
  if (!receive_all(fd, block, BLOCK)) fail(step);
  return unpack(block);
}

/* Sends a header until it is acknowledged; wrong the first `bad` times. */
static void deliver_header(int fd, const char *step, struct header h, int bad) {
  for (int sent = 1; sent <= 1 + RESENDS; sent++) {
    struct header wrong = h;
    wrong.syn = !h.syn;
    send_header(fd, sent <= bad ? wrong : h);
    if (receive_status(fd, step)) {
      say(step, sent);
      return;
    }
  }
  fail(step);
}

/* ---- the client ---------------------------------------------------------- */

static unsigned client_handshake(int fd) {
  struct header syn = {1, 0, 1, 1001, (unsigned)fault("bufsize", 4096), 0, 0};
  deliver_header(fd, "SYN", syn, fault("bad-syn", 0));

  struct header answer;
  int right, received = 0;
  do {
    answer = receive_header(fd, "SYN-ACK");
    right = answer.version == 1 && answer.syn == 1 && answer.ack == 1002 &&
            received >= fault("ask-syn-ack", 0);
    received++;
    send_status(fd, right);
  } while (!right && received <= RESENDS);
  if (!right) fail("SYN-ACK");
  say("SYN-ACK", received);

  struct header ack = {1, answer.seq + 1, 0, answer.ack, answer.bufsize, 0, 0};
  deliver_header(fd, "ACK", ack, fault("bad-ack", 0));
  return answer.bufsize;
}

/* Receives blocks until the payload is there and intact. */
static void client_message(int fd, unsigned bufsize, const char *message) {
  static uint8_t block[LIMIT];
  int ask_arrived = fault("ask-arrived", 0), ask_intact = fault("ask-intact", 0);
  int arrived = 0, intact = 0, blocks = 0;
  send_all(fd, (const uint8_t *)message, strlen(message));
  while (!intact) {
    if (!receive_all(fd, block, bufsize)) fail("DATA");
    blocks++;
    struct header h = unpack(block);
    int makes_sense = h.version == 1 && h.ack == 0 && h.syn == 0 &&
                      h.seq == 0 && h.length + HEADER <= bufsize;
    if (!arrived) {
      arrived = makes_sense && ask_arrived-- <= 0;
      send_status(fd, arrived);
    }
    if (arrived) {
      intact = makes_sense && h.checksum == checksum(block + HEADER, h.length);
      intact = intact && ask_intact-- <= 0;
      send_status(fd, intact);
    }
    if (!intact) continue;
    for (unsigned i = HEADER + h.length; i < bufsize; i++)
      if (block[i] != 0) fail("PADDING");
    say("blocks", blocks);
    printf("echo %.*s\n", (int)h.length, (const char *)block + HEADER);
    fflush(stdout);
  }
}

static int client(int port, int count, char **messages) {
  struct sockaddr_in address = {0};
  address.sin_family = AF_INET;
  address.sin_port = htons((uint16_t)port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(fd, (struct sockaddr *)&address, sizeof address)) fail("connect");
  unsigned bufsize = client_handshake(fd);
  say("bufsize", (int)bufsize);
  /* Waits for a line, so that a test can hold several clients here. */
  if (fault("hold", 0)) (void)getchar();
  for (int i = 0; i < count; i++) client_message(fd, bufsize, messages[i]);
  close(fd);
  return 0;
}

/* ---- the server ---------------------------------------------------------- */

/* Receives a header until it is right; asks again the first `ask` times. */
static struct header expect(int fd, const char *step, int ask,
                            int (*is_right)(struct header, int)) {
  for (int received = 1; received <= 1 + RESENDS; received++) {
    struct header h = receive_header(fd, step);
    int right = is_right(h, received) && received > ask;
    send_status(fd, right);
    if (!right) continue;
    say(step, received);
    return h;
  }
  fail(step);
  exit(1);
}

static int is_syn(struct header h, int received) {
  (void)received;
  return h.version == 1 && h.syn == 1 && h.ack == 0 && h.bufsize > HEADER;
}

static int is_ack(struct header h, int received) {
  /* The program in the wild is off by one the first time. */
  unsigned ack = fault("off-by-one", 0) && received == 1 ? h.ack - 1 : h.ack;
  return h.version == 1 && h.syn == 0 && ack == 2002 && h.bufsize > HEADER;
}

static void echo(int fd, unsigned bufsize, const uint8_t *message, size_t size) {
  static uint8_t block[LIMIT];
  int arrived = 0, intact = 0, sent = 0;
  int missing = fault("missing", 0), damaged = fault("damaged", 0);
  while (!intact) {
    if (sent > RESENDS) fail("DATA");
    struct header h = {1, 0, 0, 0, bufsize, checksum(message, size),
                       (unsigned)size};
    memset(block, 0, bufsize);
    if (sent < missing) h.length = LIMIT;
    pack(block, &h);
    memcpy(block + HEADER, message, size);
    if (sent >= missing && sent < missing + damaged) block[HEADER] ^= 1;
    send_all(fd, block, bufsize);
    sent++;
    if (!arrived) arrived = receive_status(fd, "DATA");
    if (arrived) intact = receive_status(fd, "DATA");
  }
  say("blocks", sent);
}

static void serve(int fd) {
  static uint8_t message[LIMIT];
  struct header syn = expect(fd, "SYN", fault("ask-syn", 0), is_syn);
  struct header answer = {1, syn.seq + 1, 1, 2001, syn.bufsize, 0, 0};
  deliver_header(fd, "SYN-ACK", answer, fault("bad-syn-ack", 0));
  struct header ack = expect(fd, "ACK", fault("ask-ack", 0), is_ack);
  if (ack.seq != ((syn.seq + 1) & 0xffff)) fail("ACK");
  for (;;) {
    ssize_t got = recv(fd, message, ack.bufsize - HEADER, 0);
    if (got <= 0) break;
    echo(fd, ack.bufsize, message, (size_t)got);
  }
  say("gone", 0);
  exit(0);
}

static int server(void) {
  struct sockaddr_in address = {0};
  socklen_t size = sizeof address;
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  if (bind(listener, (struct sockaddr *)&address, sizeof address)) fail("bind");
  if (listen(listener, 16)) fail("listen");
  getsockname(listener, (struct sockaddr *)&address, &size);
  say("port", ntohs(address.sin_port));
  signal(SIGCHLD, SIG_IGN);
  for (;;) {
    int fd = accept(listener, NULL, NULL);
    if (fd < 0) return 1;
    if (fork() == 0) {
      close(listener);
      alarm(SECONDS);
      serve(fd);
    }
    close(fd);
  }
}

int main(int argc, char **argv) {
  int is_client = argc > 2 && !strcmp(argv[1], "client");
  int first = is_client ? 3 : 2, at = first;
  alarm(SECONDS);
  while (at < argc && strcmp(argv[at], "--")) at++;
  fault_list = argv + first;
  fault_count = at - first;
  if (is_client) return client(atoi(argv[2]), argc - at - 1, argv + at + 1);
  if (argc > 1 && !strcmp(argv[1], "server")) return server();
  fprintf(stderr, "usage: segment_peer client PORT | server\n");
  return 2;
}
