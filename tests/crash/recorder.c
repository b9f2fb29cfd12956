/* Preloaded into a process: writes down what it tells the system about the files below CRASH_BELOW, in order, to CRASH_LOG. What a
 * power cut would leave of it is worked out elsewhere (recorded.rs). Little-endian records:
 *
 *   u8 what ('O' open for writing, 'W' write, 'T' length set, 'S' synced, 'D' deleted, 'R' renamed), u8 0, u16 bytes of the name,
 *   u32 bytes of data, u64 place in the file; then the name, then the data ('R': the new name).
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define FILES 4096
static char *names[FILES];
static int log_fd = -2;
static const char *below;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define REAL(result, name, ...) \
  static result (*real_##name)(__VA_ARGS__); \
  if (!real_##name) real_##name = (result(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

static void ready(void) {
  if (log_fd != -2) return;
  const char *path = getenv("CRASH_LOG");
  below = getenv("CRASH_BELOW");
  REAL(int, open64, const char *, int, ...);
  log_fd = path && below ? real_open64(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
}

static int ours(const char *path) { return below && path && strncmp(path, below, strlen(below)) == 0; }

/* The shared index of a log is no part of what must last. */
static int counts(const char *path) {
  size_t n = path ? strlen(path) : 0;
  return ours(path) && !(n > 4 && strcmp(path + n - 4, "-shm") == 0);
}

static void put(char what, const char *name, uint64_t at, const void *data, size_t length) {
  if (log_fd < 0) return;
  uint16_t name_length = (uint16_t)strlen(name);
  uint32_t data_length = (uint32_t)length;
  unsigned char head[16] = {(unsigned char)what, 0};
  memcpy(head + 2, &name_length, 2);
  memcpy(head + 4, &data_length, 4);
  memcpy(head + 8, &at, 8);
  struct iovec parts[3] = {{head, 16}, {(void *)name, name_length}, {(void *)data, length}};
  REAL(ssize_t, writev, int, const struct iovec *, int);
  if (real_writev(log_fd, parts, 3) != (ssize_t)(16 + name_length + length)) abort();
}

static void opened(int fd, const char *path, int flags) {
  if (fd < 0 || fd >= FILES) return;
  pthread_mutex_lock(&lock);
  ready();
  free(names[fd]);
  names[fd] = NULL;
  if (counts(path) && (flags & O_ACCMODE) != O_RDONLY) {
    names[fd] = strdup(path);
    put('O', path, 0, NULL, 0);
    if (flags & O_TRUNC) put('T', path, 0, NULL, 0);
  }
  pthread_mutex_unlock(&lock);
}

#define OPEN(name) \
  int name(const char *path, int flags, ...) { \
    va_list more; \
    va_start(more, flags); \
    mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(more, mode_t) : 0; \
    va_end(more); \
    REAL(int, name, const char *, int, ...); \
    int fd = real_##name(path, flags, mode); \
    opened(fd, path, flags); \
    return fd; \
  }
OPEN(open)
OPEN(open64)

#define OPENAT(name) \
  int name(int folder, const char *path, int flags, ...) { \
    va_list more; \
    va_start(more, flags); \
    mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(more, mode_t) : 0; \
    va_end(more); \
    REAL(int, name, int, const char *, int, ...); \
    int fd = real_##name(folder, path, flags, mode); \
    opened(fd, path, flags); \
    return fd; \
  }
OPENAT(openat)
OPENAT(openat64)

int close(int fd) {
  REAL(int, close, int);
  pthread_mutex_lock(&lock);
  if (fd >= 0 && fd < FILES) {
    free(names[fd]);
    names[fd] = NULL;
  }
  pthread_mutex_unlock(&lock);
  return real_close(fd);
}

/* Done and written down as one: the order of the log is the order of the writes. */
#define NOTED(fd, call, what, at, data, length) \
  if (fd < 0 || fd >= FILES || !names[fd]) return call; \
  pthread_mutex_lock(&lock); \
  ssize_t done = call; \
  if (done >= 0 && names[fd]) put(what, names[fd], at, data, length); \
  pthread_mutex_unlock(&lock); \
  return done

ssize_t write(int fd, const void *data, size_t length) {
  REAL(ssize_t, write, int, const void *, size_t);
  off_t at = fd >= 0 && fd < FILES && names[fd] ? lseek(fd, 0, SEEK_CUR) : 0;
  NOTED(fd, real_write(fd, data, length), 'W', (uint64_t)at, data, (size_t)done);
}
ssize_t pwrite(int fd, const void *data, size_t length, off_t at) {
  REAL(ssize_t, pwrite, int, const void *, size_t, off_t);
  NOTED(fd, real_pwrite(fd, data, length, at), 'W', (uint64_t)at, data, (size_t)done);
}
ssize_t pwrite64(int fd, const void *data, size_t length, off64_t at) {
  REAL(ssize_t, pwrite64, int, const void *, size_t, off64_t);
  NOTED(fd, real_pwrite64(fd, data, length, at), 'W', (uint64_t)at, data, (size_t)done);
}
int ftruncate(int fd, off_t length) {
  REAL(int, ftruncate, int, off_t);
  NOTED(fd, real_ftruncate(fd, length), 'T', (uint64_t)length, NULL, 0);
}
int ftruncate64(int fd, off64_t length) {
  REAL(int, ftruncate64, int, off64_t);
  NOTED(fd, real_ftruncate64(fd, length), 'T', (uint64_t)length, NULL, 0);
}
int fsync(int fd) {
  REAL(int, fsync, int);
  NOTED(fd, real_fsync(fd), 'S', 0, NULL, 0);
}
int fdatasync(int fd) {
  REAL(int, fdatasync, int);
  NOTED(fd, real_fdatasync(fd), 'S', 0, NULL, 0);
}

int unlink(const char *path) {
  REAL(int, unlink, const char *);
  pthread_mutex_lock(&lock);
  ready();
  int done = real_unlink(path);
  if (done == 0 && counts(path)) put('D', path, 0, NULL, 0);
  pthread_mutex_unlock(&lock);
  return done;
}
int rename(const char *from, const char *to) {
  REAL(int, rename, const char *, const char *);
  pthread_mutex_lock(&lock);
  ready();
  int done = real_rename(from, to);
  if (done == 0 && counts(from)) put('R', from, 0, to, strlen(to));
  pthread_mutex_unlock(&lock);
  return done;
}
