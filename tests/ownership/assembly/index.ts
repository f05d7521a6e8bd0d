// The stack as it is, with what tools/ownership.mjs has every access of it call.
export * from "../../../assembly/whole";
export { ownCopy, ownFault, ownFill, ownLoad, ownStore } from "../../../assembly/core/own";
