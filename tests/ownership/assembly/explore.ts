// The same with what the explorer needs, which looks at all of the memory and is not checked.
export * from "../../explore/assembly/module";
export { ownCopy, ownFault, ownFill, ownLoad, ownStore } from "../../../assembly/core/own";
