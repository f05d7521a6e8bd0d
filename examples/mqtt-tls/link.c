#include "link.h"

#include <stddef.h>

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/ecp.h>
#include <mbedtls/memory_buffer_alloc.h>
#include <mbedtls/platform_time.h>
#include <mbedtls/ssl.h>

#include "console.h"
#include "hal.h"
#include "settings.h"
#include "stint.h"

/* Steps of a point's multiplication between two turns of the stack: some 100 ms at 12.5 MHz. */
enum { STEPS = 200 };

static _Alignas(8) uint8_t heap[SETTING_HEAP_BYTES];
static mbedtls_ctr_drbg_context generator;
static mbedtls_x509_crt authority, own;
static mbedtls_pk_context key;
static mbedtls_ssl_config config;
static mbedtls_ssl_context tls;
/* Of the connection before: the next one resumes it, and then no certificate comes, and none is checked. */
static mbedtls_ssl_session session;
static bool resumes, has_checked;

static int32_t handle;
/* Bytes of a record that waits for room: the library has to be asked for as many again, and no more. */
static uint32_t pending;
/* The last error of a call of the stack's, and of TLS's. */
static int32_t stack_error;
static int result;
static uint64_t spent;

#ifdef MEASURE
extern uint32_t stack_untouched(void);
#endif

/* There is no heap but that array: whoever asks for memory before link_start, or around it, gets none. */
void *calloc(size_t count, size_t size) {
  (void)count, (void)size;
  return NULL;
}

void free(void *at) { (void)at; }

void *_sbrk(ptrdiff_t more) {
  (void)more;
  return (void *)UINTPTR_MAX;
}

static int entropy(void *none, unsigned char *out, size_t size) {
  (void)none;
  return hal_entropy(out, (uint32_t)size) ? 0 : MBEDTLS_ERR_CTR_DRBG_ENTROPY_SOURCE_FAILED;
}

bool link_random(uint8_t *out, uint32_t size) { return mbedtls_ctr_drbg_random(&generator, out, size) == 0; }

mbedtls_ms_time_t mbedtls_ms_time(void) { return (mbedtls_ms_time_t)(hal_now_us() / 1000); }

static int send_some(void *none, const unsigned char *bytes, size_t size) {
  (void)none;
  int32_t n = tcp_send(handle, (void *)(uintptr_t)bytes, (uint32_t)size);
  if (n >= 0) return n;
  if (n == STINT_ERR_AGAIN) return MBEDTLS_ERR_SSL_WANT_WRITE;
  stack_error = n;
  return MBEDTLS_ERR_SSL_INTERNAL_ERROR;
}

static int receive_some(void *none, unsigned char *bytes, size_t size) {
  (void)none;
  int32_t n = tcp_recv(handle, bytes, (uint32_t)size);
  if (n >= 0) return n;
  if (n == STINT_ERR_AGAIN) return MBEDTLS_ERR_SSL_WANT_READ;
  stack_error = n;
  return MBEDTLS_ERR_SSL_INTERNAL_ERROR;
}

/* Called for each certificate of the broker's that was looked at; it changes nothing. */
static int checked(void *none, mbedtls_x509_crt *certificate, int depth, uint32_t *flags) {
  (void)none, (void)certificate, (void)depth, (void)flags;
  has_checked = true;
  return 0;
}

static int settle(void) {
  static const char *protocols[] = {"mqtt", NULL};
  result = mbedtls_ssl_config_defaults(&config, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
                                       MBEDTLS_SSL_PRESET_DEFAULT);
  if (result == 0) result = mbedtls_ssl_conf_max_frag_len(&config, MBEDTLS_SSL_MAX_FRAG_LEN_2048);
  if (result == 0) result = mbedtls_ssl_conf_alpn_protocols(&config, protocols);
  if (result == 0) result = mbedtls_ssl_conf_own_cert(&config, &own, &key);
  mbedtls_ssl_conf_rng(&config, mbedtls_ctr_drbg_random, &generator);
  mbedtls_ssl_conf_ca_chain(&config, &authority, NULL);
  mbedtls_ssl_conf_verify(&config, checked, NULL);
  mbedtls_ssl_conf_authmode(&config, MBEDTLS_SSL_VERIFY_REQUIRED);
  if (result == 0) result = mbedtls_ssl_setup(&tls, &config);
  if (result == 0) result = mbedtls_ssl_set_hostname(&tls, SETTING_NAME);
  mbedtls_ssl_set_bio(&tls, NULL, send_some, receive_some, NULL);
  return result;
}

const char *link_start(void) {
  mbedtls_memory_buffer_alloc_init(heap, sizeof heap);
  mbedtls_ctr_drbg_init(&generator);
  mbedtls_x509_crt_init(&authority);
  mbedtls_x509_crt_init(&own);
  mbedtls_pk_init(&key);
  mbedtls_ssl_config_init(&config);
  mbedtls_ssl_init(&tls);
  mbedtls_ssl_session_init(&session);
  mbedtls_ecp_set_max_ops(STEPS);
  if (mbedtls_ctr_drbg_seed(&generator, entropy, NULL, NULL, 0) != 0) return "this board has no entropy";
  /* They stay where they are, in flash. */
  if (mbedtls_x509_crt_parse_der_nocopy(&authority, setting_authority, sizeof setting_authority) != 0)
    return "the authority's certificate cannot be read";
  if (mbedtls_x509_crt_parse_der_nocopy(&own, setting_certificate, sizeof setting_certificate) != 0)
    return "the own certificate cannot be read";
  if (mbedtls_pk_parse_key(&key, setting_key, sizeof setting_key, NULL, 0, mbedtls_ctr_drbg_random, &generator) != 0)
    return "the own key cannot be read";
  return settle() == 0 ? NULL : "TLS has too little memory";
}

