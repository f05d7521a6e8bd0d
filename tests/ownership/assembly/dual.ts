// The small build with both families, with what tools/ownership.mjs has every access of it call.
export * from "../../../assembly/dual";
export { ownCopy, ownFault, ownFill, ownLoad, ownStore } from "../../../assembly/core/own";
