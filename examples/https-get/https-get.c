/*
 * An HTTPS client for Mbed TLS and POSIX's sockets, as one writes it for any UNIX: nothing in it knows of stint.
 *
 * usage: https-get -c CA.pem [-a ADDRESS] [-n CONNECTIONS] [-2] https://NAME[:PORT][/PATH]
 */
#include <errno.h>
#include <mbedtls/error.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/platform_time.h>
#include <mbedtls/ssl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#ifdef MBEDTLS_PSA_CRYPTO_C
#include <psa/crypto.h>
#endif

enum { SILENCE_S = 30, PIECE = 256, PATH_LENGTH = 1024, ROOTS_MAX = 1 << 24 };

struct url {
  char name[256], port[6];
  const char *path;
};

struct client {
  struct url url;
  const char *address;
  mbedtls_x509_crt roots;
  mbedtls_ssl_config config;
  /* Of the connection before. */
  mbedtls_ssl_session session;
  int resumes;
};

/* All randomness is the host's, as it comes. */
static int host_random(void *none, unsigned char *to, size_t size) {
  (void)none;
  for (size_t at = 0; at < size; at += PIECE) {
    if (getentropy(to + at, size - at < PIECE ? size - at : PIECE) != 0) return MBEDTLS_ERR_ERROR_GENERIC_ERROR;
  }
  return 0;
}

#ifdef MBEDTLS_PSA_CRYPTO_EXTERNAL_RNG
psa_status_t mbedtls_psa_external_get_random(mbedtls_psa_external_random_context_t *none, uint8_t *to, size_t size,
                                             size_t *got) {
  (void)none;
  *got = size;
  return host_random(NULL, to, size) == 0 ? PSA_SUCCESS : PSA_ERROR_INSUFFICIENT_ENTROPY;
}
#endif

mbedtls_ms_time_t mbedtls_ms_time(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (mbedtls_ms_time_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The number of the last socket call that failed. */
static int fault;

static int send_some(void *fd, const unsigned char *data, size_t size) {
  ssize_t n = send(*(int *)fd, data, size, MSG_NOSIGNAL);
  if (n < 0) fault = errno;
  return n >= 0 ? (int)n : errno == EINTR ? MBEDTLS_ERR_SSL_WANT_WRITE : MBEDTLS_ERR_NET_SEND_FAILED;
}

static int recv_some(void *fd, unsigned char *data, size_t size) {
  ssize_t n = recv(*(int *)fd, data, size, 0);
  if (n >= 0) return (int)n;
  fault = errno;
  if (errno == EAGAIN) return MBEDTLS_ERR_SSL_TIMEOUT;
  return errno == EINTR ? MBEDTLS_ERR_SSL_WANT_READ : MBEDTLS_ERR_NET_RECV_FAILED;
}

static int again(int result) { return result == MBEDTLS_ERR_SSL_WANT_READ || result == MBEDTLS_ERR_SSL_WANT_WRITE; }

/* One line for what went wrong. Returns the program's exit status. */
static int failed(const char *what, int result) {
  char why[128];
  if (result == MBEDTLS_ERR_NET_SEND_FAILED || result == MBEDTLS_ERR_NET_RECV_FAILED)
    snprintf(why, sizeof why, "%s", strerror(fault));
  else if (result == MBEDTLS_ERR_SSL_TIMEOUT) snprintf(why, sizeof why, "nothing came for %d s", SILENCE_S);
  else mbedtls_strerror(result, why, sizeof why);
  fprintf(stderr, "https-get: %s: %s\n", what, why);
  return 1;
}

static int refused(const struct client *c, uint32_t flags) {
  char why[512];
  mbedtls_x509_crt_verify_info(why, sizeof why, "", flags);
  for (char *end = why; (end = strchr(end, '\n')) != NULL;) *end = end[1] == 0 ? 0 : ' ';
  fprintf(stderr, "https-get: the certificate of %s is refused: %s\n", c->url.name, why);
  return 1;
}

/* Returns a descriptor, or -1, and has said why. */
static int connected(const struct client *c) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list;
  const char *to = c->address != NULL ? c->address : c->url.name;
  int unknown = getaddrinfo(to, c->url.port, &hints, &list), fd = -1;
  if (unknown != 0) {
    fprintf(stderr, "https-get: %s: %s\n", to, gai_strerror(unknown));
    return -1;
  }
  errno = 0;
  for (struct addrinfo *a = list; a != NULL && fd < 0; a = a->ai_next) {
    fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
    if (fd < 0 || connect(fd, a->ai_addr, a->ai_addrlen) == 0) continue;
    int why = errno;
    close(fd);
    errno = why, fd = -1;
  }
  freeaddrinfo(list);
  if (fd < 0) {
    fprintf(stderr, "https-get: %s port %s: %s\n", to, c->url.port, strerror(errno));
    return -1;
  }
  struct timeval silence = {.tv_sec = SILENCE_S};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof silence);
  return fd;
}

