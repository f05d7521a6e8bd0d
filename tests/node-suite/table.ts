/** Which of Node's own tests do not apply to a stack, and why; docs/testing/node-net.md has the same in short. */

const REASONS: Record<string, string> = {
  inner: "of Node's inner parts: handles, symbols, bindings, functions with an underscore",
  path: "of paths: sockets of Unix, pipes",
  descriptor: "of file descriptors",
  cluster: "of processes that share a port",
  six: "of IPv6",
  multicast: "of multicast",
  entries: "of performance entries that Node makes of its own calls",
  buffers: "of the sizes of the kernel's buffers",
};

const LISTS: Record<keyof typeof REASONS, string> = {
  inner: `
    test-net-after-close test-net-connect-keepalive test-net-connect-nodelay test-net-end-close test-net-normalize-args
    test-net-deprecated-setsimultaneousaccepts test-net-persistent-nodelay test-net-server-keepalive
    test-net-server-nodelay test-net-server-simultaneous-accepts-produce-warning-once test-net-socket-setnodelay
    test-net-socket-no-halfopen-enforcer test-net-socket-write-after-close test-net-timeout-no-handle
    test-net-child-process-connect-reset test-net-server-listen-handle test-net-listen-invalid-port
    test-dgram-bind-fd-error test-dgram-close-during-bind test-dgram-close test-dgram-recv-error test-dgram-send-error
    test-dgram-create-socket-handle test-dgram-create-socket-handle-fd test-dgram-deprecation-error
    test-dgram-socket-buffer-size test-dns-get-server test-dns-default-order-ipv4 test-dns-default-order-ipv6
    test-dns-default-order-verbatim test-dns-set-default-order test-dns-lookup test-dns-lookup-promises
    test-dns-lookupService test-dns-resolve-promises test-dns-memory-error`,
  path: `
    test-net-better-error-messages-listen-path test-net-connect-options-path test-net-pingpong
    test-net-server-listen-path test-net-pipe-connect-errors test-net-server-listen-options`,
  descriptor: `
    test-net-connect-options-fd test-net-listen-fd0 test-net-socket-constructor test-dgram-bind-fd`,
  cluster: `
    test-net-listen-handle-in-cluster-1 test-net-listen-handle-in-cluster-2 test-net-listen-exclusive-random-ports
    test-net-server-close-before-ipc-response test-net-listen-twice test-dgram-bind-socket-close-before-cluster-reply
    test-dgram-exclusive-implicit-bind test-dgram-cluster-bind-error test-dgram-cluster-close-during-bind
    test-dgram-cluster-close-in-listening test-dgram-unref-in-cluster`,
  six: `
    test-net-connect-options-ipv6 test-net-listen-ipv6only test-net-autoselectfamily test-net-autoselectfamily-default
    test-net-autoselectfamily-commandline-option test-dgram-bind-default-address test-dgram-ipv6only
    test-dgram-udp6-link-local-address test-dgram-udp6-send-default-host`,
  multicast: `
    test-dgram-multicast-loopback test-dgram-multicast-set-interface test-dgram-multicast-setTTL`,
  entries: `test-net-perf_hooks test-dns-perf_hooks`,
  buffers: `test-dgram-createSocket-type test-net-throttle`,
};

const words = (text: string): string[] => text.trim().split(/\s+/);

/** Why a test does not apply. */
export const APART: Record<string, string> = Object.fromEntries(
  Object.entries(LISTS).flatMap(([reason, list]) => words(list).map((name) => [`${name}.js`, REASONS[reason]!])),
);

/** Those that apply and do not pass: what differs. */
export const DIFFERS: Record<string, string> = {
  "test-net-onread-static-buffer.js": "a buffer is asked for when bytes are there, and none for the end",
  "test-dns.js": "resolve keeps no cache: of two equal questions both are asked",
  "test-net-client-bind-twice.js": "a client may have the local port of a listener",
};

/** A few of each kind, for a quick look. */
export const SAMPLE = new Set(
  words(`
    test-net-connect-options-port test-net-server-listen-options-signal test-net-allow-half-open test-net-write-slow
    test-net-socket-byteswritten test-net-connect-paused-connection test-dgram-send-bad-arguments
    test-dgram-connect-send-multi-buffer-copy test-dgram-custom-lookup test-dns-resolveany test-dns-multi-channel
    test-dns-setservers-type-check`).map((name) => `${name}.js`),
);
