/*
 * wasi:filesystem, passed on: its descriptors hand out streams. A rep is the host's handle. Results have the same
 * layout on both sides, so the host writes them where ours are returned from.
 */
#include "wasi.h"

#define TYPES FILES("types")
NEW(TYPES, "descriptor") int32_t make_descriptor(int32_t rep);
NEW(TYPES, "directory-entry-stream") int32_t make_entries(int32_t rep);
IMPORT(TYPES, "[resource-drop]descriptor") void host_descriptor_drop(int32_t);
IMPORT(TYPES, "[resource-drop]directory-entry-stream") void host_entries_drop(int32_t);

static _Alignas(8) union {
  union result small;
  uint8_t byte[128];
  uint32_t word[32];
} out;

static void *finish(void) {
  forget_lists();
  return &out;
}

/* A call with these parameters, whose result is the host's; CALL also says which arguments go on. */
#define UNWRAP(...) __VA_ARGS__
#define CALL(id, name, parameters, arguments, also) \
  IMPORT(TYPES, name) void host_file_##id(UNWRAP parameters, void *); \
  EXPORT(TYPES, name) void *files_##id(UNWRAP parameters) { \
    host_file_##id(UNWRAP arguments, &out); \
    also; \
    return finish(); \
  }
#define PASS(id, name, parameters, arguments) CALL(id, "[method]descriptor." name, parameters, arguments, (void)0)
/* result<own<…>, error-code>: a handle of ours in place of the host's. */
#define MAKES(id, name, parameters, arguments, make) \
  CALL(id, "[method]descriptor." name, parameters, arguments, \
       if (out.byte[0] == 0) out.word[1] = (uint32_t)make((int32_t)out.word[1]))

static int32_t make_file_input(int32_t handle) { return new_input(handle << 2 | OF_HOST); }
static int32_t make_file_output(int32_t handle) { return new_output(handle << 2 | OF_HOST); }

enum { READ_MAX = 1 << 16 };
static uint64_t some(uint64_t length) { return length < READ_MAX ? length : READ_MAX; }

MAKES(read_stream, "read-via-stream", (int32_t d, uint64_t offset), (d, offset), make_file_input)
MAKES(write_stream, "write-via-stream", (int32_t d, uint64_t offset), (d, offset), make_file_output)
MAKES(append_stream, "append-via-stream", (int32_t d), (d), make_file_output)
PASS(advise, "advise", (int32_t d, uint64_t offset, uint64_t length, uint32_t advice), (d, offset, length, advice))
PASS(sync_data, "sync-data", (int32_t d), (d))
PASS(get_flags, "get-flags", (int32_t d), (d))
PASS(get_type, "get-type", (int32_t d), (d))
PASS(set_size, "set-size", (int32_t d, uint64_t size), (d, size))
PASS(set_times, "set-times", (int32_t d, uint32_t a, uint64_t as, uint32_t an, uint32_t m, uint64_t ms, uint32_t mn),
     (d, a, as, an, m, ms, mn))
PASS(read, "read", (int32_t d, uint64_t length, uint64_t offset), (d, some(length), offset))
PASS(write, "write", (int32_t d, const void *data, uint32_t size, uint64_t offset), (d, data, size, offset))
MAKES(read_directory, "read-directory", (int32_t d), (d), make_entries)
PASS(sync, "sync", (int32_t d), (d))
PASS(create_directory, "create-directory-at", (int32_t d, const char *path, uint32_t size), (d, path, size))
PASS(stat, "stat", (int32_t d), (d))
PASS(stat_at, "stat-at", (int32_t d, uint32_t flags, const char *path, uint32_t size), (d, flags, path, size))
PASS(set_times_at, "set-times-at",
     (int32_t d, uint32_t flags, const char *path, uint32_t size, uint32_t a, uint64_t as, uint32_t an, uint32_t m,
      uint64_t ms, uint32_t mn),
     (d, flags, path, size, a, as, an, m, ms, mn))
PASS(link_at, "link-at",
     (int32_t d, uint32_t flags, const char *path, uint32_t size, int32_t to, const char *new_path, uint32_t new_size),
     (d, flags, path, size, to, new_path, new_size))
MAKES(open_at, "open-at",
      (int32_t d, uint32_t flags, const char *path, uint32_t size, uint32_t open_flags, uint32_t rights),
      (d, flags, path, size, open_flags, rights), make_descriptor)
PASS(readlink_at, "readlink-at", (int32_t d, const char *path, uint32_t size), (d, path, size))
PASS(remove_directory_at, "remove-directory-at", (int32_t d, const char *path, uint32_t size), (d, path, size))
PASS(rename_at, "rename-at",
     (int32_t d, const char *path, uint32_t size, int32_t to, const char *new_path, uint32_t new_size),
     (d, path, size, to, new_path, new_size))
PASS(symlink_at, "symlink-at", (int32_t d, const char *path, uint32_t size, const char *new_path, uint32_t new_size),
     (d, path, size, new_path, new_size))
PASS(unlink_file_at, "unlink-file-at", (int32_t d, const char *path, uint32_t size), (d, path, size))
PASS(metadata_hash, "metadata-hash", (int32_t d), (d))
PASS(metadata_hash_at, "metadata-hash-at", (int32_t d, uint32_t flags, const char *path, uint32_t size),
     (d, flags, path, size))
CALL(next_entry, "[method]directory-entry-stream.read-directory-entry", (int32_t d), (d), (void)0)

IMPORT(TYPES, "[method]descriptor.is-same-object") int32_t host_file_is_same(int32_t, int32_t);
EXPORT(TYPES, "[method]descriptor.is-same-object") int32_t files_is_same(int32_t d, int32_t other) {
  return host_file_is_same(d, other);
}

IMPORT(TYPES, "filesystem-error-code") void host_file_error_code(int32_t, void *);
EXPORT(TYPES, "filesystem-error-code") void *files_error_code(int32_t error) {
  out.word[0] = 0;
  if (error & 1) host_file_error_code(error >> 1, &out);
  return finish();
}

EXPORT(TYPES, "[dtor]descriptor") void files_descriptor_drop(int32_t d) { host_descriptor_drop(d); }
EXPORT(TYPES, "[dtor]directory-entry-stream") void files_entries_drop(int32_t d) { host_entries_drop(d); }

IMPORT(FILES("preopens"), "get-directories") void host_directories(void *);
EXPORT(FILES("preopens"), "get-directories") void *files_directories(void) {
  host_directories(&out);
  /* list<tuple<descriptor, string>>. */
  uint32_t *entry = at(out.word[0]);
  for (uint32_t i = 0; i < out.word[1]; i++, entry += 3) entry[0] = (uint32_t)make_descriptor((int32_t)entry[0]);
  return finish();
}
