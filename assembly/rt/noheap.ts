// A runtime without a heap: compiling any of these functions is an error, so code that allocates does not build.
// They are `@global`, not exported: an exported function is always compiled, and would always fail.

// @ts-ignore: decorator
@global @unsafe
function __new(size: usize, id: u32): usize {
  ERROR("stint has no heap: nothing may be allocated");
  return 0;
}

// @ts-ignore: decorator
@global @unsafe
function __renew(ptr: usize, size: usize): usize {
  ERROR("stint has no heap: nothing may be reallocated");
  return 0;
}

// @ts-ignore: decorator
@global @unsafe
function __link(parent: usize, child: usize, expectMultiple: bool): void {
  ERROR("stint has no heap: managed references cannot be stored");
}

// @ts-ignore: decorator
@global @unsafe
function __pin(ptr: usize): usize {
  ERROR("stint has no heap: nothing can be pinned");
  return 0;
}

// @ts-ignore: decorator
@global @unsafe
function __unpin(ptr: usize): void {
  ERROR("stint has no heap: nothing can be pinned");
}

// @ts-ignore: decorator
@global @unsafe
function __collect(): void {
  ERROR("stint has no heap: nothing is collected");
}

// @ts-ignore: decorator
@global @unsafe
function __visit(ptr: usize, cookie: u32): void {
  ERROR("stint has no heap: nothing is traced");
}