/* Keeps what the next connection resumes. Servers of TLS 1.3 send it after the handshake, and more than once. */
static void keep(struct client *c, const mbedtls_ssl_context *tls) {
  mbedtls_ssl_session_free(&c->session);
  mbedtls_ssl_session_init(&c->session);
  c->resumes = mbedtls_ssl_get_session(tls, &c->session) == 0;
}

/* Sends the request and prints the answer. The peer has to end it by TLS: who cuts the connection could cut anywhere.
 */
static int exchange(struct client *c, mbedtls_ssl_context *tls) {
  char request[2048];
  int is_usual = strcmp(c->url.port, "443") == 0;
  int size = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: %s%s%s\r\nConnection: close\r\n\r\n",
                      c->url.path, c->url.name, is_usual ? "" : ":", is_usual ? "" : c->url.port);
  for (int done = 0, n; done<size; done += n> 0 ? n : 0) {
    n = mbedtls_ssl_write(tls, (unsigned char *)request + done, (size_t)(size - done));
    if (n < 0 && !again(n)) return failed("send", n);
  }
  for (;;) {
    unsigned char text[4096];
    int n = mbedtls_ssl_read(tls, text, sizeof text);
    if (n > 0 && (fwrite(text, 1, (size_t)n, stdout) != (size_t)n || fflush(stdout) != 0)) {
      fprintf(stderr, "https-get: standard output: %s\n", strerror(errno));
      return 1;
    }
    if (n > 0) continue;
    if (n == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) return 0;
    else if (n == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET) keep(c, tls);
    else if (n == 0) return failed("receive", MBEDTLS_ERR_SSL_CONN_EOF);
    else if (!again(n)) return failed("receive", n);
  }
}

static int over(struct client *c, mbedtls_ssl_context *tls, int *fd) {
  int result = mbedtls_ssl_setup(tls, &c->config);
  if (result == 0) result = mbedtls_ssl_set_hostname(tls, c->url.name);
  if (result == 0 && c->resumes) result = mbedtls_ssl_set_session(tls, &c->session);
  if (result != 0) return failed("setup", result);
  mbedtls_ssl_set_bio(tls, fd, send_some, recv_some, NULL);
  do result = mbedtls_ssl_handshake(tls);
  while (again(result));
  uint32_t flags = mbedtls_ssl_get_verify_result(tls);
  /* What is wrong with a certificate has bits of its own, which are set before it ends the handshake. */
  if (flags != 0 && flags != (uint32_t)-1) return refused(c, flags);
  if (result != 0) return failed("handshake", result);
  const char *protocol = mbedtls_ssl_get_alpn_protocol(tls);
  fprintf(stderr, "%s %s %s\n", mbedtls_ssl_get_version(tls), mbedtls_ssl_get_ciphersuite(tls),
          protocol != NULL ? protocol : "-");
  if (mbedtls_ssl_get_version_number(tls) == MBEDTLS_SSL_VERSION_TLS1_2) keep(c, tls);
  result = exchange(c, tls);
  if (result == 0) mbedtls_ssl_close_notify(tls);
  return result;
}

static int get(struct client *c) {
  int fd = connected(c);
  if (fd < 0) return 1;
  mbedtls_ssl_context tls;
  mbedtls_ssl_init(&tls);
  int status = over(c, &tls, &fd);
  mbedtls_ssl_free(&tls);
  close(fd);
  return status;
}