const char *link_open(void) {
  stack_error = 0;
  has_checked = false;
  spent = 0;
  pending = 0;
  if (mbedtls_ssl_session_reset(&tls) != 0 || (resumes && mbedtls_ssl_set_session(&tls, &session) != 0))
    return "TLS has too little memory";
  handle = tcp_connect(0, 0, SETTING_BROKER_IP, SETTING_BROKER_PORT);
  if (handle > 0) return NULL;
  stack_error = handle;
  return link_why();
}

void link_event(uint64_t event) {
  if ((int32_t)(event >> 32) != handle || ((uint32_t)event & STINT_EVENT_CLOSED) == 0) return;
  struct stint_tcp_info info;
  if (stack_error == 0 && tcp_info(handle, &info) == 0) stack_error = info.error;
}

/* What the next connection resumes. */
static void keep(void) {
  mbedtls_ssl_session_free(&session);
  mbedtls_ssl_session_init(&session);
  resumes = mbedtls_ssl_get_session(&tls, &session) == 0;
}

enum link_step link_handshake(void) {
  uint32_t began = hal_ticks();
  result = mbedtls_ssl_handshake(&tls);
  spent += (uint32_t)(hal_ticks() - began);
  if (result == MBEDTLS_ERR_SSL_CRYPTO_IN_PROGRESS) return LINK_BUSY;
  if (result == MBEDTLS_ERR_SSL_WANT_READ || result == MBEDTLS_ERR_SSL_WANT_WRITE) {
    return stack_error == 0 ? LINK_WAITS : LINK_FAILED;
  }
  if (result != 0) {
    /* A session that is not taken stands in the way of no other connection. */
    resumes = false;
    return LINK_FAILED;
  }
  keep();
  return LINK_OPEN;
}

void link_describe(void) {
  const char *protocol = mbedtls_ssl_get_alpn_protocol(&tls);
  say(mbedtls_ssl_get_version(&tls));
  say(" ");
  say(mbedtls_ssl_get_ciphersuite(&tls));
  say(" ");
  say(protocol != NULL ? protocol : "-");
  if (!has_checked) say(" resumed");
#ifdef MEASURE
  size_t used, blocks;
  mbedtls_memory_buffer_alloc_max_get(&used, &blocks);
  say(", ticks ");
  say_number((uint32_t)spent);
  say(", heap ");
  say_number((uint32_t)used);
  say(" in ");
  say_number((uint32_t)blocks);
  say(", C stack left ");
  say_number(stack_untouched());
#endif
  say("\n");
}

int32_t link_send(const uint8_t *bytes, uint32_t size) {
  if (pending == 0) pending = size;
  result = mbedtls_ssl_write(&tls, bytes, pending);
  if (result == MBEDTLS_ERR_SSL_WANT_WRITE || result == MBEDTLS_ERR_SSL_WANT_READ) return 0;
  pending = 0;
  return result;
}

int32_t link_receive(uint8_t *bytes, uint32_t size) {
  result = mbedtls_ssl_read(&tls, bytes, size);
  if (result == MBEDTLS_ERR_SSL_WANT_WRITE || result == MBEDTLS_ERR_SSL_WANT_READ) return 0;
  /* The end of the connection without TLS's own is none of the broker's. */
  if (result == 0) result = MBEDTLS_ERR_SSL_CONN_EOF;
  return result;
}

/* What is wrong with the broker's certificate; NULL: nothing. */
static const char *refusal(void) {
  uint32_t flags = mbedtls_ssl_get_verify_result(&tls);
  if (flags == 0 || flags == UINT32_MAX) return NULL;
  if ((flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED) != 0) return "its certificate is of an authority that we do not know";
  if ((flags & MBEDTLS_X509_BADCERT_EXPIRED) != 0) return "its certificate has expired";
  if ((flags & MBEDTLS_X509_BADCERT_FUTURE) != 0) return "its certificate is not valid yet";
  if ((flags & MBEDTLS_X509_BADCERT_CN_MISMATCH) != 0) return "its certificate is for another name";
  return "its certificate is not good";
}

static const char *stack_words(void) {
  switch (stack_error) {
    case STINT_ERR_REFUSED: return "it refuses connections";
    case STINT_ERR_RESET: return "it reset the connection";
    case STINT_ERR_TIMED_OUT:
    case STINT_ERR_UNREACHABLE: return "it cannot be reached";
    default: return "the connection is over";
  }
}

const char *link_why(void) {
  if (stack_error != 0) return stack_words();
  const char *why = refusal();
  if (why != NULL) return why;
  switch (result) {
    case MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY: return "it ended the connection";
    case MBEDTLS_ERR_SSL_CONN_EOF: return "the connection ended, and TLS did not";
    case MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE: return "it does not want to speak TLS with us";
    case MBEDTLS_ERR_SSL_ALLOC_FAILED:
    case MBEDTLS_ERR_X509_ALLOC_FAILED:
    case MBEDTLS_ERR_MPI_ALLOC_FAILED: return "TLS has too little memory";
    case MBEDTLS_ERR_SSL_INVALID_RECORD: return "it does not speak TLS";
    default: return "its TLS is not good";
  }
}

void link_close(void) {
  if (handle > 0) {
    if (stack_error == 0 && mbedtls_ssl_is_handshake_over(&tls) == 1) mbedtls_ssl_close_notify(&tls);
    tcp_close(handle);
  }
  handle = 0;
}
