// The exports of a build with everything that applications' modules can be linked with (host/link/stack.ts).

export * from "./whole";
export { linked } from "./core/linked";
