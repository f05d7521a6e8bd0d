/* Where a stack goes that is broken (stint_config.h). */
_Noreturn void program_trap(const char *why);
#define STINT_TRAP program_trap
