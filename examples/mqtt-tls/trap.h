/* What a stack does that is broken: the firmware ends (main.c). */
_Noreturn void stack_broke(void);
#define STINT_TRAP(why) stack_broke()
