// The small build, with what tools/ownership.mjs has every access of it call.
export * from "../../../assembly/index";
export { ownCopy, ownFault, ownFill, ownLoad, ownStore } from "../../../assembly/core/own";
