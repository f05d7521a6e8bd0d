/* What zephyr/stint_zephyr.c takes of Zephyr 3.7, with the types of its kernel.h. */
#include <stddef.h>
#include <stdint.h>
typedef struct {
  int64_t ticks;
} k_timeout_t;
typedef void (*k_thread_entry_t)(void *, void *, void *);
typedef struct {
  char c;
} k_thread_stack_t;
typedef struct k_thread *k_tid_t;
struct k_thread {
  int unused;
};
struct k_sem {
  unsigned count, limit;
};
#define K_THREAD_STACK_DEFINE(name, size) k_thread_stack_t name[size]
#define K_THREAD_STACK_SIZEOF(name) sizeof(name)
#define K_SEM_DEFINE(name, initial, most) struct k_sem name = {initial, most}
#define K_FOREVER ((k_timeout_t){-1})
#define K_NO_WAIT ((k_timeout_t){0})
#define K_USEC(t) ((k_timeout_t){t})
uint64_t k_ticks_to_us_floor64(uint64_t t);
int64_t k_uptime_ticks(void);
int k_sem_take(struct k_sem *sem, k_timeout_t timeout);
void k_sem_give(struct k_sem *sem);
k_tid_t k_thread_create(struct k_thread *thread, k_thread_stack_t *stack, size_t size, k_thread_entry_t entry, void *p1,
                        void *p2, void *p3, int priority, uint32_t options, k_timeout_t delay);