/* The certificates that are trusted, from a file: a library without files reads it from memory. */
static int trust(struct client *c, const char *path) {
  FILE *file = fopen(path, "r");
  long size = file != NULL && fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
  unsigned char *text = size >= 0 && size <= ROOTS_MAX ? calloc(1, (size_t)size + 1) : NULL;
  if (size > ROOTS_MAX) errno = EFBIG;
  if (text == NULL || fseek(file, 0, SEEK_SET) != 0 || fread(text, 1, (size_t)size, file) != (size_t)size) {
    fprintf(stderr, "https-get: %s: %s\n", path, strerror(errno));
    return 1;
  }
  fclose(file);
  int result = mbedtls_x509_crt_parse(&c->roots, text, (size_t)size + 1);
  free(text);
  if (result > 0) fprintf(stderr, "https-get: %s: %d of its certificates cannot be read\n", path, result);
  return result < 0 ? failed(path, result) : 0;
}

static int prepare(struct client *c, int only12) {
  static const char *protocols[] = {"http/1.1", NULL};
  mbedtls_ssl_config_init(&c->config);
  mbedtls_ssl_session_init(&c->session);
#ifdef MBEDTLS_PSA_CRYPTO_C
  if (psa_crypto_init() != PSA_SUCCESS) return failed("randomness", MBEDTLS_ERR_ERROR_GENERIC_ERROR);
#endif
  int result = mbedtls_ssl_config_defaults(&c->config, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
                                           MBEDTLS_SSL_PRESET_DEFAULT);
  if (result == 0) result = mbedtls_ssl_conf_alpn_protocols(&c->config, protocols);
#ifdef MBEDTLS_SSL_MAX_FRAGMENT_LENGTH
  if (result == 0) result = mbedtls_ssl_conf_max_frag_len(&c->config, MBEDTLS_SSL_MAX_FRAG_LEN_2048);
#endif
  if (result != 0) return failed("setup", result);
  mbedtls_ssl_conf_rng(&c->config, host_random, NULL);
  mbedtls_ssl_conf_ca_chain(&c->config, &c->roots, NULL);
  mbedtls_ssl_conf_authmode(&c->config, MBEDTLS_SSL_VERIFY_REQUIRED);
  if (only12) mbedtls_ssl_conf_max_tls_version(&c->config, MBEDTLS_SSL_VERSION_TLS1_2);
#ifdef MBEDTLS_SSL_PROTO_TLS1_3
  mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(&c->config,
                                                           MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED);
#endif
  return 0;
}

/* What a request's first lines can have in them: no spaces, nothing that ends a line, no fragment. */
static int is_plain(const char *text) {
  for (; *text != 0; text++)
    if (*text <= ' ' || *text > '~' || *text == '#') return 0;
  return 1;
}

static int parsed(struct url *url, const char *text) {
  int end = 0;
  strcpy(url->port, "443");
  if (!is_plain(text) || sscanf(text, "https://%255[^:/?]%n", url->name, &end) != 1) return 0;
  text += end;
  if (*text == ':' && sscanf(text, ":%5[0-9]%n", url->port, &end) == 1) text += end;
  url->path = *text == 0 ? "/" : text;
  return url->path[0] == '/' && strlen(url->path) < PATH_LENGTH;
}

int main(int argc, char **argv) {
  static struct client client;
  const char *roots = NULL;
  int connections = 1, only12 = 0, known = 1;
  for (int option; (option = getopt(argc, argv, "a:c:n:2")) != -1;) {
    if (option == 'a') client.address = optarg;
    else if (option == 'c') roots = optarg;
    else if (option == 'n') known &= (connections = atoi(optarg)) > 0;
    else if (option == '2') only12 = 1;
    else known = 0;
  }
  if (!known || roots == NULL || optind != argc - 1 || !parsed(&client.url, argv[optind])) {
    fprintf(stderr, "usage: https-get -c CA.pem [-a ADDRESS] [-n CONNECTIONS] [-2] https://NAME[:PORT][/PATH]\n");
    return 2;
  }
  int status = trust(&client, roots);
  if (status == 0) status = prepare(&client, only12);
  for (int i = 0; i < connections && status == 0; i++) status = get(&client);
  return status;
}
