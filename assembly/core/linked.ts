// Whether the module is a part of an application's, and its memory the application's.

/**
 * 1 in a module that `stint link --fast` makes of this one (host/link/stack.ts): the arena has to be the application's.
 * Exported, so that a compiler does not take it for a constant.
 */
export let linked: i32 = 0;
